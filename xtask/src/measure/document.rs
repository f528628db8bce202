//! docs/benchmarks.md: one section for each measuring program, replaced as a whole.

use anyhow::Result;
use xshell::{Shell, cmd};

use super::claim::Claim;
use super::program::Kind;

const PATH: &str = "docs/benchmarks.md";
const INTRODUCTION: &str = "\
# Benchmarks

Written by `cargo xtask bench`, `eval` and `crash`; each section says when and on which machine. All
sides of a comparison are measured in one run on the same work.
";

pub(super) fn write(
    sh: &Shell,
    kind: Kind,
    name: &str,
    size: Option<&str>,
    claims: &[Claim],
) -> Result<()> {
    let title = format!("{} {name}", kind.word());
    let command = [Some(title.as_str()), size]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(" ");
    let date = cmd!(sh, "date -u +%F").quiet().read()?;
    let place = format!("`cargo xtask {command}`, {date}, {}.", machine(sh));
    let document = sh
        .read_file(PATH)
        .unwrap_or_else(|_| INTRODUCTION.to_owned());
    sh.write_file(
        PATH,
        replace_section(&document, &title, &section(&title, &place, kind, claims)),
    )?;
    Ok(())
}

pub(super) fn section(title: &str, place: &str, kind: Kind, claims: &[Claim]) -> String {
    let mut text = format!("## {title}\n\n{place}\n\n| Claim |");
    for (title, _) in kind.columns() {
        text.push_str(&format!(" {title} |"));
    }
    text.push_str(" Verdict |\n|---|");
    text.push_str(&"---|".repeat(kind.columns().len() + 1));
    text.push('\n');
    for claim in claims {
        let verdict = claim.verdict.to_string();
        let cells = std::iter::once(&claim.claim)
            .chain(&claim.figures)
            .chain(std::iter::once(&verdict));
        let cells: Vec<String> = cells.map(|cell| cell.replace('|', "\\|")).collect();
        text.push_str(&format!("| {} |\n", cells.join(" | ")));
    }
    text
}

/// Replaces the section of this title, or puts it at the end; everything else stays as it is.
pub(super) fn replace_section(document: &str, title: &str, section: &str) -> String {
    let heading = format!("## {title}");
    let is_end = |line: &&str| line.starts_with("# ") || line.starts_with("## ");
    let mut parts: Vec<String> = vec![String::new()];
    for line in document.lines() {
        if is_end(&line) && parts.last().is_some_and(|part| !part.is_empty()) {
            parts.push(String::new());
        }
        if let Some(part) = parts.last_mut() {
            part.push_str(line);
            part.push('\n');
        }
    }
    match parts
        .iter_mut()
        .find(|part| part.lines().next() == Some(&heading))
    {
        Some(part) => section.clone_into(part),
        None => parts.push(section.to_owned()),
    }
    let parts: Vec<&str> = parts
        .iter()
        .map(|part| part.trim_end())
        .filter(|part| !part.is_empty())
        .collect();
    format!("{}\n", parts.join("\n\n"))
}

/// Cores, processor, memory and kernel, as far as the system tells them.
fn machine(sh: &Shell) -> String {
    let cpus = sh.read_file("/proc/cpuinfo").unwrap_or_default();
    let memory = sh.read_file("/proc/meminfo").unwrap_or_default();
    let kernel = sh
        .read_file("/proc/sys/kernel/osrelease")
        .unwrap_or_default();
    let n_cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let mut parts = vec![format!("{n_cores} cores")];
    parts.extend(field(&cpus, "model name").map(str::to_owned));
    let kilobytes =
        field(&memory, "MemTotal").and_then(|total| total.split(' ').next()?.parse::<u64>().ok());
    parts
        .extend(kilobytes.map(|kilobytes| format!("{} GiB memory", (kilobytes + (1 << 19)) >> 20)));
    parts.extend((!kernel.is_empty()).then(|| format!("Linux {}", kernel.trim())));
    parts.join(", ")
}

fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (_, value) = text
        .lines()
        .find_map(|line| line.split_once(':').filter(|(key, _)| key.trim() == name))?;
    Some(value.trim())
}
