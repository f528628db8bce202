//! What a plan will cost, and why a task has its model.

use std::collections::BTreeSet;

use config::models::Models;
use core_types::{
    Event, ModelChoice, Plan, RunId, Scope, Task, TaskId, TaskStatus, step::StepState,
};
use cost::{
    CostOptimizer, Costs, Estimate, History, ModelTier, PastRun, Recommendation, Selection,
};
use engine_checkpoint::RunView;

use super::{
    Error, Home, RunRecord, Surroundings,
    models::{models_of, optimizer_of},
    record::view,
    run_ledger::spends,
    spending::{open_ledger, plan_of, planned, prices},
};

/// What a plan will cost.
#[derive(Debug, Clone)]
pub struct PlanCost {
    /// By stages and tasks.
    pub costs: Costs,
    /// What is worth a look before it runs.
    pub recommendations: Vec<Recommendation>,
    /// Whether the run's agent is known to spend; for one that is not, the costs are those of the
    /// models that it is given.
    pub spends: bool,
    /// Whether the configuration of the agent fixes the model.
    pub is_fixed: bool,
}

/// What the plan of a run will cost, corrected by what earlier tasks of the home have cost.
///
/// # Errors
///
/// What is wrong with models or prices; [`Error::Cost`].
pub fn estimate(
    home: &Home,
    surroundings: &Surroundings,
    record: &RunRecord,
    plan: &Plan,
) -> Result<PlanCost, Error> {
    let optimizer = corrected(home, surroundings, record)?;
    let limits = record.budget.map_or(cost::Limits::NONE, |it| it.limits());
    let mut recommendations = optimizer.recommendations(plan, &limits, surroundings.clock.now())?;
    for recommendation in &mut recommendations {
        if let Recommendation::LimitTooLow { run, .. } = recommendation {
            *run = Some(record.settings.run.clone());
        }
    }
    Ok(PlanCost {
        costs: optimizer.estimate_cost(plan)?,
        recommendations,
        spends: spends(&record.agent),
        is_fixed: !record.agent.model.is_empty(),
    })
}

/// The optimizer of a run, with the history of the home's other runs.
fn corrected(
    home: &Home,
    surroundings: &Surroundings,
    record: &RunRecord,
) -> Result<CostOptimizer, Error> {
    let optimizer = optimizer_of(home, surroundings, record)?;
    let history = history(home, surroundings, &record.settings.run)?;
    Ok(optimizer.with_history(history))
}

/// What the tasks of all runs but `estimated` have cost.
fn history(home: &Home, surroundings: &Surroundings, estimated: &RunId) -> Result<History, Error> {
    /// Older ones say little about today's prices and agents.
    const MOST_RUNS: usize = 100;
    let mut spending = open_ledger(home, surroundings, None)?.spending()?;
    // What was free says nothing of what a model costs.
    spending.rows.retain(|row| row.reported + row.unknown > 0);
    let runs = spending.rows.iter().map(|it| &it.scope.run);
    let runs: BTreeSet<&RunId> = runs.filter(|run| *run != estimated).collect();
    let mut past = Vec::new();
    for run in runs.into_iter().rev().take(MOST_RUNS) {
        past.extend(past_run(home, surroundings, run)?);
    }
    Ok(History::of_spending(&spending, &past))
}

/// What was estimated for a run, by the models that it was given. One that was removed, cannot be
/// read, or has lost its prices says nothing.
fn past_run(
    home: &Home,
    surroundings: &Surroundings,
    run: &RunId,
) -> Result<Option<PastRun>, Error> {
    let Ok(view) = view(home, run, surroundings) else {
        return Ok(None);
    };
    let (Ok(Some(plan)), Ok(record)) = (planned(&view), RunRecord::of(&view)) else {
        return Ok(None);
    };
    let Ok(optimizer) = optimizer_of(home, surroundings, &record) else {
        return Ok(None);
    };
    Ok(Some(PastRun {
        run: run.clone(),
        costs: optimizer.estimate_cost(&plan)?,
        ended: ended(&view),
    }))
}

/// The tasks whose work has come to an end of its own.
fn ended(view: &RunView) -> BTreeSet<TaskId> {
    let mut ended = BTreeSet::new();
    for (_, record) in view.events() {
        let Event::TaskChanged { task, status, .. } = &record.event else {
            continue;
        };
        match status {
            // What was cut off has cost a part of what it would.
            TaskStatus::Cancelled | TaskStatus::Skipped => ended.remove(task),
            status if status.has_ended() => ended.insert(task.clone()),
            _ => ended.remove(task),
        };
    }
    ended
}

