//! Closed sets of words, shared by folds and metrics.

use core_types::{Stage, StepRef};

/// All names that [`component`] gives.
pub const COMPONENTS: [&str; 6] = [
    "planning",
    "implementation",
    "testing",
    "review",
    "landing",
    "recovery",
];

/// What money and tokens were for: the stage, or `recovery` for the steps of a repair.
#[must_use]
pub fn component(stage: Option<Stage>, step: Option<&StepRef>) -> &'static str {
    let is_recovery = |step: &StepRef| step.key.name.as_str().starts_with("recovery-");
    if step.is_some_and(is_recovery) {
        return "recovery";
    }
    // Nothing is paid for before the first stage.
    stage.unwrap_or(Stage::Planning).as_str()
}

/// All names that [`task_type`] gives.
pub const TASK_TYPES: [&str; 6] = ["feature", "fix", "test", "docs", "refactor", "other"];

/// The words of a title that tell the kind of a task; the first that is found counts.
const WORDS: [(&str, &[&str]); 5] = [
    (
        "docs",
        &[
            "docs",
            "doc",
            "document",
            "documentation",
            "readme",
            "changelog",
        ],
    ),
    ("test", &["test", "tests", "testing", "coverage"]),
    (
        "fix",
        &[
            "fix", "fixes", "bug", "repair", "correct", "crash", "typo", "broken",
        ],
    ),
    (
        "refactor",
        &[
            "refactor", "rename", "clean", "cleanup", "move", "split", "extract", "simplify",
        ],
    ),
    (
        "feature",
        &[
            "add",
            "feature",
            "implement",
            "create",
            "build",
            "support",
            "introduce",
            "feat",
        ],
    ),
];

/// The kind of a task by its title: the first of its words that names one, `other` where none does.
///
/// ```
/// use monitoring::fold::task_type;
///
/// assert_eq!(task_type("Add a login page"), "feature");
/// assert_eq!(task_type("fix: typo in the docs"), "fix");
/// assert_eq!(task_type("Greet"), "other");
/// ```
#[must_use]
pub fn task_type(title: &str) -> &'static str {
    let words = title.split(|c: char| !c.is_alphanumeric());
    let kind = |word: &str| {
        let known =
            |(_, words): &&(&str, &[&str])| words.iter().any(|it| it.eq_ignore_ascii_case(word));
        WORDS.iter().find(known).map(|(kind, _)| *kind)
    };
    words.into_iter().find_map(kind).unwrap_or("other")
}
