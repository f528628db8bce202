//! Compares what the tests were with what they are after a fix.

use super::{
    items::{Item, ItemKind, same_set, statements},
    lexer::{Kind, Language, Token, join},
    paths, screen,
    verdict::{Finding, FindingKind},
};

/// The test code of one changed file.
pub(super) struct Side {
    pub(super) path: String,
    pub(super) language: Language,
    pub(super) before: Vec<Item>,
    pub(super) after: Vec<Item>,
    /// Whether the fix has added the file.
    pub(super) is_new: bool,
    /// Whether the file is there after the fix.
    pub(super) is_left: bool,
    /// Whether the test command names it.
    pub(super) is_script: bool,
    /// Whether the whole file is of the tests.
    pub(super) is_whole: bool,
}

/// An item of a side.
type Place = (usize, usize);

/// What the comparison has matched so far.
struct Matches {
    /// For each item after the fix, the item before that it is.
    origin: Vec<Vec<Option<Place>>>,
}

pub(super) fn compare(sides: &[Side]) -> Vec<Finding> {
    let mut matches = Matches {
        origin: sides
            .iter()
            .map(|side| vec![None; side.after.len()])
            .collect(),
    };
    let mut left: Vec<Place> = Vec::new();
    let mut findings = Vec::new();
    for (index, side) in sides.iter().enumerate() {
        by_name(index, side, &mut matches, &mut left);
    }
    left.retain(|place| !moved(*place, sides, &mut matches, &mut findings));
    for (index, item) in left {
        missing(
            &sides[index],
            &sides[index].before[item],
            sides,
            &mut findings,
        );
    }
    for (index, side) in sides.iter().enumerate() {
        for (at, item) in side.after.iter().enumerate() {
            match matches.origin[index][at] {
                Some((from, before)) => {
                    changed(side, &sides[from].before[before], item, &mut findings)
                }
                None => new(side, item, &mut findings),
            }
        }
        order(side, &matches.origin[index], index, &mut findings);
    }
    findings
}

/// Matches items of one file by their names, and those without by what they say.
fn by_name(index: usize, side: &Side, matches: &mut Matches, left: &mut Vec<Place>) {
    let used = &mut matches.origin[index];
    let mut waiting = Vec::new();
    // What is the same first, so that a second one of a name is the added one.
    for (at, before) in side.before.iter().enumerate() {
        let found = (0..side.after.len()).find(|it| {
            used[*it].is_none()
                && side.after[*it].name == before.name
                && side.after[*it].is_same(before)
        });
        match found {
            Some(found) => used[found] = Some((index, at)),
            None => waiting.push(at),
        }
    }
    for at in waiting {
        let before = &side.before[at];
        let found = (0..side.after.len()).find(|it| {
            let after = &side.after[*it];
            used[*it].is_none()
                && after.kind == before.kind
                && before.kind != ItemKind::Loose
                && after.name == before.name
        });
        match found {
            Some(found) => used[found] = Some((index, at)),
            None => left.push((index, at)),
        }
    }
    // Loose statements have no name: one that only grew is the same one.
    left.retain(|(of, at)| {
        if *of != index || side.before[*at].kind != ItemKind::Loose {
            return true;
        }
        let before = &side.before[*at];
        let found = (0..side.after.len()).find(|it| {
            let after = &side.after[*it];
            used[*it].is_none()
                && after.kind == ItemKind::Loose
                && grew(&before.body, &after.body, side.language)
        });
        if let Some(found) = found {
            used[found] = Some((index, *at));
        }
        found.is_none()
    });
}

/// Finds an item that says the same under another name or in another file.
fn moved(
    (index, at): Place,
    sides: &[Side],
    matches: &mut Matches,
    findings: &mut Vec<Finding>,
) -> bool {
    let before = &sides[index].before[at];
    if !matches!(before.kind, ItemKind::Test | ItemKind::Definition)
        || before.name.starts_with("mod ")
    {
        return false;
    }
    for (to, side) in sides.iter().enumerate() {
        if side.language != sides[index].language {
            continue;
        }
        let found = (0..side.after.len()).find(|it| {
            let after = &side.after[*it];
            let same_name = before.kind == ItemKind::Test || after.name == before.name;
            matches.origin[to][*it].is_none() && same_name && after.says_the_same(before)
        });
        let Some(found) = found else { continue };
        matches.origin[to][found] = Some((index, at));
        if to != index && before.kind == ItemKind::Test {
            let after = &side.after[found];
            if !lands_where_it_runs(side, sides) {
                findings.push(finding(
                    FindingKind::Ignored,
                    side,
                    after.line,
                    format!(
                        "test `{}` was moved to where its runner does not look",
                        before.name
                    ),
                ));
            }
            if let Some(name) = sees_another(before, &sides[index], side) {
                findings.push(finding(
                    FindingKind::Weakened,
                    side,
                    after.line,
                    format!(
                        "test `{}` was moved to where `{name}` is another one",
                        before.name
                    ),
                ));
            }
        }
        return true;
    }
    false
}

