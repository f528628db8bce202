//! Landing through forges, which know no transaction over repositories:
//! merging in order exactly what was tested, and taking it back.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Debug,
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use core_types::{
    ChangeSetEnd, CommitId, GitProvider, IssueNumber, NewPullRequest, OperationId, PortError,
    PullRequestState, Reference, RepositoryName, Scope, StepKey, StepLog,
    step::{self, Fingerprint, Step, StepError, WhenUnknown},
};
use serde::{Deserialize, Serialize};

use super::calls::{Call, Tried, find, is_final, try_often};

/// The step that looks whether all is as it was tested.
const CHECK: &str = "forge-check";

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
    /// What takes it back. Without it, it is not taken back.
    pub undo: Option<Arc<dyn Undo>>,
}

/// Prepares the way back of a member that was merged, while others cannot be.
#[async_trait]
pub trait Undo: Debug + Send + Sync {
    /// A pull request to be opened, its branch being there: a commit on the merged
    /// head with the files of before.
    ///
    /// # Errors
    ///
    /// Those of the repository. It is asked again where it fails in passing, and MUST give the same commit.
    async fn prepare(&self) -> Result<NewPullRequest, PortError>;
}

/// How a change set has ended; each member is in `landed` or in `missing`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ForgeEnd {
    /// What is merged.
    pub landed: BTreeSet<RepositoryName>,
    /// What is not, each with the reason.
    pub missing: BTreeMap<RepositoryName, String>,
    /// What of `missing` may be merged all the same: nobody can say.
    pub unknown: Option<RepositoryName>,
    /// What of `missing` was merged and taken back.
    pub taken_back: BTreeMap<RepositoryName, TakenBack>,
    /// What of `landed` was to be taken back: the pull request that does is left to a person.
    #[serde(default)]
    pub left: BTreeMap<RepositoryName, TakenBack>,
}

impl ForgeEnd {
    /// How far it has landed.
    #[must_use]
    pub fn end(&self) -> ChangeSetEnd {
        let Self {
            landed,
            missing,
            unknown,
            ..
        } = self;
        if missing.is_empty() {
            return ChangeSetEnd::All;
        }
        if landed.is_empty() && unknown.is_none() {
            let reasons = missing.iter().map(|(name, why)| format!("{name}: {why}"));
            let reasons = reasons.collect();
            return ChangeSetEnd::None { reasons };
        }
        ChangeSetEnd::Partial {
            landed: landed.clone(),
            missing: missing.clone(),
        }
    }
}

/// A member that was merged and taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakenBack {
    /// What was merged.
    pub head: CommitId,
    /// The commit on it by which the target's files are those of before.
    pub by: CommitId,
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
pub async fn land_on_forges(landing: &ForgeLanding<'_>) -> Result<ForgeEnd, StepError> {
    let wrong = check(landing).await?;
    if let Some(first) = wrong.keys().next() {
        let others = format!("not tried, since {first} is not as it was tested");
        return Ok(ended(landing, &[], wrong, &others));
    }
    let mut merged: Vec<&ForgeMember> = Vec::new();
    for member in &landing.members {
        let name = &member.repository;
        let reason = match merge(landing, member).await? {
            Tried::Done => {
                merged.push(member);
                continue;
            }
            Tried::Refused { reason } | Tried::Failed { reason } => reason,
            Tried::Unknown { reason } => {
                let why = format!("unknown whether it was merged: {reason}");
                let others = format!("not tried, since it is unknown whether {name} was merged");
                // Taking back the others could leave this one alone.
                return Ok(ForgeEnd {
                    unknown: Some(name.clone()),
                    ..ended(landing, &merged, [(name.clone(), why)].into(), &others)
                });
            }
        };
        return take_back(landing, &merged, member, reason).await;
    }
    Ok(ended(landing, &merged, BTreeMap::new(), ""))
}

/// The end in which these have landed; `others` is why those did not that have no reason of their own.
fn ended(
    landing: &ForgeLanding<'_>,
    landed: &[&ForgeMember],
    mut missing: BTreeMap<RepositoryName, String>,
    others: &str,
) -> ForgeEnd {
    let landed: BTreeSet<_> = landed.iter().map(|it| it.repository.clone()).collect();
    for ForgeMember { repository, .. } in &landing.members {
        if !landed.contains(repository) && !missing.contains_key(repository) {
            missing.insert(repository.clone(), others.to_owned());
        }
    }
    ForgeEnd {
        landed,
        missing,
        ..ForgeEnd::default()
    }
}

