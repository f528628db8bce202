//! `demo`: three real repositories, an issue, and a scripted agent that solves it.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use facade::{
    assemble::{Assembly, Error, Home, IssueSource, RunRequest, TaskState, open_forge},
    core_types::{
        Message, NewIssue, OperationId, RepositoryName, RunId, Scope, TaskId, TaskStatus,
    },
    process::{SandboxSupport, sandbox_support},
};

use super::{
    dashboard::Shown,
    drive::{AtGate, describe, execute},
    gates::tell,
    repository::begin,
    run::introduce,
};
use crate::{args::DemoArguments, session::Session};

/// The files of the three repositories: repository, path, text.
const FILES: &[(&str, &str, &str)] = &[
    ("backend", "README.md", "# backend\n"),
    (
        "backend",
        "routes.txt",
        include_str!("../../demo/backend/routes.txt"),
    ),
    (
        "backend",
        "handlers/root.sh",
        include_str!("../../demo/backend/root.sh"),
    ),
    (
        "backend",
        "test.sh",
        include_str!("../../demo/backend/test.sh"),
    ),
    ("frontend", "README.md", "# frontend\n"),
    ("frontend", "menu.txt", "home.html\n"),
    (
        "frontend",
        "pages/home.html",
        include_str!("../../demo/frontend/home.html"),
    ),
    (
        "frontend",
        "test.sh",
        include_str!("../../demo/frontend/test.sh"),
    ),
    ("infrastructure", "README.md", "# infrastructure\n"),
    (
        "infrastructure",
        "services/backend.conf",
        include_str!("../../demo/infrastructure/backend.conf"),
    ),
    (
        "infrastructure",
        "test.sh",
        include_str!("../../demo/infrastructure/test.sh"),
    ),
];

const CONFIG: &[(&str, &str)] = &[
    (
        "automation.yaml",
        include_str!("../../demo/automation.yaml"),
    ),
    (
        "repositories.yaml",
        include_str!("../../demo/repositories.yaml"),
    ),
    ("playbook.yaml", include_str!("../../demo/playbook.yaml")),
];

/// The workflow of the demo's configuration.
const WORKFLOW: &str = "full-stack-feature";

/// The task whose agent asks a person, and what the demo's person answers.
const ASKING: &str = "alert";
const ANSWER: &str = "Wake somebody after one minute.";

const ISSUE: &str = include_str!("../../demo/issue.md");

/// `automation demo`.
pub(crate) async fn demo(session: Session, arguments: DemoArguments) -> Result<u8> {
    let folder = folder(&session, arguments.folder.as_deref())?;
    let output = session.output;
    output.progress(format!(
        "making three repositories and an issue in {}",
        folder.display()
    ));
    make(&session, &folder).await?;
    let home = Home::locate(&folder, Some(&folder));
    let run = session.new_run(arguments.run_id.as_deref())?;
    let issue = write_issue(&session, &home).await?;
    if arguments.prepare {
        let shown = folder.display();
        output.line(format!(
            "automation --home {shown} run {issue} --workflow {WORKFLOW} --land --update-checkout"
        ));
        return Ok(0);
    }
    let mut surroundings = session.surroundings.clone();
    surroundings.current_dir = folder.clone();
    let request = RunRequest {
        issue: Some(IssueSource::Forge(None, issue)),
        land: true,
        update_checkout: true,
        workflow: Some(WORKFLOW.to_owned()),
        // Its agent plays a playbook: where the system has no sandbox, it is shown all the same.
        no_sandbox: matches!(sandbox_support(), SandboxSupport::Missing { .. }),
        context: BTreeMap::from([("feature_flag".to_owned(), "health-page".to_owned())]),
        ..RunRequest::default()
    };
    let (created, used) = (home.clone(), surroundings.clone());
    let assembly = Box::pin(Assembly::create(run.clone(), &request, created, used)).await?;
    introduce(output, &assembly);
    // What follows happens in the demo's home.
    let session = Session {
        home,
        surroundings,
        output,
        explicit_home: Some(folder.clone()),
    };
    let shown = Shown::beside(&session, &arguments.beside)?;
    let driven = Box::pin(execute(&session, assembly, AtGate::Exit)).await?;
    describe(&session, &driven);
    let mut code = driven.exit_code;
    let asks = |task: &TaskState| task.task.as_str() == ASKING && task.status == TaskStatus::Failed;
    if session.status(&run)?.tasks.iter().any(asks) {
        output.line("");
        output.line("One question only a person can answer. The demo plays that person:");
        output.line(format!(
            "  automation answer {ASKING} {ANSWER:?} --run {run}"
        ));
        output.line("");
        let message = Message::Answer {
            scope: Scope::Task(TaskId::new(ASKING)?),
            text: ANSWER.to_owned(),
        };
        code = Box::pin(tell(&session, run.clone(), &message, AtGate::Exit)).await?;
    } else {
        session.output.json(&driven)?;
    }
    if code == 0 {
        where_to_look(&session, &folder, &run, issue);
    }
    if let Some(shown) = shown {
        shown.stay_open(&session).await?;
    }
    Ok(code)
}

