//! Landings that fail while they write into the user's checkout.

use std::{fs, os::unix::fs::PermissionsExt, sync::Arc};

use core_types::{CheckoutPolicy::Update, CommitId, ErrorClass, Landed, Repository};
use git_workspace::{Git, GitRepository, Options};

use crate::support::{Home, base, branch, change, landing};

/// A change of the user's repository, landed by a git that does `script` before
/// these subcommands write into the checkout, as long as there is a file `fault`.
struct Faulty {
    home: Home,
    repository: GitRepository,
    base: CommitId,
    commit: CommitId,
}

impl Faulty {
    async fn new(subcommands: &str, script: &str) -> Self {
        let home = Home::new().await;
        home.sh(
            "cd user && head -c 100000 /dev/urandom > big && git add -A && git commit -q -m big",
        )
        .await;
        let program = home.path("faulty-git");
        let text = format!(
            "#!/bin/sh\ncase $1 in {subcommands}) if [ -e '{}' ] && [ -z \"$GIT_INDEX_FILE\" ]; then {script}; fi;; esac\nexec git \"$@\"\n",
            home.path("fault").display()
        );
        put_program(&program, &text);
        let git = Git::new(Options {
            program: program.into(),
            ..Options::default()
        });
        let name = "app".parse().expect("a name");
        let opened = GitRepository::open(Arc::new(git), name, &home.user(), &home.places()).await;
        let repository = opened.expect("the repository opens");
        let base = base(&repository).await;
        let script = "head -c 90000 /dev/urandom > big; head -c 100000 /dev/urandom > new; rm run.sh; echo two >> a.txt; rm -r src; echo x > src";
        let commit = change(&repository, &base, script).await;
        let published = branch("automation/r/change");
        repository
            .publish(&published, &commit)
            .await
            .expect("published");
        home.sh("touch fault").await;
        Self {
            home,
            repository,
            base,
            commit,
        }
    }

    async fn fails(&self) -> core_types::PortError {
        let landing = landing(&self.base, &self.commit, Update);
        self.repository
            .land(&landing)
            .await
            .expect_err("it is cut off")
    }

    /// Without the fault, the same landing goes through.
    async fn then_lands(&self) {
        self.home.sh("rm fault").await;
        let landing = landing(&self.base, &self.commit, Update);
        let landed = self.repository.land(&landing).await.expect("an outcome");
        assert_eq!(
            landed,
            Landed::Moved,
            "nothing of the first try is taken for the user's"
        );
        let state = self.state().await;
        assert_eq!(state, self.commit.as_str(), "the checkout is at the commit");
    }

    /// What differs from the commit that the checkout is at, that commit, and marks.
    async fn state(&self) -> String {
        let script = "cd user && git status --porcelain && git rev-parse HEAD && ls -A ../mirrors/app.landings";
        self.home.sh(script).await
    }
}

fn put_program(path: &std::path::Path, text: &str) {
    use std::io::Write;
    let mut file = fs::File::create(path).expect("a file");
    file.write_all(text.as_bytes()).expect("written");
    file.set_permissions(fs::Permissions::from_mode(0o755))
        .expect("executable");
}

/// As where the disk is full: what is longer than 4 KiB cannot be written.
const FULL: &str = "trap '' XFSZ; ulimit -f 8";

#[tokio::test]
async fn a_checkout_that_does_not_fit_is_as_before() {
    let faulty = Faulty::new("read-tree", FULL).await;
    for _ in 0..2 {
        let error = faulty.fails().await;
        assert_eq!(
            error.class(),
            ErrorClass::ResourceExhausted,
            "{}",
            error.to_line()
        );
        assert_eq!(faulty.state().await, faulty.base.as_str());
    }
    faulty.then_lands().await;
}

#[tokio::test]
async fn what_could_not_be_taken_back_is_taken_back_by_the_next() {
    let faulty = Faulty::new("read-tree|checkout-index", FULL).await;
    for _ in 0..2 {
        let error = faulty.fails().await;
        assert_eq!(
            error.class(),
            ErrorClass::ResourceExhausted,
            "{}",
            error.to_line()
        );
    }
    faulty.then_lands().await;
}

#[tokio::test]
async fn a_git_that_is_killed_is_not_taken_for_somebody_elses() {
    let torn = "rm a.txt src/lib.txt; : > new; touch .git/index.lock; kill -9 $$";
    let faulty = Faulty::new("read-tree", torn).await;
    let error = faulty.fails().await;
    assert!(error.to_line().contains("read-tree"), "{}", error.to_line());
    faulty.then_lands().await;
}

#[tokio::test]
async fn a_lock_that_is_taken_meanwhile_is_left() {
    let faulty = Faulty::new("read-tree", "touch .git/index.lock").await;
    for _ in 0..2 {
        let error = faulty.fails().await;
        assert_eq!(error.class(), ErrorClass::Transient, "{}", error.to_line());
        assert!(
            faulty.home.path("user/.git/index.lock").exists(),
            "it is not ours to remove"
        );
    }
    faulty.home.sh("rm user/.git/index.lock").await;
    faulty.then_lands().await;
}
