//! What may be spent and what was: the ledger of a home, prices, and estimates.

use std::{fs, path::Path, time::Duration};

use config::{Finding, Findings, automation::Budget, models::Models};
use core_types::{
    Event, OperationId, Plan, RunId, Scope, StepKey, Timestamp, Usd, step::StepState,
};
use cost::{CostOptimizer, JournalLedger, LedgerOptions, Limit, Limits, PriceTable, Unreported};
use engine_checkpoint::{RunJournal, RunView};
use serde::{Deserialize, Serialize};

use super::{Error, Home, RunRecord, Surroundings, record::view, request::configured};

/// How much a run may spend, as its journal keeps it; `None` is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BudgetRecord {
    /// By the run.
    pub run: Option<Usd>,
    /// By all runs together in one day.
    pub day: Option<Usd>,
    /// On one repository in one day.
    pub repository: Option<Usd>,
    /// By one task over all its attempts.
    pub task: Option<Usd>,
    /// Percent of each limit at which the run asks.
    pub soft: Option<u8>,
    /// What is set aside for one request to an agent that spends.
    pub call: Usd,
}

impl From<&Budget> for BudgetRecord {
    fn from(budget: &Budget) -> Self {
        Self {
            run: budget.run,
            day: budget.day,
            repository: budget.repository,
            task: budget.task,
            soft: budget.soft,
            call: budget.call,
        }
    }
}

impl BudgetRecord {
    /// The limits alone.
    #[must_use]
    pub fn limits(&self) -> Limits {
        Limits {
            run: self.run,
            day: self.day,
            repository: self.repository,
            task: self.task,
            soft_percent: self.soft,
        }
    }
}

/// The ledger of a home, with the limits of a run as it has recorded them, else those of the
/// configuration. A home where nothing was spent yet has an empty one.
///
/// # Errors
///
/// What is wrong with the configuration or the prices; [`Error::Cost`] where the ledger cannot be read.
pub fn open_ledger(
    home: &Home,
    surroundings: &Surroundings,
    run: Option<&RunRecord>,
) -> Result<JournalLedger, Error> {
    let budget = budget_of(home, surroundings, run)?;
    let mut options = LedgerOptions {
        // A run of before there were limits has none.
        limits: budget.map_or(Limits::NONE, |budget| budget.limits()),
        prices: optimizer(home, surroundings)?.prices().clone(),
        // Which requests are free, the ledger of their run knows.
        unreported: Unreported::Reservation,
        ..LedgerOptions::default()
    };
    if let Some(budget) = budget {
        options.call = budget.call;
    }
    let (dir, clock) = (home.state().join("costs"), surroundings.clock.clone());
    Ok(JournalLedger::open_with(
        &dir,
        options,
        clock,
        surroundings.journal.clone(),
    )?)
}

/// Raises a limit for all processes and for good, and returns what it was before.
///
/// # Errors
///
/// As [`open_ledger`]; [`Error::Cost`] where there is no such limit, or it is not below `to`.
///
/// # Cancel safety
///
/// Dropped, it may happen or not.
pub async fn raise_limit(
    home: &Home,
    surroundings: &Surroundings,
    run: Option<&RunRecord>,
    limit: &Limit,
    to: Usd,
) -> Result<Usd, Error> {
    let ledger = open_ledger(home, surroundings, run)?;
    let what = || format!("the limit of {limit}");
    let not_a_raise = |now| cost::Error::NotARaise {
        what: what(),
        limit: now,
        to,
    };
    // A refusal leaves no ledger behind.
    match ledger.limit(limit, &limits_of(home, surroundings, run)?)? {
        None => return Err(cost::Error::NoLimit { what: what() }.into()),
        Some(now) if to <= now => return Err(not_a_raise(now).into()),
        Some(_) => {}
    }
    let mark = format!("raise:{}:{to}", limit.to_string().replace(' ', ":"));
    let mark = OperationId::new(mark).map_err(|error| Error::request(error.to_string(), ""))?;
    home.ensure()?;
    let before = ledger.raise(&mark, limit, to).await?;
    if let Limit::Run { run } = limit {
        tell_raise(home, surroundings, run, to).await;
    }
    Ok(before)
}

/// Shows a raised limit: a session that is under way looks at the ledger and tells of it, else this
/// process does.
async fn tell_raise(home: &Home, surroundings: &Surroundings, run: &RunId, limit: Usd) {
    let folder = home.run_folder(run).join("journal");
    let options = surroundings.checkpoint_options();
    let event = Event::BudgetSet { limit };
    let tell = move || RunJournal::tell(folder, &options, event);
    let told = tokio::task::spawn_blocking(tell).await;
    // The limit counts in any case, and the next session tells of it, too.
    match told {
        Ok(Ok(()) | Err(engine_checkpoint::Error::Locked { .. })) => {}
        Ok(Err(error)) => tracing::warn!(%error, %run, "pages show the limit as it was"),
        Err(error) => tracing::warn!(%error, %run, "pages show the limit as it was"),
    }
}

