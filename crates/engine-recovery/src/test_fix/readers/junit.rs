//! JUnit's XML: only what says that a test case failed. Entities beyond the
//! five of XML and numbers are left as they are, and nothing is included.

use super::{Failures, MAX_MESSAGE_BYTES, cut};

pub(super) fn recognizes(text: &str) -> bool {
    text.contains("<testsuite")
}

pub(super) fn read(text: &str, failures: &mut Failures) {
    let mut rest = text;
    let mut case: Option<Case> = None;
    while let Some(open) = rest.find('<') {
        let before = &rest[..open];
        if let Some(case) = case.as_mut().filter(|case| case.is_inside) {
            case.say(&unescaped(before));
        }
        rest = &rest[open..];
        if let Some(after) = rest.strip_prefix("<![CDATA[") {
            let end = after.find("]]>").unwrap_or(after.len());
            if let Some(case) = case.as_mut().filter(|case| case.is_inside) {
                case.say(&after[..end]);
            }
            rest = after.get(end + 3..).unwrap_or("");
            continue;
        }
        if let Some(after) = rest.strip_prefix("<!--") {
            let end = after.find("-->").map_or(after.len(), |end| end + 3);
            rest = after.get(end..).unwrap_or("");
            continue;
        }
        let end = tag_end(rest);
        let tag = &rest[1..end.max(1)];
        rest = rest.get(end + 1..).unwrap_or("");
        let is_closed = tag.ends_with('/');
        let name = tag.split([' ', '\t', '\n', '/']).next().unwrap_or("");
        match name {
            "testcase" => {
                finish(case.take(), failures);
                if !is_closed {
                    case = Some(Case::new(tag));
                }
            }
            "failure" | "error" | "rerunFailure" => {
                if let Some(case) = &mut case {
                    // What failed and then passed is no failure.
                    case.failed |= name != "rerunFailure";
                    if let Some(message) = attribute(tag, "message") {
                        case.say(&message);
                        case.say("\n");
                    }
                    case.is_inside = !is_closed;
                }
            }
            _ if tag.starts_with('/') => {
                if tag.starts_with("/testcase") {
                    finish(case.take(), failures);
                } else if let Some(case) = &mut case {
                    case.is_inside = false;
                }
            }
            _ => {}
        }
    }
    finish(case, failures);
}

struct Case {
    name: String,
    file: Option<String>,
    message: String,
    failed: bool,
    is_inside: bool,
}

impl Case {
    fn new(tag: &str) -> Self {
        let name = attribute(tag, "name").unwrap_or_default();
        let class = attribute(tag, "classname").unwrap_or_default();
        let full = match (class.as_str(), name.as_str()) {
            ("", name) => name.to_owned(),
            (class, "") => class.to_owned(),
            (class, name) => format!("{class}.{name}"),
        };
        Self {
            name: full,
            file: attribute(tag, "file"),
            message: String::new(),
            failed: false,
            is_inside: false,
        }
    }

    fn say(&mut self, text: &str) {
        if self.message.len() < MAX_MESSAGE_BYTES {
            self.message.push_str(cut(text, MAX_MESSAGE_BYTES));
        }
    }
}

fn finish(case: Option<Case>, failures: &mut Failures) {
    if let Some(case) = case.filter(|case| case.failed) {
        failures.add(&case.name, case.file.as_deref(), case.message.trim());
    }
}

/// Where a tag ends; a `>` in a value does not end it.
fn tag_end(text: &str) -> usize {
    let mut quote = None;
    for (index, c) in text.char_indices() {
        match (quote, c) {
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            (None, '>') => return index,
            _ => {}
        }
    }
    text.len()
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let mut rest = tag;
    loop {
        let at = rest.find(name)?;
        let starts = rest[..at].ends_with(|c: char| c.is_whitespace());
        let after = rest[at + name.len()..].trim_start();
        if let Some(value) = after.strip_prefix('=').filter(|_| starts) {
            let value = value.trim_start();
            let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
            let value = &value[1..];
            let end = value.find(quote).unwrap_or(value.len());
            return Some(unescaped(&value[..end]));
        }
        rest = &rest[at + name.len()..];
    }
}

fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = rest
            .char_indices()
            .take(12)
            .find(|(_, c)| *c == ';')
            .map(|(end, _)| end);
        let c = end.and_then(|end| match &rest[1..end] {
            "lt" => Some('<'),
            "gt" => Some('>'),
            "amp" => Some('&'),
            "quot" => Some('"'),
            "apos" => Some('\''),
            number => {
                let digits = number.strip_prefix('#')?;
                let code = match digits.strip_prefix(['x', 'X']) {
                    Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                    None => digits.parse().ok()?,
                };
                char::from_u32(code)
            }
        });
        match (c, end) {
            (Some(c), Some(end)) => {
                out.push(c);
                rest = &rest[end + 1..];
            }
            _ => {
                out.push('&');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    out
}
