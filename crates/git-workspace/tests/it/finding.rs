use core_types::{ErrorClass, Repository};
use git_workspace::{Error, Head, discover, find_repositories};

use crate::support::{Home, base, branch, git, sh};

#[tokio::test]
async fn the_enclosing_repository_is_found() {
    let home = Home::new().await;
    let found = discover(&git(), &home.path("user/src")).await.unwrap();
    let user = home.user().canonicalize().unwrap();
    assert_eq!(
        (&found.root, &found.git_folder),
        (&user, &user.join(".git"))
    );
    assert_eq!(found.default_branch(), Some(&branch("main")));
    assert!(!found.is_bare);

    home.sh("cd user && git worktree add -q ../linked -b side && git checkout -q --detach")
        .await;
    let linked = discover(&git(), &home.path("linked")).await.unwrap();
    assert_eq!(
        linked.git_folder, found.git_folder,
        "linked checkouts share it"
    );
    assert_eq!(linked.head, Head::Branch(branch("side")));
    let found = discover(&git(), &home.user()).await.unwrap();
    assert!(matches!(found.head, Head::Detached(_)) && found.default_branch().is_none());

    home.sh("git clone -q --bare user bare.git").await;
    let bare = discover(&git(), &home.path("bare.git")).await.unwrap();
    assert!(bare.is_bare);
}

#[tokio::test]
async fn what_is_no_repository_says_so() {
    let home = Home::new().await;
    std::fs::create_dir(home.path("plain")).unwrap();
    for folder in ["plain", "user/.git", "user/a.txt"] {
        let error = discover(&git(), &home.path(folder)).await.unwrap_err();
        assert!(matches!(error, Error::NotARepository { .. }), "{error}");
        assert_eq!(error.class(), ErrorClass::Validation);
    }
    let error = discover(&git(), &home.path("absent")).await.unwrap_err();
    assert!(error.to_string().contains("absent"), "{error}");
    assert_eq!(error.class(), ErrorClass::NotFound);
}

#[tokio::test]
async fn a_branch_that_cannot_be_fetched_is_explained() {
    let home = Home::empty();
    home.sh("git init -q -b main user").await;
    let repository = home.open().await;
    let error = repository.fetch(&branch("main")).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Validation);
    assert!(
        error.to_line().contains("no commit yet"),
        "{}",
        error.to_line()
    );
    assert_eq!(repository.warnings().await.unwrap(), Vec::<String>::new());

    home.sh("cd user && git commit -q --allow-empty -m x && git branch other")
        .await;
    let error = repository.fetch(&branch("absent")).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::NotFound);
    assert!(
        error.to_line().contains("it has main, other"),
        "{}",
        error.to_line()
    );
    base(&repository).await;

    home.sh("rm -rf user").await;
    let error = repository.fetch(&branch("main")).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Validation, "{}", error.to_line());
}

#[tokio::test]
async fn a_branch_may_take_the_place_of_another() {
    let home = Home::new().await;
    home.sh("git -C user branch side").await;
    let repository = home.open().await;
    let first = repository.fetch(&branch("side")).await.unwrap();
    home.sh("cd user && git branch -q -D side && git checkout -q -b side/way && git commit -q --amend -m amended").await;
    let second = repository.fetch(&branch("side/way")).await.unwrap();
    assert_ne!(first, second);
    repository.lease(&first).await.unwrap();
}

#[tokio::test]
async fn repositories_of_other_kinds_are_fetched() {
    let home = Home::new().await;
    home.sh("cd user && git commit -q --allow-empty -m second && cd ..
         git clone -q --depth 1 file://$PWD/user shallow
         git init -q -b main --object-format=sha256 long && git -C long commit -q --allow-empty -m x
         git clone -q --bare user 'odd name;$(touch x)'")
        .await;
    for name in ["shallow", "long", "odd name;$(touch x)"] {
        let places = git_workspace::Places {
            mirrors: home.path(&format!("{name}-mirrors")),
            workspaces: home.path(&format!("{name}-workspaces")),
        };
        let repository = crate::support::open(&home.path(name), &places).await;
        let commit = base(&repository).await;
        let clone = repository.lease(&commit).await.unwrap();
        assert_eq!(
            sh(
                clone.folder(),
                "git log -1 --format=%H; git status --porcelain"
            )
            .await,
            commit.as_str()
        );
        drop(clone);
        let made = crate::support::change(&repository, &commit, "echo x > x").await;
        repository
            .publish(&branch("automation/r/change"), &made)
            .await
            .unwrap();
        let published = sh(
            &home.path(name),
            "git rev-parse automation/r/change; git fsck 2>&1",
        )
        .await;
        assert!(published.starts_with(made.as_str()), "{published}");
    }
    assert!(!home.path("x").exists(), "a path is no script");
}

#[tokio::test]
async fn repositories_below_a_folder_are_found() {
    let home = Home::new().await;
    home.sh("mkdir -p a/b/c plain .hidden && git init -q a/b/c/deep && git init -q a/one && git init -q .hidden/x
             git init -q --bare bare.git && git init -q user/inner && ln -s user link").await;
    let found = find_repositories(home.folder.path(), 2).await.unwrap();
    let names: Vec<_> = found
        .iter()
        .map(|path| {
            path.strip_prefix(home.folder.path())
                .unwrap()
                .to_str()
                .unwrap()
        })
        .collect();
    assert_eq!(names, ["a/one", "bare.git", "user"]);
    assert_eq!(
        find_repositories(home.folder.path(), 9)
            .await
            .unwrap()
            .len(),
        4
    );
    assert_eq!(
        find_repositories(&home.user(), 0).await.unwrap(),
        [home.user()]
    );
    assert!(find_repositories(&home.path("absent"), 1).await.is_err());
}

#[tokio::test]
async fn uncommitted_changes_are_warned_of() {
    let home = Home::new().await;
    let repository = home.open().await;
    home.sh("cd user && echo untracked > new").await;
    assert_eq!(repository.warnings().await.unwrap(), Vec::<String>::new());
    home.sh("cd user && echo two >> a.txt && git rm -q run.sh && echo three > a.txt")
        .await;
    let warnings = repository.warnings().await.unwrap();
    assert_eq!(warnings.len(), 1);
    assert!(
        warnings[0].contains("2 files") && warnings[0].ends_with("a.txt, run.sh"),
        "{warnings:?}"
    );
}

#[tokio::test]
async fn git_is_new_enough_and_its_absence_is_told() {
    assert!(git().version().await.unwrap().to_string().starts_with("2."));
    let absent = git_workspace::Options {
        program: "no-such-git".into(),
        ..Default::default()
    };
    let error = git_workspace::Git::new(absent).version().await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::NotFound);
    let home = Home::empty();
    home.sh("printf '#!/bin/sh\\necho git version 2.30.2\\n' > git && chmod +x git")
        .await;
    let old = git_workspace::Options {
        program: home.path("git").into(),
        ..Default::default()
    };
    let error = git_workspace::Git::new(old).version().await.unwrap_err();
    assert!(matches!(error, Error::TooOld { .. }), "{error}");
}
