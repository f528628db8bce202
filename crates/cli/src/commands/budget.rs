//! `budget`.

use anyhow::{Result, bail};
use facade::{
    assemble::{
        Error, RunRecord, RunState, budget as configured, open_ledger, raise_limit, settle_killed,
    },
    core_types::{RepositoryName, TaskId, Usd},
    cost::{Day, Limit, Limits},
};
use serde_json::json;

use crate::{
    args::{BudgetArguments, BudgetCommand},
    failure::DONE,
    output::table,
    session::{Session, refused},
};

/// How far from today a day may be whose limit is raised.
const MOST_DAYS: u32 = 366;

/// `automation budget`.
pub(crate) async fn budget(session: &Session, arguments: BudgetArguments) -> Result<u8> {
    match arguments.command {
        None => show(session),
        Some(BudgetCommand::Settle { run, spent }) => {
            let spent = spent.map(|it| it.parse().map_err(invalid)).transpose()?;
            settle(session, &run, spent).await
        }
        Some(BudgetCommand::Raise {
            amount,
            run,
            task,
            day,
            repository,
        }) => {
            let amount: Usd = amount.parse().map_err(invalid)?;
            let (limit, record) = if day.is_some() || repository.is_some() {
                let limit = of_day(session, day.as_deref(), repository)?;
                let record = lower_one(session, &limit, amount)?;
                (limit, record)
            } else {
                let paused = |state| state == RunState::Paused;
                let run = session.pick(run.as_deref(), "is paused", paused)?;
                let record = RunRecord::read(&session.home, &run, &session.surroundings)?;
                let limit = match task {
                    None => Limit::Run { run },
                    Some(task) => Limit::Task {
                        run,
                        task: TaskId::new(task).map_err(refused)?,
                    },
                };
                (limit, Some(record))
            };
            let raising = raise_limit(
                &session.home,
                &session.surroundings,
                record.as_ref(),
                &limit,
                amount,
            );
            let before = raising.await?;
            let resume = match &limit {
                Limit::Run { run } | Limit::Task { run, .. } => {
                    format!("; go on with: automation resume {run}")
                }
                Limit::Day { .. } | Limit::Repository { .. } => String::new(),
            };
            session.output.line(format!(
                "the limit of {limit} is {amount} USD now; it was {before}{resume}"
            ));
            session
                .output
                .json(&json!({"limit": limit, "amount": amount, "before": before}))?;
            Ok(DONE)
        }
    }
}

async fn settle(session: &Session, run: &str, spent: Option<Usd>) -> Result<u8> {
    let run = session.home.find_run(run)?;
    let settled = settle_killed(&session.home, &session.surroundings, &run, spent).await?;
    for (open, amount) in &settled {
        let task = open.scope.task.as_ref();
        let task = task
            .map(|task| format!(", task {task}"))
            .unwrap_or_default();
        session.output.line(format!(
            "run {run}{task}: {} USD were set aside, {amount} are taken to be spent",
            open.held
        ));
    }
    if settled.is_empty() {
        let line = format!("run {run} has nothing set aside");
        session.output.line(line);
    }
    session.output.json(&json!({
        "run": run,
        "settled": settled.iter().map(|(open, amount)| json!({
            "operation": open.operation, "task": open.scope.task, "reserved": open.held,
            "amount": amount,
        })).collect::<Vec<_>>(),
    }))?;
    Ok(DONE)
}

fn invalid(error: impl std::fmt::Display) -> Error {
    Error::Request {
        message: error.to_string(),
        hint: String::new(),
    }
}

/// The run that goes by a lower limit than `to`, where the configuration does not: a run keeps the
/// limits that it began with.
fn lower_one(session: &Session, limit: &Limit, to: Usd) -> Result<Option<RunRecord>> {
    let Session {
        home, surroundings, ..
    } = session;
    let is_lower = |limits: &Limits| limits.on(limit).is_some_and(|now| now < to);
    if is_lower(&configured(home, surroundings)?.limits()) {
        return Ok(None);
    }
    for run in home.runs()?.into_iter().rev() {
        let ends = [RunState::Done, RunState::Aborted];
        if session
            .status(&run)
            .is_ok_and(|it| !ends.contains(&it.state))
        {
            let record = RunRecord::read(home, &run, surroundings)?;
            if record.budget.is_some_and(|it| is_lower(&it.limits())) {
                return Ok(Some(record));
            }
        }
    }
    Ok(None)
}

