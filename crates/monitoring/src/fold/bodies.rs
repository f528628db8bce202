//! The bodies of the seed's five endpoints. Each figure is a fold of the summaries of all runs, those
//! that are removed included. Times are seconds and amounts US dollars, as numbers, as the seed has them.

use std::collections::BTreeMap;

use core_types::Timestamp;
use serde::Serialize;

use super::{Moments, RunState, RunSummary, StageFigures};

/// The body of `/api/metrics/summary`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SummaryBody {
    /// Runs that a process holds and that have not stopped.
    pub active_workflows: u64,
    /// Runs that ended well ÷ runs that have ended; 0 where none has.
    pub success_rate: f64,
    /// The mean held time of runs that have ended; 0 where none has.
    pub avg_duration: f64,
    /// See [`CacheStats::hit_rate`].
    pub cache_hit_rate: f64,
    /// All runs.
    pub total_workflows: u64,
    /// All tasks of all runs.
    pub total_tasks: u64,
}

/// The body of `/api/metrics/workflows`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WorkflowsBody {
    /// How many runs began, by hour; oldest first, hours without one are left out.
    pub timeline: Vec<HourCount>,
    /// How stages have ended, in the order of their names.
    pub by_stage: BTreeMap<String, StageCount>,
    /// How runs stand.
    pub by_status: StatusCounts,
    /// By stage, the mean held time of those that have ended.
    pub average_duration: BTreeMap<String, f64>,
}

/// Runs that began in one hour.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HourCount {
    /// The hour's beginning, as RFC 3339 in UTC.
    pub timestamp: String,
    /// How many.
    pub count: u64,
}

/// How a stage has ended in all runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct StageCount {
    /// How often another stage followed, or the run ended in it with 0.
    pub success: u64,
    /// How often the run ended in it otherwise.
    pub failed: u64,
}

/// How runs stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct StatusCounts {
    /// Done.
    pub completed: u64,
    /// Running.
    pub in_progress: u64,
    /// Failed, landed in part, or given up.
    pub failed: u64,
    /// Paused, or waiting for a person.
    pub pending: u64,
}

/// The body of `/api/metrics/tasks`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TasksBody {
    /// All tasks of all runs.
    pub total_tasks: u64,
    /// Succeeded, or rightly left as they are.
    pub completed: u64,
    /// Ended with a failure, a deadline or a panic.
    pub failed: u64,
    /// With a worker slot.
    pub in_progress: u64,
    /// The mean time that tasks which ran and have ended held a slot; 0 where there is none.
    pub average_duration: f64,
    /// By kind, see [`task_type`](super::task_type).
    pub by_type: BTreeMap<String, TypeFigures>,
}

/// Tasks of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct TypeFigures {
    /// How many.
    pub count: u64,
    /// As [`TasksBody::average_duration`].
    pub avg_duration: f64,
}

/// The body of `/api/metrics/performance`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PerformanceBody {
    /// The providers' caches of prompts.
    pub cache_stats: CacheStats,
    /// Calls of forges.
    pub api_calls: ApiCalls,
    /// How well worker slots were used.
    pub parallel_execution: ParallelExecution,
}

/// The providers' caches of prompts, by what agents report of their work: a hit is a piece of work with
/// tokens read from a cache, a miss one with other input alone.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct CacheStats {
    /// How many hits.
    pub hits: u64,
    /// How many misses.
    pub misses: u64,
    /// `hits` ÷ `total_requests`; 0 where there is none.
    pub hit_rate: f64,
    /// Hits and misses.
    pub total_requests: u64,
}

/// Calls of forges.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ApiCalls {
    /// How many.
    pub total: u64,
    /// Their mean time; 0 where there is none.
    pub average_duration: f64,
    /// By provider.
    pub by_provider: BTreeMap<String, ProviderCalls>,
}

/// Calls of one forge.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ProviderCalls {
    /// How many.
    pub total: u64,
    /// How many failed.
    pub errors: u64,
    /// Their mean time.
    pub average_duration: f64,
}

/// How well worker slots were used.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ParallelExecution {
    /// The most slots that a run had.
    pub max_workers: u64,
    /// `total_task_time` ÷ `wall_clock_time`; 0 where that is 0.
    pub average_concurrency: f64,
    /// For how long tasks held slots, together.
    pub total_task_time: f64,
    /// For how long runs were held in the stage implementation, together.
    pub wall_clock_time: f64,
    /// `total_task_time` ÷ the same time of all slots; 0 where that is 0.
    pub efficiency: f64,
}

