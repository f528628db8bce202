//! Checkouts whose git directory is not in them.

use core_types::{
    Blocked,
    CheckoutPolicy::{Leave, Update},
    Landed, Repository,
};

use crate::support::{Home, base, branch, change, landing};

/// Lands in the checkout at `source`, which is at `main` and clean.
async fn check_landed(home: &Home, source: &str) {
    let repository = home.open_at(source).await;
    let base = base(&repository).await;
    let commit = change(&repository, &base, "echo x > x").await;
    let published = branch("automation/run-1/change");
    repository
        .publish(&published, &commit)
        .await
        .expect("published");
    let landed = repository
        .land(&landing(&base, &commit, Leave))
        .await
        .expect("an outcome");
    let folder = home
        .path(source)
        .canonicalize()
        .expect("a folder")
        .display()
        .to_string();
    let hint = format!("git -C {folder} merge --ff-only automation/run-1/change");
    let blocked = Blocked::CheckedOut { folder };
    assert_eq!(landed, Landed::Blocked { blocked, hint });
    let landed = repository
        .land(&landing(&base, &commit, Update))
        .await
        .expect("an outcome");
    assert_eq!(landed, Landed::Moved);
    let state = home
        .sh(&format!(
            "cd {source} && cat x && git status --porcelain && git rev-parse main"
        ))
        .await;
    assert_eq!(state, format!("x\n{commit}"));
}

#[tokio::test]
async fn a_git_directory_elsewhere_is_landed_in() {
    let home = Home::empty();
    home.sh("git init -q -b main --separate-git-dir elsewhere.git user && cd user && git commit -q --allow-empty -m first")
        .await;
    check_landed(&home, "user").await;
}

#[tokio::test]
async fn a_submodules_own_checkout_is_landed_in() {
    let home = Home::new().await;
    home.sh(
        "git init -q -b main super && cd super
         git -c protocol.file.allow=always submodule --quiet add ../user sub && git commit -q -m sub",
    )
    .await;
    check_landed(&home, "super/sub").await;
    // A checkout linked to it knows the way as well.
    home.sh("git -C super/sub worktree add -q -b linked ../../linked")
        .await;
    let repository = home.open_at("linked").await;
    let base = base(&repository).await;
    let next = change(&repository, &base, "echo y > y").await;
    let landed = repository
        .land(&landing(&base, &next, Update))
        .await
        .expect("an outcome");
    assert_eq!(landed, Landed::Moved);
    assert_eq!(
        home.sh("cd super/sub && cat y && git status --porcelain")
            .await,
        "y"
    );
}

/// From a linked checkout nothing leads to the main one.
#[tokio::test]
async fn a_checkout_that_cannot_be_found_is_left_to_the_person() {
    let home = Home::empty();
    home.sh("git init -q -b main --separate-git-dir elsewhere.git user && cd user && git commit -q --allow-empty -m first && git worktree add -q -b linked ../linked")
        .await;
    let repository = home.open_at("linked").await;
    let base = base(&repository).await;
    let commit = change(&repository, &base, "echo x > x").await;
    let landed = repository
        .land(&landing(&base, &commit, Update))
        .await
        .expect("an outcome");
    let Landed::Blocked {
        blocked: Blocked::CheckedOut { folder },
        hint,
    } = landed
    else {
        panic!("it is left: {landed:?}");
    };
    assert!(folder.ends_with("/elsewhere.git"), "{folder}");
    assert!(
        hint.ends_with(&format!("run: git merge --ff-only {commit}")),
        "{hint}"
    );
    assert_eq!(home.sh("git -C user rev-parse main").await, base.as_str());
}
