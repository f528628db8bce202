use std::{collections::BTreeMap, path::Path, time::Duration};

use core_types::{ErrorClass, RepositoryName, ReviewIssue, TaskId, TokenUsage, Usd};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a scripted agent does, read from YAML or JSON.
///
/// ```
/// let playbook: agents::scripted::Playbook = serde_json::from_str(r#"{
///     "tasks": {
///         "greet": {
///             "summary": "says hello",
///             "steps": [
///                 {"fail": "not yet", "on_attempt": 1},
///                 {"write": {"path": "hello.txt", "text": "hello\n"}}
///             ]
///         }
///     }
/// }"#)?;
/// assert_eq!(playbook.tasks.len(), 1);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Playbook {
    /// The answer to a request to plan; without it the agent cannot plan.
    pub plan: Option<PlanScene>,
    /// The answers to requests to review; without it the agent cannot review.
    pub review: Option<Reviews>,
    /// What is done for each task; any other task is an error.
    pub tasks: BTreeMap<TaskId, Scene>,
    /// How conflicts are settled: by the task whose result is merged, or by the
    /// repository where it is no task's; any other is an error.
    pub resolve_conflict: BTreeMap<TaskId, Scene>,
    /// How failing tests are fixed, by the same names.
    pub fix_tests: BTreeMap<TaskId, Scene>,
}

/// The answer to a request to plan.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanScene {
    /// One line for people; may be empty.
    #[serde(default)]
    pub title: String,
    /// The tasks as an agent writes them, handed over unchecked.
    pub tasks: Vec<Value>,
    /// The tokens it reports.
    #[serde(default)]
    pub usage: TokenUsage,
    /// The cost it reports.
    #[serde(default)]
    pub cost: Option<Usd>,
    /// The model it names.
    #[serde(default)]
    pub model: String,
}

/// The answers to requests to review.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Reviews {
    /// For a repository that is not named below.
    pub default: Option<ReviewScene>,
    /// For each repository.
    pub repositories: BTreeMap<RepositoryName, ReviewScene>,
}

/// The answer to one request to review.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReviewScene {
    /// Whether the change is approved.
    pub approved: bool,
    /// Markdown.
    #[serde(default)]
    pub comments: String,
    /// Findings.
    #[serde(default)]
    pub issues_found: Vec<ReviewIssue>,
    /// From 0 to 1; default 1.
    #[serde(default = "full_confidence")]
    pub confidence: f64,
    /// The tokens it reports.
    #[serde(default)]
    pub usage: TokenUsage,
    /// The cost it reports.
    #[serde(default)]
    pub cost: Option<Usd>,
    /// The model it names.
    #[serde(default)]
    pub model: String,
}

fn full_confidence() -> f64 {
    1.0
}

/// What is done for one task.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Scene {
    /// The edits, in order.
    pub steps: Vec<Step>,
    /// What the agent says it did.
    pub summary: String,
    /// The tokens it reports.
    pub usage: TokenUsage,
    /// The cost it reports.
    pub cost: Option<Usd>,
    /// The model it names.
    pub model: String,
}

/// One step of a scene: an object with one action as its key, and `on_attempt` or
/// `on_round` where it is for one attempt, or one round of a repair, alone.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "StepRecord")]
pub struct Step {
    /// The attempt it is for, from 1; `None` for all.
    pub on_attempt: Option<u32>,
    /// The round of a repair that it is for, from 1; `None` for all. Conflicts
    /// have two: the second knows what was wrong with the first. A task's own
    /// work is round 1.
    pub on_round: Option<u32>,
    /// What is done.
    pub action: Action,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// `write`: makes or replaces a file, and the folders above it.
    Write(Text),
    /// `append`: adds to a file, which is made where it is missing.
    Append(Text),
    /// `replace`: puts one text in the place of another, wherever it occurs; an error where it does not.
    Replace(Replacement),
    /// `delete`: removes a file; an error where there is none.
    Delete(WorkPath),
    /// `sleep`: waits, for example `50ms`, `2s` or `1m`.
    Sleep(Duration),
    /// `fail`: ends the request with this error, of the class `class` (`transient`,
    /// `rate_limited`, `quota_exhausted`, `timeout`, …; default `internal`).
    Fail {
        /// The message.
        message: String,
        /// What recovery branches on.
        class: ErrorClass,
    },
}

/// A file and a text for it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Text {
    /// Which file.
    pub path: WorkPath,
    /// The text.
    pub text: String,
}

/// A file and a replacement in it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Replacement {
    /// Which file.
    pub path: WorkPath,
    /// What is looked for; not empty.
    pub from: String,
    /// What is put in its place.
    pub to: String,
}

