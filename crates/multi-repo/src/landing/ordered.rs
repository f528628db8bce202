//! Landing in all repositories or in none where all are on forges.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use core_types::{
    Blocked, BranchName, ChangeSetLanded, ChangeSetLander, ChangeSetLanding, CommitId, ErrorClass,
    GitProvider, IssueNumber, LandingBlock, LandingMember, NewPullRequest, PortError, Repository,
    RepositoryName, Scope, StepKey, StepLog,
    step::{self, Fingerprint, Step, StepError, StepState, WhenUnknown},
};

use super::{
    attempt::{recorded, stopped},
    forge::{CHECK, ForgeEnd, ForgeLanding, ForgeMember, Options, TakenBack, Undo, land_on_forges},
};

/// The [`ChangeSetLander`] over [`land_on_forges`]: merges one pull request after another, and takes
/// back what was merged where one cannot be.
///
/// What a target branch gets is the tested commit itself, so that a target that has moved is never merged
/// untested. A change that was merged and taken back is proposed anew by a later attempt
/// ([`ChangeSetLanded::TargetMoved`]): by then its target has moved past it.
#[derive(Debug)]
pub struct OrderedMerge {
    /// The forge of each repository.
    pub providers: BTreeMap<RepositoryName, Arc<dyn GitProvider>>,
    /// In which order they are merged; a repository that is not named comes last.
    pub order: Vec<RepositoryName>,
    /// The branch by which a merged change is taken back, a hyphen and the commit's beginning added.
    pub undo_branch: BranchName,
    /// How a forge is tried.
    pub options: Options,
}

#[async_trait]
impl ChangeSetLander for OrderedMerge {
    async fn land(&self, landing: ChangeSetLanding<'_>) -> Result<ChangeSetLanded, StepError> {
        recorded(&landing, || self.merge_all(&landing)).await
    }
}

/// Where the targets of a landing are.
#[derive(Debug, Default)]
struct Targets {
    /// At the change.
    landed: Vec<RepositoryName>,
    /// Neither there nor where the landing expects them.
    moved: BTreeMap<RepositoryName, CommitId>,
}

impl OrderedMerge {
    async fn merge_all(
        &self,
        landing: &ChangeSetLanding<'_>,
    ) -> Result<ChangeSetLanded, StepError> {
        let (round, last) = round(landing.steps);
        let is_underway = !matches!(
            landing.steps.state(&StepKey::new(Scope::Run, round, CHECK)),
            StepState::New
        );
        let mut members = landing.members.iter().collect::<Vec<_>>();
        if !is_underway {
            let targets = targets(landing).await?;
            let again = again(landing, last.as_ref()).await?;
            if !targets.moved.is_empty() || !again.is_empty() {
                return Ok(moved(targets, again));
            }
            members.retain(|it| !targets.landed.contains(it.repository.name()));
        }
        let place = |name: &RepositoryName| self.order.iter().position(|it| it == name);
        members.sort_by_key(|it| {
            let name = it.repository.name();
            place(name).unwrap_or(self.order.len())
        });
        let mut proposed = Vec::new();
        let mut blocked = BTreeMap::new();
        for member in members {
            match self.proposed(landing, member).await? {
                Ok(member) => proposed.push(member),
                Err(reason) => {
                    blocked.insert(member.repository.name().clone(), block(reason));
                }
            }
        }
        if !blocked.is_empty() {
            return Ok(ChangeSetLanded::Blocked { blocked });
        }
        let merging = ForgeLanding {
            change_set: landing.change_set,
            attempt: round,
            members: proposed,
            steps: landing.steps,
            options: self.options,
        };
        let ended = Box::pin(land_on_forges(&merging)).await?;
        // Our copies follow; and who has moved meanwhile, a refusal does not say.
        let targets = targets(landing).await?;
        record(landing, round, &ended, &targets).await?;
        let has_moved = |name: &RepositoryName| !ended.taken_back.contains_key(name);
        let has_landed = !ended.landed.is_empty() || ended.unknown.is_some();
        if !has_landed && targets.moved.keys().any(has_moved) {
            let again = redone(landing, &ended.taken_back).await?;
            return Ok(moved(targets, again));
        }
        let missing = ended.missing.into_iter();
        let missing = missing.filter(|(name, _)| !targets.landed.contains(name));
        let blocked: BTreeMap<_, _> = missing.map(|(name, why)| (name, block(why))).collect();
        Ok(if blocked.is_empty() {
            ChangeSetLanded::All
        } else if targets.landed.is_empty() {
            ChangeSetLanded::Blocked { blocked }
        } else {
            ChangeSetLanded::Partial {
                landed: targets.landed,
                blocked,
            }
        })
    }

    /// A member with the pull request that proposes exactly its commit; the inner error says that there is none.
    async fn proposed(
        &self,
        landing: &ChangeSetLanding<'_>,
        member: &LandingMember,
    ) -> Result<Result<ForgeMember, String>, StepError> {
        let name = member.repository.name();
        let to = &member.landing;
        let Some(provider) = self.providers.get(name) else {
            return Ok(Err("it is on no forge that is known".to_owned()));
        };
        let all = provider.list_pull_requests().await;
        let all = all.map_err(|error| stopped(landing, error))?;
        let Some(found) = to.proposed_in(&all) else {
            let commit = to.commit.short();
            return Ok(Err(format!(
                "no open pull request into it proposes {commit}"
            )));
        };
        let undo = format!("{}-{}", self.undo_branch, to.commit.short());
        let undo = BranchName::new(undo).map_err(|error| {
            let error = PortError::new(ErrorClass::Validation, "name a branch").because(error);
            stopped(landing, error)
        })?;
        Ok(Ok(ForgeMember {
            repository: name.clone(),
            provider: Arc::clone(provider),
            pull_request: found.number,
            head: to.commit.clone(),
            undo: Some(Arc::new(Reverting {
                repository: Arc::clone(&member.repository),
                number: found.number,
                title: found.title.clone(),
                merged: to.commit.clone(),
                before: to.expected.clone(),
                base: to.branch.clone(),
                branch: undo,
            })),
        }))
    }
}

