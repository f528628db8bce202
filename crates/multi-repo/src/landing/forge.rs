//! Landing through forges, which know no transaction over repositories:
//! merging in order exactly what was tested, and taking it back.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use core_types::{
    ChangeSetEnd, CommitId, ErrorClass, GitProvider, IssueNumber, NewPullRequest, Operated,
    OperationId, PortError, PullRequest, PullRequestState, RepositoryName, Scope, StepKey, StepLog,
    StepName,
    step::{self, Fingerprint, Look, Step, StepError, WhenUnknown},
};
use serde::{Deserialize, Serialize};

/// A change set whose pull requests are to be merged.
#[derive(Debug)]
pub struct ForgeLanding<'a> {
    /// Its identity.
    pub change_set: &'a OperationId,
    /// The attempt, from 1: another one to try again after an end other than [`ChangeSetEnd::All`].
    pub attempt: u32,
    /// In the order in which they are merged.
    pub members: Vec<ForgeMember>,
    /// Where each step is recorded.
    pub steps: &'a dyn StepLog,
    /// How often and how long.
    pub options: Options,
}

/// One pull request of a change set.
#[derive(Debug, Clone)]
pub struct ForgeMember {
    /// Where.
    pub repository: RepositoryName,
    /// Its forge.
    pub provider: Arc<dyn GitProvider>,
    /// Which.
    pub pull_request: IssueNumber,
    /// The commit that was tested: nothing else is merged.
    pub head: CommitId,
    /// The pull request that takes it back, its branch being there: a commit on
    /// `head` with the files of before. Without one it is not taken back.
    pub undo: Option<NewPullRequest>,
}

/// How a forge is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// How often a merge is tried where the forge fails in passing; default 3, at least 1.
    pub tries: u32,
    /// How long is waited before the second try, twice as long before each later one; default 2 s.
    pub backoff: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            tries: 3,
            backoff: Duration::from_secs(2),
        }
    }
}

