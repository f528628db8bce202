//! Marks by which code could tell that it is tested, beyond single words: what stands close together.

use super::{
    lexer::{Kind, Language, Lexed, Token},
    paths::is_one_of,
};

/// Two things that tell, where one stands close to the other.
struct Close {
    /// Words in a row.
    words: &'static str,
    /// A part of a text near them.
    text: &'static [&'static str],
}

const PYTHON: &[Close] = &[
    close(
        "sys . modules",
        &["pytest", "unittest", "nose", "_pytest", "test"],
    ),
    close("modules", &["pytest", "unittest", "_pytest"]),
    close("sys . argv", &["pytest", "test", "unittest"]),
    close("inspect . stack", &["test"]),
    close("inspect . currentframe", &["test"]),
    close("_getframe", &["test"]),
    close("f_code", &["test"]),
    close("traceback . extract_stack", &["test"]),
    close("os . environ", &["PYTEST", "TESTING", "UNITTEST"]),
    close("getenv", &["PYTEST", "UNITTEST"]),
    close("find_spec", &["pytest", "unittest"]),
    close("import_module", &["pytest"]),
];

const JAVASCRIPT: &[Close] = &[
    close("NODE_ENV", &["test", "TEST"]),
    close("process . argv", &["test", "jest", "mocha", "vitest"]),
    close("execArgv", &["test"]),
    close("npm_lifecycle_event", &["test"]),
    close("npm_lifecycle_script", &["test", "jest", "mocha"]),
    close("main . filename", &["test", "jest", "mocha"]),
    close("stack", &[".test.", "jest", "mocha", "node:test", ".spec."]),
    close(
        "in globalThis",
        &["describe", "it", "jest", "test", "expect"],
    ),
    close("in global", &["describe", "it", "jest", "test", "expect"]),
    close("in window", &["describe", "jest", "expect"]),
    close("require . cache", &["jest", "mocha", "test"]),
];

const RUST: &[Close] = &[
    close("current ( ) . name", &["main", "test"]),
    close("current_exe", &["deps", "test"]),
    close("env :: args", &["test", "--nocapture"]),
    close(
        "args ( )",
        &["--test-threads", "--nocapture", "--exact", "nextest"],
    ),
    close("env :: var", &["RUST_TEST", "CARGO_MANIFEST", "CARGO_PKG"]),
    close(
        "env :: var_os",
        &["RUST_TEST", "CARGO_MANIFEST", "CARGO_PKG"],
    ),
];

const GO: &[Close] = &[
    close("os . Args", &["test"]),
    close("os . Executable", &["test"]),
    close("flag . Lookup", &["test."]),
    close("runtime . Caller", &["test"]),
    close("runtime . Callers", &["test"]),
    close("debug . Stack", &["test"]),
];

const fn close(words: &'static str, text: &'static [&'static str]) -> Close {
    Close { words, text }
}

/// How far apart two things that belong together stand at most, in tokens.
const NEAR: usize = 24;

/// What stands together after a fix more often than before, and tells code that it is tested.
pub(super) fn close_marks(
    before: &[Token],
    after: &[Token],
    language: Language,
) -> Option<(u32, String)> {
    let table = match language {
        Language::Python => PYTHON,
        Language::JavaScript => JAVASCRIPT,
        Language::Rust => RUST,
        Language::Go => GO,
        Language::Shell => return None,
    };
    table.iter().find_map(|close| {
        let found = places(after, close);
        let line = *found.last()?;
        (found.len() > places(before, close).len()).then(|| {
            let message = format!(
                "`{}` with such a text tells the code that it is tested",
                close.words
            );
            (line, message)
        })
    })
}

fn places(tokens: &[Token], close: &Close) -> Vec<u32> {
    let words: Vec<&str> = close.words.split(' ').collect();
    let tells = |token: &Token| {
        token.kind == Kind::Text && close.text.iter().any(|part| holds(&token.text, part))
    };
    let mut found = Vec::new();
    for (index, row) in tokens.windows(words.len()).enumerate() {
        let is_here = row
            .iter()
            .zip(&words)
            .all(|(token, word)| token.text == *word);
        let from = index.saturating_sub(NEAR);
        let to = tokens.len().min(index + words.len() + NEAR);
        if is_here && tokens[from..to].iter().any(tells) {
            found.push(tokens[index].line);
        }
    }
    found
}

/// Whether a text holds a word: `latest` does not hold `test`.
fn holds(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        let begins = before.is_none_or(|c| !c.is_alphabetic());
        let ends = word.len() > 4 || after.is_none_or(|c| !c.is_alphabetic() || c == 's');
        begins && ends
    })
}

/// Files of Go that are built only outside of tests, or only there.
pub(super) fn build_tag(before: &Lexed, after: &Lexed) -> Option<(u32, String)> {
    let tags = |lexed: &Lexed| -> Vec<(u32, String)> {
        let comments = lexed.comments.iter();
        comments
            .filter_map(|comment| {
                Some((
                    comment.line,
                    comment.text.strip_prefix("go:build")?.to_owned(),
                ))
            })
            .collect()
    };
    let old = tags(before);
    tags(after).into_iter().find_map(|(line, tag)| {
        let tells = tag
            .split(|c: char| !(c.is_alphanumeric() || c == '_'))
            .any(|word| {
                let lower = word.to_ascii_lowercase();
                lower.contains("test") || is_one_of(&lower, "prod production release debug race")
            });
        let is_new = !old.iter().any(|(_, other)| *other == tag);
        (tells && is_new).then(|| {
            (
                line,
                format!("`//go:build{tag}` tells the code whether it is tested"),
            )
        })
    })
}
