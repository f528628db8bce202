//! An agent whose every result is told to its breaker.

use std::sync::Arc;

use async_trait::async_trait;
use core_types::{
    Agent, AgentCapabilities, AgentRequest, AgentResult, CancellationToken, ChangePolicy, Clock,
    ErrorClass, PortError,
};

use super::Breakers;

/// The breaker's name of an agent.
pub(super) fn host_of_agent(name: &str) -> String {
    format!("agent:{name}")
}

/// Whether an error says that the other side is down, and not that the call was wrong.
pub(super) fn is_down(class: ErrorClass) -> bool {
    matches!(
        class,
        ErrorClass::Transient
            | ErrorClass::Timeout
            | ErrorClass::UnknownOutcome
            | ErrorClass::RateLimited { .. }
    )
}

impl Breakers {
    /// Wraps an agent so that its successes close the breaker and its failures are counted when
    /// they happen. Without it only failures that reach recovery are known.
    #[must_use]
    pub fn watch(self: &Arc<Self>, agent: Arc<dyn Agent>, clock: Arc<dyn Clock>) -> Arc<dyn Agent> {
        let host = host_of_agent(agent.name());
        self.watch_host(&host);
        Arc::new(Watched {
            agent,
            clock,
            host,
            breakers: Arc::clone(self),
        })
    }
}

#[derive(Debug)]
struct Watched {
    agent: Arc<dyn Agent>,
    clock: Arc<dyn Clock>,
    host: String,
    breakers: Arc<Breakers>,
}

#[async_trait]
impl Agent for Watched {
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
        let result = self.agent.run(request, cancel).await;
        match &result {
            Ok(_) => self.breakers.succeeded(&self.host),
            Err(error) if is_down(error.class()) => {
                self.breakers.failed(&self.host, self.clock.now());
            }
            Err(_) => {}
        }
        result
    }
}
