use std::{env, fs, path::Path};

use core_types::{Capture, CheckoutPolicy, CommitId, Landed, RefName, RefUpdate, Repository};
use git_workspace::GitRepository;
use process::Launch;

use crate::support::{Home, base, branch, everything, landing, merged, open, sh};

/// Names the home and the round for a victim; see [`victim`].
const HOME: &str = "VICTIM_HOME";
const ROUND: &str = "VICTIM_ROUND";

fn reference(round: &str, what: &str) -> RefName {
    RefName::new(format!("refs/automation/{round}/{what}")).expect("a reference")
}

/// Everything a run does with a repository, going on where an earlier call was killed.
async fn work(repository: &GitRepository, round: &str) {
    let result = reference(round, "result");
    let start = reference(round, "start");
    let recorded = (
        repository.resolve(&start).await.expect("start"),
        repository.resolve(&result).await.expect("result"),
    );
    let (start, result) = match recorded {
        (Some(start), Some(result)) => (start, result),
        _ => {
            let base = base(repository).await;
            let made = implement(repository, &base, round).await;
            record(repository, start, &base).await;
            record(repository, result, &made).await;
            (base, made)
        }
    };
    let change = branch(&format!("automation/{round}/change"));
    repository
        .publish(&change, &result)
        .await
        .expect("published");
    let landing = landing(&start, &result, CheckoutPolicy::Update);
    assert_eq!(
        repository.land(&landing).await.expect("landed"),
        Landed::Moved
    );
}

async fn implement(repository: &GitRepository, base: &CommitId, round: &str) -> CommitId {
    let clone = repository.lease(base).await.expect("a lease");
    assert_eq!(
        everything(clone.folder()).len(),
        10,
        "a lease shows the commit and nothing else"
    );
    // Enough bytes that a killed checkout leaves torn files.
    sh(
        clone.folder(),
        "for n in $(seq 6); do head -c 200000 /dev/urandom > big/$n; done; rm -f last-*",
    )
    .await;
    sh(
        clone.folder(),
        &format!("echo x > last-{round}; mkdir left; echo left > left/untracked"),
    )
    .await;
    sh(clone.folder(), "rm -r left").await;
    let Capture::Committed { commit, .. } = clone.commit(None, round).await.expect("a capture")
    else {
        panic!("files were changed");
    };
    merged(repository, base, &commit).await
}

async fn record(repository: &GitRepository, name: RefName, commit: &CommitId) {
    let expected = repository.resolve(&name).await.expect("what it holds");
    let update = RefUpdate {
        name,
        expected,
        new: Some(commit.clone()),
    };
    repository.update_refs(&[update]).await.expect("recorded");
}

