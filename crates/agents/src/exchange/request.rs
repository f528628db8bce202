use std::collections::BTreeMap;

use core_types::{
    AgentRequest, AgentTask, ConflictKind, ConflictedFile, DependencyResult, FailedTest, Issue,
    RepositoryBrief, Task, Usd,
};
use serde::Serialize;

/// The version of [`RequestRecord`]'s format.
pub const REQUEST_VERSION: u16 = 1;

/// A request as a `command` agent reads it from `AUTOMATION_REQUEST_FILE`: one
/// JSON object. Keys that do not belong to the stage are left out; a later
/// version only adds keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RequestRecord {
    /// The version of this format, now 1.
    pub v: u16,
    /// The run's id.
    pub run: String,
    /// `planning`, `implementation`, `review`, `resolve_conflict` or `fix_tests`.
    pub stage: &'static str,
    /// The attempt, from 1.
    pub attempt: u32,
    /// The model to work with; absent where it is left to the agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The class that the model was chosen for: `FAST`, `BALANCED` or `ADVANCED`; absent where it is fixed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_tier: Option<String>,
    /// What the agent may spend, in USD; absent for no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget_usd: Option<Usd>,
    /// The issue that the run works on.
    pub issue: IssueRecord,
    /// Implementation: the task. Repair: the task whose result it is, if it is one's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task: Option<TaskRecord>,
    /// Implementation: what the task's dependencies have done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dependencies: Option<Vec<DependencyRecord>>,
    /// Planning: all repositories, primary first. Review: the one reviewed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repositories: Option<Vec<RepositoryRecord>>,
    /// Planning and repair: what was wrong with the last try, one finding a text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub findings: Option<Vec<String>>,
    /// Review: the commit that is reviewed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub head: Option<String>,
    /// Review: the change as a unified diff, cut at a limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diff: Option<String>,
    /// Review: whether the tests passed; absent for not verified.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tests_passed: Option<bool>,
    /// Conflicts: what our side, the integration branch, is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ours: Option<String>,
    /// Conflicts: what their side, the result that is merged into it, is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub theirs: Option<String>,
    /// Conflicts: what is to be decided. The files stand in the folder, with markers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conflicts: Option<Vec<ConflictRecord>>,
    /// Failing tests: the command as configured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test_command: Option<String>,
    /// Failing tests: those that the output names; may be empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failures: Option<Vec<FailedTestRecord>>,
    /// Failing tests: the end of the command's output.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// Failing tests: which round of repair this is, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub round: Option<u32>,
    /// What the caller says about the change (`feature_flag`, …); absent where it says nothing.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub context: BTreeMap<String, String>,
    /// What was learnt from earlier runs; often empty.
    pub advice: Vec<String>,
}

/// An issue in a [`RequestRecord`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IssueRecord {
    /// Its number; 0 for an issue that no forge holds.
    pub number: u64,
    /// One line.
    pub title: String,
    /// Markdown; may be empty.
    pub body: String,
    /// Its labels, sorted.
    pub labels: Vec<String>,
}

/// A task in a [`RequestRecord`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TaskRecord {
    /// Its id.
    pub id: String,
    /// One line.
    pub title: String,
    /// What is asked.
    pub description: String,
    /// Where.
    pub repository: String,
    /// The tasks it depends on.
    pub dependencies: Vec<String>,
    /// Paths expected to change.
    pub files: Vec<String>,
    /// How long the work is expected to take, in whole seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub estimate_seconds: Option<u64>,
}

/// What a dependency has done, in a [`RequestRecord`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DependencyRecord {
    /// Which task.
    pub task: String,
    /// Its title.
    pub title: String,
    /// Where.
    pub repository: String,
    /// What it left; absent where it changed nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// What its agent said of it.
    pub summary: String,
}

/// A repository in a [`RequestRecord`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RepositoryRecord {
    /// Its name; in planning also its folder's.
    pub name: String,
    /// The branch where the change is to land.
    pub target: String,
    /// The commit that the run starts from.
    pub base: String,
    /// How it is tested; absent where it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test_command: Option<String>,
}

/// A conflicting file in a [`RequestRecord`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConflictRecord {
    /// The path relative to the folder.
    pub path: String,
    /// `content` or `both_added`; others are not asked of an agent.
    pub kind: ConflictKind,
    /// The places to decide, in the file's order.
    pub hunks: Vec<HunkRecord>,
}

/// One place to decide, in a [`ConflictRecord`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HunkRecord {
    /// The line of the opening marker in the file, from 1.
    pub line: u32,
    /// The lines that both sides started from; may be empty.
    pub base: String,
    /// The lines of our side; may be empty.
    pub ours: String,
    /// The lines of their side; may be empty.
    pub theirs: String,
}

