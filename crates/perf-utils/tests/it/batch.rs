//! Batches over forges that fail in every way.

use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use core_types::{
    Clock as _, Comment, CommitId, ErrorClass, GitProvider, Issue, IssueChange, IssueNumber,
    IssueState, NewComment, NewIssue, NewPullRequest, Operated, OperationId, PortError,
    PullRequest, PullRequestChange, Timestamp,
};
use perf_utils::{
    BatchItem, BatchOperations, BatchOptions, IssueUpdate, RateGovernor, batch::Error,
    governor::Limits,
};
use testkit::{FixedClock, MemoryForge};
use tokio::time::{Instant, sleep};

/// The forge in memory, at some distance, and with titles that go wrong.
#[derive(Debug, Default)]
struct Far {
    forge: MemoryForge,
    latency: Duration,
    is_up_again: AtomicBool,
    sent: Mutex<Vec<String>>,
    /// How often it was asked for an operation.
    finds: AtomicUsize,
    /// Calls of any sort.
    under_way: AtomicUsize,
    most_under_way: AtomicUsize,
}

impl Far {
    fn at(millis: u64) -> Arc<Self> {
        let latency = Duration::from_millis(millis);
        Arc::new(Self {
            latency,
            ..Self::default()
        })
    }

    /// A call on its way there and back.
    async fn travel(&self) {
        let now = self.under_way.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_under_way.fetch_max(now, Ordering::SeqCst);
        sleep(self.latency).await;
        self.under_way.fetch_sub(1, Ordering::SeqCst);
    }

    fn sent(&self) -> Vec<String> {
        std::mem::take(&mut self.sent.lock().expect("no panic while it is held"))
    }
}

#[async_trait]
impl GitProvider for Far {
    async fn find(&self, operation: &OperationId) -> Result<Option<Operated>, PortError> {
        self.finds.fetch_add(1, Ordering::SeqCst);
        self.travel().await;
        self.forge.find(operation).await
    }

    async fn create_issue(
        &self,
        operation: &OperationId,
        issue: NewIssue,
    ) -> Result<Issue, PortError> {
        self.sent
            .lock()
            .expect("no panic while it is held")
            .push(issue.title.clone());
        self.travel().await;
        let is_up = self.is_up_again.load(Ordering::SeqCst);
        let fail = |class| Err(PortError::new(class, "create an issue"));
        match issue.title.as_str() {
            "down" if !is_up => fail(ErrorClass::Transient),
            "lost answer" if !is_up => {
                self.forge.create_issue(operation, issue).await?;
                fail(ErrorClass::UnknownOutcome)
            }
            "panics" if !is_up => panic!("as planned"),
            "limited" if !is_up => {
                let until = Some(Timestamp(FixedClock::default().now().0 + 3_600_000));
                fail(ErrorClass::RateLimited { until })
            }
            _ => self.forge.create_issue(operation, issue).await,
        }
    }

    async fn update_issue(
        &self,
        operation: &OperationId,
        number: IssueNumber,
        change: IssueChange,
    ) -> Result<Issue, PortError> {
        self.sent
            .lock()
            .expect("no panic while it is held")
            .push(format!("change {number}"));
        self.forge.update_issue(operation, number, change).await
    }

    async fn get_issue(&self, number: IssueNumber) -> Result<Issue, PortError> {
        self.forge.get_issue(number).await
    }

    async fn list_issues(&self) -> Result<Vec<Issue>, PortError> {
        self.forge.list_issues().await
    }

    async fn create_comment(
        &self,
        operation: &OperationId,
        comment: NewComment,
    ) -> Result<Comment, PortError> {
        self.forge.create_comment(operation, comment).await
    }

    async fn update_comment(
        &self,
        operation: &OperationId,
        comment: u64,
        body: String,
    ) -> Result<Comment, PortError> {
        self.forge.update_comment(operation, comment, body).await
    }

    async fn merge_pull_request(
        &self,
        operation: &OperationId,
        number: IssueNumber,
        expected_head: &CommitId,
    ) -> Result<PullRequest, PortError> {
        self.forge
            .merge_pull_request(operation, number, expected_head)
            .await
    }

    async fn list_comments(&self, issue: IssueNumber) -> Result<Vec<Comment>, PortError> {
        self.forge.list_comments(issue).await
    }

    async fn create_pull_request(
        &self,
        operation: &OperationId,
        pull_request: NewPullRequest,
    ) -> Result<PullRequest, PortError> {
        self.forge
            .create_pull_request(operation, pull_request)
            .await
    }

    async fn update_pull_request(
        &self,
        operation: &OperationId,
        number: IssueNumber,
        change: PullRequestChange,
    ) -> Result<PullRequest, PortError> {
        self.forge
            .update_pull_request(operation, number, change)
            .await
    }

    async fn list_pull_requests(&self) -> Result<Vec<PullRequest>, PortError> {
        self.forge.list_pull_requests().await
    }

