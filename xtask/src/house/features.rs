//! Rules on the facade's features: each alone builds, and a lean build stays lean.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use anyhow::{Context, Result};
use xshell::{Shell, cmd};

use crate::workspace::Workspace;

/// Crates that a feature of capabilities alone must not bring in.
const HEAVY: &[&str] = &["axum", "hyper", "git-workspace"];
const LAST_LEAN_LAYER: u64 = 2;

pub(crate) struct Report {
    pub(crate) n_builds: usize,
    /// What failed, as text to print; empty if nothing did.
    pub(crate) failures: String,
}

/// Checks the facade with no feature, each alone and `full`; with `pairs` also each pair.
pub(crate) fn check(sh: &Shell, workspace: &Workspace, pairs: bool) -> Result<Report> {
    let facade = workspace
        .package("facade")
        .context("there is no crate `facade`")?;
    let combinations = combinations(&facade.features, pairs);
    let mut failures = String::new();
    for features in &combinations {
        let output = cmd!(
            sh,
            "cargo check --quiet -p facade --lib --no-default-features --features {features}"
        )
        .quiet()
        .ignore_status()
        .output()?;
        if !output.status.success() {
            writeln!(
                failures,
                "features `{features}`:\n{}",
                String::from_utf8_lossy(&output.stderr)
            )?;
        }
    }
    let lean = facade
        .features
        .keys()
        .filter(|feature| is_lean(feature, workspace, &facade.features));
    for feature in std::iter::once("").chain(lean.map(String::as_str)) {
        let tree = cmd!(
            sh,
            "cargo tree -p facade --no-default-features --features {feature} --edges normal --prefix none"
        )
        .quiet()
        .read()?;
        for heavy in heavy_in(&tree) {
            writeln!(
                failures,
                "features `{feature}`: brings in `{heavy}`, which a lean build lacks"
            )?;
        }
    }
    Ok(Report {
        n_builds: combinations.len(),
        failures,
    })
}

/// The sets of features to build, each as cargo takes it.
pub(super) fn combinations(features: &BTreeMap<String, Vec<String>>, pairs: bool) -> Vec<String> {
    let single: Vec<&String> = features
        .keys()
        .filter(|name| *name != "default" && *name != "full")
        .collect();
    let mut combinations = vec![String::new()];
    combinations.extend(single.iter().map(|name| (*name).clone()));
    if pairs {
        for (i, first) in single.iter().enumerate() {
            combinations.extend(
                single[i + 1..]
                    .iter()
                    .map(|second| format!("{first},{second}")),
            );
        }
    }
    combinations.extend(features.contains_key("full").then(|| "full".to_owned()));
    combinations
}

/// A feature is lean if it names no crate above the capabilities and no feature of a crate: then
/// what is heavy would come in unseen.
fn is_lean(feature: &str, workspace: &Workspace, features: &BTreeMap<String, Vec<String>>) -> bool {
    enables(feature, features)
        .iter()
        .all(|enabled| match enabled.strip_prefix("dep:") {
            Some(name) => {
                let layer = workspace.package(name).and_then(|package| package.layer);
                layer.is_some_and(|layer| layer <= LAST_LEAN_LAYER)
            }
            None => !enabled.contains('/') || enabled.contains("?/"),
        })
}

/// All that a feature turns on, through other features of the same crate.
pub(super) fn enables(feature: &str, features: &BTreeMap<String, Vec<String>>) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    let mut open = vec![feature.to_owned()];
    while let Some(name) = open.pop() {
        for enabled in features.get(&name).into_iter().flatten() {
            if seen.insert(enabled.clone()) {
                open.push(enabled.clone());
            }
        }
    }
    seen
}

/// The heavy crates in the output of `cargo tree --prefix none`.
pub(super) fn heavy_in(tree: &str) -> Vec<&'static str> {
    let names: BTreeSet<&str> = tree
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    HEAVY
        .iter()
        .copied()
        .filter(|heavy| names.contains(heavy))
        .collect()
}
