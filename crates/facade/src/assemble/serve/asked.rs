//! Who asks for work, by a label.

use core_types::{Issue, IssueNumber, RepositoryName, RunId};
use engine_workflow::Followed;
use forges::remote::LabelChange;
use sha2::{Digest as _, Sha256};

use super::{Follower, memory::IssueKey, phase::is_same_label};
use crate::assemble::{Error, RunStatus};

/// A run that somebody asks for.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) run: RunId,
    pub(super) key: IssueKey,
    pub(super) followed: Followed,
    pub(super) issue: Issue,
}

impl Follower {
    /// The runs that are asked for in a repository and not begun.
    pub(super) async fn asked_in(&mut self, name: &RepositoryName) -> Result<Vec<Asked>, Error> {
        let wanted = self.wanted_in(name).await?;
        let mut asked = Vec::new();
        for issue in wanted {
            let key = (name.clone(), issue.number);
            let current = self.runs.iter().rev().find(|(_, it)| **it == key);
            let is_under_way = match current {
                // One that cannot be read is not under way, unless we work on it.
                Some((run, _)) => {
                    let status = self.status(run);
                    self.active.contains_key(run) || status.is_ok_and(|it| !it.state.has_ended())
                }
                None => false,
            };
            if is_under_way {
                continue;
            }
            let stamp = self.stamp(&key);
            match self.verdict(&key, stamp) {
                Some(None) => continue,
                // Who asks is asked about again before it begins.
                Some(Some(known)) if !self.has_room() => {
                    asked.push(known);
                    continue;
                }
                Some(Some(_)) | None => {}
            }
            let verdict = self.judged(&key, issue).await?;
            self.judge(&key, stamp, verdict.clone());
            asked.extend(verdict);
        }
        Ok(asked)
    }

    /// The run that an issue asks for, if somebody asked who may and it is not begun.
    async fn judged(&mut self, key: &IssueKey, issue: Issue) -> Result<Option<Asked>, Error> {
        let Some((run, followed)) = self.asker(&key.0, key.1).await? else {
            return Ok(None);
        };
        if RunStatus::read(&self.home, &run, &self.surroundings).is_ok() {
            return Ok(None);
        }
        let changed = self.to_be_changed()?;
        if !self.may_steer(&followed.by, &key.0, &changed).await? {
            return Ok(None);
        }
        if self.memory.asked(&run).is_none() {
            self.memory.ask(&run, text_hash(&issue)).await?;
        }
        Ok(Some(Asked {
            run,
            key: key.clone(),
            followed,
            issue,
        }))
    }

    /// Who has asked for work on an issue last, and the name of that run. What we did ourselves asks for nothing.
    pub(super) async fn asker(
        &self,
        name: &RepositoryName,
        issue: IssueNumber,
    ) -> Result<Option<(RunId, Followed)>, Error> {
        let account = self.account(name)?;
        let login = account.forge.login().await?;
        let changes = account.repository.label_changes(issue).await?;
        let asking = &self.labels.needs_planning;
        let is_asked = |it: &LabelChange| it.is_added && is_same_label(&it.label, asking);
        let mut asked: Vec<_> = changes.into_iter().filter(is_asked).collect();
        let n_asked = asked.len();
        let Some(change) = asked.pop() else {
            return Ok(None);
        };
        if change.author.is_empty() || change.author == login {
            return Ok(None);
        }
        let run = run_id(name, issue, &change, n_asked);
        let followed = Followed {
            by: change.author,
            since: change.at,
        };
        Ok(Some((run, followed)))
    }
}

/// What tells one text of an issue from another.
pub(super) fn text_hash(issue: &Issue) -> String {
    let title = Sha256::digest(&issue.title);
    let hash = Sha256::new().chain_update(title).chain_update(&issue.body);
    let hash = hash.finalize();
    hash.iter().take(16).map(|it| format!("{it:02x}")).collect()
}

/// The name of the run that a label asks for, given for the n-th time: the same whenever it is looked at.
/// Ids sort as they were asked for; times of forges are whole seconds.
fn run_id(name: &RepositoryName, issue: IssueNumber, change: &LabelChange, n: usize) -> RunId {
    let digits = change.at.to_string();
    let digits: String = digits.chars().filter(char::is_ascii_digit).collect();
    let (date, time) = digits.split_at(digits.len().min(8));
    let hash = Sha256::digest(format!(
        "{name}#{issue} {n} {} {}",
        change.at.0, change.author
    ));
    let hash: String = hash.iter().take(4).map(|it| format!("{it:02x}")).collect();
    RunId::new(format!("{date}-{time}-{n:03}{hash}")).expect("digits and letters make a name")
}

#[cfg(test)]
mod tests {
    use core_types::Timestamp;

    use super::*;

    #[test]
    fn a_label_asks_for_one_run() {
        let name = RepositoryName::new("app").expect("it is valid");
        let change = LabelChange {
            author: "grace".to_owned(),
            label: "needs-planning".to_owned(),
            is_added: true,
            at: Timestamp::parse("2026-11-26T18:05:17Z").expect("it is a time"),
        };
        let first = run_id(&name, 7, &change, 1);
        assert_eq!(first, run_id(&name, 7, &change, 1));
        assert!(first.as_str().starts_with("20261126-180517"), "{first}");
        for (issue, n) in [(8, 1), (7, 2)] {
            assert_ne!(first, run_id(&name, issue, &change, n));
        }
        assert!(first < run_id(&name, 7, &change, 2), "in the same second");
    }
}
