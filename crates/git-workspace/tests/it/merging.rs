use core_types::{ErrorClass, Merge, RefName, RefUpdate, Repository};

use crate::support::{Home, base, change, merged, sh};

#[tokio::test]
async fn merges_are_made_once_and_the_same() {
    let home = Home::new().await;
    let repository = home.open().await;
    let base = base(&repository).await;
    let ours = change(&repository, &base, "echo ours > ours").await;
    let theirs = change(&repository, &base, "echo theirs > theirs; chmod -x run.sh").await;
    let first = repository.merge(&ours, &theirs, "join").await.unwrap();
    assert!(matches!(first, Merge::Merged { .. }));
    // Time passes for commits of agents only.
    assert_eq!(
        repository.merge(&ours, &theirs, "join").await.unwrap(),
        first
    );
    let Merge::Merged { commit } = first else {
        return;
    };
    let shown = sh(
        repository.mirror_folder(),
        &format!("git show -s --format='%P %s' {commit}; git ls-tree --name-only {commit}"),
    )
    .await;
    assert_eq!(
        shown,
        format!("{ours} {theirs} join\na.txt\nours\nrun.sh\nsrc\ntheirs")
    );
    let dates = sh(repository.mirror_folder(), &format!("git show -s --format=%ct {ours} {theirs} | sort -n | tail -1; git show -s --format=%ct {commit}")).await;
    let (latest, merged) = dates.split_once('\n').unwrap();
    assert_eq!(latest, merged, "a merge is dated by its parents");
}

#[tokio::test]
async fn one_that_holds_the_other_needs_no_commit() {
    let home = Home::new().await;
    let repository = home.open().await;
    let base = base(&repository).await;
    let next = change(&repository, &base, "echo x > x").await;
    for (ours, theirs) in [(&base, &next), (&next, &base), (&next, &next)] {
        let merge = repository.merge(ours, theirs, "m").await.unwrap();
        assert_eq!(
            merge,
            Merge::FastForward {
                commit: next.clone()
            }
        );
    }
}

#[tokio::test]
async fn conflicts_name_their_paths() {
    let home = Home::new().await;
    let repository = home.open().await;
    let base = base(&repository).await;
    let ours = change(
        &repository,
        &base,
        "echo ours > a.txt; echo ours > src/lib.txt; echo x > z; rm run.sh",
    )
    .await;
    let theirs = change(
        &repository,
        &base,
        "echo theirs > a.txt; echo theirs > src/lib.txt; echo y > z; echo more >> run.sh",
    )
    .await;
    let merge = repository.merge(&ours, &theirs, "m").await.unwrap();
    let paths = ["a.txt", "run.sh", "src/lib.txt", "z"]
        .map(str::to_owned)
        .to_vec();
    assert_eq!(merge, Merge::Conflict { paths });
}

#[tokio::test]
async fn unrelated_histories_are_refused() {
    let home = Home::new().await;
    home.sh("cd user && git checkout -q --orphan other && git commit -q -m other && git checkout -q main").await;
    let repository = home.open().await;
    let base = base(&repository).await;
    let other = repository
        .fetch(&crate::support::branch("other"))
        .await
        .unwrap();
    let error = repository.merge(&base, &other, "m").await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Validation);
}