/// Whether a runner finds the tests of a file.
fn lands_where_it_runs(side: &Side, sides: &[Side]) -> bool {
    if !paths::is_collected(&side.path, side.language) {
        return false;
    }
    if side.language != Language::Rust || !side.is_new {
        return true;
    }
    let parts: Vec<_> = side.path.split('/').collect();
    let (name, folders) = parts
        .split_last()
        .map_or(("", &[][..]), |(name, folders)| (*name, folders));
    let stem = name.trim_end_matches(".rs");
    let folder = folders.last().copied().unwrap_or("");
    let is_root = matches!(name, "lib.rs" | "main.rs") || folder == "tests";
    let module = if stem == "mod" { folder } else { stem };
    let declares = |item: &Item| item.name == format!("mod {module}");
    is_root || sides.iter().flat_map(|side| &side.after).any(declares)
}

/// A name that a moved test uses, and that is imported from elsewhere at its new place.
fn sees_another(test: &Item, from: &Side, to: &Side) -> Option<String> {
    let imports = |items: &'_ [Item]| -> Vec<(String, String)> {
        let imports = items.iter().filter(|item| item.kind == ItemKind::Import);
        imports
            .map(|item| {
                let last = |token: &Token| {
                    token
                        .text
                        .rsplit(['/', '.'])
                        .find(|part| {
                            !part.is_empty()
                                && !matches!(*part, "js" | "ts" | "mjs" | "cjs" | "tsx" | "jsx")
                        })
                        .unwrap_or("")
                        .to_owned()
                };
                let body: Vec<_> = item
                    .body
                    .iter()
                    .filter(|token| {
                        !matches!(token.text.as_str(), "super" | "crate" | "::" | "self")
                    })
                    .map(last)
                    .collect();
                (item.name.clone(), body.join(" "))
            })
            .collect()
    };
    let (before, after) = (imports(&from.before), imports(&to.after));
    let uses = |name: &str| {
        test.tokens()
            .any(|token| token.is_word() && token.text == name)
    };
    before
        .iter()
        .filter(|(name, _)| uses(name))
        .find(|(name, path)| {
            after
                .iter()
                .any(|(other, theirs)| other == name && theirs != path)
        })
        .map(|(name, _)| name.clone())
}

