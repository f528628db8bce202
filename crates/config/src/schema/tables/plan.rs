//! A plan.

use super::{
    super::{
        Absent::{Means, Refused},
        Key, Shape,
    },
    IDS, TIMEOUT,
};

pub(crate) const PLAN: &[Key] = &[
    Key::new("id", Shape::Id, Means("one is made"), "The plan's id."),
    Key::new(
        "title",
        Shape::Line,
        Means("the issue's title"),
        "The plan in one line.",
    ),
    Key::new(
        "tasks",
        Shape::Sections(TASK),
        Refused,
        "The tasks; at least one.",
    ),
];

const TASK: &[Key] = &[
    Key::new("id", Shape::Id, Refused, "What other tasks call it by."),
    Key::new("title", Shape::Line, Refused, "The task in one line."),
    Key::new(
        "description",
        Shape::Prose,
        Means("none"),
        "What is to be done, for the agent.",
    ),
    Key::new(
        "repository",
        Shape::Id,
        Means("the only repository"),
        "The repository it changes.",
    ),
    Key::new(
        "dependencies",
        IDS,
        Means("none"),
        "Tasks that must have succeeded before.",
    ),
    Key::new(
        "files",
        Shape::List(&Shape::Line),
        Means("unknown"),
        "Files it is expected to change.",
    ),
    Key::new(
        "estimate",
        TIMEOUT,
        Means("unknown"),
        "How long it is expected to take.",
    ),
];
