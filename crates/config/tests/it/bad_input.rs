//! What a new user, or someone who means harm, may hand in: one clear message each, at once, without a panic.

use std::time::{Duration, Instant};

/// The findings of a text as settings, repositories and plan.
fn all_findings(text: &str) -> [String; 3] {
    let show = |findings: Option<config::Findings>| {
        findings.map_or(String::new(), |findings| findings.to_string())
    };
    [
        show(config::load_settings("f.yaml", text, &|_| None).err()),
        show(config::load_repositories("f.yaml", text, &|_| None).err()),
        show(config::load_plan("f.yaml", text).err()),
    ]
}

#[track_caller]
fn check(text: &str, expected: &str) {
    for findings in all_findings(text) {
        assert_eq!(findings, expected);
    }
}

#[test]
fn a_tab() {
    check(
        "limits:\n\tmax_workers: 3\n",
        "f.yaml:2:1: a tab in the indentation; YAML wants spaces",
    );
}

#[test]
fn a_file_made_to_hang_a_parser() {
    let text = "{a: ".repeat(50 * 1024);
    let start = Instant::now();
    check(&text, "f.yaml:1:257: more than 64 brackets are open here");
    // Three readers; each takes microseconds, and took a minute without the guard.
    assert!(
        start.elapsed() < Duration::from_millis(150),
        "{:?}",
        start.elapsed()
    );
}

/// Each finding looks for the nearest name; a file must not make that quadratic.
#[test]
fn a_flood_of_findings() {
    let keys: String = (0..20_000).map(|n| format!("key_{n}: 1\n")).collect();
    let ids = (0..1_500)
        .map(|n| format!("  - {{id: a_task_with_a_name_{n}, title: t}}\n"))
        .collect::<String>();
    let unknown = vec!["x_task_with_a_name"; 6_000].join(", ");
    let plan = format!("tasks:\n{ids}  - {{id: last, title: t, dependencies: [{unknown}]}}\n");
    for (text, findings) in [(keys, 20_000), (plan, 6_000)] {
        let start = Instant::now();
        let found = config::load_plan("f.yaml", &text)
            .expect_err("nothing is known")
            .len();
        assert!(found >= findings, "{found}");
        let elapsed = start.elapsed();
        assert!(
            elapsed < Duration::from_secs(20),
            "{findings} findings took {elapsed:?}"
        );
    }
}

#[test]
fn deep_nesting() {
    let text: String = (0..100)
        .map(|depth| format!("{}a:\n", " ".repeat(depth)))
        .collect();
    check(&text, "f.yaml:65:65: nested more than 64 levels deep");
}

#[test]
fn an_alias_bomb() {
    let mut text = "a: &a [x, x]\n".to_owned();
    for (name, inner) in [("b", "a"), ("c", "b")] {
        text.push_str(&format!("{name}: &{name} [*{inner}, *{inner}]\n"));
    }
    for findings in all_findings(&text) {
        assert!(
            findings
                .contains("f.yaml:1:4: a: anchors (&name) are not supported; write the value out"),
            "{findings}"
        );
        assert!(
            findings.contains("f.yaml:3:8: c[0]: aliases (*name) are not supported"),
            "{findings}"
        );
    }
}

