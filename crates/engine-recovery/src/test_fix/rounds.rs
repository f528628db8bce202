//! The steps of a repair: what an agent leaves, what the tests say of it, and what it changed.

use core_types::{
    Advice, AgentAnswer, AgentRequest, AgentTask, Capture, CommitId, Conversation, Diff,
    ErrorClass, Failure, PortError, RecoveryRequest, RefName, RefUpdate, Scope, StepKey, StepName,
    StepRef,
    step::{self, Fingerprint, Step, StepError, WhenUnknown},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    integrity::{ChangedFile, Content, MAX_FILE_BYTES, Policy, is_test_path, words},
    run::Tested,
};
use crate::{RecoveryContext, agent_stops_the_run, step_error};

/// How often one step may be begun: a kill costs no unit of a budget, but may not go on forever.
const MAX_EXECUTIONS: u32 = 5;

/// A fix of more files is not judged, but refused.
const MAX_FILES: usize = 1000;

/// How many scripts that the test command names are read.
const MAX_SCRIPTS: usize = 8;

/// A repair under way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Repair<'a> {
    pub(super) request: &'a RecoveryRequest,
    pub(super) context: &'a RecoveryContext<'a>,
    /// What failed.
    pub(super) failing: &'a CommitId,
}

/// Why a repair goes no further.
pub(super) enum Stop {
    /// The run is to stop.
    Run(PortError),
    /// A step was killed with the engine too often.
    Killed(String),
}

impl From<PortError> for Stop {
    fn from(error: PortError) -> Self {
        Self::Run(error)
    }
}

/// What an agent left in a round, as it is recorded.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "left")]
pub(super) enum Left {
    Changed {
        commit: CommitId,
        summary: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        conversation: Option<Conversation>,
    },
    Unchanged {
        summary: String,
    },
    Failed {
        failure: Failure,
    },
}

/// What a round starts from.
#[derive(Debug, Clone)]
pub(super) struct Start<'a> {
    pub(super) round: u32,
    pub(super) commit: &'a CommitId,
    pub(super) tested: &'a Tested,
    pub(super) findings: &'a [String],
    pub(super) conversation: Option<&'a Conversation>,
}

