//! Landing in real git repositories in two phases.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, atomic::Ordering},
};

use core_types::{
    Blocked, BranchName, Capture, ChangeSetLanded, ChangeSetLander, ChangeSetLanding,
    CheckoutPolicy, CommitId, ErrorClass, Landing, LandingMember, LandingObserver, Repository,
    RepositoryName, StepLog, StepRef, step::StepError,
};
use git_workspace::{Git, GitRepository, Options, Places};
use multi_repo::TwoPhase;
use testkit::{MemoryStepLog, git::Fixture};

use crate::support::{Counting, FailingLog, id, name};

const NAMES: [&str; 3] = ["delta", "alpha", "beta"];

struct World {
    _folder: tempfile::TempDir,
    fixtures: Vec<Fixture>,
    members: Vec<LandingMember>,
}

async fn changed(repository: &GitRepository, base: &CommitId, file: &str) -> CommitId {
    let clone = repository.lease(base).await.expect("a lease");
    Fixture::at(clone.folder()).file(file, "changed\n");
    match clone.commit(None, "change").await.expect("a capture") {
        Capture::Committed { commit, .. } => commit,
        other => panic!("expected a commit, got {other:?}"),
    }
}

impl World {
    async fn new(checkout: CheckoutPolicy) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let (mut fixtures, mut members) = (Vec::new(), Vec::new());
        for repository in NAMES {
            let fixture = Fixture::new(folder.path().join(repository));
            fixture.file("a.txt", "one\n").commit("first");
            let repository = open(folder.path(), repository).await;
            let main = BranchName::new("main").expect("a branch");
            let base = repository.fetch(&main).await.expect("fetched");
            let commit = changed(&repository, &base, "a.txt").await;
            members.push(LandingMember {
                repository: Arc::new(repository),
                landing: Landing {
                    branch: main,
                    expected: base,
                    commit,
                    pull_request: None,
                    checkout,
                },
            });
            fixtures.push(fixture);
        }
        Self {
            _folder: folder,
            fixtures,
            members,
        }
    }

    async fn land(&self, attempt: u32, steps: &dyn StepLog) -> Result<ChangeSetLanded, StepError> {
        let counting = Counting::default();
        let landing = ChangeSetLanding {
            change_set: &id("run-1:change-set"),
            attempt,
            members: self.members.clone(),
            steps,
            observer: &counting,
        };
        TwoPhase.land(landing).await
    }

    /// How many targets hold their commit; each checkout is clean, and nothing is locked.
    fn n_landed(&self) -> usize {
        let mut n_landed = 0;
        for (fixture, member) in self.fixtures.iter().zip(&self.members) {
            let main = fixture.resolve("main");
            if main == member.landing.commit {
                n_landed += 1;
            }
            assert_eq!(fixture.status(), "", "the checkout is at {main}");
            for lock in ["refs/heads/main.lock", "HEAD.lock", "index.lock"] {
                assert!(
                    !fixture.dir().join(".git").join(lock).exists(),
                    "{lock} is left"
                );
            }
        }
        n_landed
    }
}

async fn open(folder: &Path, repository: &str) -> GitRepository {
    let places = Places {
        mirrors: folder.join("mirrors"),
        workspaces: folder.join("workspaces"),
    };
    let git = Arc::new(Git::new(Options::default()));
    let source = folder.join(repository);
    let opened = GitRepository::open(git, name(repository), &source, &places).await;
    opened.expect("it opens")
}

#[tokio::test]
async fn all_targets_move_and_are_told_of_once() {
    let world = World::new(CheckoutPolicy::Update).await;
    let (steps, counting) = (MemoryStepLog::default(), Counting::default());
    for _ in 0..2 {
        let landing = ChangeSetLanding {
            change_set: &id("run-1:change-set"),
            attempt: 1,
            members: world.members.clone(),
            steps: &steps,
            observer: &counting,
        };
        let landed = TwoPhase.land(landing).await.expect("an outcome");
        assert_eq!(landed, ChangeSetLanded::All);
    }
    assert_eq!(
        (world.n_landed(), counting.0.load(Ordering::SeqCst)),
        (3, 3)
    );
}

#[tokio::test]
async fn one_that_a_person_must_settle_keeps_all() {
    let world = World::new(CheckoutPolicy::Update).await;
    world.fixtures[2].file("a.txt", "mine\n");
    let steps = MemoryStepLog::default();
    let landed = world.land(1, &steps).await.expect("an outcome");
    let ChangeSetLanded::Blocked { blocked } = landed else {
        panic!("{landed:?}");
    };
    assert_eq!(blocked.keys().collect::<Vec<_>>(), [&name("beta")]);
    world.fixtures[2].git(&["checkout", "--quiet", "a.txt"]);
    assert_eq!(world.n_landed(), 0);
    // The same attempt, asked again.
    assert_eq!(
        world.land(1, &steps).await.expect("an outcome"),
        ChangeSetLanded::All
    );
    assert_eq!(world.n_landed(), 3);
}

