//! A source in memory, for tests.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use core_types::{ErrorClass, EventRecord, PortError, RunId, TaskId};

use super::{
    Batch, Command, DaySpend, LessonStanding, LogChunk, LogLine, LogPosition, Prompt, RunListing,
    RunSource, RunSummary,
};
use crate::metrics::Tally;

/// How many events an answer holds at most.
const BATCH: usize = 4096;

/// A [`RunSource`] whose runs a test tells.
#[derive(Debug, Default)]
pub struct MemorySource {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Oldest first.
    order: Vec<RunId>,
    runs: BTreeMap<RunId, Run>,
    day: DaySpend,
    is_ledger_damaged: bool,
    lessons: Vec<LessonStanding>,
    commands: Vec<(RunId, Command)>,
}

#[derive(Debug, Default)]
struct Run {
    events: Vec<(u64, EventRecord)>,
    is_held: bool,
    is_removed: bool,
    is_damaged: bool,
    n_reads: u64,
    summary: Option<RunSummary>,
    tally: Option<Tally>,
    logs: BTreeMap<Option<TaskId>, Vec<LogLine>>,
    diffs: BTreeMap<(TaskId, u32), String>,
    prompts: BTreeMap<(TaskId, u32), Prompt>,
}

impl MemorySource {
    /// One without runs.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds events to a run, which becomes the newest if it is new; their numbers go on from the last.
    pub fn push(&self, run: &RunId, events: impl IntoIterator<Item = EventRecord>) {
        self.change(run, |it| {
            for event in events {
                let seq = it.events.last().map_or(1, |(seq, _)| seq + 1);
                it.events.push((seq, event));
            }
        });
    }

    /// Says whether the events of a run cannot be read.
    pub fn set_damaged(&self, run: &RunId, is_damaged: bool) {
        self.change(run, |it| it.is_damaged = is_damaged);
    }

    /// How often the events of a run were asked for.
    #[must_use]
    pub fn n_reads(&self, run: &RunId) -> u64 {
        self.state().runs.get(run).map_or(0, |it| it.n_reads)
    }

    /// Says whether a process holds a run.
    pub fn set_held(&self, run: &RunId, is_held: bool) {
        self.change(run, |it| it.is_held = is_held);
    }

    /// Removes a run, of which the summary and what it has counted stay.
    pub fn remove(&self, run: &RunId, summary: RunSummary) {
        self.change(run, |it| {
            it.tally = Some(Tally::of(run, it.events.iter().map(|(_, event)| event)));
            it.events.clear();
            it.is_removed = true;
            it.is_held = false;
            it.summary = Some(summary);
        });
    }

    /// Adds a line to a log.
    pub fn log_line(&self, run: &RunId, task: Option<&TaskId>, file: &str, text: &str) {
        self.change(run, |it| {
            let lines = it.logs.entry(task.cloned()).or_default();
            lines.push(LogLine {
                file: file.to_owned(),
                text: text.to_owned(),
            });
        });
    }

    /// Sets what an attempt changed.
    pub fn set_diff(&self, run: &RunId, task: &TaskId, attempt: u32, diff: &str) {
        self.change(run, |it| {
            it.diffs.insert((task.clone(), attempt), diff.to_owned());
        });
    }

    /// Sets what an attempt's agent was told.
    pub fn set_prompt(&self, run: &RunId, task: &TaskId, attempt: u32, prompt: Prompt) {
        self.change(run, |it| {
            it.prompts.insert((task.clone(), attempt), prompt);
        });
    }

    /// Sets what was spent today.
    pub fn set_day(&self, day: DaySpend) {
        self.state().day = day;
    }

    /// Says whether what was spent today cannot be read.
    pub fn set_ledger_damaged(&self, is_damaged: bool) {
        self.state().is_ledger_damaged = is_damaged;
    }

    /// Sets the lessons.
    pub fn set_lessons(&self, lessons: Vec<LessonStanding>) {
        self.state().lessons = lessons;
    }

    /// The commands that were given, in order.
    #[must_use]
    pub fn commands(&self) -> Vec<(RunId, Command)> {
        self.state().commands.clone()
    }

