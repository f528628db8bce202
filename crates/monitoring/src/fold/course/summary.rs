//! What outlives a run.

use std::collections::{BTreeMap, BTreeSet};

use core_types::{ErrorClass, Scope, Stage, TaskId, Timestamp};

use super::{lane::total_ms, path::HELD, run_fold::RunFold};
use crate::fold::{RunSummary, SegmentKind, StageFigures, TaskCounts, TaskFigures, task_type};

/// The version of [`RunSummary`] that is written.
const VERSION: u16 = 1;

impl RunFold {
    /// What is kept of it for good, and what all figures over several runs are made of.
    #[must_use]
    pub fn summary(&self, now: Timestamp) -> RunSummary {
        let course = &self.course;
        let is_live = course.is_live(self.is_held);
        let until = course.until(now, self.is_held);
        let lanes = self.lanes(now);
        let spend = self.spend();
        let stop = course.stop.as_ref();
        let mut counts = TaskCounts::default();
        let mut task_types: BTreeMap<String, TaskFigures> = BTreeMap::new();
        let (mut task_ms, mut queued_ms) = (0_u64, 0_u64);
        for (task, lane) in course.tasks.iter().zip(&lanes) {
            counts.add(task.status_at(until));
            let ran_ms = total_ms(lane, &HELD, until);
            task_ms = task_ms.saturating_add(ran_ms);
            queued_ms = queued_ms.saturating_add(total_ms(lane, &[SegmentKind::Queued], until));
            let kind = task_type(&task.title).to_owned();
            let figures = task_types.entry(kind).or_default();
            figures.count += 1;
            if task.status.has_ended() && task.started.is_some() {
                figures.ran += 1;
                figures.ran_ms = figures.ran_ms.saturating_add(ran_ms);
            }
        }
        let mut recoveries: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
        for recovery in course.recoveries.iter().filter(|it| it.ended.is_some()) {
            let by_outcome = recoveries.entry(recovery.strategy.clone()).or_default();
            *by_outcome.entry(recovery.outcome.clone()).or_default() += 1;
        }
        let mut arms: BTreeMap<String, u64> = BTreeMap::new();
        for (_, served) in &course.lessons {
            *arms.entry(served.arm.clone()).or_default() += 1;
        }
        let last_session = course.sessions.last();
        RunSummary {
            v: VERSION,
            run: self.run.clone(),
            title: course.title.clone(),
            state: course.state(self.is_held),
            reason: stop.map_or_else(String::new, |stop| stop.reason.clone()),
            stage: course.stage,
            started: course.sessions.first().map(|session| session.from),
            stopped: last_session
                .filter(|_| !is_live)
                .map(|session| session.to.unwrap_or(until)),
            elapsed_ms: course.held_ms(Timestamp(0), until),
            sessions: u32::try_from(course.sessions.len()).unwrap_or(u32::MAX),
            max_workers: course.max_workers,
            repositories: course
                .repositories
                .iter()
                .map(|it| it.repository.clone())
                .collect(),
            counts,
            stages: self.stage_figures(),
            task_types,
            task_ms,
            implementation_ms: course
                .stages
                .iter()
                .filter(|stage| stage.of == Stage::Implementation)
                .map(|stage| course.held_ms(stage.from, stage.to.unwrap_or(until)))
                .fold(0, u64::saturating_add),
            queued_ms,
            forges: course.forges.clone(),
            spent: spend.spent,
            reserved: spend.reserved,
            limit: spend.limit,
            usage: spend.usage,
            cache_hits: spend.cache_hits,
            cache_misses: spend.cache_misses,
            by_model: spend.by_model,
            by_component: spend.by_component,
            by_repository: spend.by_repository,
            recoveries,
            arms,
        }
    }

    /// The gate at which it waits, and since when.
    #[must_use]
    pub fn gate(&self) -> Option<(String, Timestamp)> {
        self.course.gate.clone()
    }

    /// The class of the error that ended its last session; `None` where no error did.
    #[must_use]
    pub fn stopped_by(&self) -> Option<ErrorClass> {
        self.course.stop.as_ref().and_then(|stop| stop.class)
    }

    /// The tasks that were handed to a person and still wait: which, what happened, and since when.
    pub(crate) fn handed_off(
        &self,
    ) -> impl Iterator<Item = (TaskId, String, Option<Timestamp>)> + '_ {
        let course = &self.course;
        let handed: BTreeSet<&TaskId> = course
            .recoveries
            .iter()
            .filter(|row| row.outcome == "handed_off")
            .filter_map(|row| match &row.scope {
                Some(Scope::Task(task)) => Some(task),
                _ => None,
            })
            .collect();
        let waits = move |task: &&super::attempt::TaskCourse| {
            task.status.has_failed() && handed.contains(&task.task)
        };
        course.tasks.iter().filter(waits).map(|task| {
            let failure = task.failure.as_ref();
            let message = failure.map_or_else(String::new, |failure| failure.message.clone());
            (task.task.clone(), message, task.ended)
        })
    }

    /// A stage has ended well when another one followed it, or the run ended in it with 0.
    fn stage_figures(&self) -> BTreeMap<Stage, StageFigures> {
        let course = &self.course;
        let exit_code = course.stop.as_ref().and_then(|stop| stop.exit_code);
        let mut figures: BTreeMap<_, StageFigures> = BTreeMap::new();
        for (idx, stage) in course.stages.iter().enumerate() {
            let figures = figures.entry(stage.of).or_default();
            let Some(to) = stage.to else {
                continue;
            };
            let is_last = idx + 1 == course.stages.len();
            match is_last && exit_code != Some(0) {
                true => figures.failed += 1,
                false => figures.success += 1,
            }
            let held_ms = course.held_ms(stage.from, to);
            figures.ended_ms = figures.ended_ms.saturating_add(held_ms);
        }
        figures
    }
}
