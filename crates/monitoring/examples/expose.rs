//! Metrics of made-up runs, for the parts of the world that read metrics: `cargo xtask real-parts`.
//!
//! `expose --print text|openmetrics|protobuf` prints them. `expose --listen 127.0.0.1:0` prints its address
//! and answers `GET /metrics` until standard input ends; each scrape finds one more run, so that rates have
//! a value.

use std::{
    collections::VecDeque,
    io::Write as _,
    sync::{Arc, Mutex},
    time::{Duration, UNIX_EPOCH},
};

use anyhow::{Context as _, Result, bail};
use core_types::{EventRecord, RunId, Stage, Timestamp};
use http_body_util::Full;
use hyper::{Request, Response, body::Bytes, header, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use monitoring::{
    fold::RunFold,
    metrics::{EventFold, Format, Metrics},
};
use serde_json::{Value, json};
use tokio::{io::AsyncReadExt as _, net::TcpListener, task::JoinSet};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let world = World::new();
    match arguments[..] {
        ["--print", format] => {
            world.go_on()?;
            let format = match format {
                "text" => Format::Text,
                "openmetrics" => Format::OpenMetrics,
                "protobuf" => Format::Protobuf,
                unknown => bail!("unknown format `{unknown}`"),
            };
            std::io::stdout().write_all(&world.metrics.encode(format))?;
            Ok(())
        }
        ["--listen", address] => serve(address, &world).await,
        _ => bail!("expose --print FORMAT | --listen ADDRESS"),
    }
}

async fn serve(address: &str, world: &World) -> Result<()> {
    let listener = TcpListener::bind(address).await?;
    writeln!(std::io::stdout(), "{}", listener.local_addr()?)?;
    let local = tokio::task::LocalSet::new();
    let mut connections = JoinSet::new();
    let mut stdin = tokio::io::stdin();
    let accept = async {
        loop {
            tokio::select! {
                accepted = listener.accept() => {
                    let world = world.clone();
                    connections.spawn_local(async move {
                        let service = service_fn(move |request| answer(world.clone(), request));
                        let stream = TokioIo::new(accepted?.0);
                        http1::Builder::new().serve_connection(stream, service).await?;
                        Ok::<(), anyhow::Error>(())
                    });
                }
                end = stdin.read_u8() => return drop(end),
            }
        }
    };
    local.run_until(accept).await;
    Ok(())
}

async fn answer(
    world: World,
    request: Request<hyper::body::Incoming>,
) -> Result<Response<Full<Bytes>>> {
    if request.uri().path() != "/metrics" {
        return Ok(Response::builder().status(404).body(Full::default())?);
    }
    world.go_on()?;
    let accept = request.headers().get(header::ACCEPT);
    let format = Format::negotiate(accept.and_then(|accept| accept.to_str().ok()));
    let body = world.metrics.encode(format);
    let response = Response::builder().header(header::CONTENT_TYPE, format.content_type());
    Ok(response.body(Full::from(body))?)
}

/// Metrics, and the runs that are in them.
#[derive(Clone)]
struct World {
    metrics: Metrics,
    runs: Arc<Mutex<Runs>>,
}

struct Runs {
    counting: EventFold,
    n: u64,
    /// The last three, as pages would show them.
    last: VecDeque<RunFold>,
}

impl World {
    fn new() -> Self {
        let metrics = Metrics::default();
        metrics.set_system_info([("version", env!("CARGO_PKG_VERSION"))]);
        let counting = EventFold::new(metrics.clone());
        Self {
            metrics,
            runs: Arc::new(Mutex::new(Runs {
                counting,
                n: 0,
                last: VecDeque::new(),
            })),
        }
    }

