//! From the configuration to a change set.

use std::collections::{BTreeMap, HashMap, HashSet};

use config::{
    Command,
    repositories::{Coordination as Configured, Repositories, RepositoryEntry, TriggerOn},
};
use core_types::{
    ChangeSet, CommandLine, Coordination, ErrorClass, InvalidName, Member, OperationId,
    RepositoryName, Trigger, TriggerWhen, Wait, WaitReason,
};

use super::order::order;

/// Which repositories a change set is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selection<'a> {
    /// Those of a cross-repository workflow, as it coordinates them.
    Workflow(&'a str),
    /// These, side by side; never empty.
    Repositories(&'a [RepositoryName]),
    /// All that are enabled, side by side.
    All,
}

/// Why there is no change set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The configuration has no such workflow.
    #[error("there is no workflow \"{name}\"; known: {}", known.join(", "))]
    UnknownWorkflow {
        /// The name asked for.
        name: String,
        /// Those that there are, in the file's order.
        known: Vec<String>,
    },
    /// The configuration has no such repository.
    #[error("there is no repository \"{name}\"; known: {}", known.join(", "))]
    UnknownRepository {
        /// The name asked for.
        name: String,
        /// Those that there are, in the file's order.
        known: Vec<String>,
    },
    /// A repository that is to take part says `enabled: false`.
    #[error("repository {name} is disabled by automation.enabled")]
    Disabled {
        /// Its name.
        name: String,
    },
    /// There is nothing to work on.
    #[error("no repository takes part")]
    Empty,
    /// Repositories wait for each other.
    #[error("these repositories wait for each other: {}", path.join(" → "))]
    Cycle {
        /// Each waits for the next; the last is the first.
        path: Vec<String>,
    },
    /// A name that is not valid.
    #[error(transparent)]
    Name(#[from] InvalidName),
}

impl Error {
    /// What a caller branches on.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::UnknownWorkflow { .. } | Self::UnknownRepository { .. } => ErrorClass::NotFound,
            Self::Disabled { .. } | Self::Empty | Self::Cycle { .. } | Self::Name(_) => {
                ErrorClass::Validation
            }
        }
    }
}

/// Computes who takes part and who waits for whom.
///
/// Beside the selected repositories those take part that one of them triggers,
/// and so on: enabled ones that may be written to. What a repository depends on
/// and what triggers it count as far as they take part.
///
/// # Errors
///
/// [`Error`], which findings of the configuration mostly anticipate.
pub fn change_set(
    repositories: &Repositories,
    selection: Selection<'_>,
    id: OperationId,
    context: BTreeMap<String, String>,
) -> Result<ChangeSet, Error> {
    let mut coordination = Coordination::Parallel;
    let mut test_command = repositories.workflow_test_command.as_ref();
    let mut workflow = None;
    let names: Vec<&str> = match selection {
        Selection::Workflow(name) => {
            let known = || repositories.workflows.iter().map(|it| it.name.clone());
            let found = repositories.workflows.iter().find(|it| it.name == name);
            let entry = found.ok_or_else(|| Error::UnknownWorkflow {
                name: name.to_owned(),
                known: known().collect(),
            })?;
            coordination = match entry.coordination {
                Configured::Sequential => Coordination::Sequential,
                Configured::Parallel => Coordination::Parallel,
            };
            test_command = entry.workflow_test_command.as_ref().or(test_command);
            workflow = Some(name.to_owned());
            entry.repositories.iter().map(String::as_str).collect()
        }
        Selection::Repositories(names) => names.iter().map(RepositoryName::as_str).collect(),
        Selection::All => {
            let enabled = repositories.entries.iter().filter(|entry| entry.enabled);
            enabled.map(|entry| entry.name.as_str()).collect()
        }
    };
    let entries = members(repositories, &names)?;
    if entries.is_empty() {
        return Err(Error::Empty);
    }
    let ordered = ordered(&entries, coordination)?;
    Ok(ChangeSet {
        id,
        workflow,
        coordination,
        members: ordered,
        test_command: test_command.map(command_line),
        context,
    })
}

