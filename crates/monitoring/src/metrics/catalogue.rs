//! Every family of metrics: the one place where names, labels, buckets and meanings stand. The
//! registry and docs/reference/metrics.md are made of it.

use crate::fold;

/// A family: series of one name, told apart by their labels.
#[derive(Debug)]
pub struct Spec {
    /// The name as it is exposed, a counter's with `_total`, an info's with `_info`.
    pub name: &'static str,
    /// What it is for, in one line without a final dot.
    pub help: &'static str,
    /// What its series count with.
    pub kind: Kind,
    /// The labels, in their order; empty for a family of one series.
    pub labels: &'static [Label],
    /// What changes it, for the reference.
    pub source: &'static str,
}

/// What the series of a family count with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// A number that only grows.
    Counter,
    /// A number that goes up and down.
    Gauge,
    /// Durations in buckets with these upper bounds, in seconds, and one above them all.
    Histogram(&'static [f64]),
    /// Texts as labels; the value is 1.
    Info,
}

/// A label, and which values it may have.
#[derive(Debug)]
pub struct Label {
    /// Its name.
    pub name: &'static str,
    /// Values that are there from the start, so that their series are 0 and not absent.
    pub known: &'static [&'static str],
    /// How many values it may have; what comes after them counts as `other`. Equal to the number of
    /// known ones where no others are expected.
    pub at_most: usize,
}

const fn closed(name: &'static str, known: &'static [&'static str]) -> Label {
    let at_most = known.len();
    Label {
        name,
        known,
        at_most,
    }
}

const fn open(name: &'static str, known: &'static [&'static str], at_most: usize) -> Label {
    Label {
        name,
        known,
        at_most,
    }
}

impl Spec {
    /// The name without what the kind adds to it: `automation_errors` of `automation_errors_total`.
    #[must_use]
    pub fn base_name(&self) -> &'static str {
        let suffix = match self.kind {
            Kind::Counter => "_total",
            Kind::Info => "_info",
            Kind::Gauge | Kind::Histogram(_) => "",
        };
        self.name.strip_suffix(suffix).unwrap_or(self.name)
    }
}

impl Label {
    /// Whether only known values are expected.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.at_most == self.known.len()
    }
}

/// Stages of a run, as [`core_types::Stage`] names them.
pub(crate) const STAGES: &[&str] = &["planning", "implementation", "testing", "review", "landing"];
/// How a stage or task ends.
pub(crate) const ENDS: &[&str] = &["success", "failed"];
/// How a call ends.
pub(crate) const CALL_ENDS: &[&str] = &["success", "error"];
/// Types of tasks, by their titles.
const TASK_TYPES: &[&str] = &fold::TASK_TYPES;
/// What money and tokens are for.
const COMPONENTS: &[&str] = &fold::COMPONENTS;
/// Strategies of engine-recovery.
pub(crate) const STRATEGIES: &[&str] = &[
    "retry",
    "conflict_resolution",
    "test_fix",
    "manual_intervention",
];
pub(crate) const RECOVERY_OUTCOMES: &[&str] = &[
    "repaired",
    "retry",
    "park",
    "refused",
    "failed",
    "handed_off",
];
/// Python's words for a bool: rules that were written for the system before read them.
const BOOLS: &[&str] = &["True", "False"];
const ERROR_TYPES: &[&str] = core_types::ErrorClass::NAMES;
const STATUSES: &[&str] = &[
    "waiting",
    "ready",
    "running",
    "succeeded",
    "unchanged",
    "failed",
    "skipped",
    "cancelled",
];
/// How a process's work on a run ends: the first four with the run, the others so that it can go on.
pub(crate) const RUN_OUTCOMES: &[&str] = &[
    "done",
    "failed",
    "partial",
    "aborted",
    "waiting",
    "budget",
    "interrupted",
    "stopped",
];
/// Kinds of events, as the event stream names them.
pub(crate) const EVENTS: &[&str] = &[
    "run_started",
    "repository_joined",
    "stage_started",
    "task_planned",
    "plan_ready",
    "gate_reached",
    "gate_opened",
    "task_changed",
    "agent_started",
    "prompt_made",
    "prompt_given",
    "agent_ended",
    "spend_reserved",
    "spend_settled",
    "budget_set",
    "lessons_served",
    "forge_called",
    "change_captured",
    "command_ended",
    "task_merged",
    "recovery_started",
    "recovery_ended",
    "repository_tested",
    "change_set_tested",
    "repository_reviewed",
    "branch_published",
    "pull_request_opened",
    "repository_landed",
    "repository_not_landed",
    "process_started",
    "process_ended",
    "warning",
    "run_paused",
    "run_ended",
    "unknown",
];

const SECONDS: &[f64] = &[
    1.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0,
];
const CALL_SECONDS: &[f64] = &[0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0];
const TASK_SECONDS: &[f64] = &[10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0];

