use std::{collections::BTreeSet, fs, os::unix::fs::PermissionsExt, path::Path};

use core_types::{CommitId, ErrorClass, Repository, RepositoryName};
use tokio::task::JoinSet;

use crate::support::{Home, base, change, everything, open, sh};

/// A folder reset to `commit` after `script` must equal a new clone of it.
async fn check_reset(script: &str) {
    let home = Home::new().await;
    home.sh("cd user && printf '*.log\\nbuild/\\n' > .gitignore && git add -A && git commit -q -m ignore").await;
    let repository = home.open().await;
    let commit = base(&repository).await;
    let first = repository.lease(&commit).await.expect("a lease");
    let folder = first.folder().to_owned();
    sh(&folder, script).await;
    // Taking a result must not make the next lease see less.
    drop(first.commit(None, "taken").await);
    drop(first);

    let second = repository.lease(&commit).await.expect("a lease");
    let fresh = home.path("fresh");
    repository.clone_to(&commit, &fresh).await.expect("a clone");
    assert_eq!(
        everything(second.folder()),
        everything(&fresh),
        "after `{script}` the clone is as new"
    );
    assert_eq!(
        sh(second.folder(), "git status --porcelain --ignored").await,
        "",
        "and so is its own git"
    );
}

#[tokio::test]
async fn reset_undoes_changed_staged_removed_and_ignored_files() {
    check_reset("echo two >> a.txt; rm src/lib.txt; echo x > new; git add new; mkdir build; echo o > build/o; echo l > x.log").await;
}

#[tokio::test]
async fn reset_undoes_rights_of_files_and_folders() {
    check_reset("chmod -x run.sh; chmod 600 a.txt; chmod 700 src .; chmod +x src/lib.txt").await;
}

#[tokio::test]
async fn reset_undoes_rights_and_hard_links_in_a_later_second() {
    check_reset("sleep 1.1; chmod 600 a.txt; chmod 4755 run.sh; ln src/lib.txt ../hard").await;
    check_reset("sleep 1.1; echo 'tw' > b; touch -r a.txt b; mv b a.txt").await;
}

#[tokio::test]
async fn reset_brings_the_git_folder_of_the_clone_back() {
    let home = Home::new().await;
    home.sh("mkdir outside && echo outside > outside/file")
        .await;
    let repository = home.open().await;
    let commit = base(&repository).await;
    for script in [
        "mkdir .git/hooks .git/info; echo evil > .git/hooks/pre-commit; echo '*' > .git/info/exclude",
        "git checkout -q -b other; git commit -q --allow-empty -m x; git gc -q",
        "head -c 100000 /dev/zero >> .git/packed-refs; : > .git/HEAD; echo [alias] >> .git/config",
        "rm .git/config; ln $OUTSIDE/file .git/config",
        "rm -r .git/refs; ln -s $OUTSIDE .git/refs; rm .git/HEAD; ln -s $OUTSIDE/file .git/HEAD",
        "rm -r .git/objects; echo x > .git/objects; rm .git/index; mkdir .git/index",
        "chmod 4755 .git/config; chmod 700 .git .git/refs",
        "rm -r .git; ln -s $OUTSIDE .git",
        "rm -r .git; echo 'gitdir: /nonexistent' > .git",
        "rm -r .git",
    ] {
        let lease = repository.lease(&commit).await.expect("a lease");
        let outside = home.path("outside");
        let script = script.replace("$OUTSIDE", outside.to_str().expect("a path in UTF-8"));
        sh(lease.folder(), &script).await;
        drop(lease);
        let lease = repository.lease(&commit).await.expect("a lease");
        let fresh = tempfile::tempdir_in(home.path("")).expect("a folder");
        let folder = fresh.path().join("clone");
        repository
            .clone_to(&commit, &folder)
            .await
            .expect("a clone");
        let mut found = everything(&lease.folder().join(".git"));
        let mut expected = everything(&folder.join(".git"));
        // The times in the two differ.
        assert!(found.remove(Path::new("index")).is_some());
        assert!(expected.remove(Path::new("index")).is_some());
        assert_eq!(found, expected, "after `{script}`");
        assert_eq!(sh(lease.folder(), "git status --porcelain").await, "");
        assert_eq!(
            everything(&outside).into_values().collect::<Vec<_>>(),
            [format!("100644 {:?}", b"outside\n")],
            "after `{script}` nothing outside has changed"
        );
    }
}

