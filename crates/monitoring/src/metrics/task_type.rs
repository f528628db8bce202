//! What type of task a title tells of.

/// Words, in lower case, by the type that they speak for.
const WORDS: &[(&str, &[&str])] = &[
    ("test", &["test", "tests", "testing", "coverage"]),
    (
        "docs",
        &[
            "docs",
            "doc",
            "document",
            "documentation",
            "readme",
            "changelog",
            "typo",
            "comment",
            "comments",
        ],
    ),
    (
        "fix",
        &[
            "fix",
            "fixes",
            "bug",
            "repair",
            "correct",
            "crash",
            "regression",
            "hotfix",
        ],
    ),
    (
        "refactor",
        &[
            "refactor",
            "rename",
            "extract",
            "simplify",
            "clean",
            "cleanup",
            "restructure",
            "move",
        ],
    ),
    (
        "chore",
        &[
            "chore",
            "bump",
            "upgrade",
            "update",
            "ci",
            "build",
            "release",
            "deps",
            "dependencies",
        ],
    ),
];

/// The type of a task, one of `feature`, `fix`, `test`, `docs`, `refactor` and `chore`: that of the first
/// word of its title that speaks for one, and `feature` where none does.
///
/// A conventional prefix such as `fix(api): …` is a first word.
#[must_use]
pub fn task_type(title: &str) -> &'static str {
    title
        .split(|c: char| !c.is_alphanumeric())
        .find_map(|word| {
            let word = word.to_lowercase();
            if matches!(word.as_str(), "feat" | "feature" | "add" | "implement") {
                return Some("feature");
            }
            let speaks = |(_, words): &&(&str, &[&str])| words.contains(&word.as_str());
            WORDS.iter().find(speaks).map(|(task_type, _)| *task_type)
        })
        .unwrap_or("feature")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::catalogue::TASK_TYPES;

    #[test]
    fn the_first_word_that_speaks_for_a_type_decides() {
        for (title, expected) in [
            ("fix(api): wrong status", "fix"),
            ("Add a test for health", "feature"),
            ("Keep the state of each part in a table", "feature"),
            ("Document the endpoints", "docs"),
            ("Write tests for the parser", "test"),
            ("Bump the version", "chore"),
            ("", "feature"),
        ] {
            assert_eq!(task_type(title), expected, "{title}");
            assert!(TASK_TYPES.contains(&expected));
        }
    }
}
