//! `cost`.

use anyhow::Result;
use facade::{
    assemble::{CostExplanation, Error, PlanCost, explain_cost, open_ledger},
    core_types::{ModelChoice, TokenUsage, Usd},
    cost::{Costs, Estimate, Group, Share, Spending, SpendingRow},
};
use serde_json::{Value, json};

use crate::{
    args::{CostArguments, CostCommand, CostGroup},
    failure::DONE,
    output::{Output, count, one_line, table},
    session::Session,
};

/// `automation cost`.
pub(crate) fn cost(session: &Session, arguments: &CostArguments) -> Result<u8> {
    if let Some(CostCommand::Explain { task, run }) = &arguments.command {
        return explain(session, task, run.as_deref());
    }
    let mut spending = open_ledger(&session.home, &session.surroundings, None)?.spending()?;
    // What was set aside for a request and given back whole leaves no line.
    let is_of_note = |row: &SpendingRow| {
        row.spent > Usd::ZERO || row.usage != TokenUsage::default() || !row.model.is_empty()
    };
    spending.rows.retain(is_of_note);
    if let Some(name) = &arguments.run {
        let run = match session.home.find_run(name) {
            Ok(run) => run,
            // A run that was removed has left what it spent.
            Err(error @ Error::NoRun { .. }) => {
                let mut rows = spending.rows.iter();
                let spent = rows.find(|row| row.scope.run.as_str() == name);
                spent.map(|row| row.scope.run.clone()).ok_or(error)?
            }
            Err(error) => return Err(error.into()),
        };
        spending.rows.retain(|row| row.scope.run == run);
        spending.open.retain(|open| open.scope.run == run);
    }
    let by = match (arguments.by, &arguments.run) {
        (Some(by), _) => by,
        (None, Some(_)) => CostGroup::Task,
        (None, None) => CostGroup::Run,
    };
    let (group, what) = match by {
        CostGroup::Task => (Group::Task, "task"),
        CostGroup::Model => (Group::Model, "model"),
        CostGroup::Repo => (Group::Repository, "repository"),
        CostGroup::Day => (Group::Day, "day"),
        CostGroup::Run => (Group::Run, "run"),
    };
    let shares = spending.by(group);
    show(session.output, what, &shares, &spending);
    session.output.json(&json!({
        "by": what,
        "total": spending.total(),
        "spending": shares.iter().map(share_value).collect::<Vec<_>>(),
        "open": spending.open.iter().map(|open| json!({
            "run": open.scope.run, "repository": open.scope.repository, "task": open.scope.task,
            "day": open.day.to_string(), "agent": open.agent, "reserved": open.held,
        })).collect::<Vec<_>>(),
    }))?;
    Ok(DONE)
}

fn show(output: Output, what: &str, shares: &[Share], spending: &Spending) {
    if shares.is_empty() {
        output.line("nothing was spent");
    } else {
        let mut rows = vec![
            [what, "USD", "requests", "tokens in", "tokens out", ""]
                .map(str::to_owned)
                .to_vec(),
        ];
        rows.extend(shares.iter().map(|share| {
            let tokens = share.usage.total();
            let unknown = match share.unknown {
                0 => String::new(),
                n => format!("for {n} of them nobody knows the cost: as much as was set aside"),
            };
            vec![
                share.name.clone(),
                share.spent.to_string(),
                share.calls.to_string(),
                tokens.saturating_sub(share.usage.output).to_string(),
                share.usage.output.to_string(),
                unknown,
            ]
        }));
        for line in table(&rows) {
            output.line(line);
        }
        output.line(format!("total: {} USD", spending.total()));
    }
    for open in &spending.open {
        let task = open.scope.task.as_ref();
        let task = task
            .map(|task| format!(", task {task}"))
            .unwrap_or_default();
        output.line(format!(
            "set aside: {} USD for run {}{task}, by work that goes on or was killed",
            open.held, open.scope.run
        ));
    }
}

fn share_value(share: &Share) -> Value {
    json!({
        "name": share.name, "spent": share.spent, "requests": share.calls, "usage": share.usage,
        "unknown": share.unknown,
    })
}

fn explain(session: &Session, task: &str, run: Option<&str>) -> Result<u8> {
    let run = session.pick(run, "has been begun", |_| true)?;
    let explained = explain_cost(&session.home, &session.surroundings, &run, task)?;
    let output = session.output;
    let task = &explained.task;
    output.line(format!("task {}: {}", task.id, one_line(&task.title, 100)));
    let selection = &explained.selection;
    output.line(selection.explanation.to_string());
    output.line(match explained.is_fixed {
        true => format!("model {}: {}", selection.model, explained.why),
        false => format!(
            "model {}, tier {}: {}",
            selection.model, selection.tier, explained.why
        ),
    });
    if let Some((attempt, given)) = &explained.given {
        output.line(format!("attempt {attempt} was given {}", named(given)));
    }
    output.line(format!("an attempt: {}", in_words(&explained.estimate)));
    for (tier, model, estimate) in &explained.alternatives {
        output.line(format!("with {tier}, {model}: {}", in_words(estimate)));
    }
    output.line(format!(
        "prices of {}: {}",
        explained.prices_date, explained.prices_source
    ));
    output.json(&explained_value(&explained))?;
    Ok(DONE)
}

