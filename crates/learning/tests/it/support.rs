use std::{path::Path, sync::Arc};

use core_types::{RunId, Task, TaskId};
use learning::{
    Execution, Exploration, FeedbackLoop, LessonKind, Look, LookPlan, NewLesson, Options, Outcome,
    Source,
};
use testkit::FixedClock;

pub(crate) fn run(name: &str) -> RunId {
    RunId::new(name).expect("a valid run id")
}

pub(crate) fn task_id(name: &str) -> TaskId {
    TaskId::new(name).expect("a valid task id")
}

pub(crate) fn task(name: &str) -> Task {
    Task {
        id: task_id(name),
        title: "A task".to_owned(),
        description: String::new(),
        repository: "store".parse().expect("a valid name"),
        dependencies: Vec::new(),
        files: Vec::new(),
        estimate: None,
    }
}

pub(crate) fn execution(run_name: &str, task_name: &str, passed: bool) -> Execution {
    Execution::new(run(run_name), task_id(task_name), Outcome::tested(passed))
}

/// Feedback with a clock that stands still.
pub(crate) fn open(dir: &Path) -> (FeedbackLoop, Arc<FixedClock>) {
    open_with(dir, Options::default())
}

pub(crate) fn open_with(dir: &Path, options: Options) -> (FeedbackLoop, Arc<FixedClock>) {
    let clock = Arc::new(FixedClock::default());
    let options = Options {
        clock: clock.clone(),
        ..options
    };
    let feedback = FeedbackLoop::open_with(dir, options).expect("open");
    (feedback, clock)
}

/// All tasks are on trial, with a single look.
pub(crate) fn trial(tasks: u64) -> Options {
    let look = Look {
        tasks,
        false_discoveries: 0.1,
        any: 0.05,
    };
    Options {
        exploration: Exploration::full(),
        plan: LookPlan::new(vec![look]).expect("a valid plan"),
        seed: 3,
        ..Options::default()
    }
}

pub(crate) fn convention(text: &str, source: Source) -> NewLesson {
    NewLesson::new(LessonKind::Convention, text, source)
}

/// Runs tasks that succeed where `text` is in their prompt, and every third time without it.
pub(crate) async fn work(feedback: &FeedbackLoop, prefix: &str, tasks: u32, text: &str) {
    for number in 0..tasks {
        let run = run(&format!("{prefix}-{number}"));
        let prompt = feedback
            .improve_prompt(&run, &task("task"), "Do it.")
            .await
            .expect("a prompt");
        let passed = prompt.contains(text) || number.is_multiple_of(3);
        let execution = Execution::new(run, task_id("task"), Outcome::tested(passed));
        feedback
            .record_execution(execution.prompt(prompt))
            .await
            .expect("recorded");
    }
}