#[tokio::test]
async fn reset_removes_read_only_folders() {
    check_reset(
        "mkdir -p cache/mod; echo x > cache/mod/f; chmod 500 cache/mod cache; chmod 500 src",
    )
    .await;
}

#[tokio::test]
async fn reset_undoes_a_file_that_became_a_folder_and_the_reverse() {
    check_reset("rm a.txt; mkdir a.txt; echo x > a.txt/x; rm -r src; echo file > src").await;
}

#[tokio::test]
async fn reset_does_not_follow_links_out_of_the_clone() {
    let outside = tempfile::tempdir().unwrap();
    fs::File::create(outside.path().join("lib.txt")).unwrap();
    let to = outside.path().display().to_string();
    check_reset(&format!(
        "rm -r src; ln -s {to} src; ln -s {to} build; ln -sf {to}/lib.txt a.txt"
    ))
    .await;
    assert_eq!(
        fs::read(outside.path().join("lib.txt")).unwrap(),
        b"",
        "what a link led to is untouched"
    );
    assert_eq!(
        everything(outside.path()).len(),
        1,
        "nothing was written there"
    );
}

#[tokio::test]
async fn reset_removes_repositories_inside_the_clone() {
    check_reset("git init -q nested; git init -q src; git init -q build/dep; mkdir w; echo 'gitdir: ../x' > w/.git").await;
}

#[tokio::test]
async fn reset_undoes_commits_branches_and_hard_links_of_the_holder() {
    check_reset("ln a.txt hard; git config user.name x; git checkout -q -b other; git commit -q --allow-empty -m x; rm -r .git").await;
}

#[tokio::test]
async fn reset_empties_the_folders_of_submodules() {
    let home = Home::new().await;
    home.sh(
        "git init -q lib && git -C lib commit -q --allow-empty -m x && cd user
         git -c protocol.file.allow=always submodule --quiet add ../lib sub && git commit -q -m sub",
    )
    .await;
    let repository = home.open().await;
    let commit = base(&repository).await;
    let clone = repository.lease(&commit).await.unwrap();
    assert!(
        everything(clone.folder()).contains_key(Path::new("sub")),
        "a submodule is an empty folder"
    );
    sh(clone.folder(), "mkdir sub/inner; echo x > sub/inner/x").await;
    drop(clone);
    let clone = repository.lease(&commit).await.unwrap();
    assert!(
        fs::read_dir(clone.folder().join("sub"))
            .unwrap()
            .next()
            .is_none()
    );
}

#[tokio::test]
async fn a_clone_whose_root_was_replaced_is_made_anew() {
    let home = Home::new().await;
    let repository = home.open().await;
    let commit = base(&repository).await;
    let clone = repository.lease(&commit).await.unwrap();
    let folder = clone.folder().to_owned();
    let victim = home.path("victim");
    fs::create_dir(&victim).unwrap();
    fs::File::create(victim.join("precious")).unwrap();
    fs::rename(&folder, home.path("moved")).unwrap();
    std::os::unix::fs::symlink(&victim, &folder).unwrap();
    drop(clone);
    let clone = repository.lease(&commit).await.unwrap();
    assert_ne!(clone.folder(), folder, "the odd folder is given up");
    assert_eq!(everything(clone.folder()).len(), 4);
    assert_eq!(
        everything(&victim).len(),
        1,
        "what the link led to is untouched"
    );
}

#[tokio::test]
async fn the_next_lease_reuses_the_folder_for_another_commit() {
    let home = Home::new().await;
    let repository = home.open().await;
    let first = base(&repository).await;
    let second = change(
        &repository,
        &first,
        "rm a.txt; mkdir -p deep/er; echo x > deep/er/x; rm -r src; ln -s run.sh src",
    )
    .await;
    let folder = repository.lease(&first).await.unwrap().folder().to_owned();
    for commit in [&second, &first, &second] {
        let clone = repository.lease(commit).await.unwrap();
        assert_eq!(
            clone.folder(),
            folder,
            "a pool of one folder serves one after another"
        );
        let fresh = home.path(&format!("fresh-{}", everything(home.folder.path()).len()));
        repository.clone_to(commit, &fresh).await.unwrap();
        assert_eq!(everything(clone.folder()), everything(&fresh));
    }
}

