//! Texts that others wrote.

use std::borrow::Cow;

/// Whether a character shows nothing and changes what is read: directions, spaces without width, tags, soft
/// hyphens, other line ends, second control characters. The joiners U+200C and U+200D are none: scripts and emoji need
/// them.
#[must_use]
pub fn is_hidden(character: char) -> bool {
    matches!(
        character,
        '\u{80}'..='\u{9f}'
            | '\u{ad}'
            | '\u{61c}'
            | '\u{115f}'
            | '\u{1160}'
            | '\u{180e}'
            | '\u{200b}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

/// A text whose hidden characters are shown by number, as `⟨U+202E⟩`: who reads it sees what it holds.
///
/// ```
/// assert_eq!(core_types::show_hidden("a\u{202e}b"), "a⟨U+202E⟩b");
/// ```
#[must_use]
pub fn show_hidden(text: &str) -> Cow<'_, str> {
    if !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match is_hidden(character) {
            true => shown.push_str(&format!("⟨U+{:04X}⟩", u32::from(character))),
            false => shown.push(character),
        }
    }
    Cow::Owned(shown)
}
