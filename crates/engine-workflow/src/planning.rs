//! The first stage: where each repository starts, and the plan.

use std::{collections::BTreeMap, path::PathBuf};

use core_types::{
    Advice, AdviceRequest, AgentAnswer, AgentRequest, AgentTask, CommitId, ErrorClass, Event,
    Failure, Gate, Member, Message, Plan, PortError, RefUpdate, RepositoryName, Scope, Stage,
    StepKey, StepRef,
    step::{Fingerprint, StepState},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    Error,
    agent::{advice, work},
    coordination::with_triggered,
    plan::{Finding, from_answer, plain_plan, validate},
    run::Run,
    settings::RepositorySettings,
};

/// How often an agent is asked for a plan: once, and twice more with its findings.
const PLAN_ROUNDS: u32 = 3;

/// Where each repository starts.
pub(crate) type Bases = BTreeMap<RepositoryName, CommitId>;

/// A settled plan, or the gate that the run waits at.
pub(crate) enum Planned {
    Plan(Plan),
    AtGate(Gate),
}

/// Fixes the commit that each repository starts from.
pub(crate) async fn start(run: &Run) -> Result<Bases, Error> {
    let mut bases = Bases::new();
    for repository in &run.settings.repositories {
        let key = StepKey::new(Scope::Repository(repository.name.clone()), 1, "start");
        let fingerprint = Fingerprint::new().with("target", &repository.target);
        let base = run
            .step(key, fingerprint, |step| {
                start_repository(run, repository, step)
            })
            .await?;
        bases.insert(repository.name.clone(), base);
    }
    Ok(bases)
}

async fn start_repository(
    run: &Run,
    settings: &RepositorySettings,
    step: StepRef,
) -> Result<CommitId, PortError> {
    let port = &run.repository(&settings.name)?.repository;
    let base_reference = run.reference("base");
    // A crash may have come after the references were made: then their commit counts.
    if let Some(base) = port.resolve(&base_reference).await? {
        return Ok(base);
    }
    let base = port.fetch(&settings.target).await?;
    for warning in port.warnings().await? {
        run.emit(Some(&step), Event::Warning { message: warning });
    }
    let create = |name| RefUpdate {
        name,
        expected: None,
        new: Some(base.clone()),
    };
    port.update_refs(&[create(base_reference), create(run.reference("integration"))])
        .await?;
    Ok(base)
}

/// Settles the plan: the person's, the agent's, or the plain one; and waits at its gate.
pub(crate) async fn plan(run: &Run, bases: &Bases) -> Result<Planned, Error> {
    run.enter(Stage::Planning, json!({ "repositories": bases }))
        .await?;
    let proposed = propose(run, bases).await?;
    let plan = if run.settings.approvals.plan {
        match approved(run, proposed).await? {
            Some(plan) => plan,
            None => return Ok(Planned::AtGate(Gate::Plan)),
        }
    } else {
        proposed
    };
    let key = StepKey::new(Scope::Run, 1, "plan");
    let fingerprint = Fingerprint::new().with_json("plan", &plan);
    let plan = run
        .step(key, fingerprint, |step| async move {
            run.ports.plan_file.write(&plan)?;
            tell(run, &step, &plan);
            Ok(plan)
        })
        .await?;
    Ok(Planned::Plan(plan))
}

fn tell(run: &Run, step: &StepRef, plan: &Plan) {
    let change_set = run.settings.change_set.as_ref();
    for repository in &run.settings.repositories {
        let member = change_set.and_then(|change_set| change_set.member(&repository.name));
        let event = Event::RepositoryJoined {
            repository: repository.name.clone(),
            waits: member.into_iter().flat_map(Member::waits).collect(),
        };
        run.emit(Some(step), event);
    }
    for task in &plan.tasks {
        let event = Event::TaskPlanned {
            task: task.id.clone(),
            title: task.title.clone(),
            repository: task.repository.clone(),
            dependencies: task.dependencies.clone(),
            estimate: task.estimate,
        };
        run.emit(Some(step), event);
    }
    let event = Event::PlanReady {
        plan: plan.id.clone(),
        tasks: plan.tasks.len(),
    };
    run.emit(Some(step), event);
}

async fn propose(run: &Run, bases: &Bases) -> Result<Plan, Error> {
    let change_set = run.settings.change_set.as_ref();
    let plan = Box::pin(first_plan(run, bases)).await?;
    Ok(with_triggered(plan, change_set))
}

async fn first_plan(run: &Run, bases: &Bases) -> Result<Plan, Error> {
    let change_set = run.settings.change_set.as_ref();
    if let Some(plan) = &run.settings.plan {
        let findings = validate(plan, &run.settings.repositories, change_set);
        return if findings.is_empty() {
            Ok(plan.clone())
        } else {
            Err(Error::Plan(findings))
        };
    }
    if !run.ports.agent.capabilities().plan {
        return Ok(plain_plan(&run.settings));
    }
    let mut findings = Vec::new();
    for round in 1..=PLAN_ROUNDS {
        let answered = match ask(run, bases, round, &findings).await? {
            Answer::Refused(reason) => Err(vec![Finding(reason)]),
            Answer::Plan(value) => {
                from_answer(&value, &run.settings.plan_id, &run.settings.issue.title)
            }
        };
        match answered {
            Err(wrong) => findings = wrong,
            Ok(plan) => {
                findings = validate(&plan, &run.settings.repositories, change_set);
                if findings.is_empty() {
                    return Ok(plan);
                }
            }
        }
    }
    Err(Error::AgentPlan {
        rounds: PLAN_ROUNDS,
        findings,
    })
}

