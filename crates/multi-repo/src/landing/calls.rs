//! Calls of a forge while a change set lands, each recorded before it acts.

use core_types::{
    CommitId, ErrorClass, NewPullRequest, Operated, OperationId, PortError, PullRequest,
    PullRequestState, Reference, Scope, StepKey, StepName,
    step::{self, Fingerprint, Look, Step, StepError, WhenUnknown},
};
use serde::{Deserialize, Serialize};

use super::forge::{ForgeLanding, ForgeMember};

/// What came of one call, as it is recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "tried")]
pub(super) enum Tried {
    Done,
    /// The forge has said no: asking again is no use.
    Refused {
        reason: String,
    },
    /// It has not acted now, and may later.
    Failed {
        reason: String,
    },
    /// Nobody can say whether it has acted.
    Unknown {
        reason: String,
    },
}

pub(super) async fn find(member: &ForgeMember) -> Result<PullRequest, PortError> {
    let all = member.provider.list_pull_requests().await?;
    let found = all.into_iter().find(|it| it.number == member.pull_request);
    found.ok_or_else(|| {
        let operation = format!("find pull request {}", Reference(member.pull_request));
        PortError::new(ErrorClass::NotFound, operation)
    })
}

/// What a forge is asked to do with a member.
#[derive(Debug, Clone, Copy)]
pub(super) enum Call<'a> {
    Merge,
    OpenUndo(&'a NewPullRequest),
    MergeUndo(&'a NewPullRequest),
}

impl<'a> Call<'a> {
    fn word(self) -> &'static str {
        match self {
            Self::Merge => "forge-merge",
            Self::OpenUndo(_) => "forge-undo-open",
            Self::MergeUndo(_) => "forge-undo-merge",
        }
    }

    fn head(self, member: &'a ForgeMember) -> &'a CommitId {
        match self {
            Self::Merge => &member.head,
            Self::OpenUndo(new) | Self::MergeUndo(new) => &new.head_commit,
        }
    }

    async fn act(self, member: &ForgeMember, operation: &OperationId) -> Result<(), PortError> {
        let provider = &member.provider;
        let number = match self {
            Self::Merge => member.pull_request,
            Self::OpenUndo(new) => {
                provider.create_pull_request(operation, new.clone()).await?;
                return Ok(());
            }
            Self::MergeUndo(new) => {
                let found = find_undo(member, new).await?;
                let operation = "find the pull request that takes it back";
                let missing = || PortError::new(ErrorClass::NotFound, operation);
                found.ok_or_else(missing)?.number
            }
        };
        let head = self.head(member);
        provider.merge_pull_request(operation, number, head).await?;
        Ok(())
    }

    /// Whether it was done: by its mark, or else by what the lists show.
    async fn has_acted(
        self,
        member: &ForgeMember,
        operation: &OperationId,
    ) -> Result<bool, PortError> {
        let marked = member.provider.find(operation).await;
        if let Ok(Some(Operated::PullRequest(_))) = marked {
            return Ok(true);
        }
        let shown = match self {
            Self::Merge => find(member).await.map(|found| {
                found.state == PullRequestState::Merged && found.head_commit == member.head
            }),
            Self::OpenUndo(new) => find_undo(member, new).await.map(|found| found.is_some()),
            Self::MergeUndo(new) => find_undo(member, new)
                .await
                .map(|found| found.is_some_and(|it| it.state == PullRequestState::Merged)),
        };
        match (shown, marked) {
            (Ok(true), _) => Ok(true),
            (Ok(false), Ok(_)) => Ok(false),
            (Err(error), _) | (_, Err(error)) => Err(error),
        }
    }
}

async fn find_undo(
    member: &ForgeMember,
    new: &NewPullRequest,
) -> Result<Option<PullRequest>, PortError> {
    let all = member.provider.list_pull_requests().await?;
    let is_ours = |it: &PullRequest| it.head == new.head && it.head_commit == new.head_commit;
    Ok(all.into_iter().rev().find(is_ours))
}

/// Calls a forge, again where it failed in passing; each try is a step of its
/// own, recorded before it acts, so that a crash gives none back.
pub(super) async fn try_often(
    landing: &ForgeLanding<'_>,
    member: &ForgeMember,
    call: Call<'_>,
) -> Result<Tried, StepError> {
    let what = call.word();
    let fingerprint = Fingerprint::new().with("head", call.head(member));
    let scope = Scope::Repository(member.repository.clone());
    let mut last = Tried::Done;
    let mut was_unknown = false;
    for number in 1..=landing.options.tries.max(1) {
        let name = StepName::new(format!("{what}-{number}"));
        let key = StepKey {
            scope: scope.clone(),
            attempt: landing.attempt,
            name: name.expect("a literal, a hyphen and a number are a valid name"),
        };
        let port = |source| StepError::Port {
            key: key.clone(),
            source,
        };
        // The same for each try and attempt: what it marks is done once.
        let head = call.head(member).short();
        let operation = format!("{}:{}:{what}:{head}", landing.change_set, member.repository);
        let operation = OperationId::new(operation).map_err(|error| {
            port(PortError::new(ErrorClass::Validation, "mark an operation").because(error))
        })?;
        let look = async {
            Ok(match call.has_acted(member, &operation).await {
                Ok(true) => Look::Acted(Tried::Done),
                // Told again under the same mark, it acts once.
                Ok(false) | Err(_) => Look::NotActed,
            })
        };
        let step = Step::new(
            key.clone(),
            fingerprint.clone(),
            WhenUnknown::reconcile(look),
        );
        let is_first = number == 1;
        let wait = landing.options.backoff * 2_u32.saturating_pow(number.saturating_sub(2));
        last = step::run(landing.steps, step, |_| async {
            if !is_first {
                tokio::time::sleep(wait).await;
            }
            let Err(error) = call.act(member, &operation).await else {
                return Ok(Tried::Done);
            };
            let reason = error.to_line();
            Ok(match call.has_acted(member, &operation).await {
                Ok(true) => Tried::Done,
                Ok(false) if is_final(error.class()) => Tried::Refused { reason },
                // A list may be late: an unknown outcome stays one for now.
                Ok(false) if error.class() != ErrorClass::UnknownOutcome => {
                    Tried::Failed { reason }
                }
                Ok(false) | Err(_) => Tried::Unknown { reason },
            })
        })
        .await?;
        match &last {
            Tried::Done => return Ok(last),
            Tried::Refused { .. } => break,
            Tried::Failed { .. } => {}
            Tried::Unknown { .. } => was_unknown = true,
        }
    }
    // A list that shows nothing now is no proof that an earlier try has not acted; and a forge
    // refuses what it has done already.
    Ok(match last {
        Tried::Failed { reason } | Tried::Refused { reason } if was_unknown => {
            Tried::Unknown { reason }
        }
        last => last,
    })
}

/// Whether asking again is no use.
pub(super) fn is_final(class: ErrorClass) -> bool {
    match class {
        ErrorClass::Conflict
        | ErrorClass::Validation
        | ErrorClass::Unauthorized
        | ErrorClass::NotFound
        | ErrorClass::BudgetExceeded
        | ErrorClass::Cancelled
        | ErrorClass::TestFailure => true,
        ErrorClass::Transient
        | ErrorClass::RateLimited { .. }
        | ErrorClass::QuotaExhausted { .. }
        | ErrorClass::Timeout
        | ErrorClass::ResourceExhausted
        | ErrorClass::UnknownOutcome
        | ErrorClass::Internal => false,
        // A class that is added later is not known to pass.
        _ => true,
    }
}
