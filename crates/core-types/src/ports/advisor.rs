use std::fmt::Debug;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{PortError, RepositoryName, RunId, Stage, Task};

/// What advice is asked for.
#[derive(Debug, Clone)]
pub struct AdviceRequest {
    /// The run.
    pub run: RunId,
    /// The stage whose prompt it is for.
    pub stage: Stage,
    /// Where.
    pub repository: Option<RepositoryName>,
    /// The task, in the implementation stage.
    pub task: Option<Task>,
}

/// What learning adds to a prompt, with what is needed to judge it later.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Advice {
    /// Texts for the prompt, in order; may be empty.
    pub texts: Vec<String>,
    /// The lessons they come from.
    pub lessons: Vec<String>,
    /// The arm of the experiment; empty without one.
    pub arm: String,
    /// The probability with which this arm was drawn, from 0 to 1.
    pub propensity: f64,
}

/// Adds to a prompt what was learnt from earlier runs.
#[async_trait]
pub trait PromptAdvisor: Debug + Send + Sync {
    /// Advice for one prompt. Its answer is recorded as a step, so it is asked once.
    ///
    /// # Errors
    ///
    /// Any class; the run then goes on without advice.
    async fn advise(&self, request: &AdviceRequest) -> Result<Advice, PortError>;
}

/// Gives no advice.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoAdvice;

#[async_trait]
impl PromptAdvisor for NoAdvice {
    async fn advise(&self, _: &AdviceRequest) -> Result<Advice, PortError> {
        Ok(Advice {
            propensity: 1.0,
            ..Advice::default()
        })
    }
}
