//! What the requests of one run set aside, and what those have cost that report nothing.

use std::{
    convert::Infallible,
    error::Error as _,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use agents::Playbook;
use async_trait::async_trait;
use core_types::{
    CancellationToken, ErrorClass, Event, EventSink, Ledger, OperationId, PortError, Reservation,
    RunId, Settled, SpendRequest, SpendScope, Spent, TokenUsage, Usd,
};
use cost::{BudgetExceeded, JournalLedger, Limit, Limits, OpenReservation};
use engine_checkpoint::RunJournal;
use tokio::sync::Notify;

use super::{
    AgentRecord, Error, Home, RunRecord, Surroundings, models::provider, spending::open_ledger,
};

/// Settles what killed requests of a run have set aside, and returns how much each of them had and is
/// taken to have cost. `spent` is what they have spent together, where a person knows it; else each costs
/// what a failure costs that reports nothing. Asked again, there is nothing left to settle.
///
/// # Errors
///
/// [`Error::Held`] while a process holds the run, whose requests may still spend; [`Error::Journal`];
/// [`Error::Cost`].
///
/// # Cancel safety
///
/// Dropped, some may be settled and others not; asking again settles the rest.
pub async fn settle_killed(
    home: &Home,
    surroundings: &Surroundings,
    run: &RunId,
    spent: Option<Usd>,
) -> Result<Vec<(OpenReservation, Usd)>, Error> {
    let folder = home.run_folder(run).join("journal");
    let held = RunJournal::open(folder, &surroundings.checkpoint_options());
    let _held = held.map_err(|source| Error::journal(run, source))?;
    let record = RunRecord::read(home, run, surroundings)?;
    let ledger = open_ledger(home, surroundings, Some(&record))?;
    settle_dead(&ledger, &record, spent).await
}

/// The caller holds the run, and none of its requests is under way.
async fn settle_dead(
    ledger: &JournalLedger,
    record: &RunRecord,
    spent: Option<Usd>,
) -> Result<Vec<(OpenReservation, Usd)>, Error> {
    let spending = ledger.spending()?;
    let run = &record.settings.run;
    let is_spender = Payment::of(&record.agent).is_known() || spending.has_reports(run);
    let open: Vec<_> = spending.open_of_run(run).cloned().collect();
    let (mut settled, mut rest) = (Vec::new(), spent);
    for (idx, open_one) in open.iter().enumerate() {
        // What they have spent above all that was set aside is the last one's.
        let part = rest.map(|rest| match idx + 1 == open.len() {
            true => rest,
            false => rest.min(open_one.held),
        });
        rest = rest.zip(part).map(|(rest, part)| rest.saturating_sub(part));
        let mark = OperationId::new(format!("{}:settle", open_one.operation))
            .map_err(|error| Error::request(error.to_string(), ""))?;
        let operation = &open_one.operation;
        let amount = match (part, presumed(is_spender, true, open_one.held)) {
            (None, Some(amount)) => ledger.presume(&mark, operation, amount).await?.amount,
            (cost, _) => {
                let spent = Spent {
                    cost,
                    is_failure: true,
                    ..Spent::default()
                };
                let settled = ledger.settle_reported(&mark, operation, &spent);
                settled.await?.amount
            }
        };
        settled.push((open_one.clone(), amount));
    }
    Ok(settled)
}

/// Which agents are known to spend before they have: those with a model, and playbooks that report
/// tokens, cost or a model.
pub(crate) fn spends(agent: &AgentRecord) -> bool {
    Payment::of(agent).is_known()
}

/// What is known of an agent's spending before it has worked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Payment {
    /// Nothing is ever spent: its entry says so, or its playbook reports nothing.
    Free,
    /// What its playbook says, and not a cent more.
    Scripted,
    /// As its model does.
    Model,
    /// Nobody knows until it reports.
    Unknown,
}

impl Payment {
    fn of(agent: &AgentRecord) -> Self {
        if agent.is_free {
            return Self::Free;
        }
        let playbook = agent.playbook.as_ref().and_then(|text| {
            let parsed = config::parse_typed("playbook", text, &|_| None);
            parsed.ok()
        });
        match playbook {
            Some(playbook) if reports(&playbook) => Self::Scripted,
            Some(_) if agent.model.is_empty() => Self::Free,
            Some(_) => Self::Scripted,
            None if provider(&agent.kind).is_some() => Self::Model,
            None if agent.model.is_empty() => Self::Unknown,
            None => Self::Model,
        }
    }

