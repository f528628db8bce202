//! Holds a document against its table: every finding at once, and defaults put where keys are absent.

use core_types::Usd;

use super::{Absent, Key, Kind, Shape, Zero, default_document, section::decimal};
use crate::{
    finding::{Mark, Report, did_you_mean, quote},
    units::{format_duration, parse_duration, parse_size},
    yaml::{Entry, Node, Resolved, Scalar, Style, Value, join, names_variable},
};

/// Checks a document and fills in the defaults; what [`Section`](super::Section) reads afterwards is there and sound,
/// as long as the report is empty.
pub(crate) fn check(kind: Kind, document: &mut Node, report: &mut Report) {
    let defaults = (kind == Kind::Automation).then(default_document);
    check_section(document, kind.keys(), defaults, "", report);
}

fn check_section(
    node: &mut Node,
    keys: &[Key],
    defaults: Option<&Node>,
    path: &str,
    report: &mut Report,
) {
    let found = node.describe();
    let Value::Map(entries) = &mut node.value else {
        if node.value != Value::Reported {
            let names: Vec<&str> = keys.iter().map(|key| key.name).collect();
            report.add(
                node.mark,
                path,
                format!(
                    "expected a mapping with the keys {}; found {found}",
                    names.join(", ")
                ),
            );
        }
        return;
    };
    for entry in entries.iter() {
        if !keys.iter().any(|key| key.name == entry.key) {
            let hint = did_you_mean(&entry.key, keys.iter().map(|key| key.name));
            report.add(
                entry.mark,
                join(path, &entry.key),
                format!("unknown key{hint}"),
            );
        }
    }
    // `key:` with nothing after it, as when all below it is commented out, is an absent key.
    entries.retain(|entry| !entry.value.is_nothing());
    for key in keys {
        let default = defaults.and_then(|node| node.get(key.name));
        if let Some(entry) = entries.iter_mut().find(|entry| entry.key == key.name) {
            check_value(
                &mut entry.value,
                &key.shape,
                default,
                &join(path, key.name),
                report,
            );
            continue;
        }
        let value = match key.absent {
            Absent::Means(_) => continue,
            Absent::Refused => {
                report.add(
                    node.mark,
                    join(path, key.name),
                    format!("missing; expected {}", key.shape.describe()),
                );
                continue;
            }
            Absent::Default => default
                .expect("a test holds the table against the embedded defaults")
                .clone(),
            Absent::Is(text) => {
                let mut value = Node {
                    mark: Mark::default(),
                    value: absent_value(&key.shape, text),
                };
                check_value(&mut value, &key.shape, None, &join(path, key.name), report);
                value
            }
        };
        entries.push(Entry {
            key: key.name.to_owned(),
            mark: Mark::default(),
            value,
        });
    }
}

/// What stands in the table for an absent value; a section whose keys have their own defaults is an empty one.
fn absent_value(shape: &Shape, text: &str) -> Value {
    match shape {
        Shape::Section(_) => Value::Map(Vec::new()),
        _ => Value::Scalar(Scalar {
            text: text.to_owned(),
            style: Style::Plain,
        }),
    }
}

fn check_value(
    node: &mut Node,
    shape: &Shape,
    default: Option<&Node>,
    path: &str,
    report: &mut Report,
) {
    match (shape, &mut node.value) {
        (_, Value::Reported) => {}
        (Shape::Section(keys), _) => check_section(node, keys, default, path, report),
        (Shape::Sections(keys), Value::List(items)) => {
            for (idx, item) in items.iter_mut().enumerate() {
                check_section(item, keys, None, &format!("{path}[{idx}]"), report);
            }
        }
        (Shape::List(shape), Value::List(items)) => {
            for (idx, item) in items.iter_mut().enumerate() {
                check_value(item, shape, None, &format!("{path}[{idx}]"), report);
            }
        }
        (Shape::Command, Value::List(items)) if !items.is_empty() => {
            for (idx, item) in items.iter_mut().enumerate() {
                // A program has a name; an argument may be anything, nothing included.
                let shape = if idx == 0 {
                    &Shape::Line
                } else {
                    &Shape::Prose
                };
                check_value(item, shape, None, &format!("{path}[{idx}]"), report);
            }
        }
        (_, Value::Scalar(scalar)) => {
            let Err(problem) = check_scalar(scalar, shape) else {
                return;
            };
            // What a variable holds may be a secret: only that it does not fit is said.
            let problem = problem.filter(|_| scalar.style != Style::Variable);
            let mark = node.mark;
            report.add(
                mark,
                path,
                problem.unwrap_or_else(|| unexpected(node, shape)),
            );
        }
        (_, Value::List(_) | Value::Map(_)) => report.add(node.mark, path, unexpected(node, shape)),
    }
}

