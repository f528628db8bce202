//! Landing in local repositories, in two phases.

use std::{collections::BTreeMap, sync::Mutex};

use async_trait::async_trait;
use core_types::{
    Blocked, ChangeSetLanded, ChangeSetLander, ChangeSetLanding, CommitId, ErrorClass, Landed,
    LandingBlock, LandingMember, PortError, Prepared, PreparedLanding, RepositoryName, Scope,
    Standing, StepKey,
    step::{self, Fingerprint, Step, StepError, StepState, WhenUnknown},
};
use serde::{Deserialize, Serialize};

use super::attempt::{fingerprint, put, recorded, stopped, taken};

/// The [`ChangeSetLander`] over [`land_change_set`].
#[derive(Debug, Clone, Copy, Default)]
pub struct TwoPhase;

#[async_trait]
impl ChangeSetLander for TwoPhase {
    async fn land(&self, landing: ChangeSetLanding<'_>) -> Result<ChangeSetLanded, StepError> {
        land_change_set(landing).await
    }
}

/// The one value of the step that decides: from its end on, the change set lands.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Decision {
    Commit,
}

/// The one value of the step that moves a target branch.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Moved {
    Moved,
}

/// What came of a member after the decision, where its branch was not moved.
#[derive(Debug)]
enum Pending {
    TargetMoved(CommitId),
    Blocked(LandingBlock),
    /// The repository failed; its line for people.
    Failed(String, StepError),
}

/// Moves the target branches of all members to their commits, or none.
///
/// All branches are held first, in the order of the repositories' names, so
/// that two change sets never wait for each other. Where one cannot be held,
/// all are let go. Then the end of the step `land-decision` is the instant at
/// which the change set lands: killed before it, nothing has moved; killed
/// after it, the next call moves what is missing.
///
/// Where a repository fails when another one has moved, the end is
/// [`ChangeSetLanded::Partial`] with the reason: no error hides what has landed.
///
/// # Errors
///
/// [`StepError`] with the class of what failed; the change set is then to be
/// landed again. Nothing has moved, unless the step log failed or it was cancelled.
///
/// # Cancel safety
///
/// A dropped call lets go what it held. After the decision, some branches may
/// have moved: the next call moves the rest.
pub async fn land_change_set(landing: ChangeSetLanding<'_>) -> Result<ChangeSetLanded, StepError> {
    recorded(&landing, || land(&landing)).await
}

fn decision_key(landing: &ChangeSetLanding<'_>) -> StepKey {
    StepKey::new(Scope::Run, landing.attempt, "land-decision")
}

async fn land(landing: &ChangeSetLanding<'_>) -> Result<ChangeSetLanded, StepError> {
    let is_decided = matches!(
        landing.steps.state(&decision_key(landing)),
        StepState::Finished { .. }
    );
    // Where nothing has moved yet, the decision binds nobody: all is held anew.
    if is_decided && any_landed(landing).await? {
        return move_all(landing, BTreeMap::new()).await;
    }
    let mut held = BTreeMap::new();
    let prepared = prepare_all(landing, &mut held).await;
    let obstacle = match prepared {
        Ok(None) => None,
        Ok(Some(obstacle)) => Some(Ok(obstacle)),
        Err(error) => Some(Err(error)),
    };
    if let Some(obstacle) = obstacle {
        let let_go = let_go(landing, held).await;
        return obstacle.and_then(|ended| let_go.map(|()| ended));
    }
    let step = Step::new(
        decision_key(landing),
        fingerprint(landing),
        WhenUnknown::Idempotent,
    );
    let decided = step::run(landing.steps, step, |_| async { Ok(Decision::Commit) }).await;
    if let Err(error) = decided {
        // Whether it is on disk, the next session reads; as nothing has moved, both are right.
        let_go(landing, held).await?;
        return Err(error);
    }
    move_all(landing, held).await
}

