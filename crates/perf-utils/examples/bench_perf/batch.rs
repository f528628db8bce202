//! A thousand issues on a forge 20 ms away, beside the time that no program can be below.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use async_trait::async_trait;
use core_types::{
    Comment, CommitId, ErrorClass, GitProvider, Issue, IssueChange, IssueNumber, IssueState,
    NewComment, NewIssue, NewPullRequest, Operated, OperationId, PortError, PullRequest,
    PullRequestChange, Timestamp,
};
use perf_utils::{BatchOperations, BatchOptions};
use serde_json::{Value, json};
use testkit::Rounds;
use tokio::{runtime::Runtime, task::JoinSet};

use crate::{ROUNDS, say, verdict};

const ISSUES: usize = 1000;
const LATENCY: Duration = Duration::from_millis(20);
const MAX_CONCURRENT: usize = 10;

pub(crate) fn thousand_issues() -> Result<Vec<Value>> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()?;
    Ok(vec![
        batches(&runtime, Run::First)?,
        batches(&runtime, Run::Again)?,
    ])
}

/// What is known of a batch before it begins.
#[derive(Clone, Copy, PartialEq)]
enum Run {
    /// Nothing of it is there: a call for each issue.
    First,
    /// Something may be there: each is looked up, then sent.
    Again,
}

impl Run {
    fn calls(self) -> usize {
        match self {
            Self::First => ISSUES,
            Self::Again => 2 * ISSUES,
        }
    }
}

fn batches(runtime: &Runtime, run: Run) -> Result<Value> {
    let (mut of_ours, mut of_ideal) = (Rounds::default(), Rounds::default());
    for round in 0..ROUNDS {
        let forge = Arc::new(Far::default());
        let options = BatchOptions {
            batch_size: 50,
            max_concurrent: MAX_CONCURRENT,
        };
        let mut operations = BatchOperations::new(Arc::clone(&forge) as _, options)?;
        if run == Run::First {
            operations = operations.first_run();
        }
        let issue = |i| NewIssue {
            title: format!("issue {i}"),
            ..NewIssue::default()
        };
        let issues = (0..ISSUES).map(issue).collect();
        let batch = OperationId::new(format!("bench/{round}"))?;
        let begin = Instant::now();
        let items = runtime.block_on(operations.create_issues_batch(&batch, issues))?;
        of_ours.add(begin.elapsed().as_secs_f64());
        of_ideal.add(runtime.block_on(ideal(run.calls())));
        ensure!(
            items.iter().all(|item| item.result.is_ok()),
            "an issue is missing"
        );
        ensure!(
            forge.created.load(Ordering::SeqCst) == ISSUES,
            "not each issue once"
        );
        ensure!(
            forge.calls.load(Ordering::SeqCst) == run.calls(),
            "the ideal is not that of what was sent"
        );
    }
    let ratio = of_ours.ratio(&of_ideal);
    let how = match run {
        Run::First => "a first run",
        Run::Again => "run again, each looked up before",
    };
    say(format!(
        "{ISSUES} issues, {how}: {:.3} s, ideal {:.3} s",
        of_ours.median(),
        of_ideal.median()
    ));
    Ok(json!({
        "claim": format!(
            "{ISSUES} issues on a forge 20 ms away, {MAX_CONCURRENT} calls at a time: {how}"
        ),
        "ours": of_ours.median(), "unit": "s",
        "held_against": format!(
            "{MAX_CONCURRENT} tasks that wait for the latency of the same {} calls and do nothing else",
            run.calls()
        ),
        "theirs": of_ideal.median(),
        "ratio": ratio, "goal": "≤ 1.1",
        "spread": format!("ours {}, theirs {}", of_ours.spread(), of_ideal.spread()),
        "verdict": verdict(ratio <= 1.1),
    }))
}

/// Seconds that the latency of so many calls alone takes, by the same timer.
async fn ideal(calls: usize) -> f64 {
    let begin = Instant::now();
    let mut workers = JoinSet::new();
    for _ in 0..MAX_CONCURRENT {
        workers.spawn(async move {
            for _ in 0..calls.div_ceil(MAX_CONCURRENT) {
                tokio::time::sleep(LATENCY).await;
            }
        });
    }
    workers.join_all().await;
    begin.elapsed().as_secs_f64()
}

/// A forge that answers after its latency, whatever it is asked.
#[derive(Debug, Default)]
struct Far {
    calls: AtomicUsize,
    created: AtomicUsize,
}

impl Far {
    async fn travel(&self) {
        self.calls.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(LATENCY).await;
    }
}

fn not_asked<T>() -> Result<T, PortError> {
    Err(PortError::new(
        ErrorClass::Internal,
        "do what this forge is not asked for",
    ))
}

#[async_trait]
impl GitProvider for Far {
    async fn find(&self, _: &OperationId) -> Result<Option<Operated>, PortError> {
        self.travel().await;
        Ok(None)
    }

    async fn create_issue(&self, _: &OperationId, issue: NewIssue) -> Result<Issue, PortError> {
        self.travel().await;
        Ok(Issue {
            number: self.created.fetch_add(1, Ordering::SeqCst) as u64 + 1,
            title: issue.title,
            body: issue.body,
            labels: issue.labels,
            state: IssueState::Open,
            author: String::new(),
            created: Timestamp(0),
        })
    }

    async fn update_issue(
        &self,
        _: &OperationId,
        _: IssueNumber,
        _: IssueChange,
    ) -> Result<Issue, PortError> {
        not_asked()
    }

    async fn get_issue(&self, _: IssueNumber) -> Result<Issue, PortError> {
        not_asked()
    }

    async fn list_issues(&self) -> Result<Vec<Issue>, PortError> {
        not_asked()
    }

    async fn create_comment(&self, _: &OperationId, _: NewComment) -> Result<Comment, PortError> {
        not_asked()
    }

    async fn update_comment(
        &self,
        _: &OperationId,
        _: u64,
        _: String,
    ) -> Result<Comment, PortError> {
        not_asked()
    }

    async fn merge_pull_request(
        &self,
        _: &OperationId,
        _: IssueNumber,
        _: &CommitId,
    ) -> Result<PullRequest, PortError> {
        not_asked()
    }

    async fn list_comments(&self, _: IssueNumber) -> Result<Vec<Comment>, PortError> {
        not_asked()
    }

    async fn create_pull_request(
        &self,
        _: &OperationId,
        _: NewPullRequest,
    ) -> Result<PullRequest, PortError> {
        not_asked()
    }

    async fn update_pull_request(
        &self,
        _: &OperationId,
        _: IssueNumber,
        _: PullRequestChange,
    ) -> Result<PullRequest, PortError> {
        not_asked()
    }

    async fn list_pull_requests(&self) -> Result<Vec<PullRequest>, PortError> {
        not_asked()
    }

    fn page(&self, _: IssueNumber) -> Option<String> {
        None
    }
}
