//! How a program ended, and by its deadline.

use std::time::{Duration, Instant};

use core_types::CancellationToken;
use process::{Error, Exit, end_marked};

use crate::support::{TREES, WAYS, Way, alive, cancel_when, contained_by, eventually, run, shell};

#[tokio::test]
async fn code_and_signal_come_through() {
    for way in WAYS {
        for (line, expected) in [
            ("exit 0", Exit::Code(0)),
            ("exit 7", Exit::Code(7)),
            ("exit 255", Exit::Code(255)),
            ("kill -TERM $$", Exit::Signal(libc::SIGTERM)),
            ("kill -SEGV $$", Exit::Signal(libc::SIGSEGV)),
            ("kill -KILL $$", Exit::Signal(libc::SIGKILL)),
        ] {
            let finished = run(shell(way, line)).await;
            assert_eq!(finished.exit, expected, "{way:?}: {line}");
            assert!(
                contained_by(way, &finished),
                "{way:?} says {:?}",
                finished.contained_by
            );
        }
    }
}

#[tokio::test]
async fn runs_in_its_folder_with_its_input() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for way in WAYS {
        let launch = shell(way, "pwd -P; cat; read nothing || echo end")
            .folder(folder.path())
            .stdin("some input\n");
        let finished = run(launch).await;
        let expected = format!(
            "{}\nsome input\nend\n",
            folder.path().canonicalize().expect("exists").display()
        );
        assert_eq!(
            String::from_utf8_lossy(&finished.stdout.bytes),
            expected,
            "{way:?}"
        );
    }
}

#[tokio::test]
async fn signals_have_their_default_effect() {
    for way in WAYS {
        // Of a shell that ignores SIGPIPE or has it blocked, `yes` would go on with an error.
        let finished = run(shell(way, "grep -E 'Sig(Blk|Ign)' /proc/self/status")).await;
        let text = String::from_utf8_lossy(&finished.stdout.bytes).replace(['\t', ' '], "");
        assert_eq!(
            text, "SigBlk:0000000000000000\nSigIgn:0000000000000000\n",
            "{way:?}"
        );
    }
}

#[tokio::test]
async fn a_deadline_asks_first() {
    for way in WAYS {
        let line = "trap 'echo asked; exit 0' TERM; echo ready; while :; do sleep 0.01; done";
        let finished = run(shell(way, line).deadline(Duration::from_secs(1))).await;
        assert_eq!(finished.exit, Exit::TimedOut, "{way:?}");
        assert_eq!(finished.stdout.bytes, b"ready\nasked\n", "{way:?}");
        assert!(
            finished.duration < Duration::from_secs(4),
            "{way:?} does not wait out the grace period"
        );
    }
}

#[tokio::test]
async fn a_deadline_ends_who_ignores_it() {
    for (way, mark) in WAYS.into_iter().zip(["1411", "1412", "1413"]) {
        let line = format!("trap '' TERM; sleep {mark} & sleep {mark}; sleep {mark}");
        let started = Instant::now();
        let launch = shell(way, &line)
            .deadline(Duration::from_millis(600))
            .grace(Duration::from_millis(200));
        let finished = run(launch).await;
        assert_eq!(finished.exit, Exit::TimedOut, "{way:?}");
        assert!(
            finished.duration >= Duration::from_millis(800),
            "{way:?} gives the grace period"
        );
        assert!(
            started.elapsed() < Duration::from_secs(10),
            "{way:?} is ended"
        );
        eventually("its process group is ended with it", || alive(mark) == 0);
    }
}

#[tokio::test]
async fn cancelling_asks_first() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for way in WAYS {
        let cancel = CancellationToken::new();
        let [ready, asked] =
            ["ready", "asked"].map(|name| folder.path().join(format!("{way:?}-{name}")));
        let line = "trap 'touch \"$1\"; exit 0' TERM; touch \"$0\"; while :; do sleep 0.01; done";
        let launch = shell(way, line)
            .arg(&ready)
            .arg(&asked)
            .cancelled_by(cancel.clone());
        let (result, ()) = tokio::join!(launch.run(), cancel_when(&cancel, || ready.exists()));
        assert!(
            matches!(result, Err(Error::Cancelled { .. })),
            "{way:?}: {result:?}"
        );
        assert!(asked.exists(), "{way:?} could tidy up");
    }
}

#[tokio::test]
async fn who_holds_the_output_is_not_waited_for() {
    for (way, mark) in WAYS.into_iter().zip(["1421", "1422", "1423"]) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let line =
            "mkfifo up; setsid sh -c 'echo >up; exec sleep $0' $0 & read nothing <up; echo done";
        let started = Instant::now();
        let finished = run(shell(way, line)
            .arg(mark)
            .folder(folder.path())
            .env("HOLDS_OUTPUT", mark))
        .await;
        assert_eq!(finished.stdout.bytes, b"done\n", "{way:?}");
        assert!(
            started.elapsed() < Duration::from_secs(10),
            "{way:?} ends with its program"
        );
        // The plain way is documented to leave who left the process group.
        let n_left = end_marked("HOLDS_OUTPUT", mark).await.len();
        assert_eq!(
            n_left,
            usize::from(way == Way::Plain),
            "{way:?} leaves whom it says"
        );
    }
}

#[tokio::test]
async fn a_held_program_runs_only_when_told() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for way in TREES {
        let flag = folder.path().join(format!("{way:?}"));
        let touch = || shell(way, "touch \"$0\"").arg(&flag);
        let held = touch().hold().await.expect("it can be held");
        assert!(
            held.pid() > 0 && held.start_time() > 0,
            "a held tree has an identity"
        );
        drop(held);
        assert!(!flag.exists(), "{way:?} dropped has not run");
        let held = touch().hold().await.expect("it can be held");
        assert!(held.run().await.expect("it runs").exit.is_success());
        assert!(flag.exists(), "{way:?} told has run");
    }
}
