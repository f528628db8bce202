//! Why a task is not running.

use core_types::{ErrorClass, Stage, TaskStatus, Timestamp};

use super::{attempt::TaskCourse, run_fold::RunFold};
use crate::fold::{Explanation, Holder, Reason, RunState, SegmentKind};

/// What holds for all tasks at one moment.
#[derive(Debug)]
pub(super) struct Moment {
    pub(super) now: Timestamp,
    pub(super) is_live: bool,
    pub(super) state: RunState,
    /// Who has a slot, longest first.
    holders: Vec<Holder>,
    n_ready: usize,
}

impl RunFold {
    pub(super) fn moment(&self, now: Timestamp) -> Moment {
        let until = self.course.until(now, self.is_held);
        let is_live = self.course.is_live(self.is_held);
        let tasks = &self.course.tasks;
        let holds = |task: &TaskCourse| {
            let current = task.lane.current()?;
            let is_held = matches!(current.kind, SegmentKind::Running | SegmentKind::Recovery);
            is_held.then(|| Holder {
                task: task.task.clone(),
                since: current.from,
            })
        };
        let mut holders: Vec<_> = tasks.iter().filter_map(holds).collect();
        holders.sort_by_key(|holder| holder.since);
        let is_ready = |task: &&TaskCourse| task.status_at(until) == TaskStatus::Ready;
        Moment {
            now: until,
            is_live,
            state: self.course.state(self.is_held),
            holders,
            n_ready: tasks.iter().filter(is_ready).count(),
        }
    }

    pub(super) fn explain_at(&self, task: &TaskCourse, moment: &Moment) -> Explanation {
        let status = task.status_at(moment.now);
        let explanation = |reasons| Explanation {
            task: task.task.clone(),
            status,
            reasons,
        };
        if status.has_ended() {
            let failure = task.failure.as_ref();
            return explanation(vec![Reason::Ended {
                status,
                message: failure.map_or_else(String::new, |failure| failure.message.clone()),
                because_of: task.because_of.clone(),
            }]);
        }
        let mut reasons = Vec::new();
        self.about_run(moment, &mut reasons);
        let course = &self.course;
        for (wait, state) in course.open_waits(task) {
            reasons.push(Reason::Repository {
                repository: wait.repository,
                wait: wait.reason,
                state: state.to_owned(),
            });
        }
        for dependency in course.open_dependencies(task) {
            reasons.push(Reason::Dependency {
                task: dependency.task.clone(),
                status: dependency.status_at(moment.now),
                title: dependency.title.clone(),
            });
        }
        if let (Some(waiting), Some(until)) = (&task.waiting, task.lane.waits_until(moment.now)) {
            reasons.push(match waiting.is_parked {
                true => Reason::Parked {
                    until,
                    message: waiting.message.clone(),
                },
                false => Reason::Backoff {
                    attempt: waiting.attempt,
                    until,
                },
            });
        }
        if reasons.is_empty() && status == TaskStatus::Ready {
            reasons.push(match moment.holders.len() < self.course.max_workers {
                true => Reason::Starting,
                false => Reason::NoFreeSlot {
                    max_workers: self.course.max_workers,
                    held_by: moment.holders.clone(),
                    others_ready: moment.n_ready.saturating_sub(1),
                },
            });
        }
        explanation(reasons)
    }

    /// What of the run as a whole keeps its tasks from running.
    fn about_run(&self, moment: &Moment, reasons: &mut Vec<Reason>) {
        let course = &self.course;
        if moment.state.has_ended() {
            reasons.push(Reason::RunEnded {
                state: moment.state,
            });
            return;
        }
        if let Some((gate, since)) = &course.gate {
            reasons.push(Reason::Gate {
                gate: gate.clone(),
                since: *since,
            });
        }
        if !moment.is_live {
            let stop = course.stop.as_ref();
            let message = stop.map_or_else(String::new, |stop| stop.reason.clone());
            match stop.map(|stop| stop.class) {
                // A word of the person resumes it.
                Some(None) if course.gate.is_some() => {}
                Some(None) => reasons.push(Reason::Person { message }),
                Some(Some(ErrorClass::BudgetExceeded)) => {
                    reasons.push(Reason::Budget {
                        spent: self.account.spent(),
                        reserved: self.account.reserved(),
                        limit: self.account.limit(),
                    });
                    reasons.push(Reason::NotHeld { message });
                }
                _ => reasons.push(Reason::NotHeld { message }),
            }
        }
        if course
            .stage
            .is_none_or(|stage| stage < Stage::Implementation)
        {
            reasons.push(Reason::Stage {
                stage: course.stage,
            });
        }
    }
}

/// What a task waits for, in one line; empty for one that runs or has ended.
pub(super) fn line(explanation: &Explanation) -> String {
    let reasons = explanation.reasons.iter();
    let of_its_own: Vec<_> = reasons.clone().filter_map(own).collect();
    if !of_its_own.is_empty() {
        return of_its_own.join(", ");
    }
    reasons.filter_map(general).next().unwrap_or_default()
}

fn own(reason: &Reason) -> Option<String> {
    Some(match reason {
        Reason::Dependency { task, status, .. } => format!("{task} ({status})"),
        Reason::Repository {
            repository, wait, ..
        } => format!("{repository} ({})", wait.as_str()),
        Reason::Backoff {
            until: Some(until), ..
        } => format!("its next attempt at {until}"),
        Reason::Backoff { until: None, .. } => "its next attempt".to_owned(),
        Reason::Parked {
            until: Some(until), ..
        } => format!("the end of a pause at {until}"),
        Reason::Parked { until: None, .. } => "the end of a pause".to_owned(),
        Reason::Ended {
            because_of: Some(task),
            ..
        } => format!("{task} did not succeed"),
        _ => return None,
    })
}

fn general(reason: &Reason) -> Option<String> {
    Some(match reason {
        Reason::NotHeld { .. } => "the run to be resumed".to_owned(),
        Reason::Gate { gate, .. } => format!("the gate \"{gate}\""),
        Reason::Person { .. } => "a person".to_owned(),
        Reason::Budget { .. } => "money".to_owned(),
        Reason::Stage { .. } => "the stage implementation".to_owned(),
        Reason::NoFreeSlot { .. } | Reason::Starting => "a worker slot".to_owned(),
        _ => return None,
    })
}