    fn is_known(self) -> bool {
        matches!(self, Self::Scripted | Self::Model)
    }
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

/// What a request is taken to have cost that reports nothing, of an agent that may have spent.
///
/// `None` is all that was set aside. A run of `sed` is free as long as it does its work; one that fails
/// costs a hundredth, so that no loop of failures is without an end.
fn presumed(is_spender: bool, is_failure: bool, held: Usd) -> Option<Usd> {
    match (is_spender, is_failure) {
        (true, _) => None,
        (false, true) => Some(Usd::from_pico(held.pico() / 100)),
        (false, false) => Some(Usd::ZERO),
    }
}

/// How often the ledger is looked at for a limit that was raised.
const LOOK: Duration = Duration::from_secs(1);

/// The ledger of a run: the home's, for the run's one agent.
///
/// For each request money is set aside, unless the agent is one that never spends. Where a limit would
/// be passed only because of what other requests of this run have set aside, a request waits for their
/// end.
#[derive(Debug)]
pub(crate) struct RunLedger {
    ledger: JournalLedger,
    payment: Payment,
    /// Whether a request of this run has reported that it spent something.
    has_spent: AtomicBool,
    /// How many reservations this process holds.
    held: AtomicUsize,
    /// How many requests the ledger is about to answer.
    asking: AtomicUsize,
    /// How many reservations were made or settled, and limits raised, so far.
    progress: AtomicUsize,
    /// Whenever one of the three has changed.
    changed: Notify,
    pause: CancellationToken,
    /// No request takes longer.
    longest: Duration,
    /// The run's limit where nobody raised it.
    limits: Limits,
    of_run: Limit,
    events: Arc<dyn EventSink>,
    /// The limit that was told of last.
    told: Mutex<Option<Usd>>,
}

impl RunLedger {
    /// The caller holds the run, and ended what an earlier process had left of it. What such requests had
    /// set aside is settled here if the agent is not known to spend; else it stays set aside until a
    /// person settles it, since nobody knows what they have spent.
    pub(crate) async fn new(
        ledger: JournalLedger,
        record: &RunRecord,
        pause: CancellationToken,
        events: Arc<dyn EventSink>,
    ) -> Result<Self, Error> {
        let has_spent = ledger.spending()?.has_reports(&record.settings.run);
        let payment = Payment::of(&record.agent);
        if !has_spent && payment == Payment::Unknown {
            settle_dead(&ledger, record, None).await?;
        }
        let run = record.settings.run.clone();
        let of_ledger = Self {
            ledger,
            payment,
            has_spent: AtomicBool::new(has_spent),
            held: AtomicUsize::new(0),
            asking: AtomicUsize::new(0),
            progress: AtomicUsize::new(0),
            changed: Notify::new(),
            pause,
            longest: record.settings.limits.agent_timeout,
            limits: record.budget.map_or(Limits::NONE, |it| it.limits()),
            of_run: Limit::Run { run },
            events,
            told: Mutex::default(),
        };
        of_ledger.tell_limit().await?;
        Ok(of_ledger)
    }

    /// Tells of the run's limit whenever a person raises it from another process; goes on for ever.
    ///
    /// # Cancel safety
    ///
    /// Dropped, no more is told.
    pub(crate) async fn watch_limit(&self) -> Infallible {
        loop {
            tokio::time::sleep(LOOK).await;
            // Where it cannot be read, a request will say so; here only a figure would be the old one.
            self.tell_limit().await.ok();
        }
    }

    /// Tells of the run's limit where it is another one than was told of. Requests that wait for money
    /// ask again.
    ///
    /// # Errors
    ///
    /// What reading the ledger answers.
    ///
    /// # Cancel safety
    ///
    /// Dropped, it is told or not.
    pub(crate) async fn tell_limit(&self) -> Result<(), Error> {
        let (ledger, of_run, limits) = (self.ledger.clone(), self.of_run.clone(), self.limits);
        let limit = tokio::task::spawn_blocking(move || ledger.limit(&of_run, &limits)).await;
        let limit = limit.map_err(|cut_off| Error::request(cut_off.to_string(), ""))??;
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(limit) = limit.filter(|_| *told != limit) {
            self.events.emit(None, Event::BudgetSet { limit });
            *told = Some(limit);
            self.progress.fetch_add(1, Ordering::SeqCst);
            self.changed.notify_waiters();
        }
        Ok(())
    }

