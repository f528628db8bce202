//! The dashboard of made-up runs, for the parts of the world that read metrics: `cargo xtask real-parts`.
//!
//! `expose --print text|openmetrics|protobuf` prints what `GET /metrics` answers. `expose --listen 127.0.0.1:0`
//! prints its address and serves until standard input ends; one more run comes every half second, so that rates
//! have a value.

use std::{
    io::Write as _,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

use anyhow::{Context as _, Result, bail};
use core_types::{CancellationToken, EventRecord, RunId, Stage, SystemClock, Timestamp};
use monitoring::{
    dashboard::{Access, Dashboard, Options, Secret, Server},
    fold::{Board, MemorySource},
    metrics::Metrics,
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::sleep,
};

/// How often a run comes.
const EVERY: Duration = Duration::from_millis(500);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let world = World::new();
    match arguments[..] {
        ["--print", format] => {
            let accept = match format {
                "text" => "text/plain",
                "openmetrics" => "application/openmetrics-text",
                "protobuf" => {
                    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"
                }
                unknown => bail!("unknown format `{unknown}`"),
            };
            world.go_on(1)?;
            let server = world.server("127.0.0.1:0".parse()?).await?;
            let address = server.address();
            let body = tokio::select! {
                () = server.serve(CancellationToken::new()) => bail!("the server has ended"),
                body = ask(address, accept) => body?,
            };
            std::io::stdout().write_all(&body)?;
            Ok(())
        }
        ["--listen", address] => {
            let server = world.server(address.parse()?).await?;
            writeln!(std::io::stdout(), "{}", server.address())?;
            let more = async {
                for n in 1.. {
                    world.go_on(n)?;
                    sleep(EVERY).await;
                }
                Ok::<(), anyhow::Error>(())
            };
            let mut stdin = tokio::io::stdin();
            tokio::select! {
                () = server.serve(CancellationToken::new()) => bail!("the server has ended"),
                failed = more => failed,
                _ = stdin.read_u8() => Ok(()),
            }
        }
        _ => bail!("expose --print FORMAT | --listen ADDRESS"),
    }
}

/// What the server answers.
async fn ask(address: SocketAddr, accept: &str) -> Result<Vec<u8>> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!(
        "GET /metrics HTTP/1.1\r\nHost: {address}\r\nAccept: {accept}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    let mut ends = answer.windows(4).enumerate();
    let (at, _) = ends.find(|(_, it)| it == b"\r\n\r\n").context("a head")?;
    let body = answer.split_off(at + 4);
    let head = String::from_utf8_lossy(&answer).to_ascii_lowercase();
    let is_whole = head.starts_with("http/1.1 200") && !head.contains("chunked");
    anyhow::ensure!(is_whole, "{head}");
    Ok(body)
}

/// Runs, and the metrics of what is not in their events.
struct World {
    metrics: Metrics,
    source: Arc<MemorySource>,
}

impl World {
    fn new() -> Self {
        let metrics = Metrics::default();
        metrics.set_system_info([("version", env!("CARGO_PKG_VERSION"))]);
        let source = Arc::new(MemorySource::new());
        Self { metrics, source }
    }

    async fn server(&self, address: SocketAddr) -> Result<Server> {
        let clock = Arc::new(SystemClock);
        let board = Arc::new(Board::new(self.source.clone(), clock.clone()));
        board.refresh().await?;
        let access = Arc::new(Access::new(Secret::from_bytes([7; 32])));
        let options = Options {
            address,
            ..Options::default()
        };
        let dashboard = Dashboard::new(board, self.metrics.clone(), clock, access, &options);
        Ok(Server::bind(dashboard, &options, None).await?)
    }

    /// One more run: of three one fails, and one is left under way.
    fn go_on(&self, n: u64) -> Result<()> {
        let now = UNIX_EPOCH.elapsed()?.as_millis() as u64;
        let run: RunId = format!("run-{n}").parse()?;
        let mut records = Vec::new();
        for (i, (step, event)) in (0..).zip(story(n)) {
            records.push(EventRecord {
                v: 1,
                at: Timestamp(now - 60_000 + 1000 * i),
                step: step.map(serde_json::from_value).transpose()?,
                event: serde_json::from_value(event)?,
            });
        }
        self.source.push(&run, records);
        self.source.set_held(&run, n % 3 == 2);
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
            "arm": if n.is_multiple_of(2) { "trial" } else { "served" }, "propensity": 0.5}),
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
