//! The one stream in which engines say what happens. Every display, metric and
//! lesson is a fold of it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    BranchName, CommitId, ErrorClass, Failure, IssueNumber, ModelChoice, OperationId, PlanId,
    RepositoryName, Review, Stage, StepKey, TaskId, TaskStatus, Timestamp, TokenUsage, Usd, Wait,
};

/// The step an event belongs to, and which execution of it.
///
/// A fold keeps only the events of a step's last execution.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct StepRef {
    /// Which step.
    pub key: StepKey,
    /// Which execution of it, from 1; more than one after a crash.
    pub execution: u32,
}

/// An event as it is stored: one JSON object a record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EventRecord {
    /// The version of this format, now 1.
    pub v: u16,
    /// When it was emitted; it informs, order is the journal's.
    pub at: Timestamp,
    /// The step it belongs to, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<StepRef>,
    /// What happened; an object with the key `type`.
    pub event: Event,
}

/// What happened. In JSON an object with the key `type`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type")]
#[non_exhaustive]
pub enum Event {
    /// A process took the run: its start or a resume.
    RunStarted {
        /// How often a process has taken it, from 1.
        session: u32,
        /// How many tasks may run at a time.
        max_workers: usize,
        /// The title of the run's issue; empty in runs of older versions.
        #[serde(default)]
        title: String,
    },
    /// A repository takes part.
    RepositoryJoined {
        /// Which.
        repository: RepositoryName,
        /// What its tasks wait for besides their dependencies; may be empty.
        waits: Vec<Wait>,
    },
    /// The plan has this task. Comes before [`Event::PlanReady`], in the order of the plan.
    TaskPlanned {
        /// Which task.
        task: TaskId,
        /// One line for people.
        title: String,
        /// Where it is done.
        repository: RepositoryName,
        /// Tasks whose results it needs.
        dependencies: Vec<TaskId>,
        /// How long the work is expected to take.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        estimate: Option<Duration>,
    },
    /// A stage began; the one before has ended.
    StageStarted {
        /// Which stage.
        stage: Stage,
    },
    /// The plan is settled.
    PlanReady {
        /// Its name.
        plan: PlanId,
        /// How many tasks it has.
        tasks: usize,
    },
    /// The run waits at a gate.
    GateReached {
        /// The gate's name.
        gate: String,
    },
    /// A person opened a gate.
    GateOpened {
        /// The gate's name.
        gate: String,
    },
    /// A task changed its state.
    TaskChanged {
        /// Which task.
        task: TaskId,
        /// Its state from now on.
        status: TaskStatus,
        /// The attempt, from 1; 0 before the first.
        attempt: u32,
        /// Why, for a state that is not good.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        failure: Option<Failure>,
        /// The dependency that did not succeed, for skipped.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        because_of: Option<TaskId>,
    },
    /// An agent began to work.
    AgentStarted {
        /// The agent's name.
        agent: String,
        /// The model that it was given; `None` where that is left to it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        model: Option<ModelChoice>,
    },
    /// A prompt was made for an agent.
    PromptMade {
        /// The template's name, such as `implement`.
        template: String,
        /// The start of the SHA-256 of its text, in hexadecimal: each change of the text is another version.
        version: String,
        /// Whether it takes the place of the engine's.
        #[serde(default)]
        is_own: bool,
    },
    /// What an agent was asked to do for a task, as much as is kept of it.
    PromptGiven {
        /// SHA-256 of the prompt, in hexadecimal.
        hash: String,
        /// Its start, without secrets; `None` where only the hash is kept.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        text: Option<String>,
        /// How many secrets were taken out.
        #[serde(default)]
        secrets: usize,
    },
    /// An agent ended.
    AgentEnded {
        /// The agent's name.
        agent: String,
        /// The tokens it reported.
        usage: TokenUsage,
        /// How long it took.
        duration: Duration,
    },
    /// Money was set aside for a piece of work.
    SpendReserved {
        /// The reservation's mark.
        operation: OperationId,
        /// How much.
        amount: Usd,
    },
    /// What a piece of work cost takes the place of what was set aside for it.
    SpendSettled {
        /// The reservation's mark.
        operation: OperationId,
        /// The model that did it; empty where it is not known.
        model: String,
        /// The tokens it used.
        usage: TokenUsage,
        /// What it cost.
        amount: Usd,
    },
    /// The run's limit from now on.
    BudgetSet {
        /// The most it may spend.
        limit: Usd,
    },
    /// A prompt got what earlier runs had taught.
    LessonsServed {
        /// The lessons' ids.
        lessons: Vec<String>,
        /// The arm of the experiment; empty without one.
        arm: String,
        /// The probability with which this arm was drawn, from 0 to 1.
        propensity: f64,
    },
    /// A forge was called.
    ForgeCalled {
        /// The kind of forge, such as `local`.
        provider: String,
        /// The call's name, such as `create_issue`.
        method: String,
        /// Whether it did what was asked.
        passed: bool,
        /// How long it took.
        duration: Duration,
    },
    /// What an agent left was committed.
    ChangeCaptured {
        /// Where.
        repository: RepositoryName,
        /// The commit.
        commit: CommitId,
        /// How many files differ from its base.
        files: usize,
    },
    /// A set-up or test command ended.
    CommandEnded {
        /// Where.
        repository: RepositoryName,
        /// `setup` or `test`.
        purpose: String,
        /// Whether it exited with 0.
        passed: bool,
        /// How long it took.
        duration: Duration,
    },
    /// A task's result is in its repository's integration branch.
    TaskMerged {
        /// Where.
        repository: RepositoryName,
        /// The new head of the integration branch.
        commit: CommitId,
    },
    /// A repair of a failure began.
    RecoveryStarted {
        /// The strategy's name, such as `retry` or `test_fix`.
        strategy: String,
        /// What failed, by class.
        class: ErrorClass,
        /// Which try of this strategy, from 1.
        round: u32,
    },
    /// A repair of a failure ended.
    RecoveryEnded {
        /// The strategy's name.
        strategy: String,
        /// `repaired`, `retry`, `park`, `refused`, `failed` or `handed_off`.
        outcome: String,
        /// Why, in one line; may be empty.
        reason: String,
        /// When it goes on, for `retry` and `park`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<Timestamp>,
    },
    /// A repository's integration head was tested.
    RepositoryTested {
        /// Where.
        repository: RepositoryName,
        /// What was tested.
        commit: CommitId,
        /// The result; `None` where there is no test command: not verified.
        passed: Option<bool>,
    },
    /// The combined heads of a change set were tested side by side.
    ChangeSetTested {
        /// Whether they passed.
        passed: bool,
        /// One line.
        message: String,
    },
    /// A repository's change was reviewed.
    RepositoryReviewed {
        /// Where.
        repository: RepositoryName,
        /// The review; `None` for "not reviewed".
        review: Option<Review>,
    },
    /// A branch with the change is in the user's repository.
    BranchPublished {
        /// Where.
        repository: RepositoryName,
        /// The branch.
        branch: BranchName,
        /// Its commit.
        commit: CommitId,
    },
    /// A pull request is open.
    PullRequestOpened {
        /// Where.
        repository: RepositoryName,
        /// Its number.
        number: IssueNumber,
    },
    /// A target branch was moved, or found moved, to the change.
    RepositoryLanded {
        /// Where.
        repository: RepositoryName,
        /// The target branch.
        branch: BranchName,
        /// Its commit now.
        commit: CommitId,
    },
    /// A target branch was not moved.
    RepositoryNotLanded {
        /// Where.
        repository: RepositoryName,
        /// Why, and what a person can do.
        reason: String,
    },
    /// A child process runs; recorded so that it can be ended after a crash.
    ProcessStarted {
        /// Its process id.
        pid: u32,
        /// Its start time in clock ticks since boot (`/proc/<pid>/stat`, field 22).
        start_time: u64,
        /// What it is, for people.
        title: String,
    },
    /// A child process and its whole tree have ended.
    ProcessEnded {
        /// Its process id.
        pid: u32,
    },
    /// Something a person should know.
    Warning {
        /// One line.
        message: String,
    },
    /// The run stopped before its end and can be resumed.
    RunPaused {
        /// Why.
        reason: String,
        /// What stopped it, by class; `None` where it waits for a person.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        class: Option<ErrorClass>,
    },
    /// The run has ended.
    RunEnded {
        /// The exit code of the program.
        exit_code: u8,
        /// One line.
        summary: String,
        /// `Cancelled` where a person gave it up.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        class: Option<ErrorClass>,
    },
    /// An event of a newer version, kept as it is stored.
    #[serde(untagged)]
    Unknown(serde_json::Value),
}
