//! A light tokenizer for each language: enough to tell code from strings and
//! comments, and to say that two texts differ in their form only.

mod c_like;
mod python;
mod shell;

/// A language whose tests are understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    Rust,
    Python,
    /// With TypeScript and their dialects.
    JavaScript,
    Go,
    /// With bats.
    Shell,
}

impl Language {
    /// By a file's name.
    pub(super) fn of(path: &str) -> Option<Self> {
        let name = path.rsplit('/').next().unwrap_or(path);
        let (_, extension) = name.rsplit_once('.')?;
        Some(match extension {
            "rs" => Self::Rust,
            "py" | "pyi" => Self::Python,
            "js" | "jsx" | "ts" | "tsx" | "mjs" | "cjs" | "mts" | "cts" => Self::JavaScript,
            "go" => Self::Go,
            "sh" | "bash" | "bats" | "ksh" | "dash" | "zsh" => Self::Shell,
            _ => return None,
        })
    }

    /// By the first line of a script.
    pub(super) fn of_script(text: &str) -> Option<Self> {
        let first = text.lines().next()?;
        let program = first.strip_prefix("#!")?;
        let has = |name: &str| program.contains(name);
        if has("python") {
            Some(Self::Python)
        } else if has("node") || has("deno") || has("bun") {
            Some(Self::JavaScript)
        } else if program.trim_end().ends_with("sh") || has("sh ") || has("bats") {
            Some(Self::Shell)
        } else {
            None
        }
    }
}

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Word,
    Number,
    /// A literal of characters, in one spelling for all kinds of quotes.
    Text,
    Punct,
    /// The end of a logical line, where the language has such.
    Line,
    Indent,
    Dedent,
}

/// A token. Two are equal where they mean the same; their places may differ.
#[derive(Debug, Clone)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) text: String,
    pub(super) line: u32,
    /// Whether it is the first of its line.
    pub(super) is_first: bool,
}

impl PartialEq for Token {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind && self.text == other.text
    }
}

impl Token {
    pub(super) fn is(&self, text: &str) -> bool {
        self.text == text && matches!(self.kind, Kind::Word | Kind::Punct | Kind::Line)
    }

    pub(super) fn is_word(&self) -> bool {
        self.kind == Kind::Word
    }
}

/// A comment, which some languages give a meaning.
#[derive(Debug, Clone)]
pub(super) struct Comment {
    /// Without its delimiters, but with the third character of a doc comment: `/ text`, `! text`.
    pub(super) text: String,
    pub(super) line: u32,
    /// How many tokens are before it.
    pub(super) at: usize,
}

/// A text in tokens.
#[derive(Debug, Default)]
pub(super) struct Lexed {
    pub(super) tokens: Vec<Token>,
    pub(super) comments: Vec<Comment>,
}

/// Reads a text; whatever it holds gives tokens.
pub(super) fn lex(text: &str, language: Language) -> Lexed {
    match language {
        Language::Python => python::lex(text),
        Language::Shell => shell::lex(text),
        Language::Rust | Language::JavaScript | Language::Go => c_like::lex(text, language),
    }
}

/// The index after the group that opens at `open`; the end where it is not closed.
pub(super) fn group_end(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0_usize;
    for (index, token) in tokens.iter().enumerate().skip(open) {
        if token.kind != Kind::Punct {
            continue;
        }
        match token.text.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return index + 1;
                }
            }
            _ => {}
        }
    }
    tokens.len()
}

/// For each opening bracket the index after its group, in one pass.
fn group_ends(tokens: &[Token]) -> Vec<usize> {
    let mut ends = vec![tokens.len(); tokens.len()];
    let mut open = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        if token.kind != Kind::Punct {
            continue;
        }
        match token.text.as_str() {
            "(" | "[" | "{" => open.push(index),
            ")" | "]" | "}" => {
                if let Some(open) = open.pop() {
                    ends[open] = index + 1;
                }
            }
            _ => {}
        }
    }
    ends
}

/// Tokens as one line of text, for comparing and for people.
pub(super) fn join(tokens: &[Token]) -> String {
    let mut text = String::new();
    for token in tokens {
        if !text.is_empty() {
            text.push(' ');
        }
        match token.kind {
            Kind::Text => {
                text.push('"');
                text.push_str(&token.text);
                text.push('"');
            }
            Kind::Line => text.push_str("\\n"),
            Kind::Indent => text.push_str("{+"),
            Kind::Dedent => text.push_str("-}"),
            Kind::Word | Kind::Number | Kind::Punct => text.push_str(&token.text),
        }
    }
    text
}
