//! What stands in the files for agents of repositories.

use std::collections::BTreeSet;

use core_types::RepositoryName;

use super::state::Core;
use crate::{Lesson, lesson::mark};

impl Core {
    /// Marks of the rules in a repository's files for agents, as they were noted last.
    pub(crate) fn guidance_of(&self, repository: &RepositoryName) -> Option<&BTreeSet<u64>> {
        self.guidance.get(repository)
    }

    /// Whether agents in a repository read a lesson anyway.
    pub(crate) fn stands_in(&self, lesson: &Lesson, repository: &RepositoryName) -> bool {
        let rules = self.guidance_of(repository);
        rules.is_some_and(|rules| says(rules, lesson))
    }

    /// The repositories whose files say a lesson, of those that it is for.
    pub(crate) fn standing(&self, lesson: &Lesson) -> Vec<RepositoryName> {
        let is_for = |name: &&RepositoryName| {
            let scope = lesson.scope.repository.as_ref();
            scope.is_none_or(|scope| scope == *name) && self.stands_in(lesson, name)
        };
        self.guidance.keys().filter(is_for).cloned().collect()
    }

    /// Whether a lesson stands in the files of some repository, so that its tasks are drawn without it.
    pub(super) fn stands_anywhere(&self, lesson: &Lesson) -> bool {
        self.guidance.values().any(|rules| says(rules, lesson))
    }

    /// Whether it stands wherever it might be tried, as far as repositories are known.
    pub(super) fn stands_everywhere(&self, lesson: &Lesson) -> bool {
        match &lesson.scope.repository {
            Some(repository) => self.stands_in(lesson, repository),
            None => {
                !self.guidance.is_empty() && self.guidance.values().all(|rules| says(rules, lesson))
            }
        }
    }
}

fn says(rules: &BTreeSet<u64>, lesson: &Lesson) -> bool {
    !rules.is_empty()
        && (rules.contains(&mark(&lesson.text)) || rules.contains(&mark(&lesson.exported())))
}
