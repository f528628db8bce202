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

/// A text whose HTML comments are marked: who reads it on a page does not see them. Marked are those in code, too,
/// which a page shows, since what is code depends on who reads it; nothing else of them is changed.
///
/// ```
/// let shown = core_types::show_comments("a <!-- b --> c");
/// assert_eq!(shown, "a ⟨not shown on a page: <!-- b -->⟩ c");
/// ```
#[must_use]
pub fn show_comments(text: &str) -> Cow<'_, str> {
    const START: &str = "<!--";
    const END: &str = "-->";
    let mut rest = text;
    let mut shown = String::new();
    while let Some(start) = rest.find(START) {
        let (before, comment) = rest.split_at(start);
        // `<!-->` is a whole one; what does not end hides all that follows.
        let open = START.len() - 2;
        let end = comment[open..].find(END);
        let end = end.map_or(comment.len(), |at| open + at + END.len());
        let (comment, after) = comment.split_at(end);
        shown.push_str(before);
        shown.push_str("⟨not shown on a page: ");
        shown.push_str(comment);
        shown.push('⟩');
        rest = after;
    }
    match shown.is_empty() {
        true => Cow::Borrowed(text),
        false => Cow::Owned(shown + rest),
    }
}

/// A URL as messages show it: what stands before an `@` may be a secret.
///
/// ```
/// let shown = core_types::without_user("https://me:token@example.org/x.git");
/// assert_eq!(shown, "…@example.org/x.git");
/// assert_eq!(core_types::without_user("https://example.org"), "https://example.org");
/// ```
#[must_use]
pub fn without_user(url: &str) -> Cow<'_, str> {
    match url.rsplit_once('@') {
        Some((_, rest)) => Cow::Owned(format!("…@{rest}")),
        None => Cow::Borrowed(url),
    }
}
