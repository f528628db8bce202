use core_types::{CommitId, ErrorClass, Repository};

use crate::support::{Home, base, change, sh};

fn paths(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[tokio::test]
async fn files_are_read_as_the_commit_holds_them() {
    let home = Home::new().await;
    let repository = home.open().await;
    let one = base(&repository).await;
    let script = "printf 'a\\0b' > binary; : > empty; ln -s a.txt link; echo x > ':(top)odd name'; echo s > 'star*'";
    let two = change(&repository, &one, script).await;
    let read = async |path: &str, limit| repository.read(&two, path, limit).await.unwrap();
    assert_eq!(read("binary", 100).await.unwrap(), b"a\0b");
    assert_eq!(read("binary", 2).await.unwrap(), b"a\0");
    assert_eq!(read("empty", 10).await.unwrap(), b"");
    assert_eq!(read("link", 10).await.unwrap(), b"a.txt");
    assert_eq!(read(":(top)odd name", 10).await.unwrap(), b"x\n");
    assert_eq!(read("star*", 10).await.unwrap(), b"s\n");
    assert_eq!(read("src/lib.txt", 10).await.unwrap(), b"lib\n");
    for absent in ["absent", "src", "src/", "", "s*", "../a.txt", "/a.txt"] {
        let found = repository.read(&two, absent, 10).await;
        assert!(
            !matches!(found, Ok(Some(_))),
            "{absent} is no file of the commit"
        );
    }
    assert_eq!(repository.read(&one, "binary", 10).await.unwrap(), None);
    let nowhere = CommitId::new("3".repeat(40)).unwrap();
    let error = repository.read(&nowhere, "a.txt", 10).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::NotFound, "{}", error.to_line());
}

#[tokio::test]
async fn an_overlay_takes_the_named_files_and_no_others() {
    let home = Home::new().await;
    let repository = home.open().await;
    let one = base(&repository).await;
    let script = "echo two > a.txt; chmod -x run.sh; rm src/lib.txt; mkdir t; echo n > t/new; echo no > other";
    let two = change(&repository, &one, script).await;
    let asked = paths(&["a.txt", "src/lib.txt", "t/new", "nowhere"]);
    let made = repository.overlay(&one, &two, &asked, "tests only").await;
    let made = made.unwrap();
    let again = repository.overlay(&one, &two, &asked, "tests only").await;
    assert_eq!(again.unwrap(), made, "the same input gives the same commit");
    let shown = format!(
        "git show -s --format='%P %s' {made}; git diff --raw --abbrev=4 {one} {made} | cut -d' ' -f5; git ls-tree -r {made} | cut -c1-6"
    );
    let shown = sh(repository.mirror_folder(), &shown).await;
    let expected =
        format!("{one} tests only\nM\ta.txt\nD\tsrc/lib.txt\nA\tt/new\n100644\n100755\n100644");
    assert_eq!(shown, expected);
    assert_eq!(
        repository.read(&made, "a.txt", 10).await.unwrap().unwrap(),
        b"two\n"
    );
    assert_eq!(repository.read(&made, "other", 10).await.unwrap(), None);
}

#[tokio::test]
async fn a_folder_and_a_file_change_places_in_an_overlay() {
    let home = Home::new().await;
    let repository = home.open().await;
    let one = base(&repository).await;
    let script = "rm -r src a.txt; echo file > src; mkdir a.txt; echo in > a.txt/in";
    let two = change(&repository, &one, script).await;
    let asked = paths(&["src", "src/lib.txt", "a.txt", "a.txt/in"]);
    let made = repository.overlay(&one, &two, &asked, "m").await.unwrap();
    let same = format!("git diff --quiet {made} {two}");
    sh(repository.mirror_folder(), &same).await;
}

#[tokio::test]
async fn what_a_killed_overlay_left_is_passed_over() {
    let home = Home::new().await;
    let repository = home.open().await;
    let one = base(&repository).await;
    let two = change(&repository, &one, "echo two > a.txt").await;
    let left = "echo garbage > overlay-index; touch overlay-index.lock";
    sh(repository.mirror_folder(), left).await;
    let asked = paths(&["a.txt"]);
    let made = repository.overlay(&one, &two, &asked, "m").await.unwrap();
    assert_eq!(
        repository.read(&made, "a.txt", 10).await.unwrap().unwrap(),
        b"two\n"
    );
}
