//! Code that replaces what tests check with, or a part of the code that they check.

use super::{
    lexer::{Kind, Language, Token, group_end, join},
    paths::is_one_of,
};

/// Matchers that frameworks bring: to define one of these is to change all checks with it.
const MATCHERS: &str = "toBe toEqual toStrictEqual toThrow toThrowError toMatch toMatchObject toContain \
    toContainEqual toHaveLength toHaveProperty toBeTruthy toBeFalsy toBeNull toBeDefined toBeUndefined \
    toBeCloseTo toBeGreaterThan toBeGreaterThanOrEqual toBeLessThan toBeLessThanOrEqual toBeInstanceOf \
    toHaveBeenCalled toHaveBeenCalledTimes toHaveBeenCalledWith toMatchSnapshot toMatchInlineSnapshot \
    toBeNaN toHaveReturned toHaveBeenLastCalledWith not resolves rejects";

/// What the code newly replaces of a test framework, and where; in a test or a source alike.
pub(super) fn framework_patch(tokens: &[Token], language: Language) -> Option<(u32, String)> {
    let patched = match language {
        Language::JavaScript => in_javascript(tokens),
        Language::Python => in_python(tokens),
        Language::Rust => in_rust(tokens),
        Language::Go | Language::Shell => None,
    };
    let (at, what) = patched?;
    Some((tokens[at].line, what))
}

/// The path that stands before an assignment: `a . b [ c ]`, as the index where it begins.
fn target(tokens: &[Token], assigns: usize) -> usize {
    let mut at = assigns;
    while at > 0 {
        let before = &tokens[at - 1];
        if before.is("]") || before.is(")") {
            let mut depth = 0_usize;
            let mut open = at - 1;
            loop {
                match tokens[open].text.as_str() {
                    "]" | ")" => depth += 1,
                    "[" | "(" => depth -= 1,
                    _ => {}
                }
                if depth == 0 || open == 0 {
                    break;
                }
                open -= 1;
            }
            at = open;
        } else if before.is(".") || before.is("::") || (before.is_word() && is_path(tokens, at)) {
            at -= 1;
        } else {
            break;
        }
        if at < assigns && begins_path(tokens, at) {
            break;
        }
    }
    at
}

/// Whether a word before `at` goes on in a path.
fn is_path(tokens: &[Token], at: usize) -> bool {
    tokens
        .get(at)
        .is_some_and(|next| matches!(next.text.as_str(), "." | "[" | "(" | "=" | "::"))
}

fn begins_path(tokens: &[Token], at: usize) -> bool {
    tokens[at].is_word()
        && !at
            .checked_sub(1)
            .is_some_and(|before| tokens[before].is(".") || tokens[before].is("::"))
}

/// The assignments to members: where each target begins, and where its `=` stands.
fn member_assignments(tokens: &[Token]) -> impl Iterator<Item = (usize, usize)> {
    let assigns = |(_, token): &(usize, &Token)| {
        token.kind == Kind::Punct && matches!(token.text.as_str(), "=" | "||=" | "??=" | "&&=")
    };
    let compares = |(index, _): &(usize, &Token)| {
        index
            .checked_sub(1)
            .is_some_and(|before| is_one_of(&tokens[before].text, "> < ! ="))
    };
    tokens
        .iter()
        .enumerate()
        .filter(assigns)
        .filter(move |it| !compares(it))
        .map(|(index, _)| (target(tokens, index), index))
        .filter(|(from, to)| {
            tokens[*from..*to]
                .iter()
                .any(|token| token.is(".") || token.is("["))
        })
}