async fn home() -> Home {
    let home = Home::empty();
    home.sh("git init -q -b main user && cd user && mkdir big && for n in $(seq 6); do echo 1 > big/$n; done
             echo x > a.txt && echo x > last-0 && echo x > b.txt && git add -A && git commit -q -m first")
        .await;
    home
}

async fn check_landed(home: &Home, round: &str) {
    let user = home.user();
    let state = sh(
        &user,
        "git status --porcelain --ignored; ls last-*; git rev-parse HEAD",
    )
    .await;
    let published = sh(&user, &format!("git rev-parse automation/{round}/change")).await;
    assert_eq!(
        state,
        format!("last-{round}\n{published}"),
        "the round has landed, once and whole"
    );
    let locks = sh(
        &user,
        "find .git ../mirrors -name '*.lock' -path '*/refs/*' -o -name 'index.lock'",
    )
    .await;
    assert_eq!(locks, "", "no lock file is left");
}

/// Does one round; as a child of the test below it is killed at some point of it.
#[tokio::test]
async fn victim() {
    if let (Some(home), Ok(round)) = (env::var_os(HOME), env::var(ROUND)) {
        let home = Path::new(&home);
        let places = git_workspace::Places {
            mirrors: home.join("mirrors"),
            workspaces: home.join("workspaces"),
        };
        let repository = open(&home.join("user"), &places).await;
        return match round.strip_prefix("holder-") {
            Some(name) => hold(&repository, name).await,
            None => work(&repository, &round).await,
        };
    }
    let home = home().await;
    work(&home.open().await, "alone").await;
    check_landed(&home, "alone").await;
}

/// Leases again and again, and meets nobody else's files.
async fn hold(repository: &GitRepository, name: &str) {
    let base = base(repository).await;
    for _ in 0..6 {
        let clone = repository.lease(&base).await.expect("a lease");
        assert_eq!(everything(clone.folder()).len(), 10, "a lease is as new");
        sh(
            clone.folder(),
            &format!("echo {name} > mine; sleep 0.01; test $(cat mine) = {name}"),
        )
        .await;
    }
}

#[tokio::test]
async fn processes_share_a_pool() {
    let home = home().await;
    let one = |name| spawn_victim(&home, name);
    let held = tokio::try_join!(one("holder-a"), one("holder-b"), one("holder-c"));
    held.expect("all end well");
}

#[tokio::test]
async fn a_killed_process_is_taken_up_by_the_next() {
    let home = home().await;
    let kills = if env::var_os("RUN_SLOW").is_some() {
        300
    } else {
        8
    };
    // How long one round takes here.
    let started = tokio::time::Instant::now();
    spawn_victim(&home, "whole").await.expect("a victim");
    let whole = started.elapsed();
    check_landed(&home, "whole").await;

    for kill in 0..kills {
        let round = format!("round-{kill}");
        // All points of the round, in an order that mixes early and late ones.
        let part = (kill * 7 + 3) % kills;
        let after = whole.mul_f64(f64::from(part) / f64::from(kills));
        // Dropped, the victim gets SIGKILL.
        drop(tokio::time::timeout(after, spawn_victim(&home, &round)).await);
        work(&home.open().await, &round).await;
        check_landed(&home, &round).await;
    }
    sh(&home.user(), "git fsck --strict").await;
    sh(&home.path("mirrors/app.git"), "git fsck --strict").await;
    let pool = fs::read_dir(home.path("workspaces/app")).unwrap().count();
    assert!(
        pool <= 4,
        "folders of the killed are not left behind: {pool}"
    );
}

async fn spawn_victim(home: &Home, round: &str) -> Result<(), process::Error> {
    let finished = Launch::new(env::current_exe().expect("this binary"))
        .args(["--exact", "kills::victim", "--nocapture"])
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env(HOME, home.folder.path())
        .env(ROUND, round)
        .run()
        .await?;
    let output = finished.stdout.tail(4000) + &finished.stderr.tail(4000);
    assert!(
        finished.exit.is_success(),
        "the victim works while it lives: {output}"
    );
    Ok(())
}

/// A call that is dropped at any point leaves nothing that the next one stumbles over.
#[tokio::test]
async fn a_dropped_call_is_taken_up_by_the_next() {
    let home = home().await;
    let repository = home.open().await;
    let started = tokio::time::Instant::now();
    work(&repository, "whole").await;
    let whole = started.elapsed();
    let drops = if env::var_os("RUN_SLOW").is_some() {
        300
    } else {
        8
    };
    for step in 0..drops {
        let round = format!("round-{step}");
        let after = whole.mul_f64(f64::from(step) / f64::from(drops));
        drop(tokio::time::timeout(after, work(&repository, &round)).await);
        work(&repository, &round).await;
        check_landed(&home, &round).await;
    }
}

/// Where a landing was cut off in the middle of writing files, the same landing goes on, and
/// only what it can have written is replaced.
async fn check_torn(tear: &str, expected: &str) {
    let home = Home::new().await;
    home.sh("cd user && echo longer text >> a.txt && git add -A && git commit -q -m more")
        .await;
    let repository = home.open().await;
    let start = base(&repository).await;
    let script = "echo and more >> a.txt; echo lib2 > src/lib.txt; echo new file > new; rm run.sh; ln -s a.txt link";
    let commit = crate::support::change(&repository, &start, script).await;
    repository
        .publish(&branch("automation/r/change"), &commit)
        .await
        .expect("published");
    fs::create_dir_all(home.path("mirrors/app.landings")).expect("a mark");
    fs::File::create(home.path("mirrors/app.landings").join(commit.as_str())).expect("a mark");
    home.sh(&format!("cd user && C={commit} && {tear}")).await;
    let landed = repository
        .land(&landing(&start, &commit, CheckoutPolicy::Update))
        .await
        .expect("an outcome");
    let outcome = match landed {
        Landed::Moved => {
            let found = home.sh("cd user && git status --porcelain; git rev-parse HEAD; ls -A ../mirrors/app.landings").await;
            assert_eq!(
                found,
                commit.as_str(),
                "after `{tear}` the checkout is at the commit"
            );
            "moved".to_owned()
        }
        Landed::Blocked { blocked, .. } => match blocked {
            core_types::Blocked::Dirty { paths, .. } => format!("dirty {}", paths.join(" ")),
            other => format!("{other:?}"),
        },
        other @ Landed::TargetMoved { .. } => format!("{other:?}"),
    };
    assert_eq!(outcome, expected, "after `{tear}`");
}

#[tokio::test]
async fn a_torn_checkout_is_finished() {
    check_torn("true", "moved").await;
    check_torn("printf 'new f' > new", "moved").await;
    check_torn("rm a.txt src/lib.txt run.sh", "moved").await;
    check_torn(
        "git show $C:a.txt > a.txt; printf lib > src/lib.txt; rm run.sh; ln -s a.txt link",
        "moved",
    )
    .await;
    check_torn(
        "touch .git/index.lock .git/HEAD.lock; echo $C > .git/refs/heads/main.lock; : > new",
        "moved",
    )
    .await;
    check_torn("git read-tree -m -u HEAD $C", "moved").await;
    check_torn(
        "git read-tree -m -u HEAD $C; touch .git/refs/heads/main.lock",
        "moved",
    )
    .await;
    check_torn("git merge -q --ff-only $C; touch .git/HEAD.lock", "moved").await;
}

#[tokio::test]
async fn what_a_torn_checkout_does_not_explain_is_the_users() {
    check_torn("echo mine > a.txt; printf 'new f' > new", "dirty a.txt").await;
    check_torn("echo mine > new", "dirty new").await;
    check_torn("echo mine > other; git add other", "dirty other").await;
}