/// Takes back what was merged, in reverse order, since a member was not.
async fn take_back(
    landing: &ForgeLanding<'_>,
    merged: &[&ForgeMember],
    member: &ForgeMember,
    mut reason: String,
) -> Result<ForgeEnd, StepError> {
    let name = &member.repository;
    let (mut landed, mut left) = (Vec::new(), BTreeMap::new());
    let mut taken_back = BTreeMap::new();
    let mut missing = BTreeMap::new();
    for taken in merged.iter().rev() {
        let repository = taken.repository.clone();
        let (by, undone) = undo(landing, taken).await?;
        let head = taken.head.clone();
        let back = by.map(|by| (repository.clone(), TakenBack { head, by }));
        match undone {
            Ok(()) => {
                let why = format!("merged and taken back, since {name} was not merged");
                missing.insert(repository, why);
                taken_back.extend(back);
            }
            Err(why) => {
                reason += &format!("; could not take back {repository}: {why}");
                landed.push(*taken);
                left.extend(back);
            }
        }
    }
    missing.insert(name.clone(), reason);
    let others = format!("not tried, since {name} was not merged");
    Ok(ForgeEnd {
        taken_back,
        left,
        ..ended(landing, &landed, missing, &others)
    })
}

/// What is not as it was tested, before anything is merged, each with the reason.
async fn check(landing: &ForgeLanding<'_>) -> Result<BTreeMap<RepositoryName, String>, StepError> {
    let key = StepKey::new(Scope::Run, landing.attempt, CHECK);
    let heads = landing.members.iter();
    let fingerprint = heads.fold(Fingerprint::new(), |print, member| {
        let text = format!("#{} {}", member.pull_request, member.head);
        print.with(member.repository.as_str(), text)
    });
    // It only looks; and once something was merged, it has been recorded.
    let step = Step::new(key, fingerprint, WhenUnknown::Idempotent);
    step::run(landing.steps, step, |_| async {
        let mut wrong = BTreeMap::new();
        for member in &landing.members {
            let why = match find(member).await {
                Ok(found) if found.head_commit != member.head => format!(
                    "pull request {} is at {}, tested was {}",
                    Reference(found.number),
                    found.head_commit.short(),
                    member.head.short()
                ),
                Ok(found) if found.state == PullRequestState::Closed => {
                    format!("pull request {} is closed", Reference(found.number))
                }
                Ok(_) => continue,
                Err(error) => error.to_line(),
            };
            wrong.insert(member.repository.clone(), why);
        }
        Ok(wrong)
    })
    .await
}

async fn merge(landing: &ForgeLanding<'_>, member: &ForgeMember) -> Result<Tried, StepError> {
    try_often(landing, member, Call::Merge).await
}

/// Takes a merged member back, by this commit if one was made; the inner error says why that cannot be.
async fn undo(
    landing: &ForgeLanding<'_>,
    member: &ForgeMember,
) -> Result<(Option<CommitId>, Result<(), String>), StepError> {
    let Some(undo) = &member.undo else {
        return Ok((None, Err("nothing takes it back".to_owned())));
    };
    let new = match prepare(landing, member, &**undo).await? {
        Ok(new) => new,
        Err(reason) => return Ok((None, Err(reason))),
    };
    let by = Some(new.head_commit.clone());
    for call in [Call::OpenUndo(&new), Call::MergeUndo(&new)] {
        match try_often(landing, member, call).await? {
            Tried::Done => {}
            Tried::Refused { reason } | Tried::Failed { reason } | Tried::Unknown { reason } => {
                return Ok((by, Err(reason)));
            }
        }
    }
    Ok((by, Ok(())))
}

/// Prepares the way back; the inner error is why that cannot be.
async fn prepare(
    landing: &ForgeLanding<'_>,
    member: &ForgeMember,
    undo: &dyn Undo,
) -> Result<Result<NewPullRequest, String>, StepError> {
    let scope = Scope::Repository(member.repository.clone());
    let key = StepKey::new(scope, landing.attempt, "forge-undo-prepare");
    let fingerprint = Fingerprint::new().with("head", &member.head);
    let step = Step::new(key, fingerprint, WhenUnknown::Idempotent);
    step::run(landing.steps, step, |_| async {
        let Options { tries, backoff } = landing.options;
        let mut wait = backoff;
        for _ in 1..tries.max(1) {
            match undo.prepare().await {
                Err(error) if !is_final(error.class()) => {}
                prepared => return Ok(prepared.map_err(|error| error.to_line())),
            }
            tokio::time::sleep(wait).await;
            wait *= 2;
        }
        Ok(undo.prepare().await.map_err(|error| error.to_line()))
    })
    .await
}
