use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use core_types::{
    Advice, AdviceRequest, AgentAnswer, AgentTask, CheckpointStore, ErrorClass, Event, GitProvider,
    Ledger, ModelChoice, ModelSelector, NoLedger, OperationId, PortError, PromptAdvisor,
    Reservation, Review, Settled, SpendRequest, SpendScope, Spent, Stage, Task, step::StepError,
};
use engine_workflow::{EndStatus, Error, MeteredProvider};
use serde_json::json;
use testkit::{MemoryEvents, MemoryForge};

use crate::world::{Did, TestAgent, World, lock, own_file, states};

/// A ledger that writes down what it is told.
#[derive(Debug, Default)]
struct TestLedger {
    calls: Mutex<Vec<String>>,
    models: Mutex<Vec<String>>,
    refuses: AtomicBool,
}

#[async_trait]
impl Ledger for TestLedger {
    async fn reserve(
        &self,
        operation: &OperationId,
        scope: &SpendScope,
        request: &SpendRequest,
        _: Option<&Reservation>,
    ) -> Result<Reservation, PortError> {
        let task = scope.task.as_ref().map_or("-", |task| task.as_str());
        lock(&self.calls).push(format!("reserve {operation} for {task}"));
        lock(&self.models).push(request.model.clone());
        if self.refuses.load(Ordering::SeqCst) {
            return Err(PortError::new(ErrorClass::BudgetExceeded, "reserve"));
        }
        Ok(Reservation {
            operation: operation.clone(),
            amount: None,
        })
    }

    async fn settle(
        &self,
        operation: &OperationId,
        reservation: &Reservation,
        spent: &Spent,
    ) -> Result<Settled, PortError> {
        assert_ne!(
            *operation, reservation.operation,
            "each mutation has its own id"
        );
        lock(&self.calls).push(format!(
            "settle {} {}",
            reservation.operation, spent.usage.input
        ));
        NoLedger.settle(operation, reservation, spent).await
    }
}

#[tokio::test]
async fn every_execution_reserves_anew_and_settles_what_it_used() {
    let first = AtomicBool::new(true);
    let mut world = World::with_plan(
        &["one"],
        &["a one"],
        TestAgent::new(move |request| match first.swap(false, Ordering::SeqCst) {
            true => Did::Fail(PortError::new(ErrorClass::ResourceExhausted, "work")),
            false => own_file(request),
        }),
    );
    let ledger = Arc::new(TestLedger::default());
    world.aids.ledger = ledger.clone();
    let error = world.run().await.unwrap_err();
    assert_eq!(
        error.class(),
        ErrorClass::ResourceExhausted,
        "a full disk pauses the run"
    );
    assert_eq!(world.run().await.unwrap().status, EndStatus::Done);
    let expected = [
        "reserve run-1:task/a#1:agent#1 for a",
        "settle run-1:task/a#1:agent#1 0",
        "reserve run-1:task/a#1:agent#2 for a",
        "settle run-1:task/a#1:agent#2 7",
    ];
    assert_eq!(*lock(&ledger.calls), expected);
}

#[tokio::test]
async fn a_ledger_that_refuses_stops_the_run_as_often_as_it_likes() {
    let mut world = World::with_plan(&["one"], &["a one"], TestAgent::new(own_file));
    world.settings.limits.max_executions = 2;
    let ledger = Arc::new(TestLedger::default());
    ledger.refuses.store(true, Ordering::SeqCst);
    world.aids.ledger = ledger.clone();
    for _ in 0..4 {
        let error = world.run().await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::BudgetExceeded);
    }
    assert!(world.agent.requests().is_empty());
    ledger.refuses.store(false, Ordering::SeqCst);
    let end = world.run().await.unwrap();
    assert_eq!(states(&end), "a succeeded", "a refusal is no kill");
}

/// A selector whose choice changes each time that it is asked, which none may.
#[derive(Debug, Default)]
struct TestModels(Mutex<u32>);

impl ModelSelector for TestModels {
    fn select(&self, task: Option<&Task>) -> Option<ModelChoice> {
        let mut asked = lock(&self.0);
        *asked += 1;
        let task = task.map_or("-", |task| task.id.as_str());
        Some(ModelChoice {
            model: format!("{task} {asked}"),
            tier: "FAST".to_owned(),
        })
    }
}

#[tokio::test]
async fn a_repeated_execution_has_the_model_of_the_first() {
    let first = AtomicBool::new(true);
    let mut world = World::with_plan(
        &["one"],
        &["a one"],
        TestAgent::new(move |request| match first.swap(false, Ordering::SeqCst) {
            true => Did::Fail(PortError::new(ErrorClass::ResourceExhausted, "work")),
            false => own_file(request),
        }),
    );
    let ledger = Arc::new(TestLedger::default());
    world.aids.ledger = ledger.clone();
    world.aids.models = Arc::new(TestModels::default());
    world.run().await.unwrap_err();
    assert_eq!(world.run().await.unwrap().status, EndStatus::Done);
    let given: Vec<_> = world.agent.requests();
    let given: Vec<_> = given
        .iter()
        .map(|it| it.model.clone().unwrap().model)
        .collect();
    assert_eq!(given, ["a 1", "a 1"]);
    let paid = lock(&ledger.models).clone();
    assert_eq!(paid, given, "money is set aside for the model that works");
}

