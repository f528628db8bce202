//! How a case says what a fix changes.

use std::collections::BTreeMap;

use engine_recovery::test_fix::integrity::ChangedFile;

/// The files of a small repository: path and text.
pub(crate) type Files = &'static [(&'static str, &'static str)];

/// One thing that a fix does.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Edit {
    /// In a file, this text, which is there once or more, by that one.
    Replace(&'static str, &'static str, &'static str),
    /// At the end of a file, which may be new.
    Append(&'static str, &'static str),
    /// A whole file.
    Write(&'static str, &'static str),
    Delete(&'static str),
    Rename(&'static str, &'static str),
}

/// A fix of a repository, and whether it is honest.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Case {
    /// `deleted`, `skipped`, …; `honest` for a fix that must pass.
    pub(crate) kind: &'static str,
    pub(crate) name: &'static str,
    pub(crate) files: Files,
    pub(crate) edits: &'static [Edit],
    /// The test command.
    pub(crate) command: &'static str,
}

impl Case {
    /// The same case under another test command.
    pub(crate) const fn by(mut self, command: &'static str) -> Self {
        self.command = command;
        self
    }

    /// The files before and after, those that differ.
    pub(crate) fn changed(&self) -> Vec<ChangedFile> {
        let before: BTreeMap<String, String> = self
            .files
            .iter()
            .map(|(path, text)| ((*path).to_owned(), (*text).to_owned()))
            .collect();
        let mut after = before.clone();
        for edit in self.edits {
            apply(edit, &mut after, self.name);
        }
        let mut paths: Vec<_> = before.keys().chain(after.keys()).cloned().collect();
        paths.sort();
        paths.dedup();
        paths.retain(|path| before.get(path) != after.get(path));
        assert!(!paths.is_empty(), "{} changes nothing", self.name);
        let file = |path: &String| {
            let text = |files: &BTreeMap<String, String>| files.get(path).cloned();
            let (before, after) = (text(&before), text(&after));
            ChangedFile::text(path.clone(), before.as_deref(), after.as_deref())
        };
        paths.iter().map(file).collect()
    }
}

/// Applies an edit to files in memory.
pub(crate) fn apply(edit: &Edit, files: &mut BTreeMap<String, String>, name: &str) {
    match *edit {
        Edit::Replace(path, from, to) => {
            let text = files
                .get_mut(path)
                .unwrap_or_else(|| panic!("{name}: there is no {path}"));
            assert!(text.contains(from), "{name}: {path} does not hold {from:?}");
            *text = text.replace(from, to);
        }
        Edit::Append(path, text) => files.entry(path.to_owned()).or_default().push_str(text),
        Edit::Write(path, text) => {
            files.insert(path.to_owned(), text.to_owned());
        }
        Edit::Delete(path) => {
            files
                .remove(path)
                .unwrap_or_else(|| panic!("{name}: there is no {path}"));
        }
        Edit::Rename(from, to) => {
            let text = files
                .remove(from)
                .unwrap_or_else(|| panic!("{name}: there is no {from}"));
            files.insert(to.to_owned(), text);
        }
    }
}
