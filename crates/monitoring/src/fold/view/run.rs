use core_types::{
    BranchName, CommitId, ErrorClass, Failure, IssueNumber, MemberState, PlanId, RepositoryName,
    RunId, Scope, Stage, TaskId, TaskStatus, Timestamp, Wait,
};
use serde::{Deserialize, Serialize};

use super::{Spend, Timeline};

/// Everything that a page shows of one run, at one moment.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RunView {
    /// The number of the last event that it is made of; 0 for none.
    pub last_seq: u64,
    /// What stands at the top.
    pub header: Header,
    /// Its tasks, in the order of the plan; empty before there is one.
    pub tasks: Vec<TaskRow>,
    /// When what happened.
    pub timeline: Timeline,
    /// Its repositories, in the order in which they joined.
    pub repositories: Vec<RepositoryRow>,
    /// What was repaired, or could not be, oldest first.
    pub recoveries: Vec<RecoveryRow>,
    /// What it has spent.
    pub spend: Spend,
    /// Which lessons its prompts got, oldest first.
    pub lessons: Vec<ServedLessons>,
    /// Warnings, oldest first.
    pub warnings: Vec<Told>,
}

/// What stands at the top of a run's page.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Header {
    /// The run.
    pub run: RunId,
    /// The title of its issue; empty in journals that do not tell.
    pub title: String,
    /// Its plan, once it has one.
    pub plan: Option<PlanId>,
    /// The state in one word.
    pub state: RunState,
    /// Why it stopped or how it ended, in one line; empty while it runs.
    pub reason: String,
    /// The stage it is in, or ended in.
    pub stage: Option<Stage>,
    /// The gate at which it waits.
    pub gate: Option<String>,
    /// The exit code of its end, once it has ended.
    pub exit_code: Option<u8>,
    /// How often a process has taken it.
    pub sessions: u32,
    /// How many tasks may run at a time; 0 before it has begun.
    pub max_workers: usize,
    /// When it began.
    pub started: Option<Timestamp>,
    /// When its last session ended; `None` while a process holds it.
    pub stopped: Option<Timestamp>,
    /// How long a process has held it, over all sessions.
    pub elapsed_ms: u64,
    /// When its tasks will have ended; `None` where nothing is known to go by, and after the end.
    pub eta: Option<Eta>,
    /// How many tasks are in which state.
    pub counts: TaskCounts,
}

/// The state of a run in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunState {
    /// A process holds it.
    Running,
    /// No process holds it; it can be resumed.
    Paused,
    /// It waits for a person.
    Waiting,
    /// It has ended well.
    Done,
    /// It has ended with a failure.
    Failed,
    /// Some of its repositories landed and others did not.
    Partial,
    /// A person gave it up.
    Aborted,
}

impl RunState {
    /// All states.
    pub const ALL: [Self; 7] = [
        Self::Running,
        Self::Paused,
        Self::Waiting,
        Self::Done,
        Self::Failed,
        Self::Partial,
        Self::Aborted,
    ];

    /// The state's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Waiting => "waiting",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Partial => "partial",
            Self::Aborted => "aborted",
        }
    }

    /// Whether the run has ended for good.
    #[must_use]
    pub const fn has_ended(self) -> bool {
        matches!(
            self,
            Self::Done | Self::Failed | Self::Partial | Self::Aborted
        )
    }
}

/// When the rest of a run's tasks will have ended, if nothing more fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Eta {
    /// The likeliest time.
    pub at: Timestamp,
    /// If tasks take as long as the fastest tenth so far.
    pub earliest: Timestamp,
    /// If tasks take as long as the slowest tenth so far.
    pub latest: Timestamp,
    /// From how many ended tasks that is known; 0 where only the plan's estimates are.
    pub samples: usize,
}

/// How many tasks are in which state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TaskCounts {
    /// All.
    pub total: usize,
    /// Waiting for dependencies, repositories or a backoff.
    pub waiting: usize,
    /// Waiting for a worker slot.
    pub ready: usize,
    /// With a worker slot.
    pub running: usize,
    /// Merged.
    pub succeeded: usize,
    /// Rightly left as it is.
    pub unchanged: usize,
    /// Ended with a failure, a deadline or a panic.
    pub failed: usize,
    /// Never started, since a dependency did not succeed.
    pub skipped: usize,
    /// Stopped by a person or the end of the run.
    pub cancelled: usize,
}

impl TaskCounts {
    /// How many have ended.
    #[must_use]
    pub const fn ended(&self) -> usize {
        self.succeeded + self.unchanged + self.failed + self.skipped + self.cancelled
    }
}

