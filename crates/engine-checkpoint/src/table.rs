//! The checkpoints of a journal, folded from its records.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use core_types::{Checkpoint, CheckpointId, PlanId, Timestamp};
use journal::{Fold, FoldError, Record};

use crate::{
    Error, kind,
    record::{CheckpointMade, CheckpointsRemoved, Content, PlanFinished},
};

/// What clean-up leaves. A checkpoint goes when either limit is passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Retention {
    /// The greatest age by the clock; default: no limit. A clock that went back makes nothing older.
    pub max_age: Option<Duration>,
    /// How many checkpoints of each plan stay; default: no limit.
    pub max_count: Option<usize>,
}

#[derive(Debug, Default)]
pub(crate) struct CheckpointTable {
    by_seq: BTreeMap<u64, Checkpoint>,
    plans: BTreeMap<PlanId, PlanEntry>,
}

/// Never empty: without checkpoints a plan is unknown.
#[derive(Debug, Default)]
struct PlanEntry {
    seqs: BTreeSet<u64>,
    is_finished: bool,
}

impl Fold for CheckpointTable {
    fn apply(&mut self, record: &Record) -> Result<(), FoldError> {
        match record.kind {
            kind::CHECKPOINT => self.insert(record.seq, CheckpointMade::decode(record)?),
            kind::CHECKPOINTS_REMOVED => self.remove(&CheckpointsRemoved::decode(record)?.seqs),
            kind::PLAN_FINISHED => {
                if let Some(entry) = self.plans.get_mut(&PlanFinished::decode(record)?.plan) {
                    entry.is_finished = true;
                }
            }
            _ => {}
        }
        Ok(())
    }
}

const ID_PREFIX: &str = "checkpoint-";

/// The id of the checkpoint whose record has this sequence number.
pub(crate) fn id_of(seq: u64) -> CheckpointId {
    CheckpointId::new(format!("{ID_PREFIX}{seq}")).expect("a word and a number make an id")
}

/// The stage's name, if it is one.
pub(crate) fn check_stage(stage: &str) -> Result<String, Error> {
    match stage.chars().count() {
        1..=64 => Ok(stage.to_owned()),
        length => Err(Error::Stage { length }),
    }
}

impl CheckpointTable {
    pub(crate) fn insert(&mut self, seq: u64, made: CheckpointMade) {
        let entry = self.plans.entry(made.plan.clone()).or_default();
        entry.seqs.insert(seq);
        // Who makes a checkpoint has not finished.
        entry.is_finished = false;
        let checkpoint = Checkpoint {
            id: id_of(seq),
            plan: made.plan,
            stage: made.stage,
            data: made.data,
            created: made.at,
            seq,
        };
        self.by_seq.insert(seq, checkpoint);
    }

    fn remove(&mut self, seqs: &[u64]) {
        for seq in seqs {
            let Some(checkpoint) = self.by_seq.remove(seq) else {
                continue;
            };
            if let Some(entry) = self.plans.get_mut(&checkpoint.plan) {
                entry.seqs.remove(seq);
                if entry.seqs.is_empty() {
                    self.plans.remove(&checkpoint.plan);
                }
            }
        }
    }

    pub(crate) fn latest(&self, plan: &PlanId, stage: Option<&str>) -> Option<&Checkpoint> {
        let mut newest_first = self.of_plan(plan).rev();
        newest_first.find(|checkpoint| stage.is_none_or(|stage| checkpoint.stage == stage))
    }

    /// Oldest first.
    pub(crate) fn of_plan(&self, plan: &PlanId) -> impl DoubleEndedIterator<Item = &Checkpoint> {
        let seqs = self.plans.get(plan).map(|entry| entry.seqs.iter());
        seqs.into_iter()
            .flatten()
            .filter_map(|seq| self.by_seq.get(seq))
    }

    /// Oldest first.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Checkpoint> {
        self.by_seq.values()
    }

    pub(crate) fn get(&self, id: &CheckpointId) -> Option<&Checkpoint> {
        let seq = id.as_str().strip_prefix(ID_PREFIX)?.parse().ok()?;
        // `checkpoint-007` is a number too, but no id of ours.
        self.by_seq
            .get(&seq)
            .filter(|checkpoint| checkpoint.id == *id)
    }

    pub(crate) fn plans(&self) -> impl Iterator<Item = &PlanId> {
        self.plans.keys()
    }

    /// Whether the plan has checkpoints and is not marked as finished.
    pub(crate) fn is_unfinished(&self, plan: &PlanId) -> bool {
        self.plans.get(plan).is_some_and(|entry| !entry.is_finished)
    }

    /// What clean-up removes: never the last checkpoint of a plan that is not finished.
    pub(crate) fn expired(&self, now: Timestamp, retention: &Retention) -> Vec<u64> {
        let is_old = |checkpoint: &Checkpoint| {
            let age = now.since(checkpoint.created);
            retention.max_age.is_some_and(|max_age| age > max_age)
        };
        let mut expired = Vec::new();
        for (plan, entry) in &self.plans {
            for (newer, checkpoint) in self.of_plan(plan).rev().enumerate() {
                let is_needed = newer == 0 && !entry.is_finished;
                let is_surplus = retention.max_count.is_some_and(|count| newer >= count);
                if !is_needed && (is_surplus || is_old(checkpoint)) {
                    expired.push(checkpoint.seq);
                }
            }
        }
        expired.sort_unstable();
        expired
    }
}
