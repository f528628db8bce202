//! What added code must not do: end the run early, turn tests off, or replace what they look at.

use super::{
    items::{Item, ItemKind},
    lexer::{Kind, Language, Token, group_end, join},
};

/// Whether a word stands for a check.
pub(super) fn is_assertion(token: &Token, language: Language) -> bool {
    if token.kind != Kind::Word {
        return false;
    }
    let word = token.text.as_str();
    let lower = word.to_ascii_lowercase();
    if lower.starts_with("assert")
        || lower.starts_with("debug_assert")
        || lower.starts_with("prop_assert")
    {
        return true;
    }
    match language {
        Language::Rust => matches!(
            word,
            "panic" | "unreachable" | "matches" | "expect_err" | "unwrap_err" | "insta" | "check"
        ),
        Language::Python => {
            matches!(
                word,
                "raises" | "fail" | "warns" | "approx" | "expect" | "verify"
            ) || word.starts_with("fail_")
                || word.starts_with("check_")
        }
        Language::JavaScript => matches!(
            word,
            "expect"
                | "should"
                | "equal"
                | "deepEqual"
                | "strictEqual"
                | "deepStrictEqual"
                | "ok"
                | "throws"
                | "rejects"
                | "is"
                | "same"
                | "expectTypeOf"
        ),
        Language::Go => matches!(
            word,
            "Error"
                | "Errorf"
                | "Fatal"
                | "Fatalf"
                | "Fail"
                | "FailNow"
                | "require"
                | "Expect"
                | "Equal"
                | "NoError"
                | "True"
                | "False"
                | "check"
                | "Nil"
        ),
        Language::Shell => {
            matches!(
                word,
                "[" | "[["
                    | "test"
                    | "exit"
                    | "grep"
                    | "diff"
                    | "cmp"
                    | "fail"
                    | "expect"
                    | "false"
                    | "check"
                    | "eq"
                    | "is"
                    | "run"
                    | "die"
                    | "error"
            ) || word.starts_with("check_")
                || word.starts_with("expect_")
                || word.starts_with("fail_")
        }
    }
}

/// Whether a token changes where the run of a test goes.
pub(super) fn is_control(token: &Token, language: Language) -> bool {
    if token.kind != Kind::Word {
        return false;
    }
    let word = token.text.as_str();
    let common = matches!(
        word,
        "return"
            | "break"
            | "continue"
            | "goto"
            | "exit"
            | "Exit"
            | "_exit"
            | "skip"
            | "Skip"
            | "SkipNow"
            | "Skipf"
            | "skipTest"
            | "SkipTest"
            | "skipif"
            | "skipIf"
            | "todo"
            | "xfail"
            | "try"
            | "catch"
            | "except"
            | "finally"
            | "yield"
            | "mock"
            | "patch"
            | "monkeypatch"
            | "spyOn"
            | "jest"
            | "vi"
            | "sinon"
            | "setattr"
            | "delattr"
            | "eval"
            | "exec"
            | "globals"
            | "recover"
            | "defer"
            | "catch_unwind"
            | "process"
            | "pending"
            | "importorskip"
            | "expectedFailure"
            | "suppress"
            | "retryTimes"
    );
    common
        || match language {
            Language::Python => {
                matches!(word, "raise" | "del" | "global" | "nonlocal" | "os" | "sys")
            }
            Language::JavaScript => matches!(word, "throw" | "globalThis" | "global" | "window"),
            Language::Rust => matches!(word, "macro_rules" | "unsafe" | "mem"),
            Language::Go => matches!(word, "panic" | "os" | "syscall"),
            Language::Shell => matches!(
                word,
                "trap"
                    | "alias"
                    | "unalias"
                    | "set"
                    | "source"
                    | "."
                    | "unset"
                    | "kill"
                    | ":"
                    | "true"
            ),
        }
}

