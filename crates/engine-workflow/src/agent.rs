//! One piece of an agent's work: money set aside, the agent run, money settled.

use std::time::Instant;

use core_types::{
    Advice, AdviceRequest, AgentRequest, AgentResult, Event, Failure, OperationId, PortError,
    SpendRequest, SpendScope, Spent, StepKey, StepRef, TokenUsage,
    step::{Fingerprint, StepError},
};

use crate::run::Run;

/// Runs the agent on a request, within a step that the caller has begun. The
/// inner error is a failure of the agent's, the outer one stops the run.
///
/// The reservation's operation id names the step and its execution, so a
/// repeated execution reserves anew. What an execution without a result has
/// used is unknown: its reservation stays.
pub(crate) async fn work(
    run: &Run,
    step: &StepRef,
    spend: &SpendScope,
    request: AgentRequest,
) -> Result<Result<AgentResult, Failure>, PortError> {
    let ledger = &run.ports.aids.ledger;
    let operation = step
        .key
        .operation(&run.settings.run)
        .with_execution(step.execution);
    let agent = run.ports.agent.name().to_owned();
    let asked = SpendRequest {
        agent: agent.clone(),
        ..SpendRequest::default()
    };
    let reservation = ledger.reserve(&operation, spend, &asked, None).await?;
    run.emit(
        Some(step),
        Event::AgentStarted {
            agent: agent.clone(),
        },
    );
    let began = Instant::now();
    let result = run.ports.agent.run(request, &run.cancel).await;
    let usage = match &result {
        Ok(result) => result.usage,
        Err(_) => TokenUsage::default(),
    };
    run.emit(
        Some(step),
        Event::AgentEnded {
            agent,
            usage,
            duration: began.elapsed(),
        },
    );
    match result {
        Ok(result) => {
            let operation = settlement(&operation);
            let spent = Spent {
                usage: result.usage,
                cost: result.cost,
                model: result.model.clone(),
            };
            ledger.settle(&operation, &reservation, &spent).await?;
            Ok(Ok(result))
        }
        Err(error) => {
            let what = format!("{error}: ");
            let mut failure = run.as_failure(error)?;
            // That it was run goes without saying; what came of it is the failure.
            if let Some(cause) = failure.message.strip_prefix(&what) {
                failure.message = format!("agent {}: {cause}", run.ports.agent.name());
            }
            Ok(Err(failure))
        }
    }
}

fn settlement(reserving: &OperationId) -> OperationId {
    // A step's operation id with its execution has at most 227 of 256 characters.
    OperationId::new(format!("{reserving}:settle"))
        .expect("an operation id leaves room for a suffix")
}

/// What learning adds to a prompt, recorded so that a repeated execution gets
/// the same. Advice helps; a run without it is still a run.
pub(crate) async fn advice(
    run: &Run,
    key: StepKey,
    request: AdviceRequest,
) -> Result<Advice, StepError> {
    run.step(key, Fingerprint::new(), |_| async move {
        let advice = run.ports.aids.advisor.advise(&request).await;
        Ok(advice.unwrap_or_default())
    })
    .await
}
