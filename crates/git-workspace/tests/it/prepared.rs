//! Landings in two halves.

use std::{env, fs, path::Path};

use core_types::{
    Blocked,
    CheckoutPolicy::{self, Leave, Update},
    CommitId, ErrorClass, Landed, Landing, OperationId, Prepared, PreparedLanding, Repository,
    Standing,
};
use git_workspace::{GitRepository, Places};
use process::Launch;

use crate::{
    landing::{main_of, published},
    support::{Home, base, change, landing, open, sh, try_sh, user_state},
};

fn change_set() -> OperationId {
    OperationId::new("run-1:change-set").expect("an operation id")
}

async fn ready(repository: &GitRepository, landing: &Landing) -> Box<dyn PreparedLanding> {
    let prepared = repository.prepare_landing(landing, &change_set()).await;
    match prepared.expect("an outcome") {
        Prepared::Ready(prepared) => prepared,
        other => panic!("expected it to be held, got {other:?}"),
    }
}

/// Lock files of the user's repository, and marks of ours.
async fn left(home: &Home) -> String {
    home.sh("find user -name '*.lock'; if [ -d mirrors/app.landings ]; then ls -A mirrors/app.landings; fi")
        .await
}

#[tokio::test]
async fn a_held_branch_is_moved_by_nobody_else() {
    let home = Home::new().await;
    home.sh("cd user && git checkout -q -b elsewhere").await;
    let (repository, base, commit) = published(&home, "user", "echo x > x").await;
    let landing = landing(&base, &commit, Leave);
    let held = ready(&repository, &landing).await;
    assert_eq!(main_of(&home).await, base.as_str(), "nothing has moved");
    let user = "git -C user update-ref refs/heads/main HEAD~0";
    let (code, said) = try_sh(home.folder.path(), user).await;
    assert!(!code.is_success() && said.contains("main.lock"), "{said}");
    held.abort().await.expect("let go");
    assert_eq!(main_of(&home).await, base.as_str());
    assert_eq!(left(&home).await, "");
    home.sh(user).await;

    let held = ready(&repository, &landing).await;
    assert_eq!(held.commit().await.expect("moved"), Landed::Moved);
    assert_eq!(main_of(&home).await, commit.as_str());
    assert_eq!(left(&home).await, "");
    let again = repository.prepare_landing(&landing, &change_set()).await;
    assert!(matches!(again, Ok(Prepared::AlreadyLanded)), "{again:?}");
}

#[tokio::test]
async fn a_checkout_moves_with_its_branch_and_not_before() {
    let home = Home::new().await;
    let script = "echo x > new; echo two >> a.txt; rm run.sh";
    let (repository, base, commit) = published(&home, "user", script).await;
    let before = user_state(&home).await;
    let landing = landing(&base, &commit, Update);
    let held = ready(&repository, &landing).await;
    held.abort().await.expect("let go");
    assert_eq!(user_state(&home).await, before, "let go, all is as it was");

    let held = ready(&repository, &landing).await;
    let (code, said) = try_sh(&home.user(), "git commit -q --allow-empty -m mine").await;
    assert!(!code.is_success(), "the branch is held: {said}");
    assert_eq!(held.commit().await.expect("moved"), Landed::Moved);
    let user = home.user();
    let state = sh(
        &user,
        "git status --porcelain --ignored; git rev-parse HEAD; ls; git reflog -1 --format=%gs",
    );
    let expected = format!("{commit}\na.txt\nnew\nsrc\nautomation: land");
    assert_eq!(state.await, expected);
    assert_eq!(left(&home).await, "");
}

async fn check_outcome(prepare: &str, checkout: CheckoutPolicy, expected: &str) {
    let home = Home::new().await;
    let (repository, base, commit) = published(&home, "user", "echo two >> a.txt").await;
    home.sh(&format!("cd user && {prepare}")).await;
    let landing = landing(&base, &commit, checkout);
    let prepared = repository.prepare_landing(&landing, &change_set()).await;
    let outcome = match prepared.expect("an outcome") {
        Prepared::Ready(_) => "ready".to_owned(),
        Prepared::AlreadyLanded => "landed".to_owned(),
        Prepared::TargetMoved { now } => {
            assert_eq!(now.as_str(), main_of(&home).await);
            "moved".to_owned()
        }
        Prepared::Blocked { blocked, hint } => {
            assert!(hint.contains("merge --ff-only"), "{hint}");
            match blocked {
                Blocked::CheckedOut { .. } => "checked out".to_owned(),
                Blocked::Dirty { paths, .. } => format!("dirty {}", paths.join(" ")),
                other => format!("{other:?}"),
            }
        }
    };
    assert_eq!(outcome, expected, "after `{prepare}`");
    // Dropped, a landing that was ready has let go.
    assert_eq!(
        home.sh("find user -name '*.lock'").await,
        "",
        "after `{prepare}`"
    );
}

