//! What a file of tests consists of: tests, the definitions that they use, imports, and loose statements.

mod go;
mod javascript;
mod python;
mod rust;
mod shell;

use super::lexer::{Kind, Language, Token, lex};

/// Containers nested deeper are taken as one piece, so that no text costs too much time.
const MAX_DEPTH: usize = 40;

/// What an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ItemKind {
    Test,
    /// A named definition: a function, a class's head, a constant, a module's declaration.
    Definition,
    /// One imported name; the body says from where.
    Import,
    /// A statement that binds no name.
    Loose,
}

/// One part of a file.
#[derive(Debug, Clone)]
pub(super) struct Item {
    pub(super) kind: ItemKind,
    /// A test's full name in its file, a definition's or import's bound name; empty for loose ones.
    pub(super) name: String,
    /// Attributes, decorators and modifiers, each in one form; what only formats or documents is left out.
    pub(super) marks: Vec<String>,
    /// The signature, or what stands around the body.
    pub(super) header: Vec<Token>,
    pub(super) body: Vec<Token>,
    /// Why a runner passes it over, or runs it under conditions only; its containers' reasons too.
    pub(super) gates: Vec<String>,
    /// The path of the container that it stands in; empty at the top.
    pub(super) place: String,
    pub(super) line: u32,
}

impl Item {
    fn new(kind: ItemKind, name: impl Into<String>, line: u32) -> Self {
        Self {
            kind,
            name: name.into(),
            marks: Vec::new(),
            header: Vec::new(),
            body: Vec::new(),
            gates: Vec::new(),
            place: String::new(),
            line,
        }
    }

    /// Whether both say the same, wherever they stand.
    pub(super) fn says_the_same(&self, other: &Self) -> bool {
        self.kind == other.kind
            && self.body == other.body
            && same_set(&self.marks, &other.marks)
            && self.header_without_name() == other.header_without_name()
    }

    /// Whether both are equal but for where they stand.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.header == other.header && self.says_the_same(other)
    }

    fn header_without_name(&self) -> Vec<&Token> {
        let name = self.name.rsplit([':', '.', '>', ' ']).next().unwrap_or("");
        self.header
            .iter()
            .filter(|token| !(self.kind == ItemKind::Test && token.text == name))
            .collect()
    }

    /// All its tokens.
    pub(super) fn tokens(&self) -> impl Iterator<Item = &Token> {
        self.header.iter().chain(&self.body)
    }
}

pub(super) fn same_set(one: &[String], other: &[String]) -> bool {
    one.len() == other.len()
        && one
            .iter()
            .all(|mark| count(one, mark) == count(other, mark))
}

fn count(marks: &[String], mark: &str) -> usize {
    marks.iter().filter(|it| it.as_str() == mark).count()
}

/// How much of a file belongs to the tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// All of it.
    Whole,
    /// What is marked as tests inside a source file.
    Embedded,
}

/// Takes a file apart.
pub(super) fn items(text: &str, language: Language, extent: Extent) -> Vec<Item> {
    let lexed = lex(text, language);
    match language {
        Language::Rust => rust::items(&lexed, extent),
        Language::Python => python::items(&lexed, text, extent),
        Language::JavaScript => javascript::items(&lexed.tokens, extent),
        Language::Go => go::items(&lexed, extent),
        Language::Shell => shell::items(&lexed.tokens, extent),
    }
}

/// Cuts code at the ends of its statements. Blocks stay with what they belong to.
pub(super) fn statements(tokens: &[Token], language: Language) -> Vec<Vec<Token>> {
    match language {
        Language::Python => python::statements(tokens),
        Language::Shell => shell::statements(tokens),
        Language::Rust | Language::JavaScript | Language::Go => block_statements(tokens, language),
    }
}

