//! States as people see them: an icon, a word, and a colour that only repeats what they say.

use core_types::{MemberState, TaskStatus};
use maud::{Markup, html};

use crate::fold::{AttentionKind, RunState, TaskCounts};

/// What a state means to who looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::dashboard) enum Tone {
    /// It goes on.
    Live,
    /// It went well.
    Good,
    /// It went wrong.
    Bad,
    /// A person is needed.
    Person,
    /// It is repaired.
    Repair,
    /// Nothing happens.
    Idle,
}

impl Tone {
    pub(in crate::dashboard) const fn class(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Good => "good",
            Self::Bad => "bad",
            Self::Person => "person",
            Self::Repair => "repair",
            Self::Idle => "idle",
        }
    }

    pub(in crate::dashboard) const fn fill(self) -> &'static str {
        match self {
            Self::Live => "fill-live",
            Self::Good => "fill-good",
            Self::Bad => "fill-bad",
            Self::Person => "fill-person",
            Self::Repair => "fill-repair",
            Self::Idle => "fill-idle",
        }
    }
}

/// Shapes that differ without their colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::dashboard) enum Icon {
    Check,
    Cross,
    Turning,
    Ring,
    Queue,
    Pause,
    Hand,
    Half,
    Slash,
    Same,
    Clock,
    Skip,
    Alarm,
    Wrench,
    Coin,
}

/// An icon beside the word that says the same; hidden from screen readers.
pub(in crate::dashboard) fn icon(icon: Icon) -> Markup {
    html! {
        svg class="icon" viewBox="0 0 16 16" aria-hidden="true" {
            @match icon {
                Icon::Check => path d="M3.2 8.6l3.2 3.2 6.4-7" {}
                Icon::Cross => path d="M4 4l8 8M12 4l-8 8" {}
                Icon::Turning => { path class="turn" d="M13.5 8A5.5 5.5 0 1 1 8 2.5" {} circle class="full" cx="8" cy="8" r="2" {} }
                Icon::Ring => circle cx="8" cy="8" r="5" stroke-dasharray="2.4 2.83" {}
                Icon::Queue => path d="M3 4.5h10M3 8h10M3 11.5h6" {}
                Icon::Pause => path d="M5.6 3.5v9M10.4 3.5v9" {}
                Icon::Hand => { circle cx="8" cy="5" r="2.5" {} path d="M3 13.5c.4-3 2.3-4.5 5-4.5s4.6 1.5 5 4.5" {} }
                Icon::Half => { circle cx="8" cy="8" r="5.5" {} path class="full" d="M8 2.5a5.5 5.5 0 0 1 0 11z" {} }
                Icon::Slash => { circle cx="8" cy="8" r="5.5" {} path d="M4.2 11.8l7.6-7.6" {} }
                Icon::Same => path d="M3 6h10M3 10h10" {}
                Icon::Clock => { circle cx="8" cy="8" r="5.5" {} path d="M8 4.8V8l2.2 1.6" {} }
                Icon::Skip => path d="M3 4l5 4-5 4M8.5 4l5 4-5 4" {}
                Icon::Alarm => { path d="M8 2.2l6.3 11.2H1.7z" {} path d="M8 6.5v3M8 11.6v.1" {} }
                Icon::Wrench => path d="M13.2 4.2a3.6 3.6 0 0 1-4.7 4.7L4.3 13.1 2.9 11.7l4.2-4.2a3.6 3.6 0 0 1 4.7-4.7L9.8 4.8l1.4 1.4z" {}
                Icon::Coin => { circle cx="8" cy="8" r="5.5" {} path d="M10 6c-.3-.8-1-1.2-2-1.2s-2 .5-2 1.5c0 2.2 4 1.1 4 3.4 0 1-1 1.5-2 1.5s-1.8-.4-2-1.2M8 3.8v1M8 11.2v1" {} }
            }
        }
    }
}

/// A state: how it is meant, its shape, its word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::dashboard) struct Mark {
    pub(in crate::dashboard) tone: Tone,
    pub(in crate::dashboard) icon: Icon,
    pub(in crate::dashboard) word: &'static str,
}

impl Mark {
    const fn new(tone: Tone, icon: Icon, word: &'static str) -> Self {
        Self { tone, icon, word }
    }

    pub(in crate::dashboard) const fn task(status: TaskStatus) -> Self {
        let (tone, icon) = match status {
            TaskStatus::Waiting => (Tone::Idle, Icon::Ring),
            TaskStatus::Ready => (Tone::Idle, Icon::Queue),
            TaskStatus::Running => (Tone::Live, Icon::Turning),
            TaskStatus::Succeeded => (Tone::Good, Icon::Check),
            TaskStatus::Unchanged => (Tone::Good, Icon::Same),
            TaskStatus::Failed => (Tone::Bad, Icon::Cross),
            TaskStatus::TimedOut => (Tone::Bad, Icon::Clock),
            TaskStatus::Skipped => (Tone::Idle, Icon::Skip),
            TaskStatus::Cancelled => (Tone::Idle, Icon::Slash),
            TaskStatus::Panicked => (Tone::Bad, Icon::Alarm),
        };
        Self::new(tone, icon, status.as_str())
    }

