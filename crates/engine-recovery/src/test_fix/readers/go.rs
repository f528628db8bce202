//! `go test`, as text and as JSON.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Failures, MAX_FAILURES, Message};

pub(super) fn recognizes(text: &str) -> bool {
    text.lines().any(|line| {
        line.trim_start().starts_with("--- FAIL: ")
            || line.starts_with("FAIL\t")
            || line.starts_with("ok  \t")
    })
}

/// `--- FAIL: TestX (0.00s)` with what it said below, then `FAIL <tab> package`.
pub(super) fn read(text: &str, failures: &mut Failures) {
    let mut waiting: Vec<(String, String)> = Vec::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        if let Some(rest) = line
            .strip_prefix("FAIL\t")
            .or_else(|| line.strip_prefix("ok  \t"))
        {
            let package = rest.split_whitespace().next().unwrap_or("");
            if line.starts_with("FAIL")
                && waiting.is_empty()
                && (rest.contains("[build failed]") || rest.contains("[setup failed]"))
            {
                failures.add(&format!("{package} (build)"), None, rest);
            }
            for (test, message) in waiting.drain(..) {
                failures.add(
                    &format!("{package}.{test}"),
                    file_of(&message).as_deref(),
                    &message,
                );
            }
            continue;
        }
        let Some(rest) = line.trim_start().strip_prefix("--- FAIL: ") else {
            continue;
        };
        let test = rest.split(" (").next().unwrap_or(rest).trim();
        let depth = line.len() - line.trim_start().len();
        let mut message = Message::default();
        while let Some(next) = lines.peek() {
            let indent = next.len() - next.trim_start().len();
            if next.trim_start().starts_with("--- ") || indent <= depth || next.trim().is_empty() {
                break;
            }
            message.push(next.trim());
            lines.next();
        }
        if waiting.len() <= MAX_FAILURES {
            waiting.push((test.to_owned(), message.0));
        }
    }
    for (test, message) in waiting {
        failures.add(&test, file_of(&message).as_deref(), &message);
    }
}

/// The file of `name_test.go:12: …`.
fn file_of(message: &str) -> Option<String> {
    let end = message.find(".go:")? + 3;
    let start = message[..end]
        .rfind([' ', '\t', '\n'])
        .map_or(0, |at| at + 1);
    Some(message[start..end].to_owned())
}

pub(super) fn recognizes_json(text: &str) -> bool {
    text.lines().any(|line| {
        line.starts_with('{') && line.contains("\"Action\":\"") && line.contains("\"Package\":\"")
    })
}

/// One JSON object a line: what a test wrote, and that it failed.
pub(super) fn read_json(text: &str, failures: &mut Failures) {
    let mut said: BTreeMap<(String, String), Message> = BTreeMap::new();
    for line in text.lines().filter(|line| line.starts_with('{')) {
        let Ok(event) = serde_json::from_str::<Value>(line) else {
            continue;
        };
        let field = |name: &str| event[name].as_str().unwrap_or_default();
        let key = (field("Package").to_owned(), field("Test").to_owned());
        match field("Action") {
            "output" if said.len() <= 4 * MAX_FAILURES || said.contains_key(&key) => {
                let text = field("Output").trim_end();
                let is_frame =
                    text.trim_start().starts_with("=== ") || text.trim_start().starts_with("--- ");
                if !is_frame && !text.is_empty() {
                    said.entry(key).or_default().push(text.trim_start());
                }
            }
            "pass" | "skip" => {
                said.remove(&key);
            }
            "fail" | "build-fail" => {
                let message = said.remove(&key).unwrap_or_default().0;
                let (package, test) = key;
                if test.is_empty() {
                    // The package fails because of a test, or by itself.
                    let of_tests = failures
                        .found
                        .iter()
                        .any(|it| it.name.starts_with(&format!("{package}.")));
                    if !of_tests {
                        failures.add(&format!("{package} (package)"), None, &message);
                    }
                } else {
                    failures.add(
                        &format!("{package}.{test}"),
                        file_of(&message).as_deref(),
                        &message,
                    );
                }
            }
            _ => {}
        }
    }
}
