//! What is shown of all runs together: folds of their summaries.

use std::{collections::BTreeMap, sync::Arc};

use core_types::{ErrorClass, Timestamp, TokenUsage, Usd};

use super::{
    Amounts, Arm, Attention, AttentionKind, Costs, DayCount, DaySpend, History, Learning,
    LessonStanding, Overview, RunFold, RunRow, RunState, RunSummary, bodies::ratio,
};

const DAY_MS: u64 = 86_400_000;
/// How long a failed run is shown as one that needs a person.
const FAILED_MS: u64 = 7 * DAY_MS;
const RECENT: usize = 10;
const DAYS: u64 = 14;

/// What is known of a run: its events while they are needed, its summary always.
#[derive(Debug, Clone)]
pub struct Known {
    /// The summary as of now.
    pub summary: RunSummary,
    /// Its fold; `None` for a run that has ended and was not looked into, and for one that is removed.
    pub fold: Option<Arc<RunFold>>,
    /// Whether the run itself is gone.
    pub is_removed: bool,
}

impl Known {
    fn row(&self, now: Timestamp) -> RunRow {
        let summary = &self.summary;
        let fold = self.fold.as_ref().filter(|_| !summary.state.has_ended());
        RunRow {
            run: summary.run.clone(),
            title: summary.title.clone(),
            state: summary.state,
            stage: summary.stage,
            started: summary.started,
            stopped: summary.stopped,
            elapsed_ms: summary.elapsed_ms,
            eta: fold.and_then(|it| it.header(now).eta),
            counts: summary.counts,
            spent: summary.spent,
            limit: summary.limit,
            is_removed: self.is_removed,
        }
    }
}

impl Overview {
    /// The first page, of all runs, newest first.
    #[must_use]
    pub fn of(runs: &[Known], day: Option<DaySpend>, now: Timestamp) -> Self {
        let is_active = |run: &&Known| !run.summary.state.has_ended() && !run.is_removed;
        let has_ended = |run: &&Known| run.summary.state.has_ended();
        let mut attention: Vec<_> = runs.iter().flat_map(|run| attention(run, now)).collect();
        most_urgent_first(&mut attention);
        let ended = runs.iter().filter(has_ended);
        let n_ended = ended.clone().count() as u64;
        let succeeded = ended.filter(|run| run.summary.state == RunState::Done);
        let succeeded = succeeded.count() as u64;
        let mut recent: Vec<_> = runs.iter().filter(has_ended).collect();
        recent.sort_by_key(|run| std::cmp::Reverse(run.summary.stopped));
        let of_days = days(runs);
        let today = now.0 / DAY_MS;
        let last_days = (0..DAYS).rev().map(|ago| {
            let day = Timestamp(today.saturating_sub(ago) * DAY_MS);
            of_days.get(&day).copied().unwrap_or(DayCount::empty(day))
        });
        let summaries = || runs.iter().map(|run| &run.summary);
        Self {
            now,
            unreadable: Vec::new(),
            attention,
            active: runs
                .iter()
                .filter(is_active)
                .map(|it| it.row(now))
                .collect(),
            recent: recent.iter().take(RECENT).map(|it| it.row(now)).collect(),
            total_runs: runs.len() as u64,
            running: summaries()
                .filter(|it| it.state == RunState::Running)
                .count() as u64,
            ended: n_ended,
            succeeded,
            success_rate: ratio(succeeded, n_ended),
            tasks_ended: summaries().map(|it| it.counts.ended() as u64).sum(),
            days: last_days.collect(),
            spent: total(summaries().map(|it| it.spent)),
            reserved: total(summaries().map(|it| it.reserved)),
            day,
        }
    }
}

impl History {
    /// All runs, newest first.
    #[must_use]
    pub fn of(runs: &[Known], now: Timestamp) -> Self {
        Self {
            runs: runs.iter().map(|run| run.row(now)).collect(),
            days: days(runs).into_values().rev().collect(),
        }
    }
}

impl Costs {
    /// What all runs have spent.
    #[must_use]
    pub fn of(runs: &[Known], day: Option<DaySpend>) -> Self {
        let summaries = || runs.iter().map(|run| &run.summary);
        let mut by_run: Vec<_> = summaries()
            .filter(|it| it.spent > Usd::ZERO)
            .cloned()
            .collect();
        by_run.sort_by_key(|run| std::cmp::Reverse(run.spent));
        Self {
            spent: total(summaries().map(|it| it.spent)),
            reserved: total(summaries().map(|it| it.reserved)),
            usage: summaries().fold(TokenUsage::default(), |sum, it| sum.plus(&it.usage)),
            by_model: together(summaries().map(|it| &it.by_model)),
            by_component: together(summaries().map(|it| &it.by_component)),
            by_repository: together(summaries().map(|it| &it.by_repository)),
            by_run,
            removed: runs
                .iter()
                .filter(|run| run.is_removed)
                .map(|run| run.summary.run.clone())
                .collect(),
            days: days(runs).into_values().rev().collect(),
            day,
        }
    }
}