/// The body of `/api/metrics/costs`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CostsBody {
    /// What all runs have settled.
    pub total_estimated_cost: f64,
    /// By stage; repairs are `recovery`.
    pub by_component: BTreeMap<String, f64>,
    /// By model; `unknown` where none was named.
    pub by_model: BTreeMap<String, f64>,
    /// Tokens.
    pub token_usage: TokenFigures,
}

/// Tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TokenFigures {
    /// All.
    pub total_tokens: u64,
    /// By stage; repairs are `recovery`.
    pub by_operation: BTreeMap<String, u64>,
}

const HOUR_MS: u64 = 3_600_000;

impl SummaryBody {
    /// The figures of all runs.
    #[must_use]
    pub fn of(runs: &[RunSummary]) -> Self {
        let ended: Vec<_> = runs.iter().filter(|run| run.state.has_ended()).collect();
        let done = ended.iter().filter(|run| run.state == RunState::Done);
        let elapsed = ended.iter().map(|run| run.elapsed_ms);
        Self {
            active_workflows: count(runs.iter().filter(|run| run.state == RunState::Running)),
            success_rate: ratio(count(done), count(ended.iter())),
            avg_duration: mean(sum(elapsed), count(ended.iter())),
            cache_hit_rate: CacheStats::of(runs).hit_rate,
            total_workflows: count(runs.iter()),
            total_tasks: sum(runs.iter().map(|run| wide(run.counts.total))),
        }
    }
}

impl WorkflowsBody {
    /// The figures of all runs.
    #[must_use]
    pub fn of(runs: &[RunSummary]) -> Self {
        let mut hours = Moments::new();
        for started in runs.iter().filter_map(|run| run.started) {
            let hour = Timestamp(started.0 / HOUR_MS * HOUR_MS);
            *hours.entry(hour).or_default() += 1;
        }
        let mut stages: BTreeMap<_, StageFigures> = BTreeMap::new();
        for (stage, figures) in runs.iter().flat_map(|run| &run.stages) {
            let all = stages.entry(stage.as_str().to_owned()).or_default();
            all.success += figures.success;
            all.failed += figures.failed;
            all.ended_ms = all.ended_ms.saturating_add(figures.ended_ms);
        }
        let mut by_status = StatusCounts::default();
        for run in runs {
            *match run.state {
                RunState::Done => &mut by_status.completed,
                RunState::Running => &mut by_status.in_progress,
                RunState::Failed | RunState::Partial | RunState::Aborted => &mut by_status.failed,
                RunState::Paused | RunState::Waiting => &mut by_status.pending,
            } += 1;
        }
        let ended = |it: &StageFigures| it.success + it.failed;
        Self {
            timeline: hours
                .into_iter()
                .map(|(hour, count)| HourCount {
                    timestamp: hour.to_string(),
                    count,
                })
                .collect(),
            by_stage: stages
                .iter()
                .map(|(stage, it)| {
                    let count = StageCount {
                        success: it.success,
                        failed: it.failed,
                    };
                    (stage.clone(), count)
                })
                .collect(),
            by_status,
            average_duration: stages
                .iter()
                .filter(|(_, it)| ended(it) > 0)
                .map(|(stage, it)| (stage.clone(), mean(it.ended_ms, ended(it))))
                .collect(),
        }
    }
}

impl TasksBody {
    /// The figures of all runs.
    #[must_use]
    pub fn of(runs: &[RunSummary]) -> Self {
        let counted = |of: fn(&RunSummary) -> usize| sum(runs.iter().map(|run| wide(of(run))));
        let mut by_type: BTreeMap<&str, (u64, u64, u64)> = BTreeMap::new();
        for (kind, figures) in runs.iter().flat_map(|run| &run.task_types) {
            let (count, ran, ran_ms) = by_type.entry(kind).or_default();
            *count += figures.count;
            *ran += figures.ran;
            *ran_ms = ran_ms.saturating_add(figures.ran_ms);
        }
        let ran = sum(by_type.values().map(|(_, ran, _)| *ran));
        let ran_ms = sum(by_type.values().map(|(_, _, ran_ms)| *ran_ms));
        Self {
            total_tasks: counted(|run| run.counts.total),
            completed: counted(|run| run.counts.succeeded + run.counts.unchanged),
            failed: counted(|run| run.counts.failed),
            in_progress: counted(|run| run.counts.running),
            average_duration: mean(ran_ms, ran),
            by_type: by_type
                .into_iter()
                .map(|(kind, (count, ran, ran_ms))| {
                    let figures = TypeFigures {
                        count,
                        avg_duration: mean(ran_ms, ran),
                    };
                    (kind.to_owned(), figures)
                })
                .collect(),
        }
    }
}

