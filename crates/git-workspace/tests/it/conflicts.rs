use core_types::{
    Capture, CommitId, ConflictedFile, ErrorClass, Repository, Resolution, SettledFile,
};
use git_workspace::GitRepository;

use crate::support::{Home, base, branch, change, committed, everything, merged, open, sh};

/// Two commits on a base that scripts make in the user's repository.
struct Sides {
    home: Home,
    repository: GitRepository,
    ours: CommitId,
    theirs: CommitId,
}

impl Sides {
    async fn new(base_script: &str, ours: &str, theirs: &str) -> Self {
        let home = Home::new().await;
        home.sh(&format!(
            "cd user; {base_script}; git add -A; git commit -q --allow-empty -m base"
        ))
        .await;
        let repository = home.open().await;
        let start = base(&repository).await;
        let ours = change(&repository, &start, ours).await;
        let theirs = change(&repository, &start, theirs).await;
        Self {
            home,
            repository,
            ours,
            theirs,
        }
    }

    async fn conflicts(&self) -> Vec<ConflictedFile> {
        let found = self.repository.conflicts(&self.ours, &self.theirs).await;
        found.expect("the conflicts are listed")
    }
}

/// Path, kind and hunks as `line base|ours|theirs`.
fn shown(files: &[ConflictedFile]) -> String {
    let lines = files.iter().map(|file| {
        let hunks: String = file
            .hunks
            .iter()
            .map(|hunk| {
                format!(
                    " {} {:?}|{:?}|{:?}",
                    hunk.line, hunk.base, hunk.ours, hunk.theirs
                )
            })
            .collect();
        format!("{:?} {:?}{hunks}\n", file.path, file.kind)
    });
    lines.collect()
}

#[tokio::test]
async fn every_kind_of_conflict_is_told_apart() {
    let sides = Sides::new(
        r"printf 'x\r\ny\r\nz\r\n' > crlf; printf end > noeol; printf 'a\0b' > bin; echo q > 'del ete'
          seq 1 20 > old; ln -s a link; echo m > mode; echo k > gone; printf '\351\n' > latin; seq 1 9 > many; echo r > renamed",
        r"printf 'x\r\ny1\r\nz\r\n' > crlf; printf end1 > noeol; printf 'a\0b1' > bin; rm 'del ete'
          mv old new; sed -i s/^10$/ten/ new; ln -sfn b link; echo both1 > added; echo s > script; chmod +x script
          mkdir folder; echo 1 > folder/x; echo k1 > gone; printf '\351 1\n' > latin; sed -i 's/[19]/&o/' many
          mv renamed one; printf 'n1\n' > 'with ü and
newline'",
        r"printf 'x\r\ny2\r\nz\r\n' > crlf; printf end2 > noeol; printf 'a\0b2' > bin; echo q2 > 'del ete'
          sed -i s/^10$/TEN/ old; ln -sfn c link; echo both2 > added; echo s > script
          echo f > folder; rm gone; printf '\351 2\n' > latin; sed -i 's/[19]/&t/' many
          mv renamed two; printf 'n2\n' > 'with ü and
newline'",
    )
    .await;
    let files = sides.conflicts().await;
    let theirs = &sides.theirs;
    let expected = format!(
        r#""added" BothAdded 1 ""|"both1\n"|"both2\n"
"bin" Binary
"crlf" Content 2 "y\r\n"|"y1\r\n"|"y2\r\n"
"del ete" DeleteModify
"folder~{theirs}" Structure
"gone" DeleteModify
"latin" Content 1 "{r}\n"|"{r} 1\n"|"{r} 2\n"
"link" Structure
"many" Content 1 "1\n"|"1o\n"|"1t\n" 15 "9\n"|"9o\n"|"9t\n"
"new" Content 10 "10\n"|"ten\n"|"TEN\n"
"noeol" Content 1 "end\n"|"end1\n"|"end2\n"
"one" Structure
"renamed" Structure
"script" Structure
"two" Structure
"with ü and\nnewline" BothAdded 1 ""|"n1\n"|"n2\n"
"#,
        r = '\u{fffd}'
    );
    assert_eq!(shown(&files), expected);
    let detail = |path: &str| {
        let file = files.iter().find(|file| file.path == path);
        file.map(|file| file.detail.as_str())
    };
    assert_eq!(detail("gone"), Some("modify/delete"));
    assert_eq!(detail("one"), Some("rename/rename"));
    for file in &files {
        let exact = file.texts.as_ref().map(|texts| texts.is_exact);
        let expected = (!file.hunks.is_empty()).then_some(file.path != "latin");
        assert_eq!(exact, expected, "{}", file.path);
    }
    let many = files.iter().find(|file| file.path == "many");
    let texts = many.and_then(|file| file.texts.as_deref()).unwrap();
    assert_eq!(texts.base, "1\n2\n3\n4\n5\n6\n7\n8\n9\n");
    assert!(texts.ours.starts_with("1o\n") && texts.theirs.ends_with("9t\n"));
    let lines: Vec<_> = texts.merged.lines().collect();
    assert_eq!(&lines[7..14], ["2", "3", "4", "5", "6", "7", "8"]);
    assert_eq!(lines[0], format!("<<<<<<< {}", sides.ours));
}

