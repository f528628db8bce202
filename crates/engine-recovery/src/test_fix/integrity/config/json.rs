//! `package.json` and its kin.

use std::collections::BTreeSet;

use serde_json::Value;

use super::says_test;
use crate::test_fix::integrity::{paths::words, verdict::Policy};

pub(super) fn json(old: &str, new: &str, policy: &Policy) -> Vec<String> {
    let (Ok(old), Ok(new)) = (parse(old), parse(new)) else {
        return vec!["it cannot be read".to_owned()];
    };
    let mut found = Vec::new();
    for table in ["scripts", "tasks"] {
        let names = decisive_scripts(&old, table, policy);
        for name in &names {
            if old[table][name] != new[table][name] {
                found.push(format!(
                    "{table}.{name} was {} and is {}",
                    old[table][name], new[table][name]
                ));
            }
        }
        let added = new[table].as_object().into_iter().flatten();
        for (name, _) in added.filter(|(name, _)| old[table].get(name.as_str()).is_none()) {
            let around = name
                .strip_prefix("pre")
                .or_else(|| name.strip_prefix("post"));
            if around.is_some_and(|it| names.contains(it)) {
                found.push(format!(
                    "{table}.{name} is added, which runs around the tests"
                ));
            }
        }
    }
    for key in [
        "jest",
        "mocha",
        "vitest",
        "ava",
        "nyc",
        "c8",
        "tap",
        "karma",
        "jasmine",
        "test",
        "bun",
        "wtr",
        "xo-test",
        "workspaces",
        "exclude",
        "include",
        "imports",
    ] {
        let is_growing = matches!(key, "workspaces" | "imports") && old.get(key).is_none();
        if old.get(key) != new.get(key) && !is_growing && !array_grew(&old[key], &new[key]) {
            found.push(format!("the part `{key}` changed"));
        }
    }
    for key in ["overrides", "resolutions"] {
        let frameworks = [
            "jest", "mocha", "vitest", "chai", "ava", "tap", "expect", "jasmine", "assert",
        ];
        let says = |value: &Value| {
            frameworks
                .iter()
                .any(|name| value.to_string().contains(name))
        };
        if old.get(key) != new.get(key) && says(&new[key]) {
            found.push(format!("the part `{key}` replaces a test framework"));
        }
    }
    for key in ["devDependencies", "dependencies"] {
        let changed = new[key].as_object().into_iter().flatten();
        for (name, version) in
            changed.filter(|(name, version)| old[key].get(name.as_str()) != Some(version))
        {
            let version = version.as_str().unwrap_or("");
            let is_local = ["file:", "link:", "portal:"]
                .iter()
                .any(|start| version.starts_with(start))
                || version.starts_with("npm:");
            if is_local && old[key].get(name.as_str()).is_some() {
                found.push(format!("{key}.{name} is taken from elsewhere: {version}"));
            }
        }
    }
    found
}

fn array_grew(old: &Value, new: &Value) -> bool {
    match (old.as_array(), new.as_array()) {
        (Some(old), Some(new)) => old.iter().all(|it| new.contains(it)),
        _ => false,
    }
}

fn parse(text: &str) -> Result<Value, serde_json::Error> {
    serde_json::from_str(text).or_else(|_| {
        // Comments are allowed in some of these files.
        let plain: Vec<_> = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
            .collect();
        serde_json::from_str(&plain.join("\n"))
    })
}

/// The scripts that the tests are run by, with those that they call.
fn decisive_scripts(file: &Value, table: &str, policy: &Policy) -> BTreeSet<String> {
    let scripts = file[table].as_object();
    let command = policy.command.as_deref().unwrap_or("");
    let called: Vec<_> = words(command).collect();
    let mut names: BTreeSet<String> = BTreeSet::new();
    for name in ["test", "pretest", "posttest"] {
        names.insert(name.to_owned());
    }
    for (name, _) in scripts.into_iter().flatten() {
        if says_test(name) || called.contains(&name.as_str()) {
            names.insert(name.clone());
        }
    }
    let mut waiting: Vec<String> = names.iter().cloned().collect();
    while let Some(name) = waiting.pop() {
        let line = file[table][&name].as_str().unwrap_or("").to_owned();
        for word in words(&line) {
            let is_script = scripts.is_some_and(|scripts| scripts.contains_key(word));
            let is_build = matches!(
                word,
                "build" | "compile" | "prepare" | "start" | "dev" | "tsc"
            );
            if is_script && !is_build && names.insert(word.to_owned()) {
                waiting.push(word.to_owned());
            }
        }
    }
    names
}
