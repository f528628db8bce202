//! Where the repositories of a run stand towards each other, as a fold of its events.

use std::collections::{BTreeMap, BTreeSet};

use core_types::{Event, MemberState, Plan, RepositoryName, Scope, StepRef, TaskStatus, Wait};
use engine_workflow::Settings;
use serde::Serialize;

/// A repository of a run as any process can see it.
#[derive(Debug, Clone, Serialize)]
pub struct RepositoryStanding {
    /// Which repository.
    pub repository: RepositoryName,
    /// Where it stands.
    pub state: MemberState,
    /// Whether its integration head passed its tests; `None` before.
    pub tested: Option<bool>,
}

/// One repair of a run, as it ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Repair {
    /// What was repaired: a task, or a repository's tests.
    pub scope: Option<Scope>,
    /// The strategy's name.
    pub strategy: String,
    /// `repaired`, `retry`, `park`, `refused`, `failed` or `handed_off`.
    pub outcome: String,
    /// Why, in one line; may be empty.
    pub reason: String,
}

/// What events say of repositories and repairs.
#[derive(Debug, Default)]
pub(crate) struct Standings {
    tested: BTreeMap<RepositoryName, bool>,
    landed: BTreeSet<RepositoryName>,
    repairs: Vec<(Option<StepRef>, Repair)>,
}

impl Standings {
    pub(crate) fn apply(&mut self, step: Option<&StepRef>, event: &Event) {
        match event {
            Event::RepositoryTested {
                repository, passed, ..
            } => {
                self.tested
                    .insert(repository.clone(), *passed != Some(false));
            }
            Event::RepositoryLanded { repository, .. } => {
                self.landed.insert(repository.clone());
            }
            Event::RecoveryEnded {
                strategy,
                outcome,
                reason,
                until: _,
            } => {
                // Only the last execution of a step counts.
                if let Some(step) = step {
                    self.repairs.retain(|(earlier, _)| {
                        earlier.as_ref().is_none_or(|earlier| {
                            earlier.key != step.key || earlier.execution == step.execution
                        })
                    });
                }
                let repair = Repair {
                    scope: step.map(|step| step.key.scope.clone()),
                    strategy: strategy.clone(),
                    outcome: outcome.clone(),
                    reason: reason.clone(),
                };
                self.repairs.push((step.cloned(), repair));
            }
            _ => {}
        }
    }

    pub(crate) fn repairs(&self) -> Vec<Repair> {
        let repairs = self.repairs.iter();
        repairs.map(|(_, repair)| repair.clone()).collect()
    }

    /// Where each repository stands, in the order of the settings.
    pub(crate) fn repositories(
        &self,
        settings: &Settings,
        plan: Option<&Plan>,
        status: impl Fn(&core_types::TaskId) -> TaskStatus,
    ) -> Vec<RepositoryStanding> {
        let names = settings.repositories.iter().map(|it| &it.name);
        let own = |name: &RepositoryName| self.own(name, plan, &status);
        names
            .map(|name| {
                let state = match own(name) {
                    MemberState::Waiting { .. } => MemberState::Waiting {
                        on: waits(settings, name, own),
                    },
                    state => state,
                };
                RepositoryStanding {
                    repository: name.clone(),
                    state,
                    tested: self.tested.get(name).copied(),
                }
            })
            .collect()
    }

    /// Where a repository stands by itself.
    fn own(
        &self,
        name: &RepositoryName,
        plan: Option<&Plan>,
        status: impl Fn(&core_types::TaskId) -> TaskStatus,
    ) -> MemberState {
        let waiting = MemberState::Waiting { on: Vec::new() };
        if self.landed.contains(name) {
            return MemberState::Landed;
        }
        let Some(plan) = plan else {
            return waiting;
        };
        let tasks = plan.tasks.iter().filter(|task| task.repository == *name);
        let states: Vec<_> = tasks.map(|task| (&task.id, status(&task.id))).collect();
        let bad = states
            .iter()
            .find(|(_, it)| it.has_ended() && !it.is_good() && *it != TaskStatus::Skipped);
        if let Some((task, it)) = bad {
            return MemberState::Failed {
                reason: format!("task {task} {it}"),
            };
        }
        match self.tested.get(name) {
            Some(true) => return MemberState::Completed,
            Some(false) => {
                return MemberState::Failed {
                    reason: "its tests failed".to_owned(),
                };
            }
            None => {}
        }
        let all = |wanted: fn(TaskStatus) -> bool| states.iter().all(|(_, it)| wanted(*it));
        if all(|it| it == TaskStatus::Unchanged) {
            return MemberState::Unchanged;
        }
        if all(TaskStatus::is_good) {
            return MemberState::Succeeded;
        }
        if all(|it| {
            matches!(
                it,
                TaskStatus::Waiting | TaskStatus::Ready | TaskStatus::Skipped
            )
        }) {
            return waiting;
        }
        MemberState::Running
    }
}

/// What a repository that has not started waits for.
fn waits(
    settings: &Settings,
    name: &RepositoryName,
    state: impl Fn(&RepositoryName) -> MemberState,
) -> Vec<Wait> {
    let member = settings
        .change_set
        .as_ref()
        .and_then(|change_set| change_set.member(name));
    let waits = member.into_iter().flat_map(core_types::Member::waits);
    let is_over = |wait: &Wait| {
        let state = state(&wait.repository);
        match wait.reason {
            core_types::WaitReason::Trigger => matches!(
                state,
                MemberState::Completed | MemberState::Landed | MemberState::Unchanged
            ),
            _ => matches!(
                state,
                MemberState::Succeeded
                    | MemberState::Completed
                    | MemberState::Landed
                    | MemberState::Unchanged
            ),
        }
    };
    waits.filter(|wait| !is_over(wait)).collect()
}
