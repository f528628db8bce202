//! Whether a statement may be added to a test that was there.

use super::{
    added::shell_statement,
    compare::Side,
    controls::risky_control,
    items::{Item, ItemKind},
    lexer::{Kind, Language, Token, group_end},
    patches::{assigned_within, framework_patch},
    paths::is_one_of,
    screen::{evasion, is_assertion, names_exit},
};

/// Whether a statement only checks, tells, or binds names of its own.
pub(super) fn is_harmless_statement(statement: &[Token], before: &Item, side: &Side) -> bool {
    let language = side.language;
    let has_assertion = statement.iter().any(|token| is_assertion(token, language));
    let Some(first) = statement.first() else {
        return true;
    };
    if language == Language::Shell {
        return has_assertion
            && shell_statement(statement, std::slice::from_ref(before)).is_none()
            && !statement
                .iter()
                .any(|token| token.is("true") || token.is(":"));
    }
    let old = |name: &str| {
        before
            .tokens()
            .any(|token| token.is_word() && token.text == name)
    };
    let starts_as_check = is_assertion(first, language) || first.is("with");
    let is_block = matches!(first.text.as_str(), "for" | "if" | "with");
    let binds = binding(statement).filter(|_| !is_block);
    if risky_control(statement, language).is_some()
        || evasion(statement, language).is_some()
        || names_exit(statement, language)
        || framework_patch(statement, language).is_some()
        || reaches_out(statement, language, side)
        || rebinds(statement, language, &old)
        || assigned_within(&statement[binds.map_or(0, |at| at + 1)..], language, &old).is_some()
    {
        return false;
    }
    if let Some(binds) = binds {
        return binds_its_own(&statement[..binds], language, side, &old);
    }
    let says = is_one_of(
        &first.text,
        "print println eprintln console log fmt dbg t await for if with",
    );
    if is_one_of(&first.text, "def fn function async use import from") {
        let at = 1 + usize::from(first.is("async"));
        return statement.get(at).is_some_and(|name| !old(&name.text));
    }
    starts_as_check
        || (says && (has_assertion || !is_block))
        || (has_assertion
            && statement
                .iter()
                .position(|token| is_assertion(token, language))
                .is_some_and(|at| at <= 2))
}

/// Where a statement that binds names does so: outside of all brackets.
fn binding(statement: &[Token]) -> Option<usize> {
    let mut at = 0;
    while let Some(token) = statement.get(at) {
        if token.kind == Kind::Punct && matches!(token.text.as_str(), "(" | "[" | "{") {
            at = group_end(statement, at);
            continue;
        }
        let compares = at
            .checked_sub(1)
            .is_some_and(|before| is_one_of(&statement[before].text, "> < ! ="));
        if token.kind == Kind::Punct
            && is_one_of(&token.text, "= := += -= *= /= ++ --")
            && !compares
        {
            return Some(at);
        }
        at += 1;
    }
    None
}

/// Whether the names that are bound are the statement's own.
fn binds_its_own(
    target: &[Token],
    language: Language,
    side: &Side,
    old: &dyn Fn(&str) -> bool,
) -> bool {
    let is_plain = |token: &&Token| {
        // `Some` and `Ok` of a pattern bind nothing.
        let is_type = language == Language::Rust && token.text.starts_with(char::is_uppercase);
        token.is_word() && !is_type && !is_one_of(&token.text, "let const var mut err _ ref")
    };
    let mut names = target.iter().filter(is_plain).peekable();
    // What belongs to a thing of the whole file is others' as well.
    let is_member = target.iter().any(|token| token.is(".") || token.is("["));
    let is_shared = is_member
        && names.peek().is_some_and(|name| {
            let items = side.before.iter().chain(&side.after);
            let mut items = items.filter(|item| item.kind != ItemKind::Test);
            items.any(|item| item.name == name.text)
        });
    !is_shared
        && names.peek().is_some_and(|name| !name.is("self"))
        && names.all(|name| !old(&name.text))
}

/// Whether an import, a definition or a target of a loop takes a name that the test used.
fn rebinds(statement: &[Token], language: Language, old: &dyn Fn(&str) -> bool) -> bool {
    let text = |at: usize| statement.get(at).map_or("", |token| token.text.as_str());
    let takes = |at: usize, token: &Token| match (language, token.text.as_str()) {
        (Language::Rust, "use") => {
            let mut names = (at + 1..statement.len()).take_while(|it| text(*it) != ";");
            let ends = |it: usize| matches!(text(it + 1), "," | "}" | ";" | "");
            names.any(|it| ends(it) && (text(it) == "*" || old(text(it))))
        }
        (Language::Rust, "fn")
        | (Language::Python, "def" | "class" | "as")
        | (Language::JavaScript, "function" | "class") => old(text(at + 1)),
        (Language::Python, "import") => {
            let rest = statement[at + 1..].iter();
            let mut line = rest.take_while(|it| it.kind != Kind::Line);
            line.any(|it| it.is("*") || (it.is_word() && old(&it.text)))
        }
        (Language::Python, "for") if at == 0 => {
            let mut targets = statement[1..].iter().take_while(|it| !it.is("in"));
            targets.any(|it| it.is_word() && old(&it.text))
        }
        _ => false,
    };
    let words = statement.iter().enumerate();
    words
        .filter(|(_, token)| token.is_word())
        .any(|(at, token)| takes(at, token))
}

/// Macros that do what they are known to do.
const MACROS: &str = "vec format print println eprint eprintln matches panic unreachable todo dbg concat \
    stringify env include_str include_bytes line file write writeln json hashmap btreemap hashset indoc smallvec \
    bytes quote html dec datetime date time uuid url regex array bail ensure insta expect toml yaml ready pin";

/// Whether a statement goes to what other tests see in ways that no check needs.
fn reaches_out(statement: &[Token], language: Language, side: &Side) -> bool {
    let text = |at: usize| statement.get(at).map_or("", |token| token.text.as_str());
    statement.iter().enumerate().any(|(at, token)| {
        if !token.is_word() {
            return false;
        }
        let word = token.text.as_str();
        let is_call = text(at + 1) == "(";
        match language {
            Language::Python => is_one_of(
                word,
                "__dict__ __setattr__ __import__ __builtins__ builtins vars importlib reload locals ctypes \
                 __code__ __class__ settrace setprofile",
            ),
            Language::JavaScript => {
                let first = at + 4;
                (word == "Object"
                    && is_one_of(text(at + 2), "assign defineProperty defineProperties setPrototypeOf")
                    && text(first) != "{")
                    || (word == "Reflect" && is_one_of(text(at + 2), "set defineProperty setPrototypeOf"))
                    || is_one_of(word, "__proto__ __defineGetter__")
                    || (word == "Function" && is_call)
                    || (is_call
                        && ["mockReturn", "mockImpl", "mockResol", "mockReject"]
                            .iter()
                            .any(|start| word.starts_with(start))
                        && text(0) == "expect")
            }
            // A macro of the code may return, or end the run.
            Language::Rust => {
                text(at + 1) == "!"
                    && matches!(text(at + 2), "(" | "[" | "{")
                    && !is_one_of(word, MACROS)
                    && !word.contains("assert")
                    && !side
                        .before
                        .iter()
                        .any(|item| item.tokens().any(|it| it.is(word)))
            }
            Language::Go | Language::Shell => false,
        }
    })
}
