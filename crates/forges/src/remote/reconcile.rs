//! What an operation has left, looked for until it is found or certainly not there.

use std::time::Duration;

use core_types::{ErrorClass, IssueNumber, Operated, OperationId, PullRequestState, Timestamp};
use tokio::time::{Instant, sleep};

use super::{
    RemoteRepository,
    marks::{Mark, Marked},
    state::Place,
};
use crate::Error;

/// So often a trace is looked for before it counts as missing, where it may still come.
const LOOKS: u32 = 3;
/// How much earlier than the newest change the next search begins, beside [`Options::settle`](super::Options::settle):
/// times of a forge are whole seconds.
const OVERLAP: Duration = Duration::from_secs(2);

/// Leave to send a mutation, or what it has left before.
pub(super) enum Turn<'a> {
    Ours(tokio::sync::MutexGuard<'a, ()>),
    Done(Operated),
}

impl RemoteRepository {
    /// What stands at a place now; `None` for a merge that did not happen.
    pub(super) async fn read(&self, place: &Place) -> Result<Option<Operated>, Error> {
        Ok(match place {
            Place::Issue(number) => {
                let raw = self.raw_issue(*number).await?;
                Some(Operated::Issue(self.issue(raw).await?))
            }
            Place::Comment(id) => {
                let raw = self.account.dialect.comment(self.at(), *id).await?;
                let raw = raw.ok_or(Error::NoComment { id: *id })?;
                Some(Operated::Comment(self.comment(raw).await?))
            }
            Place::PullRequest(number) => {
                let raw = self.raw_pull_request(*number).await?;
                Some(Operated::PullRequest(self.pull_request(raw).await?))
            }
            Place::Merge(number, commit) => {
                let raw = self.raw_pull_request(*number).await?;
                let is_merged = raw.state == PullRequestState::Merged && raw.head_commit == *commit;
                match is_merged {
                    true => Some(Operated::PullRequest(self.pull_request(raw).await?)),
                    false => None,
                }
            }
        })
    }

    /// Looks for an operation once.
    pub(super) async fn look(&self, operation: &OperationId) -> Result<Option<Operated>, Error> {
        let known = self.state().place(operation).cloned();
        let place = match known {
            Some(place) => Some(place),
            None => {
                self.scan().await?;
                self.state().place(operation).cloned()
            }
        };
        match place {
            Some(place) => self.read(&place).await,
            None => Ok(None),
        }
    }

    /// Looks for an operation until it is found, or certainly not there.
    pub(super) async fn find_settled(
        &self,
        operation: &OperationId,
    ) -> Result<Option<Operated>, Error> {
        let settle = self.account.settle;
        for n_looks in 1.. {
            let looked_at = Instant::now();
            if let Some(found) = self.look(operation).await? {
                return Ok(Some(found));
            }
            let sent = self.state().unsettled(operation);
            let trusted = sent.map_or(self.account.made_at, |at| at.max(self.account.made_at));
            let trusted = trusted + settle;
            let was_late_before = looked_at >= trusted && n_looks == 1;
            if was_late_before || (looked_at >= trusted && n_looks > LOOKS) {
                break;
            }
            let wait = if n_looks < LOOKS {
                settle / LOOKS
            } else {
                trusted.saturating_duration_since(Instant::now())
            };
            sleep(wait).await;
        }
        Ok(None)
    }

    /// Reads the marks of all that has changed since the last time.
    pub(super) async fn scan(&self) -> Result<(), Error> {
        let login = self.account.login().await?;
        let dialect = &self.account.dialect;
        let since = self.state().read_until.or(self.account.marks_since);
        let mut changed = dialect.all(self.at(), since).await?;
        changed.sort_by_key(|raw| raw.number);
        for raw in &changed {
            let place = if raw.is_pull_request {
                Place::PullRequest(raw.number)
            } else {
                Place::Issue(raw.number)
            };
            let is_ours = raw.author == login;
            let marked = Marked::parse(&raw.body, raw.number, is_ours);
            self.see(raw.number, &place, &marked, is_ours);
            if raw.n_comments == 0 {
                continue;
            }
            for comment in dialect.comments(self.at(), raw.number).await? {
                let is_ours = comment.author == login;
                let marked = Marked::parse(&comment.body, comment.id, is_ours);
                let place = Place::Comment(comment.id);
                self.see(raw.number, &place, &marked, is_ours);
            }
        }
        if let Some(newest) = changed.iter().map(|raw| raw.updated).max() {
            let overlap = (self.account.settle + OVERLAP).as_millis();
            let overlap = u64::try_from(overlap).unwrap_or(u64::MAX);
            let until = Timestamp(newest.0.saturating_sub(overlap));
            let mut state = self.state();
            state.read_until = state.read_until.max(Some(until));
        }
        Ok(())
    }

    fn see(&self, number: IssueNumber, place: &Place, marked: &Marked, is_ours: bool) {
        let mut state = self.state();
        for mark in &marked.marks {
            let place = match mark {
                Mark::Made(_) | Mark::Changed(_) => place.clone(),
                Mark::Merging(_, commit) => Place::Merge(number, commit.clone()),
            };
            state.see(mark.operation(), place, number, is_ours);
        }
    }

    /// Waits until it is the operation's turn to be sent, unless it has been.
    pub(super) async fn turn(&self, operation: &OperationId) -> Result<Turn<'_>, Error> {
        loop {
            let turn = self.account.turn.lock().await;
            let place = self.state().place(operation).cloned();
            if let Some(place) = place {
                drop(turn);
                if let Some(left) = self.read(&place).await? {
                    return Ok(Turn::Done(left));
                }
                return Ok(Turn::Ours(self.account.turn.lock().await));
            }
            if self.state().unsettled(operation).is_none() {
                return Ok(Turn::Ours(turn));
            }
            drop(turn);
            if let Some(left) = self.find_settled(operation).await? {
                return Ok(Turn::Done(left));
            }
            self.state().forget(operation);
        }
    }

    /// Sends what the operation does, and keeps in mind what its answer says. `changing` is what it changes; `None`
    /// for what makes something.
    pub(super) async fn send<T>(
        &self,
        operation: &OperationId,
        changing: Option<&Place>,
        sending: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        self.state().begin(operation, changing);
        let sent = sending.await;
        if let Err(error) = &sent {
            let mut state = self.state();
            state.forget(operation);
            if error.class() == ErrorClass::UnknownOutcome {
                state.begin(operation, changing);
            }
        }
        sent
    }

    pub(super) fn finish(&self, operation: &OperationId, place: Place, issue: IssueNumber) {
        self.state().finish(operation, place, issue);
    }
}
