//! The repository's set-up and tests.

use core_types::{
    CommandLine, CommandPurpose, CommandRequest, CommitId, Event, PortError, StepRef, Workspace,
    step::Fingerprint,
};
use serde::{Deserialize, Serialize};

use super::work::{Stop, Work};
use crate::{environment, stops_the_run};

/// How much of a failing test's output an agent is told.
const FINDING_BYTES: usize = 4 << 10;

/// What the tests say, as it is recorded.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "verdict")]
pub(super) enum Verdict {
    Passed,
    /// There is no test command.
    NotVerified,
    Failed {
        /// One line.
        reason: String,
        /// The end of the output.
        output: String,
    },
}

impl Work<'_> {
    /// Runs the repository's tests on a commit, in a fresh clone.
    pub(super) async fn test(
        &self,
        name: &'static str,
        commit: &CommitId,
    ) -> Result<Verdict, Stop> {
        let fingerprint = Fingerprint::new()
            .with("commit", commit.as_str())
            .with_json("command", &self.request.commands.test);
        self.step(name, fingerprint, |step| async move {
            let commands = &self.request.commands;
            let Some(test) = &commands.test else {
                let message = format!(
                    "the conflicts of {} are settled and not verified: there is no test command",
                    self.request.repository
                );
                self.warn(Some(&step), message);
                return Ok(Verdict::NotVerified);
            };
            let scratch = format!("{name}.{}", step.execution);
            let scratch = self.request.scratch.join(scratch);
            let workspace = self.context.git.lease(commit).await?;
            if let Some(setup) = &commands.setup
                && let Some((reason, output)) = self
                    .set_up(setup, workspace.as_ref(), &scratch, &step)
                    .await?
            {
                return Ok(Verdict::Failed { reason, output });
            }
            let request = self.command(CommandPurpose::Test, test, workspace.as_ref(), &step);
            let request = CommandRequest {
                timeout: commands.test_timeout,
                log: scratch.join("test.log"),
                ..request
            };
            Ok(match self.execute(request).await? {
                None => Verdict::Passed,
                Some((reason, output)) => Verdict::Failed { reason, output },
            })
        })
        .await
    }

    pub(super) async fn set_up(
        &self,
        command: &CommandLine,
        workspace: &dyn Workspace,
        scratch: &std::path::Path,
        step: &StepRef,
    ) -> Result<Option<(String, String)>, PortError> {
        let request = self.command(CommandPurpose::Setup, command, workspace, step);
        self.execute(CommandRequest {
            timeout: self.request.commands.setup_timeout,
            log: scratch.join("setup.log"),
            ..request
        })
        .await
    }

    pub(super) fn command(
        &self,
        purpose: CommandPurpose,
        command: &CommandLine,
        workspace: &dyn Workspace,
        step: &StepRef,
    ) -> CommandRequest {
        CommandRequest {
            step: Some(step.clone()),
            purpose,
            command: command.clone(),
            folder: workspace.folder().to_owned(),
            environment: environment(self.request),
            timeout: self.request.commands.test_timeout,
            tail_bytes: FINDING_BYTES,
            log: self.request.scratch.join("command.log"),
        }
    }

    /// Runs a command; why it failed, and the end of its output, if it did.
    pub(super) async fn execute(
        &self,
        request: CommandRequest,
    ) -> Result<Option<(String, String)>, PortError> {
        let Some(runner) = self.context.commands else {
            let reason = "nobody runs the repository's tests".to_owned();
            return Ok(Some((reason, String::new())));
        };
        let (purpose, step, command) = (
            request.purpose,
            request.step.clone(),
            request.command.clone(),
        );
        let what = match purpose {
            CommandPurpose::Setup => "the set-up",
            CommandPurpose::Test | CommandPurpose::Deploy => "the test command",
        };
        match runner.run(request, self.context.cancel).await {
            Ok(outcome) => {
                let event = Event::CommandEnded {
                    repository: self.request.repository.clone(),
                    purpose: purpose.as_str().to_owned(),
                    passed: outcome.exit.is_success(),
                    duration: outcome.duration,
                };
                self.context.events.emit(step.as_ref(), event);
                if outcome.exit.is_success() {
                    return Ok(None);
                }
                let reason = format!("{what} `{command}` failed ({})", outcome.exit);
                Ok(Some((reason, outcome.tail)))
            }
            Err(error) if stops_the_run(error.class()) => Err(error),
            Err(error) => {
                let reason = format!("{what} `{command}` could not be run: {}", error.to_line());
                Ok(Some((reason, error.detail().to_owned())))
            }
        }
    }
}