    fn change(&self, run: &RunId, change: impl FnOnce(&mut Run)) {
        let mut state = self.state();
        if !state.runs.contains_key(run) {
            state.order.push(run.clone());
        }
        change(state.runs.entry(run.clone()).or_default());
    }

    fn look<T>(
        &self,
        run: &RunId,
        what: &'static str,
        look: impl FnOnce(&Run) -> Option<T>,
    ) -> Result<T, PortError> {
        let state = self.state();
        let found = state.runs.get(run).and_then(look);
        found.ok_or_else(|| PortError::new(ErrorClass::NotFound, what))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn damaged(doing: &'static str) -> PortError {
    PortError::new(ErrorClass::Internal, doing).because("it is damaged")
}

#[async_trait]
impl RunSource for MemorySource {
    async fn runs(&self) -> Result<Vec<RunListing>, PortError> {
        let state = self.state();
        let listings = state.order.iter().rev().filter_map(|run| {
            let it = state.runs.get(run)?;
            Some(RunListing {
                run: run.clone(),
                is_held: it.is_held,
                mark: it.events.last().map_or(0, |(seq, _)| *seq),
                summary: it.summary.clone(),
                is_summary_current: it.is_removed,
                is_removed: it.is_removed,
            })
        });
        Ok(listings.collect())
    }

    async fn events(&self, run: &RunId, after: u64) -> Result<Batch, PortError> {
        const DOING: &str = "read a run's events";
        if let Some(it) = self.state().runs.get_mut(run) {
            it.n_reads += 1;
            if it.is_damaged {
                return Err(damaged(DOING));
            }
        }
        self.look(run, DOING, |it| {
            if it.is_removed {
                return None;
            }
            let from = it.events.partition_point(|(seq, _)| *seq <= after);
            let rest = &it.events[from..];
            Some(Batch {
                events: rest.iter().take(BATCH).cloned().collect(),
                is_held: it.is_held,
                has_more: rest.len() > BATCH,
            })
        })
    }

    async fn tally(&self, run: &RunId) -> Result<Option<Tally>, PortError> {
        self.look(run, "read what a run has counted", |it| {
            Some(it.tally.clone())
        })
    }

    async fn log(
        &self,
        run: &RunId,
        task: Option<&TaskId>,
        after: Option<LogPosition>,
    ) -> Result<LogChunk, PortError> {
        const DOING: &str = "read a log";
        let after =
            match &after {
                None => None,
                Some(start) if start.as_str().is_empty() => Some(0),
                Some(after) => Some(after.as_str().parse().map_err(|error| {
                    PortError::new(ErrorClass::Validation, DOING).because(error)
                })?),
            };
        self.look(run, DOING, |it| {
            let lines = it.logs.get(&task.cloned()).map_or(&[][..], Vec::as_slice);
            let after: usize = after.unwrap_or(lines.len().saturating_sub(100));
            Some(LogChunk {
                lines: lines.iter().skip(after).cloned().collect(),
                next: LogPosition::new(lines.len().max(after).to_string()),
                is_complete: !it.is_held,
            })
        })
    }

    async fn diff(&self, run: &RunId, task: &TaskId, attempt: u32) -> Result<String, PortError> {
        let key = (task.clone(), attempt);
        self.look(run, "find an attempt's change", |it| {
            it.diffs.get(&key).cloned()
        })
    }

    async fn prompt(&self, run: &RunId, task: &TaskId, attempt: u32) -> Result<Prompt, PortError> {
        let key = (task.clone(), attempt);
        self.look(run, "find an attempt's prompt", |it| {
            it.prompts.get(&key).cloned()
        })
    }

    async fn day(&self) -> Result<DaySpend, PortError> {
        let state = self.state();
        match state.is_ledger_damaged {
            true => Err(damaged("read what was spent")),
            false => Ok(state.day.clone()),
        }
    }

    async fn lessons(&self) -> Result<Vec<LessonStanding>, PortError> {
        Ok(self.state().lessons.clone())
    }

    async fn command(&self, run: &RunId, command: Command) -> Result<String, PortError> {
        self.look(run, "tell a run", |_| Some(()))?;
        self.state().commands.push((run.clone(), command));
        Ok("told".to_owned())
    }
}
