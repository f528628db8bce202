//! What an agent has said so far.

use std::collections::HashMap;

use core_types::{ErrorClass, TokenUsage, Usd};
use serde_json::Value;

/// How long a line of the transcript may be that shows what a tool was called with.
const SHOWN_BYTES: usize = 300;

#[derive(Debug, Default)]
pub(super) struct Told {
    /// All tokens that are known of so far.
    pub(super) usage: TokenUsage,
    /// Those of each message, since one may be told of in several events.
    pub(super) by_message: HashMap<String, TokenUsage>,
    /// What the agent says that it costs, at its end.
    pub(super) cost: Option<Usd>,
    pub(super) model: String,
    /// Its last words.
    pub(super) words: String,
    /// An answer of the form that was asked for.
    pub(super) form: Option<Value>,
    /// Whether it has told of its end.
    pub(super) has_ended: bool,
    pub(super) error: Option<(ErrorClass, String)>,
    /// What it calls its conversation; may be empty.
    pub(super) conversation: String,
    /// Uses of tools that its rules refused.
    pub(super) refused: Vec<String>,
}

impl Told {
    /// Counts what a message has used; told again, the later word counts.
    pub(super) fn used(&mut self, message: &str, usage: TokenUsage) {
        self.by_message.insert(message.to_owned(), usage);
        let all = self.by_message.values();
        self.usage = all.fold(TokenUsage::default(), |sum, it| sum.plus(it));
    }
}

pub(super) fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

pub(super) fn number(value: &Value, key: &str) -> u64 {
    value[key].as_u64().unwrap_or_default()
}

/// What a tool was called with, in one line.
pub(crate) fn call_line(name: &str, input: &Value) -> String {
    let known = ["command", "file_path", "path", "pattern", "description"];
    let shown = known.iter().find_map(|key| input[*key].as_str());
    let shown = shown.map_or_else(|| input.to_string(), str::to_owned);
    format!("> {name} {}", one_line(&shown))
}

/// A text in one line, cut where it is long.
pub(super) fn one_line(text: &str) -> String {
    let mut line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if cut(&mut line, SHOWN_BYTES) {
        line.push('…');
    }
    line
}

/// Cuts a text to a length, between two characters; returns whether it was longer.
pub(crate) fn cut(text: &mut String, limit: usize) -> bool {
    let is_longer = text.len() > limit;
    if is_longer {
        let mut ends = (0..=limit).rev();
        text.truncate(ends.find(|end| text.is_char_boundary(*end)).unwrap_or(0));
    }
    is_longer
}

/// The class of an HTTP status that a provider of models answered.
pub(super) fn class_of_status(status: u64) -> ErrorClass {
    match status {
        401 | 403 => ErrorClass::Unauthorized,
        404 => ErrorClass::NotFound,
        408 | 409 | 500.. => ErrorClass::Transient,
        429 => ErrorClass::RateLimited { until: None },
        400.. => ErrorClass::Validation,
        _ => ErrorClass::Internal,
    }
}
