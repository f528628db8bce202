//! What a step is known by.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{OperationId, RepositoryName, RunId, StepName, TaskId};

/// What a step belongs to, within its run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "of", content = "name")]
pub enum Scope {
    /// The run as a whole.
    Run,
    /// One of its repositories.
    Repository(RepositoryName),
    /// One of its tasks.
    Task(TaskId),
}

/// A step is known by scope, attempt and name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StepKey {
    /// What it belongs to.
    pub scope: Scope,
    /// The attempt, from 1.
    pub attempt: u32,
    /// Its name within the scope.
    pub name: StepName,
}

impl StepKey {
    /// A key whose name is a literal of the program.
    ///
    /// # Panics
    ///
    /// If `name` is not a valid [`StepName`]: a fault of the caller's source.
    #[must_use]
    pub fn new(scope: Scope, attempt: u32, name: &'static str) -> Self {
        let name = StepName::new(name).expect("a literal step name is valid");
        Self {
            scope,
            attempt,
            name,
        }
    }

    /// The mark by which the step's mutation of the outside world can be found again.
    ///
    /// # Panics
    ///
    /// Never: ids hold only characters that an operation id allows.
    #[must_use]
    pub fn operation(&self, run: &RunId) -> OperationId {
        let scope = match &self.scope {
            Scope::Run => "run".to_owned(),
            Scope::Repository(name) => format!("repository/{name}"),
            Scope::Task(id) => format!("task/{id}"),
        };
        let text = format!("{run}:{scope}#{}:{}", self.attempt, self.name);
        // At most 64 + 1 + 75 + 11 + 1 + 64 characters, all of them allowed.
        OperationId::new(text).expect("ids contain only characters that an operation id allows")
    }
}

impl fmt::Display for StepKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.scope {
            Scope::Run => write!(f, "run: {}", self.name)?,
            Scope::Repository(name) => write!(f, "repository {name}: {}", self.name)?,
            Scope::Task(id) => write!(f, "task {id}: {}", self.name)?,
        }
        if self.attempt > 1 {
            write!(f, " (attempt {})", self.attempt)?;
        }
        Ok(())
    }
}
