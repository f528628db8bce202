//! Whoever a program starts ends with it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use core_types::CancellationToken;
use process::{Error, Exit, Launch, end_marked, find_marked};

use crate::support::{
    TREES, WAYS, Way, alive, alone, cancel_when, contained_by, eventually, n_children,
    n_open_files, run, shell, write,
};

/// Ways to leave one's parent, its process group, its session and its environment, and how many do.
/// `./stay $0` tells that it is there and sleeps; `$0` is the mark.
const ESCAPES: [(&str, usize, &str); 5] = [
    ("a background child", 1, "./stay $0 &"),
    ("a session of its own", 1, "setsid ./stay $0 &"),
    (
        "forked twice",
        2,
        "(setsid sh -c './stay $0 & ./stay $0 & exit' $0 &) &",
    ),
    (
        "without environment",
        1,
        "env -i setsid sh -c 'trap \"\" TERM HUP INT; ./stay $0 & wait' $0 &",
    ),
    (
        "fifty",
        50,
        "i=0; while [ $i -lt 50 ]; do setsid ./stay $0 & i=$((i+1)); done",
    ),
];

/// A program that escapes by each of the ways and, when all are there, goes on with `then`.
fn escaping(way: Way, index: usize, mark: &str, then: &str) -> (tempfile::TempDir, Launch) {
    let (_, n_escaped, escape) = ESCAPES[index];
    let folder = tempfile::tempdir().expect("a temporary folder");
    let stay = folder.path().join("stay");
    write(&stay, "#!/bin/sh\necho >&3\nexec 3>&- /bin/sleep \"$1\"\n");
    fs::set_permissions(&stay, fs::Permissions::from_mode(0o700)).expect("ours");
    let await_all =
        format!("n=0; while [ $n -lt {n_escaped} ]; do read nothing <&3; n=$((n+1)); done");
    // Opened for both, so that neither side waits for the other to open it or sees its end.
    let line = format!("mkfifo up; exec 3<>up\n{escape}\n{await_all}; {then}");
    let launch = shell(way, &line).arg(mark).folder(folder.path());
    (folder, launch)
}

#[tokio::test]
async fn nobody_survives_the_program() {
    for (way, decade) in TREES.into_iter().zip([1500, 1510]) {
        for (index, (name, ..)) in ESCAPES.iter().enumerate() {
            let mark = (decade + index).to_string();
            let (_folder, launch) = escaping(way, index, &mark, "exit 9");
            let finished = run(launch.deadline(Duration::from_secs(20))).await;
            assert_eq!(
                finished.exit,
                Exit::Code(9),
                "{way:?}: {name}: {}",
                finished.stderr.tail(500)
            );
            assert!(contained_by(way, &finished));
            assert_eq!(
                alive(&mark),
                0,
                "{way:?}: {name}: all are gone when it returns"
            );
        }
    }
}

#[tokio::test]
async fn nobody_survives_cancelling() {
    for (way, decade) in TREES.into_iter().zip([1520, 1530]) {
        for (index, (name, ..)) in ESCAPES.iter().enumerate() {
            let mark = (decade + index).to_string();
            let then = "trap '' TERM; touch all; while :; do sleep 1; done";
            let (folder, launch) = escaping(way, index, &mark, then);
            let cancel = CancellationToken::new();
            let launch = launch
                .grace(Duration::from_millis(50))
                .cancelled_by(cancel.clone());
            let all = folder.path().join("all");
            let (result, ()) = tokio::join!(launch.run(), cancel_when(&cancel, || all.exists()));
            assert!(
                matches!(result, Err(Error::Cancelled { .. })),
                "{way:?}: {name}: {result:?}"
            );
            assert_eq!(
                alive(&mark),
                0,
                "{way:?}: {name}: all are gone when it returns"
            );
        }
    }
}

#[test]
fn nobody_survives_a_drop() {
    alone("tree::nobody_survives_a_drop", async || {
        for way in WAYS {
            run(shell(way, "true")).await;
        }
        let before = n_open_files();
        for (way, mark) in WAYS.into_iter().zip(["1541", "1542", "1543"]) {
            let line = if way == Way::Plain {
                "sleep $0 & sleep $0"
            } else {
                "(setsid sleep $0 &) & sleep $0"
            };
            let started = async {
                while alive(mark) < 2 + usize::from(way != Way::Plain) {
                    tokio::task::yield_now().await
                }
            };
            tokio::select! {
                finished = shell(way, line).arg(mark).run() => panic!("{way:?} ended by itself: {finished:?}"),
                () = started => {}
            }
            eventually("all are ended", || alive(mark) == 0);
        }
        eventually("all are reaped and all descriptors closed", || {
            n_children() == 0 && n_open_files() <= before
        });
    });
}

#[tokio::test]
async fn the_marked_are_found_and_ended() {
    let mark = std::process::id().to_string();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let line = "mkfifo up; exec 3<>up; stay='echo >&3; exec sleep $0'
        setsid sh -c \"$stay\" 1551 & setsid env MARK=$MARK.1 sh -c \"$stay\" 1552 & setsid env -u MARK sh -c \"$stay\" 1553 &
        for each in 1 2 3; do read nothing <&3; done";
    // What is left behind is what a killed engine would leave.
    let finished = run(shell(Way::Plain, line)
        .env("MARK", &mark)
        .env("OTHER", &mark)
        .folder(folder.path()))
    .await;
    assert!(finished.exit.is_success(), "{}", finished.stderr.tail(500));
    eventually("all have become a sleep", || {
        ["1551", "1552", "1553"].iter().all(|mark| alive(mark) == 1)
    });
    let found = find_marked("MARK", &mark);
    assert_eq!(
        found.len(),
        1,
        "whole values of whole names only: {found:?}"
    );
    assert_eq!(found[0].command, "sleep 1551");
    assert_eq!(end_marked("MARK", &mark).await, found);
    assert_eq!(end_marked("MARK", &format!("{mark}.1")).await.len(), 1);
    assert_eq!(
        end_marked("OTHER", &mark).await.len(),
        1,
        "the third is left"
    );
    assert!(
        ["1551", "1552", "1553"].iter().all(|mark| alive(mark) == 0),
        "all are ended"
    );
    let path = std::env::var("PATH").expect("the test has one");
    assert!(
        find_marked("PATH", &path)
            .iter()
            .all(|found| found.pid != std::process::id().cast_signed()),
        "never itself"
    );
}
