//! What became of a test, or of what tests use.

use super::{
    compare::{Side, finding, short},
    items::{Item, ItemKind, same_set, statements},
    lexer::{Kind, Language, Token, join, lex},
    loops::{block_body, is_table, loop_grew, loop_head_grew, table_grew},
    rows::{Rows, for_list_grew, rows_were_added},
    screen::{is_assertion, is_control},
    statement::is_harmless_statement,
    verdict::{Finding, FindingKind},
};

/// Judges an item that is there before and after.
pub(super) fn changed(side: &Side, before: &Item, after: &Item, findings: &mut Vec<Finding>) {
    let gates: Vec<_> = after
        .gates
        .iter()
        .filter(|gate| !before.gates.contains(gate))
        .collect();
    let turned_off = after.kind == ItemKind::Test || after.name.starts_with("mod ");
    if let Some(gate) = gates.first().filter(|_| turned_off) {
        let lower = gate.to_ascii_lowercase();
        let kind = if lower.contains("skip") || lower == "only" {
            FindingKind::Skipped
        } else {
            FindingKind::Ignored
        };
        let message = format!(
            "`{}` is not run as before: {}",
            short(&after.name),
            short(gate)
        );
        findings.push(finding(kind, side, after.line, message));
        return;
    }
    if after.is_same(before) || (after.kind == ItemKind::Test && after.says_the_same(before)) {
        return;
    }
    let marks_only_grew = before.marks.iter().all(|mark| {
        after.marks.contains(mark)
            || after
                .marks
                .iter()
                .any(|it| grew_text(mark, it, side.language))
    }) && after.marks.iter().all(|mark| {
        before.marks.contains(mark)
            || before
                .marks
                .iter()
                .any(|it| grew_text(it, mark, side.language))
            || is_case(mark)
    });
    if !marks_only_grew && !same_set(&before.marks, &after.marks) && !after.name.starts_with("mod ")
    {
        let kind = if side.language == Language::Go || before.marks.len() > after.marks.len() {
            FindingKind::ExpectationChanged
        } else {
            FindingKind::Weakened
        };
        let message = format!(
            "the marks of `{}` changed from [{}] to [{}]",
            short(&after.name),
            short(&before.marks.join("; ")),
            short(&after.marks.join("; "))
        );
        findings.push(finding(kind, side, after.line, message));
        return;
    }
    match after.kind {
        ItemKind::Import => {
            let message = format!(
                "`{}` is imported from elsewhere: {}",
                after.name,
                short(&join(&after.body))
            );
            findings.push(finding(FindingKind::Weakened, side, after.line, message));
        }
        ItemKind::Definition if after.name.starts_with("class ") => {}
        ItemKind::Definition if after.name.starts_with("suite ") => {
            let tables = |item: &Item| item.header.iter().any(|token| token.is("each"));
            if tables(before)
                && before.header != after.header
                && !rows_were_added(&before.header, &after.header, Rows::InCall)
            {
                let message = format!("the cases of `{}` changed", short(&after.name));
                findings.push(finding(
                    FindingKind::ExpectationChanged,
                    side,
                    after.line,
                    message,
                ));
            }
        }
        ItemKind::Loose => {}
        ItemKind::Test | ItemKind::Definition => {
            let same_header = before.header == after.header
                || (after.kind == ItemKind::Test
                    && rows_were_added(&before.header, &after.header, Rows::InCall));
            if same_header && harmless(before, after, side) {
                return;
            }
            let (kind, what) = classify(&before.body, &after.body, side.language);
            let subject = if after.kind == ItemKind::Test {
                "test"
            } else {
                "what tests use,"
            };
            let message = format!("{subject} `{}` {what}", short(&after.name));
            findings.push(finding(kind, side, after.line, message));
        }
    }
}

/// A mark that adds a case to a test.
fn is_case(mark: &str) -> bool {
    let first = mark.split(' ').next().unwrap_or("");
    matches!(
        first,
        "case" | "test_case" | "values" | "timeout" | "traced_test"
    ) || mark.starts_with("pytest . mark . parametrize")
        || mark.starts_with("pytest . mark . usefixtures")
}

fn grew_text(before: &str, after: &str, language: Language) -> bool {
    let lex = |text: &str| lex(text, language).tokens;
    let (before, after) = (lex(before), lex(after));
    let takes_list = before.iter().any(|token| token.is("parametrize"));
    let rows = if takes_list {
        Rows::InCall
    } else {
        Rows::Grouped
    };
    rows_were_added(&before, &after, rows)
}

/// Whether a statement of loose code is the same, with something added to its list.
pub(super) fn grew(before: &[Token], after: &[Token], language: Language) -> bool {
    match language {
        Language::Shell => for_list_grew(before, after),
        _ => {
            before.first() == after.first()
                && before.first().is_some_and(|it| it.is("for"))
                && loop_grew(before, after, language)
        }
    }
}

