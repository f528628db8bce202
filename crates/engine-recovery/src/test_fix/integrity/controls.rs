//! Whether words that change where a run goes are harmless where they stand in an added statement.

use super::{
    lexer::{Kind, Language, Token, group_end},
    paths::is_one_of,
    screen::is_control,
};

/// The first word in an added statement by which the test could end, or others see something else.
pub(super) fn risky_control(statement: &[Token], language: Language) -> Option<&Token> {
    let closures = closures(statement, language);
    let controls = statement.iter().enumerate();
    controls
        .filter(|(_, token)| is_control(token, language))
        .find(|(index, _)| !is_mild(statement, *index, language, &closures))
        .map(|(_, token)| token)
}

/// Whether a loop's body can leave the loop or the test before its end.
pub(super) fn leaves_early(body: &[Token], language: Language) -> bool {
    let closures = closures(body, language);
    body.iter().enumerate().any(|(index, token)| {
        token.is_word()
            && matches!(token.text.as_str(), "break" | "return")
            && !is_inside(&closures, index)
            && !follows_failure(body, index, language)
    })
}

fn is_inside(closures: &[(usize, usize)], index: usize) -> bool {
    closures
        .iter()
        .any(|(from, to)| (*from..*to).contains(&index))
}

fn text(tokens: &[Token], index: Option<usize>) -> &str {
    index
        .and_then(|index| tokens.get(index))
        .map_or("", |token| token.text.as_str())
}

/// Whether a control word is of the statement alone: inside a closure, a method of
/// that name, or a part of a library that only tells something.
fn is_mild(
    tokens: &[Token],
    index: usize,
    language: Language,
    closures: &[(usize, usize)],
) -> bool {
    let word = tokens[index].text.as_str();
    let previous = text(tokens, index.checked_sub(1));
    let receiver = text(tokens, index.checked_sub(2));
    let next = text(tokens, Some(index + 1));
    let second = text(tokens, Some(index + 2));
    let in_closure = is_inside(closures, index);
    let is_module = matches!(next, "." | "::");
    if word == "return" && follows_failure(tokens, index, language) {
        return true;
    }
    let is_jump = is_one_of(
        word,
        "return throw raise try catch finally except yield break continue defer",
    );
    if is_jump && in_closure {
        return true;
    }
    match language {
        Language::Rust => match word {
            _ if previous == "." => true,
            "mem" => {
                is_module
                    && is_one_of(
                        second,
                        "size_of size_of_val align_of take replace swap discriminant needs_drop drop",
                    )
            }
            "process" => {
                (is_module && !is_one_of(second, "exit abort")) || next == "(" || next == "."
            }
            "unsafe" => {
                let end = group_end(tokens, index + 1);
                let hides = |token: &Token| {
                    is_one_of(&token.text, "libc asm extern transmute ptr static write")
                };
                next == "{" && !tokens[index..end.min(tokens.len())].iter().any(hides)
            }
            "mock" | "global" | "eval" | "patch" => !is_module,
            _ => false,
        },
        Language::Python => match word {
            "os" => {
                is_module
                    && is_one_of(
                        second,
                        "path environ getcwd sep linesep listdir stat getpid getenv name access pathsep fspath \
                         scandir walk R_OK W_OK X_OK",
                    )
                    && !assigns(tokens, index)
            }
            "sys" => {
                is_module
                    && is_one_of(
                        second,
                        "version_info platform stdout stderr maxsize byteorder executable getsizeof",
                    )
                    && !assigns(tokens, index)
            }
            "mock" => {
                is_module
                    && is_one_of(
                        second,
                        "Mock MagicMock AsyncMock ANY call sentinel mock_open",
                    )
            }
            "raise" => tokens.first().is_some_and(|first| first.is("with")) && next != "SkipTest",
            "process" => !is_module || !is_one_of(second, "exit _exit"),
            "exec" | "eval" | "patch" | "recover" | "pending" | "global" | "window"
                if previous == "." =>
            {
                !is_one_of(receiver, "mock mocker unittest monkeypatch builtins")
            }
            "global" | "nonlocal" => false,
            "exit" | "skip" | "defer" | "recover" | "pending" | "jest" | "vi" => {
                previous == "." && next != "("
            }
            _ => false,
        },
        Language::JavaScript => match word {
            "process" => {
                (previous == "."
                    || next == "("
                    || (next == "."
                        && !is_one_of(second, "exit exitCode reallyExit abort kill _events")))
                    && !assigns(tokens, index)
            }
            "window" | "globalThis" | "global" => next == "." && !assigns(tokens, index),
            "jest" | "vi" | "sinon" => is_module && is_one_of(second, "fn mocked spy match"),
            "mock" => previous == "." && !is_one_of(receiver, "jest vi t mock test"),
            "exec" | "patch" | "catch" | "throw" | "recover" | "eval" | "finally" | "return"
                if previous == "." =>
            {
                !is_one_of(receiver, "vm jest vi")
            }
            "exit" | "pending" | "yield" => previous == "." && next != "(",
            _ => false,
        },
        Language::Go => match word {
            "panic" => in_closure,
            "os" => {
                is_module
                    && !is_one_of(second, "Exit Stdout Stderr Args")
                    && !assigns(tokens, index)
            }
            "exec" => is_module,
            "process" | "mock" | "patch" | "global" | "eval" | "yield" | "try" | "catch"
            | "pending" | "exit" => true,
            _ => false,
        },
        Language::Shell => false,
    }
}

