//! The port's contract, and what is sent and answered.

use std::{cell::Cell, time::Duration};

use forges::remote::Kind;
use testkit::{forge::Faults, git_provider::conformance_of};

use super::{
    add, assert_as_described, assert_no_duplicates, contract, open, patient, simulate, subject,
};

on_each! {
    it_conforms_and_speaks_as_described
    it_conforms_with_faults
    it_conforms_with_faults_of_many_seeds
}

async fn it_conforms_and_speaks_as_described(kind: Kind) {
    let folder = tempfile::tempdir().expect("it works in a test");
    let simulated = simulate(kind, folder.path()).await;
    let n_repositories = Cell::new(0);
    conformance_of(async || {
        n_repositories.set(n_repositories.get() + 1);
        let name = format!("r{}", n_repositories.get());
        add(&simulated, &name);
        let provider = open(kind, &simulated, &name, Duration::from_millis(30));
        subject(&simulated, &name, provider)
    })
    .await;
    let n_calls = assert_as_described(&simulated, contract(kind).as_ref());
    assert!(n_calls > 150, "{n_calls} calls");
}

async fn it_conforms_with_faults(kind: Kind) {
    Box::pin(conformance_with_faults(kind, 0..3)).await;
}

async fn conformance_with_faults(kind: Kind, seeds: std::ops::Range<u64>) {
    let contract = contract(kind);
    for seed in seeds {
        let folder = tempfile::tempdir().expect("it works in a test");
        let simulated = simulate(kind, folder.path()).await;
        let faults = Faults {
            refused: 0.05,
            down_before: 0.05,
            down_after: 0.05,
            lost: 0.05,
            lag: Duration::from_millis(8),
            late: 0.5,
            // A push counts at once to the suite.
            slow_heads: 0.0,
            busy: 0.3,
        };
        simulated.set_faults(faults, seed);
        let n_repositories = Cell::new(0);
        conformance_of(async || {
            n_repositories.set(n_repositories.get() + 1);
            let name = format!("r{}", n_repositories.get());
            add(&simulated, &name);
            let provider = patient(open(kind, &simulated, &name, Duration::from_millis(24)));
            subject(&simulated, &name, provider)
        })
        .await;
        for number in 1..=n_repositories.get() {
            assert_no_duplicates(&simulated, &format!("r{number}"), seed);
        }
        assert_as_described(&simulated, contract.as_ref());
    }
}

/// Set `RUN_SLOW=1`: some minutes each.
async fn it_conforms_with_faults_of_many_seeds(kind: Kind) {
    if std::env::var_os("RUN_SLOW").is_some() {
        Box::pin(conformance_with_faults(kind, 1000..1120)).await;
    }
}
