//! The tables of what `automation serve` does.

use std::time::Duration;

use super::{
    super::{Absent::Default, Key, Shape},
    DAY,
};

pub(crate) const SERVE: &[Key] = &[
    Key::new(
        "interval",
        Shape::Duration {
            min: Duration::from_millis(10),
            max: Duration::from_secs(DAY),
            or: None,
        },
        Default,
        "How often each repository's issues are looked at; a webhook makes it look at once.",
    ),
    Key::new(
        "max_runs",
        Shape::Integer {
            min: 1,
            max: 64,
            or: None,
        },
        Default,
        "Runs at a time; further issues wait, in the order in which they were asked for.",
    ),
    Key::new(
        "land",
        Shape::Flag,
        Default,
        "Whether a run lands when it has succeeded, after the gate `approvals.landing` if there is one; else its pull requests wait for `/approve`.",
    ),
];

pub(crate) const LABELS: &[Key] = &[
    Key::new(
        "needs_planning",
        Shape::Text,
        Default,
        "A person who may write gives it: work is to begin.",
    ),
    Key::new(
        "plan_review",
        Shape::Text,
        Default,
        "The plan waits for approval.",
    ),
    Key::new(
        "in_progress",
        Shape::Text,
        Default,
        "Agents work, or tests run.",
    ),
    Key::new(
        "code_review",
        Shape::Text,
        Default,
        "The change is being reviewed, or the review did not approve of it.",
    ),
    Key::new(
        "merge_ready",
        Shape::Text,
        Default,
        "The change is proposed and waits to be landed.",
    ),
    Key::new(
        "completed",
        Shape::Text,
        Default,
        "The change has landed, or there was nothing to change.",
    ),
    Key::new(
        "needs_attention",
        Shape::Text,
        Default,
        "Something failed or a person must decide.",
    ),
];
