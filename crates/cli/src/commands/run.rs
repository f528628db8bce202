//! `run`, `plan` and `resume`.

use anyhow::Result;
use facade::{
    assemble::{Assembly, IssueSource, RunRequest, RunState, estimate, staged},
    core_types::{Plan, format_duration},
    engine_workflow::{
        LandingMode,
        plan::{Prediction, predict},
    },
};

use super::{
    cost::{plan_cost_value, show_plan_cost},
    dashboard::Shown,
    drive::{AtGate, describe, drive, execute},
};
use crate::{
    args::{GateName, LandingModeName, ResumeArguments, RunArguments},
    output::{Output, count, error_line, one_line, table},
    session::Session,
};

fn request(session: &Session, arguments: &RunArguments) -> Result<RunRequest> {
    let issue = match (&arguments.issue, &arguments.title) {
        (Some(issue), _) => Some(IssueSource::parse(
            issue,
            &session.surroundings.current_dir,
        )?),
        (None, Some(title)) => Some(IssueSource::Text {
            title: title.clone(),
            body: arguments.body.clone(),
        }),
        (None, None) => None,
    };
    Ok(RunRequest {
        issue,
        repositories: arguments.repositories.clone(),
        agent: arguments.agent.clone(),
        plan: arguments.plan.clone(),
        approve_plan: arguments.approve.contains(&GateName::Plan),
        approve_landing: arguments.approve.contains(&GateName::Landing),
        land: arguments.land,
        landing: arguments.landing.map(|mode| match mode {
            LandingModeName::All => LandingMode::All,
            LandingModeName::Each => LandingMode::Each,
        }),
        update_checkout: arguments.consent.update_checkout,
        allow_unverified: arguments.consent.allow_unverified,
        no_sandbox: arguments.unsafe_no_sandbox,
        replay: match &arguments.replay {
            Some(name) => Some(session.home.find_run(name)?),
            None => None,
        },
        max_workers: arguments.max_workers.map(usize::from),
        workflow: arguments.workflow.clone(),
        context: arguments.context.iter().cloned().collect(),
        followed: None,
    })
}

/// `automation run`.
pub(crate) async fn run(session: Session, arguments: RunArguments) -> Result<u8> {
    if arguments.staged {
        return list_effects(&session, &arguments).await;
    }
    let shown = Shown::beside(&session, &arguments.beside)?;
    let assembly = begin(&session, &arguments).await?;
    let code = Box::pin(drive(&session, assembly, AtGate::from_flag(arguments.wait))).await;
    drop(shown);
    code
}

/// `automation run --staged`: what the run would do, by kind.
async fn list_effects(session: &Session, arguments: &RunArguments) -> Result<u8> {
    let request = request(session, arguments)?;
    let run = session.new_run(arguments.run_id.as_deref())?;
    let staged = Box::pin(staged(run, &request, &session.home, &session.surroundings)).await?;
    session.output.json(&staged)?;
    let rows: Vec<_> = staged
        .effects
        .iter()
        .map(|effect| {
            let repository = effect.repository.as_ref();
            vec![
                effect.kind.as_str().to_owned(),
                repository.map(ToString::to_string).unwrap_or_default(),
                one_line(&effect.what, 200),
            ]
        })
        .collect();
    for line in table(&rows) {
        session.output.line(line);
    }
    session
        .output
        .line("nothing was done; without --staged, the run does it");
    Ok(0)
}

/// Begins a run and says what it will do.
async fn begin(session: &Session, arguments: &RunArguments) -> Result<Assembly> {
    let request = request(session, arguments)?;
    let run = session.new_run(arguments.run_id.as_deref())?;
    let (home, surroundings) = (session.home.clone(), session.surroundings.clone());
    let assembly = Box::pin(Assembly::create(run, &request, home, surroundings)).await?;
    introduce(session.output, &assembly);
    Ok(assembly)
}

/// What a run is about to do, in words.
pub(crate) fn introduce(output: Output, assembly: &Assembly) {
    let record = assembly.record();
    let settings = &record.settings;
    output.progress(format!(
        "run {}: {}",
        settings.run,
        one_line(&settings.issue.title, 100)
    ));
    let rows: Vec<_> = settings
        .repositories
        .iter()
        .zip(&record.sources)
        .map(|(repository, source)| {
            let tests = match &repository.test_command {
                Some(command) => format!("tested by `{command}`"),
                None => "not verified: it has no test command".to_owned(),
            };
            let place = match &source.on_forge {
                Some(forge) => format!("{}/{}/{}", forge.url, forge.owner, forge.repo),
                None => source.path.display().to_string(),
            };
            vec![
                format!("  {}", repository.name),
                format!("{place} on {}", repository.target),
                tests,
            ]
        })
        .collect();
    for line in table(&rows) {
        output.progress(line);
    }
    let workers = settings.limits.max_workers;
    let agent = &record.agent.name;
    output.progress(format!(
        "  agent {agent}, at most {} at a time",
        count(workers, "task")
    ));
}

