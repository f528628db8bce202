//! What earlier runs teach: records of what was done and what came of it, and lessons that are believed on
//! evidence only.
//!
//! ```standalone_crate
//! use core_types::{RunId, Task, TaskId};
//! use learning::{Execution, FeedbackLoop, LessonKind, NewLesson, Outcome, Source};
//!
//! # async fn example(folder: &std::path::Path, task: Task) -> Result<(), Box<dyn std::error::Error>> {
//! # std::env::set_current_dir(folder)?;
//! let feedback = FeedbackLoop::open(".automation/feedback")?;
//!
//! // A hypothesis; nobody believes it yet.
//! let rule = NewLesson::new(LessonKind::Convention, "Run `make lint` before you end.", Source::Person);
//! let lesson = feedback.propose(rule).await?.id();
//!
//! // Each task of a run asks for its prompt, and tells what came of it.
//! let run = RunId::new("20261125-101500-aa")?;
//! let prompt = feedback.improve_prompt(&run, &task, "Implement the following feature:").await?;
//! // … an agent works, tests run …
//! let execution = Execution::new(run, task.id.clone(), Outcome::tested(true)).prompt(prompt);
//! feedback.record_execution(execution).await?;
//!
//! // After some hundred tasks a figure stands here.
//! let figures = feedback.why(lesson).await?.figures;
//! assert!(figures.gain.to_string().starts_with("not enough evidence ("));
//! # Ok(())
//! # }
//! # let folder = tempfile::tempdir()?;
//! # let task = Task {
//! #     id: TaskId::new("task-42")?, title: String::new(), description: String::new(),
//! #     repository: "a".parse()?, dependencies: Vec::new(), files: Vec::new(), estimate: None,
//! # };
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(example(folder.path(), task))?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Model
//!
//! - An *execution* is one attempt at a task of a run, with what tests and merges said of it. It is found again by
//!   words that are like it ([`FeedbackLoop::similar`], BM25).
//! - A *lesson* is a hypothesis: a line that may make tasks succeed more often. It comes from people (AGENTS.md by
//!   [`guidance`]), commands that worked, repaired failures, reviews, agents, issues. It is a *candidate*, then on
//!   *trial*, then *promoted*, then *retired*; from each it may be retired.
//! - Candidates are tried together in a *round*. A share of the tasks takes part ([`Exploration`]); for each of them
//!   chance decides for each lesson whether it is shown, and the *draw* is on disk, with its *propensities*, before
//!   the prompt is. Only these tasks are evidence, each by its first attempt, if its outcome was measured.
//! - A round is looked at after numbers of tasks that are fixed before it begins ([`LookPlan`]). At a look, lessons
//!   that help are promoted and those that harm are retired; after the last, all others are.
//! - Tasks outside of trials get the promoted lessons, each if a gain drawn from what is believed of it is one
//!   (Thompson sampling). Promoted lessons go on being left out of a fifth of the tasks on trial: when their gain is
//!   gone they are retired.
//! - Outcomes are compared with what was to be expected of the task's kind: repository, model, and the metadata
//!   `task_type` and `complexity`. That takes noise away; it is never what a claim rests on.
//!
//! [`Advisor`] is all of this as the port that a workflow asks.
//!
//! # Guarantees
//!
//! - What a call has answered with `Ok` is on disk and survives `kill -9` and power loss. A record is never
//!   overwritten; the same attempt recorded twice is one record.
//! - Of what a round promotes, at most a tenth is expected to be no help ([`LookPlan::bound`]), however often somebody
//!   looks, however tasks are chosen, and whatever else makes them hard or easy. Where nothing helps, 95 of 100
//!   rounds promote nothing. Why: `docs/decisions/0013`.
//! - Figures have a 95 % interval, or say "not enough evidence (n of N)".
//! - What an agent says of itself is no evidence. An outsider is at most a tenth of it, and nothing is promoted that
//!   would not be without that outsider. A draw that chance did not make is refused.
//! - What a repository's files for agents say ([`FeedbackLoop::note_guidance`]) is neither tried on its tasks nor
//!   said to them twice, and the watch on it rests: what all tasks have makes no difference between them.
//! - Words of agents, reviews and issues are data: one line of at most 400 bytes, quoted, with their source. Those of
//!   issues, and commands of agents, are shown to no task, and none of them is promoted, before a person approves.
//! - Secrets are taken out of every text before it is written, and of every lesson before it is shown ([`scrub`]).
//! - Unreadable and contradicting records are passed over and counted; newer formats are refused by name.
//! - A clean-up takes records from the disk and changes no statistic and no lesson.
//!
//! # Limits
//!
//! - The bound is for each round. Over many rounds in which nothing helps, one in twenty promotes something, until the
//!   watch notices.
//! - A gain of nine points takes a thousand tasks on trial, one of twenty takes five hundred. Smaller
//!   ones are never seen: after the plan's last look a lesson is retired as unproven.
//! - p-values are those of the normal distribution; fewer than twenty tasks with a lesson, or without, are never
//!   judged.
//! - An execution whose outcome nothing measured when it was recorded is no evidence, whatever becomes known later.
//! - Whoever can write the folder can make up anything. A key that no text gives away is no secret to [`scrub`].
//! - All executions are held in memory, some 200 bytes and their words each. Opening reads a cache and the records
//!   behind it; without a cache all records are read, and all words split again.

mod chance;
mod error;
mod experiment;
mod export;
mod feedback;
mod figure;
mod index;
mod lesson;
mod record;
mod scrub;
pub mod simulate;
mod store;

pub use error::Error;
pub use experiment::{
    Arm, Draw, Exploration, Exposure, Look, LookPlan, LookTaken, Ruling, Verdict,
};
pub use export::check as check_export;
pub use feedback::{
    Advisor, FeedbackLoop, Found, LearningStats, LessonAccount, LessonCounts, LessonFigures,
    Options, Proposed, Recorded, Similar,
};
pub use figure::Figure;
pub use lesson::{
    Lesson, LessonId, LessonKind, LessonScope, NewLesson, Origin, RetiredBecause, Source, Status,
    guidance, truncate,
};
pub use record::{Execution, KeepPrompts, KeptPrompt, Outcome, OutcomeChange, Provenance, Trust};
pub use scrub::{Scrubbed, scrub};
