//! Movements as the journal stores them: one JSON object a record.

use core_types::{
    OperationId, RepositoryName, RunId, SpendScope, TaskId, Timestamp, TokenUsage, Usd,
};
use journal::{Kind, Record};
use serde::{Deserialize, Serialize};

use super::{
    account::{Day, Limit},
    movement::{Basis, Movement},
};
use crate::Error;

/// A record's kind: money was set aside.
pub const RESERVED: Kind = Kind(1);
/// A record's kind: a reservation was replaced by what was spent.
pub const SETTLED: Kind = Kind(2);
/// A record's kind: a person raised a limit.
pub const RAISED: Kind = Kind(3);

/// An older program refuses a journal with a newer `v`; a newer one reads all older ones.
const VERSION: u16 = 1;

/// The version alone, which is looked at before anything else.
#[derive(Deserialize)]
struct Versioned {
    v: u16,
}

#[derive(Serialize, Deserialize)]
struct ReservedRecord {
    v: u16,
    at: Timestamp,
    operation: OperationId,
    run: RunId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    repository: Option<RepositoryName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    task: Option<TaskId>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    agent: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    model: String,
    amount: Usd,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    parent: Option<OperationId>,
}

#[derive(Serialize, Deserialize)]
struct SettledRecord {
    v: u16,
    at: Timestamp,
    operation: OperationId,
    reservation: OperationId,
    amount: Usd,
    basis: Basis,
    usage: TokenUsage,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    model: String,
    /// The day of the prices, where the amount comes from them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    prices: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct RaisedRecord {
    v: u16,
    at: Timestamp,
    operation: OperationId,
    limit: Limit,
    to: Usd,
}

/// A movement's kind and payload.
pub(super) fn encode(
    movement: &Movement,
    at: Timestamp,
    prices: &str,
) -> Result<(Kind, Vec<u8>), Error> {
    let v = VERSION;
    let (kind, payload) = match movement.clone() {
        Movement::Reserved {
            operation,
            scope,
            day: _,
            agent,
            model,
            amount,
            parent,
        } => {
            let record = ReservedRecord {
                v,
                at,
                operation,
                run: scope.run,
                repository: scope.repository,
                task: scope.task,
                agent,
                model,
                amount,
                parent,
            };
            (RESERVED, serde_json::to_vec(&record))
        }
        Movement::Settled {
            operation,
            reservation,
            amount,
            basis,
            usage,
            model,
        } => {
            let record = SettledRecord {
                v,
                at,
                operation,
                reservation,
                amount,
                basis,
                usage,
                model,
                prices: (basis == Basis::Priced).then(|| prices.to_owned()),
            };
            (SETTLED, serde_json::to_vec(&record))
        }
        Movement::Raised {
            operation,
            limit,
            to,
        } => {
            let record = RaisedRecord {
                v,
                at,
                operation,
                limit,
                to,
            };
            (RAISED, serde_json::to_vec(&record))
        }
    };
    let payload = payload.map_err(|error| unreadable(&error))?;
    Ok((kind, payload))
}

/// The movement of a record; nothing for a kind that this version does not know.
pub(super) fn decode(record: &Record) -> Result<Option<Movement>, Error> {
    if ![RESERVED, SETTLED, RAISED].contains(&record.kind) {
        return Ok(None);
    }
    let Versioned { v } = read(record)?;
    if v > VERSION {
        return Err(Error::NewerRecord {
            found: v,
            supported: VERSION,
        });
    }
    Ok(Some(match record.kind {
        RESERVED => {
            let record: ReservedRecord = read(record)?;
            Movement::Reserved {
                operation: record.operation,
                scope: SpendScope {
                    run: record.run,
                    repository: record.repository,
                    task: record.task,
                },
                day: Day::of(record.at),
                agent: record.agent,
                model: record.model,
                amount: record.amount,
                parent: record.parent,
            }
        }
        SETTLED => {
            let record: SettledRecord = read(record)?;
            Movement::Settled {
                operation: record.operation,
                reservation: record.reservation,
                amount: record.amount,
                basis: record.basis,
                usage: record.usage,
                model: record.model,
            }
        }
        _ => {
            let record: RaisedRecord = read(record)?;
            Movement::Raised {
                operation: record.operation,
                limit: record.limit,
                to: record.to,
            }
        }
    }))
}

fn read<'a, T: Deserialize<'a>>(record: &'a Record) -> Result<T, Error> {
    serde_json::from_slice(&record.payload).map_err(|error| unreadable(&error))
}

fn unreadable(error: &serde_json::Error) -> Error {
    Error::BadRecord {
        what: format!("is not as it should be: {error}"),
    }
}
