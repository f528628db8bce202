//! The state machine, under random change sets and random courses.

use std::collections::BTreeMap;

use core_types::{
    ChangeSet, Coordination, Member, MemberState, RepositoryName, Trigger, TriggerWhen, Wait,
    WaitReason,
};
use multi_repo::{Action, Coordinator, Event, Selection, change_set};
use proptest::prelude::*;

use crate::support::{SEED, id, load, name, no_context};

fn states(coordinator: &Coordinator) -> String {
    let word = |(name, state): (RepositoryName, MemberState)| match state {
        MemberState::Waiting { on } => {
            let on: Vec<_> = on
                .iter()
                .map(|wait| format!("{} ({})", wait.repository, wait.reason.as_str()))
                .collect();
            format!("{name} waits for {}", on.join(", "))
        }
        MemberState::Skipped { because } => format!("{name} skipped because of {because}"),
        state => format!("{name} {}", state.as_str()),
    };
    coordinator
        .states()
        .into_iter()
        .map(word)
        .collect::<Vec<_>>()
        .join("; ")
}

fn failed(repository: &str) -> Event {
    Event::Failed {
        repository: name(repository),
        reason: "tests".to_owned(),
    }
}

#[test]
fn why_a_repository_waits_is_told() {
    let seed = load(SEED);
    let workflow = Selection::Workflow("infrastructure-update");
    let set = change_set(&seed, workflow, id("x"), no_context()).expect("a change set");
    let (mut coordinator, first) = Coordinator::new(&set);
    assert_eq!(first, [Action::Start(name("backend"))]);
    assert_eq!(
        states(&coordinator),
        "backend running; frontend waits for backend (dependency); infrastructure waits for backend (trigger), frontend (trigger)"
    );
    coordinator.handle(Event::Succeeded(name("backend")));
    coordinator.handle(Event::Completed(name("backend")));
    assert_eq!(
        states(&coordinator),
        "backend completed; frontend running; infrastructure waits for frontend (trigger)"
    );
    let actions = coordinator.handle(failed("frontend"));
    let skip = Action::Skip {
        repository: name("infrastructure"),
        because: name("frontend"),
    };
    assert_eq!(actions, [skip]);
    assert!(coordinator.is_over());
}

fn set_of(coordination: Coordination, text: &[(&str, &[&str])]) -> ChangeSet {
    let member = |(of, after): &(&str, &[&str])| Member {
        repository: name(of),
        write: true,
        after: after
            .iter()
            .map(|on| Wait {
                repository: name(on),
                reason: WaitReason::Dependency,
            })
            .collect(),
        trigger: None,
        deploy: None,
    };
    ChangeSet {
        id: id("x"),
        workflow: None,
        coordination,
        members: text.iter().map(member).collect(),
        test_command: None,
        context: no_context(),
    }
}

#[test]
fn in_parallel_a_failure_stops_its_dependents_alone() {
    let set = set_of(
        Coordination::Parallel,
        &[
            ("a", &[]),
            ("b", &[]),
            ("c", &["a"]),
            ("d", &["c"]),
            ("e", &["b"]),
        ],
    );
    let (mut coordinator, _) = Coordinator::new(&set);
    coordinator.handle(failed("a"));
    assert_eq!(
        states(&coordinator),
        "a failed; b running; c skipped because of a; d skipped because of c; e waits for b (dependency)"
    );
}

#[test]
fn in_sequence_a_failed_testing_stops_what_has_not_started() {
    let set = set_of(
        Coordination::Sequential,
        &[("a", &[]), ("b", &["a"]), ("c", &["b"])],
    );
    let (mut coordinator, _) = Coordinator::new(&set);
    coordinator.handle(Event::Succeeded(name("a")));
    coordinator.handle(failed("a"));
    assert_eq!(
        states(&coordinator),
        "a failed; b running; c skipped because of a"
    );
}

/// A member of a random change set: what it depends on, what triggers it, and whether it fails.
type Drawn = (Vec<prop::sample::Index>, Vec<prop::sample::Index>, bool, u8);

