//! `explain` and `top`: what is shown of runs while they go on, wait, and are gone.

use std::fs;

use expect_test::expect;

use crate::place::Place;

const PLAN: &str = "\
id: three-files
title: Three files
tasks:
  - {id: one, title: Add one, repository: app, estimate: 60s}
  - {id: two, title: Add two, repository: app, dependencies: [one]}
  - {id: three, title: Write a third, repository: app}
";

/// An agent that tells when it runs, and then works only after `again` is there.
fn place() -> Place {
    let place = Place::new();
    place.repository("app", Some("true"));
    place.pipe("started");
    let here = place.work().display().to_string();
    let wait = format!("if [ ! -e {here}/again ]; then echo > {here}/started; sleep 1000; fi");
    let work = format!("#!/bin/sh\n{wait}\necho bar > $AUTOMATION_TASK_ID\n");
    place.script("agent.sh", &work).file("plan.yaml", PLAN);
    place
}

#[test]
fn every_reason_why_a_task_is_not_running() {
    let place = place();
    let run = "run --agent ./agent.sh --repo app --title X --plan plan.yaml --approve plan";
    place
        .run(&format!("{run} --run-id r1 --max-workers 1"))
        .code(3);
    place.run("explain two").is(&expect![[r#"
        exit 2
        --- stderr
        error: run r1 has no task two
        hint: it waits at the gate "plan"; go on with: automation approve r1
    "#]]);
    place.run("top --once").is(&expect![[r#"
        exit 0
        automation: 0 running, 1 not running, 0 ended, 0 of them well, 0.00 of 20.00 USD spent today
        ! r1: open the gate "plan", or give the run up

        run r1: X
          waiting, stage planning, 0/0 tasks, [T], 0.00 of 5.00 USD
    "#]]);

    let child = place.start("approve r1");
    fs::read(place.path("started")).expect("the agent starts");
    place.run("explain four --run r1").is(&expect![[r#"
        exit 2
        --- stderr
        error: run r1 has no task four
        hint: its tasks are: one, two, three
    "#]]);
    place.run("explain one").is(&expect![[r#"
        exit 0
        task one of run r1: Add one
        it is running
    "#]]);
    place.run("explain two").is(&expect![[r#"
        exit 0
        task two of run r1: Add two
        it is waiting
          it needs one, which is running
    "#]]);
    place.run("explain three").is(&expect![[r#"
        exit 0
        task three of run r1: Write a third
        it is ready
          no worker slot is free: 1 of 1 are held by one
    "#]]);

    place.signal(&child, "-KILL");
    child.wait_with_output().expect("it ends");
    place.run("explain three").is(&expect![[r#"
        exit 0
        task three of run r1: Write a third
        it is ready
          no process holds the run: it was killed, and waits to be resumed
        go on with: automation resume r1
    "#]]);
    place.run("top --once").is(&expect![[r#"
        exit 0
        automation: 0 running, 1 not running, 0 ended, 0 of them well, 0.00 of 20.00 USD spent today
        ! r1: its process was killed: resume it

        run r1: X
          paused, stage implementation, 0/3 tasks, [T], 0.00 of 5.00 USD
         *one    running  attempt 1, for [T]
          three  ready    waits for the run to be resumed
         *two    waiting  waits for one (running)
    "#]]);

    place.file("again", "");
    place.run("resume r1").code(0);
    place.run("explain two").is(&expect![[r#"
        exit 0
        task two of run r1: Add two
        it is succeeded
          it has ended: succeeded
    "#]]);
}

#[test]
fn status_and_top_say_the_same() {
    let place = place();
    let run = "run --agent ./agent.sh --repo app --title X --plan plan.yaml --max-workers 2";
    let child = place.start(&format!("{run} --run-id r1"));
    fs::read(place.path("started")).expect("the agent starts");
    let status = place.run("status r1 --json").json();
    let top = place.run("top --once --json").json();
    let shown = &top["runs"][0];
    assert_eq!(shown["header"]["state"], status["state"]);
    assert_eq!(shown["header"]["stage"], status["stage"]);
    let of_top = shown["tasks"].as_array().expect("tasks");
    let of_status = status["tasks"].as_array().expect("tasks");
    assert_eq!((of_top.len(), of_status.len()), (3, 3));
    for (one, other) in of_top.iter().zip(of_status) {
        for key in ["task", "title", "repository", "failure"] {
            assert_eq!(one[key], other[key], "{key} of {}", other["task"]);
        }
        // What only waits for a slot may get one between the two looks.
        let is_waiting = |status: &serde_json::Value| status == "waiting";
        assert_eq!(is_waiting(&one["status"]), is_waiting(&other["status"]));
        if is_waiting(&one["status"]) {
            assert_eq!(one["waits_for"], other["waits_for"]);
        }
    }
    place.signal(&child, "-KILL");
    child.wait_with_output().expect("it ends");
    place.file("again", "");
    place.run("resume r1").code(0);
    let status = place.run("status r1 --json").json();
    let top = place.run("top --once --json").json();
    let ended = &top["overview"]["recent"][0];
    assert_eq!(ended["state"], status["state"]);
    assert_eq!(ended["counts"]["succeeded"], 3);
    assert_eq!(top["runs"], serde_json::json!([]));
}

#[test]
fn figures_survive_the_removal_of_a_run() {
    let place = Place::new();
    place.repository("app", None);
    place.file("config/automation.yaml", "retention: {keep_runs: 1}\n");
    let agent = "--agent 'sh:echo x > $AUTOMATION_TASK_ID' --repo app --title X";
    for run in ["r1", "r2"] {
        place.run(&format!("run {agent} --run-id {run}")).code(0);
    }
    let shown = || {
        let overview = place.run("top --once --json").json()["overview"].clone();
        let keys = [
            "total_runs",
            "ended",
            "succeeded",
            "success_rate",
            "tasks_ended",
            "days",
        ];
        let figures = keys.map(|key| overview[key].clone());
        let recent = overview["recent"].as_array().expect("runs").clone();
        let names = recent
            .iter()
            .map(|it| (it["run"].clone(), it["is_removed"].clone()));
        (figures, names.collect::<Vec<_>>())
    };
    let (before, runs) = shown();
    assert_eq!(
        runs,
        [("r2".into(), false.into()), ("r1".into(), false.into())]
    );
    place.run("gc").code(0);
    let (after, runs) = shown();
    assert_eq!(after, before, "what is summed up is still there");
    assert_eq!(
        runs,
        [("r2".into(), false.into()), ("r1".into(), true.into())]
    );
}