#[tokio::test]
async fn references_move_all_or_none() {
    let home = Home::new().await;
    let repository = home.open().await;
    let one = base(&repository).await;
    let two = change(&repository, &one, "echo x > x").await;
    let name = |text: &str| RefName::new(format!("refs/automation/{text}")).unwrap();
    let update = |text: &str, expected, new| RefUpdate {
        name: name(text),
        expected,
        new,
    };
    let (a, b) = (Some(one.clone()), Some(two.clone()));
    repository
        .update_refs(&[update("x", None, a.clone()), update("y/z", None, b.clone())])
        .await
        .unwrap();
    assert_eq!(repository.resolve(&name("y/z")).await.unwrap(), b);
    assert_eq!(
        repository.resolve(&name("y")).await.unwrap(),
        None,
        "a folder of references is none"
    );

    for wrong in [
        [
            update("x", a.clone(), b.clone()),
            update("y/z", a.clone(), None),
        ],
        [
            update("x", a.clone(), b.clone()),
            update("y/z", None, a.clone()),
        ],
        [
            update("x", a.clone(), None),
            update("absent", b.clone(), a.clone()),
        ],
        [update("x", a.clone(), b.clone()), update("y/z", None, None)],
    ] {
        let error = repository.update_refs(&wrong).await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::Conflict, "{}", error.to_line());
        assert_eq!(
            repository.resolve(&name("x")).await.unwrap(),
            a,
            "nothing has moved"
        );
    }
    repository
        .update_refs(&[
            update("x", a, b.clone()),
            update("y/z", b, None),
            update("none", None, None),
        ])
        .await
        .unwrap();
    assert_eq!(repository.resolve(&name("x")).await.unwrap(), Some(two));
    assert_eq!(repository.resolve(&name("y/z")).await.unwrap(), None);
    repository.update_refs(&[]).await.unwrap();
}

#[tokio::test]
async fn a_reference_to_nothing_is_refused() {
    let home = Home::new().await;
    let repository = home.open().await;
    let absent = core_types::CommitId::new("2".repeat(40)).unwrap();
    let name = RefName::new("refs/automation/x").unwrap();
    let update = RefUpdate {
        name: name.clone(),
        expected: None,
        new: Some(absent),
    };
    let error = repository.update_refs(&[update]).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::NotFound, "{}", error.to_line());
    assert_eq!(repository.resolve(&name).await.unwrap(), None);
}

#[tokio::test]
async fn many_references_move_at_once() {
    let home = Home::new().await;
    let repository = std::sync::Arc::new(home.open().await);
    let one = base(&repository).await;
    let mut movers = tokio::task::JoinSet::new();
    for n in 0..16 {
        let (repository, one) = (std::sync::Arc::clone(&repository), one.clone());
        movers.spawn(async move {
            let name = RefName::new(format!("refs/automation/{n}")).unwrap();
            let update = RefUpdate {
                name,
                expected: None,
                new: Some(one),
            };
            repository.update_refs(&[update]).await.unwrap();
        });
    }
    movers.join_all().await;
}

#[tokio::test]
async fn a_diff_is_cut_at_its_limit() {
    let home = Home::new().await;
    let repository = home.open().await;
    let one = base(&repository).await;
    let two = change(
        &repository,
        &one,
        "seq 100000 > big; printf 'a\\0b' > binary",
    )
    .await;
    let whole = repository.diff(&one, &two, 10 << 20).await.unwrap();
    assert!(
        !whole.is_cut && whole.text.contains("+100000\n") && whole.text.contains("Binary files")
    );
    for limit in [0, 1, 1000, whole.text.len() - 1] {
        let cut = repository.diff(&one, &two, limit).await.unwrap();
        assert!(cut.is_cut);
        assert_eq!(cut.text, whole.text[..limit]);
        assert_eq!(cut.files, whole.files, "the list is whole");
    }
    let exact = repository.diff(&one, &two, whole.text.len()).await.unwrap();
    assert_eq!((exact.text, exact.is_cut), (whole.text, false));
    assert!(
        repository
            .diff(&one, &one, 10)
            .await
            .unwrap()
            .files
            .is_empty()
    );
}

#[tokio::test]
async fn stale_lock_files_in_the_mirror_are_cleared() {
    let home = Home::new().await;
    let repository = home.open().await;
    let one = base(&repository).await;
    sh(repository.mirror_folder(), "mkdir -p refs/automation/a; touch refs/automation/a/x.lock refs/user/main.lock packed-refs.lock").await;
    home.sh("cd user && git commit -q --allow-empty -m next")
        .await;
    let two = base(&repository).await;
    assert_ne!(one, two);
    let name = RefName::new("refs/automation/a/x").unwrap();
    sh(repository.mirror_folder(), "touch refs/automation/a/x.lock").await;
    let update = RefUpdate {
        name: name.clone(),
        expected: None,
        new: Some(one),
    };
    repository.update_refs(&[update]).await.unwrap();
    merged(&repository, &two, &two).await;
}