    /// Settles a request that says nothing of what it has spent.
    async fn settle_silent(
        &self,
        operation: &OperationId,
        reservation: &Reservation,
        spent: &Spent,
    ) -> Result<Settled, PortError> {
        let is_spender = match self.payment {
            // What a playbook does not report was not spent.
            Payment::Free | Payment::Scripted => {
                let nothing = Spent {
                    model: spent.model.clone(),
                    ..Spent::nothing()
                };
                return self.ledger.settle(operation, reservation, &nothing).await;
            }
            Payment::Model => true,
            // One that names its model uses it.
            Payment::Unknown => self.has_spent.load(Ordering::SeqCst) || !spent.model.is_empty(),
        };
        let held = reservation.amount.unwrap_or_default();
        match presumed(is_spender, spent.is_failure, held) {
            None => self.ledger.settle(operation, reservation, spent).await,
            Some(amount) => {
                let mark = &reservation.operation;
                let presumed = self.ledger.presume(operation, mark, amount).await;
                presumed.map_err(|error| error.into_port_error("settle what was spent"))
            }
        }
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
        if self.payment == Payment::Free {
            return Ok(Reservation {
                operation: operation.clone(),
                amount: None,
            });
        }
        loop {
            let seen = self.progress.load(Ordering::SeqCst);
            let asking = Asking::begin(self);
            let reserved = self.ledger.reserve(operation, scope, request, parent).await;
            let refused = match reserved {
                Ok(reservation) => {
                    self.held.fetch_add(1, Ordering::SeqCst);
                    self.progress.fetch_add(1, Ordering::SeqCst);
                    drop(asking);
                    return Ok(reservation);
                }
                Err(error) if may_pass(&error) => error,
                Err(error) => return Err(error),
            };
            drop(asking);
            let mut changed = std::pin::pin!(self.changed.notified());
            // From here on no change is missed; one before is seen in the numbers.
            changed.as_mut().enable();
            if self.progress.load(Ordering::SeqCst) != seen {
                continue;
            }
            let others = [&self.held, &self.asking].map(|it| it.load(Ordering::SeqCst));
            if others == [0, 0] {
                return Err(refused);
            }
            tokio::select! {
                () = changed => {}
                () = self.pause.cancelled() => {
                    let doing = "wait for money that others have set aside";
                    return Err(PortError::new(ErrorClass::Cancelled, doing));
                }
                () = tokio::time::sleep(self.longest) => return Err(refused),
            }
        }
    }

    async fn reserve_more(
        &self,
        operation: &OperationId,
        scope: &SpendScope,
        request: &SpendRequest,
    ) -> Result<Reservation, PortError> {
        let reserved = self.ledger.reserve_more(operation, scope, request).await;
        if reserved.is_ok() {
            self.has_spent.store(true, Ordering::SeqCst);
            self.held.fetch_add(1, Ordering::SeqCst);
        }
        reserved
    }

    async fn settle(
        &self,
        operation: &OperationId,
        reservation: &Reservation,
        spent: &Spent,
    ) -> Result<Settled, PortError> {
        if self.payment == Payment::Free {
            return Ok(Settled {
                amount: Usd::ZERO,
                model: spent.model.clone(),
            });
        }
        let settled = if spent.is_silent() {
            self.settle_silent(operation, reservation, spent).await
        } else {
            if spent.cost != Some(Usd::ZERO) {
                self.has_spent.store(true, Ordering::SeqCst);
            }
            self.ledger.settle(operation, reservation, spent).await
        };
        self.held.fetch_sub(1, Ordering::SeqCst);
        self.progress.fetch_add(1, Ordering::SeqCst);
        self.changed.notify_waiters();
        settled
    }

    fn price(&self, model: &str, usage: &TokenUsage) -> Option<Usd> {
        Ledger::price(&self.ledger, model, usage)
    }
}

/// A request that the ledger has not answered yet.
struct Asking<'a>(&'a RunLedger);

impl<'a> Asking<'a> {
    fn begin(ledger: &'a RunLedger) -> Self {
        ledger.asking.fetch_add(1, Ordering::SeqCst);
        Self(ledger)
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.0.asking.fetch_sub(1, Ordering::SeqCst);
        self.0.changed.notify_waiters();
    }
}

