use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use async_trait::async_trait;
use core_types::{
    CancellationToken, ChangeSet, ChangeSetEnd, ErrorClass, Event, GitProvider, MemberState,
    OperationId, PlanOutcome, PlanRequest, PlanRunner, PortError, RepositoryName, RunId, StepRef,
    TaskId, TaskStatus,
};
use engine_workflow::{EndStatus, RepositoryState, RunEnd};
use forges::Forge;
use sha2::{Digest, Sha256};

use super::{
    Assembly, Error, Home, IssueSource, Observer, RunRecord, RunRequest, RunState, RunStatus,
    Surroundings, repository_names,
};

/// Carries out change sets as runs of a home: the [`PlanRunner`] that
/// `multi_repo::MultiRepoOrchestrator` drives.
///
/// A change set is the run whose id [`WorkflowRunner::run_of`] makes of the
/// change set's: one that was cut off is resumed, and one that has ended is only
/// read. Its repositories are those of `config/repositories.yaml`. Everything
/// else is that of any run, so that `automation status`, `answer`, `land` and
/// `resume` work with it; what waits for a person goes on when it is run again.
///
/// Issues and pull requests of the repositories for which the request brings a
/// provider live there, and those of the others on the forge of the home. A run
/// that was begun with providers of a program's own is to be resumed by it:
/// the command line knows only the home's.
#[derive(Debug)]
pub struct WorkflowRunner {
    home: Home,
    surroundings: Surroundings,
    request: RunRequest,
    observer: Arc<dyn Observer>,
    pause: CancellationToken,
}

#[derive(Debug)]
struct Unobserved;

impl Observer for Unobserved {
    fn observe(&self, _: Option<&StepRef>, _: &Event) {}
}

impl WorkflowRunner {
    /// Over the repositories of a home. `request` says how runs are begun: agent,
    /// approvals, whether they land. Its issue, repositories, workflow and
    /// context are those of each change set instead.
    #[must_use]
    pub fn new(home: Home, surroundings: Surroundings, request: RunRequest) -> Self {
        Self {
            home,
            surroundings,
            request,
            observer: Arc::new(Unobserved),
            pause: CancellationToken::new(),
        }
    }

    /// Shows the events of all runs to `observer`.
    #[must_use]
    pub fn observed_by(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observer = observer;
        self
    }

    /// Pauses all runs when `pause` is cancelled; they end as `Cancelled`.
    #[must_use]
    pub fn paused_by(mut self, pause: CancellationToken) -> Self {
        self.pause = pause;
        self
    }

    /// The run that carries out a change set: what can be read of its id, and a digest of it.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use facade::{assemble::WorkflowRunner, core_types::OperationId};
    ///
    /// let id = OperationId::new("full-stack-feature:backend#12")?;
    /// let run = WorkflowRunner::run_of(&id);
    /// assert_eq!(run.as_str(), "full-stack-feature-backend-12-fd56256a5b48");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "it never does")]
    pub fn run_of(change_set: &OperationId) -> RunId {
        let digest = Sha256::digest(change_set.as_str());
        let digest = digest.iter().take(6);
        let digest: String = digest.map(|byte| format!("{byte:02x}")).collect();
        let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
        let readable: String = change_set.as_str().chars().map(plain).take(40).collect();
        let readable = readable.trim_matches('-');
        let id = [readable, &digest].join("-");
        RunId::new(id.trim_start_matches('-')).expect("letters, digits and - inside, at most 53")
    }

    fn has(&self, run: &RunId) -> bool {
        self.home.run_folder(run).join("journal").is_dir()
    }

    fn status(&self, run: &RunId) -> Result<RunStatus, Error> {
        RunStatus::read(&self.home, run, &self.surroundings)
    }

