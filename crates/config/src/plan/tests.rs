use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::{Mark, finding::tests::shown, load_plan, yaml::tests::troubling_text};

fn load(text: &str) -> Result<PlanFile, String> {
    load_plan("f", text).map_err(|findings| shown(&findings))
}

const SAMPLE: &str = r#"# Approve with: automation approve
id: plan-42
title: 'Login: with tokens'
tasks:
  - id: api
    title: Add the endpoint
    repository: backend
    files:
      - src/api.rs
      - '*.md'
    estimate: 1h30m
    description: |-
      Add POST /login.

        - answers a token
        - "${SECRET}" stays as it is

  - id: form
    title: Add the form
    dependencies:
      - api
"#;

fn sample() -> PlanFile {
    PlanFile {
        id: Some("plan-42".to_owned()),
        title: Some("Login: with tokens".to_owned()),
        tasks: vec![
            PlanTask {
                id: "api".to_owned(),
                title: "Add the endpoint".to_owned(),
                description:
                    "Add POST /login.\n\n  - answers a token\n  - \"${SECRET}\" stays as it is"
                        .to_owned(),
                repository: Some("backend".to_owned()),
                dependencies: Vec::new(),
                files: vec!["src/api.rs".to_owned(), "*.md".to_owned()],
                estimate: Some(Duration::from_secs(5400)),
                mark: Mark { line: 5, column: 5 },
            },
            PlanTask {
                id: "form".to_owned(),
                title: "Add the form".to_owned(),
                dependencies: vec!["api".to_owned()],
                mark: Mark {
                    line: 18,
                    column: 5,
                },
                ..PlanTask::default()
            },
        ],
    }
}

#[test]
fn a_plan_is_read_and_written() {
    assert_eq!(load(SAMPLE), Ok(sample()));
    assert_eq!(
        to_yaml(&sample(), "Approve with: automation approve"),
        SAMPLE
    );
}

#[test]
fn json_is_a_plan_too() {
    let json = r#"{"tasks": [{"id": "a", "title": "t", "description": "x\ny", "repository": null, "estimate": "5m"}]}"#;
    let plan = load(json).expect("sound");
    assert_eq!(plan.tasks[0].description, "x\ny");
    assert_eq!((&plan.id, &plan.tasks[0].repository), (&None, &None));
}

#[test]
fn all_findings_come_at_once() {
    let text = r#"
plan: 3
tasks:
  - id: a
    title: ""
    dependencies: [b, x]
  - id: b
    title: two
    dependencies: [a]
    estimate: soon
    depends_on: [a]
  - id: a
    title: "two\nlines"
    files: [1]
  - title: nameless
    id: a/b
"#;
    let expected = r#"2:1: plan: unknown key; known: id, title, tasks
5:12: tasks[0].title: expected a text of one line, found an empty text
6:19: tasks[0].dependencies: waits for itself: a → b → a
6:23: tasks[0].dependencies[1]: unknown task "x"; did you mean "a"?
10:15: tasks[1].estimate: expected a duration such as 500ms, 30s, 5m or 2h, found the text "soon"
11:5: tasks[1].depends_on: unknown key; known: id, title, description, repository, dependencies, files, estimate
12:9: tasks[2].id: a second task named "a"; the first is in line 4
13:12: tasks[2].title: expected one line without control characters, found "two\nlines"
14:13: tasks[2].files[0]: expected a text of one line, found the number 1; put it in quotes to make it a text
16:9: tasks[3].id: "a/b" is not a valid name: 1 to 64 of A-Z a-z 0-9 . _ -, not starting with . or -, without .., not ending in . or .lock"#;
    assert_eq!(load(text).expect_err("the plan must be refused"), expected);
    assert_eq!(
        load("tasks: []"),
        Err("1:8: tasks: is empty; at least one is needed".to_owned())
    );
    assert_eq!(
        load("- id: a\n"),
        Err("1:1: expected a mapping with the keys id, title, tasks; found a list".to_owned())
    );
}

fn line() -> impl Strategy<Value = String> {
    troubling_text().prop_map(|text| format!("t{}", text.replace(char::is_control, "")))
}

prop_compose! {
    fn tasks()(tasks in proptest::collection::vec((line(), troubling_text(), proptest::collection::vec(line(), 0..3), any::<Option<u32>>(), any::<bool>()), 1..6)) -> Vec<PlanTask> {
        tasks.into_iter().enumerate().map(|(idx, (title, description, files, estimate, depends))| PlanTask {
            id: format!("{idx}"),
            title,
            description: description.replace('\0', ""),
            repository: depends.then(|| "true".to_owned()),
            dependencies: if depends { (0..idx).map(|id| id.to_string()).collect() } else { Vec::new() },
            files,
            estimate: estimate.map(|ms| Duration::from_millis(u64::from(ms % 604_800_000) + 1)),
            mark: Mark::default(),
        }).collect()
    }
}

proptest! {
    #[test]
    fn a_written_plan_reads_back(title in proptest::option::of(line()), tasks in tasks(), header in any::<String>()) {
        let plan = PlanFile { id: title.as_ref().map(|_| "1e3".to_owned()), title, tasks };
        let text = to_yaml(&plan, &header);
        let mut read = load(&text).map_err(|findings| TestCaseError::fail(format!("{findings}\n{text}")))?;
        read.tasks.iter_mut().for_each(|task| task.mark = Mark::default());
        prop_assert_eq!(read, plan, "{}", text);
    }
}
