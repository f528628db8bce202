//! The last stage: the target branches.

use std::collections::BTreeMap;

use core_types::{
    Blocked, CheckoutPolicy, CommitId, ErrorClass, Event, Gate, Landed, Landing, Merge, Message,
    PortError, PullRequestChange, RefUpdate, Reference, RepositoryName, Scope, StepKey,
    step::{Fingerprint, StepError, StepState},
};
use serde::{Deserialize, Serialize};

use crate::{
    Error,
    end::RepositoryState,
    progress::Progress,
    proposing::{close_pull_request, publish, update_pull_request},
    run::Run,
    testing::test_head,
    verify::Verdict,
};

/// How often one session brings a change up to a target that keeps moving.
const MAX_CATCH_UPS: u32 = 5;

pub(crate) fn key(name: &RepositoryName, attempt: u32, step: &'static str) -> StepKey {
    StepKey::new(Scope::Repository(name.clone()), attempt, step)
}

/// What a person has asked for, by the settings or through the inbox.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked {
    /// Target branches are to be moved.
    pub(crate) land: bool,
    /// A person has said so after the run had ended; that is consent to what the review says.
    explicitly: bool,
    gate_is_open: bool,
    /// A person has opened the gate before landing.
    is_opened: bool,
    update_checkout: bool,
    allow_unverified: bool,
}

impl Asked {
    pub(crate) async fn of(run: &Run) -> Result<Self, Error> {
        let landing = run.settings.landing;
        let mut asked = Self {
            land: landing.land,
            explicitly: false,
            is_opened: false,
            gate_is_open: !run.settings.approvals.landing,
            update_checkout: landing.update_checkout,
            allow_unverified: landing.allow_unverified,
        };
        for message in run.ports.inbox.messages().await? {
            match message {
                Message::Land {
                    update_checkout,
                    allow_unverified,
                } => {
                    (asked.land, asked.explicitly, asked.gate_is_open) = (true, true, true);
                    asked.update_checkout |= update_checkout;
                    asked.allow_unverified |= allow_unverified;
                }
                Message::Approve {
                    gate: Gate::Landing,
                    ..
                } => (asked.gate_is_open, asked.is_opened) = (true, true),
                _ => {}
            }
        }
        Ok(asked)
    }

    pub(crate) fn checkout(self) -> CheckoutPolicy {
        if self.update_checkout {
            CheckoutPolicy::Update
        } else {
            CheckoutPolicy::Leave
        }
    }

    /// Whether a person has looked at the change and wants it to land.
    pub(crate) fn is_approved(self) -> bool {
        self.explicitly || self.is_opened
    }

    /// Whether a person must open the gate first.
    pub(crate) fn waits_at_gate(self) -> bool {
        self.land && !self.gate_is_open
    }

    /// Why a repository may not land, and what to do.
    pub(crate) fn refusal(self, run: &Run, progress: &Progress) -> Option<RepositoryState> {
        let run = &run.settings.run;
        let verified = matches!(progress.verified, Some(Verdict::Passed));
        if !verified && !self.allow_unverified {
            return Some(RepositoryState::Blocked {
                reason: "not verified: the repository has no test command".to_owned(),
                hint: format!("automation land {run} --allow-unverified"),
            });
        }
        let rejected = progress
            .review
            .as_ref()
            .is_some_and(|review| !review.approved);
        if rejected && !self.explicitly {
            return Some(RepositoryState::Blocked {
                reason: "the review did not approve the change".to_owned(),
                hint: format!("automation land {run}"),
            });
        }
        None
    }
}

/// What came of one try to move a target branch, as it is recorded.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Tried {
    Moved,
    TargetMoved(CommitId),
}

