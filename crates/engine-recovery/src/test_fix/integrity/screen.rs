//! Words that check, words that change where a test goes, and words by which a run ends unseen.

use super::{
    lexer::{Kind, Language, Token},
    paths::is_one_of,
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
        Language::JavaScript => is_one_of(
            word,
            "expect should equal deepEqual strictEqual deepStrictEqual ok throws rejects is same \
    expectTypeOf",
        ),
        Language::Go => is_one_of(
            word,
            "Error Errorf Fatal Fatalf Fail FailNow require Expect Equal NoError True False check \
    Nil",
        ),
        Language::Shell => {
            is_one_of(
                word,
                "[ [[ test exit grep diff cmp fail expect false check eq is run die error",
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
    let common = is_one_of(
        word,
        "return break continue goto exit Exit _exit skip Skip SkipNow Skipf skipTest SkipTest \
    skipif skipIf todo xfail try catch except finally yield mock patch monkeypatch spyOn \
    jest vi sinon setattr delattr eval exec globals recover defer catch_unwind process \
    pending importorskip expectedFailure suppress retryTimes",
    );
    common
        || match language {
            Language::Python => {
                matches!(word, "raise" | "del" | "global" | "nonlocal" | "os" | "sys")
            }
            Language::JavaScript => matches!(word, "throw" | "globalThis" | "global" | "window"),
            Language::Rust => matches!(word, "macro_rules" | "unsafe" | "mem"),
            Language::Go => matches!(word, "panic" | "os" | "syscall"),
            Language::Shell => is_one_of(word, "trap alias unalias set source . unset kill : true"),
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
            // A name alone does nothing: `expect(process.exit)`.
            let near = &tokens[index..tokens.len().min(index + 8)];
            let at = near.iter().position(|token| token.is(second)).unwrap_or(0);
            let after = near.get(at + 1);
            let acts = match *second {
                "exitCode" => after.is_some_and(|it| it.is("=")),
                "modules" | "meta_path" | "cache" | "_load" | "_resolveFilename" | "expect"
                | "it" | "test" => true,
                _ => *first == "raise" || after.is_some_and(|it| it.is("(")),
            };
            // `exit(1)` ends the run with a failure.
            let argument = near.get(at + 2);
            let fails = argument.is_some_and(|it| it.kind == Kind::Number && it.text != "0");
            if acts && !fails {
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

/// Whether a way to end the process is named, called or not, but in a check of itself:
/// `expect(process.exit)`.
pub(super) fn names_exit(tokens: &[Token], language: Language) -> bool {
    let pairs: &[(&str, &str)] = match language {
        Language::Python => &[
            ("os", "_exit"),
            ("sys", "exit"),
            ("os", "abort"),
            ("os", "kill"),
        ],
        Language::JavaScript => &[
            ("process", "exit"),
            ("process", "reallyExit"),
            ("process", "abort"),
        ],
        Language::Rust => &[("process", "exit"), ("process", "abort"), ("libc", "exit")],
        Language::Go => &[("os", "Exit"), ("syscall", "Exit"), ("runtime", "Goexit")],
        Language::Shell => &[],
    };
    tokens.windows(3).enumerate().any(|(index, row)| {
        let is_pair = pairs
            .iter()
            .any(|(first, second)| row[0].is(first) && row[2].is(second));
        let is_checked = index >= 2
            && tokens[index - 1].is("(")
            && is_assertion(&tokens[index - 2], language)
            && tokens.get(index + 3).is_some_and(|next| next.is(")"));
        let fails = tokens.get(index + 3).is_some_and(|next| next.is("("))
            && tokens
                .get(index + 4)
                .is_some_and(|code| code.kind == Kind::Number && code.text != "0");
        is_pair && (row[1].is(".") || row[1].is("::")) && !is_checked && !fails
    })
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
