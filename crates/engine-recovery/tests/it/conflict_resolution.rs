//! What becomes of conflicts with honest agents, wrong ones and none.

use core_types::{
    ErrorClass, Event, FailureKind, Merge, RefName, Repository, StepKey, StepLog, step::StepState,
};
use engine_recovery::{ConflictResolutionStrategy, RecoveryStrategy, StrategyOutcome};

use crate::{
    conflict_cases::CASES,
    conflict_corpus::{Case, Corpus, Expected, Ports},
    conflict_fixers::{self as fixers, Fixer, Unable, WRONG},
    conflict_measure::{measure_honest, measure_wrong},
};

fn case(name: &str) -> &'static Case {
    let found = CASES.iter().find(|case| case.name == name);
    found.unwrap_or_else(|| panic!("no case {name:?}"))
}

/// All cases take minutes.
fn is_slow() -> bool {
    std::env::var_os("RUN_SLOW").is_some()
}

/// A corpus of some cases, by name.
async fn corpus(names: &[&str]) -> (Corpus, Vec<&'static Case>) {
    let some: Vec<&'static Case> = names.iter().map(|name| case(name)).collect();
    (Corpus::new(&some).await, some)
}

/// Every second case that can be repaired, and all others; all of them with RUN_SLOW=1.
#[tokio::test]
async fn honest_agents_repair_what_can_be_repaired_and_people_get_the_rest() {
    assert!(CASES.len() >= 45, "{} cases", CASES.len());
    let some: Vec<&Case> = CASES
        .iter()
        .enumerate()
        .filter(|(idx, case)| is_slow() || idx % 2 == 0 || case.expected != Expected::Repaired)
        .map(|(_, case)| case)
        .collect();
    let measured = measure_honest(&some).await;
    assert_eq!(measured.n_told, measured.n_people, "{measured:#?}");
    for (name, outcome) in &measured.unrepaired {
        assert_eq!(case(name).expected, Expected::Hard, "{name}: {outcome}");
        assert!(
            outcome.contains("test command"),
            "a precise reason: {outcome}"
        );
    }
    let (n_repaired, n_fixable) = (measured.n_repaired, measured.n_fixable);
    assert!(
        n_repaired * 100 >= n_fixable * 80,
        "{n_repaired} of {n_fixable}"
    );
}

/// Each wrong agent on a few cases; on all of them with RUN_SLOW=1.
#[tokio::test]
async fn wrong_resolutions_are_never_accepted() {
    let few = [
        "both append a function",
        "lines that end in CRLF",
        "clean changes beside a conflict",
    ];
    let some: Vec<&Case> = CASES
        .iter()
        .filter(|case| case.expected == Expected::Repaired)
        .filter(|case| is_slow() || few.contains(&case.name))
        .collect();
    let measured = measure_wrong(&some).await;
    assert!(measured.unrefused.is_empty(), "{:#?}", measured.unrefused);
    assert_eq!(
        (measured.n_refused, measured.n_wrong),
        (some.len() * WRONG.len(), some.len() * WRONG.len())
    );
}

#[tokio::test]
async fn findings_say_what_is_wrong() {
    let (corpus, cases) = corpus(&["clean changes beside a conflict"]).await;
    let evidence = async |fix| {
        let agent = Fixer::new("wrong", fix);
        match corpus.recover(cases[0], &agent).await {
            StrategyOutcome::Refused { evidence, .. } => evidence.join("\n"),
            other => panic!("{other:?}"),
        }
    };
    let said = evidence(fixers::leaves_debris).await;
    assert!(
        said.contains("\"lib.sh\" still has what looks like conflict markers, at line 8"),
        "{said}"
    );
    let said = evidence(fixers::drops_theirs).await;
    assert!(
        said.contains("nothing of their side is left, where both only added"),
        "{said}"
    );
    let said = evidence(fixers::edits_the_tests).await;
    assert_eq!(said, "\"test.sh\" was changed, and has no conflict");
    let said = evidence(fixers::loses_the_rest).await;
    assert!(
        said.contains("lines outside of the conflicts are gone: \"first=2\", \"middle=m\""),
        "{said}"
    );
    let said = evidence(fixers::deletes_the_file).await;
    assert_eq!(said, "\"lib.sh\" is gone, or is no file any more");
    let said = evidence(fixers::does_nothing).await;
    assert!(
        said.contains("all conflict markers are still there"),
        "{said}"
    );
}

#[tokio::test]
async fn a_second_round_knows_what_was_wrong_with_the_first() {
    let (corpus, cases) = corpus(&["both append a function"]).await;
    let agent = Fixer::new("learns", fixers::learns);
    let outcome = corpus.recover(cases[0], &agent).await;
    assert!(
        matches!(outcome, StrategyOutcome::Repaired { .. }),
        "{outcome:?}"
    );
    assert_eq!(agent.asked(), 2);
}

