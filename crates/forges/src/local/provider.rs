use std::{fmt, path::Path, sync::Arc};

use async_trait::async_trait;
use core_types::{
    Clock, Comment, CommitId, GitProvider, Issue, IssueChange, IssueNumber, NewComment, NewIssue,
    NewPullRequest, Operated, OperationId, PortError, PullRequest, PullRequestChange,
    PullRequestState, RepositoryName,
};
use journal::SharedJournal;

use super::{
    record::{CHANGE, Change, ChangeRecord},
    state::{ForgeState, RepositoryState},
};
use crate::{
    Error, Forge,
    texts::{as_comment, as_issue, as_pull_request, check_comment, check_labels, check_title},
};

/// How a [`LocalForge`] is opened.
#[derive(Debug, Clone)]
pub struct LocalForgeOptions {
    /// How its journal is opened.
    pub journal: journal::Options,
    /// Who writes, as issues and comments name them; default `automation`.
    pub author: String,
}

impl Default for LocalForgeOptions {
    fn default() -> Self {
        Self {
            journal: journal::Options::default(),
            author: "automation".to_owned(),
        }
    }
}

/// The forge that is one journal in a folder, shared by any number of
/// processes. Clones are the same handle.
#[derive(Clone)]
pub struct LocalForge {
    shared: Arc<Shared>,
}

struct Shared {
    journal: SharedJournal<ForgeState>,
    clock: Arc<dyn Clock>,
    author: String,
}

impl LocalForge {
    /// Opens the forge in `dir` and reads it. A missing folder is an empty
    /// forge; the first mutation makes it. Blocks on the disk.
    ///
    /// # Errors
    ///
    /// [`Error::Journal`] where the journal cannot be read, is damaged or newer than this program.
    pub fn open(
        dir: &Path,
        options: LocalForgeOptions,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Error> {
        let journal = SharedJournal::open(dir, options.journal, ForgeState::default())?;
        let author = options.author;
        let shared = Arc::new(Shared {
            journal,
            clock,
            author,
        });
        Ok(Self { shared })
    }
}

impl Forge for LocalForge {
    fn provider(&self, repository: &RepositoryName) -> Arc<dyn GitProvider> {
        Arc::new(LocalRepository {
            shared: Arc::clone(&self.shared),
            name: repository.clone(),
        })
    }

    fn kind(&self, _: &RepositoryName) -> &str {
        "local"
    }
}

impl fmt::Debug for LocalForge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalForge")
            .field("dir", &self.shared.journal.dir())
            .finish_non_exhaustive()
    }
}

/// One repository of a local forge.
#[derive(Clone)]
struct LocalRepository {
    shared: Arc<Shared>,
    name: RepositoryName,
}

impl fmt::Debug for LocalRepository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalRepository")
            .field("name", &self.name)
            .field("dir", &self.shared.journal.dir())
            .finish_non_exhaustive()
    }
}

impl LocalRepository {
    /// Makes the change that `decide` answers, unless the operation was
    /// already made, and picks what it left or had left.
    ///
    /// A caller that is dropped meanwhile cannot know whether it was made; `find` tells.
    async fn mutate<T: Send + 'static>(
        &self,
        doing: &'static str,
        operation: &OperationId,
        pick: fn(Operated) -> Option<T>,
        decide: impl FnOnce(&RepositoryState, &Shared) -> Result<Change, Error> + Send + 'static,
    ) -> Result<T, PortError> {
        let operation = operation.clone();
        self.on_disk_thread(doing, move |name, shared| {
            let none = RepositoryState::default();
            let left = shared.journal.batch(|forge, batch| {
                let repository = forge.repository(&name).unwrap_or(&none);
                if let Some(left) = repository.operations.get(&operation) {
                    return Ok::<_, Error>(left.clone());
                }
                let change = decide(repository, shared)?;
                let at = shared.clock.now();
                let left = repository.outcome(change.clone(), at)?;
                let record = ChangeRecord::new(name, operation.clone(), at, change);
                batch.append(CHANGE, record.to_bytes()?)?;
                Ok(left)
            })?;
            pick(left).ok_or(Error::OperationReused { operation })
        })
        .await
    }

    /// Looks at the repository, with all that other processes have written.
    async fn look<T: Send + 'static>(
        &self,
        doing: &'static str,
        look: impl FnOnce(&RepositoryState) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, PortError> {
        self.on_disk_thread(doing, move |name, shared| {
            let none = RepositoryState::default();
            let journal = &shared.journal;
            journal.read(|forge| look(forge.repository(&name).unwrap_or(&none)))?
        })
        .await
    }

    async fn on_disk_thread<T: Send + 'static>(
        &self,
        doing: &'static str,
        work: impl FnOnce(RepositoryName, &Shared) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, PortError> {
        let Self { shared, name } = self.clone();
        tokio::task::spawn_blocking(move || work(name, &shared))
            .await
            .unwrap_or_else(|cut_off| Err(cut_off.into()))
            .map_err(|error| error.into_port_error(doing))
    }
}

#[async_trait]
impl GitProvider for LocalRepository {
    async fn find(&self, operation: &OperationId) -> Result<Option<Operated>, PortError> {
        let operation = operation.clone();
        self.on_disk_thread("look for an operation", move |name, shared| {
            // Under the lock, and not as the other reads: what is found must be on disk, since
            // the caller will record that it happened.
            shared.journal.batch(|forge, _| {
                let repository = forge.repository(&name);
                let found = repository.and_then(|repository| repository.operations.get(&operation));
                Ok(found.cloned())
            })
        })
        .await
    }

