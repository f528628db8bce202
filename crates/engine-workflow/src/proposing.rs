//! What the world is shown of a change: its branch, its pull requests, a word on its issue.

use core_types::{
    CommitId, ErrorClass, Event, IssueChange, IssueNumber, IssueState, NewComment, NewPullRequest,
    Operated, PullRequestChange, PullRequestState, Reference, RepositoryName, Scope, StepKey,
    step::{self, Fingerprint, Look, Step, WhenUnknown},
};

use crate::{Error, landing::key, progress::Progress, report, run::Run, text};

/// Puts the change's branch into the user's repository.
pub(crate) async fn publish(
    run: &Run,
    name: &RepositoryName,
    head: &CommitId,
    attempt: u32,
) -> Result<(), Error> {
    let branch = run.change_branch();
    let fingerprint = Fingerprint::new().with("head", head);
    run.step(
        key(name, attempt, "publish"),
        fingerprint,
        |step| async move {
            run.repository(name)?
                .repository
                .publish(&branch, head)
                .await?;
            let (repository, commit) = (name.clone(), head.clone());
            run.emit(
                Some(&step),
                Event::BranchPublished {
                    repository,
                    branch,
                    commit,
                },
            );
            Ok(())
        },
    )
    .await?;
    Ok(())
}

/// Opens the pull request of a repository's change.
async fn open_pull_request(
    run: &Run,
    progress: &Progress,
    attempt: u32,
    body: String,
) -> Result<IssueNumber, Error> {
    let name = &progress.name;
    let step_key = key(name, attempt, "pull-request");
    let operation = step_key.operation(&run.settings.run);
    let forge = &run.repository(name)?.forge;
    let look = async {
        Ok(match forge.find(&operation).await? {
            Some(Operated::PullRequest(found)) => Look::Acted(found.number),
            Some(_) => Look::CannotTell,
            None => Look::NotActed,
        })
    };
    let new = NewPullRequest {
        title: text::title(
            &run.settings.issue.title,
            &format!("Run {}", run.settings.run),
        ),
        body,
        head: run.change_branch(),
        base: progress.target.clone(),
        head_commit: progress.head.clone(),
    };
    let fingerprint = Fingerprint::new()
        .with("head", &progress.head)
        .with("base", &progress.target);
    let step = Step::new(step_key, fingerprint, WhenUnknown::reconcile(look));
    let number = step::run(&*run.ports.steps, step, |step| async {
        let step = step;
        let number = forge.create_pull_request(&operation, new).await?.number;
        let repository = name.clone();
        run.emit(Some(&step), Event::PullRequestOpened { repository, number });
        Ok(number)
    });
    Ok(number.await?)
}

/// Tells the issue, where a forge holds it and nobody else does, what was made of it.
pub(crate) async fn comment(run: &Run, body: String) -> Result<(), Error> {
    if run.settings.followed.is_some() {
        return Ok(());
    }
    let Some((home, issue)) = &run.settings.issue_home else {
        return Ok(());
    };
    let step_key = StepKey::new(Scope::Run, 1, "comment");
    let operation = step_key.operation(&run.settings.run);
    let forge = &run.repository(home)?.forge;
    let look = async {
        let found = forge.find(&operation).await?;
        Ok(if found.is_some() {
            Look::Acted(())
        } else {
            Look::NotActed
        })
    };
    let step = Step::new(step_key, Fingerprint::new(), WhenUnknown::reconcile(look));
    let comment = NewComment {
        issue: *issue,
        body,
    };
    step::run(&*run.ports.steps, step, |_| async {
        forge.create_comment(&operation, comment).await?;
        Ok(())
    })
    .await?;
    Ok(())
}

/// Closes the issue when all of its change has landed.
pub(crate) async fn close_issue(run: &Run) -> Result<(), Error> {
    let Some((home, issue)) = &run.settings.issue_home else {
        return Ok(());
    };
    let step_key = StepKey::new(Scope::Run, 1, "close-issue");
    let operation = step_key.operation(&run.settings.run);
    let forge = &run.repository(home)?.forge;
    let change = IssueChange {
        state: Some(IssueState::Closed),
        ..IssueChange::default()
    };
    // Closing a closed issue changes nothing.
    run.step(step_key, Fingerprint::new(), |_| async {
        forge.update_issue(&operation, *issue, change).await?;
        Ok(())
    })
    .await?;
    Ok(())
}

