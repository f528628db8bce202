//! What several tests share.

use std::{path::Path, sync::Arc};

use core_types::{
    BranchName, CommitId, GitProvider, NewIssue, NewPullRequest, OperationId, RepositoryName,
};
use forges::{Error, Forge, LocalForge, LocalForgeOptions};
use testkit::FixedClock;

pub(crate) fn open(dir: &Path) -> LocalForge {
    try_open(dir, journal::Options::default()).expect("the forge opens")
}

pub(crate) fn try_open(dir: &Path, journal: journal::Options) -> Result<LocalForge, Error> {
    let options = LocalForgeOptions {
        journal,
        author: "tester".to_owned(),
    };
    LocalForge::open(dir, options, Arc::new(FixedClock::default()))
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
