//! Every figure of every view equals a plain recomputation, on 1,000 random histories.

use std::collections::BTreeMap;

use core_types::{Event, RunId, Scope, TaskStatus, TokenUsage, Usd};

use super::{
    history::{History, history},
    oracle::Oracle,
};
use crate::fold::{
    CostsBody, PerformanceBody, RunFold, RunState, RunSummary, SegmentKind, SummaryBody, TasksBody,
    WorkflowsBody, task_type,
};

const HISTORIES: u64 = 1000;

fn folded(run: &str, history: &History) -> RunFold {
    let mut fold = RunFold::new(run.parse().expect("valid"));
    fold.extend(history.events.iter().cloned());
    fold.set_held(history.is_held);
    fold
}

#[test]
fn the_view_of_a_run_equals_a_plain_recomputation() {
    let mut n_killed = 0;
    let mut n_repeated = 0;
    for seed in 0..HISTORIES {
        let history = history(seed);
        let oracle = Oracle::new(&history);
        let fold = folded("r", &history);
        let view = fold.view(history.now);
        let header = &view.header;
        assert_eq!(header.state, oracle.state(), "seed {seed}: state");
        assert_eq!(header.stage, oracle.stage(), "seed {seed}: stage");
        let sessions = oracle.sessions();
        assert_eq!(
            header.sessions as usize,
            sessions.len(),
            "seed {seed}: sessions"
        );
        assert_eq!(
            header.elapsed_ms,
            oracle.elapsed_ms(),
            "seed {seed}: elapsed"
        );
        assert_eq!(
            header.max_workers,
            oracle.max_workers(),
            "seed {seed}: slots"
        );
        let started = sessions.first().map(|(from, _)| *from);
        assert_eq!(header.started, started, "seed {seed}: started");
        let stopped = sessions.last().map(|(_, to)| *to);
        let stopped = stopped.filter(|_| header.state != RunState::Running);
        assert_eq!(header.stopped, stopped, "seed {seed}: stopped");

        let calls = oracle.calls();
        assert_eq!(view.spend.calls as usize, calls.len(), "seed {seed}: calls");
        let spent = calls
            .iter()
            .map(|it| it.4)
            .fold(Usd::ZERO, Usd::saturating_add);
        assert_eq!(view.spend.spent, spent, "seed {seed}: spent");
        assert_eq!(
            view.spend.reserved,
            oracle.reserved(),
            "seed {seed}: reserved"
        );
        assert_eq!(view.spend.limit, oracle.limit(), "seed {seed}: limit");
        let last = view.spend.course.last();
        let (at_end, set_aside) = last.map_or_else(Default::default, |it| (it.spent, it.reserved));
        assert_eq!(
            (at_end, set_aside),
            (spent, oracle.reserved()),
            "seed {seed}: course"
        );

        let ids: Vec<_> = view.tasks.iter().map(|row| row.task.clone()).collect();
        assert_eq!(ids, oracle.tasks(), "seed {seed}: tasks");
        let mut by_status: BTreeMap<TaskStatus, usize> = BTreeMap::new();
        for (row, lane) in view.tasks.iter().zip(&view.timeline.lanes) {
            let id = &row.task;
            assert_eq!(row.status, oracle.status(id), "seed {seed}: status of {id}");
            *by_status.entry(row.status).or_default() += 1;
            let (title, repository, dependencies) = oracle.planned(id);
            assert_eq!(row.title, title, "seed {seed}: title of {id}");
            assert_eq!(
                row.repository.as_ref(),
                Some(repository),
                "seed {seed}: {id}"
            );
            assert_eq!(row.dependencies, dependencies, "seed {seed}: {id}");
            let own = calls.iter().filter(|it| it.0 == Scope::Task(id.clone()));
            let cost = own
                .clone()
                .map(|it| it.4)
                .fold(Usd::ZERO, Usd::saturating_add);
            assert_eq!(row.cost, cost, "seed {seed}: cost of {id}");
            let tokens: u64 = own.map(|it| it.3.total()).sum();
            assert_eq!(row.tokens, tokens, "seed {seed}: tokens of {id}");
            let times = oracle.times(id);
            let mut shown: BTreeMap<SegmentKind, u64> = BTreeMap::new();
            for segment in &lane.segments {
                let to = segment.to.unwrap_or(history.now);
                if to > segment.from && segment.kind != SegmentKind::Paused {
                    *shown.entry(segment.kind).or_default() += to.0 - segment.from.0;
                }
            }
            assert_eq!(
                shown, times,
                "seed {seed}: times of {id}: {:?}",
                lane.segments
            );
            let held = [SegmentKind::Running, SegmentKind::Recovery];
            let held = held.iter().filter_map(|kind| times.get(kind));
            assert_eq!(
                row.running_ms,
                held.sum::<u64>(),
                "seed {seed}: slot of {id}"
            );
            for pair in lane.segments.windows(2) {
                let end = pair[0].to.expect("only the last one goes on");
                assert!(end <= pair[1].from, "seed {seed}: segments of {id} overlap");
            }
            n_repeated += usize::from(times.contains_key(&SegmentKind::Lost));
        }
        let of = |status| by_status.get(&status).copied().unwrap_or(0);
        let counts = header.counts;
        assert_eq!(counts.total, ids.len(), "seed {seed}: total");
        assert_eq!(
            counts.waiting,
            of(TaskStatus::Waiting),
            "seed {seed}: waiting"
        );
        assert_eq!(counts.ready, of(TaskStatus::Ready), "seed {seed}: ready");
        assert_eq!(
            counts.running,
            of(TaskStatus::Running),
            "seed {seed}: running"
        );
        assert_eq!(
            counts.succeeded,
            of(TaskStatus::Succeeded),
            "seed {seed}: succeeded"
        );
        assert_eq!(
            counts.unchanged,
            of(TaskStatus::Unchanged),
            "seed {seed}: unchanged"
        );
        assert_eq!(
            counts.skipped,
            of(TaskStatus::Skipped),
            "seed {seed}: skipped"
        );
        let of_repositories = view.repositories.iter().map(|it| it.counts.total);
        assert_eq!(
            of_repositories.sum::<usize>(),
            ids.len(),
            "seed {seed}: repositories"
        );
        let ended = |event: &Event| matches!(event, Event::RecoveryEnded { .. });
        let shown = view
            .recoveries
            .iter()
            .filter(|it| it.ended.is_some())
            .count();
        assert_eq!(shown, oracle.count(ended), "seed {seed}: recoveries");
        let served = |event: &Event| matches!(event, Event::LessonsServed { .. });
        assert_eq!(
            view.lessons.len(),
            oracle.count(served),
            "seed {seed}: lessons"
        );
        n_killed += usize::from(header.state == RunState::Paused && header.reason.is_empty());
    }
    assert!(n_killed > 50, "the histories hold kills: {n_killed}");
    assert!(
        n_repeated > 50,
        "the histories hold repeated executions: {n_repeated}"
    );
}