/// Moves a repository's target branch to its change, brought up to the target where that has moved.
pub(crate) async fn land(
    run: &Run,
    progress: &mut Progress,
    asked: Asked,
) -> Result<RepositoryState, Error> {
    let name = progress.name.clone();
    let mut expected = progress.base.clone();
    let mut catch_ups = CatchUps::default();
    for attempt in run.first_attempt(&name).. {
        run.check_paused()?;
        let step_key = key(&name, attempt, "land");
        let mut blocked = None;
        let tried = try_land(run, progress, step_key, &expected, asked, &mut blocked).await;
        if let Some((blocked, hint)) = blocked {
            let state = blocked_state(progress, &blocked, hint);
            if let RepositoryState::Ready { reason, .. } | RepositoryState::Blocked { reason, .. } =
                &state
            {
                run.emit(None, not_landed(&name, reason));
            }
            return Ok(state);
        }
        let now = match tried? {
            Tried::Moved => {
                close_pull_request(run, progress).await?;
                return Ok(RepositoryState::Landed);
            }
            Tried::TargetMoved(now) => now,
        };
        match catch_ups.catch_up(run, progress, attempt, &now).await? {
            Ok(Some(head)) => (expected, progress.head) = (now, head),
            Ok(None) => {}
            Err(state) => {
                if let RepositoryState::Blocked { reason, .. } = &state {
                    run.emit(None, not_landed(&name, reason));
                }
                return Ok(state);
            }
        }
    }
    // The loop ends by returning: catching up is bounded.
    Ok(blocked(run, "it was tried too often".to_owned()))
}

/// Brings changes up to targets that have moved, a few times in one session.
#[derive(Debug, Default)]
pub(crate) struct CatchUps {
    /// How many, in each repository.
    made: BTreeMap<RepositoryName, u32>,
}

impl CatchUps {
    /// Merges a moved target into a change, tests it and publishes it again.
    /// `None` where that fails, but the target has moved on since; the inner
    /// error is what keeps the change from landing until a person does something.
    pub(crate) async fn catch_up(
        &mut self,
        run: &Run,
        progress: &Progress,
        attempt: u32,
        target: &CommitId,
    ) -> Result<Result<Option<CommitId>, RepositoryState>, Error> {
        let state = run
            .ports
            .steps
            .state(&key(&progress.name, attempt, "catch-up"));
        let n_made = self.made.entry(progress.name.clone()).or_default();
        *n_made += u32::from(!matches!(state, StepState::Finished { .. }));
        let branch = &progress.target;
        if *n_made > MAX_CATCH_UPS {
            let reason = format!("branch {branch} moved {MAX_CATCH_UPS} times while landing");
            return Ok(Err(blocked(run, reason)));
        }
        let reason = match catch_up(run, progress, attempt, target).await? {
            Ok(head) => return Ok(Ok(Some(head))),
            Err(reason) => reason,
        };
        let repository = &run.repository(&progress.name)?.repository;
        if repository.fetch(branch).await? != *target {
            return Ok(Ok(None));
        }
        let change = run.change_branch();
        let reason =
            format!("{reason}; change {branch}, or merge {change} into it, then land again");
        Ok(Err(blocked(run, reason)))
    }
}

/// A state that the next landing looks at again.
pub(crate) fn blocked(run: &Run, reason: String) -> RepositoryState {
    let hint = format!("automation land {}", run.settings.run);
    RepositoryState::Blocked { reason, hint }
}

/// What a target branch is in that a person must move, or clear the way for.
pub(crate) fn blocked_state(
    progress: &Progress,
    blocked: &Blocked,
    hint: String,
) -> RepositoryState {
    let reason = blocked_reason(progress, blocked);
    match blocked {
        Blocked::CheckedOut { .. } => RepositoryState::Ready { reason, hint },
        _ => RepositoryState::Blocked { reason, hint },
    }
}

pub(crate) fn not_landed(name: &RepositoryName, reason: &str) -> Event {
    Event::RepositoryNotLanded {
        repository: name.clone(),
        reason: reason.to_owned(),
    }
}

