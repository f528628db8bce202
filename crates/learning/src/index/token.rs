//! Words of a text.

/// Longer runs are data, not words.
const MAX_BYTES: usize = 40;

/// Words of at least two letters, digits or underscores, in lower case, in their order.
pub(crate) fn tokens(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .filter(|word| word.len() <= MAX_BYTES && word.chars().nth(1).is_some())
        .map(str::to_lowercase)
}
