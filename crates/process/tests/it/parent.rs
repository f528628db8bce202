//! When our process is killed. The test binary is started once more as the process to be killed.

use std::time::Duration;

use process::{Containment, Launch};

use crate::support::{Way, alive, eventually, shell};

/// Set in the process that is to be killed: which way, and the mark of its `sleep`s.
const ROLE: &str = "PROCESS_TEST_PARENT";

#[test]
fn a_killed_parent_takes_its_children_along() {
    if let Ok(role) = std::env::var(ROLE) {
        return be_the_parent(&role);
    }
    for (way, mark, n_processes, escape) in [
        ("plain", "1601", 1, ""),
        ("tree", "1602", 4, "(setsid sleep $0 &) & sleep $0 &"),
        // Who leaves the process group is found by the mark at resume, see `find_marked`.
        ("fallback", "1603", 3, "(sleep $0 &) &"),
    ] {
        let me = std::env::current_exe().expect("the test binary");
        let kept = std::env::var_os("PATH").unwrap_or_default();
        let test = "parent::a_killed_parent_takes_its_children_along";
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        runtime.block_on(async {
            let parent = Launch::new(me).args(["--exact", test]).env("PATH", kept).env(ROLE, format!("{way} {mark} {escape}"));
            let started = async { while alive(mark) < n_processes { tokio::task::yield_now().await } };
            tokio::select! {
                finished = parent.run() => panic!("{way}: the parent ended by itself: {finished:?}"),
                // Dropping `parent` sends SIGKILL to its process group, which its children are not in.
                () = started => {}
            }
        });
        eventually("the children of a killed parent are ended", || {
            alive(mark) == 0
        });
    }
}

fn be_the_parent(role: &str) {
    let mut words = role.splitn(3, ' ');
    let (way, mark, escape) = (
        words.next(),
        words.next().unwrap_or_default(),
        words.next().unwrap_or_default(),
    );
    let launch = match way {
        Some("plain") => Launch::new("sleep")
            .env("PATH", "/usr/bin:/bin")
            .arg(mark)
            .containment(Containment::None),
        Some("tree") => shell(Way::Tree, &format!("{escape} sleep $0")).arg(mark),
        _ => shell(Way::Fallback, &format!("{escape} sleep $0")).arg(mark),
    };
    // From a thread that ends first: the parent-death signal follows threads, and must not come for this one's end.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    let running = runtime.block_on(async { launch.deadline(Duration::from_secs(60)).run().await });
    drop(running);
}
