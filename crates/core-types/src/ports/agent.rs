use std::{collections::BTreeMap, fmt::Debug, path::PathBuf, time::Duration};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{
    Advice, BranchName, CancellationToken, CommitId, ConflictedFile, FailedTest, Grant, Issue,
    ModelChoice, PortError, RepositoryName, Review, RunId, StepRef, Task, TaskId, TokenUsage, Usd,
};

/// What an agent can do beside implementing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AgentCapabilities {
    /// It can answer [`AgentTask::Plan`].
    pub plan: bool,
    /// It can answer [`AgentTask::Review`].
    pub review: bool,
    /// It can answer [`AgentTask::ResolveConflict`] and [`AgentTask::FixTests`].
    #[serde(default)]
    pub repair: bool,
}

/// Whether an agent must change something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChangePolicy {
    /// Nothing changed is a failure.
    #[default]
    Required,
    /// Nothing changed means that there was nothing to do.
    Optional,
}

/// A repository, as a planning agent sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepositoryBrief {
    /// Its name; in planning also its folder's.
    pub name: RepositoryName,
    /// Where the change is to land.
    pub target: BranchName,
    /// The commit that the run starts from.
    pub base: CommitId,
    /// How it is tested, if it is.
    pub test_command: Option<String>,
}

/// What a dependency has done, for the task that needs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DependencyResult {
    /// Which task.
    pub task: TaskId,
    /// Its title.
    pub title: String,
    /// Where; its files are in the clone only if it is the same repository.
    pub repository: RepositoryName,
    /// What it left; `None` where it changed nothing.
    pub commit: Option<CommitId>,
    /// What its agent said of it; may be empty.
    pub summary: String,
}

/// What an agent is asked to do.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum AgentTask {
    /// Make a plan. The folder holds one clone a repository, named after it.
    Plan {
        /// The repositories, primary first.
        repositories: Vec<RepositoryBrief>,
        /// What was wrong with the agent's last plan, one finding a line; empty at first.
        findings: Vec<String>,
    },
    /// Do a task in the clone that is the folder.
    Implement {
        /// The task.
        task: Task,
        /// What its dependencies have done, in the task's order.
        dependencies: Vec<DependencyResult>,
    },
    /// Review a repository's change. The folder is a clone at `head`.
    Review {
        /// Which repository.
        repository: RepositoryBrief,
        /// What is reviewed.
        head: CommitId,
        /// The change as a unified diff, cut at a limit.
        diff: String,
        /// Whether its tests passed; `None` for not verified.
        tests_passed: Option<bool>,
    },
    /// Settle the conflicts of a merge. The folder is a clone in which the
    /// conflicting files hold markers with base, our and their lines; the
    /// agent edits them until none is left.
    ResolveConflict {
        /// The task whose result is merged, where there is one.
        task: Option<Task>,
        /// What our side, the integration branch, is about.
        ours: String,
        /// What their side, the result that is merged into it, is about.
        theirs: String,
        /// What is to be decided, hunk by hunk.
        files: Vec<ConflictedFile>,
        /// What was wrong with the last try, one finding a line; empty at first.
        findings: Vec<String>,
    },
    /// Make failing tests pass without weakening them. The folder is a clone
    /// at the failing commit.
    FixTests {
        /// The task whose result fails, where there is one.
        task: Option<Task>,
        /// The command as configured.
        command: String,
        /// The failing tests, as far as the output names them; may be empty.
        failures: Vec<FailedTest>,
        /// The end of the output.
        output: String,
        /// Which round this is, from 1.
        round: u32,
        /// What was wrong with the last round, one finding a line; empty at first.
        findings: Vec<String>,
    },
}

impl AgentTask {
    /// The name that agents get as `AUTOMATION_STAGE`.
    #[must_use]
    pub const fn stage(&self) -> &'static str {
        match self {
            Self::Plan { .. } => "planning",
            Self::Implement { .. } => "implementation",
            Self::Review { .. } => "review",
            Self::ResolveConflict { .. } => "resolve_conflict",
            Self::FixTests { .. } => "fix_tests",
        }
    }

    /// The task that the work is for, where it is for one.
    #[must_use]
    pub const fn task(&self) -> Option<&Task> {
        match self {
            Self::Implement { task, .. } => Some(task),
            Self::ResolveConflict { task, .. } | Self::FixTests { task, .. } => task.as_ref(),
            Self::Plan { .. } | Self::Review { .. } => None,
        }
    }
}

