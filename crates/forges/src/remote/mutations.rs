//! Each mutation: what it needs, whether it is done already, what it sends.

use core_types::{
    Comment, CommitId, ErrorClass, Issue, IssueChange, IssueNumber, IssueState, NewComment,
    NewIssue, NewPullRequest, Operated, OperationId, PullRequest, PullRequestChange,
    PullRequestState,
};

use tokio::time::sleep;

use super::{
    RemoteRepository,
    dialect::{Edit, MergeStyle, RawComment, RawPullRequest},
    forge::Account,
    marks::{self, Mark, Marked},
    reconcile::Turn,
    state::Place,
};
use crate::{
    Error,
    texts::{as_comment, as_issue, as_pull_request, check_comment, check_labels, check_title},
};

/// So often a pull request is looked at, spread over [`Options::settle`](super::Options::settle), before it counts
/// as one that does not notice a push.
const NOTICES: u32 = 20;

impl RemoteRepository {
    pub(super) async fn do_create_issue(
        &self,
        operation: &OperationId,
        new: NewIssue,
    ) -> Result<Issue, Error> {
        check_title(&new.title)?;
        let labels = check_labels(new.labels)?;
        let _turn = match self.turn(operation).await? {
            Turn::Ours(turn) => turn,
            Turn::Done(left) => return kept(left, as_issue, operation),
        };
        let body = marks::made(&new.body, operation);
        let dialect = &self.account.dialect;
        let sending = dialect.create_issue(self.at(), &new.title, &body, &labels);
        let raw = self.send(operation, None, sending).await?;
        self.finish(operation, Place::Issue(raw.number), raw.number);
        self.issue(raw).await
    }

    pub(super) async fn do_update_issue(
        &self,
        operation: &OperationId,
        number: IssueNumber,
        change: IssueChange,
    ) -> Result<Issue, Error> {
        change.title.as_deref().map(check_title).transpose()?;
        let labels = change.labels.map(check_labels).transpose()?;
        let _turn = self.account.turn.lock().await;
        let raw = self.raw_issue(number).await?;
        let is_ours = raw.author == self.account.login().await?;
        let marked = Marked::parse(&raw.body, number, is_ours);
        let place = Place::Issue(number);
        if self.is_done(operation, &marked, &place)? {
            return self.issue(raw).await;
        }
        let dialect = &self.account.dialect;
        if let Some(labels) = labels {
            let add: Vec<_> = missing(&labels, &raw.labels);
            let remove: Vec<_> = missing(&raw.labels, &labels);
            dialect
                .change_labels(self.at(), number, &add, &remove)
                .await?;
        }
        let text = change.body.as_deref().unwrap_or(&marked.text);
        let body = marked.with(text, Mark::Changed(operation.clone()), number);
        let edit = Edit {
            title: change.title.as_deref(),
            body: Some(&body),
            is_open: change.state.map(|state| state == IssueState::Open),
        };
        let sending = dialect.edit_issue(self.at(), number, &edit);
        let raw = self.send(operation, Some(&place), sending).await?;
        self.finish(operation, place, number);
        self.issue(raw).await
    }

    pub(super) async fn do_create_comment(
        &self,
        operation: &OperationId,
        new: NewComment,
    ) -> Result<Comment, Error> {
        check_comment(&new.body)?;
        let _turn = match self.turn(operation).await? {
            Turn::Ours(turn) => turn,
            Turn::Done(left) => return kept(left, as_comment, operation),
        };
        let body = marks::made(&new.body, operation);
        let dialect = &self.account.dialect;
        let sending = async {
            let made = dialect.create_comment(self.at(), new.issue, &body).await;
            match made {
                Ok(raw) => Ok(raw),
                Err(error) => Err(self.unless_missing(error, new.issue).await),
            }
        };
        let raw = self.send(operation, None, sending).await?;
        self.finish(operation, Place::Comment(raw.id), new.issue);
        self.state().know(&raw);
        self.comment(raw).await
    }

