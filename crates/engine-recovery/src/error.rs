//! What `attempt_recovery` can fail with.

use core_types::{CheckpointId, ErrorClass, PlanId, PortError};

/// Why a recovery could not be attempted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No failure of the plan is recorded that was not recovered already.
    #[error("find a failure of plan {plan} that is still to be recovered")]
    NoFailure {
        /// The plan.
        plan: PlanId,
    },
    /// The checkpoint of the failure holds no recovery request.
    #[error("read the failure that checkpoint {checkpoint} holds")]
    Unreadable {
        /// The checkpoint.
        checkpoint: CheckpointId,
        /// What is wrong with its data.
        #[source]
        source: serde_json::Error,
    },
    /// The failure belongs to a repository that nobody looks after.
    #[error("recover in repository {repository}, which is not among those given")]
    UnknownRepository {
        /// Its name.
        repository: core_types::RepositoryName,
    },
    /// A port failed in a way that stops the whole run.
    #[error(transparent)]
    Port(#[from] PortError),
}

impl Error {
    /// What a caller branches on.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::NoFailure { .. } => ErrorClass::NotFound,
            Self::Unreadable { .. } | Self::UnknownRepository { .. } => ErrorClass::Validation,
            Self::Port(error) => error.class(),
        }
    }
}
