//! `issue`.

use std::{io::Read, sync::Arc};

use anyhow::{Context, Result, bail};
use facade::{
    assemble::{
        Error, IssueSource, KnownRepositories, known_repositories, open_forges, repository_names,
    },
    core_types::{
        GitProvider, IssueState, NewIssue, OperationId, PullRequestState, Reference, RepositoryName,
    },
    forges::Forge,
};

use crate::{
    args::IssueCommand,
    failure::DONE,
    output::{one_line, table},
    session::Session,
};

/// `automation issue`.
pub(crate) async fn issue(session: &Session, command: IssueCommand) -> Result<u8> {
    // What is there can be read from anywhere; a new issue needs a repository that is there.
    let KnownRepositories { primary, names } = match &command {
        IssueCommand::New { .. } => {
            let names = repository_names(&session.home, &session.surroundings).await?;
            KnownRepositories {
                primary: names.first().cloned(),
                names,
            }
        }
        IssueCommand::Ls { .. } | IssueCommand::Show { .. } => {
            known_repositories(&session.home, &session.surroundings).await?
        }
    };
    let known = |wanted: Option<&str>| known(primary.as_ref(), &names, wanted);
    let forge = open_forges(&session.home, &session.surroundings).await?;
    match command {
        IssueCommand::New {
            title,
            body,
            labels,
            repository,
        } => {
            let name = known(repository.as_deref())?;
            let mut body = body;
            if body == "-" {
                body.clear();
                std::io::stdin()
                    .read_to_string(&mut body)
                    .context("standard input")?;
            }
            session.home.ensure()?;
            // A person who says it twice means it twice.
            let now = session.surroundings.clock.now().0;
            let operation = OperationId::new(format!("issue-new:{}:{now}", std::process::id()))?;
            let new = NewIssue {
                title,
                body,
                labels,
            };
            let issue = forge
                .provider(&name)
                .create_issue(&operation, new)
                .await
                .map_err(Error::from)?;
            session.output.json(&issue)?;
            session.output.line(format!(
                "{name}{}: {}",
                Reference(issue.number),
                issue.title
            ));
        }
        IssueCommand::Ls { repository } => {
            let names = match &repository {
                Some(_) => vec![known(repository.as_deref())?],
                None => names.clone(),
            };
            list(session, &*forge, &names).await?;
        }
        IssueCommand::Show { issue } => {
            // In a folder that does not exist no argument is a file.
            let source = IssueSource::parse(&issue, std::path::Path::new("/nonexistent"));
            let Ok(IssueSource::Forge(repository, number)) = source else {
                bail!(Error::Request {
                    message: format!("{issue:?} is not an issue"),
                    hint: "give its number, such as 12 or backend#12".to_owned()
                })
            };
            let name = known(repository.as_ref().map(RepositoryName::as_str))?;
            show(session, &name, forge.provider(&name), number).await?;
        }
    }
    Ok(DONE)
}

/// The repository of that name, or the primary one.
fn known(
    primary: Option<&RepositoryName>,
    names: &[RepositoryName],
    wanted: Option<&str>,
) -> Result<RepositoryName> {
    let found = match wanted {
        None => primary,
        Some(wanted) => names.iter().find(|name| name.as_str() == wanted),
    };
    let Some(name) = found else {
        let known: Vec<_> = names.iter().map(RepositoryName::as_str).collect();
        let message = match wanted {
            Some(wanted) => format!("there is no repository {wanted:?}"),
            None => {
                "there are several repositories, and none of them is the primary one".to_owned()
            }
        };
        bail!(Error::Request {
            message,
            hint: format!("known are: {}", known.join(", ")),
        })
    };
    Ok(name.clone())
}

async fn list(session: &Session, forge: &dyn Forge, names: &[RepositoryName]) -> Result<()> {
    let mut rows = Vec::new();
    let mut json = Vec::new();
    for name in names {
        let provider = forge.provider(name);
        let issues = provider.list_issues().await.map_err(Error::from)?;
        let pull_requests = provider.list_pull_requests().await.map_err(Error::from)?;
        for issue in &issues {
            let state = match issue.state {
                IssueState::Open => "open",
                IssueState::Closed => "closed",
            };
            rows.push((
                name.clone(),
                issue.number,
                "issue",
                state,
                issue.title.clone(),
            ));
        }
        for pull_request in &pull_requests {
            let state = match pull_request.state {
                PullRequestState::Open => "open",
                PullRequestState::Closed => "closed",
                PullRequestState::Merged => "merged",
            };
            let title = pull_request.title.clone();
            rows.push((
                name.clone(),
                pull_request.number,
                "pull request",
                state,
                title,
            ));
        }
        json.push(serde_json::json!({
            "repository": name, "issues": issues, "pull_requests": pull_requests,
        }));
    }
    session.output.json(&json)?;
    rows.sort();
    let rows: Vec<_> = rows
        .into_iter()
        .map(|(name, number, kind, state, title)| {
            let id = format!("{name}{}", Reference(number));
            vec![id, kind.to_owned(), state.to_owned(), one_line(&title, 100)]
        })
        .collect();
    if rows.is_empty() {
        session
            .output
            .line("no issues; write one with `automation issue new --title …`");
    }
    for line in table(&rows) {
        session.output.line(line);
    }
    Ok(())
}

async fn show(
    session: &Session,
    name: &RepositoryName,
    provider: Arc<dyn GitProvider>,
    number: u64,
) -> Result<()> {
    let pull_requests = provider.list_pull_requests().await.map_err(Error::from)?;
    let output = session.output;
    let (title, body, about) = match pull_requests.into_iter().find(|it| it.number == number) {
        Some(found) => {
            let about = format!(
                "pull request of {} into {} at {}",
                found.head,
                found.base,
                found.head_commit.short()
            );
            (found.title, found.body, about)
        }
        None => {
            let issue = provider.get_issue(number).await.map_err(Error::from)?;
            let labels = issue.labels.join(", ");
            let about = format!("issue by {} {}", issue.author, issue.created);
            let about = if labels.is_empty() {
                about
            } else {
                format!("{about}, {labels}")
            };
            (issue.title, issue.body, about)
        }
    };
    let comments = provider.list_comments(number).await.map_err(Error::from)?;
    output.json(&serde_json::json!({
        "repository": name, "number": number, "title": title, "body": body, "comments": comments,
    }))?;
    output.line(format!("{name}{}: {title}", Reference(number)));
    output.line(about);
    if !body.trim().is_empty() {
        output.line(format!("\n{}", body.trim_end()));
    }
    for comment in &comments {
        output.line(format!(
            "\n--- {} {}\n{}",
            comment.author,
            comment.created,
            comment.body.trim_end()
        ));
    }
    Ok(())
}
