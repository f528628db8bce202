use async_trait::async_trait;
use core_types::{Advice, AdviceRequest, PortError, PromptAdvisor, Stage};

use super::{advise::Subject, feedback_loop::FeedbackLoop};

/// A [`FeedbackLoop`] as the port by which a workflow asks for advice.
///
/// Tasks in the implementation stage take part in trials. Planning and review get what is promoted: their
/// prompts have no outcome of their own that tests measure. The same feedback and seed give the same advice; an
/// answer that was given once is given again.
#[derive(Debug, Clone)]
pub struct Advisor {
    feedback: FeedbackLoop,
}

impl Advisor {
    /// An advisor that learns from this feedback.
    #[must_use]
    pub fn new(feedback: FeedbackLoop) -> Self {
        Self { feedback }
    }
}

#[async_trait]
impl PromptAdvisor for Advisor {
    async fn advise(&self, request: &AdviceRequest) -> Result<Advice, PortError> {
        let of_trial = request
            .task
            .as_ref()
            .filter(|_| request.stage == Stage::Implementation);
        let subject = Subject {
            run: request.run.clone(),
            task: of_trial.map(|task| task.id.clone()),
            repository: request.repository.clone(),
            files: request
                .task
                .as_ref()
                .map(|task| task.files.clone())
                .unwrap_or_default(),
        };
        let given = self
            .feedback
            .blocking(move |inner| inner.give(&subject))
            .await
            .map_err(|error| error.into_port_error("look for lessons"))?;
        let arm = if given.draw.exposures.is_empty() {
            String::new()
        } else {
            given.draw.arm.as_str().to_owned()
        };
        Ok(Advice {
            lessons: given
                .draw
                .shown()
                .map(|lesson| lesson.to_string())
                .collect(),
            texts: given.texts,
            arm,
            propensity: given.draw.propensity(),
        })
    }
}
