//! Prices and the ledger: `cargo xtask bench cost`.
//!
//! Golden costs, random histories with a crash in each (those of the tests, and many more), and what
//! setting aside and settling takes: in memory, and on disk held against a bare append with its flush.

#[path = "../../tests/it/histories.rs"]
mod histories;

use std::{
    fs::OpenOptions,
    io::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Instant,
};

use anyhow::Result;
use core_types::{
    Ledger, OperationId, RunId, SpendRequest, SpendScope, Spent, SystemClock, TaskId, TokenUsage,
    Usd,
};
use cost::{JournalLedger, LedgerOptions, Limits, MemoryLedger, PriceTable, ServiceTier};
use serde_json::{Value, json};
use tokio::{runtime::Runtime, task::JoinSet};

const HISTORIES: u64 = 10_000;
const OPERATIONS: u64 = 1_000_000;
const ROUNDS: usize = 5;
const IN_MEMORY: usize = 100_000;
/// Agents that set aside and settle at once: what group commit is for.
const AGENTS: usize = 64;
const ON_DISK: usize = 20;

fn main() -> Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()?;
    let folder = std::env::temp_dir().join(format!("automation-bench-cost-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let claims = [
        golden()?,
        in_memory(&runtime)?,
        on_disk(&runtime, &folder)?,
        histories(&runtime),
    ];
    std::fs::remove_dir_all(&folder)?;
    let mut stdout = std::io::stdout().lock();
    for claim in &claims {
        writeln!(stdout, "{claim}")?;
    }
    let short = claims.iter().any(|claim| claim["verdict"] == "falls short");
    Ok(ExitCode::from(u8::from(short)))
}

fn say(line: impl std::fmt::Display) {
    // Nobody who does not read needs it.
    drop(writeln!(std::io::stderr().lock(), "{line}"));
}

fn verdict(holds: bool) -> &'static str {
    if holds { "holds" } else { "falls short" }
}

fn golden() -> Result<Value> {
    let name = "golden costs within 10⁻⁹ USD";
    let folder = match std::env::var_os("AUTOMATION_SHARED_DATA") {
        Some(folder) => PathBuf::from(folder),
        None => PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
    };
    let Ok(text) = std::fs::read_to_string(folder.join("prices/cost_golden.jsonl")) else {
        return Ok(json!({"claim": name, "verdict": "not run (no golden data)"}));
    };
    let prices = PriceTable::bundled();
    let (mut met, mut all) = (0, 0);
    for line in text.lines() {
        let value: Value = serde_json::from_str(line)?;
        let count = |key: &str| value[key].as_u64().unwrap_or_default();
        let usage = TokenUsage {
            input: count("uncached_input"),
            cache_read: count("cache_read"),
            cache_write_5m: count("cache_write_5m"),
            cache_write_1h: count("cache_write_1h"),
            output: count("output"),
            reasoning: count("reasoning_included_in_output"),
        };
        let tier = match value["service_tier"].as_str() {
            Some("flex") => ServiceTier::Flex,
            Some("priority") => ServiceTier::Priority,
            _ => ServiceTier::Standard,
        };
        let model = value["model"].as_str().unwrap_or_default();
        let cost = prices.cost(model, &usage, tier)?;
        let is_near = |ours: Usd, key: &str| {
            let theirs = value[key].as_f64().unwrap_or(f64::NAN);
            (ours.pico() as f64 / 1e12 - theirs).abs() < 1e-9
        };
        met += u64::from(is_near(cost.input, "input_cost") && is_near(cost.output, "output_cost"));
        all += 1;
    }
    Ok(json!({
        "claim": name, "ours": met, "held_against": "LiteLLM's calculator", "theirs": all,
        "goal": "all", "verdict": verdict(met == all && all > 0),
    }))
}

fn histories(runtime: &Runtime) -> Value {
    let started = Instant::now();
    let mut operations = 0;
    for seed in 0..HISTORIES {
        // A broken promise is a panic with the seed.
        operations += runtime.block_on(histories::history(seed));
        if (seed + 1) % 1_000 == 0 {
            say(format!("{} histories, {operations} operations", seed + 1));
        }
    }
    json!({
        "claim": format!("operations in {HISTORIES} histories of 256 workers, a crash in each, no limit passed, nothing acknowledged lost"),
        "ours": operations, "goal": "≥ 1,000,000",
        "spread": format!("{:.0} s", started.elapsed().as_secs_f64()),
        "verdict": verdict(operations >= OPERATIONS),
    })
}

fn scope(idx: usize) -> Result<SpendScope> {
    Ok(SpendScope {
        run: RunId::new("bench")?,
        repository: None,
        task: Some(TaskId::new(format!("t{}", idx % 50))?),
    })
}

/// A limit that is looked at and never met.
fn options() -> LedgerOptions {
    LedgerOptions {
        limits: Limits {
            task: Some(Usd::from_pico(u64::MAX / 4)),
            run: Some(Usd::from_pico(u64::MAX / 4)),
            ..Limits::default()
        },
        ..LedgerOptions::default()
    }
}