/// An advisor whose advice counts up.
#[derive(Debug, Default)]
struct TestAdvisor(Mutex<Vec<Stage>>);

#[async_trait]
impl PromptAdvisor for TestAdvisor {
    async fn advise(&self, request: &AdviceRequest) -> Result<Advice, PortError> {
        let mut stages = lock(&self.0);
        stages.push(request.stage);
        Ok(Advice {
            texts: vec![format!("{} {}", request.stage, stages.len())],
            ..Advice::default()
        })
    }
}

#[tokio::test]
async fn advice_is_asked_once_recorded_and_given_to_every_execution() {
    let calls = Mutex::new(0);
    let mut agent = TestAgent::new(move |request| {
        let mut calls = lock(&calls);
        *calls += 1;
        // Each request is cut off the first time.
        if *calls % 2 == 1 {
            return Did::Fail(PortError::new(ErrorClass::ResourceExhausted, "work"));
        }
        match &request.task {
            AgentTask::Plan { .. } => Did::Answer(AgentAnswer::Plan {
                plan: json!({"tasks": [{"id": "a", "title": "A", "repository": "one"}]}),
            }),
            AgentTask::Review { .. } => Did::Answer(AgentAnswer::Review {
                review: Review {
                    approved: true,
                    comments: String::new(),
                    issues_found: Vec::new(),
                    confidence: 1.0,
                },
            }),
            _ => own_file(request),
        }
    });
    agent.capabilities.plan = true;
    agent.capabilities.review = true;
    let mut world = World::new(&["one"], agent);
    let advisor = Arc::new(TestAdvisor::default());
    world.aids.advisor = advisor.clone();
    for _ in 0..3 {
        world.run().await.unwrap_err();
    }
    assert_eq!(world.run().await.unwrap().status, EndStatus::Done);
    let asked = [Stage::Planning, Stage::Implementation, Stage::Review];
    assert_eq!(*lock(&advisor.0), asked);
    let given: Vec<_> = world
        .agent
        .requests()
        .into_iter()
        .map(|it| it.advice.texts.concat())
        .collect();
    let expected = [
        "planning 1",
        "planning 1",
        "implementation 2",
        "implementation 2",
        "review 3",
        "review 3",
    ];
    assert_eq!(given, expected);
}

#[tokio::test]
async fn a_changed_setting_is_named_with_its_step_and_field() {
    let mut world = World::with_plan(&["one"], &["a one"], TestAgent::new(own_file));
    world.run().await.unwrap();
    let command = core_types::CommandLine::Shell("true".to_owned());
    world.settings.repositories[0].test_command = Some(command);
    let error = world.run().await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Validation);
    let Error::Step(StepError::Diverged {
        key, field, now, ..
    }) = error
    else {
        panic!("the divergence is typed: {error}");
    };
    assert_eq!(
        (key.to_string(), field),
        ("repository one: test".to_owned(), "test_command".to_owned())
    );
    assert_eq!(now, "true");
}

#[tokio::test]
async fn each_stage_begins_once_with_a_checkpoint() {
    let mut world = World::with_plan(&["one"], &["a one"], TestAgent::new(own_file));
    world.run().await.unwrap();
    world.run().await.unwrap();
    let checkpoints = world
        .checkpoints
        .list(&world.settings.plan_id)
        .await
        .unwrap();
    let stages: Vec<_> = checkpoints.iter().map(|it| it.stage.as_str()).collect();
    assert_eq!(stages, Stage::ALL.map(Stage::as_str));
    let events = world.events.events();
    let started: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            core_types::Event::StageStarted { stage } => Some(*stage),
            _ => None,
        })
        .collect();
    assert_eq!(started, Stage::ALL);
}

#[tokio::test]
async fn a_metered_forge_is_the_same_forge_and_tells_each_call() {
    let events = Arc::new(MemoryEvents::default());
    let metered = || {
        let inner: Arc<dyn GitProvider> = Arc::new(MemoryForge::default());
        Arc::new(MeteredProvider::new(inner, "memory", events.clone())) as Arc<dyn GitProvider>
    };
    testkit::git_provider::conformance(async || metered()).await;
    let issue = metered().get_issue(7).await;
    assert_eq!(issue.unwrap_err().class(), ErrorClass::NotFound);
    let told = events.events();
    let Some(Event::ForgeCalled {
        provider,
        method,
        passed,
        ..
    }) = told.last()
    else {
        panic!("a call is told of");
    };
    assert_eq!(
        (provider.as_str(), method.as_str(), *passed),
        ("memory", "get_issue", false)
    );
}