#[tokio::test]
async fn a_submodule_is_no_text() {
    let sides = Sides::new(":", "echo 1 > x", "echo 2 > x").await;
    let link = |commit: &str| format!("git update-index --add --cacheinfo 160000,{commit},sub");
    sides.home.sh(&format!(
        "cd user; {}; git commit -q -m base; git branch theirs; {}; git commit -q -m ours; git checkout -q theirs; {}; git commit -q -m theirs",
        link(&"1".repeat(40)), link(&"2".repeat(40)), link(&"3".repeat(40)),
    ))
    .await;
    let ours = base(&sides.repository).await;
    let theirs = sides.repository.fetch(&branch("theirs")).await.unwrap();
    let files = sides.repository.conflicts(&ours, &theirs).await.unwrap();
    assert_eq!(shown(&files), "\"sub\" Structure\n");
}

#[tokio::test]
async fn what_merges_has_no_conflicts() {
    let sides = Sides::new(":", "echo 1 > x", "echo 2 > y").await;
    assert_eq!(sides.conflicts().await, []);
    let same = sides.repository.conflicts(&sides.ours, &sides.ours).await;
    assert_eq!(same.unwrap(), []);
    let absent = CommitId::new("2".repeat(40)).unwrap();
    for commits in [(&absent, &sides.ours), (&sides.ours, &absent)] {
        let error = sides.repository.conflicts(commits.0, commits.1).await;
        assert_eq!(error.unwrap_err().class(), ErrorClass::NotFound);
        let error = sides.repository.lease_merge(commits.0, commits.1).await;
        assert_eq!(error.unwrap_err().class(), ErrorClass::NotFound);
    }
    sides
        .home
        .sh("cd user; git checkout -q --orphan other; git commit -q -m other")
        .await;
    let other = sides.repository.fetch(&branch("other")).await.unwrap();
    let error = sides.repository.conflicts(&sides.ours, &other).await;
    assert_eq!(error.unwrap_err().class(), ErrorClass::Validation);
}

/// Headings that are underlined look like a marker; the markers give way.
#[tokio::test]
async fn lines_of_a_file_are_never_taken_for_markers() {
    let sides = Sides::new(
        "printf 'T\n=======\nA\n' > doc.rst; echo a > code",
        "printf 'T\n=======\nA\nO\n=======\n' > doc.rst; echo o > code",
        "printf 'T\n=======\nA\nV\n=======\n<<<<<<< x\n' > doc.rst; echo t > code",
    )
    .await;
    let files = sides.conflicts().await;
    let expected = r#""code" Content 1 "a\n"|"o\n"|"t\n"
"doc.rst" Content 4 ""|"O\n=======\n"|"V\n=======\n<<<<<<< x\n"
"#;
    assert_eq!(shown(&files), expected);
    let texts = files[1].texts.as_deref().unwrap();
    assert!(texts.merged.contains("\n<<<<<<<<<<<<<<< "), "15 characters");
    let clone = sides
        .repository
        .lease_merge(&sides.ours, &sides.theirs)
        .await
        .unwrap();
    let leased = std::fs::read_to_string(clone.folder().join("doc.rst")).unwrap();
    assert_eq!(leased, texts.merged, "the clone has the same markers");
}

