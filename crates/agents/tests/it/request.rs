use agents::exchange::RequestRecord;
use core_types::AgentTask;
use expect_test::{Expect, expect};

use crate::support::{Place, fix_tests, implement, plan, resolve_conflict, review, run, shell};

async fn check(task: AgentTask, expected: Expect) {
    let place = Place::new();
    let mut request = place.request(task);
    request.attempt = 2;
    request.advice.texts = vec!["Run the tests first.".to_owned()];
    let record = serde_json::to_string_pretty(&RequestRecord::new(&request)).expect("JSON");
    // The agent copies it: what it reads is what is compared. A plan and a review
    // need an answer.
    let answered = run(
        shell("cp \"$AUTOMATION_REQUEST_FILE\" request.json"),
        request,
    )
    .await;
    let needs_answer = record.contains("\"planning\"") || record.contains("\"review\"");
    assert_eq!(answered.is_ok(), !needs_answer);
    let written = place.text("request.json");
    assert_eq!(written, format!("{record}\n"));
    expected.assert_eq(&written);
}

#[tokio::test]
async fn of_the_planning_stage() {
    check(
        plan(),
        expect![[r#"
        {
          "v": 1,
          "run": "run-1",
          "stage": "planning",
          "attempt": 2,
          "issue": {
            "number": 7,
            "title": "Say hello",
            "body": "The program is rude.\n",
            "labels": [
              "feature",
              "ui"
            ]
          },
          "repositories": [
            {
              "name": "backend",
              "target": "main",
              "base": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
              "test_command": "sh test.sh"
            },
            {
              "name": "frontend",
              "target": "main",
              "base": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
              "test_command": "sh test.sh"
            }
          ],
          "findings": [],
          "advice": [
            "Run the tests first."
          ]
        }
    "#]],
    )
    .await;
}

#[tokio::test]
async fn of_the_implementation_stage() {
    check(
        implement("greet"),
        expect![[r#"
        {
          "v": 1,
          "run": "run-1",
          "stage": "implementation",
          "attempt": 2,
          "issue": {
            "number": 7,
            "title": "Say hello",
            "body": "The program is rude.\n",
            "labels": [
              "feature",
              "ui"
            ]
          },
          "task": {
            "id": "greet",
            "title": "Greet the user",
            "description": "Print hello.",
            "repository": "backend",
            "dependencies": [
              "words"
            ],
            "files": [
              "src/main.rs"
            ],
            "estimate_seconds": 90
          },
          "dependencies": [
            {
              "task": "words",
              "title": "Choose the words",
              "repository": "frontend",
              "commit": "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
              "summary": "chose hello"
            }
          ],
          "advice": [
            "Run the tests first."
          ]
        }
    "#]],
    )
    .await;
}

#[tokio::test]
async fn of_the_review_stage() {
    check(
        review(),
        expect![[r#"
        {
          "v": 1,
          "run": "run-1",
          "stage": "review",
          "attempt": 2,
          "issue": {
            "number": 7,
            "title": "Say hello",
            "body": "The program is rude.\n",
            "labels": [
              "feature",
              "ui"
            ]
          },
          "repositories": [
            {
              "name": "backend",
              "target": "main",
              "base": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
              "test_command": "sh test.sh"
            }
          ],
          "head": "cccccccccccccccccccccccccccccccccccccccc",
          "diff": "+hello\n",
          "tests_passed": true,
          "advice": [
            "Run the tests first."
          ]
        }
    "#]],
    )
    .await;
}

#[tokio::test]
async fn of_a_conflict() {
    check(
        resolve_conflict("greet"),
        expect![[r#"
        {
          "v": 1,
          "run": "run-1",
          "stage": "resolve_conflict",
          "attempt": 2,
          "issue": {
            "number": 7,
            "title": "Say hello",
            "body": "The program is rude.\n",
            "labels": [
              "feature",
              "ui"
            ]
          },
          "task": {
            "id": "greet",
            "title": "Greet the user",
            "description": "Print hello.",
            "repository": "backend",
            "dependencies": [
              "words"
            ],
            "files": [
              "src/main.rs"
            ],
            "estimate_seconds": 90
          },
          "findings": [],
          "ours": "Say goodbye",
          "theirs": "Greet the user: Print hello.",
          "conflicts": [
            {
              "path": "src/main.rs",
              "kind": "content",
              "hunks": [
                {
                  "line": 3,
                  "base": "",
                  "ours": "goodbye();\n",
                  "theirs": "hello();\n"
                }
              ]
            }
          ],
          "advice": [
            "Run the tests first."
          ]
        }
    "#]],
    )
    .await;
}

#[tokio::test]
async fn of_failing_tests() {
    check(
        fix_tests(None),
        expect![[r#"
        {
          "v": 1,
          "run": "run-1",
          "stage": "fix_tests",
          "attempt": 2,
          "issue": {
            "number": 7,
            "title": "Say hello",
            "body": "The program is rude.\n",
            "labels": [
              "feature",
              "ui"
            ]
          },
          "findings": [
            "the same test fails"
          ],
          "test_command": "sh test.sh",
          "failures": [
            {
              "name": "greets",
              "file": "test.sh",
              "message": "expected hello"
            }
          ],
          "output": "1 failed",
          "round": 2,
          "advice": [
            "Run the tests first."
          ]
        }
    "#]],
    )
    .await;
}

#[test]
fn the_context_is_a_key_where_there_is_one() {
    let mut request = Place::new().request(fix_tests(None));
    let written = |request: &_| serde_json::to_value(RequestRecord::new(request)).expect("JSON");
    assert_eq!(written(&request).get("context"), None);
    request.context = [("feature_flag".to_owned(), "new-v2".to_owned())].into();
    let expected = serde_json::json!({ "feature_flag": "new-v2" });
    assert_eq!(written(&request)["context"], expected);
}
