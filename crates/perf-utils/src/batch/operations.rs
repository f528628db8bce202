use std::{
    collections::{HashSet, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

use core_types::{
    Comment, ErrorClass, GitProvider, Issue, IssueChange, IssueNumber, IssueState, NewComment,
    NewIssue, Operated, OperationId, PortError,
};
use tokio::{sync::Semaphore, task::JoinSet};

use crate::governor::{CallKind, Observation, RateGovernor};

use super::{
    Error,
    operation::{self, Content},
};

/// Creates and changes many issues of a forge, each with its own result.
///
/// Every item has an operation id, made of the batch's and of what the item says. Before an item is
/// sent, the forge is asked for that id: a batch that was cut off and is run again sends only what is
/// missing, also if items were added or moved meanwhile. A batch that is known to be run for the first
/// time needs none of that ([`first_run`](Self::first_run)), and takes half the calls.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
/// use core_types::{IssueChange, NewIssue, OperationId};
/// use perf_utils::{BatchOperations, BatchOptions, IssueUpdate};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let git = Arc::new(testkit::MemoryForge::default());
/// let batch_ops = BatchOperations::new(git, BatchOptions { batch_size: 10, max_concurrent: 3 })?;
///
/// // Create multiple issues
/// let issue = |title: &str, body: &str| NewIssue {
///     title: title.into(),
///     body: body.into(),
///     labels: vec!["task".into()],
/// };
/// let issues_data = vec![
///     issue("Task 1", "Description 1"),
///     issue("Task 2", "Description 2"),
///     // ... 50 more issues
/// ];
///
/// let batch = OperationId::new("sprint-7/create")?;
/// let issues = batch_ops.create_issues_batch(&batch, issues_data).await?;
/// for item in &issues {
///     match &item.result {
///         Ok(issue) => assert!(issue.number > 0),
///         Err(error) => eprintln!("{}: {}", item.operation, error.to_line()),
///     }
/// }
///
/// // Update multiple issues
/// let completed = || IssueChange {
///     labels: Some(vec!["completed".into()]),
///     ..IssueChange::default()
/// };
/// let updates = vec![
///     IssueUpdate { issue_number: 1, fields: completed() },
///     IssueUpdate { issue_number: 2, fields: completed() },
/// ];
///
/// let batch = OperationId::new("sprint-7/complete")?;
/// let updated = batch_ops.update_issues_batch(&batch, updates).await?;
/// assert!(updated.iter().all(|item| item.result.is_ok()));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct BatchOperations {
    provider: Arc<dyn GitProvider>,
    options: BatchOptions,
    governor: Option<RateGovernor>,
    is_first_run: bool,
    /// Batches that were begun here, by any clone: one id each.
    begun: Arc<Mutex<HashSet<OperationId>>>,
}

/// How a batch is worked off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchOptions {
    /// How far it may be ahead of its oldest unfinished item: after a kill, all but the last so many
    /// of the items that were begun are done. 10 by default.
    pub batch_size: usize,
    /// How many calls are under way at a time, those that look for items among them; 3 by default,
    /// what forges take without complaint.
    pub max_concurrent: usize,
}

impl Default for BatchOptions {
    fn default() -> Self {
        Self {
            batch_size: 10,
            max_concurrent: 3,
        }
    }
}

/// A change of one issue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssueUpdate {
    /// Which issue.
    pub issue_number: IssueNumber,
    /// What changes.
    pub fields: IssueChange,
}

/// What became of one item.
#[derive(Debug)]
#[non_exhaustive]
pub struct BatchItem<T> {
    /// The id by which the forge finds it again.
    pub operation: OperationId,
    /// Whether this call sent it, with whatever result; not, where it was there already, or was
    /// given up before.
    pub was_sent: bool,
    /// What the forge holds, or why it is not known to hold it.
    pub result: Result<T, PortError>,
}

impl BatchOperations {
    /// Works on the repository of this provider.
    ///
    /// # Errors
    ///
    /// `Validation` for a zero among the options.
    pub fn new(provider: Arc<dyn GitProvider>, options: BatchOptions) -> Result<Self, Error> {
        let zeros = [
            ("batch_size", options.batch_size == 0),
            ("max_concurrent", options.max_concurrent == 0),
        ];
        if let Some((option, _)) = zeros.into_iter().find(|(_, is_zero)| *is_zero) {
            return Err(Error::ZeroOption { option });
        }
        Ok(Self {
            provider,
            options,
            governor: None,
            is_first_run: false,
            begun: Arc::default(),
        })
    }

    /// The same under a governor, which all that speaks with this account on this host shares.
    #[must_use]
    pub fn governor(mut self, governor: RateGovernor) -> Self {
        self.governor = Some(governor);
        self
    }

