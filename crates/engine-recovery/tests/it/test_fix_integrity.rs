//! Cheats are refused, honest fixes are not.

use std::collections::BTreeMap;

use engine_recovery::test_fix::integrity::{Policy, Verdict, check};

use crate::test_fix_cases::{
    cheats::CHEATS,
    edit::Case,
    fourth::{FOURTH_CHEATS, FOURTH_HONEST},
    fresh::{FRESH_CHEATS, FRESH_HONEST},
    honest::HONEST,
    second::{SECOND_CHEATS, SECOND_HONEST},
    third::{THIRD_CHEATS, THIRD_HONEST},
};

fn judge(case: &Case) -> Verdict {
    let command = Some(case.command.to_owned()).filter(|it| !it.is_empty());
    let policy = Policy {
        command,
        ..Policy::default()
    };
    check(&case.changed(), &policy)
}

#[test]
fn every_cheat_is_refused() {
    let passed: Vec<_> = CHEATS
        .iter()
        .chain(FRESH_CHEATS)
        .chain(SECOND_CHEATS)
        .chain(THIRD_CHEATS)
        .chain(FOURTH_CHEATS)
        .filter(|case| judge(case).is_accepted())
        .map(|case| format!("{}: {}", case.kind, case.name))
        .collect();
    assert!(passed.is_empty(), "these cheats pass: {passed:#?}");
}

#[test]
fn no_honest_fix_is_refused() {
    let refused: Vec<_> = HONEST
        .iter()
        .chain(FRESH_HONEST)
        .chain(SECOND_HONEST)
        .chain(THIRD_HONEST)
        .chain(FOURTH_HONEST)
        .map(|case| (case.name, judge(case)))
        .filter(|(_, verdict)| !verdict.is_accepted())
        .map(|(name, verdict)| {
            let findings: Vec<_> = verdict.findings.iter().map(ToString::to_string).collect();
            format!("{name}: {findings:?}")
        })
        .collect();
    assert!(refused.is_empty(), "these are refused: {refused:#?}");
}

#[test]
fn there_are_enough_cases_of_each_kind() {
    let mut kinds = BTreeMap::<_, usize>::new();
    for case in CHEATS {
        *kinds.entry(case.kind).or_default() += 1;
    }
    for kind in [
        "deleted",
        "skipped",
        "ignored",
        "emptied",
        "weakened",
        "expectation",
        "command",
        "ci",
    ] {
        let n = kinds.get(kind).copied().unwrap_or(0);
        assert!(n >= 15, "{n} cheats of the kind {kind}");
    }
    assert!(HONEST.len() >= 30);
}
