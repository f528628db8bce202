use core_types::{
    AgentAnswer, AgentTask, ErrorClass, Event, Gate, GitProvider, IssueState, Message, OperationId,
    PullRequestState, Review, StepKey,
};
use engine_workflow::{EndStatus, RepositoryState};

use crate::world::{Did, TestAgent, World, own_file, write};

fn land() -> Message {
    Message::Land {
        update_checkout: false,
        allow_unverified: false,
    }
}

fn two() -> World {
    let plan = ["a one", "b two"];
    World::with_plan(&["one", "two"], &plan, TestAgent::new(own_file))
}

#[tokio::test]
async fn without_landing_the_run_ends_with_pull_requests_and_lands_later() {
    let mut world = two();
    world.settings.landing.land = false;
    world.file_issue("one").await;
    let end = world.run().await.unwrap();
    assert_eq!((end.status, end.status.exit_code()), (EndStatus::Done, 0));
    assert!(
        end.repositories
            .iter()
            .all(|it| it.state == RepositoryState::Published)
    );
    assert_eq!(world.files("one", "main"), "README");
    assert_eq!(
        world.files("one", "automation/run-1/change"),
        "README a.txt"
    );
    let pull_request = world.pull_requests("two").await.remove(0);
    assert_eq!(pull_request.state, PullRequestState::Open);
    assert_eq!(pull_request.head_commit, end.repositories[1].head);

    world.say(land()).await;
    let end = world.run().await.unwrap();
    assert_eq!(end.status, EndStatus::Done);
    assert!(
        end.repositories
            .iter()
            .all(|it| it.state == RepositoryState::Landed)
    );
    assert_eq!(world.files("two", "main"), "README b.txt");
    for name in ["one", "two"] {
        let pull_requests = world.pull_requests(name).await;
        assert_eq!(pull_requests.len(), 1);
        assert_eq!(pull_requests[0].state, PullRequestState::Merged);
    }
    // The issue has heard of it once, and is closed once.
    let forge = world.forges[&end.repositories[0].repository].clone();
    let comments = forge.list_comments(1).await.unwrap();
    assert_eq!(comments.len(), 1);
    assert!(comments[0].body.contains("two#1"), "{}", comments[0].body);
    assert_eq!(forge.get_issue(1).await.unwrap().state, IssueState::Closed);
    let operation = OperationId::new("reopen").unwrap();
    let change = core_types::IssueChange {
        state: Some(IssueState::Open),
        ..core_types::IssueChange::default()
    };
    forge.update_issue(&operation, 1, change).await.unwrap();
    assert_eq!(world.run().await.unwrap(), end);
    assert_eq!(forge.get_issue(1).await.unwrap().state, IssueState::Open);
    assert_eq!(forge.list_comments(1).await.unwrap().len(), 1);
}

#[tokio::test]
async fn with_a_failed_task_nothing_lands_in_any_repository() {
    let agent = TestAgent::new(|request| match crate::world::task_of(request) {
        "b" => Did::Fail(core_types::PortError::new(ErrorClass::Internal, "work")),
        _ => own_file(request),
    });
    let mut world = World::with_plan(&["one", "two"], &["a one", "b two"], agent);
    let end = world.run().await.unwrap();
    assert_eq!(end.status, EndStatus::Failed);
    assert_eq!(world.files("one", "main"), "README");
    assert_eq!(
        world.files("one", "automation/run-1/change"),
        "README a.txt"
    );
    let reason = "task b failed".to_owned();
    assert_eq!(
        end.repositories[1].state,
        RepositoryState::Failed { reason }
    );
}

#[tokio::test]
async fn a_change_without_tests_lands_only_when_a_person_allows_it() {
    let mut world = two();
    world.settings.repositories[1].test_command = None;
    let end = world.run().await.unwrap();
    assert_eq!(
        (end.status, end.status.exit_code()),
        (EndStatus::NeedsPerson, 3)
    );
    assert_eq!(end.repositories[1].tested, None);
    let RepositoryState::Blocked { hint, .. } = &end.repositories[1].state else {
        panic!("it is blocked: {end:?}");
    };
    assert_eq!(hint, "automation land run-1 --allow-unverified");
    assert_eq!(world.files("one", "main"), "README", "all or none");
    let body = world.pull_requests("two").await.remove(0).body;
    assert!(body.contains("- Tests: not verified"), "{body}");

    let allow_unverified = true;
    let update_checkout = false;
    let message = Message::Land {
        update_checkout,
        allow_unverified,
    };
    world.say(message).await;
    assert_eq!(world.run().await.unwrap().status, EndStatus::Done);
    assert_eq!(world.files("two", "main"), "README b.txt");
}

