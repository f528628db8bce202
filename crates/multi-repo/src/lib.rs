//! One change over several repositories: who waits for whom, and landing in all or in none.
//!
//! ```
//! use multi_repo::{Selection, change_set};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let text = include_str!("../../../config/repositories.yaml");
//! let repositories = config::load_repositories("config/repositories.yaml", text, &|_| None)?;
//! let workflow = Selection::Workflow("full-stack-feature");
//! let change_set = change_set(&repositories, workflow, "run-1".parse()?, Default::default())?;
//!
//! // Its two repositories one after the other, and the third, which both together trigger.
//! let order: Vec<_> = change_set.landing_order().map(ToString::to_string).collect();
//! assert_eq!(order, ["backend", "frontend", "infrastructure"]);
//! let frontend = &change_set.members[1];
//! assert_eq!(frontend.after[0].repository.as_str(), "backend");
//! let infrastructure = &change_set.members[2];
//! assert_eq!(infrastructure.trigger.as_ref().map(|it| it.on.len()), Some(2));
//! # Ok(())
//! # }
//! ```
//!
//! # Model
//!
//! - A *change set* ([`core_types::ChangeSet`]) is one change over several repositories, its *members*,
//!   in the order in which they land. [`change_set`] computes it from the configuration.
//! - A member starts when what it waits for is there: *dependencies* (`depends_on`) and, in a sequential
//!   workflow, the member before it, have **succeeded**: their tasks are merged. What *triggers* it has
//!   **completed**: its integration head has passed Testing. A repository that a member triggers takes part.
//! - [`Coordinator`] is the course of a change set as a plain state machine, without a driver.
//! - [`MultiRepoOrchestrator`] carries out workflows by name, over a [`core_types::PlanRunner`].
//! - [`land_change_set`] lands in local repositories in two phases, [`land_on_forges`] through forges; as
//!   [`ChangeSetLander`](core_types::ChangeSetLander)s they are [`TwoPhase`] and [`OrderedMerge`].
//!
//! # Coordination modes
//!
//! `sequential`: one repository at a time; each sees what the earlier ones produced, and the first failure
//! stops the rest.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # use core_types::WaitReason::{Dependency, Sequence};
//! let workflow = "
//!     coordination: sequential
//! ";
//! assert_eq!(waits(workflow)?, [vec![], vec![("a", Sequence)], vec![("b", Sequence)]]);
//!
//! // As far as dependencies allow: independent failures do not block others.
//! let workflow = "
//!     coordination: parallel
//! ";
//! assert_eq!(waits(workflow)?, [vec![], vec![], vec![]]);
//!
//! # fn waits(coordination: &str) -> Result<Vec<Vec<(&'static str, core_types::WaitReason)>>, Box<dyn std::error::Error>> {
//! #     let text = format!("repositories:
//! #   - {{name: a, path: a}}
//! #   - {{name: b, path: b}}
//! #   - {{name: c, path: c}}
//! # cross_repo_workflows:
//! #   - name: w
//! #     repositories: [a, b, c]{coordination}");
//! #     let text = text.lines().map(|line| line.strip_prefix("# ").unwrap_or(line)).collect::<Vec<_>>().join("\n");
//! #     let repositories = config::load_repositories("f", &text, &|_| None)?;
//! #     let set = multi_repo::change_set(&repositories, multi_repo::Selection::Workflow("w"), "x".parse()?, Default::default())?;
//! #     Ok(set.members.iter().map(|member| member.after.iter().map(|wait| {
//! #         (if wait.repository.as_str() == "a" { "a" } else { "b" }, wait.reason)
//! #     }).collect()).collect())
//! # }
//! # Ok(())
//! # }
//! ```
//!
//! # Guarantees
//!
//! - Each member is started or skipped exactly once, and not before all it waits for.
//! - Landing in local repositories: killed at any instant and asked again, all target branches have moved
//!   or none, each to exactly its commit, and no lock is left. The one instant that decides is the end of
//!   the step `land-decision` in the run's journal.
//! - Branches are held in the order of the repositories' names: two change sets never wait for each other.
//! - Landing through forges: merged is exactly the tested commit; no pull request is opened or merged
//!   twice; what was merged is taken back where another one cannot be; the end is all, none, or in part, and
//!   the last is always told ([`end_report`]).
//!
//! # Limits
//!
//! A forge knows no transaction over repositories: between the first merge and the last (or the last one
//! taken back) others see a part. In local repositories the same is true for the milliseconds in which the
//! held branches move. A person who moves a target branch, or edits a file of a checkout, between the kill
//! of an engine that had decided and its next start makes the rest wait for a catch-up or for that person.

mod coordination;
mod landing;
mod orchestrator;
mod table;

pub use coordination::{Action, Coordinator, Error, Event, Selection, change_set};
pub use landing::{
    ForgeEnd, ForgeLanding, ForgeMember, Options, OrderedMerge, TakenBack, TwoPhase, Undo,
    end_report, land_change_set, land_on_forges,
};
pub use orchestrator::{
    Error as WorkflowError, ForgeStatus, MultiRepoOrchestrator, Overall, OverallStatus,
    RepositoryStatus,
};
pub use table::{TableRow, change_set_table, with_table};