impl Repair<'_> {
    /// Runs a step of this repair; acting twice is the same as acting once.
    pub(super) async fn step<T, F>(
        &self,
        name: &str,
        fingerprint: Fingerprint,
        act: impl FnOnce(StepRef) -> F + Send,
    ) -> Result<T, Stop>
    where
        T: Serialize + DeserializeOwned + Send,
        F: Future<Output = Result<T, PortError>> + Send,
    {
        let name = StepName::new(name)
            .map_err(|error| PortError::new(ErrorClass::Internal, "name a step").because(error))?;
        let key = StepKey {
            scope: self.request.scope.clone(),
            attempt: self.request.attempt,
            name,
        };
        let step = Step::new(key, fingerprint, WhenUnknown::Idempotent).at_most(MAX_EXECUTIONS);
        step::run(self.context.steps, step, act)
            .await
            .map_err(|error| match error {
                StepError::TooManyExecutions { .. } => Stop::Killed(error.to_string()),
                error => Stop::Run(step_error(error, "repair failing tests")),
            })
    }

    /// Tests a commit as a step.
    pub(super) async fn test_step(
        &self,
        name: &str,
        commit: &CommitId,
        before: Option<&Tested>,
    ) -> Result<Tested, Stop> {
        let command = self.request.commands.test.as_ref().map(ToString::to_string);
        let fingerprint = Fingerprint::new()
            .with("commit", commit.as_str())
            .with("test_command", command.unwrap_or_default());
        self.step(name, fingerprint, |step| {
            Box::pin(async move { self.test(commit, before, name, &step).await })
        })
        .await
    }

    /// Has the agent work in a clone, and commits what it left.
    pub(super) async fn fix(&self, start: &Start<'_>) -> Result<Left, Stop> {
        let fingerprint = Fingerprint::new()
            .with("agent", self.context.agent.name())
            .with("commit", start.commit.as_str())
            .with_json("findings", &start.findings);
        let name = format!("recovery-fix-{}", start.round);
        self.step(&name, fingerprint, |step| {
            Box::pin(async move { self.fix_once(start, &step).await })
        })
        .await
    }

    async fn fix_once(&self, start: &Start<'_>, step: &StepRef) -> Result<Left, PortError> {
        let failed = |error: PortError| {
            if agent_stops_the_run(&error) {
                return Err(error);
            }
            let failure = Failure::from(&error);
            Ok(Left::Failed { failure })
        };
        let workspace = match self.context.git.lease(start.commit).await {
            Ok(workspace) => workspace,
            Err(error) => return failed(error),
        };
        let name = format!("fix-{}", start.round);
        let mut since = None;
        if let Some(runner) = self
            .context
            .commands
            .filter(|_| self.request.commands.setup.is_some())
        {
            if let Some(tested) = self.set_up(runner, &*workspace, &name, step).await? {
                let error = PortError::new(ErrorClass::Internal, "prepare a clone for the agent");
                return failed(error.because(tested.ended).with_detail(tested.tail));
            }
            // What the set-up changed is not the agent's work.
            since = match workspace.snapshot().await {
                Ok(tree) => Some(tree),
                Err(error) => return failed(error),
            };
        }
        let request = AgentRequest {
            run: self.request.run.clone(),
            step: Some(step.clone()),
            repository: Some(self.request.repository.clone()),
            attempt: self.request.attempt,
            issue: self.request.issue.clone(),
            task: AgentTask::FixTests {
                task: self.request.task.clone(),
                command: self
                    .request
                    .commands
                    .test
                    .as_ref()
                    .map(ToString::to_string)
                    .unwrap_or_default(),
                failures: start.tested.failures.clone(),
                output: start.tested.tail.clone(),
                round: start.round,
                findings: start.findings.to_vec(),
            },
            context: self.request.context.clone(),
            advice: Advice {
                texts: self.request.answers.clone(),
                ..Advice::default()
            },
            model: None,
            grant: None,
            conversation: start.conversation.cloned(),
            folder: workspace.folder().to_owned(),
            scratch: self
                .request
                .scratch
                .join(format!("{name}.{}", step.execution)),
            timeout: self.request.commands.agent_timeout,
        };
        let result = match self.context.agent.run(request, self.context.cancel).await {
            Ok(result) => result,
            Err(error) => return failed(error),
        };
        let conversation = result.conversation;
        let summary = match result.answer {
            AgentAnswer::Work { summary } => start_of(&summary, 1 << 10),
            _ => String::new(),
        };
        let message = self.message(start.round, &summary);
        match workspace.commit(since.as_ref(), &message).await {
            Ok(Capture::Unchanged) => Ok(Left::Unchanged { summary }),
            Ok(Capture::Nested { folders }) => {
                let error = PortError::new(ErrorClass::Validation, "commit what the agent left");
                failed(error.because(format!(
                    "it left repositories inside its clone: {}",
                    folders.join(", ")
                )))
            }
            Ok(Capture::Committed { commit, .. }) => {
                self.keep(&name, &commit).await?;
                Ok(Left::Changed {
                    commit,
                    summary,
                    conversation,
                })
            }
            Err(error) => failed(error),
        }
    }

    fn message(&self, round: u32, summary: &str) -> String {
        let subject = match &self.request.task {
            Some(task) => format!("Fix the tests of {}", task.id),
            None => format!("Fix the tests of {}", self.request.repository),
        };
        // A line of the agent's must not look like ours.
        let body: Vec<_> = summary
            .lines()
            .map(|line| {
                if line.to_ascii_lowercase().starts_with("automation-") {
                    format!(" {line}")
                } else {
                    line.to_owned()
                }
            })
            .collect();
        format!(
            "{subject}\n\n{}\n\nAutomation-Run: {}\nAutomation-Round: {round}\n",
            body.join("\n").trim(),
            self.request.run
        )
    }

    /// Keeps a commit until the run is forgotten.
    async fn keep(&self, name: &str, commit: &CommitId) -> Result<(), PortError> {
        let scope = match &self.request.scope {
            Scope::Run => "run".to_owned(),
            Scope::Repository(name) => format!("repository/{name}"),
            Scope::Task(id) => format!("task/{id}"),
        };
        let name = format!(
            "refs/automation/{}/recovery/{scope}/{}/{name}",
            self.request.run, self.request.attempt
        );
        let name = RefName::new(name).map_err(|error| {
            PortError::new(ErrorClass::Internal, "name a reference of a repair").because(error)
        })?;
        // An execution that was killed may have left one.
        let expected = self.context.git.resolve(&name).await?;
        if expected.as_ref() == Some(commit) {
            return Ok(());
        }
        let new = Some(commit.clone());
        let update = RefUpdate {
            name,
            expected,
            new,
        };
        self.context.git.update_refs(&[update]).await
    }

    /// What a fix changed as a whole, with the texts on both sides; `None` for too much of it.
    pub(super) async fn changed_files(
        &self,
        diff: &Diff,
        fixed: &CommitId,
    ) -> Result<Option<Vec<ChangedFile>>, PortError> {
        if diff.files.len() > MAX_FILES {
            return Ok(None);
        }
        let mut files = Vec::with_capacity(diff.files.len());
        for change in &diff.files {
            let side =
                async |commit: &CommitId, is_there: bool| -> Result<Option<Content>, PortError> {
                    if !is_there {
                        return Ok(None);
                    }
                    let bytes = self
                        .context
                        .git
                        .read(commit, &change.path, MAX_FILE_BYTES + 1)
                        .await?;
                    // A name that is no UTF-8, or a submodule: it is there, and cannot be read.
                    Ok(Some(bytes.map_or(Content::Opaque, content)))
                };
            files.push(ChangedFile {
                path: change.path.clone(),
                before: side(self.failing, change.status != 'A').await?,
                after: side(fixed, change.status != 'D').await?,
                changed_type: change.status == 'T',
            });
        }
        Ok(Some(files))
    }

    /// What the fix is judged by: the test command with the scripts that it names, and what is protected.
    pub(super) async fn policy(&self) -> Result<Policy, PortError> {
        let command = self.request.commands.test.as_ref().map(ToString::to_string);
        let mut scripts: Vec<String> = Vec::new();
        let mut texts = vec![command.clone().unwrap_or_default()];
        let mut seen = std::collections::BTreeSet::new();
        // A script may name others, one level deep.
        for _ in 0..2 {
            let names: Vec<String> = texts
                .iter()
                .flat_map(|text| words(text))
                .map(|word| word.trim_start_matches("./").to_owned())
                .collect();
            texts.clear();
            for name in names {
                let may_be_path = name.len() <= 200
                    && !name.starts_with(['/', '$'])
                    && (name.contains('.') || name.contains('/'));
                if !may_be_path
                    || scripts.len() >= MAX_SCRIPTS
                    || !seen.insert(name.clone())
                    || seen.len() > 64
                {
                    continue;
                }
                let bytes = self
                    .context
                    .git
                    .read(self.failing, &name, MAX_FILE_BYTES)
                    .await?;
                if let Some(Content::Text(text)) = bytes.map(content) {
                    texts.push(text.clone());
                    scripts.push(text);
                }
            }
        }
        Ok(Policy {
            command,
            protected: self.context.options.protected_paths.clone(),
            scripts,
        })
    }

    /// The failing commit with nothing but the fix's changes to tests; `None` where it changed none.
    pub(super) async fn tests_alone(
        &self,
        diff: &Diff,
        fixed: &CommitId,
        policy: &Policy,
    ) -> Result<Option<CommitId>, PortError> {
        let paths: Vec<_> = diff
            .files
            .iter()
            .map(|file| file.path.clone())
            .filter(|path| is_test_path(path, policy))
            .collect();
        if paths.is_empty() {
            return Ok(None);
        }
        let message = "The failing commit with the fix's tests\n";
        let made = self
            .context
            .git
            .overlay(self.failing, fixed, &paths, message)
            .await?;
        Ok(Some(made))
    }
}

fn content(bytes: Vec<u8>) -> Content {
    if bytes.len() > MAX_FILE_BYTES || bytes.contains(&0) {
        return Content::Opaque;
    }
    String::from_utf8(bytes).map_or(Content::Opaque, Content::Text)
}

/// The start of a text, at most this long.
pub(super) fn start_of(text: &str, max_bytes: usize) -> String {
    let mut end = text.len().min(max_bytes);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}
