//! What this process knows of a repository's operations.

use std::collections::HashMap;

use core_types::{CommitId, IssueNumber, OperationId, Timestamp};
use tokio::time::Instant;

use super::dialect::RawComment;

/// What an operation left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    Issue(IssueNumber),
    PullRequest(IssueNumber),
    Comment(u64),
    /// This pull request, if it was merged at this commit.
    Merge(IssueNumber, CommitId),
}

#[derive(Debug, Default)]
pub(super) struct State {
    places: HashMap<OperationId, Place>,
    /// What was sent and has no answer: when, and what it was to change; `None` for what makes something.
    unsettled: HashMap<OperationId, (Instant, Option<Place>)>,
    /// What was written here, and when: lists may not show it yet.
    issues: HashMap<IssueNumber, Instant>,
    pull_requests: HashMap<IssueNumber, Instant>,
    /// With the issue, where it is known.
    comments: HashMap<u64, (Option<IssueNumber>, Instant)>,
    /// Comments as they were when they were read or written last, and when that was.
    known: HashMap<u64, (RawComment, Instant)>,
    /// All changes up to this time of the forge have been looked at for marks.
    pub(super) read_until: Option<Timestamp>,
}

impl State {
    pub(super) fn place(&self, operation: &OperationId) -> Option<&Place> {
        self.places.get(operation)
    }

    /// When this operation was sent without an answer so far.
    pub(super) fn unsettled(&self, operation: &OperationId) -> Option<Instant> {
        self.unsettled.get(operation).map(|(at, _)| *at)
    }

    /// It is about to be sent, to change this.
    pub(super) fn begin(&mut self, operation: &OperationId, changing: Option<&Place>) {
        let begun = (Instant::now(), changing.cloned());
        self.unsettled.insert(operation.clone(), begun);
    }

    /// It has not acted, or its trace was looked for in vain.
    pub(super) fn forget(&mut self, operation: &OperationId) {
        self.unsettled.remove(operation);
    }

    /// It has acted, by the word of the forge; written just now.
    pub(super) fn finish(&mut self, operation: &OperationId, place: Place, issue: IssueNumber) {
        self.write(&place, issue);
        self.unsettled.remove(operation);
        self.places.insert(operation.clone(), place);
    }

    fn write(&mut self, place: &Place, issue: IssueNumber) {
        let now = Instant::now();
        match place {
            Place::Issue(number) => {
                self.issues.insert(*number, now);
            }
            Place::PullRequest(number) | Place::Merge(number, _) => {
                self.pull_requests.insert(*number, now);
            }
            Place::Comment(id) => {
                self.comments.insert(*id, (Some(issue), now));
            }
        }
    }

    /// A change that was sent without an answer has acted: its mark was read.
    pub(super) fn found_change(&mut self, operation: &OperationId, place: &Place) {
        match place {
            Place::Comment(id) => self.change_comment(operation, *id),
            Place::Issue(number) | Place::PullRequest(number) | Place::Merge(number, _) => {
                self.finish(operation, place.clone(), *number);
            }
        }
    }

    /// It has changed a comment, of which only the id is known.
    pub(super) fn change_comment(&mut self, operation: &OperationId, id: u64) {
        let now = Instant::now();
        self.comments.entry(id).or_insert((None, now)).1 = now;
        self.unsettled.remove(operation);
        self.places.insert(operation.clone(), Place::Comment(id));
    }

    /// Its mark was read. The earliest counts, should somebody have copied it. In a text of somebody else, who may
    /// write there what he likes, only what was sent to change that very text is looked for.
    pub(super) fn see(
        &mut self,
        operation: &OperationId,
        place: Place,
        issue: IssueNumber,
        is_ours: bool,
    ) {
        let is_awaited = || {
            let begun = self.unsettled.get(operation);
            begun.is_some_and(|(_, changing)| changing.as_ref() == Some(&place))
        };
        if !is_ours && !is_awaited() {
            return;
        }
        if self.unsettled.contains_key(operation) {
            self.write(&place, issue);
        }
        // A mark of an intended merge tells nothing of the merge itself.
        if !matches!(place, Place::Merge(..)) {
            self.unsettled.remove(operation);
        }
        self.places.entry(operation.clone()).or_insert(place);
    }

    /// What was written since then and a list may not show yet; the rest is forgotten.
    pub(super) fn recent_issues(&mut self, since: Instant) -> Vec<IssueNumber> {
        self.issues.retain(|_, at| *at >= since);
        self.issues.keys().copied().collect()
    }

    pub(super) fn recent_pull_requests(&mut self, since: Instant) -> Vec<IssueNumber> {
        self.pull_requests.retain(|_, at| *at >= since);
        self.pull_requests.keys().copied().collect()
    }

    /// A comment was read or written just now.
    pub(super) fn know(&mut self, raw: &RawComment) {
        self.known.insert(raw.id, (raw.clone(), Instant::now()));
    }

    /// A comment as it was last, if that was since then.
    pub(super) fn known(&mut self, id: u64, since: Instant) -> Option<RawComment> {
        self.known.retain(|_, (_, at)| *at >= since);
        self.known.get(&id).map(|(raw, _)| raw.clone())
    }

    /// A comment may be another one now, or gone.
    pub(super) fn forget_comment(&mut self, id: u64) {
        self.known.remove(&id);
    }

    /// A comment is gone.
    pub(super) fn lose_comment(&mut self, id: u64) {
        self.known.remove(&id);
        self.comments.remove(&id);
    }

    /// Those of an issue, and those of which nobody knows the issue; whether it is known.
    pub(super) fn recent_comments(&mut self, of: IssueNumber, since: Instant) -> Vec<(u64, bool)> {
        self.comments.retain(|_, (_, at)| *at >= since);
        let recent = self
            .comments
            .iter()
            .filter(|(_, (issue, _))| issue.is_none_or(|it| it == of));
        recent
            .map(|(id, (issue, _))| (*id, issue.is_some()))
            .collect()
    }
}