    pub(super) async fn do_update_comment(
        &self,
        operation: &OperationId,
        id: u64,
        body: &str,
    ) -> Result<Comment, Error> {
        check_comment(body)?;
        let _turn = self.account.turn.lock().await;
        let dialect = &self.account.dialect;
        let login = self.account.login().await?;
        let is_new = self.state().unsettled(operation).is_none();
        let known = self.known_comment(id);
        let raw = match known.filter(|it| is_new && it.author == login) {
            Some(raw) => raw,
            None => {
                let raw = dialect.comment(self.at(), id).await?;
                raw.ok_or(Error::NoComment { id })?
            }
        };
        let is_ours = raw.author == login;
        let marked = Marked::parse(&raw.body, id, is_ours);
        let place = Place::Comment(id);
        if self.is_done(operation, &marked, &place)? {
            return self.comment(raw).await;
        }
        let body = marked.with(body, Mark::Changed(operation.clone()), id);
        let sending = dialect.edit_comment(self.at(), id, &body);
        let raw = match self.send(operation, Some(&place), sending).await {
            Ok(raw) => raw,
            Err(error) => {
                self.state().forget_comment(id);
                return Err(match error.class() {
                    ErrorClass::NotFound => Error::NoComment { id },
                    _ => error,
                });
            }
        };
        self.state().change_comment(operation, id);
        self.state().know(&raw);
        self.comment(raw).await
    }

    pub(super) async fn do_create_pull_request(
        &self,
        operation: &OperationId,
        new: NewPullRequest,
    ) -> Result<PullRequest, Error> {
        check_title(&new.title)?;
        if new.head == new.base {
            return Err(Error::SameBranch { branch: new.head });
        }
        let _turn = match self.turn(operation).await? {
            Turn::Ours(turn) => turn,
            Turn::Done(left) => return kept(left, as_pull_request, operation),
        };
        let body = marks::made(&new.body, operation);
        let dialect = &self.account.dialect;
        let branches = (&new.head, &new.base);
        // An issue's title is ours then.
        let title = ready(&new.title, dialect.draft_words());
        let sending = dialect.create_pull_request(self.at(), title, &body, branches);
        let raw = match self.send(operation, None, sending).await {
            Err(error) if error.class() == ErrorClass::Conflict => {
                let open = match &error {
                    // Its lists may be late.
                    Error::AlreadyOpen { number, .. } => {
                        Some(self.raw_pull_request(*number).await?)
                    }
                    _ => {
                        let open = dialect.open_pull_request(self.at(), &new.head, &new.base);
                        open.await?
                    }
                };
                let Some(open) = open else {
                    return Err(error);
                };
                // A process before this one may have opened it under this very id.
                if !self.marked(&open).await?.holds(operation) {
                    return Err(Error::AlreadyOpen {
                        number: open.number,
                        head: new.head,
                        base: new.base,
                    });
                }
                open
            }
            sent => sent?,
        };
        self.finish(operation, Place::PullRequest(raw.number), raw.number);
        self.pull_request(raw).await
    }

    pub(super) async fn do_update_pull_request(
        &self,
        operation: &OperationId,
        number: IssueNumber,
        change: PullRequestChange,
    ) -> Result<PullRequest, Error> {
        change.title.as_deref().map(check_title).transpose()?;
        let _turn = self.account.turn.lock().await;
        let raw = self.noticed(number, change.head_commit.as_ref()).await?;
        let marked = self.marked(&raw).await?;
        let place = Place::PullRequest(number);
        if self.is_done(operation, &marked, &place)? {
            return self.pull_request(raw).await;
        }
        if let Some(head) = change.head_commit
            && head != raw.head_commit
        {
            return Err(Error::HeadMoved {
                number,
                expected: head,
                found: raw.head_commit,
            });
        }
        let is_open = match change.state {
            None => None,
            Some(PullRequestState::Merged) => {
                let merged = match raw.state {
                    PullRequestState::Merged => Ok(()),
                    _ => self.merge(&raw, &raw.head_commit).await.map(drop),
                };
                match merged {
                    Ok(()) => None,
                    // What is in its base has landed, whatever the forge lets us call it.
                    Err(Error::HeldByBase { .. }) => Some(false),
                    Err(error) => return Err(error),
                }
            }
            Some(_) if raw.state == PullRequestState::Merged => {
                return Err(Error::WasMerged { number });
            }
            Some(state) => Some(state == PullRequestState::Open),
        };
        let text = change.body.as_deref().unwrap_or(&marked.text);
        let body = marked.with(text, Mark::Changed(operation.clone()), number);
        let edit = Edit {
            title: change.title.as_deref(),
            body: Some(&body),
            is_open,
        };
        let sending = self
            .account
            .dialect
            .edit_pull_request(self.at(), number, &edit);
        let raw = self.send(operation, Some(&place), sending).await?;
        self.finish(operation, place, number);
        self.pull_request(raw).await
    }

