//! Runs: what agents do and leave, tests, plans, and how each ends.

use std::io::{BufRead as _, BufReader};

use expect_test::expect;

use crate::place::{Place, seen};

#[test]
fn the_codemod_of_the_handbook() {
    let place = Place::new();
    let (a, b) = (
        place.repository("a", Some("grep -q bar a.txt")),
        place.repository("b", None),
    );
    b.file("a.txt", "nothing here\n").commit("No match");
    let before = (seen(&a), seen(&b));
    let agent = "sh:grep -rl foo . --include=*.txt | xargs -r sed -i s/foo/bar/g";
    place
        .run(&format!("run --agent '{agent}' --repo a --repo b --title 'Rename foo' --run-id r1 --max-workers 1"))
        .is(&expect![[r#"
            exit 0
            run r1: Rename foo
              a  [ROOT]/work/a on main  tested by `make test`
              b  [ROOT]/work/b on main  not verified: it has no test command
              agent command, at most 1 task at a time
            [T] run        started with 1 worker
            [T] stage      planning
            [T] plan       2 tasks
            [T] stage      implementation
            [T] task       a: running
            [T] test       a: passed in [T]
            [T] task       a: succeeded
            [T] task       b: running
            [T] task       b: unchanged
            [T] stage      testing
            [T] test       a: passed in [T]
            [T] stage      review
            [T] stage      landing
            [T] publish    a: branch automation/r1/change
            [T] propose    a: pull request a#1

              a  [COMMIT]  verified  proposed as a#1
              b  [COMMIT]            unchanged
            run r1 is done; land it with: automation land r1
        "#]]);
    assert_eq!(
        before,
        (seen(&a), seen(&b)),
        "the checkouts are as they were"
    );
    assert_eq!(a.git(&["show", "automation/r1/change:a.txt"]), "bar");
    assert_eq!(b.git(&["for-each-ref", "refs/heads/automation"]), "");
}

#[test]
fn inside_a_repository() {
    let place = Place::new();
    let repository = place.repository("app", Some("true"));
    repository.file("src/lib.txt", "foo\n").commit("A folder");
    let mut command = place.command("run --agent 'sh:echo bar > a.txt' --title X --run-id r1");
    command.current_dir(place.path("app/src"));
    place.end_of(command).code(0);
    assert!(
        place.path("app/.automation/runs/r1").is_dir(),
        "the repository is the home"
    );
    assert_eq!(repository.status(), "", "git does not see what is ours");
    let mut below = place.command("status r1");
    below.current_dir(place.path("app/src"));
    place.end_of(below).code(0).says("proposed as app#1");
}

#[test]
fn each_lands_what_did_not_fail() {
    let place = Place::new();
    place.file(
        "config/automation.yaml",
        "landing: {mode: each, update_checkout: true}\n",
    );
    let a = place.repository("a", Some("true"));
    let b = place.repository("b", Some("false"));
    let agent = "sh:echo bar > a.txt";
    place
        .run(&format!("run --agent '{agent}' --repo a --repo b --title Rename --run-id r1 --land --max-workers 1"))
        .ends(&expect![[r#"
            exit 5
            task b failed: test command `make test` failed: exit code 2
              | make: *** [Makefile:2: test] Error 1
              all of it: automation logs b --run r1
              once more: automation retry b --run r1
              a  [COMMIT]  verified  landed
              b  [COMMIT]            failed: task b failed
            on the way:
              b  test fix  failed  agent command does not fix tests, and they fail again
            run r1 is done in part: b failed, a landed
        "#]]);
    assert_eq!(
        (a.read("a.txt"), b.read("a.txt")),
        (Some("bar\n".into()), Some("foo\n".into()))
    );
    place.run("status r1").is(&expect![[r#"
        exit 0
        run r1: Rename
        partial, stage landing, begun [T] ago
          a  a  succeeded
          b  b  failed     test command `make test` failed: exit code 2
        repairs:
          b  test fix             failed              agent command does not fix tests, and they fail again
          b  manual intervention  handed to a person
        repositories:
          a  [COMMIT]  verified  landed
          b  [COMMIT]            failed: task b failed
        run r1 is done in part: b failed, a landed
    "#]]);
    place.run("land r1").is(&expect![[r#"
        exit 5
        run r1: Rename
          a  [ROOT]/work/a on main  tested by `make test`
          b  [ROOT]/work/b on main  tested by `make test`
          agent command, at most 1 task at a time
        [T] run        started with 1 worker, session 2

        task b failed: test command `make test` failed: exit code 2
          | make: *** [Makefile:2: test] Error 1
          all of it: automation logs b --run r1
          once more: automation retry b --run r1
          a  [COMMIT]  verified  landed
          b  [COMMIT]            failed: task b failed
        on the way:
          b  test fix  failed  agent command does not fix tests, and they fail again
        run r1 is done in part: b failed, a landed
    "#]]);
}

#[test]
fn no_change_is_a_failure_where_one_is_required() {
    let place = Place::new();
    let repository = place.repository("app", None);
    let before = seen(&repository);
    place.file("config/automation.yaml", "agents:\n- {name: lazy, kind: command, command: 'true'}\n- {name: calm, kind: command, command: 'true', changes: optional}\n");
    place
        .run("run --agent lazy --repo app --title X --run-id r1")
        .ends(&expect![[r#"
            exit 1
            task app failed: the agent ended well but changed nothing
              all of it: automation logs app --run r1
              once more: automation retry app --run r1
              app  [COMMIT]    failed: task app failed
            run r1 failed; nothing landed
        "#]]);
    place
        .run("run --agent calm --repo app --title X --run-id r2")
        .ends(&expect![[r#"
            exit 0
              app  [COMMIT]    unchanged
            run r2 is done
        "#]]);
    place
        .run("run --agent sh:true --repo app --title X --run-id r3")
        .ends(&expect![[r#"
            exit 0
              app  [COMMIT]    unchanged
            run r3 is done
        "#]]);
    assert_eq!(before, seen(&repository));
}

#[test]
fn an_agent_that_fails() {
    let place = Place::new();
    let repository = place.repository("app", None);
    let before = seen(&repository);
    place
        .run("run --agent 'sh:echo half > half.txt; echo no idea >&2; exit 3' --repo app --title X --run-id r1 --land")
        .is(&expect![[r#"
            exit 1
            run r1: X
              app  [ROOT]/work/app on main  not verified: it has no test command
              agent command, at most 1 task at a time
            [T] run        started with 1 worker
            [T] stage      planning
            [T] plan       1 task
            [T] stage      implementation
            [T] task       app: running
            [T] repair     app: manual intervention: handed to a person
            [T] task       app: failed: agent command: it exited with code 3, after saying: no idea

            task app failed: agent command: it exited with code 3, after saying: no idea
              | no idea
              all of it: automation logs app --run r1
              once more: automation retry app --run r1
              app  [COMMIT]    failed: task app failed
            run r1 failed; nothing landed
        "#]]);
    assert_eq!(before, seen(&repository));
    place.run("logs app").is(&expect![[r#"
        exit 0
        --- 1.1 agent ([ROOT]/work/.automation/runs/r1/tasks/app/1.1/transcript.log)
        no idea
    "#]]);
    place.run("land r1").is(&expect![[r#"
        exit 2
        --- stderr
        error: run r1 has failed; nothing of it can be approved or landed
        hint: see `automation status r1`
    "#]]);
}

#[test]
fn an_agent_by_a_relative_path() {
    let place = Place::new();
    let repository = place.repository("app", None);
    place.script("tools/agent.sh", "#!/bin/sh\necho \"$@\" > args.txt\n");
    place
        .run("run --agent './tools/agent.sh --all' --repo app --title X --run-id r1")
        .code(0);
    assert_eq!(
        repository.git(&["show", "automation/r1/change:args.txt"]),
        "--all"
    );
    place.file(
        "config/automation.yaml",
        "agents:\n- {name: x, kind: command, command: [tools/agent.sh, twice]}\n",
    );
    let mut below = place.command("run --agent x --repo . --title X --run-id r2");
    below.current_dir(place.path("app"));
    place.end_of(below).code(0);
    assert_eq!(
        repository.git(&["show", "automation/r2/change:args.txt"]),
        "twice"
    );
}

#[test]
fn an_agent_that_talks_without_end() {
    let (n_bytes, shown) = match std::env::var_os("RUN_SLOW") {
        Some(_) => (1_u64 << 30, "1 GB"),
        None => (100_000_000, "100 MB; RUN_SLOW=1 for 1 GB"),
    };
    println!("{shown}");
    let place = Place::new();
    place.file("config/automation.yaml", "limits: {output_disk: 1MiB}\n");
    place.repository("app", Some("head -c 3000000 /dev/zero | tr '\\0' y"));
    let agent = format!(
        "sh:echo bar > a.txt; head -c {n_bytes} /dev/zero | tr '\\0' x; echo; echo the end"
    );
    let mut command = place.command("run --repo app --title X --run-id r1");
    command.args(["--agent", &agent]);
    place.end_of(command).code(0);
    let log = |path: &str| {
        std::fs::metadata(place.path(path))
            .expect("there is a log")
            .len()
    };
    let task = ".automation/runs/r1/tasks/app/1.1";
    assert_eq!(log(&format!("{task}/transcript.log")), 1 << 20);
    assert_eq!(
        log(".automation/runs/r1/tasks/app/1.verify.1/test.log"),
        1 << 20
    );
    let logs = place.run("logs app").code(0);
    assert!(logs.stdout.len() < 200_000, "a person is shown the end");
    logs.says("limits.output_disk");
}

#[test]
fn a_quick_change_of_the_same_size() {
    let place = Place::new();
    let repository = place.repository("app", None);
    // In the second in which the clone was made, and captured in a later one: git's index alone does not tell.
    place
        .run("run --agent 'sh:echo bar > a.txt; sleep 1.1' --repo app --title X --run-id r1")
        .code(0);
    assert_eq!(
        repository.git(&["show", "automation/r1/change:a.txt"]),
        "bar"
    );
}

#[test]
fn an_agent_that_hangs() {
    let place = Place::new();
    let repository = place.repository("app", None);
    let before = seen(&repository);
    place.file("config/automation.yaml", "limits: {agent_timeout: 300ms}\n");
    place
        .run("run --agent 'sh:echo thinking; setsid sleep 1000 & sleep 1000' --repo app --title X --run-id hanging-agent")
        .ends(&expect![[r#"
            exit 1
            task app timed out: agent command: it did not end within [T]
              all of it: automation logs app --run hanging-agent
              once more: automation retry app --run hanging-agent
              app  [COMMIT]    failed: task app timed out
            on the way:
              app  retry  tried again
              app  retry  failed       the operation's budget of 1 retries is used up
            run hanging-agent failed; nothing landed
        "#]]);
    assert_eq!(place.processes_of("hanging-agent"), Vec::<String>::new());
    assert_eq!(before, seen(&repository));
}

#[test]
fn tests_that_hang() {
    let place = Place::new();
    place.file("config/automation.yaml", "limits: {test_timeout: 300ms}\n");
    place.file(
        "config/repositories.yaml",
        "repositories:\n- {name: app, path: app, test_command: 'setsid sleep 1000 & sleep 1000'}\n",
    );
    place.repository("app", None);
    place
        .run("run --agent 'sh:echo bar > a.txt' --title X --run-id hanging-tests")
        .ends(&expect![[r#"
            exit 1
            task app timed out: test command `setsid sleep 1000 & sleep 1000` failed: timed out
              all of it: automation logs app --run hanging-tests
              once more: automation retry app --run hanging-tests
              app  [COMMIT]    failed: task app timed out
            on the way:
              app  retry  tried again
              app  retry  failed       the operation's budget of 1 retries is used up
            run hanging-tests failed; nothing landed
        "#]]);
    assert_eq!(place.processes_of("hanging-tests"), Vec::<String>::new());
}

#[test]
fn a_repository_made_inside_a_clone() {
    let place = Place::new();
    let repository = place.repository("app", None);
    let before = seen(&repository);
    place
        .run("run --agent 'sh:echo bar > a.txt; git init -q vendor/lib; echo x > vendor/lib/x' --repo app --title X --run-id r1 --land")
        .ends(&expect![[r#"
            exit 1
            task app failed: the agent left git repositories inside its clone, whose files would be lost: vendor/lib
              all of it: automation logs app --run r1
              once more: automation retry app --run r1
              app  [COMMIT]    failed: task app failed
            run r1 failed; nothing landed
        "#]]);
    assert_eq!(before, seen(&repository));
}

const PLAN: &str = "\
title: Two halves
tasks:
- {id: left, title: Left, repository: app, estimate: 2m}
- {id: right, title: Right, repository: app, estimate: 1m}
- {id: both, title: Both, repository: app, dependencies: [left, right], estimate: 3m}
- {id: after, title: After, repository: web, dependencies: [both]}
";

/// Runs the plan above with an agent that is a shell line for all tasks.
fn planned(place: &Place, agent: &str, options: &str) -> crate::place::Ran {
    place.file("plan.yaml", PLAN);
    place.script("agent.sh", &format!("#!/bin/sh\n{agent}\n"));
    place.run(&format!("run --agent ./agent.sh --repo app --repo web --plan plan.yaml --run-id r1 --max-workers 1 {options}"))
}

#[test]
fn a_conflict_of_two_tasks() {
    let place = Place::new();
    let (app, web) = (place.repository("app", None), place.repository("web", None));
    let before = (seen(&app), seen(&web));
    // Both begin at the same commit only when they run side by side: each waits for the other.
    place.file("plan.yaml", PLAN);
    let here = place.work().display().to_string();
    place.script(
        "agent.sh",
        &format!(
            "#!/bin/sh\n\
             case $AUTOMATION_TASK_ID in\n\
             left) echo > {here}/to-right; read x < {here}/to-left;;\n\
             right) read x < {here}/to-right; echo > {here}/to-left;;\n\
             esac\n\
             echo $AUTOMATION_TASK_ID > a.txt\n"
        ),
    );
    for name in ["to-left", "to-right"] {
        place.pipe(name);
    }
    let ran = place.run("run --agent ./agent.sh --repo app --repo web --plan plan.yaml --run-id r1 --max-workers 2 --land").code(1);
    ran.says("conflict");
    let json = place.run("status r1 --json").code(0).json();
    let state = |id: &str| {
        let tasks = json["tasks"].as_array().expect("tasks");
        let task = tasks
            .iter()
            .find(|task| task["task"] == id)
            .expect("the task");
        (
            task["status"].clone(),
            task["failure"]["kind"].clone(),
            task["waits_for"].clone(),
        )
    };
    let (won, lost) = if state("left").0 == "succeeded" {
        ("left", "right")
    } else {
        ("right", "left")
    };
    assert_eq!(state(won).0, "succeeded");
    expect![[r#""failed" {"kind":"merge_conflict","paths":["a.txt"]}"#]].assert_eq(&format!(
        "{} {}",
        state(lost).0,
        state(lost).1
    ));
    for skipped in ["both", "after"] {
        let (status, _, why) = state(skipped);
        assert_eq!(status, "skipped");
        assert_eq!(why, format!("{lost} did not succeed"));
    }
    assert_eq!(before, (seen(&app), seen(&web)));
}

#[test]
fn a_test_that_fails() {
    let place = Place::new();
    place.repository(
        "app",
        Some("if [ -e right ]; then echo right is wrong; exit 7; fi"),
    );
    place.repository("web", None);
    planned(&place, "echo x > $AUTOMATION_TASK_ID", "--land").is(&expect![[r#"
        exit 1
        run r1: Two halves
          app  [ROOT]/work/app on main  tested by `make test`
          web  [ROOT]/work/web on main  not verified: it has no test command
          agent command, at most 1 task at a time
        [T] run        started with 1 worker
        [T] stage      planning
        [T] plan       4 tasks
        [T] stage      implementation
        [T] task       left: running
        [T] test       left: passed in [T]
        [T] task       left: succeeded
        [T] task       right: running
        [T] test       right: failed in [T]
        [T] test       right: failed in [T]
        [T] repair     right: test fix: failed: agent command does not fix tests, and they fail again
        [T] repair     right: manual intervention: handed to a person
        [T] task       right: failed: test command `make test` failed: exit code 2
        [T] task       both: skipped: right did not succeed
        [T] task       after: skipped: right did not succeed
        [T] publish    app: branch automation/r1/change

        task right failed: test command `make test` failed: exit code 2
          | right is wrong
          | make: *** [Makefile:2: test] Error 7
          all of it: automation logs right --run r1
          once more: automation retry right --run r1
        task both skipped: right did not succeed
        task after skipped: right did not succeed
          app  [COMMIT]  not tested  failed: task right failed, task both skipped
          web  [COMMIT]              failed: task after skipped
        on the way:
          right  test fix  failed  agent command does not fix tests, and they fail again
        run r1 failed; nothing landed; what was done stays in the branch automation/r1/change
    "#]]);
    place.run("status r1").is(&expect![[r#"
        exit 0
        run r1: Two halves
        failed, stage implementation, begun [T] ago
          left   app  succeeded
          right  app  failed     test command `make test` failed: exit code 2
          both   app  skipped    right did not succeed
          after  web  skipped    right did not succeed
        repairs:
          right  test fix             failed              agent command does not fix tests, and they fail again
          right  manual intervention  handed to a person
        repositories:
          app  [COMMIT]  not tested  failed: task right failed, task both skipped
          web  [COMMIT]              failed: task after skipped
        run r1 failed; nothing landed; what was done stays in the branch automation/r1/change
    "#]]);
    place.run("logs right").is(&expect![[r#"
        exit 0
        --- 1.1 agent ([ROOT]/work/.automation/runs/r1/tasks/right/1.1/transcript.log)

        --- 1.recovery/recovery-rerun.1 test ([ROOT]/work/.automation/runs/r1/tasks/right/1.recovery/recovery-rerun.1/test.log)
        right is wrong
        make: *** [Makefile:2: test] Error 7
        --- 1.verify.1 test ([ROOT]/work/.automation/runs/r1/tasks/right/1.verify.1/test.log)
        right is wrong
        make: *** [Makefile:2: test] Error 7
    "#]]);
}

#[test]
fn a_plan_that_works() {
    let place = Place::new();
    let app = place.repository("app", Some("true"));
    place.repository("web", Some("true"));
    planned(&place, "echo x > $AUTOMATION_TASK_ID", "").is(&expect![[r#"
        exit 0
        run r1: Two halves
          app  [ROOT]/work/app on main  tested by `make test`
          web  [ROOT]/work/web on main  tested by `make test`
          agent command, at most 1 task at a time
        [T] run        started with 1 worker
        [T] stage      planning
        [T] plan       4 tasks
        [T] stage      implementation
        [T] task       left: running
        [T] test       left: passed in [T]
        [T] task       left: succeeded
        [T] task       right: running
        [T] test       right: passed in [T]
        [T] task       right: succeeded
        [T] task       both: running
        [T] test       both: passed in [T]
        [T] task       both: succeeded
        [T] task       after: running
        [T] test       after: passed in [T]
        [T] task       after: succeeded
        [T] stage      testing
        [T] test       app: passed in [T]
        [T] test       web: passed in [T]
        [T] stage      review
        [T] stage      landing
        [T] publish    app: branch automation/r1/change
        [T] propose    app: pull request app#1
        [T] publish    web: branch automation/r1/change
        [T] propose    web: pull request web#1

          app  [COMMIT]  verified  proposed as app#1
          web  [COMMIT]  verified  proposed as web#1
        run r1 is done; land it with: automation land r1
    "#]]);
    assert_eq!(
        app.git(&["ls-tree", "--name-only", "automation/r1/change"]),
        "Makefile\na.txt\nboth\nleft\nright"
    );
}

#[test]
fn two_runs_side_by_side() {
    let place = Place::new();
    let app = place.repository("app", Some("true"));
    place.pipe("meet-1");
    place.pipe("meet-2");
    // Each agent waits for the other run's: the two really are side by side.
    let here = place.work().display().to_string();
    let one = format!(
        "run --repo app --title One --run-id one --agent 'sh:echo > {here}/meet-1; read x < {here}/meet-2; echo 1 > one.txt'"
    );
    let two = format!(
        "run --repo app --title Two --run-id two --agent 'sh:read x < {here}/meet-1; echo > {here}/meet-2; echo 2 > two.txt'"
    );
    let (one, two) = (place.start(&one), place.start(&two));
    for child in [one, two] {
        place
            .ran(child.wait_with_output().expect("it ends"))
            .code(0);
    }
    app.git(&["switch", "--quiet", "--create", "elsewhere"]);
    place.run("land one").code(0);
    // The second finds its target moved, and is merged and tested again.
    place.run("land two").ends(&expect![[r#"
        exit 0
          app  [COMMIT]  verified  landed
        run two is done
    "#]]);
    assert_eq!(
        app.git(&["ls-tree", "--name-only", "main"]),
        "Makefile\na.txt\none.txt\ntwo.txt"
    );
}

#[test]
fn a_set_up_that_fails() {
    let place = Place::new();
    place.repository("app", None);
    place.file(
        "config/repositories.yaml",
        "repositories:\n- {name: app, path: app, setup_command: 'echo no network; exit 9'}\n",
    );
    place
        .run("run --agent sh:true --title X --run-id r1")
        .ends(&expect![[r#"
            exit 1
            task app failed: setup command `echo no network; exit 9` failed: exit code 9
              | no network
              all of it: automation logs app --run r1
              once more: automation retry app --run r1
              app  [COMMIT]    failed: task app failed
            run r1 failed; nothing landed
        "#]]);
}

#[test]
fn logs_follow_no_link_wait_for_no_pipe_and_keep_secrets() {
    let place = Place::new();
    place.repository("app", None);
    place.script(
        "agent.sh",
        "#!/bin/sh\necho API_KEY=hunter2-and-more\necho done > done.txt\n",
    );
    place
        .run("run --agent ./agent.sh --repo app --title X --run-id r1")
        .code(0);
    let folder = place.work().join(".automation/runs/r1/tasks/app/1.1");
    place.file("elsewhere", "of somebody else");
    std::os::unix::fs::symlink(place.path("elsewhere"), folder.join("setup.log")).expect("a link");
    place.pipe(".automation/runs/r1/tasks/app/1.1/test.log");
    let linked = place.work().join(".automation/runs/r1/tasks/app/2.1");
    std::os::unix::fs::symlink(&folder, linked).expect("a link to a folder");
    for arguments in ["logs app", "logs app --json"] {
        let logs = place.run(arguments).code(0).stdout;
        assert!(logs.contains("API_KEY=[scrubbed:"), "{logs}");
        for absent in ["hunter2", "somebody else", "setup.log", "2.1"] {
            assert!(!logs.contains(absent), "{absent}: {logs}");
        }
    }
}

/// It is followed before there is anything of it, to the end of the run.
#[test]
fn a_log_is_followed_to_the_end_of_its_run() {
    let place = Place::new();
    place.repository("app", None);
    place.pipe("started");
    let here = place.work().display().to_string();
    let wait = |name: &str| format!("while [ ! -e {here}/{name} ]; do sleep 0.05; done");
    let (first, second) = (wait("first"), wait("second"));
    place.script(
        "agent.sh",
        &format!(
            "#!/bin/sh\necho > {here}/started\n{first}\necho first\n{second}\n\
             echo API_KEY=hunter2-and-more\necho done > done.txt\n"
        ),
    );
    let run = place.start("run --agent ./agent.sh --repo app --title X --run-id r1");
    std::fs::read(place.path("started")).expect("the agent starts");
    let mut followers = [
        "logs app --follow --run r1",
        "logs -f --run r1",
        "logs app -f --json",
        "logs app -f",
    ]
    .map(|arguments| place.start(arguments));
    let mut lines = followers.each_mut().map(|follower| {
        let stdout = follower.stdout.take().expect("it is piped");
        BufReader::new(stdout).lines()
    });
    place.file("first", "");
    let mut said = [const { String::new() }; 4];
    for (lines, said) in lines.iter_mut().zip(&mut said) {
        // It is shown while the run goes on.
        while !said.contains("first") {
            let line = lines.next().expect("the run goes on");
            *said += &(line.expect("a text") + "\n");
        }
    }
    let [.., interrupted] = &mut followers;
    place.signal(interrupted, "-INT");
    assert_eq!(interrupted.wait().expect("it ends").code(), Some(130));
    place.file("second", "");
    for (lines, said) in lines.into_iter().zip(&mut said) {
        for line in lines {
            *said += &(line.expect("a text") + "\n");
        }
        assert!(!said.contains("hunter2"), "{said}");
    }
    let [others @ .., interrupted] = followers;
    for mut follower in others {
        assert!(follower.wait().expect("it ends").success());
    }
    let told = place.ran(interrupted.wait_with_output().expect("it has ended"));
    assert_eq!(told.stderr, "", "it ends without a word");
    place.ran(run.wait_with_output().expect("it ends")).code(0);
    let said = said.map(|said| place.placeholders(&said));
    expect![[r#"
        --- 1.1 agent
        first
        API_KEY=[scrubbed:value]
        --- run r1: done
        ===
        --- app 1.1 agent
        first
        API_KEY=[scrubbed:value]
        --- run r1: done
        ===
        {"file":"tasks/app/1.1/transcript.log","text":"first"}
        {"file":"tasks/app/1.1/transcript.log","text":"API_KEY=[scrubbed:value]"}
        ===
        --- 1.1 agent
        first
    "#]]
    .assert_eq(&said.join("===\n"));
    // Of one that has ended it is what there is.
    let ended = place.run("logs app -f").code(0);
    assert!(ended.stdout.contains("first") && ended.stdout.contains("--- run r1: "));
    place.run("logs").code(2);
    place.run("logs nobody -f").is(&expect![[r#"
        exit 2
        --- stderr
        error: run r1 has no task nobody
        hint: its tasks are: app
    "#]]);
}
