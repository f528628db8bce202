//! The real implementations pass the suites of their ports.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use core_types::{CheckpointStore, Event, Inbox, Stage};
use engine_checkpoint::{CheckpointManager, FileInbox, Options, RunView, StateManager};
use testkit::{
    event_sink::Subject,
    plan_state::{self, Change},
};

use crate::support::create;

/// Folders of their own for the cases of a suite.
struct Folders {
    root: tempfile::TempDir,
    count: AtomicU32,
}

impl Folders {
    fn new() -> Self {
        let root = tempfile::tempdir().expect("a temporary folder");
        let count = AtomicU32::new(0);
        Self { root, count }
    }

    fn next(&self) -> std::path::PathBuf {
        let number = self.count.fetch_add(1, Ordering::SeqCst);
        self.root.path().join(number.to_string())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_step_log_of_a_run_conforms() {
    let folders = Folders::new();
    testkit::step_log::conformance(async || create(&folders.next()).steps()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_event_sink_of_a_run_conforms() {
    let folders = Folders::new();
    testkit::event_sink::conformance(async || {
        let dir = folders.next();
        let sink = create(&dir).events();
        let read = move || {
            let view = RunView::read(&dir).expect("the run is readable");
            view.events().map(|(_, event)| event.clone()).collect()
        };
        Subject {
            sink,
            read: Box::new(read),
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_checkpoints_of_a_run_conform() {
    let folders = Folders::new();
    testkit::checkpoint_store::conformance(async || create(&folders.next()).checkpoints()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_checkpoint_manager_conforms() {
    let folders = Folders::new();
    testkit::checkpoint_store::conformance(async || {
        let manager = CheckpointManager::open(folders.next()).unwrap();
        Arc::new(manager) as Arc<dyn CheckpointStore>
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_state_of_a_runs_plan_conforms() {
    let folders = Folders::new();
    plan_state::conformance(async || {
        let run = create(&folders.next());
        let state = run.plan_state();
        let events = run.events();
        let change = move |plan, change| -> Pin<Box<dyn Future<Output = ()>>> {
            events.emit(None, Event::PlanReady { plan, tasks: 2 });
            for event in told(change) {
                events.emit(None, event);
            }
            Box::pin(async {})
        };
        plan_state::Subject {
            state,
            change: Box::new(change),
        }
    })
    .await;
}

/// The events in which a run tells a change: a stage ends where the next one starts.
fn told(change: Change) -> Vec<Event> {
    match change {
        Change::Complete(stage) => {
            let next = Stage::ALL.into_iter().find(|next| *next > stage);
            let next = next.expect("the suite completes no last stage");
            [stage, next]
                .map(|stage| Event::StageStarted { stage })
                .to_vec()
        }
        Change::Task(task, status) => vec![Event::TaskChanged {
            task,
            status,
            attempt: 1,
            failure: None,
            because_of: None,
        }],
    }
}

#[tokio::test]
async fn the_state_of_a_runs_plan_is_there_again_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("run");
    let run = create(&dir);
    let plan: core_types::PlanId = "plan-1".parse().unwrap();
    let events = run.events();
    for stage in [Stage::Planning, Stage::Implementation, Stage::Testing] {
        events.emit(None, Event::StageStarted { stage });
        if stage == Stage::Planning {
            let plan = plan.clone();
            events.emit(None, Event::PlanReady { plan, tasks: 1 });
        }
    }
    events.flush().await.unwrap();
    drop((run, events));
    let run = engine_checkpoint::RunJournal::open(&dir, &Options::default()).unwrap();
    let state = run.plan_state();
    let expected = ["planning", "implementation"];
    assert_eq!(state.completed_stages(&plan).await.unwrap(), expected);
    // What a resumed run begins again is not complete twice, nor is a later stage by it.
    let stage = Stage::Planning;
    run.events().emit(None, Event::StageStarted { stage });
    assert_eq!(state.completed_stages(&plan).await.unwrap(), expected);
    let (exit_code, summary) = (0, String::new());
    run.events().emit(
        None,
        Event::RunEnded {
            exit_code,
            summary,
            class: None,
        },
    );
    let all = ["planning", "implementation", "testing"];
    assert_eq!(state.completed_stages(&plan).await.unwrap(), all);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_state_manager_conforms() {
    let folders = Folders::new();
    plan_state::conformance(async || {
        let manager = StateManager::open(folders.next()).unwrap();
        let changed = manager.clone();
        let change = move |plan, change| -> Pin<Box<dyn Future<Output = ()>>> {
            let changed = changed.clone();
            Box::pin(async move {
                match change {
                    Change::Complete(stage) => {
                        changed.mark_stage_complete(&plan, stage.as_str()).await
                    }
                    Change::Task(task, status) => {
                        changed.mark_task_status(&plan, &task, status).await
                    }
                }
                .expect("a change is recorded");
            })
        };
        plan_state::Subject {
            state: Arc::new(manager),
            change: Box::new(change),
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_inbox_conforms() {
    let folders = Folders::new();
    testkit::inbox::conformance(async || {
        let inbox = FileInbox::open(folders.next(), &Options::default()).unwrap();
        Arc::new(inbox) as Arc<dyn Inbox>
    })
    .await;
}