/// A path below the folder that an agent works in: relative, without `..`,
/// `.` and empty parts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct WorkPath(String);

impl WorkPath {
    /// Checks a path.
    ///
    /// # Errors
    ///
    /// [`InvalidStep::Path`].
    pub fn new(path: impl Into<String>) -> Result<Self, InvalidStep> {
        let path = path.into();
        let plain = |part: &str| !matches!(part, "" | "." | "..");
        if path.chars().any(char::is_control) || !path.split('/').all(plain) {
            return Err(InvalidStep::Path { path });
        }
        Ok(Self(path))
    }

    /// The path as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn as_path(&self) -> &Path {
        Path::new(&self.0)
    }
}

impl TryFrom<String> for WorkPath {
    type Error = InvalidStep;
    fn try_from(path: String) -> Result<Self, InvalidStep> {
        Self::new(path)
    }
}

impl From<WorkPath> for String {
    fn from(path: WorkPath) -> Self {
        path.0
    }
}

/// A step that a playbook cannot have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidStep {
    /// It has no action, or several.
    #[error(
        "a step has {found} actions, expected one of write, append, replace, delete, sleep, fail"
    )]
    Actions {
        /// How many.
        found: usize,
    },
    /// A path leaves the folder, or is none.
    #[error("the path {path:?} is not a relative path without '..', '.' and empty parts")]
    Path {
        /// The path.
        path: String,
    },
    /// A text that is no duration.
    #[error("{text:?} is not a duration: expected a whole number and ms, s or m, such as 50ms")]
    Duration {
        /// The text.
        text: String,
    },
    /// A class that is none, or belongs to no `fail`.
    #[error("{text:?} is not an error class of a fail, such as transient or rate_limited")]
    Class {
        /// The text.
        text: String,
    },
    /// The text to be replaced is empty.
    #[error("the text to be replaced in {path:?} is empty")]
    EmptyReplacement {
        /// In which file.
        path: String,
    },
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct StepRecord {
    on_attempt: Option<u32>,
    on_round: Option<u32>,
    class: Option<String>,
    write: Option<Text>,
    append: Option<Text>,
    replace: Option<Replacement>,
    delete: Option<WorkPath>,
    sleep: Option<String>,
    fail: Option<String>,
}

impl TryFrom<StepRecord> for Step {
    type Error = InvalidStep;

    fn try_from(record: StepRecord) -> Result<Self, InvalidStep> {
        let sleep = record.sleep.as_deref().map(parse_duration).transpose()?;
        if let Some(replacement) = &record.replace
            && replacement.from.is_empty()
        {
            let path = replacement.path.as_str().to_owned();
            return Err(InvalidStep::EmptyReplacement { path });
        }
        let class = match (record.class, &record.fail) {
            (None, _) => ErrorClass::Internal,
            (Some(text), Some(_)) => parse_class(&text)?,
            (Some(text), None) => return Err(InvalidStep::Class { text }),
        };
        let fail = |message| Action::Fail { message, class };
        let mut actions: Vec<Action> = [
            record.write.map(Action::Write),
            record.append.map(Action::Append),
            record.replace.map(Action::Replace),
            record.delete.map(Action::Delete),
            sleep.map(Action::Sleep),
            record.fail.map(fail),
        ]
        .into_iter()
        .flatten()
        .collect();
        let found = actions.len();
        match (actions.pop(), found) {
            (Some(action), 1) => Ok(Self {
                on_attempt: record.on_attempt,
                on_round: record.on_round,
                action,
            }),
            _ => Err(InvalidStep::Actions { found }),
        }
    }
}

/// A class by its name in the event stream; limits of calls and quotas have no known end.
fn parse_class(text: &str) -> Result<ErrorClass, InvalidStep> {
    serde_json::from_value(serde_json::json!({"class": text})).map_err(|_| InvalidStep::Class {
        text: text.chars().take(40).collect(),
    })
}

fn parse_duration(text: &str) -> Result<Duration, InvalidStep> {
    let invalid = || InvalidStep::Duration {
        text: text.chars().take(40).collect(),
    };
    let unit_at = text
        .find(|c: char| !c.is_ascii_digit())
        .ok_or_else(invalid)?;
    let (number, unit) = text.split_at(unit_at);
    let number: u64 = number.parse().map_err(|_| invalid())?;
    let millis_per_unit = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        _ => return Err(invalid()),
    };
    let millis = number.checked_mul(millis_per_unit).ok_or_else(invalid)?;
    Ok(Duration::from_millis(millis))
}
