//! Repairs failures of a run: tries again within budgets, settles conflicts,
//! fixes failing tests, and tells a person what it could not repair.
//!
//! ```
//! use engine_recovery::AdvancedRecovery;
//!
//! # use std::sync::Arc;
//! # use core_types::*;
//! # use testkit::{MemoryCheckpoints, MemoryPlanState};
//! # #[derive(Debug)]
//! # struct NoAgent;
//! # #[async_trait::async_trait]
//! # impl Agent for NoAgent {
//! #     fn name(&self) -> &str { "none" }
//! #     fn capabilities(&self) -> AgentCapabilities { AgentCapabilities::default() }
//! #     fn changes(&self) -> ChangePolicy { ChangePolicy::Required }
//! #     async fn run(&self, _: AgentRequest, _: &CancellationToken) -> Result<AgentResult, PortError> {
//! #         Err(PortError::new(ErrorClass::Internal, "ask nobody"))
//! #     }
//! # }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let home = tempfile::tempdir()?;
//! # let source = testkit::git::Fixture::new(home.path().join("app"));
//! # source.file("README", "hello\n").commit("first");
//! # let places = git_workspace::Places {
//! #     mirrors: home.path().join("mirrors"),
//! #     workspaces: home.path().join("workspaces"),
//! # };
//! # let options = git_workspace::Options { path: std::env::var_os("PATH").unwrap_or_default(), ..Default::default() };
//! # let git = Arc::new(git_workspace::Git::new(options));
//! # let git = git_workspace::GitRepository::open(git, "app".parse()?, source.dir(), &places).await?;
//! # let base = git.fetch(&BranchName::new("main")?).await?;
//! # let minute = std::time::Duration::from_secs(60);
//! # let failed = RecoveryRequest {
//! #     run: "run-1".parse()?, plan: "plan-42".parse()?, scope: Scope::Task("task-3".parse()?), attempt: 1,
//! #     issue: Issue { number: 0, title: "Do it".into(), body: String::new(), labels: vec![], state: IssueState::Open, author: String::new(), created: Timestamp(0) },
//! #     task: None, repository: "app".parse()?,
//! #     commands: RepositoryCommands { setup: None, setup_timeout: minute, test: None, test_timeout: minute, agent_timeout: minute, environment: Vec::new() },
//! #     base: base.clone(), commit: None, head: base, merged: vec![],
//! #     failure: Failure::new(ErrorClass::Unauthorized, FailureKind::Agent, "the key is not valid"),
//! #     context: std::collections::BTreeMap::new(),
//! #     conversation: None, answers: vec![], reports: home.path().join("reports"), scratch: home.path().join("scratch"),
//! # };
//! # let (state, checkpoint) = (Arc::new(MemoryPlanState::default()), Arc::new(MemoryCheckpoints::default()));
//! # let (git, agent) = (Arc::new(git), Arc::new(NoAgent));
//! let recovery = AdvancedRecovery::new(state, checkpoint, git, agent);
//! # recovery.record_failure(&failed).await?;
//!
//! // Automatic recovery attempt
//! let attempted = recovery.attempt_recovery(&"plan-42".parse()?).await?;
//! if attempted.is_successful() {
//!     println!("Recovery successful!");
//! } else {
//!     println!("Manual intervention required");
//! }
//! # assert!(!attempted.is_successful());
//! # assert_eq!(attempted.tried[0].strategy, "manual_intervention");
//! # Ok(())
//! # }
//! ```
//!
//! # Model
//!
//! - A *failure* comes as a [`RecoveryRequest`](core_types::RecoveryRequest): what went wrong, by
//!   [`ErrorClass`] and [`FailureKind`](core_types::FailureKind), and what
//!   a repair may work with. Inside a run it comes through the port
//!   [`Recovery`](core_types::Recovery); alone, from the plan's last checkpoint of the stage
//!   [`FAILED`] that no [`RECOVERED`] followed.
//! - A *strategy* is one way to repair ([`RecoveryStrategy`]; others can be added). They are asked
//!   in order, each only if it handles the class and kind:
//!
//!   | strategy | for | what it does |
//!   |---|---|---|
//!   | [`RetryRecoveryStrategy`] | transient errors, limits, quotas; once: timeouts, children that the kernel ended | has the operation made again: at once, then after 2 s, 4 s, … |
//!   | [`ConflictResolutionStrategy`] | merges that met conflicts | git, what was resolved before, then the agent, hunk by hunk |
//!   | [`TestFixRecoveryStrategy`] | failing tests | tells flaky from broken, has the agent fix, refuses weakened tests |
//!   | [`ManualInterventionStrategy`] | everything | one report, as a file and a comment |
//!
//! - What an error means is a *table* over typed sources: see [`classify`](mod@classify).
//! - [`ByRepository`] joins the recoveries of a run's repositories.
//!
//! # Guarantees
//!
//! - A permanent error is never tried again. Text is the last resort, is marked as such, and is
//!   never a reason to try again.
//! - The budgets of operation, task and run bound the retries, and a crash refills none: a unit is
//!   recorded before the attempt that it pays for.
//! - A limit's end is kept. What ends later than a run should wait, and any quota, parks the run
//!   without spending a retry.
//! - A host that is down is left alone but for one probe at a time ([`retry::Breaker`]).
//! - All effects are steps: a recovery that was cut off goes on where it was, with the same result.
//! - What is not repaired ends with exactly one report for each scope, kept up to date.
//!
//! # Limits
//!
//! Breakers live as long as the process. Used alone, a recovery only makes an operation again if it
//! is given a [`Rerun`]; and one process at a time uses a plan's checkpoints for it. What agents cost
//! is counted since the process took the run.

