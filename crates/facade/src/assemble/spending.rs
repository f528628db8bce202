//! What may be spent and what was: the ledger of a home, prices, and estimates.

use std::{
    collections::HashMap,
    error::Error as _,
    fs,
    path::Path,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use agents::Playbook;
use async_trait::async_trait;
use config::{Finding, Findings, automation::Budget, models::Models};
use core_types::{
    CancellationToken, ErrorClass, Ledger, OperationId, Plan, PortError, Reservation, RunId, Scope,
    Settled, SpendRequest, SpendScope, Spent, StepKey, Timestamp, Usd, step::StepState,
};
use cost::{
    BudgetExceeded, CostOptimizer, JournalLedger, LedgerOptions, Limit, Limits, PriceTable,
};
use engine_checkpoint::RunView;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use super::{AgentRecord, Error, Home, RunRecord, Surroundings, request::configured};

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
    let budget = match run {
        Some(record) => record.budget,
        None => Some(budget(home, surroundings)?),
    };
    let mut options = LedgerOptions {
        // A run of before there were limits has none.
        limits: budget.map_or(Limits::NONE, |budget| budget.limits()),
        prices: optimizer(home, surroundings)?.prices().clone(),
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
    let budget = match run {
        Some(record) => record.budget,
        None => Some(budget(home, surroundings)?),
    };
    let before = in_force(&ledger, budget, limit)?;
    let what = format!("the limit of {limit}");
    // A refusal leaves no ledger behind.
    let from = match before {
        None => return Err(cost::Error::NoLimit { what }.into()),
        Some(limit) if to <= limit => return Err(cost::Error::NotARaise { what, limit, to }.into()),
        Some(limit) => limit,
    };
    let mark = format!("raise:{}:{from}:{to}", limit.to_string().replace(' ', ":"));
    let mark = OperationId::new(mark).map_err(|error| Error::request(error.to_string(), ""))?;
    home.ensure()?;
    ledger.raise(&mark, limit, to).await?;
    Ok(from)
}

/// How much a limit is now: as it was raised, else as it was configured.
pub(crate) fn in_force(
    ledger: &JournalLedger,
    budget: Option<BudgetRecord>,
    limit: &Limit,
) -> Result<Option<Usd>, Error> {
    let known = ledger.spending()?.standings.into_iter();
    let standing = known
        .filter(|it| it.limit == *limit)
        .find_map(|it| it.amount);
    let configured = budget.and_then(|budget| match limit {
        Limit::Run { .. } => budget.run,
        Limit::Day { .. } => budget.day,
        Limit::Repository { .. } => budget.repository,
        Limit::Task { .. } => budget.task,
    });
    Ok(standing.or(configured))
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
    let tiers = &models.tiers;
    let in_use = [&*tiers.fast, &*tiers.balanced, &*tiers.advanced];
    let refreshed = bundled.refreshed(newer, &in_use, cost::Moves::Refuse);
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
    let folder = home.run_folder(run).join("journal");
    let view = RunView::read_with(folder, &surroundings.journal)
        .map_err(|source| Error::journal(run, source))?;
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

/// Which agents are known to spend before they have: those with a model, and playbooks that report
/// tokens, cost or a model. Others, such as `sed`, have nothing set aside.
pub(crate) fn spends(agent: &AgentRecord) -> bool {
    if !agent.model.is_empty() {
        return true;
    }
    let Some(text) = &agent.playbook else {
        return false;
    };
    config::parse_typed("playbook", text, &|_| None).is_ok_and(|it: Playbook| reports(&it))
}

fn reports(playbook: &Playbook) -> bool {
    let nothing = core_types::TokenUsage::default();
    let plan = playbook
        .plan
        .iter()
        .map(|it| (it.usage, it.cost, &it.model));
    let reviews = playbook.review.iter();
    let reviews = reviews.flat_map(|it| it.default.iter().chain(it.repositories.values()));
    let reviews = reviews.map(|it| (it.usage, it.cost, &it.model));
    let scenes = playbook.tasks.values();
    let scenes = scenes
        .chain(playbook.resolve_conflict.values())
        .chain(playbook.fix_tests.values());
    let scenes = scenes.map(|it| (it.usage, it.cost, &it.model));
    plan.chain(reviews)
        .chain(scenes)
        .any(|(usage, cost, model)| usage != nothing || cost.is_some() || !model.is_empty())
}

/// The ledger of a run: the home's, for the run's one agent.
///
/// An agent that is not known to spend leaves no trace in the ledger, until it reports that it has
/// spent; from then on it is one that spends. Where a limit would be passed only because of what
/// other requests of this run have set aside, a request waits for their end.
#[derive(Debug)]
pub(crate) struct RunLedger {
    ledger: JournalLedger,
    /// The configured model; may be empty.
    model: String,
    spends: AtomicBool,
    /// Requests of an agent that is not known to spend, by their reservations.
    free: Mutex<HashMap<OperationId, (SpendScope, SpendRequest)>>,
    /// How many reservations this process holds.
    held: AtomicUsize,
    settled: Notify,
    pause: CancellationToken,
    /// No request takes longer.
    longest: Duration,
}

impl RunLedger {
    pub(crate) fn new(
        ledger: JournalLedger,
        record: &RunRecord,
        pause: CancellationToken,
    ) -> Result<Self, Error> {
        let has_spent = ledger.spending()?.of_run(&record.settings.run) > Usd::ZERO;
        Ok(Self {
            ledger,
            model: record.agent.model.clone(),
            spends: AtomicBool::new(has_spent || spends(&record.agent)),
            free: Mutex::default(),
            held: AtomicUsize::new(0),
            settled: Notify::new(),
            pause,
            longest: record.settings.limits.agent_timeout,
        })
    }

    fn free(&self) -> MutexGuard<'_, HashMap<OperationId, (SpendScope, SpendRequest)>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Ledger for RunLedger {
    async fn reserve(
        &self,
        operation: &OperationId,
        scope: &SpendScope,
        request: &SpendRequest,
        parent: Option<&Reservation>,
    ) -> Result<Reservation, PortError> {
        let mut request = request.clone();
        if request.model.is_empty() {
            request.model.clone_from(&self.model);
        }
        if !self.spends.load(Ordering::SeqCst) {
            self.free()
                .insert(operation.clone(), (scope.clone(), request));
            return Ok(Reservation {
                operation: operation.clone(),
                amount: None,
            });
        }
        loop {
            let mut settled = std::pin::pin!(self.settled.notified());
            settled.as_mut().enable();
            let reserved = self
                .ledger
                .reserve(operation, scope, &request, parent)
                .await;
            match reserved {
                Ok(reservation) => {
                    self.held.fetch_add(1, Ordering::SeqCst);
                    return Ok(reservation);
                }
                Err(error) if may_pass(&error) && self.held.load(Ordering::SeqCst) > 0 => {
                    tokio::select! {
                        () = settled => {}
                        () = self.pause.cancelled() => {
                            let doing = "wait for money that others have set aside";
                            return Err(PortError::new(ErrorClass::Cancelled, doing));
                        }
                        () = tokio::time::sleep(self.longest) => return Err(error),
                    }
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn settle(
        &self,
        operation: &OperationId,
        reservation: &Reservation,
        spent: &Spent,
    ) -> Result<Settled, PortError> {
        let free = self.free().remove(&reservation.operation);
        if let Some((scope, request)) = free {
            if *spent == Spent::default() || *spent == Spent::nothing() {
                return Ok(Settled {
                    amount: Usd::ZERO,
                    model: spent.model.clone(),
                });
            }
            self.spends.store(true, Ordering::SeqCst);
            // The work is done: what it has spent is recorded whatever the limits say.
            let request = SpendRequest {
                worst_case: Some(Usd::ZERO),
                ..request
            };
            let mark = &reservation.operation;
            self.ledger.reserve(mark, &scope, &request, None).await?;
            return self.ledger.settle(operation, reservation, spent).await;
        }
        // Whether a chosen model was used at all, only a report can tell.
        let nothing = Spent::nothing();
        let spent = match self.model.is_empty() && *spent == Spent::default() {
            true => &nothing,
            false => spent,
        };
        let settled = self.ledger.settle(operation, reservation, spent).await;
        self.held.fetch_sub(1, Ordering::SeqCst);
        self.settled.notify_waiters();
        settled
    }
}

/// Whether a refusal is one of money that is only set aside.
fn may_pass(error: &PortError) -> bool {
    let cost = error.source().and_then(|it| it.downcast_ref());
    matches!(cost, Some(cost::Error::BudgetExceeded(exceeded)) if BudgetExceeded::may_pass(exceeded))
}
