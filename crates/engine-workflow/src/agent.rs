//! One piece of an agent's work: money set aside, the agent run, money settled.

use std::time::Instant;

use core_types::{AgentRequest, AgentResult, Event, PortError, SpendScope, StepRef, TokenUsage};

use crate::run::Run;

/// Runs the agent on a request, within a step that the caller has begun.
///
/// The reservation's operation id names the step and its execution, so a
/// killed execution stays reserved and a repeated one is counted again.
pub(crate) async fn work(
    run: &Run,
    step: &StepRef,
    spend: &SpendScope,
    request: AgentRequest,
) -> Result<AgentResult, PortError> {
    let ledger = &run.ports.aids.ledger;
    let operation = step
        .key
        .operation(&run.settings.run)
        .with_execution(step.execution);
    let reservation = ledger.reserve(&operation, spend, None).await?;
    let agent = run.ports.agent.name().to_owned();
    run.emit(
        Some(step),
        Event::AgentStarted {
            agent: agent.clone(),
        },
    );
    let began = Instant::now();
    let result = run.ports.agent.run(request, &run.cancel).await;
    let (usage, cost) = match &result {
        Ok(result) => (result.usage, result.cost),
        Err(_) => (TokenUsage::default(), None),
    };
    run.emit(
        Some(step),
        Event::AgentEnded {
            agent,
            usage,
            duration: began.elapsed(),
        },
    );
    ledger
        .settle(&operation, &reservation, &usage, cost)
        .await?;
    result
}
