use std::fmt::Debug;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{Plan, PortError, Scope, StepKey, TaskId};

/// A place where a run waits for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Gate {
    /// After planning.
    Plan,
    /// Before a target branch moves.
    Landing,
    /// Before a landed change is deployed.
    Deploy,
}

impl Gate {
    /// The gate's name, as on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Landing => "landing",
            Self::Deploy => "deploy",
        }
    }
}

/// A command to a run from another process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "message")]
#[non_exhaustive]
pub enum Message {
    /// Open a gate.
    Approve {
        /// Which gate.
        gate: Gate,
        /// The plan as the person edited it, for the plan gate.
        plan: Option<Plan>,
    },
    /// Consent to one more execution of a step whose outcome is unknown.
    Consent {
        /// Which step.
        key: StepKey,
    },
    /// Land the run's change, which was left as pull requests.
    Land {
        /// Whether checked-out target branches may be moved with their files.
        update_checkout: bool,
        /// Whether a change without a test command may land.
        allow_unverified: bool,
    },
    /// Try work that was handed off again, told what a person says.
    Answer {
        /// Which task, or which repository's tests.
        scope: Scope,
        /// What the person says.
        text: String,
    },
    /// Try work that was handed off again.
    Retry {
        /// Which task, or which repository's tests.
        scope: Scope,
        /// The task's new description, where the person changed it.
        description: Option<String>,
    },
    /// Give the run up: nothing of it lands any more.
    Abort,
    /// Go on without a task that was handed off, and without what depends on it.
    Skip {
        /// Which task.
        task: TaskId,
    },
}

/// What other processes have said to a run. Messages are kept for ever; each has a number from 1, without gaps.
#[async_trait]
pub trait Inbox: Debug + Send + Sync {
    /// All messages so far, in their order.
    ///
    /// # Errors
    ///
    /// `Internal` when the inbox is damaged.
    async fn messages(&self) -> Result<Vec<Message>, PortError>;

    /// Adds a message; returns when it is on disk.
    ///
    /// # Errors
    ///
    /// `ResourceExhausted` when it could not be stored.
    async fn send(&self, message: &Message) -> Result<(), PortError>;
}
