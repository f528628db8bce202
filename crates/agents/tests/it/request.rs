use agents::exchange::RequestRecord;
use core_types::AgentTask;
use expect_test::{Expect, expect};

use crate::support::{Place, implement, plan, review, run, shell};

async fn check(task: AgentTask, expected: Expect) {
    let place = Place::new();
    let mut request = place.request(task);
    request.attempt = 2;
    request.advice.texts = vec!["Run the tests first.".to_owned()];
    let record = serde_json::to_string_pretty(&RequestRecord::new(&request)).expect("JSON");
    // The agent copies it: what it reads is what is compared. Only the implementation stage
    // may end without an answer.
    let answered = run(
        shell("cp \"$AUTOMATION_REQUEST_FILE\" request.json"),
        request,
    )
    .await;
    assert_eq!(answered.is_ok(), record.contains("\"implementation\""));
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
