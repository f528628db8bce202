use std::time::{Duration, Instant};

use process::{Exit, Launch};

fn sh(script: &str) -> Launch {
    Launch::new("sh")
        .args(["-c", script])
        .env("PATH", "/usr/bin:/bin")
        .deadline(Duration::from_secs(20))
}

#[tokio::test]
async fn question_and_answer() {
    let mut dialog = sh("while read -r line; do echo \"got $line\" >&2; done; exit 3")
        .converse()
        .await
        .expect("sh starts");
    assert!(dialog.pid() > 1);
    for word in ["one", "two"] {
        dialog.say(&format!("{word}\n")).await.expect("it listens");
        let answer = dialog.line().await.expect("an answer");
        assert_eq!(
            answer,
            Some(format!("got {word}")),
            "errors are answers too"
        );
    }
    assert_eq!(dialog.end().await.expect("its end"), Exit::Code(3));
}

#[tokio::test]
async fn the_end_of_its_output_is_no_line() {
    let mut dialog = sh("printf whole; exit 1")
        .converse()
        .await
        .expect("sh starts");
    assert_eq!(
        dialog.line().await.expect("a line"),
        Some("whole".to_owned())
    );
    assert_eq!(dialog.line().await.expect("the end"), None);
    assert_eq!(dialog.end().await.expect("its end"), Exit::Code(1));
}

#[tokio::test]
async fn a_child_that_does_not_end_is_ended() {
    let launch = sh("exec sleep 100").deadline(Duration::from_millis(50));
    let mut dialog = launch.converse().await.expect("sh starts");
    let started = Instant::now();
    dialog.line().await.expect_err("it never answers");
    assert_eq!(dialog.end().await.expect("its end"), Exit::TimedOut);
    assert!(
        started.elapsed() < Duration::from_secs(50),
        "it was not waited for"
    );
}

#[tokio::test]
async fn dropped_it_is_ended() {
    let mut dialog = sh("echo ready; read -r line; echo said")
        .converse()
        .await
        .expect("sh starts");
    assert_eq!(
        dialog.line().await.expect("a line"),
        Some("ready".to_owned())
    );
    let folder = format!("/proc/{}/stat", dialog.pid());
    drop(dialog);
    // A look that comes just as it goes says that there is no such process.
    while std::fs::exists(&folder).unwrap_or(false) {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_missing_program_is_named() {
    let missing = Launch::new("no-such-program").converse().await;
    let error = missing.expect_err("it cannot start");
    assert!(
        matches!(error, process::Error::NotFound { .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_process_is_known_by_id_and_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let inner = folder.path().join("inner");
    std::fs::create_dir(&inner).expect("a folder");
    let mut dialog = sh("sleep 100 & echo $!; wait")
        .folder(&inner)
        .converse()
        .await
        .expect("sh starts");
    let line = dialog.line().await.expect("a line").expect("an id");
    let (pid, start_time) = (dialog.pid(), dialog.start_time());
    assert!(process::is_running(pid, start_time));
    assert!(
        !process::is_running(pid, start_time + 1),
        "a later one with its id"
    );

    let root = folder.path().canonicalize().expect("a path");
    // The name changes from `sh` when the child executes its program.
    let found = loop {
        let found = process::find_at("sleep", &[&root]);
        if !found.is_empty() {
            break found;
        }
        tokio::task::yield_now().await;
    };
    let ids: Vec<_> = found.iter().map(|found| found.pid.to_string()).collect();
    assert_eq!(ids, [line]);
    assert!(
        process::find_at("sh", &[&root]).is_empty(),
        "our own children are no strangers"
    );
    assert!(process::find_at("sleep", &[&root.join("other")]).is_empty());
    drop(dialog);
    while process::is_running(pid, start_time) {
        tokio::task::yield_now().await;
    }
}
