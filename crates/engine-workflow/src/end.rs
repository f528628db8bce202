//! How a run ended, as data for every display.

use core_types::{
    CommitId, Failure, Gate, IssueNumber, RepositoryName, Review, StepKey, TaskId, TaskStatus,
};
use serde::{Deserialize, Serialize};

use crate::text::{one_line, start};

/// How many reasons are said, and how much of each.
const MAX_REASONS: usize = 5;
const MAX_REASON_BYTES: usize = 400;

/// How a run ended, or where it waits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunEnd {
    /// The state in one word.
    pub status: EndStatus,
    /// The tasks, in the order of the plan; empty before there is one and with `waits_for`.
    pub tasks: Vec<TaskEnd>,
    /// The repositories, in the order of the settings.
    pub repositories: Vec<RepositoryEnd>,
    /// The step of which only a person can say whether it has acted. A
    /// [`Message::Consent`](core_types::Message::Consent) for it lets it act again.
    #[serde(default)]
    pub waits_for: Option<StepKey>,
}

impl RunEnd {
    /// Why it ended so, or what it waits for, in one line.
    #[must_use]
    pub fn reason(&self) -> String {
        let what = match self.status {
            EndStatus::Done => return "done".to_owned(),
            EndStatus::Aborted => return "given up".to_owned(),
            EndStatus::AtGate(gate) => return format!("waits at the gate \"{}\"", gate.as_str()),
            EndStatus::Failed => "nothing landed",
            EndStatus::Partial => "some repositories landed and others did not",
            EndStatus::NeedsPerson => "waits for a person",
        };
        if let Some(step) = &self.waits_for {
            return format!(
                "{what}: \"{step}\" may have acted before the run was cut off; look, and let it act again"
            );
        }
        // What all have failed for is said once.
        let mut reasons: Vec<(String, Vec<&str>)> = Vec::new();
        for repository in &self.repositories {
            let why = match &repository.state {
                RepositoryState::Failed { reason } => first_line(reason),
                RepositoryState::Ready { reason, hint }
                | RepositoryState::Blocked { reason, hint } => {
                    format!("{}: {}", first_line(reason), first_line(hint))
                }
                RepositoryState::Unchanged
                | RepositoryState::Published
                | RepositoryState::Landed => continue,
            };
            let name = repository.repository.as_str();
            match reasons.iter_mut().find(|(known, _)| *known == why) {
                Some((_, names)) => names.push(name),
                None => reasons.push((why, vec![name])),
            }
        }
        let n_more = reasons.len().saturating_sub(MAX_REASONS);
        let said = reasons.iter().take(MAX_REASONS);
        let mut said: Vec<_> = said
            .map(|(why, names)| format!("{}: {why}", names.join(", ")))
            .collect();
        if n_more > 0 {
            said.push(format!("and {n_more} more"));
        }
        match said.is_empty() {
            true => what.to_owned(),
            false => format!("{what}: {}", said.join("; ")),
        }
    }

    /// An end before there are results.
    pub(crate) fn early(status: EndStatus, waits_for: Option<StepKey>) -> Self {
        Self {
            status,
            tasks: Vec::new(),
            repositories: Vec::new(),
            waits_for,
        }
    }
}

/// A reason may go on with what a command has printed.
fn first_line(text: &str) -> String {
    let line = text.trim_start().lines().next().unwrap_or_default();
    start(&one_line(line), MAX_REASON_BYTES)
}

/// The state of an ended run in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "status", content = "gate")]
pub enum EndStatus {
    /// All that was asked for is done.
    Done,
    /// Something failed; nothing landed.
    Failed,
    /// Some repositories landed and others did not.
    Partial,
    /// It waits at a gate for a person.
    AtGate(Gate),
    /// A person gave it up; nothing lands any more.
    Aborted,
    /// It waits for a person to settle what the repositories or `waits_for` name.
    NeedsPerson,
}

impl EndStatus {
    /// The exit code of the program: 0 done, 1 failed, 3 waits for a person, 5 partial.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed | Self::Aborted => 1,
            Self::AtGate(_) | Self::NeedsPerson => 3,
            Self::Partial => 5,
        }
    }
}

/// How a task ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskEnd {
    /// Which task.
    pub task: TaskId,
    /// Its last state.
    pub status: TaskStatus,
    /// The attempt that ended it, from 1; 0 if none began.
    pub attempt: u32,
    /// What it left; `None` where it changed nothing.
    pub commit: Option<CommitId>,
    /// What its agent said of it; may be empty.
    pub summary: String,
    /// Why it did not succeed.
    pub failure: Option<Failure>,
    /// The dependency that did not succeed, for skipped.
    pub because_of: Option<TaskId>,
    /// Whether a person said to go on without it, or without what it depends on.
    #[serde(default)]
    pub left_out: bool,
}

impl TaskEnd {
    /// Whether the run may land as far as this task is concerned.
    #[must_use]
    pub fn lets_land(&self) -> bool {
        self.status.is_good() || self.left_out
    }
}

/// How a repository ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RepositoryEnd {
    /// Which repository.
    pub repository: RepositoryName,
    /// The commit that the run started from.
    pub base: CommitId,
    /// The integration branch's head; `base` if nothing changed.
    pub head: CommitId,
    /// Whether the head passed its tests; `None` for not verified or not reached.
    pub tested: Option<bool>,
    /// The review; `None` for not reviewed.
    pub review: Option<Review>,
    /// The pull request, if one is open.
    pub pull_request: Option<IssueNumber>,
    /// Whether the deployment after landing went well; `None` where there was none.
    #[serde(default)]
    pub deployed: Option<bool>,
    /// What became of the change.
    pub state: RepositoryState,
}

/// What became of a repository's change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum RepositoryState {
    /// Nothing changed.
    Unchanged,
    /// Its tasks or tests failed; the branch, if there is one, stays.
    Failed {
        /// Why, in one line.
        reason: String,
    },
    /// The change is published and waits.
    Published,
    /// The target branch holds the change.
    Landed,
    /// The target branch is checked out and clean: a person moves it by one line.
    Ready {
        /// Why it was left, in one line.
        reason: String,
        /// The line that moves it.
        hint: String,
    },
    /// A person must act first.
    Blocked {
        /// Why, in one line.
        reason: String,
        /// What to do; a command line where there is one.
        hint: String,
    },
}