#[tokio::test]
async fn all_is_decided_before_anything_moves() {
    check_outcome("git checkout -q --detach", Leave, "ready").await;
    check_outcome("true", Update, "ready").await;
    check_outcome("true", Leave, "checked out").await;
    check_outcome("echo mine >> a.txt", Update, "dirty a.txt").await;
    check_outcome(
        "git merge -q --ff-only automation/run-1/change",
        Leave,
        "landed",
    )
    .await;
    check_outcome("git commit -q --allow-empty -m mine", Update, "moved").await;
}

#[tokio::test]
async fn who_edits_in_the_last_moment_keeps_his_work() {
    let home = Home::new().await;
    let (repository, base, commit) = published(&home, "user", "echo two >> a.txt").await;
    let landing = landing(&base, &commit, Update);
    let held = ready(&repository, &landing).await;
    home.sh("echo mine > user/a.txt").await;
    let landed = held.commit().await.expect("an outcome");
    let Landed::Blocked {
        blocked: Blocked::Dirty { .. },
        ..
    } = landed
    else {
        panic!("expected it to be left, got {landed:?}");
    };
    assert_eq!(home.sh("cat user/a.txt").await, "mine");
    assert_eq!(main_of(&home).await, base.as_str());
    assert_eq!(left(&home).await, "");
    home.sh("cd user && git checkout -q a.txt").await;
    assert_eq!(
        repository.land(&landing).await.expect("landed"),
        Landed::Moved
    );
}

/// What a git of the user's holds is met before anything is decided, and it stays.
#[tokio::test]
async fn a_users_lock_of_the_index_keeps_the_branch() {
    let home = Home::new().await;
    let (repository, base, commit) = published(&home, "user", "echo two >> a.txt").await;
    let landing = landing(&base, &commit, Update);
    home.sh("touch user/.git/index.lock").await;
    let error = repository
        .prepare_landing(&landing, &change_set())
        .await
        .expect_err("it is held");
    assert_eq!(error.class(), ErrorClass::Transient, "{}", error.to_line());
    assert_eq!(left(&home).await, "user/.git/index.lock");
    assert_eq!(home.sh("cat user/a.txt").await, "one");
    home.sh("rm user/.git/index.lock").await;
    let held = ready(&repository, &landing).await;
    assert_eq!(held.commit().await.expect("moved"), Landed::Moved);
    assert_eq!(left(&home).await, "");
    assert_eq!(
        home.sh("ls -A user/.git | grep automation || true").await,
        ""
    );
}

/// A git that ends within the time is waited for, and what it did is seen.
#[tokio::test]
async fn a_users_git_that_ends_soon_is_waited_for() {
    let home = Home::new().await;
    let (repository, base, commit) = published(&home, "user", "echo two >> a.txt").await;
    let landing = landing(&base, &commit, Update);
    home.sh("touch user/.git/index.lock").await;
    let change_set = change_set();
    let prepare = repository.prepare_landing(&landing, &change_set);
    let mends = home.sh("sleep 0.2; echo mine > user/a.txt; rm user/.git/index.lock");
    let (prepared, _) = tokio::join!(prepare, mends);
    assert!(
        matches!(
            prepared,
            Ok(Prepared::Blocked {
                blocked: Blocked::Dirty { .. },
                ..
            })
        ),
        "{prepared:?}"
    );
    assert_eq!(left(&home).await, "");
}

