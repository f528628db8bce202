//! Rust, JavaScript and Go, which share most of their form.

use super::{Comment, Kind, Language, Lexed, Token};

const OPERATORS: &[&str] = &[
    "===", "!==", "...", "..=", "**=", "&&=", "||=", "??=", "==", "!=", "<=", ">=", "=>", "->",
    "::", "&&", "||", ":=", "+=", "-=", "*=", "/=", "%=", "|=", "&=", "^=", "??", "?.", "..", "<-",
    "++", "--", "**",
];

struct Lexer<'a> {
    bytes: &'a [u8],
    text: &'a str,
    language: Language,
    at: usize,
    line: u32,
    is_first: bool,
    out: Lexed,
}

pub(super) fn lex(text: &str, language: Language) -> Lexed {
    let mut lexer = Lexer {
        bytes: text.as_bytes(),
        text,
        language,
        at: 0,
        line: 1,
        is_first: true,
        out: Lexed::default(),
    };
    while lexer.at < lexer.bytes.len() {
        lexer.step();
    }
    let mut lexed = lexer.out;
    lexed.tokens = normalize(lexed.tokens, language);
    lexed
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80
}

impl Lexer<'_> {
    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn slice(&self, from: usize, to: usize) -> String {
        let to = to.min(self.bytes.len());
        String::from_utf8_lossy(&self.bytes[from.min(to)..to]).into_owned()
    }

    fn push(&mut self, kind: Kind, text: String) {
        self.out.tokens.push(Token {
            kind,
            text,
            line: self.line,
            is_first: std::mem::take(&mut self.is_first),
        });
    }

    /// Takes everything up to `end` as one token.
    fn take(&mut self, kind: Kind, text: String, end: usize) {
        let end = end.min(self.bytes.len());
        self.push(kind, text);
        let lines = self.bytes[self.at..end].iter().filter(|b| **b == b'\n');
        self.line += u32::try_from(lines.count()).unwrap_or(0);
        self.at = end;
    }

    fn step(&mut self) {
        match self.peek(0) {
            b'\n' => {
                self.line += 1;
                self.is_first = true;
                self.at += 1;
            }
            byte if byte.is_ascii_whitespace() => self.at += 1,
            b'/' if self.peek(1) == b'/' => self.line_comment(),
            b'/' if self.peek(1) == b'*' => self.block_comment(),
            b'#' if self.at == 0 && self.peek(1) == b'!' && self.peek(2) != b'[' => {
                let end = self.find(b'\n');
                self.at = end;
            }
            b'"' => self.quoted(b'"', 0),
            b'\'' if self.language == Language::Rust => self.rust_quote(),
            b'\'' => self.quoted(b'\'', 0),
            b'`' if self.language == Language::Go => {
                let close = self.bytes[self.at + 1..].iter().position(|b| *b == b'`');
                let end = close.map_or(self.bytes.len(), |close| self.at + 2 + close);
                let text = self.slice(self.at, end);
                self.take(Kind::Text, text, end);
            }
            b'`' if self.language == Language::JavaScript => {
                let end = self.template_end(self.at);
                let text = self.slice(self.at, end);
                self.take(Kind::Text, text, end);
            }
            b'/' if self.language == Language::JavaScript && self.may_be_regex() => {
                match self.regex_end() {
                    Some(end) => {
                        let text = self.slice(self.at, end);
                        self.take(Kind::Text, text, end);
                    }
                    None => self.operator(),
                }
            }
            byte if byte.is_ascii_digit() => self.number(),
            byte if is_word(byte) => self.word(),
            _ => self.operator(),
        }
    }

    fn find(&self, byte: u8) -> usize {
        let rest = self.bytes[self.at..].iter();
        rest.clone()
            .position(|b| *b == byte)
            .map_or(self.bytes.len(), |found| self.at + found)
    }

    fn comment(&mut self, from: usize, to: usize) {
        let text = self.slice(from, to);
        self.out.comments.push(Comment {
            text,
            line: self.line,
            at: self.out.tokens.len(),
        });
    }

    fn line_comment(&mut self) {
        let end = self.find(b'\n');
        self.comment(self.at + 2, end);
        self.at = end;
    }

    fn block_comment(&mut self) {
        let start = self.at;
        let mut depth = 1;
        let mut at = self.at + 2;
        while at < self.bytes.len() && depth > 0 {
            match (self.bytes[at], self.bytes.get(at + 1)) {
                (b'*', Some(b'/')) => {
                    depth -= 1;
                    at += 2;
                }
                (b'/', Some(b'*')) if self.language == Language::Rust => {
                    depth += 1;
                    at += 2;
                }
                _ => at += 1,
            }
        }
        self.comment(start + 2, at.saturating_sub(2).max(start + 2));
        let passed = &self.bytes[start..at.min(self.bytes.len())];
        let lines = passed.iter().filter(|b| **b == b'\n').count();
        if lines > 0 {
            self.is_first = true;
        }
        self.line += u32::try_from(lines).unwrap_or(0);
        self.at = at;
    }

    /// A string that opens at `at + prefix`.
    fn quoted(&mut self, quote: u8, prefix: usize) {
        let open = self.at + prefix;
        let mut at = open + 1;
        // In Rust a string may go over lines; elsewhere a quote that is not
        // closed on its line is an apostrophe of some text.
        let may_span = self.language == Language::Rust;
        let close = loop {
            match self.bytes.get(at) {
                None => break None,
                Some(b'\\') => {
                    at += 2;
                }
                Some(b'\n') if !may_span => break None,
                Some(byte) if *byte == quote => break Some(at),
                Some(_) => at += 1,
            }
        };
        let Some(close) = close else {
            if may_span {
                let text = self.slice(open, self.bytes.len());
                self.take(Kind::Text, text, self.bytes.len());
            } else {
                self.operator();
            }
            return;
        };
        let mut text = self.slice(open + 1, close);
        match self.language {
            // Both quotes mean the same.
            Language::JavaScript => text = text.replace("\\'", "'").replace("\\\"", "\""),
            Language::Go if quote == b'\'' => text = format!("'{text}'"),
            _ => {}
        }
        let text = self.slice(self.at, open) + &text;
        self.take(Kind::Text, text, close + 1);
    }

    /// A character, or a lifetime.
    fn rust_quote(&mut self) {
        let rest = &self.text.as_bytes()[self.at + 1..];
        let end = if rest.first() == Some(&b'\\') {
            let close = rest.iter().skip(2).position(|byte| *byte == b'\'');
            close.map(|close| close + 3)
        } else {
            let width = match rest.first() {
                Some(byte) if *byte >= 0xf0 => 4,
                Some(byte) if *byte >= 0xe0 => 3,
                Some(byte) if *byte >= 0xc0 => 2,
                _ => 1,
            };
            (rest.get(width) == Some(&b'\'')).then_some(width + 1)
        };
        match end {
            Some(end) => {
                let end = self.at + 1 + end;
                let text = self.slice(self.at, end);
                self.take(Kind::Text, text, end);
            }
            None => {
                let at = self.at + 1;
                self.take(Kind::Punct, "'".to_owned(), at);
            }
        }
    }

    fn template_end(&self, start: usize) -> usize {
        let mut at = start + 1;
        // Braces that are open inside each `${`, innermost last.
        let mut open: Vec<usize> = Vec::new();
        let mut in_text = true;
        let mut texts = 1;
        while at < self.bytes.len() {
            let byte = self.bytes[at];
            if in_text {
                match byte {
                    b'\\' => at += 1,
                    b'`' => {
                        texts -= 1;
                        if texts == 0 {
                            return at + 1;
                        }
                        in_text = false;
                    }
                    b'$' if self.bytes.get(at + 1) == Some(&b'{') => {
                        open.push(0);
                        in_text = false;
                        at += 1;
                    }
                    _ => {}
                }
            } else {
                match byte {
                    b'{' => {
                        if let Some(depth) = open.last_mut() {
                            *depth += 1;
                        }
                    }
                    b'}' => match open.last_mut() {
                        Some(0) | None => {
                            open.pop();
                            in_text = true;
                        }
                        Some(depth) => *depth -= 1,
                    },
                    b'`' => {
                        texts += 1;
                        in_text = true;
                    }
                    _ => {}
                }
            }
            at += 1;
        }
        self.bytes.len()
    }

    fn may_be_regex(&self) -> bool {
        let Some(last) = self.out.tokens.last() else {
            return true;
        };
        match last.kind {
            Kind::Punct => !matches!(last.text.as_str(), ")" | "]" | "}" | "++" | "--"),
            Kind::Word => matches!(
                last.text.as_str(),
                "return" | "typeof" | "case" | "in" | "of" | "delete" | "void" | "await" | "yield"
            ),
            _ => false,
        }
    }

    fn regex_end(&self) -> Option<usize> {
        let mut at = self.at + 1;
        let mut in_class = false;
        loop {
            match self.bytes.get(at)? {
                b'\n' => return None,
                b'\\' => at += 1,
                b'[' => in_class = true,
                b']' => in_class = false,
                b'/' if !in_class => break,
                _ => {}
            }
            at += 1;
        }
        at += 1;
        while self.bytes.get(at).is_some_and(u8::is_ascii_alphabetic) {
            at += 1;
        }
        Some(at)
    }

    fn number(&mut self) {
        let mut end = self.at;
        while let Some(byte) = self.bytes.get(end).copied() {
            let is_fraction =
                byte == b'.' && self.bytes.get(end + 1).is_some_and(u8::is_ascii_digit);
            let is_sign = matches!(byte, b'+' | b'-')
                && matches!(self.bytes[end - 1], b'e' | b'E')
                && !self.slice(self.at, end).starts_with("0x");
            if !(is_word(byte) || is_fraction || is_sign) {
                break;
            }
            end += 1;
        }
        let text = self
            .slice(self.at, end)
            .replace('_', "")
            .to_ascii_lowercase();
        self.take(Kind::Number, text, end);
    }

    fn word(&mut self) {
        let mut end = self.at;
        while self.bytes.get(end).is_some_and(|byte| is_word(*byte)) {
            end += 1;
        }
        let word = self.slice(self.at, end);
        if self.language == Language::Rust {
            let next = self.bytes.get(end).copied();
            match (word.as_str(), next) {
                ("b" | "c", Some(b'"')) => return self.quoted(b'"', 1),
                ("r" | "br" | "cr", Some(b'"' | b'#')) => {
                    let hashes = self.bytes[end..].iter().take_while(|b| **b == b'#').count();
                    if self.bytes.get(end + hashes) == Some(&b'"') {
                        return self.raw_string(end + hashes, hashes);
                    }
                }
                ("b", Some(b'\'')) => {
                    self.at = end;
                    return self.rust_quote();
                }
                _ => {}
            }
        }
        self.take(Kind::Word, word, end);
    }

    fn raw_string(&mut self, quote: usize, hashes: usize) {
        let closing = format!("\"{}", "#".repeat(hashes));
        let rest = &self.bytes[quote + 1..];
        let found = rest
            .windows(closing.len())
            .position(|window| window == closing.as_bytes());
        let end = found.map_or(self.bytes.len(), |found| quote + 1 + found + closing.len());
        let text = self.slice(self.at, end);
        self.take(Kind::Text, text, end);
    }

    fn operator(&mut self) {
        let rest = &self.bytes[self.at..];
        let found = OPERATORS
            .iter()
            .find(|operator| rest.starts_with(operator.as_bytes()));
        let text = found.map_or_else(
            || char::from(rest[0]).to_string(),
            |operator| (*operator).to_owned(),
        );
        let end = self.at + text.len();
        self.take(Kind::Punct, text, end);
    }
}