#[tokio::test]
async fn a_target_that_moved_is_caught_up_before_anything_moves() {
    let mut world = World::new(CheckoutPolicy::Update).await;
    let theirs = world.fixtures[0].file("theirs.txt", "x\n").commit("theirs");
    let steps = MemoryStepLog::default();
    let moved = ChangeSetLanded::TargetMoved {
        moved: [(name("delta"), theirs.clone())].into(),
        landed: Vec::new(),
        again: Default::default(),
    };
    for _ in 0..2 {
        assert_eq!(
            world.land(1, &steps).await.expect("an outcome"),
            moved,
            "also replayed"
        );
        assert_eq!(world.n_landed(), 0);
    }
    let member = &mut world.members[0];
    let main = BranchName::new("main").expect("a branch");
    member.repository.fetch(&main).await.expect("fetched");
    let merged = member
        .repository
        .merge(&theirs, &member.landing.commit, "catch up");
    let core_types::Merge::Merged { commit } = merged.await.expect("a merge") else {
        panic!("they do not conflict");
    };
    (member.landing.expected, member.landing.commit) = (theirs, commit);
    assert_eq!(
        world.land(2, &steps).await.expect("an outcome"),
        ChangeSetLanded::All
    );
    assert_eq!(world.n_landed(), 3);
}

/// The journal fails at each append, as if the engine were killed there, and the next session goes on.
#[tokio::test(flavor = "multi_thread")]
async fn cut_off_at_each_append_it_lands_in_all() {
    let whole = FailingLog::at(0, false);
    World::new(CheckoutPolicy::Update)
        .await
        .land(1, &whole)
        .await
        .expect("lands");
    // The change set, the decision, and each member: begun and finished.
    assert_eq!(whole.n_appends(), 10);
    // All of them are points of `cargo xtask crash land`, too.
    let is_slow = std::env::var_os("RUN_SLOW").is_some();
    let points = (1..=whole.n_appends()).filter(|at| is_slow || [3, 5, 8].contains(at));
    for at in points {
        let world = World::new(CheckoutPolicy::Update).await;
        let is_written = at % 2 == 0;
        let steps = FailingLog::at(at, is_written);
        world.land(1, &steps).await.expect_err("it is cut off");
        if at <= 3 {
            assert_eq!(
                world.n_landed(),
                0,
                "nothing moves before the decision is on disk"
            );
        }
        steps.heal();
        assert_eq!(
            world.land(1, &steps).await.expect("an outcome"),
            ChangeSetLanded::All
        );
        assert_eq!(world.n_landed(), 3, "append {at}");
    }
}

/// Decided, cut off before anything moved, and then a target moves: nothing is decided any more.
#[tokio::test]
async fn a_decision_that_moved_nothing_binds_nobody() {
    let world = World::new(CheckoutPolicy::Update).await;
    let steps = FailingLog::at(4, true);
    world
        .land(1, &steps)
        .await
        .expect_err("it is cut off after its decision");
    assert_eq!(world.n_landed(), 0);
    let theirs = world.fixtures[1].file("theirs.txt", "x\n").commit("theirs");
    steps.heal();
    let moved = ChangeSetLanded::TargetMoved {
        moved: [(name("alpha"), theirs)].into(),
        landed: Vec::new(),
        again: Default::default(),
    };
    assert_eq!(world.land(1, &steps).await.expect("an outcome"), moved);
    assert_eq!(world.n_landed(), 0);
}

/// Decided, cut off when a part had moved, and then another target moves: what has landed is told.
#[tokio::test]
async fn what_has_landed_is_told_where_another_target_moves() {
    let world = World::new(CheckoutPolicy::Update).await;
    // After the change set, the decision and the first member, when the step of the second is to be begun.
    let steps = FailingLog::at(6, false);
    world.land(1, &steps).await.expect_err("it is cut off");
    assert_eq!(world.n_landed(), 1);
    let theirs = world.fixtures[1].file("theirs.txt", "x\n").commit("theirs");
    steps.heal();
    let moved = ChangeSetLanded::TargetMoved {
        moved: [(name("alpha"), theirs)].into(),
        landed: vec![name("delta"), name("beta")],
        again: Default::default(),
    };
    assert_eq!(world.land(1, &steps).await.expect("an outcome"), moved);
    assert_eq!(world.n_landed(), 2);
}

