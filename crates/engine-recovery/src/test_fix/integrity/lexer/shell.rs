//! The shell: words as they are written, with the ends of commands as tokens.

use super::{Comment, Kind, Lexed, Token};

const OPERATORS: &[&str] = &[
    "<<<", "<<-", "&>>", "&&", "||", ";;", "<<", ">>", ">&", "<&", "&>", "|&", ">|",
];

pub(super) fn lex(text: &str) -> Lexed {
    let bytes = text.as_bytes();
    let mut lexed = Lexed::default();
    let (mut at, mut line) = (0, 1_u32);
    // Here-documents whose text begins after this line.
    let mut heredocs: Vec<String> = Vec::new();
    let mut awaits_delimiter = false;
    let push = |lexed: &mut Lexed, kind, text: String, line| {
        lexed.tokens.push(Token {
            kind,
            text,
            line,
            is_first: false,
        });
    };
    while at < bytes.len() {
        let byte = bytes[at];
        match byte {
            b'\n' => {
                at += 1;
                for delimiter in heredocs.drain(..) {
                    let (body, end) = heredoc(bytes, at, &delimiter);
                    let lines = bytes[at..end].iter().filter(|b| **b == b'\n').count();
                    push(&mut lexed, Kind::Text, body, line);
                    line += u32::try_from(lines).unwrap_or(0);
                    at = end;
                }
                end_command(&mut lexed, line);
                line += 1;
            }
            b'\\' if bytes.get(at + 1) == Some(&b'\n') => {
                line += 1;
                at += 2;
            }
            byte if byte.is_ascii_whitespace() => at += 1,
            b'#' => {
                let rest = bytes[at..].iter().position(|b| *b == b'\n');
                let end = rest.map_or(bytes.len(), |rest| at + rest);
                lexed.comments.push(Comment {
                    text: String::from_utf8_lossy(&bytes[at + 1..end]).into_owned(),
                    line,
                    at: lexed.tokens.len(),
                });
                at = end;
            }
            b';' if bytes.get(at + 1) != Some(&b';') => {
                end_command(&mut lexed, line);
                at += 1;
            }
            b'&' | b'|' | b';' | b'<' | b'>' | b'(' | b')' => {
                let rest = &bytes[at..];
                let found = OPERATORS.iter().find(|op| rest.starts_with(op.as_bytes()));
                let text = found.map_or_else(|| char::from(byte).to_string(), |op| (*op).into());
                at += text.len();
                awaits_delimiter = matches!(text.as_str(), "<<" | "<<-");
                push(&mut lexed, Kind::Punct, text, line);
            }
            _ => {
                let end = word_end(bytes, at);
                let word = String::from_utf8_lossy(&bytes[at..end]).into_owned();
                if std::mem::take(&mut awaits_delimiter) {
                    heredocs.push(word.replace(['\'', '"', '\\'], ""));
                }
                let lines = bytes[at..end].iter().filter(|b| **b == b'\n').count();
                let kind = match word.as_str() {
                    "{" | "}" => Kind::Punct,
                    _ => Kind::Word,
                };
                push(&mut lexed, kind, word, line);
                line += u32::try_from(lines).unwrap_or(0);
                at = end;
            }
        }
    }
    end_command(&mut lexed, line);
    lexed
}

/// Ends a command that holds something.
fn end_command(lexed: &mut Lexed, line: u32) {
    // An operator or keyword at the end of a line goes on with the next one.
    let goes_on = |token: &Token| {
        token.kind == Kind::Line
            || (token.kind == Kind::Punct
                && matches!(token.text.as_str(), "&&" | "||" | "|" | "|&" | "{" | "("))
            || (token.kind == Kind::Word
                && matches!(token.text.as_str(), "then" | "do" | "else" | "elif"))
    };
    if lexed.tokens.last().is_some_and(|last| !goes_on(last)) {
        lexed.tokens.push(Token {
            kind: Kind::Line,
            text: "\n".to_owned(),
            line,
            is_first: false,
        });
    }
}

fn heredoc(bytes: &[u8], start: usize, delimiter: &str) -> (String, usize) {
    let mut at = start;
    while at < bytes.len() {
        let rest = bytes[at..].iter().position(|b| *b == b'\n');
        let end = rest.map_or(bytes.len(), |rest| at + rest);
        let is_end = String::from_utf8_lossy(&bytes[at..end]).trim() == delimiter;
        if is_end {
            return (String::from_utf8_lossy(&bytes[start..at]).into_owned(), end);
        }
        at = end + 1;
    }
    let text = String::from_utf8_lossy(&bytes[start.min(bytes.len())..]);
    (text.into_owned(), bytes.len())
}

fn word_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'\'' => at = after(bytes, at, b'\'', false),
            b'"' => at = after(bytes, at, b'"', true),
            b'`' => at = after(bytes, at, b'`', true),
            b'$' if matches!(bytes.get(at + 1), Some(b'(')) => {
                at = nested(bytes, at + 1, b'(', b')');
            }
            b'$' if matches!(bytes.get(at + 1), Some(b'{')) => {
                at = nested(bytes, at + 1, b'{', b'}');
            }
            byte if byte.is_ascii_whitespace() || b"&|;<>()".contains(&byte) => break,
            _ => at += 1,
        }
    }
    at.clamp(start + 1, bytes.len())
}

/// The place after the quote that closes the one at `open`.
fn after(bytes: &[u8], open: usize, quote: u8, escapes: bool) -> usize {
    let mut at = open + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if escapes => at += 2,
            byte if byte == quote => return at + 1,
            b'$' if quote == b'"' && bytes.get(at + 1) == Some(&b'(') => {
                at = nested(bytes, at + 1, b'(', b')');
            }
            _ => at += 1,
        }
    }
    bytes.len()
}

/// The place after the bracket that closes the one at `start`; quotes inside
/// are passed over. Nesting is followed by counting, so that nothing recurses
/// deeper than quotes in substitutions do.
fn nested(bytes: &[u8], start: usize, open: u8, close: u8) -> usize {
    let mut depth = 0_usize;
    let mut at = start;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 1,
            b'\'' | b'"' => {
                // Flat: a quote inside a substitution inside a quote is rare, and
                // read the same before and after.
                let quote = bytes[at];
                let rest = bytes[at + 1..].iter().position(|b| *b == quote);
                at = rest.map_or(bytes.len(), |rest| at + 1 + rest);
            }
            byte if byte == open => depth += 1,
            byte if byte == close => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}
