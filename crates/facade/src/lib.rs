//! The automation engine behind one name.
//!
//! Each crate of the engine is a module here, behind a feature of the same
//! name; [`core_types`] is always there. With the feature `assemble`, [`assemble`]
//! puts them together into runs over local repositories, which is all that the
//! program `automation` uses.
//!
//! | feature | module | what it is for |
//! |---|---|---|
//! | `journal` | [`journal`] | the durable append-only log that holds all state |
//! | `process` | [`process`] | contained child processes with bounded output |
//! | `config` | [`config`] | YAML in, checked values and located findings out |
//! | `engine-checkpoint` | [`engine_checkpoint`] | checkpoints, states of plans, and the journal of a run |
//! | `engine-recovery` | [`engine_recovery`] | repairs of failures: retries, conflicts, failing tests, reports for people |
//! | `cost` | [`cost`] | prices, estimates, and a ledger that keeps limits |
//! | `engine-parallel` | [`engine_parallel`] | a graph of async tasks on a bounded number of workers |
//! | `multi-repo` | [`multi_repo`] | one change over several repositories: who waits for whom, and landing in all or in none |
//! | `perf-utils` | [`perf_utils`] | caching, a rate governor, batches of forge calls |
//! | `perf-utils-http` | [`perf_utils`] | its HTTP connection pool, with hyper and rustls |
//! | `monitoring` | [`monitoring`] | metrics for Prometheus, and folds of a run's events |
//! | `dashboard` | [`monitoring::dashboard`] | the pages of monitoring and their server, with axum, hyper and maud |
//! | `learning` | [`learning`] | lessons from earlier runs, believed on evidence only |
//! | `git-workspace` | [`git_workspace`] | Git repositories: clones for agents, merges, landings |
//! | `forges` | [`forges`] | issues and pull requests: the local forge |
//! | `forges-remote` | [`forges`] | Gitea, Forgejo, GitHub and GitLab over the network, with hyper and rustls |
//! | `agents` | [`agents`] | coding agents: any command, and scripted playbooks |
//! | `engine-workflow` | [`engine_workflow`] | the main job over ports |
//! | `assemble` | [`assemble`] | what runs over local repositories need, put together |
//! | `serve` | [`assemble`] | the address that webhooks of forges are sent to, with axum and hyper |
//! | `full` | | everything stable |
//!
//! By default no feature is on.
//!
//! # Example: only the executor
//!
//! ```
//! # #[cfg(feature = "engine-parallel")]
//! # {
//! use facade::engine_parallel::graph::Graph;
//!
//! let graph = Graph::build([("schema", vec![]), ("api", vec!["schema"])]);
//! assert!(graph.is_ok());
//! # }
//! ```
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "agents")]
pub use agents;
#[cfg(feature = "config")]
pub use config;
pub use core_types;
#[cfg(feature = "cost")]
pub use cost;
#[cfg(feature = "engine-checkpoint")]
pub use engine_checkpoint;
#[cfg(feature = "engine-parallel")]
pub use engine_parallel;
#[cfg(feature = "engine-recovery")]
pub use engine_recovery;
#[cfg(feature = "engine-workflow")]
pub use engine_workflow;
#[cfg(feature = "forges")]
pub use forges;
#[cfg(feature = "git-workspace")]
pub use git_workspace;
#[cfg(feature = "journal")]
pub use journal;
#[cfg(feature = "learning")]
pub use learning;
#[cfg(feature = "monitoring")]
pub use monitoring;
#[cfg(feature = "multi-repo")]
pub use multi_repo;
#[cfg(feature = "perf-utils")]
pub use perf_utils;
#[cfg(feature = "process")]
pub use process;

#[cfg(feature = "assemble")]
pub mod assemble;
