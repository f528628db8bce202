use super::{Counter, Family, OTHER};
use crate::metrics::catalogue::{API_CALLS, CACHE_HITS, ERRORS, Kind, Spec, WORKFLOW_EXECUTIONS};

fn family(spec: &'static Spec, max_series: usize) -> (Family<Counter>, Counter) {
    assert_eq!(spec.kind, Kind::Counter);
    let overflow = Counter::default();
    let family = Family::new(spec, max_series, overflow.clone(), Counter::default);
    (family, overflow)
}

/// The labels' values and the count of each series that counts something.
fn counted(family: &Family<Counter>) -> Vec<(Vec<String>, u64)> {
    let mut counted = Vec::new();
    let all: Result<(), ()> = family.each(|row| {
        if row.cell.get() > 0 {
            let values = row.labels.iter().map(|(_, value)| value.to_string());
            counted.push((values.collect(), row.cell.get()));
        }
        Ok(())
    });
    assert_eq!(all, Ok(()));
    counted
}

fn n_series(family: &Family<Counter>) -> usize {
    let mut n = 0;
    let all: Result<(), ()> = family.each(|_| {
        n += 1;
        Ok(())
    });
    assert_eq!(all, Ok(()));
    n
}

#[test]
fn what_can_be_enumerated_is_there_from_the_start() {
    assert_eq!(n_series(&family(&WORKFLOW_EXECUTIONS, 100).0), 5 * 2);
    assert_eq!(n_series(&family(&ERRORS, 100).0), 14 * 5);
    assert_eq!(
        n_series(&family(&CACHE_HITS, 100).0),
        0,
        "nobody knows which caches there are"
    );
}

#[test]
fn the_bound_counts_what_is_there_from_the_start() {
    let (from_start, of_a_stage) = (14 * 5, 14);
    let (full, overflow) = family(&ERRORS, from_start);
    full.with(&["timeout", "of my own"], Counter::inc);
    assert_eq!(counted(&full)[0].0, ["timeout", OTHER]);
    assert_eq!(
        (n_series(&full), overflow.get()),
        (from_start + of_a_stage, 1)
    );

    let (roomy, overflow) = family(&ERRORS, from_start + 1);
    roomy.with(&["timeout", "of my own"], Counter::inc);
    assert_eq!(counted(&roomy)[0].0, ["timeout", "of my own"]);
    roomy.with(&["timeout", "another"], Counter::inc);
    let most = from_start + 2 * of_a_stage;
    assert_eq!((n_series(&roomy), overflow.get()), (most, 1));
}

#[test]
fn a_success_brings_the_failure_that_has_not_happened() {
    let (calls, overflow) = family(&API_CALLS, 100);
    calls.with(&["gitea", "create_issue", "success"], Counter::inc);
    assert_eq!(n_series(&calls), 2);
    assert_eq!(overflow.get(), 0);
}

#[test]
fn a_closed_label_takes_no_other_values() {
    let (calls, overflow) = family(&API_CALLS, 100);
    calls.with(&["gitea", "create_issue", "teapot"], Counter::inc);
    let expected = vec![
        "gitea".to_owned(),
        "create_issue".to_owned(),
        OTHER.to_owned(),
    ];
    assert_eq!(counted(&calls), [(expected, 1)]);
    assert_eq!(overflow.get(), 1);
}

#[test]
fn a_label_is_full_with_its_last_value() {
    let (hits, overflow) = family(&CACHE_HITS, 1000);
    let values: Vec<String> = (0..60).map(|i| format!("cache-{i}")).collect();
    for _ in 0..2 {
        for value in &values {
            hits.with(&[value], Counter::inc);
        }
    }
    assert_eq!(n_series(&hits), 50 + 1);
    assert_eq!(
        overflow.get(),
        2 * 10,
        "each of the ten that came late, each time"
    );
    assert!(counted(&hits).contains(&(vec![OTHER.to_owned()], 20)));
}

#[test]
fn a_family_is_full_with_its_last_series_and_keeps_what_it_has() {
    let (calls, overflow) = family(&API_CALLS, 4);
    for method in ["a", "b", "c", "d", "a"] {
        calls.with(&["gitea", method, "success"], Counter::inc);
    }
    let values = |method: &str, provider: &str| {
        vec![provider.to_owned(), method.to_owned(), "success".to_owned()]
    };
    let expected = [
        (values("a", "gitea"), 2),
        (values("b", "gitea"), 1),
        (values(OTHER, OTHER), 2),
    ];
    assert_eq!(counted(&calls), expected);
    assert_eq!(overflow.get(), 2);
}

#[test]
fn what_may_not_stand_in_a_label_is_other() {
    let (hits, overflow) = family(&CACHE_HITS, 100);
    let long = "x".repeat(129);
    for value in ["", "a\nb", "\u{1b}[31m", "\u{202e}gpj", &long] {
        hits.with(&[value], Counter::inc);
    }
    hits.with(&["\"quotes\" \\ and ünïcode"], Counter::inc);
    assert_eq!(overflow.get(), 5);
    assert_eq!(n_series(&hits), 2);
}

#[test]
fn threads_agree_on_a_series() {
    let (calls, _) = family(&API_CALLS, 100);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for i in 0..1000 {
                    let method = format!("method-{}", i % 70);
                    calls.with(&["gitea", &method, "success"], Counter::inc);
                }
            });
        }
    });
    let sum: u64 = counted(&calls).iter().map(|(_, n)| n).sum();
    assert_eq!(sum, 8000, "no update is lost");
}