/// Two change sets over the same repositories at once: neither waits for ever, and each lands whole or not at all.
#[tokio::test(flavor = "multi_thread")]
async fn two_change_sets_never_wait_for_each_other() {
    let world = World::new(CheckoutPolicy::Update).await;
    let mut others = Vec::new();
    for member in world.members.iter().rev() {
        let to = &member.landing;
        let main = BranchName::new("main").expect("a branch");
        member.repository.fetch(&main).await.expect("fetched");
        let clone = member
            .repository
            .lease(&to.expected)
            .await
            .expect("a lease");
        Fixture::at(clone.folder()).file("b.txt", "other\n");
        let captured = clone.commit(None, "other").await.expect("a capture");
        let Capture::Committed { commit, .. } = captured else {
            panic!("a file was made");
        };
        let mut other = member.clone();
        other.landing.commit = commit;
        others.push(other);
    }
    let (ours, theirs) = (MemoryStepLog::default(), MemoryStepLog::default());
    let (a, b) = (Counting::default(), Counting::default());
    let (first, second) = (id("run-1:change-set"), id("run-2:change-set"));
    let land = |change_set, members, steps, observer| {
        TwoPhase.land(ChangeSetLanding {
            change_set,
            attempt: 1,
            members,
            steps,
            observer,
        })
    };
    let (one, two) = tokio::join!(
        land(&first, world.members.clone(), &ours, &a),
        land(&second, others, &theirs, &b),
    );
    let ends = [one.expect("an outcome"), two.expect("an outcome")];
    let n_all = ends
        .iter()
        .filter(|end| **end == ChangeSetLanded::All)
        .count();
    assert_eq!(n_all, 1, "{ends:?}");
    let other = ends.iter().find(|end| **end != ChangeSetLanded::All);
    assert!(
        matches!(other, Some(ChangeSetLanded::TargetMoved { moved, landed, .. }) if moved.len() == 3 && landed.is_empty()),
        "{ends:?}"
    );
    assert!([0, 3].contains(&world.n_landed()));
}

/// A git of the user's holds the index of one checkout: all wait for it.
#[tokio::test]
async fn a_users_lock_keeps_all() {
    let world = World::new(CheckoutPolicy::Update).await;
    let steps = MemoryStepLog::default();
    let lock = world.fixtures[0].dir().join(".git/index.lock");
    world.fixtures[0].file(".git/index.lock", "");
    let error = world.land(1, &steps).await.expect_err("it is held");
    assert_eq!(error.class(), ErrorClass::Transient, "{error}");
    assert!(lock.exists(), "it is the user's");
    std::fs::remove_file(&lock).expect("it is there");
    assert_eq!(world.n_landed(), 0);
    assert_eq!(
        world.land(1, &steps).await.expect("an outcome"),
        ChangeSetLanded::All
    );
    assert_eq!(world.n_landed(), 3);
}

/// When the first has landed, takes another repository away.
#[derive(Debug)]
struct Thief {
    from: PathBuf,
    to: PathBuf,
}

impl LandingObserver for Thief {
    fn landed(&self, _: &StepRef, _: &RepositoryName, _: &Landing) {
        if self.from.exists() {
            std::fs::rename(&self.from, &self.to).expect("it can be moved");
        }
    }
}

/// What comes after the decision does not hide what has landed, also when asked again.
#[tokio::test]
async fn one_that_fails_after_the_decision_is_told_with_what_has_landed() {
    let world = World::new(CheckoutPolicy::Update).await;
    let steps = MemoryStepLog::default();
    let from = world.fixtures[2].dir().join(".git");
    let to = world.fixtures[2].dir().with_extension("away");
    let (from, to) = (from.as_path().to_owned(), to.as_path().to_owned());
    let thief = Thief {
        from: from.clone(),
        to: to.clone(),
    };
    for _ in 0..2 {
        let landing = ChangeSetLanding {
            change_set: &id("run-1:change-set"),
            attempt: 1,
            members: world.members.clone(),
            steps: &steps,
            observer: &thief,
        };
        let landed = TwoPhase.land(landing).await.expect("an outcome");
        let ChangeSetLanded::Partial { landed, blocked } = landed else {
            panic!("{landed:?}");
        };
        assert_eq!(landed, [name("delta"), name("alpha")]);
        assert_eq!(blocked.len(), 1);
        let block = &blocked[&name("beta")];
        assert!(matches!(block.blocked, Blocked::Failed { .. }), "{block:?}");
    }
    std::fs::rename(&to, &from).expect("it can be moved");
    assert_eq!(
        world.land(1, &steps).await.expect("an outcome"),
        ChangeSetLanded::All
    );
    assert_eq!(world.n_landed(), 3);
}
