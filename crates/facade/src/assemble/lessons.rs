//! What runs learn: the feedback of a home, the advice that prompts get, and the record of a session.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use config::automation::{KeepPrompts as Kept, Learning};
use core_types::{
    CommitId, ErrorClass, Event, Plan, RepositoryName, Review, Scope, TaskId, TaskStatus,
    TokenUsage, Usd,
};
use cost::Spending;
use engine_checkpoint::RunView;
use engine_workflow::RepositoryPorts;
use forges::Forge;
use learning::{
    Execution, Exploration, FeedbackLoop, KeepPrompts, KeptPrompt, LessonKind, NewLesson, Options,
    Outcome, Provenance, Source, Trust, guidance,
};
use serde::{Deserialize, Serialize};

use super::{
    Error, Home, RunRecord, Surroundings,
    models::optimizer_of,
    on_forge::Accounts,
    proposals,
    record::view,
    request::configured,
    spending::{open_ledger, planned},
};

/// What a run learns, as its journal keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LearningRecord {
    /// Whether the text of prompts is kept, instead of a hash.
    pub keeps_prompts: bool,
    /// The share of tasks in which chance decides which lessons their prompts get.
    pub exploration: f64,
}

impl LearningRecord {
    pub(crate) fn keep(&self) -> KeepPrompts {
        match self.keeps_prompts {
            true => KeepPrompts::Full,
            false => KeepPrompts::Hash,
        }
    }

    /// What is configured; `None` where nothing is learnt.
    pub(crate) fn from_config(configured: &Learning) -> Option<Self> {
        configured.enabled.then(|| Self::new(configured))
    }

    /// What is configured, whether or not runs learn.
    fn new(configured: &Learning) -> Self {
        Self {
            keeps_prompts: configured.prompts == Kept::Full,
            exploration: configured.exploration,
        }
    }
}

/// The feedback of a home, as the configuration says it now.
///
/// # Errors
///
/// What is wrong with the configuration; [`Error::Learning`] where it cannot be read.
pub fn open_feedback(home: &Home, surroundings: &Surroundings) -> Result<FeedbackLoop, Error> {
    let learning = configured(home, surroundings)?.learning;
    open(home, surroundings, &LearningRecord::new(&learning))
}

pub(crate) fn open(
    home: &Home,
    surroundings: &Surroundings,
    record: &LearningRecord,
) -> Result<FeedbackLoop, Error> {
    let options = Options {
        journal: surroundings.journal.clone(),
        clock: surroundings.clock.clone(),
        keep_prompts: record.keep(),
        exploration: Exploration {
            share: record.exploration,
            ..Exploration::default()
        },
        ..Options::default()
    };
    Ok(FeedbackLoop::open_with(
        home.state().join("feedback"),
        options,
    )?)
}

/// Adds a rule of a person, or those of a file such as AGENTS.md, as candidates. Returns the lessons
/// in order.
///
/// # Errors
///
/// As [`open_feedback`]; a rule that is empty or too long.
///
/// # Cancel safety
///
/// Dropped, some may have been added.
pub async fn propose(
    home: &Home,
    surroundings: &Surroundings,
    rules: Rules<'_>,
    repository: Option<RepositoryName>,
) -> Result<Vec<learning::LessonId>, Error> {
    let lessons = match rules {
        Rules::One(text) => vec![NewLesson::new(LessonKind::Convention, text, Source::Person)],
        Rules::File { name, text } => guidance(name, text),
    };
    let feedback = open_feedback(home, surroundings)?;
    home.ensure()?;
    let mut ids = Vec::new();
    for mut lesson in lessons {
        if let Some(repository) = &repository {
            lesson = lesson.repository(repository.clone());
        }
        ids.push(feedback.propose(lesson).await?.id());
    }
    Ok(ids)
}

