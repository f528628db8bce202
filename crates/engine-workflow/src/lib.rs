//! The main job: an issue becomes a plan, its tasks run in parallel, each
//! result is verified, merged, tested, reviewed and landed.
//!
//! Everything outside is a port of `core-types`; this crate knows no git, no
//! forge, no agent program and no file format. It decides what happens in
//! which order, and makes each effect a durable step.
//!
//! # The model
//!
//! A [`Workflow`] is one run in one process: [`Settings`] say what to do and
//! [`Ports`] with what. [`Workflow::execute`] goes through the stages Planning,
//! Implementation, Testing, Review and Landing, replays the steps that an
//! earlier process recorded, and ends with a [`RunEnd`].
//!
//! Between the stages a run may wait for a person: at a gate, for `land`, or for
//! consent to a step of which nobody else can say whether it has acted. What the
//! person says is in the [`Inbox`](core_types::Inbox) when the run goes on.
//!
//! # Example
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::{collections::BTreeMap, sync::Arc, time::Duration};
//!
//! use agents::{Playbook, ScriptedAgent, ScriptedAgentOptions};
//! use core_types::{BranchName, CancellationToken, CommandLine, Issue, IssueState, SystemClock};
//! use engine_workflow::{
//!     Aids, Approvals, EndStatus, LandingMode, LandingSettings, Limits, PlanFile, Ports,
//!     RepositoryPorts, RepositorySettings, Settings, Workflow,
//! };
//! use git_workspace::{Git, GitRepository, Options, Places};
//! use testkit::{MemoryCheckpoints, MemoryEvents, MemoryForge, MemoryInbox, MemoryStepLog};
//!
//! #[derive(Debug)]
//! struct NoFile;
//!
//! impl PlanFile for NoFile {
//!     fn write(&self, _: &core_types::Plan) -> Result<(), core_types::PortError> {
//!         Ok(())
//!     }
//! }
//!
//! let home = tempfile::tempdir()?;
//! let user = testkit::git::Fixture::new(home.path().join("app"));
//! user.file("README", "an app\n").commit("first");
//! user.git(&["switch", "--quiet", "--detach"]);
//!
//! // What to do.
//! let hour = Duration::from_secs(3600);
//! let settings = Settings {
//!     run: "run-1".parse()?,
//!     plan_id: "plan-1".parse()?,
//!     issue: Issue {
//!         number: 0,
//!         title: "Say hello".to_owned(),
//!         body: String::new(),
//!         labels: Vec::new(),
//!         state: IssueState::Open,
//!         author: String::new(),
//!         created: core_types::Timestamp(0),
//!     },
//!     issue_home: None,
//!     followed: None,
//!     repositories: vec![RepositorySettings {
//!         name: "app".parse()?,
//!         target: BranchName::new("main")?,
//!         setup_command: None,
//!         test_command: Some(CommandLine::Shell("grep hello hello.txt".to_owned())),
//!         test_timeout: None,
//!         write: true,
//!     }],
//!     plan: None, // the agent plans, or gets one task a repository
//!     approvals: Approvals::default(),
//!     limits: Limits {
//!         max_workers: 2,
//!         max_executions: 5,
//!         agent_timeout: hour,
//!         setup_timeout: hour,
//!         test_timeout: hour,
//!     },
//!     landing: LandingSettings {
//!         land: true,
//!         mode: LandingMode::All,
//!         update_checkout: false,
//!         allow_unverified: false,
//!     },
//!     protected_paths: Vec::new(),
//!     change_set: None,
//! };
//!
//! // With what.
//! let playbook: Playbook = serde_json::from_str(
//!     r#"{"tasks": {"app": {"steps": [{"write": {"path": "hello.txt", "text": "hello\n"}}]}}}"#,
//! )?;
//! let places = Places {
//!     mirrors: home.path().join("mirrors"),
//!     workspaces: home.path().join("workspaces"),
//! };
//! let git = Arc::new(Git::new(Options::default()));
//! let repository = GitRepository::open(git, "app".parse()?, user.dir(), &places).await?;
//! let repository = RepositoryPorts {
//!     repository: Arc::new(repository),
//!     forge: Arc::new(MemoryForge::default()),
//! };
//! let events = Arc::new(MemoryEvents::default());
//! let path = ("PATH".into(), std::env::var_os("PATH").unwrap_or_default());
//! let commands = process::Runner::new(vec![path], settings.run.clone(), events.clone());
//! let ports = Ports {
//!     steps: Arc::new(MemoryStepLog::default()),
//!     events,
//!     checkpoints: Arc::new(MemoryCheckpoints::default()),
//!     inbox: Arc::new(MemoryInbox::default()),
//!     agent: Arc::new(ScriptedAgent::new(ScriptedAgentOptions::new("demo"), playbook)),
//!     commands: Arc::new(commands),
//!     clock: Arc::new(SystemClock),
//!     repositories: BTreeMap::from([("app".parse()?, repository)]),
//!     plan_file: Arc::new(NoFile),
//!     folder: home.path().join("run"),
//!     aids: Aids::default(),
//! };
//!
//! let pause = CancellationToken::new();
//! let end = Workflow::new(settings, ports, 1, &pause).execute().await?;
//! assert_eq!(end.status, EndStatus::Done);
//! assert_eq!(user.git(&["show", "main:hello.txt"]), "hello");
//! # Ok(())
//! # }
//! ```
//!
//! # Guarantees
//!
//! - A task's agent does not run again once its step is recorded, and a run that
//!   is cut off at any step and resumed ends with the same files, pull requests
//!   and comments as one that is not.
//! - A task has succeeded when its verified result is in its repository's
//!   integration branch; a dependent starts from a head that holds it.
//! - A failure of one task ends that task and skips what depends on it. What
//!   stops one for a reason of ours (a full disk, a budget, a pause) stops the
//!   whole run, records no end, and the next session goes on.
//! - An attempt that was killed with the engine as often as
//!   [`Limits::max_executions`] says has failed; a pause is no kill.
//! - No target branch moves unless every task of the run, or with
//!   [`LandingMode::Each`] of its repository, succeeded or was unchanged. What
//!   lands is exactly what was tested, also where the target has moved meanwhile.
//! - A replayed step emits no event; a step that is given something else than is
//!   recorded stops the run and names step and field.
//!
//! # Limits
//!
//! Target branches of several repositories are moved one after another; a
//! landing cut off in the middle ends as [`EndStatus::Partial`]. An agent that
//! panics ends its task; one that panics while planning or reviewing ends the
//! call. What was used by an execution of an agent without a result is unknown:
//! its reservation is not settled.

mod abort;
mod agent;
mod at_once;
mod attempt;
mod combined;
mod completions;
mod coordination;
mod deploy;
mod end;
mod error;
mod implementation;
mod landing;
mod merge;
mod meter;
mod metered;
mod metered_provider;
pub mod plan;
mod planning;
mod ports;
mod progress;
mod proposing;
mod protected;
mod recovery;
mod reopened;
mod report;
mod review;
mod run;
mod settings;
mod staged;
mod task;
mod testing;
mod text;
mod together;
mod verify;
mod workflow;

pub use end::{EndStatus, RepositoryEnd, RepositoryState, RunEnd, TaskEnd};
pub use error::Error;
pub use metered::MeteredAgent;
pub use metered_provider::MeteredProvider;
pub use ports::{Aids, PlanFile, Ports, RepositoryPorts};
pub use settings::{
    Approvals, Followed, LandingMode, LandingSettings, Limits, RepositorySettings, Settings,
};
pub use staged::{Effect, EffectKind, effects};
pub use workflow::Workflow;
