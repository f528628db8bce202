//! Where a change lands, and where it does not.

use expect_test::expect;

use crate::place::{Place, seen};

const RUN: &str = "run --agent 'sh:echo bar > a.txt' --repo app --title Rename --run-id r1";

#[test]
fn without_tests_only_by_consent() {
    let place = Place::new();
    let app = place.repository("app", None);
    app.git(&["switch", "--quiet", "--create", "elsewhere"]);
    place.file(
        "config/repositories.yaml",
        "repositories:\n- {name: app, path: app, default_branch: main}\n",
    );
    let run = RUN.replace("--repo app", "");
    place.run(&format!("{run} --land")).is(&expect![[r#"
        exit 3
        run r1: Rename
          app  [ROOT]/work/app on main  not verified: it has no test command
          agent command, at most 1 task at a time
        [T] run        started with 1 worker
        [T] stage      planning
        [T] plan       1 task
        [T] stage      implementation
        [T] task       app: running
        [T] task       app: succeeded
        [T] stage      testing
        [T] test       app: not verified, it has no test command
        [T] stage      review
        [T] stage      landing
        [T] publish    app: branch automation/r1/change
        [T] propose    app: pull request app#1

          app  [COMMIT]  not verified  not verified: the repository has no test command
                                         → automation land r1 --allow-unverified
        run r1 waits for you: do what the arrow says
    "#]]);
    place.run("status r1").is(&expect![[r#"
        exit 0
        run r1: Rename
        waiting, stage landing, begun [T] ago
          app  app  succeeded
        repositories:
          app  [COMMIT]  not verified  not verified: the repository has no test command
                                         → automation land r1 --allow-unverified
        run r1 waits for you: do what the arrow says
    "#]]);
    place.run("land r1").ends(&expect![[r#"
        exit 3
          app  [COMMIT]  not verified  not verified: the repository has no test command
                                         → automation land r1 --allow-unverified
        run r1 waits for you: do what the arrow says
    "#]]);
    place.run("land r1 --allow-unverified").is(&expect![[r#"
        exit 0
        run r1: Rename
          app  [ROOT]/work/app on main  not verified: it has no test command
          agent command, at most 1 task at a time
        [T] run        started with 1 worker, session 3
        [T] land       app: main is at [COMMIT]

          app  [COMMIT]  not verified  landed
        run r1 is done
    "#]]);
    assert_eq!(app.git(&["show", "main:a.txt"]), "bar");
}

#[test]
fn a_checked_out_target() {
    let place = Place::new();
    let app = place.repository("app", Some("true"));
    let before = seen(&app);
    let ran = place.run(&format!("{RUN} --land"));
    ran.ends(&expect![[r#"
        exit 3
          app  [COMMIT]  verified  ready: branch main is checked out in [ROOT]/work/app
                                     → git -C [ROOT]/work/app merge --ff-only automation/r1/change
        run r1 waits for you: do what the arrow says, then: automation land r1
    "#]]);
    assert_eq!(before, seen(&app), "the checkout is left alone");
    place.run("status r1").is(&expect![[r#"
        exit 0
        run r1: Rename
        waiting, stage landing, begun [T] ago
          app  app  succeeded
        repositories:
          app  [COMMIT]  verified  ready: branch main is checked out in [ROOT]/work/app
                                     → git -C [ROOT]/work/app merge --ff-only automation/r1/change
        run r1 waits for you: do what the arrow says, then: automation land r1
    "#]]);
    let line = ran
        .stdout
        .lines()
        .find_map(|line| line.trim().strip_prefix("→ "))
        .expect("a line to run");
    let merged = place
        .any("sh", &["-c".to_owned(), line.to_owned()])
        .output()
        .expect("sh");
    assert!(merged.status.success(), "the printed line works: {line}");
    place.run("land r1").ends(&expect![[r#"
        exit 0
          app  [COMMIT]  verified  landed
        run r1 is done
    "#]]);
    place.run("land r1").ends(&expect![[r#"
        exit 0
          app  [COMMIT]  verified  landed
        run r1 is done
    "#]]);
    place.run("status").says("done");
    assert_eq!(app.read("a.txt").as_deref(), Some("bar\n"));
    assert_eq!(app.status(), "");
}

#[test]
fn a_checked_out_target_with_its_files() {
    let place = Place::new();
    let app = place.repository("app", Some("true"));
    app.file("mine.txt", "untracked and in nobody's way\n");
    place
        .run(&format!("{RUN} --land --update-checkout"))
        .ends(&expect![[r#"
            exit 0
              app  [COMMIT]  verified  landed
            run r1 is done
        "#]]);
    assert_eq!(app.read("a.txt").as_deref(), Some("bar\n"));
    assert_eq!(app.status(), "?? mine.txt");
}

#[test]
fn an_end_in_part_names_all_repositories() {
    let place = Place::new();
    place.file(
        "config/automation.yaml",
        "landing: {update_checkout: true}\n",
    );
    place.repository("a", Some("true"));
    let b = place.repository("b", Some("true"));
    b.file("a.txt", "mine\n");
    place
        .run("run --agent 'sh:echo bar > a.txt' --repo a --repo b --title Rename --run-id r1 --land --max-workers 1")
        .ends(&expect![[r#"
            exit 3
              a  [COMMIT]  verified  proposed as a#1
              b  [COMMIT]  verified  branch main is checked out in [ROOT]/work/b with uncommitted work in a.txt
                                       → commit, stash or move away the changes in [ROOT]/work/b, then run: git -C [ROOT]/work/b merge --ff-only automation/r1/change
            run r1 waits for you: do what the arrow says, then: automation land r1
        "#]]);
    b.git(&["checkout", "--quiet", "a.txt"]);
    place.run("land r1").code(0);
}

#[test]
fn a_dirty_target() {
    let place = Place::new();
    let app = place.repository("app", Some("true"));
    app.file("a.txt", "my own work\n");
    let before = seen(&app);
    place
        .run(&format!("{RUN} --land --update-checkout"))
        .is(&expect![[r#"
            exit 3
            run r1: Rename
              app  [ROOT]/work/app on main  tested by `make test`
              agent command, at most 1 task at a time
            [T] run        started with 1 worker
            [T] warning    uncommitted changes to 1 file in [ROOT]/work/app are not included: a.txt
            [T] stage      planning
            [T] plan       1 task
            [T] stage      implementation
            [T] task       app: running
            [T] test       app: passed in [T]
            [T] task       app: succeeded
            [T] stage      testing
            [T] test       app: passed in [T]
            [T] stage      review
            [T] stage      landing
            [T] publish    app: branch automation/r1/change
            [T] propose    app: pull request app#1
            [T] land       app: branch main is checked out in [ROOT]/work/app with uncommitted work in a.txt

              app  [COMMIT]  verified  branch main is checked out in [ROOT]/work/app with uncommitted work in a.txt
                                         → commit, stash or move away the changes in [ROOT]/work/app, then run: git -C [ROOT]/work/app merge --ff-only automation/r1/change
            run r1 waits for you: do what the arrow says, then: automation land r1
        "#]]);
    assert_eq!(before, seen(&app));
    assert_eq!(app.read("a.txt").as_deref(), Some("my own work\n"));
    app.git(&["stash", "--quiet"]);
    place.run("land r1 --update-checkout").ends(&expect![[r#"
        exit 0
          app  [COMMIT]  verified  landed
        run r1 is done
    "#]]);
}

#[test]
fn an_untracked_file_in_the_way() {
    let place = Place::new();
    let app = place.repository("app", Some("true"));
    app.file("new.txt", "mine\n");
    place
        .run("run --agent 'sh:echo theirs > new.txt' --repo app --title New --run-id r1 --land --update-checkout")
        .ends(&expect![[r#"
            exit 3
              app  [COMMIT]  verified  branch main is checked out in [ROOT]/work/app with uncommitted work in new.txt
                                         → commit, stash or move away the changes in [ROOT]/work/app, then run: git -C [ROOT]/work/app merge --ff-only automation/r1/change
            run r1 waits for you: do what the arrow says, then: automation land r1
        "#]]);
    assert_eq!(app.read("new.txt").as_deref(), Some("mine\n"));
}

#[test]
fn a_target_that_moved() {
    let place = Place::new();
    let app = place.repository("app", Some("test ! -e bad"));
    place.run(RUN).code(0);
    app.file("other.txt", "meanwhile\n").commit("Meanwhile");
    app.git(&["switch", "--quiet", "--create", "elsewhere"]);
    place.run("land r1").is(&expect![[r#"
        exit 0
        run r1: Rename
          app  [ROOT]/work/app on main  tested by `make test`
          agent command, at most 1 task at a time
        [T] run        started with 1 worker, session 2
        [T] test       app: passed in [T]
        [T] publish    app: branch automation/r1/change
        [T] land       app: main is at [COMMIT]

          app  [COMMIT]  verified  landed
        run r1 is done
    "#]]);
    assert_eq!(
        app.git(&["ls-tree", "--name-only", "main"]),
        "Makefile\na.txt\nother.txt"
    );
}

#[test]
fn a_target_that_moved_and_does_not_fit() {
    let place = Place::new();
    let app = place.repository("app", Some("true"));
    place.run(RUN).code(0);
    app.file("a.txt", "otherwise\n").commit("Meanwhile");
    let main = app.head();
    app.git(&["switch", "--quiet", "--create", "elsewhere"]);
    place.run("land r1").ends(&expect![[r#"
        exit 3
          app  [COMMIT]  verified  branch main has moved and conflicts with the change in a.txt; change main, or merge automation/r1/change into it, then land again
                                     → automation land r1
        run r1 waits for you: do what the arrow says
    "#]]);
    assert_eq!(app.resolve("main"), main);
}

#[test]
fn a_target_that_moved_and_fails() {
    let place = Place::new();
    let app = place.repository("app", Some("grep -q foo a.txt || test ! -e old"));
    place.run(RUN).code(0);
    app.file("old", "needs foo\n").commit("Meanwhile");
    let main = app.head();
    app.git(&["switch", "--quiet", "--create", "elsewhere"]);
    place.run("land r1").ends(&expect![[r#"
        exit 3
          app  [COMMIT]  verified  branch main has moved, and the change fails on it: test command `make test` failed: exit code 2; change main, or merge automation/r1/change into it, then land again
                                     → automation land r1
        run r1 waits for you: do what the arrow says
    "#]]);
    assert_eq!(app.resolve("main"), main);
}