    pub(in crate::dashboard) const fn run(state: RunState) -> Self {
        let (tone, icon) = match state {
            RunState::Running => (Tone::Live, Icon::Turning),
            RunState::Paused => (Tone::Idle, Icon::Pause),
            RunState::Waiting => (Tone::Person, Icon::Hand),
            RunState::Done => (Tone::Good, Icon::Check),
            RunState::Failed => (Tone::Bad, Icon::Cross),
            RunState::Partial => (Tone::Person, Icon::Half),
            RunState::Aborted => (Tone::Idle, Icon::Slash),
        };
        Self::new(tone, icon, state.as_str())
    }

    pub(in crate::dashboard) const fn member(state: &MemberState) -> Self {
        let (tone, icon) = match state {
            MemberState::Waiting { .. } => (Tone::Idle, Icon::Ring),
            MemberState::Running => (Tone::Live, Icon::Turning),
            MemberState::Succeeded | MemberState::Completed | MemberState::Landed => {
                (Tone::Good, Icon::Check)
            }
            MemberState::Unchanged => (Tone::Good, Icon::Same),
            MemberState::Failed { .. } => (Tone::Bad, Icon::Cross),
            MemberState::Skipped { .. } => (Tone::Idle, Icon::Skip),
            // The enum may grow: its word still says what it is.
            _ => (Tone::Idle, Icon::Ring),
        };
        Self::new(tone, icon, state.as_str())
    }

    /// How a repair ended; empty for one that goes on.
    pub(in crate::dashboard) fn repair(outcome: &str) -> Self {
        match outcome {
            "" => Self::new(Tone::Repair, Icon::Turning, "under way"),
            "repaired" => Self::new(Tone::Good, Icon::Check, "repaired"),
            "retry" => Self::new(Tone::Person, Icon::Clock, "tried again"),
            "park" => Self::new(Tone::Idle, Icon::Pause, "parked"),
            "refused" => Self::new(Tone::Bad, Icon::Slash, "refused"),
            "handed_off" => Self::new(Tone::Person, Icon::Hand, "handed off"),
            "failed" => Self::new(Tone::Bad, Icon::Cross, "failed"),
            _ => Self::new(Tone::Idle, Icon::Ring, "ended"),
        }
    }

    /// How far the evidence for a lesson is.
    pub(in crate::dashboard) fn lesson(status: &str) -> Self {
        match status {
            "promoted" => Self::new(Tone::Good, Icon::Check, "promoted"),
            "trial" => Self::new(Tone::Live, Icon::Half, "on trial"),
            "retired" => Self::new(Tone::Idle, Icon::Slash, "retired"),
            "refused" => Self::new(Tone::Bad, Icon::Cross, "refused"),
            _ => Self::new(Tone::Idle, Icon::Ring, "candidate"),
        }
    }

    /// What needs a person, and what it is called.
    pub(in crate::dashboard) const fn attention(kind: &AttentionKind) -> Self {
        match kind {
            AttentionKind::Gate(_) => Self::new(Tone::Person, Icon::Hand, "waits for approval"),
            AttentionKind::Budget => Self::new(Tone::Person, Icon::Coin, "budget used up"),
            AttentionKind::Person => Self::new(Tone::Person, Icon::Hand, "waits for a person"),
            AttentionKind::HandedOff => Self::new(Tone::Person, Icon::Wrench, "task handed off"),
            AttentionKind::Killed => Self::new(Tone::Idle, Icon::Pause, "killed, can be resumed"),
            AttentionKind::Stopped => Self::new(Tone::Bad, Icon::Pause, "stopped by an error"),
            AttentionKind::Unreadable => Self::new(Tone::Bad, Icon::Cross, "cannot be read"),
            AttentionKind::Failed => Self::new(Tone::Bad, Icon::Cross, "failed"),
            AttentionKind::Partial => Self::new(Tone::Person, Icon::Half, "landed in part"),
        }
    }

    pub(in crate::dashboard) const fn passed(passed: bool) -> Self {
        if passed {
            Self::new(Tone::Good, Icon::Check, "passed")
        } else {
            Self::new(Tone::Bad, Icon::Cross, "failed")
        }
    }

    /// In a line of text or a table.
    pub(in crate::dashboard) fn status(self) -> Markup {
        html! {
            span class={ "status " (self.tone.class()) } { (icon(self.icon)) (self.word) }
        }
    }

    /// Beside a title.
    pub(in crate::dashboard) fn chip(self) -> Markup {
        html! {
            span class={ "chip " (self.tone.class()) } { (icon(self.icon)) (self.word) }
        }
    }
}

/// The parts of a run's tasks in the order in which bars and legends show them.
pub(super) fn parts(counts: &TaskCounts) -> [(&'static str, Option<Tone>, usize); 5] {
    [
        (
            "done",
            Some(Tone::Good),
            counts.succeeded + counts.unchanged,
        ),
        ("failed", Some(Tone::Bad), counts.failed),
        ("running", Some(Tone::Live), counts.running),
        (
            "skipped or cancelled",
            Some(Tone::Idle),
            counts.skipped + counts.cancelled,
        ),
        ("to do", None, counts.waiting + counts.ready),
    ]
}
