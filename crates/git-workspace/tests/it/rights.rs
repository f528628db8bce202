//! Clones in which the holder left what may not be read.
//!
//! The rights of files do not bind the superuser: where the tests run as such, each runs again without that power.

use core_types::{Capture, ErrorClass, Repository};
use process::Launch;

use crate::support::{Home, base, sh};

/// Whether rights bind this process. Where not, the test `name` has run in one that they do bind.
#[expect(clippy::print_stderr, reason = "a skipped test says so aloud")]
async fn rights_bind(name: &str) -> bool {
    let home = Home::empty();
    home.sh("mkdir closed && chmod 0 closed").await;
    if std::fs::read_dir(home.path("closed")).is_err() {
        return true;
    }
    let power = "-dac_override,-dac_read_search";
    let launched = Launch::new("setpriv")
        .args([
            format!("--bounding-set={power}"),
            format!("--inh-caps={power}"),
        ])
        .arg(std::env::current_exe().expect("this binary"))
        .args(["--exact", &format!("rights::{name}"), "--nocapture"])
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .run()
        .await;
    match launched {
        Ok(finished) => {
            let output = finished.stdout.tail(4000) + &finished.stderr.tail(4000);
            assert!(
                finished.exit.is_success(),
                "it holds for other users: {output}"
            );
            assert!(output.contains("1 passed"), "it ran: {output}");
        }
        Err(error) => {
            eprintln!("SKIPPED {name}: rights do not bind the superuser, and setpriv: {error}")
        }
    }
    false
}

/// What a capture says after `script`, in a repository that ignores `cache/`.
async fn check_capture(script: &str, expected: Result<&[&str], &str>) {
    let home = Home::new().await;
    home.sh("cd user && echo cache/ > .gitignore && git add -A && git commit -q -m ignore")
        .await;
    let repository = home.open().await;
    let commit = base(&repository).await;
    let clone = repository.lease(&commit).await.expect("a lease");
    sh(clone.folder(), script).await;
    match (clone.commit(None, "m").await, expected) {
        (Ok(Capture::Committed { files, .. }), Ok(expected)) => {
            let paths: Vec<_> = files.iter().map(|file| file.path.as_str()).collect();
            assert_eq!(paths, expected, "after `{script}`");
        }
        (Err(error), Err(expected)) => {
            assert_eq!(
                error.class(),
                ErrorClass::Validation,
                "the work is at fault, not the disk"
            );
            assert!(
                error.to_line().contains(expected),
                "after `{script}`: {}",
                error.to_line()
            );
        }
        (found, _) => panic!("after `{script}`: {found:?}"),
    }
    let snapshot = clone.snapshot().await;
    assert_eq!(snapshot.is_ok(), expected.is_ok());
    // The next holder meets nothing of it.
    drop(clone);
    let clone = repository.lease(&commit).await.expect("a lease");
    let names = sh(
        clone.folder(),
        "ls -A && cat src/lib.txt && git status --porcelain --ignored",
    )
    .await;
    assert_eq!(names, ".git\n.gitignore\na.txt\nrun.sh\nsrc\nlib");
}

#[tokio::test]
async fn what_may_not_be_read_fails_the_attempt_by_name() {
    if rights_bind("what_may_not_be_read_fails_the_attempt_by_name").await {
        for (script, name) in [
            ("mkdir d && chmod 0 d", "the folder d"),
            (
                "mkdir -p d/e && echo x > d/e/x && chmod 0 d/e",
                "the folder d/e",
            ),
            ("chmod 0 src", "the folder src"),
            ("echo y > src/lib.txt && chmod 0444 src", "the folder src"),
            ("echo x > f && chmod 0 f", "\"f\""),
        ] {
            check_capture(script, Err(name)).await;
        }
    }
}

#[tokio::test]
async fn what_is_ignored_need_not_be_read() {
    if rights_bind("what_is_ignored_need_not_be_read").await {
        let script = "mkdir -p cache/d src/cache && chmod 0 cache/d src/cache && chmod 0 cache && echo x > x";
        check_capture(script, Ok(&["x"])).await;
    }
}
