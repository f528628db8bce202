//! One report for each scope, as a file and a comment.

use core_types::{
    CommitId, ErrorClass, Event, FailureKind, GitProvider as _, RecoveryOutcome, Scope,
};
use expect_test::expect;

use crate::world::{World, recover};

#[tokio::test]
async fn a_report_says_what_a_person_needs() {
    let world = World::new().await;
    let mut request = world.request("a", 1, ErrorClass::Validation, FailureKind::Agent);
    request.failure.message = "failed to run the agent: the model refuses".to_owned();
    request.failure = request.failure.with_detail("line 1\n```\nline 2\n");
    let commit: CommitId = "c".repeat(40).parse().unwrap();
    request.commit = Some(commit);
    let recovery = world.recovery().build();
    let outcome = recover(&recovery, &request).await;
    let report = world.report("task-a.md");
    assert_eq!(
        outcome,
        RecoveryOutcome::HandOff {
            report: report.clone()
        }
    );
    let report = report.replace(world.base.as_str(), "BASE");
    expect![[r##"
        # Task `a` (Title of a) needs a person

        Run `run-1`, repository `app`, attempt 1.

        ## What went wrong

        Class `validation`:

        ````text
        failed to run the agent: the model refuses

        line 1
        ```
        line 2
        ````

        ## What was tried

        Nothing: no strategy repairs this kind of failure.

        No agent was asked for this repair since the run was last started.

        ## What is there

        - the work so far: commit `cccccccccccccccccccccccccccccccccccccccc`, kept in the mirror as `refs/automation/run-1/task/a/1`
        - it started from commit `BASE`
        - the integration branch `refs/automation/run-1/integration` is at `BASE`
        - logs and transcripts of the repair: `run-1/tasks/recovery`

        ## How it goes on

            automation answer a "…" --run run-1

        Or:

        - `automation retry a --run run-1` tries it again as it is; `--edit` changes its description first
        - `automation skip a --run run-1` goes on without it and what depends on it
    "##]].assert_eq(&report);
}

#[tokio::test]
async fn a_scope_has_one_report_that_is_kept_up_to_date() {
    let world = World::new().await;
    world.file_issue().await;
    let recovery = world.recovery().build();
    for (task, attempt) in [("a", 1), ("b", 1), ("a", 2), ("a", 5)] {
        let mut request = world.request(task, attempt, ErrorClass::NotFound, FailureKind::Other);
        request.failure.message = format!("failure of {task} in attempt {attempt}");
        recover(&recovery, &request).await;
        // What is asked twice is told once.
        recover(&recovery, &request).await;
    }
    let files = std::fs::read_dir(world.reports()).unwrap().count();
    assert_eq!(files, 2);
    let comments = world.forge.list_comments(1).await.unwrap();
    assert_eq!(comments.len(), 2);
    assert_eq!(comments[0].body, world.report("task-a.md"));
    assert_eq!(comments[1].body, world.report("task-b.md"));
    let report = world.report("task-a.md");
    for line in [
        "Class `not_found`:\n\n```text\nfailure of a in attempt 5\n```\n",
        "- attempt 1: failure of a in attempt 1",
        "- attempt 2: failure of a in attempt 2",
    ] {
        assert!(report.contains(line), "{line}: {report}");
    }
}

#[tokio::test]
async fn an_errors_text_acts_on_no_forge() {
    let world = World::new().await;
    let recovery = world.recovery().build();
    let request = |attempt| {
        let mut request = world.request("a", attempt, ErrorClass::Validation, FailureKind::Other);
        request.failure.message = "see @everyone <!-- hidden -->\n````\n# Not a heading".to_owned();
        request
    };
    recover(&recovery, &request(1)).await;
    recover(&recovery, &request(2)).await;
    let report = world.report("task-a.md");
    let fenced = "`````text\nsee @everyone <!-- hidden -->\n````\n# Not a heading\n`````\n";
    assert!(report.contains(fenced), "{report}");
    let line = "- attempt 1: see &#64;everyone &lt;!-- hidden --> ```` # Not a heading\n";
    assert!(report.contains(line), "{report}");
}

#[tokio::test]
async fn a_repository_and_a_run_are_gone_on_with_as_a_whole() {
    let world = World::new().await;
    let recovery = world.recovery().build();
    let mut request = world.request("a", 1, ErrorClass::Validation, FailureKind::Other);
    request.task = None;
    for (scope, file, line) in [
        (
            Scope::Repository("app".parse().unwrap()),
            "repository-app.md",
            "automation retry app --run run-1",
        ),
        (Scope::Run, "run.md", "automation resume run-1"),
    ] {
        request.scope = scope;
        recover(&recovery, &request).await;
        let report = world.report(file);
        assert!(report.contains(&format!("    {line}\n")), "{report}");
        assert!(!report.contains("automation skip"), "{report}");
    }
}

#[tokio::test]
async fn a_forge_that_refuses_costs_a_warning() {
    let world = World::new().await;
    // Issue 1 was never filed there.
    let recovery = world.recovery().build();
    let request = world.request("a", 1, ErrorClass::Validation, FailureKind::Other);
    let outcome = recover(&recovery, &request).await;
    assert!(matches!(outcome, RecoveryOutcome::HandOff { .. }));
    assert!(!world.report("task-a.md").is_empty());
    let warnings = world
        .events
        .events()
        .into_iter()
        .filter_map(|event| match event {
            Event::Warning { message } => Some(message),
            _ => None,
        });
    let warnings: Vec<_> = warnings.collect();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(
        warnings[0].starts_with("the report is a file only"),
        "{warnings:?}"
    );
}

#[tokio::test]
async fn an_issue_that_no_forge_holds_is_not_commented() {
    let world = World::new().await;
    world.file_issue().await;
    let recovery = world.recovery().build();
    let mut request = world.request("a", 1, ErrorClass::Validation, FailureKind::Other);
    request.issue.number = 0;
    recover(&recovery, &request).await;
    assert!(world.forge.list_comments(1).await.unwrap().is_empty());
    assert!(!world.report("task-a.md").is_empty());
}
