//! What sources must not newly do: ask whether they are tested, or end the process well.

use super::lexer::{Language, Token, join};

/// What a source file newly does to know that it is tested, or to end the process well.
pub(super) fn source_evasion(
    path: &str,
    before: &str,
    tokens_before: &[Token],
    tokens: &[Token],
    language: Language,
) -> Option<(u32, String)> {
    const MARKS: &[&str] = &[
        "PYTEST_CURRENT_TEST",
        "PYTEST_VERSION",
        "JEST_WORKER_ID",
        "VITEST",
        "VITEST_WORKER_ID",
        "NEXTEST",
        "BATS_TEST_NAME",
        "CARGO_TARGET_TMPDIR",
        "NODE_TEST_CONTEXT",
    ];
    for token in tokens {
        let found = MARKS.iter().find(|mark| token.text.contains(**mark));
        if let Some(mark) = found.filter(|mark| !before.contains(**mark)) {
            return Some((
                token.line,
                format!("`{mark}` tells the code that it is tested"),
            ));
        }
    }
    let sequences: &[&str] = match language {
        Language::Python => &[
            "os . _exit",
            "\"pytest\" in sys . modules",
            "\"unittest\" in sys . modules",
            "sys . modules [ \"pytest\"",
            "sys . modules . get ( \"pytest\"",
            "unittest . TestCase . assert",
            "import pytest",
            "builtins .",
        ],
        Language::JavaScript => &[
            "NODE_ENV === \"test\"",
            "NODE_ENV == \"test\"",
            "NODE_ENV !== \"test\"",
            "process . exit ( 0 )",
            "process . exit ( )",
            "typeof jest",
            "typeof describe",
            "typeof it",
            "globalThis . expect =",
            "global . expect =",
            "expect . extend",
        ],
        Language::Rust => &[
            "cfg ! ( test )",
            "process :: exit ( 0 )",
            "macro_rules ! assert",
            "cfg ! ( not ( test ) )",
        ],
        Language::Go => &[
            "testing . Testing ( )",
            "flag . Lookup ( \"test.v\" )",
            "os . Exit ( 0 )",
            "\"-test.\"",
            "\".test\"",
        ],
        Language::Shell => &[],
    };
    let name = super::paths::file_name(path);
    let is_program = matches!(
        name,
        "main.rs"
            | "main.go"
            | "cli.py"
            | "__main__.py"
            | "cli.js"
            | "cli.ts"
            | "index.js"
            | "main.js"
            | "main.ts"
    ) || path
        .split('/')
        .any(|folder| matches!(folder, "bin" | "cmd" | "cli" | "scripts"));
    let (text, earlier) = (join(tokens), join(tokens_before));
    let count = |text: &str, what: &str| text.matches(what).count();
    for sequence in sequences {
        let ends = sequence.contains("exit") || sequence.contains("Exit");
        if (ends && is_program && !sequence.contains("_exit"))
            || count(&text, sequence) <= count(&earlier, sequence)
        {
            continue;
        }
        let line = tokens.iter().find(|token| {
            sequence
                .split(' ')
                .next()
                .is_some_and(|first| first.trim_matches('"') == token.text)
        });
        return Some((
            line.map_or(0, |token| token.line),
            format!("`{sequence}` is added to code that is tested"),
        ));
    }
    None
}
