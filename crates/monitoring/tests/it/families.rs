//! The families of the description, bit for bit: names, types, labels, buckets.

use monitoring::metrics::{
    Metrics,
    catalogue::{ALL, Kind},
    reference,
};

/// As the system before exposes them (its `metrics.py`).
const GOLDEN: &[(&str, &str, &[&str], &str)] = &[
    (
        "automation_workflow_executions_total",
        "counter",
        &["stage", "status"],
        "",
    ),
    (
        "automation_workflow_duration_seconds",
        "histogram",
        &["stage"],
        "1 5 10 30 60 120 300 600 1800 3600",
    ),
    ("automation_active_workflows", "gauge", &[], ""),
    (
        "automation_api_calls_total",
        "counter",
        &["provider", "method", "status"],
        "",
    ),
    (
        "automation_api_call_duration_seconds",
        "histogram",
        &["provider", "method"],
        "0.1 0.5 1 2 5 10 30",
    ),
    (
        "automation_task_executions_total",
        "counter",
        &["task_type", "status"],
        "",
    ),
    (
        "automation_task_duration_seconds",
        "histogram",
        &["task_type"],
        "10 30 60 120 300 600 1800 3600",
    ),
    (
        "automation_errors_total",
        "counter",
        &["error_type", "stage"],
        "",
    ),
    (
        "automation_recovery_attempts_total",
        "counter",
        &["recovery_type", "success"],
        "",
    ),
    (
        "automation_cache_hits_total",
        "counter",
        &["cache_name"],
        "",
    ),
    (
        "automation_cache_misses_total",
        "counter",
        &["cache_name"],
        "",
    ),
    (
        "automation_estimated_cost_dollars",
        "gauge",
        &["component"],
        "",
    ),
    (
        "automation_token_usage_total",
        "counter",
        &["model", "operation"],
        "",
    ),
    ("automation_system_info", "gauge", &[], ""),
];

/// Of the exposition itself, not of the catalogue.
#[test]
fn the_families_of_the_description_are_exposed_as_they_were() {
    let metrics = Metrics::default();
    metrics.record_api_call("gitea", "create_issue", "success");
    metrics.observe_api_call_duration("gitea", "create_issue", std::time::Duration::ZERO);
    metrics.record_cache_hit("issues");
    metrics.record_token_usage("sonnet", "planning", 1);
    let text = metrics.get_metrics();
    for (name, kind, labels, buckets) in GOLDEN {
        let described = format!("# TYPE {name} {kind}");
        assert!(
            text.lines().any(|line| line == described),
            "{described}\n{text}"
        );
        let help = format!("# HELP {name} ");
        assert!(text.lines().any(|line| line.starts_with(&help)), "{help}");
        let sample = match *kind {
            "histogram" => format!("{name}_sum"),
            _ => (*name).to_owned(),
        };
        let is_sample = |line: &&str| line.split(['{', ' ']).next() == Some(&sample);
        let line = text.lines().find(is_sample).unwrap_or_default();
        let found = line.split_once('{').map_or("", |(_, rest)| {
            rest.split_once('}').expect("a label ends").0
        });
        let found: Vec<&str> = found
            .split(',')
            .filter_map(|label| Some(label.split_once('=')?.0))
            .collect();
        assert_eq!(&found, labels, "{line}");
        if *kind == "histogram" {
            let first = text
                .lines()
                .filter(|line| line.starts_with(&format!("{name}_bucket")));
            let bounds = first.filter_map(|line| line.split_once("le=\"")?.1.split('"').next());
            let mut bounds: Vec<f64> = bounds
                .map(|bound| bound.parse().expect("a number"))
                .collect();
            bounds.truncate(buckets.split(' ').count() + 1);
            let expected = buckets
                .split(' ')
                .map(|bound| bound.parse().expect("a number"));
            let expected: Vec<f64> = expected.chain([f64::INFINITY]).collect();
            assert_eq!(bounds, expected, "{name}");
        }
    }
}

#[test]
fn the_values_of_the_description_are_there_from_the_start() {
    let text = Metrics::default().get_metrics();
    for stage in ["planning", "implementation", "testing", "review", "landing"] {
        for status in ["success", "failed"] {
            let line = format!(
                "automation_workflow_executions_total{{stage=\"{stage}\",status=\"{status}\"}} 0"
            );
            assert!(text.lines().any(|found| found == line), "{line}");
        }
    }
    for line in [
        r#"automation_recovery_attempts_total{recovery_type="retry",success="True"} 0"#,
        r#"automation_recovery_attempts_total{recovery_type="test_fix",success="False"} 0"#,
        r#"automation_task_executions_total{task_type="feature",status="failed"} 0"#,
        r#"automation_errors_total{error_type="budget_exceeded",stage="review"} 0"#,
        r#"automation_series_overflow_total{family="automation_api_calls_total"} 0"#,
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
}

#[test]
fn names_follow_the_conventions() {
    for spec in ALL {
        let name = spec.name;
        assert!(name.starts_with("automation_"), "{name}");
        assert_eq!(
            name.ends_with("_total"),
            spec.kind == Kind::Counter,
            "{name}"
        );
        assert!(!spec.help.is_empty() && !spec.help.ends_with('.'), "{name}");
        assert!(!spec.source.is_empty(), "{name}");
        for label in spec.labels {
            assert!(
                label.at_most <= 64,
                "{name}: {} is no closed set",
                label.name
            );
            assert!(label.name != "le" && label.name != "quantile", "{name}");
        }
        if let Kind::Histogram(bounds) = spec.kind {
            assert!(name.ends_with("_seconds"), "{name}");
            assert!(bounds.is_sorted_by(|a, b| a < b), "{name}");
        }
    }
    let overflow = ALL.last().expect("there are families").labels[0].known;
    for spec in ALL {
        let can_overflow =
            !spec.labels.is_empty() && spec.name != "automation_series_overflow_total";
        assert_eq!(overflow.contains(&spec.name), can_overflow, "{}", spec.name);
    }
}

#[test]
fn the_reference_has_them_all() {
    let page = reference();
    for spec in ALL {
        assert!(
            page.contains(&format!("### `{}`", spec.name)),
            "{}",
            spec.name
        );
    }
    let (seed, ours) = page
        .split_once("## Families of our own")
        .expect("both parts are there");
    assert!(seed.contains("automation_system_info") && ours.contains("automation_tasks"));
}
