//! What a run spends. Every execution of a step counts: what it used, it used.

use std::collections::{BTreeMap, HashMap};

use core_types::{
    Event, EventRecord, OperationId, RepositoryName, Scope, Stage, StepRef, TaskId, Timestamp,
    TokenUsage, Usd,
};

use crate::fold::{Amounts, Call, Spend, SpendPoint, component};

/// The calls of a run's agents, and the limit.
#[derive(Debug, Clone, Default)]
pub(super) struct Account {
    stage: Option<Stage>,
    calls: Vec<Paid>,
    by_step: HashMap<StepRef, usize>,
    by_operation: HashMap<OperationId, usize>,
    spent: Usd,
    reserved: Usd,
    limit: Option<Usd>,
    course: Vec<SpendPoint>,
}

/// A call with what it was for.
#[derive(Debug, Clone)]
pub(super) struct Paid {
    pub(super) call: Call,
    pub(super) scope: Option<Scope>,
    /// The attempt of its step; 0 outside of one.
    pub(super) attempt: u32,
    component: &'static str,
}

impl Paid {
    fn amounts(&self) -> Amounts {
        Amounts {
            calls: 1,
            spent: self.call.spent.unwrap_or_default(),
            usage: self.call.usage,
        }
    }
}

impl Account {
    pub(super) fn apply(&mut self, record: &EventRecord) {
        let (at, step) = (record.at, record.step.as_ref());
        match &record.event {
            Event::StageStarted { stage } => self.stage = Some(*stage),
            Event::BudgetSet { limit } => {
                self.limit = Some(*limit);
                self.point(at);
            }
            Event::AgentStarted { agent, model } => {
                let call = self.call(step, None);
                call.agent.clone_from(agent);
                call.started = Some(at);
                if let Some(model) = model {
                    call.model.clone_from(&model.model);
                }
            }
            Event::AgentEnded {
                agent,
                usage,
                duration,
            } => {
                let call = self.call(step, None);
                call.agent.clone_from(agent);
                call.duration_ms = Some(millis(*duration));
                // The account's word counts more.
                if call.spent.is_none() {
                    call.usage = *usage;
                }
            }
            Event::SpendReserved { operation, amount } => {
                let call = self.call(step, Some(operation));
                let before = std::mem::replace(&mut call.reserved, *amount);
                self.reserved = self.reserved.saturating_sub(before).saturating_add(*amount);
                self.point(at);
            }
            Event::SpendSettled {
                operation,
                model,
                usage,
                amount,
            } => {
                let call = self.call(step, Some(operation));
                // The account may not know what the agent was given.
                if !model.is_empty() {
                    call.model.clone_from(model);
                }
                call.usage = *usage;
                let released = std::mem::take(&mut call.reserved);
                let before = call.spent.replace(*amount).unwrap_or_default();
                self.reserved = self.reserved.saturating_sub(released);
                self.spent = self.spent.saturating_sub(before).saturating_add(*amount);
                self.point(at);
            }
            _ => {}
        }
    }

    fn point(&mut self, at: Timestamp) {
        self.course.push(SpendPoint {
            at,
            spent: self.spent,
            reserved: self.reserved,
            limit: self.limit,
        });
    }

    /// The call of a step's execution, or of an operation where the event has no step.
    fn call(&mut self, step: Option<&StepRef>, operation: Option<&OperationId>) -> &mut Call {
        let known = match (operation, step) {
            (Some(operation), _) if self.by_operation.contains_key(operation) => {
                self.by_operation.get(operation)
            }
            (_, Some(step)) => self.by_step.get(step),
            (_, None) => None,
        };
        let call_idx = known.copied().unwrap_or_else(|| {
            self.calls.push(Paid {
                call: Call {
                    agent: String::new(),
                    model: String::new(),
                    step: step.map_or_else(String::new, |step| step.key.name.to_string()),
                    execution: step.map_or(0, |step| step.execution),
                    started: None,
                    duration_ms: None,
                    usage: TokenUsage::default(),
                    spent: None,
                    reserved: Usd::ZERO,
                },
                scope: step.map(|step| step.key.scope.clone()),
                attempt: step.map_or(0, |step| step.key.attempt),
                component: component(self.stage, step),
            });
            self.calls.len() - 1
        });
        if let Some(step) = step {
            self.by_step.entry(step.clone()).or_insert(call_idx);
        }
        if let Some(operation) = operation {
            self.by_operation
                .entry(operation.clone())
                .or_insert(call_idx);
        }
        &mut self.calls[call_idx].call
    }

    pub(super) const fn spent(&self) -> Usd {
        self.spent
    }

    pub(super) const fn reserved(&self) -> Usd {
        self.reserved
    }

    pub(super) const fn limit(&self) -> Option<Usd> {
        self.limit
    }

    /// The calls for a task, in order.
    pub(super) fn of_task(&self, task: &TaskId) -> impl Iterator<Item = &Paid> {
        self.calls
            .iter()
            .filter(move |paid| matches!(&paid.scope, Some(Scope::Task(id)) if id == task))
    }

    /// What each task has spent.
    pub(super) fn by_task(&self) -> BTreeMap<TaskId, Amounts> {
        let mut by_task: BTreeMap<TaskId, Amounts> = BTreeMap::new();
        for paid in &self.calls {
            if let Some(Scope::Task(task)) = &paid.scope {
                by_task
                    .entry(task.clone())
                    .or_default()
                    .add(&paid.amounts());
            }
        }
        by_task
    }

    /// All of it; `repository` says where a task is done.
    pub(super) fn spend<'a>(
        &'a self,
        repository: impl Fn(&TaskId) -> Option<&'a RepositoryName>,
    ) -> Spend {
        let mut spend = Spend {
            spent: self.spent,
            reserved: self.reserved,
            limit: self.limit,
            by_task: self.by_task(),
            course: self.course.clone(),
            ..Spend::default()
        };
        for paid in &self.calls {
            let amounts = paid.amounts();
            let repository = match &paid.scope {
                Some(Scope::Task(task)) => repository(task),
                Some(Scope::Repository(name)) => Some(name),
                Some(Scope::Run) | None => None,
            };
            let repository = repository.map_or_else(String::new, ToString::to_string);
            let usage = &amounts.usage;
            let has_input = usage.input + usage.cache_write_5m + usage.cache_write_1h > 0;
            spend.calls += 1;
            spend.cache_hits += u64::from(usage.cache_read > 0);
            spend.cache_misses += u64::from(usage.cache_read == 0 && has_input);
            spend.usage = spend.usage.plus(&amounts.usage);
            let model = paid.call.model.clone();
            spend.by_model.entry(model).or_default().add(&amounts);
            let component = paid.component.to_owned();
            spend
                .by_component
                .entry(component)
                .or_default()
                .add(&amounts);
            spend
                .by_repository
                .entry(repository)
                .or_default()
                .add(&amounts);
        }
        spend
    }
}

/// A duration in whole milliseconds.
pub(super) fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
