//! The folds of all runs, kept current.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use core_types::{Clock, PortError, RunId, TaskId, Timestamp};
use tokio::sync::broadcast;

use super::{
    Attention, AttentionKind, Batch, Costs, CostsBody, Explanation, Graph, History, Known,
    Learning, Overview, PerformanceBody, RunFold, RunListing, RunSource, RunState, RunSummary,
    RunView, SummaryBody, TaskView, TasksBody, WorkflowsBody, many::most_urgent_first,
};

/// When a run that could not be read is tried again, though nothing of it has changed.
const TRY_AGAIN: Duration = Duration::from_secs(10);

/// How many changes a slow subscriber may miss before it is told that it has.
const CHANGES: usize = 1024;

/// The folds of all runs of a source, kept current by reading what has come since.
///
/// A run that has ended is kept as its summary until somebody looks into it.
#[derive(Debug)]
pub struct Board {
    source: Arc<dyn RunSource>,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    /// One reader at a time; taken before `state`, and held across it.
    reading: tokio::sync::Mutex<()>,
    changes: broadcast::Sender<Change>,
}

/// A run has changed: it has more events, a process took it or let it go, or it is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Which.
    pub run: RunId,
    /// The number of its last event.
    pub last_seq: u64,
}

#[derive(Debug, Default)]
struct State {
    /// Newest first.
    order: Vec<RunId>,
    runs: BTreeMap<RunId, Entry>,
    /// Runs that could not be read, and why.
    unreadable: BTreeMap<RunId, Unreadable>,
    /// Why the list of runs could not be read when that was tried last.
    trouble: Option<String>,
}

#[derive(Debug)]
struct Unreadable {
    reason: String,
    since: Timestamp,
    /// What was listed when it could not be read.
    mark: u64,
    tried: Timestamp,
}

#[derive(Debug)]
struct Entry {
    known: Known,
    mark: u64,
    is_held: bool,
}

impl Board {
    /// A board that has not read anything yet.
    #[must_use]
    pub fn new(source: Arc<dyn RunSource>, clock: Arc<dyn Clock>) -> Self {
        Self {
            source,
            clock,
            state: Mutex::default(),
            reading: tokio::sync::Mutex::default(),
            changes: broadcast::Sender::new(CHANGES),
        }
    }

    /// Where it reads, for logs, diffs and commands.
    #[must_use]
    pub fn source(&self) -> &Arc<dyn RunSource> {
        &self.source
    }

