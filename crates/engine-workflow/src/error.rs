//! Why a run stopped before its end.

use core_types::{ErrorClass, Failure, PortError, Timestamp, step::StepError};

use crate::plan::Finding;

/// Why a run stopped before its end. Nothing recorded is lost: it can be resumed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A step could not be run or replayed.
    #[error(transparent)]
    Step(#[from] StepError),
    /// A port failed outside a step.
    #[error(transparent)]
    Port(#[from] PortError),
    /// The plan given by a person is not valid.
    #[error("the plan is not valid:{}", lines(.0))]
    Plan(Vec<Finding>),
    /// The agent could not give a valid plan.
    #[error(
        "the agent's plan is not valid after {rounds} rounds:{}",
        lines(findings)
    )]
    AgentPlan {
        /// How often it was asked.
        rounds: u32,
        /// What is wrong with the last one.
        findings: Vec<Finding>,
    },
    /// The agent failed while planning; a resumed run asks it again.
    #[error("the agent could not plan: {0}")]
    Planning(Failure),
    /// The executor refused the tasks.
    #[error("the tasks could not be executed")]
    Execution(#[from] engine_parallel::Error),
    /// A fault of ours outside a task.
    #[error("a fault of the engine ended {0}")]
    Panicked(&'static str),
    /// A person or a shutdown paused it.
    #[error("the run was paused")]
    Paused,
    /// The landing was cut off between two repositories; resumed, it goes on.
    #[error("the landing was cut off after {} had landed", landed.join(", "))]
    CutOff {
        /// Where it has landed.
        landed: Vec<String>,
        /// What cut it off.
        #[source]
        source: Box<Self>,
    },
    /// It is parked, for a quota to come back say; resumed earlier it parks again.
    #[error("the run is parked until {until}")]
    Parked {
        /// The earliest time to go on.
        until: Timestamp,
    },
}

fn lines(findings: &[Finding]) -> String {
    findings
        .iter()
        .map(|finding| format!("\n  {finding}"))
        .collect()
}

impl Error {
    /// What a caller branches on.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Step(error) => error.class(),
            Self::Port(error) => error.class(),
            Self::Plan(_) => ErrorClass::Validation,
            // An agent that somebody ended is no run that somebody paused.
            Self::Planning(failure) if failure.class == ErrorClass::Cancelled => {
                ErrorClass::Internal
            }
            Self::Planning(failure) => failure.class,
            Self::AgentPlan { .. } | Self::Execution(_) | Self::Panicked(_) => ErrorClass::Internal,
            Self::Paused => ErrorClass::Cancelled,
            Self::CutOff { source, .. } => source.class(),
            Self::Parked { until } => ErrorClass::QuotaExhausted {
                until: Some(*until),
            },
        }
    }
}