/// One task in a list of them.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct TaskRow {
    /// Which task.
    pub task: TaskId,
    /// Its title.
    pub title: String,
    /// Where it is done.
    pub repository: Option<RepositoryName>,
    /// What it depends on, in the order of the plan.
    pub dependencies: Vec<TaskId>,
    /// Its state; ready once its dependencies have succeeded.
    pub status: TaskStatus,
    /// The attempt, from 1; 0 before the first.
    pub attempt: u32,
    /// When it came into its state.
    pub since: Option<Timestamp>,
    /// When it ran first.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// For how long it held a worker slot, over all attempts.
    pub running_ms: u64,
    /// How long it was expected to take; `None` where the plan does not say.
    pub estimate_ms: Option<u64>,
    /// How much later it could end without the run ending later.
    pub slack_ms: u64,
    /// Whether it is on the critical path.
    pub is_critical: bool,
    /// What it has spent.
    pub cost: core_types::Usd,
    /// Its tokens.
    pub tokens: u64,
    /// Why it did not succeed.
    pub failure: Option<Failure>,
    /// The dependency that did not succeed, for skipped.
    pub because_of: Option<TaskId>,
    /// Why it is not running, in one line; empty for one that runs or has ended.
    pub waits_for: String,
}

/// A repository of a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RepositoryRow {
    /// Which repository.
    pub repository: RepositoryName,
    /// Where it stands towards the others.
    pub state: MemberState,
    /// For what it waits before its tasks start, whether over or not.
    pub waits: Vec<Wait>,
    /// How many of its tasks are in which state.
    pub counts: TaskCounts,
    /// The head of its integration branch, once something was merged.
    pub head: Option<CommitId>,
    /// Whether that head passed its tests; `None` before, and where there is no test command.
    pub tested: Option<bool>,
    /// Whether it was tested at all: together with `tested: None` it is not verified.
    pub is_tested: bool,
    /// What the review said: approved or not; `None` before it and where there is none.
    pub approved: Option<bool>,
    /// How many issues the review named.
    pub review_issues: usize,
    /// The branch in the user's repository.
    pub branch: Option<BranchName>,
    /// The pull request.
    pub pull_request: Option<IssueNumber>,
    /// The target branch and its commit, once the change has landed.
    pub landed: Option<(BranchName, CommitId)>,
    /// Why it has not landed, in the words of the landing.
    pub not_landed: Option<String>,
}

/// One repair.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RecoveryRow {
    /// What was repaired: a task, or a repository's tests; `None` where the event does not tell.
    pub scope: Option<Scope>,
    /// The attempt whose failure it was.
    pub attempt: u32,
    /// The strategy's name.
    pub strategy: String,
    /// What failed, by class.
    pub class: Option<ErrorClass>,
    /// Which try of this strategy, from 1.
    pub round: u32,
    /// When it began.
    pub started: Option<Timestamp>,
    /// When it ended; `None` while it goes on.
    pub ended: Option<Timestamp>,
    /// `repaired`, `retry`, `park`, `refused`, `failed` or `handed_off`; empty while it goes on.
    pub outcome: String,
    /// Why, in one line; may be empty.
    pub reason: String,
    /// Until when the task waits, for `retry` and `park`.
    pub until: Option<Timestamp>,
}

/// The lessons that one prompt got.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ServedLessons {
    /// When.
    pub at: Timestamp,
    /// For which task; `None` for the plan or a review.
    pub task: Option<TaskId>,
    /// Their ids; may be empty.
    pub lessons: Vec<String>,
    /// What chance decided, such as `trial` or `served`.
    pub arm: String,
    /// How likely that was.
    pub propensity: f64,
}

/// A line for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Told {
    /// When.
    pub at: Timestamp,
    /// One line.
    pub message: String,
}

/// The tasks of a run as a picture, left to right: each stands right of all that it depends on.
/// Units are those of the coordinates of an SVG.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Graph {
    /// How wide the picture is.
    pub width: f64,
    /// How high.
    pub height: f64,
    /// One a task, in the order of the plan.
    pub nodes: Vec<Node>,
    /// One a dependency.
    pub edges: Vec<Edge>,
    /// The longest chain of dependent work, first to last.
    pub critical_path: Vec<TaskId>,
    /// How long that chain takes.
    pub critical_ms: u64,
}

/// A task in the picture.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Node {
    /// Which.
    pub task: TaskId,
    /// Its column, from 0.
    pub layer: usize,
    /// Its place in the column, from 0.
    pub row: usize,
    /// The left edge.
    pub x: f64,
    /// The upper edge.
    pub y: f64,
    /// How wide.
    pub width: f64,
    /// How high.
    pub height: f64,
    /// How long it took, or is expected to take.
    pub duration_ms: u64,
    /// How much later it could end without the run ending later.
    pub slack_ms: u64,
    /// Whether it is on the critical path.
    pub is_critical: bool,
}

/// A dependency in the picture, as a line.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Edge {
    /// The index of the task that is needed, in `nodes`.
    pub from: usize,
    /// The index of the task that needs it.
    pub to: usize,
    /// Where the line begins and ends: x and y.
    pub line: [(f64, f64); 2],
    /// Whether it is on the critical path.
    pub is_critical: bool,
}
