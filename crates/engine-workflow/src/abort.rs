//! Giving a run up.

use core_types::{Message, PullRequestChange, PullRequestState, Scope, StepKey, step::StepState};

use crate::{
    Error,
    end::{EndStatus, RepositoryEnd, RepositoryState, RunEnd},
    planning::Bases,
    proposing,
    run::Run,
};

/// Whether a person has given the run up.
pub(crate) async fn is_wanted(run: &Run) -> Result<bool, Error> {
    let messages = run.ports.inbox.messages().await?;
    Ok(messages.iter().any(|it| matches!(it, Message::Abort)))
}

/// Closes the run's open pull requests. Its branches stay, to be looked at.
/// `None` where something has landed, which cannot be taken back.
pub(crate) async fn abort(run: &Run, bases: &Bases) -> Result<Option<RunEnd>, Error> {
    let mut repositories = Vec::new();
    for (name, base) in bases {
        let step = |step, attempt| {
            let key = StepKey::new(Scope::Repository(name.clone()), attempt, step);
            run.ports.steps.state(&key)
        };
        let head = run.integration_head(name).await?;
        let target = run.settings.repository(name).map(|it| &it.target);
        if let Some(target) = target
            && head != *base
        {
            let repository = &run.repository(name)?.repository;
            let now = repository.fetch(target).await?;
            let message = "Is it there?\n";
            let merged = repository.merge(&now, &head, message).await?;
            if merged == (core_types::Merge::FastForward { commit: now }) {
                return Ok(None);
            }
        }
        let attempt = run.first_attempt(name);
        let mut pull_request = None;
        if let StepState::Finished { result, .. } = step("pull-request", attempt)
            && let Some(number) = result.as_u64()
        {
            let change = PullRequestChange {
                state: Some(PullRequestState::Closed),
                ..PullRequestChange::default()
            };
            let key = StepKey::new(Scope::Repository(name.clone()), attempt, "abort");
            proposing::update_pull_request(run, name, key, number, change).await?;
            pull_request = Some(number);
        }
        repositories.push(RepositoryEnd {
            repository: name.clone(),
            base: base.clone(),
            state: if head == *base {
                RepositoryState::Unchanged
            } else {
                RepositoryState::Failed {
                    reason: "given up".to_owned(),
                }
            },
            head,
            tested: None,
            review: None,
            pull_request,
            deployed: None,
        });
    }
    Ok(Some(RunEnd {
        status: EndStatus::Aborted,
        tasks: Vec::new(),
        repositories,
        waits_for: None,
    }))
}