    /// The same for batches whose ids were never given before, in no process: nothing is looked up.
    /// An id that is given to this or a clone of it a second time is looked up all the same.
    ///
    /// Given to a batch that was begun earlier, say before the program was killed, it sends again what
    /// is there, unless the forge itself knows operation ids.
    #[must_use]
    pub fn first_run(mut self) -> Self {
        self.is_first_run = true;
        self
    }

    /// Whether items of this batch may be there already. From now on they may.
    fn begin(&self, batch: &OperationId) -> bool {
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = begun.insert(batch.clone());
        !(self.is_first_run && is_new)
    }

    /// Creates issues.
    ///
    /// One item for each of `issues`, in their order, whatever fails. Nothing is tried twice; run the
    /// batch again under the same id for what failed.
    ///
    /// # Errors
    ///
    /// Only before anything is sent: a batch id that is too long. Items fail by class; one whose
    /// provider panics is `Internal`.
    ///
    /// # Cancel safety
    ///
    /// Dropping it ends all items at once. What was sent is found by a re-run.
    pub async fn create_issues_batch(
        &self,
        batch: &OperationId,
        issues: Vec<NewIssue>,
    ) -> Result<Vec<BatchItem<Issue>>, Error> {
        let content = |issue: &NewIssue, content: &mut Content| {
            content
                .text("create issue")
                .text(&issue.title)
                .text(&issue.body);
            content.texts(&issue.labels);
        };
        let ids = operation::ids(batch, &issues, content)?;
        let send = async |provider: Arc<dyn GitProvider>, id: OperationId, issue: NewIssue| {
            provider.create_issue(&id, issue).await
        };
        let job = Job {
            ids,
            may_be_there: self.begin(batch),
            doing: "create an issue",
            pick: as_issue,
        };
        Ok(self.run(job, issues, send).await)
    }

    /// Changes issues. A second change of the same issue in one batch may come before the first.
    ///
    /// Otherwise as [`create_issues_batch`](Self::create_issues_batch).
    ///
    /// # Errors
    ///
    /// As [`create_issues_batch`](Self::create_issues_batch).
    ///
    /// # Cancel safety
    ///
    /// As [`create_issues_batch`](Self::create_issues_batch).
    pub async fn update_issues_batch(
        &self,
        batch: &OperationId,
        updates: Vec<IssueUpdate>,
    ) -> Result<Vec<BatchItem<Issue>>, Error> {
        let content = |update: &IssueUpdate, content: &mut Content| {
            let IssueChange {
                title,
                body,
                labels,
                state,
            } = &update.fields;
            content.text("update issue").number(update.issue_number);
            content.option(title.as_ref(), |title, content| {
                content.text(title);
            });
            content.option(body.as_ref(), |body, content| {
                content.text(body);
            });
            content.option(labels.as_ref(), |labels, content| {
                content.texts(labels);
            });
            content.option(state.as_ref(), |state, content| {
                content.text(match state {
                    IssueState::Open => "open",
                    IssueState::Closed => "closed",
                });
            });
        };
        let ids = operation::ids(batch, &updates, content)?;
        let send = async |provider: Arc<dyn GitProvider>, id: OperationId, update: IssueUpdate| {
            provider
                .update_issue(&id, update.issue_number, update.fields)
                .await
        };
        let job = Job {
            ids,
            may_be_there: self.begin(batch),
            doing: "change an issue",
            pick: as_issue,
        };
        Ok(self.run(job, updates, send).await)
    }

    /// Writes comments, otherwise as [`create_issues_batch`](Self::create_issues_batch).
    ///
    /// # Errors
    ///
    /// As [`create_issues_batch`](Self::create_issues_batch).
    ///
    /// # Cancel safety
    ///
    /// As [`create_issues_batch`](Self::create_issues_batch).
    pub async fn create_comments_batch(
        &self,
        batch: &OperationId,
        comments: Vec<NewComment>,
    ) -> Result<Vec<BatchItem<Comment>>, Error> {
        let content = |comment: &NewComment, content: &mut Content| {
            content
                .text("create comment")
                .number(comment.issue)
                .text(&comment.body);
        };
        let ids = operation::ids(batch, &comments, content)?;
        let send = async |provider: Arc<dyn GitProvider>, id: OperationId, comment: NewComment| {
            provider.create_comment(&id, comment).await
        };
        let job = Job {
            ids,
            may_be_there: self.begin(batch),
            doing: "create a comment",
            pick: as_comment,
        };
        Ok(self.run(job, comments, send).await)
    }

