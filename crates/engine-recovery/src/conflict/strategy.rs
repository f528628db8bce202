//! The strategy: merge again, memory, agent, checks, tests.

use async_trait::async_trait;
use core_types::{
    Advice, AgentAnswer, AgentRequest, AgentTask, Capture, CommitId, ConflictedFile, Conversation,
    ErrorClass, Failure, FailureKind, Merge, PortError, RecoveryRequest, StepRef,
    step::{Fingerprint, StepError},
};
use serde::{Deserialize, Serialize};

use super::{
    check::{self, Judge},
    memory,
    verify::Verdict,
    words::{count, paths, why},
    work::{Stop, Work, later, read},
};
use crate::{
    RecoveryContext, RecoveryStrategy, StrategyOutcome, agent_stops_the_run, step_error,
    stops_the_run,
};

/// How often an agent is asked: once, and once more with what was wrong.
const ROUNDS: [Round; 2] = [
    Round {
        number: 1,
        resolve: "recovery-resolve-1",
        test: "recovery-test-1",
        remember: "recovery-remember-1",
    },
    Round {
        number: 2,
        resolve: "recovery-resolve-2",
        test: "recovery-test-2",
        remember: "recovery-remember-2",
    },
];

/// The names of one round's steps.
struct Round {
    number: u32,
    resolve: &'static str,
    test: &'static str,
    remember: &'static str,
}

/// Settles the conflicts of a merge.
///
/// Ours is [`RecoveryRequest::head`], theirs [`RecoveryRequest::commit`]. The
/// merge is made again first, since it may be clean by now; then each hunk is
/// looked up in the repository's memory; then the agent is asked, if it can
/// repair, at most twice. Every result is tested on the merge commit. The commit
/// of [`StrategyOutcome::Repaired`] holds both sides and is kept by a reference.
///
/// A person is needed for what has no lines to decide (binary files, a file that
/// one side deleted, renames, modes, links, submodules), for more hunks than
/// [`Options::max_conflict_hunks`](crate::Options::max_conflict_hunks), and where
/// no agent can repair: the answer is [`StrategyOutcome::Failed`] with the reason.
/// A resolution that leaves markers, loses work of a side or touches other files
/// is [`StrategyOutcome::Refused`].
///
/// Without a test command a resolution is accepted if the checks find nothing, and
/// a warning and the commit's message say that it is not verified. Only verified
/// resolutions are remembered.
#[derive(Debug, Clone, Copy, Default)]
pub struct ConflictResolutionStrategy;

#[async_trait]
impl RecoveryStrategy for ConflictResolutionStrategy {
    fn name(&self) -> &'static str {
        "conflict_resolution"
    }

    fn handles(&self, request: &RecoveryRequest) -> bool {
        matches!(request.failure.kind, FailureKind::MergeConflict { .. })
    }

    async fn recover(
        &self,
        request: &RecoveryRequest,
        context: &RecoveryContext<'_>,
    ) -> Result<StrategyOutcome, PortError> {
        let Some(theirs) = &request.commit else {
            return Ok(StrategyOutcome::NotHandled);
        };
        let work = Work {
            request,
            context,
            ours: &request.head,
            theirs,
        };
        match Box::pin(work.settle()).await {
            // The engine was killed with this step too often; another strategy may still report it.
            Err(Stop::Step(StepError::TooManyExecutions { key, executions })) => {
                Ok(StrategyOutcome::Failed {
                    reason: format!("\"{}\" was cut off {executions} times", key.name),
                    tried: Vec::new(),
                })
            }
            Err(Stop::Step(error)) => Err(step_error(error, "settle the conflicts of a merge")),
            Err(Stop::Port(error)) => Err(error),
            Ok(outcome) => Ok(outcome),
        }
    }
}

/// What an agent left, as it is recorded.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "left")]
enum Left {
    /// A merge commit.
    Commit {
        commit: CommitId,
        /// What differs from the merge with markers.
        files: Vec<String>,
        summary: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        conversation: Option<Conversation>,
    },
    /// The markers, as they were.
    Nothing,
    /// Repositories inside the clone.
    Nested { folders: Vec<String> },
    /// It ended with an error.
    Error { failure: Failure },
}

