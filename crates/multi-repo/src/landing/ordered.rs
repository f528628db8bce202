//! Landing in all repositories or in none where all are on forges.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use core_types::{
    Blocked, BranchName, ChangeSetLanded, ChangeSetLander, ChangeSetLanding, CommitId, ErrorClass,
    GitProvider, IssueNumber, LandingBlock, LandingMember, Merge, NewPullRequest, PortError,
    Reference, Repository, RepositoryName, Scope, StepKey, StepLog,
    step::{self, Fingerprint, Step, StepError, StepState, WhenUnknown},
};
use serde::{Deserialize, Serialize};

use super::{
    attempt::{recorded, stopped},
    forge::{ForgeEnd, ForgeLanding, ForgeMember, Options, TakenBack, Undo, land_on_forges},
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
        let (round, ends) = rounds(landing.steps);
        let proposed = match begun(landing.steps, round) {
            Some(proposed) => proposed,
            None => match self.begin(landing, round, &ends).await? {
                Ok(proposed) => proposed,
                Err(ended) => return Ok(ended),
            },
        };
        let members = proposed.into_iter().filter_map(|it| {
            let is_its = |member: &&LandingMember| *member.repository.name() == it.repository;
            self.member(landing.members.iter().find(is_its)?, it)
        });
        let merging = ForgeLanding {
            change_set: landing.change_set,
            attempt: round,
            members: members.collect(),
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
            return Ok(moved(landing, targets, again));
        }
        let missing = ended.missing.into_iter();
        let missing = missing.filter(|(name, _)| !targets.landed.contains(name));
        let missing: BTreeMap<_, _> = missing.map(|(name, why)| (name, block(why))).collect();
        Ok(match missing.is_empty() {
            true => ChangeSetLanded::All,
            false => blocked(targets, missing),
        })
    }

    /// Begins a round: who takes part by which pull request, recorded before anything is merged, since the forge may
    /// show something else when a killed round goes on. The inner error is the end of a landing that cannot begin.
    async fn begin(
        &self,
        landing: &ChangeSetLanding<'_>,
        round: u32,
        ends: &[ForgeEnd],
    ) -> Result<Result<Vec<Proposed>, ChangeSetLanded>, StepError> {
        let targets = targets(landing).await?;
        let again = again(landing, ends).await?;
        if !targets.moved.is_empty() || !again.is_empty() {
            return Ok(Err(moved(landing, targets, again)));
        }
        let is_left = |it: &&LandingMember| !targets.landed.contains(it.repository.name());
        let mut members: Vec<_> = landing.members.iter().filter(is_left).collect();
        let place = |name: &RepositoryName| self.order.iter().position(|it| it == name);
        members.sort_by_key(|it| {
            let name = it.repository.name();
            place(name).unwrap_or(self.order.len())
        });
        let mut proposed = Vec::new();
        let mut missing = BTreeMap::new();
        for member in &members {
            match self.proposed(landing, member).await? {
                Ok(found) => proposed.push(found),
                Err(reason) => {
                    missing.insert(member.repository.name().clone(), reason);
                }
            }
        }
        if let Some(first) = missing.keys().next() {
            let others = format!("not tried, since nothing proposes the change of {first}");
            let block = |it: &&LandingMember| {
                let name = it.repository.name().clone();
                let why = missing.get(&name).unwrap_or(&others).clone();
                (name, block(why))
            };
            return Ok(Err(blocked(targets, members.iter().map(block).collect())));
        }
        let step = Step::new(
            begin_key(round),
            Fingerprint::new().with("change set", landing.change_set),
            WhenUnknown::Idempotent,
        );
        let recorded = step::run(landing.steps, step, |_| async { Ok(proposed) }).await?;
        Ok(Ok(recorded))
    }

    /// The pull request that proposes exactly the commit of a member; the inner error says that there is none.
    async fn proposed(
        &self,
        landing: &ChangeSetLanding<'_>,
        member: &LandingMember,
    ) -> Result<Result<Proposed, String>, StepError> {
        let name = member.repository.name();
        let to = &member.landing;
        let Some(provider) = self.providers.get(name) else {
            return Ok(Err("it is on no forge that is known".to_owned()));
        };
        let all = provider.list_pull_requests().await;
        let all = all.map_err(|error| stopped(landing, error))?;
        Ok(match to.proposed_in(&all) {
            Some(found) => Ok(Proposed {
                repository: name.clone(),
                pull_request: found.number,
                title: found.title.clone(),
            }),
            None => {
                let commit = to.commit.short();
                Err(format!("no open pull request into it proposes {commit}"))
            }
        })
    }

    fn member(&self, member: &LandingMember, proposed: Proposed) -> Option<ForgeMember> {
        let to = &member.landing;
        let undo = format!("{}-{}", self.undo_branch, to.commit.short());
        let undo = Reverting {
            repository: Arc::clone(&member.repository),
            number: proposed.pull_request,
            title: proposed.title,
            merged: to.commit.clone(),
            before: to.expected.clone(),
            base: to.branch.clone(),
            branch: BranchName::new(undo).ok()?,
        };
        Some(ForgeMember {
            provider: Arc::clone(self.providers.get(&proposed.repository)?),
            repository: proposed.repository,
            pull_request: proposed.pull_request,
            head: to.commit.clone(),
            undo: Some(Arc::new(undo)),
        })
    }
}

