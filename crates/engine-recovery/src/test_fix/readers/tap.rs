//! The Test Anything Protocol, with the indented subtests of version 14.

use super::{Failures, Message};

pub(super) fn recognizes(text: &str) -> bool {
    let mut is_plan = false;
    let mut is_result = false;
    for line in text.lines().map(str::trim_start) {
        is_plan |= line.starts_with("TAP version ") || plan(line);
        is_result |= result(line).is_some();
        if is_plan && is_result {
            return true;
        }
    }
    text.lines().any(|line| line.starts_with("Bail out!"))
}

fn plan(line: &str) -> bool {
    line.strip_prefix("1..").is_some_and(|rest| {
        let digits = rest.split(' ').next().unwrap_or("");
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// Whether a line is a result, and whether it is a good one; with what follows.
fn result(line: &str) -> Option<(bool, &str)> {
    let (is_good, rest) = match line.strip_prefix("not ok") {
        Some(rest) => (false, rest),
        None => (true, line.strip_prefix("ok")?),
    };
    (rest.is_empty() || rest.starts_with(' ')).then_some((is_good, rest.trim()))
}

pub(super) fn read(text: &str, failures: &mut Failures) {
    let mut lines = text.lines().peekable();
    // The subtests that the current line is in, each with its indentation.
    let mut path: Vec<(usize, String)> = Vec::new();
    while let Some(line) = lines.next() {
        let trimmed = line.trim_start();
        let indent = line.len() - trimmed.len();
        if let Some(reason) = line.strip_prefix("Bail out!") {
            failures.add("Bail out!", None, reason);
            continue;
        }
        if let Some(name) = trimmed.strip_prefix("# Subtest: ") {
            path.retain(|(outer, _)| *outer < indent);
            if path.len() < 16 {
                path.push((indent, name.trim().to_owned()));
            }
            continue;
        }
        let Some((is_good, rest)) = result(trimmed) else {
            continue;
        };
        path.retain(|(outer, _)| *outer < indent);
        let (description, directive) = rest.split_once(" # ").unwrap_or((rest, ""));
        let directive = directive.trim().to_ascii_lowercase();
        if is_good || directive.starts_with("todo") || directive.starts_with("skip") {
            continue;
        }
        let (number, name) = description.split_at(
            description
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(description.len()),
        );
        let name = name.trim().trim_start_matches("- ").trim();
        let name = if name.is_empty() {
            format!("test {number}")
        } else {
            name.to_owned()
        };
        let mut message = Message::default();
        while let Some(next) = lines.peek() {
            let said = next.trim_start();
            let is_diagnostic = (said.starts_with('#') && !said.starts_with("# Subtest"))
                || next.len() - said.len() > indent && result(said).is_none();
            if !is_diagnostic || said.is_empty() {
                break;
            }
            let said = said.trim_start_matches("# ").trim_end();
            if !matches!(said, "---" | "...") {
                message.push(said);
            }
            lines.next();
        }
        let full: Vec<_> = path
            .iter()
            .map(|(_, name)| name.as_str())
            .chain([name.as_str()])
            .collect();
        let file = message.0.lines().find_map(|line| {
            let place = line
                .trim()
                .strip_prefix("location:")?
                .trim()
                .trim_matches(['\'', '"']);
            Some(place.split(':').next().unwrap_or(place).to_owned())
        });
        failures.add(&full.join(" > "), file.as_deref(), &message.0);
    }
}
