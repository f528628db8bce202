//! A task: why it is where it is, its attempts, and what its agent was told, said and changed.

mod diff;

use core_types::{RunId, TaskStatus};
use maud::{Markup, html};

use self::diff::diff;
use super::{
    Context,
    run::{Log, actions, log_list, recoveries, word_waits},
};
use crate::{
    dashboard::{
        Control,
        parts::{
            Frame, Icon, Links, Live, Mark, Rows, Tone, command_line, crumbs, framed, gantt,
            heading, icon, time, title_or_id,
        },
        text::{self, Foreign, clock, count, duration, money, short_commit},
    },
    fold::{AttemptView, Call, Header, Prompt, Reason, RunState, TaskView, Timeline},
};

/// What the page of a task shows.
#[derive(Debug)]
pub(in crate::dashboard) struct TaskPage<'a> {
    pub(in crate::dashboard) header: &'a Header,
    /// The run's last event, where a person has told it something since.
    pub(in crate::dashboard) told: Option<u64>,
    pub(in crate::dashboard) timeline: &'a Timeline,
    pub(in crate::dashboard) view: &'a TaskView,
    pub(in crate::dashboard) log: Option<Log>,
    /// What the last attempt's agent was told; `None` where it is not kept.
    pub(in crate::dashboard) prompt: Option<Prompt>,
    /// What the last attempt changed; `None` where there is no commit.
    pub(in crate::dashboard) diff: Option<String>,
}

pub(in crate::dashboard) fn task(context: Context<'_>, page: &TaskPage<'_>) -> Markup {
    let (header, view) = (page.header, page.view);
    let row = &view.row;
    let title = title_or_id(&row.title, row.task.as_str());
    let frame = Frame {
        title,
        place: None,
        live: Some(Live {
            events: format!("/api/runs/{}/events", header.run),
            is_running: header.state == RunState::Running,
        }),
        is_file: false,
        now: context.now,
    };
    let run_title = title_or_id(&header.title, header.run.as_str());
    framed(
        &frame,
        &html! {
            header {
                (crumbs(&[("/".to_owned(), "Overview".to_owned()), (format!("/runs/{}", header.run), run_title.to_owned())], row.task.as_str()))
                div class="title" {
                    h1 { (Foreign(title)) }
                    (Mark::task(row.status).chip())
                    @if row.is_critical { span class="crit" { "on the critical path" } }
                }
                (facts(context, page))
            }
            (reasons(view))
            @if page.told.is_some() { (word_waits(header)) }
            (hand_over(context, header, view))
            @if !view.lane.segments.is_empty() { (timeline(page)) }
            (attempts(view))
            @if let Some(log) = &page.log {
                section id="log" aria-label="Log" { (heading("Log", &html! {}, &html! {})) div class="sheet" { (log_list(&header.run, log)) } }
            }
            (prompt(page.prompt.as_ref()))
            (changes(page.diff.as_deref()))
        },
    )
}

fn facts(context: Context<'_>, page: &TaskPage<'_>) -> Markup {
    let row = &page.view.row;
    let run = &page.header.run;
    html! {
        dl class="facts" {
            div { dt { "Task" } dd class="mono" { (row.task) } }
            @if let Some(repository) = &row.repository { div { dt { "Repository" } dd { (repository) } } }
            @if row.attempt > 0 { div { dt { "Attempt" } dd { (row.attempt) } } }
            @if let Some(since) = row.since { div { dt { (row.status) } dd { (time(context.now, since)) } } }
            div { dt { "Ran" } dd { (duration(row.running_ms)) @if let Some(estimate) = row.estimate_ms { span class="quiet" { " of about " (duration(estimate)) } } } }
            @if !row.is_critical { div { dt { "Slack" } dd { (duration(row.slack_ms)) } } }
            div { dt { "Spent" } dd { (money(row.cost)) span class="quiet" { ", " (text::tokens(row.tokens)) " tokens" } } }
        }
        @if !row.dependencies.is_empty() || !page.view.dependents.is_empty() {
            dl class="facts" {
                @if !row.dependencies.is_empty() { div { dt { "Needs" } dd { (links(run, &row.dependencies)) } } }
                @if !page.view.dependents.is_empty() { div { dt { "Needed by" } dd { (links(run, &page.view.dependents)) } } }
            }
        }
    }
}

/// So many names are listed in a line.
const MAX_NAMES: usize = 20;