/// Whether a refusal is one of money that is only set aside.
fn may_pass(error: &PortError) -> bool {
    let cost = error.source().and_then(|it| it.downcast_ref());
    matches!(cost, Some(cost::Error::BudgetExceeded(exceeded)) if BudgetExceeded::may_pass(exceeded))
}

#[cfg(test)]
mod tests {
    use core_types::{NoEvents, SystemClock};
    use cost::LedgerOptions;

    use super::*;

    #[test]
    fn what_is_not_reported_has_a_rule() {
        let held = Usd::from_pico(1_000_000_000_000);
        assert_eq!(presumed(false, false, held), Some(Usd::ZERO));
        let failed = presumed(false, true, held).expect("a part of it");
        assert_eq!(failed.to_string(), "0.01");
        for is_failure in [false, true] {
            let whole = presumed(true, is_failure, held);
            assert_eq!(whole, None, "one that was seen to spend is never free");
        }
    }

    fn usd(text: &str) -> Usd {
        text.parse().expect("an amount")
    }

    /// The ledger of a run that may spend 1 USD, of which 0.50 are set aside for each request.
    fn of_run(folder: &std::path::Path, events: Arc<dyn EventSink>) -> RunLedger {
        let limits = Limits {
            run: Some(usd("1")),
            ..Limits::NONE
        };
        let options = LedgerOptions {
            limits,
            call: usd("0.5"),
            ..LedgerOptions::default()
        };
        let clock = Arc::new(SystemClock);
        let ledger = JournalLedger::open(&folder.join("costs"), options, clock);
        let run = "r1".parse().expect("a name");
        RunLedger {
            ledger: ledger.expect("it opens"),
            payment: Payment::Model,
            has_spent: AtomicBool::new(false),
            held: AtomicUsize::new(0),
            asking: AtomicUsize::new(0),
            progress: AtomicUsize::new(0),
            changed: Notify::new(),
            pause: CancellationToken::new(),
            // A paused clock runs ahead while a disk is waited for.
            longest: Duration::from_secs(60 * 60 * 24 * 365),
            limits,
            of_run: Limit::Run { run },
            events,
            told: Mutex::default(),
        }
    }

    fn mark(text: String) -> OperationId {
        OperationId::new(text).expect("a mark")
    }

    async fn reserve(ledger: &RunLedger, n: u32) -> Result<Reservation, PortError> {
        let scope = SpendScope {
            run: "r1".parse().expect("a name"),
            repository: None,
            task: None,
        };
        let request = SpendRequest::default();
        let reserving = mark(format!("reserve-{n}"));
        ledger.reserve(&reserving, &scope, &request, None).await
    }

    /// Two of a hundred requests have room at a time. None may be refused, however a refusal and the end
    /// of the work that caused it follow each other.
    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn no_request_is_refused_for_what_others_have_set_aside() {
        let folder = tempfile::tempdir().expect("a folder");
        let of_run = Arc::new(of_run(folder.path(), Arc::new(NoEvents)));
        let mut requests = tokio::task::JoinSet::new();
        for n in 0..100 {
            let ledger = of_run.clone();
            requests.spawn(async move {
                let reserved = reserve(&ledger, n).await?;
                let settling = mark(format!("settle-{n}"));
                ledger.settle(&settling, &reserved, &Spent::nothing()).await
            });
        }
        while let Some(done) = requests.join_next().await {
            done.expect("no panic").expect("it waits for its turn");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_limit_that_is_raised_is_told_of_and_lets_a_request_go_on() {
        let folder = tempfile::tempdir().expect("a folder");
        let events = Arc::new(testkit::MemoryEvents::default());
        let of_run = of_run(folder.path(), events.clone());
        of_run.tell_limit().await.expect("it reads");
        for n in 0..2 {
            reserve(&of_run, n).await.expect("there is room");
        }
        // Both are under way for longer than this test: only more money lets the third one go on.
        let raise = async {
            let raising = mark("raise".to_owned());
            let raised = of_run.ledger.raise(&raising, &of_run.of_run, usd("2"));
            raised.await.expect("it is more");
        };
        let (third, ()) = tokio::select! {
            both = async { tokio::join!(reserve(&of_run, 2), raise) } => both,
            never = of_run.watch_limit() => match never {},
        };
        third.expect("the limit was raised");
        let told = ["1", "2"].map(|limit| Event::BudgetSet { limit: usd(limit) });
        assert_eq!(events.events(), told);
    }
}
