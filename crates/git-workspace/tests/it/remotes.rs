//! Repositories on a server, over real git on HTTP.

use std::{path::Path, sync::Arc};

use core_types::{BranchName, ErrorClass, Repository as _};
use git_workspace::{Error, Git, GitRepository, Options, Places, Remote, RemoteCopy};
use testkit::forge::SimulatedForge;

const TOKEN: &str = "robots-token";

fn branch(name: &str) -> BranchName {
    BranchName::new(name).expect("valid")
}

fn remote(forge: &SimulatedForge, password: &str) -> Remote {
    let url = format!("{}/ada/backend.git", forge.url());
    Remote::new(&url, "robot", password).expect("valid")
}

async fn open(folder: &Path, remote: Remote, of: &str) -> Result<RemoteCopy, Error> {
    let git = Arc::new(Git::new(Options::default()));
    RemoteCopy::open(
        git,
        remote,
        &folder.join("remotes/backend.git"),
        &branch(of),
    )
    .await
}

/// A git that is killed while it moves a branch leaves its lock file.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_fetch_left_stands_in_nobodys_way() {
    let folder = tempfile::tempdir().unwrap();
    let forge = SimulatedForge::start(&folder.path().join("server")).await;
    forge.add_repository("ada", "backend", &[("automation/a", "a.txt")]);
    let copy = open(folder.path(), remote(&forge, TOKEN), "main")
        .await
        .unwrap();
    let a = forge.branch("ada", "backend", "automation/a").unwrap();
    forge.push("ada", "backend", "main", &a);
    let left = copy.folder().join("refs/heads/main.lock");
    std::fs::File::create(&left).unwrap();
    let copy = open(folder.path(), remote(&forge, TOKEN), "main")
        .await
        .unwrap();
    assert_eq!(copy.fetch(&branch("main")).await.unwrap(), a);
    assert!(!left.exists(), "it is gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_on_a_server_is_worked_on_and_published() {
    let folder = tempfile::tempdir().unwrap();
    let forge = SimulatedForge::start(&folder.path().join("server")).await;
    forge.add_repository("ada", "backend", &[("automation/old", "old.txt")]);
    let git = Arc::new(Git::new(Options::default()));
    let remote = remote(&forge, TOKEN);
    assert_eq!(remote.default_branch(&git).await.unwrap(), branch("main"));

    let copy = open(folder.path(), remote.clone(), "main").await.unwrap();
    let places = Places {
        mirrors: folder.path().join("mirrors"),
        workspaces: folder.path().join("workspaces"),
    };
    let name = "backend".parse().unwrap();
    let repository = GitRepository::open(git, name, copy.folder(), &places)
        .await
        .unwrap();
    let base = repository.fetch(&branch("main")).await.unwrap();
    assert_eq!(Some(&base), forge.branch("ada", "backend", "main").as_ref());

    let clone = repository.lease(&base).await.unwrap();
    drop(std::fs::File::create(clone.folder().join("NEWS")).unwrap());
    let core_types::Capture::Committed { commit, .. } = clone.commit(None, "News").await.unwrap()
    else {
        panic!("a file was added");
    };
    let change = branch("automation/run-1/change");
    repository.publish(&change, &commit).await.unwrap();
    for _ in 0..2 {
        copy.push(&change, &commit).await.unwrap();
    }
    assert_eq!(
        forge.branch("ada", "backend", change.as_str()),
        Some(commit.clone())
    );
    let refused = copy.push(&branch("main"), &commit).await.unwrap_err();
    assert!(matches!(refused, Error::NotOurs { .. }), "{refused}");

    // Somebody moves the target, also back.
    for now in [&commit, &base] {
        forge.push("ada", "backend", "main", now);
        assert_eq!(copy.fetch(&branch("main")).await.unwrap(), *now);
        assert_eq!(repository.fetch(&branch("main")).await.unwrap(), *now);
    }
    let missing = copy.fetch(&branch("nowhere")).await.unwrap_err();
    assert_eq!(missing.class(), ErrorClass::NotFound);
    assert!(
        missing.to_string().ends_with("has no branch nowhere"),
        "{missing}"
    );

    // Another process opens what is there.
    open(folder.path(), remote, "main").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_refuses_has_its_class_and_shows_no_password() {
    let folder = tempfile::tempdir().unwrap();
    let forge = SimulatedForge::start(&folder.path().join("server")).await;
    forge.add_repository("ada", "backend", &[]);
    let password = "wrong-password-of-test";
    let refused = open(folder.path(), remote(&forge, password), "main")
        .await
        .unwrap_err();
    assert_eq!(refused.class(), ErrorClass::Unauthorized, "{refused}");
    let shown = format!("{refused} {refused:?} {:?}", remote(&forge, password));
    assert!(!shown.contains(password), "{shown}");

    let gone = remote(&forge, TOKEN);
    drop(forge);
    let refused = open(folder.path(), gone, "main").await.unwrap_err();
    assert_eq!(refused.class(), ErrorClass::Transient, "{refused}");
}

#[test]
fn urls_that_would_leak_or_lead_elsewhere_are_refused() {
    for url in [
        "http://git.example.org/a.git",
        "https://ada:word@git.example.org/a.git",
        "ssh://git.example.org/a.git",
        "ext::sh -c true",
        "file:///etc",
        "/etc",
        "https:///a.git",
        "https://-oProxyCommand=x/a.git",
        "https://git.example.org/a.git?token=x",
    ] {
        let refused = Remote::new(url, "robot", "x").unwrap_err();
        assert_eq!(refused.class(), ErrorClass::Validation, "{url}");
        assert!(!refused.to_string().contains("word"), "{refused}");
    }
    for url in [
        "https://git.example.org:8443/a/b.git",
        "http://127.0.0.1:1/a.git",
        "http://[::1]/a.git",
    ] {
        Remote::new(url, "robot", "x").unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_argument_of_git_holds_the_password() {
    let folder = tempfile::tempdir().unwrap();
    let forge = SimulatedForge::start(&folder.path().join("server")).await;
    forge.add_repository("ada", "backend", &[]);
    let log = folder.path().join("arguments");
    let scripts = testkit::git::Fixture::at(folder.path());
    let line = format!(
        "#!/bin/sh\nprintf '%s\\n' \"$@\" >> {}\nexec git \"$@\"\n",
        log.display()
    );
    scripts.script("git-that-tells", &line);
    let git = Arc::new(Git::new(Options {
        program: folder.path().join("git-that-tells").into(),
        ..Options::default()
    }));
    let remote = remote(&forge, TOKEN);
    remote.default_branch(&git).await.unwrap();
    let place = folder.path().join("remotes/backend.git");
    let copy = RemoteCopy::open(git, remote, &place, &branch("main"))
        .await
        .unwrap();
    let commit = copy.fetch(&branch("main")).await.unwrap();
    copy.push(&branch("automation/a"), &commit).await.unwrap();
    let arguments = std::fs::read_to_string(log).unwrap();
    assert!(arguments.contains("/ada/backend.git"), "{arguments}");
    assert!(!arguments.contains(TOKEN), "{arguments}");
    let config = std::fs::read_to_string(copy.folder().join("config")).unwrap();
    assert!(!config.contains(TOKEN), "{config}");
}