#[tokio::test]
async fn a_review_that_does_not_approve_blocks_until_a_person_lands() {
    let mut agent = TestAgent::new(|request| match &request.task {
        AgentTask::Review { .. } => Did::Answer(AgentAnswer::Review {
            review: Review {
                approved: false,
                comments: "no".to_owned(),
                issues_found: Vec::new(),
                confidence: 1.0,
            },
        }),
        _ => own_file(request),
    });
    agent.capabilities.review = true;
    let mut world = World::new(&["one"], agent);
    let end = world.run().await.unwrap();
    assert_eq!(end.status, EndStatus::NeedsPerson);
    assert_eq!(world.files("one", "main"), "README");
    world.say(land()).await;
    assert_eq!(world.run().await.unwrap().status, EndStatus::Done);
    assert_eq!(world.files("one", "main"), "README one.txt");
}

/// Who changes what runs by itself, or who must look at changes, is looked at.
#[tokio::test]
async fn a_protected_path_lands_only_when_a_person_says_so() {
    for (path, own) in [
        (".github/workflows/ci.yml", ""),
        (".claude/settings.json", ""),
        ("db/schema.sql", "db/"),
        ("docs/CODEOWNERS", ""),
    ] {
        let agent = TestAgent::new(move |request| match &request.task {
            AgentTask::Implement { .. } => {
                write(request, path, "x\n");
                own_file(request)
            }
            _ => own_file(request),
        });
        let mut world = World::new(&["one"], agent);
        world.settings.protected_paths = vec![own.to_owned()];
        let end = world.run().await.unwrap();
        assert_eq!(end.status, EndStatus::NeedsPerson, "{path}");
        let RepositoryState::Blocked { reason, hint } = &end.repositories[0].state else {
            panic!("it is blocked: {:?}", end.repositories[0].state);
        };
        let why = format!("it changes {path}, which a person must look at");
        assert_eq!((&**reason, &**hint), (&*why, "automation land run-1"));
        assert_eq!(world.files("one", "main"), "README");
        world.say(land()).await;
        assert_eq!(world.run().await.unwrap().status, EndStatus::Done);
    }
    // Who opens the gate has looked.
    let agent = TestAgent::new(|request| {
        write(request, ".gitmodules", "x\n");
        own_file(request)
    });
    let mut world = World::new(&["one"], agent);
    world.settings.approvals.landing = true;
    assert_eq!(
        world.run().await.unwrap().status,
        EndStatus::AtGate(Gate::Landing)
    );
    let gate = Gate::Landing;
    world.say(Message::Approve { gate, plan: None }).await;
    assert_eq!(world.run().await.unwrap().status, EndStatus::Done);
}

#[tokio::test]
async fn the_landing_gate_waits_for_approval() {
    let mut world = two();
    world.settings.approvals.landing = true;
    let end = world.run().await.unwrap();
    assert_eq!(end.status, EndStatus::AtGate(Gate::Landing));
    assert_eq!(world.files("one", "main"), "README");
    world
        .say(Message::Approve {
            gate: Gate::Landing,
            plan: None,
        })
        .await;
    assert_eq!(world.run().await.unwrap().status, EndStatus::Done);
    assert_eq!(world.files("one", "main"), "README a.txt");
}

#[tokio::test]
async fn a_target_that_moved_is_merged_tested_and_published_again() {
    let mut world = two();
    world.settings.landing.land = false;
    let first = world.run().await.unwrap();
    world.commit_on_main("one", "theirs.txt", "theirs\n");
    world.say(land()).await;
    let end = world.run().await.unwrap();
    assert_eq!(end.status, EndStatus::Done);
    assert_eq!(world.files("one", "main"), "README a.txt theirs.txt");
    let user = world.user("one");
    let head = user.resolve("main");
    assert_eq!(head, end.repositories[0].head);
    assert_ne!(head, first.repositories[0].head);
    assert_eq!(user.resolve("automation/run-1/change"), head);
    let pull_requests = world.pull_requests("one").await;
    assert_eq!(
        (pull_requests.len(), &pull_requests[0].head_commit),
        (1, &head)
    );
    let tested = Event::RepositoryTested {
        repository: end.repositories[0].repository.clone(),
        commit: head,
        passed: Some(true),
    };
    assert!(
        world.events.events().contains(&tested),
        "what lands was tested"
    );
}

