//! The top of a run's page: where it stands, and what a person can do.

use core_types::{Gate, Stage};
use maud::{Markup, html};

use crate::{
    dashboard::{
        Control,
        pages::Context,
        parts::{
            Icon, Links, Mark, Tone, command_line, crumbs, icon, limit_bar, parts_bar, time,
            title_or_id,
        },
        text::{self, Foreign, clock_of_day, duration, money},
    },
    fold::{Header, RunState, RunView, TaskRow},
};

pub(in crate::dashboard::pages) fn head(
    context: Context<'_>,
    view: &RunView,
    title: &str,
    links: Links<'_>,
) -> Markup {
    let header = &view.header;
    html! {
        header {
            @if !links.is_file() { (crumbs(&[("/".to_owned(), "Overview".to_owned())], header.run.as_str())) }
            div class="title" {
                h1 { (Foreign(title)) }
                (Mark::run(header.state).chip())
            }
            (facts(context, header))
            (figures(view))
            (stages(header))
        }
        (call(context, view, links))
    }
}

fn facts(context: Context<'_>, header: &Header) -> Markup {
    html! {
        dl class="facts" {
            div { dt { "Run" } dd class="mono" { (header.run) } }
            @if let Some(plan) = &header.plan { @if plan.as_str() != header.run.as_str() { div { dt { "Plan" } dd class="mono" { (plan) } } } }
            @if let Some(at) = header.started { div { dt { "Began" } dd { (time(context.now, at)) } } }
            @if let Some(at) = header.stopped { div { dt { "Stopped" } dd { (time(context.now, at)) } } }
            @if header.sessions > 1 { div { dt { "Sessions" } dd { (header.sessions) } } }
            @if header.max_workers > 0 { div { dt { "Worker slots" } dd { (header.max_workers) } } }
            @if let Some(code) = header.exit_code { div { dt { "Exit code" } dd { (code) } } }
        }
    }
}

fn figures(view: &RunView) -> Markup {
    let (header, spend) = (&view.header, &view.spend);
    let counts = &header.counts;
    html! {
        dl class="figures" {
            div {
                dt { "Tasks ended" }
                dd class="value" { (text::count(counts.ended() as u64)) " " small { "of " (text::count(counts.total as u64)) } }
                dd class="note" { (parts_bar(counts)) }
            }
            div {
                dt { "Elapsed" }
                dd class="value" { (duration(header.elapsed_ms)) }
                dd class="note" { "while a process held the run" }
            }
            div {
                @if header.state.has_ended() {
                    dt { "Ended" }
                    dd class="value" { @if let Some(at) = header.stopped { (clock_of_day(at)) " " small { "UTC" } } @else { "–" } }
                    dd class="note" { @if let Some(at) = header.stopped { (text::day(at)) } }
                } @else {
                    dt { "Ends about" }
                    @if let Some(eta) = &header.eta {
                        dd class="value" { (clock_of_day(eta.at)) " " small { "UTC" } }
                        dd class="note" {
                            "between " (clock_of_day(eta.earliest)) " and " (clock_of_day(eta.latest)) ", "
                            @match eta.samples { 0 => "by the plan’s estimates", 1 => "from 1 ended task", n => { "from " (n) " ended tasks" } }
                        }
                    } @else {
                        dd class="value" { "–" }
                        dd class="note" { "not known yet" }
                    }
                }
            }
            div {
                dt { "Spent" }
                dd class="value" { (money(spend.spent)) @if let Some(limit) = spend.limit { " " small { "of " (money(limit)) } } }
                dd class="note" {
                    (limit_bar(spend.spent, spend.reserved, spend.limit))
                    @if spend.reserved.pico() > 0 { (money(spend.reserved)) " set aside, " }
                    (text::tokens(spend.usage.total())) " tokens"
                }
            }
        }
    }
}

fn stages(header: &Header) -> Markup {
    let at = header.stage;
    let now = match header.state {
        RunState::Running => "now",
        RunState::Failed | RunState::Partial => "broken",
        RunState::Waiting | RunState::Paused | RunState::Aborted => "stuck",
        RunState::Done => "past",
    };
    html! {
        ol class="stages" aria-label="Stages" {
            @for stage in Stage::ALL {
                @let (class, word) = match at {
                    Some(at) if stage < at => ("past", "done"),
                    Some(at) if stage == at => (now, Mark::run(header.state).word),
                    _ if header.state.has_ended() => ("", "not reached"),
                    _ => ("", "to come"),
                };
                li class=(class) aria-current=[(at == Some(stage)).then_some("step")] {
                    (capital(stage.as_str()).replace("mentation", "men\u{ad}tation"))
                    span class="sub" { (word) }
                }
            }
        }
    }
}

pub(in crate::dashboard::pages) fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

