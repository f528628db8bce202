//! The marked tree.

use crate::finding::{Mark, quote};

/// A value and where it starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) mark: Mark,
    pub(crate) value: Value,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Scalar(Scalar),
    List(Vec<Node>),
    Map(Vec<Entry>),
    /// Something already reported; later checks pass over it in silence.
    Reported,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Scalar {
    pub(crate) text: String,
    pub(crate) style: Style,
}

/// How a scalar was written, which decides what it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// Without quotes: may be nothing, a truth value, a number or a text.
    Plain,
    /// Quoted or a block: a text.
    Quoted,
    /// The value of a variable: whatever the place expects.
    Variable,
}

/// A key with its place, and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) mark: Mark,
    pub(crate) value: Node,
}

/// What a plain scalar is by the core schema of YAML 1.2.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Resolved {
    Nothing,
    Truth(bool),
    Integer(i128),
    Float(f64),
    Text,
}

impl Scalar {
    pub(crate) fn resolve(&self) -> Resolved {
        match self.style {
            Style::Plain => resolve(&self.text),
            Style::Quoted | Style::Variable => Resolved::Text,
        }
    }

    /// Whether a text may be read from it.
    pub(crate) fn is_text(&self) -> bool {
        self.resolve() == Resolved::Text
    }

    pub(crate) fn truth(&self) -> Option<bool> {
        match self.unquoted() {
            Resolved::Truth(truth) => Some(truth),
            _ => None,
        }
    }

    pub(crate) fn integer(&self) -> Option<i128> {
        match self.unquoted() {
            Resolved::Integer(integer) => Some(integer),
            _ => None,
        }
    }

    /// What it is where no text is wanted: a variable's value may then be anything.
    pub(crate) fn unquoted(&self) -> Resolved {
        match self.style {
            Style::Plain | Style::Variable => resolve(&self.text),
            Style::Quoted => Resolved::Text,
        }
    }
}

/// What a text is where it stands without quotes.
pub(crate) fn resolve(text: &str) -> Resolved {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Resolved::Nothing,
        "true" | "True" | "TRUE" => Resolved::Truth(true),
        "false" | "False" | "FALSE" => Resolved::Truth(false),
        text => number(text).unwrap_or(Resolved::Text),
    }
}

fn number(text: &str) -> Option<Resolved> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    match unsigned {
        ".inf" | ".Inf" | ".INF" => {
            let sign = if text.starts_with('-') { -1.0 } else { 1.0 };
            return Some(Resolved::Float(f64::INFINITY * sign));
        }
        ".nan" | ".NaN" | ".NAN" if unsigned == text => return Some(Resolved::Float(f64::NAN)),
        _ => {}
    }
    for (prefix, radix) in [("0x", 16), ("0o", 8)] {
        if let Some(digits) = text
            .strip_prefix(prefix)
            .filter(|digits| !digits.starts_with(['-', '+']))
        {
            return i128::from_str_radix(digits, radix)
                .ok()
                .map(Resolved::Integer);
        }
    }
    // Rust also reads `inf`, `nan` and the like as numbers; in YAML they are texts.
    if !unsigned
        .trim_start_matches('.')
        .starts_with(|c: char| c.is_ascii_digit())
    {
        return None;
    }
    match text.parse::<i128>() {
        Ok(integer) => Some(Resolved::Integer(integer)),
        Err(_) => text.parse::<f64>().ok().map(Resolved::Float),
    }
}

impl Node {
    /// Whether this is a scalar written as nothing: `key:`, `~` or `null`.
    pub(crate) fn is_nothing(&self) -> bool {
        matches!(&self.value, Value::Scalar(scalar) if scalar.resolve() == Resolved::Nothing)
    }

    /// The value of a key, unless it is absent or nothing.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        let Value::Map(entries) = &self.value else {
            return None;
        };
        entries
            .iter()
            .find(|entry| entry.key == key)
            .map(|entry| &entry.value)
            .filter(|node| !node.is_nothing())
    }

    pub(crate) fn as_scalar(&self) -> Option<&Scalar> {
        match &self.value {
            Value::Scalar(scalar) => Some(scalar),
            Value::List(_) | Value::Map(_) | Value::Reported => None,
        }
    }

    /// What stands here, for "expected …, found …".
    pub(crate) fn describe(&self) -> String {
        match &self.value {
            Value::Map(_) => "a mapping".to_owned(),
            Value::List(_) => "a list".to_owned(),
            Value::Reported => "an unreadable value".to_owned(),
            // What a variable holds may be a secret.
            Value::Scalar(scalar) if scalar.style == Style::Variable => {
                "the value of a variable".to_owned()
            }
            Value::Scalar(scalar) => match scalar.resolve() {
                Resolved::Nothing => "nothing".to_owned(),
                Resolved::Truth(truth) => truth.to_string(),
                Resolved::Integer(_) | Resolved::Float(_) => format!("the number {}", scalar.text),
                Resolved::Text if scalar.text.is_empty() => "an empty text".to_owned(),
                Resolved::Text => format!("the text {}", quote(&scalar.text)),
            },
        }
    }
}