/// Brings what formatters change into one form: trailing commas, in JavaScript
/// semicolons and the parentheses of a single parameter.
fn normalize(tokens: Vec<Token>, language: Language) -> Vec<Token> {
    let is_script = language == Language::JavaScript;
    let mut kept: Vec<Token> = Vec::with_capacity(tokens.len());
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        if is_script && token.is(";") {
            // Where a statement ends, the next one may begin a line.
            if let Some(next) = tokens.peek_mut() {
                next.is_first = true;
            }
            continue;
        }
        let next = tokens.peek();
        if token.kind == Kind::Punct {
            let closes = |next: &Token| {
                next.kind == Kind::Punct && matches!(next.text.as_str(), ")" | "]" | "}")
            };
            if token.text == "," && next.is_some_and(closes) {
                // A tuple of one keeps its comma: `(x,)`.
                let is_single = language == Language::Rust && next.is_some_and(|it| it.is(")"));
                if !is_single || !is_tuple_of_one(&kept) {
                    continue;
                }
            }
        }
        if is_script && token.is_word() && is_restricted(&token.text) {
            let breaks = next.is_some_and(|next| next.is_first && !next.is("}"));
            let line = token.line;
            kept.push(token);
            if breaks {
                kept.push(Token {
                    kind: Kind::Line,
                    text: "\n".to_owned(),
                    line,
                    is_first: false,
                });
            }
            continue;
        }
        kept.push(token);
        if is_script {
            bare_parameter(&mut kept);
        }
    }
    kept
}

