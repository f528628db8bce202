//! The same figures by plain recomputation: for each, one look over the whole history, and for times
//! a question at each instant. Nothing is carried from one event to the next.

use std::collections::{BTreeMap, BTreeSet};

use core_types::{
    ErrorClass, Event, EventRecord, RepositoryName, Scope, Stage, StepRef, TaskId, TaskStatus,
    Timestamp, TokenUsage, Usd, WaitReason,
};

use super::history::History;
use crate::fold::{RunState, SegmentKind};

pub(super) struct Oracle<'a> {
    all: Vec<&'a EventRecord>,
    /// Whether the event at the same place is of its step's last execution.
    counts: Vec<bool>,
    is_held: bool,
    now: Timestamp,
    planned: Vec<(TaskId, Planned<'a>)>,
}

/// Title, repository and dependencies.
type Planned<'a> = (&'a str, &'a RepositoryName, &'a [TaskId]);

/// What a task does at an instant.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Doing {
    Nothing,
    Kind(SegmentKind),
    Retry(Option<Timestamp>),
}

impl<'a> Oracle<'a> {
    pub(super) fn new(history: &'a History) -> Self {
        let all: Vec<_> = history.events.iter().map(|(_, record)| record).collect();
        let last = |step: &StepRef| {
            let same = all.iter().filter_map(|it| it.step.as_ref());
            let same = same.filter(|it| it.key == step.key);
            same.map(|it| it.execution).max()
        };
        let counts = all.iter().map(|record| {
            let step = record.step.as_ref();
            step.is_none_or(|step| last(step) == Some(step.execution))
        });
        let counts: Vec<bool> = counts.collect();
        let kept = all.iter().zip(&counts).filter(|(_, counts)| **counts);
        let planned = kept.filter_map(|(it, _)| match &it.event {
            Event::TaskPlanned {
                task,
                title,
                repository,
                dependencies,
                ..
            } => Some((
                task.clone(),
                (title.as_str(), repository, dependencies.as_slice()),
            )),
            _ => None,
        });
        Self {
            planned: planned.collect(),
            counts,
            is_held: history.is_held,
            now: history.now,
            all,
        }
    }

    fn kept(&self) -> impl DoubleEndedIterator<Item = &EventRecord> {
        let kept = self.all.iter().zip(&self.counts);
        kept.filter(|(_, counts)| **counts).map(|(it, _)| *it)
    }

    fn lifecycle(&self) -> Option<&EventRecord> {
        self.kept().rfind(|it| {
            matches!(
                it.event,
                Event::RunStarted { .. } | Event::RunPaused { .. } | Event::RunEnded { .. }
            )
        })
    }

    pub(super) fn state(&self) -> RunState {
        match self.lifecycle().map(|it| &it.event) {
            Some(Event::RunPaused { class: None, .. }) => RunState::Waiting,
            Some(Event::RunPaused { .. }) => RunState::Paused,
            Some(Event::RunEnded { exit_code: 0, .. }) => RunState::Done,
            Some(Event::RunEnded { exit_code: 5, .. }) => RunState::Partial,
            Some(Event::RunEnded {
                class: Some(ErrorClass::Cancelled),
                ..
            }) => RunState::Aborted,
            Some(Event::RunEnded { .. }) => RunState::Failed,
            _ if self.is_held => RunState::Running,
            _ => RunState::Paused,
        }
    }

    pub(super) fn stage(&self) -> Option<Stage> {
        self.kept().rev().find_map(|it| match it.event {
            Event::StageStarted { stage } => Some(stage),
            _ => None,
        })
    }

    pub(super) fn sessions(&self) -> Vec<(Timestamp, Timestamp)> {
        let is_start = |it: &EventRecord| matches!(it.event, Event::RunStarted { .. });
        let starts: Vec<usize> = (0..self.all.len())
            .filter(|&idx| is_start(self.all[idx]))
            .collect();
        let spans = starts.iter().enumerate().map(|(nth, &start)| {
            let next = starts.get(nth + 1).copied().unwrap_or(self.all.len());
            let of_session = &self.all[start..next];
            let stop = of_session
                .iter()
                .find(|it| matches!(it.event, Event::RunPaused { .. } | Event::RunEnded { .. }));
            let is_open = next == self.all.len() && self.is_held && stop.is_none();
            let told = of_session.iter().rfind(|it| !is_before_start(it));
            let end = match stop {
                Some(stop) => stop.at,
                None if is_open => self.now,
                None => told.expect("it has a start").at,
            };
            (self.all[start].at, end)
        });
        spans.collect()
    }