    fn page(&self, _: IssueNumber) -> Option<String> {
        None
    }
}

fn issues(titles: &[&str]) -> Vec<NewIssue> {
    let issue = |title: &&str| NewIssue {
        title: (*title).to_owned(),
        ..NewIssue::default()
    };
    titles.iter().map(issue).collect()
}

fn batch() -> OperationId {
    OperationId::new("test/batch").expect("it works in a test")
}

fn operations(forge: &Arc<Far>, batch_size: usize, max_concurrent: usize) -> BatchOperations {
    let options = BatchOptions {
        batch_size,
        max_concurrent,
    };
    BatchOperations::new(Arc::clone(forge) as _, options).expect("it works in a test")
}

/// `title` or the class, with a mark for what was sent.
fn shown(items: &[BatchItem<Issue>]) -> Vec<String> {
    let show = |item: &BatchItem<Issue>| {
        let what = match &item.result {
            Ok(issue) => issue.title.clone(),
            Err(error) => format!("!{}", error.class()),
        };
        format!("{}{what}", if item.was_sent { "> " } else { "" })
    };
    items.iter().map(show).collect()
}

#[test]
fn zeros_are_refused() {
    for (batch_size, max_concurrent) in [(0, 1), (1, 0)] {
        let options = BatchOptions {
            batch_size,
            max_concurrent,
        };
        let error = BatchOperations::new(Far::at(0) as _, options).unwrap_err();
        assert!(matches!(error, Error::ZeroOption { .. }), "{error}");
        assert_eq!(error.class(), ErrorClass::Validation);
    }
}

#[tokio::test(start_paused = true)]
async fn each_item_has_its_result_and_a_re_run_sends_what_is_missing() {
    let forge = Far::at(20);
    let operations = operations(&forge, 10, 3);
    let titles = [
        "one",
        "down",
        "two",
        "",
        "lost answer",
        "panics",
        "three",
        "one",
    ];
    let first = operations
        .create_issues_batch(&batch(), issues(&titles))
        .await
        .expect("it works in a test");
    assert_eq!(
        shown(&first),
        [
            "> one",
            "> !transient",
            "> two",
            "> !validation",
            "> !unknown_outcome",
            "> !internal",
            "> three",
            "> one"
        ]
    );
    assert_eq!(forge.sent().len(), 8, "nothing is tried twice");

    forge.is_up_again.store(true, Ordering::SeqCst);
    // An item more, and in another order.
    let titles = [
        "zero",
        "one",
        "panics",
        "one",
        "lost answer",
        "two",
        "down",
        "three",
    ];
    let second = operations
        .create_issues_batch(&batch(), issues(&titles))
        .await
        .expect("it works in a test");
    assert_eq!(
        shown(&second),
        [
            "> zero",
            "one",
            "> panics",
            "one",
            "lost answer",
            "two",
            "> down",
            "three"
        ]
    );
    assert_eq!(forge.sent().len(), 3);
    assert_eq!(
        forge.list_issues().await.expect("it works in a test").len(),
        8,
        "each exactly once"
    );
    let ids: HashSet<_> = second.iter().map(|item| &item.operation).collect();
    assert_eq!(ids.len(), 8);
}

