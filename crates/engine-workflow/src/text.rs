//! Texts of agents and people, made safe for messages and reports.

/// How much of what an agent says of its work is kept.
pub(crate) const MAX_SUMMARY_BYTES: usize = 4 << 10;

/// How long a title may be.
const MAX_TITLE_BYTES: usize = 200;

/// The text in one line.
pub(crate) fn one_line(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control());
    let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

/// A title: one line, not too long, and never empty.
pub(crate) fn title(text: &str, otherwise: &str) -> String {
    let title = start(&one_line(text), MAX_TITLE_BYTES);
    if title.is_empty() {
        otherwise.to_owned()
    } else {
        title
    }
}

/// The start of a text, at most this long, with a sign where it was cut.
pub(crate) fn start(text: &str, max_bytes: usize) -> String {
    const CUT: char = '…';
    if text.len() <= max_bytes {
        return text.to_owned();
    }
    let mut end = max_bytes - CUT.len_utf8();
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{CUT}", &text[..end])
}

/// A commit message whose last paragraph is ours: no title and no body can add to it.
pub(crate) fn commit_message(subject: &str, body: &str, trailers: &[(&str, &str)]) -> String {
    let mut message = format!("{subject}\n\n");
    for line in body.trim().lines() {
        let is_like_ours = line
            .get(..11)
            .is_some_and(|start| start.eq_ignore_ascii_case("automation-"));
        if is_like_ours {
            message.push(' ');
        }
        message.push_str(line.trim_end());
        message.push('\n');
    }
    if !body.trim().is_empty() {
        message.push('\n');
    }
    for (key, value) in trailers {
        message.push_str(&format!("{key}: {value}\n"));
    }
    message
}