fn explained_value(explained: &CostExplanation) -> Value {
    let selection = &explained.selection;
    let factors = selection.explanation.contributions.iter();
    json!({
        "task": explained.task.id,
        "complexity": selection.explanation.score,
        "factors": factors.map(|it| json!({
            "factor": it.factor.as_str(), "amount": it.amount, "seen": it.seen,
        })).collect::<Vec<_>>(),
        "tier": (!explained.is_fixed).then(|| selection.tier.as_str()),
        "model": selection.model, "why": explained.why,
        "given": explained.given.as_ref().map(|(attempt, given)| json!({
            "attempt": attempt, "model": given,
        })),
        "estimate": estimate_value(&explained.estimate),
        "alternatives": explained.alternatives.iter().map(|(tier, model, estimate)| json!({
            "tier": tier.as_str(), "model": model, "estimate": estimate_value(estimate),
        })).collect::<Vec<_>>(),
        "prices": {"date": explained.prices_date, "source": explained.prices_source},
    })
}

/// A model and what it was chosen for.
fn named(choice: &ModelChoice) -> String {
    match choice.tier.as_str() {
        "" => choice.model.clone(),
        tier => format!("{} ({tier})", choice.model),
    }
}

fn in_words(estimate: &Estimate) -> String {
    format!(
        "{:.4} USD, likely {:.4} to {:.4}",
        estimate.expected, estimate.low, estimate.high
    )
}

fn estimate_value(estimate: &Estimate) -> Value {
    json!({"expected": estimate.expected, "low": estimate.low, "high": estimate.high})
}

/// What a plan will cost, beside the time that it will take.
pub(crate) fn show_plan_cost(output: Output, cost: &PlanCost, agent: &str) {
    let costs = &cost.costs;
    if !cost.spends {
        output.line(format!(
            "estimated cost: none known, since agent {agent} names no model; with those that it is given {}",
            in_words(&costs.total)
        ));
        show_tasks(output, cost);
        return;
    }
    let past = match costs.n_past_tasks {
        0 => "from assumptions".to_owned(),
        n => format!("corrected by {}", count(n, "past task")),
    };
    output.line(format!(
        "estimated cost, {past}, prices of {}:",
        costs.prices_date
    ));
    let rows = stages(costs).map(|(name, estimate)| vec![format!("  {name}"), in_words(estimate)]);
    for line in table(&rows) {
        output.line(line);
    }
    show_tasks(output, cost);
    for recommendation in &cost.recommendations {
        output.line(format!("note: {recommendation}"));
    }
}

/// The model of each task beside what it will cost.
fn show_tasks(output: Output, cost: &PlanCost) {
    /// A plan of more is read from `--json`.
    const SHOWN: usize = 20;
    let tasks = &cost.costs.tasks;
    output.line("models:");
    let rows = tasks.iter().take(SHOWN).map(|(task, selection, estimate)| {
        let model = match cost.is_fixed {
            true => selection.model.clone(),
            false => format!("{} ({})", selection.model, selection.tier),
        };
        let expected = format!("{:.4} USD", estimate.expected);
        vec![format!("  {task}"), model, expected]
    });
    for line in table(&rows.collect::<Vec<_>>()) {
        output.line(line);
    }
    if tasks.len() > SHOWN {
        output.line(format!("  and {} more", tasks.len() - SHOWN));
    }
}

fn stages(costs: &Costs) -> [(&'static str, &Estimate); 4] {
    [
        ("planning", &costs.planning),
        ("implementation", &costs.implementation),
        ("review", &costs.review),
        ("total", &costs.total),
    ]
}

pub(crate) fn plan_cost_value(cost: &PlanCost) -> Value {
    let costs = &cost.costs;
    let mut value = json!({
        "agent_spends": cost.spends,
        "model_is_fixed": cost.is_fixed,
        "prices_date": costs.prices_date,
        "past_tasks": costs.n_past_tasks,
        "tasks": costs.tasks.iter().map(|(task, selection, estimate)| json!({
            "task": task, "tier": selection.tier.as_str(), "model": selection.model,
            "complexity": selection.explanation.score, "estimate": estimate_value(estimate),
        })).collect::<Vec<_>>(),
        "recommendations": cost.recommendations.iter().map(ToString::to_string).collect::<Vec<_>>(),
    });
    for (name, estimate) in stages(costs) {
        value[name] = estimate_value(estimate);
    }
    value
}

/// What a run has spent, if anything; a ledger that cannot be read says nothing.
pub(crate) fn spent_by(session: &Session, run: &facade::core_types::RunId) -> Option<(Usd, Usd)> {
    let ledger = open_ledger(&session.home, &session.surroundings, None).ok()?;
    let spending = ledger.spending().ok()?;
    let open = spending.open_of_run(run).map(|it| it.held);
    let open = open.fold(Usd::ZERO, Usd::saturating_add);
    let spent = spending.of_run(run);
    (spent > Usd::ZERO || open > Usd::ZERO).then_some((spent, open))
}