#[test]
fn events_one_by_one_give_what_all_at_once_give() {
    for seed in 0..HISTORIES / 4 {
        let history = history(seed);
        let whole = folded("r", &history);
        let mut grown = RunFold::new("r".parse().expect("valid"));
        for event in &history.events {
            grown.extend([event.clone()]);
            // What was taken is passed over.
            grown.extend([event.clone()]);
        }
        grown.set_held(history.is_held);
        assert_eq!(
            grown.view(history.now),
            whole.view(history.now),
            "seed {seed}"
        );
        let task = whole
            .view(history.now)
            .tasks
            .first()
            .map(|row| row.task.clone());
        if let Some(task) = task {
            let (one, other) = (
                grown.task(&task, history.now),
                whole.task(&task, history.now),
            );
            assert_eq!(one, other, "seed {seed}: {task}");
        }
        assert_eq!(
            grown.summary(history.now),
            whole.summary(history.now),
            "seed {seed}"
        );
    }
}

#[test]
fn bodies_of_the_endpoints_equal_a_plain_recomputation() {
    for first in (0..HISTORIES).step_by(5) {
        let histories: Vec<_> = (first..first + 5).map(history).collect();
        let oracles: Vec<_> = histories.iter().map(Oracle::new).collect();
        let summaries: Vec<RunSummary> = histories
            .iter()
            .zip(first..)
            .map(|(history, seed)| folded(&format!("r{seed}"), history).summary(history.now))
            .collect();
        check_summary(first, &SummaryBody::of(&summaries), &oracles);
        check_workflows(first, &WorkflowsBody::of(&summaries), &oracles);
        check_tasks(first, &TasksBody::of(&summaries), &oracles);
        check_performance(first, &PerformanceBody::of(&summaries), &oracles);
        check_costs(first, &CostsBody::of(&summaries), &oracles);
    }
}

