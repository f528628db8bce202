//! What a session spends.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use core_types::{ErrorClass, Grant, PortError, Spent, TokenUsage, Usd};
use tokio::sync::Notify;

/// The prices of models: `None` for what nobody knows.
pub(super) type Prices = dyn Fn(&str, &TokenUsage) -> Option<Usd> + Send + Sync;

/// The money of one session.
pub(super) struct Account {
    grant: Option<Grant>,
    /// Held while more is asked for, so that each asks for the whole.
    asking: tokio::sync::Mutex<()>,
    state: Mutex<State>,
    /// A request has ended.
    ended: Notify,
}

#[derive(Debug, Default)]
struct State {
    settled: Usd,
    in_flight: Usd,
    n_in_flight: usize,
    /// Those of them whose input may be more than was reckoned, as text can be made to.
    n_reckoned: usize,
    n_requests: u64,
    by_model: BTreeMap<String, TokenUsage>,
    /// Whether the cost of some request is not known.
    is_unpriced: bool,
    refusal: Option<PortError>,
    failure: Option<Failure>,
}

/// Why the last request has no answer.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    pub(super) class: ErrorClass,
    pub(super) message: String,
}

/// A request under way, reckoned at the most that it may cost. Dropped before it is sent, it has cost nothing;
/// dropped while its answer is owed, nobody knows what it has cost, and it counts as its most.
#[derive(Debug)]
pub(super) struct InFlight {
    account: Arc<Account>,
    /// `None` where nobody knows the price.
    most: Option<Usd>,
    is_reckoned: bool,
    /// Of what was sent and has no answer: the model, and the most that it can have used.
    owed: Option<(String, TokenUsage)>,
}

/// Whether a request may go out.
#[derive(Debug)]
pub(super) enum Answer {
    Allowed(InFlight),
    /// Others of the session are under way, and may cost less than they could.
    Later,
    Refused(PortError),
}

impl Account {
    pub(super) fn new(grant: Option<Grant>) -> Self {
        Self {
            grant,
            asking: tokio::sync::Mutex::default(),
            state: Mutex::default(),
            ended: Notify::new(),
        }
    }

    pub(super) fn has_limit(&self) -> bool {
        self.grant.is_some()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Each change is one that leaves it whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks for the most that a request can cost, beside all else of the session: what is reckoned where no other
    /// under way may cost more than was reckoned, else what is certain.
    pub(super) async fn ask(self: &Arc<Self>, reckoned: Usd, certain: Usd) -> Answer {
        let _asking = self.asking.lock().await;
        let (so_far, n_in_flight, is_reckoned) = {
            let state = self.state();
            (
                state.settled.saturating_add(state.in_flight),
                state.n_in_flight,
                state.n_reckoned == 0 || self.grant.is_none(),
            )
        };
        let most = match is_reckoned {
            true => reckoned,
            false => certain,
        };
        if let Some(grant) = &self.grant
            && let Err(error) = grant.meter.allow(so_far.saturating_add(most)).await
        {
            return match error.class() {
                ErrorClass::BudgetExceeded if n_in_flight > 0 => Answer::Later,
                _ => Answer::Refused(error),
            };
        }
        Answer::Allowed(self.begun(Some(most), is_reckoned))
    }

    /// Begins a request without asking; `None` is the most of one whose price nobody knows.
    pub(super) fn begin(self: &Arc<Self>, most: Option<Usd>) -> InFlight {
        self.begun(most, false)
    }

    fn begun(self: &Arc<Self>, most: Option<Usd>, is_reckoned: bool) -> InFlight {
        let mut state = self.state();
        state.in_flight = state.in_flight.saturating_add(most.unwrap_or_default());
        state.n_in_flight += 1;
        state.n_reckoned += usize::from(is_reckoned);
        state.n_requests += 1;
        InFlight {
            account: Arc::clone(self),
            most,
            is_reckoned,
            owed: None,
        }
    }

    /// Returns when a request of the session has ended; at once where none is under way.
    pub(super) async fn changed(&self) {
        let mut ended = std::pin::pin!(self.ended.notified());
        ended.as_mut().enable();
        if self.state().n_in_flight > 0 {
            ended.await;
        }
    }

    /// No more may be spent.
    pub(super) fn refuse(&self, error: PortError) {
        self.state().refusal.get_or_insert(error);
    }

    pub(super) fn take_refusal(&self) -> Option<PortError> {
        self.state().refusal.take()
    }

    pub(super) fn fail(&self, class: ErrorClass, message: String) {
        self.state().failure = Some(Failure { class, message });
    }

    pub(super) fn failure(&self) -> Option<Failure> {
        self.state().failure.clone()
    }

    /// Returns when nothing of the session is under way.
    pub(super) async fn settled(&self) {
        loop {
            let mut ended = std::pin::pin!(self.ended.notified());
            ended.as_mut().enable();
            if self.state().n_in_flight == 0 {
                return;
            }
            ended.await;
        }
    }

    /// All that was spent so far, and what is under way at its most; the model is the one that has used most.
    pub(super) fn spent(&self) -> Spent {
        let state = self.state();
        let most = state
            .by_model
            .iter()
            .max_by_key(|(_, usage)| usage.total())
            .map_or_else(String::new, |(model, _)| model.clone());
        let all = state.by_model.values();
        Spent {
            usage: all.fold(TokenUsage::default(), |sum, it| sum.plus(it)),
            cost: (!state.is_unpriced).then_some(state.settled.saturating_add(state.in_flight)),
            model: most,
            is_failure: false,
        }
    }

    pub(super) fn n_requests(&self) -> u64 {
        self.state().n_requests
    }
}

impl State {
    fn count(&mut self, model: &str, usage: &TokenUsage, cost: Option<Usd>) {
        self.settled = self.settled.saturating_add(cost.unwrap_or_default());
        self.is_unpriced |= cost.is_none();
        let used = self.by_model.entry(model.to_owned()).or_default();
        *used = used.plus(usage);
    }
}

impl InFlight {
    /// It is being sent: until there is an answer, it may have used the most.
    pub(super) fn sent(&mut self, model: &str, most: TokenUsage) {
        self.owed = Some((model.to_owned(), most));
    }

    /// Whether its most is what was reckoned; else it is certain.
    pub(super) fn is_reckoned(&self) -> bool {
        self.is_reckoned
    }

    pub(super) fn is_owed(&self) -> bool {
        self.owed.is_some()
    }

    /// There is an answer, or it is known that there will be none.
    pub(super) fn answered(&mut self) {
        self.owed = None;
    }

    /// The request has ended and cost this; `None` where nobody knows the price.
    pub(super) fn settle(mut self, model: &str, usage: &TokenUsage, cost: Option<Usd>) {
        self.answered();
        let mut state = self.account.state();
        state.count(model, usage, cost);
        state.failure = None;
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        {
            let mut state = self.account.state();
            if let Some((model, usage)) = self.owed.take() {
                state.count(&model, &usage, self.most);
            }
            let most = self.most.unwrap_or_default();
            state.in_flight = state.in_flight.saturating_sub(most);
            state.n_in_flight -= 1;
            state.n_reckoned -= usize::from(self.is_reckoned);
        }
        self.account.ended.notify_waiters();
    }
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Account")
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}
