use core_types::{
    ErrorClass, Event, EventRecord, RunId, Scope, Stage, StepKey, StepRef, TaskId, TaskStatus,
    Timestamp, Usd, Wait, WaitReason,
};

use crate::fold::{Reason, RunFold};

/// Two repositories, of which `web` waits for `api`; `b` needs `a`, `c` and `d` are free.
struct Story {
    fold: RunFold,
    at: u64,
}

fn task(name: &str) -> TaskId {
    name.parse().expect("valid")
}

impl Story {
    fn new() -> Self {
        let run: RunId = "r".parse().expect("valid");
        let mut story = Self {
            fold: RunFold::new(run),
            at: 0,
        };
        story.fold.set_held(true);
        let title = String::new();
        story.tell(Event::RunStarted {
            session: 1,
            max_workers: 1,
            title,
        });
        let api = || "api".parse().expect("valid");
        let web = || "web".parse().expect("valid");
        let wait = Wait {
            repository: api(),
            reason: WaitReason::Dependency,
        };
        for (repository, waits) in [(api(), vec![]), (web(), vec![wait])] {
            story.tell(Event::RepositoryJoined { repository, waits });
        }
        let tasks = [
            ("a", api(), vec![]),
            ("b", api(), vec![task("a")]),
            ("c", api(), vec![]),
            ("d", web(), vec![]),
        ];
        for (name, repository, dependencies) in tasks {
            story.tell(Event::TaskPlanned {
                task: task(name),
                title: format!("Title of {name}"),
                repository,
                dependencies,
                estimate: None,
            });
        }
        let plan = "p".parse().expect("valid");
        story.tell(Event::PlanReady { plan, tasks: 4 });
        story
    }

    fn enter(&mut self, stage: Stage) {
        self.tell(Event::StageStarted { stage });
    }

    fn tell(&mut self, event: Event) {
        self.tell_of(None, event);
    }

    fn tell_of(&mut self, step: Option<StepRef>, event: Event) {
        self.at += 1000;
        let record = EventRecord {
            v: 1,
            at: Timestamp(self.at),
            step,
            event,
        };
        self.fold.extend([(self.at, record)]);
    }

    fn change(&mut self, name: &str, status: TaskStatus) {
        self.tell(Event::TaskChanged {
            task: task(name),
            status,
            attempt: 1,
            failure: None,
            because_of: None,
        });
    }

    fn lines(&self, name: &str) -> Vec<String> {
        self.lines_at(name, self.at)
    }

    fn lines_at(&self, name: &str, now: u64) -> Vec<String> {
        let explained = self.fold.explain(&task(name), Timestamp(now));
        let explained = explained.expect("it is planned");
        explained.reasons.iter().map(ToString::to_string).collect()
    }
}

#[test]
fn before_its_stage_all_reasons_are_told() {
    let mut story = Story::new();
    story.enter(Stage::Planning);
    let before = "the run is in stage planning, before implementation";
    assert_eq!(story.lines("a"), [before]);
    let needs = "it needs a, which is ready";
    assert_eq!(story.lines("b"), [before, needs]);
    let waits = "its repository waits for api (dependency), which is waiting";
    assert_eq!(story.lines("d"), [before, waits]);
}

#[test]
fn slots_are_told_with_who_holds_them() {
    let mut story = Story::new();
    story.enter(Stage::Implementation);
    assert_eq!(
        story.lines("a"),
        ["nothing: a worker slot is free, and it is about to start"]
    );
    story.change("a", TaskStatus::Running);
    assert!(story.lines("a").is_empty(), "it runs");
    assert_eq!(story.lines("b"), ["it needs a, which is running"]);
    assert_eq!(
        story.lines("c"),
        ["no worker slot is free: 1 of 1 are held by a"]
    );
    story.change("a", TaskStatus::Succeeded);
    story.change("c", TaskStatus::Running);
    assert_eq!(
        story.lines("b"),
        ["no worker slot is free: 1 of 1 are held by c"]
    );
    for name in ["c", "b"] {
        story.change(name, TaskStatus::Succeeded);
    }
    assert_eq!(
        story.lines("d"),
        ["nothing: a worker slot is free, and it is about to start"],
        "its repository waits no more"
    );
}

fn step(name: &str, step: &'static str) -> Option<StepRef> {
    Some(StepRef {
        key: StepKey::new(Scope::Task(task(name)), 1, step),
        execution: 1,
    })
}