/// What a piece of added test code does that no honest test does, if anything.
pub(super) fn evasion(tokens: &[Token], language: Language) -> Option<String> {
    let pairs: &[(&str, &str)] = match language {
        Language::Python => &[
            ("os", "_exit"),
            ("sys", "exit"),
            ("sys", "modules"),
            ("pytest", "exit"),
            ("sys", "meta_path"),
            ("os", "kill"),
            ("os", "abort"),
            ("raise", "SystemExit"),
            ("raise", "SkipTest"),
            ("raise", "KeyboardInterrupt"),
            ("atexit", "register"),
            ("os", "environ_exit"),
        ],
        Language::JavaScript => &[
            ("process", "exit"),
            ("process", "exitCode"),
            ("require", "cache"),
            ("process", "reallyExit"),
            ("process", "abort"),
            ("process", "kill"),
            ("jest", "retryTimes"),
            ("Module", "_load"),
            ("Module", "_resolveFilename"),
            ("global", "expect"),
            ("globalThis", "expect"),
            ("global", "it"),
            ("global", "test"),
            ("globalThis", "it"),
            ("globalThis", "test"),
            ("Deno", "exit"),
        ],
        Language::Rust => &[
            ("process", "exit"),
            ("process", "abort"),
            ("libc", "_exit"),
            ("libc", "exit"),
        ],
        Language::Go => &[("os", "Exit"), ("syscall", "Exit"), ("runtime", "Goexit")],
        Language::Shell => &[],
    };
    for (index, token) in tokens.iter().enumerate() {
        let pair = pairs.iter().find(|(first, second)| {
            let after = tokens.get(index + 1);
            let joined = after.is_some_and(|after| after.is(".") || after.is("::"));
            let next = if joined { tokens.get(index + 2) } else { after };
            token.is(first) && next.is_some_and(|next| next.is(second))
                || (joined
                    && token.is(first)
                    && tokens.get(index + 4).is_some_and(|far| far.is(second)))
        });
        if let Some((first, second)) = pair {
            // `exit(1)` ends the run with a failure.
            let call = tokens[index..].iter().position(|token| token.is("("));
            let argument = call.and_then(|call| tokens.get(index + call + 1));
            let fails = argument.is_some_and(|it| it.kind == Kind::Number && it.text != "0")
                && matches!(*second, "exit" | "_exit" | "Exit");
            if !fails {
                return Some(format!("`{first}` `{second}`"));
            }
        }
        if language == Language::Python
            && (token.is("exit") || token.is("quit"))
            && is_bare_call(tokens, index)
        {
            return Some(format!("`{}()`", token.text));
        }
        if token.is("allow_module_level") {
            return Some("a skip of the whole module".to_owned());
        }
    }
    None
}

fn is_bare_call(tokens: &[Token], index: usize) -> bool {
    let is_member = index
        .checked_sub(1)
        .is_some_and(|before| tokens[before].is(".") || tokens[before].is("def"));
    !is_member
        && tokens.get(index + 1).is_some_and(|next| next.is("("))
        && !tokens
            .get(index + 2)
            .is_some_and(|next| next.kind == Kind::Number && next.text != "0")
}

/// The names that an assignment outside a function rebinds: `a` of `a.b = c`.
pub(super) fn rebound(tokens: &[Token]) -> Option<&str> {
    let first = tokens.first().filter(|token| token.is_word())?;
    let assigns = tokens.iter().position(|token| token.is("="))?;
    let path = &tokens[1..assigns];
    let is_member = path
        .first()
        .is_some_and(|token| token.is(".") || token.is("["));
    (is_member && !tokens[..assigns].iter().any(|token| token.is("(")))
        .then_some(first.text.as_str())
}

