//! What a simulated forge holds.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use core_types::{Clock as _, SystemClock, Timestamp};

use super::git::Bare;

#[derive(Debug)]
pub(super) struct Repository {
    pub(super) git: Bare,
    pub(super) id: u64,
    /// Where people look at it.
    pub(super) web: String,
    pub(super) next_number: u64,
    /// Of pull requests, where they are numbered apart.
    pub(super) next_apart: Option<u64>,
    pub(super) items: BTreeMap<u64, Late<Item>>,
    /// By their ids.
    pub(super) comments: BTreeMap<u64, Late<Comment>>,
    pub(super) labels: Vec<(i64, String)>,
    /// Teams of its organization: what each may do with code, and who is in it. Their ids are their places, from 1.
    pub(super) teams: Vec<(String, Vec<String>)>,
    /// Those of its organization.
    pub(super) shared_labels: Vec<(i64, String)>,
    /// What became of the labels of issues, oldest first.
    pub(super) label_changes: Vec<LabelChange>,
    pub(super) checks: Vec<Check>,
    pub(super) reviews: Vec<Review>,
    /// What people beside the token's account may do.
    pub(super) permissions: BTreeMap<String, String>,
    pub(super) allows_fast_forward: bool,
    pub(super) may_write: bool,
    pub(super) is_admin: bool,
    pub(super) allows_by_hand: bool,
}

/// An issue or pull request.
#[derive(Debug, Clone)]
pub(super) struct Item {
    pub(super) number: u64,
    pub(super) title: String,
    pub(super) body: String,
    pub(super) labels: Vec<i64>,
    pub(super) is_open: bool,
    pub(super) author: String,
    pub(super) created: Timestamp,
    pub(super) updated: Timestamp,
    pub(super) pull: Option<Pull>,
    pub(super) n_comments: u64,
}

#[derive(Debug, Clone)]
pub(super) struct LabelChange {
    pub(super) issue: u64,
    pub(super) author: String,
    pub(super) label: i64,
    pub(super) is_added: bool,
    pub(super) at: Timestamp,
    pub(super) changed: Instant,
}

#[derive(Debug, Clone)]
pub(super) struct Pull {
    pub(super) head: String,
    pub(super) base: String,
    /// Where the head was when it was looked at last; it stays once the pull request is not open.
    pub(super) head_commit: String,
    pub(super) is_merged: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Comment {
    pub(super) id: u64,
    pub(super) issue: u64,
    pub(super) body: String,
    pub(super) author: String,
    pub(super) created: Timestamp,
    pub(super) updated: Timestamp,
    /// The forge itself has written it.
    pub(super) is_system: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Check {
    pub(super) commit: String,
    pub(super) context: String,
    pub(super) state: String,
    pub(super) description: String,
}

#[derive(Debug, Clone)]
pub(super) struct Review {
    pub(super) number: u64,
    pub(super) author: String,
    pub(super) state: String,
    pub(super) body: String,
    pub(super) commit: String,
}

/// A value, and what a late list still shows of it.
#[derive(Debug)]
pub(super) struct Late<T> {
    pub(super) now: T,
    before: Option<T>,
    changed: Instant,
}

impl<T: Clone> Late<T> {
    pub(super) fn new(value: T) -> Self {
        Self {
            now: value,
            before: None,
            changed: Instant::now(),
        }
    }

    pub(super) fn change(&mut self, change: impl FnOnce(&mut T)) {
        self.before = Some(self.now.clone());
        change(&mut self.now);
        self.changed = Instant::now();
    }

    /// What a list shows that is late by so much.
    pub(super) fn shown(&self, lag: Duration) -> Option<&T> {
        if self.changed.elapsed() < lag {
            self.before.as_ref()
        } else {
            Some(&self.now)
        }
    }
}

/// An issue, comment or pull request as a test looks at the truth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// `issue`, `comment` or `pull`.
    pub kind: &'static str,
    /// Its number, or the id of a comment.
    pub number: u64,
    /// As the forge stores it.
    pub body: String,
}

impl Repository {
    pub(super) fn new(git: Bare, id: u64, web: String) -> Self {
        Self {
            git,
            id,
            web,
            next_number: 1,
            next_apart: None,
            items: BTreeMap::new(),
            comments: BTreeMap::new(),
            labels: Vec::new(),
            teams: Vec::new(),
            shared_labels: Vec::new(),
            label_changes: Vec::new(),
            checks: Vec::new(),
            reviews: Vec::new(),
            permissions: BTreeMap::new(),
            allows_fast_forward: true,
            may_write: true,
            is_admin: true,
            // As the real one has it by default.
            allows_by_hand: false,
        }
    }

