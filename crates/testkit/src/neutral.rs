//! What even a default that does nothing must do: it lets a run go on.

use std::time::Duration;

use core_types::{
    AdviceRequest, CancellationToken, CommitId, ErrorClass, Event, EventSink, Failure, FailureKind,
    Issue, IssueState, Ledger, ModelSelector, OperationId, PromptAdvisor, Recovery,
    RecoveryOutcome, RecoveryRequest, RepositoryCommands, RunId, Scope, SpendRequest, SpendScope,
    Spent, Stage, Task, Timestamp, Usd,
};

fn run() -> RunId {
    RunId::new("run-1").expect("a valid run id")
}

fn operation(name: &str) -> OperationId {
    OperationId::new(name).expect("a valid operation id")
}

/// A sink takes events and flushes.
///
/// # Panics
///
/// When it does not.
pub async fn event_sink(sink: &dyn EventSink) {
    sink.emit(
        None,
        Event::Warning {
            message: "a".to_owned(),
        },
    );
    sink.flush().await.expect("flush");
    sink.flush().await.expect("flush again");
}

/// A ledger grants what no limit forbids, the same for the same operation.
///
/// # Panics
///
/// When it does not.
pub async fn ledger(ledger: &dyn Ledger) {
    let scope = SpendScope {
        run: run(),
        repository: None,
        task: None,
    };
    let request = SpendRequest::default();
    let whole = ledger
        .reserve(&operation("a"), &scope, &request, None)
        .await
        .expect("reserve");
    assert_eq!(whole.operation, operation("a"));
    let again = ledger
        .reserve(&operation("a"), &scope, &request, None)
        .await
        .expect("reserve again");
    assert_eq!(again, whole, "an operation reserves once");
    let part = ledger
        .reserve(&operation("b"), &scope, &request, Some(&whole))
        .await
        .expect("reserve a part");
    let spent = Spent {
        cost: Some(Usd::from_pico(1)),
        ..Spent::default()
    };
    for _ in 0..2 {
        let settled = ledger.settle(&operation("c"), &part, &spent).await;
        settled.expect("settling twice is settling once");
    }
    let settled = ledger.settle(&operation("d"), &whole, &spent).await;
    settled.expect("settle");
}

/// An advisor answers, with a probability as propensity.
///
/// # Panics
///
/// When it does not.
pub async fn prompt_advisor(advisor: &dyn PromptAdvisor) {
    for stage in Stage::ALL {
        let request = AdviceRequest {
            run: run(),
            stage,
            repository: None,
            task: None,
        };
        let advice = advisor.advise(&request).await.expect("advise");
        let propensity = advice.propensity;
        assert!(
            propensity > 0.0 && propensity <= 1.0,
            "{propensity} was drawn"
        );
    }
}

/// A selector gives the same each time, and a model with a name or none at all.
///
/// # Panics
///
/// When it does not.
pub fn model_selector(models: &dyn ModelSelector) {
    let task = Task {
        id: "a".parse().expect("a valid task id"),
        title: "Fix a typo".to_owned(),
        description: String::new(),
        repository: "one".parse().expect("a valid name"),
        dependencies: Vec::new(),
        files: Vec::new(),
        estimate: None,
    };
    for task in [None, Some(&task)] {
        let choice = models.select(task);
        assert_eq!(choice, models.select(task), "the same task has one model");
        assert!(
            choice.is_none_or(|it| !it.model.is_empty()),
            "it has a name"
        );
    }
}

/// A recovery without means of its own ends with a hand-off for every kind of failure.
///
/// # Panics
///
/// When it does not.
pub async fn recovery(recovery: &dyn Recovery) {
    let kinds = [
        FailureKind::Agent,
        FailureKind::KilledTooOften { executions: 5 },
        FailureKind::NoChange,
        FailureKind::NestedRepository {
            folders: vec!["a".to_owned()],
        },
        FailureKind::Setup,
        FailureKind::Tests {
            command: "true".to_owned(),
        },
        FailureKind::MergeConflict {
            paths: vec!["a".to_owned()],
        },
        FailureKind::Deadline,
        FailureKind::Panic,
        FailureKind::Other,
    ];
    for kind in kinds {
        let commit: CommitId = "a".repeat(40).parse().expect("a valid commit id");
        let minute = Duration::from_secs(60);
        let request = RecoveryRequest {
            run: run(),
            plan: "plan".parse().expect("a valid plan id"),
            scope: Scope::Run,
            attempt: 1,
            issue: Issue {
                number: 0,
                title: "An issue".to_owned(),
                body: String::new(),
                labels: Vec::new(),
                state: IssueState::Open,
                author: String::new(),
                created: Timestamp(0),
            },
            task: None,
            repository: "a".parse().expect("a valid repository name"),
            commands: RepositoryCommands {
                setup: None,
                setup_timeout: minute,
                test: None,
                test_timeout: minute,
                agent_timeout: minute,
                environment: Vec::new(),
            },
            base: commit.clone(),
            commit: None,
            head: commit,
            merged: Vec::new(),
            failure: Failure::new(ErrorClass::Internal, kind, "it failed"),
            context: std::collections::BTreeMap::new(),
            answers: Vec::new(),
            conversation: None,
            reports: std::path::PathBuf::new(),
            scratch: std::path::PathBuf::new(),
        };
        let outcome = recovery.recover(&request, &CancellationToken::new()).await;
        assert!(
            matches!(outcome, Ok(RecoveryOutcome::HandOff { .. })),
            "{outcome:?} was not earned"
        );
    }
}