/// Whether a target holds its commit; what killed landings left is cleared in all.
async fn any_landed(landing: &ChangeSetLanding<'_>) -> Result<bool, StepError> {
    let mut any = false;
    let mut failed = None;
    for member in by_name(landing) {
        let recovered = member
            .repository
            .recover_landing(&member.landing, landing.change_set)
            .await;
        match recovered {
            Ok(standing) => any |= standing == Standing::Landed,
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    match failed {
        // One that fails is told of when the others follow.
        Some(error) if !any => Err(stopped(landing, error)),
        _ => Ok(any),
    }
}

type HeldBranches = BTreeMap<RepositoryName, Box<dyn PreparedLanding>>;

/// Holds the branches of all members, or says why that cannot be.
async fn prepare_all(
    landing: &ChangeSetLanding<'_>,
    held: &mut HeldBranches,
) -> Result<Option<ChangeSetLanded>, StepError> {
    let mut left = Left::default();
    for member in by_name(landing) {
        let name = member.repository.name().clone();
        let prepared = member
            .repository
            .prepare_landing(&member.landing, landing.change_set)
            .await;
        match prepared {
            Ok(Prepared::Ready(branch)) => {
                held.insert(name, branch);
            }
            Ok(Prepared::AlreadyLanded) => left.landed.push(name),
            Ok(Prepared::TargetMoved { now }) => left.add(name, Pending::TargetMoved(now)),
            Ok(Prepared::Blocked { blocked, hint }) => {
                left.add(name, Pending::Blocked(LandingBlock { blocked, hint }));
            }
            Err(error) if error.class() == ErrorClass::Cancelled => {
                return Err(stopped(landing, error));
            }
            Err(error) => {
                let line = error.to_line();
                left.add(name, Pending::Failed(line, stopped(landing, error)));
            }
        }
    }
    left.end()
}

/// What keeps members from landing, and who has landed all the same.
#[derive(Debug, Default)]
struct Left {
    landed: Vec<RepositoryName>,
    moved: BTreeMap<RepositoryName, CommitId>,
    blocked: BTreeMap<RepositoryName, LandingBlock>,
    failed: Option<StepError>,
}

impl Left {
    fn add(&mut self, name: RepositoryName, pending: Pending) {
        match pending {
            Pending::TargetMoved(now) => {
                self.moved.insert(name, now);
            }
            Pending::Blocked(block) => {
                self.blocked.insert(name, block);
            }
            Pending::Failed(reason, error) => {
                let hint = format!("mend this, and ask to land again: {reason}");
                let blocked = Blocked::Failed { reason };
                self.blocked.insert(name, LandingBlock { blocked, hint });
                self.failed = self.failed.take().or(Some(error));
            }
        }
    }

    /// The end that this is; `None` where nothing is in the way.
    fn end(self) -> Result<Option<ChangeSetLanded>, StepError> {
        let Self {
            landed,
            moved,
            blocked,
            failed,
        } = self;
        match failed {
            Some(error) if landed.is_empty() => return Err(error),
            // Catching up helps nothing while one fails.
            Some(_) => return Ok(Some(ChangeSetLanded::Partial { landed, blocked })),
            None => {}
        }
        // Whoever brings a change up to its target first sees only then what a person must do.
        if !moved.is_empty() {
            let again = BTreeMap::new();
            return Ok(Some(ChangeSetLanded::TargetMoved {
                moved,
                landed,
                again,
            }));
        }
        if blocked.is_empty() {
            return Ok(None);
        }
        Ok(Some(if landed.is_empty() {
            ChangeSetLanded::Blocked { blocked }
        } else {
            ChangeSetLanded::Partial { landed, blocked }
        }))
    }
}

/// Lets go all branches; the first error is returned when all have been tried.
async fn let_go(landing: &ChangeSetLanding<'_>, held: HeldBranches) -> Result<(), StepError> {
    let mut result = Ok(());
    for branch in held.into_values() {
        let let_go = branch.abort().await;
        result = result.and(let_go.map_err(|error| stopped(landing, error)));
    }
    result
}

/// Moves every target: by what is held, else by landing again what a killed session has left.
async fn move_all(
    landing: &ChangeSetLanding<'_>,
    mut held: HeldBranches,
) -> Result<ChangeSetLanded, StepError> {
    let mut left = Left::default();
    let mut stopped = None;
    // One that fails keeps no other from following: the decision is for all.
    for member in &landing.members {
        let name = member.repository.name().clone();
        match move_member(landing, member, held.remove(&name)).await {
            Ok(None) => left.landed.push(name),
            Ok(Some(pending)) => left.add(name, pending),
            Err(error) => stopped = stopped.or(Some(error)),
        }
    }
    if let Some(error) = stopped {
        return Err(error);
    }
    Ok(left.end()?.unwrap_or(ChangeSetLanded::All))
}

async fn move_member(
    landing: &ChangeSetLanding<'_>,
    member: &LandingMember,
    held: Option<Box<dyn PreparedLanding>>,
) -> Result<Option<Pending>, StepError> {
    let name = member.repository.name();
    let to = &member.landing;
    let key = StepKey::new(
        Scope::Repository(name.clone()),
        landing.attempt,
        "land-move",
    );
    let fingerprint = Fingerprint::new()
        .with("commit", &to.commit)
        .with("expected", &to.expected);
    let step = Step::new(key, fingerprint, WhenUnknown::Idempotent);
    let pending = Mutex::new(None);
    let failed = Mutex::new(None);
    let acted = step::run(landing.steps, step, |step| {
        let (pending, failed) = (&pending, &failed);
        async move {
            let landed = match held {
                // Whether one that failed has moved, the repository finds out.
                Some(branch) => match branch.commit().await {
                    Ok(landed) => Ok(landed),
                    Err(_) => member.repository.land(to).await,
                },
                None => member.repository.land(to).await,
            };
            let left = match landed {
                Ok(Landed::Moved) => {
                    landing.observer.landed(&step, name, to);
                    return Ok(Moved::Moved);
                }
                Ok(Landed::TargetMoved { now }) => Pending::TargetMoved(now),
                Ok(Landed::Blocked { blocked, hint }) => {
                    Pending::Blocked(LandingBlock { blocked, hint })
                }
                Err(error) => {
                    if error.class() != ErrorClass::Cancelled {
                        put(failed, error.to_line());
                    }
                    return Err(error);
                }
            };
            put(pending, left);
            let operation = "move the target branch";
            Err(PortError::new(ErrorClass::Conflict, operation))
        }
    })
    .await;
    if let Some(pending) = taken(pending) {
        return Ok(Some(pending));
    }
    match (acted, taken(failed)) {
        (Ok(Moved::Moved), _) => Ok(None),
        (Err(error), Some(line)) => Ok(Some(Pending::Failed(line, error))),
        (Err(error), None) => Err(error),
    }
}

/// The members in the order in which their branches are held.
fn by_name<'a>(landing: &'a ChangeSetLanding<'_>) -> Vec<&'a LandingMember> {
    let mut members: Vec<_> = landing.members.iter().collect();
    members.sort_by(|a, b| a.repository.name().cmp(b.repository.name()));
    members
}
