use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use core_types::{
    Clock, Comment, CommitId, ErrorClass, GitProvider, Issue, IssueChange, IssueNumber, NewComment,
    NewIssue, NewPullRequest, Operated, OperationId, PortError, PullRequest, PullRequestChange,
};
use tokio::time::sleep;

use crate::texts::{as_comment, as_issue, as_pull_request};

/// How long a [`Retrying`] goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// How often a call is made at most, the first one included; 6 by default.
    pub tries: u32,
    /// How long is waited before the second try, twice as long before each later one; 1 s by default.
    pub backoff: Duration,
    /// The longest that is waited before one try, also where the forge names a time: beyond it
    /// the caller gets the error, which holds the time; 2 min by default.
    pub max_wait: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            tries: 6,
            backoff: Duration::from_secs(1),
            max_wait: Duration::from_secs(120),
        }
    }
}

/// A provider whose calls are made again where the forge fails in passing.
///
/// A mutation whose outcome is unknown is looked for by its operation id first, and so it acts once.
/// What a forge refuses is not asked again.
pub struct Retrying {
    provider: Arc<dyn GitProvider>,
    patience: Patience,
    clock: Arc<dyn Clock>,
}

impl Retrying {
    /// Makes the calls of this provider; by the clock it reads the times that a forge names.
    #[must_use]
    pub fn new(provider: Arc<dyn GitProvider>, patience: Patience, clock: Arc<dyn Clock>) -> Self {
        Self {
            provider,
            patience,
            clock,
        }
    }

    async fn read<T, F>(&self, call: impl Fn() -> F) -> Result<T, PortError>
    where
        F: Future<Output = Result<T, PortError>>,
    {
        let mut n_tries = 0;
        loop {
            n_tries += 1;
            match call().await {
                Ok(read) => return Ok(read),
                Err(error) => self.wait(n_tries, error).await?,
            }
        }
    }

    async fn mutate<T, F>(
        &self,
        operation: &OperationId,
        pick: fn(Operated) -> Option<T>,
        call: impl Fn() -> F,
    ) -> Result<T, PortError>
    where
        F: Future<Output = Result<T, PortError>>,
    {
        let mut n_tries = 0;
        let mut is_unknown = false;
        loop {
            n_tries += 1;
            let made = async {
                if is_unknown && let Some(left) = self.provider.find(operation).await? {
                    let other = || {
                        PortError::new(ErrorClass::Conflict, "repeat an operation")
                            .because("its id marks another kind of mutation")
                    };
                    return pick(left).ok_or_else(other);
                }
                call().await
            };
            match made.await {
                Ok(made) => return Ok(made),
                Err(error) => {
                    is_unknown |= error.class() == ErrorClass::UnknownOutcome;
                    self.wait(n_tries, error).await.map_err(|error| {
                        match is_unknown {
                            // A failed look afterwards tells nothing of the mutation.
                            true if is_passing(error.class()) => {
                                let operation = error.operation().to_owned();
                                PortError::new(ErrorClass::UnknownOutcome, operation).because(error)
                            }
                            _ => error,
                        }
                    })?;
                }
            }
        }
    }

    /// Waits before the next try, or gives the error back.
    async fn wait(&self, n_tries: u32, error: PortError) -> Result<(), PortError> {
        let class = error.class();
        if n_tries >= self.patience.tries || !is_passing(class) {
            return Err(error);
        }
        let doublings = n_tries.saturating_sub(1).min(16);
        let backoff = self.patience.backoff.saturating_mul(1 << doublings);
        let wait = match class {
            ErrorClass::RateLimited { until: Some(until) } => {
                let named = until.since(self.clock.now());
                if named > self.patience.max_wait {
                    return Err(error);
                }
                named
            }
            _ => backoff.min(self.patience.max_wait),
        };
        sleep(wait).await;
        Ok(())
    }
}

/// Whether the same call may succeed later.
fn is_passing(class: ErrorClass) -> bool {
    matches!(
        class,
        ErrorClass::Transient
            | ErrorClass::RateLimited { .. }
            | ErrorClass::Timeout
            | ErrorClass::UnknownOutcome
    )
}

#[async_trait]
impl GitProvider for Retrying {
    async fn find(&self, operation: &OperationId) -> Result<Option<Operated>, PortError> {
        self.read(|| self.provider.find(operation)).await
    }

    async fn create_issue(
        &self,
        operation: &OperationId,
        issue: NewIssue,
    ) -> Result<Issue, PortError> {
        let call = || self.provider.create_issue(operation, issue.clone());
        self.mutate(operation, as_issue, call).await
    }

    async fn update_issue(
        &self,
        operation: &OperationId,
        number: IssueNumber,
        change: IssueChange,
    ) -> Result<Issue, PortError> {
        let call = || {
            let change = change.clone();
            self.provider.update_issue(operation, number, change)
        };
        self.mutate(operation, as_issue, call).await
    }

    async fn get_issue(&self, number: IssueNumber) -> Result<Issue, PortError> {
        self.read(|| self.provider.get_issue(number)).await
    }

    async fn list_issues(&self) -> Result<Vec<Issue>, PortError> {
        self.read(|| self.provider.list_issues()).await
    }

    async fn create_comment(
        &self,
        operation: &OperationId,
        comment: NewComment,
    ) -> Result<Comment, PortError> {
        let call = || {
            let comment = comment.clone();
            self.provider.create_comment(operation, comment)
        };
        self.mutate(operation, as_comment, call).await
    }

    async fn update_comment(
        &self,
        operation: &OperationId,
        comment: u64,
        body: String,
    ) -> Result<Comment, PortError> {
        let call = || {
            let body = body.clone();
            self.provider.update_comment(operation, comment, body)
        };
        self.mutate(operation, as_comment, call).await
    }

    async fn list_comments(&self, issue: IssueNumber) -> Result<Vec<Comment>, PortError> {
        self.read(|| self.provider.list_comments(issue)).await
    }

    async fn create_pull_request(
        &self,
        operation: &OperationId,
        pull_request: NewPullRequest,
    ) -> Result<PullRequest, PortError> {
        let call = || {
            let new = pull_request.clone();
            self.provider.create_pull_request(operation, new)
        };
        self.mutate(operation, as_pull_request, call).await
    }

    async fn update_pull_request(
        &self,
        operation: &OperationId,
        number: IssueNumber,
        change: PullRequestChange,
    ) -> Result<PullRequest, PortError> {
        let call = || {
            let change = change.clone();
            let provider = &self.provider;
            provider.update_pull_request(operation, number, change)
        };
        self.mutate(operation, as_pull_request, call).await
    }

    async fn merge_pull_request(
        &self,
        operation: &OperationId,
        number: IssueNumber,
        expected_head: &CommitId,
    ) -> Result<PullRequest, PortError> {
        let call = || {
            let provider = &self.provider;
            provider.merge_pull_request(operation, number, expected_head)
        };
        self.mutate(operation, as_pull_request, call).await
    }

    async fn list_pull_requests(&self) -> Result<Vec<PullRequest>, PortError> {
        self.read(|| self.provider.list_pull_requests()).await
    }

    fn page(&self, number: IssueNumber) -> Option<String> {
        self.provider.page(number)
    }
}

impl fmt::Debug for Retrying {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Retrying")
            .field("provider", &self.provider)
            .field("patience", &self.patience)
            .finish_non_exhaustive()
    }
}
