//! What people say of work that was handed off: try it again, or leave it out.

use std::collections::BTreeSet;

use core_types::{
    Event, Message, Plan, RepositoryName, Scope, StepKey, StepRef, Task, TaskId, TaskStatus,
    step::{Fingerprint, StepState},
};
use serde::{Deserialize, Serialize};

use crate::{
    Error,
    coordination::{any_of, completed, graph, nodes},
    run::Run,
    task::ended_in,
};

/// How many attempts one round of a repository's stages may number.
const ATTEMPTS_A_ROUND: u32 = 1000;

/// All that was reopened in a run so far, in the order of the messages.
///
/// A task that failed is tried in *rounds*: the first, and one more for each
/// message that reopens it, or what it depends on. Attempts are numbered
/// through; the end of each round is recorded by itself.
#[derive(Debug, Default)]
pub(crate) struct Reopened {
    records: Vec<Record>,
}

/// What one message reopened, as it is recorded.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Record {
    /// What the message named.
    scope: Scope,
    word: Word,
    /// The task it named, and what had been skipped because of it.
    tasks: BTreeSet<TaskId>,
    /// The repositories of these tasks, or the one it named.
    repositories: BTreeSet<RepositoryName>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "word", content = "text")]
enum Word {
    Retry(Option<String>),
    Answer(String),
    Skip,
}

impl Reopened {
    /// Takes each message once: what it reopens is decided when it is first seen, and recorded.
    pub(crate) async fn take(run: &Run, plan: &Plan) -> Result<Self, Error> {
        let mut reopened = Self::default();
        for (number, message) in (1..).zip(run.ports.inbox.messages().await?) {
            let (scope, word) = match message {
                Message::Answer { scope, text } => (scope, Word::Answer(text)),
                Message::Retry { scope, description } => (scope, Word::Retry(description)),
                Message::Skip { task } => (Scope::Task(task), Word::Skip),
                _ => continue,
            };
            let key = StepKey::new(Scope::Run, number, "reopen");
            let record: Option<Record> = run
                .step(key, Fingerprint::new(), |step| {
                    let record = reopened.decide(run, plan, scope, word, &step);
                    std::future::ready(Ok(record))
                })
                .await?;
            reopened.records.extend(record);
        }
        Ok(reopened)
    }

    fn decide(
        &self,
        run: &Run,
        plan: &Plan,
        scope: Scope,
        word: Word,
        step: &StepRef,
    ) -> Option<Record> {
        let affected = match &scope {
            Scope::Task(id) => self.reopened_with(run, plan, id),
            Scope::Repository(name) => self.is_tested(run, name).then(|| {
                let (tasks, mut repositories) = self.skipped_behind(run, plan, &completed(name));
                repositories.insert(name.clone());
                (tasks, repositories)
            }),
            Scope::Run => None,
        };
        let Some((tasks, repositories)) = affected else {
            let what = match &scope {
                Scope::Task(id) => format!("task {id} has not failed"),
                Scope::Repository(name) => format!("no test of repository {name} has failed"),
                Scope::Run => "it names neither a task nor a repository".to_owned(),
            };
            let message = format!("what was said has no effect: {what}");
            run.emit(Some(step), Event::Warning { message });
            return None;
        };
        for task in &tasks {
            let event = Event::TaskChanged {
                task: task.clone(),
                status: TaskStatus::Waiting,
                attempt: 0,
                failure: None,
                because_of: None,
            };
            run.emit(Some(step), event);
        }
        Some(Record {
            scope,
            word,
            tasks,
            repositories,
        })
    }

    /// A task that has failed, and what was skipped because of it.
    fn reopened_with(
        &self,
        run: &Run,
        plan: &Plan,
        id: &TaskId,
    ) -> Option<(BTreeSet<TaskId>, BTreeSet<RepositoryName>)> {
        let status = ended_in(run, id, self.round(id)).ok().flatten()?.status;
        if status.is_good() || status == TaskStatus::Skipped {
            return None;
        }
        let (mut tasks, mut repositories) = self.skipped_behind(run, plan, id.as_str());
        let own = plan.tasks.iter().find(|task| task.id == *id)?;
        repositories.insert(own.repository.clone());
        tasks.insert(id.clone());
        Some((tasks, repositories))
    }

