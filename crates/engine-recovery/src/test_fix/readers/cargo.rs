//! libtest, rustdoc and nextest.

use super::{Failures, Message};

pub(super) fn recognizes(text: &str) -> bool {
    text.contains("test result: ")
        || (text.contains("running ")
            && text
                .lines()
                .any(|line| line.starts_with("test ") && line.contains(" ... ")))
}

/// `test NAME ... FAILED`, and later `---- NAME stdout ----` with what it said.
pub(super) fn read(text: &str, failures: &mut Failures) {
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        if let Some(rest) = line.strip_prefix("test ") {
            if let Some((name, end)) = rest.rsplit_once(" ... ")
                && end.starts_with("FAILED")
            {
                // `should panic` tests say so behind their name.
                let name = name.split(" - should panic").next().unwrap_or(name);
                failures.add(name, None, "");
            }
            continue;
        }
        let Some(name) = line
            .strip_prefix("---- ")
            .and_then(|rest| rest.strip_suffix(" ----"))
        else {
            continue;
        };
        let name = name.trim_end_matches(" stdout").trim_end_matches(" stderr");
        let mut message = Message::default();
        while let Some(next) = lines.peek() {
            if next.starts_with("---- ") || *next == "failures:" || next.starts_with("test result:")
            {
                break;
            }
            if !next.starts_with("note: run with `RUST_BACKTRACE") {
                message.push(next);
            }
            lines.next();
        }
        failures.add(name, panic_file(&message.0).as_deref(), &message.0);
    }
}

/// The file of `thread '…' panicked at FILE:LINE:COLUMN:`.
fn panic_file(message: &str) -> Option<String> {
    let rest = message.split("panicked at ").nth(1)?;
    let place = rest.lines().next()?.trim_end_matches(':');
    // Before Rust 1.73 the text came first, in quotes.
    let place = place.rsplit(", ").next()?;
    let file = place.split(':').next()?.trim();
    file.ends_with(".rs").then(|| file.to_owned())
}

pub(super) fn recognizes_nextest(text: &str) -> bool {
    text.contains("Nextest run ID")
        || text.contains("nextest profile")
        || text
            .lines()
            .any(|line| status(line).is_some_and(|(word, _)| word == "PASS"))
}

/// `FAIL [   0.004s] (1/9) BINARY TEST`; below it, indented, what it said.
pub(super) fn read_nextest(text: &str, failures: &mut Failures) {
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let Some((word, name)) = status(line) else {
            continue;
        };
        let failed = matches!(word, "FAIL" | "TIMEOUT" | "TMT" | "ABORT" | "LEAK-FAIL" | "XFAIL")
            || word.starts_with("SIG")
            // `TRY 3 FAIL`: only the last try counts, and the summary repeats it.
            || (word.starts_with("TRY") && word.ends_with("FAIL"));
        if !failed {
            continue;
        }
        let mut message = Message::default();
        while let Some(next) = lines.peek() {
            let is_output = next.is_empty() || next.starts_with("  ");
            if !is_output || status(next).is_some() {
                break;
            }
            let next = next.trim();
            let is_frame =
                next.ends_with("───") || next.starts_with("note: run with `RUST_BACKTRACE");
            if !is_frame {
                message.push(next);
            }
            lines.next();
        }
        if word.starts_with("TRY") {
            // Whether it failed in the end is said by a line of its own.
            continue;
        }
        failures.add(&name, panic_file(&message.0).as_deref(), &message.0);
    }
    // With retries, what passed in the end is no failure.
    let statuses = || text.lines().filter_map(status);
    let is_good =
        |word: &str| word == "PASS" || word.ends_with(" PASS") || word.starts_with("FLAKY");
    let good: std::collections::HashSet<_> = statuses()
        .filter(|(word, _)| is_good(word))
        .map(|(_, name)| name)
        .collect();
    for (word, name) in statuses() {
        if word.starts_with("TRY") && word.ends_with("FAIL") && !good.contains(&name) {
            failures.add(&name, None, "");
        }
    }
}

/// The first words of a status line, and the name of its test.
fn status(line: &str) -> Option<(&str, String)> {
    let (word, rest) = line.trim_start().split_once(" [")?;
    let word = word.trim();
    let is_word = !word.is_empty()
        && word.len() <= 16
        && word
            .chars()
            .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || " -/".contains(c));
    if !is_word {
        return None;
    }
    let (time, name) = rest.split_once(']')?;
    if !time
        .trim_start_matches(['>', ' '])
        .trim_end()
        .ends_with('s')
    {
        return None;
    }
    let mut name = name.trim();
    // `(12/40)` counts; it is no name.
    if let Some(counted) = name.strip_prefix('(') {
        name = counted.split_once(')')?.1.trim();
    }
    let words: Vec<_> = name.split_whitespace().collect();
    (!words.is_empty()).then(|| (word, words.join(" ")))
}