    /// Tells of every change from now on; who is too slow misses some and is told so.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Change> {
        self.changes.subscribe()
    }

    /// Reads what has come since; returns how many runs have changed.
    ///
    /// # Errors
    ///
    /// Those of [`RunSource::runs`]. A run whose events cannot be read keeps none of the others back:
    /// it is named by [`Board::overview`], and tried again when it has changed or after a while.
    ///
    /// # Cancel safety
    ///
    /// Dropped, some runs are current and others are not.
    pub async fn refresh(&self) -> Result<usize, PortError> {
        let _reading = self.reading.lock().await;
        let listings = self.source.runs().await;
        self.state().trouble = listings.as_ref().err().map(PortError::to_line);
        let listings = listings?;
        let mut n_changed = 0;
        for listing in &listings {
            if !self.needs_reading(listing) {
                continue;
            }
            match self.read(listing).await {
                Ok(()) => {
                    self.state().unreadable.remove(&listing.run);
                    n_changed += 1;
                }
                Err(error) => self.cannot_read(listing, &error),
            }
        }
        let mut state = self.state();
        state.order = listings.iter().map(|listing| listing.run.clone()).collect();
        let listed: BTreeSet<_> = listings.iter().map(|listing| &listing.run).collect();
        state.unreadable.retain(|run, _| listed.contains(run));
        let is_gone = |run: &&RunId| !listed.contains(run);
        let gone: Vec<_> = state.runs.keys().filter(is_gone).cloned().collect();
        for run in gone {
            state.runs.remove(&run);
            self.tell(&run, 0);
            n_changed += 1;
        }
        Ok(n_changed)
    }

    /// The first page. What of the home cannot be read is named on it, and hides nothing else.
    ///
    /// # Cancel safety
    ///
    /// Dropped, nothing has happened.
    pub async fn overview(&self) -> Overview {
        let day = self.source.day().await;
        let unread = day.as_ref().err().map(PortError::to_line);
        let mut overview = Overview::of(&self.known(), day.ok(), self.clock.now());
        let state = self.state();
        overview.unreadable = state.trouble.iter().cloned().chain(unread).collect();
        let unreadable = state.unreadable.iter().map(|(run, it)| Attention {
            run: run.clone(),
            title: run.to_string(),
            kind: AttentionKind::Unreadable,
            message: it.reason.clone(),
            task: None,
            since: Some(it.since),
        });
        overview.attention.extend(unreadable);
        most_urgent_first(&mut overview.attention);
        overview
    }

    /// All runs, also those that are removed.
    #[must_use]
    pub fn history(&self) -> History {
        History::of(&self.known(), self.clock.now())
    }

    /// What was spent; by runs also where the ledger cannot be read.
    ///
    /// # Cancel safety
    ///
    /// Dropped, nothing has happened.
    pub async fn costs(&self) -> Costs {
        let day = self.source.day().await;
        Costs::of(&self.known(), day.ok())
    }

    /// What is learnt.
    ///
    /// # Errors
    ///
    /// Those of [`RunSource::lessons`].
    ///
    /// # Cancel safety
    ///
    /// Dropped, nothing has happened.
    pub async fn learning(&self) -> Result<Learning, PortError> {
        let lessons = self.source.lessons().await?;
        Ok(Learning::of(&self.known(), lessons))
    }

    /// One run; `None` where there is none, or only its summary is left.
    ///
    /// # Errors
    ///
    /// Those of [`RunSource::events`], for a run that was not looked into before.
    ///
    /// # Cancel safety
    ///
    /// Dropped, nothing has happened.
    pub async fn run(&self, run: &RunId) -> Result<Option<RunView>, PortError> {
        let now = self.clock.now();
        self.with(run, |fold| fold.view(now)).await
    }

    /// The tasks of a run as a picture.
    ///
    /// # Errors
    ///
    /// As [`Board::run`].
    ///
    /// # Cancel safety
    ///
    /// Dropped, nothing has happened.
    pub async fn graph(&self, run: &RunId) -> Result<Option<Graph>, PortError> {
        let now = self.clock.now();
        self.with(run, |fold| fold.graph(now)).await
    }

    /// One task; `None` where there is none.
    ///
    /// # Errors
    ///
    /// As [`Board::run`].
    ///
    /// # Cancel safety
    ///
    /// Dropped, nothing has happened.
    pub async fn task(&self, run: &RunId, task: &TaskId) -> Result<Option<TaskView>, PortError> {
        let now = self.clock.now();
        Ok(self.with(run, |fold| fold.task(task, now)).await?.flatten())
    }

    /// Why a task is not running; `None` where there is none.
    ///
    /// # Errors
    ///
    /// As [`Board::run`].
    ///
    /// # Cancel safety
    ///
    /// Dropped, nothing has happened.
    pub async fn explain(
        &self,
        run: &RunId,
        task: &TaskId,
    ) -> Result<Option<Explanation>, PortError> {
        let now = self.clock.now();
        let explained = self.with(run, |fold| fold.explain(task, now)).await?;
        Ok(explained.flatten())
    }

    /// Looks into the fold of a run; `None` where there is no such run, or only its summary is left.
    ///
    /// # Errors
    ///
    /// As [`Board::run`].
    ///
    /// # Cancel safety
    ///
    /// Dropped, nothing has happened.
    pub async fn with<T>(
        &self,
        run: &RunId,
        look: impl FnOnce(&RunFold) -> T + Send,
    ) -> Result<Option<T>, PortError> {
        let is_unread = |state: &State| {
            let entry = state.runs.get(run);
            entry.is_some_and(|it| it.known.fold.is_none() && !it.known.is_removed)
        };
        let unread = is_unread(&self.state());
        if unread {
            let _reading = self.reading.lock().await;
            let still = is_unread(&self.state());
            if still {
                self.tail(run).await?;
            }
        }
        let fold = self.fold(run);
        Ok(fold.map(|fold| look(&fold)))
    }

    /// What is kept of a run, also of one that is removed.
    #[must_use]
    pub fn summary(&self, run: &RunId) -> Option<RunSummary> {
        let known = self.state().runs.get(run)?.known.clone();
        Some(current(known, self.clock.now()).summary)
    }

    /// The summaries of all runs, newest first: what the seed's endpoints are folds of.
    #[must_use]
    pub fn summaries(&self) -> Vec<RunSummary> {
        self.known()
            .into_iter()
            .map(|known| known.summary)
            .collect()
    }

    /// The body of `/api/metrics/summary`.
    #[must_use]
    pub fn summary_body(&self) -> SummaryBody {
        SummaryBody::of(&self.summaries())
    }

    /// The body of `/api/metrics/workflows`.
    #[must_use]
    pub fn workflows_body(&self) -> WorkflowsBody {
        WorkflowsBody::of(&self.summaries())
    }

    /// The body of `/api/metrics/tasks`.
    #[must_use]
    pub fn tasks_body(&self) -> TasksBody {
        TasksBody::of(&self.summaries())
    }

    /// The body of `/api/metrics/performance`.
    #[must_use]
    pub fn performance_body(&self) -> PerformanceBody {
        PerformanceBody::of(&self.summaries())
    }

    /// The body of `/api/metrics/costs`.
    #[must_use]
    pub fn costs_body(&self) -> CostsBody {
        CostsBody::of(&self.summaries())
    }

    /// All runs as of now. They are looked at without the lock: what comes meanwhile goes to a copy.
    fn known(&self) -> Vec<Known> {
        let known: Vec<_> = {
            let state = self.state();
            let entries = state.order.iter().filter_map(|run| state.runs.get(run));
            entries.map(|entry| entry.known.clone()).collect()
        };
        let now = self.clock.now();
        known.into_iter().map(|it| current(it, now)).collect()
    }

    fn fold(&self, run: &RunId) -> Option<Arc<RunFold>> {
        self.state().runs.get(run)?.known.fold.clone()
    }

    fn needs_reading(&self, listing: &RunListing) -> bool {
        let state = self.state();
        if let Some(unreadable) = state.unreadable.get(&listing.run) {
            let rested = self.clock.now().since(unreadable.tried) >= TRY_AGAIN;
            return unreadable.mark != listing.mark || rested;
        }
        state.runs.get(&listing.run).is_none_or(|entry| {
            entry.mark != listing.mark
                || entry.is_held != listing.is_held
                || entry.known.is_removed != listing.is_removed
        })
    }

    fn cannot_read(&self, listing: &RunListing, error: &PortError) {
        let now = self.clock.now();
        let mut state = self.state();
        let known = state.unreadable.get(&listing.run);
        let since = known.map_or(now, |it| it.since);
        let unreadable = Unreadable {
            reason: error.to_string(),
            since,
            mark: listing.mark,
            tried: now,
        };
        state.unreadable.insert(listing.run.clone(), unreadable);
    }

    async fn read(&self, listing: &RunListing) -> Result<(), PortError> {
        let run = &listing.run;
        let has_fold = self.fold(run).is_some();
        let summary = listing.summary.as_ref();
        // A run that failed is looked into: it may need a person.
        let is_settled = |it: &RunSummary| matches!(it.state, RunState::Done | RunState::Aborted);
        let is_enough = |summary: &&RunSummary| {
            let is_current = listing.is_summary_current && !listing.is_held;
            listing.is_removed || (is_current && is_settled(summary))
        };
        match summary.filter(is_enough) {
            Some(summary) if listing.is_removed || !has_fold => {
                let known = Known {
                    summary: summary.clone(),
                    fold: None,
                    is_removed: listing.is_removed,
                };
                let entry = Entry {
                    known,
                    mark: 0,
                    is_held: false,
                };
                self.state().runs.insert(run.clone(), entry);
                self.tell(run, 0);
            }
            _ => self.tail(run).await?,
        }
        if let Some(entry) = self.state().runs.get_mut(run) {
            entry.mark = listing.mark;
            entry.is_held = listing.is_held;
        }
        Ok(())
    }

    /// Reads a run's events that have come since.
    async fn tail(&self, run: &RunId) -> Result<(), PortError> {
        loop {
            let after = self.fold(run).map_or(0, |fold| fold.last_seq());
            let batch = self.source.events(run, after).await?;
            let has_more = batch.has_more;
            let last_seq = self.take(run, batch);
            if !has_more {
                self.tell(run, last_seq);
                return Ok(());
            }
        }
    }

    fn take(&self, run: &RunId, batch: Batch) -> u64 {
        let mut state = self.state();
        let entry = state.runs.entry(run.clone()).or_insert_with(|| Entry {
            known: Known {
                summary: RunFold::new(run.clone()).summary(self.clock.now()),
                fold: None,
                is_removed: false,
            },
            mark: 0,
            is_held: false,
        });
        let known = &mut entry.known;
        let fold = known
            .fold
            .get_or_insert_with(|| Arc::new(RunFold::new(run.clone())));
        let fold = Arc::make_mut(fold);
        fold.extend(batch.events);
        fold.set_held(batch.is_held);
        known.summary = fold.summary(self.clock.now());
        fold.last_seq()
    }

    fn tell(&self, run: &RunId, last_seq: u64) {
        let change = Change {
            run: run.clone(),
            last_seq,
        };
        // Nobody may be listening.
        self.changes.send(change).ok();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// With the summary at a time: the one of a run that goes on grows with the clock.
fn current(mut known: Known, now: Timestamp) -> Known {
    if let Some(fold) = known
        .fold
        .as_ref()
        .filter(|_| !known.summary.state.has_ended())
    {
        known.summary = fold.summary(now);
    }
    known
}