async fn try_land(
    run: &Run,
    progress: &Progress,
    key: StepKey,
    expected: &CommitId,
    asked: Asked,
    blocked: &mut Option<(Blocked, String)>,
) -> Result<Tried, StepError> {
    let name = &progress.name;
    let checkout = asked.checkout();
    let landing = Landing {
        branch: progress.target.clone(),
        expected: expected.clone(),
        commit: progress.head.clone(),
        pull_request: progress.pull_request,
        checkout,
    };
    let fingerprint = Fingerprint::new()
        .with("head", &progress.head)
        .with("expected", expected);
    run.step(key, fingerprint, |step| async move {
        match run.repository(name)?.repository.land(&landing).await? {
            Landed::Moved => {
                let (repository, branch) = (name.clone(), landing.branch);
                let event = Event::RepositoryLanded {
                    repository,
                    branch,
                    commit: landing.commit,
                };
                run.emit(Some(&step), event);
                Ok(Tried::Moved)
            }
            Landed::TargetMoved { now } => Ok(Tried::TargetMoved(now)),
            // Not recorded: the next try asks the repository again.
            Landed::Blocked { blocked: why, hint } => {
                *blocked = Some((why, hint));
                Err(PortError::new(
                    ErrorClass::Conflict,
                    "move the target branch",
                ))
            }
        }
    })
    .await
}

fn blocked_reason(progress: &Progress, blocked: &Blocked) -> String {
    let target = &progress.target;
    match blocked {
        Blocked::CheckedOut { folder } => {
            format!("ready: branch {target} is checked out in {folder}")
        }
        Blocked::Dirty { folder, paths } => format!(
            "branch {target} is checked out in {folder} with uncommitted work in {}",
            paths.join(", ")
        ),
        Blocked::Failed { reason } => format!("branch {target} was not moved: {reason}"),
        _ => format!("branch {target} cannot be moved now"),
    }
}

/// Merges a moved target into the change, tests it and publishes it again.
/// The inner error says why that cannot be.
async fn catch_up(
    run: &Run,
    progress: &Progress,
    attempt: u32,
    target: &CommitId,
) -> Result<Result<CommitId, String>, Error> {
    let name = &progress.name;
    let fingerprint = Fingerprint::new()
        .with("head", &progress.head)
        .with("target", target);
    let merged: Merge = run
        .step(key(name, attempt, "catch-up"), fingerprint, |_| {
            merge_target(run, progress, target)
        })
        .await?;
    let head = match merged {
        Merge::FastForward { commit } | Merge::Merged { commit } => commit,
        Merge::Conflict { paths } => {
            let (target, list) = (&progress.target, paths.join(", "));
            return Ok(Err(format!(
                "branch {target} has moved and conflicts with the change in {list}"
            )));
        }
    };
    if let Verdict::Failed { failure } = test_head(run, name, &head, attempt, "retest").await? {
        let target = &progress.target;
        return Ok(Err(format!(
            "branch {target} has moved, and the change fails on it: {failure}"
        )));
    }
    publish(run, name, &head, attempt + 1).await?;
    if let Some(number) = progress.pull_request {
        let step_key = key(name, attempt, "update-pull-request");
        let change = PullRequestChange {
            head_commit: Some(head.clone()),
            ..PullRequestChange::default()
        };
        match update_pull_request(run, name, step_key, number, change).await {
            // Somebody has merged it: what is in its target has landed.
            Err(error) if error.class() == ErrorClass::Conflict => {
                let message = format!(
                    "{name}: pull request {} stays as it is: {error}",
                    Reference(number)
                );
                run.emit(None, Event::Warning { message });
            }
            updated => updated?,
        }
    }
    Ok(Ok(head))
}

async fn merge_target(
    run: &Run,
    progress: &Progress,
    target: &CommitId,
) -> Result<Merge, PortError> {
    let name = &progress.name;
    let repository = &run.repository(name)?.repository;
    repository.fetch(&progress.target).await?;
    let message = format!("Merge branch {} into the change\n", progress.target);
    let merged = repository.merge(target, &progress.head, &message).await?;
    if let Merge::FastForward { commit } | Merge::Merged { commit } = &merged {
        let expected = Some(run.integration_head(name).await?);
        let new = Some(commit.clone());
        if expected != new {
            let update = RefUpdate {
                name: run.reference("integration"),
                expected,
                new,
            };
            repository.update_refs(&[update]).await?;
        }
    }
    Ok(merged)
}
