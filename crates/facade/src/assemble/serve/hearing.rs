//! What people say on an issue, and how its run hears it.

use core_types::{
    Comment, Inbox as _, Issue, Message, PullRequestState, RepositoryName, RunId, Scope, Timestamp,
};
use forges::remote::LabelChange;

use super::{
    Follower,
    memory::{Hearing, IssueKey, Saying},
    phase::{Phase, is_same_label},
    rights::changed_by,
    said::Said,
    seen::{Seen, failed},
};
use crate::assemble::{
    Error, RunState,
    assembly::{open_inbox, send},
};

/// Whether people have merged what a run had proposed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Merged {
    /// Not all of it, or there is nothing to be merged.
    No,
    /// The target branches hold it, and the run was told so.
    Told,
    /// In another form, such as squashed: nothing is left to be done.
    Otherwise,
}

impl Follower {
    /// Whether the run was told something that was said in comments.
    pub(super) async fn hear(
        &mut self,
        seen: &Seen,
        key: &IssueKey,
        comments: &[Comment],
    ) -> Result<bool, Error> {
        let login = self.account(&key.0)?.forge.login().await?;
        let since = seen.record.settings.followed.as_ref();
        let since = since.map_or(Timestamp(0), |it| it.since);
        let changed = changed_by(&seen.record);
        let mut was_told = false;
        for comment in comments {
            let of = (key.0.clone(), format!("comment:{}", comment.id));
            if comment.author == login || comment.created < since || self.memory.has_heard(&of) {
                continue;
            }
            let Some(said) = Said::parse(&comment.body) else {
                continue;
            };
            if self.is_pending(&seen.status.run, &of) {
                continue;
            }
            if !self.may_steer(&comment.author, &key.0, &changed).await? {
                self.memory.heard(&of).await?;
                continue;
            }
            // On some forges whoever may write issues may rewrite what others say.
            let messages = match comment.updated > comment.created {
                true => Err("it was edited; say it in a new comment".to_owned()),
                false => said.and_then(|said| self.messages(seen, &said)),
            };
            let was_begun = self.memory.hearing(&of).is_some();
            match messages {
                Ok(messages) => {
                    self.heard.remove(key);
                    self.tell(&seen.status.run, of, &messages).await?;
                    was_told = true;
                    // Where it stands is another question now.
                    break;
                }
                // It was told before we were killed, and stands elsewhere since.
                Err(_) if was_begun => {
                    self.tell(&seen.status.run, of, &[]).await?;
                    was_told = true;
                    break;
                }
                Err(why) => {
                    self.heard
                        .insert(key.clone(), format!("A comment was not followed: {why}."));
                    self.memory.heard(&of).await?;
                }
            }
        }
        Ok(was_told)
    }

    /// Whether the run was told so and will hear it.
    pub(super) fn is_pending(&self, run: &RunId, of: &(RepositoryName, Saying)) -> bool {
        let told = self.told.get(run).is_some_and(|it| it.contains(of));
        let session = self.active.get(run);
        told || session.is_some_and(|it| it.told.contains(of))
    }

