//! How many conflicts are repaired, left to a person and rightly refused; for
//! the tests, and for the bench, which takes these files in by `#[path]`.

use engine_recovery::StrategyOutcome;

use crate::{
    conflict_corpus::{Case, Corpus, Expected},
    conflict_fixers::{self as fixers, Fixer, WRONG},
};

/// What was counted.
#[derive(Debug, Default)]
pub(crate) struct Measured {
    /// Cases that an agent can settle.
    pub(crate) n_fixable: usize,
    /// Of those, repaired, with both sides as parents.
    pub(crate) n_repaired: usize,
    /// Those that were not, with what came of them.
    pub(crate) unrepaired: Vec<(&'static str, String)>,
    /// Cases of a person.
    pub(crate) n_people: usize,
    /// Of those, handed over without asking an agent, for the reason that there is.
    pub(crate) n_told: usize,
    /// Wrong resolutions.
    pub(crate) n_wrong: usize,
    /// Of those, refused after the second round, with a reason.
    pub(crate) n_refused: usize,
    /// Those that were not, with what came of them.
    pub(crate) unrefused: Vec<String>,
}

/// Has an honest agent settle every case.
pub(crate) async fn measure_honest(cases: &[&'static Case]) -> Measured {
    let corpus = Corpus::new(cases).await;
    let mut measured = Measured::default();
    for case in cases {
        let agent = Fixer::new("honest", fixers::honest);
        let outcome = corpus.recover(case, &agent).await;
        let (ours, theirs) = corpus.sides(case);
        let is_merge = match &outcome {
            StrategyOutcome::Repaired { commit } => {
                corpus.parents(commit).await == format!("{ours} {theirs}")
            }
            _ => false,
        };
        match case.expected {
            Expected::Repaired | Expected::Hard => {
                measured.n_fixable += 1;
                if is_merge && agent.asked() <= 2 {
                    measured.n_repaired += 1;
                } else {
                    measured
                        .unrepaired
                        .push((case.name, format!("{outcome:?}")));
                }
            }
            Expected::Person(why) => {
                measured.n_people += 1;
                let is_told = matches!(&outcome, StrategyOutcome::Failed { reason, .. }
                    if reason.starts_with("a person must decide") && reason.contains(why));
                if is_told && agent.asked() == 0 {
                    measured.n_told += 1;
                } else {
                    measured
                        .unrepaired
                        .push((case.name, format!("{outcome:?}")));
                }
            }
        }
    }
    measured
}

/// Has every wrong agent settle every case.
pub(crate) async fn measure_wrong(cases: &[&'static Case]) -> Measured {
    let corpus = Corpus::new(cases).await;
    let mut measured = Measured::default();
    for case in cases {
        for (name, fix) in WRONG {
            let agent = Fixer::new(name, *fix);
            let outcome = corpus.recover(case, &agent).await;
            let is_refused = match &outcome {
                StrategyOutcome::Refused { reason, evidence } => {
                    !reason.is_empty() && !evidence.is_empty()
                }
                StrategyOutcome::Failed { reason, tried } => !reason.is_empty() && tried.len() == 2,
                _ => false,
            };
            measured.n_wrong += 1;
            // A second chance, and no third.
            if is_refused && agent.asked() == 2 {
                measured.n_refused += 1;
            } else {
                let seen = format!("{name}, {:?}: {outcome:?}", case.name);
                measured.unrefused.push(seen);
            }
        }
    }
    measured
}