// Each area has its folder; they know `strategy` and `options`, not each other.
mod advanced;
mod by_repository;
mod checkpoint_steps;
pub mod classify;
mod conflict;
mod count;
mod error;
mod manual;
mod no_progress;
mod options;
pub mod retry;
mod strategy;
pub mod test_fix;

use core_types::{ErrorClass, PortError, step::StepError};

pub use advanced::{
    AdvancedRecovery, AdvancedRecoveryBuilder, AttemptEnd, Attempted, FAILED, RECOVERED, Ran, Rerun,
};
pub use by_repository::ByRepository;
pub use conflict::ConflictResolutionStrategy;
pub use error::Error;
pub use manual::ManualInterventionStrategy;
pub use no_progress::NoProgress;
pub use options::{Options, RetryOptions};
pub use retry::RetryRecoveryStrategy;
pub use strategy::{RecoveryContext, RecoveryStrategy, Spending, StrategyOutcome, Tried};
pub use test_fix::TestFixRecoveryStrategy;

/// The guide's examples.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/guide/recovery.md")]
struct Guide;

/// A step's error, with its class, as a port's.
pub(crate) fn step_error(error: StepError, doing: &'static str) -> PortError {
    PortError::new(error.class(), doing).because(error)
}

/// What the commands of a repair see: what they see outside of it, at least the run and the repository.
pub(crate) fn environment(request: &core_types::RecoveryRequest) -> Vec<(String, String)> {
    let given = &request.commands.environment;
    let own = [
        ("AUTOMATION_RUN_ID", request.run.as_str()),
        ("AUTOMATION_REPOSITORY", request.repository.as_str()),
    ];
    let missing = own
        .into_iter()
        .filter(|(name, _)| !given.iter().any(|(given, _)| given == name))
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    missing.chain(given.iter().cloned()).collect()
}

/// Whether an agent's error ends the run: never what became of the agent's own process.
pub(crate) fn agent_stops_the_run(error: &PortError) -> bool {
    stops_the_run(error.class()) && !error.is_of_child()
}

/// Whether an error ends the recovery and the run with it, instead of the strategy that met it.
pub(crate) fn stops_the_run(class: ErrorClass) -> bool {
    matches!(
        class,
        ErrorClass::Cancelled
            | ErrorClass::BudgetExceeded
            | ErrorClass::ResourceExhausted
            | ErrorClass::UnknownOutcome
    )
}
