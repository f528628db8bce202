//! Ctrl-C, kill -9, and going on.

use std::{fs, process::Child};

use expect_test::expect;

use crate::place::{Place, Ran};

/// An agent that tells when it runs, and then works only after `again` is there.
fn place_with_agent() -> Place {
    let place = Place::new();
    place.repository("app", Some("true"));
    place.pipe("started");
    let here = place.work().display().to_string();
    place.script(
        "agent.sh",
        &format!(
            "#!/bin/sh\n\
             echo \"$AUTOMATION_TASK_ID\" >> {here}/began\n\
             if [ ! -e {here}/again ]; then echo > {here}/started; sleep 1000; fi\n\
             echo bar > $AUTOMATION_TASK_ID\n"
        ),
    );
    place
}

/// Starts a run and returns when its agent works.
fn begun(place: &Place, run: &str) -> Child {
    let child = place.start(&format!(
        "run --agent ./agent.sh --repo app --title X --run-id {run}"
    ));
    fs::read(place.path("started")).expect("the agent starts");
    child
}

fn ended(place: &Place, child: Child) -> Ran {
    place.ran(child.wait_with_output().expect("it ends"))
}

#[test]
fn an_interrupt_pauses() {
    let place = place_with_agent();
    let child = begun(&place, "interrupted");
    place.run("status interrupted").says("running");
    place.run("resume interrupted").is(&expect![[r#"
        exit 1
        --- stderr
        error: another process is working on run interrupted
        hint: `automation status` shows it; end that process first, or let it work
    "#]]);
    place.run("land interrupted").is(&expect![[r#"
        exit 0
        run interrupted has been told; the process that works on it goes on
    "#]]);
    place.signal(&child, "-INT");
    ended(&place, child).is(&expect![[r#"
        exit 130
        run interrupted: X
          app  [ROOT]/work/app on main  tested by `make test`
          agent command, at most 1 task at a time
        [T] run        started with 1 worker
        [T] stage      planning
        [T] plan       1 task
        [T] stage      implementation
        [T] task       app: running
        --- stderr
        pausing: agents are being ended; once more stops at once
        the run is paused; go on with: automation resume interrupted
    "#]]);
    assert_eq!(place.processes_of("interrupted"), Vec::<String>::new());
    place.run("status interrupted").is(&expect![[r#"
        exit 0
        run interrupted: X
        paused, stage implementation, begun [T] ago
          app  app  running  waits for the run to be resumed
        spent: 0.01 USD
        go on with: automation resume interrupted
    "#]]);
    place.file("again", "");
    place.run("resume").is(&expect![[r#"
        exit 3
        run interrupted: X
          app  [ROOT]/work/app on main  tested by `make test`
          agent command, at most 1 task at a time
        [T] run        started with 1 worker, session 2
        [T] task       app: running
        [T] test       app: passed in [T]
        [T] task       app: succeeded
        [T] stage      testing
        [T] test       app: passed in [T]
        [T] stage      review
        [T] stage      landing
        [T] publish    app: branch automation/interrupted/change
        [T] propose    app: pull request app#1
        [T] land       app: ready: branch main is checked out in [ROOT]/work/app

          app  [COMMIT]  verified  ready: branch main is checked out in [ROOT]/work/app
                                     → git -C [ROOT]/work/app merge --ff-only automation/interrupted/change
        run interrupted waits for you: do what the arrow says, then: automation land interrupted
    "#]]);
    assert_eq!(place.read("began"), "app\napp\n");
}

#[test]
fn a_kill_is_resumed() {
    let place = place_with_agent();
    let mut child = begun(&place, "killed");
    child.kill().expect("it can be killed");
    child.wait().expect("it ends");
    place.run("status killed").is(&expect![[r#"
        exit 0
        run killed: X
        paused, stage implementation, begun [T] ago
          app  app  running  waits for the run to be resumed
        spent: 0.00 USD, 1.00 set aside
        go on with: automation resume killed
    "#]]);
    place.file("again", "");
    place.run("resume killed").code(0).says("proposed as app#1");
    assert_eq!(place.processes_of("killed"), Vec::<String>::new());
    place.run("status killed").says("begun");
}

#[test]
fn a_changed_configuration() {
    let place = place_with_agent();
    place.file(
        "config/repositories.yaml",
        "repositories:\n- {name: app, path: app, test_command: 'false'}\n",
    );
    place.file("config/automation.yaml", "limits: {agent_timeout: 10m}\n");
    let mut child = place.start("run --agent ./agent.sh --title X --run-id changed");
    fs::read(place.path("started")).expect("the agent starts");
    child.kill().expect("it can be killed");
    child.wait().expect("it ends");
    place.file("again", "");
    place.file(
        "config/repositories.yaml",
        "repositories:\n- {name: app, path: app, test_command: 'true'}\n",
    );
    place.file("config/automation.yaml", "limits: {agent_timeout: 20m}\n");
    place.run("resume changed --reload").is(&expect![[r#"
        exit 0
        run changed: X
          app  [ROOT]/work/app on main  tested by `true`
          agent command, at most 1 task at a time
        [T] run        started with 1 worker, session 2
        [T] task       app: running
        [T] test       app: passed in [T]
        [T] task       app: succeeded
        [T] stage      testing
        [T] test       app: passed in [T]
        [T] stage      review
        [T] stage      landing
        [T] publish    app: branch automation/changed/change
        [T] propose    app: pull request app#1

          app  [COMMIT]  verified  proposed as app#1
        run changed is done; land it with: automation land changed
    "#]]);
}

#[test]
fn a_changed_configuration_that_is_not_taken() {
    let place = place_with_agent();
    place.file("config/automation.yaml", "limits: {agent_timeout: 10m}\n");
    let mut child = begun(&place, "kept");
    child.kill().expect("it can be killed");
    child.wait().expect("it ends");
    place.file("again", "");
    place.file(
        "config/automation.yaml",
        "limits: {agent_timeout: 20m}\nlanding: {mode: each}\n",
    );
    place.run("resume kept").is(&expect![[r#"
        exit 0
        changed in the configuration since the run began, and not used: limits, landing (take it with --reload)
        run kept: X
          app  [ROOT]/work/app on main  tested by `make test`
          agent command, at most 1 task at a time
        [T] run        started with 1 worker, session 2
        [T] task       app: running
        [T] test       app: passed in [T]
        [T] task       app: succeeded
        [T] stage      testing
        [T] test       app: passed in [T]
        [T] stage      review
        [T] stage      landing
        [T] publish    app: branch automation/kept/change
        [T] propose    app: pull request app#1

          app  [COMMIT]  verified  proposed as app#1
        run kept is done; land it with: automation land kept
    "#]]);
    place.file("config/automation.yaml", "limit: 3\n");
    place.run("land kept").is(&expect![[r#"
        exit 3
        the configuration as it is now is not used: the input is not valid:
          [ROOT]/work/config/automation.yaml:1:1: limit: unknown key; did you mean "limits"?
        run kept: X
          app  [ROOT]/work/app on main  tested by `make test`
          agent command, at most 1 task at a time
        [T] run        started with 1 worker, session 3
        [T] land       app: ready: branch main is checked out in [ROOT]/work/app

          app  [COMMIT]  verified  ready: branch main is checked out in [ROOT]/work/app
                                     → git -C [ROOT]/work/app merge --ff-only automation/kept/change
        run kept waits for you: do what the arrow says, then: automation land kept
    "#]]);
}

#[test]
fn a_damaged_run_does_not_hide_the_others() {
    let place = Place::new();
    place.repository("app", None);
    place
        .run("run --agent sh:true --repo app --title X --run-id r1")
        .code(0);
    fs::create_dir_all(place.path(".automation/runs/r2/journal")).expect("it can be made");
    place.run("status").is(&expect![[r#"
        exit 0
        run  state       stage    tasks  begun     issue
        r2   unreadable                            run r2 could not be opened: there is no run in [ROOT]/work/.automation/runs/r2/journal
        r1   done        landing  1/1    [T] ago  X
    "#]]);
    place.run("status r2").is(&expect![[r#"
        exit 2
        --- stderr
        error: run r2 could not be opened
          because there is no run in [ROOT]/work/.automation/runs/r2/journal
    "#]]);
    place.run("resume r2").is(&expect![[r#"
        exit 2
        --- stderr
        error: run r2 could not be opened
          because there is no run in [ROOT]/work/.automation/runs/r2/journal
    "#]]);
}

#[test]
fn a_run_that_is_worked_on_is_not_the_one_to_resume() {
    let place = place_with_agent();
    place
        .run("run --agent ./agent.sh --repo app --title X --run-id r1 --approve plan")
        .code(3);
    let mut child = begun(&place, "r2");
    place.run("resume").code(3).says("automation approve r1");
    child.kill().expect("it can be killed");
    child.wait().expect("it ends");
}

#[test]
fn an_end_counts_until_the_run_goes_on() {
    let place = Place::new();
    let app = place.repository("app", Some("true"));
    app.git(&["switch", "--quiet", "--create", "elsewhere"]);
    place.file(
        "config/repositories.yaml",
        "repositories:\n- {name: app, path: app, default_branch: main, test_command: 'true'}\n",
    );
    place.file("config/automation.yaml", "retention: {keep_runs: 1}\n");
    // Its branch keeps the run from publishing.
    let agent = format!(
        "sh:echo bar > a.txt; git -C {} branch automation",
        place.path("app").display()
    );
    place
        .run(&format!(
            "run --agent '{agent}' --title X --run-id r1 --approve plan"
        ))
        .code(3);
    place.run("status r1").says("waiting");
    let failed = place.run("approve");
    assert_ne!(failed.code, 0);
    failed.says("go on with: automation resume r1");
    place.run("status r1").says("paused");
    place
        .run("approve")
        .code(2)
        .says("no run in [ROOT]/work waits for approval");
    app.git(&["branch", "--delete", "automation"]);
    place.run("resume").code(0);
    place.run("status r1").says("done");
    place
        .run("run --agent sh:true --title Y --run-id r2")
        .code(0);

    let lock = "app/.git/refs/heads/main.lock";
    place.file(lock, "");
    let failed = place.run("land r1");
    assert_ne!(failed.code, 0);
    failed.says("is held by another git command");
    place.run("status r1").says("paused");
    place.run("gc").code(0).says("removed 0 runs");
    fs::remove_file(place.path(lock)).expect("it is there");
    place.run("resume").code(0).says("landed");
    place.run("status r1").says("done");
    place.run("gc").code(0).says("removed 1 run");
}

#[test]
fn what_is_said_at_the_very_end_is_heard() {
    let place = Place::new();
    let app = place.repository("app", Some("true"));
    // The last thing that a landing asks before it finds the target checked out.
    place.script(
        "bin/git",
        &format!(
            "#!/bin/sh\n\
             if [ \"$1\" = worktree ] && [ ! -e {here}/told ]; then\n\
             {program} --home {here} land r1 --update-checkout > {here}/told 2>&1\n\
             fi\n\
             PATH=${{PATH#*:}} exec git \"$@\"\n",
            here = place.work().display(),
            program = env!("CARGO_BIN_EXE_automation"),
        ),
    );
    let mut run =
        place.command("run --agent 'sh:echo bar > a.txt' --repo app --title X --run-id r1 --land");
    let path = std::env::var("PATH").expect("there is one");
    run.env("PATH", format!("{}:{path}", place.path("bin").display()));
    let ran = place.end_of(run);
    assert_eq!(
        place.read("told"),
        "run r1 has been told; the process that works on it goes on\n"
    );
    ran.code(0).says("run r1 is done");
    assert_eq!(app.read("a.txt"), Some("bar\n".to_owned()));
}
