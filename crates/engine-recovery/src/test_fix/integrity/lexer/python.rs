//! Python, with the ends of its logical lines and its indentation as tokens.

use super::{Comment, Kind, Lexed, Token};

const OPERATORS: &[&str] = &[
    "**=", "//=", ">>=", "<<=", "...", "==", "!=", "<=", ">=", "->", ":=", "+=", "-=", "*=", "/=",
    "%=", "|=", "&=", "^=", "@=", "**", "//", "<<", ">>",
];

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

pub(super) fn lex(text: &str) -> Lexed {
    let bytes = text.as_bytes();
    let mut lexed = Lexed::default();
    let mut indents = vec![0_usize];
    let (mut at, mut line, mut depth) = (0, 1_u32, 0_usize);
    let mut is_start = true;
    let slice = |from: usize, to: usize| {
        let to = to.min(bytes.len());
        String::from_utf8_lossy(&bytes[from.min(to)..to]).into_owned()
    };
    macro_rules! push {
        ($kind:expr, $text:expr) => {
            lexed.tokens.push(Token {
                kind: $kind,
                text: $text,
                line,
                is_first: false,
            })
        };
    }
    while at < bytes.len() {
        if is_start && depth == 0 {
            let mut width = 0;
            while let Some(byte) = bytes.get(at) {
                match byte {
                    b' ' => width += 1,
                    b'\t' => width = (width / 8 + 1) * 8,
                    0x0c => width = 0,
                    _ => break,
                }
                at += 1;
            }
            is_start = false;
            let is_blank = matches!(bytes.get(at), None | Some(b'\n' | b'\r' | b'#'));
            if !is_blank {
                if width > *indents.last().unwrap_or(&0) {
                    indents.push(width);
                    push!(Kind::Indent, String::new());
                }
                while width < *indents.last().unwrap_or(&0) {
                    indents.pop();
                    push!(Kind::Dedent, String::new());
                }
            }
            continue;
        }
        let byte = bytes[at];
        let next = bytes.get(at + 1).copied().unwrap_or(0);
        match byte {
            b'\n' => {
                end_line(&mut lexed, depth, line);
                line += 1;
                at += 1;
                is_start = depth == 0;
            }
            b'\\' if next == b'\n' => {
                line += 1;
                at += 2;
            }
            b'#' => {
                let rest = bytes[at..].iter().position(|b| *b == b'\n');
                let end = rest.map_or(bytes.len(), |rest| at + rest);
                lexed.comments.push(Comment {
                    text: slice(at + 1, end),
                    line,
                    at: lexed.tokens.len(),
                });
                at = end;
            }
            byte if byte.is_ascii_whitespace() => at += 1,
            b';' if depth == 0 => {
                end_line(&mut lexed, depth, line);
                at += 1;
            }
            b'"' | b'\'' => {
                let end = string_end(bytes, at);
                push!(Kind::Text, spelled(&slice(at, end)));
                line += lines_in(&bytes[at..end]);
                at = end;
            }
            byte if byte.is_ascii_digit() => {
                let mut end = at;
                while bytes.get(end).is_some_and(|b| {
                    is_word(*b)
                        || *b == b'.'
                        || (matches!(b, b'+' | b'-') && matches!(bytes[end - 1], b'e' | b'E'))
                }) {
                    end += 1;
                }
                let number = slice(at, end).replace('_', "").to_ascii_lowercase();
                push!(Kind::Number, number);
                at = end;
            }
            byte if is_word(byte) => {
                let mut end = at;
                while bytes.get(end).is_some_and(|b| is_word(*b)) {
                    end += 1;
                }
                let word = slice(at, end);
                let is_prefix = word.len() <= 2
                    && word.bytes().all(|b| b"rRbBuUfFtT".contains(&b))
                    && matches!(bytes.get(end), Some(b'"' | b'\''));
                if is_prefix {
                    let close = string_end(bytes, end);
                    let prefix = word.to_ascii_lowercase().replace('u', "");
                    push!(Kind::Text, prefix + &spelled(&slice(end, close)));
                    line += lines_in(&bytes[end..close]);
                    at = close;
                } else {
                    push!(Kind::Word, word);
                    at = end;
                }
            }
            _ => {
                let rest = &bytes[at..];
                let found = OPERATORS.iter().find(|op| rest.starts_with(op.as_bytes()));
                let text = found.map_or_else(|| char::from(byte).to_string(), |op| (*op).into());
                at += text.len();
                match text.as_str() {
                    "(" | "[" | "{" => depth += 1,
                    ")" | "]" | "}" => {
                        depth = depth.saturating_sub(1);
                        trailing_comma(&mut lexed.tokens, &text);
                    }
                    _ => {}
                }
                push!(Kind::Punct, text);
            }
        }
    }
    end_line(&mut lexed, 0, line);
    for _ in 1..indents.len() {
        push!(Kind::Dedent, String::new());
    }
    lexed.tokens = without_parentheses(lexed.tokens);
    lexed
}