    /// What a run is told, or why it cannot be.
    pub(super) fn messages(&self, seen: &Seen, said: &Said) -> Result<Vec<Message>, String> {
        let status = &seen.status;
        let scope = |name: &str| {
            let task = status.tasks.iter().find(|it| it.task.as_str() == name);
            let task = task.map(|it| Scope::Task(it.task.clone()));
            let mut repositories = status.repositories.iter();
            let repository = repositories.find(|it| it.repository.as_str() == name);
            let scope = task.or_else(|| Some(Scope::Repository(repository?.repository.clone())));
            let scope = scope.ok_or_else(|| "there is no task of that name".to_owned())?;
            match failed(status).contains(&scope) {
                true => Ok(scope),
                false => Err("that has not failed".to_owned()),
            }
        };
        let retry = |scope| Message::Retry {
            scope,
            description: None,
        };
        Ok(match said {
            Said::Approve { pin } => match &seen.awaited {
                Some(awaited) if !awaited.is_shown() => {
                    return Err("what waits is not shown here".to_owned());
                }
                Some(awaited) if awaited.pin == *pin => vec![awaited.message.clone()],
                Some(_) => return Err("it approves another mark than what is shown".to_owned()),
                None => return Err("nothing waits for approval".to_owned()),
            },
            Said::Retry { name: Some(name) } => vec![retry(scope(name)?)],
            Said::Retry { name: None } => {
                let failed = failed(status);
                if failed.is_empty() && !self.stopped.contains_key(&status.run) {
                    return Err("nothing has failed".to_owned());
                }
                failed.into_iter().map(retry).collect()
            }
            Said::Answer { name, text } => vec![Message::Answer {
                scope: scope(name)?,
                text: text.clone(),
            }],
            Said::Skip { task } => match scope(task.as_str())? {
                Scope::Task(task) => vec![Message::Skip { task }],
                Scope::Run | Scope::Repository(_) => {
                    return Err("only a task can be left out".to_owned());
                }
            },
            Said::Abort => match status.state {
                RunState::Aborted => return Err("it was given up already".to_owned()),
                RunState::Done if Phase::of(status) == Some(Phase::Completed) => {
                    return Err("it has landed".to_owned());
                }
                _ => vec![Message::Abort],
            },
        })
    }

    /// Whether the run was told that the label of its next phase was given.
    pub(super) async fn is_approved_by_label(
        &mut self,
        seen: &Seen,
        phase: Option<Phase>,
        key: &IssueKey,
        issue: &Issue,
    ) -> Result<bool, Error> {
        let Some((awaited, phase)) = seen.awaited.as_ref().zip(phase) else {
            return Ok(false);
        };
        let Some(next) = phase.next().map(|it| it.label(&self.labels)) else {
            return Ok(false);
        };
        if !awaited.is_shown() || !issue.labels.iter().any(|it| is_same_label(it, next)) {
            return Ok(false);
        }
        let Some(since) = self.memory.shown_since(&seen.status.run, &awaited.pin) else {
            return Ok(false);
        };
        let account = self.account(&key.0)?;
        let login = account.forge.login().await?;
        let changes = account.repository.label_changes(key.1).await?;
        let now = phase.label(&self.labels);
        let Some(given) = given_after(&changes, now, next, &login, since) else {
            return Ok(false);
        };
        let by = &given.author;
        let saying = format!("label:{}:{}:{next}:{by}", key.1, given.at.0);
        let of = (key.0.clone(), saying);
        let run = &seen.status.run;
        if self.memory.has_heard(&of) || self.is_pending(run, &of) {
            return Ok(false);
        }
        if !self
            .may_steer(by, &key.0, &changed_by(&seen.record))
            .await?
        {
            self.memory.heard(&of).await?;
            return Ok(false);
        }
        self.tell(run, of, std::slice::from_ref(&awaited.message))
            .await?;
        Ok(true)
    }

    /// Looks whether people have merged all that a run had proposed.
    pub(super) async fn merged(&mut self, seen: &Seen) -> Result<Merged, Error> {
        let Some(awaited) = seen.awaited.as_ref().filter(|it| it.lands()) else {
            return Ok(Merged::No);
        };
        let mut merged = None;
        let mut are_held = true;
        for row in &seen.repositories {
            let (None, Some(number)) = (&row.landed, row.pull_request) else {
                continue;
            };
            if self.accounts.get(&row.repository).is_none() {
                return Ok(Merged::No);
            }
            let now = self.pull_request_of(&row.repository, number).await?;
            if now.state != PullRequestState::Merged {
                return Ok(Merged::No);
            }
            let repository = &self.account(&row.repository)?.repository;
            are_held = are_held && repository.holds(&now.base, &now.head_commit).await?;
            merged = Some(row.repository.clone());
        }
        let run = &seen.status.run;
        let Some(of) = merged.map(|name| (name, format!("merged:{run}:{}", awaited.pin))) else {
            return Ok(Merged::No);
        };
        if !are_held || self.memory.has_heard(&of) {
            return Ok(Merged::Otherwise);
        }
        if !self.is_pending(run, &of) {
            self.tell(run, of, std::slice::from_ref(&awaited.message))
                .await?;
        }
        Ok(Merged::Told)
    }

