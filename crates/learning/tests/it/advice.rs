use std::sync::Arc;

use core_types::{AdviceRequest, PromptAdvisor, Stage};
use learning::{Advisor, Execution, Exploration, Options, Outcome, Provenance, Source, Trust};

use crate::support::{convention, execution, open_with, run, task, task_id, trial, work};

fn request(run_name: &str, stage: Stage) -> AdviceRequest {
    AdviceRequest {
        run: run(run_name),
        stage,
        repository: Some("store".parse().expect("a valid name")),
        task: (stage == Stage::Implementation).then(|| task("task")),
    }
}

#[tokio::test]
async fn the_advisor_passes_the_ports_suite() {
    let folder = tempfile::tempdir().expect("a folder");
    let (feedback, _) = open_with(folder.path(), trial(60));
    let advisor: Arc<dyn PromptAdvisor> = Arc::new(Advisor::new(feedback.clone()));
    testkit::neutral::prompt_advisor(&*advisor).await;
    feedback
        .propose(convention("Say hello.", Source::Person))
        .await
        .expect("proposed");
    testkit::neutral::prompt_advisor(&*advisor).await;
}

#[tokio::test]
async fn the_same_question_has_the_same_answer() {
    let folder = tempfile::tempdir().expect("a folder");
    let (feedback, _) = open_with(folder.path(), trial(60));
    for text in ["One.", "Two.", "Three."] {
        feedback
            .propose(convention(text, Source::Person))
            .await
            .expect("proposed");
    }
    let advisor = Advisor::new(feedback.clone());
    let question = request("r1", Stage::Implementation);
    let advice = advisor.advise(&question).await.expect("advice");
    assert_eq!(advice.arm, "trial");
    assert_eq!(advice.propensity, 0.125, "three lessons, a half each");
    assert_eq!(advice.texts.len(), advice.lessons.len());
    // Another process, and another seed: what was drawn stays.
    let other = Options {
        seed: 99,
        ..trial(60)
    };
    let (reopened, _) = open_with(folder.path(), other);
    let again = Advisor::new(reopened)
        .advise(&question)
        .await
        .expect("advice");
    assert_eq!(again, advice);
    let passed = execution("r1", "task", true);
    feedback.record_execution(passed).await.expect("recorded");
    assert_eq!(
        advisor.advise(&question).await.ok(),
        Some(advice),
        "a later attempt, too"
    );
    let planning = advisor
        .advise(&request("r1", Stage::Planning))
        .await
        .expect("advice");
    assert!(planning.texts.is_empty(), "nothing is promoted yet");
}

#[tokio::test]
async fn without_exploration_nothing_is_tried() {
    let folder = tempfile::tempdir().expect("a folder");
    let exploration = Exploration {
        share: 0.0,
        ..Exploration::default()
    };
    let options = Options {
        exploration,
        ..Options::default()
    };
    let (feedback, _) = open_with(folder.path(), options);
    feedback
        .propose(convention("Say hello.", Source::Person))
        .await
        .expect("proposed");
    work(&feedback, "a", 20, "Say hello.").await;
    let stats = feedback
        .get_learning_stats()
        .await
        .expect("statistics")
        .lessons;
    assert_eq!((stats.candidates, stats.trials), (1, 0));
}

#[tokio::test]
async fn only_what_was_drawn_and_measured_is_evidence() {
    let folder = tempfile::tempdir().expect("a folder");
    let (feedback, _) = open_with(folder.path(), trial(60));
    let id = feedback
        .propose(convention("Say hello.", Source::Person))
        .await
        .expect("proposed")
        .id();
    let tasks = async || {
        let figures = feedback.why(id).await.expect("an account").figures;
        figures.with.0 + figures.without.0
    };
    let draw = async |name: &str| {
        let prompt = feedback
            .improve_prompt(&run(name), &task("task"), "Do it.")
            .await;
        prompt.expect("a prompt");
    };
    draw("counts").await;
    feedback
        .record_execution(execution("counts", "task", true))
        .await
        .expect("recorded");
    assert_eq!(tasks().await, 1);
    // A second attempt begins with what the first left.
    let second = execution("counts", "task", true).attempt(2);
    feedback.record_execution(second).await.expect("recorded");
    // Nothing was drawn for it.
    feedback
        .record_execution(execution("undrawn", "task", true))
        .await
        .expect("recorded");
    // An agent praises itself.
    draw("praised").await;
    let praise = execution("praised", "task", true).provenance(Provenance {
        trust: Trust::Agent,
        author: "agent".to_owned(),
    });
    feedback.record_execution(praise).await.expect("recorded");
    // Nothing verified it.
    draw("unverified").await;
    let unverified = Outcome::of(core_types::TaskStatus::Succeeded);
    let unverified = Execution::new(run("unverified"), task_id("task"), unverified);
    feedback
        .record_execution(unverified)
        .await
        .expect("recorded");
    // What chance drew for the first attempt is no draw for the second, also where the first says nothing.
    let second = execution("unverified", "task", true).attempt(2);
    feedback.record_execution(second).await.expect("recorded");
    assert_eq!(tasks().await, 1, "none of these counts");
    let stats = feedback.get_learning_stats().await.expect("statistics");
    assert_eq!((stats.total_executions, stats.self_reported), (6, 1));
}

#[tokio::test]
async fn our_own_hints_are_not_found_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let (feedback, _) = open_with(folder.path(), trial(60));
    feedback
        .propose(convention("Mind the xylophone.", Source::Person))
        .await
        .expect("proposed");
    work(&feedback, "a", 20, "xylophone").await;
    let found = feedback.similar("xylophone", 10).await.expect("a search");
    assert!(found.is_empty(), "what we said is no news: {found:?}");
    assert_eq!(
        feedback.similar("do it", 10).await.map(|it| it.len()).ok(),
        Some(10)
    );
}