/// The first assignment whose target is not the statement's own: of a member of something
/// else, or of a name that was there before.
pub(super) fn assigned_within<'a>(
    statement: &'a [Token],
    language: Language,
    old: &dyn Fn(&str) -> bool,
) -> Option<&'a str> {
    let text = |at: Option<usize>| {
        at.and_then(|at| statement.get(at))
            .map_or("", |token| token.text.as_str())
    };
    let declared = |name: &str| {
        (0..statement.len()).any(|at| {
            text(Some(at)) == name
                && (is_one_of(text(at.checked_sub(1)), "const let var mut")
                    || (language == Language::Go && text(Some(at + 1)) == ":="))
        })
    };
    for (at, token) in statement.iter().enumerate() {
        let previous = text(at.checked_sub(1));
        // The tokenizers differ in what they keep together: `>=`, `:=`.
        if token.is("=") && is_one_of(previous, "> < ! =") {
            continue;
        }
        let is_split = token.is("=") && previous == ":" && language == Language::Python;
        let is_walrus = is_split || (token.is(":=") && language == Language::Python);
        let assigns = token.kind == Kind::Punct
            && is_one_of(&token.text, "= += -= *= /= %= |= &= ^= ||= &&= ??= ++ --");
        if !(is_walrus || assigns) || at == 0 {
            continue;
        }
        let at = at - usize::from(is_split);
        let from = if is_walrus {
            at.saturating_sub(1)
        } else {
            target(statement, at)
        };
        let Some(base) = statement.get(from) else {
            continue;
        };
        let is_member = at - from > 1;
        let before = text(from.checked_sub(1));
        if !base.is_word() {
            // `(a as any).b = c`; `const [a, b] = c` binds its own.
            if is_member && !is_one_of(before, "const let var") {
                return Some(base.text.as_str());
            }
            continue;
        }
        let is_argument = !is_member
            && matches!(before, "(" | ",")
            && matches!(language, Language::Python | Language::Rust)
            && !is_walrus;
        let name = base.text.as_str();
        if is_argument || declared(name) {
            continue;
        }
        if is_member || old(name) {
            return Some(name);
        }
    }
    None
}

fn is_framework_module(name: &str) -> bool {
    let name = name.trim_start_matches("node:");
    is_one_of(
        name,
        "assert assert/strict test vitest jest @jest/globals chai mocha expect expect.js should ava tap \
         @playwright/test power-assert jasmine uvu uvu/assert",
    )
}

