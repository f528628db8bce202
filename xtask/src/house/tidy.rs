//! Rules on files.

use std::collections::BTreeMap;

use anyhow::Result;
use xshell::{Shell, cmd};

use super::code::{self, has_word};
use super::finding::Finding;
use super::manifest;

/// A text file of the repository, its path below the root with `/`.
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) text: String,
}

const WARN_LINES: usize = 500;
const MAX_LINES: usize = 800;
const CORE_TYPES_MAX_LINES: usize = 6_000;
const ARCHITECTURE_MAX_LINES: usize = 300;

/// Files that may be longer than [`MAX_LINES`], each with its reason.
const LARGE_FILES: &[(&str, &str)] = &[];

/// Beginnings of absolute paths that only exist on one machine.
const MACHINE_FOLDERS: &[&str] = &["/work", "/root"];

/// Reads what git tracks or would track; binary files and links are left out.
pub(crate) fn read_files(sh: &Shell) -> Result<Vec<File>> {
    let list = cmd!(sh, "git ls-files -z --cached --others --exclude-standard")
        .quiet()
        .read()?;
    let mut files = Vec::new();
    for path in list.split('\0').filter(|path| !path.is_empty()) {
        let absolute = sh.current_dir().join(path);
        // A file may be deleted and not yet committed so; then there is nothing to check.
        if !absolute
            .symlink_metadata()
            .is_ok_and(|metadata| metadata.is_file())
        {
            continue;
        }
        if let Ok(text) = String::from_utf8(sh.read_binary_file(&absolute)?) {
            files.push(File {
                path: path.to_owned(),
                text,
            });
        }
    }
    Ok(files)
}

/// Checks all rules on files. The findings are in the order of paths, then lines.
pub(crate) fn check(files: &[File]) -> Vec<Finding> {
    let by_path: BTreeMap<&str, &str> = files
        .iter()
        .map(|file| (file.path.as_str(), file.text.as_str()))
        .collect();
    let mut findings = Vec::new();
    let mut n_core_types = 0;
    for (&path, &text) in &by_path {
        if !is_golden(path) {
            check_text(path, text, &mut findings);
        }
        if path.ends_with(".rs") {
            let lines = code::lines(text);
            let n_lines = check_rust(path, &lines, &mut findings);
            if path.starts_with("crates/core-types/src/") {
                n_core_types += n_lines;
            }
            check_declared(path, &by_path, &mut findings);
        }
        match path.split('/').collect::<Vec<_>>()[..] {
            // The peers of benchmarks are a workspace of their own.
            ["crates", "bench-peers", ..] => {}
            ["crates", folder, "Cargo.toml"] | [folder @ "xtask", "Cargo.toml"] => {
                manifest::check(path, folder, text, &mut findings);
            }
            ["docs", "architecture.md"] if text.lines().count() > ARCHITECTURE_MAX_LINES => {
                let message = format!(
                    "{} lines; at most {ARCHITECTURE_MAX_LINES}",
                    text.lines().count()
                );
                findings.push(Finding::error(path, ARCHITECTURE_MAX_LINES + 1, message));
            }
            _ => {}
        }
    }
    if n_core_types > CORE_TYPES_MAX_LINES {
        let message =
            format!("core-types has {n_core_types} lines; at most {CORE_TYPES_MAX_LINES}");
        findings.push(Finding::error("crates/core-types/src/lib.rs", 1, message));
    }
    check_error_pages(&by_path, &mut findings);
    findings.sort_by(|a, b| (&a.path, a.line).cmp(&(&b.path, b.line)));
    findings
}

/// Data whose bytes are what matters, not their looks.
fn is_golden(path: &str) -> bool {
    path.contains("/fixtures/")
        || path.contains("/golden/")
        || path.ends_with(".patch")
        || path.ends_with(".diff")
}

fn is_test(path: &str) -> bool {
    path.contains("/tests/") || path.ends_with("/tests.rs")
}

fn check_text(path: &str, text: &str, findings: &mut Vec<Finding>) {
    for (i, line) in text.split('\n').enumerate() {
        let mut error = |message: &str| findings.push(Finding::error(path, i + 1, message));
        if line.ends_with([' ', '\t', '\r']) {
            error("white space at the end of the line");
        }
        if path.ends_with(".rs") && line.contains('\t') {
            error("a tab");
        }
        for folder in MACHINE_FOLDERS {
            if has_absolute_path(line, folder) {
                error("an absolute path of one machine");
            }
        }
        if path.ends_with(".toml")
            && line
                .split_once('#')
                .is_some_and(|(_, comment)| has_loose_todo(comment))
        {
            error(LOOSE_TODO);
        }
    }
    if !text.is_empty() && !text.ends_with('\n') {
        findings.push(Finding::error(
            path,
            text.lines().count(),
            "no newline at the end of the file",
        ));
    }
}

/// Says whether the line names something below `folder`, and not `folder` inside a longer path.
fn has_absolute_path(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        line[at + folder.len()..].starts_with('/')
            && before.is_none_or(|c| !c.is_alphanumeric() && !"._-~/}>*)]".contains(c))
    })
}

const LOOSE_TODO: &str = "a TODO without its issue: `TODO(#n)`";

/// Says whether a comment defers work without naming its issue, as [`LOOSE_TODO`] asks.
fn has_loose_todo(comment: &str) -> bool {
    // What is left once those with their issue are cut out.
    let mut parts = comment.split("TODO(#");
    let mut loose = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.split_once(')') {
            Some((number, rest)) if number.parse::<u32>().is_ok() => loose.push_str(rest),
            _ => return true,
        }
    }
    has_word(&loose, "TODO") || has_word(&loose, "FIXME")
}

