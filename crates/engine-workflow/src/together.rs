//! Landing in all repositories or in none.

use std::collections::BTreeMap;

use core_types::{
    ChangeSetLanded, ChangeSetLander, ChangeSetLanding, CommitId, Event, Landing, LandingBlock,
    LandingMember, LandingObserver, OperationId, RepositoryName, StepRef,
};

use crate::{
    Error, combined,
    end::{RepositoryEnd, RepositoryState},
    landing::{self, Asked, CatchUps},
    progress::Progress,
    proposing,
    run::Run,
};

/// Moves all target branches, each to its tested change, or none; changes are
/// brought up to targets that have moved meanwhile.
pub(crate) async fn land(
    run: &Run,
    lander: &dyn ChangeSetLander,
    repositories: &mut [Progress],
    asked: Asked,
) -> Result<Vec<RepositoryEnd>, Error> {
    let change_set = identity(run);
    let mut expected: BTreeMap<_, _> = repositories
        .iter()
        .map(|progress| (progress.name.clone(), progress.base.clone()))
        .collect();
    let mut catch_ups = CatchUps::default();
    // Pull requests of changes that were merged and taken back, to be proposed anew.
    let mut taken_back = BTreeMap::new();
    for attempt in 1.. {
        run.check_paused()?;
        let landing = ChangeSetLanding {
            change_set: &change_set,
            attempt,
            members: members(run, repositories, &expected, asked)?,
            steps: &*run.ports.steps,
            observer: &Landings(run),
        };
        let (moved, again) = match lander.land(landing).await? {
            ChangeSetLanded::All => {
                let landed = repositories.iter().filter(|it| it.goes_on());
                run.at_once(landed.map(|progress| proposing::close_pull_request(run, progress)))
                    .await?;
                return Ok(ends(run, repositories, |_| Some(RepositoryState::Landed)));
            }
            ChangeSetLanded::TargetMoved { moved, again, .. } => (moved, again),
            ChangeSetLanded::Blocked { blocked } => {
                return Ok(ends(run, repositories, |progress| {
                    Some(state(progress, blocked.get(&progress.name)?))
                }));
            }
            ChangeSetLanded::Partial { landed, blocked } => {
                return Ok(ends(run, repositories, |progress| {
                    if landed.contains(&progress.name) {
                        return Some(RepositoryState::Landed);
                    }
                    Some(state(progress, blocked.get(&progress.name)?))
                }));
            }
        };
        for progress in repositories.iter_mut() {
            let Some(now) = moved.get(&progress.name) else {
                continue;
            };
            let number = run.first_attempt(&progress.name) - 1 + attempt;
            if let Some(commit) = again.get(&progress.name) {
                progress.head = commit.clone();
                if let Some(number) = progress.pull_request.take() {
                    taken_back.insert(progress.name.clone(), number);
                }
            }
            match catch_ups.catch_up(run, progress, number, now).await? {
                Ok(Some(head)) => {
                    expected.insert(progress.name.clone(), now.clone());
                    progress.head = head;
                    if let Some(before) = taken_back.remove(&progress.name) {
                        let opened = proposing::propose_again(run, progress, number + 1, before);
                        progress.pull_request = Some(opened.await?);
                    }
                }
                // Moved on since: the next attempt sees where to.
                Ok(None) => {}
                Err(state) => {
                    let name = progress.name.clone();
                    let before = taken_back.remove(&name);
                    progress.pull_request = progress.pull_request.or(before);
                    return Ok(ends(run, repositories, |progress| {
                        (progress.name == name).then(|| state.clone())
                    }));
                }
            }
        }
        if let Some(reason) = combined::test(run, repositories, attempt + 1).await? {
            // Where a target has moved on since, the next attempt sees that.
            if any_moved(run, repositories, &expected).await? {
                continue;
            }
            let reason = format!("{reason}; mend that on a target branch, then land again");
            let state = landing::blocked(run, reason);
            return Ok(ends(run, repositories, |_| Some(state.clone())));
        }
    }
    // The loop ends by returning: catching up is bounded.
    Ok(ends(run, repositories, |_| None))
}

/// Whether a target points elsewhere than the landing expects.
async fn any_moved(
    run: &Run,
    repositories: &[Progress],
    expected: &BTreeMap<RepositoryName, CommitId>,
) -> Result<bool, Error> {
    for progress in repositories.iter().filter(|it| it.goes_on()) {
        let repository = &run.repository(&progress.name)?.repository;
        let now = repository.fetch(&progress.target).await?;
        if expected.get(&progress.name) != Some(&now) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What the change set is known by in locks and marks.
fn identity(run: &Run) -> OperationId {
    match &run.settings.change_set {
        Some(change_set) => change_set.id.clone(),
        None => OperationId::new(format!("{}:change-set", run.settings.run))
            .expect("a run id leaves room for a suffix"),
    }
}

fn members(
    run: &Run,
    repositories: &[Progress],
    expected: &BTreeMap<RepositoryName, CommitId>,
    asked: Asked,
) -> Result<Vec<LandingMember>, Error> {
    let mut members = Vec::new();
    for progress in repositories.iter().filter(|it| it.goes_on()) {
        let expected = expected.get(&progress.name).unwrap_or(&progress.base);
        members.push(LandingMember {
            repository: run.repository(&progress.name)?.repository.clone(),
            landing: Landing {
                branch: progress.target.clone(),
                expected: expected.clone(),
                commit: progress.head.clone(),
                pull_request: progress.pull_request,
                checkout: asked.checkout(),
            },
        });
    }
    Ok(members)
}

fn state(progress: &Progress, block: &LandingBlock) -> RepositoryState {
    landing::blocked_state(progress, &block.blocked, block.hint.clone())
}

/// The ends of all repositories; `state` says what became of one that goes on.
fn ends(
    run: &Run,
    repositories: &[Progress],
    state: impl Fn(&Progress) -> Option<RepositoryState>,
) -> Vec<RepositoryEnd> {
    let end = |progress: &Progress| {
        let state = progress.goes_on().then(|| state(progress)).flatten();
        if let Some(
            RepositoryState::Blocked { reason, .. } | RepositoryState::Ready { reason, .. },
        ) = &state
        {
            run.emit(None, landing::not_landed(&progress.name, reason));
        }
        state.map_or_else(|| progress.end(), |state| progress.end_as(state))
    };
    repositories.iter().map(end).collect()
}

/// Tells of each target branch that moves.
#[derive(Debug)]
struct Landings<'a>(&'a Run);

impl LandingObserver for Landings<'_> {
    fn landed(&self, step: &StepRef, repository: &RepositoryName, landing: &Landing) {
        let event = Event::RepositoryLanded {
            repository: repository.clone(),
            branch: landing.branch.clone(),
            commit: landing.commit.clone(),
        };
        self.0.emit(Some(step), event);
    }
}
