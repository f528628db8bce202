//! What was done about failures.

use core_types::{ErrorClass, StepRef, TaskStatus, Timestamp};

use super::{
    attempt::Waiting,
    told::{Course, of_task},
};
use crate::fold::{RecoveryRow, SegmentKind};

impl Course {
    pub(super) fn begin_recovery(
        &mut self,
        at: Timestamp,
        step: Option<&StepRef>,
        strategy: &str,
        class: ErrorClass,
        round: u32,
    ) {
        if let Some((task, attempt)) = of_task(step) {
            let lane = &mut self.task(task).lane;
            lane.turn(at, SegmentKind::Recovery, attempt);
        }
        self.recoveries.push(RecoveryRow {
            scope: step.map(|step| step.key.scope.clone()),
            attempt: step.map_or(0, |step| step.key.attempt),
            strategy: strategy.to_owned(),
            class: Some(class),
            round,
            started: Some(at),
            ended: None,
            outcome: String::new(),
            reason: String::new(),
            until: None,
        });
    }

    pub(super) fn end_recovery(
        &mut self,
        at: Timestamp,
        step: Option<&StepRef>,
        strategy: &str,
        outcome: &str,
        reason: &str,
        until: Option<Timestamp>,
    ) {
        let scope = step.map(|step| &step.key.scope);
        let attempt = step.map_or(0, |step| step.key.attempt);
        let is_it = |row: &RecoveryRow| {
            row.ended.is_none()
                && row.strategy == strategy
                && row.scope.as_ref() == scope
                && row.attempt == attempt
        };
        let began = self.recoveries.iter().rposition(is_it);
        let idx = began.unwrap_or_else(|| {
            self.recoveries.push(RecoveryRow {
                scope: scope.cloned(),
                attempt,
                strategy: strategy.to_owned(),
                class: None,
                round: attempt,
                started: None,
                ended: None,
                outcome: String::new(),
                reason: String::new(),
                until: None,
            });
            self.recoveries.len() - 1
        });
        let row = &mut self.recoveries[idx];
        row.ended = Some(at);
        outcome.clone_into(&mut row.outcome);
        reason.clone_into(&mut row.reason);
        row.until = until;
        let Some((task, attempt)) = of_task(step) else {
            return;
        };
        let task = self.task(task);
        match outcome {
            "retry" | "park" => {
                task.lane.retry(at, attempt, until);
                task.waiting = Some(Waiting {
                    is_parked: outcome == "park",
                    attempt,
                    message: reason.to_owned(),
                });
                let tried = task.attempt_mut(attempt);
                tried.ended = Some(at);
                tried.status = TaskStatus::Failed;
            }
            "repaired" => task.lane.turn(at, SegmentKind::Running, attempt),
            // The next strategy follows, or the end.
            _ => {}
        }
    }
}
