use std::time::Duration;

use super::*;
use crate::{Command, finding::tests::shown, load_repositories};

fn load(text: &str) -> Result<Repositories, String> {
    load_repositories("f", text, &|name| {
        (name == "ROOT").then(|| "/srv".to_owned())
    })
    .map_err(|findings| shown(&findings))
}

#[track_caller]
fn check(text: &str, expected: &str) {
    assert_eq!(
        load(text).expect_err("the text must be refused"),
        expected,
        "{text}"
    );
}

#[test]
fn everything_that_may_be_said() {
    let repositories = load(
        r#"
workflow_test_command: make e2e
repositories:
  - name: backend
    path: ../backend
    default_branch: main
    setup_command: cd app && npm ci
    test_command: [cargo, test]
    test_timeout: 20m
    deploy_command: ./deploy
    automation: {auto_deploy: true}
  - name: docs
    url: https://example.org/docs.git
    forge: local
    write: false
    automation: {depends_on: [backend], triggers: [backend], trigger_on: any}
  - {name: plain, path: "${ROOT}", automation: {enabled: false}}
cross_repo_workflows:
  - {name: both, repositories: [docs, backend], coordination: parallel, workflow_test_command: make both}
  - {name: one, repositories: [docs]}
"#,
    )
    .expect("sound");
    let [backend, docs, plain] = &repositories.entries[..] else {
        panic!("three repositories stand in the file");
    };
    assert_eq!(backend.path.as_deref(), Some("../backend"));
    assert_eq!(backend.default_branch.as_deref(), Some("main"));
    assert_eq!(
        backend.setup_command,
        Some(Command::Shell("cd app && npm ci".to_owned()))
    );
    let cargo_test = Command::Program {
        program: "cargo".to_owned(),
        arguments: vec!["test".to_owned()],
    };
    assert_eq!(backend.test_command, Some(cargo_test));
    assert_eq!(backend.test_timeout, Some(Duration::from_secs(1200)));
    assert_eq!(
        backend.deploy_command,
        Some(Command::Shell("./deploy".to_owned()))
    );
    assert!(backend.enabled && backend.auto_deploy && backend.write && !backend.primary);
    assert_eq!(
        (docs.url.as_deref(), docs.forge.as_deref()),
        (Some("https://example.org/docs.git"), Some("local"))
    );
    assert!(!plain.enabled && docs.enabled && !docs.write);
    assert_eq!(
        (&docs.depends_on[..], &docs.triggers[..]),
        (&backend_list()[..], &backend_list()[..])
    );
    assert_eq!(
        (docs.trigger_on, plain.trigger_on),
        (TriggerOn::Any, TriggerOn::All)
    );
    assert_eq!((plain.mark.line, plain.mark.column), (17, 5));
    assert_eq!(plain.path.as_deref(), Some("/srv"));
    assert_eq!(
        repositories.primary().map(|entry| entry.name.as_str()),
        Some("backend")
    );
    let [both, one] = &repositories.workflows[..] else {
        panic!("two workflows stand in the file");
    };
    assert_eq!(
        (both.coordination, one.coordination),
        (Coordination::Parallel, Coordination::Sequential)
    );
    assert_eq!(both.repositories, ["docs", "backend"]);
    assert_eq!(
        both.workflow_test_command,
        Some(Command::Shell("make both".to_owned()))
    );
    assert_eq!(
        repositories.workflow_test_command,
        Some(Command::Shell("make e2e".to_owned()))
    );
}

fn backend_list() -> Vec<String> {
    vec!["backend".to_owned()]
}

#[test]
fn all_findings_come_at_once() {
    check(
        r#"
repositories:
  - name: backend
    path: b
    url: u
    primary: true
  - name: frontend
    owner: o
    primary: true
    automation:
      depends_on: [backand, frontend]
      triggers: [nothing, frontend]
      enable: true
  - name: backend
    path: c
  - name: -x
  - name: single
    path: s
    automation:
      depends_on: backend
cross_repo_workflows:
  - name: w
    repositories: [backend, infra]
    coordination: serial
  - name: w
    repositories: []
workflows: []
"#,
        r#"5:10: repositories[0].url: not together with path; remove one of them
9:14: repositories[1].primary: a second primary repository; the first is in line 6
11:19: repositories[1].automation.depends_on: waits for itself: frontend → frontend
11:20: repositories[1].automation.depends_on[0]: unknown repository "backand"; did you mean "backend"?
12:17: repositories[1].automation.triggers: a repository cannot trigger itself
12:18: repositories[1].automation.triggers[0]: unknown repository "nothing"; known: backend, frontend, -x, single
13:7: repositories[1].automation.enable: unknown key; did you mean "enabled"?
14:11: repositories[2].name: a second repository named "backend"; the first is in line 3
16:5: repositories[3]: no way to find it; give path, url, or owner (and repo) on its forge
16:11: repositories[3].name: "-x" is not a valid name: 1 to 64 of A-Z a-z 0-9 . _ -, not starting with . or -, without .., not ending in . or .lock
20:19: repositories[4].automation.depends_on: expected a list, each a name of 1 to 64 of A-Z a-z 0-9 . _ -, found the text "backend"
23:29: cross_repo_workflows[0].repositories[1]: unknown repository "infra"; known: backend, frontend, -x, single
24:19: cross_repo_workflows[0].coordination: unknown value "serial"; known: sequential, parallel
25:11: cross_repo_workflows[1].name: a second workflow named "w"; the first is in line 22
26:19: cross_repo_workflows[1].repositories: is empty; at least one is needed
27:1: workflows: unknown key; known: repositories, forges, cross_repo_workflows, workflow_test_command"#,
    );
}