fn in_javascript(tokens: &[Token]) -> Option<(usize, String)> {
    // The names that are bound to a framework's module.
    let mut names: Vec<&str> = vec!["assert", "expect", "chai", "jest", "jasmine"];
    for (index, token) in tokens.iter().enumerate() {
        if token.kind != Kind::Text || !is_framework_module(&token.text) {
            continue;
        }
        let start = tokens[..index]
            .iter()
            .rposition(|it| matches!(it.text.as_str(), "import" | "const" | "let" | "var" | ";"));
        let before = &tokens[start.unwrap_or(index)..index];
        let plain = |it: &&Token| {
            it.is_word()
                && !is_one_of(
                    &it.text,
                    "import const let var from require as default await",
                )
        };
        names.extend(before.iter().filter(plain).map(|it| it.text.as_str()));
    }
    let is_framework = |path: &[Token]| {
        path.first()
            .is_some_and(|first| first.is_word() && names.contains(&first.text.as_str()))
            || path
                .iter()
                .any(|token| token.kind == Kind::Text && is_framework_module(&token.text))
    };
    for (from, to) in member_assignments(tokens) {
        let path = &tokens[from..to];
        // `chai.config.x = …` and `jest.setTimeout` are settings.
        let is_setting = path.iter().any(|token| token.is("config"));
        let patches_globals = path
            .first()
            .is_some_and(|first| is_one_of(&first.text, "globalThis global window"))
            && path.last().is_some_and(|last| {
                is_one_of(
                    last.text.trim_matches('"'),
                    "expect assert it test describe beforeEach afterEach",
                ) || path.iter().rev().nth(1).is_some_and(|last| {
                    is_one_of(
                        &last.text,
                        "expect assert it test describe beforeEach afterEach",
                    )
                })
            });
        if (is_framework(path) && !is_setting) || patches_globals {
            return Some((from, format!("`{}` is replaced", join(path))));
        }
    }
    for (index, token) in tokens.iter().enumerate() {
        let open = index + 3;
        let is_call = tokens.get(index + 1).is_some_and(|it| it.is("."))
            && tokens.get(open).is_some_and(|it| it.is("("));
        if !is_call {
            continue;
        }
        let method = tokens[index + 2].text.as_str();
        let end = group_end(tokens, open);
        let arguments = &tokens[open + 1..end.saturating_sub(1).max(open + 1)];
        let replaces = (token.is("Object")
            && is_one_of(
                method,
                "assign defineProperty defineProperties setPrototypeOf",
            ))
            || (token.is("Reflect") && is_one_of(method, "set defineProperty"))
            || (is_one_of(&token.text, "sinon jest vi mock")
                && is_one_of(method, "stub replace spyOn method"));
        if replaces && is_framework(arguments) {
            return Some((index, "a part of the test framework is replaced".to_owned()));
        }
        if token.is("expect") && method == "extend" {
            let opens = arguments.first().is_some_and(|it| it.is("{"));
            let taken = arguments.iter().enumerate().find(|(at, it)| {
                let next = arguments.get(at + 1);
                is_one_of(&it.text, MATCHERS)
                    && next.is_some_and(|next| matches!(next.text.as_str(), ":" | "(" | "," | "}"))
                    && !at
                        .checked_sub(1)
                        .is_some_and(|before| arguments[before].is("."))
            });
            if let Some((_, matcher)) = taken {
                return Some((index, format!("the matcher `{}` is replaced", matcher.text)));
            }
            let spreads = arguments.iter().any(|it| it.is("..."));
            if (!opens || spreads) && comes_from_here(tokens, arguments) {
                return Some((
                    index,
                    "matchers are replaced by ones of the code".to_owned(),
                ));
            }
        }
    }
    None
}

/// Whether a name among some arguments is imported by a relative path, or made here.
fn comes_from_here(tokens: &[Token], arguments: &[Token]) -> bool {
    let named = arguments.iter().filter(|it| it.is_word());
    let mut named = named.map(|it| it.text.as_str());
    named.any(|name| {
        let Some(at) = tokens.iter().position(|it| it.is_word() && it.text == name) else {
            return true;
        };
        let rest = tokens[at..].iter().take(20);
        rest.into_iter()
            .find(|it| it.kind == Kind::Text)
            .is_none_or(|path| path.text.starts_with('.'))
    })
}

/// `assertEqual` and `assert_same`, but no `assertion`.
fn is_check_name(name: &str) -> bool {
    let rest = name.strip_prefix("assert");
    rest.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_uppercase() || c == '_'))
}

fn in_python(tokens: &[Token]) -> Option<(usize, String)> {
    for (from, to) in member_assignments(tokens) {
        let path = &tokens[from..to];
        let is_head = is_one_of(
            &path[0].text,
            "pytest unittest _pytest builtins __builtins__ TestCase nose doctest",
        );
        let is_check = path.iter().any(|it| {
            it.is("TestCase")
                || it.is("TestResult")
                || ((it.is_word() || it.kind == Kind::Text)
                    && (is_check_name(&it.text) || it.text == "AssertionError"))
        });
        if is_head || is_check {
            return Some((from, format!("`{}` is replaced", join(path))));
        }
    }
    for (index, token) in tokens.iter().enumerate() {
        if !token.is("setattr") || !tokens.get(index + 1).is_some_and(|it| it.is("(")) {
            continue;
        }
        let is_own = tokens
            .get(index.wrapping_sub(2))
            .is_some_and(|it| it.is("monkeypatch"));
        let end = group_end(tokens, index + 1);
        let hits = tokens[index..end].iter().any(|it| {
            is_one_of(&it.text, "pytest unittest builtins TestCase __builtins__")
                || is_check_name(&it.text)
        });
        if hits && !is_own {
            return Some((index, "a part of the test framework is replaced".to_owned()));
        }
    }
    // A value that is equal to everything.
    let equal = tokens
        .windows(2)
        .enumerate()
        .find(|(_, pair)| pair[0].is("def") && (pair[1].is("__eq__") || pair[1].is("__ne__")));
    let (index, _) = equal?;
    let body = tokens[index..].iter().position(|it| it.is("return"))?;
    let is_constant = tokens.get(index + body + 1).is_some_and(|it| it.is("True"))
        && tokens
            .get(index + body + 2)
            .is_none_or(|it| it.kind == Kind::Line)
        && body < 20;
    is_constant.then(|| (index, "a value is made equal to everything".to_owned()))
}

