//! `resume --reload`: the command line's words stay, the configuration's do not.

use expect_test::expect;

use crate::place::Place;

/// The paths that a run's change holds.
fn changed(repository: &testkit::git::Fixture, run: &str) -> String {
    let branch = format!("main..automation/{run}/change");
    repository.git(&["log", "--format=", "--name-only", &branch])
}

#[test]
fn what_the_command_line_named_stays() {
    let place = Place::new();
    let (one, other) = (place.repository("r1", None), place.repository("r2", None));
    place.file(
        "config/repositories.yaml",
        "repositories:\n- {name: other, path: r2}\n",
    );
    place.file(
        "config/automation.yaml",
        "agents:\n- {name: command, kind: command, command: [touch, wrong]}\n",
    );
    place
        .run("run --agent 'sh:touch right' --repo r1 --title X --run-id x --approve plan")
        .code(3);
    let resumed = place.run("resume x").code(3);
    assert!(
        !resumed.stdout.contains("changed in the configuration"),
        "nothing has changed: {}",
        resumed.stdout
    );
    place
        .run("resume x --reload")
        .code(3)
        .says("work/r1 on main");
    place.run("approve x").code(0);
    assert_eq!(changed(&one, "x"), "right");
    assert_eq!(other.git(&["branch", "--list", "automation/*"]), "");
}

#[test]
fn what_the_configuration_says_is_taken() {
    let place = Place::new();
    place.repository("app", None);
    place.file(
        "config/automation.yaml",
        "limits: {max_workers: 1}\napprovals: {plan: true}\nagents:\n- {name: x, kind: command, command: [touch, old]}\n",
    );
    place.run("run --repo app --title X --run-id x").code(3);
    place
        .run("run --repo app --title X --run-id y --max-workers 2 --approve plan")
        .code(3);
    place.file(
        "config/automation.yaml",
        "limits: {max_workers: 7}\nlanding: {allow_unverified: true}\nagents:\n- {name: x, kind: command, command: [touch, new]}\n",
    );
    place.run("resume x").code(3).says(
        "changed in the configuration since the run began, and not used: agent, limits, approvals, landing (take it with --reload)",
    );
    place
        .run("resume x --reload")
        .code(0)
        .says("agent x, at most 7 tasks at a time");
    let app = testkit::git::Fixture::at(place.path("app"));
    assert_eq!(changed(&app, "x"), "new");
    // What the command line said stays.
    let resumed = place.run("resume y --reload").code(3);
    assert!(
        resumed.stdout.contains("at most 2 tasks at a time"),
        "{}",
        resumed.stdout
    );
}

#[test]
fn other_repositories_are_another_run() {
    let place = Place::new();
    place.repository("app", None);
    place.repository("web", None);
    let app = "repositories:\n- {name: app, path: app}\n";
    place.file("config/repositories.yaml", app);
    place
        .run("run --agent 'sh:echo x > x' --title X --run-id x --approve plan")
        .code(3);
    place.file(
        "config/repositories.yaml",
        format!("{app}- {{name: web, path: web}}\n"),
    );
    place
        .run("resume x")
        .code(3)
        .says("not used: repository web (");
    place.run("resume x --reload").is(&expect![[r#"
        exit 2
        --- stderr
        error: the run works on app ([ROOT]/work/app), and config/repositories.yaml now names app ([ROOT]/work/app), web ([ROOT]/work/web)
        hint: go on without --reload, or begin another run
    "#]]);
    place.file(
        "config/repositories.yaml",
        "repositories:\n- {name: app, path: web}\n",
    );
    place
        .run("resume x")
        .code(3)
        .says("not used: repository app (");
    place.run("resume x --reload").code(2);
    place.file("config/repositories.yaml", app);
    place.run("approve x").code(0);
}