#[tokio::test]
async fn the_holder_has_a_working_repository_of_its_own() {
    let home = Home::new().await;
    let repository = home.open().await;
    let commit = base(&repository).await;
    let clone = repository.lease(&commit).await.unwrap();
    assert_eq!(
        sh(
            clone.folder(),
            "git rev-parse HEAD; git status --porcelain; git log --format=%s"
        )
        .await,
        format!("{commit}\nfirst")
    );
    sh(clone.folder(), "env -u GIT_AUTHOR_NAME echo two >> a.txt; git diff --stat; git add -A; git commit -q -m own; git fsck").await;
    assert!(
        repository
            .resolve(&"refs/heads/work".parse().unwrap())
            .await
            .unwrap()
            .is_none(),
        "its references are not ours"
    );
}

#[tokio::test]
async fn a_missing_commit_is_not_found() {
    let home = Home::new().await;
    let repository = home.open().await;
    let absent = CommitId::new("1".repeat(40)).unwrap();
    let error = repository.lease(&absent).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::NotFound, "{}", error.to_line());
    let error = repository
        .clone_to(&absent, &home.path("x"))
        .await
        .unwrap_err();
    assert_eq!(error.class(), ErrorClass::NotFound);
    assert!(!home.path("x").exists(), "nothing is left of it");
    let base = base(&repository).await;
    for error in [
        repository.diff(&base, &absent, 10).await.unwrap_err(),
        repository.merge(&base, &absent, "m").await.unwrap_err(),
    ] {
        assert_eq!(error.class(), ErrorClass::NotFound, "{}", error.to_line());
    }
}

/// As two processes would: each opens the repository for itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn leases_at_the_same_time_get_different_folders() {
    let home = Home::new().await;
    let commit = base(&home.open().await).await;
    let mut holders = JoinSet::new();
    let barrier = std::sync::Arc::new(tokio::sync::Barrier::new(8));
    for n in 0..8 {
        let (user, places, commit) = (home.user(), home.places(), commit.clone());
        let barrier = std::sync::Arc::clone(&barrier);
        holders.spawn(async move {
            let repository = open(&user, &places).await;
            let fetched = base(&repository).await;
            assert_eq!(fetched, commit);
            let clone = repository.lease(&commit).await.unwrap();
            sh(clone.folder(), &format!("echo {n} > mine")).await;
            barrier.wait().await;
            let folder = clone.folder().to_owned();
            let made = crate::support::committed(clone.as_ref()).await;
            assert_eq!(
                fs::read_to_string(folder.join("mine")).unwrap(),
                format!("{n}\n")
            );
            (folder, made)
        });
    }
    let held = holders.join_all().await;
    let folders: BTreeSet<_> = held.iter().map(|(folder, _)| folder).collect();
    let commits: BTreeSet<_> = held.iter().map(|(_, commit)| commit).collect();
    assert_eq!((folders.len(), commits.len()), (8, 8));
}

#[tokio::test]
async fn a_mirror_is_opened_by_many_at_once() {
    let home = Home::new().await;
    let mut openers = JoinSet::new();
    for _ in 0..6 {
        let (user, places) = (home.user(), home.places());
        openers.spawn(async move { base(&open(&user, &places).await).await });
    }
    let heads: BTreeSet<_> = openers.join_all().await.into_iter().collect();
    assert_eq!(heads.len(), 1);
}

#[tokio::test]
async fn repositories_of_one_home_have_pools_of_their_own() {
    let home = Home::new().await;
    let one = home.open().await;
    let other = RepositoryName::new("other").unwrap();
    let other = git_workspace::GitRepository::open(
        crate::support::git(),
        other,
        &home.user(),
        &home.places(),
    )
    .await
    .unwrap();
    let (a, b) = (base(&one).await, base(&other).await);
    let (a, b) = (one.lease(&a).await.unwrap(), other.lease(&b).await.unwrap());
    assert_ne!(a.folder().parent(), b.folder().parent());
    let mode = fs::metadata(a.folder()).unwrap().permissions().mode();
    assert_eq!(mode & 0o700, 0o700);
}