/// Says what is gone.
fn missing(side: &Side, before: &Item, sides: &[Side], findings: &mut Vec<Finding>) {
    let mentions = |name: &str| {
        side.after
            .iter()
            .any(|item| item.tokens().any(|token| token.text == name))
    };
    let plain = before
        .name
        .rsplit(['.', ':', '>', ' '])
        .next()
        .unwrap_or("");
    match before.kind {
        ItemKind::Test => {
            let as_other = side.after.iter().find(|item| {
                let name = item.name.rsplit(['.', ':', '>', ' ']).next().unwrap_or("");
                item.kind != ItemKind::Test
                    && (item.name == before.name || name == plain || item.body == before.body)
            });
            let (kind, line, message) = match as_other {
                Some(item) if !before.name.starts_with("doctest") => (
                    FindingKind::Ignored,
                    item.line,
                    format!("`{}` is no longer a test that a runner finds", before.name),
                ),
                _ => (
                    FindingKind::Deleted,
                    before.line,
                    format!("test `{}` is gone", short(&before.name)),
                ),
            };
            findings.push(finding(kind, side, line, message));
        }
        ItemKind::Definition => {
            let is_head = before.name.starts_with("class ") || before.name.starts_with("suite ");
            if is_head {
                return;
            }
            if let Some(module) = before.name.strip_prefix("mod ") {
                // A module whose file has gone with it, its tests elsewhere.
                let file_is_gone = sides.iter().any(|other| {
                    !other.is_left
                        && (other.path.ends_with(&format!("{module}.rs"))
                            || other.path.ends_with(&format!("{module}/mod.rs")))
                });
                if !file_is_gone {
                    let message =
                        format!("`mod {module};` is gone, and the tests of the module with it");
                    findings.push(finding(FindingKind::Deleted, side, before.line, message));
                }
                return;
            }
            let is_hook = matches!(
                plain,
                "setUp"
                    | "tearDown"
                    | "setUpClass"
                    | "setup_method"
                    | "TestMain"
                    | "teardown"
                    | "setup"
            );
            let is_conftest = paths::file_name(&side.path) == "conftest.py";
            let nothing_left = !side.is_left && side.is_whole;
            if is_hook
                || is_conftest
                || nothing_left
                || mentions(plain)
                || before
                    .body
                    .iter()
                    .any(|token| screen::is_assertion(token, side.language))
            {
                let message = format!("`{}`, which tests use, is gone", short(&before.name));
                findings.push(finding(FindingKind::Weakened, side, before.line, message));
            }
        }
        ItemKind::Import => {
            if !side.is_left || !side.after.iter().any(|item| item.kind == ItemKind::Test) {
                return;
            }
            let used = side
                .after
                .iter()
                .filter(|item| item.kind != ItemKind::Import);
            let is_used = used
                .into_iter()
                .any(|item| item.tokens().any(|token| token.text == before.name));
            if is_used && before.name != "*" {
                let message = format!("`{}` is no longer imported from where it was", before.name);
                findings.push(finding(FindingKind::Weakened, side, before.line, message));
            }
        }
        ItemKind::Loose => {
            let kind = loose_kind(side, before);
            let message = format!(
                "a statement of the tests is gone or changed: {}",
                short(&join(&before.body))
            );
            findings.push(finding(kind, side, before.line, message));
        }
    }
}

fn loose_kind(side: &Side, before: &Item) -> FindingKind {
    if !side.is_left || side.after.is_empty() {
        return FindingKind::Deleted;
    }
    if side.is_script {
        return FindingKind::TestCommand;
    }
    // The closest of what is there instead tells what was done.
    let close = side
        .after
        .iter()
        .filter(|item| item.kind == ItemKind::Loose)
        .max_by_key(|item| {
            item.body
                .iter()
                .filter(|token| before.body.contains(token))
                .count()
        });
    match close {
        Some(after) => classify(&before.body, &after.body, side.language).0,
        None => FindingKind::Weakened,
    }
}