fn in_rust(tokens: &[Token]) -> Option<(usize, String)> {
    for (index, token) in tokens.iter().enumerate() {
        let next = tokens.get(index + 1);
        if token.is("fn") && next.is_some_and(|it| it.is("eq") || it.is("ne")) {
            let Some(open) = block_start(tokens, index) else {
                continue;
            };
            let inner = &tokens[open + 1..group_end(tokens, open).saturating_sub(1).max(open + 1)];
            if inner.len() == 1 && (inner[0].is("true") || inner[0].is("false")) {
                return Some((index, "a value is made equal to everything".to_owned()));
            }
        }
        let defines = token.is("macro_rules")
            && tokens.get(index + 2).is_some_and(|it| {
                it.text.starts_with("assert")
                    && is_one_of(&it.text, "assert assert_eq assert_ne assert_matches")
            });
        if defines {
            return Some((
                index,
                "a macro of the test framework is defined anew".to_owned(),
            ));
        }
    }
    None
}

fn block_start(tokens: &[Token], index: usize) -> Option<usize> {
    (index..tokens.len().min(index + 60)).find(|at| tokens[*at].is("{"))
}

/// A module of the project whose function a source replaces from outside, and where.
pub(super) fn module_patch(tokens: &[Token], language: Language) -> Option<(u32, String)> {
    let is_python = language == Language::Python;
    if !is_python && language != Language::JavaScript {
        return None;
    }
    for (from, to) in member_assignments(tokens) {
        let path = &tokens[from..to];
        let value = tokens.get(to + 1)?;
        let base = path[0].text.as_str();
        let at = |index: usize| tokens.get(index).map_or("", |it| it.text.as_str());
        if is_python {
            let is_module = tokens
                .windows(2)
                .any(|pair| pair[0].is("import") && pair[1].is(base));
            let defined = |name: &str| {
                tokens
                    .windows(2)
                    .any(|pair| pair[0].is("def") && pair[1].is(name))
            };
            let replaces = value.is("lambda") || (value.is_word() && defined(&value.text));
            let reaches_modules = base == "sys"
                && path.iter().any(|it| it.is("modules"))
                && !path.iter().any(|it| it.is("__name__"));
            if (is_module && replaces && path.len() == 3) || reaches_modules {
                return Some((
                    tokens[from].line,
                    format!("`{}` is replaced from outside", join(path)),
                ));
            }
        } else {
            let requires = base == "require";
            let is_module = tokens.iter().enumerate().any(|(index, it)| {
                it.is(base)
                    && at(index + 1) == "="
                    && at(index + 2) == "require"
                    && at(index + 4).starts_with('.')
            });
            let rest = tokens[to + 1..].iter().take(12);
            let is_function = value.is("function")
                || value.is("async")
                || rest
                    .into_iter()
                    .take_while(|it| !it.is(";"))
                    .any(|it| it.is("=>"));
            if requires || (is_module && is_function && path.len() == 3) {
                return Some((
                    tokens[from].line,
                    format!("`{}` is replaced from outside", join(path)),
                ));
            }
        }
    }
    None
}