/// Checks one Rust file and returns its number of lines apart from tests.
fn check_rust(path: &str, lines: &[code::Line], findings: &mut Vec<Finding>) -> usize {
    let tests_from = if is_test(path) {
        0
    } else {
        lines
            .iter()
            .position(|line| line.code.trim_start().starts_with("mod tests {"))
            .unwrap_or(lines.len())
    };
    for (i, line) in lines.iter().enumerate() {
        let code = line.code.as_str();
        let mut error = |message: &str| findings.push(Finding::error(path, i + 1, message));
        if has_loose_todo(&line.comment) {
            error(LOOSE_TODO);
        }
        if code.contains("#[ignore") {
            error("an ignored test; slow ones run only with RUN_SLOW=1");
        }
        if has_word(code, "should_panic") {
            error("`should_panic`; assert the error instead");
        }
        if code.contains("todo!(") || code.contains("unimplemented!(") {
            error("unfinished code");
        }
        // What macros write stands in its user's code, where an expectation would not always be met.
        let is_attribute = (code.contains("#[") || code.contains("#!["))
            && !path.starts_with("crates/macros/src/");
        if is_attribute
            && (code.contains("[allow(") || code.contains("cfg_attr") && has_word(code, "allow"))
        {
            error("`allow`; use `#[expect(…, reason = \"…\")]`");
        }
        if !path.starts_with("crates/config/")
            && (has_word(code, "serde_yaml") || has_word(code, "yaml_serde"))
        {
            error("YAML is read by crate config alone");
        }
        if !path.starts_with("crates/process/") && has_word(code, "unsafe") {
            error("unsafe code outside crate process");
        }
        if i >= tests_from && code.contains("thread::sleep") {
            error("a sleep in a test; wait for the event, or pause the clock");
        }
    }
    check_length(path, tests_from, findings);
    tests_from
}

fn check_length(path: &str, n_lines: usize, findings: &mut Vec<Finding>) {
    let listed = LARGE_FILES.iter().any(|(listed, _)| *listed == path);
    match n_lines {
        _ if listed && n_lines <= MAX_LINES => {
            findings.push(Finding::error(
                path,
                1,
                format!("listed as large, but has only {n_lines} lines"),
            ));
        }
        _ if listed => {}
        n if n > MAX_LINES => {
            let message = format!("{n} lines; at most {MAX_LINES}. Split it by concept");
            findings.push(Finding::error(path, MAX_LINES + 1, message));
        }
        n if n > WARN_LINES => {
            findings.push(Finding::warning(
                path,
                WARN_LINES + 1,
                format!("{n} lines; aim at 150 to 300"),
            ));
        }
        _ => {}
    }
}

/// A test file that no `mod` declares is never run, and nobody notices.
fn check_declared(path: &str, files: &BTreeMap<&str, &str>, findings: &mut Vec<Finding>) {
    let Some((folder, name)) = path.rsplit_once('/') else {
        return;
    };
    let stem = name.trim_end_matches(".rs");
    let (module, parents) = if let Some(below) = folder.strip_suffix("/tests/it") {
        (stem, vec![format!("{below}/tests/it/main.rs")])
    } else if name == "mod.rs" && folder.contains("/tests/it/") {
        let (parent, module) = folder.rsplit_once('/').unwrap_or_default();
        (
            module,
            vec![format!("{parent}/main.rs"), format!("{parent}/mod.rs")],
        )
    } else if name == "tests.rs" && folder.contains("/src") {
        (
            stem,
            ["mod", "lib", "main"]
                .map(|parent| format!("{folder}/{parent}.rs"))
                .to_vec(),
        )
    } else {
        // Below src, a folder of that name is a module.
        let is_root = folder.starts_with("crates/") && !folder.contains("/src/");
        if is_root && folder.ends_with("/tests") {
            findings.push(Finding::error(
                path,
                1,
                "a second test binary; integration tests stand in tests/it/",
            ));
        }
        return;
    };
    if parents.iter().any(|parent| parent == path) {
        return;
    }
    let declared = parents
        .iter()
        .filter_map(|parent| files.get(parent.as_str()))
        .any(|text| {
            code::lines(text).iter().any(|line| {
                let code = line.code.trim();
                code.ends_with(&format!("mod {module};"))
            })
        });
    if !declared {
        let message = format!(
            "never run: `mod {module};` stands in none of {}",
            parents.join(", ")
        );
        findings.push(Finding::error(path, 1, message));
    }
}

/// Compares the codes in the source with the pages in docs/errors, once that folder exists.
fn check_error_pages(files: &BTreeMap<&str, &str>, findings: &mut Vec<Finding>) {
    let pages: Vec<&str> = files
        .keys()
        .filter_map(|path| path.strip_prefix("docs/errors/")?.strip_suffix(".md"))
        .filter(|page| is_error_code(page))
        .collect();
    if !files.keys().any(|path| path.starts_with("docs/errors/")) {
        return;
    }
    let mut used = Vec::new();
    for (path, text) in files {
        if !path.starts_with("crates/") || !path.ends_with(".rs") || is_test(path) {
            continue;
        }
        for (i, line) in text.lines().enumerate() {
            for code in line.split('"').filter(|part| is_error_code(part)) {
                used.push(code);
                if !pages.contains(&code) {
                    findings.push(Finding::error(
                        path,
                        i + 1,
                        format!("no page docs/errors/{code}.md"),
                    ));
                }
            }
        }
    }
    for page in pages.iter().filter(|page| !used.contains(page)) {
        findings.push(Finding::error(
            &format!("docs/errors/{page}.md"),
            1,
            "no error has this code",
        ));
    }
}

fn is_error_code(text: &str) -> bool {
    text.strip_prefix('E')
        .is_some_and(|digits| digits.len() == 4 && digits.bytes().all(|byte| byte.is_ascii_digit()))
}
