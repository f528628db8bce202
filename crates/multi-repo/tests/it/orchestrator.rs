use std::sync::Arc;

use core_types::{
    ChangeSetEnd, ErrorClass, GitProvider, Issue, IssueState, MemberState, NewIssue, Timestamp,
};
use multi_repo::{ForgeStatus, MultiRepoOrchestrator, Overall};
use testkit::{MemoryForge, MemoryPlanRunner};

use crate::support::{SEED, id, load, name, no_context};

fn issue(number: u64, title: &str) -> Issue {
    Issue {
        number,
        title: title.to_owned(),
        body: String::new(),
        labels: Vec::new(),
        state: IssueState::Open,
        author: String::new(),
        created: Timestamp(0),
    }
}

#[tokio::test]
async fn the_same_workflow_for_the_same_issue_is_done_once() {
    let runner = Arc::new(MemoryPlanRunner::default());
    let orchestrator = MultiRepoOrchestrator::new(load(SEED), runner.clone());
    let run = async |workflow: &str, issue: Issue| {
        let executed = orchestrator.execute_cross_repo_workflow(workflow, issue, no_context());
        executed.await.expect("an outcome")
    };
    let first = run("full-stack-feature", issue(7, "a")).await;
    assert_eq!(first.end, ChangeSetEnd::All);
    assert_eq!(first.members[&name("infrastructure")], MemberState::Landed);
    assert_eq!(run("full-stack-feature", issue(7, "a")).await, first);
    assert_eq!(runner.n_carried_out(), 1);
    run("full-stack-feature", issue(8, "a")).await;
    run("infrastructure-update", issue(8, "a")).await;
    // Issues of no forge are told apart by what they say.
    run("infrastructure-update", issue(0, "b")).await;
    run("infrastructure-update", issue(0, "c")).await;
    run("infrastructure-update", issue(0, "b")).await;
    assert_eq!(runner.n_carried_out(), 5);
}

#[tokio::test]
async fn the_status_is_that_of_runner_and_forges() {
    let runner = Arc::new(MemoryPlanRunner::failing([name("frontend")]));
    let mut orchestrator = MultiRepoOrchestrator::new(load(SEED), runner);
    let forge = Arc::new(MemoryForge::default());
    let new = NewIssue {
        title: "Flag".to_owned(),
        ..NewIssue::default()
    };
    let issue = forge.create_issue(&id("x"), new).await.expect("an issue");
    orchestrator.register_provider(name("backend"), forge);
    let status = orchestrator.get_overall_status().await;
    assert_eq!(status.overall_status, Overall::Idle);
    assert_eq!(status.repositories[&name("backend")].state, None);

    let executed =
        orchestrator.execute_cross_repo_workflow("full-stack-feature", issue, no_context());
    let outcome = executed.await.expect("an outcome");
    assert!(matches!(outcome.end, ChangeSetEnd::None { .. }));
    let status = orchestrator.get_overall_status().await;
    assert_eq!(status.overall_status.to_string(), "failed");
    let of = |repository: &str| status.repositories[&name(repository)].clone();
    assert_eq!(of("backend").state, Some(MemberState::Completed));
    assert!(matches!(
        of("frontend").state,
        Some(MemberState::Failed { .. })
    ));
    let because = name("frontend");
    assert_eq!(
        of("infrastructure").state,
        Some(MemberState::Skipped { because })
    );
    let open = ForgeStatus::Open {
        issues: 1,
        pull_requests: 0,
    };
    assert_eq!(of("backend").forge, open);
    assert_eq!(of("frontend").forge, ForgeStatus::NotRegistered);
}

#[tokio::test]
async fn what_is_wrong_is_said_before_anything_runs() {
    let runner = Arc::new(MemoryPlanRunner::default());
    let orchestrator = MultiRepoOrchestrator::new(load(SEED), runner.clone());
    let unknown =
        orchestrator.execute_cross_repo_workflow("full-stack", issue(1, "a"), no_context());
    let error = unknown.await.expect_err("no such workflow");
    assert_eq!(error.class(), ErrorClass::NotFound);
    let context = [("source_repo".to_owned(), "elsewhere".to_owned())].into();
    let unknown =
        orchestrator.execute_cross_repo_workflow("full-stack-feature", issue(1, "a"), context);
    let error = unknown.await.expect_err("no such member");
    assert_eq!(
        error.to_string(),
        "source_repo \"elsewhere\" takes no part in workflow \"full-stack-feature\""
    );
    assert_eq!(runner.n_carried_out(), 0);
    assert_eq!(
        orchestrator.get_overall_status().await.overall_status,
        Overall::Idle
    );
}
