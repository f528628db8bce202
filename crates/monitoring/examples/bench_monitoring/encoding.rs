//! A scrape of 10,000 series beside prometheus-client's own families.

use std::{hint::black_box, time::Duration, time::Instant};

use anyhow::{Result, ensure};
use monitoring::metrics::{Format, Metrics, Options};
use prometheus_client::{
    encoding::{EncodeLabelSet, text},
    metrics::{counter::Counter, family::Family, histogram::Histogram},
    registry::Registry,
};
use serde_json::{Value, json};
use testkit::Rounds;

use crate::{ROUNDS, TURNS, verdict};

const PROVIDERS: usize = 16;
/// With 16 providers: 1,600 counters and 800 histograms of ten series.
const METHODS: usize = 50;
const BOUNDS: [f64; 7] = [0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0];
const GOAL: f64 = 1.2;

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Call {
    provider: String,
    method: String,
    status: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Method {
    provider: String,
    method: String,
}

pub(crate) fn ten_thousand() -> Result<Value> {
    let ours = Metrics::new(&Options { max_series: 10_000 });
    let calls = Family::<Call, Counter>::default();
    let histogram: fn() -> Histogram = || Histogram::new(BOUNDS);
    let durations = Family::<Method, Histogram, _>::new_with_constructor(histogram);
    for i in 0..PROVIDERS * METHODS {
        let provider = format!("provider-{}", i % PROVIDERS);
        let method = format!("method_of_a_forge_{}", i / PROVIDERS);
        let seconds = (i % 40) as f64 * 0.7;
        for status in ["success", "error"] {
            ours.record_api_call(&provider, &method, status);
            let (provider, method) = (provider.clone(), method.clone());
            let labels = Call {
                provider,
                method,
                status,
            };
            calls.get_or_create(&labels).inc();
        }
        ours.observe_api_call_duration(&provider, &method, Duration::from_secs_f64(seconds));
        durations
            .get_or_create(&Method { provider, method })
            .observe(seconds);
    }
    let mut theirs = Registry::default();
    theirs.register("automation_api_calls", "Calls", calls);
    theirs.register(
        "automation_api_call_duration_seconds",
        "Times of calls",
        durations,
    );

    let encode_theirs = || -> Result<String> {
        let mut text = String::new();
        text::encode(&mut text, &theirs)?;
        Ok(text)
    };
    // Ours has all other families beside; both are held to a sample.
    let n_ours = n_samples(&String::from_utf8(ours.encode(Format::OpenMetrics))?);
    let n_theirs = n_samples(&encode_theirs()?);
    ensure!(
        (9_600..=n_ours).contains(&n_theirs),
        "{n_ours} and {n_theirs} series"
    );

    let (mut of_ours, mut of_theirs, mut of_text, mut of_protobuf) = Default::default();
    // The first round warms up.
    for round in 0..=ROUNDS {
        let (mut us_ours, mut us_theirs) = (0.0, 0.0);
        for _ in 0..TURNS {
            us_ours += time(|| Ok(ours.encode(Format::OpenMetrics)))?;
            us_theirs += time(encode_theirs)?;
        }
        let text = time(|| Ok(ours.encode(Format::Text)))?;
        let protobuf = time(|| Ok(ours.encode(Format::Protobuf)))?;
        if round > 0 {
            let per_sample = |us: f64, n: usize| us * 1000.0 / n as f64;
            Rounds::add(&mut of_ours, per_sample(us_ours / TURNS as f64, n_ours));
            Rounds::add(
                &mut of_theirs,
                per_sample(us_theirs / TURNS as f64, n_theirs),
            );
            Rounds::add(&mut of_text, text / 1000.0);
            Rounds::add(&mut of_protobuf, protobuf / 1000.0);
        }
    }
    let ratio = of_ours.ratio(&of_theirs);
    Ok(json!({
        "claim": format!(
            "encoding {n_ours} series as OpenMetrics, for each (all of them as classic text: {:.1} ms, as \
             protobuf with native histograms: {:.1} ms)",
            of_text.median(),
            of_protobuf.median()
        ),
        "ours": of_ours.median(), "unit": "ns",
        "held_against": format!("prometheus-client's families of {n_theirs} series"),
        "theirs": of_theirs.median(), "ratio": ratio, "goal": "≤ 1.2",
        "spread": format!("ours {}, theirs {}", of_ours.spread(), of_theirs.spread()),
        "verdict": verdict(ratio <= GOAL),
    }))
}

fn n_samples(text: &str) -> usize {
    text.lines().filter(|line| !line.starts_with('#')).count()
}

/// Microseconds of one scrape.
fn time<T>(encode: impl Fn() -> Result<T>) -> Result<f64> {
    let start = Instant::now();
    black_box(encode()?);
    Ok(start.elapsed().as_secs_f64() * 1e6)
}
