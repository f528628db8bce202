//! One call of the strategy: what it works on, and how its effects are recorded.

use std::time::Duration;

use core_types::{
    CommitId, ErrorClass, Event, PortError, RecoveryRequest, RefName, RefUpdate, Repository, Scope,
    StepKey, StepRef, Timestamp,
    step::{self, Fingerprint, Step, StepError, WhenUnknown},
};
use serde::{Serialize, de::DeserializeOwned};

use crate::RecoveryContext;

/// How often one step is begun when the engine is killed during it.
const MAX_EXECUTIONS: u32 = 5;

/// More of a file than this is not looked at, so it is not accepted either.
const MAX_FILE_BYTES: usize = 64 << 20;

pub(super) struct Work<'a> {
    pub(super) request: &'a RecoveryRequest,
    pub(super) context: &'a RecoveryContext<'a>,
    pub(super) ours: &'a CommitId,
    pub(super) theirs: &'a CommitId,
}

/// Why there is no outcome.
pub(super) enum Stop {
    Step(StepError),
    Port(PortError),
}

impl From<StepError> for Stop {
    fn from(error: StepError) -> Self {
        Self::Step(error)
    }
}

impl From<PortError> for Stop {
    fn from(error: PortError) -> Self {
        Self::Port(error)
    }
}

impl Work<'_> {
    /// Keeps a commit until the run is forgotten.
    pub(super) async fn keep(&self, name: &str, commit: &CommitId) -> Result<(), PortError> {
        let scope = match &self.request.scope {
            Scope::Run => "run".to_owned(),
            Scope::Repository(name) => format!("repository/{name}"),
            Scope::Task(id) => format!("task/{id}"),
        };
        let reference = format!(
            "refs/automation/{}/recovery/{scope}/{}/{name}",
            self.request.run, self.request.attempt
        );
        let reference = RefName::new(reference).map_err(|error| {
            PortError::new(ErrorClass::Internal, "name a reference of a repair").because(error)
        })?;
        let git = self.context.git;
        // An execution that was killed may have left one.
        let expected = git.resolve(&reference).await?;
        if expected.as_ref() == Some(commit) {
            return Ok(());
        }
        let update = RefUpdate {
            name: reference,
            expected,
            new: Some(commit.clone()),
        };
        git.update_refs(&[update]).await
    }

    pub(super) async fn step<T, F>(
        &self,
        name: &'static str,
        fingerprint: Fingerprint,
        act: impl FnOnce(StepRef) -> F + Send,
    ) -> Result<T, Stop>
    where
        T: Serialize + DeserializeOwned + Send,
        F: Future<Output = Result<T, PortError>> + Send,
    {
        let key = StepKey::new(self.request.scope.clone(), self.request.attempt, name);
        let step = Step::new(key, fingerprint, WhenUnknown::Idempotent).at_most(MAX_EXECUTIONS);
        Ok(step::run(self.context.steps, step, act).await?)
    }

    pub(super) fn warn(&self, step: Option<&StepRef>, message: String) {
        self.context.events.emit(step, Event::Warning { message });
    }

    pub(super) fn sides(&self) -> Fingerprint {
        Fingerprint::new()
            .with("ours", self.ours.as_str())
            .with("theirs", self.theirs.as_str())
    }
}

/// A file of a commit, as far as it is looked at.
pub(super) async fn read(
    git: &dyn Repository,
    commit: &CommitId,
    path: &str,
) -> Result<Option<Vec<u8>>, PortError> {
    git.read(commit, path, MAX_FILE_BYTES).await
}

pub(super) fn later(at: Timestamp, by: Duration) -> Timestamp {
    let millis = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
    Timestamp(at.0.saturating_add(millis))
}