#[tokio::test]
async fn what_was_settled_once_needs_no_agent_again() {
    let (corpus, cases) = corpus(&["both append a function", "several hunks in one file"]).await;
    for case in cases {
        // Nobody can settle it yet.
        let outcome = corpus.recover(case, &Unable).await;
        let StrategyOutcome::Failed { reason, .. } = &outcome else {
            panic!("{outcome:?}")
        };
        assert!(reason.contains("agent unable does not repair"), "{reason}");
        let first = corpus
            .recover(case, &Fixer::new("honest", fixers::honest))
            .await;
        assert!(
            matches!(first, StrategyOutcome::Repaired { .. }),
            "{first:?}"
        );
        // Another run, and the other way round.
        let again = corpus.recover(case, &Unable).await;
        assert!(
            matches!(again, StrategyOutcome::Repaired { .. }),
            "{again:?}"
        );
        let mut turned = corpus.request(case);
        let theirs = turned.commit.replace(turned.head.clone()).unwrap();
        turned.head = theirs;
        let outcome = corpus
            .recover_with(&turned, &Unable, &Ports::default())
            .await;
        let StrategyOutcome::Repaired { commit } = outcome.unwrap() else {
            panic!("{}", case.name)
        };
        let parents = corpus.parents(&commit).await;
        assert_eq!(
            parents,
            format!("{} {}", turned.head, turned.commit.unwrap())
        );
    }
}

#[tokio::test]
async fn wrong_memories_are_found_by_the_tests_and_the_agent_decides_anew() {
    let (corpus, cases) = corpus(&["both append a function"]).await;
    let (ours, theirs) = corpus.sides(cases[0]);
    let files = corpus.repository.conflicts(&ours, &theirs).await.unwrap();
    let resolution = core_types::Resolution {
        hunk: files[0].hunks[0].clone(),
        text: "false\n".to_owned(),
    };
    corpus.repository.remember(&[resolution]).await.unwrap();
    let outcome = corpus.recover(cases[0], &Unable).await;
    let StrategyOutcome::Failed { tried, .. } = &outcome else {
        panic!("{outcome:?}")
    };
    assert!(
        tried[0].contains("as they were settled before"),
        "{tried:?}"
    );
    let agent = Fixer::new("honest", fixers::honest);
    let outcome = corpus.recover(cases[0], &agent).await;
    assert!(
        matches!(outcome, StrategyOutcome::Repaired { .. }),
        "{outcome:?}"
    );
    let hunks = [files[0].hunks[0].clone()];
    let recalled = corpus.repository.recall(&hunks).await.unwrap();
    assert!(
        recalled[0].as_ref().unwrap().contains("sub()"),
        "the better one is kept"
    );
}

