//! Splits Rust source into code and comments, so that a rule about one is not fooled by the other.

/// One line of source. Contents of strings and characters are left out of `code`.
#[derive(Default)]
pub(crate) struct Line {
    pub(crate) code: String,
    pub(crate) comment: String,
}

#[derive(Clone, Copy)]
enum State {
    Code,
    LineComment,
    /// With the depth of nesting.
    BlockComment(usize),
    Text,
    /// With the number of `#` that close it.
    RawText(usize),
}

/// Returns one entry for each line of the source, in order.
///
/// It knows as much of the grammar as telling code from comments needs; source that rustc refuses
/// may be split wrongly.
pub(crate) fn lines(source: &str) -> Vec<Line> {
    let chars: Vec<char> = source.chars().collect();
    let at = |i: usize| chars.get(i).copied().unwrap_or('\0');
    let mut lines = Vec::new();
    let mut line = Line::default();
    let mut state = State::Code;
    let mut i = 0;
    while i < chars.len() {
        let c = chars[i];
        if c == '\n' {
            if matches!(state, State::LineComment) {
                state = State::Code;
            }
            lines.push(std::mem::take(&mut line));
            i += 1;
            continue;
        }
        let mut width = 1;
        match state {
            State::Code => match (c, at(i + 1)) {
                ('/', '/') => state = State::LineComment,
                ('/', '*') => {
                    state = State::BlockComment(1);
                    width = 2;
                }
                ('"', _) => {
                    let n_hashes = line.code.len() - line.code.trim_end_matches('#').len();
                    state = if is_raw(&line.code) {
                        State::RawText(n_hashes)
                    } else {
                        State::Text
                    };
                    line.code.push('"');
                }
                // An escape, then up to the closing quote.
                ('\'', '\\') => {
                    width = 3;
                    while i + width < chars.len() && at(i + width) != '\'' {
                        width += 1;
                    }
                    width += 1;
                }
                // A character; a lifetime has no second quote there.
                ('\'', _) if at(i + 2) == '\'' => width = 3,
                _ => line.code.push(c),
            },
            State::LineComment => line.comment.push(c),
            State::BlockComment(depth) => match (c, at(i + 1)) {
                ('*', '/') => {
                    state = if depth == 1 {
                        State::Code
                    } else {
                        State::BlockComment(depth - 1)
                    };
                    width = 2;
                }
                ('/', '*') => {
                    state = State::BlockComment(depth + 1);
                    width = 2;
                }
                _ => line.comment.push(c),
            },
            State::Text => match c {
                // A backslash before the line's end skips nothing here: the newline is counted.
                '\\' if at(i + 1) != '\n' => width = 2,
                '"' => {
                    state = State::Code;
                    line.code.push('"');
                }
                _ => {}
            },
            State::RawText(n_hashes) => {
                if c == '"' && (1..=n_hashes).all(|k| at(i + k) == '#') {
                    state = State::Code;
                    line.code.push('"');
                    width = 1 + n_hashes;
                }
            }
        }
        i += width;
    }
    if !line.code.is_empty() || !line.comment.is_empty() {
        lines.push(line);
    }
    lines
}

/// Says whether a quote after this code opens a raw string: `r`, `br` or `cr`, then hashes.
fn is_raw(before: &str) -> bool {
    let Some(rest) = before.trim_end_matches('#').strip_suffix('r') else {
        return false;
    };
    let rest = rest.strip_suffix(['b', 'c']).unwrap_or(rest);
    !rest.ends_with(is_word)
}

/// Says whether `word` occurs with nothing of a longer identifier around it.
pub(crate) fn has_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        !text[..at].ends_with(is_word) && !text[at + word.len()..].starts_with(is_word)
    })
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}