    pub(super) async fn do_merge_pull_request(
        &self,
        operation: &OperationId,
        number: IssueNumber,
        head: &CommitId,
    ) -> Result<PullRequest, Error> {
        let _turn = self.account.turn.lock().await;
        let raw = self.noticed(number, Some(head)).await?;
        if raw.head_commit != *head {
            return Err(Error::HeadMoved {
                number,
                expected: head.clone(),
                found: raw.head_commit,
            });
        }
        let place = Place::Merge(number, head.clone());
        let raw = match raw.state {
            PullRequestState::Closed => return Err(Error::ClosedUnmerged { number }),
            PullRequestState::Merged => raw,
            PullRequestState::Open => {
                let marked = self.marked(&raw).await?;
                if !self.is_done(operation, &marked, &place)? {
                    let mark = Mark::Merging(operation.clone(), head.clone());
                    let body = marked.with(&marked.text, mark, number);
                    let edit = Edit {
                        body: Some(&body),
                        ..Edit::default()
                    };
                    let dialect = &self.account.dialect;
                    dialect.edit_pull_request(self.at(), number, &edit).await?;
                }
                self.send(operation, Some(&place), self.merge(&raw, head))
                    .await?
            }
        };
        self.finish(operation, place, number);
        self.pull_request(raw).await
    }

    /// A comment as it was read or written here lately, where reads are saved.
    pub(super) fn known_comment(&self, id: u64) -> Option<RawComment> {
        let since = self.since_settled();
        let known = self.state().known(id, since);
        known.filter(|_| self.account.client.saves_reads())
    }

    /// Whether a change of what stands here was made already.
    pub(super) fn is_done(
        &self,
        operation: &OperationId,
        marked: &Marked,
        here: &Place,
    ) -> Result<bool, Error> {
        let reused = || Error::OperationReused {
            operation: operation.clone(),
        };
        match self.state().place(operation) {
            Some(place) if place == here => return Ok(true),
            Some(_) => return Err(reused()),
            None => {}
        }
        let mark = marked.marks.iter().find(|it| it.operation() == operation);
        match (mark, here) {
            (None, _) => Ok(false),
            (Some(Mark::Merging(..)), Place::Merge(..)) => Ok(true),
            (Some(Mark::Changed(_)), Place::Merge(..)) => Err(reused()),
            (Some(Mark::Changed(_)), _) => {
                let mut state = self.state();
                if state.unsettled(operation).is_some() {
                    state.found_change(operation, here);
                }
                Ok(true)
            }
            (Some(Mark::Made(_) | Mark::Merging(..)), _) => Err(reused()),
        }
    }

    /// A pull request; where its branch is at this head already, once it has noticed that: forges tell
    /// pull requests of a push a moment later.
    async fn noticed(
        &self,
        number: IssueNumber,
        head: Option<&CommitId>,
    ) -> Result<RawPullRequest, Error> {
        let Account {
            dialect, settle, ..
        } = &*self.account;
        let mut raw = self.raw_pull_request(number).await?;
        for _ in 0..NOTICES {
            let is_at_it = head.is_none_or(|head| raw.head_commit == *head);
            if raw.state != PullRequestState::Open
                || is_at_it
                || dialect.branch(self.at(), &raw.head).await?.as_ref() != head
            {
                break;
            }
            sleep(*settle / NOTICES).await;
            raw = self.raw_pull_request(number).await?;
        }
        Ok(raw)
    }

