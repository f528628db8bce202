//! The loop: rerun, fix, judge, test, and test without the fix.

use std::collections::BTreeSet;

use async_trait::async_trait;
use core_types::{
    CommitId, Diff, ErrorClass, Event, FailureKind, PortError, RecoveryRequest, Timestamp,
    step::Fingerprint,
};

use super::{
    integrity::{self, Policy},
    rounds::{Left, Repair, Start, Stop},
    run::Tested,
};
use crate::{NoProgress, RecoveryContext, RecoveryStrategy, StrategyOutcome};

/// How much of a fix's diff tells it from another one; beyond it only the list of files does.
const DIFF_BYTES: usize = 1 << 20;

/// How many findings are given to the next round.
const MAX_FINDINGS: usize = 20;

/// Repairs failing tests.
///
/// The failing commit is tested once more, unchanged, in a fresh clone: what
/// passes then is flaky, and taken with a warning. What fails again is given to
/// the agent, with what its output says of the failures. Each round, of which there are at
/// most [`fix_rounds`](crate::Options::fix_rounds), ends in one of these ways:
///
/// - *Refused*: the fix deletes, skips or weakens tests, or changes what they
///   expect or how they are run ([`integrity`]), whatever its result. The next
///   round starts from where this one did.
/// - *Failing*: tests fail with it. The next round goes on from there, unless
///   tests fail that passed before it.
/// - *Hiding*: it passes, and the failing commit passes with its changes to tests alone.
/// - *Repaired*.
///
/// Findings are given to the next round. A round that changes nothing, or that
/// ends with the same failures and the same change as an earlier one, is the last.
#[derive(Debug, Clone, Copy, Default)]
pub struct TestFixRecoveryStrategy;

#[async_trait]
impl RecoveryStrategy for TestFixRecoveryStrategy {
    fn name(&self) -> &'static str {
        "test_fix"
    }

    fn handles(&self, request: &RecoveryRequest) -> bool {
        request.failure.class == ErrorClass::TestFailure
            && matches!(request.failure.kind, FailureKind::Tests { .. })
    }

    async fn recover(
        &self,
        request: &RecoveryRequest,
        context: &RecoveryContext<'_>,
    ) -> Result<StrategyOutcome, PortError> {
        let failing = request.commit.as_ref().unwrap_or(&request.head);
        let repair = Repair {
            request,
            context,
            failing,
        };
        if repair.runner().is_none() {
            return Ok(StrategyOutcome::NotHandled);
        }
        let mut course = Course::default();
        match Box::pin(course.run(&repair)).await {
            Ok(outcome) => Ok(outcome),
            Err(Stop::Run(error)) => Err(error),
            Err(Stop::Killed(reason)) => Ok(StrategyOutcome::Failed {
                reason,
                tried: course.tried,
            }),
        }
    }
}

/// What was tried so far.
#[derive(Debug, Default)]
struct Course {
    tried: Vec<String>,
    progress: NoProgress,
    /// What is wrong with the last fix, one finding a line.
    findings: Vec<String>,
    /// Whether the last fix was refused for what it does to tests.
    is_refused: bool,
}

impl Course {
    async fn run(&mut self, repair: &Repair<'_>) -> Result<StrategyOutcome, Stop> {
        let (request, context) = (repair.request, repair.context);
        let mut tested = repair
            .test_step("recovery-rerun", repair.failing, None)
            .await?;
        if tested.passed {
            let message = format!(
                "the tests of {} are flaky: they failed on {} and pass on it unchanged",
                request.repository,
                repair.failing.short()
            );
            // As a step, so that it is told once.
            let tell = |step| async move {
                context.events.emit(Some(&step), Event::Warning { message });
                Ok(())
            };
            let () = repair
                .step("recovery-flaky", Fingerprint::new(), tell)
                .await?;
            let commit = repair.failing.clone();
            return Ok(StrategyOutcome::Repaired { commit });
        }
        self.tried.push(format!(
            "tested {} again, unchanged: {}",
            repair.failing.short(),
            tested.names()
        ));
        let agent = context.agent.name();
        if !context.agent.capabilities().repair {
            return Ok(self.failed(format!(
                "agent {agent} does not fix tests, and they fail again"
            )));
        }
        let policy = repair.policy().await?;
        let mut from = repair.failing.clone();
        let mut conversation = repair.request.conversation.clone();
        for round in 1..=context.options.fix_rounds {
            if context.cancel.is_cancelled() {
                return Err(PortError::new(ErrorClass::Cancelled, "repair failing tests").into());
            }
            let findings = std::mem::take(&mut self.findings);
            let start = Start {
                round,
                commit: &from,
                tested: &tested,
                findings: &findings,
                conversation: conversation.as_ref(),
            };
            let fixed = match repair.fix(&start).await? {
                Left::Changed {
                    commit,
                    conversation: led,
                    ..
                } => {
                    conversation = led.or(conversation);
                    commit
                }
                Left::Unchanged { summary } => {
                    let said = summary
                        .lines()
                        .next()
                        .map(|line| format!(" ({line})"))
                        .unwrap_or_default();
                    self.tried.push(format!(
                        "round {round}: agent {agent} changed nothing{said}"
                    ));
                    self.findings = findings;
                    return Ok(self.ended("the last round changed nothing"));
                }
                Left::Failed { failure } => {
                    if let ErrorClass::QuotaExhausted { until }
                    | ErrorClass::RateLimited { until } = failure.class
                    {
                        let wait = context.options.retry.quota_wait;
                        let until = until.unwrap_or_else(|| later(context.clock.now(), wait));
                        return Ok(StrategyOutcome::Park { until });
                    }
                    self.tried.push(format!(
                        "round {round}: agent {agent} failed: {}",
                        failure.message
                    ));
                    self.findings = vec![failure.message];
                    self.is_refused = false;
                    continue;
                }
            };
            let diff = context.git.diff(repair.failing, &fixed, DIFF_BYTES).await?;
            if let Some(outcome) = self.judge(repair, round, &policy, &diff, &fixed).await? {
                if outcome == Judged::Circle {
                    return Ok(self.ended("the same fix came twice"));
                }
                continue;
            }
            let name = format!("recovery-test-{round}");
            let now = repair.test_step(&name, &fixed, Some(&tested)).await?;
            if now.passed {
                if !self.hides(repair, round, &policy, &diff, &fixed).await? {
                    return Ok(StrategyOutcome::Repaired { commit: fixed });
                }
                if self.repeats(&[], &diff) {
                    return Ok(self.ended("the same fix came twice"));
                }
                continue;
            }
            self.tried.push(format!(
                "round {round}: {} still fails: {}",
                fixed.short(),
                now.names()
            ));
            self.is_refused = false;
            if self.repeats(&now.failures, &diff) {
                return Ok(self.ended("the same tests fail with the same change"));
            }
            let broken = broken(&tested, &now);
            let taken_back = format!("the fix of round {round} was taken back, since");
            if !broken.is_empty() {
                let broken = broken.join(", ");
                self.findings = vec![format!(
                    "{taken_back} tests failed that had passed before it: {broken}"
                )];
            } else if is_the_same(&tested, &now) {
                self.findings = vec![format!("{taken_back} nothing was better with it")];
            } else {
                self.findings = vec![format!(
                    "the fix of round {round}, which is in the clone, is not enough: {}",
                    now.names()
                )];
                from = fixed;
                tested = now;
            }
        }
        Ok(self.ended("no round brought a fix"))
    }

