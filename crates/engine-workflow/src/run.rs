//! What every stage works with: settings, ports, locks, and the names of references.

use std::{collections::BTreeMap, future::Future, path::PathBuf, sync::OnceLock};

use core_types::{
    BranchName, CancellationToken, ChangePolicy, CommitId, ErrorClass, Event, Failure, FailureKind,
    Message, Plan, PortError, RefName, RefUpdate, RepositoryBrief, RepositoryName, Scope, Stage,
    StepKey, StepRef, Task, TaskId, Timestamp,
    step::{self, Fingerprint, Step, StepError, WhenUnknown},
};
use futures_util::future::BoxFuture;
use serde::{Serialize, de::DeserializeOwned};
use tokio::sync::{Mutex, MutexGuard};

use crate::{
    Error,
    at_once::at_once,
    ports::{Ports, RepositoryPorts},
    reopened::Reopened,
    settings::{RepositorySettings, Settings},
};

/// A run in one process.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) settings: Settings,
    pub(crate) ports: Ports,
    pub(crate) cancel: CancellationToken,
    /// What people have reopened; set when the plan is settled.
    reopened: OnceLock<Reopened>,
    /// One merge at a time into each integration branch.
    merging: BTreeMap<RepositoryName, Mutex<()>>,
}

impl Run {
    pub(crate) fn new(settings: Settings, ports: Ports, cancel: CancellationToken) -> Self {
        let names = settings
            .repositories
            .iter()
            .map(|repository| repository.name.clone());
        let merging = names.map(|name| (name, Mutex::new(()))).collect();
        Self {
            settings,
            ports,
            cancel,
            reopened: OnceLock::new(),
            merging,
        }
    }

    /// Takes what people have said of work that was handed off, once a session.
    pub(crate) async fn take_reopened(&self, plan: &Plan) -> Result<(), Error> {
        let reopened = Reopened::take(self, plan).await?;
        self.reopened.get_or_init(|| reopened);
        Ok(())
    }

    /// What people have reopened so far.
    pub(crate) fn reopened(&self) -> &Reopened {
        self.reopened.get_or_init(Reopened::default)
    }

    /// Whether a task must change something: one of a triggered repository need not.
    pub(crate) fn changes(&self, task: &Task) -> ChangePolicy {
        let change_set = self.settings.change_set.as_ref();
        match change_set.and_then(|it| it.member(&task.repository)) {
            Some(member) if member.trigger.is_some() => ChangePolicy::Optional,
            _ => self.ports.agent.changes(),
        }
    }

    /// The number of the first attempt at a repository's stages since it was last reopened.
    pub(crate) fn first_attempt(&self, repository: &RepositoryName) -> u32 {
        self.reopened().first_attempt(repository)
    }

    pub(crate) fn emit(&self, step: Option<&StepRef>, event: Event) {
        self.ports.events.emit(step, event);
    }