/// Calls a pull request merged whose change has landed. One that somebody has pushed more to proposes something else by
/// now, which nobody has tested: it stays open.
pub(crate) async fn close_pull_request(run: &Run, progress: &Progress) -> Result<(), Error> {
    let Some(number) = progress.pull_request else {
        return Ok(());
    };
    let (name, head) = (&progress.name, &progress.head);
    let change = PullRequestChange {
        head_commit: Some(head.clone()),
        state: Some(PullRequestState::Merged),
        ..PullRequestChange::default()
    };
    let step_key = key(name, run.first_attempt(name), "close-pull-request");
    let operation = step_key.operation(&run.settings.run);
    let forge = &run.repository(name)?.forge;
    let fingerprint = Fingerprint::new().with_json("change", &change);
    run.step(step_key, fingerprint, |step| async move {
        let changed = forge.update_pull_request(&operation, number, change).await;
        match changed {
            Err(error) if error.class() == ErrorClass::Conflict => {
                let message = format!(
                    "{name}: pull request {} stays open: {}",
                    Reference(number),
                    error.to_line()
                );
                run.emit(Some(&step), Event::Warning { message });
                Ok(())
            }
            changed => changed.map(drop),
        }
    })
    .await?;
    Ok(())
}

/// Setting the same values again changes nothing.
pub(crate) async fn update_pull_request(
    run: &Run,
    name: &RepositoryName,
    step_key: StepKey,
    number: IssueNumber,
    change: PullRequestChange,
) -> Result<(), Error> {
    let operation = step_key.operation(&run.settings.run);
    let forge = &run.repository(name)?.forge;
    let fingerprint = Fingerprint::new().with_json("change", &change);
    run.step(step_key, fingerprint, |_| async {
        forge
            .update_pull_request(&operation, number, change)
            .await?;
        Ok(())
    })
    .await?;
    Ok(())
}

/// Publishes a change and opens its pull request.
pub(crate) async fn propose(
    run: &Run,
    progress: &mut Progress,
    tasks: &[crate::TaskEnd],
    plan: &core_types::Plan,
) -> Result<(), Error> {
    let attempt = run.first_attempt(&progress.name);
    publish(run, &progress.name, &progress.head, attempt).await?;
    let body = report::pull_request_body(run, progress, plan, tasks, &[]);
    progress.pull_request = Some(open_pull_request(run, progress, attempt, body).await?);
    Ok(())
}

/// Opens another pull request for a change whose first one was merged and taken back.
pub(crate) async fn propose_again(
    run: &Run,
    progress: &Progress,
    attempt: u32,
    before: IssueNumber,
) -> Result<IssueNumber, Error> {
    let body = format!(
        "What pull request {} proposed: it was merged and taken back, since the change lands in all \
         repositories or in none.",
        Reference(before)
    );
    open_pull_request(run, progress, attempt, body).await
}

/// Links the pull requests of a change over several repositories with each other, in place.
pub(crate) async fn link(
    run: &Run,
    repositories: &[Progress],
    tasks: &[crate::TaskEnd],
    plan: &core_types::Plan,
) -> Result<(), Error> {
    let proposed = repositories.iter().filter(|it| it.pull_request.is_some());
    if proposed.clone().count() < 2 {
        return Ok(());
    }
    let links = proposed.map(|progress| async move {
        let Some(number) = progress.pull_request else {
            return Ok(());
        };
        let body = report::pull_request_body(run, progress, plan, tasks, repositories);
        let change = PullRequestChange {
            body: Some(body),
            ..PullRequestChange::default()
        };
        let name = &progress.name;
        // Reopened work may bring more pull requests: each round links anew.
        let attempt = run.reopened().rounds_so_far() + 1;
        let step_key = key(name, attempt, "link-pull-request");
        let operation = step_key.operation(&run.settings.run);
        let forge = &run.repository(name)?.forge;
        // Setting the same body again changes nothing; its wording is not compared.
        run.step(step_key, Fingerprint::new(), |_| async {
            forge
                .update_pull_request(&operation, number, change)
                .await?;
            Ok(())
        })
        .await?;
        Ok(())
    });
    run.at_once(links).await
}
