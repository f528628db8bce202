//! The main job, stage by stage.

use std::sync::Arc;

use core_types::{CancellationToken, ErrorClass, Event, Gate, Plan, Stage, step::StepError};
use serde_json::json;

use crate::{
    Error, MeteredAgent, Ports, Settings, abort, combined,
    deploy::{Deployed, deploy},
    end::{EndStatus, RepositoryEnd, RepositoryState, RunEnd, TaskEnd},
    implementation::implement,
    landing::{self, Asked},
    planning::{self, Bases, Planned},
    progress::Progress,
    proposing, protected, report, review,
    run::Run,
    settings::LandingMode,
    testing, together,
    verify::Verdict,
};

/// A run, ready to begin or to go on.
#[derive(Debug)]
pub struct Workflow {
    run: Arc<Run>,
    session: u32,
}

impl Workflow {
    /// A run with its settings and ports. `session` says how often a process
    /// has taken the run, this one included. Cancelling the token pauses the run.
    #[must_use]
    pub fn new(settings: Settings, ports: Ports, session: u32, pause: &CancellationToken) -> Self {
        let mut ports = ports;
        let (ledger, models) = (ports.aids.ledger.clone(), ports.aids.models.clone());
        let metered = MeteredAgent::new(ports.agent, ledger, ports.events.clone());
        ports.agent = Arc::new(metered.selecting(models));
        let run = Arc::new(Run::new(settings, ports, pause.child_token()));
        Self { run, session }
    }

    /// Runs, or goes on, until the run has ended or waits for a person.
    ///
    /// # Errors
    ///
    /// What stopped the run before its end: it can be resumed.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends all agents and commands. Nothing recorded is lost.
    pub async fn execute(&self) -> Result<RunEnd, Error> {
        let run = &self.run;
        let max_workers = run.settings.limits.max_workers;
        run.emit(
            None,
            Event::RunStarted {
                session: self.session,
                max_workers,
                title: run.settings.issue.title.clone(),
            },
        );
        let result = match Box::pin(stages(run)).await {
            Err(Error::Step(StepError::NeedsConsent { key })) => {
                Ok(RunEnd::early(EndStatus::NeedsPerson, Some(key)))
            }
            // What a pause has cut off is no error of its own.
            Err(error) if error.class() == ErrorClass::Cancelled => Err(Error::Paused),
            result => result,
        };
        match &result {
            Ok(end) => run.emit(None, ended(end)),
            Err(error) => run.emit(
                None,
                Event::RunPaused {
                    reason: error.to_string(),
                    class: Some(error.class()),
                },
            ),
        }
        let flushed = run.ports.events.flush().await;
        let end = result?;
        flushed?;
        Ok(end)
    }
}

fn ended(end: &RunEnd) -> Event {
    let reason = end.reason();
    match end.status {
        EndStatus::AtGate(_) | EndStatus::NeedsPerson => Event::RunPaused {
            reason,
            class: None,
        },
        _ => Event::RunEnded {
            exit_code: end.status.exit_code(),
            summary: reason,
            class: (end.status == EndStatus::Aborted).then_some(ErrorClass::Cancelled),
        },
    }
}