    /// Does the same for several repositories; see [`at_once`].
    ///
    /// # Errors
    ///
    /// The first in their order.
    pub(crate) fn at_once<'a>(
        &self,
        works: impl Iterator<Item = impl Future<Output = Result<(), Error>> + Send + 'a>,
    ) -> BoxFuture<'a, Result<(), Error>> {
        at_once(self.settings.limits.max_workers, works)
    }

    /// Runs an idempotent step.
    pub(crate) async fn step<T, Acting>(
        &self,
        key: StepKey,
        fingerprint: Fingerprint,
        act: impl FnOnce(StepRef) -> Acting,
    ) -> Result<T, StepError>
    where
        T: Serialize + DeserializeOwned,
        Acting: Future<Output = Result<T, PortError>>,
    {
        step::run(
            &*self.ports.steps,
            Step::new(key, fingerprint, WhenUnknown::Idempotent),
            act,
        )
        .await
    }

    /// The ports of a repository of the run.
    pub(crate) fn repository(&self, name: &RepositoryName) -> Result<&RepositoryPorts, PortError> {
        self.ports.repositories.get(name).ok_or_else(|| {
            PortError::new(
                ErrorClass::Internal,
                format!("find the ports of repository {name}"),
            )
        })
    }

    /// Waits until no other task merges into the repository.
    pub(crate) async fn merging(&self, name: &RepositoryName) -> Option<MutexGuard<'_, ()>> {
        Some(self.merging.get(name)?.lock().await)
    }

    pub(crate) fn check_paused(&self) -> Result<(), Error> {
        if self.cancel.is_cancelled() {
            Err(Error::Paused)
        } else {
            Ok(())
        }
    }

    /// The integration branch's head in the mirror.
    pub(crate) async fn integration_head(
        &self,
        repository: &RepositoryName,
    ) -> Result<CommitId, PortError> {
        let name = self.reference("integration");
        let head = self
            .repository(repository)?
            .repository
            .resolve(&name)
            .await?;
        head.ok_or_else(|| {
            PortError::new(
                ErrorClass::NotFound,
                format!("find {name} in the mirror of {repository}"),
            )
        })
    }

    /// Points a reference of the mirror to a commit, whatever it holds now.
    ///
    /// As a rule it is a new one; only if it is not, is it looked up.
    pub(crate) async fn keep(
        &self,
        repository: &RepositoryName,
        name: RefName,
        commit: &CommitId,
    ) -> Result<(), PortError> {
        let port = &self.repository(repository)?.repository;
        let pointed_from = |expected| RefUpdate {
            name: name.clone(),
            expected,
            new: Some(commit.clone()),
        };
        match port.update_refs(&[pointed_from(None)]).await {
            Err(error) if error.class() == ErrorClass::Conflict => {}
            done => return done,
        }
        let held = port.resolve(&name).await?;
        if held.as_ref() == Some(commit) {
            return Ok(());
        }
        port.update_refs(&[pointed_from(held)]).await
    }

    /// A reference of this run in each mirror.
    pub(crate) fn reference(&self, what: &str) -> RefName {
        let run = &self.settings.run;
        RefName::new(format!("refs/automation/{run}/{what}"))
            .expect("ids are valid parts of a reference")
    }

    /// What keeps the commit of a task's attempt.
    pub(crate) fn attempt_reference(&self, task: &TaskId, attempt: u32) -> RefName {
        self.reference(&format!("task/{task}/{attempt}"))
    }

    /// What ends the message of each commit made for a task.
    pub(crate) fn trailers<'a>(&'a self, task: &'a TaskId) -> [(&'static str, &'a str); 2] {
        [
            ("Automation-Run", self.settings.run.as_str()),
            ("Automation-Task", task.as_str()),
        ]
    }

    /// The branch that is published in the user's repositories.
    pub(crate) fn change_branch(&self) -> BranchName {
        let run = &self.settings.run;
        BranchName::new(format!("automation/{run}/change"))
            .expect("a run id is a valid part of a branch name")
    }

    /// The folder for files of one piece of work, such as transcripts.
    pub(crate) fn scratch(&self, name: impl AsRef<std::path::Path>) -> PathBuf {
        self.ports.folder.join(name)
    }

    pub(crate) fn brief(
        &self,
        repository: &RepositorySettings,
        base: &CommitId,
    ) -> RepositoryBrief {
        RepositoryBrief {
            name: repository.name.clone(),
            target: repository.target.clone(),
            base: base.clone(),
            test_command: repository.test_command.as_ref().map(ToString::to_string),
        }
    }

    /// Gives each consent of a person to its step, once.
    pub(crate) async fn take_consents(&self) -> Result<(), Error> {
        let messages = self.ports.inbox.messages().await?;
        for (number, message) in (1..).zip(messages) {
            let Message::Consent { key } = message else {
                continue;
            };
            let step_key = StepKey::new(Scope::Run, number, "consent");
            self.step(step_key, Fingerprint::new(), |step| async move {
                match self.ports.steps.consent(&key).await {
                    Err(error) if error.class() == ErrorClass::Validation => {
                        let message = format!("nobody waits for the consent to step \"{key}\"");
                        self.emit(Some(&step), Event::Warning { message });
                        Ok(())
                    }
                    given => given,
                }
            })
            .await?;
        }
        Ok(())
    }

    /// Begins a stage: its event and its checkpoint, once.
    pub(crate) async fn enter(
        &self,
        stage: Stage,
        data: serde_json::Value,
    ) -> Result<(), StepError> {
        let key = StepKey::new(Scope::Run, 1, stage_step(stage));
        self.step(key, Fingerprint::new(), |step| async move {
            self.emit(Some(&step), Event::StageStarted { stage });
            let plan = &self.settings.plan_id;
            let store = &self.ports.checkpoints;
            // A crash may have come after it was made.
            let latest = store.latest(plan, Some(stage.as_str())).await?;
            if latest.is_none_or(|checkpoint| checkpoint.data != data) {
                store.create(plan, stage.as_str(), data).await?;
            }
            Ok(())
        })
        .await
    }

    /// Splits errors: those that stop the run come back as errors, so that the
    /// step stays open; the others are a failure that is recorded. What became of a
    /// child process is always a failure: the run has its memory and its time.
    pub(crate) fn as_failure(&self, error: PortError) -> Result<Failure, PortError> {
        match error.class() {
            ErrorClass::ResourceExhausted | ErrorClass::Cancelled | ErrorClass::BudgetExceeded
                if !error.is_of_child() =>
            {
                Err(error)
            }
            // What fails while the run is being paused fails because of that.
            _ if self.cancel.is_cancelled() => Err(PortError::new(
                ErrorClass::Cancelled,
                "end before the run was paused",
            )
            .because(error)),
            ErrorClass::Timeout => Ok(Failure {
                kind: FailureKind::Deadline,
                ..Failure::from(&error)
            }),
            _ => Ok(Failure::from(&error)),
        }
    }

    /// What the caller said about the change, for prompts.
    pub(crate) fn context(&self) -> BTreeMap<String, String> {
        let change_set = self.settings.change_set.as_ref();
        change_set.map_or_else(BTreeMap::new, |it| it.context.clone())
    }

    /// Waits until then, or until the run is paused.
    pub(crate) async fn wait_until(&self, at: Timestamp) {
        let wait = at.since(self.ports.clock.now());
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = self.cancel.cancelled() => {}
        }
    }

    /// Stops a run that is parked and goes on with one whose time has come.
    pub(crate) fn check_parked(&self, until: Timestamp) -> Result<(), Error> {
        if self.ports.clock.now() < until {
            Err(Error::Parked { until })
        } else {
            Ok(())
        }
    }
}

fn stage_step(stage: Stage) -> &'static str {
    match stage {
        Stage::Planning => "enter-planning",
        Stage::Implementation => "enter-implementation",
        Stage::Testing => "enter-testing",
        Stage::Review => "enter-review",
        Stage::Landing => "enter-landing",
    }
}