/// What an added item does to the tests that were there, if anything.
pub(super) fn added(item: &Item, before: &[Item], language: Language) -> Option<String> {
    let tokens: Vec<Token> = item.tokens().cloned().collect();
    if let Some(what) = evasion(&tokens, language) {
        return Some(format!(
            "{what} is added, by which the run ends or changes unseen"
        ));
    }
    if item.gates.iter().any(|gate| gate == "only") {
        return Some("`only` is added, so that other tests are not run".to_owned());
    }
    let has_tests = before
        .iter()
        .any(|it| it.kind == ItemKind::Test || it.kind == ItemKind::Loose);
    let plain = item
        .name
        .rsplit(['.', ':', '>', ' '])
        .next()
        .unwrap_or("")
        .trim_end_matches('!');
    match item.kind {
        ItemKind::Import => {
            if plain == "*" && language == Language::Python && has_tests {
                return Some(
                    "an import of everything is added, which may rebind any name".to_owned(),
                );
            }
            bound_before(item, plain, before)
        }
        ItemKind::Definition => {
            if let Some(hook) = hook(item, plain, language) {
                return Some(hook);
            }
            if is_framework_name(plain, language) {
                return Some(format!("`{plain}` of the test framework is defined anew"));
            }
            if plain.starts_with("set") || plain.starts_with("tear") || plain.starts_with("before")
            {
                let stops = tokens.iter().find(|token| {
                    is_control(token, language)
                        && !matches!(
                            token.text.as_str(),
                            "return"
                                | "yield"
                                | "os"
                                | "sys"
                                | "del"
                                | "try"
                                | "finally"
                                | "unsafe"
                                | "defer"
                        )
                });
                if let Some(word) = stops.filter(|_| has_tests) {
                    return Some(format!(
                        "`{plain}` with `{}` is added, which the tests that were there go through",
                        word.text
                    ));
                }
            }
            if language == Language::Shell {
                return shadowed_command(plain, before);
            }
            if item.is_nested {
                None
            } else {
                bound_before(item, plain, before)
            }
        }
        ItemKind::Loose => loose(&tokens, before, language, has_tests),
        ItemKind::Test => None,
    }
}

fn bound_before(item: &Item, name: &str, before: &[Item]) -> Option<String> {
    let earlier = before.iter().find(|it| {
        it.name == name
            && it.is_nested == item.is_nested
            && matches!(it.kind, ItemKind::Import | ItemKind::Definition)
            && !(it.kind == item.kind && it.body == item.body)
    })?;
    (name != "_" && !name.is_empty() && name != "*").then(|| {
        format!(
            "`{name}` of line {} is bound anew, so that the tests see another one",
            earlier.line
        )
    })
}

fn hook(item: &Item, name: &str, language: Language) -> Option<String> {
    let found = match language {
        Language::Python => {
            name.starts_with("pytest_")
                || matches!(
                    name,
                    "collect_ignore"
                        | "collect_ignore_glob"
                        | "pytestmark"
                        | "__test__"
                        | "load_tests"
                        | "__bases__"
                        | "__unittest_skip__"
                )
                || item.marks.iter().any(|mark| mark.contains("autouse"))
        }
        Language::Go => matches!(name, "TestMain" | "init"),
        Language::Rust => {
            name.starts_with("#![cfg") || item.marks.iter().any(|mark| mark.contains("ctor"))
        }
        Language::JavaScript | Language::Shell => false,
    };
    found.then(|| format!("`{name}` is added, by which tests are selected or changed as they run"))
}

fn is_framework_name(name: &str, language: Language) -> bool {
    let starts = name.to_ascii_lowercase().starts_with("assert");
    match language {
        Language::Rust => false,
        Language::Python => matches!(
            name,
            "pytest"
                | "unittest"
                | "assertEqual"
                | "assertTrue"
                | "assertRaises"
                | "assertIn"
                | "assertFalse"
                | "assertAlmostEqual"
                | "fail"
                | "raises"
                | "run"
                | "__call__"
        ),
        Language::JavaScript => matches!(
            name,
            "expect" | "it" | "test" | "describe" | "assert" | "beforeEach" | "afterEach"
        ),
        Language::Go => false,
        Language::Shell => starts && name == "assert",
    }
}

/// Whether a new function takes the place of a command that was used before.
fn shadowed_command(name: &str, before: &[Item]) -> Option<String> {
    let is_used = before
        .iter()
        .flat_map(Item::tokens)
        .any(|token| token.is_word() && token.text == name);
    let is_common = matches!(
        name,
        "[" | "test"
            | "grep"
            | "diff"
            | "cmp"
            | "exit"
            | "false"
            | "cat"
            | "printf"
            | "echo"
            | "sh"
            | "python3"
            | "fail"
            | "assert"
            | "set"
    );
    (is_used || is_common).then(|| format!("the command `{name}` is defined anew"))
}

