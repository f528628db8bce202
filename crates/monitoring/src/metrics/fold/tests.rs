use std::time::Duration;

use core_types::{
    ErrorClass, Event, EventRecord, Failure, FailureKind, OperationId, RunId, Scope, Stage,
    StepKey, StepName, StepRef, TaskId, TaskStatus, Timestamp, TokenUsage, Usd,
};
use serde_json::{Value, json};

use super::{EventFold, words};
use crate::metrics::{Metrics, catalogue};

/// A run whose events come one second after the other.
struct Story {
    run: RunId,
    second: u64,
    fold: EventFold,
    metrics: Metrics,
}

impl Story {
    fn new() -> Self {
        let metrics = Metrics::default();
        Self {
            run: "run-1".parse().unwrap(),
            second: 0,
            fold: EventFold::new(metrics.clone()),
            metrics,
        }
    }

    fn at(&mut self, second: u64) -> &mut Self {
        self.second = second;
        self
    }

    fn tell(&mut self, event: Event) -> &mut Self {
        self.tell_of(Scope::Run, event)
    }

    fn tell_of(&mut self, scope: Scope, event: Event) -> &mut Self {
        let key = StepKey {
            scope,
            attempt: 1,
            name: StepName::new("step").unwrap(),
        };
        let record = EventRecord {
            v: 1,
            at: Timestamp(self.second * 1000),
            step: Some(StepRef { key, execution: 1 }),
            event,
        };
        self.fold.apply(&self.run, &record);
        self
    }

    fn started(&mut self) -> &mut Self {
        self.tell(event(
            json!({"type": "run_started", "session": 1, "max_workers": 3}),
        ))
    }

    fn plan(&mut self, task: &str, title: &str, after: &[&str], estimate: u64) -> &mut Self {
        self.tell(Event::TaskPlanned {
            task: id(task),
            title: title.to_owned(),
            repository: "backend".parse().unwrap(),
            dependencies: after.iter().map(|task| id(task)).collect(),
            estimate: Some(Duration::from_secs(estimate)),
        })
    }

    fn enter(&mut self, stage: Stage) -> &mut Self {
        self.tell(Event::StageStarted { stage })
    }

    fn change(&mut self, task: &str, status: TaskStatus) -> &mut Self {
        self.tell_of(
            Scope::Task(id(task)),
            Event::TaskChanged {
                task: id(task),
                status,
                attempt: 1,
                failure: None,
                because_of: None,
            },
        )
    }

    fn end(&mut self, exit_code: u8) -> &mut Self {
        let ended = json!({"type": "run_ended", "exit_code": exit_code, "summary": ""});
        self.tell(event(ended))
    }

    #[track_caller]
    fn shows(&mut self, lines: &[&str]) -> &mut Self {
        let text = self.metrics.get_metrics();
        for line in lines {
            let name = line.split([' ', '{']).next().unwrap();
            let near: Vec<&str> = text
                .lines()
                .filter(|found| found.starts_with(name))
                .collect();
            assert!(
                near.contains(line),
                "{line}\nis not among\n{}",
                near.join("\n")
            );
        }
        self
    }
}

fn id(task: &str) -> TaskId {
    task.parse().unwrap()
}

fn event(value: Value) -> Event {
    serde_json::from_value(value).unwrap()
}

#[test]
fn stages_end_where_the_next_begins_and_where_the_run_fails() {
    Story::new()
        .started()
        .enter(Stage::Planning)
        .at(20)
        .enter(Stage::Implementation)
        .at(30)
        .tell(event(json!({"type": "run_paused", "reason": "ctrl-c"})))
        .at(40)
        .tell(event(
            json!({"type": "run_started", "session": 2, "max_workers": 3}),
        ))
        .enter(Stage::Implementation)
        .at(50)
        .end(1)
        .shows(&[
            r#"automation_workflow_executions_total{stage="planning",status="success"} 1"#,
            r#"automation_workflow_executions_total{stage="planning",status="failed"} 0"#,
            r#"automation_workflow_executions_total{stage="implementation",status="success"} 0"#,
            r#"automation_workflow_executions_total{stage="implementation",status="failed"} 1"#,
            r#"automation_workflow_duration_seconds_sum{stage="planning"} 20.0"#,
            r#"automation_workflow_duration_seconds_sum{stage="implementation"} 30.0"#,
            r#"automation_runs_total{outcome="failed"} 1"#,
            "automation_run_resumes_total 1",
        ]);
}