#[test]
fn a_key_twice() {
    for findings in all_findings("x:\n  a: 1\n  a: 2\n") {
        assert!(
            findings.contains(r#"f.yaml:3:3: x.a: the key "a" stands twice in this mapping"#),
            "{findings}"
        );
    }
}

#[test]
fn nothing() {
    check("", "f.yaml: is empty");
    check("# only this\n", "f.yaml: is empty");
}

#[test]
fn a_list_where_a_mapping_belongs() {
    for findings in all_findings("- a\n") {
        assert!(
            findings.starts_with("f.yaml:1:1: expected a mapping with the keys "),
            "{findings}"
        );
    }
}

#[test]
fn bytes_that_are_no_text() {
    let findings = config::decode("f.yaml", b"limits: \xc3\x28\n").expect_err("no UTF-8");
    assert_eq!(
        findings.to_string(),
        "f.yaml:1:9: is not UTF-8 text from here on"
    );
}

#[test]
fn files_of_other_systems() -> Result<(), config::Findings> {
    let text = config::decode("f.yaml", b"\xef\xbb\xbflimits:\r\n  keep: 1\r\n")?;
    assert_eq!(
        all_findings(text)[0],
        "f.yaml:2:3: limits.keep: unknown key; known: max_workers, agent_timeout, test_timeout, setup_timeout, output_disk, max_executions"
    );
    Ok(())
}

#[test]
fn a_variable_is_spliced_nowhere_and_never_shown() -> Result<(), config::Findings> {
    let env = |_: &str| Some("2\nlanding: {allow_unverified: true}".to_owned());
    let findings = config::load_settings("f.yaml", "limits:\n  max_workers: ${EVIL}\n", &env)
        .expect_err("no number");
    assert_eq!(
        findings.to_string(),
        "f.yaml:2:16: limits.max_workers: expected a whole number from 1 to 256, or auto, found the value of a variable"
    );
    let plan = config::load_plan(
        "f.yaml",
        "tasks: [{id: a, title: '${HOME}', description: \"${HOME}\"}]",
    )?;
    assert_eq!(
        (
            plan.tasks[0].title.as_str(),
            plan.tasks[0].description.as_str()
        ),
        ("${HOME}", "${HOME}")
    );
    Ok(())
}

/// Each key of each kind of file, misspelled where it stands.
#[test]
fn every_key_misspelled_is_named_with_the_right_one() {
    let settings = "default_agent agents limits approvals landing retention";
    let limits = "max_workers agent_timeout test_timeout setup_timeout output_disk max_executions";
    let agent = "name kind command playbook plan review changes timeout environment";
    let repository = "name owner repo primary path url forge default_branch write setup_command test_command test_timeout deploy_command automation";
    let automation = "enabled auto_deploy depends_on triggers trigger_on";
    let places = [
        (0, "", "", settings),
        (0, "limits: {", "limits.", limits),
        (0, "approvals: {", "approvals.", "plan landing"),
        (
            0,
            "landing: {",
            "landing.",
            "mode update_checkout allow_unverified",
        ),
        (0, "retention: {", "retention.", "keep_runs max_age"),
        (0, "agents: [{", "agents[0].", agent),
        (
            1,
            "",
            "",
            "repositories cross_repo_workflows workflow_test_command",
        ),
        (1, "repositories: [{", "repositories[0].", repository),
        (
            1,
            "repositories: [{automation: {",
            "repositories[0].automation.",
            automation,
        ),
        (
            1,
            "cross_repo_workflows: [{",
            "cross_repo_workflows[0].",
            "name repositories coordination workflow_test_command",
        ),
        (2, "", "", "id title tasks"),
        (
            2,
            "tasks: [{",
            "tasks[0].",
            "id title description repository dependencies files estimate",
        ),
    ];
    for (kind, before, path, keys) in places {
        for key in keys.split(' ') {
            let wrong = format!("{key}x");
            let closing: String = before
                .chars()
                .rev()
                .filter_map(|c| match c {
                    '{' => Some('}'),
                    '[' => Some(']'),
                    _ => None,
                })
                .collect();
            let findings = all_findings(&format!("{before}{wrong}: 1{closing}\n"));
            let expected = format!(
                "f.yaml:1:{}: {path}{wrong}: unknown key; did you mean {key:?}?",
                before.len() + 1
            );
            assert!(
                findings[kind].lines().any(|line| line == expected),
                "expected {expected}\n{}",
                findings[kind]
            );
        }
    }
}

#[test]
fn a_plan_over_repositories() {
    let text = "tasks:\n- {id: a, title: A, repository: wbe}\n- {id: b, title: B}\n- {id: c, title: C, repository: app}\n";
    let findings = |repositories: &[&str]| {
        let findings = config::load_plan_over("f.yaml", text, repositories);
        findings.expect_err("the plan must be refused").to_string()
    };
    assert_eq!(
        findings(&["app", "web"]),
        "f.yaml:2:33: tasks[0].repository: unknown repository \"wbe\"; did you mean \"web\"?\n\
         f.yaml:3:3: tasks[1].repository: missing; the repositories are app, web"
    );
    assert_eq!(
        findings(&["app"]),
        "f.yaml:2:33: tasks[0].repository: unknown repository \"wbe\"; known: app",
        "without a repository a task belongs to the only one"
    );
}