    pub(super) fn elapsed_ms(&self) -> u64 {
        let sessions = self.sessions();
        sessions.iter().map(|(from, to)| to.0 - from.0).sum()
    }

    pub(super) fn tasks(&self) -> Vec<TaskId> {
        self.planned.iter().map(|(task, _)| task.clone()).collect()
    }

    pub(super) fn planned(&self, id: &TaskId) -> Planned<'a> {
        let planned = self.planned.iter().find(|(task, _)| task == id);
        planned.expect("it is planned").1
    }

    fn kept_until(&self, n_events: usize) -> impl DoubleEndedIterator<Item = &EventRecord> {
        let kept = self.all.iter().zip(&self.counts).take(n_events);
        kept.filter(|(_, counts)| **counts).map(|(it, _)| *it)
    }

    /// What the events said of a task's state last.
    fn told(&self, id: &TaskId, n_events: usize) -> TaskStatus {
        let kept: Vec<_> = self.kept_until(n_events).collect();
        let changed = kept.iter().rev().find_map(|it| match &it.event {
            Event::TaskChanged { task, status, .. } if task == id => Some(*status),
            _ => None,
        });
        changed.unwrap_or(TaskStatus::Waiting)
    }

    /// Whether neither a dependency nor a repository is waited for.
    fn is_free(&self, id: &TaskId, n_events: usize) -> bool {
        let is_planned = |it: &EventRecord| matches!(it.event, Event::PlanReady { .. });
        if !self.kept_until(n_events).any(is_planned) {
            return false;
        }
        let (_, own, dependencies) = self.planned(id);
        let good = |it: &TaskId| self.told(it, n_events).is_good();
        if !dependencies.iter().all(good) {
            return false;
        }
        let joined = self.kept_until(n_events).find_map(|it| match &it.event {
            Event::RepositoryJoined { repository, waits } if repository == own => Some(waits),
            _ => None,
        });
        let mut waits = joined.into_iter().flatten();
        waits.all(|wait| self.is_over(&wait.repository, wait.reason, n_events))
    }

    fn is_over(&self, repository: &RepositoryName, reason: WaitReason, n_events: usize) -> bool {
        let tasks = self.tasks();
        let own = tasks.iter().filter(|id| self.planned(id).1 == repository);
        let states: Vec<_> = own.map(|id| self.told(id, n_events)).collect();
        let is_bad =
            |it: &TaskStatus| it.has_ended() && !it.is_good() && *it != TaskStatus::Skipped;
        if states.iter().any(is_bad) {
            return false;
        }
        let kept: Vec<_> = self.kept_until(n_events).collect();
        let tested = kept.iter().rev().find_map(|it| match &it.event {
            Event::RepositoryTested {
                repository: name,
                passed,
                ..
            } if name == repository => Some(*passed != Some(false)),
            _ => None,
        });
        let is_unchanged = states.iter().all(|it| *it == TaskStatus::Unchanged);
        match tested {
            Some(passed) => passed,
            None if reason == WaitReason::Trigger => is_unchanged,
            None => states.iter().all(|it| it.is_good()),
        }
    }

    /// What a task does after so many events.
    fn doing(&self, id: &TaskId, n_events: usize) -> Doing {
        use SegmentKind as K;
        let mut doing = Doing::Nothing;
        for (record, counts) in self.all.iter().zip(&self.counts).take(n_events) {
            let of_step = record.step.as_ref().map(|step| &step.key.scope);
            let is_own = matches!(of_step, Some(Scope::Task(task)) if task == id);
            doing = match &record.event {
                Event::TaskChanged {
                    task,
                    status: TaskStatus::Running,
                    ..
                } if task == id && !counts => Doing::Kind(K::Lost),
                _ if !counts => doing,
                Event::RunStarted { .. } if doing == Doing::Kind(K::Lost) => Doing::Kind(K::Queued),
                Event::TaskPlanned { task, .. } if task == id => Doing::Kind(K::Scheduled),
                Event::TaskChanged { task, status, .. } if task == id => match status {
                    TaskStatus::Waiting => Doing::Kind(K::Scheduled),
                    TaskStatus::Running => Doing::Kind(K::Running),
                    _ => Doing::Nothing,
                },
                Event::RecoveryStarted { .. } if is_own => Doing::Kind(K::Recovery),
                Event::RecoveryEnded { outcome, until, .. } if is_own => match outcome.as_str() {
                    "retry" | "park" => Doing::Retry(*until),
                    "repaired" => Doing::Kind(K::Running),
                    _ => doing,
                },
                Event::TaskChanged { .. }
                | Event::RecoveryStarted { .. }
                | Event::RecoveryEnded { .. } => doing,
                _ if is_own
                    && matches!(
                        doing,
                        Doing::Retry(_) | Doing::Kind(K::Scheduled | K::Queued)
                    ) =>
                {
                    Doing::Kind(K::Running)
                }
                _ => doing,
            };
        }
        let stage = self.kept_until(n_events).any(|it| {
            matches!(
                it.event,
                Event::StageStarted {
                    stage: Stage::Implementation
                }
            )
        });
        match doing {
            Doing::Kind(K::Scheduled) if stage && self.is_free(id, n_events) => {
                Doing::Kind(K::Queued)
            }
            doing => doing,
        }
    }

    /// For how long a task did what.
    pub(super) fn times(&self, id: &TaskId) -> BTreeMap<SegmentKind, u64> {
        let mut times = BTreeMap::new();
        let sessions = self.sessions();
        for idx in 0..self.all.len() {
            let from = self.all[idx].at;
            let to = self
                .all
                .get(idx + 1)
                .map_or(Timestamp(u64::MAX), |it| it.at);
            let doing = self.doing(id, idx + 1);
            let mut add = |kind: SegmentKind, from: Timestamp, to: Timestamp| {
                for (begin, end) in &sessions {
                    let held = to.min(*end).0.saturating_sub(from.max(*begin).0);
                    if held > 0 {
                        *times.entry(kind).or_default() += held;
                    }
                }
            };
            match doing {
                Doing::Nothing => {}
                Doing::Kind(kind) => add(kind, from, to),
                Doing::Retry(None) => add(SegmentKind::Retry, from, to),
                Doing::Retry(Some(until)) => {
                    let until = until.clamp(from, to);
                    add(SegmentKind::Retry, from, until);
                    add(SegmentKind::Queued, until, to);
                }
            }
        }
        times
    }

    /// Until when its story is told.
    fn until(&self) -> Timestamp {
        self.sessions().last().map_or(Timestamp(0), |(_, to)| *to)
    }

    pub(super) fn status(&self, id: &TaskId) -> TaskStatus {
        let n_events = self.all.len();
        let told = self.told(id, n_events);
        match (told, self.doing(id, n_events)) {
            (TaskStatus::Running, Doing::Retry(until)) => {
                match until.is_some_and(|until| until <= self.until()) {
                    true => TaskStatus::Ready,
                    false => TaskStatus::Waiting,
                }
            }
            (TaskStatus::Waiting, _) if self.is_free(id, n_events) => TaskStatus::Ready,
            (told, _) => told,
        }
    }

    /// How often stages ended well and otherwise, and for how long they were held.
    pub(super) fn stages(&self) -> BTreeMap<Stage, (u64, u64, u64)> {
        let kept: Vec<_> = self.kept().collect();
        let starts: Vec<_> = kept
            .iter()
            .filter_map(|it| match it.event {
                Event::StageStarted { stage } => Some((stage, it.at)),
                _ => None,
            })
            .collect();
        let mut stages: BTreeMap<Stage, (u64, u64, u64)> = BTreeMap::new();
        for (nth, (stage, from)) in starts.iter().enumerate() {
            let figures = stages.entry(*stage).or_default();
            let to = match (starts.get(nth + 1), self.lifecycle()) {
                (Some((_, to)), _) => {
                    figures.0 += 1;
                    *to
                }
                (None, Some(end)) => match end.event {
                    Event::RunEnded { exit_code, .. } => {
                        figures.0 += u64::from(exit_code == 0);
                        figures.1 += u64::from(exit_code != 0);
                        end.at
                    }
                    _ => continue,
                },
                (None, None) => continue,
            };
            figures.2 += self.held(*from, to);
        }
        stages
    }

    pub(super) fn implementation_ms(&self) -> u64 {
        let kept: Vec<_> = self.kept().collect();
        let start = kept.iter().position(|it| {
            matches!(
                it.event,
                Event::StageStarted {
                    stage: Stage::Implementation
                }
            )
        });
        let Some(start) = start else {
            return 0;
        };
        let next = kept[start + 1..]
            .iter()
            .find(|it| matches!(it.event, Event::StageStarted { .. }));
        self.held(kept[start].at, next.map_or(self.until(), |it| it.at))
    }

    fn held(&self, from: Timestamp, to: Timestamp) -> u64 {
        let sessions = self.sessions();
        let held = sessions
            .iter()
            .map(|(begin, end)| to.min(*end).0.saturating_sub(from.max(*begin).0));
        held.sum()
    }

    /// Every piece of agents' work: for which scope, in which component, with which model, tokens, money.
    pub(super) fn calls(&self) -> Vec<(Scope, String, String, TokenUsage, Usd)> {
        let steps: Vec<_> = self
            .all
            .iter()
            .filter(|it| {
                matches!(
                    it.event,
                    Event::AgentStarted { .. }
                        | Event::SpendReserved { .. }
                        | Event::SpendSettled { .. }
                )
            })
            .filter_map(|it| it.step.clone())
            .collect();
        let mut seen = BTreeSet::new();
        let mut calls = Vec::new();
        for step in steps {
            if !seen.insert(format!("{step:?}")) {
                continue;
            }
            let of_step = |it: &&&EventRecord| it.step.as_ref() == Some(&step);
            let own: Vec<_> = self.all.iter().filter(of_step).collect();
            let settled = own.iter().find_map(|it| match &it.event {
                Event::SpendSettled {
                    model,
                    usage,
                    amount,
                    ..
                } => Some((model.clone(), *usage, *amount)),
                _ => None,
            });
            let ended = own.iter().find_map(|it| match &it.event {
                Event::AgentEnded { usage, .. } => Some(*usage),
                _ => None,
            });
            let (model, usage, amount) =
                settled.unwrap_or((String::new(), ended.unwrap_or_default(), Usd::ZERO));
            let given = own.iter().find_map(|it| match &it.event {
                Event::AgentStarted { model, .. } => model.as_ref().map(|it| it.model.clone()),
                _ => None,
            });
            let model = match model.as_str() {
                "" => given.unwrap_or_default(),
                _ => model,
            };
            let first = self
                .all
                .iter()
                .position(|it| it.step.as_ref() == Some(&step));
            let first = first.expect("it was found");
            let stage = self.all[..first]
                .iter()
                .rev()
                .find_map(|it| match it.event {
                    Event::StageStarted { stage } => Some(stage.as_str()),
                    _ => None,
                });
            let component = match step.key.name.as_str().starts_with("recovery-") {
                true => "recovery",
                false => stage.unwrap_or("planning"),
            };
            let scope = step.key.scope.clone();
            calls.push((scope, component.to_owned(), model, usage, amount));
        }
        calls
    }

    pub(super) fn reserved(&self) -> Usd {
        let mut open = BTreeMap::new();
        for record in &self.all {
            match &record.event {
                Event::SpendReserved { operation, amount } => {
                    open.insert(operation.to_string(), *amount);
                }
                Event::SpendSettled { operation, .. } => {
                    open.remove(operation.as_str());
                }
                _ => {}
            }
        }
        open.into_values().fold(Usd::ZERO, Usd::saturating_add)
    }

    pub(super) fn limit(&self) -> Option<Usd> {
        self.all.iter().rev().find_map(|it| match it.event {
            Event::BudgetSet { limit } => Some(limit),
            _ => None,
        })
    }

    pub(super) fn forge_calls(&self) -> Vec<(String, bool, u64)> {
        let calls = self.kept().filter_map(|it| match &it.event {
            Event::ForgeCalled {
                provider,
                passed,
                duration,
                ..
            } => {
                let millis = u64::try_from(duration.as_millis()).expect("short");
                Some((provider.clone(), *passed, millis))
            }
            _ => None,
        });
        calls.collect()
    }

    pub(super) fn count(&self, wanted: impl Fn(&Event) -> bool) -> usize {
        self.kept().filter(|it| wanted(&it.event)).count()
    }

    pub(super) fn ran(&self, id: &TaskId) -> bool {
        self.count(|event| {
            matches!(event, Event::TaskChanged { task, status: TaskStatus::Running, .. } if task == id)
        }) > 0
    }

    pub(super) fn max_workers(&self) -> usize {
        let workers = self.kept().rev().find_map(|it| match it.event {
            Event::RunStarted { max_workers, .. } => Some(max_workers),
            _ => None,
        });
        workers.unwrap_or(0)
    }
}

fn is_before_start(record: &EventRecord) -> bool {
    let is_of_kind = matches!(
        record.event,
        Event::BudgetSet { .. } | Event::Warning { .. }
    );
    record.step.is_none() && is_of_kind
}