/// Judges an item that is there before and after.
fn changed(side: &Side, before: &Item, after: &Item, findings: &mut Vec<Finding>) {
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
        ItemKind::Definition
            if after.name.starts_with("suite ") || after.name.starts_with("class ") => {}
        ItemKind::Loose => {}
        ItemKind::Test | ItemKind::Definition => {
            let same_header = before.header == after.header
                || (after.kind == ItemKind::Test
                    && screen::rows_were_added(&before.header, &after.header));
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
    let lex = |text: &str| super::lexer::lex(text, language).tokens;
    screen::rows_were_added(&lex(before), &lex(after))
}

/// Whether a statement of loose code is the same, with something added to its list.
fn grew(before: &[Token], after: &[Token], language: Language) -> bool {
    match language {
        Language::Shell => screen::for_list_grew(before, after),
        _ => {
            before.first() == after.first()
                && before.first().is_some_and(|it| it.is("for"))
                && screen::rows_were_added(before, after)
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
    let (old, new) = (
        statements(&before.body, language),
        statements(&after.body, language),
    );
    let mut old = old.iter().peekable();
    let is_row_target = |statement: &[Token]| {
        is_table(statement, &before.body)
            && !statement
                .iter()
                .any(|token| screen::is_assertion(token, language))
    };
    for statement in &new {
        match old.peek() {
            Some(next) if *next == statement => {
                old.next();
            }
            Some(next) if is_row_target(next) && screen::rows_were_added(next, statement) => {
                old.next();
            }
            // What stands last decides how a shell function ends.
            None if language == Language::Shell => return false,
            _ => {
                if !is_harmless_statement(statement, before, language) {
                    return false;
                }
            }
        }
    }
    old.next().is_none()
}

/// Whether a statement makes a table that a loop goes over.
fn is_table(statement: &[Token], body: &[Token]) -> bool {
    if statement.first().is_some_and(|first| first.is("for")) {
        return true;
    }
    let name = statement.iter().find(|token| {
        token.is_word()
            && !matches!(
                token.text.as_str(),
                "let" | "const" | "var" | "mut" | "static"
            )
    });
    let Some(name) = name else { return false };
    iterates(body, &name.text)
}

/// Whether a loop goes over the values of a name.
fn iterates(tokens: &[Token], name: &str) -> bool {
    tokens.iter().enumerate().any(|(index, token)| {
        if !(token.is_word() && token.text == name) {
            return false;
        }
        let before = index
            .checked_sub(1)
            .map_or("", |before| tokens[before].text.as_str());
        let second = index
            .checked_sub(2)
            .map_or("", |before| tokens[before].text.as_str());
        let after = tokens
            .get(index + 1)
            .map_or("", |after| after.text.as_str());
        let method = tokens
            .get(index + 2)
            .map_or("", |after| after.text.as_str());
        matches!(before, "range" | "in" | "of")
            || (before == "&" && second == "in")
            || (after == "."
                && matches!(method, "iter" | "into_iter" | "forEach" | "map" | "items"))
    })
}

/// Whether a constant is a table of cases to which rows were added.
fn table_grew(before: &Item, after: &Item, side: &Side) -> bool {
    let name = before
        .name
        .rsplit(['.', ':', '>', ' '])
        .next()
        .unwrap_or("");
    let used = side.before.iter().any(|item| {
        let tokens: Vec<_> = item.tokens().cloned().collect();
        iterates(&tokens, name)
            || item.marks.iter().any(|mark| {
                mark.contains("parametrize") && mark.split(' ').any(|word| word == name)
            })
            || item
                .header
                .windows(3)
                .any(|three| three[0].is("each") && three[1].is("(") && three[2].is(name))
    });
    used && screen::rows_were_added(&before.body, &after.body)
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

fn is_harmless_statement(statement: &[Token], before: &Item, language: Language) -> bool {
    let has_assertion = statement
        .iter()
        .any(|token| screen::is_assertion(token, language));
    let Some(first) = statement.first() else {
        return true;
    };
    if language == Language::Shell {
        return has_assertion
            && screen::shell_statement(statement, std::slice::from_ref(before)).is_none()
            && !statement
                .iter()
                .any(|token| token.is("true") || token.is(":"));
    }
    let starts_as_check = screen::is_assertion(first, language) || first.is("with");
    let controls = statement
        .iter()
        .find(|token| screen::is_control(token, language));
    let only_inside = |token: &Token| {
        matches!(
            token.text.as_str(),
            "return" | "throw" | "raise" | "try" | "exec" | "process" | "panic"
        )
    };
    if controls.is_some_and(|token| !(starts_as_check && only_inside(token))) {
        return false;
    }
    let old = |name: &str| {
        before
            .tokens()
            .any(|token| token.is_word() && token.text == name)
    };
    let binds = statement.iter().position(|token| {
        token.kind == Kind::Punct
            && matches!(
                token.text.as_str(),
                "=" | ":=" | "+=" | "-=" | "*=" | "/=" | "++" | "--"
            )
    });
    let is_call = statement.iter().position(|token| token.is("("));
    if let Some(binds) =
        binds.filter(|binds| is_call.is_none_or(|call| *binds < call) || !starts_as_check)
    {
        let is_plain = |token: &&Token| {
            token.is_word()
                && !matches!(
                    token.text.as_str(),
                    "let" | "const" | "var" | "mut" | "err" | "_" | "ref"
                )
        };
        let names = statement[..binds].iter().filter(is_plain);
        let mut names = names.peekable();
        return names.peek().is_some_and(|name| !name.is("self"))
            && names.all(|name| !old(&name.text));
    }
    let says = matches!(
        first.text.as_str(),
        "print"
            | "println"
            | "eprintln"
            | "console"
            | "log"
            | "fmt"
            | "dbg"
            | "t"
            | "await"
            | "for"
            | "if"
            | "with"
    );
    let defines = matches!(
        first.text.as_str(),
        "def" | "fn" | "function" | "async" | "use" | "import" | "from"
    );
    if defines {
        return statement.get(1).is_some_and(|name| !old(&name.text));
    }
    starts_as_check
        || (says && (has_assertion || !matches!(first.text.as_str(), "for" | "if" | "with")))
        || (has_assertion
            && statement
                .iter()
                .position(|token| screen::is_assertion(token, language))
                .is_some_and(|at| at <= 2))
}

/// Says what was done to a body.
fn classify(before: &[Token], after: &[Token], language: Language) -> (FindingKind, &'static str) {
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
        let found = tokens
            .iter()
            .filter(|token| screen::is_assertion(token, language));
        found.map(|token| token.text.clone()).collect()
    };
    let (old, new) = (checks(before), checks(after));
    if old.len() > new.len() {
        return (FindingKind::Weakened, "has lost checks");
    }
    let leaves = |token: &Token| screen::is_control(token, language);
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

/// Judges an item that the fix has added.
fn new(side: &Side, item: &Item, findings: &mut Vec<Finding>) {
    let overrides = matches!(side.language, Language::Python | Language::Shell)
        && item.kind != ItemKind::Loose
        && item.kind != ItemKind::Import
        && side
            .before
            .iter()
            .any(|before| before.name == item.name && before.kind == item.kind)
        && side
            .after
            .iter()
            .filter(|after| after.name == item.name)
            .count()
            > 1;
    if overrides {
        let message = format!(
            "`{}` is defined a second time, in place of the first",
            short(&item.name)
        );
        findings.push(finding(FindingKind::Weakened, side, item.line, message));
        return;
    }
    if let Some(what) = screen::added(item, &side.before, side.language) {
        let kind = if what.starts_with("`only`") {
            FindingKind::Skipped
        } else {
            FindingKind::Evasion
        };
        findings.push(finding(kind, side, item.line, what));
        return;
    }
    if side.language == Language::Shell
        && item.kind == ItemKind::Loose
        && !side.is_new
        && let Some(what) = screen::shell_statement(&item.body, &side.before)
    {
        findings.push(finding(FindingKind::TestCommand, side, item.line, what));
    }
}

/// Loose statements run one after the other: what was there must run in the same order.
fn order(side: &Side, origin: &[Option<Place>], index: usize, findings: &mut Vec<Finding>) {
    let mut last = 0;
    for (at, place) in origin.iter().enumerate() {
        let item = &side.after[at];
        if item.kind != ItemKind::Loose || item.is_nested {
            continue;
        }
        if let Some((from, before)) = place
            && *from == index
        {
            if *before < last {
                let message = format!(
                    "a statement runs later than before: {}",
                    short(&join(&item.body))
                );
                findings.push(finding(FindingKind::Weakened, side, item.line, message));
                return;
            }
            last = *before;
        }
    }
    if side.language != Language::Shell || side.is_new {
        return;
    }
    // A script's last command is its result, unless it stops at the first failure.
    let is_loose = |item: &&Item| item.kind == ItemKind::Loose;
    let Some(end) = side.before.last().filter(is_loose) else {
        return;
    };
    let stops = side.before.iter().filter(is_loose).any(|item| {
        item.body.first().is_some_and(|first| first.is("set"))
            && item.body.get(1).is_some_and(|flags| {
                (flags.text.starts_with('-') && flags.text.contains('e')) || flags.text == "-o"
            })
    });
    let exits = end
        .body
        .iter()
        .any(|token| token.is("exit") || token.is("exec"));
    let follows = side.after.last().is_some_and(|item| {
        origin.last().is_some_and(Option::is_none) && item.kind != ItemKind::Test
    });
    if follows && !stops && !exits && side.before.iter().any(|item| item.kind == ItemKind::Loose) {
        let line = side.after.last().map_or(0, |item| item.line);
        let message = "what stands after the last command decides the script's result".to_owned();
        findings.push(finding(FindingKind::TestCommand, side, line, message));
    }
}

fn short(text: &str) -> String {
    const LIMIT: usize = 120;
    let line: String = text.chars().take(LIMIT).collect();
    if line.len() < text.len() {
        format!("{line}…")
    } else {
        line
    }
}

fn finding(kind: FindingKind, side: &Side, line: u32, message: String) -> Finding {
    let kind = match kind {
        FindingKind::Weakened | FindingKind::Evasion if side.is_script => FindingKind::TestCommand,
        kind => kind,
    };
    Finding {
        kind,
        path: side.path.clone(),
        line,
        message,
    }
}
