use core_types::{RepositoryName, Review, TaskId, TaskStatus};
use learning::{
    Error, FeedbackLoop, Figure, KeepPrompts, KeptPrompt, Options, Outcome, OutcomeChange,
    Provenance, Recorded, Trust,
};
use serde_json::json;

use crate::support::{execution, open, open_with, run, task_id};

fn review(approved: bool, confidence: f64) -> Review {
    Review {
        approved,
        comments: String::new(),
        issues_found: Vec::new(),
        confidence,
    }
}

#[tokio::test]
async fn a_rerun_overwrites_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let (feedback, _) = open(folder.path());
    for (run, attempt, passed) in [("r1", 1, false), ("r1", 2, true), ("r2", 1, true)] {
        let execution = execution(run, "task-1", passed).attempt(attempt);
        let recorded = feedback.record_execution(execution).await;
        assert_eq!(recorded.ok(), Some(Recorded::New { scrubbed: 0 }));
    }
    let again = feedback
        .record_execution(execution("r1", "task-1", true))
        .await;
    assert_eq!(
        again.ok(),
        Some(Recorded::Already),
        "what was recorded stays"
    );
    let stats = feedback.get_learning_stats().await.expect("statistics");
    assert_eq!(
        (stats.total_executions, stats.successful_executions),
        (3, 2)
    );
    let other = FeedbackLoop::open(folder.path()).expect("open again");
    assert_eq!(other.get_learning_stats().await.ok(), Some(stats));
}

#[test]
fn a_task_id_cannot_leave_the_folder() {
    for id in ["../x", "a/../../x", "..", "/etc/passwd", "a\0b", ""] {
        assert!(TaskId::new(id).is_err(), "{id:?} is no task id");
    }
}

#[tokio::test]
async fn outcomes_become_known_later() {
    let folder = tempfile::tempdir().expect("a folder");
    let (feedback, _) = open(folder.path());
    feedback
        .record_execution(execution("r1", "t", true))
        .await
        .expect("recorded");
    let successes = async || {
        let stats = feedback.get_learning_stats().await.expect("statistics");
        stats.successful_executions
    };
    assert_eq!(successes().await, 1);
    let change = |attempt, change| {
        let feedback = feedback.clone();
        async move {
            feedback
                .record_outcome(&run("r1"), &task_id("t"), attempt, change)
                .await
        }
    };
    change(1, OutcomeChange::merged(true))
        .await
        .expect("changed");
    assert_eq!(successes().await, 1);
    change(1, OutcomeChange::reverted()).await.expect("changed");
    change(1, OutcomeChange::reverted())
        .await
        .expect("said twice");
    assert_eq!(successes().await, 0);
    let unknown = change(2, OutcomeChange::reverted()).await;
    assert!(
        matches!(unknown, Err(Error::UnknownExecution { attempt: 2, .. })),
        "{unknown:?}"
    );
}

#[test]
fn passing_weakened_tests_is_no_success() {
    let outcome = Outcome {
        tests_weakened: true,
        ..Outcome::tested(true)
    };
    assert!(!outcome.is_success());
    assert!(outcome.is_measured());
    assert!(
        !Outcome::of(TaskStatus::Cancelled).is_measured(),
        "a person stopped it"
    );
    assert!(
        !Outcome::of(TaskStatus::Succeeded).is_measured(),
        "nothing verified it"
    );
}

#[tokio::test]
async fn figures_have_intervals_or_say_what_is_missing() {
    let folder = tempfile::tempdir().expect("a folder");
    let (feedback, _) = open(folder.path());
    let record = |range: std::ops::Range<u32>| {
        let executions = range.map(|i| {
            let execution = execution("r", &format!("t{i}"), !i.is_multiple_of(4));
            execution.review(review(i.is_multiple_of(2), 0.8))
        });
        feedback.record_executions(executions.collect())
    };
    record(0..12).await.expect("recorded");
    let stats = feedback.get_learning_stats().await.expect("statistics");
    assert_eq!(
        stats.success_rate.to_string(),
        "not enough evidence (12 of 30)"
    );
    record(12..100).await.expect("recorded");
    let stats = feedback.get_learning_stats().await.expect("statistics");
    // Wilson's interval of 75 in 100, as computed by R's prop.test(75, 100, correct = FALSE).
    assert_eq!(
        stats.success_rate.as_percent().to_string(),
        "75.0 % [65.7, 82.5], n=100"
    );
    let Figure::Known {
        value, low, high, ..
    } = stats.average_review_score
    else {
        panic!("{}", stats.average_review_score);
    };
    assert!(
        (value - 0.5).abs() < 1e-9 && low < 0.45 && high > 0.55,
        "{low} {high}"
    );
}

