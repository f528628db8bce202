use core_types::{RepositoryName, RunId, TaskId, Timestamp};
use serde::{Deserialize, Serialize};

use super::{LessonId, text};
use crate::Error;

/// What sort of lesson it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LessonKind {
    /// A command to run, such as how to build or test.
    Command,
    /// How things are done here.
    Convention,
    /// What goes wrong, and how to avoid it.
    Warning,
    /// What to know of some files; the scope names them.
    Path,
}

/// Where a lesson comes from. It decides how far its text is trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A person of this home wrote it, as in AGENTS.md or CLAUDE.md.
    Person,
    /// A command that the engine ran and that exited with 0.
    VerifiedCommand,
    /// What a recovery changed between a failure and a success, worded by the engine.
    Recovery,
    /// A finding of a review by an agent.
    Review,
    /// An agent's own words.
    Agent,
    /// An issue or a comment on one.
    Issue,
}

impl Source {
    /// Whether the words are not ours or those of a person of this home.
    #[must_use]
    pub const fn is_foreign(self) -> bool {
        matches!(self, Self::Review | Self::Agent | Self::Issue)
    }

    /// As prompts and reports say it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Person => "a person",
            Self::VerifiedCommand => "a command that worked",
            Self::Recovery => "a repaired failure",
            Self::Review => "a review by an agent",
            Self::Agent => "an agent",
            Self::Issue => "an issue",
        }
    }
}

/// The place a lesson was found at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// What sort of place.
    pub source: Source,
    /// The run, where it was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    /// The task, where it was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<TaskId>,
    /// A file or an author, for people; scrubbed and cut to 100 bytes.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub place: String,
}

/// Which tasks a lesson is for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LessonScope {
    /// Only tasks of this repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<RepositoryName>,
    /// Only tasks that expect to change a file below one of these paths; empty for all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<String>,
}

impl LessonScope {
    /// Whether a task is in it.
    #[must_use]
    pub fn covers(&self, repository: Option<&RepositoryName>, files: &[String]) -> bool {
        let below = |file: &String, path: &String| {
            let rest = file.strip_prefix(path.trim_end_matches('/'));
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let in_repository = self.repository.is_none() || self.repository.as_ref() == repository;
        let in_paths = self.paths.is_empty()
            || self
                .paths
                .iter()
                .any(|path| files.iter().any(|file| below(file, path)));
        in_repository && in_paths
    }
}

/// A hypothesis: a text that may make tasks succeed more often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLesson {
    /// What sort.
    pub kind: LessonKind,
    /// What an agent would read; one line of at most 400 bytes.
    pub text: String,
    /// Which tasks it is for; default all.
    pub scope: LessonScope,
    /// Where it comes from.
    pub origin: Origin,
}

impl NewLesson {
    /// A lesson for all tasks.
    pub fn new(kind: LessonKind, text: impl Into<String>, source: Source) -> Self {
        Self {
            kind,
            text: text.into(),
            scope: LessonScope::default(),
            origin: Origin {
                source,
                run: None,
                task: None,
                place: String::new(),
            },
        }
    }

    /// Only for tasks of a repository.
    #[must_use]
    pub fn repository(mut self, repository: RepositoryName) -> Self {
        self.scope.repository = Some(repository);
        self
    }

    /// Only for tasks that expect to change something below a path.
    #[must_use]
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.scope.paths.push(path.into());
        self
    }

    /// The run it was found in, where it is no task's.
    #[must_use]
    pub fn found_in(mut self, run: RunId) -> Self {
        self.origin.run = Some(run);
        self
    }

    /// The task it was learnt at.
    #[must_use]
    pub fn learnt_at(mut self, run: RunId, task: TaskId) -> Self {
        self.origin.run = Some(run);
        self.origin.task = Some(task);
        self
    }

    /// The file or author it comes from.
    #[must_use]
    pub fn place(mut self, place: impl Into<String>) -> Self {
        self.origin.place = place.into();
        self
    }

    /// Whether a text for these tasks is the same lesson.
    pub(crate) fn says(&self, text: &str, scope: &LessonScope) -> bool {
        self.scope == *scope && self.text.to_lowercase() == text.to_lowercase()
    }

    /// The lesson as it is stored: one line, scrubbed, of bounded length.
    pub(crate) fn settle(mut self) -> Result<Self, Error> {
        let clean = |text: &str| text::one_line(&crate::scrub(text).text);
        self.text = clean(&self.text);
        self.origin.place = text::truncate(&clean(&self.origin.place), 100).to_owned();
        let bytes = self.text.len();
        if bytes == 0 || bytes > text::MAX_TEXT_BYTES {
            return Err(Error::LessonLength {
                bytes,
                limit: text::MAX_TEXT_BYTES,
            });
        }
        Ok(self)
    }
}

/// Why a lesson is not tried or served any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "because")]
pub enum RetiredBecause {
    /// It did harm in its trial.
    Harmful,
    /// Its trial came to its end without proof.
    Unproven,
    /// It had helped and does so no more.
    Faded,
    /// A person retired it.
    Person {
        /// Why; scrubbed, one line.
        reason: String,
    },
}

/// Where a lesson stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "status")]
pub enum Status {
    /// It waits for a round of trials.
    Candidate,
    /// Chance decides who gets it.
    Trial {
        /// The round, from 1.
        round: u32,
    },
    /// It helps; it is served, and stays under watch.
    Promoted,
    /// It is neither tried nor served.
    Retired(RetiredBecause),
}

impl Status {
    /// The word for it.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Candidate => "candidate",
            Self::Trial { .. } => "trial",
            Self::Promoted => "promoted",
            Self::Retired(_) => "retired",
        }
    }
}

/// A lesson as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lesson {
    /// Its number.
    pub id: LessonId,
    /// What sort.
    pub kind: LessonKind,
    /// What an agent reads.
    pub text: String,
    /// Which tasks it is for.
    pub scope: LessonScope,
    /// Where it was found, first place first; later ones are where it was found again.
    pub origins: Vec<Origin>,
    /// Who approved it, if anybody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_by: Option<String>,
    /// Where it stands.
    pub status: Status,
    /// When it was found first.
    pub created: Timestamp,
}

impl Lesson {
    /// Whether its words are foreign and no person has approved them: then they are shown as quoted data
    /// only, and never promoted.
    #[must_use]
    pub fn needs_approval(&self) -> bool {
        let first = self.origins.first();
        self.approved_by.is_none() && first.is_none_or(|origin| origin.source.is_foreign())
    }

    /// Whether it may be tried at all. What an issue says, and a command that an agent names, waits for a
    /// person: a trial puts it into the prompts of other tasks.
    #[must_use]
    pub fn may_be_tried(&self) -> bool {
        let from_issue = self
            .origins
            .first()
            .is_none_or(|origin| origin.source == Source::Issue);
        !self.needs_approval() || !(from_issue || self.kind == LessonKind::Command)
    }

    /// The line of a prompt.
    #[must_use]
    pub fn prompt_line(&self) -> String {
        let source = self
            .origins
            .first()
            .map_or("nobody", |it| it.source.as_str());
        if self.needs_approval() {
            let text = text::quoted(&self.text);
            return format!("({}, not verified, quoted from {source}) {text}", self.id);
        }
        format!("({}, from {source}) {}", self.id, self.text)
    }
}