fn ended(outcome: &str, until: u64) -> Event {
    Event::RecoveryEnded {
        strategy: "retry".to_owned(),
        outcome: outcome.to_owned(),
        reason: String::new(),
        until: Some(Timestamp(until)),
    }
}

#[test]
fn a_backoff_gives_the_slot_back_and_ends() {
    let mut story = Story::new();
    story.enter(Stage::Implementation);
    story.change("a", TaskStatus::Running);
    story.tell_of(
        step("a", "recovery-began"),
        Event::RecoveryStarted {
            strategy: "retry".to_owned(),
            class: ErrorClass::Transient,
            round: 1,
        },
    );
    story.tell_of(step("a", "recovery-ended"), ended("retry", 60_000));
    assert_eq!(
        story.lines("a"),
        ["attempt 1 has failed; it is tried again at 1970-01-01T00:01:00Z"]
    );
    let free = "nothing: a worker slot is free, and it is about to start";
    assert_eq!(story.lines("c"), [free]);
    assert_eq!(story.lines_at("a", 60_000), [free], "its time has come");
    story.change("c", TaskStatus::Running);
    assert_eq!(
        story.lines_at("a", 60_000),
        ["no worker slot is free: 1 of 1 are held by c"]
    );
    let status = |now| {
        story
            .fold
            .explain(&task("a"), Timestamp(now))
            .map(|it| it.status)
    };
    assert_eq!(status(30_000), Some(TaskStatus::Waiting));
    assert_eq!(status(60_000), Some(TaskStatus::Ready));
}

#[test]
fn what_stops_the_run_is_told() {
    let mut story = Story::new();
    story.enter(Stage::Implementation);
    story.change("a", TaskStatus::Running);
    story.fold.set_held(false);
    let killed = "no process holds the run: it was killed, and waits to be resumed";
    assert_eq!(story.lines("a"), [killed]);
    assert_eq!(story.lines("b"), [killed, "it needs a, which is running"]);

    let pause = |class| Event::RunPaused {
        reason: "why".to_owned(),
        class,
    };
    story.tell(pause(Some(ErrorClass::Cancelled)));
    let paused = "no process holds the run (why); it waits to be resumed";
    assert_eq!(story.lines("c"), [paused]);

    let limit = Usd::from_pico(2_000_000_000_000);
    story.tell(Event::BudgetSet { limit });
    story.tell(pause(Some(ErrorClass::BudgetExceeded)));
    let budget = "the budget does not suffice: $0.00 spent and $0.00 set aside of $2.00";
    assert_eq!(story.lines("c"), [budget, paused]);

    let gate = "plan".to_owned();
    story.tell(Event::GateReached { gate });
    story.tell(pause(None));
    let gate =
        "the run waits at the gate \"plan\" since 1970-01-01T00:00:14Z: a person must approve";
    assert_eq!(story.lines("c"), [gate]);

    let gate = "plan".to_owned();
    story.tell(Event::GateOpened { gate });
    assert_eq!(story.lines("c"), ["the run waits for a person: why"]);

    story.tell(Event::RunEnded {
        exit_code: 1,
        summary: "failed".to_owned(),
        class: None,
    });
    assert_eq!(story.lines("c"), ["the run has ended: failed"]);
}

#[test]
fn an_end_is_told_with_its_cause() {
    let mut story = Story::new();
    story.enter(Stage::Implementation);
    story.change("a", TaskStatus::Cancelled);
    assert_eq!(story.lines("a"), ["it has ended: cancelled"]);
    story.tell(Event::TaskChanged {
        task: task("b"),
        status: TaskStatus::Skipped,
        attempt: 0,
        failure: None,
        because_of: Some(task("a")),
    });
    assert_eq!(story.lines("b"), ["it was skipped: a did not succeed"]);
    let explained = story
        .fold
        .explain(&task("b"), Timestamp(0))
        .expect("planned");
    assert!(matches!(&explained.reasons[..], [Reason::Ended { .. }]));
}

#[test]
fn a_parked_task_says_until_when() {
    let mut story = Story::new();
    story.enter(Stage::Implementation);
    story.change("a", TaskStatus::Running);
    story.tell_of(step("a", "recovery-ended"), ended("park", 3_600_000));
    assert_eq!(
        story.lines("a"),
        ["it is parked until 1970-01-01T01:00:00Z"]
    );
}