    /// The recorded change set; `None` where the beginning of the run was cut off.
    fn recorded(&self, run: &RunId) -> Result<Option<ChangeSet>, Error> {
        if !self.has(run) {
            return Ok(None);
        }
        match RunRecord::read(&self.home, run, &self.surroundings) {
            Ok(record) => Ok(record.settings.change_set),
            Err(Error::Journal { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn begin(&self, run: RunId, request: &PlanRequest) -> Result<Assembly, Error> {
        let change_set = &request.change_set;
        let asked = RunRequest {
            issue: Some(self.issue(request).await?),
            repositories: Vec::new(),
            workflow: change_set.workflow.clone(),
            context: change_set.context.clone(),
            ..self.request.clone()
        };
        let given = Given {
            change_set: Some(change_set.clone()),
            providers: request.providers.clone(),
        };
        let (home, surroundings) = (self.home.clone(), self.surroundings.clone());
        Assembly::create_with(run, &asked, home, surroundings, given).await
    }

    /// The issue where it lives, if that is told; else what it says.
    async fn issue(&self, request: &PlanRequest) -> Result<IssueSource, Error> {
        let issue = &request.issue;
        let home = match request.change_set.context.get("source_repo") {
            Some(name) => RepositoryName::new(name).ok(),
            None => {
                let names = repository_names(&self.home, &self.surroundings).await?;
                names.into_iter().next()
            }
        };
        let takes_part = |name: &RepositoryName| {
            request.change_set.member(name).is_some() && request.providers.contains_key(name)
        };
        Ok(match home.filter(takes_part) {
            Some(home) if issue.number > 0 => IssueSource::Forge(Some(home), issue.number),
            _ => IssueSource::Text {
                title: issue.title.clone(),
                body: issue.body.clone(),
            },
        })
    }

    async fn carry_out(&self, request: PlanRequest) -> Result<PlanOutcome, Error> {
        let run = Self::run_of(&request.change_set.id);
        let mut assembly = match self.recorded(&run)? {
            None => self.begin(run.clone(), &request).await?,
            Some(recorded) if recorded != request.change_set => {
                let id = &request.change_set.id;
                let message = format!("the id {id} belongs to another change set");
                return Err(PortError::new(ErrorClass::Conflict, "run a change set")
                    .because(message)
                    .into());
            }
            Some(_) => {
                let status = self.status(&run)?;
                let has_ended = matches!(
                    status.state,
                    RunState::Done | RunState::Failed | RunState::Partial
                );
                let ended = outcome(&status, &request.change_set);
                if let Some(outcome) = ended.filter(|_| has_ended) {
                    return Ok(outcome);
                }
                let (home, surroundings) = (self.home.clone(), self.surroundings.clone());
                let opened = Assembly::open(run.clone(), home, surroundings).await?;
                opened.with_providers(&request.providers)
            }
        };
        loop {
            let n_messages = assembly.n_messages().await?;
            let executing = assembly.execute(&self.pause, Arc::clone(&self.observer));
            Box::pin(executing).await?;
            // What somebody said while the run came to its end was told to this process alone.
            match assembly.release(n_messages).await? {
                Some(told) => assembly = told.with_providers(&request.providers),
                None => break,
            }
        }
        outcome(&self.status(&run)?, &request.change_set).ok_or_else(|| {
            // Another process has taken it up in the meantime.
            Error::Held { run }
        })
    }
}

#[async_trait]
impl PlanRunner for WorkflowRunner {
    async fn run_plan(&self, request: PlanRequest) -> Result<PlanOutcome, PortError> {
        let carried_out = Box::pin(self.carry_out(request)).await;
        carried_out.map_err(|error| port_error(error, "run a change set"))
    }

    async fn member_states(
        &self,
        change_set: &OperationId,
    ) -> Result<Option<BTreeMap<RepositoryName, MemberState>>, PortError> {
        let run = Self::run_of(change_set);
        let asked = |error| port_error(error, "ask how a change set stands");
        let Some(recorded) = self.recorded(&run).map_err(asked)? else {
            return Ok(None);
        };
        let status = self.status(&run).map_err(asked)?;
        Ok(Some(members(&status, &recorded)))
    }
}

fn port_error(error: Error, operation: &'static str) -> PortError {
    match error {
        Error::Port(error) => error,
        error => PortError::new(error.class(), operation).because(error),
    }
}

/// What a program gives to a run that the configuration of its home would say otherwise.
#[derive(Debug, Default)]
pub(crate) struct Given {
    /// How its repositories wait for each other, under the program's own id.
    pub(crate) change_set: Option<ChangeSet>,
    /// Where issues and pull requests of these repositories live.
    pub(crate) providers: BTreeMap<RepositoryName, Arc<dyn GitProvider>>,
}

/// The kind of a forge that a program has given.
pub(crate) const REGISTERED: &str = "registered";

/// The forges of a run.
pub(crate) fn registered(
    others: Arc<dyn Forge>,
    providers: &BTreeMap<RepositoryName, Arc<dyn GitProvider>>,
) -> Arc<dyn Forge> {
    if providers.is_empty() {
        return others;
    }
    let providers = providers.clone();
    Arc::new(Registered { providers, others })
}

/// Forges of single repositories before the forge of a home.
#[derive(Debug)]
struct Registered {
    providers: BTreeMap<RepositoryName, Arc<dyn GitProvider>>,
    others: Arc<dyn Forge>,
}

impl Forge for Registered {
    fn provider(&self, repository: &RepositoryName) -> Arc<dyn GitProvider> {
        match self.providers.get(repository) {
            Some(provider) => Arc::clone(provider),
            None => self.others.provider(repository),
        }
    }

    fn kind(&self, repository: &RepositoryName) -> &str {
        if self.providers.contains_key(repository) {
            REGISTERED
        } else {
            self.others.kind(repository)
        }
    }
}

/// Where each member stands: as the run ended, and else as its events say.
fn members(status: &RunStatus, change_set: &ChangeSet) -> BTreeMap<RepositoryName, MemberState> {
    let standings = status.repositories.iter();
    let mut members: BTreeMap<_, _> = standings
        .map(|it| (it.repository.clone(), it.state.clone()))
        .collect();
    let Some(end) = &status.end else {
        return members;
    };
    // Whatever is waited for stands before.
    for member in &change_set.members {
        let name = &member.repository;
        let mut ended = end.repositories.iter();
        let Some(ended) = ended.find(|it| it.repository == *name) else {
            continue;
        };
        let state = match &ended.state {
            RepositoryState::Landed => MemberState::Landed,
            _ if has_only_skipped(status, end, name) => {
                let is_bad = |name: &RepositoryName| !members.get(name).is_some_and(is_good);
                let mut waits = member.waits().map(|wait| wait.repository);
                let vain = waits.find(is_bad);
                vain.map_or(MemberState::Unchanged, |because| MemberState::Skipped {
                    because,
                })
            }
            RepositoryState::Unchanged => MemberState::Unchanged,
            RepositoryState::Failed { reason } => MemberState::Failed {
                reason: reason.clone(),
            },
            // The change is there, and what it waits for is told by the end.
            _ if ended.tested.is_some() => MemberState::Completed,
            _ => MemberState::Succeeded,
        };
        members.insert(name.clone(), state);
    }
    members
}

fn is_good(state: &MemberState) -> bool {
    matches!(
        state,
        MemberState::Succeeded
            | MemberState::Completed
            | MemberState::Landed
            | MemberState::Unchanged
    )
}

/// Whether a repository has tasks of which none began.
fn has_only_skipped(status: &RunStatus, end: &RunEnd, name: &RepositoryName) -> bool {
    let own = status
        .tasks
        .iter()
        .filter(|it| it.repository == name.as_str());
    let is_skipped = |task: &TaskId| {
        let mut ends = end.tasks.iter();
        ends.any(|it| it.task == *task && it.status == TaskStatus::Skipped)
    };
    let mut own = own.peekable();
    own.peek().is_some() && own.all(|it| is_skipped(&it.task))
}

/// What came of a run that has ended or waits for a person.
fn outcome(status: &RunStatus, change_set: &ChangeSet) -> Option<PlanOutcome> {
    let run_end = status.end.as_ref()?;
    let members = members(status, change_set);
    let mut landed = BTreeSet::new();
    let mut missing = BTreeMap::new();
    let mut is_in_the_way = run_end.status != EndStatus::Done;
    for (name, state) in &members {
        let mut ended = run_end.repositories.iter();
        let ended = ended.find(|it| it.repository == *name).map(|it| &it.state);
        let reason = match (state, ended) {
            (MemberState::Landed, _) => {
                landed.insert(name.clone());
                continue;
            }
            (MemberState::Unchanged, _) => continue,
            (MemberState::Failed { reason }, _) => reason.clone(),
            (MemberState::Skipped { because }, _) => format!("{because} did not succeed"),
            (_, Some(RepositoryState::Ready { reason, hint }))
            | (_, Some(RepositoryState::Blocked { reason, hint })) => format!("{reason}; {hint}"),
            (_, Some(RepositoryState::Published)) => {
                missing.insert(name.clone(), "it is published and waits".to_owned());
                continue;
            }
            (state, _) => state.as_str().to_owned(),
        };
        is_in_the_way = true;
        missing.insert(name.clone(), reason);
    }
    let end = if !landed.is_empty() && !missing.is_empty() {
        ChangeSetEnd::Partial { landed, missing }
    } else if missing.is_empty() && (!landed.is_empty() || !is_in_the_way) {
        ChangeSetEnd::All
    } else {
        let mut reasons = Vec::new();
        // That landing was not asked for is no reason.
        if is_in_the_way {
            reasons.extend(waits(run_end));
            reasons.extend(missing.iter().map(|(name, why)| format!("{name}: {why}")));
        }
        ChangeSetEnd::None { reasons }
    };
    Some(PlanOutcome { members, end })
}

/// What a run as a whole waits for.
fn waits(end: &RunEnd) -> Option<String> {
    match (end.status, &end.waits_for) {
        (EndStatus::AtGate(gate), _) => Some(format!(
            "it waits at the gate {} for a person",
            gate.as_str()
        )),
        (_, Some(step)) => Some(format!("a person must say whether \"{step}\" has acted")),
        _ => None,
    }
}
