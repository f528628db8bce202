//! Change sets of a program, carried out as runs.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    sync::{Arc, Mutex},
};

use facade::{
    assemble::{Home, Observer, RunRequest, Surroundings, WorkflowRunner},
    config,
    core_types::{
        CancellationToken, ChangeSetEnd, ErrorClass, Event, GitProvider, Issue, MemberState,
        NewIssue, OperationId, PlanRunner, RepositoryName, StepRef,
    },
    multi_repo::{ForgeStatus, MultiRepoOrchestrator, Overall, WorkflowError},
};
use testkit::{MemoryForge, git::Fixture};

const CONFIG: &str = "\
repositories:
  - name: backend
    path: backend
    primary: true
    test_command: test -e done
  - name: frontend
    path: frontend
    test_command: test -e done
    automation:
      depends_on: [backend]
cross_repo_workflows:
  - name: feature
    repositories: [backend, frontend]
    coordination: sequential
";

/// A home with repositories, each with `a.txt` on `main`.
struct World {
    folder: tempfile::TempDir,
}

impl World {
    fn new(names: &[&str], config: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        for name in names {
            let fixture = Fixture::new(folder.path().join(name));
            fixture.file("a.txt", "one\n").commit("first");
        }
        Fixture::at(folder.path()).file("config/repositories.yaml", config);
        Self { folder }
    }

    fn repository(&self, name: &str) -> Fixture {
        Fixture::at(self.folder.path().join(name))
    }

    fn runner(&self, agent: &str) -> WorkflowRunner {
        let root = self.folder.path().to_owned();
        let home = Home::locate(&root, Some(Path::new(".")));
        let path = std::env::var_os("PATH").unwrap_or_default();
        let surroundings = Surroundings::new(root, vec![("PATH".into(), path)]);
        let request = RunRequest {
            agent: Some(agent.to_owned()),
            land: true,
            update_checkout: true,
            // Its agents write where the test looks.
            no_sandbox: true,
            ..RunRequest::default()
        };
        WorkflowRunner::new(home, surroundings, request)
    }

    fn orchestrator(&self, runner: WorkflowRunner) -> MultiRepoOrchestrator {
        let configured = config::load_repositories("repositories.yaml", CONFIG, &|_| None);
        MultiRepoOrchestrator::new(configured.expect("sound"), Arc::new(runner))
    }
}

fn name(name: &str) -> RepositoryName {
    RepositoryName::new(name).expect("a repository name")
}

fn context() -> BTreeMap<String, String> {
    [("source_repo".to_owned(), "backend".to_owned())].into()
}

async fn issue(forge: &MemoryForge) -> Issue {
    let new = NewIssue {
        title: "Add a flag".to_owned(),
        ..NewIssue::default()
    };
    let operation = OperationId::new("test:issue").expect("an operation id");
    let made = forge.create_issue(&operation, new).await;
    made.expect("an issue")
}

const AGENT: &str = "sh:echo two > done; echo call >> \"$CALLS\"";

fn agent(world: &World) -> String {
    let calls = world.folder.path().join("calls");
    AGENT.replace("$CALLS", &calls.display().to_string())
}