fn folder(session: &Session, given: Option<&Path>) -> Result<PathBuf> {
    let folder = match given {
        Some(folder) => session.surroundings.current_dir.join(folder),
        None => {
            let base = std::env::temp_dir();
            base.join(format!("automation-demo-{}", session.new_run(None)?))
        }
    };
    let is_taken = fs::read_dir(&folder).is_ok_and(|mut entries| entries.next().is_some());
    if is_taken {
        let message = format!("{} is not empty", folder.display());
        bail!(Error::Request {
            message,
            hint: "give an empty or new folder".to_owned()
        })
    }
    fs::create_dir_all(&folder).with_context(|| format!("creating {}", folder.display()))?;
    Ok(folder.canonicalize()?)
}

/// Makes the repositories, each with one commit, and the configuration.
async fn make(session: &Session, folder: &Path) -> Result<()> {
    let write = |path: PathBuf, text: &str| -> Result<()> {
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        facade::journal::atomic_write(&path, text.as_bytes())?;
        Ok(())
    };
    for (name, text) in CONFIG {
        write(folder.join("config").join(name), text)?;
    }
    for (repository, path, text) in FILES {
        write(folder.join(repository).join(path), text)?;
    }
    for repository in ["backend", "frontend", "infrastructure"] {
        let root = folder.join(repository);
        begin(session, &root).await?;
    }
    Ok(())
}

async fn write_issue(session: &Session, home: &Home) -> Result<u64> {
    let (title, body) = ISSUE.split_once('\n').unwrap_or((ISSUE, ""));
    let new = NewIssue {
        title: title.trim_start_matches('#').trim().to_owned(),
        body: body.trim().to_owned(),
        labels: Vec::new(),
    };
    home.ensure()?;
    let forge = open_forge(home, &session.surroundings)?;
    let provider = forge.provider(&RepositoryName::new("backend")?);
    let operation = OperationId::new("demo:issue")?;
    Ok(provider
        .create_issue(&operation, new)
        .await
        .map_err(Error::from)?
        .number)
}

fn where_to_look(session: &Session, folder: &Path, run: &RunId, issue: u64) {
    let (output, shown) = (session.output, folder.display());
    output.line("");
    output.line(
        "Three repositories changed together; the work is on the branch main of each. Look around:",
    );
    output.line(format!("  git -C {shown}/backend log --graph --oneline"));
    output.line(format!("  automation --home {shown} status {run}"));
    output.line(format!("  automation --home {shown} issue show {issue}"));
    output.line(format!("  automation --home {shown} issue ls"));
    output.line(format!("  cat {shown}/.automation/runs/{run}/plan.yaml"));
}