/// What the agent answered, as it is recorded.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Plan(Value),
    /// It cannot be read as an answer; why, as a finding for the agent.
    Refused(String),
}

async fn ask(run: &Run, bases: &Bases, round: u32, findings: &[Finding]) -> Result<Answer, Error> {
    let findings: Vec<String> = findings.iter().map(ToString::to_string).collect();
    let request = AdviceRequest {
        run: run.settings.run.clone(),
        stage: Stage::Planning,
        repository: None,
        task: None,
    };
    let advice = advice(run, StepKey::new(Scope::Run, round, "plan-advice"), request).await?;
    let key = StepKey::new(Scope::Run, round, "plan-by-agent");
    let fingerprint = Fingerprint::new()
        .with("agent", run.ports.agent.name())
        .with_json("issue", &run.settings.issue)
        .with_json("bases", bases);
    let mut failed = None;
    let answer = run.step(key, fingerprint, |step| {
        Box::pin(ask_once(
            run,
            bases,
            round,
            findings,
            advice,
            step,
            &mut failed,
        ))
    });
    let answer = answer.await;
    match failed {
        Some(failure) => {
            // A window that ends later is waited for, as for a task.
            if let ErrorClass::QuotaExhausted { until: Some(until) }
            | ErrorClass::RateLimited { until: Some(until) } = failure.class
            {
                run.check_parked(until)?;
            }
            Err(Error::Planning(failure))
        }
        None => Ok(answer?),
    }
}

async fn ask_once(
    run: &Run,
    bases: &Bases,
    round: u32,
    findings: Vec<String>,
    advice: Advice,
    step: StepRef,
    failed: &mut Option<Failure>,
) -> Result<Answer, PortError> {
    let scratch = run.scratch(format!("planning/{round}.{}", step.execution));
    let folder = scratch.join("repositories");
    let mut repositories = Vec::new();
    for repository in &run.settings.repositories {
        let Some(base) = bases.get(&repository.name) else {
            continue;
        };
        let clone = folder.join(repository.name.as_str());
        run.repository(&repository.name)?
            .repository
            .clone_to(base, &clone)
            .await?;
        repositories.push(run.brief(repository, base));
    }
    let request = AgentRequest {
        run: run.settings.run.clone(),
        step: Some(step.clone()),
        repository: None,
        attempt: round,
        issue: run.settings.issue.clone(),
        task: AgentTask::Plan {
            repositories,
            findings,
        },
        context: run.context(),
        advice,
        model: None,
        grant: None,
        conversation: None,
        folder: folder.clone(),
        scratch,
        timeout: run.settings.limits.agent_timeout,
    };
    let result = work(run, request).await?;
    remove(run, &step, folder).await;
    match result {
        Ok(result) => match result.answer {
            AgentAnswer::Plan { plan } => Ok(Answer::Plan(plan)),
            _ => Ok(Answer::Refused("the answer holds no plan".to_owned())),
        },
        // An answer of the wrong form goes back to the agent like a wrong plan.
        Err(failure) if failure.class == ErrorClass::Validation => {
            Ok(Answer::Refused(failure.message))
        }
        // Not recorded: a resumed run asks again.
        Err(failure) => {
            let error = PortError::new(failure.class, "get a plan");
            *failed = Some(failure);
            Err(error)
        }
    }
}

/// Removes clones that were made beside the pool. What cannot be removed goes with the run's folder.
pub(crate) async fn remove(run: &Run, step: &StepRef, folder: PathBuf) {
    let removed = tokio::task::spawn_blocking(move || std::fs::remove_dir_all(folder)).await;
    if let Ok(Err(error)) = removed
        && error.kind() != std::io::ErrorKind::NotFound
    {
        let message = format!("clones that are no longer needed could not be removed: {error}");
        run.emit(Some(step), Event::Warning { message });
    }
}

/// The plan that a person approved, perhaps edited; `None` while nobody has.
async fn approved(run: &Run, proposed: Plan) -> Result<Option<Plan>, Error> {
    let key = StepKey::new(Scope::Run, 1, "plan-gate");
    // An open gate stays open: what is said about it later comes too late.
    let is_open = matches!(run.ports.steps.state(&key), StepState::Finished { .. });
    let plan = if is_open {
        proposed
    } else {
        let approval = run
            .ports
            .inbox
            .messages()
            .await?
            .into_iter()
            .rev()
            .find_map(|message| match message {
                Message::Approve {
                    gate: Gate::Plan,
                    plan,
                } => Some(plan),
                _ => None,
            });
        let Some(edited) = approval else {
            run.ports.plan_file.write(&proposed)?;
            run.emit(
                None,
                Event::GateReached {
                    gate: Gate::Plan.as_str().to_owned(),
                },
            );
            return Ok(None);
        };
        edited.unwrap_or(proposed)
    };
    let change_set = run.settings.change_set.as_ref();
    let findings = validate(&plan, &run.settings.repositories, change_set);
    if !findings.is_empty() {
        return Err(Error::Plan(findings));
    }
    let plan = run
        .step(key, Fingerprint::new(), |step| async move {
            run.emit(
                Some(&step),
                Event::GateOpened {
                    gate: Gate::Plan.as_str().to_owned(),
                },
            );
            Ok(plan)
        })
        .await?;
    Ok(Some(plan))
}
