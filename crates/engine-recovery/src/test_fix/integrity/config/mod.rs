//! Files that decide, in some of their parts, which tests are run and how.

mod json;
mod sections;
mod targets;

use std::collections::BTreeSet;

use self::{
    json::json,
    sections::{cargo_decides, python_decides, sections},
    targets::{is_make, make, tasks},
};
use super::{
    lexer::{Language, lex},
    paths::{file_name, is_one_of},
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
    if is_one_of(name, ".npmrc .yarnrc .yarnrc.yml") {
        return package_manager(before.unwrap_or(""), after.unwrap_or(""));
    }
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
        "taskfile.yml" | "taskfile.yaml" | "taskfile" => tasks(old, new, policy),
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

/// What a package manager's settings say of how it runs scripts; registries and the like are free.
fn package_manager(old: &str, new: &str) -> Vec<String> {
    let decides = |text: &str| -> BTreeSet<String> {
        let lines = text.lines().map(str::trim);
        lines
            .filter(|line| {
                let key = line.split(['=', ':', ' ']).next().unwrap_or("");
                is_one_of(
                    key.trim_matches('"').to_ascii_lowercase().as_str(),
                    "script-shell node-options ignore-scripts if-present shell prefix globalconfig userconfig \
                     scripts-prepend-node-path yarn-path yarnpath plugins pnpfile pnpmfile shell-emulator \
                     enable-pre-post-scripts node-linker virtual-store-dir enablescripts node-version use-node-version \
                     init-module onload-script workspaces workspace",
                )
            })
            .map(str::to_owned)
            .collect()
    };
    differs(decides(old) != decides(new), "how scripts are run")
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
    let has_parts = is_one_of(
        name,
        "cargo.toml pyproject.toml setup.cfg go.mod go.work package.json deno.json deno.jsonc \
    setup.py",
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

/// Whether the name of a target or script says that it tests.
fn says_test(name: &str) -> bool {
    name.split(|c: char| !c.is_ascii_alphanumeric())
        .any(|word| {
            is_one_of(word.to_ascii_lowercase().as_str(), "test tests check verify ci spec specs e2e unit integration coverage cov jest vitest \
    mocha pytest nextest validate runtests pretest posttest smoke qa")
        })
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
