//! Rules on the manifests of crates.

use super::finding::Finding;

/// A key of a manifest with the table it stands in.
struct Entry<'a> {
    table: &'a str,
    key: &'a str,
    value: &'a str,
    line: usize,
}

const INHERITED: &[&str] = &["version", "edition", "rust-version", "license", "publish"];

/// Checks one crate's manifest; `folder` is the folder that it stands in.
pub(super) fn check(path: &str, folder: &str, text: &str, findings: &mut Vec<Finding>) {
    let entries = entries(text);
    let value = |table: &str, key: &str| {
        entries
            .iter()
            .find(|entry| entry.table == table && entry.key == key)
            .map(|entry| entry.value)
    };
    let mut require = |holds: bool, message: String| {
        if !holds {
            findings.push(Finding::error(path, 1, message));
        }
    };
    require(
        value("lints", "workspace") == Some("true") || value("", "lints.workspace") == Some("true"),
        "the lints of the workspace are not taken over: `[lints] workspace = true`".into(),
    );
    require(
        value("package.metadata.house", "layer").is_some_and(|layer| layer.parse::<u64>().is_ok()),
        "no layer: `[package.metadata.house] layer = N`".into(),
    );
    require(
        value("package", "description").is_some(),
        "no description".into(),
    );
    for key in INHERITED {
        require(
            value("package", &format!("{key}.workspace")) == Some("true"),
            format!("`{key}` is not the workspace's: `{key}.workspace = true`"),
        );
    }
    let name = value("package", "name")
        .unwrap_or_default()
        .trim_matches('"');
    require(
        name == folder,
        format!("package `{name}` stands in folder `{folder}`; they have one name"),
    );

    for entry in &entries {
        let is_yaml = ["serde_yaml", "yaml_serde"]
            .iter()
            .any(|name| entry.key.split('.').next() == Some(name));
        if entry.table.ends_with("dependencies") && is_yaml && folder != "config" {
            findings.push(Finding::error(
                path,
                entry.line,
                "YAML is read by crate config alone",
            ));
        }
    }
}

/// The manifest's `key = value` lines. Values over several lines are cut after the first.
fn entries(text: &str) -> Vec<Entry<'_>> {
    let mut table = "";
    let mut entries = Vec::new();
    for (i, line) in text.lines().enumerate() {
        let line = line.split(" #").next().unwrap_or(line).trim();
        if let Some(name) = line
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
        {
            table = name.trim_matches(['[', ']']);
        } else if let Some((key, value)) = line.split_once('=').filter(|_| !line.starts_with('#')) {
            entries.push(Entry {
                table,
                key: key.trim(),
                value: value.trim(),
                line: i + 1,
            });
        }
    }
    entries
}