/// A test that failed, in a [`RequestRecord`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FailedTestRecord {
    /// Its full name, in its runner's words.
    pub name: String,
    /// Its file; absent where the runner does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// What it said; may be empty.
    pub message: String,
}

impl RequestRecord {
    /// The record of a request.
    #[must_use]
    pub fn new(request: &AgentRequest) -> Self {
        let mut record = Self {
            v: REQUEST_VERSION,
            run: request.run.to_string(),
            stage: request.task.stage(),
            attempt: request.attempt,
            model: request.model.as_ref().map(|it| it.model.clone()),
            model_tier: request
                .model
                .as_ref()
                .map(|it| it.tier.clone())
                .filter(|tier| !tier.is_empty()),
            budget_usd: request.grant.as_ref().map(|grant| grant.amount),
            issue: IssueRecord::from(&request.issue),
            task: None,
            dependencies: None,
            repositories: None,
            findings: None,
            head: None,
            diff: None,
            tests_passed: None,
            ours: None,
            theirs: None,
            conflicts: None,
            test_command: None,
            failures: None,
            output: None,
            round: None,
            context: request.context.clone(),
            advice: request.advice.texts.clone(),
        };
        match &request.task {
            AgentTask::Plan {
                repositories,
                findings,
            } => {
                record.repositories =
                    Some(repositories.iter().map(RepositoryRecord::from).collect());
                record.findings = Some(findings.clone());
            }
            AgentTask::Implement { task, dependencies } => {
                record.task = Some(TaskRecord::from(task));
                record.dependencies =
                    Some(dependencies.iter().map(DependencyRecord::from).collect());
            }
            AgentTask::Review {
                repository,
                head,
                diff,
                tests_passed,
            } => {
                record.repositories = Some(vec![RepositoryRecord::from(repository)]);
                record.head = Some(head.to_string());
                record.diff = Some(diff.clone());
                record.tests_passed = *tests_passed;
            }
            AgentTask::ResolveConflict {
                task,
                ours,
                theirs,
                files,
                findings,
            } => {
                record.task = task.as_ref().map(TaskRecord::from);
                record.ours = Some(ours.clone());
                record.theirs = Some(theirs.clone());
                record.conflicts = Some(files.iter().map(ConflictRecord::from).collect());
                record.findings = Some(findings.clone());
            }
            AgentTask::FixTests {
                task,
                command,
                failures,
                output,
                round,
                findings,
            } => {
                record.task = task.as_ref().map(TaskRecord::from);
                record.test_command = Some(command.clone());
                record.failures = Some(failures.iter().map(FailedTestRecord::from).collect());
                record.output = Some(output.clone());
                record.round = Some(*round);
                record.findings = Some(findings.clone());
            }
            // A kind of task that core-types adds later has only the common keys.
            _ => {}
        }
        record
    }
}

impl From<&Issue> for IssueRecord {
    fn from(issue: &Issue) -> Self {
        Self {
            number: issue.number,
            title: issue.title.clone(),
            body: issue.body.clone(),
            labels: issue.labels.clone(),
        }
    }
}

impl From<&Task> for TaskRecord {
    fn from(task: &Task) -> Self {
        Self {
            id: task.id.to_string(),
            title: task.title.clone(),
            description: task.description.clone(),
            repository: task.repository.to_string(),
            dependencies: task.dependencies.iter().map(ToString::to_string).collect(),
            files: task.files.clone(),
            estimate_seconds: task.estimate.map(|estimate| estimate.as_secs()),
        }
    }
}

impl From<&DependencyResult> for DependencyRecord {
    fn from(done: &DependencyResult) -> Self {
        Self {
            task: done.task.to_string(),
            title: done.title.clone(),
            repository: done.repository.to_string(),
            commit: done.commit.as_ref().map(ToString::to_string),
            summary: done.summary.clone(),
        }
    }
}

impl From<&ConflictedFile> for ConflictRecord {
    fn from(file: &ConflictedFile) -> Self {
        let hunk = |hunk: &core_types::ConflictHunk| HunkRecord {
            line: hunk.line,
            base: hunk.base.clone(),
            ours: hunk.ours.clone(),
            theirs: hunk.theirs.clone(),
        };
        Self {
            path: file.path.clone(),
            kind: file.kind,
            hunks: file.hunks.iter().map(hunk).collect(),
        }
    }
}

impl From<&FailedTest> for FailedTestRecord {
    fn from(test: &FailedTest) -> Self {
        Self {
            name: test.name.clone(),
            file: test.file.clone(),
            message: test.message.clone(),
        }
    }
}

impl From<&RepositoryBrief> for RepositoryRecord {
    fn from(brief: &RepositoryBrief) -> Self {
        Self {
            name: brief.name.to_string(),
            target: brief.target.to_string(),
            base: brief.base.to_string(),
            test_command: brief.test_command.clone(),
        }
    }
}
