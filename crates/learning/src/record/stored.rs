//! One JSON object a record, each with its version `v`.

use std::collections::{BTreeMap, BTreeSet};

use core_types::{CommitId, RepositoryName, Review, RunId, TaskId, Timestamp, TokenUsage, Usd};
use journal::Kind;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{Outcome, OutcomeChange, execution::Provenance};
use crate::{
    Error, LessonId, LookPlan,
    error::Newer,
    experiment::{Draw, LookTaken},
    lesson::{LessonKind, LessonScope, Origin, RetiredBecause},
};

pub(crate) const EXECUTION: Kind = Kind(1);
pub(crate) const OUTCOME: Kind = Kind(2);
pub(crate) const DRAW: Kind = Kind(3);
pub(crate) const LESSON: Kind = Kind(4);
pub(crate) const CHANGED: Kind = Kind(5);
pub(crate) const ROUND: Kind = Kind(6);
pub(crate) const LOOK: Kind = Kind(7);
/// What all cleaned away records came to; the first record after a clean-up.
pub(crate) const AGGREGATE: Kind = Kind(8);
/// An execution that a clean-up kept: it is part of the aggregate already.
pub(crate) const KEPT: Kind = Kind(9);
/// The journal goes on in another folder; the last record.
pub(crate) const MOVED: Kind = Kind(10);
/// A review that came after its execution was recorded.
pub(crate) const REVIEWED: Kind = Kind(11);
/// What the files for agents in a repository say from now on.
pub(crate) const GUIDANCE: Kind = Kind(12);

/// The version of all these formats.
pub(crate) const VERSION: u16 = 1;

/// Why a record was not taken.
#[derive(Debug)]
pub(crate) enum Refused {
    Newer(Newer),
    Unreadable,
}

/// The content of a record.
pub(crate) trait Stored: Serialize + DeserializeOwned {
    fn encode(&self) -> Result<Vec<u8>, Error> {
        serde_json::to_vec(self).map_err(Error::Encode)
    }

    fn decode(bytes: &[u8]) -> Result<Self, Refused> {
        /// The part that all versions share.
        #[derive(Deserialize)]
        struct Versioned {
            v: u16,
        }
        // What is of our version is read once.
        if bytes.starts_with(br#"{"v":1,"#)
            && let Ok(content) = serde_json::from_slice(bytes)
        {
            return Ok(content);
        }
        match serde_json::from_slice(bytes) {
            Ok(Versioned { v }) if v > VERSION => Err(Refused::Newer(Newer {
                found: v,
                supported: VERSION,
            })),
            Ok(_) => serde_json::from_slice(bytes).map_err(|_| Refused::Unreadable),
            Err(_) => Err(Refused::Unreadable),
        }
    }
}

/// A review, as far as statistics need it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct ReviewRecord {
    pub(crate) approved: bool,
    pub(crate) confidence: f64,
    pub(crate) issues: usize,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ExecutionRecord {
    pub(crate) v: u16,
    pub(crate) at: Timestamp,
    pub(crate) run: RunId,
    pub(crate) task: TaskId,
    pub(crate) attempt: u32,
    pub(crate) outcome: Outcome,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) repository: Option<RepositoryName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) commit: Option<CommitId>,
    /// SHA-256 of the prompt as it was, in hexadecimal; empty without one.
    pub(crate) prompt_hash: String,
    /// Scrubbed, and without the lessons that we put into it; not with `KeepPrompts::Hash`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) prompt: Option<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) title: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) model: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) review: Option<ReviewRecord>,
    pub(crate) usage: TokenUsage,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cost: Option<Usd>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) millis: Option<u64>,
    pub(crate) provenance: Provenance,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) metadata: BTreeMap<String, Value>,
    /// How many secrets were taken out.
    #[serde(default)]
    pub(crate) scrubbed: usize,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct OutcomeRecord {
    pub(crate) v: u16,
    pub(crate) at: Timestamp,
    pub(crate) run: RunId,
    pub(crate) task: TaskId,
    pub(crate) attempt: u32,
    pub(crate) change: OutcomeChange,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ReviewedRecord {
    pub(crate) v: u16,
    pub(crate) at: Timestamp,
    pub(crate) run: RunId,
    pub(crate) task: TaskId,
    pub(crate) attempt: u32,
    pub(crate) review: ReviewRecord,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct DrawRecord {
    pub(crate) v: u16,
    pub(crate) at: Timestamp,
    pub(crate) run: RunId,
    pub(crate) task: TaskId,
    pub(crate) draw: Draw,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct LessonRecord {
    pub(crate) v: u16,
    pub(crate) at: Timestamp,
    pub(crate) id: LessonId,
    pub(crate) kind: LessonKind,
    pub(crate) text: String,
    pub(crate) scope: LessonScope,
    pub(crate) origin: Origin,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ChangedRecord {
    pub(crate) v: u16,
    pub(crate) at: Timestamp,
    pub(crate) lesson: LessonId,
    pub(crate) change: Change,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub(crate) enum Change {
    Approved { by: String },
    Retired { because: RetiredBecause },
    FoundAgain { origin: Origin },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct RoundRecord {
    pub(crate) v: u16,
    pub(crate) at: Timestamp,
    pub(crate) lessons: Vec<LessonId>,
    /// Fixed from here on.
    pub(crate) plan: LookPlan,
    pub(crate) seed: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct LookRecord {
    pub(crate) v: u16,
    pub(crate) at: Timestamp,
    pub(crate) look: LookTaken,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct GuidanceRecord {
    pub(crate) v: u16,
    pub(crate) at: Timestamp,
    pub(crate) repository: RepositoryName,
    /// A mark of each rule.
    pub(crate) rules: BTreeSet<u64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct MovedRecord {
    pub(crate) v: u16,
    pub(crate) at: Timestamp,
    /// The number of the folder where it goes on.
    pub(crate) next: u32,
}

macro_rules! stored {
    ($($record:ty),*) => { $(impl Stored for $record {})* };
}
stored!(
    ExecutionRecord,
    OutcomeRecord,
    ReviewedRecord,
    DrawRecord,
    LessonRecord,
    ChangedRecord,
    RoundRecord,
    LookRecord,
    GuidanceRecord,
    MovedRecord
);

impl From<&Review> for ReviewRecord {
    fn from(review: &Review) -> Self {
        Self {
            approved: review.approved,
            confidence: review.confidence,
            issues: review.issues_found.len(),
        }
    }
}

impl ReviewRecord {
    /// One with this score. How many issues there were, it does not tell.
    pub(crate) fn of_score(score: f64) -> Self {
        Self {
            approved: score >= 0.5,
            confidence: (2.0 * score - 1.0).abs(),
            issues: 0,
        }
    }

    /// From 0 to 1: how sure the reviewer is that it is good. A sure refusal is 0, an unsure verdict a half.
    pub(crate) fn score(&self) -> f64 {
        let half = self.confidence / 2.0;
        if self.approved {
            0.5 + half
        } else {
            0.5 - half
        }
    }
}