    async fn create_issue(
        &self,
        operation: &OperationId,
        issue: NewIssue,
    ) -> Result<Issue, PortError> {
        self.mutate(
            "create an issue",
            operation,
            as_issue,
            |repository, forge| {
                check_title(&issue.title)?;
                Ok(Change::CreateIssue {
                    number: repository.next_number(),
                    title: issue.title,
                    body: issue.body,
                    labels: check_labels(issue.labels)?,
                    author: forge.author.clone(),
                })
            },
        )
        .await
    }

    async fn update_issue(
        &self,
        operation: &OperationId,
        number: IssueNumber,
        change: IssueChange,
    ) -> Result<Issue, PortError> {
        self.mutate("change an issue", operation, as_issue, move |_, _| {
            change.title.as_deref().map(check_title).transpose()?;
            Ok(Change::UpdateIssue {
                number,
                title: change.title,
                body: change.body,
                labels: change.labels.map(check_labels).transpose()?,
                state: change.state.map(Into::into),
            })
        })
        .await
    }

    async fn get_issue(&self, number: IssueNumber) -> Result<Issue, PortError> {
        let look = move |repository: &RepositoryState| repository.issue(number).cloned();
        self.look("read an issue", look).await
    }

    async fn list_issues(&self) -> Result<Vec<Issue>, PortError> {
        let look = |repository: &RepositoryState| Ok(repository.issues.values().cloned().collect());
        self.look("list issues", look).await
    }

    async fn create_comment(
        &self,
        operation: &OperationId,
        comment: NewComment,
    ) -> Result<Comment, PortError> {
        self.mutate(
            "create a comment",
            operation,
            as_comment,
            move |repository, forge| {
                check_comment(&comment.body)?;
                Ok(Change::CreateComment {
                    id: repository.next_comment(),
                    issue: comment.issue,
                    body: comment.body,
                    author: forge.author.clone(),
                })
            },
        )
        .await
    }

    async fn update_comment(
        &self,
        operation: &OperationId,
        comment: u64,
        body: String,
    ) -> Result<Comment, PortError> {
        self.mutate("change a comment", operation, as_comment, move |_, _| {
            check_comment(&body)?;
            Ok(Change::UpdateComment { id: comment, body })
        })
        .await
    }

    async fn list_comments(&self, issue: IssueNumber) -> Result<Vec<Comment>, PortError> {
        self.look("list comments", move |repository| {
            repository.check_subject(issue)?;
            Ok(repository.comments.get(&issue).cloned().unwrap_or_default())
        })
        .await
    }

    async fn create_pull_request(
        &self,
        operation: &OperationId,
        new: NewPullRequest,
    ) -> Result<PullRequest, PortError> {
        self.mutate(
            "open a pull request",
            operation,
            as_pull_request,
            |repository, _| {
                check_title(&new.title)?;
                if new.head == new.base {
                    return Err(Error::SameBranch { branch: new.head });
                }
                let number = repository.next_number();
                repository.refuse_open(&new.head, &new.base, number)?;
                Ok(Change::CreatePullRequest {
                    number,
                    title: new.title,
                    body: new.body,
                    head: new.head,
                    base: new.base,
                    head_commit: new.head_commit,
                })
            },
        )
        .await
    }

    async fn update_pull_request(
        &self,
        operation: &OperationId,
        number: IssueNumber,
        change: PullRequestChange,
    ) -> Result<PullRequest, PortError> {
        let decide = move |repository: &RepositoryState, _: &Shared| {
            change.title.as_deref().map(check_title).transpose()?;
            if change.state == Some(PullRequestState::Open) {
                let reopened = repository.pull_request(number)?;
                repository.refuse_open(&reopened.head, &reopened.base, number)?;
            }
            Ok(Change::UpdatePullRequest {
                number,
                title: change.title,
                body: change.body,
                head_commit: change.head_commit,
                state: change.state.map(Into::into),
            })
        };
        self.mutate("change a pull request", operation, as_pull_request, decide)
            .await
    }

    async fn merge_pull_request(
        &self,
        operation: &OperationId,
        number: IssueNumber,
        expected_head: &CommitId,
    ) -> Result<PullRequest, PortError> {
        let expected = expected_head.clone();
        let decide = move |repository: &RepositoryState, _: &Shared| {
            let found = repository.pull_request(number)?;
            if found.head_commit != expected {
                return Err(Error::HeadMoved {
                    number,
                    expected,
                    found: found.head_commit.clone(),
                });
            }
            if found.state == PullRequestState::Closed {
                return Err(Error::ClosedUnmerged { number });
            }
            Ok(Change::UpdatePullRequest {
                number,
                title: None,
                body: None,
                head_commit: None,
                state: Some(PullRequestState::Merged.into()),
            })
        };
        self.mutate("merge a pull request", operation, as_pull_request, decide)
            .await
    }

    async fn list_pull_requests(&self) -> Result<Vec<PullRequest>, PortError> {
        self.look("list pull requests", |repository| {
            Ok(repository.pull_requests.values().cloned().collect())
        })
        .await
    }

    fn page(&self, _: IssueNumber) -> Option<String> {
        None
    }
}
