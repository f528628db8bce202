//! What sources must not newly do: ask whether they are tested, or end the process well.

use super::{
    cfg::gated_by_test,
    lexer::{Kind, Language, Lexed, Token, join},
    patches::{framework_patch, module_patch},
    paths::is_one_of,
    told::{build_tag, close_marks},
};

/// Finds something in code: its line, and what it is.
type Judge = fn(&[Token], Language) -> Option<(u32, String)>;

/// What a source file newly does to know that it is tested, or to end the process well.
pub(super) fn source_evasion(
    path: &str,
    before: &str,
    lexed_before: &Lexed,
    lexed: &Lexed,
    language: Language,
) -> Option<(u32, String)> {
    let (tokens_before, tokens) = (lexed_before.tokens.as_slice(), lexed.tokens.as_slice());
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
    let newly =
        |found: Judge| found(tokens, language).filter(|_| found(tokens_before, language).is_none());
    let replaced = newly(framework_patch).or_else(|| newly(module_patch));
    let told = close_marks(tokens_before, tokens, language);
    let gated = match language {
        Language::Rust => gated_by_test(tokens_before, tokens),
        Language::Go => build_tag(lexed_before, lexed),
        _ => None,
    };
    if let Some(found) = replaced.or(told).or(gated) {
        return Some(found);
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
            "from pytest",
            "import _pytest",
            "from _pytest",
            "SkipTest",
            "outcomes . Skipped",
            "builtins .",
            "import builtins",
            "settrace (",
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
            "typeof expect",
            "globalThis . jest",
            "global . jest",
            "globalThis . describe",
            "global . describe",
            "import . meta . vitest",
            "import . meta . jest",
            "globalThis . expect =",
            "global . expect =",
            "expect . extend",
        ],
        Language::Rust => &[
            "cfg ! ( test )",
            "cfg ! ( any ( test",
            "cfg ! ( all ( test",
            "cfg ! ( debug_assertions )",
            "cfg ! ( not ( debug_assertions ) )",
            "process :: exit ( 0 )",
            "macro_rules ! assert",
            "cfg ! ( not ( test ) )",
        ],
        Language::Go => &[
            "testing . Testing ( )",
            "testing . Testing",
            ". SkipNow ( )",
            "t . Skip (",
            "testing . Short ( )",
            "testing . Verbose ( )",
            "testing . CoverMode ( )",
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
    if language == Language::Shell {
        return shell_library(path, before, tokens_before, tokens);
    }
    let (text, earlier) = (join(tokens), join(tokens_before));
    let count = |text: &str, what: &str| text.matches(what).count();
    if let Some(found) = ends_process(tokens_before, tokens, language).filter(|_| !is_program) {
        return Some(found);
    }
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

/// Where a process newly ends with a result that is no plain failure: the tests would end with it.
fn ends_process(before: &[Token], after: &[Token], language: Language) -> Option<(u32, String)> {
    let pairs: &[(&str, &str)] = match language {
        Language::Rust => &[("process", "exit"), ("libc", "exit"), ("libc", "_exit")],
        Language::Python => &[("os", "_exit"), ("os", "kill"), ("os", "abort")],
        Language::JavaScript => &[("process", "exit"), ("process", "reallyExit")],
        Language::Go => &[("os", "Exit"), ("syscall", "Exit"), ("runtime", "Goexit")],
        Language::Shell => &[],
    };
    let places = |tokens: &[Token]| -> Vec<u32> {
        let rows = tokens.windows(5);
        rows.filter(|row| {
            let is_pair = pairs
                .iter()
                .any(|(first, second)| row[0].is(first) && row[2].is(second));
            let fails = row[4].kind == Kind::Number && row[4].text != "0";
            is_pair && (row[1].is(".") || row[1].is("::")) && row[3].is("(") && !fails
        })
        .map(|row| row[0].line)
        .collect()
    };
    let found = places(after);
    let line = *found.last()?;
    (found.len() > places(before).len())
        .then(|| (line, "code that is tested ends the process".to_owned()))
}

/// What a script newly does to those that read it in: it defines their commands anew, or ends them.
fn shell_library(
    path: &str,
    before: &str,
    tokens_before: &[Token],
    tokens: &[Token],
) -> Option<(u32, String)> {
    let defined = |tokens: &[Token]| -> Vec<(u32, String)> {
        let rows = tokens.windows(3);
        let functions = rows.filter(|row| row[1].is("(") && row[2].is(")"));
        let plain = functions.map(|row| (row[0].line, row[0].text.clone()));
        let named = tokens.windows(2).filter(|row| row[0].is("function"));
        plain
            .chain(named.map(|row| (row[1].line, row[1].text.clone())))
            .filter(|(_, name)| {
                is_one_of(
                    name,
                    "[ test exit diff cmp grep false run assert_equal assert_success",
                )
            })
            .collect()
    };
    let old = defined(tokens_before);
    let found = defined(tokens);
    if let Some((line, name)) = found
        .iter()
        .find(|(_, name)| !old.iter().any(|(_, it)| it == name))
    {
        return Some((*line, format!("the command `{name}` is defined anew")));
    }
    let traps = |tokens: &[Token]| -> Vec<u32> {
        let commands = tokens.windows(2).filter(|row| {
            let said = row[1].text.trim_matches(['"', '\'']);
            let exits = said.split(';').map(str::trim);
            let mut exits = exits.filter(|command| command.split(' ').next() == Some("exit"));
            row[0].is("trap") && exits.any(|exit| exit == "exit" || exit == "exit 0")
        });
        commands.map(|row| row[0].line).collect()
    };
    let caught = traps(tokens);
    if caught.len() > traps(tokens_before).len() {
        let line = caught.last().copied().unwrap_or(0);
        return Some((line, "a `trap` is added that ends with success".to_owned()));
    }
    // A script that is run has a first line that says by what; a library has none.
    let is_library = !before.starts_with("#!") && !before.is_empty()
        || path.split('/').any(|folder| is_one_of(folder, "lib libs"));
    if !is_library {
        return None;
    }
    let exits = |tokens: &[Token]| -> Vec<u32> {
        let mut depth = 0_usize;
        let mut found = Vec::new();
        for (index, token) in tokens.iter().enumerate() {
            match token.text.as_str() {
                "{" => depth += 1,
                "}" => depth = depth.saturating_sub(1),
                "exit" if depth == 0 && token.is_word() => {
                    let code = tokens.get(index + 1);
                    let fails = code.is_some_and(|it| it.text != "0" && it.is_word());
                    if !fails {
                        found.push(token.line);
                    }
                }
                _ => {}
            }
        }
        found
    };
    let ends = exits(tokens);
    (ends.len() > exits(tokens_before).len()).then(|| {
        let line = ends.last().copied().unwrap_or(0);
        (
            line,
            "an `exit` is added, by which those that read it in end".to_owned(),
        )
    })
}
