//! Texts of lessons as prompts and exports show them.

/// How long a lesson may be. It is read in every prompt that it is shown in.
pub(crate) const MAX_TEXT_BYTES: usize = 400;

/// One line without control characters, Unicode's invisible direction marks among them; runs of white space
/// are one space.
pub(crate) fn one_line(text: &str) -> String {
    let visible = text.chars().map(|c| {
        let is_hidden = matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}');
        if c.is_control() || is_hidden { ' ' } else { c }
    });
    let visible: String = visible.collect();
    visible.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The first `limit` bytes of a text, or a little less where a character would be cut.
#[must_use]
pub fn truncate(text: &str, limit: usize) -> &str {
    let mut end = text.len().min(limit);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Another's words as data: between quotation marks that it cannot contain, without Markdown that could end
/// or begin a block.
pub(crate) fn quoted(text: &str) -> String {
    let plain: String = one_line(text)
        .chars()
        .map(|c| match c {
            '"' | '“' | '”' => '\'',
            '`' => '\'',
            '<' => '(',
            '>' => ')',
            c => c,
        })
        .collect();
    format!("\"{plain}\"")
}
