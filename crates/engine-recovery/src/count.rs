//! An agent that counts what it is asked and what that costs.

use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use core_types::{
    Agent, AgentCapabilities, AgentRequest, AgentResult, CancellationToken, ChangePolicy, PortError,
};

use crate::Spending;

#[derive(Debug)]
pub(crate) struct Counted<'a> {
    agent: &'a dyn Agent,
    spent: Mutex<Spending>,
}

impl<'a> Counted<'a> {
    pub(crate) fn new(agent: &'a dyn Agent) -> Self {
        Self {
            agent,
            spent: Mutex::default(),
        }
    }

    pub(crate) fn spent(&self) -> Spending {
        *self.counts()
    }

    fn counts(&self) -> MutexGuard<'_, Spending> {
        // Nothing under this lock leaves the counts half changed.
        self.spent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Agent for Counted<'_> {
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
        self.counts().requests += 1;
        let result = self.agent.run(request, cancel).await?;
        let mut counts = self.counts();
        counts.usage = counts.usage.plus(&result.usage);
        counts.cost = match (counts.cost, result.cost) {
            // A sum that does not fit is not known.
            (Some(sum), Some(cost)) => sum.checked_add(cost),
            (sum, cost) => sum.or(cost),
        };
        drop(counts);
        Ok(result)
    }
}
