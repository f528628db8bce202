//! What every [`PlanRunner`] must do.

use std::{collections::BTreeMap, sync::Arc};

use core_types::{
    ChangeSet, ChangeSetEnd, Coordination, ErrorClass, Issue, IssueState, Member, MemberState,
    OperationId, PlanRequest, PlanRunner, RepositoryName, Timestamp, Trigger, TriggerWhen, Wait,
    WaitReason,
};

/// Runs all cases; `make` gives a runner that has run nothing, over repositories
/// `a`, `b`, `c` and `d`, in which exactly the given ones fail.
///
/// # Panics
///
/// When the runner breaks the port's contract.
pub async fn conformance(make: impl AsyncFn(&[RepositoryName]) -> Arc<dyn PlanRunner>) {
    what_was_never_run_has_no_states(&*make(&[]).await).await;
    all_members_end(&*make(&[]).await).await;
    dependents_of_a_failure_are_skipped(&*make(&[name("b")]).await).await;
    the_first_failure_stops_a_sequence(&*make(&[name("b")]).await).await;
    any_trigger_is_enough(&*make(&[name("b")]).await).await;
    what_has_ended_is_not_run_again(&*make(&[name("b")]).await).await;
}

fn name(name: &str) -> RepositoryName {
    RepositoryName::new(name).expect("a valid name")
}

fn member(of: &str, after: &[(&str, WaitReason)]) -> Member {
    let wait = |(on, reason): &(&str, WaitReason)| Wait {
        repository: name(on),
        reason: *reason,
    };
    Member {
        repository: name(of),
        write: true,
        after: after.iter().map(wait).collect(),
        trigger: None,
        deploy: None,
    }
}

fn triggered(of: &str, on: &[&str], when: TriggerWhen) -> Member {
    let on = on.iter().map(|on| name(on)).collect();
    Member {
        trigger: Some(Trigger { on, when }),
        ..member(of, &[])
    }
}

fn request(coordination: Coordination, members: Vec<Member>) -> PlanRequest {
    PlanRequest {
        change_set: ChangeSet {
            id: OperationId::new("conformance:change-set").expect("a valid id"),
            workflow: None,
            coordination,
            members,
            test_command: None,
            context: BTreeMap::new(),
        },
        issue: Issue {
            number: 1,
            title: "Change all".to_owned(),
            body: String::new(),
            labels: Vec::new(),
            state: IssueState::Open,
            author: String::new(),
            created: Timestamp(0),
        },
        providers: BTreeMap::new(),
    }
}

fn letters(states: &BTreeMap<RepositoryName, MemberState>) -> String {
    let word = |(name, state): (&RepositoryName, &MemberState)| match state {
        MemberState::Skipped { because } => format!("{name} skipped because of {because}"),
        MemberState::Failed { .. } => format!("{name} failed"),
        // Where another one has failed, nobody need go on to test it.
        MemberState::Succeeded
        | MemberState::Completed
        | MemberState::Landed
        | MemberState::Unchanged => format!("{name} good"),
        other => format!("{name} {}", other.as_str()),
    };
    states.iter().map(word).collect::<Vec<_>>().join(", ")
}

async fn check(runner: &dyn PlanRunner, request: PlanRequest, expected: &str) -> ChangeSetEnd {
    let id = request.change_set.id.clone();
    let outcome = runner.run_plan(request).await.expect("an outcome");
    assert_eq!(letters(&outcome.members), expected);
    let states = runner.member_states(&id).await.expect("states");
    assert_eq!(
        states.as_ref(),
        Some(&outcome.members),
        "the states are those of the outcome"
    );
    outcome.end
}

async fn what_was_never_run_has_no_states(runner: &dyn PlanRunner) {
    let id = OperationId::new("never").expect("a valid id");
    assert_eq!(runner.member_states(&id).await.expect("states"), None);
}

async fn all_members_end(runner: &dyn PlanRunner) {
    let members = vec![
        member("a", &[]),
        member("b", &[("a", WaitReason::Dependency)]),
        triggered("c", &["a", "b"], TriggerWhen::All),
    ];
    let end = check(
        runner,
        request(Coordination::Parallel, members),
        "a good, b good, c good",
    );
    assert_eq!(end.await, ChangeSetEnd::All);
}

async fn dependents_of_a_failure_are_skipped(runner: &dyn PlanRunner) {
    let members = vec![
        member("a", &[]),
        member("b", &[]),
        member("c", &[("b", WaitReason::Dependency)]),
        triggered("d", &["a", "c"], TriggerWhen::All),
    ];
    let expected = "a good, b failed, c skipped because of b, d skipped because of c";
    let end = check(runner, request(Coordination::Parallel, members), expected).await;
    assert!(
        matches!(end, ChangeSetEnd::None { .. }),
        "nothing lands: {end:?}"
    );
}

async fn the_first_failure_stops_a_sequence(runner: &dyn PlanRunner) {
    let members = vec![
        member("a", &[]),
        member("b", &[("a", WaitReason::Sequence)]),
        member("c", &[("b", WaitReason::Sequence)]),
        member("d", &[("c", WaitReason::Sequence)]),
    ];
    let request = request(Coordination::Sequential, members);
    let outcome = runner.run_plan(request).await.expect("an outcome");
    let skipped = |state: &MemberState| matches!(state, MemberState::Skipped { .. });
    let n_skipped = outcome
        .members
        .values()
        .filter(|state| skipped(state))
        .count();
    assert_eq!(n_skipped, 2, "{:?}", outcome.members);
}

async fn any_trigger_is_enough(runner: &dyn PlanRunner) {
    let members = vec![
        member("a", &[]),
        member("b", &[]),
        triggered("c", &["a", "b"], TriggerWhen::Any),
        triggered("d", &["b"], TriggerWhen::Any),
    ];
    let expected = "a good, b failed, c good, d skipped because of b";
    check(runner, request(Coordination::Parallel, members), expected).await;
}

async fn what_has_ended_is_not_run_again(runner: &dyn PlanRunner) {
    let first = request(
        Coordination::Parallel,
        vec![member("a", &[]), member("b", &[])],
    );
    let ended = runner.run_plan(first.clone()).await.expect("an outcome");
    let again = runner.run_plan(first).await.expect("an outcome");
    assert_eq!(again, ended);
    let other = request(Coordination::Parallel, vec![member("a", &[])]);
    let error = runner
        .run_plan(other)
        .await
        .expect_err("another change set under its id");
    assert_eq!(error.class(), ErrorClass::Conflict);
}