/// Whether only checks, names of their own and rows of tables were added to a body.
fn harmless(before: &Item, after: &Item, side: &Side) -> bool {
    let language = side.language;
    if after.kind == ItemKind::Definition && table_grew(before, after, side) {
        return true;
    }
    if let Some(grown) = members_grew(before, after, language) {
        return grown;
    }
    body_grew(&before.body, &after.body, before, side, 0)
}

/// How deep loops inside loops are looked into.
const MAX_DEPTH: usize = 6;

/// Whether a body is the same with harmless statements among it.
fn body_grew(old: &[Token], new: &[Token], before: &Item, side: &Side, depth: usize) -> bool {
    let language = side.language;
    let (old, new) = (statements(old, language), statements(new, language));
    let mut old = old.iter().peekable();
    let is_row_target = |statement: &[Token]| {
        is_table(statement, &before.body, language)
            && !statement.iter().any(|token| is_assertion(token, language))
    };
    let block_grew = |old: &[Token], new: &[Token]| {
        let (Some((head, body)), Some((new_head, new_body))) =
            (block_body(old, language), block_body(new, language))
        else {
            return false;
        };
        depth < MAX_DEPTH
            && (head == new_head || loop_head_grew(old, new, language))
            && body_grew(body, new_body, before, side, depth + 1)
    };
    for statement in &new {
        match old.peek() {
            Some(next) if *next == statement => {
                old.next();
            }
            Some(next)
                if is_row_target(next) && rows_were_added(next, statement, Rows::InList)
                    || loop_grew(next, statement, language)
                    || block_grew(next, statement) =>
            {
                old.next();
            }
            // What stands last decides how a shell function ends.
            None if language == Language::Shell => return false,
            _ => {
                if !is_harmless_statement(statement, before, side) {
                    return false;
                }
            }
        }
    }
    old.next().is_none()
}

/// For a type or class: whether members were only added. `None` for anything else.
fn members_grew(before: &Item, after: &Item, language: Language) -> Option<bool> {
    if before.kind != ItemKind::Definition
        || language == Language::Shell
        || language == Language::Python
    {
        return None;
    }
    let open = |item: &Item| item.body.iter().position(|token| token.is("{"));
    let (old, new) = (open(before)?, open(after)?);
    let ends = |item: &Item| item.body.last().is_some_and(|last| last.is("}"));
    let is_type = before.body[..old].iter().any(|token| {
        matches!(
            token.text.as_str(),
            "impl" | "struct" | "class" | "enum" | "trait" | "interface" | "type"
        )
    });
    if !is_type || !ends(before) || !ends(after) || before.body[..old] != after.body[..new] {
        return None;
    }
    let inner =
        |item: &Item, open: usize| statements(&item.body[open + 1..item.body.len() - 1], language);
    let new = inner(after, new);
    let mut new = new.iter();
    Some(
        inner(before, old)
            .iter()
            .all(|member| new.any(|it| it == member)),
    )
}

/// Says what was done to a body.
pub(super) fn classify(
    before: &[Token],
    after: &[Token],
    language: Language,
) -> (FindingKind, &'static str) {
    let says_nothing = |token: &Token| {
        matches!(
            token.kind,
            Kind::Line | Kind::Indent | Kind::Dedent | Kind::Text
        ) || matches!(
            token.text.as_str(),
            "pass" | "..." | "return" | ":" | "true" | ";" | "None" | "{" | "}" | "(" | ")" | "Ok"
        )
    };
    if after.iter().all(says_nothing) && !before.iter().all(says_nothing) {
        return (FindingKind::Emptied, "is emptied");
    }
    let count = |tokens: &[Token], word: &dyn Fn(&Token) -> bool| {
        tokens.iter().filter(|token| word(token)).count()
    };
    let stops = |token: &Token| {
        let word = token.text.to_ascii_lowercase();
        token.is_word()
            && (word.contains("skip") || word == "xfail" || word == "todo" || word == "pending")
    };
    if count(after, &stops) > count(before, &stops) {
        return (FindingKind::Skipped, "is skipped from within");
    }
    let checks = |tokens: &[Token]| -> Vec<String> {
        let found = tokens.iter().filter(|token| is_assertion(token, language));
        found.map(|token| token.text.clone()).collect()
    };
    let (old, new) = (checks(before), checks(after));
    if old.len() > new.len() {
        return (FindingKind::Weakened, "has lost checks");
    }
    let leaves = |token: &Token| is_control(token, language);
    if count(after, &leaves) > count(before, &leaves) {
        return (
            FindingKind::Weakened,
            "can end, or go round its checks, where it could not before",
        );
    }
    let is_value = |token: &&Token| matches!(token.kind, Kind::Number | Kind::Text);
    let values = |tokens: &[Token]| tokens.iter().filter(is_value).cloned().collect::<Vec<_>>();
    let words = |tokens: &[Token]| {
        tokens
            .iter()
            .filter(|token| !is_value(token))
            .cloned()
            .collect::<Vec<_>>()
    };
    if old == new && words(before) == words(after) && values(before) != values(after) {
        return (FindingKind::ExpectationChanged, "expects other values");
    }
    if old != new {
        return (FindingKind::Weakened, "checks in another way than before");
    }
    (FindingKind::Weakened, "says something else than before")
}
