//! Executions as they are held in memory, and the index over them.

use std::{collections::HashMap, sync::Arc};

use core_types::Timestamp;

use crate::{
    index::{Index, tokens},
    record::{ExecutionRecord, Outcome},
};

/// Words a record adds to the index at most: a prompt may be a whole repository.
const MAX_WORDS: usize = 2_000;

/// One execution.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    /// `run/task/attempt`; ids have no slash.
    pub(crate) key: Arc<str>,
    /// Its place in the journal.
    pub(crate) seq: u64,
    pub(crate) at: Timestamp,
    pub(crate) outcome: Outcome,
    pub(crate) review: Option<f64>,
    /// Empty without one.
    pub(crate) repository: Arc<str>,
}

#[derive(Debug, Default)]
pub(crate) struct Table {
    pub(crate) rows: Vec<Row>,
    by_key: HashMap<Arc<str>, u32>,
    /// A document a row, with the same number.
    pub(crate) index: Index,
    /// Names of repositories, so that each is held once.
    repositories: HashMap<Arc<str>, ()>,
}

pub(crate) fn key(run: &str, task: &str, attempt: u32) -> String {
    format!("{run}/{task}/{attempt}")
}

impl Table {
    pub(crate) fn restore(rows: Vec<Row>, index: Index) -> Self {
        let by_key = rows
            .iter()
            .enumerate()
            .map(|(i, row)| (Arc::clone(&row.key), i as u32))
            .collect();
        Self {
            rows,
            by_key,
            index,
            repositories: HashMap::new(),
        }
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Row> {
        self.by_key.get(key).map(|i| &self.rows[*i as usize])
    }

    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut Row> {
        let i = self.by_key.get(key)?;
        self.rows.get_mut(*i as usize)
    }

    pub(crate) fn add(&mut self, seq: u64, record: &ExecutionRecord) {
        let key = key(record.run.as_str(), record.task.as_str(), record.attempt);
        let row = Row {
            key: key.into(),
            seq,
            at: record.at,
            outcome: record.outcome,
            review: record.review.map(|review| review.score()),
            repository: self.intern(record.repository.as_ref().map_or("", |it| it.as_str())),
        };
        self.by_key
            .insert(Arc::clone(&row.key), self.rows.len() as u32);
        self.rows.push(row);
        self.index.add(words(record));
    }

    fn intern(&mut self, name: &str) -> Arc<str> {
        if let Some((known, ())) = self.repositories.get_key_value(name) {
            return Arc::clone(known);
        }
        let name: Arc<str> = name.into();
        self.repositories.insert(Arc::clone(&name), ());
        name
    }
}

/// What a record is found by.
fn words(record: &ExecutionRecord) -> impl Iterator<Item = String> {
    let own = tokens(&record.title).chain(tokens(record.prompt.as_deref().unwrap_or_default()));
    let values = record.metadata.values().filter_map(|value| value.as_str());
    own.chain(values.flat_map(tokens)).take(MAX_WORDS)
}

pub(crate) fn key_of(record: &ExecutionRecord) -> String {
    key(record.run.as_str(), record.task.as_str(), record.attempt)
}