    /// One more run: of three one fails, and one is left under way.
    fn go_on(&self) -> Result<()> {
        let mut runs = self.runs.lock().ok().context("nothing panics here")?;
        runs.n += 1;
        let now = UNIX_EPOCH.elapsed()?.as_millis() as u64;
        let run: RunId = format!("run-{}", runs.n).parse()?;
        if runs.last.len() == 3
            && let Some(oldest) = runs.last.pop_front()
        {
            runs.counting.forget(&oldest.summary(Timestamp(now)).run);
        }
        let mut fold = RunFold::new(run.clone());
        for (i, (step, event)) in (0..).zip(story(runs.n)) {
            let record = EventRecord {
                v: 1,
                at: Timestamp(now - 60_000 + 1000 * i),
                step: step.map(serde_json::from_value).transpose()?,
                event: serde_json::from_value(event)?,
            };
            runs.counting.apply(&run, &record);
            fold.extend([(i + 1, record)]);
        }
        fold.set_held(runs.n % 3 == 2);
        runs.last.push_back(fold);
        let summaries = runs.last.iter().map(|fold| fold.summary(Timestamp(now)));
        self.metrics.show_runs(&summaries.collect::<Vec<_>>());
        self.metrics.record_cache_hit("issues");
        self.metrics.record_cache_miss("issues");
        self.metrics.update_price_table(Timestamp(now - 86_400_000));
        self.metrics
            .observe_workflow_duration("planning", Duration::from_secs(3));
        Ok(())
    }
}

/// The events of a run, each with its step.
fn story(n: u64) -> Vec<(Option<Value>, Value)> {
    let of_task = json!({"key": {"scope": {"of": "task", "name": "a"}, "attempt": 1, "name": "agent"}, "execution": 1});
    let seconds = |secs: u64| json!({"secs": secs, "nanos": 0});
    let stage = |stage: Stage| {
        (
            None,
            json!({"type": "stage_started", "stage": stage.as_str()}),
        )
    };
    let task = |status: &str| {
        let changed = json!({"type": "task_changed", "task": "a", "status": status, "attempt": 1});
        (Some(of_task.clone()), changed)
    };
    let told = |event: Value| (Some(of_task.clone()), event);
    let strategy = "manual_intervention";
    let mut events = vec![
        (
            None,
            json!({"type": "run_started", "session": 1 + n % 2, "max_workers": 2}),
        ),
        (None, json!({"type": "budget_set", "limit": "20.00"})),
        stage(Stage::Planning),
        (
            None,
            json!({"type": "task_planned", "task": "a", "title": "Add a page", "repository": "backend",
            "dependencies": [], "estimate": seconds(600)}),
        ),
        (
            None,
            json!({"type": "task_planned", "task": "b", "title": "Test it", "repository": "backend",
            "dependencies": ["a"], "estimate": seconds(60)}),
        ),
        stage(Stage::Implementation),
        told(
            json!({"type": "lessons_served", "lessons": if n.is_multiple_of(2) { json!(["one"]) } else { json!([]) },
            "arm": if n.is_multiple_of(2) { "treatment" } else { "control" }, "propensity": 0.5}),
        ),
        task("ready"),
        task("running"),
        told(json!({"type": "spend_reserved", "operation": format!("op-{n}"), "amount": "0.50"})),
        told(
            json!({"type": "agent_ended", "agent": "command", "duration": seconds(30),
            "usage": {"input": 1000, "cache_read": 0, "cache_write_5m": 0, "cache_write_1h": 0, "output": 200, "reasoning": 0}}),
        ),
        told(
            json!({"type": "spend_settled", "operation": format!("op-{n}"), "model": "sonnet", "amount": "0.12",
            "usage": {"input": 1000, "cache_read": 0, "cache_write_5m": 0, "cache_write_1h": 0, "output": 200, "reasoning": 0}}),
        ),
        told(
            json!({"type": "command_ended", "repository": "backend", "purpose": "test", "passed": !n.is_multiple_of(3), "duration": seconds(2)}),
        ),
        told(
            json!({"type": "forge_called", "provider": "gitea", "method": "create_issue", "passed": !n.is_multiple_of(4), "duration": seconds(1)}),
        ),
    ];
    if n % 3 == 2 {
        return events;
    }
    if n.is_multiple_of(3) {
        events.extend([
            told(json!({"type": "recovery_started", "strategy": strategy, "class": {"class": "test_failure"}, "round": 1})),
            told(json!({"type": "recovery_ended", "strategy": strategy, "outcome": "handed_off", "reason": ""})),
            task("failed"),
            (None, json!({"type": "run_ended", "exit_code": 1, "summary": ""})),
        ]);
    } else {
        events.extend([
            task("succeeded"),
            stage(Stage::Testing),
            stage(Stage::Review),
            stage(Stage::Landing),
            (
                None,
                json!({"type": "run_ended", "exit_code": 0, "summary": ""}),
            ),
        ]);
    }
    events
}
