//! `agents`.

use std::fs;

use anyhow::{Context, Result};
use facade::{
    assemble::{
        AgentAccess, Assembly, IssueSource, KnownAgent, RunRequest, TaskState, known_agents,
    },
    core_types::TaskStatus,
};
use serde_json::json;

use super::{
    cost::spent_by,
    drive::{AtGate, describe, execute},
    repository::begin,
};
use crate::{
    args::AgentsCommand,
    failure::{DONE, FAILED},
    output::table,
    session::Session,
};

/// What an agent is tested by.
const TITLE: &str = "Say hello";
const BODY: &str = "Write a file `hello.txt` whose only line is the word `hello`.";
const MAKEFILE: &str = "test:\n\tgrep -qx hello hello.txt\n";

/// `automation agents`.
pub(crate) async fn agents(session: Session, command: AgentsCommand) -> Result<u8> {
    match command {
        AgentsCommand::Ls => list(&session),
        AgentsCommand::Test {
            agent,
            unsafe_no_sandbox,
        } => Box::pin(test(&session, agent, unsafe_no_sandbox)).await,
    }
}

fn list(session: &Session) -> Result<u8> {
    let known = known_agents(&session.home, &session.surroundings)?;
    let output = session.output;
    output.json(&known)?;
    if known.is_empty() {
        output.line(
            "no agent is configured, and none that is known is on PATH; any command can be one: --agent 'sh:LINE'",
        );
    }
    let row = |it: &KnownAgent| {
        let access = match (&it.lacks, it.access) {
            (Some(lacks), _) => format!("cannot work: {lacks}"),
            (None, AgentAccess::Key { variable }) => format!("{variable}, by the gateway"),
            (None, AgentAccess::Login) => "its own login; reports itself what it uses".to_owned(),
            (None, AgentAccess::Itself) => String::new(),
        };
        let default = if it.is_default { "default" } else { "" };
        vec![
            it.name.clone(),
            it.kind.clone(),
            it.model.clone(),
            default.to_owned(),
            access,
        ]
    };
    let rows: Vec<_> = known.iter().map(row).collect();
    for line in table(&rows) {
        output.line(line);
    }
    Ok(DONE)
}

/// A run over a repository of its own: all that a run needs is tried, and nothing of the user's is touched.
async fn test(session: &Session, agent: Option<String>, no_sandbox: bool) -> Result<u8> {
    let run = session.new_run(None)?;
    let folder = std::env::temp_dir().join(format!("automation-agent-test-{run}"));
    // A name of its own: the home knows the repository of each name.
    let name = format!("agent-test-{run}");
    let root = folder.join(&name);
    fs::create_dir_all(&root).with_context(|| format!("creating {}", root.display()))?;
    let tested = Box::pin(test_in(session, run, &root, &name, agent, no_sandbox)).await;
    // What is left of a test tells nothing that its run does not tell.
    drop(fs::remove_dir_all(&folder));
    tested
}

async fn test_in(
    session: &Session,
    run: facade::core_types::RunId,
    root: &std::path::Path,
    repository: &str,
    agent: Option<String>,
    no_sandbox: bool,
) -> Result<u8> {
    let makefile = root.join("Makefile");
    facade::journal::atomic_write(&makefile, MAKEFILE.as_bytes())?;
    let plan = root.with_file_name("plan.yaml");
    let task =
        json!({"id": "hello", "title": TITLE, "description": BODY, "repository": repository});
    let text = json!({"tasks": [task]}).to_string();
    facade::journal::atomic_write(&plan, text.as_bytes())?;
    begin(session, root).await?;
    let request = RunRequest {
        issue: Some(IssueSource::Text {
            title: TITLE.to_owned(),
            body: BODY.to_owned(),
        }),
        repositories: vec![root.to_owned()],
        agent,
        plan: Some(plan),
        no_sandbox,
        ..RunRequest::default()
    };
    let (home, surroundings) = (session.home.clone(), session.surroundings.clone());
    let assembly = Box::pin(Assembly::create(run.clone(), &request, home, surroundings)).await?;
    let name = assembly.record().agent.name.clone();
    let driven = Box::pin(execute(session, assembly, AtGate::Exit)).await?;
    let status = session.status(&run)?;
    let wrote = |it: &TaskState| it.status == TaskStatus::Succeeded;
    let has_done = driven.exit_code == DONE && status.tasks.iter().all(wrote);
    let spent = spent_by(session, &run).map(|(spent, _)| spent);
    session.output.json(&json!({
        "agent": name, "run": run, "passed": has_done, "spent": spent,
    }))?;
    let output = session.output;
    if !has_done {
        describe(session, &driven);
        output.line(format!("agent {name} did not do what it was asked for"));
        return Ok(FAILED);
    }
    let cost = spent.map_or("it was paid nothing".to_owned(), |it| {
        format!("it cost {it} USD")
    });
    output.line(format!(
        "agent {name} wrote the file, and the test passes; {cost}"
    ));
    Ok(DONE)
}