/// Rules that a person gives.
#[derive(Debug, Clone, Copy)]
pub enum Rules<'a> {
    /// One line.
    One(&'a str),
    /// The items of lists of a file for agents.
    File {
        /// Its name.
        name: &'a str,
        /// What it says.
        text: &'a str,
    },
}

/// Removes what was recorded of attempts that are older than the configured retention; no statistic
/// changes by it. Returns how many there were.
///
/// # Errors
///
/// As [`open_feedback`].
///
/// # Cancel safety
///
/// Dropped, it may happen or not.
pub async fn forget_old(home: &Home, surroundings: &Surroundings) -> Result<u64, Error> {
    let Some(max_age) = configured(home, surroundings)?.retention.max_age else {
        return Ok(0);
    };
    if !home.state().join("feedback").exists() {
        return Ok(0);
    }
    let feedback = open_feedback(home, surroundings)?;
    Ok(feedback.cleanup_old_feedback(max_age).await?)
}

/// Takes in what a session of a run has left in its journal: attempts that have ended, and lessons. What is
/// known already stays as it is, so that it may be done after every session, and again after a crash.
pub(crate) async fn learn_from(
    feedback: &FeedbackLoop,
    home: &Home,
    surroundings: &Surroundings,
    record: &RunRecord,
    provenance: Provenance,
    repositories: &BTreeMap<RepositoryName, RepositoryPorts>,
) -> Result<(), Error> {
    let run = &record.settings.run;
    let view = view(home, run, surroundings)?;
    let plan = planned(&view).map_err(|source| Error::Record {
        run: run.clone(),
        source,
    })?;
    // Before the attempts: what agents read anyway is not watched in them.
    // First in the list: what people say is tried before what a machine has noticed.
    let mut lessons = proposals::priors(feedback, &view, repositories).await?;
    if let Some(plan) = &plan {
        record_attempts(
            feedback,
            home,
            surroundings,
            record,
            provenance,
            &view,
            plan,
        )
        .await?;
    }
    lessons.extend(proposals::of_run(&view, plan.as_ref(), record));
    feedback.propose_found(lessons).await?;
    Ok(())
}

/// Who asked for a run. Whoever writes an issue on a forge without the right to push to its repository is an
/// outsider, as is one of whom the forge does not answer; all others are people of this home.
pub(crate) async fn provenance(
    home: &Home,
    surroundings: &Surroundings,
    record: &RunRecord,
    others: Arc<dyn Forge>,
) -> Provenance {
    let author = record.settings.issue.author.clone();
    let by = |trust| Provenance { trust, author };
    let Some((name, _)) = &record.settings.issue_home else {
        return by(Trust::Person);
    };
    let sources = record.sources.iter().filter(|it| it.name == *name);
    let sources: Vec<_> = sources.cloned().collect();
    if sources.iter().all(|it| it.on_forge.is_none()) {
        return by(Trust::Person);
    }
    let Ok(accounts) = Accounts::open(&sources, None, others, home, surroundings).await else {
        return by(Trust::Outsider);
    };
    let Some(account) = accounts.get(name) else {
        // A program has registered its own provider: its issues are its own.
        return by(Trust::Person);
    };
    match account
        .repository
        .may_write(&record.settings.issue.author)
        .await
    {
        Ok(true) => by(Trust::Person),
        Ok(false) | Err(_) => by(Trust::Outsider),
    }
}

