//! One repository of a remote forge, and what it has beyond the port.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use core_types::{
    BranchName, Comment, CommitId, ErrorClass, Issue, IssueNumber, IssueState, OperationId,
    PortError, PullRequest, PullRequestState, Timestamp,
};

use super::{
    Access, Check, LabelChange, PullRequestReview, Slug,
    dialect::{At, RawComment, RawIssue, RawPullRequest},
    forge::Account,
    marks::Marked,
    state::State,
};
use crate::Error;

/// An issue or pull request that has changed, as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// As an issue.
    pub issue: Issue,
    /// Whether it is a pull request.
    pub is_pull_request: bool,
    /// How many comments it has.
    pub n_comments: u64,
    /// When it was changed, by the forge's clock.
    pub updated: Timestamp,
}

/// One repository of a [`RemoteForge`](super::RemoteForge).
///
/// As a [`GitProvider`](core_types::GitProvider), with these particulars: a pull request's head moves by a push, so that a
/// change of its head commit only checks that it has; a change to *merged* merges it, or marks it so
/// where its base holds it already; it is closed where the forge does not allow that mark. Dropping a mutation leaves it unsettled: `find` and a repetition look first.
pub struct RemoteRepository {
    pub(super) account: Arc<Account>,
    slug: Slug,
    state: Mutex<State>,
}

impl RemoteRepository {
    pub(super) fn new(account: Arc<Account>, slug: Slug) -> Self {
        Self {
            account,
            slug,
            state: Mutex::default(),
        }
    }

