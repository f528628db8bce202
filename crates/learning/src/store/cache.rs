//! The state as one file, so that opening need not read every record's content again. It may be removed at
//! any time.

use std::{path::Path, sync::Arc};

use core_types::{TaskStatus, Timestamp};
use journal::Position;

use super::{
    state::{Core, State},
    table::{Row, Table},
};
use crate::{
    index::{Index, take, take_number},
    record::Outcome,
};

/// With the version of the format: another one is no cache.
const MAGIC: &[u8; 8] = b"AUTOLRN2";

/// Nothing where the state cannot be written, which is none of the caller's concern.
pub(super) fn encode(state: &State, position: &Position) -> Option<Vec<u8>> {
    let core = serde_json::to_vec(&state.core).ok()?;
    let mut bytes = MAGIC.to_vec();
    bytes.extend(position.to_bytes());
    put_bytes(&mut bytes, &core);
    bytes.extend((state.table.rows.len() as u32).to_le_bytes());
    for row in &state.table.rows {
        put_row(&mut bytes, row);
    }
    state.table.index.encode(&mut bytes);
    bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
    Some(bytes)
}

/// The state, and up to where in its journal.
pub(super) fn read(options: &journal::Options, path: &Path) -> Option<(State, Position)> {
    let file = options.storage.open(path, journal::OpenMode::Read).ok()?;
    let mut bytes = vec![0; usize::try_from(file.size().ok()?).ok()?];
    let mut filled = 0;
    while filled < bytes.len() {
        match file.read_at(filled as u64, &mut bytes[filled..]).ok()? {
            0 => return None,
            read => filled += read,
        }
    }
    decode(&bytes)
}

pub(super) fn decode(bytes: &[u8]) -> Option<(State, Position)> {
    let (content, checksum) = bytes.split_last_chunk::<4>()?;
    if crc32fast::hash(content) != u32::from_le_bytes(*checksum) {
        return None;
    }
    let rest = &mut &*content;
    if take(rest, MAGIC.len())? != MAGIC {
        return None;
    }
    let position = Position::from_bytes(take(rest, Position::LEN)?.try_into().ok()?)?;
    let core: Core = serde_json::from_slice(take_bytes(rest)?).ok()?;
    let n_rows = take_number(rest)? as usize;
    let mut rows = Vec::with_capacity(n_rows.min(rest.len() / 16));
    let mut repository: Arc<str> = "".into();
    for _ in 0..n_rows {
        let row = take_row(rest, &repository)?;
        repository = Arc::clone(&row.repository);
        rows.push(row);
    }
    let index = Index::decode(rest)?;
    if index.len() != rows.len() || !rest.is_empty() {
        return None;
    }
    let state = State {
        core,
        table: Table::restore(rows, index),
        ..State::default()
    };
    Some((state, position))
}

fn put_row(bytes: &mut Vec<u8>, row: &Row) {
    let Row {
        key,
        seq,
        at,
        outcome,
        review,
        repository,
    } = row;
    put_bytes(bytes, key.as_bytes());
    bytes.extend(seq.to_le_bytes());
    bytes.extend(at.0.to_le_bytes());
    let status = STATUSES.iter().position(|status| *status == outcome.status);
    bytes.push(status.unwrap_or_default() as u8);
    bytes.push(maybe(outcome.tests) | maybe(outcome.merged) << 2);
    bytes.push(u8::from(outcome.reverted) | u8::from(outcome.tests_weakened) << 1);
    bytes.extend(review.unwrap_or(f64::NAN).to_le_bytes());
    put_bytes(bytes, repository.as_bytes());
}

fn take_row(bytes: &mut &[u8], last_repository: &Arc<str>) -> Option<Row> {
    let key = std::str::from_utf8(take_bytes(bytes)?).ok()?.into();
    let seq = take_long(bytes)?;
    let at = Timestamp(take_long(bytes)?);
    let &[status, results, flags] = take(bytes, 3)? else {
        return None;
    };
    let review = f64::from_bits(take_long(bytes)?);
    let repository = std::str::from_utf8(take_bytes(bytes)?).ok()?;
    Some(Row {
        key,
        seq,
        at,
        outcome: Outcome {
            status: *STATUSES.get(usize::from(status))?,
            tests: is(results & 3),
            merged: is(results >> 2),
            reverted: flags & 1 != 0,
            tests_weakened: flags & 2 != 0,
        },
        review: (!review.is_nan()).then_some(review),
        // Neighbors are often of one repository, and then share its name.
        repository: if repository == &**last_repository {
            Arc::clone(last_repository)
        } else {
            repository.into()
        },
    })
}

const STATUSES: [TaskStatus; 10] = [
    TaskStatus::Waiting,
    TaskStatus::Ready,
    TaskStatus::Running,
    TaskStatus::Succeeded,
    TaskStatus::Unchanged,
    TaskStatus::Failed,
    TaskStatus::TimedOut,
    TaskStatus::Skipped,
    TaskStatus::Cancelled,
    TaskStatus::Panicked,
];

fn maybe(value: Option<bool>) -> u8 {
    value.map_or(0, |value| 1 + u8::from(value))
}

fn is(bits: u8) -> Option<bool> {
    (bits > 0).then_some(bits == 2)
}

fn put_bytes(bytes: &mut Vec<u8>, content: &[u8]) {
    bytes.extend((content.len() as u32).to_le_bytes());
    bytes.extend(content);
}

fn take_bytes<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = take_number(bytes)?;
    take(bytes, length as usize)
}

fn take_long(bytes: &mut &[u8]) -> Option<u64> {
    Some(u64::from_le_bytes(take(bytes, 8)?.try_into().ok()?))
}