fn share(part: f64, whole: f64) -> f64 {
    if whole == 0.0 { 0.0 } else { part / whole }
}

#[track_caller]
fn near(seed: u64, what: &str, shown: f64, plain: f64) {
    let is_near = (shown - plain).abs() <= 1e-9 * plain.abs().max(1.0);
    assert!(is_near, "seed {seed}: {what}: {shown} is not {plain}");
}

fn prompts(oracles: &[Oracle<'_>]) -> (u64, u64) {
    let usages = oracles.iter().flat_map(Oracle::calls).map(|it| it.3);
    let (mut hits, mut misses) = (0, 0);
    for usage in usages {
        match usage {
            TokenUsage {
                cache_read: 1.., ..
            } => hits += 1,
            TokenUsage { input: 1.., .. } => misses += 1,
            _ => {}
        }
    }
    (hits, misses)
}

fn check_summary(seed: u64, body: &SummaryBody, oracles: &[Oracle<'_>]) {
    let states: Vec<_> = oracles.iter().map(Oracle::state).collect();
    let active = states.iter().filter(|it| **it == RunState::Running).count();
    assert_eq!(body.active_workflows as usize, active, "seed {seed}");
    assert_eq!(body.total_workflows as usize, oracles.len(), "seed {seed}");
    let tasks: usize = oracles.iter().map(|it| it.tasks().len()).sum();
    assert_eq!(body.total_tasks as usize, tasks, "seed {seed}");
    let ended = oracles.iter().filter(|it| it.state().has_ended());
    let n_ended = ended.clone().count() as f64;
    let done = states.iter().filter(|it| **it == RunState::Done).count() as f64;
    near(seed, "success", body.success_rate, share(done, n_ended));
    let elapsed: u64 = ended.map(Oracle::elapsed_ms).sum();
    near(
        seed,
        "duration",
        body.avg_duration,
        share(elapsed as f64 / 1e3, n_ended),
    );
    let (hits, misses) = prompts(oracles);
    let rate = share(hits as f64, (hits + misses) as f64);
    near(seed, "hit rate", body.cache_hit_rate, rate);
}

fn check_workflows(seed: u64, body: &WorkflowsBody, oracles: &[Oracle<'_>]) {
    let begun: u64 = body.timeline.iter().map(|it| it.count).sum();
    let started = oracles.iter().filter(|it| !it.sessions().is_empty());
    assert_eq!(begun as usize, started.count(), "seed {seed}: timeline");
    for hour in &body.timeline {
        let in_hour = oracles.iter().filter(|it| {
            let sessions = it.sessions();
            let first = sessions.first().map(|(from, _)| from.to_string());
            first.is_some_and(|at| at[..13] == hour.timestamp[..13])
        });
        assert_eq!(
            hour.count as usize,
            in_hour.count(),
            "seed {seed}: {hour:?}"
        );
    }
    let mut stages: BTreeMap<String, (u64, u64, u64)> = BTreeMap::new();
    for (stage, (success, failed, held)) in oracles.iter().flat_map(Oracle::stages) {
        let all = stages.entry(stage.as_str().to_owned()).or_default();
        *all = (all.0 + success, all.1 + failed, all.2 + held);
    }
    let shown: BTreeMap<_, _> = body
        .by_stage
        .iter()
        .map(|(stage, it)| (stage.clone(), (it.success, it.failed)))
        .collect();
    let plain: BTreeMap<_, _> = stages
        .iter()
        .map(|(stage, it)| (stage.clone(), (it.0, it.1)))
        .collect();
    assert_eq!(shown, plain, "seed {seed}: stages");
    for (stage, (success, failed, held)) in stages {
        let n_ended = (success + failed) as f64;
        let shown = body.average_duration.get(&stage).copied().unwrap_or(0.0);
        near(seed, &stage, shown, share(held as f64 / 1e3, n_ended));
    }
    let states: Vec<_> = oracles.iter().map(Oracle::state).collect();
    let of = |wanted: &[RunState]| states.iter().filter(|it| wanted.contains(it)).count() as u64;
    let by_status = body.by_status;
    assert_eq!(by_status.completed, of(&[RunState::Done]), "seed {seed}");
    assert_eq!(
        by_status.in_progress,
        of(&[RunState::Running]),
        "seed {seed}"
    );
    let failed = [RunState::Failed, RunState::Partial, RunState::Aborted];
    assert_eq!(by_status.failed, of(&failed), "seed {seed}");
    let pending = [RunState::Paused, RunState::Waiting];
    assert_eq!(by_status.pending, of(&pending), "seed {seed}");
}

fn check_tasks(seed: u64, body: &TasksBody, oracles: &[Oracle<'_>]) {
    let (mut done, mut failed, mut running) = (0, 0, 0);
    let mut by_type: BTreeMap<String, (u64, u64, u64)> = BTreeMap::new();
    for oracle in oracles {
        for id in oracle.tasks() {
            let status = oracle.status(&id);
            done += u64::from(status.is_good());
            let bad = [
                TaskStatus::Failed,
                TaskStatus::TimedOut,
                TaskStatus::Panicked,
            ];
            failed += u64::from(bad.contains(&status));
            running += u64::from(status == TaskStatus::Running);
            let kind = task_type(oracle.planned(&id).0).to_owned();
            let all = by_type.entry(kind).or_default();
            all.0 += 1;
            if status.has_ended() && oracle.ran(&id) {
                let times = oracle.times(&id);
                let of = |kind| times.get(&kind).copied().unwrap_or(0);
                all.1 += 1;
                all.2 += of(SegmentKind::Running) + of(SegmentKind::Recovery);
            }
        }
    }
    assert_eq!(
        body.total_tasks,
        by_type.values().map(|it| it.0).sum::<u64>(),
        "seed {seed}"
    );
    assert_eq!(body.completed, done, "seed {seed}");
    assert_eq!(body.failed, failed, "seed {seed}");
    assert_eq!(body.in_progress, running, "seed {seed}");
    let ran = by_type.values().map(|it| it.1).sum::<u64>() as f64;
    let ran_ms = by_type.values().map(|it| it.2).sum::<u64>() as f64;
    near(
        seed,
        "tasks",
        body.average_duration,
        share(ran_ms / 1e3, ran),
    );
    assert_eq!(body.by_type.len(), by_type.len(), "seed {seed}");
    for (kind, (count, ran, ran_ms)) in by_type {
        let shown = body.by_type[&kind];
        assert_eq!(shown.count, count, "seed {seed}: {kind}");
        near(
            seed,
            &kind,
            shown.avg_duration,
            share(ran_ms as f64 / 1e3, ran as f64),
        );
    }
}

fn check_performance(seed: u64, body: &PerformanceBody, oracles: &[Oracle<'_>]) {
    let (hits, misses) = prompts(oracles);
    let cache = body.cache_stats;
    assert_eq!(
        (cache.hits, cache.misses),
        (hits, misses),
        "seed {seed}: prompts"
    );
    assert_eq!(cache.total_requests, hits + misses, "seed {seed}: prompts");
    let calls: Vec<_> = oracles.iter().flat_map(Oracle::forge_calls).collect();
    assert_eq!(
        body.api_calls.total as usize,
        calls.len(),
        "seed {seed}: calls"
    );
    let millis: u64 = calls.iter().map(|it| it.2).sum();
    let mean = share(millis as f64 / 1e3, calls.len() as f64);
    near(seed, "calls", body.api_calls.average_duration, mean);
    for (provider, shown) in &body.api_calls.by_provider {
        let own: Vec<_> = calls.iter().filter(|it| it.0 == *provider).collect();
        assert_eq!(shown.total as usize, own.len(), "seed {seed}: {provider}");
        let errors = own.iter().filter(|it| !it.1).count();
        assert_eq!(shown.errors as usize, errors, "seed {seed}: {provider}");
        let millis: u64 = own.iter().map(|it| it.2).sum();
        let mean = share(millis as f64 / 1e3, own.len() as f64);
        near(seed, provider, shown.average_duration, mean);
    }
    let (mut tasks, mut wall, mut slots) = (0.0, 0.0, 0.0);
    for oracle in oracles {
        for id in oracle.tasks() {
            let times = oracle.times(&id);
            let of = |kind| times.get(&kind).copied().unwrap_or(0) as f64;
            tasks += of(SegmentKind::Running) + of(SegmentKind::Recovery);
        }
        let held = oracle.implementation_ms() as f64;
        wall += held;
        slots += held * oracle.max_workers() as f64;
    }
    let parallel = body.parallel_execution;
    let most = oracles.iter().map(Oracle::max_workers).max().unwrap_or(0);
    assert_eq!(parallel.max_workers as usize, most, "seed {seed}: slots");
    near(seed, "task time", parallel.total_task_time, tasks / 1e3);
    near(seed, "wall clock", parallel.wall_clock_time, wall / 1e3);
    near(
        seed,
        "concurrency",
        parallel.average_concurrency,
        share(tasks, wall),
    );
    near(seed, "efficiency", parallel.efficiency, share(tasks, slots));
}

fn check_costs(seed: u64, body: &CostsBody, oracles: &[Oracle<'_>]) {
    let calls: Vec<_> = oracles.iter().flat_map(Oracle::calls).collect();
    let usd = |pico: u64| pico as f64 / 1e12;
    let total: u64 = calls.iter().map(|it| it.4.pico()).sum();
    near(seed, "cost", body.total_estimated_cost, usd(total));
    let mut components: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    let mut models: BTreeMap<String, u64> = BTreeMap::new();
    for (_, component, model, usage, amount) in &calls {
        let it = components.entry(component.clone()).or_default();
        *it = (it.0 + amount.pico(), it.1 + usage.total());
        let model = if model.is_empty() { "unknown" } else { model };
        *models.entry(model.to_owned()).or_default() += amount.pico();
    }
    assert_eq!(body.by_component.len(), components.len(), "seed {seed}");
    assert_eq!(body.by_model.len(), models.len(), "seed {seed}");
    for (component, (pico, tokens)) in components {
        near(seed, &component, body.by_component[&component], usd(pico));
        assert_eq!(
            body.token_usage.by_operation[&component], tokens,
            "seed {seed}"
        );
    }
    for (model, pico) in models {
        near(seed, &model, body.by_model[&model], usd(pico));
    }
    let tokens: u64 = calls.iter().map(|it| it.3.total()).sum();
    assert_eq!(body.token_usage.total_tokens, tokens, "seed {seed}");
}

#[test]
fn a_summary_reads_back_as_it_was_written() {
    for seed in 0..50 {
        let history = history(seed);
        let summary = folded("r", &history).summary(history.now);
        let text = serde_json::to_string(&summary).expect("it is JSON");
        let read: RunSummary = serde_json::from_str(&text).expect("it is a summary");
        assert_eq!(read, summary, "seed {seed}");
        let id: RunId = "r".parse().expect("valid");
        assert_eq!(read.run, id);
    }
}