fn links(run: &RunId, tasks: &[core_types::TaskId]) -> Markup {
    html! {
        @for (index, task) in tasks.iter().take(MAX_NAMES).enumerate() {
            @if index > 0 { ", " }
            a href={ "/runs/" (run) "/tasks/" (task) } { (task) }
        }
        @if tasks.len() > MAX_NAMES { " and " (tasks.len() - MAX_NAMES) " more" }
    }
}

/// Why it is not running; nothing for one that runs or ended well.
fn reasons(view: &TaskView) -> Markup {
    let status = view.row.status;
    if view.explanation.reasons.is_empty() || status.is_good() {
        return html! {};
    }
    html! {
        section aria-label="Why it is not running" {
            (heading(if status.has_ended() { "Why it ended so" } else { "Why it is not running" }, &html! {}, &html! {}))
            ul class="sheet reasons" {
                @for reason in &view.explanation.reasons {
                    @let (tone, shape) = reason_mark(reason);
                    li { span class=(tone.class()) { (icon(shape)) } span { (Foreign(&super::run::capital(&reason.to_string()))) "." } }
                }
            }
            @if let Some(failure) = view.row.failure.as_ref().filter(|failure| !failure.detail.is_empty()) {
                h3 class="over" { "What it printed last" } pre class="sheet text" tabindex="0" { (Foreign(&failure.detail)) }
            }
        }
    }
}

fn reason_mark(reason: &Reason) -> (Tone, Icon) {
    match reason {
        Reason::Ended { status, .. } => {
            let mark = Mark::task(*status);
            (mark.tone, mark.icon)
        }
        Reason::RunEnded { state } => {
            let mark = Mark::run(*state);
            (mark.tone, mark.icon)
        }
        Reason::NotHeld { .. } => (Tone::Idle, Icon::Pause),
        Reason::Stage { .. } => (Tone::Idle, Icon::Ring),
        Reason::Gate { .. } | Reason::Person { .. } => (Tone::Person, Icon::Hand),
        Reason::Dependency { status, .. } => {
            let mark = Mark::task(*status);
            (mark.tone, mark.icon)
        }
        Reason::Repository { .. } => (Tone::Idle, Icon::Ring),
        Reason::NoFreeSlot { .. } => (Tone::Idle, Icon::Queue),
        Reason::Starting => (Tone::Live, Icon::Turning),
        Reason::Backoff { .. } => (Tone::Person, Icon::Clock),
        Reason::Parked { .. } => (Tone::Idle, Icon::Pause),
        Reason::Budget { .. } => (Tone::Person, Icon::Coin),
    }
}

/// What a person can say to a task that failed: also where its run has ended with that, and goes on then.
fn hand_over(context: Context<'_>, header: &Header, view: &TaskView) -> Markup {
    let row = &view.row;
    let is_over = matches!(header.state, RunState::Done | RunState::Aborted);
    if is_over || !row.status.has_failed() {
        return html! {};
    }
    let path = |word: &str| format!("/runs/{}/tasks/{}/{word}", header.run, row.task);
    html! {
        section class="call" aria-label="What to do" {
            h2 { span class="person" { (icon(Icon::Hand)) } "This task was handed to a person" }
            @if context.control == Control::ReadOnly {
                (command_line(&format!("automation answer {} TEXT --run {}", row.task, header.run)))
            } @else {
                div class="actions" {
                    (actions(context, &path("answer"), &html! {
                        label { "What the agent should know" textarea name="text" required {} }
                        button class="first" { "Answer and try again" }
                    }))
                    (actions(context, &path("retry"), &html! { button { "Try again as it is" } }))
                    (actions(context, &path("skip"), &html! { button class="danger" { "Go on without it" } }))
                }
            }
        }
    }
}

fn timeline(page: &TaskPage<'_>) -> Markup {
    html! {
        section id="timeline" aria-label="Timeline" {
            (heading("Timeline", &html! {}, &html! { "UTC" }))
            div class="sheet" { (gantt(page.timeline, &Rows { links: Links::Run(&page.header.run), rows: &[&page.view.row], max_workers: 0 })) }
        }
    }
}

fn attempts(view: &TaskView) -> Markup {
    html! {
        section id="attempts" aria-label="Attempts" {
            (heading("Attempts", &html! { @if view.attempts.is_empty() { "none yet" } @else { (view.attempts.len()) } }, &html! {}))
            @for attempt in view.attempts.iter().rev() { (attempt_sheet(attempt)) }
        }
    }
}

