//! What agents were asked, for those who learn from it.

use std::sync::Arc;

use agents::prompt::Prompts;
use async_trait::async_trait;
use core_types::{
    Agent, AgentCapabilities, AgentRequest, AgentResult, AgentTask, CancellationToken,
    ChangePolicy, Event, EventSink, PortError,
};
use learning::{KeepPrompts, KeptPrompt};

/// An agent whose prompts for tasks are told as events: as much as is to be kept of them, without secrets.
#[derive(Debug)]
pub(crate) struct TellingAgent {
    pub(crate) agent: Arc<dyn Agent>,
    pub(crate) events: Arc<dyn EventSink>,
    pub(crate) keep: KeepPrompts,
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
        let AgentTask::Implement { .. } = &request.task else {
            return self.agent.run(request, cancel).await;
        };
        let step = request.step.clone();
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
        } = KeptPrompt::of(told, self.keep);
        let event = Event::PromptGiven {
            hash,
            text,
            secrets,
        };
        self.events.emit(step.as_ref(), event);
        result
    }
}
