//! An agent whose work is paid for and told of.

use std::{sync::Arc, time::Instant};

use async_trait::async_trait;
use core_types::{
    Agent, AgentCapabilities, AgentRequest, AgentResult, CancellationToken, ChangePolicy,
    ErrorClass, Event, EventSink, Grant, Ledger, ModelSelector, NoSelection, PortError, Scope,
    SpendRequest, SpendScope, Spent,
};

use crate::meter::Funds;

/// An agent that sets money aside before it works, settles it afterwards, and
/// reports both ends of its work as events.
///
/// A [`Workflow`](crate::Workflow) wraps its own agent; who gives the same
/// agent to a [`Recovery`](core_types::Recovery) wraps it there too. Each piece
/// of work belongs to a step, and one execution of a step does one piece: the
/// reservation's operation id names both, so a repeated execution reserves
/// anew. What is set aside is for the model that the request names, or that is
/// chosen here. It is the request's [`Grant`]: work that says while it goes on
/// that it has spent more gets more as long as the limits allow it, else it is
/// ended. A failed piece of work is settled with what it reports
/// ([`PortError::spent`]); what one costs that reports nothing, the ledger
/// knows. Only what is cut off stays set aside.
#[derive(Debug, Clone)]
pub struct MeteredAgent {
    agent: Arc<dyn Agent>,
    ledger: Arc<dyn Ledger>,
    events: Arc<dyn EventSink>,
    models: Arc<dyn ModelSelector>,
}

impl MeteredAgent {
    /// Meters an agent.
    #[must_use]
    pub fn new(agent: Arc<dyn Agent>, ledger: Arc<dyn Ledger>, events: Arc<dyn EventSink>) -> Self {
        Self {
            agent,
            ledger,
            events,
            models: Arc::new(NoSelection),
        }
    }

    /// Has it choose the model of requests that name none.
    #[must_use]
    pub fn selecting(mut self, models: Arc<dyn ModelSelector>) -> Self {
        self.models = models;
        self
    }
}

#[async_trait]
impl Agent for MeteredAgent {
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
        let Some(step) = request.step.clone() else {
            let operation = "pay for an agent's work outside of a step";
            return Err(PortError::new(ErrorClass::Validation, operation));
        };
        let spend = SpendScope {
            run: request.run.clone(),
            repository: request.repository.clone(),
            task: match &step.key.scope {
                Scope::Task(task) => Some(task.clone()),
                Scope::Run | Scope::Repository(_) => None,
            },
        };
        let operation = step
            .key
            .operation(&request.run)
            .with_execution(step.execution);
        let agent = self.name().to_owned();
        let mut request = request;
        if request.model.is_none() {
            request.model = self.models.select(request.task.task());
        }
        let model = request.model.clone();
        let asked = SpendRequest {
            agent: agent.clone(),
            model: model
                .as_ref()
                .map_or_else(String::new, |it| it.model.clone()),
            worst_case: None,
        };
        let ledger = self.ledger.clone();
        let funds = Funds::reserve(ledger, operation.clone(), spend, asked).await?;
        let funds = Arc::new(funds);
        if let Some(amount) = funds.amount() {
            let reserved = Event::SpendReserved {
                operation: operation.clone(),
                amount,
            };
            self.events.emit(Some(&step), reserved);
            request.grant = Some(Grant {
                amount,
                meter: funds.clone(),
            });
        }
        let started = Event::AgentStarted {
            agent: agent.clone(),
            model,
        };
        self.events.emit(Some(&step), started);
        let began = Instant::now();
        let result = self.agent.run(request, cancel).await;
        let spent = match &result {
            Ok(result) => Spent {
                usage: result.usage,
                cost: result.cost,
                model: result.model.clone(),
                is_failure: false,
            },
            Err(error) => Spent {
                is_failure: true,
                ..error.spent().cloned().unwrap_or_default()
            },
        };
        let usage = spent.usage;
        let ended = Event::AgentEnded {
            agent,
            usage,
            duration: began.elapsed(),
        };
        self.events.emit(Some(&step), ended);
        let settled = funds.settle(&spent).await;
        if let Ok(settled) = &settled {
            let settled = Event::SpendSettled {
                operation,
                model: settled.model.clone(),
                usage,
                amount: settled.amount,
            };
            self.events.emit(Some(&step), settled);
        }
        // The failure of the work says more than that of its account.
        let result = result?;
        settled?;
        Ok(result)
    }
}
