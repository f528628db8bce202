use std::collections::BTreeSet;

use core_types::{Event, Timestamp};

use super::{Ends, Sample, course::name, hero_plan};
use crate::metrics::catalogue::{RECOVERY_OUTCOMES, STRATEGIES};

#[test]
fn words_are_those_of_the_engine() {
    let mut plan = hero_plan();
    plan[1].failures = 1;
    plan[4].is_hopeless = true;
    let made = Sample {
        run: name("1-words"),
        title: "Words".to_owned(),
        plan,
        waits: Vec::new(),
        max_workers: 4,
        limit: None,
        from: Timestamp(0),
        until: Timestamp(u64::MAX / 2),
        ends: Ends::Whole,
    }
    .make();
    let (mut arms, mut strategies, mut outcomes) =
        (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for record in &made.events {
        match &record.event {
            Event::LessonsServed { arm, .. } => _ = arms.insert(arm.as_str()),
            Event::RecoveryStarted { strategy, .. } => _ = strategies.insert(strategy.as_str()),
            Event::RecoveryEnded { outcome, .. } => _ = outcomes.insert(outcome.as_str()),
            _ => {}
        }
    }
    // As learning::Arm::as_str has them; that crate stands beside this one.
    assert_eq!(arms, BTreeSet::from(["served", "trial"]));
    assert_eq!(
        strategies,
        BTreeSet::from(["manual_intervention", "test_fix"])
    );
    assert!(
        strategies.iter().all(|it| STRATEGIES.contains(it)),
        "strategies are those of the catalogue"
    );
    assert!(
        outcomes.iter().all(|it| RECOVERY_OUTCOMES.contains(it)),
        "outcomes are those of the catalogue: {outcomes:?}"
    );
}
