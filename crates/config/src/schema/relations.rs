//! What the entries of a list say about each other: names that stand twice, that nothing has, that lead in a circle.

use std::collections::HashMap;

use super::Section;
use crate::{
    finding::{Mark, Report, did_you_mean, quote},
    graph,
    yaml::join,
};

/// The names of a list's entries.
#[derive(Debug)]
pub(crate) struct Names<'a> {
    /// What has the names, such as `repository`.
    noun: &'static str,
    /// The list's key.
    path: &'static str,
    /// The key of a name in an entry.
    key: &'static str,
    sections: Vec<Section<'a>>,
    by_name: HashMap<&'a str, usize>,
}

impl<'a> Names<'a> {
    /// Gathers the names that stand at `key` in each entry of the list at `path`, and reports those that stand twice.
    pub(crate) fn gather(
        document: Section<'a>,
        path: &'static str,
        key: &'static str,
        noun: &'static str,
        report: &mut Report,
    ) -> Self {
        let sections = document.sections(path);
        let mut by_name: HashMap<&str, usize> = HashMap::new();
        for (idx, section) in sections.iter().enumerate() {
            let Some((name, mark)) = section.name(key) else {
                continue;
            };
            if let Some(first) = by_name.get(name) {
                let line = sections[*first].mark_of(key).line;
                let message = format!(
                    "a second {noun} named {}; the first is in line {line}",
                    quote(name)
                );
                report.add(mark, format!("{path}[{idx}].{key}"), message);
            } else {
                by_name.insert(name, idx);
            }
        }
        Self {
            noun,
            path,
            key,
            sections,
            by_name,
        }
    }

    /// The entries, in order.
    pub(crate) fn sections(&self) -> &[Section<'a>] {
        &self.sections
    }

    /// Reports a name that nothing has; else gives the index of what has it.
    pub(crate) fn resolve(
        &self,
        name: &str,
        mark: Mark,
        key: &str,
        report: &mut Report,
    ) -> Option<usize> {
        let found = self.by_name.get(name).copied();
        if found.is_none() {
            // A hint looks through all names; in a flood of findings that would take minutes, and nobody reads it.
            let hint = if report.is_flooded() {
                String::new()
            } else {
                did_you_mean(name, self.known())
            };
            report.add(
                mark,
                key,
                format!("unknown {} {}{hint}", self.noun, quote(name)),
            );
        }
        found
    }

    /// Resolves every name of a list, each with its place.
    pub(crate) fn resolve_each(
        &self,
        section: Section<'_>,
        key: &str,
        path: &str,
        report: &mut Report,
    ) -> Vec<(usize, usize, Mark)> {
        let path = join(path, key);
        let names = section.names(key).into_iter();
        names
            .filter_map(|(idx, name, mark)| {
                let found = self.resolve(name, mark, &format!("{path}[{idx}]"), report)?;
                Some((idx, found, mark))
            })
            .collect()
    }

    /// Resolves every name of a list.
    pub(crate) fn resolve_all(
        &self,
        section: Section<'_>,
        key: &str,
        path: &str,
        report: &mut Report,
    ) -> Vec<usize> {
        let names = section.names(key).into_iter();
        let path = join(path, key);
        names
            .filter_map(|(idx, name, mark)| {
                self.resolve(name, mark, &format!("{path}[{idx}]"), report)
            })
            .collect()
    }

    /// Reports the cycles of the relation that the list `key` of each entry is; `within` is the key of the mapping
    /// that has the list, empty where that is the entry itself.
    pub(crate) fn report_cycles(
        &self,
        within: &str,
        key: &str,
        edges: &[Vec<usize>],
        report: &mut Report,
    ) {
        for cycle in graph::cycles(edges) {
            let message = format!("waits for itself: {}", self.path_of(&cycle));
            self.report_at(within, key, cycle[0], message, report);
        }
    }

    /// Reports the cycles of `edges` in which one of `closing` takes part, as [`Self::report_cycles`] does.
    pub(crate) fn report_loops(
        &self,
        within: &str,
        key: &str,
        edges: &[Vec<usize>],
        closing: &[Vec<usize>],
        report: &mut Report,
    ) {
        for cycle in graph::cycles(edges) {
            let closes = |step: &&[usize]| closing[step[0]].contains(&step[1]);
            // Else it is no loop of this key.
            let Some(step) = cycle.windows(2).find(closes) else {
                continue;
            };
            let message = format!("a loop of triggers: {}", self.path_of(&cycle));
            self.report_at(within, key, step[0], message, report);
        }
    }

    fn report_at(&self, within: &str, key: &str, idx: usize, message: String, report: &mut Report) {
        let entry = self.sections[idx];
        let holder = if within.is_empty() {
            entry
        } else {
            entry.optional_section(within).unwrap_or(entry)
        };
        let path = join(&join(&format!("{}[{idx}]", self.path), within), key);
        report.add(holder.mark_of(key), path, message);
    }

    /// The start of a path tells where it is, however long it is.
    fn path_of(&self, cycle: &[usize]) -> String {
        const SHOWN_NAMES: usize = 50;
        let shown = cycle.iter().take(SHOWN_NAMES);
        let names: Vec<&str> = shown.map(|idx| self.name(*idx)).collect();
        let rest = if cycle.len() > SHOWN_NAMES {
            " → …"
        } else {
            ""
        };
        names.join(" → ") + rest
    }

    /// Every name once, in the order of the file.
    fn known(&self) -> impl Iterator<Item = &'a str> {
        let mut names: Vec<(usize, &str)> = self
            .by_name
            .iter()
            .map(|(name, idx)| (*idx, *name))
            .collect();
        names.sort_unstable();
        names.into_iter().map(|(_, name)| name)
    }

    fn name(&self, idx: usize) -> &'a str {
        self.sections[idx]
            .name(self.key)
            .map_or("?", |(name, _)| name)
    }
}
