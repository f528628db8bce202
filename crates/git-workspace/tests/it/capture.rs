use std::{ffi::OsStr, fs, os::unix::ffi::OsStrExt};

use core_types::{Capture, CommitId, Repository, TreeId, Workspace};
use git_workspace::GitRepository;

use crate::support::{Home, base, committed, sh, try_sh};

async fn leased(home: &Home) -> (GitRepository, CommitId, Box<dyn Workspace>) {
    let repository = home.open().await;
    let commit = base(&repository).await;
    let clone = repository.lease(&commit).await.expect("a lease");
    (repository, commit, clone)
}

/// What git says was captured after `script`: status letter and path of each file.
async fn check_capture(script: &str, expected: &[&str]) {
    let home = Home::new().await;
    let (repository, commit, clone) = leased(&home).await;
    sh(clone.folder(), script).await;
    let captured = clone.commit(None, "change").await.expect("a capture");
    let Capture::Committed {
        commit: made,
        files,
    } = captured
    else {
        panic!("`{script}` should be captured, got {captured:?}");
    };
    let named: Vec<_> = files
        .iter()
        .map(|file| format!("{} {}", file.status, file.path))
        .collect();
    assert_eq!(named, expected, "after `{script}`");
    // A new clone of the commit holds what the folder held.
    let fresh = home.path("fresh");
    repository.clone_to(&made, &fresh).await.expect("a clone");
    assert_eq!(
        crate::support::everything(&fresh),
        crate::support::everything(clone.folder())
    );
    assert_eq!(
        repository
            .diff(&commit, &made, 1000)
            .await
            .expect("a diff")
            .files,
        files
    );
}

#[tokio::test]
async fn changes_of_every_kind_are_captured() {
    check_capture(
        "echo two >> a.txt; echo n > new; rm src/lib.txt run.sh; rmdir src",
        &["M a.txt", "A new", "D run.sh", "D src/lib.txt"],
    )
    .await;
    check_capture("chmod -x run.sh; chmod +x a.txt", &["M a.txt", "M run.sh"]).await;
    check_capture(
        "rm a.txt; ln -s /etc/passwd a.txt; rm -r src; ln -s /etc src",
        &["T a.txt", "A src", "D src/lib.txt"],
    )
    .await;
    check_capture(
        "rm a.txt; mkdir a.txt; echo x > a.txt/x",
        &["D a.txt", "A a.txt/x"],
    )
    .await;
}

#[tokio::test]
async fn odd_names_are_names() {
    let script = "echo x > -x; echo x > --upload-pack=x; echo x > ':(top)x'; mkdir -- -d; echo x > -d/'a\nb'; echo x > '*'";
    check_capture(
        script,
        &["A *", "A --upload-pack=x", "A -d/a\nb", "A -x", "A :(top)x"],
    )
    .await;
    let home = Home::new().await;
    let (_repository, _, clone) = leased(&home).await;
    fs::File::create(clone.folder().join(OsStr::from_bytes(b"\xff\xfe"))).unwrap();
    let Capture::Committed { files, .. } = clone.commit(None, "m").await.unwrap() else {
        panic!("a name that is not UTF-8 is captured");
    };
    assert_eq!(files[0].path, "\u{fffd}\u{fffd}");
}

#[tokio::test]
async fn the_holders_own_commits_and_staging_change_nothing() {
    check_capture("echo two >> a.txt; git add a.txt; git commit -q -m own; echo n > new; git add new; rm new; git checkout -q --detach", &["M a.txt"]).await;
    check_capture("echo two >> a.txt; rm -rf .git", &["M a.txt"]).await;
}

#[tokio::test]
async fn nothing_changed_is_unchanged() {
    for script in [
        "true",
        "touch a.txt",
        "echo x > .git/x",
        "mkdir empty",
        "mkfifo pipe",
        "rm a.txt; echo one > a.txt",
    ] {
        let home = Home::new().await;
        let (_repository, _, clone) = leased(&home).await;
        sh(clone.folder(), script).await;
        assert_eq!(
            clone.commit(None, "m").await.unwrap(),
            Capture::Unchanged,
            "after `{script}`"
        );
    }
}

#[tokio::test]
async fn a_commit_is_signed_by_us_on_the_leased_commit() {
    let home = Home::new().await;
    let (repository, commit, clone) = leased(&home).await;
    sh(clone.folder(), "echo two >> a.txt").await;
    let made = match clone
        .commit(None, "Subject\n\nBody \u{1F980}\0\n")
        .await
        .unwrap()
    {
        Capture::Committed { commit, .. } => commit,
        other => panic!("expected a commit, got {other:?}"),
    };
    let shown = sh(
        repository.mirror_folder(),
        &format!("git show -s --format='%P|%an <%ae>|%cn|%B' {made}"),
    )
    .await;
    assert_eq!(
        shown,
        format!("{commit}|automation <automation@localhost>|automation|Subject\n\nBody \u{1F980}")
    );
}

#[tokio::test]
async fn later_captures_see_later_changes() {
    let home = Home::new().await;
    let (repository, _, clone) = leased(&home).await;
    sh(clone.folder(), "echo two >> a.txt").await;
    let first = committed(clone.as_ref()).await;
    sh(clone.folder(), "echo n > new").await;
    let second = committed(clone.as_ref()).await;
    let files = repository.diff(&first, &second, 100).await.unwrap().files;
    assert_eq!(files.len(), 1);
    sh(clone.folder(), "rm new; echo one > a.txt").await;
    assert_eq!(clone.commit(None, "m").await.unwrap(), Capture::Unchanged);
}

