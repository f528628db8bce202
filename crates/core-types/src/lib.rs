//! The ground of the automation engine: ids, domain values, events, error
//! classes and ports, known to every other crate and knowing none.
//!
//! No runtime is used and nothing is read or written here, with one exception:
//! [`SystemClock`], the default of the [`Clock`] port.
//!
//! # The model
//!
//! - A *plan* says what to do, a *run* is one execution of it.
//! - Everything outside is a *port*: a small object-safe trait, passed as
//!   `Arc<dyn …>`. Each port states its contract, returns [`PortError`], and
//!   has a neutral or embedded default.
//! - Engines report through one [`Event`] enum to an [`EventSink`].
//! - Effects are *durable steps*: [`step::run`] looks a step up in the
//!   [`StepLog`], replays what is recorded, and records before and after acting.
//!
//! # Example
//!
//! ```
//! use core_types::{BranchName, RepositoryName, TaskId};
//!
//! let task: TaskId = "add-login".parse()?;
//! let branch = BranchName::new("automation/run-1/change")?;
//! assert_eq!(branch.full_ref(), "refs/heads/automation/run-1/change");
//! assert!(RepositoryName::new("../etc").is_err());
//! # let _ = task;
//! # Ok::<(), core_types::InvalidName>(())
//! ```

mod change_set;
mod error;
mod event;
mod exit;
mod failure;
mod forge;
mod id;
mod money;
mod path;
mod plan;
mod ports;
mod repair;
mod review;
mod status;
pub mod step;
#[cfg(test)]
mod tests;
mod text;
mod time;
mod usage;

pub use change_set::{
    ChangeSet, ChangeSetEnd, Coordination, Member, MemberState, Trigger, TriggerWhen, Wait,
    WaitReason,
};
pub use error::{ErrorClass, PortError};
pub use event::{Event, EventRecord, StepRef};
pub use exit::ExitCodes;
pub use failure::{Failure, FailureKind};
pub use forge::{
    APART, Comment, Issue, IssueChange, IssueNumber, IssueState, NewComment, NewIssue,
    NewPullRequest, Operated, PullRequest, PullRequestChange, PullRequestState, Reference,
};
pub use id::{
    BranchName, CheckpointId, CommitId, InvalidName, OperationId, PlanId, RefName, RepositoryName,
    RunId, StepName, TaskId, TreeId,
};
pub use money::{InvalidUsd, Usd};
pub use path::matches_path;
pub use plan::{Plan, Task};
pub use ports::{
    Advice, AdviceRequest, Agent, AgentAnswer, AgentCapabilities, AgentRequest, AgentResult,
    AgentTask, Blocked, Capture, ChangePolicy, ChangeSetLanded, ChangeSetLander, ChangeSetLanding,
    CheckoutPolicy, Checkpoint, CheckpointStore, Clock, CommandLine, CommandOutcome,
    CommandPurpose, CommandRequest, CommandRunner, Conversation, DependencyResult, Diff, EventSink,
    Exit, FileChange, Gate, GitProvider, Grant, Inbox, Landed, Landing, LandingBlock,
    LandingMember, LandingObserver, Ledger, Merge, Message, Meter, ModelChoice, ModelSelector,
    NoAdvice, NoEvents, NoLedger, NoRecovery, NoSelection, PlanOutcome, PlanRequest, PlanRunner,
    PlanState, Prepared, PreparedLanding, PromptAdvisor, Recovery, RecoveryOutcome,
    RecoveryRequest, RefUpdate, Repository, RepositoryBrief, RepositoryCommands, Reservation,
    Settled, SpendRequest, SpendScope, Spent, Standing, StepLog, SystemClock, Workspace,
};
pub use repair::{
    ConflictHunk, ConflictKind, ConflictTexts, ConflictedFile, FailedTest, Resolution, SettledFile,
};
pub use review::{Review, ReviewIssue, Severity};
pub use status::{Stage, TaskStatus};
pub use step::{Scope, StepKey};
pub use text::{is_hidden, show_comments, show_hidden, without_user};
pub use time::{Timestamp, format_duration, parse_duration};
pub use tokio_util::sync::CancellationToken;
pub use usage::TokenUsage;