/// What the agent is asked with in a round.
#[derive(Clone, Copy)]
struct Asked<'a> {
    files: &'a [ConflictedFile],
    hints: &'a [String],
    findings: &'a [String],
    conversation: Option<&'a Conversation>,
}

/// What the memory gave, as it is recorded.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Recalled {
    /// The merge, where all hunks were known.
    commit: Option<CommitId>,
    hints: Vec<String>,
}

impl Work<'_> {
    async fn settle(&self) -> Result<StrategyOutcome, Stop> {
        let mut tried = Vec::new();
        let git = self.context.git;
        if let Some(outcome) = self.merge_again().await? {
            return Ok(outcome);
        }
        let files = git.conflicts(self.ours, self.theirs).await?;
        if let Some(reason) = self.unfit(&files) {
            return Ok(StrategyOutcome::Failed { reason, tried });
        }
        let recalled = self.recall(&files).await?;
        if let Some(commit) = recalled.commit {
            match self.test("recovery-test-recalled", &commit).await? {
                Verdict::Failed { reason, .. } => tried.push(format!(
                    "settled the conflicts as they were settled before ({}): {reason}",
                    commit.short()
                )),
                Verdict::Passed | Verdict::NotVerified => {
                    return Ok(StrategyOutcome::Repaired { commit });
                }
            }
        }
        let agent = self.context.agent;
        if !agent.capabilities().repair {
            let name = agent.name();
            let reason = format!(
                "{}, and agent {name} does not repair (`repair: true` in its entry says that it does)",
                count(&files)
            );
            return Ok(StrategyOutcome::Failed { reason, tried });
        }
        self.ask(&files, &recalled.hints, tried).await
    }

    /// The head has moved since the conflict was met, or the agent's branch was repaired.
    async fn merge_again(&self) -> Result<Option<StrategyOutcome>, Stop> {
        let merged: Merge = self
            .step("recovery-merge", self.sides(), |_| async {
                let message = self.subject();
                let git = self.context.git;
                let merged = git.merge(self.ours, self.theirs, &message).await?;
                if let Merge::Merged { commit } | Merge::FastForward { commit } = &merged {
                    self.keep("merge", commit).await?;
                }
                Ok(merged)
            })
            .await?;
        let (Merge::Merged { commit } | Merge::FastForward { commit }) = merged else {
            return Ok(None);
        };
        Ok(Some(
            match self.test("recovery-test-merge", &commit).await? {
                Verdict::Passed | Verdict::NotVerified => StrategyOutcome::Repaired { commit },
                Verdict::Failed { reason, output } => StrategyOutcome::Failed {
                    reason: format!("it merges without conflicts now, but {reason}"),
                    tried: vec![format!("merged again ({}):\n{output}", commit.short())],
                },
            },
        ))
    }

    /// Why these conflicts are a person's to decide, if they are.
    fn unfit(&self, files: &[ConflictedFile]) -> Option<String> {
        let without_lines: Vec<_> = files
            .iter()
            .filter(|file| file.hunks.is_empty() || file.texts.is_none())
            .map(|file| format!("{:?} {}", file.path, why(file)))
            .collect();
        if !without_lines.is_empty() {
            return Some(format!(
                "a person must decide: {}",
                without_lines.join("; ")
            ));
        }
        let n_hunks: usize = files.iter().map(|file| file.hunks.len()).sum();
        let most = self.context.options.max_conflict_hunks;
        (n_hunks > usize::try_from(most).unwrap_or(usize::MAX))
            .then(|| format!("a person must decide: {}, more than {most}", count(files)))
    }

    async fn recall(&self, files: &[ConflictedFile]) -> Result<Recalled, Stop> {
        self.step("recovery-recall", self.sides(), |_| async {
            let git = self.context.git;
            let known = memory::recall(git, files).await?;
            let commit = match &known.files {
                None => None,
                Some(settled) => {
                    let message = format!(
                        "{}\n\nThe conflicts were settled as they were before.\n{}",
                        self.subject(),
                        self.unverified_line()
                    );
                    let commit = git
                        .settle(self.ours, self.theirs, settled, &message)
                        .await?;
                    self.keep("recalled", &commit).await?;
                    Some(commit)
                }
            };
            Ok(Recalled {
                commit,
                hints: known.hints,
            })
        })
        .await
    }

    async fn ask(
        &self,
        files: &[ConflictedFile],
        hints: &[String],
        mut tried: Vec<String>,
    ) -> Result<StrategyOutcome, Stop> {
        let name = self.context.agent.name();
        let mut findings = Vec::new();
        let mut is_refused = false;
        let mut reason = String::new();
        let mut conversation = self.request.conversation.clone();
        for round in &ROUNDS {
            let number = round.number;
            let left = {
                let asked = Asked {
                    files,
                    hints,
                    findings: &findings,
                    conversation: conversation.as_ref(),
                };
                self.resolve(round, asked).await?
            };
            let (commit, names, summary) = match left {
                Left::Commit {
                    commit,
                    files,
                    summary,
                    conversation: led,
                } => {
                    conversation = led.or(conversation);
                    (commit, files, summary)
                }
                Left::Error { failure } => {
                    if let ErrorClass::QuotaExhausted { until } = failure.class {
                        let wait = self.context.options.retry.quota_wait;
                        let until = until.unwrap_or_else(|| later(self.context.clock.now(), wait));
                        return Ok(StrategyOutcome::Park { until });
                    }
                    is_refused = false;
                    reason = format!("agent {name} failed: {}", failure.message);
                    tried.push(format!("round {number}: {reason}"));
                    continue;
                }
                Left::Nothing | Left::Nested { .. } => {
                    is_refused = true;
                    findings = vec![match left {
                        Left::Nested { folders } => format!(
                            "there are repositories inside the clone, whose files would be lost: {}",
                            folders.join(", ")
                        ),
                        _ => "nothing was changed: all conflict markers are still there".to_owned(),
                    }];
                    reason = format!("agent {name} settled nothing");
                    tried.push(format!("round {number}: {}", findings.join("; ")));
                    continue;
                }
            };
            findings = self.check(files, &commit, &names).await?;
            if !findings.is_empty() {
                is_refused = true;
                reason = format!("the resolution of agent {name} is not acceptable");
                tried.push(format!("round {number}: refused: {}", findings.join("; ")));
                continue;
            }
            match self.test(round.test, &commit).await? {
                Verdict::Passed => {
                    let fingerprint = Fingerprint::new().with("commit", commit.as_str());
                    let remembered: Result<usize, Stop> = self
                        .step(round.remember, fingerprint, |_| {
                            memory::remember(self.context.git, files, &commit)
                        })
                        .await;
                    match remembered {
                        // A repair does not fail for what it only would have made easier later.
                        Err(Stop::Step(StepError::Port { source, .. }))
                            if !stops_the_run(source.class()) =>
                        {
                            self.warn(
                                None,
                                format!("resolutions are not remembered: {}", source.to_line()),
                            );
                        }
                        other => drop(other?),
                    }
                    return Ok(StrategyOutcome::Repaired { commit });
                }
                Verdict::NotVerified => return Ok(StrategyOutcome::Repaired { commit }),
                Verdict::Failed {
                    reason: why,
                    output,
                } => {
                    is_refused = false;
                    reason = format!("with the conflicts settled, {why}");
                    let said = if summary.is_empty() {
                        String::new()
                    } else {
                        format!(" ({summary})")
                    };
                    tried.push(format!(
                        "round {number}: settled as {}{said}; then {why}",
                        commit.short()
                    ));
                    findings = vec![format!("no marker was left, but {why}:\n{output}")];
                }
            }
        }
        Ok(if is_refused {
            StrategyOutcome::Refused {
                reason,
                evidence: findings,
            }
        } else {
            StrategyOutcome::Failed { reason, tried }
        })
    }

    /// Has the agent decide, and commits what it leaves.
    async fn resolve(&self, round: &Round, asked: Asked<'_>) -> Result<Left, Stop> {
        let fingerprint = self.sides().with_json("findings", &asked.findings);
        let act = |step| self.resolve_once(round, asked, step);
        self.step(round.resolve, fingerprint, act).await
    }

    async fn resolve_once(
        &self,
        round: &Round,
        asked: Asked<'_>,
        step: StepRef,
    ) -> Result<Left, PortError> {
        let Asked {
            files,
            hints,
            findings,
            conversation,
        } = asked;
        let git = self.context.git;
        let workspace = git.lease_merge(self.ours, self.theirs).await?;
        let scratch = format!("resolve-{}.{}", round.number, step.execution);
        let scratch = self.request.scratch.join(scratch);
        // An agent that builds needs what the set-up makes; what the set-up itself changes is not its work.
        let since = match &self.request.commands.setup {
            None => None,
            Some(command) => {
                // Set-up commands may stumble over markers; the agent then does without.
                self.set_up(command, workspace.as_ref(), &scratch, &step)
                    .await?;
                Some(workspace.snapshot().await?)
            }
        };
        let task = AgentTask::ResolveConflict {
            task: self.request.task.clone(),
            ours: self.our_purpose(),
            theirs: self.their_purpose(),
            files: files.to_vec(),
            findings: findings.to_vec(),
        };
        let answers = self.request.answers.iter();
        let answers = answers.map(|answer| format!("A person answers to this conflict: {answer}"));
        let request = AgentRequest {
            run: self.request.run.clone(),
            step: Some(step.clone()),
            repository: Some(self.request.repository.clone()),
            attempt: self.request.attempt,
            issue: self.request.issue.clone(),
            task,
            context: self.request.context.clone(),
            advice: Advice {
                texts: answers.chain(hints.iter().cloned()).collect(),
                ..Advice::default()
            },
            model: None,
            grant: None,
            conversation: conversation.cloned(),
            folder: workspace.folder().to_owned(),
            scratch,
            timeout: self.request.commands.agent_timeout,
        };
        let agent = self.context.agent;
        let result = match agent.run(request, self.context.cancel).await {
            Ok(result) => result,
            Err(error) if agent_stops_the_run(&error) => return Err(error),
            Err(error) => {
                let failure = Failure::from(&error);
                return Ok(Left::Error { failure });
            }
        };
        let conversation = result.conversation;
        let summary = match result.answer {
            AgentAnswer::Work { summary } => summary,
            _ => String::new(),
        };
        let message = format!(
            "{}\n\nConflicts in {} were settled by agent {}.\n{}\n{}",
            self.subject(),
            paths(files),
            agent.name(),
            summary.trim(),
            self.unverified_line()
        );
        match workspace.commit(since.as_ref(), &message).await? {
            Capture::Unchanged => Ok(Left::Nothing),
            Capture::Nested { folders } => Ok(Left::Nested { folders }),
            Capture::Committed { commit, files } => {
                self.keep(&format!("resolve-{}", round.number), &commit)
                    .await?;
                Ok(Left::Commit {
                    commit,
                    files: files.into_iter().map(|file| file.path).collect(),
                    summary,
                    conversation,
                })
            }
        }
    }

    /// What is wrong with a resolution, without running anything.
    async fn check(
        &self,
        files: &[ConflictedFile],
        commit: &CommitId,
        changed: &[String],
    ) -> Result<Vec<String>, Stop> {
        let is_asked = |path: &&String| files.iter().any(|file| file.path == **path);
        let mut findings: Vec<_> = changed
            .iter()
            .filter(|path| !is_asked(path))
            .map(|path| format!("{path:?} was changed, and has no conflict"))
            .collect();
        let mut texts = Vec::new();
        for file in files {
            let bytes = read(self.context.git, commit, &file.path).await?;
            texts.push(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()));
        }
        let resolved: Vec<_> = (files.iter().zip(&texts))
            .map(|(file, text)| (file, text.as_deref()))
            .collect();
        let judge = match &self.request.commands.test {
            Some(_) => Judge::Tests,
            None => Judge::Nobody,
        };
        findings.extend(check::findings(&resolved, judge));
        Ok(findings)
    }
}
