use testkit::git::Fixture;

#[test]
fn the_same_script_gives_the_same_commits() {
    let folder = tempfile::tempdir().unwrap();
    let heads = ["a", "b"].map(|name| {
        let repository = Fixture::new(folder.path().join(name));
        let first = repository.file("src/a.txt", "one\n").commit("first");
        let second = repository
            .script("run.sh", "#!/bin/sh\nexit 0\n")
            .commit("second");
        assert_ne!(first, second);
        assert_eq!(repository.head(), second);
        assert_eq!(repository.resolve("main~1"), first);
        second
    });
    assert_eq!(heads[0], heads[1]);
}

#[test]
fn the_working_tree_is_shown_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let repository = Fixture::new(folder.path().join("a"));
    repository.file("a.txt", "one\n").commit("first");
    assert_eq!(repository.status(), "");
    repository.file("a.txt", "two\n").file("b.txt", "new\n");
    assert_eq!(repository.status(), " M a.txt\n?? b.txt");
    assert_eq!(repository.read("a.txt").as_deref(), Some("two\n"));
    assert_eq!(repository.read("c.txt"), None);
}
