//! Where a run waits for a person.

use expect_test::expect;

use crate::place::Place;

const PLAN: &str = "\
title: Two steps
tasks:
- {id: first, title: First, repository: app, estimate: 2m}
- {id: second, title: Second, repository: app, dependencies: [first]}
- {id: third, title: Third, repository: app, estimate: 1m}
";

fn planned() -> Place {
    let place = Place::new();
    place.repository("app", Some("true"));
    place.file("plan.yaml", PLAN);
    place
}

const AGENT: &str =
    "--agent 'sh:echo x > $AUTOMATION_TASK_ID' --repo app --max-workers 1 --run-id r1";

#[test]
fn a_plan_shown() {
    planned()
        .run(&format!("plan {AGENT} --plan plan.yaml"))
        .is(&expect![[r#"
            exit 3
            run r1: Two steps
              app  [ROOT]/work/app on main  tested by `make test`
              agent command, at most 1 task at a time
            [T] run        started with 1 worker
            [T] stage      planning
            [T] gate       waits for a person: plan

            task    repository  estimate  after  what
            first   app         2m        -      First
            second  app         ?         first  Second
            third   app         1m        -      Third
            critical path: first → second ([T])
            predicted time: [T] with 1 worker; 1 task without an estimate taken as 5m
            estimated cost: none known, since agent command names no model; with those that it is given 1.4166 USD, likely 0.3253 to 3.6117
            models:
              first   claude-haiku-5-5 (FAST)     0.0088 USD
              second  claude-opus-5-5 (ADVANCED)  1.1664 USD
              third   claude-haiku-5-5 (FAST)     0.0075 USD

            the plan waits for you in [ROOT]/work/.automation/runs/r1/plan.yaml
              as it is: automation approve r1
              changed:  automation approve r1 --plan YOUR-COPY
        "#]]);
}

#[test]
fn a_plan_approved() {
    let place = planned();
    place
        .run(&format!("run {AGENT} --plan plan.yaml --approve plan"))
        .is(&expect![[r#"
            exit 3
            run r1: Two steps
              app  [ROOT]/work/app on main  tested by `make test`
              agent command, at most 1 task at a time
            [T] run        started with 1 worker
            [T] stage      planning
            [T] gate       waits for a person: plan

            the plan waits for you in [ROOT]/work/.automation/runs/r1/plan.yaml
              as it is: automation approve r1
              changed:  automation approve r1 --plan YOUR-COPY
        "#]]);
    place.run("status r1").is(&expect![[r#"
        exit 0
        run r1: Two steps
        waiting, stage planning, begun [T] ago
        the plan waits for you in [ROOT]/work/.automation/runs/r1/plan.yaml
          as it is: automation approve r1
          changed:  automation approve r1 --plan YOUR-COPY
    "#]]);
    place.run("status").is(&expect![[r#"
        exit 0
        run  state    stage     tasks  begun     issue
        r1   waiting  planning  0/0    [T] ago  Two steps
    "#]]);
    place.run("land r1").is(&expect![[r#"
        exit 3
        run r1: Two steps
          app  [ROOT]/work/app on main  tested by `make test`
          agent command, at most 1 task at a time
        [T] run        started with 1 worker, session 2
        [T] gate       waits for a person: plan

        the plan waits for you in [ROOT]/work/.automation/runs/r1/plan.yaml
          as it is: automation approve r1
          changed:  automation approve r1 --plan YOUR-COPY
    "#]]);
    place.run("resume r1").ends(&expect![[r#"
        exit 3
        the plan waits for you in [ROOT]/work/.automation/runs/r1/plan.yaml
          as it is: automation approve r1
          changed:  automation approve r1 --plan YOUR-COPY
    "#]]);
    place.run("approve").ends(&expect![[r#"
        exit 3
          app  [COMMIT]  verified  ready: branch main is checked out in [ROOT]/work/app
                                     → git -C [ROOT]/work/app merge --ff-only automation/r1/change
        run r1 waits for you: do what the arrow says, then: automation land r1
    "#]]);
    place.run("approve").is(&expect![[r#"
        exit 2
        --- stderr
        error: run r1 does not wait at a gate
        hint: `automation status r1` shows where it stands
    "#]]);
    place.run("resume").is(&expect![[r#"
        exit 3
        run r1: Two steps
          app  [ROOT]/work/app on main  tested by `make test`
          agent command, at most 1 task at a time
        [T] run        started with 1 worker, session 5
        [T] land       app: ready: branch main is checked out in [ROOT]/work/app

          app  [COMMIT]  verified  ready: branch main is checked out in [ROOT]/work/app
                                     → git -C [ROOT]/work/app merge --ff-only automation/r1/change
        run r1 waits for you: do what the arrow says, then: automation land r1
    "#]]);
}

#[test]
fn a_plan_edited() {
    let place = planned();
    place
        .run(&format!("run {AGENT} --plan plan.yaml --approve plan"))
        .code(3);
    place.file("edited.yaml", PLAN.replace("[first]", "[first, nobody]"));
    place.refused("approve r1 --plan edited.yaml", &expect![[r#"
        exit 2
        --- stderr
        error: the input is not valid:
          [ROOT]/work/edited.yaml:4:70: tasks[1].dependencies[1]: unknown task "nobody"; known: first, second, third
    "#]]);
    place.refused(
        "approve r1 --gate landing --plan edited.yaml",
        &expect![[r#"
            exit 2
            --- stderr
            error: a plan can be changed only at the gate plan
            hint: leave --plan out
        "#]],
    );
    assert_eq!(place.run("status r1 --json").json()["state"], "waiting");
    place.file("edited.yaml", PLAN.replace("id: third", "id: fourth"));
    let approved = place.run("approve r1 --plan edited.yaml").code(0);
    approved.says("fourth: succeeded");
    let plan = place.read(".automation/runs/r1/plan.yaml");
    assert!(plan.contains("fourth") && !plan.contains("third"), "{plan}");
}

#[test]
fn a_landing_approved() {
    let place = planned();
    place
        .run(&format!("run {AGENT} --title X --approve landing --land"))
        .ends(&expect![[r#"
            exit 3
              app  [COMMIT]  verified  proposed as app#1
            the landing waits for approval: automation approve r1
        "#]]);
    place.run("status r1").is(&expect![[r#"
        exit 0
        run r1: X
        waiting, stage landing, begun [T] ago
          app  app  succeeded
        repositories:
          app  [COMMIT]  verified  proposed as app#1
        the landing waits for approval: automation approve r1
    "#]]);
    place.run("approve r1").ends(&expect![[r#"
        exit 3
          app  [COMMIT]  verified  ready: branch main is checked out in [ROOT]/work/app
                                     → git -C [ROOT]/work/app merge --ff-only automation/r1/change
        run r1 waits for you: do what the arrow says, then: automation land r1
    "#]]);
    place.run("land r1 --update-checkout").ends(&expect![[r#"
        exit 0
          app  [COMMIT]  verified  landed
        run r1 is done
    "#]]);
}
