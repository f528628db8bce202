//! What is learnt, and what speaks for it.

use maud::{Markup, html};

use super::Context;
use crate::{
    dashboard::{
        parts::{Frame, Live, Mark, Place, framed, heading, time},
        text::{Foreign, count},
    },
    fold::{Learning, LessonStanding},
};

pub(in crate::dashboard) fn learning(context: Context<'_>, view: &Learning) -> Markup {
    let frame = Frame {
        title: "Learning",
        place: Some(Place::Learning),
        live: Some(Live {
            events: "/api/events".to_owned(),
            is_running: false,
        }),
        is_file: false,
        now: context.now,
    };
    html! {
        (framed(&frame, &html! {
            h1 { "Learning" }
            @if view.lessons.is_empty() {
                div class="sheet" { div class="empty" { strong { "No lessons yet" } p { "Failures and reviews of runs suggest lessons. They are tried on a random share of tasks, and served once the evidence is there." } } }
            } @else {
                (lessons(context, &view.lessons))
            }
            @if !view.arms.is_empty() {
                section aria-label="Chance" {
                    (heading("What chance decided", &html! { "prompts of all runs" }, &html! {}))
                    div class="sheet scroll" {
                        table {
                            thead { tr { th scope="col" { "Arm" } th scope="col" class="number" { "Prompts" } } }
                            tbody { @for arm in &view.arms { tr { th scope="row" { (Foreign(&arm.arm)) } td class="number" { (count(arm.prompts)) } } } }
                        }
                    }
                }
            }
        }))
    }
}

fn lessons(context: Context<'_>, lessons: &[LessonStanding]) -> Markup {
    html! {
        section aria-label="Lessons" {
            (heading("Lessons", &html! { (count(lessons.len() as u64)) }, &html! {}))
            div class="sheet scroll" {
                table {
                    thead { tr {
                        th scope="col" { "Lesson" } th scope="col" { "Standing" } th scope="col" class="number" { "Tasks with, without" }
                        th scope="col" class="number" { "Effect" } th scope="col" { "Evidence" } th scope="col" class="number" { "Found" }
                    } }
                    tbody {
                        @for lesson in lessons {
                            tr {
                                th scope="row" class="wide" {
                                    span class="main" { (Foreign(&lesson.text)) }
                                    span class="sub" { (Foreign(&lesson.id)) " · " (Foreign(&lesson.kind)) @if let Some(repository) = &lesson.repository { " · " (Foreign(repository)) } }
                                }
                                td { (Mark::lesson(&lesson.status).status()) @if lesson.needs_approval { span class="sub person" { "waits for a person" } } }
                                td class="number" { (count(lesson.treated)) ", " (count(lesson.control)) }
                                td class="number" { @match lesson.effect { Some(effect) => (format!("{:+.0} %", effect * 100.0)), None => span class="quiet" { "not yet known" } } }
                                td { (Foreign(&lesson.evidence)) }
                                td class="number" { (time(context.now, lesson.created)) }
                            }
                        }
                    }
                }
            }
        }
    }
}