/// A line break after these ends the statement.
fn is_restricted(word: &str) -> bool {
    matches!(word, "return" | "throw" | "break" | "continue" | "yield")
}

/// Whether the open parenthesis holds one expression so far, and no call.
fn is_tuple_of_one(kept: &[Token]) -> bool {
    let mut depth = 0_usize;
    for (index, token) in kept.iter().enumerate().rev() {
        if token.kind != Kind::Punct {
            continue;
        }
        match token.text.as_str() {
            ")" | "]" | "}" => depth += 1,
            "(" if depth == 0 => {
                let before = index.checked_sub(1).and_then(|index| kept.get(index));
                return before.is_none_or(|token| {
                    token.kind == Kind::Punct
                        && !matches!(token.text.as_str(), "!" | ")" | "]" | ">")
                });
            }
            "(" | "[" | "{" => depth = depth.saturating_sub(1),
            "," if depth == 0 => return false,
            _ => {}
        }
    }
    false
}

/// `(x) =>` becomes `x =>`.
fn bare_parameter(kept: &mut Vec<Token>) {
    let n = kept.len();
    if n >= 4
        && kept[n - 1].is("=>")
        && kept[n - 2].is(")")
        && kept[n - 3].is_word()
        && kept[n - 4].is("(")
    {
        kept.remove(n - 2);
        kept.remove(n - 4);
    }
}