fn end_key(round: u32) -> StepKey {
    StepKey::new(Scope::Run, round, "forge-end")
}

/// The round that merges now, from 1, and how the last one has ended. It is counted by itself: a landing that
/// ended without landing may be asked again under its number.
fn round(steps: &dyn StepLog) -> (u32, Option<ForgeEnd>) {
    let mut last = None;
    for round in 1.. {
        match steps.state(&end_key(round)) {
            StepState::Finished { result, .. } => last = serde_json::from_value(result).ok(),
            _ => return (round, last),
        }
    }
    (1, None)
}

/// Records how a round has ended, and tells of what has landed by it.
async fn record(
    landing: &ChangeSetLanding<'_>,
    round: u32,
    ended: &ForgeEnd,
    targets: &Targets,
) -> Result<(), StepError> {
    let step = Step::new(
        end_key(round),
        Fingerprint::new().with("change set", landing.change_set),
        WhenUnknown::Idempotent,
    );
    step::run(landing.steps, step, |step| async move {
        for member in &landing.members {
            let name = member.repository.name();
            if ended.landed.contains(name) || targets.landed.contains(name) {
                landing.observer.landed(&step, name, &member.landing);
            }
        }
        Ok(ended.clone())
    })
    .await?;
    Ok(())
}

async fn targets(landing: &ChangeSetLanding<'_>) -> Result<Targets, StepError> {
    let mut found = Targets::default();
    for LandingMember {
        repository,
        landing: to,
    } in &landing.members
    {
        let now = repository.fetch(&to.branch).await;
        let now = now.map_err(|error| stopped(landing, error))?;
        let name = repository.name().clone();
        if now == to.commit {
            found.landed.push(name);
        } else if now != to.expected {
            found.moved.insert(name, now);
        }
    }
    Ok(found)
}

fn moved(targets: Targets, again: BTreeMap<RepositoryName, CommitId>) -> ChangeSetLanded {
    ChangeSetLanded::TargetMoved {
        moved: targets.moved,
        landed: targets.landed,
        again,
    }
}

/// What stands for the changes of this landing that the last round has merged and taken back.
async fn again(
    landing: &ChangeSetLanding<'_>,
    last: Option<&ForgeEnd>,
) -> Result<BTreeMap<RepositoryName, CommitId>, StepError> {
    match last {
        Some(last) => redone(landing, &last.taken_back).await,
        None => Ok(BTreeMap::new()),
    }
}

async fn redone(
    landing: &ChangeSetLanding<'_>,
    taken_back: &BTreeMap<RepositoryName, TakenBack>,
) -> Result<BTreeMap<RepositoryName, CommitId>, StepError> {
    let mut again = BTreeMap::new();
    for member in &landing.members {
        let name = member.repository.name();
        let Some(TakenBack { head, by }) = taken_back.get(name) else {
            continue;
        };
        if member.landing.commit != *head {
            continue;
        }
        let message = format!("Land again {}\n", head.short());
        let commit = with_files_of(&*member.repository, by, head, &message).await;
        let commit = commit.map_err(|error| stopped(landing, error))?;
        again.insert(name.clone(), commit);
    }
    Ok(again)
}

/// A commit on `onto` with the files of `from`; the same each time.
async fn with_files_of(
    repository: &dyn Repository,
    onto: &CommitId,
    from: &CommitId,
    message: &str,
) -> Result<CommitId, PortError> {
    let changed = repository.diff(onto, from, 0).await?;
    let paths: Vec<_> = changed.files.into_iter().map(|it| it.path).collect();
    let commit = repository.overlay(onto, from, &paths, message).await?;
    let left = repository.diff(&commit, from, 0).await?;
    match left.files.first() {
        None => Ok(commit),
        // A path that is no text stands here otherwise than in git.
        Some(file) => {
            let operation = format!("make a commit with the files of {}", from.short());
            let why = format!("{} cannot be put there", file.path);
            Err(PortError::new(ErrorClass::Validation, operation).because(why))
        }
    }
}

/// Takes back a merged pull request by a commit that gives its files what they held before.
#[derive(Debug)]
struct Reverting {
    repository: Arc<dyn Repository>,
    number: IssueNumber,
    title: String,
    merged: CommitId,
    before: CommitId,
    base: BranchName,
    branch: BranchName,
}

#[async_trait]
impl Undo for Reverting {
    async fn prepare(&self) -> Result<NewPullRequest, PortError> {
        let title = format!("Take back: {}", self.title);
        let why = "Its change lands in all repositories or in none, and could not be merged in another one.";
        let message = format!("{title}\n\n{why}\n");
        let (merged, before) = (&self.merged, &self.before);
        let commit = with_files_of(&*self.repository, merged, before, &message).await?;
        self.repository.publish(&self.branch, &commit).await?;
        Ok(NewPullRequest {
            title,
            body: format!("Takes back pull request {}. {why}", self.number),
            head: self.branch.clone(),
            base: self.base.clone(),
            head_commit: commit,
        })
    }
}

fn block(reason: String) -> LandingBlock {
    LandingBlock {
        blocked: Blocked::Failed { reason },
        hint: "mend that on the forge, then land again".to_owned(),
    }
}
