//! What added test code must not do: end the run early, turn other tests off,
//! or replace what they look at.

use super::{
    boots::{boots, patched_by},
    compare::Side,
    items::{Item, ItemKind},
    lexer::{Kind, Language, Token},
    patches::framework_patch,
    paths::is_one_of,
    screen::{evasion, is_control, names_exit},
};

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
pub(super) fn added(item: &Item, side: &Side) -> Option<String> {
    let (before, language) = (side.before.as_slice(), side.language);
    let tokens: Vec<Token> = item.tokens().cloned().collect();
    // What a new test raises or imports is its own.
    let is_own = |what: &str| {
        item.kind == ItemKind::Test && (what.contains("raise") || what.contains("modules"))
    };
    if let Some(what) = evasion(&tokens, language).filter(|what| !is_own(what)) {
        return Some(format!(
            "{what} is added, by which the run ends or changes unseen"
        ));
    }
    if let Some((_, what)) = framework_patch(&patched_by(item, side), language)
        && (item.kind != ItemKind::Test || side.language == Language::JavaScript)
    {
        return Some(what);
    }
    let has_old = side.before.iter().any(|it| it.kind == ItemKind::Test);
    if item.kind == ItemKind::Import && has_old && names_exit(&item.body, language) {
        return Some("a way to end the process is imported".to_owned());
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
            bound_before(item, plain, before).or_else(|| taken_over(item, plain, side))
        }
        ItemKind::Definition => {
            if let Some(hook) = hook(item, plain, side) {
                return Some(hook);
            }
            if is_framework_name(plain, language) {
                return Some(format!("`{plain}` of the test framework is defined anew"));
            }
            if plain.starts_with("set") || plain.starts_with("tear") || plain.starts_with("before")
            {
                let stops = tokens.iter().find(|token| {
                    is_control(token, language)
                        && !is_one_of(
                            token.text.as_str(),
                            "return yield os sys del try finally unsafe defer",
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
            let taken = taken_over(item, plain, side);
            if item.place.is_empty() {
                taken.or_else(|| bound_before(item, plain, before))
            } else {
                taken
            }
        }
        ItemKind::Loose => loose(&tokens, side, has_tests),
        ItemKind::Test => None,
    }
}

fn bound_before(item: &Item, name: &str, before: &[Item]) -> Option<String> {
    let earlier = before.iter().find(|it| {
        it.name == name
            && it.place == item.place
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

/// Whether the tests that were there used a name that they did not bind, and now
/// get this one: from a glob import, the language itself, or a fixture of elsewhere.
fn taken_over(item: &Item, name: &str, side: &Side) -> Option<String> {
    let here = || {
        side.before
            .iter()
            .filter(|it| it.place == item.place || side.language != Language::Rust)
    };
    let is_given = match side.language {
        Language::Rust => {
            let globs = here().filter(|it| it.kind == ItemKind::Import && it.name == "*");
            // The same thing by its own name is no other thing.
            let is_from = |glob: &Item| {
                item.kind == ItemKind::Import
                    && item.body.len() == glob.body.len()
                    && item
                        .body
                        .iter()
                        .zip(&glob.body)
                        .rev()
                        .skip(1)
                        .all(|(one, other)| one == other)
            };
            let mut globs = globs.peekable();
            globs.peek().is_some() && !globs.any(is_from)
        }
        Language::Python => {
            let is_fixture = item.marks.iter().any(|mark| mark.contains("fixture"))
                && here().any(|it| {
                    it.kind == ItemKind::Test && it.header.iter().any(|token| token.is(name))
                });
            if is_fixture {
                return Some(format!(
                    "fixture `{name}` is defined anew for the tests that were there"
                ));
            }
            item.place.is_empty()
                && is_one_of(
                    name,
                    "abs all any bool dict enumerate float int isinstance len list map max min open print \
                 range repr reversed round set sorted str sum tuple type zip Exception AssertionError ValueError KeyError \
                 TypeError super hasattr getattr iter next",
                )
        }
        Language::JavaScript => is_one_of(
            name,
            "Math JSON Promise Date Array Object Number String Boolean Map Set Symbol Error TypeError parseInt parseFloat \
             setTimeout console Reflect RegExp isNaN structuredClone",
        ),
        Language::Go => is_one_of(
            name,
            "len cap append make new panic recover print println string int error nil true false",
        ),
        Language::Shell => false,
    };
    let uses = |it: &Item| {
        let tokens: Vec<&Token> = it.tokens().collect();
        tokens.iter().enumerate().any(|(index, token)| {
            let before = index
                .checked_sub(1)
                .map_or("", |before| tokens[before].text.as_str());
            token.is_word()
                && token.text == name
                && !matches!(before, "." | "::" | "fn" | "let" | "mut" | "const" | "var")
        })
    };
    let is_used = is_given
        && here().any(|it| {
            matches!(
                it.kind,
                ItemKind::Test | ItemKind::Loose | ItemKind::Definition
            ) && uses(it)
        });
    is_used
        .then(|| format!("`{name}`, which the tests that were there use, is bound to another one"))
}

fn hook(item: &Item, name: &str, side: &Side) -> Option<String> {
    let found = match side.language {
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
                || (item.marks.iter().any(|mark| mark.contains("autouse"))
                    && reaches_old_tests(item, side))
        }
        Language::Go => matches!(name, "TestMain" | "init"),
        Language::Rust => {
            name.starts_with("#![cfg") || item.marks.iter().any(|mark| mark.contains("ctor"))
        }
        Language::JavaScript | Language::Shell => false,
    };
    found.then(|| format!("`{name}` is added, by which tests are selected or changed as they run"))
}

/// Whether a fixture that is used by itself is used by tests that were there.
fn reaches_old_tests(item: &Item, side: &Side) -> bool {
    if super::paths::file_name(&side.path) == "conftest.py" {
        return true;
    }
    let has = |what: &dyn Fn(&Item) -> bool| side.before.iter().any(what);
    match item.name.rsplit_once('.') {
        Some((class, _)) => has(&|it| it.name == format!("class {class}")),
        None => has(&|it| it.kind == ItemKind::Test),
    }
}

fn is_framework_name(name: &str, language: Language) -> bool {
    let starts = name.to_ascii_lowercase().starts_with("assert");
    match language {
        Language::Rust => matches!(
            name,
            "assert" | "assert_eq" | "assert_ne" | "debug_assert" | "panic" | "matches"
        ),
        Language::Python => is_one_of(
            name,
            "pytest unittest assertEqual assertTrue assertRaises assertIn assertFalse \
    assertAlmostEqual fail raises run __call__",
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
    let is_common = is_one_of(
        name,
        "[ test grep diff cmp exit false cat printf echo sh python3 fail assert set run assert_equal \
         assert_output assert_success assert_failure assert_line refute",
    );
    (is_used || is_common).then(|| format!("the command `{name}` is defined anew"))
}

fn loose(tokens: &[Token], side: &Side, has_tests: bool) -> Option<String> {
    let language = side.language;
    if language == Language::Shell {
        return None;
    }
    if let Some(base) = rebound(tokens) {
        let imports = side.before.iter().chain(&side.after);
        let mut imports = imports.filter(|it| it.kind == ItemKind::Import);
        // A path of the code under test; settings of libraries are set like this, too.
        let is_member = tokens.get(1).is_some_and(|it| it.is("."));
        let is_library = is_one_of(
            base,
            "os sys logging warnings random np numpy pd pandas matplotlib plt torch settings",
        );
        let is_imported = imports.any(|it| it.name == base) && is_member && !is_library;
        let is_global = is_one_of(
            base,
            "global globalThis window builtins unittest pytest jest expect Object Number Array \
    String",
        );
        let reaches = has_tests || language == Language::Python;
        if (is_imported && reaches) || (is_global && has_tests) {
            return Some(format!("`{base}` is changed for all tests"));
        }
    }
    if let Some(what) = boots(tokens, side, has_tests) {
        return Some(what);
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

/// Whether a whole statement in a list of shell commands gets round what stands after or before it.
pub(super) fn shell_statement(statement: &[Token], before: &[Item]) -> Option<String> {
    let mut in_subshell = 0_usize;
    for (index, token) in statement.iter().enumerate() {
        if token.is("(") && statement.get(index + 1).is_none_or(|next| !next.is(")")) {
            in_subshell += 1;
        } else if token.is(")") {
            in_subshell = in_subshell.saturating_sub(1);
        }
        let is_command = index == 0
            || matches!(
                statement[index - 1].text.as_str(),
                "&&" | "||"
                    | ";"
                    | "|"
                    | "{"
                    | "("
                    | "\n"
                    | "then"
                    | "do"
                    | "else"
                    | "!"
                    | "if"
                    | "elif"
                    | "while"
                    | "until"
                    | "command"
                    | "builtin"
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
            // What is read in ends, or defines anew, what reads it.
            "." | "source" if in_subshell == 0 => {
                return Some(format!("`{} {next}` is added", token.text));
            }
            "set" if next.starts_with('+') => return Some(format!("`set {next}` is added")),
            word => {
                if let Some((name, value)) = word.split_once('=')
                    && !name.is_empty()
                {
                    if is_one_of(
                        name,
                        "PATH BASH_ENV ENV IFS SHELLOPTS LD_PRELOAD PYTHONPATH NODE_OPTIONS NODE_PATH",
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
