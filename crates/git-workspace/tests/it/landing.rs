use std::fs;

use core_types::{
    Blocked,
    CheckoutPolicy::{self, Leave, Update},
    CommitId, ErrorClass, Landed, Repository,
};
use git_workspace::GitRepository;

use crate::support::{Home, base, branch, change, landing, sh, user_state};

/// A repository with a published change on `main`.
pub(crate) async fn published(
    home: &Home,
    source: &str,
    script: &str,
) -> (GitRepository, CommitId, CommitId) {
    let repository = home.open_at(source).await;
    let base = base(&repository).await;
    let commit = change(&repository, &base, script).await;
    repository
        .publish(&branch("automation/run-1/change"), &commit)
        .await
        .expect("published");
    (repository, base, commit)
}

pub(crate) async fn main_of(home: &Home) -> String {
    home.sh("git -C user rev-parse refs/heads/main").await
}

#[tokio::test]
async fn publishing_shows_nothing_but_its_branch() {
    let home = Home::new().await;
    home.sh("cd user && echo w >> a.txt && git stash -q && echo w >> a.txt && echo n > new && git add run.sh && git branch other").await;
    let before = user_state(&home).await;
    let (repository, base, commit) = published(&home, "user", "echo x > x").await;
    assert_eq!(user_state(&home).await, before);
    let at = async || {
        home.sh(
            "git -C user rev-parse refs/heads/automation/run-1/change && git -C user fsck --strict",
        )
        .await
    };
    assert!(at().await.starts_with(commit.as_str()));
    // It may be set again, backwards too.
    let branch = branch("automation/run-1/change");
    repository.publish(&branch, &commit).await.unwrap();
    repository.publish(&branch, &base).await.unwrap();
    assert!(at().await.starts_with(base.as_str()));
}

#[tokio::test]
async fn only_our_branches_can_be_published() {
    let home = Home::new().await;
    let (repository, _, commit) = published(&home, "user", "echo x > x").await;
    for name in ["main", "automation", "other/automation/x"] {
        let error = repository
            .publish(&branch(name), &commit)
            .await
            .unwrap_err();
        assert_eq!(error.class(), ErrorClass::Validation);
    }
    home.sh("cd user && git checkout -q automation/run-1/change")
        .await;
    let next = change(&repository, &commit, "echo y > y").await;
    let error = repository
        .publish(&branch("automation/run-1/change"), &next)
        .await
        .unwrap_err();
    assert_eq!(error.class(), ErrorClass::Conflict, "{}", error.to_line());
    assert!(
        error.to_line().contains("checked out"),
        "{}",
        error.to_line()
    );
}

