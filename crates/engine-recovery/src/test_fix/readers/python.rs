//! pytest, and unittest of Python itself.

use super::{Failures, Message};

pub(super) fn recognizes(text: &str) -> bool {
    text.contains("short test summary info")
        || text.contains("= FAILURES =")
        || text.contains("= ERRORS =")
        || text.contains("= test session starts =")
        || (text.contains("\nRan ") && text.contains("FAILED ("))
        || text.lines().any(|line| {
            line.strip_prefix("FAILED ")
                .is_some_and(|rest| rest.contains(".py::"))
        })
}

pub(super) fn read(text: &str, failures: &mut Failures) {
    let sections = sections(text);
    let mut is_named = false;
    for line in text.lines() {
        let Some(rest) = line
            .strip_prefix("FAILED ")
            .or_else(|| line.strip_prefix("ERROR "))
        else {
            continue;
        };
        if !rest.contains(".py") {
            continue;
        }
        is_named = true;
        // A parameter may hold ` - `; the reason comes after the closing bracket.
        let (name, reason) = match rest.find("] - ") {
            Some(at) if rest[..at].contains('[') => (&rest[..=at], &rest[at + 4..]),
            _ => rest.split_once(" - ").unwrap_or((rest, "")),
        };
        let file = name.split("::").next().filter(|file| file.ends_with(".py"));
        let short = name.split("::").skip(1).collect::<Vec<_>>().join(".");
        let said = sections.iter().find(|(title, _)| *title == short);
        let message = said.map_or(reason, |(_, message)| message.as_str());
        failures.add(name, file, message);
    }
    if !is_named {
        for (title, message) in &sections {
            failures.add(title, file_of(message).as_deref(), message);
        }
    }
    read_unittest(text, failures);
}

/// `____ test_x ____` and what follows: the lines that begin with `E`, and the place.
fn sections(text: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    let mut message = Message::default();
    let mut title = None;
    let mut is_inside = false;
    let finish =
        |title: &mut Option<String>, message: &mut Message, found: &mut Vec<(String, String)>| {
            if let Some(title) = title.take() {
                found.push((title, std::mem::take(&mut message.0)));
            }
            message.0.clear();
        };
    for line in text.lines() {
        if line.starts_with("====") {
            finish(&mut title, &mut message, &mut found);
            is_inside = line.contains(" FAILURES ") || line.contains(" ERRORS ");
            continue;
        }
        if !is_inside || found.len() > super::MAX_FAILURES {
            continue;
        }
        let inner = line.trim_matches('_');
        let is_title = line.starts_with("__") && line.ends_with("__") && inner.starts_with(' ');
        if is_title {
            finish(&mut title, &mut message, &mut found);
            let inner = inner.trim();
            let inner = inner.strip_prefix("ERROR collecting ").unwrap_or(inner);
            let inner = inner
                .split(" of ")
                .last()
                .filter(|_| inner.starts_with("ERROR at "))
                .unwrap_or(inner);
            title = Some(inner.to_owned());
            continue;
        }
        let is_place = line.contains(".py:") && !line.starts_with(' ');
        if line.starts_with('E') || line.starts_with('>') || is_place {
            message.push(line);
        }
    }
    finish(&mut title, &mut message, &mut found);
    found
}

fn file_of(message: &str) -> Option<String> {
    let place = message.lines().rfind(|line| line.contains(".py:"))?;
    let end = place.find(".py:")? + 3;
    Some(place[..end].trim_start_matches(['E', ' ']).to_owned())
}

/// `FAIL: test_x (module.Class.test_x)`, a rule, and the traceback.
fn read_unittest(text: &str, failures: &mut Failures) {
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let Some(rest) = line
            .strip_prefix("FAIL: ")
            .or_else(|| line.strip_prefix("ERROR: "))
        else {
            continue;
        };
        let is_head = lines
            .peek()
            .is_some_and(|next| next.starts_with("-----") || !next.is_empty());
        let Some((method, place)) = rest.split_once(" (").filter(|_| is_head) else {
            continue;
        };
        let place = place.split(')').next().unwrap_or(place);
        let name = if place.ends_with(&format!(".{method}")) {
            place.to_owned()
        } else {
            format!("{place}.{method}")
        };
        let mut message = Message::default();
        let mut n_rules = 0;
        while let Some(next) = lines.peek() {
            if next.starts_with("=====") || next.starts_with("Ran ") {
                break;
            }
            if next.starts_with("-----") {
                n_rules += 1;
                if n_rules > 1 {
                    break;
                }
            } else {
                message.push(next);
            }
            lines.next();
        }
        let file = message
            .0
            .split("File \"")
            .last()
            .and_then(|rest| rest.split('"').next());
        let file = file
            .filter(|file| file.ends_with(".py") && !file.starts_with('/'))
            .map(str::to_owned);
        failures.add(&name, file.as_deref(), &message.0);
    }
}