fn attempt_sheet(attempt: &AttemptView) -> Markup {
    html! {
        div class="sheet attempt" {
            div class="pad" {
                h3 { "Attempt " (attempt.attempt) " " (Mark::task(attempt.status).status()) }
                dl class="facts" {
                    @if let Some(at) = attempt.started { div { dt { "Began" } dd { (clock(at)) } } }
                    @if let (Some(from), Some(to)) = (attempt.started, attempt.ended) {
                        div { dt { "Took" } dd { (duration(to.since(from).as_millis().try_into().unwrap_or(u64::MAX))) } }
                    }
                    @if attempt.executions > 1 { div { dt { "Begun" } dd { (attempt.executions) " times, after kills" } } }
                    @if let Some(commit) = &attempt.commit { div { dt { "Left" } dd { (count(attempt.files as u64)) @if attempt.files == 1 { " file in " } @else { " files in " } span class="mono" { (short_commit(commit)) } } } }
                    @if let Some(commit) = &attempt.merged { div { dt { "Merged as" } dd class="mono" { (short_commit(commit)) } } }
                    @for served in &attempt.lessons { div { dt { "Lessons" } dd { (served.lessons.len()) ", arm " (Foreign(&served.arm)) } } }
                }
                @if let Some(failure) = &attempt.failure { p class="bad" { (Foreign(&failure.message)) } }
            }
            @if !attempt.calls.is_empty() || !attempt.commands.is_empty() { div class="scroll" { (work(attempt)) } }
            @if !attempt.recoveries.is_empty() { div class="scroll" { (recoveries(&attempt.recoveries)) } }
        }
    }
}

fn work(attempt: &AttemptView) -> Markup {
    html! {
        table {
            thead { tr {
                th scope="col" { "Work" } th scope="col" { "Result" } th scope="col" class="number" { "Took" }
                th scope="col" class="number" { "In" } th scope="col" class="number" { "Cached" } th scope="col" class="number" { "Out" } th scope="col" class="number" { "Spent" }
            } }
            tbody {
                @for call in &attempt.calls { (call_row(call)) }
                @for command in &attempt.commands {
                    tr {
                        th scope="row" { (Foreign(&command.purpose)) " command" span class="sub" { (command.repository) } }
                        td { (Mark::passed(command.passed).status()) }
                        td class="number" { (duration(command.duration_ms)) }
                        td class="number" colspan="4" {}
                    }
                }
            }
        }
    }
}

fn call_row(call: &Call) -> Markup {
    let usage = &call.usage;
    html! {
        tr {
            th scope="row" {
                (Foreign(if call.agent.is_empty() { &call.step } else { &call.agent }))
                span class="sub" { (Foreign(&call.step)) @if !call.model.is_empty() { " · " (Foreign(&call.model)) } @if call.execution > 1 { " · execution " (call.execution) } }
            }
            td { @if call.duration_ms.is_some() { span class="quiet" { "ended" } } @else { (Mark::task(TaskStatus::Running).status()) } }
            td class="number" { @if let Some(millis) = call.duration_ms { (duration(millis)) } @else { "–" } }
            td class="number" { (text::tokens(usage.input)) }
            td class="number" { (text::tokens(usage.cache_read)) }
            td class="number" { (text::tokens(usage.output)) }
            td class="number" { @match call.spent { Some(spent) => (money(spent)), None if call.reserved.pico() > 0 => { (money(call.reserved)) span class="sub" { "set aside" } }, None => "–" } }
        }
    }
}

fn prompt(prompt: Option<&Prompt>) -> Markup {
    html! {
        section id="prompt" aria-label="Prompt" {
            (heading("Prompt", &html! {
                "what the last attempt’s agent was told"
                @if let Some(template) = prompt.and_then(|it| it.template.as_deref()) {
                    ", by the template " (Foreign(template))
                }
            }, &html! {}))
            @match prompt {
                Some(prompt) => div class="sheet" {
                    details {
                        summary class="plain" { "Show " (count(prompt.request.lines().count() as u64)) " lines" }
                        pre class="text" tabindex="0" { (Foreign(&prompt.request)) }
                    }
                },
                None => div class="sheet" { div class="empty" { "Nothing is kept of it." } },
            }
        }
    }
}

fn changes(changes: Option<&str>) -> Markup {
    html! {
        section id="changes" aria-label="Changes" {
            @match changes {
                Some(text) if !text.is_empty() => (diff(text)),
                Some(_) => { (heading("Changes", &html! {}, &html! {})) div class="sheet" { div class="empty" { "It changed nothing." } } },
                None => { (heading("Changes", &html! {}, &html! {})) div class="sheet" { div class="empty" { "There is no commit to show." } } },
            }
        }
    }
}