#[tokio::test]
async fn a_lock_file_of_a_killed_publish_does_not_block() {
    let home = Home::new().await;
    let (repository, _, commit) = published(&home, "user", "echo x > x").await;
    let next = change(&repository, &commit, "echo y > y").await;
    home.sh("touch user/.git/refs/heads/automation/run-1/change.lock")
        .await;
    repository
        .publish(&branch("automation/run-1/change"), &next)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_branch_that_is_checked_out_nowhere_is_moved() {
    let home = Home::new().await;
    home.sh("cd user && git checkout -q -b elsewhere && echo dirty >> a.txt")
        .await;
    let (repository, base, commit) = published(&home, "user", "echo x > x").await;
    let before = user_state(&home).await.replace(base.as_str(), "?");
    for _ in 0..2 {
        let landed = repository
            .land(&landing(&base, &commit, Leave))
            .await
            .unwrap();
        assert_eq!(landed, Landed::Moved, "also when it is asked again");
    }
    assert_eq!(main_of(&home).await, commit.as_str());
    let after = user_state(&home).await.replace(base.as_str(), "?");
    assert_eq!(
        after.replace(commit.as_str(), "?"),
        before.replace(commit.as_str(), "?")
    );
}

#[tokio::test]
async fn a_bare_repository_is_landed_in() {
    let home = Home::new().await;
    home.sh("git clone -q --bare user bare.git").await;
    let (repository, base, commit) = published(&home, "bare.git", "echo x > x").await;
    assert_eq!(
        repository
            .land(&landing(&base, &commit, Leave))
            .await
            .unwrap(),
        Landed::Moved
    );
    assert_eq!(
        home.sh("git -C bare.git rev-parse main").await,
        commit.as_str()
    );
    assert_eq!(repository.warnings().await.unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn a_commit_that_was_not_published_is_brought_along() {
    let home = Home::new().await;
    home.sh("cd user && git checkout -q --detach").await;
    let repository = home.open().await;
    let base = base(&repository).await;
    let commit = change(&repository, &base, "echo x > x").await;
    assert_eq!(
        repository
            .land(&landing(&base, &commit, Leave))
            .await
            .unwrap(),
        Landed::Moved
    );
    assert_eq!(home.sh("git -C user show main:x").await, "x");
}

#[tokio::test]
async fn a_target_that_moved_is_told() {
    let home = Home::new().await;
    let (repository, base, commit) = published(&home, "user", "echo x > x").await;
    home.sh("cd user && git commit -q --allow-empty -m theirs")
        .await;
    let now = CommitId::new(main_of(&home).await).unwrap();
    let landed = repository
        .land(&landing(&base, &commit, Update))
        .await
        .unwrap();
    assert_eq!(landed, Landed::TargetMoved { now });
    // What already holds the commit has landed.
    home.sh("cd user && git merge -q automation/run-1/change -m both")
        .await;
    assert_eq!(
        repository
            .land(&landing(&base, &commit, Update))
            .await
            .unwrap(),
        Landed::Moved
    );
}

#[tokio::test]
async fn nothing_is_lost_by_landing_another_history() {
    let home = Home::new().await;
    home.sh("cd user && git commit -q --allow-empty -m second")
        .await;
    let (repository, second, commit) = published(&home, "user", "echo x > x").await;
    home.sh(&format!(
        "cd user && git checkout -q -b side {second}~1 && git commit -q --allow-empty -m side"
    ))
    .await;
    let side = repository.fetch(&branch("side")).await.unwrap();
    let error = repository
        .land(&landing(&second, &side, Leave))
        .await
        .unwrap_err();
    assert_eq!(error.class(), ErrorClass::Validation, "{}", error.to_line());
    assert_eq!(main_of(&home).await, second.as_str());
    let mut absent = landing(&second, &commit, Leave);
    absent.branch = branch("absent");
    assert_eq!(
        repository.land(&absent).await.unwrap_err().class(),
        ErrorClass::NotFound
    );
}

#[tokio::test]
async fn a_clean_checkout_is_left_to_the_person_with_the_line_to_run() {
    let home = Home::new().await;
    home.sh("mv user 'my repo' && ln -s 'my repo' user").await;
    let (repository, base, commit) =
        published(&home, "my repo", "echo x > x; echo two >> a.txt").await;
    let Landed::Blocked { blocked, hint } = repository
        .land(&landing(&base, &commit, Leave))
        .await
        .unwrap()
    else {
        panic!("it is left");
    };
    let folder = home
        .path("my repo")
        .canonicalize()
        .unwrap()
        .display()
        .to_string();
    assert_eq!(
        hint,
        format!("git -C '{folder}' merge --ff-only automation/run-1/change")
    );
    assert_eq!(blocked, Blocked::CheckedOut { folder });
    assert_eq!(main_of(&home).await, base.as_str());
    home.sh(&hint).await;
    assert_eq!(
        repository
            .land(&landing(&base, &commit, Leave))
            .await
            .unwrap(),
        Landed::Moved
    );
}

#[tokio::test]
async fn a_clean_checkout_is_moved_with_its_files_where_that_is_allowed() {
    let home = Home::new().await;
    home.sh("cd user && echo '*.o' > .gitignore && git add -A && git commit -q -m i && echo o > x.o && echo untracked > mine && git stash list && touch -d 2001-01-01 a.txt").await;
    let script = "echo x > x; echo two >> a.txt; rm -r src; chmod -x run.sh; mkdir d; ln -s ../x d/l; rm .gitignore; echo x.o > .gitignore";
    let (repository, base, commit) = published(&home, "user", script).await;
    let others = home
        .sh("cd user && git branch -q other main && git for-each-ref | grep -v heads/main")
        .await;
    assert_eq!(
        repository
            .land(&landing(&base, &commit, Update))
            .await
            .unwrap(),
        Landed::Moved
    );
    assert_eq!(main_of(&home).await, commit.as_str());
    assert_eq!(
        home.sh("cd user && git status --porcelain --ignored").await,
        "?? mine\n!! x.o"
    );
    assert_eq!(
        home.sh("cd user && cat x a.txt d/l && git for-each-ref | grep -v heads/main")
            .await,
        format!("x\none\ntwo\nx\n{others}")
    );
    assert_eq!(
        home.sh("git -C user reflog -1 --format=%gs").await,
        "automation: land"
    );
}

/// A checkout in which `script` ran is refused by name, and stays as it is.
async fn check_dirty(change_script: &str, script: &str, expected: &[&str]) {
    for policy in [Leave, Update] {
        let home = Home::new().await;
        let (repository, base, commit) = published(&home, "user", change_script).await;
        home.sh(&format!("cd user && {script}")).await;
        let (state, files) = (
            user_state(&home).await,
            crate::support::everything(&home.user()),
        );
        let landed = repository
            .land(&landing(&base, &commit, policy))
            .await
            .expect("an outcome");
        let Landed::Blocked {
            blocked: Blocked::Dirty { paths, .. },
            hint,
        } = landed
        else {
            panic!("`{script}` makes it dirty: {landed:?}");
        };
        assert_eq!(paths, expected, "after `{script}`");
        assert!(
            hint.contains("merge --ff-only automation/run-1/change"),
            "{hint}"
        );
        assert_eq!(
            (
                user_state(&home).await,
                crate::support::everything(&home.user())
            ),
            (state, files)
        );
        assert_eq!(main_of(&home).await, base.as_str());
    }
}

#[tokio::test]
async fn uncommitted_work_is_refused_by_name() {
    check_dirty(
        "echo x > x",
        "echo two >> a.txt && rm run.sh",
        &["a.txt", "run.sh"],
    )
    .await;
    check_dirty("echo x > x", "echo staged > s && git add s", &["s"]).await;
    check_dirty(
        "echo x > x; echo y > y",
        "echo mine > x && echo mine > other",
        &["x"],
    )
    .await;
    check_dirty(
        "echo x > x.o",
        "echo '*.o' > .git/info/exclude && echo mine > x.o",
        &["x.o"],
    )
    .await;
    check_dirty("echo x > x", "git checkout -q -b t && git commit -q --allow-empty -m t && git checkout -q main && git merge -q --no-ff --no-commit t", &[]).await;
}

#[tokio::test]
async fn what_the_user_ignores_is_not_overwritten() {
    let home = Home::new().await;
    home.sh("printf '*.o\\nout\\nbuild/\\n' > user/.git/info/exclude")
        .await;
    let repository = home.open().await;
    let base = base(&repository).await;
    for (change, script, expected) in [
        ("mkdir out; echo x > out/x", "echo mine > out", &["out"][..]),
        (
            "echo x > build",
            "mkdir build && echo mine > build/data",
            &["build/data"],
        ),
        (
            "echo x > build",
            "mkdir -p build/a/b && echo mine > build/a/b/c.o && ln -s /etc build/link",
            &["build/a/b/c.o", "build/link"],
        ),
        // A repository of its own is nothing that git lists.
        (
            "echo x > build",
            "mkdir -p build/.git && echo mine > build/.git/HEAD",
            &["build/.git/HEAD"],
        ),
        // A link is not a way to elsewhere.
        (
            "mkdir -p out/sub; echo x > out/sub/x",
            "mkdir -p ../else/sub && echo mine > ../else/sub/x && ln -s ../else out",
            &["out"],
        ),
        ("mkdir out; echo x > out/x", "ln -s nowhere out", &["out"]),
        ("echo x > out", "ln -s nowhere out", &["out"]),
        (
            "mkdir -p d/e.o; echo x > d/e.o/x",
            "mkdir d && echo mine > d/e.o",
            &["d/e.o"],
        ),
        // Beside what the change removes itself.
        (
            "rm -r src; echo x > src",
            "echo mine > src/y.o",
            &["src/y.o"],
        ),
        (
            "rm a.txt; mkdir a.txt out; echo x > a.txt/x; echo x > out/x",
            "echo mine > out",
            &["out"],
        ),
        (
            "rm a.txt; ln -s run.sh a.txt; echo x > build",
            "mkdir build && echo mine > build/a.txt",
            &["build/a.txt"],
        ),
        (
            "mkdir -p src/out; echo x > src/out/x",
            "echo mine > src/out",
            &["src/out"],
        ),
    ] {
        let commit = crate::support::change(&repository, &base, change).await;
        home.sh(&format!("cd user && git clean -qffdx && {script}"))
            .await;
        let before = crate::support::everything(&home.user());
        let landed = repository
            .land(&landing(&base, &commit, Update))
            .await
            .expect("an outcome");
        let Landed::Blocked {
            blocked: Blocked::Dirty { paths, .. },
            ..
        } = landed
        else {
            panic!("`{script}` makes it dirty: {landed:?}");
        };
        assert_eq!(paths, expected, "after `{script}`");
        assert_eq!(crate::support::everything(&home.user()), before);
    }
}

#[tokio::test]
async fn a_submodule_with_files_is_not_overwritten() {
    let home = Home::new().await;
    home.sh(
        "git init -q lib && git -C lib commit -q --allow-empty -m x && cd user
         git -c protocol.file.allow=always submodule --quiet add ../lib sub && git commit -q -m sub && echo mine > sub/mine",
    )
    .await;
    let script = "git rm -q --cached sub; rm -r sub .gitmodules; echo x > sub";
    let repository = home.open_at("user").await;
    let base = base(&repository).await;
    // Made by the user's own git, since in our clones a submodule is left as it is.
    home.sh(&format!("git clone -q user other && cd other && {script} && git add -A && git commit -q -m file && git push -q origin HEAD:file")).await;
    let commit = repository.fetch(&branch("file")).await.unwrap();
    let landed = repository
        .land(&landing(&base, &commit, Update))
        .await
        .unwrap();
    let Landed::Blocked {
        blocked: Blocked::Dirty { paths, .. },
        ..
    } = landed
    else {
        panic!("the submodule's files are in the way: {landed:?}");
    };
    assert_eq!(paths, ["sub/.git", "sub/mine"]);
    assert_eq!(home.sh("cat user/sub/mine").await, "mine");
}

#[tokio::test]
async fn what_is_ignored_and_not_in_the_way_stays() {
    let home = Home::new().await;
    let script = "mkdir -p out/x Build; echo x > out/x/new; echo x > Build/x; rm -r src; echo x > src; rm a.txt; mkdir a.txt; echo x > a.txt/x";
    let (repository, base, commit) = published(&home, "user", script).await;
    home.sh("cd user && printf 'OUT\\nout/mine\\nbuild\\n' > .git/info/exclude && mkdir -p out/x src/empty && echo mine > OUT && echo mine > out/mine && echo mine > build").await;
    assert_eq!(
        repository
            .land(&landing(&base, &commit, Update))
            .await
            .unwrap(),
        Landed::Moved
    );
    assert_eq!(
        home.sh("cd user && cat OUT out/mine build out/x/new Build/x src a.txt/x && git status --porcelain --ignored").await,
        "mine\nmine\nmine\nx\nx\nx\nx\n!! OUT\n!! build\n!! out/mine"
    );
}

#[tokio::test]
async fn what_git_alone_sees_in_the_way_is_refused() {
    let home = Home::new().await;
    let (repository, base, commit) = published(&home, "user", "rm -r src; echo file > src").await;
    home.sh("cd user && echo mine > src/mine").await;
    let before = crate::support::everything(&home.user());
    let landed = repository
        .land(&landing(&base, &commit, Update))
        .await
        .unwrap();
    assert!(
        matches!(
            landed,
            Landed::Blocked {
                blocked: Blocked::Dirty { .. },
                ..
            }
        ),
        "{landed:?}"
    );
    assert_eq!(crate::support::everything(&home.user()), before);
    home.sh("cd user && rm src/mine").await;
    assert_eq!(
        repository
            .land(&landing(&base, &commit, Update))
            .await
            .unwrap(),
        Landed::Moved
    );
    assert_eq!(
        home.sh("cd user && git status --porcelain && cat src")
            .await,
        "file"
    );
}

#[tokio::test]
async fn a_linked_checkout_counts() {
    let home = Home::new().await;
    home.sh("cd user && git checkout -q -b elsewhere && git worktree add -q ../linked main")
        .await;
    let (repository, base, commit) = published(&home, "user", "echo x > x").await;
    let landed = repository
        .land(&landing(&base, &commit, Leave))
        .await
        .unwrap();
    let linked = home
        .path("linked")
        .canonicalize()
        .unwrap()
        .display()
        .to_string();
    assert!(
        matches!(landed, Landed::Blocked { blocked: Blocked::CheckedOut { folder }, .. } if folder == linked)
    );
    home.sh("cd linked && echo dirty >> a.txt").await;
    let landed = repository
        .land(&landing(&base, &commit, Update))
        .await
        .unwrap();
    assert!(matches!(
        landed,
        Landed::Blocked {
            blocked: Blocked::Dirty { .. },
            ..
        }
    ));
    home.sh("cd linked && git checkout -q a.txt").await;
    assert_eq!(
        repository
            .land(&landing(&base, &commit, Update))
            .await
            .unwrap(),
        Landed::Moved
    );
    assert_eq!(
        home.sh("cat linked/x; git -C linked status --porcelain; git -C user status --porcelain")
            .await,
        "x"
    );
    // One whose folder is gone does not count.
    let next = change(&repository, &commit, "echo y > y").await;
    home.sh("rm -r linked").await;
    assert_eq!(
        repository
            .land(&landing(&commit, &next, Leave))
            .await
            .unwrap(),
        Landed::Moved
    );
}

#[tokio::test]
async fn a_branch_that_is_being_rebased_is_left() {
    let home = Home::new().await;
    let (repository, base, commit) = published(&home, "user", "echo x > x").await;
    home.sh("cd user && GIT_SEQUENCE_EDITOR='echo break >' git rebase -q -i --root")
        .await;
    assert!(
        crate::support::try_sh(&home.user(), "git symbolic-ref -q HEAD")
            .await
            .1
            .is_empty()
    );
    let landed = repository
        .land(&landing(&base, &commit, Update))
        .await
        .unwrap();
    let Landed::Blocked { hint, .. } = landed else {
        panic!("it is left: {landed:?}");
    };
    assert!(hint.contains("rebase"), "{hint}");
    assert_eq!(main_of(&home).await, base.as_str());
}

#[tokio::test]
async fn somebody_elses_lock_file_is_named_and_left() {
    for (policy, lock) in [(Leave, "refs/heads/main.lock"), (Update, "index.lock")] {
        let home = Home::new().await;
        if policy == CheckoutPolicy::Leave {
            home.sh("cd user && git checkout -q --detach").await;
        }
        let (repository, base, commit) = published(&home, "user", "echo x > x").await;
        let lock = home.path("user/.git").join(lock);
        fs::File::create(&lock).unwrap();
        let error = repository
            .land(&landing(&base, &commit, policy))
            .await
            .unwrap_err();
        assert!(
            error.to_line().contains("held by another git command"),
            "{}",
            error.to_line()
        );
        assert!(lock.exists(), "it is not ours to remove");
        fs::remove_file(lock).unwrap();
        assert_eq!(
            repository
                .land(&landing(&base, &commit, policy))
                .await
                .unwrap(),
            Landed::Moved
        );
        assert_eq!(sh(&home.user(), "git status --porcelain").await, "");
    }
}