#[test]
fn a_cycle_is_shown_with_its_path() {
    let entry = |name: &str, on: &str| {
        format!("  - {{name: {name}, path: p, automation: {{depends_on: [{on}]}}}}\n")
    };
    let text = [
        "repositories:\n".to_owned(),
        entry("a", "b"),
        entry("b", "c"),
        entry("c", "b"),
        entry("d", "a"),
    ]
    .concat();
    check(
        &text,
        "3:49: repositories[1].automation.depends_on: waits for itself: b → c → b",
    );
}

#[test]
fn what_a_workflow_cannot_do() {
    check(
        r#"
repositories:
  - {name: a, path: p, automation: {depends_on: [b]}}
  - {name: b, path: p}
  - {name: off, path: p, automation: {enabled: false}}
  - {name: infra, path: p, automation: {triggers: [b]}}
cross_repo_workflows:
  - {name: one, coordination: sequential, repositories: [a, b, a]}
  - {name: two, coordination: parallel, repositories: [a, infra, off, b]}
  - {name: three, coordination: sequential, repositories: [infra, b]}
  - {name: four, coordination: sequential, repositories: [b, a, infra]}
"#,
        r#"8:58: cross_repo_workflows[0].repositories[0]: "a" depends on "b", which comes later; a sequential workflow goes in this order
8:64: cross_repo_workflows[0].repositories[2]: "a" stands twice
9:66: cross_repo_workflows[1].repositories[2]: "off" is disabled by automation.enabled in line 5
10:60: cross_repo_workflows[2].repositories[0]: "infra" is triggered by "b", which comes later; a sequential workflow goes in this order"#,
    );
}

#[test]
fn a_loop_of_triggers_is_shown_with_its_path() {
    let entry = |name: &str, what: &str, on: &str| {
        format!("  - {{name: {name}, path: p, automation: {{{what}: [{on}]}}}}\n")
    };
    let text = |entries: &[String]| format!("repositories:\n{}", entries.concat());
    check(
        &text(&[entry("a", "triggers", "b"), entry("b", "triggers", "a")]),
        "2:47: repositories[0].automation.triggers: a loop of triggers: a → b → a",
    );
    check(
        &text(&[
            entry("a", "depends_on", "c"),
            entry("b", "triggers", "a"),
            entry("c", "depends_on", "b"),
        ]),
        "3:47: repositories[1].automation.triggers: a loop of triggers: a → c → b → a",
    );
    check(
        &text(&[entry("a", "depends_on", "b"), entry("b", "depends_on", "a")]),
        "2:49: repositories[0].automation.depends_on: waits for itself: a → b → a",
    );
}

#[test]
fn what_is_missing() {
    check(
        "repositories: []",
        "1:15: repositories: is empty; at least one is needed",
    );
    check(
        "repositories:\n",
        "1:1: repositories: missing; expected a list of mappings",
    );
    check(
        "cross_repo_workflows: []",
        "1:1: repositories: missing; expected a list of mappings",
    );
    check(
        "repositories: [a]",
        "1:16: repositories[0]: expected a mapping with the keys name, owner, repo, primary, path, url, forge, default_branch, write, setup_command, test_command, test_timeout, deploy_command, automation; found the text \"a\"",
    );
    check(
        "- name: a\n",
        "1:1: expected a mapping with the keys repositories, forges, cross_repo_workflows, workflow_test_command; found a list",
    );
}

