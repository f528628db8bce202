//! Coding agents behind the [`Agent`](core_types::Agent) port.
//!
//! An agent gets a folder and a request and gives back files, an answer and
//! its usage. Kinds are chosen by name from a [`Registry`]:
//!
//! - `command`: any program or shell line. It works in the clone, gets the
//!   prompt on its standard input and the request as a file, and answers in a file.
//! - `claude-code` and `codex`: these programs, driven by their command lines; they plan, implement,
//!   review and repair.
//! - `anthropic`, `openai` and `openai-responses`: a model by its provider's interface, with tools of ours,
//!   for those who have a key and no program.
//! - `scripted`: a [`Playbook`] of edits, for tests and for the demo.
//!
//! All of them may ask models through a [`gateway`], which keeps the keys, counts each request to the token and
//! asks for its money before it goes out.
//!
//! # What a `command` agent sees
//!
//! Its environment is what it was given, and nothing else but:
//!
//! | variable | meaning |
//! |---|---|
//! | `AUTOMATION_RUN_ID` | the run; also the mark by which a process that outlived us is found |
//! | `AUTOMATION_STAGE` | `planning`, `implementation`, `review`, `resolve_conflict` or `fix_tests` |
//! | `AUTOMATION_REQUEST_FILE` | the request as JSON: [`RequestRecord`](exchange::RequestRecord) |
//! | `AUTOMATION_ANSWER_FILE` | an empty file for the answer as JSON: [`Answer`](exchange::Answer) |
//! | `AUTOMATION_USAGE_FILE` | an empty file, to which it may append what it spends while it works |
//! | `AUTOMATION_BUDGET_USD` | what is set aside for the request, such as `1.00`; not where there is no limit |
//! | `AUTOMATION_TASK_ID` | implementation: the task; repair: the task whose result it is, if it is one's |
//! | `AUTOMATION_REPOSITORY` | all but planning: the repository |
//! | `AUTOMATION_CONVERSATION` | repair: the conversation that led to what is repaired, as the agent has named it |
//! | `AUTOMATION_MODEL` | the model to work with, where one was chosen or is configured |
//! | `AUTOMATION_MODEL_TIER` | what it was chosen for: `FAST`, `BALANCED` or `ADVANCED`; not where it is configured |
//!
//! The answer has these keys, all optional, and no others: `summary`,
//! `plan {title, tasks}`, `review {approved, comments, issues_found, confidence}`,
//! `usage {input, cache_read, cache_write_5m, cache_write_1h, output, reasoning}`,
//! `cost` (dollars, as a string or a number), `model`, `conversation` (a name by which the agent can go on with it:
//! letters, digits, `-`, `_` and `.`). It is the only channel for a plan or a
//! review: neither standard output nor any file of the clone is read for one.
//!
//! A line of the usage file is a JSON object with `usage`, `cost` and `model` as
//! in the answer: what was spent since the line before. Tokens without a cost
//! are priced. As soon as the lines come to more than is set aside and no more
//! can be had, the whole process tree is ended, and the request fails with
//! `BudgetExceeded`. The answer's own `usage` and `cost` are of the whole
//! request, and replace the sum of the lines. Both count where the agent fails, too.
//!
//! # Guarantees
//!
//! - When a request returns or is dropped, the agent's whole process tree has ended.
//! - A program that is missing, ends with another code than 0, is ended at its
//!   deadline or answers badly is an error of its own class; never a panic.
//! - Memory for output is bounded; the transcript on disk is, too.
//! - Text of issues, tasks, diffs and other agents is fenced in prompts ([`prompt`]).
//!
//! # Example
//!
//! ```
//! use std::sync::Arc;
//! use agents::{AgentContext, AgentSpec, Playbook, Registry};
//! use core_types::{NoEvents, SystemClock};
//!
//! let playbook: Playbook = serde_json::from_str(
//!     r#"{"tasks": {"greet": {"steps": [{"write": {"path": "a.txt", "text": "hello"}}]}}}"#,
//! )?;
//! let spec = AgentSpec {
//!     name: "demo".into(),
//!     kind: "scripted".into(),
//!     playbook: Some(playbook),
//!     ..AgentSpec::default()
//! };
//! let context = AgentContext {
//!     environment: Vec::new(),
//!     events: Arc::new(NoEvents),
//!     clock: Arc::new(SystemClock),
//!     transcript_bytes: 64 << 20,
//!     sandbox: None,
//!     prompts: Arc::default(),
//!     gateway: None,
//! };
//! let agent = Registry::default().build(&spec, &context)?;
//! assert!(!agent.capabilities().plan); // this playbook has no plan
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod api;
mod command;
mod conversation;
mod error;
pub mod exchange;
pub mod gateway;
mod program;
pub mod prompt;
mod registry;
pub mod scripted;

pub use command::{CommandAgent, CommandAgentOptions};
pub use error::{Error, RunError};
pub use program::{Program, ProgramAgent, ProgramAgentOptions};
pub use registry::{
    AgentArgument, AgentContext, AgentSpec, Constructor, KNOWN_PROGRAMS, Registry, find_programs,
    parse_agent_argument,
};
pub use scripted::{Playbook, ScriptedAgent, ScriptedAgentOptions};
