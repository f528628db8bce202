//! What a new user gets wrong: one clear message, exit code 2, and nothing written.

use expect_test::expect;

use crate::place::{Place, seen};

#[test]
fn outside_of_any_repository() {
    let place = Place::new();
    place.refused(
        "run --agent sh:true --title X",
        &expect![[r#"
        exit 2
        --- stderr
        error: [ROOT]/work is not in a git repository; run `git init` there, or name another folder
    "#]],
    );
    place.refused(
        "run --agent sh:true --title X --repo nowhere",
        &expect![[r#"
            exit 2
            --- stderr
            error: there is no folder [ROOT]/work/nowhere
            hint: look at --repo, or at config/repositories.yaml
        "#]],
    );
}

#[test]
fn a_repository_without_a_commit() {
    let place = Place::new();
    drop(testkit::git::Fixture::new(place.path("new")));
    place.refused(
        "run --agent sh:true --title X --repo new",
        &expect![[r#"
        exit 2
        --- stderr
        error: the repository [ROOT]/work/new has no commit yet
        hint: make a first commit
    "#]],
    );
}

#[test]
fn a_detached_head() {
    let place = Place::new();
    let repository = place.repository("app", None);
    repository.git(&["checkout", "--quiet", "--detach"]);
    place.refused(
        "run --agent sh:true --title X --repo app",
        &expect![[r#"
        exit 2
        --- stderr
        error: the repository [ROOT]/work/app is not on a branch (detached HEAD)
        hint: switch to a branch, or set default_branch in config/repositories.yaml
    "#]],
    );
}

#[test]
fn one_repository_named_twice() {
    let place = Place::new();
    place.repository("app", None);
    place.refused(
        "run --agent sh:true --title X --repo app --repo app/.",
        &expect![[r#"
            exit 2
            --- stderr
            error: [ROOT]/work/app is named twice
        "#]],
    );
}

#[test]
fn no_agent() {
    let place = Place::new();
    place.repository("app", None);
    place.refused(
        "run --title X --repo app",
        &expect![[r#"
            exit 2
            --- stderr
            error: no agent is configured
            hint: name one with --agent, for example --agent 'sh:make fix', or add one to config/automation.yaml
        "#]],
    );
    place.refused(
        "run --agent fixer --title X --repo app",
        &expect![[r#"
        exit 2
        --- stderr
        error: there is no agent and no program "fixer"
        hint: no agents are configured; run `automation init`
    "#]],
    );
    place.refused(
        "run --agent './fixer --all' --title X --repo app",
        &expect![[r#"
            exit 2
            --- stderr
            error: the program "[ROOT]/work/fixer" of agent command was not found
            hint: install it, or name another agent with --agent
        "#]],
    );
    place.refused(
        "run --agent 'fixer | tee x' --title X --repo app",
        &expect![[r#"
            exit 2
            --- stderr
            error: the agent cannot be used
              because "fixer | tee x" needs a shell: write "sh:fixer | tee x"
        "#]],
    );
    place.refused(
        "run --agent sh: --title X --repo app",
        &expect![[r#"
        exit 2
        --- stderr
        error: the agent cannot be used
          because the agent's command is empty
    "#]],
    );
    place.file("fixer", "#!/bin/sh\n");
    place.refused(
        "run --agent ./fixer --title X --repo app",
        &expect![[r#"
        exit 2
        --- stderr
        error: the program "[ROOT]/work/fixer" of agent command cannot be executed
        hint: chmod +x [ROOT]/work/fixer
    "#]],
    );
}

#[test]
fn nothing_to_do() {
    let place = Place::new();
    place.repository("app", None);
    place.refused(
        "run --agent sh:true --repo app",
        &expect![[r#"
        exit 2
        --- stderr
        error: there is nothing to do
        hint: give an ISSUE (a Markdown file or an issue's number), --title, or --plan FILE
    "#]],
    );
    place.refused(
        "run --agent sh:true --repo app --title ' '",
        &expect![[r#"
        exit 2
        --- stderr
        error: the title is empty
        hint: give --title a text
    "#]],
    );
    place.refused(
        "run --agent sh:true --repo app issue.md",
        &expect![[r#"
        exit 2
        --- stderr
        error: "issue.md" is neither a file nor an issue
        hint: give a Markdown file, an issue such as 12 or backend#12, or --title
    "#]],
    );
    place.refused(
        "run --agent sh:true --repo app 7",
        &expect![[r#"
        exit 2
        --- stderr
        error: failed to read an issue
          because there is no issue 7
    "#]],
    );
    place.refused(
        "run --agent sh:true --repo app web#7",
        &expect![[r#"
        exit 2
        --- stderr
        error: the issue's repository is not one of the run's
    "#]],
    );
    place.file("empty.md", "\n\n");
    place.refused(
        "run --agent sh:true --repo app empty.md",
        &expect![[r#"
        exit 2
        --- stderr
        error: [ROOT]/work/empty.md has no title
        hint: begin it with a heading
    "#]],
    );
}

#[test]
fn runs_that_are_not_there() {
    let place = Place::new();
    for command in ["status", "resume", "approve", "land"] {
        place.refused(
            &format!("{command} r9"),
            &match command {
                "status" => expect![[r#"
                    exit 2
                    --- stderr
                    error: there is no run r9 in [ROOT]/work
                    hint: `automation status` lists the runs; --home names another home
                "#]],
                "resume" => expect![[r#"
                    exit 2
                    --- stderr
                    error: there is no run r9 in [ROOT]/work
                    hint: `automation status` lists the runs; --home names another home
                "#]],
                "approve" => expect![[r#"
                    exit 2
                    --- stderr
                    error: there is no run r9 in [ROOT]/work
                    hint: `automation status` lists the runs; --home names another home
                "#]],
                _ => expect![[r#"
                    exit 2
                    --- stderr
                    error: there is no run r9 in [ROOT]/work
                    hint: `automation status` lists the runs; --home names another home
                "#]],
            },
        );
    }
    place.refused(
        "resume",
        &expect![[r#"
            exit 2
            --- stderr
            error: no run in [ROOT]/work can be resumed
            hint: `automation status` lists the runs; --home names another home
        "#]],
    );
    place.refused(
        "approve",
        &expect![[r#"
            exit 2
            --- stderr
            error: no run in [ROOT]/work waits for approval
            hint: `automation status` lists the runs; --home names another home
        "#]],
    );
    place.refused(
        "land",
        &expect![[r#"
            exit 2
            --- stderr
            error: no run in [ROOT]/work can land
            hint: `automation status` lists the runs; --home names another home
        "#]],
    );
    place.refused(
        "logs a",
        &expect![[r#"
            exit 2
            --- stderr
            error: no run in [ROOT]/work has been begun
            hint: `automation status` lists the runs; --home names another home
        "#]],
    );
    place.refused(
        "status",
        &expect![[r#"
        exit 0
        no runs in [ROOT]/work
    "#]],
    );
    place.refused(
        "status ../x",
        &expect![[r#"
            exit 2
            --- stderr
            error: there is no run ../x in [ROOT]/work
            hint: `automation status` lists the runs; --home names another home
        "#]],
    );
    place.refused(
        "run --agent sh:true --title X --run-id ../x",
        &expect![[r#"
            exit 2
            --- stderr
            error: run id "../x" is not valid: expected only letters a-z, digits, '.', '_' and '-'
        "#]],
    );
}

#[test]
fn a_run_that_exists_already() {
    let place = Place::new();
    place.repository("app", None);
    place
        .run("run --agent sh:true --title X --repo app --run-id again")
        .code(0);
    place.refused(
        "run --agent sh:true --title X --repo app --run-id again",
        &expect![[r#"
            exit 2
            --- stderr
            error: there is a run again in [ROOT]/work already
            hint: give another name
        "#]],
    );
}

#[test]
fn plans_with_faults() {
    let place = Place::new();
    place.repository("app", None);
    place.file(
        "plan.yaml",
        "tasks:\n\
         - {id: a, title: A, repository: app, dependencies: [c]}\n\
         - {id: b, title: B, repository: app, dependencies: [a]}\n\
         - {id: c, title: C, repository: app, dependencies: [b]}\n\
         - {id: a, title: A again, repository: app}\n\
         - {id: d, title: D, repository: app, dependencies: [nobody]}\n\
         - {id: e, title: E, repository: web}\n\
         - {id: f, title: F, repository: ../x, estimat: 3m}\n",
    );
    place.refused(
        "run --agent sh:true --repo app --plan plan.yaml",
        &expect![[r#"
            exit 2
            --- stderr
            error: the input is not valid:
              [ROOT]/work/plan.yaml:2:52: tasks[0].dependencies: waits for itself: a → c → b → a
              [ROOT]/work/plan.yaml:5:8: tasks[3].id: a second task named "a"; the first is in line 2
              [ROOT]/work/plan.yaml:6:53: tasks[4].dependencies[0]: unknown task "nobody"; known: a, b, c, d, e, f
              [ROOT]/work/plan.yaml:7:33: tasks[5].repository: unknown repository "web"; known: app
              [ROOT]/work/plan.yaml:8:33: tasks[6].repository: "../x" is not a valid name: 1 to 64 of A-Z a-z 0-9 . _ -, not starting with . or -, without .., not ending in . or .lock
              [ROOT]/work/plan.yaml:8:39: tasks[6].estimat: unknown key; did you mean "estimate"?
        "#]],
    );
    place.file(
        "plan.yaml",
        "tasks:\n- {id: e, title: E, repository: web}\n- {id: f, title: F, repository: wob}\n",
    );
    place.refused(
        "run --agent sh:true --repo app --plan plan.yaml",
        &expect![[r#"
            exit 2
            --- stderr
            error: the input is not valid:
              [ROOT]/work/plan.yaml:2:33: tasks[0].repository: unknown repository "web"; known: app
              [ROOT]/work/plan.yaml:3:33: tasks[1].repository: unknown repository "wob"; known: app
        "#]],
    );
    place.file("plan.yaml", "tasks: []\n");
    place.refused(
        "run --agent sh:true --repo app --plan plan.yaml",
        &expect![[r#"
            exit 2
            --- stderr
            error: the input is not valid:
              [ROOT]/work/plan.yaml:1:8: tasks: is empty; at least one is needed
        "#]],
    );
    place.refused(
        "run --agent sh:true --repo app --plan none.yaml",
        &expect![[r#"
            exit 2
            --- stderr
            error: could not read [ROOT]/work/none.yaml
              because No such file or directory (os error 2)
        "#]],
    );
}

#[test]
fn yaml_that_is_none() {
    let place = Place::new();
    place.repository("app", None);
    let deep = "{a: ".repeat(50 * 1024);
    place.file("plan.yaml", "tasks:\n\t- id: a\n");
    place.refused(
        "run --agent sh:true --repo app --plan plan.yaml",
        &expect![[r#"
            exit 2
            --- stderr
            error: the input is not valid:
              [ROOT]/work/plan.yaml:2:1: a tab in the indentation; YAML wants spaces
        "#]],
    );
    place.file("plan.yaml", &deep);
    place.refused(
        "run --agent sh:true --repo app --plan plan.yaml",
        &expect![[r#"
            exit 2
            --- stderr
            error: the input is not valid:
              [ROOT]/work/plan.yaml:1:257: more than 64 brackets are open here
        "#]],
    );
    place.file("config/automation.yaml", "limits:\n\tmax_workers: 2\n");
    place.refused(
        "run --agent sh:true --title X --repo app",
        &expect![[r#"
        exit 2
        --- stderr
        error: the input is not valid:
          [ROOT]/work/config/automation.yaml:2:1: a tab in the indentation; YAML wants spaces
    "#]],
    );
    place.file("config/automation.yaml", &deep);
    place.refused(
        "run --agent sh:true --title X --repo app",
        &expect![[r#"
            exit 2
            --- stderr
            error: the input is not valid:
              [ROOT]/work/config/automation.yaml:1:257: more than 64 brackets are open here
        "#]],
    );
    place.file(
        "config/automation.yaml",
        "limits:\n  max_worker: 2\n  test_timeout: 5\nagent: []\n",
    );
    place.refused("run --agent sh:true --title X --repo app", &expect![[r#"
        exit 2
        --- stderr
        error: the input is not valid:
          [ROOT]/work/config/automation.yaml:2:3: limits.max_worker: unknown key; did you mean "max_workers"?
          [ROOT]/work/config/automation.yaml:3:17: limits.test_timeout: expected a duration such as [T], [T], 5m or 2h, found the number 5; add a unit
          [ROOT]/work/config/automation.yaml:4:1: agent: unknown key; did you mean "agents"?
    "#]]);
    place.file("config/automation.yaml", b"limits: \xff\n");
    place.refused(
        "run --agent sh:true --title X --repo app",
        &expect![[r#"
            exit 2
            --- stderr
            error: the input is not valid:
              [ROOT]/work/config/automation.yaml:1:9: is not UTF-8 text from here on
        "#]],
    );
}

#[test]
fn repositories_file_with_faults() {
    let place = Place::new();
    place.repository("app", None);
    place.file(
        "config/repositories.yaml",
        "repositories:\n- {name: app, path: ap}\n",
    );
    place.refused(
        "run --agent sh:true --title X",
        &expect![[r#"
            exit 2
            --- stderr
            error: there is no folder [ROOT]/work/ap
            hint: look at --repo, or at config/repositories.yaml
        "#]],
    );
    place.file(
        "config/repositories.yaml",
        "repositories:\n- {name: app, owner: a, repo: b}\n",
    );
    place.refused(
        "run --agent sh:true --title X",
        &expect![[r#"
            exit 2
            --- stderr
            error: repository app has no path, and is on no forge of the file: name one by `forge`
            hint: see [ROOT]/work/config/repositories.yaml
        "#]],
    );
    place.file(
        "config/repositories.yaml",
        "repositories:\n- {name: app, path: app, tests: x}\n- {name: app, path: app}\n",
    );
    place.refused("run --agent sh:true --title X", &expect![[r#"
        exit 2
        --- stderr
        error: the input is not valid:
          [ROOT]/work/config/repositories.yaml:2:26: repositories[0].tests: unknown key; known: name, owner, repo, primary, path, url, forge, default_branch, write, setup_command, test_command, test_timeout, deploy_command, automation
          [ROOT]/work/config/repositories.yaml:3:10: repositories[1].name: a second repository named "app"; the first is in line 2
    "#]]);
    place.file(
        "config/repositories.yaml",
        "repositories:\n- {name: app, path: app, default_branch: devel}\n",
    );
    place.refused(
        "run --agent sh:true --title X --run-id r1",
        &expect![[r#"
        exit 2
        --- stderr
        error: the repository [ROOT]/work/app has no branch devel
        hint: mend default_branch in config/repositories.yaml, or make the branch
    "#]],
    );
}

#[test]
fn a_home_that_cannot_be_written() {
    let place = Place::new();
    let repository = place.repository("app", None);
    let before = seen(&repository);
    place.file(".automation", "a file in the way\n");
    place.refused(
        "run --agent sh:true --title X --repo app",
        &expect![[r#"
            exit 2
            --- stderr
            error: [ROOT]/work/.automation is not a folder
            hint: move it away, or choose another home with --home
        "#]],
    );
    place.refused(
        "--home /proc/self run --agent sh:true --title X --repo app",
        &expect![[r#"
            exit 1
            --- stderr
            error: could not create /proc/self/.automation
              because No such file or directory (os error 2)
        "#]],
    );
    place.refused(
        "--home /proc/self status",
        &expect![[r#"
        exit 0
        no runs in /proc/self
    "#]],
    );
    place.refused(
        "issue new --title X",
        &expect![[r#"
        exit 2
        --- stderr
        error: [ROOT]/work is not in a git repository; run `git init` there, or name another folder
    "#]],
    );
    assert_eq!(before, seen(&repository));
}

#[test]
fn a_branch_in_the_place_of_ours() {
    let place = Place::new();
    let app = place.repository("app", None);
    for (branch, expected) in [
        (
            "automation",
            expect![[r#"
                exit 2
                --- stderr
                error: the repository [ROOT]/work/app has a branch automation, below which a run makes its own
                hint: rename it: git -C [ROOT]/work/app branch -m automation ANOTHER-NAME
            "#]],
        ),
        (
            "automation/r1",
            expect![[r#"
                exit 2
                --- stderr
                error: the repository [ROOT]/work/app has a branch automation/r1, below which a run makes its own
                hint: rename it: git -C [ROOT]/work/app branch -m automation/r1 ANOTHER-NAME
            "#]],
        ),
    ] {
        app.git(&["branch", branch]);
        place.refused(
            "run --agent sh:true --title X --repo app --run-id r1",
            &expected,
        );
        app.git(&["branch", "--delete", branch]);
    }
    place
        .run("run --agent sh:true --title X --repo app --run-id r1")
        .code(0);
}

#[test]
fn a_read_only_folder() {
    use std::os::unix::fs::PermissionsExt;

    let place = Place::new();
    place.repository("app", None);
    let program = env!("CARGO_BIN_EXE_automation");
    let as_nobody = |arguments: &str| {
        let words = format!("--reuid=65534 --regid=65534 --clear-groups {arguments}");
        place.any(
            "setpriv",
            &words.split(' ').map(str::to_owned).collect::<Vec<_>>(),
        )
    };
    let root = place
        .work()
        .parent()
        .expect("it is below the root")
        .to_owned();
    let set = |folder: &std::path::Path, mode| {
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(mode))
            .expect("it can be set");
    };
    set(&root, 0o755);
    if !as_nobody(&format!("{program} --version"))
        .output()
        .is_ok_and(|it| it.status.success())
    {
        println!("skipped: setpriv cannot run the program as another user here");
        return;
    }
    let arguments = format!("{program} run --agent sh:true --title X --repo app");
    set(&place.work(), 0o777);
    let before = place.everything();
    place.end_of(as_nobody(&arguments)).is(&expect![[r#"
        exit 1
        --- stderr
        error: could not publish in [ROOT]/work/app/.git
          because Permission denied (os error 13)
    "#]]);
    assert_eq!(
        before,
        place.everything(),
        "what would fail at the end of the work is told before it"
    );
    let open = place.any("chmod", &["-R", "a+w", "app/.git"].map(str::to_owned));
    place.end_of(open).code(0);
    set(&place.work(), 0o555);
    let before = place.everything();
    place.end_of(as_nobody(&arguments)).is(&expect![[r#"
        exit 1
        --- stderr
        error: could not create [ROOT]/work/.automation
          because Permission denied (os error 13)
    "#]]);
    place
        .end_of(as_nobody(&format!("{program} init")))
        .is(&expect![[r#"
            exit 1
            --- stderr
            error: could not create [ROOT]/work/config
              because Permission denied (os error 13)
        "#]]);
    assert_eq!(
        before,
        place.everything(),
        "a refusal leaves nothing behind"
    );
    set(&place.work(), 0o755);
}