#[tokio::test(start_paused = true)]
async fn a_thousand_issues_take_no_longer_than_they_must() {
    let titles: Vec<String> = (0..1000).map(|i| format!("issue {i}")).collect();
    let titles: Vec<&str> = titles.iter().map(String::as_str).collect();
    for (batch_size, max_concurrent, is_first_run) in [
        (50, 10, true),
        (10, 3, true),
        (50, 10, false),
        (10, 3, false),
    ] {
        let forge = Far::at(20);
        let mut operations = operations(&forge, batch_size, max_concurrent);
        let mut calls = 2;
        if is_first_run {
            operations = operations.first_run();
            calls = 1;
        }
        let begin = Instant::now();
        let items = operations
            .create_issues_batch(&batch(), issues(&titles))
            .await
            .expect("it works in a test");
        let took = begin.elapsed();
        assert!(items.iter().all(|item| item.result.is_ok()));
        assert_eq!(shown(&items)[999], "> issue 999");
        assert_eq!(
            forge.most_under_way.load(Ordering::SeqCst),
            max_concurrent,
            "one cap for all calls"
        );
        assert_eq!(forge.finds.load(Ordering::SeqCst), 1000 * (calls - 1));
        let rounds = (1000 * calls).div_ceil(max_concurrent);
        let rounds = u32::try_from(rounds).expect("it works in a test");
        let ideal = Duration::from_millis(20) * rounds;
        assert!(
            took <= ideal.mul_f64(1.1),
            "{took:?} where {ideal:?} is ideal"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_was_begun_here_is_looked_up_also_as_a_first_run() {
    let forge = Far::at(20);
    let first = operations(&forge, 10, 3).first_run();
    let titles = ["one", "lost answer", "two"];
    let items = first
        .create_issues_batch(&batch(), issues(&titles))
        .await
        .expect("it works in a test");
    assert_eq!(shown(&items), ["> one", "> !unknown_outcome", "> two"]);
    assert_eq!(forge.finds.load(Ordering::SeqCst), 0, "nothing is there");
    let again = first
        .clone()
        .create_issues_batch(&batch(), issues(&titles))
        .await
        .expect("it works in a test");
    assert_eq!(shown(&again), ["one", "lost answer", "two"]);
    assert_eq!(forge.finds.load(Ordering::SeqCst), 3);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_batch_leaves_nothing_running_and_can_be_run_again() {
    let titles: Vec<String> = (0..100).map(|i| format!("issue {i}")).collect();
    let titles: Vec<&str> = titles.iter().map(String::as_str).collect();
    let forge = Far::at(20);
    let operations = operations(&forge, 10, 3);
    let id = batch();
    let running = operations.create_issues_batch(&id, issues(&titles));
    assert!(
        tokio::time::timeout(Duration::from_millis(250), running)
            .await
            .is_err()
    );
    let sent = forge.sent();
    let n_there = forge.list_issues().await.expect("it works in a test").len();
    assert!(
        n_there > 10 && sent.len() <= n_there + 3,
        "{n_there} of {}",
        sent.len()
    );
    sleep(Duration::from_secs(10)).await;
    assert_eq!(forge.sent(), [""; 0], "nothing goes on behind");
    let items = operations
        .create_issues_batch(&batch(), issues(&titles))
        .await
        .expect("it works in a test");
    assert!(items.iter().all(|item| item.result.is_ok()));
    assert_eq!(forge.sent().len(), 100 - n_there);
    assert_eq!(
        forge.list_issues().await.expect("it works in a test").len(),
        100
    );
}

#[tokio::test(start_paused = true)]
async fn a_governor_is_obeyed() {
    let forge = Far::at(20);
    let limits = Limits {
        mutation_spacing: Duration::from_secs(1),
        ..Limits::default()
    };
    let clock = Arc::new(FixedClock::default());
    let governor =
        RateGovernor::with_clock("x@example.com", limits, clock).expect("it works in a test");
    // Looks may be under way beside each other.
    let operations = operations(&forge, 10, 3).first_run().governor(governor);
    let begin = Instant::now();
    let items = operations
        .create_issues_batch(&batch(), issues(&["1", "2", "3", "4"]))
        .await
        .expect("it works in a test");
    assert_eq!(shown(&items), ["> 1", "> 2", "> 3", "> 4"]);
    assert_eq!(begin.elapsed().as_secs(), 3);
    assert_eq!(
        forge.most_under_way.load(Ordering::SeqCst),
        1,
        "mutations are serial"
    );

    // A limit that ends in an hour is not waited for, and nothing more is sent.
    let titles = ["limited", "5", "6", "7"];
    let items = operations
        .create_issues_batch(&batch(), issues(&titles))
        .await
        .expect("it works in a test");
    let expected = [
        "> !rate_limited",
        "!rate_limited",
        "!rate_limited",
        "!rate_limited",
    ];
    assert_eq!(shown(&items), expected);
}

#[tokio::test(start_paused = true)]
async fn updates_and_comments_are_batches_too() {
    let forge = Far::at(1);
    let operations = operations(&forge, 10, 3);
    operations
        .create_issues_batch(&batch(), issues(&["a", "b"]))
        .await
        .expect("it works in a test");
    forge.sent();
    let close = |issue_number| IssueUpdate {
        issue_number,
        fields: IssueChange {
            state: Some(IssueState::Closed),
            ..IssueChange::default()
        },
    };
    let updates = vec![close(1), close(9), close(2)];
    for sent in [vec!["change 1", "change 9", "change 2"], vec!["change 9"]] {
        let items = operations
            .update_issues_batch(&batch(), updates.clone())
            .await
            .expect("it works in a test");
        let results: Vec<_> = items
            .iter()
            .map(|item| item.result.as_ref().map(|i| i.state))
            .collect();
        assert!(matches!(
            results[..],
            [Ok(IssueState::Closed), Err(_), Ok(IssueState::Closed)]
        ));
        assert_eq!(forge.sent(), sent);
    }
    let comment = |issue| NewComment {
        issue,
        body: "done".into(),
    };
    for _ in 0..2 {
        let comments = vec![comment(1), comment(2), comment(1)];
        let items = operations
            .create_comments_batch(&batch(), comments)
            .await
            .expect("it works in a test");
        assert!(items.iter().all(|item| item.result.is_ok()));
    }
    assert_eq!(
        forge
            .list_comments(1)
            .await
            .expect("it works in a test")
            .len(),
        2
    );
}
