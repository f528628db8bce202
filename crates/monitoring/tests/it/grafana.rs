//! The dashboards in config/grafana by the rules of Grafana's dashboard linter, as its documentation states
//! them, and against the catalogue. (Whether their queries are valid PromQL and have an answer is asked of a
//! real Prometheus: `cargo xtask real-parts`.)

use std::{collections::BTreeSet, fs, path::PathBuf};

use monitoring::metrics::catalogue::{ALL, Kind};
use serde_json::Value;

const DASHBOARDS: &[&str] = &["overview", "run", "cost"];

fn config(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../config")
        .join(path)
}

fn read(path: &str) -> String {
    let path = config(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn dashboards() -> Vec<(&'static str, Value)> {
    let parse = |name: &&'static str| {
        let text = read(&format!("grafana/{name}.json"));
        (
            *name,
            serde_json::from_str(&text).expect("a dashboard is JSON"),
        )
    };
    DASHBOARDS.iter().map(parse).collect()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The panels that show something.
fn panels(dashboard: &Value) -> impl Iterator<Item = &Value> {
    list(&dashboard["panels"])
        .iter()
        .filter(|panel| panel["type"] != "row")
}

fn queries(dashboard: &Value) -> impl Iterator<Item = (&str, &str)> {
    panels(dashboard).flat_map(|panel| {
        list(&panel["targets"])
            .iter()
            .map(|target| (text(&panel["title"]), text(&target["expr"])))
    })
}

#[test]
fn every_file_is_looked_at() {
    let files = fs::read_dir(config("grafana")).expect("the folder is there");
    let found: BTreeSet<String> = files
        .map(|file| {
            file.expect("it is readable")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    let expected = DASHBOARDS
        .iter()
        .map(|name| format!("{name}.json"))
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn data_source_job_and_instance_are_templates() {
    for (name, dashboard) in dashboards() {
        let templates = list(&dashboard["templating"]["list"]);
        let template = |wanted: &str| {
            let found = templates.iter().find(|template| template["name"] == wanted);
            found.unwrap_or_else(|| panic!("{name}: no template {wanted}"))
        };
        let source = template("datasource");
        assert_eq!(source["type"], "datasource", "{name}");
        assert_eq!(source["query"], "prometheus", "{name}");
        assert_eq!(source["label"], "Data source", "{name}");
        for (wanted, label) in [("job", "Job"), ("instance", "Instance")] {
            let template = template(wanted);
            assert_eq!(template["label"], label, "{name}");
            assert_eq!(template["type"], "query", "{name}");
            assert_eq!(template["multi"], true, "{name}");
            assert_eq!(template["allValue"], ".+", "{name}");
            assert_eq!(template["datasource"]["uid"], "${datasource}", "{name}");
        }
        for template in templates
            .iter()
            .filter(|template| template["type"] == "query")
        {
            let which = text(&template["name"]);
            assert_eq!(
                template["refresh"], 2,
                "{name}: {which} is read anew when the time changes"
            );
            let query = text(&template["query"]["query"]);
            assert!(
                query.starts_with("label_values(automation_"),
                "{name}: {query}"
            );
        }
    }
}

#[test]
fn dashboards_cannot_be_edited_in_place() {
    for (name, dashboard) in dashboards() {
        assert_eq!(dashboard["editable"], false, "{name}");
        assert!(text(&dashboard["uid"]).starts_with("automation-"), "{name}");
        assert!(!text(&dashboard["description"]).is_empty(), "{name}");
    }
}

#[test]
fn every_panel_says_what_it_shows() {
    for (name, dashboard) in dashboards() {
        let mut seen = BTreeSet::new();
        for panel in list(&dashboard["panels"]) {
            let title = text(&panel["title"]);
            assert!(!title.is_empty(), "{name}: {}", panel["id"]);
            assert!(
                seen.insert(panel["id"].as_u64()),
                "{name}: {title}: an id stands twice"
            );
        }
        for panel in panels(&dashboard) {
            let title = text(&panel["title"]);
            let description = text(&panel["description"]);
            assert!(
                description.ends_with('.'),
                "{name}: {title}: a description is a sentence"
            );
            assert!(
                !text(&panel["fieldConfig"]["defaults"]["unit"]).is_empty(),
                "{name}: {title}: no unit"
            );
            assert_eq!(
                panel["datasource"]["uid"], "${datasource}",
                "{name}: {title}"
            );
            assert!(
                !list(&panel["targets"]).is_empty(),
                "{name}: {title}: no query"
            );
            for target in list(&panel["targets"]) {
                assert_eq!(
                    target["datasource"]["uid"], "${datasource}",
                    "{name}: {title}"
                );
                assert!(
                    !text(&target["legendFormat"]).is_empty(),
                    "{name}: {title}: no legend"
                );
            }
        }
    }
}

#[test]
fn panels_do_not_lie_on_each_other() {
    for (name, dashboard) in dashboards() {
        let place = |panel: &Value| {
            let at = |key: &str| panel["gridPos"][key].as_u64().expect("a place is a number");
            (at("x"), at("y"), at("x") + at("w"), at("y") + at("h"))
        };
        let places: Vec<_> = list(&dashboard["panels"]).iter().map(place).collect();
        for (i, a) in places.iter().enumerate() {
            assert!(a.2 <= 24, "{name}: wider than the page");
            for b in &places[i + 1..] {
                let apart = a.2 <= b.0 || b.2 <= a.0 || a.3 <= b.1 || b.3 <= a.1;
                assert!(apart, "{name}: {a:?} lies on {b:?}");
            }
        }
    }
}

#[test]
fn counters_are_read_as_rates_and_all_that_is_read_is_selected() {
    for (name, dashboard) in dashboards() {
        for (title, query) in queries(&dashboard) {
            let mut rest = query;
            let mut n = 0;
            while let Some(at) = rest.find("automation_") {
                let before = &rest[..at];
                rest = &rest[at..];
                let end = rest
                    .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                    .unwrap_or(rest.len());
                let metric = &rest[..end];
                rest = &rest[end..];
                let (selector, after) = rest.split_once('}').unwrap_or_default();
                assert!(
                    selector.contains(r#"job=~"$job""#)
                        && selector.contains(r#"instance=~"$instance""#),
                    "{name}: {title}: {metric} of which job and instance"
                );
                let grows = ["_total", "_bucket", "_sum", "_count"]
                    .iter()
                    .any(|end| metric.ends_with(end));
                let range = after
                    .strip_prefix('[')
                    .map(|after| after.split(']').next().unwrap_or_default());
                let function = ["rate(", "increase("]
                    .into_iter()
                    .find(|function| before.ends_with(function));
                match (grows, function) {
                    (true, Some("rate(")) => {
                        assert_eq!(range, Some("$__rate_interval"), "{name}: {title}")
                    }
                    (true, Some(_)) => assert_eq!(range, Some("$__range"), "{name}: {title}"),
                    (true, None) => panic!("{name}: {title}: {metric} without rate or increase"),
                    (false, _) => {
                        assert_eq!(range, None, "{name}: {title}: {metric} is no counter")
                    }
                }
                n += 1;
            }
            assert!(n > 0, "{name}: {title}: reads nothing of ours");
            let balanced = query.matches('(').count() == query.matches(')').count();
            assert!(balanced, "{name}: {title}: {query}");
        }
    }
}

/// Every name that begins as ours do, in configuration and guide, is one of ours.
#[test]
fn what_is_read_is_exposed() {
    let exposed: BTreeSet<String> = ALL
        .iter()
        .flat_map(|spec| match spec.kind {
            Kind::Histogram(_) => ["", "_bucket", "_sum", "_count"]
                .map(|end| format!("{}{end}", spec.name))
                .to_vec(),
            Kind::Counter | Kind::Gauge | Kind::Info => vec![spec.name.to_owned()],
        })
        .collect();
    // Names of groups and of rules, which are made here.
    let rules = read("prometheus/rules.yml");
    let mut files = vec![
        rules.clone(),
        read("prometheus/alerts.yml"),
        read("prometheus/tests/rules.yml"),
        read("prometheus/tests/alerts.yml"),
        read("prometheus/tests/days.yml"),
        read("../docs/guide/monitoring.md"),
    ];
    files.extend(dashboards().iter().map(|(_, dashboard)| {
        let queries: Vec<&str> = queries(dashboard).map(|(_, query)| query).collect();
        queries.join("\n")
    }));
    let recorded: BTreeSet<&str> = rules
        .lines()
        .filter_map(|line| Some(line.split_once("record: ")?.1))
        .collect();
    let mut read_of = BTreeSet::new();
    for file in &files {
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':');
        for word in file.split(|c: char| !is_part(c)) {
            if word.contains(":automation_") {
                assert!(recorded.contains(word), "{word} is not recorded");
            } else if word.starts_with("automation_") && !is_group(word) {
                assert!(exposed.contains(word), "{word} is not exposed");
                read_of.insert(word.to_owned());
            }
        }
    }
    // The two that every target has, and what is for people alone.
    for spec in ALL {
        let is_read = read_of.iter().any(|name| name.starts_with(spec.name));
        let is_for_people =
            ["automation_system_info", "automation_commands_total"].contains(&spec.name);
        assert!(is_read || is_for_people, "{} is shown nowhere", spec.name);
    }
}

fn is_group(word: &str) -> bool {
    let groups =
        ["stages", "tasks", "services", "money"].map(|group| format!("automation_{group}"));
    word.starts_with("automation_alerts_")
        || (word != "automation_tasks" && groups.contains(&word.to_owned()))
}

#[test]
fn there_are_alerts_enough_and_each_is_tested_three_ways() {
    let alerts = read("prometheus/alerts.yml");
    let names: Vec<&str> = alerts
        .lines()
        .filter_map(|line| Some(line.split_once("- alert: ")?.1))
        .collect();
    assert!(names.len() >= 14, "{names:?}");
    let tests = read("prometheus/tests/alerts.yml") + &read("prometheus/tests/days.yml");
    let (_, without_series) = tests
        .split_once("- name: No series")
        .expect("the case is there");
    for name in names {
        assert!(tests.contains(&format!("- name: {name} fires\n")), "{name}");
        assert!(
            tests.contains(&format!("- name: {name} does not fire\n")),
            "{name}"
        );
        // The absence of series is what this one tells of.
        let is_absent =
            name == "AutomationAbsent" || without_series.contains(&format!("alertname: {name}\n"));
        assert!(is_absent, "{name}");
    }
}