/// While the branch is held, nobody changes the index.
#[tokio::test]
async fn a_held_index_is_written_by_nobody_else() {
    let home = Home::new().await;
    let (repository, base, commit) = published(&home, "user", "echo two >> a.txt").await;
    let landing = landing(&base, &commit, Update);
    let held = ready(&repository, &landing).await;
    let (code, said) = try_sh(&home.user(), "touch b && git add b").await;
    assert!(!code.is_success() && said.contains("index.lock"), "{said}");
    home.sh("rm user/b").await;
    held.commit().await.expect("moved");
    assert_eq!(home.sh("cd user && git status --porcelain").await, "");
    home.sh("cd user && touch b && git add b").await;
}

#[tokio::test]
async fn linked_checkouts_and_bare_repositories_are_held_too() {
    let home = Home::new().await;
    home.sh("cd user && git checkout -q -b elsewhere && git worktree add -q ../linked main")
        .await;
    let (repository, base, commit) = published(&home, "user", "echo two >> a.txt").await;
    let held = ready(&repository, &landing(&base, &commit, Update)).await;
    held.commit().await.expect("moved");
    let state = home
        .sh("cd linked && git status --porcelain; git rev-parse HEAD")
        .await;
    assert_eq!(state, commit.as_str());

    let home = Home::new().await;
    home.sh("git clone -q --bare user bare.git").await;
    let (repository, base, commit) = published(&home, "bare.git", "echo two >> a.txt").await;
    let held = ready(&repository, &landing(&base, &commit, Leave)).await;
    held.commit().await.expect("moved");
    assert_eq!(
        home.sh("git -C bare.git rev-parse main").await,
        commit.as_str()
    );
}

/// Names the home for a victim, and the policy.
const HOME: &str = "PREPARED_HOME";

fn places(home: &Path) -> Places {
    Places {
        mirrors: home.join("mirrors"),
        workspaces: home.join("workspaces"),
    }
}

async fn of_branch(repository: &GitRepository, checkout: CheckoutPolicy) -> Landing {
    let base = base(repository).await;
    let change = core_types::BranchName::new("automation/run-1/change").expect("a name");
    let commit = repository.fetch(&change).await.expect("published");
    landing(&base, &commit, checkout)
}

/// As a child of the tests below, holds a branch until it is killed.
#[tokio::test]
async fn victim() {
    let Some(home) = env::var_os(HOME) else {
        return;
    };
    let home = Path::new(&home);
    let repository = open(&home.join("user"), &places(home)).await;
    let landing = of_branch(&repository, Update).await;
    let held = ready(&repository, &landing).await;
    fs::File::create(home.join("held")).expect("a sign");
    std::future::pending::<()>().await;
    drop(held);
}

/// A home whose branch was held by an engine that was killed.
///
/// The git that held it is stopped before, so that it cannot see its engine go and clear up in
/// the moment before it is killed with it.
async fn killed(script: &str) -> (Home, GitRepository, Landing) {
    let home = Home::new().await;
    let (repository, ..) = published(&home, "user", "echo two >> a.txt").await;
    home.sh(&format!("cd user && {script}")).await;
    let victim = Launch::new(env::current_exe().expect("this binary"))
        .args(["--exact", "prepared::victim"])
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env(HOME, home.folder.path())
        .run();
    let sign = home.path("held");
    let signed = async {
        while !sign.exists() {
            tokio::task::yield_now().await;
        }
        home.sh("kill -STOP $(sed -n 's/^git \\([0-9]*\\) .*/\\1/p' mirrors/app.landings/*)")
            .await;
    };
    tokio::select! {
        ended = victim => panic!("the victim must hold: {ended:?}"),
        // Dropped, it gets SIGKILL.
        () = signed => {}
    }
    let landing = of_branch(&repository, Update).await;
    (home, repository, landing)
}

#[tokio::test]
async fn what_a_killed_engine_held_is_free_again() {
    for script in ["true", "git checkout -q -b elsewhere"] {
        let (home, repository, landing) = killed(script).await;
        assert_ne!(
            home.sh("find user -name '*.lock'").await,
            "",
            "it left locks"
        );
        let standing = repository.recover_landing(&landing, &change_set()).await;
        assert_eq!(standing.expect("recovered"), Standing::Expected);
        assert_eq!(left(&home).await, "", "after `{script}`");
        home.sh("cd user && git commit -q --allow-empty -m mine")
            .await;
    }
    let (home, repository, landing) = killed("true").await;
    assert_eq!(
        repository.land(&landing).await.expect("landed"),
        Landed::Moved
    );
    assert_eq!(left(&home).await, "", "landing clears them as well");
    let standing = repository.recover_landing(&landing, &change_set()).await;
    assert_eq!(standing.expect("recovered"), Standing::Landed);
}