/// What the run waits for or ended with, and what to do.
fn call(context: Context<'_>, view: &RunView, links: Links<'_>) -> Markup {
    let header = &view.header;
    let run = &header.run;
    let (tone, shape, what, line) = match (header.state, &header.gate) {
        (RunState::Waiting, Some(gate)) => (
            "",
            Icon::Hand,
            format!("Waits for approval at the gate {gate}"),
            Some(format!("automation approve {run}")),
        ),
        (RunState::Waiting, None) => ("", Icon::Hand, "Waits for a person".to_owned(), None),
        (RunState::Paused, _) => (
            " idle",
            Icon::Pause,
            "Paused: no process holds the run".to_owned(),
            Some(format!("automation resume {run}")),
        ),
        (RunState::Failed, _) => (" bad", Icon::Cross, "Ended with a failure".to_owned(), None),
        (RunState::Partial, _) => ("", Icon::Half, "Landed in part".to_owned(), None),
        (RunState::Aborted, _) => (" idle", Icon::Slash, "Given up".to_owned(), None),
        (RunState::Running | RunState::Done, _) => return actions_of_run(context, header, links),
    };
    let icon_tone = match tone {
        " bad" => Tone::Bad,
        " idle" => Tone::Idle,
        _ => Tone::Person,
    };
    html! {
        section class={ "call" (tone) } aria-label="What to do" {
            h2 { span class=(icon_tone.class()) { (icon(shape)) } (Foreign(&what)) }
            @if !header.reason.is_empty() { p { (Foreign(&header.reason)) } }
            @if header.state == RunState::Failed { (failed_tasks(view, links)) }
            @if let Some(line) = line { (command_line(&line)) }
            (actions_of_run(context, header, links))
        }
    }
}

/// What a run failed for, and how the first of it is tried once more.
fn failed_tasks(view: &RunView, links: Links<'_>) -> Markup {
    let is_failed = |row: &&TaskRow| Mark::task(row.status).tone == Tone::Bad;
    let failed: Vec<&TaskRow> = view.tasks.iter().filter(is_failed).collect();
    let Some(first) = failed.first() else {
        return html! {};
    };
    html! {
        p {
            "What failed: "
            @for (index, row) in failed.iter().take(MAX_FAILED).enumerate() {
                @if index > 0 { ", " }
                a href=[links.task(&row.task)] { (Foreign(title_or_id(&row.title, row.task.as_str()))) }
            }
            @if failed.len() > MAX_FAILED { " and " (failed.len() - MAX_FAILED) " more" }
        }
        (command_line(&format!("automation retry {} --run {}", first.task, view.header.run)))
    }
}

/// So many are named; the list of tasks has them all.
const MAX_FAILED: usize = 4;

fn actions_of_run(context: Context<'_>, header: &Header, links: Links<'_>) -> Markup {
    if context.control == Control::ReadOnly || links.is_file() || header.state.has_ended() {
        return html! {};
    }
    let gate = header.gate.as_deref().filter(|gate| {
        [Gate::Plan, Gate::Landing, Gate::Deploy]
            .iter()
            .any(|it| it.as_str() == *gate)
    });
    let run = &header.run;
    html! {
        @if let Some(gate) = gate {
            div class="actions" {
                (actions(context, &format!("/runs/{run}/approve"), &html! {
                    input type="hidden" name="gate" value=(gate);
                    button class="first" { "Approve " (gate) }
                }))
            }
        }
        details id="act" class="act" {
            summary { "Change this run" }
            div class="actions" {
                (actions(context, &format!("/runs/{run}/raise"), &html! {
                    label { "New budget in USD" input name="limit" inputmode="decimal" required pattern="[0-9]+([.][0-9]+)?" size="8"; }
                    button { "Raise the budget" }
                }))
                (actions(context, &format!("/runs/{run}/cancel"), &html! {
                    button class="danger" { "Give the run up" }
                    span class="quiet" { "Its pull requests are closed; nothing of it lands any more." }
                }))
            }
        }
    }
}

/// What was told to a run that no process holds.
pub(in crate::dashboard::pages) fn word_waits(header: &Header) -> Markup {
    html! {
        section class="call idle" aria-label="What you said" role="status" {
            h2 { span class=(Tone::Idle.class()) { (icon(Icon::Pause)) } "Your word is kept, and no process holds the run" }
            p { "The run takes it up as soon as somebody goes on with it:" }
            (command_line(&format!("automation resume {}", header.run)))
        }
    }
}

/// A form that tells a run something.
pub(in crate::dashboard::pages) fn actions(
    context: Context<'_>,
    path: &str,
    content: &Markup,
) -> Markup {
    html! {
        form method="post" action=(path) {
            input type="hidden" name="token" value=(context.form_token);
            (content)
        }
    }
}