/// One request to an agent.
#[derive(Debug, Clone)]
pub struct AgentRequest {
    /// The run.
    pub run: RunId,
    /// The step it belongs to, for its events and its spending.
    pub step: Option<StepRef>,
    /// The repository it works in; `None` in planning.
    pub repository: Option<RepositoryName>,
    /// The attempt, from 1.
    pub attempt: u32,
    /// The issue that the run works on.
    pub issue: Issue,
    /// What is asked.
    pub task: AgentTask,
    /// What the caller says about the change (`feature_flag`, …), as data: [`ChangeSet::context`](crate::ChangeSet::context).
    pub context: BTreeMap<String, String>,
    /// What learning adds.
    pub advice: Advice,
    /// The model to work with; `None` leaves it to the agent.
    pub model: Option<ModelChoice>,
    /// What it may spend; `None` for no limit. Who meters the agent sets it.
    pub grant: Option<Grant>,
    /// The conversation of an earlier request to go on with, where the agent can; else it begins a new one.
    pub conversation: Option<Conversation>,
    /// Where the agent works; nothing else is its to change.
    pub folder: PathBuf,
    /// A folder outside the clone for the request, the answer and the transcript.
    pub scratch: PathBuf,
    /// When the agent is ended with its whole tree.
    pub timeout: Duration,
}

/// The handle of an agent's conversation, to go on with it in a later request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conversation {
    /// What the agent calls it: up to 200 letters, digits, `-`, `_` and `.`, neither `.` nor `-` first.
    pub id: String,
    /// The scratch folder of the request that led it last, where the agent may have left it.
    pub scratch: PathBuf,
}

impl Conversation {
    /// A conversation with an id that an agent gave; `None` where it has not the form of one.
    #[must_use]
    pub fn new(id: &str, scratch: PathBuf) -> Option<Self> {
        let is_plain = |it: char| it.is_ascii_alphanumeric() || matches!(it, '-' | '_' | '.');
        let is_id = (1..=200).contains(&id.len())
            && id.chars().all(is_plain)
            && !id.starts_with(['.', '-']);
        let id = id.to_owned();
        is_id.then_some(Self { id, scratch })
    }
}

/// What an agent answered on its answer channel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "answer")]
#[non_exhaustive]
pub enum AgentAnswer {
    /// Nothing but files, perhaps with a word on them.
    Work {
        /// What the agent says it did; may be empty.
        summary: String,
    },
    /// A plan's tasks, as the agent wrote them: a JSON value with the key
    /// `tasks`, still to be checked.
    Plan {
        /// The value.
        plan: serde_json::Value,
    },
    /// A review.
    Review {
        /// The review.
        review: Review,
    },
}

/// What an agent gives back beside files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AgentResult {
    /// Its answer.
    pub answer: AgentAnswer,
    /// The tokens it reported; zero where it reports none.
    pub usage: TokenUsage,
    /// The cost it reported.
    pub cost: Option<Usd>,
    /// The model it named; may be empty.
    pub model: String,
    /// The prompt as it was rendered; may be empty.
    pub prompt: String,
    /// By what the conversation can be gone on with; `None` where the agent cannot.
    pub conversation: Option<Conversation>,
}

/// A coding agent. It gets a folder and a request, and gives back files, an
/// answer and its usage.
///
/// An agent MUST NOT touch anything outside `folder` and `scratch`. When the
/// call returns or is dropped, no process of it may be left. The same request
/// may be made again, in a fresh folder.
#[async_trait]
pub trait Agent: Debug + Send + Sync {
    /// The agent's name in the configuration.
    fn name(&self) -> &str;

    /// What it can do beside implementing.
    fn capabilities(&self) -> AgentCapabilities;

    /// Whether it must change something.
    fn changes(&self) -> ChangePolicy;

    /// Works on a request to its end.
    ///
    /// # Errors
    ///
    /// `NotFound` (its program), `Timeout`, `Cancelled`, `Validation` (an
    /// answer of the wrong form), `Internal` (it ended with an error that says
    /// no more), and what a model's interface answers; `BudgetExceeded` where it
    /// was ended since its grant was spent. What a child process
    /// says of its own end is marked by [`PortError::of_child`]. What it has
    /// spent until it failed is [`PortError::spent`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends the agent's process tree; its files stay.
    async fn run(
        &self,
        request: AgentRequest,
        cancel: &CancellationToken,
    ) -> Result<AgentResult, PortError>;
}