#[tokio::test]
async fn bad_figures_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let (feedback, _) = open(folder.path());
    for confidence in [f64::NAN, -0.1, 1.1] {
        let bad = execution("r", "t", true).review(review(true, confidence));
        let refused = feedback.record_execution(bad).await;
        assert!(
            matches!(refused, Err(Error::InvalidFigure { .. })),
            "{confidence}"
        );
    }
    let zeroth = feedback
        .record_execution(execution("r", "t", true).attempt(0))
        .await;
    assert!(matches!(zeroth, Err(Error::InvalidFigure { .. })));
    for share in [-0.5, 1.5, f64::NAN] {
        let exploration = learning::Exploration {
            share,
            ..learning::Exploration::default()
        };
        let options = Options {
            exploration,
            ..Options::default()
        };
        let refused = FeedbackLoop::open_with(folder.path(), options);
        assert!(
            matches!(refused, Err(Error::InvalidShare { .. })),
            "{share}"
        );
    }
    assert_eq!(
        feedback
            .get_learning_stats()
            .await
            .map(|it| it.total_executions)
            .ok(),
        Some(0)
    );
}

/// Everything on disk below a folder, as text.
fn on_disk(folder: &std::path::Path) -> String {
    let mut all = String::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            all.push_str(&on_disk(&path));
        } else {
            all.push_str(&String::from_utf8_lossy(
                &std::fs::read(path).expect("a file"),
            ));
        }
    }
    all
}

#[tokio::test]
async fn secrets_never_reach_the_disk() {
    let folder = tempfile::tempdir().expect("a folder");
    let (feedback, _) = open(folder.path());
    let secret = "s3cr3t-value";
    let recorded = feedback
        .record_execution(
            execution("r", "t", true)
                .prompt(format!("PASSWORD={secret} zebra"))
                .title(format!("https://me:{secret}@host"))
                .model("small")
                .metadata("api_key", secret)
                .metadata("note", format!("token: {secret}"))
                .metadata("deep", json!({"client_secret": secret}))
                .provenance(Provenance {
                    trust: Trust::Outsider,
                    author: "mallory@example.org".to_owned(),
                }),
        )
        .await;
    assert_eq!(recorded.ok(), Some(Recorded::New { scrubbed: 5 }));
    let all = on_disk(folder.path());
    assert!(all.contains("zebra"), "the rest is there");
    assert!(!all.contains(secret), "{all}");
    assert!(!all.contains("mallory"), "an outsider's name is not kept");
    let stats = feedback.get_learning_stats().await.expect("statistics");
    assert_eq!(stats.secrets_scrubbed, 5);
}

#[tokio::test]
async fn prompts_are_kept_as_asked() {
    for (keep, is_found) in [(KeepPrompts::Full, true), (KeepPrompts::Hash, false)] {
        let folder = tempfile::tempdir().expect("a folder");
        let options = Options {
            keep_prompts: keep,
            ..Options::default()
        };
        let (feedback, _) = open_with(folder.path(), options);
        let execution = execution("r", "t", true)
            .prompt("striped zebra")
            .title("An animal");
        feedback
            .record_execution(execution)
            .await
            .expect("recorded");
        assert_eq!(
            on_disk(folder.path()).contains("zebra"),
            is_found,
            "{keep:?}"
        );
        let similar = feedback.similar("zebra", 10).await.expect("a search");
        assert_eq!(!similar.is_empty(), is_found, "{keep:?}");
        let by_title = feedback.similar("animal", 10).await.expect("a search");
        assert_eq!(by_title.len(), 1, "its title is known either way");
        assert_eq!(by_title[0].task, task_id("t"));
    }
}