/// The selected repositories in their order, then those that they trigger in the file's order.
fn members<'a>(
    repositories: &'a Repositories,
    names: &[&str],
) -> Result<Vec<&'a RepositoryEntry>, Error> {
    let by_name: HashMap<&str, &RepositoryEntry> = repositories
        .entries
        .iter()
        .map(|entry| (entry.name.as_str(), entry))
        .collect();
    let mut entries = Vec::new();
    let mut taken = HashSet::new();
    for name in names {
        let entry = by_name.get(name).ok_or_else(|| {
            let known = repositories.entries.iter().map(|entry| entry.name.clone());
            Error::UnknownRepository {
                name: (*name).to_owned(),
                known: known.collect(),
            }
        })?;
        if !entry.enabled {
            let name = entry.name.clone();
            return Err(Error::Disabled { name });
        }
        if taken.insert(entry.name.as_str()) {
            entries.push(*entry);
        }
    }
    loop {
        let is_triggered = |entry: &&RepositoryEntry| {
            let can_follow = entry.enabled && entry.write && !taken.contains(entry.name.as_str());
            can_follow && entry.triggers.iter().any(|on| taken.contains(on.as_str()))
        };
        let next: Vec<_> = repositories.entries.iter().filter(is_triggered).collect();
        if next.is_empty() {
            return Ok(entries);
        }
        taken.extend(next.iter().map(|entry| entry.name.as_str()));
        entries.extend(next);
    }
}

/// The members in landing order.
fn ordered(entries: &[&RepositoryEntry], coordination: Coordination) -> Result<Vec<Member>, Error> {
    let index: HashMap<&str, usize> = entries
        .iter()
        .enumerate()
        .map(|(idx, entry)| (entry.name.as_str(), idx))
        .collect();
    let taking_part = |names: &[String]| {
        let mut found: Vec<usize> = Vec::new();
        for idx in names.iter().filter_map(|name| index.get(name.as_str())) {
            if !found.contains(idx) {
                found.push(*idx);
            }
        }
        found
    };
    let depends: Vec<_> = entries
        .iter()
        .map(|it| taking_part(&it.depends_on))
        .collect();
    let triggers: Vec<_> = entries.iter().map(|it| taking_part(&it.triggers)).collect();
    let before: Vec<Vec<usize>> = depends
        .iter()
        .zip(&triggers)
        .map(|(depends, triggers)| [&depends[..], &triggers[..]].concat())
        .collect();
    let order = order(&before).map_err(|path| Error::Cycle {
        path: path.iter().map(|idx| entries[*idx].name.clone()).collect(),
    })?;
    let name = |idx: usize| RepositoryName::new(&entries[idx].name);
    let mut previous = None;
    let mut members = Vec::new();
    for idx in order {
        let entry = entries[idx];
        let mut after = Vec::new();
        for on in &depends[idx] {
            after.push(Wait {
                repository: name(*on)?,
                reason: WaitReason::Dependency,
            });
        }
        // Who writes nothing keeps nobody waiting.
        if coordination == Coordination::Sequential && entry.write {
            if let Some(previous) = previous.filter(|previous| !depends[idx].contains(previous)) {
                after.push(Wait {
                    repository: name(previous)?,
                    reason: WaitReason::Sequence,
                });
            }
            previous = Some(idx);
        }
        let on: Vec<_> = triggers[idx]
            .iter()
            .map(|on| name(*on))
            .collect::<Result<_, _>>()?;
        let when = match entry.trigger_on {
            TriggerOn::All => TriggerWhen::All,
            TriggerOn::Any => TriggerWhen::Any,
        };
        let deploys = entry.auto_deploy && entry.write;
        members.push(Member {
            repository: name(idx)?,
            write: entry.write,
            after,
            trigger: (!on.is_empty()).then_some(Trigger { on, when }),
            deploy: entry
                .deploy_command
                .as_ref()
                .filter(|_| deploys)
                .map(command_line),
        });
    }
    Ok(members)
}

fn command_line(command: &Command) -> CommandLine {
    match command {
        Command::Shell(line) => CommandLine::Shell(line.clone()),
        Command::Program { program, arguments } => {
            let words = std::iter::once(program).chain(arguments);
            CommandLine::Program(words.cloned().collect())
        }
    }
}
