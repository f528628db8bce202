//! The fourth stage: the agent looks at each repository's change, where it can.

use core_types::{
    Advice, AdviceRequest, AgentAnswer, AgentRequest, AgentTask, CommitId, Event, PortError,
    RepositoryName, Review, Scope, Stage, StepKey, StepRef, step::Fingerprint,
};

use crate::{
    Error,
    agent::{advice, work},
    run::Run,
};

/// How much of a diff an agent is given.
const DIFF_LIMIT_BYTES: usize = 256 * 1024;

/// A repository's change, to be reviewed.
pub(crate) struct Change<'a> {
    pub(crate) repository: &'a RepositoryName,
    pub(crate) base: &'a CommitId,
    pub(crate) head: &'a CommitId,
    pub(crate) tests_passed: Option<bool>,
}

/// Reviews one repository's change; `None` for "not reviewed".
pub(crate) async fn review(run: &Run, change: Change<'_>) -> Result<Option<Review>, Error> {
    if !run.ports.agent.capabilities().review {
        return Ok(None);
    }
    let key = |name| {
        StepKey::new(
            Scope::Repository(change.repository.clone()),
            run.first_attempt(change.repository),
            name,
        )
    };
    let advice_request = AdviceRequest {
        run: run.settings.run.clone(),
        stage: Stage::Review,
        repository: Some(change.repository.clone()),
        task: None,
    };
    let advice = advice(run, key("review-advice"), advice_request).await?;
    let key = key("review");
    let fingerprint = Fingerprint::new()
        .with("agent", run.ports.agent.name())
        .with("head", change.head);
    let review = run.step(key, fingerprint, |step| async move {
        let review = Box::pin(review_once(run, &change, advice, &step)).await?;
        let repository = change.repository.clone();
        run.emit(
            Some(&step),
            Event::RepositoryReviewed {
                repository,
                review: review.clone(),
            },
        );
        Ok(review)
    });
    Ok(review.await?)
}

async fn review_once(
    run: &Run,
    change: &Change<'_>,
    advice: Advice,
    step: &StepRef,
) -> Result<Option<Review>, PortError> {
    let Some(settings) = run.settings.repository(change.repository) else {
        return Ok(None);
    };
    let port = &run.repository(change.repository)?.repository;
    let diff = port
        .diff(change.base, change.head, DIFF_LIMIT_BYTES)
        .await?;
    let workspace = port.lease(change.head).await?;
    let request = AgentRequest {
        run: run.settings.run.clone(),
        step: Some(step.clone()),
        repository: Some(change.repository.clone()),
        attempt: 1,
        issue: run.settings.issue.clone(),
        task: AgentTask::Review {
            repository: run.brief(settings, change.base),
            head: change.head.clone(),
            diff: diff.text,
            tests_passed: change.tests_passed,
        },
        context: run.context(),
        advice,
        model: None,
        grant: None,
        conversation: None,
        folder: workspace.folder().to_owned(),
        scratch: run.scratch(format!(
            "repositories/{}/review.{}",
            change.repository, step.execution
        )),
        timeout: run.settings.limits.agent_timeout,
    };
    match work(run, request).await? {
        Ok(result) => match result.answer {
            AgentAnswer::Review { review } => Ok(Some(review)),
            _ => Ok(None),
        },
        Err(failure) => {
            let repository = change.repository;
            let message =
                format!("the review of {repository} failed, so it is not reviewed: {failure}");
            run.emit(Some(step), Event::Warning { message });
            Ok(None)
        }
    }
}
