//! What several tests share.

use std::{path::Path, sync::Arc};

use core_types::{
    BranchName, Clock, CommitId, GitProvider, NewIssue, NewPullRequest, OperationId,
    RepositoryName, Timestamp,
};
use forges::{Error, Forge, LocalForge, LocalForgeOptions};

/// A clock that stands still, so that two runs can be compared.
#[derive(Debug)]
pub(crate) struct StandingClock;

impl Clock for StandingClock {
    fn now(&self) -> Timestamp {
        Timestamp(1_700_000_000_000)
    }
}

pub(crate) fn open(dir: &Path) -> LocalForge {
    try_open(dir, journal::Options::default()).expect("the forge opens")
}

pub(crate) fn try_open(dir: &Path, journal: journal::Options) -> Result<LocalForge, Error> {
    let options = LocalForgeOptions {
        journal,
        author: "tester".to_owned(),
    };
    LocalForge::open(dir, options, Arc::new(StandingClock))
}

pub(crate) fn repository(forge: &LocalForge, name: &str) -> Arc<dyn GitProvider> {
    forge.provider(&RepositoryName::new(name).expect("valid"))
}

pub(crate) fn operation(name: impl AsRef<str>) -> OperationId {
    OperationId::new(name).expect("valid")
}

pub(crate) fn new_issue(title: &str) -> NewIssue {
    NewIssue {
        title: title.to_owned(),
        ..NewIssue::default()
    }
}

pub(crate) fn new_pull_request(head: &str) -> NewPullRequest {
    NewPullRequest {
        title: "A change".to_owned(),
        body: String::new(),
        head: BranchName::new(head).expect("valid"),
        base: BranchName::new("main").expect("valid"),
        head_commit: CommitId::new("a".repeat(40)).expect("valid"),
    }
}
