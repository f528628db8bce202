//! Typed reading of a checked mapping.

use std::time::Duration;

use core_types::Usd;

use super::check::shell_line;
use crate::{
    command::Command,
    finding::Mark,
    units::{parse_duration, parse_size},
    yaml::{Node, Resolved, Scalar, Value},
};

/// A mapping that [`check`](super::check) has seen.
///
/// `text`, `flag`, `integer`, `duration`, `size`, `choice` and `section` are for documents without findings and for keys that are required or
/// have a default; all others take a document as it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Section<'a>(pub(crate) &'a Node);

/// Why what the readers below ask for is there.
const CHECKED: &str =
    "the table requires the key or gives its default, and the check found nothing wrong";

impl<'a> Section<'a> {
    pub(crate) fn mark(self) -> Mark {
        self.0.mark
    }

    pub(crate) fn section(self, key: &str) -> Self {
        Section(self.0.get(key).expect(CHECKED))
    }

    /// A mapping within this one, whether or not the check was content.
    pub(crate) fn optional_section(self, key: &str) -> Option<Self> {
        self.0.get(key).map(Section)
    }

    pub(crate) fn sections(self, key: &str) -> Vec<Self> {
        self.items(key).iter().map(Section).collect()
    }

    /// The place of a key's value, or of the section where the key is absent.
    pub(crate) fn mark_of(self, key: &str) -> Mark {
        self.0.get(key).map_or(self.0.mark, |node| node.mark)
    }

    /// The scalar at a key with its place, sound or not.
    pub(crate) fn name(self, key: &str) -> Option<(&'a str, Mark)> {
        let node = self.0.get(key)?;
        Some((node.as_scalar()?.text.as_str(), node.mark))
    }

    /// The scalars of a list with their index and place, sound or not.
    pub(crate) fn names(self, key: &str) -> Vec<(usize, &'a str, Mark)> {
        let items = self.items(key).iter().enumerate();
        items
            .filter_map(|(idx, node)| Some((idx, node.as_scalar()?.text.as_str(), node.mark)))
            .collect()
    }

    pub(crate) fn is_mapping(self) -> bool {
        matches!(self.0.value, Value::Map(_))
    }

    pub(crate) fn is_list(self, key: &str) -> bool {
        matches!(
            self.0.get(key).map(|node| &node.value),
            Some(Value::List(_))
        )
    }

    /// Whether a truth value stands at the key, and is true.
    pub(crate) fn is_true(self, key: &str) -> bool {
        self.scalar(key).and_then(Scalar::truth) == Some(true)
    }

    /// Whether a truth value stands at the key, and is false.
    pub(crate) fn is_false(self, key: &str) -> bool {
        self.scalar(key).and_then(Scalar::truth) == Some(false)
    }

    /// The text at a key, sound or not.
    pub(crate) fn is_text(self, key: &str, text: &str) -> bool {
        self.scalar(key).is_some_and(|scalar| scalar.text == text)
    }

    pub(crate) fn text(self, key: &str) -> String {
        self.optional_text(key).expect(CHECKED)
    }

    pub(crate) fn optional_text(self, key: &str) -> Option<String> {
        self.scalar(key).map(|scalar| scalar.text.clone())
    }

    pub(crate) fn texts(self, key: &str) -> Vec<String> {
        self.items(key)
            .iter()
            .filter_map(Node::as_scalar)
            .map(|scalar| scalar.text.clone())
            .collect()
    }

    pub(crate) fn flag(self, key: &str) -> bool {
        self.scalar(key).and_then(Scalar::truth).expect(CHECKED)
    }

    pub(crate) fn integer<T: TryFrom<i128>>(self, key: &str) -> T {
        self.optional_integer(key).expect(CHECKED)
    }

    /// A whole number; `None` where a word such as `auto` stands instead.
    pub(crate) fn optional_integer<T: TryFrom<i128>>(self, key: &str) -> Option<T> {
        self.scalar(key)?
            .integer()
            .and_then(|integer| T::try_from(integer).ok())
    }

    pub(crate) fn duration(self, key: &str) -> Duration {
        self.optional_duration(key).expect(CHECKED)
    }

    /// A duration; `None` where it is absent, or a word such as `never` stands instead.
    pub(crate) fn optional_duration(self, key: &str) -> Option<Duration> {
        parse_duration(&self.scalar(key)?.text)
    }

    /// An amount; `None` where it is absent, or a word such as `none` stands instead.
    pub(crate) fn optional_money(self, key: &str) -> Option<Usd> {
        self.scalar(key)?.text.parse().ok()
    }

    pub(crate) fn money(self, key: &str) -> Usd {
        self.optional_money(key).expect(CHECKED)
    }

    pub(crate) fn decimal(self, key: &str) -> f64 {
        self.scalar(key).and_then(decimal).expect(CHECKED)
    }

    pub(crate) fn size(self, key: &str) -> u64 {
        self.scalar(key)
            .and_then(|scalar| parse_size(&scalar.text))
            .expect(CHECKED)
    }

    /// The value that belongs to the name that stands here.
    pub(crate) fn choice<T: Copy>(self, key: &str, choices: &[(&str, T)]) -> T {
        let text = &self.scalar(key).expect(CHECKED).text;
        choices
            .iter()
            .find(|(name, _)| name == text)
            .map(|(_, value)| *value)
            .expect(CHECKED)
    }

    pub(crate) fn command(self, key: &str) -> Option<Command> {
        match &self.0.get(key)?.value {
            Value::Scalar(scalar) => Some(Command::Shell(shell_line(&scalar.text).to_owned())),
            _ => {
                let mut words = self.texts(key).into_iter();
                Some(Command::Program {
                    program: words.next()?,
                    arguments: words.collect(),
                })
            }
        }
    }

    fn scalar(self, key: &str) -> Option<&'a Scalar> {
        self.0.get(key).and_then(Node::as_scalar)
    }

    fn items(self, key: &str) -> &'a [Node] {
        match self.0.get(key).map(|node| &node.value) {
            Some(Value::List(items)) => items,
            _ => &[],
        }
    }
}

/// A finite number.
pub(crate) fn decimal(scalar: &Scalar) -> Option<f64> {
    match scalar.unquoted() {
        Resolved::Integer(_) | Resolved::Float(_) => scalar
            .text
            .parse()
            .ok()
            .filter(|number: &f64| number.is_finite()),
        Resolved::Nothing | Resolved::Truth(_) | Resolved::Text => None,
    }
}