    /// Merges a pull request at this head, or tells why not.
    async fn merge(&self, raw: &RawPullRequest, head: &CommitId) -> Result<RawPullRequest, Error> {
        let dialect = &self.account.dialect;
        let number = raw.number;
        let base = dialect.branch(self.at(), &raw.base).await?;
        let style = if base.as_ref() == Some(head) {
            MergeStyle::Note
        } else {
            MergeStyle::FastForward
        };
        let merging = dialect.merge(self.at(), number, head, style).await;
        // Neither a status nor its words tell why it was refused, nor a lost answer whether it was.
        let now = self.raw_pull_request(number).await;
        let is_merged = |now: &RawPullRequest| {
            now.state == PullRequestState::Merged && now.head_commit == *head
        };
        let now = match (merging, now) {
            (_, Ok(now)) if is_merged(&now) => return Ok(now),
            (Ok(()), now) => {
                let found = now.map_or_else(|error| error.to_string(), |now| format!("{now:?}"));
                return Err(Error::Unclear { number, found });
            }
            (Err(error), Ok(now)) if is_refusal(error.class()) => now,
            // A base that has moved is no reason that it knows: it answers 500. While it has, no
            // fast-forward can come of what was sent.
            (Err(error), Ok(now)) if error.class() == ErrorClass::UnknownOutcome => {
                let is_open = now.state == PullRequestState::Open && now.head_commit == *head;
                if is_open && self.is_behind(head, &now).await? {
                    now
                } else {
                    return Err(error);
                }
            }
            // It said no, and why could not be read: asked again, it can be.
            (Err(error), Err(unread)) if is_refusal(error.class()) => return Err(unread),
            (Err(error), _) => return Err(error),
        };
        if now.head_commit != *head {
            return Err(Error::HeadMoved {
                number,
                expected: head.clone(),
                found: now.head_commit,
            });
        }
        if now.state == PullRequestState::Closed {
            return Err(Error::ClosedUnmerged { number });
        }
        if style == MergeStyle::Note {
            return Err(Error::HeldByBase { number });
        }
        let access = dialect.access(self.at()).await?;
        let (why, class) = if now.is_draft {
            let why =
                "it is a draft: mark it as ready first, or take the word for that off its title";
            (why, ErrorClass::Conflict)
        } else if !access.can_write {
            ("the account may not write here", ErrorClass::Unauthorized)
        } else if !access.allows_fast_forward {
            let why = "the repository's settings do not allow merges by fast-forward alone";
            (why, ErrorClass::Validation)
        } else if self.is_behind(head, &now).await? {
            ("its base has moved", ErrorClass::Conflict)
        } else {
            let why = "checks or approvals are missing, or the forge still looks whether it can be";
            (why, ErrorClass::Transient)
        };
        Err(Error::NotMergeable { number, why, class })
    }

    /// Whether the base of a pull request has commits that this head has not.
    async fn is_behind(&self, head: &CommitId, now: &RawPullRequest) -> Result<bool, Error> {
        let dialect = &self.account.dialect;
        let base = match &now.base_commit {
            Some(base) => Some(base.clone()),
            None => dialect.branch(self.at(), &now.base).await?,
        };
        match base {
            Some(base) => dialect.is_behind(self.at(), head, &base).await,
            None => Ok(false),
        }
    }
}

/// A title without the words at its beginning that would make its pull request a draft; where nothing else is there,
/// without the signs beside the last one.
fn ready<'a>(title: &'a str, words: &[&str]) -> &'a str {
    let mut title = title.trim_start();
    loop {
        let is_first = |word: &&&str| {
            let first = title.get(..word.len());
            first.is_some_and(|it| it.eq_ignore_ascii_case(word))
        };
        let Some(word) = words.iter().find(is_first) else {
            return title;
        };
        let rest = title[word.len()..].trim_start();
        if rest.is_empty() {
            return title.trim_matches(|c: char| !c.is_alphanumeric());
        }
        title = rest;
    }
}

/// Those of the first that the second has not, by whatever letters.
fn missing(of: &[String], in_these: &[String]) -> Vec<String> {
    let has = |label: &&String| {
        let name = label.to_lowercase();
        in_these.iter().any(|it| it.to_lowercase() == name)
    };
    let missing = of.iter().filter(|label| !has(label));
    missing.cloned().collect()
}

fn kept<T>(
    left: Operated,
    pick: fn(Operated) -> Option<T>,
    operation: &OperationId,
) -> Result<T, Error> {
    pick(left).ok_or_else(|| Error::OperationReused {
        operation: operation.clone(),
    })
}

/// Whether a forge has looked at a request and said no.
fn is_refusal(class: ErrorClass) -> bool {
    matches!(
        class,
        ErrorClass::Validation | ErrorClass::Conflict | ErrorClass::NotFound
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_makes_no_draft() {
        let words = ["draft:", "[draft]", "(draft)", "wip:", "[wip]"];
        for (title, expected) in [
            ("Say bar", "Say bar"),
            ("WIP: Say bar", "Say bar"),
            (" wip:[Draft]  Draft: Say WIP: bar", "Say WIP: bar"),
            ("(draft) Ä", "Ä"),
            ("Drafts: read them", "Drafts: read them"),
            ("Ädraft:", "Ädraft:"),
            ("WIP:", "WIP"),
            ("[WIP] [Draft]", "Draft"),
        ] {
            assert_eq!(ready(title, &words), expected, "{title}");
        }
        assert_eq!(ready("WIP: Say bar", &[]), "WIP: Say bar");
    }
}