fn n_calls(world: &World) -> usize {
    let calls = fs::read_to_string(world.folder.path().join("calls"));
    calls.unwrap_or_default().lines().count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workflow_lands_in_both_repositories_once() {
    let world = World::new(&["backend", "frontend"], CONFIG);
    let forges = [MemoryForge::default(), MemoryForge::default()].map(Arc::new);
    let issue = issue(&forges[0]).await;
    // The second is another process after the first has ended.
    for round in 0..2 {
        let mut orchestrator = world.orchestrator(world.runner(&agent(&world)));
        orchestrator.register_provider(name("backend"), forges[0].clone());
        orchestrator.register_provider(name("frontend"), forges[1].clone());
        assert_eq!(
            orchestrator.get_overall_status().await.overall_status,
            Overall::Idle
        );
        let outcome = orchestrator
            .execute_cross_repo_workflow("feature", issue.clone(), context())
            .await
            .expect("an outcome");
        assert_eq!(outcome.end, ChangeSetEnd::All, "round {round}: {outcome:?}");
        let status = orchestrator.get_overall_status().await;
        assert_eq!(status.overall_status, Overall::Completed);
        for repository in ["backend", "frontend"] {
            let it = &status.repositories[&name(repository)];
            assert_eq!(it.state, Some(MemberState::Landed));
            assert_eq!(
                it.forge,
                ForgeStatus::Open {
                    issues: 0,
                    pull_requests: 0
                },
                "what was opened was closed"
            );
            let fixture = world.repository(repository);
            assert_eq!(fixture.status(), "");
            assert!(fixture.dir().join("done").exists());
        }
        assert_eq!(n_calls(&world), 2, "round {round}");
        for forge in &forges {
            let opened = forge.list_pull_requests().await.expect("a list");
            assert_eq!(opened.len(), 1, "round {round}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_keeps_all_and_says_why() {
    let world = World::new(&["backend", "frontend"], CONFIG);
    let issue = issue(&MemoryForge::default()).await;
    let orchestrator = world.orchestrator(world.runner("sh:exit 1"));
    let outcome = orchestrator
        .execute_cross_repo_workflow("feature", issue, context())
        .await
        .expect("an outcome");
    let failed = &outcome.members[&name("backend")];
    assert!(matches!(failed, MemberState::Failed { .. }), "{outcome:?}");
    assert_eq!(
        outcome.members[&name("frontend")],
        MemberState::Skipped {
            because: name("backend")
        }
    );
    let ChangeSetEnd::None { reasons } = &outcome.end else {
        panic!("{outcome:?}");
    };
    assert_eq!(reasons.len(), 2, "{reasons:?}");
    let status = orchestrator.get_overall_status().await;
    assert_eq!(status.overall_status, Overall::Failed);
    for repository in ["backend", "frontend"] {
        assert!(!world.repository(repository).dir().join("done").exists());
    }
}

/// Pauses when the first task has ended.
#[derive(Debug)]
struct Pausing(CancellationToken);

impl Observer for Pausing {
    fn observe(&self, _: Option<&StepRef>, event: &Event) {
        if matches!(event, Event::TaskChanged { status, .. } if status.has_ended()) {
            self.0.cancel();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_was_cut_off_goes_on() {
    let world = World::new(&["backend", "frontend"], CONFIG);
    let issue = issue(&MemoryForge::default()).await;
    let pause = CancellationToken::new();
    let runner = world
        .runner(&agent(&world))
        .observed_by(Arc::new(Pausing(pause.clone())))
        .paused_by(pause);
    let orchestrator = world.orchestrator(runner);
    let error = orchestrator
        .execute_cross_repo_workflow("feature", issue.clone(), context())
        .await
        .expect_err("it is paused");
    assert!(
        matches!(&error, WorkflowError::Runner(it) if it.class() == ErrorClass::Cancelled),
        "{error:?}"
    );
    let states = orchestrator.get_overall_status().await;
    let frontend = &states.repositories[&name("frontend")].state;
    assert!(
        matches!(frontend, Some(MemberState::Waiting { on }) if on.len() <= 1),
        "{frontend:?}"
    );
    assert_eq!(n_calls(&world), 1);
    let orchestrator = world.orchestrator(world.runner(&agent(&world)));
    let outcome = orchestrator
        .execute_cross_repo_workflow("feature", issue, context())
        .await
        .expect("an outcome");
    assert_eq!(outcome.end, ChangeSetEnd::All, "{outcome:?}");
    assert_eq!(n_calls(&world), 2, "nothing is done twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_keeps_the_contract_of_the_port() {
    let worlds = Mutex::new(Vec::new());
    let make = async |failing: &[RepositoryName]| {
        let names = ["a", "b", "c", "d"];
        let entry = |name| format!("  - {{name: {name}, path: {name}, test_command: 'true'}}\n");
        let entries: String = names.iter().map(entry).collect();
        let world = World::new(&names, &format!("repositories:\n{entries}"));
        for repository in failing {
            let fixture = world.repository(repository.as_str());
            fixture.file("fail", "").commit("it will fail");
        }
        let runner = world.runner("sh:test ! -e fail && echo two >> a.txt");
        worlds.lock().expect("sound").push(world);
        Arc::new(runner) as Arc<dyn PlanRunner>
    };
    testkit::plan_runner::conformance(make).await;
}