fn lines_in(bytes: &[u8]) -> u32 {
    let lines = bytes.iter().filter(|byte| **byte == b'\n').count();
    u32::try_from(lines).unwrap_or(0)
}

/// Ends a logical line that holds something.
fn end_line(lexed: &mut Lexed, depth: usize, line: u32) {
    let is_open = lexed
        .tokens
        .last()
        .is_some_and(|last| !matches!(last.kind, Kind::Line | Kind::Indent | Kind::Dedent));
    if depth == 0 && is_open {
        lexed.tokens.push(Token {
            kind: Kind::Line,
            text: "\n".to_owned(),
            line,
            is_first: false,
        });
    }
}

fn string_end(bytes: &[u8], open: usize) -> usize {
    let quote = bytes[open];
    let is_triple = bytes.get(open + 1) == Some(&quote) && bytes.get(open + 2) == Some(&quote);
    let mut at = open + if is_triple { 3 } else { 1 };
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'\n' if !is_triple => return at,
            byte if byte == quote => {
                if !is_triple {
                    return at + 1;
                }
                if bytes.get(at + 1) == Some(&quote) && bytes.get(at + 2) == Some(&quote) {
                    return at + 3;
                }
                at += 1;
            }
            _ => at += 1,
        }
    }
    bytes.len()
}

/// One spelling for all quotes.
fn spelled(literal: &str) -> String {
    let first = literal.chars().next().unwrap_or('"');
    let triple = first.to_string().repeat(3);
    let inner = literal
        .strip_prefix(triple.as_str())
        .and_then(|rest| rest.strip_suffix(triple.as_str()))
        .or_else(|| {
            literal
                .strip_prefix(first)
                .and_then(|rest| rest.strip_suffix(first))
        })
        .unwrap_or(literal);
    inner.replace("\\'", "'").replace("\\\"", "\"")
}

/// Drops a comma before a closing bracket, save that of a tuple of one.
fn trailing_comma(tokens: &mut Vec<Token>, closing: &str) {
    if !tokens.last().is_some_and(|last| last.is(",")) {
        return;
    }
    if closing == ")" {
        let mut depth = 0_usize;
        let mut n_commas = 0;
        for (index, token) in tokens.iter().enumerate().rev() {
            if token.kind != Kind::Punct {
                continue;
            }
            match token.text.as_str() {
                ")" | "]" | "}" => depth += 1,
                "(" if depth == 0 => {
                    let is_call = index.checked_sub(1).is_some_and(|before| {
                        let before = &tokens[before];
                        before.is(")")
                            || before.is("]")
                            || (before.is_word() && !is_keyword(&before.text))
                    });
                    if !is_call && n_commas == 1 {
                        return;
                    }
                    break;
                }
                "(" | "[" | "{" => depth = depth.saturating_sub(1),
                "," if depth == 0 => n_commas += 1,
                _ => {}
            }
        }
    }
    tokens.pop();
}

fn is_keyword(word: &str) -> bool {
    matches!(
        word,
        "return"
            | "assert"
            | "in"
            | "and"
            | "or"
            | "not"
            | "if"
            | "else"
            | "is"
            | "yield"
            | "import"
    )
}

/// Drops parentheses around a whole right side, which formatters add to break a line.
fn without_parentheses(tokens: Vec<Token>) -> Vec<Token> {
    let mut drop = vec![false; tokens.len()];
    let ends = super::group_ends(&tokens);
    for (index, token) in tokens.iter().enumerate() {
        let opens = token.is("(")
            && index.checked_sub(1).is_some_and(|before| {
                let before = &tokens[before];
                matches!(
                    before.text.as_str(),
                    "=" | "return" | "assert" | "in" | "==" | "if" | "while" | "import" | ","
                ) && before.kind != Kind::Text
            });
        if !opens {
            continue;
        }
        let end = ends[index];
        let is_whole = tokens.get(end).is_some_and(|after| {
            after.kind == Kind::Line
                || after.is(":")
                || (after.is(",") && tokens[index - 1].is("assert"))
        });
        let is_import = tokens[index - 1].is("import");
        let inner = &tokens[index + 1..end.saturating_sub(1).max(index + 1)];
        if is_whole && (is_import || !has_comma(inner)) && !inner.is_empty() {
            drop[index] = true;
            drop[end - 1] = true;
        }
    }
    let mut drop = drop.into_iter();
    tokens
        .into_iter()
        .filter(|_| !drop.next().unwrap_or(false))
        .collect()
}

fn has_comma(tokens: &[Token]) -> bool {
    let mut depth = 0_usize;
    tokens.iter().any(|token| {
        if token.kind != Kind::Punct {
            return token.is("for") && depth == 0;
        }
        match token.text.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth = depth.saturating_sub(1),
            "," | ":=" => return depth == 0,
            _ => {}
        }
        false
    })
}
