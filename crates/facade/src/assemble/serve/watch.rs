//! What was read of a repository's issues, and whether it still stands: one list of what has changed answers for all.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use core_types::{Comment, Issue, IssueNumber, IssueState, PullRequest, RepositoryName, Timestamp};
use forges::remote::{Changed, Reads};
use tokio::time::Instant;

use super::{Follower, asked::Asked, memory::IssueKey, phase::is_same_label};
use crate::assemble::{Error, ForgeRecord};

/// After so many intervals all is read again, should a list ever not have told of something.
const WHOLE: u32 = 60;
/// After so many, whether somebody may ask for a run who might not.
const RIGHTS: u32 = 20;
/// Times of forges are whole seconds.
const OVERLAP: Duration = Duration::from_secs(2);

/// What is known of a repository, without any call.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// When all was read last, and how often.
    whole: Option<Instant>,
    n_wholes: u64,
    /// Whether the last look was one.
    is_whole: bool,
    /// By the forge's clock: what was changed since then may be missing in what was listed.
    since: Timestamp,
    seen: HashMap<IssueNumber, Item>,
    /// Open issues with the label that asks for a run.
    wanted: BTreeMap<IssueNumber, Issue>,
    /// What a reader made of those that ask for none, or for a run that waits for room.
    verdicts: HashMap<IssueNumber, (Stamp, Option<Asked>, Instant)>,
    issues: HashMap<IssueNumber, (Stamp, Vec<Comment>, Issue)>,
    /// With the look in which each was asked for last.
    pull_requests: HashMap<IssueNumber, (Stamp, PullRequest, u64)>,
    n_looks: u64,
    /// Whether somebody has asked for a pull request in this look.
    wants_pull_requests: bool,
}

/// An issue as lists have shown it.
#[derive(Debug)]
struct Item {
    issue: Issue,
    n_comments: u64,
    updated: Timestamp,
    n_changes: u64,
    /// Whether a list of what has changed has shown it.
    is_current: bool,
    /// When what is beside it in other lists is read again, since lists may be late.
    again: Option<Instant>,
}

/// What was read stands as long as this is the same.
pub(super) type Stamp = (u64, u64);

impl Watch {
    /// All is to be read as it is from now on, but what these look like, which ask for a run.
    fn begin(&mut self, now: Instant, since: Timestamp, settle: Duration, wanted: &[Issue]) {
        (self.whole, self.since) = (Some(now), since);
        self.n_wholes += 1;
        self.is_whole = true;
        self.issues.clear();
        self.pull_requests.clear();
        self.verdicts.clear();
        self.seen.clear();
        self.wanted = wanted.iter().map(|it| (it.number, it.clone())).collect();
        for issue in wanted {
            let item = Item {
                issue: issue.clone(),
                n_comments: 0,
                updated: Timestamp(0),
                n_changes: 0,
                is_current: false,
                again: Some(now + settle),
            };
            self.seen.insert(issue.number, item);
        }
    }

    /// A list shows this. What it shows as it was before has not changed.
    fn take(&mut self, changed: Changed, now: Instant, settle: Duration, asking: &str) {
        let Changed {
            issue,
            is_pull_request,
            n_comments,
            updated,
        } = changed;
        let number = issue.number;
        let asks = !is_pull_request && issue.state == IssueState::Open;
        if asks && issue.labels.iter().any(|it| is_same_label(it, asking)) {
            self.wanted.insert(number, issue.clone());
        } else {
            self.wanted.remove(&number);
        }
        let item = Item {
            issue,
            n_comments,
            updated,
            n_changes: 1,
            is_current: true,
            again: Some(now + settle),
        };
        let Some(known) = self.seen.get_mut(&number) else {
            self.seen.insert(number, item);
            return;
        };
        let is_same = known.issue == item.issue && known.n_comments == n_comments;
        if is_same && known.updated == updated {
            return;
        }
        // Where nothing but the time is another one, we have written there ourselves, or somebody has rewritten a
        // comment: that is soon enough read when lists are not late any more.
        let n_changes = known.n_changes + u64::from(!is_same);
        *known = Item { n_changes, ..item };
    }

    fn stamp(&mut self, number: IssueNumber, now: Instant) -> Stamp {
        let Some(item) = self.seen.get_mut(&number) else {
            return (self.n_wholes, 0);
        };
        if item.again.is_some_and(|at| at <= now) {
            item.again = None;
            item.n_changes += 1;
        }
        (self.n_wholes, item.n_changes)
    }
}

impl Follower {
    /// The open issues with the label that asks for a run, and what has changed beside.
    pub(super) async fn wanted_in(&mut self, name: &RepositoryName) -> Result<Vec<Issue>, Error> {
        let asking = self.labels.needs_planning.clone();
        let account = self.account(name)?;
        if account.forge.reads() == Reads::Each {
            return Ok(account.repository.labelled(&asking).await?);
        }
        // Its answer tells the forge's time.
        account.forge.login().await?;
        let (forge, repository) = (account.forge.clone(), account.repository.clone());
        let (now, settle) = (Instant::now(), self.settle_of(name));
        let late = u64::try_from((settle + OVERLAP).as_millis()).unwrap_or(u64::MAX);
        let begun = Timestamp(forge.time().0.saturating_sub(late));
        // What cannot be listed is not known, either.
        let mut watch = self.watches.remove(name).unwrap_or_default();
        let every = self.serve.interval.saturating_mul(WHOLE);
        if watch.whole.is_none_or(|at| at.elapsed() >= every) {
            let wanted = repository.labelled(&asking).await?;
            watch.begin(now, begun, settle, &wanted);
        } else {
            let changed = match std::mem::take(&mut watch.wants_pull_requests) {
                true => {
                    let changed = repository.changed_issues_and_pull_requests(watch.since);
                    changed.await?
                }
                false => repository.changed_issues(watch.since).await?,
            };
            (watch.since, watch.is_whole) = (begun, false);
            for it in changed {
                watch.take(it, now, settle, &asking);
            }
        }
        watch.n_looks += 1;
        let wanted = watch.wanted.values().cloned().collect();
        self.watches.insert(name.clone(), watch);
        Ok(wanted)
    }

