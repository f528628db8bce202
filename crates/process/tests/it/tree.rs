//! Whoever a program starts ends with it.

use std::time::Duration;

use process::{Exit, end_marked, find_marked};

use crate::support::{TREES, WAYS, Way, alive, contained_by, eventually, n_children, n_open_files, run, shell};

/// Ways to leave one's parent, its process group, its session and its environment; `$0` is the mark.
const ESCAPES: [(&str, &str); 5] = [
    ("a background child", "sleep $0 &"),
    ("a session of its own", "setsid sleep $0 &"),
    ("forked twice", "(setsid sh -c 'sleep $0 & sleep $0 & exit' $0 &) &"),
    ("without environment", "env -i setsid sh -c 'trap \"\" TERM HUP INT; sleep $0 & wait' $0 &"),
    ("fifty", "i=0; while [ $i -lt 50 ]; do setsid sleep $0 & i=$((i+1)); done"),
];

#[tokio::test]
async fn nobody_survives_the_program() {
    for (way, decade) in TREES.into_iter().zip([1500, 1510]) {
        for (index, (name, escape)) in ESCAPES.iter().enumerate() {
            let mark = (decade + index).to_string();
            // It goes on when all have started.
            let line = format!("{escape}\nwhile ! grep -qs sleep /proc/[0-9]*/comm; do :; done; exit 9");
            let finished = run(shell(way, &line).arg(&mark).deadline(Duration::from_secs(20))).await;
            assert_eq!(finished.exit, Exit::Code(9), "{way:?}: {name}: {}", finished.stderr.tail(500));
            assert!(contained_by(way, &finished));
            assert_eq!(alive(&mark), 0, "{way:?}: {name}: all are gone when it returns");
        }
    }
}

#[tokio::test]
async fn nobody_survives_the_deadline() {
    for (way, decade) in TREES.into_iter().zip([1520, 1530]) {
        for (index, (name, escape)) in ESCAPES.iter().enumerate() {
            let mark = (decade + index).to_string();
            let line = format!("trap '' TERM; {escape}\nwhile :; do sleep 1; done");
            let launch = shell(way, &line).arg(&mark).grace(Duration::from_millis(50));
            let finished = run(launch.deadline(Duration::from_millis(300))).await;
            assert_eq!(finished.exit, Exit::TimedOut, "{way:?}: {name}");
            assert_eq!(alive(&mark), 0, "{way:?}: {name}: all are gone when it returns");
        }
    }
}

#[tokio::test]
async fn nobody_survives_a_drop() {
    for way in WAYS {
        run(shell(way, "true")).await;
    }
    let before = n_open_files();
    for (way, mark) in WAYS.into_iter().zip(["1541", "1542", "1543"]) {
        let line = if way == Way::Plain { "sleep $0 & sleep $0" } else { "(setsid sleep $0 &) & sleep $0" };
        let started = async { while alive(mark) < 2 + usize::from(way != Way::Plain) { tokio::task::yield_now().await } };
        tokio::select! {
            finished = shell(way, line).arg(mark).run() => panic!("{way:?} ended by itself: {finished:?}"),
            () = started => {}
        }
        eventually("all are ended", || alive(mark) == 0);
    }
    eventually("all are reaped and all descriptors closed", || n_children() == 0 && n_open_files() <= before);
}

#[tokio::test]
async fn the_marked_are_found_and_ended() {
    let mark = std::process::id().to_string();
    let line = "setsid sleep 1551 & setsid env OTHER_MARK=x sleep 1551 & setsid env -u OTHER_MARK sleep 1552 &";
    // What is left behind is what a killed engine would leave.
    let finished = run(shell(Way::Plain, line).env("OTHER_MARK", &mark)).await;
    assert!(finished.exit.is_success());
    eventually("all have started", || alive("1551") == 2 && alive("1552") == 1);
    let found = find_marked("OTHER_MARK", &mark);
    assert_eq!(found.len(), 1, "whole values of whole names only: {found:?}");
    assert_eq!(found[0].command, "sleep 1551");
    assert_eq!(end_marked("OTHER_MARK", &mark).await, found);
    assert_eq!(end_marked("OTHER_MARK", "x").await.len(), 1);
    assert_eq!(end_marked("PATH", "/usr/local/bin:/usr/bin:/bin").await.len(), 1, "the unmarked one");
    assert_eq!((alive("1551"), alive("1552")), (0, 0));
}