fn drawn_set(drawn: &[Drawn], is_sequential: bool) -> ChangeSet {
    let member = |(idx, (after, on, is_any, _)): (usize, &Drawn)| {
        let pick = |from: &[prop::sample::Index]| {
            let mut picked: Vec<usize> = match idx {
                0 => Vec::new(),
                _ => from.iter().map(|it| it.index(idx)).collect(),
            };
            picked.sort_unstable();
            picked.dedup();
            picked
                .into_iter()
                .map(|it| name(&format!("r{it}")))
                .collect::<Vec<_>>()
        };
        let on = pick(on);
        let when = if *is_any {
            TriggerWhen::Any
        } else {
            TriggerWhen::All
        };
        let wait = |repository| Wait {
            repository,
            reason: WaitReason::Dependency,
        };
        Member {
            repository: name(&format!("r{idx}")),
            write: true,
            after: pick(after).into_iter().map(wait).collect(),
            trigger: (!on.is_empty()).then_some(Trigger { on, when }),
            deploy: None,
        }
    };
    let coordination = if is_sequential {
        Coordination::Sequential
    } else {
        Coordination::Parallel
    };
    ChangeSet {
        id: id("x"),
        workflow: None,
        coordination,
        members: drawn.iter().enumerate().map(member).collect(),
        test_command: None,
        context: no_context(),
    }
}

fn is_met(
    set: &ChangeSet,
    member: &RepositoryName,
    states: &BTreeMap<RepositoryName, MemberState>,
) -> bool {
    let member = set.member(member).expect("a member");
    let good = |name: &RepositoryName| {
        matches!(
            states[name],
            MemberState::Succeeded | MemberState::Completed
        )
    };
    let complete = |name: &RepositoryName| states[name] == MemberState::Completed;
    let after = member.after.iter().all(|wait| good(&wait.repository));
    let trigger = member
        .trigger
        .as_ref()
        .is_none_or(|trigger| match trigger.when {
            TriggerWhen::All => trigger.on.iter().all(complete),
            TriggerWhen::Any => trigger.on.iter().any(complete),
        });
    after && trigger
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn each_starts_once_and_never_too_early(
        drawn in prop::collection::vec(
            (
                prop::collection::vec(any::<prop::sample::Index>(), 0..3),
                prop::collection::vec(any::<prop::sample::Index>(), 0..3),
                any::<bool>(),
                0_u8..6,
            ),
            1..9,
        ),
        is_sequential in any::<bool>(),
        choices in prop::collection::vec(any::<prop::sample::Index>(), 64),
    ) {
        let set = drawn_set(&drawn, is_sequential);
        let fate = |name: &RepositoryName| drawn[name.as_str()[1..].parse::<usize>().expect("a number")].3;
        let (mut coordinator, mut actions) = Coordinator::new(&set);
        let mut decided: BTreeMap<RepositoryName, Action> = BTreeMap::new();
        let mut told = Vec::new();
        let mut choices = choices.into_iter();
        loop {
            let states = coordinator.states();
            for action in actions {
                let of = match &action {
                    Action::Start(of) => {
                        prop_assert!(is_met(&set, of, &states), "{of} starts too early: {states:?}");
                        of
                    }
                    Action::Skip { repository, because } => {
                        let is_bad = matches!(states[because], MemberState::Failed { .. } | MemberState::Skipped { .. });
                        prop_assert!(is_bad, "{repository} is skipped because of {because}, which is well");
                        repository
                    }
                };
                prop_assert!(decided.insert(of.clone(), action.clone()).is_none(), "{of} twice");
            }
            // Whoever runs ends: well, or at its tasks, or at its Testing.
            let open: Vec<_> = states
                .iter()
                .filter(|(_, state)| matches!(state, MemberState::Running | MemberState::Succeeded))
                .collect();
            let Some(choice) = choices.next().filter(|_| !open.is_empty()) else {
                break;
            };
            let (of, state) = *choice.get(&open);
            let reason = "drawn".to_owned();
            let event = match (state, fate(of)) {
                (MemberState::Running, 0) | (MemberState::Succeeded, 1) => Event::Failed { repository: of.clone(), reason },
                (MemberState::Running, _) => Event::Succeeded(of.clone()),
                (_, _) => Event::Completed(of.clone()),
            };
            told.push(event.clone());
            actions = coordinator.handle(event);
        }
        prop_assert!(coordinator.is_over(), "somebody waits for ever: {:?}", coordinator.states());
        prop_assert_eq!(decided.len(), set.members.len(), "each is started or skipped");

        // What is recorded can be told again, also twice, and leads to the same.
        let (mut again, _) = Coordinator::new(&set);
        for event in told {
            again.handle(event.clone());
            prop_assert_eq!(again.handle(event), []);
        }
        prop_assert_eq!(again.states(), coordinator.states());
    }
}
