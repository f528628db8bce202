//! One run of a repository's tests in a fresh clone, as it is recorded.

use core_types::{
    CommandLine, CommandPurpose, CommandRequest, CommandRunner, CommitId, Event, Exit, FailedTest,
    PortError, StepRef, Workspace,
};
use serde::{Deserialize, Serialize};

use super::{
    narrow::narrow,
    readers::{self, Format},
    report,
    rounds::Repair,
};
use crate::{environment, stops_the_run};

/// How much of the end of a test's output is read for failures.
const READ_BYTES: usize = 512 << 10;

/// How many failures are recorded with what they said; of the others only the name.
const N_MESSAGES: usize = 20;

/// How many failures are recorded.
const N_RECORDED: usize = 60;

/// What a test run said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Tested {
    pub(super) passed: bool,
    /// How the command ended, for people; empty where it passed.
    pub(super) ended: String,
    pub(super) format: Format,
    pub(super) failures: Vec<FailedTest>,
    /// The end of the output.
    pub(super) tail: String,
    /// Whether only the tests that failed before were run: they failed again.
    pub(super) narrowed: bool,
}

impl Tested {
    fn passed() -> Self {
        Self {
            passed: true,
            ended: String::new(),
            format: Format::ExitCode,
            failures: Vec::new(),
            tail: String::new(),
            narrowed: false,
        }
    }

    fn failed(ended: String, tail: String) -> Self {
        Self {
            passed: false,
            ended,
            tail,
            ..Self::passed()
        }
    }

    /// The names of the failed tests in one line.
    pub(super) fn names(&self) -> String {
        const SHOWN: usize = 5;
        let names: Vec<_> = self
            .failures
            .iter()
            .map(|test| test.name.as_str())
            .collect();
        match names.len() {
            0 => self.ended.clone(),
            n if n <= SHOWN => names.join(", "),
            n => format!("{} and {} more", names[..SHOWN].join(", "), n - SHOWN),
        }
    }
}

impl Repair<'_> {
    /// Tests a commit in a fresh clone: first those that failed before, where
    /// the command can be narrowed to them, then all.
    pub(super) async fn test(
        &self,
        commit: &CommitId,
        before: Option<&Tested>,
        name: &str,
        step: &StepRef,
    ) -> Result<Tested, PortError> {
        let Some((runner, command)) = self.runner() else {
            return Ok(Tested::failed(
                "nobody runs the tests".to_owned(),
                String::new(),
            ));
        };
        let workspace = match self.context.git.lease(commit).await {
            Ok(workspace) => workspace,
            Err(error) if stops_the_run(error.class()) => return Err(error),
            Err(error) => return Ok(Tested::failed(error.to_line(), String::new())),
        };
        if let Some(failed) = self.set_up(runner, &*workspace, name, step).await? {
            return Ok(failed);
        }
        let narrowed = before.and_then(|before| narrow(command, before.format, &before.failures));
        if let Some(narrowed) = narrowed {
            let tested = self
                .run_tests(runner, &narrowed, &*workspace, name, step)
                .await?;
            if !tested.passed && !tested.failures.is_empty() {
                return Ok(Tested {
                    narrowed: true,
                    ..tested
                });
            }
        }
        self.run_tests(runner, command, &*workspace, name, step)
            .await
    }

    pub(super) fn runner(&self) -> Option<(&dyn CommandRunner, &CommandLine)> {
        self.context
            .commands
            .zip(self.request.commands.test.as_ref())
    }

    /// Prepares a clone; the failure, if there is one.
    pub(super) async fn set_up(
        &self,
        runner: &dyn CommandRunner,
        workspace: &dyn Workspace,
        name: &str,
        step: &StepRef,
    ) -> Result<Option<Tested>, PortError> {
        let Some(command) = &self.request.commands.setup else {
            return Ok(None);
        };
        let request = CommandRequest {
            timeout: self.request.commands.setup_timeout,
            tail_bytes: CommandRequest::TAIL_BYTES,
            ..self.command(CommandPurpose::Setup, command, workspace, name, step)
        };
        let ended = self.execute(runner, request).await?;
        Ok(match ended {
            Ok(_) => None,
            Err((ended, tail)) => Some(Tested::failed(format!("the set-up failed: {ended}"), tail)),
        })
    }

    async fn run_tests(
        &self,
        runner: &dyn CommandRunner,
        command: &CommandLine,
        workspace: &dyn Workspace,
        name: &str,
        step: &StepRef,
    ) -> Result<Tested, PortError> {
        let request = self.command(CommandPurpose::Test, command, workspace, name, step);
        let Err((ended, output)) = self.execute(runner, request).await? else {
            return Ok(Tested::passed());
        };
        let report = report::read(command, workspace.folder()).await;
        let reading = readers::read(&output, report.as_deref());
        let mut failures = reading.failures;
        failures.truncate(N_RECORDED);
        for failure in failures.iter_mut().skip(N_MESSAGES) {
            failure.message.clear();
        }
        let mut start = output.len().saturating_sub(CommandRequest::TAIL_BYTES);
        while !output.is_char_boundary(start) {
            start += 1;
        }
        Ok(Tested {
            passed: false,
            ended,
            format: reading.format,
            failures,
            tail: output[start..].to_owned(),
            narrowed: false,
        })
    }

    fn command(
        &self,
        purpose: CommandPurpose,
        command: &CommandLine,
        workspace: &dyn Workspace,
        name: &str,
        step: &StepRef,
    ) -> CommandRequest {
        let log = format!("{name}.{}/{}.log", step.execution, purpose.as_str());
        CommandRequest {
            step: Some(step.clone()),
            purpose,
            command: command.clone(),
            folder: workspace.folder().to_owned(),
            environment: environment(self.request),
            timeout: self.request.commands.test_timeout,
            tail_bytes: READ_BYTES,
            log: self.request.scratch.join(log),
        }
    }

    /// Runs a command. The outer error stops the run; the inner one says how
    /// the command failed, with its output.
    async fn execute(
        &self,
        runner: &dyn CommandRunner,
        request: CommandRequest,
    ) -> Result<Result<(), (String, String)>, PortError> {
        let (purpose, step) = (request.purpose, request.step.clone());
        match runner.run(request, self.context.cancel).await {
            Ok(outcome) => {
                let event = Event::CommandEnded {
                    repository: self.request.repository.clone(),
                    purpose: purpose.as_str().to_owned(),
                    passed: outcome.exit.is_success(),
                    duration: outcome.duration,
                };
                self.context.events.emit(step.as_ref(), event);
                Ok(match outcome.exit {
                    Exit::Code(0) => Ok(()),
                    exit => Err((exit.to_string(), outcome.tail)),
                })
            }
            Err(error) if stops_the_run(error.class()) => Err(error),
            Err(error) => Ok(Err((error.to_line(), error.detail().to_owned()))),
        }
    }
}
