//! `init`, `doctor` and issues.

use expect_test::expect;

use crate::place::Place;

#[test]
fn init_finds_what_is_there() {
    let place = Place::new();
    for (name, file, text) in [
        ("api", "Cargo.toml", "[package]\nname = \"api\"\n"),
        (
            "web",
            "package.json",
            "{\"scripts\": {\"test\": \"node --test\"}}",
        ),
        ("ml", "pyproject.toml", "[tool.pytest.ini_options]\n"),
        ("edge", "go.mod", "module edge\n"),
        ("tools/build", "Makefile", "all:\ntest:\n\ttrue\n"),
        ("notes", "README.md", "# Notes\n"),
    ] {
        let repository = testkit::git::Fixture::new(place.path(name));
        repository.file(file, text).commit("Begin");
    }
    place.script("bin/codex", "#!/bin/sh\n");
    // Nothing else, since this machine may have agents.
    for program in ["git", "sh"] {
        let words = [
            "-c".to_owned(),
            format!("ln -s $(command -v {program}) bin/"),
        ];
        let linked = place.any("sh", &words).status().expect("sh can be started");
        assert!(linked.success());
    }
    let path = place.path("bin");
    let with_agent = |arguments: &str| {
        let mut command = place.command(arguments);
        command.env("PATH", &path);
        place.end_of(command)
    };
    with_agent("init").is(&expect![[r#"
        exit 0
        found  repository api: [ROOT]/work/api (cargo test)
        found  repository edge: [ROOT]/work/edge (go test ./...)
        found  repository ml: [ROOT]/work/ml (python3 -m pytest)
        found  repository notes: [ROOT]/work/notes (no test command found)
        found  repository build: [ROOT]/work/tools/build (make test)
        found  repository web: [ROOT]/work/web (npm test)
        found  agent program codex: [ROOT]/work/bin/codex
        wrote  [ROOT]/work/config/automation.yaml
        wrote  [ROOT]/work/config/repositories.yaml
        next: look through both files, then `automation doctor`
    "#]]);
    expect![[r##"
        # The repositories that a run may work on. The first one, or the one with `primary: true`, is where
        # the issue lives and the run reports. A command is a line for the shell, or a list of a program and
        # its arguments.
        # Further keys of a repository:
        # - owner: Owner (user, organization or group) on the forge.
        # - repo: Name on the forge.
        # - url: What git clones it from; not together with `path`.
        # - forge: Where its issues and pull requests are: `local`, or the name of one of `forges`, which
        # has its branches too; then `owner` is needed, and neither `path` nor `url`.
        # - write: Whether a run may change it; `false`: it is only there to be read.
        # - test_timeout: The longest the test command may take.
        # - deploy_command: Runs after the landing, where `automation.auto_deploy` says so.
        # - automation: How it takes part in runs over several repositories.

        repositories:
          # The test command was told from Cargo.toml.
          - name: api
            path: api
            primary: true
            default_branch: main
            test_command: cargo test

          # The test command was told from go.mod.
          - name: edge
            path: edge
            default_branch: main
            test_command: go test ./...

          # The test command was told from the pytest configuration.
          - name: ml
            path: ml
            default_branch: main
            test_command: python3 -m pytest

          - name: notes
            path: notes
            default_branch: main
            #test_command: make test  # None was found, so results are "not verified".

          # The test command was told from the Makefile's target test.
          - name: build
            path: tools/build
            default_branch: main
            test_command: make test

          # The test command was told from package.json.
          - name: web
            path: web
            default_branch: main
            test_command: npm test
    "##]].assert_eq(&place.read("config/repositories.yaml"));
    let doctor = with_agent("doctor").code(0);
    doctor.says("ok      agent: codex");
    place.refused(
        "init",
        &expect![[r#"
        exit 2
        --- stderr
        error: [ROOT]/work/config/automation.yaml exists already
        hint: edit it, or remove it first
    "#]],
    );
    let run = with_agent("run --agent sh:true --title X --run-id r1").code(0);
    run.says("edge");
}

#[test]
fn init_without_repositories() {
    let place = Place::new();
    place.refused(
        "init",
        &expect![[r#"
        exit 2
        --- stderr
        error: there is no git repository at, below or around [ROOT]/work
        hint: run it where your repositories are
    "#]],
    );
}

#[test]
fn doctor_tells_how_to_mend() {
    let place = Place::new();
    place.file(
        "config/automation.yaml",
        "agents:\n- {name: x, kind: command, command: [no-such-program]}\nlimit: 3\n",
    );
    place.file(
        "config/repositories.yaml",
        "repositories:\n- {name: app, path: app}\n",
    );
    let ran = place.run("doctor").code(1);
    let checks: Vec<_> = ran
        .stdout
        .lines()
        .filter(|line| {
            !["GiB", "git:", "workers:", "sandbox:"]
                .iter()
                .any(|it| line.contains(it))
        })
        .collect();
    expect![[r#"
        ok      state folder: [ROOT]/work/.automation can be written
        failed  configuration: the input is not valid:
          [ROOT]/work/config/automation.yaml:3:1: limit: unknown key; did you mean "limits"?
                → mend the lines that it names
        failed  repositories: there is no folder [ROOT]/work/app
                → look at --repo, or at config/repositories.yaml
    "#]]
    .assert_eq(&place.placeholders(&checks.join("\n")));
    assert!(
        !place.path(".automation").exists(),
        "doctor leaves nothing behind"
    );
}

#[test]
fn doctor_without_repositories() {
    let place = Place::new();
    let repositories = |place: &Place| {
        let ran = place.run("doctor");
        let (_, repositories) = ran
            .stdout
            .split_once("repositor")
            .map(|(_, rest)| ("", rest.to_owned()))
            .expect("there is such a check");
        place.placeholders(&repositories)
    };
    expect![[r#"
        ies: [ROOT]/work is not in a git repository; run `git init` there, or name another folder
                → go into a repository, run `automation init` above some, or name --repo with each run
    "#]]
    .assert_eq(&repositories(&place));
    let app = place.repository("app", None);
    app.git(&["branch", "automation"]);
    place.file(
        "config/repositories.yaml",
        "repositories:\n- {name: app, path: app}\n",
    );
    expect![[r#"
        y: app: the repository [ROOT]/work/app has a branch automation, below which a run makes its own
                → rename it: git -C [ROOT]/work/app branch -m automation ANOTHER-NAME
    "#]]
    .assert_eq(&repositories(&place));
}

#[test]
fn the_forge_is_read_from_anywhere() {
    let place = Place::new();
    place.repository("a", Some("true"));
    place.repository("b", Some("true"));
    place
        .run("run --agent 'sh:echo bar > a.txt' --repo a --repo b --title Rename --run-id r1")
        .code(0);
    place.run("issue ls").is(&expect![[r#"
        exit 0
        a#1  pull request  open  Rename
        b#1  pull request  open  Rename
    "#]]);
    place.run("issue show b#1").code(0).says("pull request of");
    place.run("issue show 1").is(&expect![[r#"
        exit 2
        --- stderr
        error: there are several repositories, and none of them is the primary one
        hint: known are: a, b
    "#]]);
    // Inside of one of them that is meant.
    let mut inside = place.command("issue show 1");
    inside.current_dir(place.path("b"));
    place.end_of(inside).code(0).says("b#1");
}

#[test]
fn issues_of_the_local_forge() {
    let place = Place::new();
    let app = place.repository("app", Some("true"));
    app.git(&["switch", "--quiet", "--create", "elsewhere"]);
    place.file(
        "config/repositories.yaml",
        "repositories:\n- {name: app, path: app, default_branch: main, test_command: 'true'}\n",
    );
    place.run("issue ls").is(&expect![[r#"
        exit 0
        no issues; write one with `automation issue new --title …`
    "#]]);
    place
        .run("issue new --title 'Rename foo' --body 'It is bar now.' --label chore")
        .is(&expect![[r#"
            exit 0
            app#1: Rename foo
        "#]]);
    place.refused(
        "issue new --title X --repo web",
        &expect![[r#"
        exit 2
        --- stderr
        error: there is no repository "web"
        hint: known are: app
    "#]],
    );
    place.refused(
        "issue show nine",
        &expect![[r#"
            exit 2
            --- stderr
            error: "nine" is not an issue
            hint: give its number, such as 12 or backend#12
        "#]],
    );
    place.refused(
        "issue show 9",
        &expect![[r#"
        exit 2
        --- stderr
        error: failed to read an issue
          because there is no issue 9
    "#]],
    );
    place
        .run("run 1 --agent 'sh:echo bar > a.txt' --run-id r1 --land")
        .is(&expect![[r#"
            exit 0
            run r1: Rename foo
              app  [ROOT]/work/app on main  tested by `true`
              agent command, at most 1 task at a time
            [T] run        started with 1 worker
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
            [T] propose    app: pull request app#2
            [T] land       app: main is at [COMMIT]

              app  [COMMIT]  verified  landed
            run r1 is done
        "#]]);
    place.run("issue ls").is(&expect![[r#"
        exit 0
        app#1  issue         closed  Rename foo
        app#2  pull request  merged  Rename foo
    "#]]);
    let shown = place.run("issue show app#1").code(0);
    shown.says("It is bar now.");
    shown.says("Run r1 has made a change.");
    place
        .run("issue show 2")
        .code(0)
        .says("pull request of automation/r1/change into main");
}
