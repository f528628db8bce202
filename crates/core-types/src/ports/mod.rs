//! The ports: what engines ask of the outside, as small object-safe traits.

mod advisor;
mod agent;
mod checkpoint;
mod clock;
mod command;
mod event_sink;
mod git_provider;
mod inbox;
mod lander;
mod ledger;
mod models;
mod plan_runner;
mod plan_state;
mod recovery;
mod repository;
mod step_log;

pub use advisor::{Advice, AdviceRequest, NoAdvice, PromptAdvisor};
pub use agent::{
    Agent, AgentAnswer, AgentCapabilities, AgentRequest, AgentResult, AgentTask, ChangePolicy,
    Conversation, DependencyResult, RepositoryBrief,
};
pub use checkpoint::{Checkpoint, CheckpointStore};
pub use clock::{Clock, SystemClock};
pub use command::{
    CommandLine, CommandOutcome, CommandPurpose, CommandRequest, CommandRunner, Exit,
};
pub use event_sink::{EventSink, NoEvents};
pub use git_provider::GitProvider;
pub use inbox::{Gate, Inbox, Message};
pub use lander::{
    ChangeSetLanded, ChangeSetLander, ChangeSetLanding, LandingBlock, LandingMember,
    LandingObserver,
};
pub use ledger::{
    Grant, Ledger, Meter, NoLedger, Reservation, Settled, SpendRequest, SpendScope, Spent,
};
pub use models::{ModelChoice, ModelSelector, NoSelection};
pub use plan_runner::{PlanOutcome, PlanRequest, PlanRunner};
pub use plan_state::PlanState;
pub use recovery::{NoRecovery, Recovery, RecoveryOutcome, RecoveryRequest, RepositoryCommands};
pub use repository::{
    Blocked, Capture, CheckoutPolicy, Diff, FileChange, Landed, Landing, Merge, Prepared,
    PreparedLanding, RefUpdate, Repository, Standing, Workspace,
};
pub use step_log::StepLog;