/// `automation plan`: a run that waits after planning, and what its plan means.
pub(crate) async fn plan(session: Session, mut arguments: RunArguments) -> Result<u8> {
    if !arguments.approve.contains(&GateName::Plan) {
        arguments.approve.push(GateName::Plan);
    }
    let assembly = begin(&session, &arguments).await?;
    let record = assembly.record().clone();
    let settings = record.settings.clone();
    let driven = Box::pin(execute(&session, assembly, AtGate::Exit)).await?;
    let file = session.home.run_folder(&settings.run).join("plan.yaml");
    if driven.end.is_none() || !file.is_file() {
        session.output.json(&driven)?;
        return Ok(driven.exit_code);
    }
    let names: Vec<_> = settings
        .repositories
        .iter()
        .map(|it| it.name.clone())
        .collect();
    let plan = facade::assemble::plan_from_file(&file, &settings.plan_id, &names)?;
    let workers = settings.limits.max_workers;
    let prediction = predict(&plan, workers);
    show_plan(session.output, &plan, prediction.as_ref(), workers);
    // The plan is there, whatever is the matter with the prices.
    let cost = match estimate(&session.home, &session.surroundings, &record, &plan) {
        Ok(cost) => {
            show_plan_cost(session.output, &cost, &record.agent.name);
            Some(plan_cost_value(&cost))
        }
        Err(error) => {
            error_line(format!("warning: the cost cannot be estimated: {error}"));
            None
        }
    };
    describe(&session, &driven);
    let path = prediction.as_ref().map(|it| &it.critical_path);
    let seconds = prediction.as_ref().map(|it| it.makespan.as_secs_f64());
    session.output.json(&serde_json::json!({
        "run": settings.run, "exit_code": driven.exit_code, "end": driven.end,
        "plan": plan, "critical_path": path, "predicted_seconds": seconds,
        "cost": cost,
    }))?;
    Ok(driven.exit_code)
}

/// A plan as a graph in words: each task with what it waits for, the critical path, and the time.
fn show_plan(output: Output, plan: &Plan, prediction: Option<&Prediction>, max_workers: usize) {
    let mut rows = vec![vec![
        "task".to_owned(),
        "repository".to_owned(),
        "estimate".to_owned(),
        "after".to_owned(),
        "what".to_owned(),
    ]];
    rows.extend(plan.tasks.iter().map(|task| {
        let after: Vec<_> = task.dependencies.iter().map(ToString::to_string).collect();
        vec![
            task.id.to_string(),
            task.repository.to_string(),
            task.estimate
                .map_or_else(|| "?".to_owned(), format_duration),
            if after.is_empty() {
                "-".to_owned()
            } else {
                after.join(", ")
            },
            one_line(&task.title, 80),
        ]
    }));
    output.line("");
    for line in table(&rows) {
        output.line(line);
    }
    if let Some(prediction) = prediction {
        let path: Vec<_> = prediction
            .critical_path
            .iter()
            .map(ToString::to_string)
            .collect();
        let critical = crate::output::duration(prediction.critical_time);
        output.line(format!("critical path: {} ({critical})", path.join(" → ")));
        let makespan = crate::output::duration(prediction.makespan);
        let assumed = match prediction.without_estimate {
            0 => String::new(),
            n => format!("; {} without an estimate taken as 5m", count(n, "task")),
        };
        output.line(format!(
            "predicted time: {makespan} with {}{assumed}",
            count(max_workers, "worker")
        ));
    }
}

/// `automation resume`.
pub(crate) async fn resume(session: Session, arguments: ResumeArguments) -> Result<u8> {
    // One that a process works on needs nobody to resume it.
    let open = |state| matches!(state, RunState::Paused | RunState::Waiting);
    let run = session.pick(arguments.run.as_deref(), "can be resumed", open)?;
    go_on(
        &session,
        run,
        GoOn {
            reload: arguments.reload,
            no_sandbox: arguments.unsafe_no_sandbox,
        },
        AtGate::from_flag(arguments.wait),
    )
    .await
}

/// What changes when a run is taken up again; by default nothing.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct GoOn {
    /// The configuration is taken as it is now.
    pub(crate) reload: bool,
    /// Agents and commands have no sandbox from now on.
    pub(crate) no_sandbox: bool,
}

/// Takes a run up again.
pub(crate) async fn go_on(
    session: &Session,
    run: facade::core_types::RunId,
    how: GoOn,
    at_gate: AtGate,
) -> Result<u8> {
    let (home, surroundings) = (session.home.clone(), session.surroundings.clone());
    let mut assembly = Box::pin(Assembly::open(run, home, surroundings)).await?;
    if how.no_sandbox {
        Box::pin(assembly.without_sandbox()).await?;
    }
    if how.reload {
        Box::pin(assembly.reload()).await?;
    } else {
        match Box::pin(assembly.changed_configuration()).await {
            Ok(changed) if changed.is_empty() => {}
            Ok(changed) => session.output.progress(format!(
                "changed in the configuration since the run began, and not used: {} (take it with --reload)",
                changed.join(", ")
            )),
            Err(error) => {
                session.output.progress(format!("the configuration as it is now is not used: {error}"));
            }
        }
    }
    introduce(session.output, &assembly);
    Box::pin(drive(session, assembly, at_gate)).await
}
