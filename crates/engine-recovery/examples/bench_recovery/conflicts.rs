//! Conflicts, with agents that settle them well, badly and not at all.

use std::sync::Arc;

use core_types::{Agent, RecoveryOutcome, RecoveryRequest};

use crate::{
    Tally,
    conflict_cases::CASES,
    conflict_corpus::{Case, Corpus, Expected},
    conflict_fixers::{self as fixers, Fixer, WRONG},
    whole,
};

#[derive(Debug, Default)]
pub(crate) struct Conflicts {
    pub(crate) fixable: Tally,
    pub(crate) wrong: Tally,
    pub(crate) reports: Tally,
}

pub(crate) async fn tally() -> Conflicts {
    let mut conflicts = Conflicts::default();
    let all: Vec<&Case> = CASES.iter().collect();
    let corpus = Corpus::new(&all).await;
    for case in &all {
        let honest = Arc::new(Fixer::new("honest", fixers::honest));
        let (outcome, n_reports) = recover(&corpus, case, honest).await;
        let is_repaired = matches!(outcome, RecoveryOutcome::Repaired { .. });
        match case.expected {
            Expected::Repaired | Expected::Hard => {
                let why = format!("{} is not repaired: {outcome:?}", case.name);
                conflicts.fixable.take(is_repaired, why);
            }
            Expected::Person(_) => {
                let why = format!("{} should go to a person: {outcome:?}", case.name);
                conflicts.wrong.take(!is_repaired, why);
            }
        }
        conflicts.report(case.name, is_repaired, n_reports);
    }
    // Each wrong way of settling on a few of the cases, in a repository that remembers no right one.
    let corpus = Corpus::new(&all).await;
    let fixable = all
        .iter()
        .filter(|case| case.expected == Expected::Repaired);
    for case in fixable.step_by(8) {
        for (name, fix) in WRONG {
            let agent = Arc::new(Fixer::new(name, *fix));
            let (outcome, n_reports) = recover(&corpus, case, agent).await;
            let is_repaired = matches!(outcome, RecoveryOutcome::Repaired { .. });
            let why = format!("{name} on {} is accepted", case.name);
            conflicts.wrong.take(!is_repaired, why);
            conflicts.report(case.name, is_repaired, n_reports);
        }
    }
    conflicts
}

impl Conflicts {
    fn report(&mut self, name: &str, is_repaired: bool, n_reports: usize) {
        if !is_repaired {
            let why = format!("{name} has {n_reports} reports");
            self.reports.take(n_reports == 1, why);
        }
    }
}

async fn recover(corpus: &Corpus, case: &Case, agent: Arc<dyn Agent>) -> (RecoveryOutcome, usize) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let request = RecoveryRequest {
        reports: folder.path().join("reports"),
        scratch: folder.path().join("scratch"),
        ..corpus.request(case)
    };
    whole::recover(corpus.repository.clone(), agent, &request).await
}