#[tokio::test]
async fn a_moved_target_that_conflicts_or_breaks_the_change_is_left() {
    for (path, text, reason) in [
        (
            "a.txt",
            "theirs\n",
            "branch main has moved and conflicts with the change in a.txt",
        ),
        (
            "other.txt",
            "broken\n",
            "branch main has moved, and the change fails on it: ",
        ),
    ] {
        let mut world = two();
        world.settings.landing.land = false;
        world.run().await.unwrap();
        world.commit_on_main("one", path, text);
        world.say(land()).await;
        let end = world.run().await.unwrap();
        assert_eq!(end.status, EndStatus::NeedsPerson);
        let RepositoryState::Blocked {
            reason: found,
            hint,
        } = &end.repositories[0].state
        else {
            panic!("it is blocked: {end:?}");
        };
        assert!(found.starts_with(reason), "{found}");
        assert_eq!(hint, "automation land run-1");
        assert_eq!(end.repositories[1].state, RepositoryState::Published);
        assert_eq!(world.files("two", "main"), "README", "all or none");
        assert_eq!(world.run().await.unwrap(), end);

        // The person settles it on the target branch; the next landing sees that.
        world.commit_on_main("one", path, "settled\n");
        let user = world.user("one");
        user.git(&["switch", "--quiet", "main"]);
        user.git(&["merge", "--quiet", "-X", "ours", "automation/run-1/change"]);
        user.git(&["switch", "--quiet", "--detach"]);
        world.say(land()).await;
        let end = world.run().await.unwrap();
        assert_eq!(end.status, EndStatus::Done, "{end:?}");
        assert_eq!(world.run().await.unwrap(), end, "replayed alike");
    }
}

#[tokio::test]
async fn a_landing_cut_off_in_the_middle_names_what_landed() {
    let mut world = two();
    world.settings.landing.land = false;
    world.run().await.unwrap();
    world.commit_on_main("two", "b.txt", "theirs\n");
    world.say(land()).await;
    let end = world.run().await.unwrap();
    assert_eq!(
        (end.status, end.status.exit_code()),
        (EndStatus::Partial, 5)
    );
    assert_eq!(end.repositories[0].state, RepositoryState::Landed);
    assert!(matches!(
        end.repositories[1].state,
        RepositoryState::Blocked { .. }
    ));
}

#[tokio::test]
async fn a_checked_out_target_is_ready_and_found_moved_later() {
    let mut world = World::new(&["one"], TestAgent::new(own_file));
    world.user("one").git(&["switch", "--quiet", "main"]);
    let end = world.run().await.unwrap();
    assert_eq!(end.status, EndStatus::NeedsPerson);
    let RepositoryState::Ready { reason, hint } = &end.repositories[0].state else {
        panic!("it is blocked: {end:?}");
    };
    assert!(
        reason.starts_with("ready: branch main is checked out in"),
        "{reason}"
    );
    assert!(hint.contains("merge --ff-only"), "{hint}");
    let head = end.repositories[0].head.clone();
    world
        .user("one")
        .git(&["merge", "--quiet", "--ff-only", head.as_str()]);
    let end = world.run().await.unwrap();
    assert_eq!(end.status, EndStatus::Done);
    assert_eq!(end.repositories[0].state, RepositoryState::Landed);
    assert_eq!(
        world.pull_requests("one").await[0].state,
        PullRequestState::Merged
    );
}

#[tokio::test]
async fn a_step_of_unknown_outcome_waits_for_consent_which_counts_once() {
    let mut world = World::new(&["one"], TestAgent::new(own_file));
    // Another mutation stands under the id of the run's own: nobody but a person can tell.
    let name = world.settings.repositories[0].name.clone();
    let key = StepKey::new(
        core_types::Scope::Repository(name.clone()),
        1,
        "pull-request",
    );
    let operation = key.operation(&world.settings.run);
    let issue = core_types::NewIssue {
        title: "in the way".to_owned(),
        ..core_types::NewIssue::default()
    };
    let forge = world.forges[&name].clone();
    forge.create_issue(&operation, issue).await.unwrap();
    // The first time the step acts and is refused; then it is unknown.
    assert_eq!(world.run().await.unwrap_err().class(), ErrorClass::Conflict);
    let end = world.run().await.unwrap();
    assert_eq!(
        (end.status, end.status.exit_code()),
        (EndStatus::NeedsPerson, 3)
    );
    assert_eq!(end.waits_for, Some(key.clone()));

    world.say(Message::Consent { key: key.clone() }).await;
    let error = world.run().await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Conflict, "it has acted again");
    assert_eq!(
        world.run().await.unwrap().waits_for,
        Some(key),
        "but only once"
    );
}

#[tokio::test]
async fn consent_to_a_step_that_nobody_waits_for_is_a_warning() {
    let mut world = World::new(&["one"], TestAgent::new(own_file));
    let key = StepKey::new(core_types::Scope::Run, 1, "no-such-step");
    world.say(Message::Consent { key }).await;
    assert_eq!(world.run().await.unwrap().status, EndStatus::Done);
    let expected = "nobody waits for the consent to step \"run: no-such-step\"";
    assert_eq!(world.warnings(), [expected]);
}