/// Records the attempts that have ended.
async fn record_attempts(
    feedback: &FeedbackLoop,
    home: &Home,
    surroundings: &Surroundings,
    record: &RunRecord,
    provenance: Provenance,
    view: &RunView,
    plan: &Plan,
) -> Result<(), Error> {
    let run = &record.settings.run;
    let spending = open_ledger(home, surroundings, Some(record))?.spending()?;
    let optimizer = optimizer_of(home, surroundings, record)?;
    let (mut executions, mut reviews) = (Vec::new(), Vec::new());
    for (task, attempt, seen, review) in ended_attempts(view, plan) {
        let Some(planned) = plan.tasks.iter().find(|it| it.id == *task) else {
            continue;
        };
        let complexity = optimizer.select(planned).explanation.score;
        let (model, cost) = charged(&spending, record, task, &seen);
        let mut execution = Execution::new(run.clone(), task.clone(), seen.outcome())
            .attempt(attempt)
            .repository(planned.repository.clone())
            .title(&planned.title)
            .model(model)
            .usage(seen.usage, cost)
            .duration(seen.duration)
            .provenance(provenance.clone())
            .metadata("complexity", complexity);
        if let Some(commit) = seen.commit {
            execution = execution.commit(commit);
        }
        execution = match seen.prompt {
            Some(prompt) => execution.kept_prompt(prompt),
            // A run of before prompts were told.
            None => execution.prompt(&planned.description),
        };
        if let Some(review) = review {
            reviews.push((task.clone(), attempt, review.clone()));
            execution = execution.review(review);
        }
        executions.push(execution);
    }
    if !executions.is_empty() {
        feedback.record_executions(executions).await?;
    }
    // Those of attempts that an earlier session has recorded.
    feedback.record_reviews(run, reviews).await?;
    Ok(())
}

/// The model that worked on a task, and what it cost, where the ledger can tell both.
fn charged(
    spending: &Spending,
    record: &RunRecord,
    task: &TaskId,
    seen: &Seen,
) -> (String, Option<Usd>) {
    let rows = spending.rows.iter();
    let rows: Vec<_> = rows
        .filter(|row| row.scope.run == record.settings.run)
        .filter(|row| row.scope.task.as_ref() == Some(task))
        .collect();
    let most = rows.iter().max_by_key(|row| row.spent);
    let model = most.map_or_else(|| record.agent.model.clone(), |row| row.model.clone());
    let spent = rows.iter().map(|row| row.spent);
    let spent = spent.fold(Usd::ZERO, Usd::saturating_add);
    // The ledger knows tasks, not attempts.
    let is_alone = seen.attempts == 1 && !rows.is_empty();
    (model, is_alone.then_some(spent))
}

/// What events say of one attempt.
#[derive(Debug, Clone, Default)]
struct Seen {
    status: Option<TaskStatus>,
    /// What it failed with.
    class: Option<ErrorClass>,
    tests: Option<bool>,
    merged: bool,
    usage: TokenUsage,
    duration: Duration,
    commit: Option<CommitId>,
    prompt: Option<KeptPrompt>,
    /// How many attempts at the task there were.
    attempts: u32,
}

impl Seen {
    /// What tests and the merge have measured. An attempt that a host, a limit or a person ended was
    /// cut off: it says nothing of what its agent was told.
    fn outcome(&self) -> Outcome {
        let status = match (self.status, self.class) {
            (None | Some(TaskStatus::Failed), Some(class)) if is_cut_off(class) => {
                TaskStatus::Cancelled
            }
            (status, _) => status.unwrap_or(TaskStatus::Failed),
        };
        Outcome {
            tests: self.tests,
            merged: self.merged.then_some(true),
            ..Outcome::of(status)
        }
    }
}

/// Whether an attempt that failed with this class was cut off, rather than wrong.
const fn is_cut_off(class: ErrorClass) -> bool {
    matches!(
        class,
        ErrorClass::Transient
            | ErrorClass::RateLimited { .. }
            | ErrorClass::QuotaExhausted { .. }
            | ErrorClass::ResourceExhausted
            | ErrorClass::BudgetExceeded
            | ErrorClass::Unauthorized
            | ErrorClass::Cancelled
            | ErrorClass::UnknownOutcome
    )
}