async fn stages(run: &Arc<Run>) -> Result<RunEnd, Error> {
    run.take_consents().await?;
    let bases = planning::start(run).await?;
    if abort::is_wanted(run).await? {
        match abort::abort(run, &bases).await? {
            Some(end) => return Ok(end),
            None => {
                let message = "it cannot be given up: it has landed, in part at least";
                let message = message.to_owned();
                run.emit(None, Event::Warning { message });
            }
        }
    }
    let plan = match Box::pin(planning::plan(run, &bases)).await? {
        Planned::Plan(plan) => plan,
        Planned::AtGate(gate) => {
            return Ok(RunEnd::early(EndStatus::AtGate(gate), None));
        }
    };
    run.check_paused()?;
    run.take_reopened(&plan).await?;

    run.enter(Stage::Implementation, json!({ "plan": plan }))
        .await?;
    let tasks = Box::pin(implement(run, &plan, &bases)).await?;
    let mut repositories = integrated(run, &bases, &plan, &tasks).await?;
    let goes_on = |repositories: &[Progress]| {
        let any_failed = repositories
            .iter()
            .any(|progress| progress.failed.is_some());
        !any_failed || run.settings.landing.mode == LandingMode::Each
    };
    if !goes_on(&repositories) {
        return failed(run, tasks, repositories).await;
    }

    run.enter(Stage::Testing, json!({ "heads": heads(&repositories) }))
        .await?;
    Box::pin(test(run, &mut repositories)).await?;
    if goes_on(&repositories) && repositories.iter().any(Progress::goes_on) {
        let failure = Box::pin(combined::test(run, &repositories, 1)).await?;
        for progress in repositories.iter_mut().filter(|it| it.goes_on()) {
            progress.failed.clone_from(&failure);
        }
    }
    if !goes_on(&repositories) {
        return failed(run, tasks, repositories).await;
    }

    run.enter(Stage::Review, json!({ "heads": heads(&repositories) }))
        .await?;
    for progress in repositories
        .iter_mut()
        .filter(|progress| progress.goes_on())
    {
        run.check_paused()?;
        let change = review::Change {
            repository: &progress.name,
            base: &progress.base,
            head: &progress.head,
            tests_passed: progress.verified.as_ref().and_then(Verdict::passed),
        };
        progress.review = Box::pin(review::review(run, change)).await?;
    }

    run.check_paused()?;
    run.enter(Stage::Landing, json!({ "heads": heads(&repositories) }))
        .await?;
    let (tasks_now, plan_now) = (&tasks, &plan);
    let proposals = repositories.iter_mut().map(|progress| async move {
        if progress.goes_on() {
            proposing::propose(run, progress, tasks_now, plan_now).await
        } else if progress.has_changed() {
            // To be looked at, as where all fail.
            let attempt = run.first_attempt(&progress.name);
            proposing::publish(run, &progress.name, &progress.head, attempt).await
        } else {
            Ok(())
        }
    });
    run.at_once(proposals).await?;
    proposing::link(run, &repositories, &tasks, &plan).await?;
    if repositories.iter().any(Progress::goes_on) {
        proposing::comment(run, report::issue_comment(run, &repositories)).await?;
    }
    Box::pin(land(run, tasks, repositories)).await
}

/// The integration heads as they are when all tasks have ended, and which repositories have failed.
async fn integrated(
    run: &Run,
    bases: &Bases,
    plan: &Plan,
    tasks: &[TaskEnd],
) -> Result<Vec<Progress>, Error> {
    let mut repositories = Vec::with_capacity(bases.len());
    for settings in &run.settings.repositories {
        let name = &settings.name;
        let Some(base) = bases.get(name) else {
            continue;
        };
        let head = testing::integrated_head(run, name).await?;
        let bad: Vec<String> = tasks
            .iter()
            .filter(|end| !end.lets_land())
            .filter(|end| {
                plan.tasks
                    .iter()
                    .any(|task| task.id == end.task && task.repository == *name)
            })
            .map(|end| format!("{} {}", end.task, end.status))
            .collect();
        let failed = (!bad.is_empty()).then(|| format!("task {}", bad.join(", task ")));
        repositories.push(Progress {
            name: name.clone(),
            target: settings.target.clone(),
            base: base.clone(),
            head,
            failed,
            verified: None,
            review: None,
            pull_request: None,
        });
    }
    Ok(repositories)
}

fn heads(repositories: &[Progress]) -> serde_json::Value {
    repositories
        .iter()
        .map(|progress| (progress.name.to_string(), json!(progress.head)))
        .collect()
}

async fn test(run: &Arc<Run>, repositories: &mut [Progress]) -> Result<(), Error> {
    let heads = repositories
        .iter()
        .filter(|progress| progress.goes_on())
        .map(|progress| {
            (
                progress.name.clone(),
                progress.base.clone(),
                progress.head.clone(),
            )
        })
        .collect();
    let mut tested = testing::test_all(run, heads).await?;
    for progress in repositories {
        let Some(result) = tested.remove(&progress.name) else {
            continue;
        };
        progress.head = result.head;
        if let Verdict::Failed { failure } = &result.verified {
            progress.failed = Some(format!("tests of the integration head: {failure}"));
        }
        progress.verified = Some(result.verified);
    }
    Ok(())
}

/// The end of a run in which something failed and nothing may land: the branches stay, to be looked at.
async fn failed(
    run: &Run,
    tasks: Vec<TaskEnd>,
    repositories: Vec<Progress>,
) -> Result<RunEnd, Error> {
    let changed = repositories.iter().filter(|it| it.has_changed());
    let published = changed.map(|progress| {
        let attempt = run.first_attempt(&progress.name);
        proposing::publish(run, &progress.name, &progress.head, attempt)
    });
    run.at_once(published).await?;
    let repositories = repositories.iter().map(Progress::end).collect();
    Ok(RunEnd {
        status: EndStatus::Failed,
        tasks,
        repositories,
        waits_for: None,
    })
}