async fn one_call(ledger: &dyn Ledger, scope: &SpendScope, ids: &[OperationId; 2]) -> Result<()> {
    let request = SpendRequest {
        worst_case: Some(Usd::from_pico(2_000)),
        ..SpendRequest::default()
    };
    let reservation = ledger.reserve(&ids[0], scope, &request, None).await?;
    let spent = Spent {
        cost: Some(Usd::from_pico(1_000)),
        ..Spent::default()
    };
    ledger.settle(&ids[1], &reservation, &spent).await?;
    Ok(())
}

fn ids(prefix: &str, count: usize) -> Result<Vec<[OperationId; 2]>> {
    (0..count)
        .map(|n| {
            let id = format!("{prefix}:{n}");
            Ok([
                OperationId::new(&id)?,
                OperationId::new(format!("{id}:settle"))?,
            ])
        })
        .collect()
}

/// How long this thread has run so far; the clock also counts what others run meanwhile.
fn processor_nanos() -> Result<u64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanos = text.split_whitespace().next().unwrap_or_default();
    Ok(nanos.parse()?)
}

fn in_memory(runtime: &Runtime) -> Result<Value> {
    let (mut micros, mut waited) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let ledger = MemoryLedger::new(options(), Arc::new(SystemClock));
        let ids = ids(&format!("run-{round}:task/t:agent"), IN_MEMORY)?;
        let scopes = (0..50).map(scope).collect::<Result<Vec<_>>>()?;
        let processor = processor_nanos()?;
        let elapsed = runtime.block_on(async {
            let started = Instant::now();
            for (n, ids) in ids.iter().enumerate() {
                one_call(&ledger, &scopes[n % 50], ids).await?;
            }
            Ok::<_, anyhow::Error>(started.elapsed())
        })?;
        micros.push((processor_nanos()? - processor) as f64 / 1e3 / IN_MEMORY as f64);
        waited.push(elapsed.as_secs_f64() * 1e6 / IN_MEMORY as f64);
        say(format!("in memory: {:.3} µs", micros[round]));
    }
    let ((median, spread), (waited, _)) = (middle(micros), middle(waited));
    Ok(json!({
        "claim": "reserve and settle in memory, through the port: processor time", "ours": median,
        "unit": "µs", "goal": "≤ 2 µs", "spread": format!("{spread}; {waited:.2} µs by the clock"), "verdict": verdict(median <= 2.0),
    }))
}

/// The time for one operation of 64 agents at once, held against one bare append and flush.
fn on_disk(runtime: &Runtime, folder: &Path) -> Result<Value> {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let file = folder.join(format!("bare-{round}"));
        let mut file = OpenOptions::new().create_new(true).write(true).open(file)?;
        let started = Instant::now();
        for _ in 0..200 {
            file.write_all(&[b'x'; 256])?;
            file.sync_data()?;
        }
        theirs.push(started.elapsed().as_secs_f64() * 1e3 / 200.0);

        let dir = folder.join(format!("ledger-{round}"));
        let ledger = JournalLedger::open(&dir, options(), Arc::new(SystemClock))?;
        let elapsed = runtime.block_on(async {
            let started = Instant::now();
            let mut agents = JoinSet::new();
            for agent in 0..AGENTS {
                let (ledger, scope) = (ledger.clone(), scope(agent)?);
                let ids = ids(&format!("agent-{agent}"), ON_DISK)?;
                agents.spawn(async move {
                    for ids in &ids {
                        one_call(&ledger, &scope, ids).await?;
                    }
                    Ok::<_, anyhow::Error>(())
                });
            }
            for done in agents.join_all().await {
                done?;
            }
            Ok::<_, anyhow::Error>(started.elapsed())
        })?;
        let operations = AGENTS * ON_DISK * 2;
        ours.push(elapsed.as_secs_f64() * 1e3 / operations as f64);
        say(format!(
            "on disk: ours {:.4} ms, theirs {:.4} ms",
            ours[round], theirs[round]
        ));
    }
    let ((ours, our_spread), (theirs, their_spread)) = (middle(ours), middle(theirs));
    let ratio = ours / theirs;
    Ok(json!({
        "claim": format!("one durable operation, {AGENTS} agents at once"), "ours": ours, "unit": "ms",
        "held_against": "an append of 256 bytes with fdatasync", "theirs": theirs, "ratio": ratio,
        "goal": "≤ 1.3", "spread": format!("ours {our_spread}, theirs {their_spread}"),
        "verdict": verdict(ratio <= 1.3),
    }))
}

/// The median, and how far the rounds lie around it.
fn middle(mut figures: Vec<f64>) -> (f64, String) {
    figures.sort_by(f64::total_cmp);
    let median = figures[figures.len() / 2];
    let percent = |figure: &f64| (figure / median - 1.0) * 100.0;
    let (low, high) = (
        figures.first().map_or(0.0, percent),
        figures.last().map_or(0.0, percent),
    );
    (median, format!("{low:+.0} % to {high:+.0} %"))
}