    /// Works the items off: each in a task of its own, so that a panic is one item's, and dropping
    /// this ends them all.
    async fn run<I, T, S, Fut>(&self, job: Job<T>, items: Vec<I>, send: S) -> Vec<BatchItem<T>>
    where
        I: Send + 'static,
        T: Send + 'static,
        S: Fn(Arc<dyn GitProvider>, OperationId, I) -> Fut,
        Fut: Future<Output = Result<T, PortError>> + Send + 'static,
    {
        let Job {
            ids,
            may_be_there,
            doing,
            pick,
        } = job;
        let places = Arc::new(Semaphore::new(self.options.max_concurrent));
        let mut results: Vec<Option<BatchItem<T>>> = ids.iter().map(|_| None).collect();
        let mut waiting: VecDeque<(usize, I)> = items.into_iter().enumerate().collect();
        let mut tasks: JoinSet<Outcome<T>> = JoinSet::new();
        let mut indices = std::collections::HashMap::new();
        let mut oldest = 0;
        loop {
            while results.get(oldest).is_some_and(Option::is_some) {
                oldest += 1;
            }
            while let Some((i, _)) = waiting.front()
                && *i < oldest + self.options.batch_size
            {
                let Some((i, item)) = waiting.pop_front() else {
                    break;
                };
                let one = One {
                    provider: Arc::clone(&self.provider),
                    governor: self.governor.clone(),
                    places: Arc::clone(&places),
                    id: ids[i].clone(),
                    may_be_there,
                    doing,
                };
                let sending = send(Arc::clone(&self.provider), ids[i].clone(), item);
                let task = tasks.spawn(one.work(pick, sending));
                indices.insert(task.id(), i);
            }
            let Some(ended) = tasks.join_next_with_id().await else {
                break;
            };
            let (task, outcome) = match ended {
                Ok((task, outcome)) => (task, outcome),
                Err(error) => {
                    let result = Err(PortError::new(ErrorClass::Internal, doing)
                        .because(format!("the provider does not return: {error}")));
                    // Whether it was sent before is not known; a re-run finds out.
                    let was_sent = true;
                    (error.id(), Outcome { was_sent, result })
                }
            };
            if let Some(i) = indices.remove(&task) {
                results[i] = Some(BatchItem {
                    operation: ids[i].clone(),
                    was_sent: outcome.was_sent,
                    result: outcome.result,
                });
            }
        }
        results.into_iter().flatten().collect()
    }
}

/// What all items of a batch have in common.
struct Job<T> {
    ids: Vec<OperationId>,
    may_be_there: bool,
    doing: &'static str,
    pick: fn(Operated) -> Option<T>,
}

struct Outcome<T> {
    was_sent: bool,
    result: Result<T, PortError>,
}

/// One item on its way.
struct One {
    provider: Arc<dyn GitProvider>,
    governor: Option<RateGovernor>,
    places: Arc<Semaphore>,
    id: OperationId,
    may_be_there: bool,
    doing: &'static str,
}

impl One {
    async fn work<T>(
        self,
        pick: fn(Operated) -> Option<T>,
        sending: impl Future<Output = Result<T, PortError>>,
    ) -> Outcome<T> {
        // One place for the look and what follows from it: of both together there are never more.
        let _place = self.places.acquire().await;
        let found = match self.may_be_there {
            true => self.look_up(pick).await,
            false => Ok(None),
        };
        let (was_sent, result) = match found {
            Ok(None) => self.governed(CallKind::Mutation, sending).await,
            Ok(Some(found)) => (false, Ok(found)),
            Err(error) => (false, Err(error)),
        };
        Outcome { was_sent, result }
    }

    /// What an earlier run of the batch left of this item.
    async fn look_up<T>(&self, pick: fn(Operated) -> Option<T>) -> Result<Option<T>, PortError> {
        let looking = self.provider.find(&self.id);
        let Some(found) = self.governed(CallKind::Read, looking).await.1? else {
            return Ok(None);
        };
        let other = || {
            PortError::new(ErrorClass::Conflict, self.doing)
                .because("its operation id belongs to another mutation")
        };
        pick(found).map(Some).ok_or_else(other)
    }

    /// Whether the call was made, and its result.
    async fn governed<T>(
        &self,
        kind: CallKind,
        call: impl Future<Output = Result<T, PortError>>,
    ) -> (bool, Result<T, PortError>) {
        let Some(governor) = &self.governor else {
            return (true, call.await);
        };
        let permit = match governor.acquire(kind).await {
            Ok(permit) => permit,
            Err(error) => return (false, Err(error.into_port_error(self.doing))),
        };
        let result = call.await;
        permit.report(Observation::of(&result));
        (true, result)
    }
}

fn as_issue(left: Operated) -> Option<Issue> {
    match left {
        Operated::Issue(issue) => Some(issue),
        _ => None,
    }
}

fn as_comment(left: Operated) -> Option<Comment> {
    match left {
        Operated::Comment(comment) => Some(comment),
        _ => None,
    }
}