fn of_day(session: &Session, day: Option<&str>, repository: Option<String>) -> Result<Limit> {
    let today = Day::of(session.surroundings.clock.now());
    let day = match day {
        None | Some("today") => today,
        Some(text) => {
            let days = today.0.saturating_sub(MOST_DAYS)..=today.0.saturating_add(MOST_DAYS);
            let mut days = days.map(Day);
            let Some(day) = days.find(|day| day.to_string() == text) else {
                bail!(invalid(format!(
                    "{text:?} is not a day of this year, such as {today}"
                )))
            };
            day
        }
    };
    Ok(match repository {
        None => Limit::Day { day },
        Some(name) => Limit::Repository {
            repository: RepositoryName::new(name).map_err(refused)?,
            day,
        },
    })
}

fn show(session: &Session) -> Result<u8> {
    let (home, surroundings) = (&session.home, &session.surroundings);
    let budget = configured(home, surroundings)?;
    let amount = |limit: Option<Usd>| limit.map_or("none".to_owned(), |limit| limit.to_string());
    let output = session.output;
    let rows = [
        ("a run", amount(budget.run)),
        ("a day", amount(budget.day)),
        ("a repository in a day", amount(budget.repository)),
        ("a task of a run", amount(budget.task)),
        (
            "asks from",
            budget
                .soft
                .map_or("none".to_owned(), |it| format!("{it} %")),
        ),
        ("set aside for a request", budget.call.to_string()),
    ]
    .map(|(what, amount)| vec![what.to_owned(), amount]);
    output.line("limits in USD, as the configuration says:");
    for row in table(&rows) {
        output.line(format!("  {row}"));
    }
    let today = Day::of(surroundings.clock.now());
    let ledger = open_ledger(home, surroundings, None)?;
    let spending = ledger.spending()?;
    let ran_today = |limit: &Limit| match limit {
        Limit::Day { day } | Limit::Repository { day, .. } => *day == today,
        Limit::Run { run } | Limit::Task { run, .. } => {
            let mut rows = spending.rows.iter().map(|row| (row.day, &row.scope.run));
            let mut open = spending.open.iter().map(|it| (it.day, &it.scope.run));
            rows.any(|it| it == (today, run)) || open.any(|it| it == (today, run))
        }
    };
    let mut standings = Vec::new();
    for mut standing in spending.standings.clone() {
        if !ran_today(&standing.limit) {
            continue;
        }
        // A run has the limits that it began with.
        if let Limit::Run { run } | Limit::Task { run, .. } = &standing.limit
            && let Ok(record) = RunRecord::read(home, run, surroundings)
        {
            let limits = record.budget.map_or(Limits::NONE, |it| it.limits());
            standing.amount = ledger.limit(&standing.limit, &limits)?;
        }
        standings.push(standing);
    }
    if standings.is_empty() {
        output.line("nothing was spent today");
    } else {
        let mut rows = vec![
            ["today", "limit", "spent", "set aside"]
                .map(str::to_owned)
                .to_vec(),
        ];
        rows.extend(standings.iter().map(|it| {
            vec![
                it.limit.to_string(),
                amount(it.amount),
                it.spent.to_string(),
                it.reserved.to_string(),
            ]
        }));
        for line in table(&rows) {
            output.line(line);
        }
    }
    output.json(&json!({
        "limits": budget,
        "today": today.to_string(),
        "standings": standings.iter().map(|it| json!({
            "of": it.limit, "limit": it.amount, "spent": it.spent, "reserved": it.reserved,
        })).collect::<Vec<_>>(),
    }))?;
    Ok(DONE)
}