    /// Whether all was read anew in the last look, which lists that are late cannot hide.
    pub(super) fn is_all_read(&self) -> bool {
        self.watches.values().all(|it| it.is_whole)
    }

    /// How long the lists of a repository's forge may be late.
    pub(super) fn settle_of(&self, name: &RepositoryName) -> Duration {
        let source = self.sources.iter().find(|it| it.name == *name);
        let settle = source.and_then(|it| it.on_forge.as_ref());
        settle.map(ForgeRecord::settle).unwrap_or_default()
    }

    /// What tells whether what is read of an issue now stands later; `None` where each is read anew.
    pub(super) fn stamp(&mut self, key: &IssueKey) -> Option<Stamp> {
        let watch = self.watches.get_mut(&key.0)?;
        Some(watch.stamp(key.1, Instant::now()))
    }

    /// Whether an issue was looked at as it is, and what it asks for.
    pub(super) fn verdict(&self, key: &IssueKey, stamp: Option<Stamp>) -> Option<Option<Asked>> {
        let (at, verdict, since) = self.watches.get(&key.0)?.verdicts.get(&key.1)?;
        let is_new = since.elapsed() < self.serve.interval.saturating_mul(RIGHTS);
        (Some(*at) == stamp && is_new).then(|| verdict.clone())
    }

    pub(super) fn judge(&mut self, key: &IssueKey, stamp: Option<Stamp>, verdict: Option<Asked>) {
        if let (Some(watch), Some(stamp)) = (self.watches.get_mut(&key.0), stamp) {
            let verdict = (stamp, verdict, Instant::now());
            watch.verdicts.insert(key.1, verdict);
        }
    }

    /// An issue with its comments, if they were read as they are.
    pub(super) fn known(
        &self,
        key: &IssueKey,
        stamp: Option<Stamp>,
    ) -> Option<(Vec<Comment>, Issue)> {
        let (at, comments, issue) = self.watches.get(&key.0)?.issues.get(&key.1)?;
        (Some(*at) == stamp).then(|| (comments.clone(), issue.clone()))
    }

    /// An issue as the last list has shown it, or one before that and it has not changed since.
    pub(super) fn listed(&self, key: &IssueKey) -> Option<Issue> {
        let seen = self.watches.get(&key.0)?.seen.get(&key.1);
        Some(seen.filter(|it| it.is_current)?.issue.clone())
    }

    pub(super) fn know(
        &mut self,
        key: &IssueKey,
        stamp: Option<Stamp>,
        (comments, issue): (&[Comment], &Issue),
    ) {
        if let (Some(watch), Some(stamp)) = (self.watches.get_mut(&key.0), stamp) {
            let known = (stamp, comments.to_vec(), issue.clone());
            watch.issues.insert(key.1, known);
        }
    }

    /// We have written a comment.
    pub(super) fn wrote(&mut self, key: &IssueKey, comment: &Comment) {
        let watch = self.watches.get_mut(&key.0);
        if let Some((_, comments, _)) = watch.and_then(|it| it.issues.get_mut(&key.1)) {
            comments.retain(|it| it.id != comment.id);
            comments.push(comment.clone());
            comments.sort_by_key(|it| it.id);
        }
    }

    /// We have changed the labels of an issue.
    pub(super) fn labelled(&mut self, key: &IssueKey, add: &[String], remove: &[String]) {
        let Some(watch) = self.watches.get_mut(&key.0) else {
            return;
        };
        let known = watch.issues.get_mut(&key.1).map(|(_, _, issue)| issue);
        let seen = watch.seen.get_mut(&key.1).map(|it| &mut it.issue);
        for issue in known.into_iter().chain(seen) {
            issue.labels.retain(|it| !remove.contains(it));
            issue.labels.extend_from_slice(add);
            issue.labels.sort();
            issue.labels.dedup();
        }
    }

    /// A pull request as it is, or was when it was last read and has not changed since.
    pub(super) async fn pull_request_of(
        &mut self,
        name: &RepositoryName,
        number: IssueNumber,
    ) -> Result<PullRequest, Error> {
        let now = Instant::now();
        let mut stamp = None;
        if let Some(watch) = self.watches.get_mut(name) {
            watch.wants_pull_requests = true;
            let at = watch.stamp(number, now);
            stamp = Some(at);
            // Where nobody has asked for a while, lists did not have it.
            if let Some((known_at, known, look)) = watch.pull_requests.get_mut(&number)
                && *known_at == at
                && *look + 1 >= watch.n_looks
            {
                *look = watch.n_looks;
                return Ok(known.clone());
            }
        }
        let read = self
            .account(name)?
            .repository
            .get_pull_request(number)
            .await?;
        if let (Some(watch), Some(stamp)) = (self.watches.get_mut(name), stamp) {
            let known = (stamp, read.clone(), watch.n_looks);
            watch.pull_requests.insert(number, known);
        }
        Ok(read)
    }
}
