//! What agents were asked, for those who learn from it.

use std::sync::Arc;

use agents::prompt::Prompts;
use async_trait::async_trait;
use core_types::{
    Agent, AgentCapabilities, AgentRequest, AgentResult, AgentTask, CancellationToken,
    ChangePolicy, Event, EventSink, PortError,
};
use learning::{KeepPrompts, KeptPrompt};

/// An agent whose prompts are told as events: by which template each was made, and of those for tasks as much as is to
/// be kept, without secrets.
#[derive(Debug)]
pub(crate) struct TellingAgent {
    pub(crate) agent: Arc<dyn Agent>,
    pub(crate) events: Arc<dyn EventSink>,
    /// `None` where nothing is learnt.
    pub(crate) keep: Option<KeepPrompts>,
    pub(crate) prompts: Arc<Prompts>,
}

#[async_trait]
impl Agent for TellingAgent {
    fn name(&self) -> &str {
        self.agent.name()
    }

    fn capabilities(&self) -> AgentCapabilities {
        self.agent.capabilities()
    }

    fn changes(&self) -> ChangePolicy {
        self.agent.changes()
    }

    async fn run(
        &self,
        request: AgentRequest,
        cancel: &CancellationToken,
    ) -> Result<AgentResult, PortError> {
        let step = request.step.clone();
        let template = self.prompts.template(&request);
        let made = Event::PromptMade {
            template: template.name.to_owned(),
            version: template.version(),
            is_own: template.is_own,
        };
        self.events.emit(step.as_ref(), made);
        let (AgentTask::Implement { .. }, Some(keep)) = (&request.task, self.keep) else {
            return self.agent.run(request, cancel).await;
        };
        // An agent that fails does not say what it was asked.
        let rendered = self.prompts.render(&request);
        let result = self.agent.run(request, cancel).await;
        let told = match &result {
            Ok(result) if !result.prompt.is_empty() => &result.prompt,
            _ => &rendered,
        };
        let KeptPrompt {
            hash,
            text,
            secrets,
        } = KeptPrompt::of(told, keep);
        let event = Event::PromptGiven {
            hash,
            text,
            secrets,
        };
        self.events.emit(step.as_ref(), event);
        result
    }
}
