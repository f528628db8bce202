//! A million values that somebody else chooses.

use std::time::Duration;

use monitoring::metrics::{Format, Metrics, Status};

#[test]
fn a_million_hostile_values_stay_within_the_cap() {
    let metrics = Metrics::default();
    let mut n = 0;
    let mut hostile = || {
        n += 1;
        // Some of them may stand in a label, some may not.
        match n % 4 {
            0 => format!("{n}"),
            1 => format!("value \"{n}\" \\"),
            2 => format!("{n}\n# EOF"),
            _ => format!("\u{202e}{n}\u{1b}[2J"),
        }
    };
    let mut sizes = Vec::new();
    for round in 0..2 {
        for _ in 0..500_000 / 18 {
            metrics.record_workflow_execution(&hostile(), &hostile());
            metrics.record_api_call(&hostile(), &hostile(), &hostile());
            metrics.observe_api_call_duration(&hostile(), &hostile(), Duration::from_secs(1));
            metrics.record_task_execution(&hostile(), &hostile());
            metrics.observe_task_duration(&hostile(), Duration::from_secs(1));
            metrics.record_error(&hostile(), &hostile());
            metrics.record_recovery_attempt(&hostile(), Status::Failed);
            metrics.record_cache_hit(&hostile());
            metrics.record_cache_miss(&hostile());
            metrics.update_estimated_cost(&hostile(), 1.0);
            metrics.record_token_usage(&hostile(), &hostile(), 1);
            metrics.observe_workflow_duration(&hostile(), Duration::from_secs(1));
        }
        let text = metrics.get_metrics();
        let n_series = text.lines().filter(|line| !line.starts_with('#')).count();
        assert!(
            n_series <= 3_000,
            "round {round}: {n_series} lines, buckets and all"
        );
        sizes.push(n_series);
        assert_eq!(
            text.matches("EOF").count(),
            0,
            "a value ended the exposition"
        );
        let open = String::from_utf8(metrics.encode(Format::OpenMetrics)).expect("text is UTF-8");
        assert_eq!(open.matches("# EOF").count(), 1);
    }
    assert!(n > 999_000, "{n} values were given");
    assert_eq!(sizes[0], sizes[1], "full families do not grow");
    let text = metrics.get_metrics();
    let overflow = text.lines().filter_map(|line| {
        let rest = line.strip_prefix("automation_series_overflow_total{")?;
        rest.rsplit_once(' ')?.1.parse::<u64>().ok()
    });
    assert!(overflow.sum::<u64>() > 500_000, "what gave way is counted");
    assert!(text.contains(r#"automation_cache_hits_total{cache_name="other"}"#));
}