impl Learning {
    /// What is learnt, and what the prompts of all runs got.
    #[must_use]
    pub fn of(runs: &[Known], lessons: Vec<LessonStanding>) -> Self {
        let mut arms: BTreeMap<&str, u64> = BTreeMap::new();
        for (arm, prompts) in runs.iter().flat_map(|run| &run.summary.arms) {
            *arms.entry(arm).or_default() += prompts;
        }
        let arms = arms.into_iter().map(|(arm, prompts)| Arm {
            arm: arm.to_owned(),
            prompts,
        });
        Self {
            lessons,
            arms: arms.collect(),
        }
    }
}

impl DayCount {
    const fn empty(day: Timestamp) -> Self {
        Self {
            day,
            begun: 0,
            succeeded: 0,
            failed: 0,
            spent: Usd::ZERO,
        }
    }
}

/// By the day on which they began.
fn days(runs: &[Known]) -> BTreeMap<Timestamp, DayCount> {
    let mut days = BTreeMap::new();
    for run in runs {
        let Some(started) = run.summary.started else {
            continue;
        };
        let day = Timestamp(started.0 / DAY_MS * DAY_MS);
        let count = days.entry(day).or_insert(DayCount::empty(day));
        count.begun += 1;
        match run.summary.state {
            RunState::Done => count.succeeded += 1,
            state if state.has_ended() => count.failed += 1,
            _ => {}
        }
        count.spent = count.spent.saturating_add(run.summary.spent);
    }
    days
}

fn total(amounts: impl Iterator<Item = Usd>) -> Usd {
    amounts.fold(Usd::ZERO, Usd::saturating_add)
}

fn together<'a>(
    maps: impl Iterator<Item = &'a BTreeMap<String, Amounts>>,
) -> BTreeMap<String, Amounts> {
    let mut together: BTreeMap<String, Amounts> = BTreeMap::new();
    for (name, amounts) in maps.flatten() {
        together.entry(name.clone()).or_default().add(amounts);
    }
    together
}

pub(super) fn most_urgent_first(attention: &mut [Attention]) {
    attention.sort_by(|a, b| a.kind.cmp(&b.kind).then(b.since.cmp(&a.since)));
}

/// What of a run needs a person.
fn attention(run: &Known, now: Timestamp) -> Vec<Attention> {
    let summary = &run.summary;
    if run.is_removed {
        return Vec::new();
    }
    let about = |kind, message: String| Attention {
        run: summary.run.clone(),
        title: summary.title.clone(),
        kind,
        message,
        task: None,
        since: summary.stopped,
    };
    let handed_off: Vec<_> = run.fold.iter().flat_map(|fold| fold.handed_off()).collect();
    let mut found: Vec<_> = handed_off
        .into_iter()
        .map(|(task, message, since)| Attention {
            task: Some(task),
            since,
            ..about(AttentionKind::HandedOff, message)
        })
        .collect();
    let gate = run.fold.as_ref().and_then(|fold| fold.gate());
    let stopped_by = run.fold.as_ref().and_then(|fold| fold.stopped_by());
    let is_recent = summary
        .stopped
        .is_some_and(|it| now.0.saturating_sub(it.0) < FAILED_MS);
    match summary.state {
        RunState::Running | RunState::Waiting if gate.is_some() => {
            let (gate, since) = gate.unwrap_or_default();
            let message = format!("open the gate \"{gate}\", or give the run up");
            found.push(Attention {
                since: Some(since),
                ..about(AttentionKind::Gate(gate), message)
            });
        }
        RunState::Waiting if found.is_empty() => {
            found.push(about(AttentionKind::Person, summary.reason.clone()));
        }
        RunState::Paused if stopped_by == Some(ErrorClass::BudgetExceeded) => {
            found.push(about(AttentionKind::Budget, summary.reason.clone()));
        }
        RunState::Paused if stopped_by.is_some_and(|it| it != ErrorClass::Cancelled) => {
            found.push(about(AttentionKind::Stopped, summary.reason.clone()));
        }
        RunState::Paused if stopped_by.is_none() && summary.started.is_some() => {
            let message = "its process was killed: resume it".to_owned();
            found.push(about(AttentionKind::Killed, message));
        }
        RunState::Failed if is_recent && found.is_empty() => {
            found.push(about(AttentionKind::Failed, summary.reason.clone()));
        }
        RunState::Partial if is_recent => {
            found.push(about(AttentionKind::Partial, summary.reason.clone()));
        }
        RunState::Aborted => found.clear(),
        _ => {}
    }
    found
}