async fn land(
    run: &Run,
    tasks: Vec<TaskEnd>,
    mut repositories: Vec<Progress>,
) -> Result<RunEnd, Error> {
    let asked = Asked::of(run).await?;
    let any_failed = repositories
        .iter()
        .any(|progress| progress.failed.is_some());
    if !asked.land {
        let any_published = repositories.iter().any(Progress::goes_on);
        let status = match (any_failed, any_published) {
            (false, _) => EndStatus::Done,
            (true, true) => EndStatus::Partial,
            (true, false) => EndStatus::Failed,
        };
        let repositories = repositories.iter().map(Progress::end).collect();
        return Ok(RunEnd {
            status,
            tasks,
            repositories,
            waits_for: None,
        });
    }
    if asked.waits_at_gate() && repositories.iter().any(Progress::goes_on) {
        run.emit(
            None,
            Event::GateReached {
                gate: Gate::Landing.as_str().to_owned(),
            },
        );
        let status = EndStatus::AtGate(Gate::Landing);
        let repositories = repositories.iter().map(Progress::end).collect();
        return Ok(RunEnd {
            status,
            tasks,
            repositories,
            waits_for: None,
        });
    }
    let mut refusals: Vec<Option<RepositoryState>> = Vec::with_capacity(repositories.len());
    for progress in &repositories {
        refusals.push(match asked.refusal(run, progress) {
            _ if !progress.goes_on() => None,
            None => protected::refusal(run, progress, asked).await?,
            refusal => refusal,
        });
    }
    let all_land = refusals.iter().all(Option::is_none);
    let mut ends = match &run.ports.aids.lander {
        Some(lander) if run.settings.landing.mode == LandingMode::All && all_land => {
            Box::pin(together::land(run, &**lander, &mut repositories, asked)).await?
        }
        _ => Box::pin(one_by_one(run, &mut repositories, refusals, asked)).await?,
    };
    let mut status = landed_status(&ends);
    if status == EndStatus::Done && has_landed(&ends) {
        proposing::close_issue(run).await?;
        status = match Box::pin(deploy(run, &mut ends)).await? {
            Deployed::Done => EndStatus::Done,
            Deployed::AtGate => EndStatus::AtGate(Gate::Deploy),
            Deployed::Failed => EndStatus::Partial,
        };
    }
    Ok(RunEnd {
        status,
        tasks,
        repositories: ends,
        waits_for: None,
    })
}

/// Moves target branches one after another. What stops in the middle is told with what has landed.
async fn one_by_one(
    run: &Run,
    repositories: &mut [Progress],
    refusals: Vec<Option<RepositoryState>>,
    asked: Asked,
) -> Result<Vec<RepositoryEnd>, Error> {
    let is_all = run.settings.landing.mode == LandingMode::All;
    let none_may_land = is_all && refusals.iter().any(Option::is_some);
    let mut stops = false;
    let mut ends: Vec<RepositoryEnd> = Vec::with_capacity(repositories.len());
    for (progress, refusal) in repositories.iter_mut().zip(refusals) {
        let end = match refusal {
            Some(state) => progress.end_as(state),
            None if none_may_land || stops || !progress.goes_on() => progress.end(),
            None => {
                let state = match Box::pin(landing::land(run, progress, asked)).await {
                    Ok(state) => state,
                    Err(error) if error.class() != ErrorClass::Cancelled && has_landed(&ends) => {
                        return Err(cut_off(&ends, error));
                    }
                    Err(error) => return Err(error),
                };
                // One that does not land keeps the others from it.
                stops = is_all && matches!(state, RepositoryState::Blocked { .. });
                progress.end_as(state)
            }
        };
        ends.push(end);
    }
    Ok(ends)
}

/// An error that names what has landed before it.
fn cut_off(ends: &[RepositoryEnd], error: Error) -> Error {
    let landed = ends
        .iter()
        .filter(|end| end.state == RepositoryState::Landed)
        .map(|end| end.repository.to_string());
    Error::CutOff {
        landed: landed.collect(),
        source: Box::new(error),
    }
}

fn has_landed(ends: &[RepositoryEnd]) -> bool {
    ends.iter()
        .any(|end| matches!(end.state, RepositoryState::Landed))
}

fn landed_status(ends: &[RepositoryEnd]) -> EndStatus {
    let any = |wanted: fn(&RepositoryState) -> bool| ends.iter().any(|end| wanted(&end.state));
    let any_failed = any(|state| matches!(state, RepositoryState::Failed { .. }));
    let any_blocked = any(|state| matches!(state, RepositoryState::Blocked { .. }));
    let any_ready = any(|state| matches!(state, RepositoryState::Ready { .. }));
    match (any_failed || any_blocked, any_blocked || any_ready) {
        (true, _) if has_landed(ends) => EndStatus::Partial,
        // What is blocked can still land.
        (_, true) => EndStatus::NeedsPerson,
        (true, false) => EndStatus::Failed,
        (false, false) => EndStatus::Done,
    }
}
