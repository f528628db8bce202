//! Configuration in, a run over local repositories out.
//!
//! [`Home`] is where configuration and state live. [`RunRequest`] says what a
//! new run is asked to do; [`Assembly::create`] checks all of it, records it in
//! the run's journal and builds the workflow; [`Assembly::open`] takes an
//! earlier run up again. [`WorkflowRunner`] does both for the change sets of a
//! program. [`RunStatus`] reads a run from any process, and
//! [`collect`] removes those that retention does not keep.

mod agent;
mod assembly;
mod detect;
mod error;
mod estimate;
mod gateway;
mod gc;
mod home;
mod issue;
mod known_agents;
mod lessons;
mod models;
mod monitor;
mod on_forge;
mod plan_file;
mod plan_runner;
mod prompts;
mod proposals;
mod record;
mod recovery;
mod repositories;
mod request;
mod run_ledger;
mod sandbox;
mod serve;
mod spending;
mod staged;
mod standing;
mod status;

pub use agent::AgentRecord;
pub use assembly::{Assembly, Observer, open_forge, open_forges, send};
pub use detect::{Check, CheckState, Detected, Setup, detect_test_command, doctor, initialize};
pub use error::Error;
pub use estimate::{CostExplanation, PlanCost, estimate, explain_cost};
pub use gateway::GatewayRecord;
pub use gc::{Collected, Collecting, collect};
pub use home::{Home, Surroundings};
pub use issue::IssueSource;
pub use known_agents::{AgentAccess, KnownAgent, known_agents};
pub use lessons::{LearningRecord, Rules, forget_old, open_feedback, propose};
pub use models::ModelsRecord;
pub use monitor::{HomeSource, Printed, printed};
pub use on_forge::{ForgeAccess, ForgeRecord, RepositoryAccess, TokenRecord, forge_access};
pub use plan_file::{plan_from_file, plan_to_yaml};
pub use plan_runner::WorkflowRunner;
pub use record::{Asked, RunRecord};
pub use recovery::RecoveryRecord;
pub use repositories::RepositorySource;
pub use request::{
    KnownRepositories, RunRequest, default_workers, known_repositories, repository_names,
};
pub use run_ledger::settle_killed;
pub use sandbox::{Reach, SandboxRecord};
#[cfg(feature = "serve")]
pub use serve::WebhookAddress;
pub use serve::{Follower, Nudge, Received, Teller, Until, Webhooks};
pub use spending::{
    BudgetRecord, budget, open_ledger, optimizer, plan_of, prices_checked, raise_limit,
};
pub use staged::{Staged, staged};
pub use standing::{Repair, RepositoryStanding};
pub use status::{RunState, RunStatus, TaskState};