fn loose(tokens: &[Token], before: &[Item], language: Language, has_tests: bool) -> Option<String> {
    if language == Language::Shell {
        return None;
    }
    if let Some(base) = rebound(tokens) {
        let is_imported = before
            .iter()
            .any(|it| it.kind == ItemKind::Import && it.name == base);
        if is_imported
            || matches!(
                base,
                "global"
                    | "globalThis"
                    | "window"
                    | "builtins"
                    | "unittest"
                    | "pytest"
                    | "sys"
                    | "jest"
                    | "expect"
                    | "Object"
                    | "Number"
                    | "Array"
                    | "String"
            )
        {
            return Some(format!("`{base}` is changed for all tests of the file"));
        }
    }
    if !has_tests {
        return None;
    }
    let first = tokens.first().map_or("", |token| token.text.as_str());
    let is_hook = matches!(
        first,
        "beforeEach"
            | "afterEach"
            | "beforeAll"
            | "afterAll"
            | "before"
            | "after"
            | "setup"
            | "teardown"
    );
    let stops = tokens.iter().enumerate().find(|(index, token)| {
        if !is_control(token, language) {
            return false;
        }
        let word = token.text.as_str();
        let next = tokens.get(index + 1);
        // Hooks may clean up mocks of their own; they must not skip or mock anew.
        let is_mild = match word {
            "return" | "try" | "finally" | "process" | "yield" | "catch" | "defer" | "throw" => {
                true
            }
            "os" | "sys" => {
                language == Language::Python
                    && next.is_some_and(|next| next.is("."))
                    && tokens.get(index + 2).is_some_and(|it| {
                        matches!(
                            it.text.as_str(),
                            "path" | "environ" | "getcwd" | "sep" | "dirname"
                        )
                    })
            }
            "jest" | "vi" | "sinon" => tokens.get(index + 2).is_some_and(|it| {
                it.text.starts_with("restore")
                    || it.text.starts_with("reset")
                    || it.text.starts_with("clear")
                    || it.text.starts_with("use")
                    || it.text == "setTimeout"
                    || it.text == "fn"
            }),
            _ => false,
        };
        !is_mild
    });
    if let Some((_, word)) = stops {
        let what = if is_hook { "a hook" } else { "a statement" };
        return Some(format!(
            "{what} with `{}` is added before the tests that were there",
            word.text
        ));
    }
    None
}

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

/// Whether a whole statement in a list of shell commands gets round what stands after or before it.
pub(super) fn shell_statement(statement: &[Token], before: &[Item]) -> Option<String> {
    for (index, token) in statement.iter().enumerate() {
        let is_command = index == 0
            || matches!(
                statement[index - 1].text.as_str(),
                "&&" | "||" | ";" | "|" | "{" | "(" | "\n" | "then" | "do" | "else" | "!"
            );
        if !is_command || token.kind != Kind::Word {
            continue;
        }
        let next = statement
            .get(index + 1)
            .map_or("", |next| next.text.as_str());
        let fails = next.parse::<u32>().is_ok_and(|code| code != 0);
        match token.text.as_str() {
            "exit" if !fails => return Some("an `exit` is added".to_owned()),
            "return" if !fails => return Some("a `return` is added".to_owned()),
            "exec" | "trap" | "alias" | "unalias" | "unset" | "eval" | "kill" | "enable" => {
                return Some(format!("`{}` is added", token.text));
            }
            "set" if next.starts_with('+') => return Some(format!("`set {next}` is added")),
            word => {
                if let Some((name, value)) = word.split_once('=')
                    && !name.is_empty()
                {
                    if matches!(
                        name,
                        "PATH"
                            | "BASH_ENV"
                            | "ENV"
                            | "IFS"
                            | "SHELLOPTS"
                            | "LD_PRELOAD"
                            | "PYTHONPATH"
                            | "NODE_OPTIONS"
                            | "NODE_PATH"
                    ) {
                        return Some(format!("`{name}` is set"));
                    }
                    let is_constant = !value.contains('$') && !value.contains('`');
                    // `|| failed=1` is how a check fails.
                    let is_failure = value.parse::<u32>().is_ok_and(|code| code != 0)
                        && index > 0
                        && !statement[index - 1].is("&&");
                    if is_constant && !is_failure && decides(name, before) {
                        return Some(format!(
                            "`{name}` is set, by which the script's end is decided"
                        ));
                    }
                }
            }
        }
    }
    None
}

