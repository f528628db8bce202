//! Files of sections and keys, in TOML and in the form of INI.

use std::collections::{BTreeMap, BTreeSet};

/// The keys of a file of sections, each as `section.key`, with its value.
fn keys(text: &str) -> BTreeMap<(String, String), String> {
    let mut found: BTreeMap<(String, String), String> = BTreeMap::new();
    let mut section = String::new();
    let mut tables: BTreeMap<String, usize> = BTreeMap::new();
    let mut current: Option<(String, String)> = None;
    let mut depth = 0_i32;
    for raw in text.lines() {
        let line = strip_comment(raw);
        let trimmed = line.trim();
        if trimmed.is_empty() {
            continue;
        }
        let brackets = |text: &str| {
            let mut in_quote: Option<char> = None;
            text.chars().fold(0, |depth, c| {
                match (in_quote, c) {
                    (None, '"' | '\'') => in_quote = Some(c),
                    (Some(quote), c) if quote == c => in_quote = None,
                    (None, '[' | '{' | '(') => return depth + 1,
                    (None, ']' | '}' | ')') => return depth - 1,
                    _ => {}
                }
                depth
            })
        };
        let goes_on =
            depth > 0 || (raw.starts_with([' ', '\t']) && current.is_some() && !is_key(trimmed));
        if goes_on {
            if let Some(value) = current.as_ref().and_then(|key| found.get_mut(key)) {
                value.push(' ');
                value.push_str(&squeezed(trimmed));
            }
            depth += brackets(trimmed);
            continue;
        }
        if trimmed.starts_with('[') && trimmed.ends_with(']') && !trimmed.contains('=') {
            let is_array = trimmed.starts_with("[[");
            section = trimmed
                .trim_matches(['[', ']'])
                .trim()
                .replace(['"', '\''], "");
            if is_array {
                let n = tables.entry(section.clone()).or_default();
                section = format!("{section}#{n}");
                *n += 1;
            }
            // An empty section says something, too: `[[test]]`, `[profile.test]`.
            found.insert((section.clone(), String::new()), String::new());
            current = None;
            continue;
        }
        let (key, value) = trimmed
            .split_once('=')
            .or_else(|| trimmed.split_once(':'))
            .unwrap_or((trimmed, ""));
        let key = (section.clone(), key.trim().replace(['"', '\'', ' '], ""));
        depth = brackets(value).max(0);
        found.insert(key.clone(), squeezed(value.trim()));
        current = Some(key);
    }
    found
}

fn is_key(line: &str) -> bool {
    let Some((key, _)) = line.split_once('=') else {
        return false;
    };
    let key = key.trim();
    !key.is_empty()
        && key
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "_-.\"'".contains(c))
}

pub(super) fn squeezed(text: &str) -> String {
    let mut text: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for (from, to) in [
        (", ]", "]"),
        (",]", "]"),
        ("[ ", "["),
        (" ]", "]"),
        ("{ ", "{"),
        (" }", "}"),
        ("'", "\""),
    ] {
        text = text.replace(from, to);
    }
    text
}

fn strip_comment(line: &str) -> &str {
    let mut in_quote: Option<char> = None;
    let mut before = ' ';
    for (index, c) in line.char_indices() {
        match (in_quote, c) {
            (None, '"' | '\'') => in_quote = Some(c),
            (Some(quote), c) if quote == c => in_quote = None,
            (None, '#' | ';') if before.is_whitespace() => return &line[..index],
            _ => {}
        }
        before = c;
    }
    line
}

pub(super) fn sections(old: &str, new: &str, decides: impl Fn(&str, &str) -> bool) -> Vec<String> {
    let (old, new) = (keys(old), keys(new));
    let all: BTreeSet<_> = old.keys().chain(new.keys()).collect();
    let mut found = Vec::new();
    for (section, key) in all {
        let path = format!("{section}.{key}");
        let at = (section.clone(), key.clone());
        let (before, after) = (old.get(&at), new.get(&at));
        if before == after || !decides(section, key) {
            continue;
        }
        // A workspace may get members; whatever was there stays.
        if section == "workspace" && key == "members" && grew(before, after) {
            continue;
        }
        // A feature may be added, and a default that was there stays.
        if section == "features"
            && (before.is_none() || (key == "default" && before.is_some() && grew(before, after)))
        {
            continue;
        }
        let show = |value: Option<&String>| {
            value.map_or_else(|| "nothing".to_owned(), |it| format!("`{it}`"))
        };
        found.push(format!(
            "`{}` was {} and is {}",
            path.trim_matches('.'),
            show(before),
            show(after)
        ));
    }
    found
}

/// Whether a list only got elements.
fn grew(before: Option<&String>, after: Option<&String>) -> bool {
    let (Some(before), Some(after)) = (before, after) else {
        return false;
    };
    let elements = |text: &str| -> Vec<String> {
        let inner = text.trim_matches(['[', ']', ' ']);
        inner
            .split(',')
            .map(|it| it.trim().to_owned())
            .filter(|it| !it.is_empty())
            .collect()
    };
    let after = elements(after);
    elements(before).iter().all(|it| after.contains(it))
}

pub(super) fn cargo_decides(section: &str, key: &str) -> bool {
    let section = section.trim_start_matches("target.");
    let top = section.split(['.', '#']).next().unwrap_or("");
    let word = key.rsplit('.').next().unwrap_or(key);
    match top {
        "test" | "bench" | "patch" | "replace" | "env" => true,
        "lib" | "bin" | "example" => matches!(
            word,
            "test" | "doctest" | "harness" | "bench" | "path" | "doc"
        ),
        "profile" => section.contains("test") || word == "panic",
        "features" => !key.is_empty(),
        "workspace" => {
            matches!(word, "members" | "exclude" | "default-members")
                || section.contains("metadata")
        }
        "package" => {
            matches!(
                word,
                "autotests" | "autobenches" | "autoexamples" | "autobins" | "build" | "workspace"
            ) || section.contains("metadata") && (section.contains("test") || word.contains("test"))
        }
        "" => {
            let first = key.split('.').next().unwrap_or(key);
            matches!(
                first,
                "lib" | "test" | "bin" | "patch" | "replace" | "cargo-features"
            ) || matches!(word, "autotests" | "harness")
        }
        _ => false,
    }
}

pub(super) fn python_decides(section: &str, key: &str) -> bool {
    let section = section.to_ascii_lowercase();
    let says_test = |text: &str| {
        text.contains("test")
            || text.contains("coverage")
            || text.contains("tox")
            || text.contains("nox")
    };
    let tools = section.starts_with("tool.")
        && (says_test(&section)
            || (says_test(&key.to_ascii_lowercase())
                && (section.contains("script")
                    || section.contains("task")
                    || section.contains("envs")
                    || section.contains("poe"))));
    tools
        || section.starts_with("tool:pytest")
        || section.starts_with("pytest")
        || section == "aliases"
        || section.starts_with("test")
        || section.starts_with("coverage")
        || section.starts_with("tox")
        || section.starts_with("testenv")
        || section.starts_with("unittest")
        || section.is_empty() && key.starts_with("tool.pytest")
}