#[tokio::test]
async fn similar_executions_are_found_by_every_handle() {
    let folder = tempfile::tempdir().expect("a folder");
    let (feedback, _) = open(folder.path());
    let (other, _) = open(folder.path());
    for (task, prompt) in [
        ("a", "fix the login page"),
        ("b", "login login"),
        ("c", "a cat"),
    ] {
        let execution = execution("r", task, task == "a").prompt(prompt);
        feedback
            .record_execution(execution)
            .await
            .expect("recorded");
    }
    let similar = other.similar("the login", 2).await.expect("a search");
    let tasks: Vec<&str> = similar.iter().map(|it| it.task.as_str()).collect();
    assert_eq!(tasks, ["a", "b"]);
    assert!(similar[0].success && !similar[1].success);
    assert_eq!(other.similar_blocking("the login", 2).ok(), Some(similar));
}

/// A review that comes after its execution counts once, and as the last one said.
#[tokio::test]
async fn reviews_become_known_later() {
    let folder = tempfile::tempdir().expect("a folder");
    let (feedback, _) = open(folder.path());
    for number in 0..30 {
        let execution = execution("r1", &format!("t{number}"), true);
        feedback
            .record_execution(execution)
            .await
            .expect("recorded");
    }
    let say = |review: Review| {
        let ids = 0..31;
        ids.map(|number| (task_id(&format!("t{number}")), 1, review.clone()))
            .collect::<Vec<_>>()
    };
    let score = async || {
        let stats = feedback.get_learning_stats().await.expect("stats");
        stats.average_review_score.to_string()
    };
    for review in [review(false, 1.0), review(true, 0.5), review(true, 0.5)] {
        // The last one is of a task that nobody has recorded.
        feedback
            .record_reviews(&run("r1"), say(review))
            .await
            .expect("recorded");
    }
    let known = score().await;
    assert!(known.starts_with("0.75"), "{known}");
    let refused = feedback
        .record_reviews(&run("r1"), say(review(true, 1.5)))
        .await;
    assert!(matches!(refused, Err(Error::InvalidFigure { .. })));
    // A clean-up keeps them with what it keeps, so that the same again is no news.
    let gone: RepositoryName = "gone".parse().expect("a name");
    let other = execution("r2", "t", true).repository(gone.clone());
    feedback.record_execution(other).await.expect("recorded");
    assert_eq!(feedback.forget(&gone).await.expect("forgotten"), 1);
    feedback
        .record_reviews(&run("r1"), say(review(true, 0.5)))
        .await
        .expect("recorded");
    assert_eq!(score().await, known);
    let (again, _) = open(folder.path());
    let stats = again.get_learning_stats().await.expect("stats");
    assert_eq!(stats.average_review_score.to_string(), known);
}

/// What was kept when the agent got its prompt is what is recorded.
#[tokio::test]
async fn a_kept_prompt_is_the_prompt() {
    let folder = tempfile::tempdir().expect("a folder");
    let (feedback, _) = open(folder.path());
    let prompt =
        "Mend the parser.\nAPI_KEY=abcdefgh12345678abcdefgh\n(L1, from a person) Say why.\n";
    let kept = KeptPrompt::of(prompt, KeepPrompts::Full);
    assert_eq!((kept.hash.len(), kept.secrets), (64, 1));
    let text = kept.text.clone().expect("a text");
    assert!(
        text.starts_with("Mend the parser.") && !text.contains("Say why"),
        "{text}"
    );
    assert_eq!(KeptPrompt::of(prompt, KeepPrompts::Hash).text, None);
    assert_eq!(KeptPrompt::of("", KeepPrompts::Full).hash, "");
    feedback
        .record_execution(execution("r1", "t", true).kept_prompt(kept))
        .await
        .expect("recorded");
    let stats = feedback.get_learning_stats().await.expect("stats");
    assert_eq!(stats.secrets_scrubbed, 1);
    assert_eq!(feedback.similar("parser", 5).await.expect("found").len(), 1);
}