fn unexpected(node: &Node, shape: &Shape) -> String {
    let resolved = match &node.value {
        Value::Scalar(scalar) if scalar.style != Style::Variable => Some(scalar.resolve()),
        _ => None,
    };
    let hint = match (shape, resolved) {
        (
            Shape::Text | Shape::Line | Shape::Prose | Shape::Id | Shape::Variable | Shape::Command,
            Some(Resolved::Truth(_) | Resolved::Integer(_) | Resolved::Float(_)),
        ) => "; put it in quotes to make it a text",
        (
            Shape::Duration { .. } | Shape::Size { .. },
            Some(Resolved::Integer(_) | Resolved::Float(_)),
        ) => "; add a unit",
        (Shape::Integer { .. } | Shape::Decimal { .. } | Shape::Flag, Some(Resolved::Text))
            if would_fit(node, shape) =>
        {
            "; write it without quotes"
        }
        _ => "",
    };
    format!(
        "expected {}, found {}{hint}",
        shape.describe(),
        node.describe()
    )
}

/// Whether only its quotes keep a scalar from being what was expected.
fn would_fit(node: &Node, shape: &Shape) -> bool {
    node.as_scalar().is_some_and(|scalar| {
        let plain = Scalar {
            text: scalar.text.clone(),
            style: Style::Plain,
        };
        check_scalar(&plain, shape).is_ok()
    })
}

/// What is wrong with a scalar: something of its own to say, or only that another shape was expected.
fn check_scalar(scalar: &Scalar, shape: &Shape) -> Result<(), Option<String>> {
    let text = scalar.text.as_str();
    match shape {
        Shape::Text | Shape::Line | Shape::Prose | Shape::Id | Shape::Variable | Shape::Command
            if !scalar.is_text() =>
        {
            Err(None)
        }
        Shape::Prose => no_nul(text),
        Shape::Text | Shape::Line | Shape::Command if text.trim().is_empty() => Err(None),
        Shape::Command if shell_line(text).is_empty() => Err(None),
        Shape::Command => no_nul(text),
        Shape::Text | Shape::Line if text.contains(char::is_control) => Err(Some(format!(
            "expected one line without control characters, found {}",
            quote(text)
        ))),
        Shape::Text if scalar.style != Style::Variable && names_variable(text).is_some() => {
            Err(Some(format!(
                "${{{}}} inside a text is not replaced; make the variable the whole value",
                names_variable(text).unwrap_or_default()
            )))
        }
        Shape::Text | Shape::Line => Ok(()),
        Shape::Id if is_id(text) => Ok(()),
        Shape::Id => Err(Some(format!(
            "{} is not a valid name: 1 to 64 of A-Z a-z 0-9 . _ -, not starting with . or -, without .., not ending in . or .lock",
            quote(text)
        ))),
        Shape::Variable => wanted(
            text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'),
        ),
        Shape::Flag => wanted(scalar.truth().is_some()),
        Shape::Integer { or, .. } | Shape::Duration { or, .. } | Shape::Money { or, .. }
            if or.is_some_and(|word| word == text) =>
        {
            Ok(())
        }
        Shape::Integer { min, max, .. } => {
            let integer = scalar.integer().ok_or(None)?;
            in_range(
                integer,
                &i128::from(*min),
                &i128::from(*max),
                i128::to_string,
            )
        }
        Shape::Duration { min, max, .. } => {
            in_range(parse_duration(text).ok_or(None)?, min, max, |duration| {
                format_duration(*duration)
            })
        }
        Shape::Money { zero, .. } => {
            let amount: Usd = text.parse().map_err(|_| None)?;
            wanted(amount > Usd::ZERO || *zero == Zero::Allowed)
        }
        Shape::Decimal { min, max } => {
            in_range(decimal(scalar).ok_or(None)?, min, max, f64::to_string)
        }
        Shape::Size { min, max } => in_range(parse_size(text).ok_or(None)?, min, max, |size| {
            format!("{size}B")
        }),
        Shape::Choice(names) if names.contains(&text) => Ok(()),
        Shape::Choice(names) => Err(Some(format!(
            "unknown value {}; known: {}",
            quote(text),
            names.join(", ")
        ))),
        Shape::List(_) | Shape::Section(_) | Shape::Sections(_) => Err(None),
    }
}

fn wanted(holds: bool) -> Result<(), Option<String>> {
    if holds { Ok(()) } else { Err(None) }
}

fn no_nul(text: &str) -> Result<(), Option<String>> {
    if text.contains('\0') {
        Err(Some("contains a NUL character".to_owned()))
    } else {
        Ok(())
    }
}

fn in_range<T: PartialOrd>(
    value: T,
    min: &T,
    max: &T,
    show: impl Fn(&T) -> String,
) -> Result<(), Option<String>> {
    if (min..=max).contains(&&value) {
        return Ok(());
    }
    Err(Some(format!(
        "expected from {} to {}, found {}",
        show(min),
        show(max),
        show(&value)
    )))
}

/// A shell line without the `sh:` that may mark it as one.
pub(crate) fn shell_line(text: &str) -> &str {
    text.strip_prefix("sh:").unwrap_or(text).trim()
}

/// Whether a text may name a repository, task, agent or plan: it is also a folder and a part of a branch name.
pub(crate) fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
        && !text.starts_with(['.', '-'])
        && !text.contains("..")
        && !text.ends_with('.')
        && !text.ends_with(".lock")
}