    pub(super) fn at(&self) -> At<'_> {
        At {
            client: &self.account.client,
            slug: &self.slug,
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the token's account may do here.
    ///
    /// # Errors
    ///
    /// By class; `NotFound` also where it may not even read.
    ///
    /// # Cancel safety
    ///
    /// It only reads, as all functions here without an operation id but those that say otherwise.
    pub async fn access(&self) -> Result<Access, PortError> {
        let found = self.account.dialect.access(self.at()).await;
        found.map_err(|error| error.into_port_error("read what the account may do"))
    }

    /// Whether somebody may push here, asked anew: who may start work.
    ///
    /// # Errors
    ///
    /// By class.
    pub async fn may_write(&self, login: &str) -> Result<bool, PortError> {
        let found = self.account.dialect.may_write(self.at(), login).await;
        found.map_err(|error| error.into_port_error("read what somebody may do"))
    }

    /// The open issues with a label, whatever letters of its name are capital, as the forge's list shows them.
    ///
    /// # Errors
    ///
    /// By class.
    pub async fn labelled(&self, label: &str) -> Result<Vec<Issue>, PortError> {
        let list = async {
            let mut issues = Vec::new();
            for raw in self.account.dialect.labelled(self.at(), label).await? {
                // Gitea takes no notice of a label that it does not know.
                let is_it = |it: &String| it.to_lowercase() == label.to_lowercase();
                if raw.is_open && raw.labels.iter().any(is_it) {
                    issues.push(self.issue(raw).await?);
                }
            }
            Ok(issues)
        };
        list.await
            .map_err(|error: Error| error.into_port_error("list issues with a label"))
    }

    /// The issues that were changed since this time of the forge, as its list shows them; pull requests may be among
    /// them.
    ///
    /// # Errors
    ///
    /// By class.
    pub async fn changed_issues(&self, since: Timestamp) -> Result<Vec<Changed>, PortError> {
        self.changed(since, false).await
    }

    /// The issues and pull requests that were changed since this time of the forge, as its lists show them.
    ///
    /// # Errors
    ///
    /// By class.
    pub async fn changed_issues_and_pull_requests(
        &self,
        since: Timestamp,
    ) -> Result<Vec<Changed>, PortError> {
        self.changed(since, true).await
    }

    async fn changed(
        &self,
        since: Timestamp,
        with_pull_requests: bool,
    ) -> Result<Vec<Changed>, PortError> {
        let list = async {
            let dialect = &self.account.dialect;
            let listed = dialect.changed(self.at(), since, with_pull_requests);
            let mut changed = Vec::new();
            for raw in listed.await? {
                changed.push(Changed {
                    is_pull_request: raw.is_pull_request,
                    n_comments: raw.n_comments,
                    updated: raw.updated,
                    issue: self.issue(raw).await?,
                });
            }
            Ok(changed)
        };
        list.await
            .map_err(|error: Error| error.into_port_error("list what has changed"))
    }

    /// Who gave an issue which labels and took which away, oldest first; empty where the forge does
    /// not tell.
    ///
    /// # Errors
    ///
    /// By class.
    pub async fn label_changes(&self, number: IssueNumber) -> Result<Vec<LabelChange>, PortError> {
        let read = self.account.dialect.label_changes(self.at(), number).await;
        read.map_err(|error| error.into_port_error("read what became of an issue's labels"))
    }

    /// Gives an issue labels and takes others away; what is as it should be stays.
    ///
    /// # Errors
    ///
    /// By class.
    ///
    /// # Cancel safety
    ///
    /// Dropped, it may have acted in part; said again, it does the rest.
    pub async fn change_labels(
        &self,
        number: IssueNumber,
        add: &[String],
        remove: &[String],
    ) -> Result<(), PortError> {
        let _turn = self.account.turn.lock().await;
        let dialect = &self.account.dialect;
        let changed = dialect.change_labels(self.at(), number, add, remove).await;
        changed.map_err(|error| error.into_port_error("change an issue's labels"))
    }

    /// The comment of an issue that an operation of ours made, if the forge's list shows one.
    ///
    /// # Errors
    ///
    /// By class.
    pub async fn comment_made_by(
        &self,
        issue: IssueNumber,
        operation: &OperationId,
    ) -> Result<Option<Comment>, PortError> {
        let look = async {
            let login = self.account.login().await?;
            for raw in self.account.dialect.comments(self.at(), issue).await? {
                let is_ours = raw.author == login;
                if is_ours && Marked::parse(&raw.body, raw.id, is_ours).holds(operation) {
                    return Ok(Some(self.comment(raw).await?));
                }
            }
            Ok(None)
        };
        look.await
            .map_err(|error: Error| error.into_port_error("look for a comment"))
    }

    /// The commit of a branch; `None` where there is no such branch.
    ///
    /// # Errors
    ///
    /// By class.
    pub async fn branch(&self, name: &BranchName) -> Result<Option<CommitId>, PortError> {
        let found = self.account.dialect.branch(self.at(), name).await;
        found.map_err(|error| error.into_port_error("read a branch"))
    }

    /// Whether a branch holds a commit; a branch that is not there holds none.
    ///
    /// # Errors
    ///
    /// By class.
    pub async fn holds(&self, branch: &BranchName, commit: &CommitId) -> Result<bool, PortError> {
        let look = async {
            let dialect = &self.account.dialect;
            let Some(tip) = dialect.branch(self.at(), branch).await? else {
                return Ok(false);
            };
            Ok(tip == *commit || !dialect.is_behind(self.at(), &tip, commit).await?)
        };
        look.await
            .map_err(|error: Error| error.into_port_error("look whether a branch holds a commit"))
    }

    /// Makes a branch; one that is there at this commit already is a success.
    ///
    /// # Errors
    ///
    /// `Conflict` where it is at another commit; others by class.
    ///
    /// # Cancel safety
    ///
    /// Dropped, it may have acted; said again, it acts once.
    pub async fn create_branch(
        &self,
        name: &BranchName,
        commit: &CommitId,
    ) -> Result<(), PortError> {
        let _turn = self.account.turn.lock().await;
        let dialect = &self.account.dialect;
        let made = match dialect.create_branch(self.at(), name, commit).await {
            Ok(()) => Ok(()),
            Err(error) => match dialect.branch(self.at(), name).await {
                Ok(Some(found)) if found == *commit => Ok(()),
                // To some forges it is a bad request, as all else that is wrong with one.
                Ok(Some(_)) => Err(match error {
                    Error::Refused(mut refusal) => {
                        refusal.class = ErrorClass::Conflict;
                        Error::Refused(refusal)
                    }
                    error => error,
                }),
                Ok(None) | Err(_) => Err(error),
            },
        };
        made.map_err(|error| error.into_port_error("make a branch"))
    }

    /// Deletes a branch; one that is not there is a success.
    ///
    /// # Errors
    ///
    /// By class.
    ///
    /// # Cancel safety
    ///
    /// Dropped, it may have acted; said again, it acts once.
    pub async fn delete_branch(&self, name: &BranchName) -> Result<(), PortError> {
        let _turn = self.account.turn.lock().await;
        let deleted = self.account.dialect.delete_branch(self.at(), name).await;
        deleted.map_err(|error| error.into_port_error("delete a branch"))
    }

    /// A file's bytes at a branch or commit; `None` where there is none.
    ///
    /// # Errors
    ///
    /// By class.
    pub async fn file(&self, path: &str, at: &str) -> Result<Option<Vec<u8>>, PortError> {
        let read = self.account.dialect.file(self.at(), path, at).await;
        read.map_err(|error| error.into_port_error("read a file"))
    }

    /// The last check of each name of a commit.
    ///
    /// # Errors
    ///
    /// By class.
    pub async fn checks(&self, commit: &CommitId) -> Result<Vec<Check>, PortError> {
        let read = self.account.dialect.checks(self.at(), commit).await;
        read.map_err(|error| error.into_port_error("read a commit's checks"))
    }

    /// Sets a check of a commit; one that says so already is left as it is.
    ///
    /// # Errors
    ///
    /// By class.
    ///
    /// # Cancel safety
    ///
    /// Dropped, it may have acted; said again, it changes nothing.
    pub async fn set_check(&self, commit: &CommitId, check: &Check) -> Result<(), PortError> {
        let _turn = self.account.turn.lock().await;
        let set = async {
            let dialect = &self.account.dialect;
            // Forges keep each one, up to a number.
            if dialect.checks(self.at(), commit).await?.contains(check) {
                return Ok(());
            }
            dialect.set_check(self.at(), commit, check).await
        };
        set.await
            .map_err(|error: Error| error.into_port_error("set a commit's check"))
    }

    /// The reviews of a pull request that were submitted, oldest first.
    ///
    /// # Errors
    ///
    /// `NotFound`, others by class.
    pub async fn reviews(&self, number: IssueNumber) -> Result<Vec<PullRequestReview>, PortError> {
        let read = self.account.dialect.reviews(self.at(), number).await;
        read.map_err(|error| error.into_port_error("read reviews"))
    }

    /// Submits a review in our name; one of ours that says the same of the same commit is left as it is.
    ///
    /// # Errors
    ///
    /// `NotFound`; `Validation` where we may not, such as approving our own; others by class.
    ///
    /// # Cancel safety
    ///
    /// Dropped, it may have acted; said again, it acts once.
    pub async fn review(
        &self,
        number: IssueNumber,
        review: &PullRequestReview,
    ) -> Result<(), PortError> {
        let _turn = self.account.turn.lock().await;
        let submit = async {
            let dialect = &self.account.dialect;
            let review = PullRequestReview {
                author: self.account.login().await?.to_owned(),
                ..review.clone()
            };
            if dialect.reviews(self.at(), number).await?.contains(&review) {
                return Ok(());
            }
            dialect.review(self.at(), number, &review).await
        };
        submit
            .await
            .map_err(|error: Error| error.into_port_error("submit a review"))
    }

    /// A pull request as it is now.
    ///
    /// # Errors
    ///
    /// `NotFound`, others by class.
    pub async fn get_pull_request(&self, number: IssueNumber) -> Result<PullRequest, PortError> {
        let read = async {
            self.pull_request(self.raw_pull_request(number).await?)
                .await
        };
        read.await
            .map_err(|error: Error| error.into_port_error("read a pull request"))
    }

    /// Whether a pull request could be merged as it is; `None` while the forge still looks.
    ///
    /// # Errors
    ///
    /// `NotFound`, others by class.
    pub async fn is_mergeable(&self, number: IssueNumber) -> Result<Option<bool>, PortError> {
        let read = self.account.dialect.pull_request(self.at(), number).await;
        let read = read.map_err(|error| error.into_port_error("read a pull request"))?;
        let is_open = read.state == PullRequestState::Open && !read.is_draft;
        Ok(read.is_mergeable.map(|it| it && is_open))
    }

    pub(super) async fn issue(&self, raw: RawIssue) -> Result<Issue, Error> {
        let is_ours = raw.author == self.account.login().await?;
        Ok(Issue {
            number: raw.number,
            title: raw.title,
            body: Marked::parse(&raw.body, raw.number, is_ours).text,
            labels: raw.labels,
            state: if raw.is_open {
                IssueState::Open
            } else {
                IssueState::Closed
            },
            author: raw.author,
            created: raw.created,
        })
    }

    pub(super) async fn comment(&self, raw: RawComment) -> Result<Comment, Error> {
        let is_ours = raw.author == self.account.login().await?;
        Ok(Comment {
            id: raw.id,
            body: Marked::parse(&raw.body, raw.id, is_ours).text,
            author: raw.author,
            created: raw.created,
            updated: raw.updated,
        })
    }

    pub(super) async fn pull_request(&self, raw: RawPullRequest) -> Result<PullRequest, Error> {
        let body = self.marked(&raw).await?.text;
        Ok(PullRequest {
            number: raw.number,
            title: raw.title,
            body,
            head: raw.head,
            base: raw.base,
            head_commit: raw.head_commit,
            state: raw.state,
            created: raw.created,
        })
    }

    pub(super) async fn marked(&self, raw: &RawPullRequest) -> Result<Marked, Error> {
        let is_ours = raw.author == self.account.login().await?;
        Ok(Marked::parse(&raw.body, raw.number, is_ours))
    }

    /// The error of a call on an issue or pull request, which may not be there: some forges then
    /// answer that they have failed.
    pub(super) async fn unless_missing(&self, error: Error, number: IssueNumber) -> Error {
        let is_open = matches!(
            error.class(),
            ErrorClass::NotFound | ErrorClass::Transient | ErrorClass::UnknownOutcome
        );
        if is_open
            && let Err(missing) = self.account.dialect.issue(self.at(), number).await
            && missing.class() == ErrorClass::NotFound
        {
            return Error::NoSubject { number };
        }
        error
    }

    /// The issue of this number, which is no pull request.
    pub(super) async fn raw_issue(&self, number: IssueNumber) -> Result<RawIssue, Error> {
        let read = self.account.dialect.issue(self.at(), number).await;
        match read {
            Ok(raw) if raw.is_pull_request => Err(Error::NoIssue { number }),
            Err(error) if error.class() == ErrorClass::NotFound => Err(Error::NoIssue { number }),
            read => read,
        }
    }

    pub(super) async fn raw_pull_request(
        &self,
        number: IssueNumber,
    ) -> Result<RawPullRequest, Error> {
        let read = self.account.dialect.pull_request(self.at(), number).await;
        read.map_err(|error| match error.class() {
            ErrorClass::NotFound => Error::NoPullRequest { number },
            _ => error,
        })
    }
}

impl fmt::Debug for RemoteRepository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteRepository")
            .field("origin", &self.account.client.origin())
            .field("slug", &self.slug)
            .finish_non_exhaustive()
    }
}
