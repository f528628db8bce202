//! Files of targets: make, just, task.

use std::collections::{BTreeMap, BTreeSet};

use super::{says_test, sections::squeezed};
use crate::test_fix::integrity::{paths::words, verdict::Policy};

pub(super) fn is_make(name: &str) -> bool {
    matches!(
        name,
        "makefile"
            | "gnumakefile"
            | "justfile"
            | ".justfile"
            | "taskfile.yml"
            | "taskfile.yaml"
            | "rakefile"
            | "taskfile"
    ) || name.ends_with(".mk")
}

/// The rules of a file of targets, and what is said outside of them.
#[derive(Default)]
struct Rules {
    /// For each target its prerequisites and its lines.
    targets: BTreeMap<String, (Vec<String>, Vec<String>)>,
    variables: BTreeMap<String, String>,
    others: Vec<String>,
}

fn rules(text: &str) -> Rules {
    let mut rules = Rules::default();
    let mut current: Vec<String> = Vec::new();
    let mut joined = String::new();
    let folded = text.replace("\\\n", " ");
    for line in folded.lines() {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        let is_recipe = line.starts_with([' ', '\t']) && !current.is_empty();
        if is_recipe {
            for target in &current {
                rules
                    .targets
                    .entry(target.clone())
                    .or_default()
                    .1
                    .push(squeezed(trimmed));
            }
            continue;
        }
        let colon = trimmed.find(':');
        let equals = trimmed.find('=');
        match (colon, equals) {
            (Some(colon), equals) if equals.is_none_or(|equals| equals > colon + 1) => {
                current = trimmed[..colon]
                    .split_whitespace()
                    .map(str::to_owned)
                    .collect();
                let mut needs: Vec<String> = trimmed[colon + 1..]
                    .split_whitespace()
                    .map(str::to_owned)
                    .collect();
                // `test: ; command`
                if let Some(at) = needs.iter().position(|word| word == ";") {
                    let line = needs.split_off(at).join(" ");
                    for target in &current {
                        rules
                            .targets
                            .entry(target.clone())
                            .or_default()
                            .1
                            .push(line.clone());
                    }
                }
                needs.retain(|word| word != "|");
                for target in &current {
                    rules
                        .targets
                        .entry(target.clone())
                        .or_default()
                        .0
                        .extend(needs.iter().cloned());
                }
            }
            (_, Some(equals)) => {
                current.clear();
                let name = trimmed[..equals]
                    .trim_end_matches([':', '?', '+', '!', ' '])
                    .trim_start_matches("export ")
                    .trim();
                let value = rules.variables.entry(name.to_owned()).or_default();
                value.push(' ');
                value.push_str(trimmed[equals + 1..].trim());
            }
            _ => {
                current.clear();
                joined.push_str(trimmed);
                rules.others.push(trimmed.to_owned());
            }
        }
    }
    rules
}