/// Whether the path that begins here is assigned to.
fn assigns(tokens: &[Token], index: usize) -> bool {
    let mut at = index + 1;
    while let Some(token) = tokens.get(at) {
        if token.is(".") || token.is("::") {
            at += 2;
        } else if token.is("[") {
            at = group_end(tokens, at);
        } else {
            return token.is("=");
        }
    }
    false
}

/// Whether a `return` only follows what has already failed the test: `t.Error(…); return`.
fn follows_failure(tokens: &[Token], index: usize, language: Language) -> bool {
    if language != Language::Go {
        return false;
    }
    let mut depth = 0_usize;
    let mut start = 0;
    for at in (0..index).rev() {
        match tokens[at].text.as_str() {
            ")" | "]" | "}" if tokens[at].kind == Kind::Punct => depth += 1,
            "(" | "[" | "{" if tokens[at].kind == Kind::Punct => {
                if depth == 0 {
                    start = at + 1;
                    break;
                }
                depth -= 1;
            }
            _ => {}
        }
    }
    let first = &tokens[start..index];
    first.first().is_some_and(|it| it.is("t"))
        && first.get(1).is_some_and(|it| it.is("."))
        && first
            .get(2)
            .is_some_and(|it| is_one_of(&it.text, "Error Errorf Fatal Fatalf Fail FailNow"))
}

/// Where the bodies of closures stand: what returns there returns from them alone.
fn closures(tokens: &[Token], language: Language) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        let open = match language {
            Language::JavaScript if token.is("=>") => tokens
                .get(index + 1)
                .filter(|next| next.is("{"))
                .map(|_| index + 1),
            Language::JavaScript if token.is("function") => block_after(tokens, index),
            Language::Go if token.is("func") => block_after(tokens, index),
            Language::Rust if token.is("|") || token.is("||") => {
                let begins = index.checked_sub(1).is_none_or(|before| {
                    let before = &tokens[before];
                    before.kind == Kind::Punct
                        && matches!(
                            before.text.as_str(),
                            "(" | "," | "=" | "{" | ";" | "=>" | "["
                        )
                        || before.is("move")
                });
                if !begins {
                    continue;
                }
                let end = if token.is("||") {
                    Some(index)
                } else {
                    (index + 1..tokens.len()).find(|at| tokens[*at].is("|"))
                };
                end.map(|end| end + 1)
                    .filter(|open| tokens.get(*open).is_some_and(|next| next.is("{")))
            }
            Language::Rust if token.is("fn") => block_after(tokens, index),
            _ => None,
        };
        if let Some(open) = open {
            found.push((open, group_end(tokens, open)));
        }
    }
    found
}

/// The brace after a signature.
fn block_after(tokens: &[Token], index: usize) -> Option<usize> {
    let mut at = index + 1;
    while let Some(token) = tokens.get(at) {
        let is_type = tokens
            .get(at.wrapping_sub(1))
            .is_some_and(|before| before.is("interface") || before.is("struct"));
        if token.is("{") && !is_type {
            return Some(at);
        }
        if token.is(";") {
            return None;
        }
        at = if matches!(token.text.as_str(), "(" | "[" | "{") && token.kind == Kind::Punct {
            group_end(tokens, at)
        } else {
            at + 1
        };
    }
    None
}
