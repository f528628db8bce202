//! Giving a run up.

use core_types::{
    CommitId, ErrorClass, Merge, Message, PortError, PullRequestChange, PullRequestState,
    Repository, Scope, StepKey, step::StepState,
};

use crate::{
    Error,
    end::{EndStatus, RepositoryEnd, RepositoryState, RunEnd},
    planning::Bases,
    proposing,
    run::Run,
};

/// How many attempts to land are looked through for a pull request.
const MOST_PROPOSALS: u32 = 100;

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
            let holds = merged
                == (Merge::FastForward {
                    commit: now.clone(),
                });
            if holds && !is_taken_back(&**repository, base, &head, &now).await? {
                return Ok(None);
            }
        }
        let attempt = run.first_attempt(name);
        let mut pull_request = None;
        // What was taken back was proposed anew, by a later attempt.
        let opened = (attempt..attempt + MOST_PROPOSALS).rev();
        let mut opened = opened.filter_map(|attempt| match step("pull-request", attempt) {
            StepState::Finished { result, .. } => result.as_u64(),
            _ => None,
        });
        if let Some(number) = opened.next() {
            let change = PullRequestChange {
                state: Some(PullRequestState::Closed),
                ..PullRequestChange::default()
            };
            let key = StepKey::new(Scope::Repository(name.clone()), attempt, "abort");
            match proposing::update_pull_request(run, name, key, number, change).await {
                // It was merged and taken back.
                Err(error) if error.class() == ErrorClass::Conflict => {}
                closed => closed?,
            }
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

/// Whether a target that holds the change's commit has none of what it changed: it was taken back.
async fn is_taken_back(
    repository: &dyn Repository,
    base: &CommitId,
    head: &CommitId,
    now: &CommitId,
) -> Result<bool, PortError> {
    let changed = repository.diff(base, head, 0).await?.files;
    let missing = repository.diff(now, head, 0).await?.files;
    let is_missing = |path: &str| missing.iter().any(|it| it.path == path);
    Ok(changed.iter().all(|it| is_missing(&it.path)))
}