/// Verified where the workflow would verify it: with its variables, in both commands.
#[tokio::test]
async fn its_commands_see_what_the_workflow_gives_them() {
    let (corpus, cases) = corpus(&["both append a function"]).await;
    let mut request = corpus.request(cases[0]);
    let see = |line: &str| core_types::CommandLine::Shell(line.to_owned());
    request.commands.setup = Some(see(r#"test "$AUTOMATION_CONTEXT" = "{}""#));
    request.commands.test = Some(see(
        r#"test "$AUTOMATION_CONTEXT $AUTOMATION_REPOSITORY" = "{} app""#,
    ));
    for (environment, is_repaired) in [
        (
            vec![("AUTOMATION_CONTEXT".to_owned(), "{}".to_owned())],
            true,
        ),
        (Vec::new(), false),
    ] {
        request.commands.environment = environment;
        let agent = Fixer::new("honest", fixers::honest);
        let outcome = corpus
            .recover_with(&request, &agent, &Ports::default())
            .await
            .expect("an outcome");
        let repaired = matches!(outcome, StrategyOutcome::Repaired { .. });
        assert_eq!(repaired, is_repaired, "{outcome:?}");
    }
}

#[tokio::test]
async fn without_tests_it_is_accepted_and_said_to_be_unverified() {
    let (corpus, cases) = corpus(&["both append a function"]).await;
    let mut request = corpus.request(cases[0]);
    request.commands.test = None;
    let ports = Ports::default();
    let honest = Fixer::new("honest", fixers::honest);
    let outcome = corpus
        .recover_with(&request, &honest, &ports)
        .await
        .unwrap();
    let StrategyOutcome::Repaired { commit } = outcome else {
        panic!("{outcome:?}")
    };
    let message = corpus
        .git(&["show", "-s", "--format=%B", commit.as_str()])
        .await;
    assert!(
        message.starts_with("Merge task task-2: Their part"),
        "{message}"
    );
    assert!(message.contains("Not verified: the repository has no test command."));
    let events = ports.events.events();
    let is_said = |event: &Event| matches!(event, Event::Warning { message } if message.contains("not verified"));
    assert!(events.iter().any(is_said), "{events:?}");
    // Nobody has seen that it works, so it is not done again without being asked.
    let again = corpus.recover(cases[0], &Unable).await;
    assert!(matches!(again, StrategyOutcome::Failed { .. }), "{again:?}");
}

#[tokio::test]
async fn a_merge_that_is_clean_by_now_is_tested_and_taken() {
    let (corpus, cases) = corpus(&["both append a function"]).await;
    let mut request = corpus.request(cases[0]);
    let (ours, theirs) = corpus.sides(cases[0]);
    let settled = core_types::SettledFile {
        path: "lib.sh".to_owned(),
        text: "sub() { echo $(($1 - $2)); }\nmul() { echo $(($1 * $2)); }\n".to_owned(),
    };
    let head = corpus
        .repository
        .settle(&ours, &theirs, &[settled], "m")
        .await
        .unwrap();
    request.head = head.clone();
    let outcome = corpus
        .recover_with(&request, &Unable, &Ports::default())
        .await
        .unwrap();
    assert_eq!(outcome, StrategyOutcome::Repaired { commit: head });
    // The same where the tests do not pass.
    request.commands.test = Some(core_types::CommandLine::Shell("echo no; exit 1".to_owned()));
    let outcome = corpus
        .recover_with(&request, &Unable, &Ports::default())
        .await
        .unwrap();
    let StrategyOutcome::Failed { reason, tried } = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(
        reason,
        "it merges without conflicts now, but the test command `echo no; exit 1` failed (exit code 1)"
    );
    assert!(tried[0].contains("no\n"), "{tried:?}");
}

#[tokio::test]
async fn a_call_that_was_cut_off_is_continued() {
    let (corpus, cases) = corpus(&["both append a function"]).await;
    let request = corpus.request(cases[0]);
    let honest = Fixer::new("honest", fixers::honest);
    let ports = Ports::default();
    ports.cancel.cancel();
    let error = corpus
        .recover_with(&request, &honest, &ports)
        .await
        .unwrap_err();
    assert_eq!(error.class(), ErrorClass::Cancelled);
    let key = StepKey::new(request.scope.clone(), 1, "recovery-resolve-1");
    let state = ports.steps.state(&key);
    assert!(
        matches!(state, StepState::Begun { execution: 1, .. }),
        "{state:?}"
    );

    let ports = Ports {
        cancel: core_types::CancellationToken::new(),
        ..ports
    };
    let outcome = corpus
        .recover_with(&request, &honest, &ports)
        .await
        .unwrap();
    let StrategyOutcome::Repaired { commit } = &outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(honest.asked(), 2, "once for each execution");
    // The commit is kept by a reference of the run.
    let kept = RefName::new("refs/automation/run-1/recovery/task/task-2/1/resolve-1").unwrap();
    let held = corpus.repository.resolve(&kept).await.unwrap();
    assert_eq!(held.as_ref(), Some(commit));
    // What is recorded is replayed: nobody is asked again.
    let replayed = corpus
        .recover_with(&request, &honest, &ports)
        .await
        .unwrap();
    assert_eq!((replayed, honest.asked()), (outcome.clone(), 2));
    // The workflow then only moves its branch on.
    let merged = corpus
        .repository
        .merge(&request.head, commit, "m")
        .await
        .unwrap();
    assert_eq!(
        merged,
        Merge::FastForward {
            commit: commit.clone()
        }
    );
}

#[tokio::test]
async fn an_agent_that_kills_the_engine_is_not_begun_for_ever() {
    let (corpus, cases) = corpus(&["both append a function"]).await;
    let request = corpus.request(cases[0]);
    let honest = Fixer::new("honest", fixers::honest);
    let mut ports = Ports::default();
    ports.cancel.cancel();
    for _ in 0..5 {
        let cut = corpus.recover_with(&request, &honest, &ports).await;
        assert!(cut.is_err());
    }
    ports.cancel = core_types::CancellationToken::new();
    let outcome = corpus
        .recover_with(&request, &honest, &ports)
        .await
        .unwrap();
    let StrategyOutcome::Failed { reason, .. } = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(reason, "\"recovery-resolve-1\" was cut off 5 times");
    assert_eq!(honest.asked(), 5);
}

#[tokio::test]
async fn only_conflicts_are_handled() {
    let (corpus, cases) = corpus(&["both append a function"]).await;
    let mut request = corpus.request(cases[0]);
    assert!(ConflictResolutionStrategy.handles(&request));
    request.commit = None;
    let outcome = corpus
        .recover_with(&request, &Unable, &Ports::default())
        .await;
    assert_eq!(outcome.unwrap(), StrategyOutcome::NotHandled);
    request.failure.kind = FailureKind::NoChange;
    assert!(!ConflictResolutionStrategy.handles(&request));
}

#[tokio::test]
async fn the_limit_of_hunks_is_an_option() {
    let (corpus, cases) = corpus(&["several hunks in one file"]).await;
    let request = corpus.request(cases[0]);
    let honest = Fixer::new("honest", fixers::honest);
    let mut ports = Ports::default();
    ports.options.max_conflict_hunks = 4;
    let outcome = corpus
        .recover_with(&request, &honest, &ports)
        .await
        .unwrap();
    let StrategyOutcome::Failed { reason, .. } = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(
        reason,
        "a person must decide: 5 conflicting places in 1 file, more than 4"
    );
}