    /// The tasks that were skipped and wait for a node of the run's graph, also
    /// through others and through gates; and their repositories.
    fn skipped_behind(
        &self,
        run: &Run,
        plan: &Plan,
        node: &str,
    ) -> (BTreeSet<TaskId>, BTreeSet<RepositoryName>) {
        let nodes = nodes(plan, run.settings.change_set.as_ref());
        let Ok(graph) = graph(&nodes) else {
            return Default::default();
        };
        let mut behind = BTreeSet::new();
        let mut open = vec![node.to_owned()];
        while let Some(node) = open.pop() {
            let dependents = graph.dependents(&node).map(|id| id.to_string());
            for id in dependents.chain(any_of(&nodes, &node)) {
                if behind.insert(id.clone()) {
                    open.push(id);
                }
            }
        }
        let is_skipped = |task: &&Task| {
            let end = ended_in(run, &task.id, self.round(&task.id)).ok().flatten();
            behind.contains(task.id.as_str())
                && end.is_some_and(|end| end.status == TaskStatus::Skipped)
        };
        let skipped = plan.tasks.iter().filter(is_skipped);
        skipped
            .map(|task| (task.id.clone(), task.repository.clone()))
            .unzip()
    }

    /// Whether the repository's integration head was tested in its present round and nothing was proposed.
    fn is_tested(&self, run: &Run, name: &RepositoryName) -> bool {
        let first = self.first_attempt(name);
        let state = |step| {
            let key = StepKey::new(Scope::Repository(name.clone()), first, step);
            run.ports.steps.state(&key)
        };
        matches!(state("test"), StepState::Finished { .. })
            && matches!(state("pull-request"), StepState::New)
    }

    /// How often anything was reopened.
    pub(crate) fn rounds_so_far(&self) -> u32 {
        u32::try_from(self.records.len()).unwrap_or(u32::MAX)
    }

    /// The round that a task is in, from 1.
    pub(crate) fn round(&self, task: &TaskId) -> u32 {
        let reopened = self.records.iter().filter(|it| it.tasks.contains(task));
        u32::try_from(reopened.count()).map_or(u32::MAX, |count| count.saturating_add(1))
    }

    /// The number of the first attempt at a repository's stages in its present round.
    pub(crate) fn first_attempt(&self, repository: &RepositoryName) -> u32 {
        let reopened = self
            .records
            .iter()
            .filter(|it| it.repositories.contains(repository));
        let rounds = u32::try_from(reopened.count()).unwrap_or(u32::MAX);
        rounds.saturating_mul(ATTEMPTS_A_ROUND).saturating_add(1)
    }

    /// A task as people have reworded it.
    pub(crate) fn reworded(&self, task: &Task) -> Task {
        let mut task = task.clone();
        for word in self.words(&Scope::Task(task.id.clone())) {
            match word {
                Word::Retry(Some(description)) => task.description.clone_from(description),
                Word::Answer(text) => {
                    task.description
                        .push_str("\n\nA person says of this task:\n\n");
                    task.description.push_str(text);
                }
                Word::Retry(None) | Word::Skip => {}
            }
        }
        task
    }

    /// What people have answered to the hand-offs of a scope, oldest first.
    pub(crate) fn answers(&self, scope: &Scope) -> Vec<String> {
        let answers = self.words(scope).filter_map(|word| match word {
            Word::Answer(text) => Some(text.clone()),
            Word::Retry(_) | Word::Skip => None,
        });
        answers.collect()
    }

    /// Whether a person has said to go on without a task.
    pub(crate) fn is_left_out(&self, task: &TaskId) -> bool {
        let last = self.words(&Scope::Task(task.clone())).last();
        last == Some(&Word::Skip)
    }

    fn words(&self, scope: &Scope) -> impl Iterator<Item = &Word> {
        let of_scope = self.records.iter().filter(move |it| it.scope == *scope);
        of_scope.map(|record| &record.word)
    }
}
