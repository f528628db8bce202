//! What a ledger shows.

use std::collections::BTreeMap;

use core_types::{OperationId, RepositoryName, RunId, SpendScope, TaskId, TokenUsage, Usd};

use super::{
    account::{Day, Limit},
    book::Book,
    options::LedgerOptions,
};

/// What was spent in one place by one model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpendingRow {
    /// The day on which it was set aside.
    pub day: Day,
    /// The run, and the repository and task where there is one.
    pub scope: SpendScope,
    /// The model; empty where none was named.
    pub model: String,
    /// How many settled calls.
    pub calls: u64,
    /// What they cost.
    pub spent: Usd,
    /// Their tokens.
    pub usage: TokenUsage,
    /// For how many of them nobody knows the cost, so that what was set aside was taken for it.
    pub unknown: u64,
    /// How many of them have reported a cost above zero, or tokens that have one.
    pub reported: u64,
}

/// Money that is set aside: for work that runs, or for work that was killed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenReservation {
    /// Its mark, by which it is settled.
    pub operation: OperationId,
    /// What it is for.
    pub scope: SpendScope,
    /// The day it counts on.
    pub day: Day,
    /// Who has it; may be empty.
    pub agent: String,
    /// What it still holds.
    pub held: Usd,
}

/// Where a limit stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// What the limit stands on.
    pub limit: Limit,
    /// The limit, raises included; `None` where there is none.
    pub amount: Option<Usd>,
    /// What is spent of it.
    pub spent: Usd,
    /// What is set aside.
    pub reserved: Usd,
}

/// A snapshot of a ledger.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Spending {
    /// What was spent, by day, run, repository, task and model.
    pub rows: Vec<SpendingRow>,
    /// What is set aside, in the order of its beginning.
    pub open: Vec<OpenReservation>,
    /// Every account that was ever used, by kind and name.
    pub standings: Vec<Standing>,
}

/// What spending is shown by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Group {
    /// The tasks of each run; work for no task by its run alone.
    Task,
    /// The models.
    Model,
    /// The repositories.
    Repository,
    /// The days.
    Day,
    /// The runs.
    Run,
}

/// One line of a report.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Share {
    /// What it is of, such as a model's name; `-` for none.
    pub name: String,
    /// How many settled calls.
    pub calls: u64,
    /// What they cost.
    pub spent: Usd,
    /// Their tokens.
    pub usage: TokenUsage,
    /// For how many of them nobody knows the cost.
    pub unknown: u64,
}

impl Spending {
    pub(super) fn of(book: &Book, options: &LedgerOptions) -> Self {
        let mut rows: Vec<SpendingRow> = book
            .totals()
            .map(|(place, model, totals)| SpendingRow {
                day: place.day,
                scope: place.scope.clone(),
                model: model.to_owned(),
                calls: totals.calls,
                spent: Usd::from_pico(totals.cost),
                usage: totals.usage,
                unknown: totals.unknown,
                reported: totals.reported,
            })
            .collect();
        rows.sort_by(|a, b| order(a).cmp(&order(b)));
        let open = book.open().map(|(entry, place)| OpenReservation {
            operation: entry.operation.clone(),
            scope: place.scope.clone(),
            day: place.day,
            agent: entry.agent.clone(),
            held: Usd::from_pico(entry.held),
        });
        let mut standings: Vec<Standing> = book
            .accounts()
            .iter()
            .map(|account| Standing {
                amount: book.limit_on(&account.limit, &options.limits),
                limit: account.limit.clone(),
                spent: Usd::from_pico(account.settled),
                reserved: Usd::from_pico(account.reserved),
            })
            .collect();
        standings.sort_by(|a, b| a.limit.cmp(&b.limit));
        Self {
            open: open.collect(),
            rows,
            standings,
        }
    }

    /// All that was spent.
    #[must_use]
    pub fn total(&self) -> Usd {
        let spent = self.rows.iter().map(|row| row.spent);
        spent.fold(Usd::ZERO, Usd::saturating_add)
    }

    /// What one run has spent.
    #[must_use]
    pub fn of_run(&self, run: &RunId) -> Usd {
        let rows = self.rows.iter().filter(|row| row.scope.run == *run);
        rows.map(|row| row.spent)
            .fold(Usd::ZERO, Usd::saturating_add)
    }

    /// Whether any call of a run has reported that it spent something.
    #[must_use]
    pub fn has_reports(&self, run: &RunId) -> bool {
        let mut rows = self.rows.iter().filter(|row| row.scope.run == *run);
        rows.any(|row| row.reported > 0)
    }

    /// What is set aside by reservations of a run that are open: after its process has ended, what
    /// killed agents may have spent.
    pub fn open_of_run<'a>(&'a self, run: &'a RunId) -> impl Iterator<Item = &'a OpenReservation> {
        self.open.iter().filter(move |open| open.scope.run == *run)
    }

    /// The spending by one thing: days in their order, all else with the dearest first.
    #[must_use]
    pub fn by(&self, group: Group) -> Vec<Share> {
        let mut shares: BTreeMap<String, Share> = BTreeMap::new();
        for row in &self.rows {
            let name = match group {
                Group::Task => match &row.scope.task {
                    Some(task) => format!("{} {task}", row.scope.run),
                    None => row.scope.run.to_string(),
                },
                Group::Model if row.model.is_empty() => "-".to_owned(),
                Group::Model => row.model.clone(),
                Group::Repository => match &row.scope.repository {
                    Some(repository) => repository.to_string(),
                    None => "-".to_owned(),
                },
                Group::Day => row.day.to_string(),
                Group::Run => row.scope.run.to_string(),
            };
            let share = shares.entry(name).or_insert_with_key(|name| Share {
                name: name.clone(),
                ..Share::default()
            });
            share.calls += row.calls;
            share.spent = share.spent.saturating_add(row.spent);
            share.usage = share.usage.plus(&row.usage);
            share.unknown += row.unknown;
        }
        let mut shares: Vec<Share> = shares.into_values().collect();
        if group != Group::Day {
            shares.sort_by_key(|share| std::cmp::Reverse(share.spent));
        }
        shares
    }
}

type Order<'a> = (
    Day,
    &'a RunId,
    Option<&'a RepositoryName>,
    Option<&'a TaskId>,
    &'a str,
);

fn order(row: &SpendingRow) -> Order<'_> {
    let SpendScope {
        run,
        repository,
        task,
    } = &row.scope;
    (row.day, run, repository.as_ref(), task.as_ref(), &row.model)
}