    /// Refuses a fix for what it does to tests.
    async fn judge(
        &mut self,
        repair: &Repair<'_>,
        round: u32,
        policy: &Policy,
        diff: &Diff,
        fixed: &CommitId,
    ) -> Result<Option<Judged>, Stop> {
        let files = repair.changed_files(diff, fixed).await?;
        let findings: Vec<String> = match files {
            Some(files) => integrity::check(&files, policy)
                .findings
                .iter()
                .map(ToString::to_string)
                .collect(),
            None => vec![format!("the fix changes {} files", diff.files.len())],
        };
        if findings.is_empty() {
            return Ok(None);
        }
        self.tried.push(format!(
            "round {round}: {} is refused: {}",
            fixed.short(),
            findings[0]
        ));
        self.findings = findings;
        self.findings.truncate(MAX_FINDINGS);
        self.is_refused = true;
        let circle = self.repeats(&[], diff);
        Ok(Some(if circle {
            Judged::Circle
        } else {
            Judged::Refused
        }))
    }

    /// Whether the tests pass without the fix's other changes.
    async fn hides(
        &mut self,
        repair: &Repair<'_>,
        round: u32,
        policy: &Policy,
        diff: &Diff,
        fixed: &CommitId,
    ) -> Result<bool, Stop> {
        // Without changes to tests, the rerun has shown that they fail.
        let Some(alone) = repair.tests_alone(diff, fixed, policy).await? else {
            return Ok(false);
        };
        let name = format!("recovery-without-{round}");
        let without = repair.test_step(&name, &alone, None).await?;
        if !without.passed {
            return Ok(false);
        }
        let finding = "the tests pass with the fix's changes to tests alone: it changes what is tested, not what is wrong";
        self.tried.push(format!(
            "round {round}: {} is refused: {finding}",
            fixed.short()
        ));
        self.findings = vec![finding.to_owned()];
        self.is_refused = true;
        Ok(true)
    }

    fn repeats(&mut self, failing: &[core_types::FailedTest], diff: &Diff) -> bool {
        let mut changed = diff.text.clone();
        for file in &diff.files {
            changed.push_str(&format!("{} {}\n", file.status, file.path));
        }
        self.progress.repeats(failing, changed.as_bytes())
    }

    fn failed(&self, reason: String) -> StrategyOutcome {
        StrategyOutcome::Failed {
            reason,
            tried: self.tried.clone(),
        }
    }

    fn ended(&self, reason: &str) -> StrategyOutcome {
        if !self.is_refused {
            return self.failed(format!("the failing tests could not be fixed: {reason}"));
        }
        // The findings of the last fix, wherever they were handed on.
        StrategyOutcome::Refused {
            reason: "the fix changes the tests instead of what they test".to_owned(),
            evidence: self.tried.iter().chain(&self.findings).cloned().collect(),
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Judged {
    Refused,
    Circle,
}

/// Tests that fail now and did not before, as far as both runs name them.
fn broken(before: &Tested, now: &Tested) -> Vec<String> {
    if before.failures.is_empty() || before.narrowed || now.narrowed {
        return Vec::new();
    }
    let known: BTreeSet<_> = before.failures.iter().map(|test| &test.name).collect();
    let new = now.failures.iter().map(|test| &test.name);
    new.filter(|name| !known.contains(name))
        .take(MAX_FINDINGS)
        .cloned()
        .collect()
}

/// Whether the same tests fail with the same words, as far as both runs name them.
fn is_the_same(before: &Tested, now: &Tested) -> bool {
    let said = |tested: &Tested| -> BTreeSet<(String, String)> {
        let tests = tested.failures.iter();
        tests
            .map(|test| (test.name.clone(), test.message.clone()))
            .collect()
    };
    !now.failures.is_empty() && said(before) == said(now)
}

fn later(now: Timestamp, wait: std::time::Duration) -> Timestamp {
    let millis = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
    Timestamp(now.0.saturating_add(millis))
}
