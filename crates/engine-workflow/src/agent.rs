//! One piece of an agent's work, and the advice it gets.

use core_types::{
    Advice, AdviceRequest, AgentRequest, AgentResult, Event, Failure, PortError, StepKey, StepRef,
    step::{Fingerprint, StepError},
};

use crate::run::Run;

/// Runs the agent on a request, within a step that the caller has begun. The
/// inner error is a failure of the agent's, the outer one stops the run.
pub(crate) async fn work(
    run: &Run,
    request: AgentRequest,
) -> Result<Result<AgentResult, Failure>, PortError> {
    match run.ports.agent.run(request, &run.cancel).await {
        Ok(result) => Ok(Ok(result)),
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

/// Tells which lessons a prompt gets. One without lessons is told of, too, where an arm was drawn: it is
/// the other arm.
pub(crate) fn tell_advice(run: &Run, step: &StepRef, advice: &Advice) {
    if !advice.arm.is_empty() {
        let served = Event::LessonsServed {
            lessons: advice.lessons.clone(),
            arm: advice.arm.clone(),
            propensity: advice.propensity,
        };
        run.emit(Some(step), served);
    }
}

/// What learning adds to a prompt, recorded so that a repeated execution gets
/// the same. Advice helps; a run without it is still a run.
pub(crate) async fn advice(
    run: &Run,
    key: StepKey,
    request: AdviceRequest,
) -> Result<Advice, StepError> {
    run.step(key, Fingerprint::new(), |step| async move {
        let advice = run.ports.aids.advisor.advise(&request).await;
        let advice = advice.unwrap_or_default();
        tell_advice(run, &step, &advice);
        Ok(advice)
    })
    .await
}
