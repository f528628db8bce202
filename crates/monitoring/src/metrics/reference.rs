//! docs/reference/metrics.md, made of the catalogue.

use std::fmt::Write as _;

use super::catalogue::{ALL, Kind, Label, Spec};

/// How many of [`ALL`] stand in the description that the engine goes by.
const OF_THE_SEED: usize = 14;

/// The reference of all families as Markdown.
#[must_use]
pub fn reference() -> String {
    let mut page = String::from(
        "# Metrics\n\nWhat `GET /metrics` answers, as OpenMetrics 1.0, as Prometheus's text format 0.0.4 or as its \
         protobuf messages, by the header `Accept`. How to use it: [guide/monitoring.md](../guide/monitoring.md).\n\n\
         A label's values that are listed are there from the start, as 0. *Up to n* says how many values it may \
         have; what comes after them, or may not stand in a label, counts as `other` and in \
         `automation_series_overflow_total`. Durations are in seconds, money in US dollars.\n\n\
         ## Families of the description\n\n",
    );
    let (of_the_seed, ours) = ALL.split_at(OF_THE_SEED);
    of_the_seed.iter().for_each(|spec| family(&mut page, spec));
    page.push_str("## Families of our own\n\n");
    ours.iter().for_each(|spec| family(&mut page, spec));
    page
}

fn family(page: &mut String, spec: &Spec) {
    let kind = match spec.kind {
        Kind::Counter => "counter".to_owned(),
        Kind::Gauge => "gauge".to_owned(),
        Kind::Info => "info, a gauge that is 1; its labels are free".to_owned(),
        Kind::Histogram(bounds) => {
            let bounds: Vec<String> = bounds.iter().map(f64::to_string).collect();
            format!("histogram, buckets up to {} s", bounds.join(", "))
        }
    };
    let written = write!(page, "### `{}`\n\n{}. A {kind}.\n\n", spec.name, spec.help);
    written.expect("writing to a string does not fail");
    for label in spec.labels {
        page.push_str(&line(label));
    }
    if !spec.labels.is_empty() {
        page.push('\n');
    }
    page.push_str(&format!("Changed by {}.\n\n", spec.source));
}

fn line(label: &Label) -> String {
    let known: Vec<String> = label
        .known
        .iter()
        .map(|value| format!("`{value}`"))
        .collect();
    let known = known.join(" ");
    match (label.is_closed(), known.is_empty()) {
        (true, _) => format!("- `{}`: {known}\n", label.name),
        (false, true) => format!("- `{}`: up to {} values\n", label.name, label.at_most),
        (false, false) => format!(
            "- `{}`: {known}; up to {} values\n",
            label.name, label.at_most
        ),
    }
}