/// What setup made stays out; what came after goes in.
async fn check_since(setup: &str, script: &str, expected: &[&str]) {
    let home = Home::new().await;
    home.sh("cd user && echo ignored/ > .gitignore && git add -A && git commit -q -m ignore")
        .await;
    let (repository, commit, clone) = leased(&home).await;
    sh(clone.folder(), setup).await;
    let since: TreeId = clone.snapshot().await.expect("a snapshot");
    sh(clone.folder(), script).await;
    let named: Vec<_> = match clone.commit(Some(&since), "m").await.expect("a capture") {
        Capture::Unchanged => Vec::new(),
        Capture::Committed {
            commit: made,
            files,
        } => {
            assert_eq!(
                repository
                    .diff(&commit, &made, 100)
                    .await
                    .expect("a diff")
                    .files,
                files
            );
            files
                .iter()
                .map(|file| format!("{} {}", file.status, file.path))
                .collect()
        }
        other @ Capture::Nested { .. } => panic!("nothing is nested: {other:?}"),
    };
    assert_eq!(named, expected, "`{setup}`, then `{script}`");
}

#[tokio::test]
async fn what_setup_made_is_not_captured() {
    check_since(
        "echo lock > lock; echo x >> a.txt",
        "echo y >> src/lib.txt",
        &["M src/lib.txt"],
    )
    .await;
    check_since(
        "echo lock > lock; mkdir ignored; echo x > ignored/x",
        "true",
        &[],
    )
    .await;
    check_since("true", "echo n > new; rm a.txt", &["D a.txt", "A new"]).await;
    // What both touched is taken as it is now.
    check_since("echo lock > lock", "echo more >> lock", &["A lock"]).await;
    check_since(
        "rm a.txt",
        "mkdir a.txt; echo x > a.txt/x",
        &["D a.txt", "A a.txt/x"],
    )
    .await;
    check_since("rm a.txt", "echo one > a.txt", &[]).await;
    check_since("echo x > f", "rm f; mkdir f; echo x > f/g", &["A f/g"]).await;
    check_since("rm -r src; echo file > src", "echo n > new", &["A new"]).await;
}

/// Which folders are named after `script`; an unchanged or captured clone names none.
async fn check_nested(script: &str, expected: &[&str]) {
    let home = Home::new().await;
    home.sh("cd user && printf 'build/\\n/vendor\\n' > .gitignore && git add -A && git commit -q -m ignore").await;
    let (_repository, _, clone) = leased(&home).await;
    sh(clone.folder(), script).await;
    clone.snapshot().await.expect("a snapshot");
    match clone.commit(None, "m").await.expect("a capture") {
        Capture::Nested { folders } => assert_eq!(folders, expected, "after `{script}`"),
        _ => assert!(expected.is_empty(), "`{script}` should name {expected:?}"),
    }
}

#[tokio::test]
async fn repositories_inside_the_clone_are_named() {
    let one = "git init -q nested && git -C nested commit -q --allow-empty -m x";
    check_nested(one, &["nested"]).await;
    check_nested(
        "git init -q unborn; git init -q b/c/d; echo x > new",
        &["b/c/d", "unborn"],
    )
    .await;
    check_nested("git init -q src; echo x > src/x", &["src"]).await;
    check_nested("mkdir w; echo 'gitdir: /nowhere' > w/.git", &["w"]).await;
    check_nested("mkdir l; ln -s ../.git l/.git", &["l"]).await;
    check_nested(
        "git init -q -- -x; git init -q ':(top)y'; git init -q '*'",
        &["*", "-x", ":(top)y"],
    )
    .await;
    check_nested("git clone -q . copy", &["copy"]).await;
}

#[tokio::test]
async fn repositories_in_ignored_folders_do_not_count() {
    check_nested(
        "git init -q build/dep; git init -q vendor; git init -q a/build",
        &[],
    )
    .await;
    check_nested(
        "git init -q build/dep; git init -q other; echo other >> .git/info/exclude || :",
        &["other"],
    )
    .await;
}

#[tokio::test]
async fn a_populated_submodule_is_not_the_holders_repository() {
    let home = Home::new().await;
    home.sh(
        "git init -q lib && git -C lib commit -q --allow-empty -m x && cd user
         git -c protocol.file.allow=always submodule --quiet add ../lib sub && git commit -q -m sub",
    )
    .await;
    let (_repository, _, clone) = leased(&home).await;
    sh(
        clone.folder(),
        "git init -q sub && git -C sub commit -q --allow-empty -m moved",
    )
    .await;
    assert_eq!(
        clone.commit(None, "m").await.unwrap(),
        Capture::Unchanged,
        "its commit is not taken"
    );
    sh(clone.folder(), "echo two >> a.txt").await;
    let Capture::Committed { files, .. } = clone.commit(None, "m").await.unwrap() else {
        panic!("the file is taken");
    };
    assert_eq!(files.len(), 1);
}

#[tokio::test]
async fn what_git_cannot_record_is_an_error_that_says_so() {
    let home = Home::new().await;
    let (_repository, _, clone) = leased(&home).await;
    sh(clone.folder(), "mkdir .GIT; echo x > .GIT/config").await;
    let error = clone.commit(None, "m").await.unwrap_err();
    assert_eq!(error.class(), core_types::ErrorClass::Validation);
    assert!(error.to_line().contains(".GIT"), "{}", error.to_line());
    let (exit, _) = try_sh(clone.folder(), "rm -r .GIT").await;
    assert!(exit.is_success());
    assert_eq!(
        clone.commit(None, "m").await.unwrap(),
        Capture::Unchanged,
        "and it can be mended"
    );
}
