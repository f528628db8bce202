//! What agents' work costs: prices, the complexity of tasks, estimates before a run, and a ledger that
//! no run spends past.
//!
//! ```
//! use std::sync::Arc;
//! use core_types::{Ledger, OperationId, Plan, RepositoryName, SpendRequest, SpendScope, Spent, SystemClock, Task};
//! use cost::{CostOptimizer, Group, JournalLedger, LedgerOptions};
//!
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! # let folder = tempfile::tempdir()?;
//! # let dir = folder.path().join("costs");
//! let task = Task {
//!     id: "login".parse()?,
//!     title: "Add a login page".to_owned(),
//!     description: "It has fields for name and password, and should say what is wrong.".to_owned(),
//!     repository: RepositoryName::new("app")?,
//!     dependencies: vec![],
//!     files: vec!["login.html".to_owned()],
//!     estimate: None,
//! };
//! let plan = Plan { id: "plan-1".parse()?, title: "Login".to_owned(), tasks: vec![task.clone()] };
//!
//! // Before: what it will cost, and with which model.
//! let optimizer = CostOptimizer::new(true);
//! let costs = optimizer.estimate_cost(&plan)?;
//! println!("Total: ${:.2}", costs.total.expected);
//! let selection = optimizer.select(&task);
//! println!("{} by {}\n{}", task.title, selection.model, selection.explanation);
//!
//! // Meanwhile: nothing is spent that was not set aside.
//! let ledger = JournalLedger::open(&dir, LedgerOptions::default(), Arc::new(SystemClock))?;
//! let scope = SpendScope {
//!     run: "run-1".parse()?,
//!     repository: Some(task.repository),
//!     task: Some(task.id),
//! };
//! let request = SpendRequest { model: selection.model.clone(), ..SpendRequest::default() };
//! let reservation = ledger.reserve(&OperationId::new("run-1:login#1")?, &scope, &request, None).await?;
//! // … the agent works, and reports its tokens …
//! let mut spent = Spent { model: selection.model.clone(), ..Spent::default() };
//! spent.usage.input = 10_000;
//! spent.usage.output = 2_000;
//! ledger.settle(&OperationId::new("run-1:login#1:settle")?, &reservation, &spent).await?;
//!
//! // After: what it did cost.
//! let by_model = ledger.spending()?.by(Group::Model);
//! assert_eq!(by_model[0].name, selection.model);
//! assert_eq!(by_model[0].calls, 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Model
//!
//! - A **price table** ([`PriceTable`]) has dated prices of models. One comes with the crate; a newer
//!   one is taken over with care ([`PriceTable::refreshed`]). `config/models.yaml` adds aliases and
//!   prices.
//! - A **tier** ([`ModelTier`]) stands for a model; a task's [`complexity`] chooses it.
//! - An **estimate** ([`Costs`]) is a mean with an interval, for planning, implementation, review and
//!   their total. The interval would hold nine of ten cases if the spread were as assumed.
//! - A **reservation** is money set aside for one call; a **settlement** replaces it by what was spent.
//!   Both are charged to **accounts**: the run, the day, the repository on that day, the task of the
//!   run. A **limit** may stand on each ([`Limits`]). A reservation may be a part of another; then it
//!   is taken out of it and never added.
//!
//! # Guarantees
//!
//! - Money is integer: pico-dollars, prices in atto-dollars a token, each rounding upwards.
//! - An unknown model is an error in prices and estimates, and in the ledger costs all that was set
//!   aside for it. It is never free.
//! - On no account is settled + reserved ever above its limit, under any concurrency, in any number of
//!   processes, after any crash, as long as no call spends more than was set aside for it. What a call
//!   spends beyond that is recorded, and the next reservation sees it: a limit is passed by at most
//!   the excess of the calls under way.
//! - Setting aside and settling are idempotent by their [`OperationId`](core_types::OperationId), and
//!   on disk when they return. What a killed process had set aside counts as spent until somebody
//!   settles it ([`Spending::open`]).
//! - A refusal says which limit, what is spent and set aside, and the line that raises it
//!   ([`BudgetExceeded`]). A soft limit asks in the same way, before the limit itself is reached.
//!
//! # Limits
//!
//! The ledger keeps every reservation's operation in memory, some 300 bytes each, and nothing is
//! removed from its journal yet. Estimates rest on assumptions until some twenty tasks of the ledger's
//! own are known ([`History`]). Off-peak and regional prices are not used: what is charged is the
//! price at the peak. Complexity is told from an issue's words: it ranks issues of one team, and it is
//! no measure of time.

pub mod complexity;
mod error;
mod ledger;
mod optimizer;
mod prices;

pub use error::Error;
pub use ledger::{
    Basis, BudgetExceeded, Day, Group, Hardness, JournalLedger, LedgerOptions, Limit, Limits,
    MemoryLedger, OpenReservation, RAISED, RESERVED, SETTLED, Share, Spending, SpendingRow,
    Standing, Unreported,
};
pub use optimizer::{
    CostOptimizer, Costs, Effort, EffortModel, Estimate, History, ModelTier, PastRun,
    Recommendation, Selection,
};
pub use prices::{
    Change, Cost, ModelRates, Moves, PriceTable, Rate, RateKind, Rates, Refreshed, ServiceTier,
    TablePrice,
};
