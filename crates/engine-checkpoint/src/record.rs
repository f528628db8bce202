//! What is stored: one JSON object a record, each with its version `v`.

use core_types::{
    EventRecord, Message, PlanId, StepKey, TaskId, TaskStatus, Timestamp, step::Fingerprint,
};
use journal::{Kind, Record};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{Error, RunHeader, kind};

/// The version of every record format that is written now.
pub(crate) const VERSION: u16 = 1;

/// A record's content.
pub(crate) trait Content: Serialize + DeserializeOwned {
    const KIND: Kind;

    fn version(&self) -> u16;

    fn encode(&self) -> Result<Vec<u8>, Error> {
        serde_json::to_vec(self).map_err(|source| Error::Encode { source })
    }

    /// The content of a record of this kind.
    fn decode(record: &Record) -> Result<Self, Error> {
        #[derive(Deserialize)]
        struct Version {
            v: u16,
        }
        let newer = |found| Error::NewerRecord {
            kind: Self::KIND,
            found,
            supported: VERSION,
        };
        match serde_json::from_slice::<Self>(&record.payload) {
            Ok(content) if content.version() > VERSION => Err(newer(content.version())),
            Ok(content) => Ok(content),
            // A newer form need not fit ours, but it says its version.
            Err(source) => match serde_json::from_slice::<Version>(&record.payload) {
                Ok(Version { v }) if v > VERSION => Err(newer(v)),
                _ => Err(Error::Unreadable {
                    kind: Self::KIND,
                    source,
                }),
            },
        }
    }
}

macro_rules! content {
    ($($type:ty => $kind:expr),* $(,)?) => {
        $(impl Content for $type {
            const KIND: Kind = $kind;
            fn version(&self) -> u16 {
                self.v
            }
        })*
    };
}

content! {
    RunHeader => kind::RUN_HEADER,
    Session => kind::SESSION,
    RunRecord => kind::RUN_RECORD,
    StepBegun => kind::STEP_BEGUN,
    StepFinished => kind::STEP_FINISHED,
    StepConsented => kind::STEP_CONSENTED,
    EventRecord => kind::EVENT,
    CheckpointMade => kind::CHECKPOINT,
    CheckpointsRemoved => kind::CHECKPOINTS_REMOVED,
    PlanFinished => kind::PLAN_FINISHED,
    PlanStateSet => kind::PLAN_STATE,
    MessageSent => kind::MESSAGE,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Session {
    pub(crate) v: u16,
    pub(crate) session: u32,
    pub(crate) at: Timestamp,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct RunRecord {
    pub(crate) v: u16,
    pub(crate) name: String,
    pub(crate) value: Value,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct StepBegun {
    pub(crate) v: u16,
    pub(crate) at: Timestamp,
    pub(crate) key: StepKey,
    pub(crate) execution: u32,
    pub(crate) fingerprint: Fingerprint,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct StepFinished {
    pub(crate) v: u16,
    pub(crate) at: Timestamp,
    pub(crate) key: StepKey,
    pub(crate) execution: u32,
    pub(crate) result: Value,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct StepConsented {
    pub(crate) v: u16,
    pub(crate) at: Timestamp,
    pub(crate) key: StepKey,
}

/// The checkpoint's id and its place in the order are the record's sequence number.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct CheckpointMade {
    pub(crate) v: u16,
    pub(crate) at: Timestamp,
    pub(crate) plan: PlanId,
    pub(crate) stage: String,
    pub(crate) data: Value,
}

/// Names exactly what was removed, so that its meaning depends on nothing else.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct CheckpointsRemoved {
    pub(crate) v: u16,
    pub(crate) at: Timestamp,
    pub(crate) seqs: Vec<u64>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct PlanFinished {
    pub(crate) v: u16,
    pub(crate) at: Timestamp,
    pub(crate) plan: PlanId,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct PlanStateSet {
    pub(crate) v: u16,
    pub(crate) at: Timestamp,
    pub(crate) plan: PlanId,
    pub(crate) completed_stages: Vec<String>,
    pub(crate) tasks: Vec<(TaskId, TaskStatus)>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct MessageSent {
    pub(crate) v: u16,
    pub(crate) at: Timestamp,
    pub(crate) message: Message,
}