/// The attempts that have ended: each task's last one by its end, the ones before by having another after them.
fn ended_attempts<'a>(
    view: &RunView,
    plan: &'a Plan,
) -> Vec<(&'a TaskId, u32, Seen, Option<Review>)> {
    let mut attempts: BTreeMap<(TaskId, u32), Seen> = BTreeMap::new();
    let mut reviews: BTreeMap<RepositoryName, Review> = BTreeMap::new();
    let mut ended: BTreeSet<(TaskId, u32)> = BTreeSet::new();
    for (_, record) in view.events() {
        if let Event::TaskChanged {
            task,
            status,
            attempt,
            failure,
            ..
        } = &record.event
        {
            if *attempt > 0 {
                let key = (task.clone(), *attempt);
                let seen = attempts.entry(key.clone()).or_default();
                seen.status = Some(*status);
                if let Some(failure) = failure {
                    seen.class = Some(failure.class);
                }
                if status.has_ended() {
                    ended.insert(key);
                } else {
                    ended.remove(&key);
                }
            }
            continue;
        }
        if let Event::RepositoryReviewed {
            repository,
            review: Some(review),
        } = &record.event
        {
            reviews.insert(repository.clone(), review.clone());
            continue;
        }
        let Some((Scope::Task(task), step)) = record
            .step
            .as_ref()
            .map(|step| (&step.key.scope, &step.key))
        else {
            continue;
        };
        let seen = attempts.entry((task.clone(), step.attempt)).or_default();
        match &record.event {
            Event::CommandEnded {
                purpose, passed, ..
            } if purpose == "test" => seen.tests = Some(*passed),
            Event::AgentEnded {
                usage, duration, ..
            } => {
                seen.usage = seen.usage.plus(usage);
                seen.duration += *duration;
            }
            Event::ChangeCaptured { commit, .. } => seen.commit = Some(commit.clone()),
            Event::TaskMerged { .. } => seen.merged = true,
            Event::RecoveryStarted { class, .. } => seen.class = Some(*class),
            Event::PromptGiven {
                hash,
                text,
                secrets,
            } => {
                seen.prompt = Some(KeptPrompt {
                    hash: hash.clone(),
                    text: text.clone(),
                    secrets: *secrets,
                });
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    for task in &plan.tasks {
        let of_task = attempts
            .iter()
            .filter(|((id, _), seen)| *id == task.id && seen.status.is_some());
        let of_task: Vec<_> = of_task.collect();
        let last = of_task.last().map(|((_, attempt), _)| *attempt);
        for ((id, attempt), seen) in &of_task {
            let is_last = Some(*attempt) == last;
            let mut seen = (*seen).clone();
            seen.attempts = u32::try_from(of_task.len()).unwrap_or(u32::MAX);
            if is_last && !ended.contains(&(id.clone(), *attempt)) {
                continue;
            }
            if !is_last && seen.status.is_none_or(|it| !it.has_ended()) {
                seen.status = Some(TaskStatus::Failed);
            }
            let review = reviews
                .get(&task.repository)
                .filter(|_| is_last && seen.merged);
            found.push((&task.id, *attempt, seen, review.cloned()));
        }
    }
    found
}

/// The advisor of a run.
pub(crate) fn advisor(feedback: FeedbackLoop) -> Arc<dyn core_types::PromptAdvisor> {
    Arc::new(learning::Advisor::new(feedback))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_cut_off_is_no_evidence() {
        let failed = |class| Seen {
            status: Some(TaskStatus::Failed),
            class: Some(class),
            ..Seen::default()
        };
        for class in [ErrorClass::Transient, ErrorClass::BudgetExceeded] {
            assert!(!failed(class).outcome().is_measured(), "{class:?}");
        }
        for class in [ErrorClass::TestFailure, ErrorClass::Internal] {
            assert!(failed(class).outcome().is_measured(), "{class:?}");
        }
        let repaired = Seen {
            status: Some(TaskStatus::Succeeded),
            tests: Some(true),
            ..failed(ErrorClass::Transient)
        };
        assert!(repaired.outcome().is_success());
    }
}
