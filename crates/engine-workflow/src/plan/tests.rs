use std::time::Duration;

use core_types::{BranchName, PlanId, RepositoryName};
use serde_json::json;

use super::*;
use crate::settings::RepositorySettings;

fn repositories() -> Vec<RepositorySettings> {
    let repository = |name: &str, write| RepositorySettings {
        name: RepositoryName::new(name).unwrap(),
        target: BranchName::new("main").unwrap(),
        setup_command: None,
        test_command: None,
        test_timeout: None,
        write,
    };
    vec![repository("backend", true), repository("docs", false)]
}

/// The findings of an answer, one a line, or its task ids.
fn check(answer: serde_json::Value, expected: &str) {
    let id = PlanId::new("p").unwrap();
    let shown = match from_answer(&answer, &id, "Title") {
        Ok(plan) => {
            let findings = validate(&plan, &repositories(), None);
            if findings.is_empty() {
                plan.tasks
                    .iter()
                    .map(|task| task.id.to_string())
                    .collect::<Vec<_>>()
                    .join("\n")
            } else {
                findings
                    .iter()
                    .map(ToString::to_string)
                    .collect::<Vec<_>>()
                    .join("\n")
            }
        }
        Err(findings) => findings
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("\n"),
    };
    assert_eq!(shown, expected);
}

#[test]
fn a_good_answer_becomes_a_plan() {
    check(
        json!({"tasks": [
            {"id": "a", "title": "A", "repository": "backend", "estimate": "2m"},
            {"id": "b", "title": "B", "repository": "backend", "dependencies": ["a", "a"]},
        ]}),
        "a\nb",
    );
}

#[test]
fn all_findings_come_at_once() {
    check(
        json!({"tasks": [
            {"id": "../x", "title": "", "repository": 5, "colour": 1, "estimate": 3, "files": "x"},
            7,
        ]}),
        "tasks[0].colour: unknown key; known are: id title description repository dependencies files estimate\n\
         tasks[0].id: task id \"../x\" is not valid: expected only letters a-z, digits, '.', '_' and '-'\n\
         tasks[0].repository: expected a text\n\
         tasks[0].repository: repository name \"\" is not valid: expected 1 to 64 characters\n\
         tasks[0].title: expected a text that is not empty\n\
         tasks[0].estimate: expected a duration such as \"90s\", \"5m\" or \"2h\"\n\
         tasks[1]: expected an object",
    );
    check(
        json!([]),
        "expected an object with a list under the key tasks",
    );
    check(json!({"tasks": []}), "the plan has no tasks");
}

#[test]
fn repositories_must_be_known_and_writable() {
    check(
        json!({"tasks": [
            {"id": "a", "title": "A", "repository": "backnd"},
            {"id": "b", "title": "B", "repository": "docs"},
        ]}),
        "task a: unknown repository backnd; known are: backend, docs\n\
         task b: repository docs is read-only (write: false)",
    );
}

#[test]
fn the_prediction_knows_the_longest_chain() {
    let answer = json!({"tasks": [
        {"id": "a", "title": "A", "repository": "backend", "estimate": "1m"},
        {"id": "b", "title": "B", "repository": "backend", "estimate": "2m", "dependencies": ["a"]},
        {"id": "c", "title": "C", "repository": "backend", "estimate": "1m"},
    ]});
    let plan = from_answer(&answer, &PlanId::new("p").unwrap(), "").unwrap();
    let prediction = predict(&plan, 2).unwrap();
    let path: Vec<_> = prediction
        .critical_path
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(path, ["a", "b"]);
    assert_eq!(prediction.makespan, Duration::from_secs(180));
    assert_eq!(
        predict(&plan, 1).unwrap().makespan,
        Duration::from_secs(240)
    );
}