#[tokio::test]
async fn a_file_with_markers_of_all_sizes_is_left_to_a_person() {
    let all = [7, 15, 31, 63].map(|size| format!("{}\\n", "=".repeat(size)));
    let side = |text: &str| format!("printf '{}{text}\\n' > doc", all.concat());
    let sides = Sides::new(&side("a"), &side("o"), &side("t")).await;
    assert_eq!(shown(&sides.conflicts().await), "\"doc\" Structure\n");
}

#[tokio::test]
async fn criss_cross_histories_have_a_merged_base() {
    let sides = Sides::new("seq 1 5 > f", "sed -i s/3/3o/ f", "sed -i s/3/3t/ f").await;
    let settled = |text: &'static str| {
        let file = SettledFile {
            path: "f".to_owned(),
            text: text.to_owned(),
        };
        let (repository, ours, theirs) = (&sides.repository, &sides.ours, &sides.theirs);
        async move { repository.settle(ours, theirs, &[file], "m").await.unwrap() }
    };
    let one = settled("1\n2\n3x\n4\n5\n").await;
    let two = settled("1\n2\n3y\n4\n5\n").await;
    let files = sides.repository.conflicts(&one, &two).await.unwrap();
    let [file] = &files[..] else {
        panic!("one file: {files:?}")
    };
    let [hunk] = &file.hunks[..] else {
        panic!("one hunk: {file:?}")
    };
    assert_eq!((&*hunk.ours, &*hunk.theirs), ("3x\n", "3y\n"));
    assert!(hunk.base.contains("3o") && hunk.base.contains("3t"));
}

#[tokio::test]
async fn a_merge_is_committed_with_both_parents() {
    let sides = Sides::new(
        "echo a > f; echo b > g",
        "echo o > f; echo new > ours.txt",
        "echo t > f; echo new > theirs.txt; rm g",
    )
    .await;
    let (ours, theirs) = (&sides.ours, &sides.theirs);
    let clone = sides.repository.lease_merge(ours, theirs).await.unwrap();
    assert_eq!(
        clone.commit(None, "nothing").await.unwrap(),
        Capture::Unchanged,
        "the markers are still there"
    );
    let status = "git -c core.fsmonitor=false status --porcelain; ls; head -c 7 f";
    let seen = sh(clone.folder(), status).await;
    let expected = "a.txt\nf\nours.txt\nrun.sh\nsrc\ntheirs.txt\n<<<<<<<";
    assert_eq!(seen, expected, "the holder's git works there");
    let since = clone.snapshot().await.unwrap();
    sh(clone.folder(), "echo both > f").await;
    let Capture::Committed { commit, files } =
        clone.commit(Some(&since), "Settle f").await.unwrap()
    else {
        panic!("it is committed")
    };
    let names: Vec<_> = files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(names, ["f"], "what the holder changed, and nothing else");
    let show = format!(
        "git show -s --format='%P %s' {commit}; git ls-tree --name-only {commit}; git cat-file -p {commit}:f"
    );
    let shown = sh(sides.repository.mirror_folder(), &show).await;
    assert_eq!(
        shown,
        format!("{ours} {theirs} Settle f\na.txt\nf\nours.txt\nrun.sh\nsrc\ntheirs.txt\nboth")
    );
    for side in [ours, theirs] {
        assert_eq!(merged(&sides.repository, side, &commit).await, commit);
    }
    drop(clone);
    let next = sides.repository.lease(ours).await.unwrap();
    let fresh = sides.home.path("fresh");
    sides.repository.clone_to(ours, &fresh).await.unwrap();
    assert_eq!(
        everything(next.folder()),
        everything(&fresh),
        "the folder is reused without a trace"
    );
}