pub(super) fn make(old: &str, new: &str, policy: &Policy) -> Vec<String> {
    let (old, new) = (rules(old), rules(new));
    let command = policy.command.as_deref().unwrap_or("");
    let called: BTreeSet<_> = words(command).collect();
    let mut names: BTreeSet<String> = BTreeSet::new();
    for name in old.targets.keys().chain(new.targets.keys()) {
        if says_test(name) || called.contains(name.as_str()) {
            names.insert(name.clone());
        }
    }
    // What these need, as far as it is no file or build.
    let mut waiting: Vec<String> = names.iter().cloned().collect();
    while let Some(name) = waiting.pop() {
        let (needs, lines) = old.targets.get(&name).cloned().unwrap_or_default();
        let calls = lines.iter().flat_map(|line| words(line)).map(str::to_owned);
        for need in needs.into_iter().chain(calls) {
            let is_build = need.contains("build")
                || need.contains('.')
                || need.contains('/')
                || matches!(
                    need.as_str(),
                    "all" | "install" | "deps" | "compile" | "setup"
                );
            if old.targets.contains_key(&need) && !is_build && names.insert(need.clone()) {
                waiting.push(need);
            }
        }
    }
    let mut found = Vec::new();
    for name in &names {
        if old.targets.get(name) != new.targets.get(name) {
            found.push(format!("target `{name}` changed"));
        }
    }
    let text: String = names
        .iter()
        .filter_map(|name| old.targets.get(name))
        .flat_map(|(needs, lines)| needs.iter().chain(lines))
        .cloned()
        .collect::<Vec<_>>()
        .join("\n");
    let all: BTreeSet<_> = old.variables.keys().chain(new.variables.keys()).collect();
    let mut decisive: Vec<String> = vec![text];
    for name in all {
        let is_used = decisive.iter().any(|text| {
            text.contains(&format!("({name})"))
                || text.contains(&format!("{{{name}}}"))
                || text.contains(&format!("${name}"))
        });
        let is_general = matches!(
            name.as_str(),
            "SHELL"
                | ".SHELLFLAGS"
                | "MAKEFLAGS"
                | "PATH"
                | "export PATH"
                | ".DEFAULT_GOAL"
                | "PYTEST_ADDOPTS"
                | "RUSTFLAGS"
                | "GOFLAGS"
                | "NODE_OPTIONS"
                | "CARGO_FLAGS"
        );
        if (is_used || is_general) && old.variables.get(name) != new.variables.get(name) {
            found.push(format!(
                "variable `{name}` changed, which the tests are run with"
            ));
        }
        if is_used {
            decisive.extend(old.variables.get(name).cloned());
        }
    }
    for special in [
        ".IGNORE",
        ".DEFAULT",
        ".ONESHELL",
        ".SILENT",
        ".POSIX",
        ".EXPORT_ALL_VARIABLES",
    ] {
        if old.targets.get(special) != new.targets.get(special) {
            found.push(format!("`{special}` changed"));
        }
    }
    let phony = |rules: &Rules| -> BTreeSet<String> {
        let (needs, _) = rules.targets.get(".PHONY").cloned().unwrap_or_default();
        needs.into_iter().filter(|need| says_test(need)).collect()
    };
    if phony(&old).difference(&phony(&new)).next().is_some() {
        found.push("a test target is no longer phony".to_owned());
    }
    if old.others != new.others {
        found.push("what is included changed".to_owned());
    }
    found
}

/// The tasks of a Taskfile, each with its lines; what stands outside of them under its own key.
fn yaml_tasks(text: &str) -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut top = String::new();
    let mut key = String::new();
    let mut task_indent = None;
    for line in text.lines() {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        let indent = line.len() - line.trim_start().len();
        let name = trimmed
            .split(':')
            .next()
            .unwrap_or("")
            .trim_matches(['"', '\'']);
        if indent == 0 {
            name.clone_into(&mut top);
            key = format!("/{top}");
            task_indent = None;
        } else if top == "tasks" && *task_indent.get_or_insert(indent) == indent {
            name.clone_into(&mut key);
        }
        found
            .entry(key.clone())
            .or_default()
            .push(trimmed.to_owned());
    }
    found
}

pub(super) fn tasks(old: &str, new: &str, policy: &Policy) -> Vec<String> {
    let (old, new) = (yaml_tasks(old), yaml_tasks(new));
    let command = policy.command.as_deref().unwrap_or("");
    let called: BTreeSet<_> = words(command).collect();
    let all: BTreeSet<_> = old.keys().chain(new.keys()).collect();
    let decides =
        |key: &&&String| key.starts_with('/') || says_test(key) || called.contains(key.as_str());
    let changed = all
        .iter()
        .filter(decides)
        .filter(|key| old.get(**key) != new.get(**key));
    changed
        .map(|key| format!("`{}` changed", key.trim_start_matches('/')))
        .collect()
}
