//! What agents and people are told.

use core_types::{ConflictKind, ConflictedFile};

use super::work::Work;

impl Work<'_> {
    pub(super) fn subject(&self) -> String {
        match &self.request.task {
            Some(task) => format!("Merge task {}: {}", task.id, task.title),
            None => format!("Merge {}", self.theirs.short()),
        }
    }

    pub(super) fn unverified_line(&self) -> &'static str {
        match &self.request.commands.test {
            Some(_) => "",
            None => "Not verified: the repository has no test command.\n",
        }
    }

    pub(super) fn our_purpose(&self) -> String {
        let results: Vec<_> = (self.request.merged.iter())
            .map(|done| match done.summary.trim() {
                "" => format!("- {}", done.title),
                summary => format!("- {}: {summary}", done.title),
            })
            .collect();
        if results.is_empty() {
            return "Changes of others that were merged before.".to_owned();
        }
        format!(
            "Results of other tasks that were merged before:\n{}",
            results.join("\n")
        )
    }

    pub(super) fn their_purpose(&self) -> String {
        match &self.request.task {
            Some(task) => format!("{}\n\n{}", task.title, task.description.trim_end()),
            None => self.request.issue.title.clone(),
        }
    }
}

pub(super) fn paths(files: &[ConflictedFile]) -> String {
    let names: Vec<_> = files
        .iter()
        .map(|file| format!("{:?}", file.path))
        .collect();
    names.join(", ")
}

pub(super) fn count(files: &[ConflictedFile]) -> String {
    let n_hunks: usize = files.iter().map(|file| file.hunks.len()).sum();
    let hunks = if n_hunks == 1 {
        "1 conflicting place".to_owned()
    } else {
        format!("{n_hunks} conflicting places")
    };
    let files = if files.len() == 1 {
        "1 file".to_owned()
    } else {
        format!("{} files", files.len())
    };
    format!("{hunks} in {files}")
}

/// Why a file has no lines to decide.
pub(super) fn why(file: &ConflictedFile) -> String {
    let what = match file.kind {
        ConflictKind::Binary => "is no text, and both sides changed it",
        ConflictKind::DeleteModify => "was deleted by one side and changed by the other",
        _ => "is in the way by its name, mode or kind",
    };
    if file.detail.is_empty() || file.kind != ConflictKind::Structure {
        return what.to_owned();
    }
    format!("{what} ({})", file.detail)
}
