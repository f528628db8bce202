//! Rules on the edges between crates.

use super::finding::Finding;
use crate::workspace::Package;

const GROUND: u64 = 0;
const CAPABILITY: u64 = 2;

/// What a capability crate may depend on: never another capability, process or an adapter.
const OF_CAPABILITIES: &[&str] = &["core-types", "journal", "config"];

/// Crates that may depend on these crates of the workspace alone.
const ONLY: &[(&str, &[&str])] = &[
    ("cli", &["facade"]),
    ("engine-workflow", &["core-types", "engine-parallel"]),
    ("macros", &[]),
    ("xtask", &[]),
];

/// Crates on which only these may depend, tests apart.
const ONLY_FOR: &[(&str, &[&str])] = &[
    ("cli", &[]),
    ("macros", &["perf-utils", "monitoring"]),
    ("testkit", &[]),
    ("xtask", &[]),
];

/// Third-party crates that only these crates may use, tests apart.
const FOREIGN: &[(&str, &[&str], &str)] = &[
    (
        "serde_yaml",
        &["config"],
        "YAML is read by crate config alone",
    ),
    (
        "yaml_serde",
        &["config"],
        "YAML is read by crate config alone",
    ),
    (
        "anyhow",
        &["cli", "engine-workflow", "testkit", "xtask"],
        "a library returns its own error",
    ),
];

/// Checks every edge from a member to another. Dev-dependencies are exempt, except those of xtask.
pub(crate) fn check(packages: &[Package]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in packages {
        let Some(layer) = package.layer else {
            let message = "no layer: `[package.metadata.house] layer = N`";
            findings.push(Finding::error(&package.manifest, 1, message));
            continue;
        };
        for dependency in &package.dependencies {
            if dependency.is_dev && package.name != "xtask" {
                continue;
            }
            let name = dependency.name.as_str();
            let mut error = |message: String| {
                findings.push(Finding::error(
                    &package.manifest,
                    line_of(&package.text, name),
                    message,
                ));
            };
            let Some(inner) = packages.iter().find(|inner| inner.name == name) else {
                if let Some(message) = foreign(package, name) {
                    error(message);
                }
                continue;
            };
            // What a dependency without a layer lacks is said at that dependency.
            if let Some(below) = inner.layer.filter(|below| *below >= layer) {
                error(format!(
                    "`{}` (layer {layer}) depends on `{name}` (layer {below}), which is not below",
                    package.name
                ));
            }
            if let Some(allowed) =
                allowed(package, layer).filter(|allowed| !allowed.contains(&name))
            {
                error(format!(
                    "`{}` may depend on {} only, not on `{name}`",
                    package.name,
                    list(allowed)
                ));
            }
            let users = ONLY_FOR
                .iter()
                .find(|(only, _)| *only == name)
                .map(|(_, users)| *users);
            if let Some(users) = users.filter(|users| !users.contains(&package.name.as_str())) {
                error(format!(
                    "`{name}` is a normal dependency of {} only",
                    list(users)
                ));
            }
        }
    }
    findings
}

/// The crates of the workspace that a package may depend on, where a rule names them.
fn allowed(package: &Package, layer: u64) -> Option<&'static [&'static str]> {
    let name = package.name.as_str();
    // perf-utils and monitoring re-export the attribute macros.
    if layer == CAPABILITY && !matches!(name, "perf-utils" | "monitoring") {
        return Some(OF_CAPABILITIES);
    }
    if layer == CAPABILITY {
        return Some(&["core-types", "journal", "config", "macros"]);
    }
    ONLY.iter()
        .find(|(only, _)| *only == name)
        .map(|(_, allowed)| *allowed)
}

fn foreign(package: &Package, name: &str) -> Option<String> {
    if package.layer == Some(GROUND) && name == "tokio" {
        return Some("the ground has no runtime; tokio-util's token alone".to_owned());
    }
    let (_, users, why) = FOREIGN.iter().find(|(foreign, ..)| *foreign == name)?;
    (!users.contains(&package.name.as_str()))
        .then(|| format!("`{name}` is for {} only: {why}", list(users)))
}

fn list(names: &[&str]) -> String {
    if names.is_empty() {
        "no crate of the workspace".to_owned()
    } else {
        names.join(", ")
    }
}

/// The line of a manifest that names a dependency; the first line if it is not found.
fn line_of(manifest: &str, dependency: &str) -> usize {
    manifest
        .lines()
        .position(|line| {
            line.strip_prefix(dependency)
                .is_some_and(|rest| rest.starts_with(['.', ' ', '=']))
        })
        .map_or(1, |i| i + 1)
}