/// Statements of a language with braces.
fn block_statements(tokens: &[Token], language: Language) -> Vec<Vec<Token>> {
    let ranges = statement_ranges(tokens, language);
    let cut = |(from, to): (usize, usize)| {
        let statement = &tokens[from..to];
        let end = statement.iter().rposition(|token| !token.is(";"));
        statement[..end.map_or(0, |end| end + 1)].to_vec()
    };
    let cut: Vec<Vec<Token>> = ranges.into_iter().map(cut).collect();
    cut.into_iter().filter(|it| !it.is_empty()).collect()
}

/// Where the statements of one level begin and end.
fn statement_ranges(tokens: &[Token], language: Language) -> Vec<(usize, usize)> {
    let mut ranges = Vec::new();
    let (mut start, mut at) = (0, 0);
    // Go's `if got := f(); got != 1 {` is one statement.
    let mut in_head = false;
    while at < tokens.len() {
        let token = &tokens[at];
        if language == Language::Go {
            let begins = matches!(token.text.as_str(), "if" | "for" | "switch");
            in_head = (in_head || (begins && token.is_word())) && !token.is("{");
        }
        if token.is(";") && !in_head {
            ranges.push((start, at + 1));
            at += 1;
            start = at;
            continue;
        }
        let opens = matches!(token.text.as_str(), "(" | "[" | "{") && token.kind == Kind::Punct;
        let end = if opens {
            super::lexer::group_end(tokens, at)
        } else {
            at + 1
        };
        let next = tokens.get(end);
        let goes_on = next.is_some_and(|next| {
            let is_operator = next.kind == Kind::Punct
                && !matches!(
                    next.text.as_str(),
                    "(" | "["
                        | "{"
                        | "}"
                        | "#"
                        | "@"
                        | "!"
                        | "++"
                        | "--"
                        | "'"
                        | "..."
                        | "&"
                        | "*"
                        | "-"
                        | "<"
                );
            is_operator
                || (next.is_word()
                    && matches!(
                        next.text.as_str(),
                        "else" | "catch" | "finally" | "as" | "instanceof" | "in" | "of" | "while"
                    )
                    && (next.text != "while" || starts_with_do(&tokens[start..end])))
        });
        let ends = match language {
            Language::Rust => token.is("{") && !goes_on && is_block(&tokens[start..at]),
            _ => {
                let last = &tokens[end - 1];
                let waits = last.kind == Kind::Punct
                    && !matches!(
                        last.text.as_str(),
                        ")" | "]" | "}" | "++" | "--" | ">" | "!" | "?"
                    );
                let keyword = last.is_word()
                    && matches!(
                        last.text.as_str(),
                        "const"
                            | "let"
                            | "var"
                            | "export"
                            | "default"
                            | "async"
                            | "function"
                            | "new"
                            | "await"
                            | "typeof"
                            | "import"
                            | "from"
                            | "class"
                            | "extends"
                            | "else"
                            | "of"
                            | "in"
                            | "do"
                            | "case"
                    );
                next.is_some_and(|next| next.is_first) && !goes_on && !waits && !keyword
            }
        };
        at = end;
        if ends {
            ranges.push((start, at));
            start = at;
        }
    }
    if start < tokens.len() {
        ranges.push((start, tokens.len()));
    }
    ranges
}

fn starts_with_do(tokens: &[Token]) -> bool {
    tokens.first().is_some_and(|token| token.is("do"))
}

/// Whether what stands before a brace makes it a block that ends a statement of Rust.
fn is_block(before: &[Token]) -> bool {
    before.first().is_none_or(|first| {
        matches!(
            first.text.as_str(),
            "if" | "for"
                | "while"
                | "loop"
                | "match"
                | "unsafe"
                | "fn"
                | "mod"
                | "impl"
                | "struct"
                | "enum"
                | "trait"
                | "async"
                | "pub"
                | "#"
                | "'"
                | "extern"
        ) && !before.iter().any(|token| token.is("="))
    })
}

/// The tokens between the brackets of a group.
fn inside(tokens: &[Token], open: usize, end: usize) -> &[Token] {
    let to = end.saturating_sub(1).max(open + 1).min(tokens.len());
    &tokens[(open + 1).min(to)..to]
}