/// Whether a variable decides how a script ends.
fn decides(name: &str, before: &[Item]) -> bool {
    let reads = |token: &Token| {
        let text = token.text.trim_matches('"');
        text == format!("${name}")
            || text == format!("${{{name}}}")
            || text.contains(&format!("${name} "))
    };
    let last = before
        .iter()
        .rev()
        .find(|item| item.kind == ItemKind::Loose);
    let in_last = last.is_some_and(|item| item.body.iter().any(reads));
    let after_exit = before
        .iter()
        .flat_map(|item| item.body.windows(2))
        .any(|pair| matches!(pair[0].text.as_str(), "exit" | "return") && reads(&pair[1]));
    in_last || after_exit
}

/// Whether an added statement says whole commands of a group; used for `for` lists.
pub(super) fn for_list_grew(before: &[Token], after: &[Token]) -> bool {
    let list = |tokens: &[Token]| -> Option<(usize, usize)> {
        let is_for = tokens.first().is_some_and(|token| token.is("for"));
        let start = tokens
            .iter()
            .position(|token| token.is("in"))
            .filter(|_| is_for)?;
        let end = tokens
            .iter()
            .position(|token| token.kind == Kind::Line || token.is("do"))?;
        Some((start + 1, end))
    };
    let (Some((from, to)), Some((new_from, new_to))) = (list(before), list(after)) else {
        return false;
    };
    let mut new = after[new_from..new_to.max(new_from)].iter();
    before[..from] == after[..new_from]
        && before[to..] == after[new_to..]
        && before[from..to.max(from)]
            .iter()
            .all(|word| new.any(|it| it == word))
}

/// Whether `after` is `before` with rows added to a list that a loop goes over.
pub(super) fn rows_were_added(before: &[Token], after: &[Token]) -> bool {
    let (mut i, mut j) = (0, 0);
    let mut n_rows = 0;
    while j < after.len() {
        if i < before.len() && before[i] == after[j] && !row_begins_here(before, after, i, j) {
            i += 1;
            j += 1;
            continue;
        }
        let Some(end) = row_end(after, j) else {
            return false;
        };
        n_rows += 1;
        j = end;
    }
    i == before.len() && n_rows > 0
}

/// Whether the equal tokens at `i` and `j` begin a new row rather than the old one.
fn row_begins_here(before: &[Token], after: &[Token], i: usize, j: usize) -> bool {
    let Some(end) = row_end(after, j) else {
        return false;
    };
    let old = before.get(i..).unwrap_or_default();
    let length = end - j;
    // The row as it stands, or the list's end, comes in the old text: an old row.
    let is_old = old.len() >= length && old[..length] == after[j..end];
    let closing = old
        .first()
        .is_some_and(|token| matches!(token.text.as_str(), ")" | "]" | "}"));
    let is_last_old = {
        let bare = if after[end - 1].is(",") {
            length - 1
        } else {
            length
        };
        old.len() >= bare && old[..bare] == after[j..j + bare]
    };
    !(is_old || closing || is_last_old) && i > 0 && is_row_place(after, j)
}

/// Whether a row can stand at `j`: after an opening bracket or a comma.
fn is_row_place(tokens: &[Token], j: usize) -> bool {
    j.checked_sub(1)
        .is_some_and(|before| matches!(tokens[before].text.as_str(), "[" | "{" | "(" | ","))
}

/// After the row that begins at `start`, with its comma: a bracketed group, perhaps behind a name.
fn row_end(tokens: &[Token], start: usize) -> Option<usize> {
    let mut at = start;
    let mut leading = false;
    if tokens.get(at)?.is(",") {
        leading = true;
        at += 1;
    } else if !is_row_place(tokens, start) {
        return None;
    }
    while tokens.get(at)?.is_word()
        || tokens[at].is(".")
        || tokens[at].is("::")
        || tokens[at].is("&")
    {
        at += 1;
    }
    let token = tokens.get(at)?;
    // Go's maps: `"name": {…}`.
    let token = if token.kind == Kind::Text && tokens.get(at + 1).is_some_and(|next| next.is(":")) {
        at += 2;
        tokens.get(at)?
    } else {
        token
    };
    let opens = matches!(token.text.as_str(), "(" | "[" | "{") && token.kind == Kind::Punct;
    if !opens {
        return None;
    }
    let end = group_end(tokens, at);
    let next = tokens.get(end)?;
    if leading {
        return matches!(next.text.as_str(), ")" | "]" | "}" | ",").then_some(end);
    }
    if next.is(",") {
        return Some(end + 1);
    }
    None
}
