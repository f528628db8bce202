//! Files that decide, in some of their parts, which tests are run and how.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{
    lexer::{Language, lex},
    paths::{file_name, words},
    verdict::Policy,
};

/// What a fix did to the parts that matter, one thing a line; empty where it did nothing to them.
pub(super) fn changes(
    path: &str,
    before: Option<&str>,
    after: Option<&str>,
    policy: &Policy,
) -> Vec<String> {
    let lower = path.to_ascii_lowercase();
    let name = file_name(&lower);
    let (Some(old), Some(new)) = (before, after) else {
        return appeared(path, name, before, after, policy);
    };
    if name.ends_with(".json") || name.ends_with(".jsonc") {
        return match name {
            "package.json" | "deno.json" | "deno.jsonc" => json(old, new, policy),
            _ if significant(old, name) == significant(new, name) => Vec::new(),
            _ => vec!["the configuration of the tests changed".to_owned()],
        };
    }
    match name {
        "cargo.toml" => sections(old, new, cargo_decides),
        "pyproject.toml" | "setup.cfg" => sections(old, new, python_decides),
        "go.mod" | "go.work" => go_modules(old, new),
        "setup.py" => {
            let tests = |text: &str| -> Vec<String> {
                let lines = text.lines().map(str::trim);
                lines
                    .filter(|line| line.contains("test"))
                    .map(str::to_owned)
                    .collect()
            };
            differs(tests(old) != tests(new), "what setup.py says of tests")
        }
        _ if is_make(name) => make(old, new, policy),
        _ if name.starts_with("vite.config.") => differs(
            object(old, "test") != object(new, "test"),
            "the part `test`",
        ),
        _ => differs(
            significant(old, name) != significant(new, name),
            "the configuration of the tests",
        ),
    }
}

fn differs(it_does: bool, what: &str) -> Vec<String> {
    if it_does {
        vec![format!("{what} changed")]
    } else {
        Vec::new()
    }
}

/// A file that is there only before, or only after.
fn appeared(
    path: &str,
    name: &str,
    before: Option<&str>,
    after: Option<&str>,
    policy: &Policy,
) -> Vec<String> {
    let empty = match name {
        "package.json" | "deno.json" | "deno.jsonc" => "{}",
        _ => "",
    };
    let verb = if before.is_none() { "added" } else { "deleted" };
    let has_parts = matches!(
        name,
        "cargo.toml"
            | "pyproject.toml"
            | "setup.cfg"
            | "go.mod"
            | "go.work"
            | "package.json"
            | "deno.json"
            | "deno.jsonc"
            | "setup.py"
    ) || is_make(name);
    if !has_parts {
        return vec![format!("a configuration of the tests is {verb}")];
    }
    if before.is_none() && name == "cargo.toml" {
        // A new crate's own manifest; what turns its tests off matters little, but a
        // workspace or a patch of it would reach others.
        let reach = |section: &str, _: &str| {
            section.starts_with("workspace")
                || section.starts_with("patch")
                || section.starts_with("replace")
        };
        let is_root = !path.contains('/');
        return if is_root {
            sections(empty, after.unwrap_or(empty), cargo_decides)
        } else {
            sections(empty, after.unwrap_or(empty), reach)
        };
    }
    if before.is_none() && name == "go.mod" {
        return differs(path.contains('/'), "the module that a folder belongs to");
    }
    let both = (before.unwrap_or(empty), after.unwrap_or(empty));
    if before.is_some() && matches!(name, "package.json" | "cargo.toml" | "go.mod") {
        return vec![format!("what builds the tests is {verb}")];
    }
    changes(path, Some(both.0), Some(both.1), policy)
}

/// A text without what says nothing: blank lines, comments, indentation.
fn significant(text: &str, name: &str) -> Vec<String> {
    if let Some(language) = Language::of(name) {
        return lex(text, language)
            .tokens
            .into_iter()
            .map(|token| token.text)
            .collect();
    }
    let lines = text.lines().map(str::trim);
    lines
        .filter(|line| !line.is_empty() && !line.starts_with(['#', ';']) && !line.starts_with("//"))
        .map(str::to_owned)
        .collect()
}

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

fn squeezed(text: &str) -> String {
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

fn sections(old: &str, new: &str, decides: impl Fn(&str, &str) -> bool) -> Vec<String> {
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

fn cargo_decides(section: &str, key: &str) -> bool {
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

fn python_decides(section: &str, key: &str) -> bool {
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

fn json(old: &str, new: &str, policy: &Policy) -> Vec<String> {
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

/// Whether the name of a target or script says that it tests.
fn says_test(name: &str) -> bool {
    name.split(|c: char| !c.is_ascii_alphanumeric())
        .any(|word| {
            matches!(
                word.to_ascii_lowercase().as_str(),
                "test"
                    | "tests"
                    | "check"
                    | "verify"
                    | "ci"
                    | "spec"
                    | "specs"
                    | "e2e"
                    | "unit"
                    | "integration"
                    | "coverage"
                    | "cov"
                    | "jest"
                    | "vitest"
                    | "mocha"
                    | "pytest"
                    | "nextest"
                    | "validate"
                    | "runtests"
                    | "pretest"
                    | "posttest"
                    | "smoke"
                    | "qa"
            )
        })
}

fn is_make(name: &str) -> bool {
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

fn make(old: &str, new: &str, policy: &Policy) -> Vec<String> {
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

fn go_modules(old: &str, new: &str) -> Vec<String> {
    let lines = |text: &str| -> BTreeSet<String> {
        let lines = text
            .lines()
            .map(|line| line.split("//").next().unwrap_or("").trim().to_owned());
        lines.filter(|line| !line.is_empty()).collect()
    };
    let (old, new) = (lines(old), lines(new));
    let mut found = Vec::new();
    for line in new.difference(&old) {
        let is_framework = [
            "test",
            "assert",
            "require",
            "gomega",
            "ginkgo",
            "check",
            "goconvey",
            "quicktest",
        ]
        .iter()
        .any(|word| line.contains(word));
        if line.contains("=>") && is_framework {
            found.push(format!("a test framework is replaced: {line}"));
        }
        if line.starts_with("module ") {
            found.push("the module's name changed".to_owned());
        }
    }
    for line in old.difference(&new) {
        if line.starts_with("./") || line.starts_with("use ./") {
            found.push(format!("`{line}` is no longer part of the workspace"));
        }
    }
    found
}

/// The value of a key in a configuration that is code.
fn object(text: &str, key: &str) -> Vec<String> {
    let tokens = lex(text, Language::JavaScript).tokens;
    let start = tokens
        .windows(2)
        .position(|pair| pair[0].text == key && pair[1].is(":"));
    let Some(start) = start else {
        return Vec::new();
    };
    let end = super::lexer::group_end(&tokens, start + 2);
    tokens[start..end]
        .iter()
        .map(|token| token.text.clone())
        .collect()
}