    pub(super) fn add(&mut self, title: &str, body: &str, author: &str, pull: Option<Pull>) -> u64 {
        let number = match &mut self.next_apart {
            Some(next) if pull.is_some() => {
                *next += 1;
                *next
            }
            _ => {
                self.next_number += 1;
                self.next_number - 1
            }
        };
        let now = now();
        let item = Item {
            number,
            title: title.to_owned(),
            body: body.to_owned(),
            labels: Vec::new(),
            is_open: true,
            author: author.to_owned(),
            created: now,
            updated: now,
            pull,
            n_comments: 0,
        };
        self.items.insert(number, Late::new(item));
        number
    }

    /// A label by its name; one that is missing is made.
    pub(super) fn label(&mut self, name: &str) -> i64 {
        let known = self.labels.iter().find(|(_, known)| known == name);
        if let Some((id, _)) = known {
            return *id;
        }
        let id = self.labels.len() as i64 + 1;
        self.labels.push((id, name.to_owned()));
        id
    }

    pub(super) fn label_name(&self, id: i64) -> &str {
        let mut known = self.labels.iter().chain(&self.shared_labels);
        let known = known.find(|(known, _)| *known == id);
        known.map_or("", |(_, name)| name)
    }

    /// Somebody sets the labels of an issue or pull request, which is there.
    pub(super) fn relabel(&mut self, index: u64, author: &str, mut labels: Vec<i64>) {
        labels.sort_unstable();
        labels.dedup();
        let Some(item) = self.items.get_mut(&index) else {
            return;
        };
        let at = now();
        let change = |label: i64, is_added| LabelChange {
            issue: index,
            author: author.to_owned(),
            label,
            is_added,
            at,
            changed: Instant::now(),
        };
        let before = item.now.labels.clone();
        let removed = before.iter().filter(|it| !labels.contains(it));
        let added = labels.iter().filter(|it| !before.contains(it));
        self.label_changes
            .extend(removed.map(|it| change(*it, false)));
        self.label_changes.extend(added.map(|it| change(*it, true)));
        item.change(|it| (it.labels, it.updated) = (labels, at));
    }

    /// What became of an issue's labels, with ids, as a list shows it that is late by so much.
    pub(super) fn history(
        &self,
        index: u64,
        lag: Duration,
    ) -> impl Iterator<Item = (usize, &LabelChange)> {
        let all = self.label_changes.iter().enumerate();
        all.filter(move |(_, it)| it.issue == index && it.changed.elapsed() >= lag)
    }

    /// A pull request whose head its base holds is merged, however that came about.
    pub(super) fn note_merges(&mut self) {
        let git = self.git.clone();
        for item in self.items.values_mut() {
            let Some(pull) = item.now.pull.clone().filter(|_| item.now.is_open) else {
                continue;
            };
            let base = git.branch(&pull.base).unwrap_or_default();
            if git.is_ancestor(&pull.head_commit, &base) {
                item.change(|it| {
                    it.is_open = false;
                    it.updated = now();
                    if let Some(pull) = &mut it.pull {
                        pull.is_merged = true;
                    }
                });
            }
        }
    }

    /// Open pull requests follow their branches.
    pub(super) fn follow_heads(&mut self) {
        let git = self.git.clone();
        for item in self.items.values_mut() {
            let is_open = item.now.is_open;
            if let Some(pull) = &mut item.now.pull
                && is_open
                && let Some(commit) = git.branch(&pull.head)
            {
                pull.head_commit = commit;
            }
        }
    }
}

/// A forge's times are whole seconds.
pub(super) fn now() -> Timestamp {
    Timestamp(SystemClock.now().0 / 1000 * 1000)
}

/// Counts the comments of an issue, which has changed now.
pub(super) fn touch(repository: &mut Repository, index: u64) {
    let comments = repository.comments.values();
    let n_comments = comments
        .filter(|it| it.now.issue == index && !it.now.is_system)
        .count() as u64;
    if let Some(item) = repository.items.get_mut(&index) {
        item.change(|it| (it.n_comments, it.updated) = (n_comments, now()));
    }
}

pub(super) fn is_in(item: &Item, state: &str) -> bool {
    match state {
        "all" => true,
        "closed" => !item.is_open,
        _ => item.is_open,
    }
}

pub(super) fn state(item: &Item) -> &'static str {
    if item.is_open { "open" } else { "closed" }
}

pub(super) fn is_draft(title: &str) -> bool {
    let title = title.to_ascii_lowercase();
    title.starts_with("wip:") || title.starts_with("[wip]")
}
