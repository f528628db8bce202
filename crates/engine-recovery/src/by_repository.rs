//! Recoveries of several repositories behind one port.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use core_types::{
    CancellationToken, PlanId, PortError, Recovery, RecoveryOutcome, RecoveryRequest,
    RepositoryName,
};

use crate::{AdvancedRecovery, Attempted, Error};

/// One [`AdvancedRecovery`] for each repository of a run. They share the run's
/// budget of retries and the breakers of hosts.
#[derive(Debug)]
pub struct ByRepository(BTreeMap<RepositoryName, AdvancedRecovery>);

impl ByRepository {
    /// Takes the recoveries; all use the retry strategy of the first from now on.
    #[must_use]
    pub fn new(recoveries: impl IntoIterator<Item = (RepositoryName, AdvancedRecovery)>) -> Self {
        let mut shared = None;
        let share = |(name, recovery): (RepositoryName, AdvancedRecovery)| {
            let retry = shared.get_or_insert_with(|| recovery.retry());
            (name, recovery.with_retry(Arc::clone(retry)))
        };
        Self(recoveries.into_iter().map(share).collect())
    }

    /// As [`AdvancedRecovery::attempt_recovery`], in the repository of the plan's last failure.
    ///
    /// # Errors
    ///
    /// `Validation` where the failure is of a repository that is not among those given, and as
    /// [`AdvancedRecovery::attempt_recovery`].
    ///
    /// # Cancel safety
    ///
    /// As [`AdvancedRecovery::attempt_recovery`].
    pub async fn attempt_recovery(&self, plan: &PlanId) -> Result<Attempted, Error> {
        let none = || Error::NoFailure { plan: plan.clone() };
        let any = self.0.values().next().ok_or_else(none)?;
        let (_, request) = any.last_failure(plan).await?;
        let repository = request.repository;
        match self.0.get(&repository) {
            Some(recovery) => recovery.attempt_recovery(plan).await,
            None => Err(Error::UnknownRepository { repository }),
        }
    }
}

#[async_trait]
impl Recovery for ByRepository {
    async fn recover(
        &self,
        request: &RecoveryRequest,
        cancel: &CancellationToken,
    ) -> Result<RecoveryOutcome, PortError> {
        match self.0.get(&request.repository) {
            Some(recovery) => recovery.recover(request, cancel).await,
            None => Ok(RecoveryOutcome::HandOff {
                report: format!(
                    "No recovery looks after repository `{}`.\n",
                    request.repository
                ),
            }),
        }
    }
}