/// Why a task has its model, and what others would cost.
#[derive(Debug, Clone)]
pub struct CostExplanation {
    /// The task.
    pub task: Task,
    /// Its tier and model, and its complexity by factors.
    pub selection: Selection,
    /// Why it has this tier or this model, in a line.
    pub why: String,
    /// Whether the configuration of the agent fixes the model, whatever the tier.
    pub is_fixed: bool,
    /// The newest attempt that has begun, and the model that it was given.
    pub given: Option<(u32, ModelChoice)>,
    /// What one attempt at it is expected to cost.
    pub estimate: Estimate,
    /// The other tiers, cheapest first: model, and what an attempt would cost.
    pub alternatives: Vec<(ModelTier, String, Estimate)>,
    /// The day of the prices; empty where nobody knows it.
    pub prices_date: String,
    /// Where the prices come from.
    pub prices_source: String,
}

/// Explains the model and the cost of a task of a run's plan.
///
/// # Errors
///
/// [`Error::Request`] where the run has no such task or no plan; as [`estimate`].
pub fn explain_cost(
    home: &Home,
    surroundings: &Surroundings,
    run: &RunId,
    task: &str,
) -> Result<CostExplanation, Error> {
    let Some(plan) = plan_of(home, run, surroundings)? else {
        let hint = "it has one once its planning has ended";
        return Err(Error::request(format!("run {run} has no plan yet"), hint));
    };
    let wanted = TaskId::new(task).map_err(|error| Error::request(error.to_string(), ""))?;
    let Some(task) = plan.tasks.iter().find(|it| it.id == wanted) else {
        let known: Vec<_> = plan.tasks.iter().map(|it| it.id.as_str()).collect();
        return Err(Error::request(
            format!("there is no task {wanted} in run {run}"),
            format!("its tasks are: {}", known.join(", ")),
        ));
    };
    let record = RunRecord::read(home, run, surroundings)?;
    let models = models_of(home, surroundings, &record)?;
    let prices = prices(home, &models)?;
    let history = history(home, surroundings, run)?;
    let optimizer = CostOptimizer::with_models(models.clone(), &prices)?;
    let optimizer = optimizer.with_history(history.clone());
    let is_fixed = !record.agent.model.is_empty();
    let alone = Plan {
        tasks: vec![task.clone()],
        ..plan.clone()
    };
    let estimate = cost_of(&optimizer, &alone)?;
    let selection = optimizer.select(task);
    let mut alternatives = Vec::new();
    for (tier, default_tier) in ModelTier::ALL.into_iter().zip([
        config::models::Tier::Fast,
        config::models::Tier::Balanced,
        config::models::Tier::Advanced,
    ]) {
        if tier == selection.tier || is_fixed {
            continue;
        }
        let fixed = Models {
            optimize: false,
            default_tier,
            ..models.clone()
        };
        let fixed = CostOptimizer::with_models(fixed, &prices)?.with_history(history.clone());
        let model = fixed.model(tier).to_owned();
        alternatives.push((tier, model, cost_of(&fixed, &alone)?));
    }
    Ok(CostExplanation {
        task: task.clone(),
        why: match is_fixed {
            true => format!("fixed by the configuration of agent {}", record.agent.name),
            false => why(&models, &selection),
        },
        is_fixed,
        given: given(home, surroundings, run, &task.id)?,
        selection,
        estimate,
        alternatives,
        prices_date: optimizer.prices().date().to_owned(),
        prices_source: match models.prices.file {
            Some(file) => file,
            None => "the table that the program brings".to_owned(),
        },
    })
}

/// The model of a task's newest attempt, as its step has recorded it.
fn given(
    home: &Home,
    surroundings: &Surroundings,
    run: &RunId,
    task: &TaskId,
) -> Result<Option<(u32, ModelChoice)>, Error> {
    let view = view(home, run, surroundings)?;
    let prepared = view.steps().iter().filter(|(key, _)| {
        key.name.as_str() == "prepare" && key.scope == Scope::Task(task.clone())
    });
    let newest = prepared.max_by_key(|(key, _)| key.attempt);
    let Some((key, StepState::Finished { result, .. })) =
        newest.map(|(key, step)| (key, &step.state))
    else {
        return Ok(None);
    };
    let choice = result.get("model").cloned();
    let choice = choice.and_then(|it| serde_json::from_value(it).ok());
    Ok(choice.map(|choice| (key.attempt, choice)))
}

fn cost_of(optimizer: &CostOptimizer, alone: &Plan) -> Result<Estimate, Error> {
    let costs = optimizer.estimate_cost(alone)?;
    let first = costs.tasks.into_iter().next();
    Ok(first.map(|(_, _, estimate)| estimate).unwrap_or_default())
}

fn why(models: &Models, selection: &Selection) -> String {
    if !models.optimize {
        return "`optimize` is off, so all work has the default tier".to_owned();
    }
    let score = selection.explanation.score;
    let (balanced, advanced) = (models.thresholds.balanced, models.thresholds.advanced);
    match selection.tier {
        ModelTier::Advanced => {
            format!("{score:.2} is not below the threshold of ADVANCED, {advanced}")
        }
        ModelTier::Balanced => format!(
            "{score:.2} is between the thresholds of BALANCED, {balanced}, and ADVANCED, {advanced}"
        ),
        ModelTier::Fast => format!("{score:.2} is below the threshold of BALANCED, {balanced}"),
    }
}
