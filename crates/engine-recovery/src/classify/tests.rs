//! The corpus of errors, each with its class; and what must hold of any error.

use core_types::{ErrorClass, Failure, FailureKind, Timestamp};
use proptest::prelude::*;
use serde::Deserialize;

use super::{Classified, Confidence, Evidence, Remedy, classify, classify_failure, retry_after};

const CORPUS: &str = include_str!("../../tests/data/errors.jsonl");

/// 2026-01-01T00:00:00Z, when all errors of the corpus happened.
const NOW: Timestamp = Timestamp(1_767_225_600_000);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    note: String,
    error: Evidence,
    class: ErrorClass,
    remedy: Remedy,
}

fn corpus() -> Vec<Row> {
    let rows = CORPUS
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}")));
    rows.collect()
}

#[test]
fn every_error_of_the_corpus_has_its_class() {
    let rows = corpus();
    assert!(rows.len() >= 120, "{} errors", rows.len());
    for Row {
        note,
        error,
        class,
        remedy,
    } in &rows
    {
        let found = classify(error, NOW);
        assert_eq!(
            (found.class, found.remedy),
            (*class, *remedy),
            "{note}: {error:?}"
        );
    }
}

fn is_permanent(class: ErrorClass) -> bool {
    matches!(
        class,
        ErrorClass::Validation
            | ErrorClass::Unauthorized
            | ErrorClass::NotFound
            | ErrorClass::Internal
            | ErrorClass::BudgetExceeded
            | ErrorClass::Cancelled
            | ErrorClass::Conflict
            | ErrorClass::TestFailure
            | ErrorClass::UnknownOutcome
    )
}

fn check(found: Classified) -> Result<(), TestCaseError> {
    prop_assert!(
        !(is_permanent(found.class) && found.remedy.retries()),
        "a permanent error is not tried again: {found:?}"
    );
    if found.confidence == Confidence::Low {
        prop_assert!(
            !found.remedy.retries() && found.remedy != Remedy::Park,
            "text is no reason to try again or to wait: {found:?}"
        );
        prop_assert!(
            !matches!(
                found.class,
                ErrorClass::Transient
                    | ErrorClass::RateLimited { .. }
                    | ErrorClass::QuotaExhausted { .. }
                    | ErrorClass::Timeout
                    | ErrorClass::UnknownOutcome
            ),
            "text is never transient: {found:?}"
        );
    }
    Ok(())
}

fn effect() -> impl Strategy<Value = super::Effect> {
    use super::Effect as E;
    prop_oneof![Just(E::Read), Just(E::NotSent), Just(E::Sent)]
}

fn evidence() -> impl Strategy<Value = Evidence> {
    let text = "[ -~]{0,40}";
    prop_oneof![
        (any::<i32>(), effect()).prop_map(|(errno, effect)| Evidence::Errno {
            errno: errno % 200,
            effect
        }),
        (100_u16..600, text, effect()).prop_map(|(status, value, effect)| Evidence::Http {
            status,
            headers: vec![("retry-after".to_owned(), value)],
            effect,
            code: String::new(),
        }),
        text.prop_map(|text| Evidence::Text { text }),
    ]
}

proptest! {
    #[test]
    fn what_is_permanent_is_never_tried_again(evidence in evidence()) {
        check(classify(&evidence, NOW))?;
    }

    #[test]
    fn a_mutation_that_may_have_acted_is_never_simply_sent_again(status in 500_u16..600) {
        let evidence = Evidence::Http {
            status,
            headers: Vec::new(),
            effect: super::Effect::Sent,
            code: String::new(),
        };
        prop_assert!(!classify(&evidence, NOW).remedy.retries());
    }

    #[test]
    fn no_header_makes_us_come_back_before_now(value in "[ -~]{0,40}") {
        if let Some(at) = retry_after(&value, NOW) {
            prop_assert!(at >= NOW);
        }
    }
}

#[test]
fn the_rows_of_the_corpus_keep_the_rules_as_well() {
    for row in corpus() {
        check(classify(&row.error, NOW)).expect(&row.note);
    }
}

#[test]
fn a_wait_of_any_length_is_a_time() {
    let check = |value: &str, expected: Option<u64>| {
        let at = retry_after(value, NOW).map(|at| at.0 - NOW.0);
        assert_eq!(at, expected, "{value:?}");
    };
    check("0", Some(0));
    check(" 120 ", Some(120_000));
    check("99999999999999999999999", Some(u64::MAX - NOW.0));
    check("-1", None);
    check("1.5", None);
    check("", None);
    check("Thu, 01 Jan 2026 01:00:00 GMT", Some(3_600_000));
    check("Thu, 01 Jan 2026 01:00:00 CET", None);
    check("Thu, 41 Jan 2026 01:00:00 GMT", None);
    check("Sat, 29 Feb 2028 00:00:00 GMT", Some(68_169_600_000));
    check("Sun, 06 Nov 1994 08:49:37 GMT", Some(0));
    check("Sunday, 06-Nov-94 08:49:37 GMT", Some(0));
    check("Sun Nov  6 08:49:37 1994", Some(0));
}

#[test]
fn a_failures_class_counts_and_its_text_only_without_one() {
    let found = |class, message: &str| {
        let failure = Failure::new(class, FailureKind::Other, message);
        let found = classify_failure(&failure);
        (found.class, found.confidence)
    };
    let (low, high) = (Confidence::Low, Confidence::High);
    let denied = "permission denied";
    assert_eq!(
        found(ErrorClass::Transient, denied),
        (ErrorClass::Transient, high)
    );
    assert_eq!(
        found(ErrorClass::Internal, denied),
        (ErrorClass::Unauthorized, low)
    );
    assert_eq!(
        found(ErrorClass::Internal, "timed out"),
        (ErrorClass::Internal, low)
    );
}
