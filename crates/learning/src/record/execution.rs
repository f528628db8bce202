use std::{collections::BTreeMap, time::Duration};

use core_types::{CommitId, RepositoryName, Review, RunId, TaskId, TokenUsage, Usd};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Outcome;
use crate::Error;

/// Who vouches for a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trust {
    /// The engine measured it, on work that people of this home asked for.
    #[default]
    Person,
    /// A continuous integration of this home measured it.
    Ci,
    /// The engine measured it, on work that somebody else asked for, such as the author of an issue. One
    /// author is at most a tenth of the evidence, and nothing is promoted that hangs on one of them.
    Outsider,
    /// An agent says so. It is kept and is no evidence.
    Agent,
}

/// Where a record comes from.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Provenance {
    /// Who vouches for it.
    pub trust: Trust,
    /// Who asked for the work; of an outsider only a hash is kept.
    pub author: String,
}

/// What is kept of prompts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum KeepPrompts {
    /// The text, scrubbed, so that similar work is found by it.
    #[default]
    Full,
    /// Its SHA-256 alone. Similar work is then found by title, kind and files.
    Hash,
}

/// What is kept of one prompt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptPrompt {
    /// SHA-256 of the prompt as it was, in hexadecimal; empty without one.
    pub hash: String,
    /// Its start, of at most 64 KiB, without secrets and without the lessons in it; `None` with [`KeepPrompts::Hash`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// How many secrets were taken out.
    #[serde(default)]
    pub secrets: usize,
}

/// One attempt at a task, to be recorded.
#[derive(Debug, Clone)]
pub struct Execution {
    pub(crate) run: RunId,
    pub(crate) task: TaskId,
    pub(crate) attempt: u32,
    pub(crate) outcome: Outcome,
    pub(crate) repository: Option<RepositoryName>,
    pub(crate) commit: Option<CommitId>,
    pub(crate) prompt: String,
    pub(crate) kept: Option<KeptPrompt>,
    pub(crate) title: String,
    pub(crate) model: String,
    pub(crate) review: Option<Review>,
    pub(crate) usage: TokenUsage,
    pub(crate) cost: Option<Usd>,
    pub(crate) duration: Option<Duration>,
    pub(crate) provenance: Provenance,
    pub(crate) metadata: BTreeMap<String, Value>,
}

impl Execution {
    /// The first attempt at a task, and what came of it.
    #[must_use]
    pub fn new(run: RunId, task: TaskId, outcome: Outcome) -> Self {
        Self {
            run,
            task,
            attempt: 1,
            outcome,
            repository: None,
            commit: None,
            prompt: String::new(),
            kept: None,
            title: String::new(),
            model: String::new(),
            review: None,
            usage: TokenUsage::default(),
            cost: None,
            duration: None,
            provenance: Provenance::default(),
            metadata: BTreeMap::new(),
        }
    }

    /// Which attempt it was, from 1. Only the first is evidence: later ones begin with what the first left.
    #[must_use]
    pub fn attempt(mut self, attempt: u32) -> Self {
        self.attempt = attempt;
        self
    }

    /// Where.
    #[must_use]
    pub fn repository(mut self, repository: RepositoryName) -> Self {
        self.repository = Some(repository);
        self
    }

    /// What it left.
    #[must_use]
    pub fn commit(mut self, commit: CommitId) -> Self {
        self.commit = Some(commit);
        self
    }

    /// The prompt as the agent got it.
    #[must_use]
    pub fn prompt(mut self, prompt: impl Into<String>) -> Self {
        self.prompt = prompt.into();
        self
    }

    /// The prompt as it was kept when the agent got it, in place of the prompt itself.
    #[must_use]
    pub fn kept_prompt(mut self, kept: KeptPrompt) -> Self {
        self.kept = Some(kept);
        self
    }

    /// The task's title.
    #[must_use]
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    /// The model that worked.
    #[must_use]
    pub fn model(mut self, model: impl Into<String>) -> Self {
        self.model = model.into();
        self
    }

    /// A review of it.
    #[must_use]
    pub fn review(mut self, review: Review) -> Self {
        self.review = Some(review);
        self
    }

    /// What it used.
    #[must_use]
    pub fn usage(mut self, usage: TokenUsage, cost: Option<Usd>) -> Self {
        self.usage = usage;
        self.cost = cost;
        self
    }

    /// How long it took.
    #[must_use]
    pub fn duration(mut self, duration: Duration) -> Self {
        self.duration = Some(duration);
        self
    }

    /// Where the record comes from; default: the engine, for a person of this home.
    #[must_use]
    pub fn provenance(mut self, provenance: Provenance) -> Self {
        self.provenance = provenance;
        self
    }

    /// One value more, of any kind. `task_type` is a text that tells kinds of tasks
    /// apart, and `complexity` a number from 0 to 1 that says how hard the task looked beforehand: with both, lessons
    /// are judged from fewer tasks.
    #[must_use]
    pub fn metadata(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.metadata.insert(key.into(), value.into());
        self
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        if let Some(review) = &self.review {
            check_confidence(review.confidence)?;
        }
        if self.attempt == 0 {
            return Err(Error::InvalidFigure {
                what: "the number of an attempt",
                value: 0.0,
                expected: "1 or more",
            });
        }
        Ok(())
    }
}

pub(crate) fn check_confidence(confidence: f64) -> Result<(), Error> {
    if (0.0..=1.0).contains(&confidence) {
        return Ok(());
    }
    Err(Error::InvalidFigure {
        what: "the confidence of a review",
        value: confidence,
        expected: "0 to 1",
    })
}