/// What came of one call, as it is recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "tried")]
enum Tried {
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

/// Merges the pull requests of all members in order, or takes back what was merged.
///
/// Nothing is merged unless all pull requests are as they were tested. A forge
/// that fails in passing is tried again. Where one cannot be merged, those that
/// were are taken back in reverse order by their [`ForgeMember::undo`]. It ends
/// with all merged, with none (or none left), or with some: the reasons say so,
/// and [`end_report`](crate::end_report) words them.
///
/// # Errors
///
/// Those of the step log, and `Validation` for a change set with too long an id. What a forge does is no error.
///
/// # Cancel safety
///
/// A dropped call, or a killed process, is to be asked again: it goes on, and nothing is done twice.
pub async fn land_on_forges(landing: &ForgeLanding<'_>) -> Result<ChangeSetEnd, StepError> {
    let wrong = check(landing).await?;
    if !wrong.is_empty() {
        return Ok(ChangeSetEnd::None { reasons: wrong });
    }
    let mut merged: Vec<&ForgeMember> = Vec::new();
    for member in &landing.members {
        let reason = match merge(landing, member).await? {
            Tried::Done => {
                merged.push(member);
                continue;
            }
            Tried::Refused { reason } | Tried::Failed { reason } => reason,
            Tried::Unknown { reason } => {
                // Taking back the others could leave this one alone.
                return Ok(partial(landing, &merged, member, &reason));
            }
        };
        let mut left = BTreeMap::new();
        for taken in merged.iter().rev() {
            if let Err(why) = undo(landing, taken).await? {
                left.insert(taken.repository.clone(), why);
            }
        }
        let because = format!("{}: {reason}", member.repository);
        if left.is_empty() {
            let undone = merged.iter().rev();
            let undone = undone.map(|taken| format!("{}: merged and taken back", taken.repository));
            let reasons = std::iter::once(because).chain(undone).collect();
            return Ok(ChangeSetEnd::None { reasons });
        }
        let landed: BTreeSet<_> = left.keys().cloned().collect();
        let why = |name: &RepositoryName| {
            if *name == member.repository {
                reason.clone()
            } else if merged.iter().any(|taken| taken.repository == *name) {
                format!("taken back, since {} was not merged", member.repository)
            } else {
                format!("not tried, since {} was not merged", member.repository)
            }
        };
        let missing = landing.members.iter().map(|member| &member.repository);
        let missing = missing.filter(|name| !landed.contains(name));
        let mut missing: BTreeMap<_, _> = missing.map(|name| (name.clone(), why(name))).collect();
        let undone: Vec<_> = left
            .iter()
            .map(|(name, why)| format!("{name}: {why}"))
            .collect();
        if let Some(text) = missing.get_mut(&member.repository) {
            *text += &format!("; could not take back {}", undone.join(", "));
        }
        return Ok(ChangeSetEnd::Partial { landed, missing });
    }
    Ok(ChangeSetEnd::All)
}

fn partial(
    landing: &ForgeLanding<'_>,
    merged: &[&ForgeMember],
    unknown: &ForgeMember,
    reason: &str,
) -> ChangeSetEnd {
    let landed: BTreeSet<_> = merged.iter().map(|it| it.repository.clone()).collect();
    let why = |name: &RepositoryName| {
        if *name == unknown.repository {
            format!("unknown whether it was merged: {reason}")
        } else {
            format!(
                "not tried, since it is unknown whether {} was merged",
                unknown.repository
            )
        }
    };
    let missing = landing.members.iter().map(|member| &member.repository);
    let missing = missing.filter(|name| !landed.contains(name));
    let missing = missing.map(|name| (name.clone(), why(name))).collect();
    ChangeSetEnd::Partial { landed, missing }
}

/// What is not as it was tested, before anything is merged.
async fn check(landing: &ForgeLanding<'_>) -> Result<Vec<String>, StepError> {
    let key = StepKey::new(Scope::Run, landing.attempt, "forge-check");
    let heads = landing.members.iter();
    let fingerprint = heads.fold(Fingerprint::new(), |print, member| {
        let text = format!("#{} {}", member.pull_request, member.head);
        print.with(member.repository.as_str(), text)
    });
    // It only looks; and once something was merged, it has been recorded.
    let step = Step::new(key, fingerprint, WhenUnknown::Idempotent);
    step::run(landing.steps, step, |_| async {
        let mut wrong = Vec::new();
        for member in &landing.members {
            let name = &member.repository;
            match find(member).await {
                Ok(found) if found.head_commit != member.head => wrong.push(format!(
                    "{name}: pull request {} is at {}, tested was {}",
                    found.number,
                    found.head_commit.short(),
                    member.head.short()
                )),
                Ok(found) if found.state == PullRequestState::Closed => {
                    wrong.push(format!("{name}: pull request {} is closed", found.number));
                }
                Ok(_) => {}
                Err(error) => wrong.push(format!("{name}: {}", error.to_line())),
            }
        }
        Ok(wrong)
    })
    .await
}

async fn find(member: &ForgeMember) -> Result<PullRequest, PortError> {
    let all = member.provider.list_pull_requests().await?;
    let found = all.into_iter().find(|it| it.number == member.pull_request);
    found.ok_or_else(|| {
        let operation = format!("find pull request {}", member.pull_request);
        PortError::new(ErrorClass::NotFound, operation)
    })
}

/// What a forge is asked to do with a member.
#[derive(Debug, Clone, Copy)]
enum Call<'a> {
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

async fn merge(landing: &ForgeLanding<'_>, member: &ForgeMember) -> Result<Tried, StepError> {
    try_often(landing, member, Call::Merge).await
}

/// Takes a merged member back; the inner error says why that cannot be.
async fn undo(
    landing: &ForgeLanding<'_>,
    member: &ForgeMember,
) -> Result<Result<(), String>, StepError> {
    let Some(new) = &member.undo else {
        return Ok(Err("nothing takes it back".to_owned()));
    };
    for call in [Call::OpenUndo(new), Call::MergeUndo(new)] {
        match try_often(landing, member, call).await? {
            Tried::Done => {}
            Tried::Refused { reason } | Tried::Failed { reason } | Tried::Unknown { reason } => {
                return Ok(Err(reason));
            }
        }
    }
    Ok(Ok(()))
}

/// Calls a forge, again where it failed in passing; each try is a step of its
/// own, recorded before it acts, so that a crash gives none back.
async fn try_often(
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
        let operation = format!("{}:{}:{what}", landing.change_set, member.repository);
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
            Tried::Done | Tried::Refused { .. } => return Ok(last),
            Tried::Failed { .. } => {}
            Tried::Unknown { .. } => was_unknown = true,
        }
    }
    // A list that shows nothing now is no proof that an earlier try has not acted.
    Ok(match last {
        Tried::Failed { reason } if was_unknown => Tried::Unknown { reason },
        last => last,
    })
}

/// Whether asking again is no use.
fn is_final(class: ErrorClass) -> bool {
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