#[test]
fn a_run_that_waits_for_a_person_has_not_ended_its_stage() {
    Story::new()
        .started()
        .enter(Stage::Landing)
        .tell(event(json!({"type": "gate_reached", "gate": "landing"})))
        .tell(event(
            json!({"type": "run_paused", "reason": "waits at the gate"}),
        ))
        .shows(&[
            r#"automation_workflow_executions_total{stage="landing",status="success"} 0"#,
            r#"automation_workflow_executions_total{stage="landing",status="failed"} 0"#,
            r#"automation_runs_total{outcome="waiting"} 1"#,
        ])
        .tell(event(json!({"type": "gate_opened", "gate": "landing"})))
        .end(0)
        .shows(&[r#"automation_workflow_executions_total{stage="landing",status="success"} 1"#]);
}

#[test]
fn what_ended_a_session_is_told_by_its_class() {
    let paused = |class| event(json!({"type": "run_paused", "reason": "r", "class": class}));
    let ended = |exit_code, class| {
        event(json!({"type": "run_ended", "summary": "s", "exit_code": exit_code, "class": class}))
    };
    Story::new()
        .started()
        .tell(paused(json!({"class": "budget_exceeded"})))
        .tell(paused(json!({"class": "cancelled"})))
        .tell(paused(json!({"class": "resource_exhausted"})))
        .tell(ended(1, json!({"class": "cancelled"})))
        .tell(ended(1, Value::Null))
        .tell(ended(5, Value::Null))
        .shows(&[
            r#"automation_runs_total{outcome="budget"} 1"#,
            r#"automation_runs_total{outcome="interrupted"} 1"#,
            r#"automation_runs_total{outcome="stopped"} 1"#,
            r#"automation_runs_total{outcome="aborted"} 1"#,
            r#"automation_runs_total{outcome="failed"} 1"#,
            r#"automation_runs_total{outcome="partial"} 1"#,
            r#"automation_runs_total{outcome="waiting"} 0"#,
        ]);
}

#[test]
fn tasks_are_counted_by_type_with_queue_and_time() {
    Story::new()
        .started()
        .plan("a", "Add a page", &[], 100)
        .plan("b", "fix: the page", &["a"], 50)
        .plan("c", "Greet", &[], 10)
        .tell(event(
            json!({"type": "plan_ready", "plan": "p", "tasks": 3}),
        ))
        .at(5)
        .enter(Stage::Implementation)
        .shows(&["automation_critical_path_due_timestamp_seconds 155.0"])
        .at(7)
        .change("a", TaskStatus::Running)
        .shows(&["automation_task_queue_seconds_sum 2.0"])
        .at(47)
        .change("a", TaskStatus::Succeeded)
        // Told twice, since the step was carried out again after a crash.
        .change("a", TaskStatus::Succeeded)
        .at(48)
        .change("b", TaskStatus::Ready)
        .at(58)
        .change("b", TaskStatus::Running)
        .at(60)
        .change("b", TaskStatus::TimedOut)
        .change("c", TaskStatus::Skipped)
        .shows(&[
            r#"automation_task_executions_total{task_type="feature",status="success"} 1"#,
            r#"automation_task_executions_total{task_type="fix",status="failed"} 1"#,
            r#"automation_task_executions_total{task_type="fix",status="success"} 0"#,
            r#"automation_task_executions_total{task_type="other",status="failed"} 0"#,
            r#"automation_task_duration_seconds_sum{task_type="feature"} 40.0"#,
            "automation_task_queue_seconds_count 2",
            "automation_task_queue_seconds_sum 12.0",
        ])
        .end(1)
        .shows(&["automation_critical_path_due_timestamp_seconds 0.0"]);
}

/// The plan is late where its critical path is over, as pages draw it: waits between repositories are on
/// it, and a night in which no process held the run is not.
#[test]
fn a_plan_is_due_by_its_critical_path_while_a_process_holds_it() {
    let joined = |repository: &str, waits: Value| {
        let joined = json!({"type": "repository_joined", "repository": repository, "waits": waits});
        event(joined)
    };
    let planned = |task: &str, repository: &str, estimate| Event::TaskPlanned {
        task: id(task),
        title: task.to_owned(),
        repository: repository.parse().unwrap(),
        dependencies: Vec::new(),
        estimate: Some(Duration::from_secs(estimate)),
    };
    let waits = json!([{"repository": "backend", "reason": "dependency"}]);
    Story::new()
        .started()
        .tell(joined("backend", json!([])))
        .tell(joined("frontend", waits))
        .tell(planned("api", "backend", 100))
        .tell(planned("page", "frontend", 60))
        .tell(planned("style", "frontend", 70))
        .tell(event(
            json!({"type": "plan_ready", "plan": "p", "tasks": 3}),
        ))
        .at(5)
        .enter(Stage::Implementation)
        .shows(&["automation_critical_path_due_timestamp_seconds 175.0"])
        .at(25)
        .tell(event(json!({"type": "run_paused", "reason": "ctrl-c"})))
        .at(1025)
        .tell(event(
            json!({"type": "run_started", "session": 2, "max_workers": 3}),
        ))
        .enter(Stage::Implementation)
        .shows(&["automation_critical_path_due_timestamp_seconds 1175.0"]);
}

#[test]
fn a_failure_is_counted_once_for_all_that_is_tried() {
    let failed = Event::TaskChanged {
        task: id("a"),
        status: TaskStatus::Failed,
        attempt: 1,
        failure: Some(Failure::new(
            ErrorClass::Conflict,
            FailureKind::Agent,
            "conflict",
        )),
        because_of: None,
    };
    let began = |strategy| {
        event(json!({"type": "recovery_started", "strategy": strategy,
            "class": {"class": "conflict"}, "round": 1}))
    };
    let ended = |strategy, outcome| {
        event(
            json!({"type": "recovery_ended", "strategy": strategy, "outcome": outcome, "reason": ""}),
        )
    };
    let task = || Scope::Task(id("a"));
    Story::new()
        .started()
        .enter(Stage::Implementation)
        .change("a", TaskStatus::Running)
        .tell_of(task(), began("conflict_resolution"))
        .at(9)
        .tell_of(task(), ended("conflict_resolution", "failed"))
        .tell_of(task(), began("manual_intervention"))
        .tell_of(task(), ended("manual_intervention", "handed_off"))
        .tell_of(task(), failed)
        .shows(&[
            r#"automation_errors_total{error_type="conflict",stage="implementation"} 1"#,
            r#"automation_recovery_attempts_total{recovery_type="conflict_resolution",success="False"} 1"#,
            r#"automation_recovery_attempts_total{recovery_type="conflict_resolution",success="True"} 0"#,
            r#"automation_recovery_outcomes_total{recovery_type="manual_intervention",outcome="handed_off"} 1"#,
            r#"automation_recovery_duration_seconds_sum{recovery_type="conflict_resolution"} 9.0"#,
            r#"automation_task_executions_total{task_type="other",status="failed"} 1"#,
        ]);
}

#[test]
fn money_is_set_aside_and_settled() {
    let operation = |name: &str| OperationId::new(name).unwrap();
    let usd = |amount: &str| amount.parse::<Usd>().unwrap();
    let reserve = |name: &str, amount| Event::SpendReserved {
        operation: operation(name),
        amount: usd(amount),
    };
    let settle = |name: &str, amount| Event::SpendSettled {
        operation: operation(name),
        model: "sonnet".to_owned(),
        usage: TokenUsage {
            input: 100,
            output: 20,
            reasoning: 5,
            ..TokenUsage::default()
        },
        amount: usd(amount),
    };
    Story::new()
        .started()
        .tell(Event::BudgetSet { limit: usd("10") })
        .enter(Stage::Implementation)
        .tell(reserve("one", "3"))
        .tell(reserve("two", "4"))
        .tell(settle("one", "1.25"))
        .shows(&[
            r#"automation_spend_dollars_total{component="implementation"} 1.25"#,
            r#"automation_token_usage_total{model="sonnet",operation="implementation"} 120"#,
            r#"automation_ledger_entries_total{entry="reserved"} 2"#,
            r#"automation_ledger_entries_total{entry="settled"} 1"#,
        ])
        .tell(settle("two", "0.000000000001"))
        .end(0)
        .shows(&[r#"automation_spend_dollars_total{component="implementation"} 1.250000000001"#]);
}

#[test]
fn lessons_are_joined_with_ends_and_calls_with_their_forges() {
    let served = |lessons: Vec<String>, arm: &str| Event::LessonsServed {
        lessons,
        arm: arm.to_owned(),
        propensity: 0.5,
    };
    let task = |name| Scope::Task(id(name));
    let mut story = Story::new();
    story
        .started()
        .plan("a", "", &[], 1)
        .plan("b", "", &[], 1)
        .plan("c", "", &[], 1);
    story
        .tell_of(task("a"), served(vec!["l1".to_owned()], "trial"))
        .tell_of(task("b"), served(Vec::new(), "trial"))
        .tell_of(task("c"), served(Vec::new(), ""))
        .change("a", TaskStatus::Succeeded)
        .change("b", TaskStatus::Failed)
        .change("c", TaskStatus::Failed)
        .tell(event(json!({"type": "forge_called", "provider": "local", "method": "create_issue",
            "passed": false, "duration": {"secs": 2, "nanos": 0}})))
        .shows(&[
            r#"automation_lesson_tasks_total{lessons="served",status="success"} 1"#,
            r#"automation_lesson_tasks_total{lessons="held_back",status="failed"} 1"#,
            r#"automation_api_calls_total{provider="local",method="create_issue",status="error"} 1"#,
            r#"automation_api_calls_total{provider="local",method="create_issue",status="success"} 0"#,
            r#"automation_api_call_duration_seconds_sum{provider="local",method="create_issue"} 2.0"#,
        ]);
}

#[test]
fn a_run_that_was_killed_is_not_under_way() {
    const LAST: &str = "automation_journal_last_event_timestamp_seconds";
    let (shown, none) = (format!("{LAST} 9.0"), format!("{LAST} 0.0"));
    let mut story = Story::new();
    story.at(9).started().shows(&[&shown]);
    let run = story.run.clone();
    story.fold.set_held(&run, false);
    story.shows(&[&none]);
    story.fold.set_held(&run, true);
    story.shows(&[&shown]);
    story.fold.forget(&run);
    story.shows(&[
        &none,
        r#"automation_journal_events_total{event="run_started"} 1"#,
    ]);
}

#[test]
fn a_busy_run_does_not_hide_a_silent_one() {
    let silent_since = |at: &str| format!("automation_silent_since_timestamp_seconds {at}");
    let mut story = Story::new();
    story.at(9).started();
    let silent = story.run.clone();
    story.run = "busy".parse().unwrap();
    story.at(700).started().shows(&[&silent_since("9.0")]);
    // A run at a gate is not silent: it waits.
    story.run = silent;
    let gate = || "plan".to_owned();
    story.at(20).tell(Event::GateReached { gate: gate() });
    story.shows(&[&silent_since("700.0")]);
    story.at(30).tell(Event::GateOpened { gate: gate() });
    story.shows(&[&silent_since("30.0")]);
}

/// So that an event that is added to the stream is counted under its name.
#[test]
fn every_kind_of_event_is_known_by_the_name_in_its_json() {
    for name in catalogue::EVENTS {
        if *name == "unknown" {
            continue;
        }
        let mut all: Value = serde_json::from_str(FIELDS).unwrap();
        all["type"] = json!(name);
        if *name == "agent_started" {
            // There it is a choice, not a name.
            all["model"] = Value::Null;
        }
        let event = event(all);
        assert!(!matches!(event, Event::Unknown(_)), "{name} is no event");
        assert_eq!(words::of_event(&event), *name);
    }
}

/// All that any kind of event wants; serde takes what its variant has.
const FIELDS: &str = r#"{
    "template": "t", "version": "v", "session": 1, "max_workers": 1, "stage": "planning", "plan": "p", "tasks": 1, "gate": "g",
    "task": "t", "status": "ready", "attempt": 1, "agent": "a", "repository": "r", "files": 1,
    "usage": {"input": 0, "cache_read": 0, "cache_write_5m": 0, "cache_write_1h": 0, "output": 0, "reasoning": 0},
    "duration": {"secs": 1, "nanos": 0}, "commit": "3a205d0a85ba66b1a93830311e5b2e0a8855c198",
    "purpose": "test", "passed": true, "strategy": "s", "class": {"class": "conflict"}, "round": 1,
    "outcome": "o", "reason": "", "message": "", "review": null, "branch": "main", "number": 1, "pid": 1,
    "start_time": 1, "title": "", "exit_code": 0, "summary": "", "operation": "o", "amount": "1.00",
    "model": "m", "limit": "1.00", "lessons": [], "arm": "", "propensity": 1.0, "provider": "p",
    "method": "m", "waits": [], "dependencies": [], "hash": "", "text": ""
}"#;
