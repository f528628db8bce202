use std::{path::Path, sync::Arc};

use async_trait::async_trait;
use core_types::{
    Blocked, BranchName, CommitId, ConflictHunk, ConflictedFile, Diff, ErrorClass, GitProvider,
    Landed, Landing, Merge, OperationId, PortError, Prepared, PullRequestState, RefName, RefUpdate,
    Repository, RepositoryName, Resolution, SettledFile, Standing, Workspace,
};
use git_workspace::{GitRepository, RemoteCopy};

/// A repository on a forge: all work is done over a copy of ours, what is published is pushed, and a
/// target branch moves by the merge of a pull request.
#[derive(Debug)]
pub(crate) struct OnForge {
    pub(crate) inner: GitRepository,
    pub(crate) copy: RemoteCopy,
    pub(crate) provider: Arc<dyn GitProvider>,
}

/// What a person does where the forge refuses.
const HINT: &str = "mend that on the forge, then land again";

impl OnForge {
    async fn refresh(&self, branch: &BranchName) -> Result<CommitId, PortError> {
        let fetched = self.copy.fetch(branch).await;
        fetched.map_err(|error| {
            PortError::new(error.class(), format!("fetch branch {branch}")).because(error)
        })
    }

    async fn merge_on_forge(&self, landing: &Landing) -> Result<Landed, PortError> {
        let Landing {
            branch,
            expected,
            commit,
            ..
        } = landing;
        let blocked = |reason: String| Landed::Blocked {
            blocked: Blocked::Failed { reason },
            hint: HINT.to_owned(),
        };
        let now = self.refresh(branch).await?;
        if now == *commit {
            return Ok(Landed::Moved);
        }
        if now != *expected {
            return Ok(Landed::TargetMoved { now });
        }
        let all = self.provider.list_pull_requests().await?;
        let found = landing.proposed_in(&all);
        let found = found.filter(|it| it.state == PullRequestState::Open);
        let Some(number) = found.map(|it| it.number) else {
            let commit = commit.short();
            return Ok(blocked(format!(
                "no open pull request into it proposes {commit}"
            )));
        };
        let operation = OperationId::new(format!("land:{number}:{commit}"))
            .expect("a number and a commit are short and plain");
        let merging = self.provider.merge_pull_request(&operation, number, commit);
        match merging.await {
            Ok(_) => {
                self.refresh(branch).await?;
                Ok(Landed::Moved)
            }
            Err(error) if error.class() == ErrorClass::UnknownOutcome => Err(error),
            Err(error) => {
                let now = self.refresh(branch).await?;
                if now == *commit {
                    Ok(Landed::Moved)
                } else if now != *expected {
                    Ok(Landed::TargetMoved { now })
                } else {
                    Ok(blocked(error.to_line()))
                }
            }
        }
    }

    /// The two phases need a repository that can be held.
    fn cannot_be_held(&self) -> PortError {
        let operation = format!("hold branches of {}", self.inner.name());
        PortError::new(ErrorClass::Validation, operation)
            .because("it is on a forge, which knows no transaction over repositories")
    }
}

#[async_trait]
impl Repository for OnForge {
    fn name(&self) -> &RepositoryName {
        self.inner.name()
    }

    async fn fetch(&self, branch: &BranchName) -> Result<CommitId, PortError> {
        self.refresh(branch).await?;
        self.inner.fetch(branch).await
    }

    async fn warnings(&self) -> Result<Vec<String>, PortError> {
        // Nobody works in the copy.
        Ok(Vec::new())
    }

    async fn lease(&self, commit: &CommitId) -> Result<Box<dyn Workspace>, PortError> {
        self.inner.lease(commit).await
    }

    async fn clone_to(&self, commit: &CommitId, folder: &Path) -> Result<(), PortError> {
        self.inner.clone_to(commit, folder).await
    }

    async fn resolve(&self, name: &RefName) -> Result<Option<CommitId>, PortError> {
        self.inner.resolve(name).await
    }

    async fn update_refs(&self, updates: &[RefUpdate]) -> Result<(), PortError> {
        self.inner.update_refs(updates).await
    }

    async fn merge(
        &self,
        ours: &CommitId,
        theirs: &CommitId,
        message: &str,
    ) -> Result<Merge, PortError> {
        self.inner.merge(ours, theirs, message).await
    }

    async fn conflicts(
        &self,
        ours: &CommitId,
        theirs: &CommitId,
    ) -> Result<Vec<ConflictedFile>, PortError> {
        self.inner.conflicts(ours, theirs).await
    }

    async fn lease_merge(
        &self,
        ours: &CommitId,
        theirs: &CommitId,
    ) -> Result<Box<dyn Workspace>, PortError> {
        self.inner.lease_merge(ours, theirs).await
    }

    async fn settle(
        &self,
        ours: &CommitId,
        theirs: &CommitId,
        files: &[SettledFile],
        message: &str,
    ) -> Result<CommitId, PortError> {
        self.inner.settle(ours, theirs, files, message).await
    }

    async fn remember(&self, resolutions: &[Resolution]) -> Result<(), PortError> {
        self.inner.remember(resolutions).await
    }

    async fn recall(&self, hunks: &[ConflictHunk]) -> Result<Vec<Option<String>>, PortError> {
        self.inner.recall(hunks).await
    }

    async fn diff(
        &self,
        from: &CommitId,
        to: &CommitId,
        limit_bytes: usize,
    ) -> Result<Diff, PortError> {
        self.inner.diff(from, to, limit_bytes).await
    }

    async fn read(
        &self,
        commit: &CommitId,
        path: &str,
        limit_bytes: usize,
    ) -> Result<Option<Vec<u8>>, PortError> {
        self.inner.read(commit, path, limit_bytes).await
    }

    async fn overlay(
        &self,
        onto: &CommitId,
        from: &CommitId,
        paths: &[String],
        message: &str,
    ) -> Result<CommitId, PortError> {
        self.inner.overlay(onto, from, paths, message).await
    }

    async fn publish(&self, branch: &BranchName, commit: &CommitId) -> Result<(), PortError> {
        self.inner.publish(branch, commit).await?;
        let pushed = self.copy.push(branch, commit).await;
        pushed.map_err(|error| {
            PortError::new(error.class(), format!("push branch {branch}")).because(error)
        })
    }

    async fn land(&self, landing: &Landing) -> Result<Landed, PortError> {
        self.merge_on_forge(landing).await
    }

    async fn prepare_landing(&self, _: &Landing, _: &OperationId) -> Result<Prepared, PortError> {
        Err(self.cannot_be_held())
    }

    async fn recover_landing(&self, _: &Landing, _: &OperationId) -> Result<Standing, PortError> {
        Err(self.cannot_be_held())
    }
}