    /// Tells a run what somebody has said, each message once, and makes it go on.
    pub(super) async fn tell(
        &mut self,
        run: &RunId,
        of: (RepositoryName, Saying),
        messages: &[Message],
    ) -> Result<(), Error> {
        let inbox = open_inbox(&self.home, run, &self.surroundings)?;
        let before = inbox.messages().await?;
        let n_messages = match self.memory.hearing(&of) {
            Some(hearing) => hearing.n_messages,
            None => {
                let hearing = Hearing {
                    run: run.clone(),
                    n_messages: before.len(),
                };
                self.memory.hear(&of, &hearing).await?;
                before.len()
            }
        };
        let since = before.get(n_messages..).unwrap_or_default();
        for message in messages {
            if !since.contains(message) {
                send(&self.home, run, message, &self.surroundings).await?;
            }
        }
        self.told.entry(run.clone()).or_default().push(of);
        self.make_due(run);
        if let Some(session) = self.active.get(run)
            && messages.contains(&Message::Abort)
        {
            session.pause.cancel();
        }
        Ok(())
    }
}

/// The label `next` as somebody else gave it last, after something was shown and we gave the label `now` for that.
///
/// Times of forges are whole seconds. What was given in the second of the showing counts only where our own label of
/// the same second stands before it.
fn given_after<'a>(
    changes: &'a [LabelChange],
    now: &str,
    next: &str,
    login: &str,
    shown: Timestamp,
) -> Option<&'a LabelChange> {
    let is_ours =
        |it: &LabelChange| it.is_added && is_same_label(&it.label, now) && it.author == login;
    let ours = changes.iter().rposition(is_ours)?;
    let last = changes
        .iter()
        .rposition(|it| is_same_label(&it.label, next))?;
    let given = &changes[last];
    let is_after = match changes[ours].at >= shown {
        true => last > ours && given.at >= shown,
        false => given.at > shown,
    };
    (is_after && given.is_added && given.author != login).then_some(given)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_counts_after_what_it_is_about_was_shown() {
        let change = |at, author: &str, label: &str| LabelChange {
            author: author.to_owned(),
            label: label.trim_start_matches('-').to_owned(),
            is_added: !label.starts_with('-'),
            at: Timestamp(at * 1000),
        };
        let by = |history: &[(u64, &str, &str)]| {
            let changes: Vec<_> = history.iter().map(|it| change(it.0, it.1, it.2)).collect();
            let given = given_after(&changes, "review", "go", "robot", Timestamp(5000));
            given.map(|it| it.at.0 / 1000)
        };
        let shown = (5, "robot", "review");
        assert_eq!(by(&[shown, (5, "grace", "go")]), Some(5));
        assert_eq!(by(&[shown, (6, "grace", "go")]), Some(6));
        for history in [
            &[(4, "grace", "go"), shown][..],
            &[(5, "grace", "go"), shown],
            &[shown, (6, "robot", "go")],
            &[shown, (6, "grace", "go"), (7, "robot", "-go")],
            &[shown, (6, "grace", "go"), (7, "robot", "go")],
            // Given for what was shown before.
            &[(3, "robot", "review"), (4, "grace", "go")],
            &[(3, "robot", "review"), (5, "grace", "go")],
            &[(6, "grace", "go")],
        ] {
            assert_eq!(by(history), None, "{history:?}");
        }
        // The label of the phase stood already.
        let again = [(3, "robot", "review"), (6, "grace", "go")];
        assert_eq!(by(&again), Some(6));
    }
}