#[test]
fn what_init_writes_is_read() {
    let choices = [
        RepositoryChoice {
            name: "backend".to_owned(),
            primary: true,
            path: "../it's: #1".to_owned(),
            default_branch: Some("main".to_owned()),
            setup_command: Some(Command::Shell("npm ci && echo \"${X}\"".to_owned())),
            test_command: Some(Command::Program {
                program: "cargo".to_owned(),
                arguments: vec!["test".to_owned(), "a, b]".to_owned()],
            }),
            comment: "Tests: Cargo.toml\nis there.".to_owned(),
        },
        RepositoryChoice {
            name: "12".to_owned(),
            path: ".".to_owned(),
            ..RepositoryChoice::default()
        },
    ];
    let text = render(&choices);
    let repositories = load(&text).unwrap_or_else(|findings| panic!("{findings}\n{text}"));
    let read: Vec<RepositoryChoice> = repositories
        .entries
        .into_iter()
        .zip(&choices)
        .map(|(entry, choice)| RepositoryChoice {
            name: entry.name,
            primary: entry.primary,
            path: entry.path.unwrap_or_default(),
            default_branch: entry.default_branch,
            setup_command: entry.setup_command,
            test_command: entry.test_command,
            comment: choice.comment.clone(),
        })
        .collect();
    assert_eq!(read, choices, "{text}");
}

#[test]
fn forges_are_named_and_say_where_their_tokens_are() {
    let repositories = load(
        r#"
forges:
  - {name: company, kind: gitea, url: "https://git.example.org", token: "env:GITEA_TOKEN"}
  - {name: lab, kind: gitea, url: "http://localhost:3000", token: "command: pass show lab", settle: 5s}
  - {name: old, kind: gitea, url: "https://old.example.org", token: "file:secrets/old"}
repositories:
  - {name: backend, forge: company, owner: ada, repo: backend-service}
  - {name: here, path: here, forge: local}
"#,
    )
    .expect("sound");
    let tokens: Vec<_> = repositories
        .forges
        .iter()
        .map(|it| it.token.clone())
        .collect();
    assert_eq!(
        tokens,
        [
            TokenSource::Environment("GITEA_TOKEN".to_owned()),
            TokenSource::Command("pass show lab".to_owned()),
            TokenSource::File("secrets/old".to_owned()),
        ]
    );
    let settle: Vec<_> = repositories
        .forges
        .iter()
        .map(|it| it.settle.as_secs())
        .collect();
    assert_eq!(settle, [60, 5, 60]);
    let of = |idx: usize| repositories.forge_of(&repositories.entries[idx]);
    assert_eq!(
        of(0).map(|it| it.url.as_str()),
        Some("https://git.example.org")
    );
    assert_eq!(of(1), None);
}

#[test]
fn what_is_wrong_with_forges_is_named_and_no_token_is_shown() {
    let with = |forge: &str, repository: &str| {
        format!(
            "forges:\n  - {{name: company, kind: gitea, url: u, {forge}}}\nrepositories:\n  - {{name: a, {repository}}}\n"
        )
    };
    for token in ["ghp_1234", "env:", "env:1X", "env: A B", "pass:x", "file:"] {
        check(
            &with(&format!("token: {token:?}"), "path: a"),
            "2:49: forges[0].token: expected env:NAME, file:PATH or command:LINE",
        );
    }
    check(
        &with("token: \"env:A\"", "forge: compny, owner: ada"),
        "4:22: repositories[0].forge: unknown forge \"compny\"; did you mean \"company\"?",
    );
    check(
        &with("token: \"env:A\"", "forge: company, path: a"),
        "4:22: repositories[0].forge: needs `owner`, whose it is on \"company\"\n\
         4:37: repositories[0].path: not together with the forge \"company\", from which it is cloned",
    );
    check(
        "forges:\n  - {name: local, kind: gitea, url: u, token: \"env:A\"}\nrepositories:\n  - {name: a, path: a}\n",
        "2:12: forges[0].name: is the name of the embedded forge; give another",
    );
}

#[test]
fn the_samples_are_read() {
    let samples = [
        (
            "gitea",
            ForgeKind::Gitea,
            include_str!("../../../../config/repositories.gitea.yaml"),
        ),
        (
            "github",
            ForgeKind::GitHub,
            include_str!("../../../../config/repositories.github.yaml"),
        ),
        (
            "gitlab",
            ForgeKind::GitLab,
            include_str!("../../../../config/repositories.gitlab.yaml"),
        ),
    ];
    for (name, kind, text) in samples {
        let read = load(text).unwrap_or_else(|findings| panic!("{name}: {findings}"));
        assert_eq!(read.forges[0].kind, kind);
        let on_it = read.entries.iter().filter_map(|it| read.forge_of(it));
        assert_eq!(
            on_it.count(),
            read.entries.len(),
            "{name}: all are on the forge"
        );
    }
}
