//! All families, made of the catalogue.

use super::{
    catalogue::{self, Kind, Spec},
    encode::Encode,
    series::{Counter, Dollars, Family, Gauge, Histogram, Info},
};

#[derive(Debug)]
pub(super) struct Families {
    pub(super) workflow_executions: Family<Counter>,
    pub(super) workflow_duration: Family<Histogram>,
    pub(super) active_workflows: Family<Gauge>,
    pub(super) api_calls: Family<Counter>,
    pub(super) api_call_duration: Family<Histogram>,
    pub(super) task_executions: Family<Counter>,
    pub(super) task_duration: Family<Histogram>,
    pub(super) errors: Family<Counter>,
    pub(super) recovery_attempts: Family<Counter>,
    pub(super) cache_hits: Family<Counter>,
    pub(super) cache_misses: Family<Counter>,
    pub(super) estimated_cost: Family<Gauge>,
    pub(super) token_usage: Family<Counter>,
    pub(super) system_info: Info,

    pub(super) tasks: Family<Gauge>,
    pub(super) task_queue: Family<Histogram>,
    pub(super) worker_slots: Family<Gauge>,
    pub(super) tasks_without_slot: Family<Gauge>,
    pub(super) runs: Family<Counter>,
    pub(super) run_resumes: Family<Counter>,
    pub(super) gates_waiting: Family<Gauge>,
    pub(super) critical_path_due: Family<Gauge>,
    pub(super) recovery_outcomes: Family<Counter>,
    pub(super) recovery_duration: Family<Histogram>,
    pub(super) agent_duration: Family<Histogram>,
    pub(super) commands: Family<Counter>,
    pub(super) budget_limit: Family<Gauge>,
    pub(super) budget_spent: Family<Gauge>,
    pub(super) budget_reserved: Family<Gauge>,
    pub(super) spend: Family<Dollars>,
    pub(super) ledger_entries: Family<Counter>,
    pub(super) price_table: Family<Gauge>,
    pub(super) lesson_tasks: Family<Counter>,
    pub(super) events: Family<Counter>,
    pub(super) last_event: Family<Gauge>,
    pub(super) silent_since: Family<Gauge>,
    series_overflow: Family<Counter>,
}

impl Families {
    /// With what can be enumerated at 0.
    pub(super) fn new(max_series: usize) -> Self {
        let series_overflow = Family::new(
            &catalogue::SERIES_OVERFLOW,
            usize::MAX,
            Counter::default(),
            Counter::default,
        );
        let make = Make {
            max_series,
            overflow: &series_overflow,
        };
        Self {
            workflow_executions: make.family(&catalogue::WORKFLOW_EXECUTIONS),
            workflow_duration: make.histogram(&catalogue::WORKFLOW_DURATION),
            active_workflows: make.family(&catalogue::ACTIVE_WORKFLOWS),
            api_calls: make.family(&catalogue::API_CALLS),
            api_call_duration: make.histogram(&catalogue::API_CALL_DURATION),
            task_executions: make.family(&catalogue::TASK_EXECUTIONS),
            task_duration: make.histogram(&catalogue::TASK_DURATION),
            errors: make.family(&catalogue::ERRORS),
            recovery_attempts: make.family(&catalogue::RECOVERY_ATTEMPTS),
            cache_hits: make.family(&catalogue::CACHE_HITS),
            cache_misses: make.family(&catalogue::CACHE_MISSES),
            estimated_cost: make.family(&catalogue::ESTIMATED_COST),
            token_usage: make.family(&catalogue::TOKEN_USAGE),
            system_info: Info::default(),
            tasks: make.family(&catalogue::TASKS),
            task_queue: make.histogram(&catalogue::TASK_QUEUE),
            worker_slots: make.family(&catalogue::WORKER_SLOTS),
            tasks_without_slot: make.family(&catalogue::TASKS_WITHOUT_SLOT),
            runs: make.family(&catalogue::RUNS),
            run_resumes: make.family(&catalogue::RUN_RESUMES),
            gates_waiting: make.family(&catalogue::GATES_WAITING),
            critical_path_due: make.family(&catalogue::CRITICAL_PATH_DUE),
            recovery_outcomes: make.family(&catalogue::RECOVERY_OUTCOMES_TOTAL),
            recovery_duration: make.histogram(&catalogue::RECOVERY_DURATION),
            agent_duration: make.histogram(&catalogue::AGENT_DURATION),
            commands: make.family(&catalogue::COMMANDS),
            budget_limit: make.family(&catalogue::BUDGET_LIMIT),
            budget_spent: make.family(&catalogue::BUDGET_SPENT),
            budget_reserved: make.family(&catalogue::BUDGET_RESERVED),
            spend: make.family(&catalogue::SPEND),
            ledger_entries: make.family(&catalogue::LEDGER_ENTRIES),
            price_table: make.family(&catalogue::PRICE_TABLE),
            lesson_tasks: make.family(&catalogue::LESSON_TASKS),
            events: make.family(&catalogue::EVENTS_TOTAL),
            last_event: make.family(&catalogue::LAST_EVENT),
            silent_since: make.family(&catalogue::SILENT_SINCE),
            series_overflow,
        }
    }

    /// All families but the info, in the order of the catalogue.
    pub(super) fn list(&self) -> [&dyn Encode; 36] {
        [
            &self.workflow_executions,
            &self.workflow_duration,
            &self.active_workflows,
            &self.api_calls,
            &self.api_call_duration,
            &self.task_executions,
            &self.task_duration,
            &self.errors,
            &self.recovery_attempts,
            &self.cache_hits,
            &self.cache_misses,
            &self.estimated_cost,
            &self.token_usage,
            &self.tasks,
            &self.task_queue,
            &self.worker_slots,
            &self.tasks_without_slot,
            &self.runs,
            &self.run_resumes,
            &self.gates_waiting,
            &self.critical_path_due,
            &self.recovery_outcomes,
            &self.recovery_duration,
            &self.agent_duration,
            &self.commands,
            &self.budget_limit,
            &self.budget_spent,
            &self.budget_reserved,
            &self.spend,
            &self.ledger_entries,
            &self.price_table,
            &self.lesson_tasks,
            &self.events,
            &self.last_event,
            &self.silent_since,
            &self.series_overflow,
        ]
    }
}

struct Make<'a> {
    max_series: usize,
    overflow: &'a Family<Counter>,
}

impl Make<'_> {
    fn family<C: Clone + Default + 'static>(&self, spec: &'static Spec) -> Family<C> {
        Family::new(spec, self.max_series, self.overflow_of(spec), C::default)
    }

    fn histogram(&self, spec: &'static Spec) -> Family<Histogram> {
        let bounds = match spec.kind {
            Kind::Histogram(bounds) => bounds,
            Kind::Counter | Kind::Gauge | Kind::Info => &[],
        };
        let new_cell = move || Histogram::new(bounds);
        Family::new(spec, self.max_series, self.overflow_of(spec), new_cell)
    }

    fn overflow_of(&self, spec: &'static Spec) -> Counter {
        match spec.labels {
            // A family without labels cannot overflow.
            [] => Counter::default(),
            _ => self.overflow.cell(&[spec.name]),
        }
    }
}