impl CacheStats {
    fn of(runs: &[RunSummary]) -> Self {
        let hits = sum(runs.iter().map(|run| run.cache_hits));
        let misses = sum(runs.iter().map(|run| run.cache_misses));
        Self {
            hits,
            misses,
            hit_rate: ratio(hits, hits + misses),
            total_requests: hits + misses,
        }
    }
}

impl PerformanceBody {
    /// The figures of all runs.
    #[must_use]
    pub fn of(runs: &[RunSummary]) -> Self {
        let mut providers: BTreeMap<&str, (u64, u64, u64)> = BTreeMap::new();
        for (provider, figures) in runs.iter().flat_map(|run| &run.forges) {
            let (calls, errors, total_ms) = providers.entry(provider).or_default();
            *calls += figures.calls;
            *errors += figures.failed;
            *total_ms = total_ms.saturating_add(figures.total_ms);
        }
        let total = sum(providers.values().map(|(calls, _, _)| *calls));
        let total_ms = sum(providers.values().map(|(_, _, total_ms)| *total_ms));
        let task_ms = sum(runs.iter().map(|run| run.task_ms));
        let wall_ms = sum(runs.iter().map(|run| run.implementation_ms));
        let slots_ms = runs
            .iter()
            .map(|run| run.implementation_ms.saturating_mul(wide(run.max_workers)));
        let slots_ms = sum(slots_ms);
        Self {
            cache_stats: CacheStats::of(runs),
            api_calls: ApiCalls {
                total,
                average_duration: mean(total_ms, total),
                by_provider: providers
                    .into_iter()
                    .map(|(provider, (calls, errors, total_ms))| {
                        let figures = ProviderCalls {
                            total: calls,
                            errors,
                            average_duration: mean(total_ms, calls),
                        };
                        (provider.to_owned(), figures)
                    })
                    .collect(),
            },
            parallel_execution: ParallelExecution {
                max_workers: runs
                    .iter()
                    .map(|run| wide(run.max_workers))
                    .max()
                    .unwrap_or(0),
                average_concurrency: ratio(task_ms, wall_ms),
                total_task_time: mean(task_ms, 1),
                wall_clock_time: mean(wall_ms, 1),
                efficiency: ratio(task_ms, slots_ms),
            },
        }
    }
}

impl CostsBody {
    /// The figures of all runs.
    #[must_use]
    pub fn of(runs: &[RunSummary]) -> Self {
        let mut components: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
        for (component, amounts) in runs.iter().flat_map(|run| &run.by_component) {
            let (pico, tokens) = components.entry(component).or_default();
            *pico = pico.saturating_add(amounts.spent.pico());
            *tokens = tokens.saturating_add(amounts.usage.total());
        }
        let mut models: BTreeMap<&str, u64> = BTreeMap::new();
        for (model, amounts) in runs.iter().flat_map(|run| &run.by_model) {
            let name = if model.is_empty() { "unknown" } else { model };
            let pico = models.entry(name).or_default();
            *pico = pico.saturating_add(amounts.spent.pico());
        }
        let in_usd = |(name, pico): (&str, u64)| (name.to_owned(), usd(pico));
        Self {
            total_estimated_cost: usd(sum(runs.iter().map(|run| run.spent.pico()))),
            by_component: components
                .iter()
                .map(|(name, (pico, _))| in_usd((name, *pico)))
                .collect(),
            by_model: models.into_iter().map(in_usd).collect(),
            token_usage: TokenFigures {
                total_tokens: sum(runs.iter().map(|run| run.usage.total())),
                by_operation: components
                    .into_iter()
                    .map(|(name, (_, tokens))| (name.to_owned(), tokens))
                    .collect(),
            },
        }
    }
}

fn count(items: impl Iterator) -> u64 {
    wide(items.count())
}

fn wide(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

fn sum(items: impl Iterator<Item = u64>) -> u64 {
    items.fold(0, u64::saturating_add)
}

/// A share; 0 of nothing.
#[expect(
    clippy::cast_precision_loss,
    reason = "a share is shown with a few digits"
)]
pub(super) fn ratio(part: u64, whole: u64) -> f64 {
    match whole {
        0 => 0.0,
        whole => part as f64 / whole as f64,
    }
}

/// Milliseconds a piece, in seconds; 0 of nothing.
fn mean(total_ms: u64, count: u64) -> f64 {
    ratio(total_ms, count) / 1000.0
}

fn usd(pico: u64) -> f64 {
    ratio(pico, 1_000_000_000_000)
}