/// What may be spent as a run has recorded it, else as the configuration says.
fn budget_of(
    home: &Home,
    surroundings: &Surroundings,
    run: Option<&RunRecord>,
) -> Result<Option<BudgetRecord>, Error> {
    match run {
        Some(record) => Ok(record.budget),
        None => budget(home, surroundings).map(Some),
    }
}

fn limits_of(
    home: &Home,
    surroundings: &Surroundings,
    run: Option<&RunRecord>,
) -> Result<Limits, Error> {
    let budget = budget_of(home, surroundings, run)?;
    // A run of before there were limits has none.
    Ok(budget.map_or(Limits::NONE, |budget| budget.limits()))
}

/// How much may be spent as the configuration says it now.
///
/// # Errors
///
/// What is wrong with the configuration.
pub fn budget(home: &Home, surroundings: &Surroundings) -> Result<BudgetRecord, Error> {
    Ok((&configured(home, surroundings)?.budget).into())
}

/// What chooses models and estimates costs: `config/models.yaml` and the prices that it names.
///
/// # Errors
///
/// All findings in that file; [`Error::Cost`] where a table of prices is not taken over.
pub fn optimizer(home: &Home, surroundings: &Surroundings) -> Result<CostOptimizer, Error> {
    let models = models(home, surroundings)?;
    let prices = prices(home, &models)?;
    Ok(CostOptimizer::with_models(models, &prices)?)
}

/// The day of the prices in use; `None` where nobody knows it.
///
/// # Errors
///
/// As [`optimizer`].
pub fn prices_checked(
    home: &Home,
    surroundings: &Surroundings,
) -> Result<Option<Timestamp>, Error> {
    let now = surroundings.clock.now();
    let age = prices(home, &models(home, surroundings)?)?.age(now);
    let millis = |age: Duration| u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
    Ok(age.map(|age| Timestamp(now.0.saturating_sub(millis(age)))))
}

pub(crate) fn models(home: &Home, surroundings: &Surroundings) -> Result<Models, Error> {
    let path = home.config_file("models.yaml");
    let Some(bytes) = read(&path)? else {
        return Ok(Models::default());
    };
    let shown = path.display().to_string();
    let text = config::decode(&shown, &bytes)?;
    Ok(config::load_models(&shown, text, &|name| {
        surroundings.variable(name)
    })?)
}

/// The table that `prices.file` names, if it can be trusted; else the one that the program brings.
pub(crate) fn prices(home: &Home, models: &Models) -> Result<PriceTable, Error> {
    let bundled = PriceTable::bundled();
    let Some(file) = &models.prices.file else {
        return Ok((*bundled).clone());
    };
    let path = home.root().join(file);
    let shown = path.display().to_string();
    let refused = |why: String| {
        let message = format!("{file}: {why}");
        let finding = Finding::new(&models.file, models.prices.mark, "prices.file", message);
        Error::from(Findings::new(vec![finding]))
    };
    let text = fs::read_to_string(&path).map_err(|error| refused(error.to_string()))?;
    let newer = PriceTable::from_json(&shown, &text, models.prices.date.as_deref())?;
    if newer.date().is_empty() {
        let why =
            "it does not say its day, without which nobody knows how old it is: add prices.date";
        return Err(refused(why.to_owned()));
    }
    let tiers = &models.tiers;
    let mut in_use = vec![&*tiers.fast, &*tiers.balanced, &*tiers.advanced];
    // What a tier calls by another name is in use by its own.
    in_use.extend(models.aliases.iter().map(|alias| &*alias.model));
    let moves = match models.prices.accept_moves.as_deref() == Some(newer.date()) {
        true => cost::Moves::Accept,
        false => cost::Moves::Refuse,
    };
    let refreshed = bundled.refreshed(newer, &in_use, moves);
    Ok(refreshed.map_err(|error| refused(error.to_string()))?.table)
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(Error::Io {
            operation: "read",
            path: path.to_owned(),
            source,
        }),
    }
}

/// The plan of a run, once it has one.
///
/// # Errors
///
/// [`Error::Journal`], [`Error::Record`].
pub fn plan_of(
    home: &Home,
    run: &RunId,
    surroundings: &Surroundings,
) -> Result<Option<Plan>, Error> {
    let view = view(home, run, surroundings)?;
    planned(&view).map_err(|source| Error::Record {
        run: run.clone(),
        source,
    })
}

/// The plan in a run's journal.
pub(crate) fn planned(view: &RunView) -> Result<Option<Plan>, serde_json::Error> {
    let key = StepKey::new(Scope::Run, 1, "plan");
    match view.steps().get(&key).map(|step| &step.state) {
        Some(StepState::Finished { result, .. }) => {
            serde_json::from_value(result.clone()).map(Some)
        }
        _ => Ok(None),
    }
}