/// Declares the families, and the list of them all in the order of their exposition.
macro_rules! families {
    ($($ident:ident: $kind:expr, $name:literal, [$($label:expr),*], $help:literal, $source:literal;)*) => {
        $(
            #[doc = concat!("`", $name, "`: ", $help, ".")]
            pub static $ident: Spec = Spec {
                name: $name,
                help: $help,
                kind: $kind,
                labels: &[$($label),*],
                source: $source,
            };
        )*
        /// All families, in the order of their exposition.
        pub static ALL: &[&Spec] = &[$(&$ident),*];
    };
}

families! {
    WORKFLOW_EXECUTIONS: Kind::Counter, "automation_workflow_executions_total",
        [open("stage", STAGES, 16), closed("status", ENDS)],
        "Stages of runs that ended",
        "a stage's end: the next stage begins (success), or the run ends in it (by its exit code; a run that waits for a person or was interrupted has not ended its stage); `#[measure_duration]`";
    WORKFLOW_DURATION: Kind::Histogram(SECONDS), "automation_workflow_duration_seconds",
        [open("stage", STAGES, 16)],
        "How long stages took",
        "the same ends, from the stage's first start; the time in which no process held the run counts";
    ACTIVE_WORKFLOWS: Kind::Gauge, "automation_active_workflows", [],
        "Runs under way",
        "runs that a process holds";
    API_CALLS: Kind::Counter, "automation_api_calls_total",
        [open("provider", &[], 16), open("method", &[], 64), closed("status", CALL_ENDS)],
        "Calls of forges and other services",
        "event `forge_called`; `#[measure_api_call]`";
    API_CALL_DURATION: Kind::Histogram(CALL_SECONDS), "automation_api_call_duration_seconds",
        [open("provider", &[], 16), open("method", &[], 64)],
        "How long calls took",
        "the same calls";
    TASK_EXECUTIONS: Kind::Counter, "automation_task_executions_total",
        [open("task_type", TASK_TYPES, 16), closed("status", ENDS)],
        "Tasks that ended",
        "event `task_changed` to an end: succeeded and unchanged are success, failed, timed out and panicked are failed; skipped and cancelled tasks were not executed; `#[measure_task]`";
    TASK_DURATION: Kind::Histogram(TASK_SECONDS), "automation_task_duration_seconds",
        [open("task_type", TASK_TYPES, 16)],
        "How long tasks took",
        "the same ends, from the start of the task's first attempt";
    ERRORS: Kind::Counter, "automation_errors_total",
        [closed("error_type", ERROR_TYPES), open("stage", STAGES, 16)],
        "Failures by class and stage",
        "the failure of a task's end, and what a recovery was started for";
    RECOVERY_ATTEMPTS: Kind::Counter, "automation_recovery_attempts_total",
        [open("recovery_type", STRATEGIES, 16), closed("success", BOOLS)],
        "Repairs that ended",
        "event `recovery_ended`: `repaired` and `retry` are a success";
    CACHE_HITS: Kind::Counter, "automation_cache_hits_total",
        [open("cache_name", &[], 50)],
        "Lookups that a cache answered",
        "`record_cache_hit`";
    CACHE_MISSES: Kind::Counter, "automation_cache_misses_total",
        [open("cache_name", &[], 50)],
        "Lookups that a cache did not answer",
        "`record_cache_miss`";
    ESTIMATED_COST: Kind::Gauge, "automation_estimated_cost_dollars",
        [open("component", COMPONENTS, 50)],
        "Cost by component",
        "`update_estimated_cost`; of runs under way, what is settled";
    TOKEN_USAGE: Kind::Counter, "automation_token_usage_total",
        [open("model", &[], 32), open("operation", COMPONENTS, 16)],
        "Tokens by model and operation",
        "event `spend_settled`, with the component as operation: uncached and cached input, cache writes and output; event `agent_ended` where no money was set aside, of model `unknown`";
    SYSTEM_INFO: Kind::Info, "automation_system_info", [],
        "The system that is measured",
        "`set_system_info`";

    TASKS: Kind::Gauge, "automation_tasks", [closed("status", STATUSES)],
        "Tasks of runs under way by status",
        "events of tasks, as pages show them: a ready task misses nothing but a slot, and one in a backoff waits; failed includes timed out and panicked";
    TASK_QUEUE: Kind::Histogram(SECONDS), "automation_task_queue_seconds", [],
        "How long tasks that could run waited for a slot",
        "from ready, or else from the end of the last dependency, to running; a task's first attempt";
    WORKER_SLOTS: Kind::Gauge, "automation_worker_slots", [closed("state", &["busy", "free"])],
        "Worker slots of runs under way",
        "running tasks, and what is left of the run's `max_workers`";
    TASKS_WITHOUT_SLOT: Kind::Gauge, "automation_tasks_without_slot", [],
        "Ready tasks of those runs under way that have no free slot",
        "the ready tasks of each run with as many running tasks as its `max_workers`";
    RUNS: Kind::Counter, "automation_runs_total", [closed("outcome", RUN_OUTCOMES)],
        "Sessions of runs that ended, by what ended them",
        "events `run_ended` (by exit code and class) and `run_paused` (by class)";
    RUN_RESUMES: Kind::Counter, "automation_run_resumes_total", [],
        "Starts of processes that went on with a run",
        "event `run_started` with a session above 1";
    GATES_WAITING: Kind::Gauge, "automation_gates_waiting", [],
        "Runs that wait for a person",
        "runs whose state is waiting";
    CRITICAL_PATH_DUE: Kind::Gauge, "automation_critical_path_due_timestamp_seconds", [],
        "When the first of the runs under way should have done its tasks; 0 where none has estimates",
        "the start of the implementation and the critical path of the plan's estimates, with what repositories wait for; the time in which no process held the run does not count";
    RECOVERY_OUTCOMES_TOTAL: Kind::Counter, "automation_recovery_outcomes_total",
        [open("recovery_type", STRATEGIES, 16), closed("outcome", RECOVERY_OUTCOMES)],
        "Repairs by what came of them",
        "event `recovery_ended`";
    RECOVERY_DURATION: Kind::Histogram(SECONDS), "automation_recovery_duration_seconds",
        [open("recovery_type", STRATEGIES, 16)],
        "How long repairs took",
        "from `recovery_started` to `recovery_ended` of one task or repository";
    AGENT_DURATION: Kind::Histogram(SECONDS), "automation_agent_duration_seconds",
        [open("agent", &[], 16)],
        "How long agents worked on a request",
        "event `agent_ended`";
    COMMANDS: Kind::Counter, "automation_commands_total",
        [open("purpose", &["setup", "test"], 8), closed("status", ENDS)],
        "Set-up and test commands that ended",
        "event `command_ended`";
    BUDGET_LIMIT: Kind::Gauge, "automation_budget_limit_dollars", [],
        "The limits of runs under way, added up; 0 where none has a limit",
        "event `budget_set`";
    BUDGET_SPENT: Kind::Gauge, "automation_budget_spent_dollars", [],
        "What runs under way with a limit have spent",
        "event `spend_settled`";
    BUDGET_RESERVED: Kind::Gauge, "automation_budget_reserved_dollars", [],
        "What is set aside in runs under way with a limit and not settled yet",
        "events `spend_reserved` and `spend_settled`";
    SPEND: Kind::Counter, "automation_spend_dollars_total", [open("component", COMPONENTS, 16)],
        "Money spent",
        "event `spend_settled`, exact to the pico-dollar";
    LEDGER_ENTRIES: Kind::Counter, "automation_ledger_entries_total",
        [closed("entry", &["reserved", "settled"])],
        "Entries of runs in the ledger",
        "events `spend_reserved` and `spend_settled`";
    PRICE_TABLE: Kind::Gauge, "automation_price_table_timestamp_seconds", [],
        "When the prices in use were last checked; 0 where no prices are in use",
        "`update_price_table`";
    LESSON_TASKS: Kind::Counter, "automation_lesson_tasks_total",
        [closed("lessons", &["served", "held_back"]), closed("status", ENDS)],
        "Tasks that ended, by whether lessons of earlier runs were in their prompt",
        "event `lessons_served` of the task, joined with its end; a task without this event does not count";
    EVENTS_TOTAL: Kind::Counter, "automation_journal_events_total", [closed("event", EVENTS)],
        "Events read from journals of runs",
        "each event that was applied";
    LAST_EVENT: Kind::Gauge, "automation_journal_last_event_timestamp_seconds", [],
        "When the latest event of a run under way was written; 0 without such a run",
        "the time of each event";
    SILENT_SINCE: Kind::Gauge, "automation_silent_since_timestamp_seconds", [],
        "When that run under way wrote its last event which has been silent for longest; 0 without such a run",
        "the time of each event; a run at a gate, which waits for a person, does not count";
    SERIES_OVERFLOW: Kind::Counter, "automation_series_overflow_total",
        [closed("family", FAMILY_NAMES)],
        "Updates that were counted as `other`, since a family was full or a label's value not allowed",
        "every update";
}

/// The families that have labels: only they can overflow.
const FAMILY_NAMES: &[&str] = &[
    "automation_workflow_executions_total",
    "automation_workflow_duration_seconds",
    "automation_api_calls_total",
    "automation_api_call_duration_seconds",
    "automation_task_executions_total",
    "automation_task_duration_seconds",
    "automation_errors_total",
    "automation_recovery_attempts_total",
    "automation_cache_hits_total",
    "automation_cache_misses_total",
    "automation_estimated_cost_dollars",
    "automation_token_usage_total",
    "automation_tasks",
    "automation_worker_slots",
    "automation_runs_total",
    "automation_recovery_outcomes_total",
    "automation_recovery_duration_seconds",
    "automation_agent_duration_seconds",
    "automation_commands_total",
    "automation_spend_dollars_total",
    "automation_ledger_entries_total",
    "automation_lesson_tasks_total",
    "automation_journal_events_total",
];