/// Who takes part in a round, as it is recorded.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Proposed {
    repository: RepositoryName,
    pull_request: IssueNumber,
    title: String,
}

fn begin_key(round: u32) -> StepKey {
    StepKey::new(Scope::Run, round, "forge-round")
}

/// Who takes part in a round that was begun.
fn begun(steps: &dyn StepLog, round: u32) -> Option<Vec<Proposed>> {
    match steps.state(&begin_key(round)) {
        StepState::Finished { result, .. } => serde_json::from_value(result).ok(),
        _ => None,
    }
}

fn end_key(round: u32) -> StepKey {
    StepKey::new(Scope::Run, round, "forge-end")
}

/// The round that merges now, from 1, and how those before it have ended. They are counted by themselves: a landing
/// that ended without landing may be asked again under its number.
fn rounds(steps: &dyn StepLog) -> (u32, Vec<ForgeEnd>) {
    let mut ends = Vec::new();
    for round in 1.. {
        match steps.state(&end_key(round)) {
            StepState::Finished { result, .. } => ends.extend(serde_json::from_value(result)),
            _ => return (round, ends),
        }
    }
    (1, ends)
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

/// The end at targets that have moved; what was taken back counts as that, wherever its target is.
fn moved(
    landing: &ChangeSetLanding<'_>,
    targets: Targets,
    again: BTreeMap<RepositoryName, CommitId>,
) -> ChangeSetLanded {
    let mut moved = targets.moved;
    for member in &landing.members {
        let name = member.repository.name();
        if again.contains_key(name) {
            let expected = &member.landing.expected;
            moved.entry(name.clone()).or_insert(expected.clone());
        }
    }
    ChangeSetLanded::TargetMoved {
        moved,
        landed: targets.landed,
        again,
    }
}

fn blocked(targets: Targets, blocked: BTreeMap<RepositoryName, LandingBlock>) -> ChangeSetLanded {
    match targets.landed.is_empty() {
        true => ChangeSetLanded::Blocked { blocked },
        false => ChangeSetLanded::Partial {
            landed: targets.landed,
            blocked,
        },
    }
}

/// What stands for the changes of this landing that an earlier round has merged and taken back, or that a person has:
/// where taking back was refused, its pull request is left to him.
async fn again(
    landing: &ChangeSetLanding<'_>,
    ends: &[ForgeEnd],
) -> Result<BTreeMap<RepositoryName, CommitId>, StepError> {
    let mut taken_back = BTreeMap::new();
    for end in ends {
        taken_back.extend(end.taken_back.clone());
        for member in &landing.members {
            let name = member.repository.name();
            let Some(left) = end.left.get(name) else {
                continue;
            };
            let holds = holds(member, &left.by).await;
            if holds.map_err(|error| stopped(landing, error))? {
                taken_back.insert(name.clone(), left.clone());
            }
        }
    }
    redone(landing, &taken_back).await
}

/// Whether the target holds a commit.
async fn holds(member: &LandingMember, commit: &CommitId) -> Result<bool, PortError> {
    let LandingMember {
        repository,
        landing: to,
    } = member;
    let now = repository.fetch(&to.branch).await?;
    let merged = repository.merge(&now, commit, "Is it there?\n").await?;
    Ok(merged == Merge::FastForward { commit: now })
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
            body: format!("Takes back pull request {}. {why}", Reference(self.number)),
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