/// The commit that was held is never landed, so that nothing else would clear its mark.
#[tokio::test]
async fn the_mark_of_a_killed_engine_goes_where_the_target_has_moved() {
    let (home, repository, landing) = killed("git checkout -q -b elsewhere").await;
    home.sh("cd user && rm .git/refs/heads/main.lock && git update-ref refs/heads/main $(git commit-tree -p main -m x main^{tree})").await;
    let prepared = repository.prepare_landing(&landing, &change_set()).await;
    assert!(
        matches!(prepared, Ok(Prepared::TargetMoved { .. })),
        "{prepared:?}"
    );
    assert_eq!(left(&home).await, "");
}

#[tokio::test]
async fn a_lock_that_is_not_the_very_one_is_the_users() {
    let (home, repository, landing) = killed("true").await;
    // The same content, at another time.
    home.sh("cd user/.git && cp refs/heads/main.lock x && rm refs/heads/main.lock && mv x refs/heads/main.lock")
        .await;
    let standing = repository.recover_landing(&landing, &change_set()).await;
    assert_eq!(standing.expect("recovered"), Standing::Expected);
    assert_eq!(
        home.sh("find user -name '*.lock'").await,
        "user/.git/refs/heads/main.lock"
    );
    let error = repository
        .prepare_landing(&landing, &change_set())
        .await
        .expect_err("it is held");
    assert_eq!(error.class(), ErrorClass::Transient, "{}", error.to_line());
    home.sh("rm user/.git/refs/heads/main.lock").await;
    assert_eq!(
        repository.land(&landing).await.expect("landed"),
        Landed::Moved
    );
}

/// Killed before it could note which lock files are its own, it leaves some
/// that are likely its own: they stay while another git works there.
#[tokio::test]
async fn a_git_that_works_there_is_not_robbed() {
    let home = Home::new().await;
    let (repository, base, commit) = published(&home, "user", "echo two >> a.txt").await;
    let landing = landing(&base, &commit, Update);
    let mark = format!(
        "mkdir -p mirrors/app.landings && printf 'prepared x\ngit 1 1\n' > mirrors/app.landings/{commit}
         touch user/.git/HEAD.lock && echo {commit} > user/.git/refs/heads/main.lock"
    );
    home.sh(&mark).await;
    // Through a shell, so that it is no child of ours.
    let mut git = Launch::new("sh")
        .args(["-c", "git cat-file --batch; echo over"])
        .folder(home.user())
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .converse()
        .await
        .expect("git starts");
    git.say("HEAD\n").await.expect("it reads");
    git.line().await.expect("it works");
    let error = repository
        .recover_landing(&landing, &change_set())
        .await
        .expect_err("in use");
    assert_eq!(error.class(), ErrorClass::Transient, "{}", error.to_line());
    assert!(home.path("user/.git/HEAD.lock").exists());
    git.end().await.expect("it ends");
    let standing = repository.recover_landing(&landing, &change_set()).await;
    assert_eq!(standing.expect("recovered"), Standing::Expected);
    assert_eq!(home.sh("find user -name '*.lock'").await, "");
}

#[tokio::test]
async fn a_repository_with_another_reference_backend_is_held_as_well() {
    let home = Home::empty();
    let made = "git init -q -b main --ref-format=reftable user && cd user && echo one > a.txt && git add -A && git commit -q -m first";
    if !try_sh(home.folder.path(), made).await.0.is_success() {
        drop(std::io::Write::write_all(
            &mut std::io::stderr(),
            b"SKIPPED: this git has no reftable\n",
        ));
        return;
    }
    let repository = home.open().await;
    let base = base(&repository).await;
    let commit: CommitId = change(&repository, &base, "echo two >> a.txt").await;
    let landing = landing(&base, &commit, Update);
    drop(ready(&repository, &landing).await);
    assert_eq!(home.sh("find user -name '*.lock'").await, "");
    let held = ready(&repository, &landing).await;
    assert_eq!(held.commit().await.expect("moved"), Landed::Moved);
    let state = home
        .sh("cd user && git status --porcelain; git rev-parse HEAD")
        .await;
    assert_eq!(state, commit.as_str());
}
