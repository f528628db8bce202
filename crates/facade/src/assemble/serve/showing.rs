//! The one comment in which an issue shows where its run stands.

use std::sync::Arc;

use core_types::{Comment, ErrorClass, NewComment, Operated, OperationId, Timestamp};
use forges::Forge as _;

use super::{
    Follower,
    memory::{IssueKey, StatusComment},
};
use crate::assemble::Error;

/// What we wrote, and how the forge has it.
#[derive(Debug)]
pub(super) struct Written {
    text: String,
    stored: String,
}

impl Follower {
    /// Makes the status comment say this; when the comment was last changed.
    pub(super) async fn show(
        &mut self,
        key: &IssueKey,
        comments: &[Comment],
        text: String,
    ) -> Result<Timestamp, Error> {
        let provider = self.accounts.provider(&key.0);
        let (name, issue) = key;
        let made_by = |n: u32| operation(format!("serve:{name}#{issue}:status:{n}"));
        let mut known = self.memory.comment(key);
        let repository = Arc::clone(&self.account(name)?.repository);
        if known.is_none_or(|it| it.id.is_none()) {
            let n = known.map_or(1, |it| it.n);
            let mut found = repository.comment_made_by(*issue, &made_by(n)).await?;
            if found.is_none() && known.is_some() {
                // We were cut off between making it and noting that, and lists may be late.
                found = match provider.find(&made_by(n)).await? {
                    Some(Operated::Comment(comment)) => Some(comment),
                    _ => None,
                };
            }
            if known.is_none() {
                self.memory.commenting(key, n).await?;
            }
            if let Some(found) = &found {
                self.memory.commented(key, found.id).await?;
            }
            let id = found.map(|it| it.id);
            known = Some(StatusComment { n, id });
        }
        let StatusComment { mut n, id } = known.expect("it was made up above");
        let stands = if let Some(id) = id {
            let is_same = |it: &&Comment| {
                let body = it.body.replace("\r\n", "\n");
                // Forges may store a text in a form of their own.
                let written = self.written.get(key);
                let written = written.is_some_and(|it| it.text == text && it.stored == body);
                it.id == id && (written || body.trim() == text.trim())
            };
            if let Some(stands) = comments.iter().find(is_same) {
                return Ok(stands.updated);
            }
            let now = self.surroundings.clock.now().0;
            let change = operation(format!("serve:{name}#{issue}:status:{n}:{now}"));
            match provider.update_comment(&change, id, text.clone()).await {
                Ok(changed) => changed,
                // Somebody has deleted it.
                Err(error) if error.class() == ErrorClass::NotFound => {
                    n += 1;
                    self.memory.commenting(key, n).await?;
                    self.make_comment(key, &made_by(n), &text).await?
                }
                Err(error) => return Err(error.into()),
            }
        } else {
            self.make_comment(key, &made_by(n), &text).await?
        };
        self.wrote(key, &stands);
        let stored = stands.body.replace("\r\n", "\n");
        self.written.insert(key.clone(), Written { text, stored });
        Ok(stands.updated)
    }

    pub(super) async fn make_comment(
        &mut self,
        key: &IssueKey,
        made_by: &OperationId,
        text: &str,
    ) -> Result<Comment, Error> {
        let new = NewComment {
            issue: key.1,
            body: text.to_owned(),
        };
        let provider = self.accounts.provider(&key.0);
        let made = provider.create_comment(made_by, new).await?;
        self.memory.commented(key, made.id).await?;
        Ok(made)
    }
}

fn operation(text: String) -> OperationId {
    OperationId::new(text).expect("names and numbers are short and plain")
}