/// Configuration, hooks and attributes of the clone's holder and of the repository never run.
#[tokio::test]
async fn nothing_of_the_clone_or_the_repository_runs() {
    let sides = Sides::new(
        "echo a > f; printf '* filter=evil merge=evil diff=evil\n' > .gitattributes",
        "echo o > f",
        "echo t > f",
    )
    .await;
    sides.home.sh("cd user; for kind in filter.evil.clean filter.evil.smudge merge.evil.driver diff.evil.textconv core.fsmonitor; do git config $kind 'touch ../../evil'; done").await;
    let clone = sides
        .repository
        .lease_merge(&sides.ours, &sides.theirs)
        .await
        .unwrap();
    sh(clone.folder(), "echo both > f; for kind in filter.evil.clean merge.evil.driver diff.evil.textconv core.fsmonitor; do git config $kind \"touch $HOME/evil\"; done; mkdir -p .git/hooks; printf '#!/bin/sh\ntouch ../evil' > .git/hooks/post-commit; chmod +x .git/hooks/post-commit").await;
    let commit = committed(clone.as_ref()).await;
    assert_eq!(
        shown(
            &sides
                .repository
                .conflicts(&sides.ours, &sides.theirs)
                .await
                .unwrap()
        ),
        "\"f\" Content 1 \"a\\n\"|\"o\\n\"|\"t\\n\"\n"
    );
    assert!(merged(&sides.repository, &sides.ours, &commit).await == commit);
    let found = sides.home.sh("find . -name evil").await;
    assert_eq!(found, "", "a command of the repository has run");
}

#[tokio::test]
async fn a_merge_is_settled_by_texts_and_always_the_same() {
    let sides = Sides::new(
        "mkdir d; printf 'a\\r\\n' > 'd/ü f'; echo x > s; chmod +x s",
        "printf 'o\\r\\n' > 'd/ü f'; echo xo > s; echo 1 > one",
        "printf 't\\r\\n' > 'd/ü f'; echo xt > s; echo 2 > two",
    )
    .await;
    let file = |path: &str, text: &str| SettledFile {
        path: path.to_owned(),
        text: text.to_owned(),
    };
    let files = [file("d/ü f", "o\r\nt"), file("s", "both\n")];
    let (ours, theirs) = (&sides.ours, &sides.theirs);
    let settle = || sides.repository.settle(ours, theirs, &files, "Settle");
    let commit = settle().await.unwrap();
    assert_eq!(settle().await.unwrap(), commit);
    let show = format!(
        "git show -s --format=%P {commit}; git ls-tree -r {commit} | cut -d' ' -f1; git cat-file -p '{commit}:d/ü f'"
    );
    let shown = sh(sides.repository.mirror_folder(), &show).await;
    assert_eq!(
        shown,
        format!("{ours} {theirs}\n100644\n100644\n100644\n100755\n100755\n100644\n100644\no\r\nt")
    );
    for wrong in ["d", "none", "../s"] {
        let settled = sides
            .repository
            .settle(ours, theirs, &[file(wrong, "")], "m")
            .await;
        let class = settled.unwrap_err().class();
        assert!(
            matches!(class, ErrorClass::Validation | ErrorClass::Internal),
            "{wrong}: {class}"
        );
    }
}

#[tokio::test]
async fn resolutions_are_remembered_for_every_run_and_both_directions() {
    let sides = Sides::new("echo a > f; echo a > g", "echo o > f", "echo t > f").await;
    let hunk = sides.conflicts().await.remove(0).hunks.remove(0);
    let hunks = [hunk.clone()];
    let recall = sides.repository.recall(&hunks).await.unwrap();
    assert_eq!(recall, [None]);
    sides.repository.remember(&[]).await.unwrap();
    for text in ["first\n", "", "o\r\nt\n"] {
        let resolution = Resolution {
            hunk: hunk.clone(),
            text: text.to_owned(),
        };
        sides.repository.remember(&[resolution]).await.unwrap();
        // Another process, and the other direction.
        let other = open(&sides.home.user(), &sides.home.places()).await;
        let turned = other
            .conflicts(&sides.theirs, &sides.ours)
            .await
            .unwrap()
            .remove(0)
            .hunks
            .remove(0);
        assert_ne!(turned, hunk);
        assert_eq!(
            other.recall(&[turned]).await.unwrap(),
            [Some(text.to_owned())]
        );
    }
    let mut unlike = hunk.clone();
    unlike.base.clear();
    let recalled = sides.repository.recall(&[unlike, hunk.clone()]).await;
    assert_eq!(recalled.unwrap(), [None, Some("o\r\nt\n".to_owned())]);

    // What is damaged is as good as unknown.
    let name = format!("refs/resolutions/{}", hunk.identity());
    let script = format!("git update-ref {name} $(echo '{{}}' | git hash-object -w --stdin)");
    sh(sides.repository.mirror_folder(), &script).await;
    assert_eq!(sides.repository.recall(&hunks).await.unwrap(), [None]);
}
