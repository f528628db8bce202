//! Compares what the tests were with what they are after a fix.

use std::collections::HashMap;

use super::{
    added::{added, shell_statement},
    changed::{changed, classify, grew},
    items::{Item, ItemKind},
    lexer::{Language, Token, join},
    paths,
    screen::is_assertion,
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

/// Where more is gone than this, it is not looked for elsewhere: no fix of tests does that.
const MAX_LEFT: usize = 500;

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
    if left.len() > MAX_LEFT {
        let side = &sides[left[0].0];
        let message = format!("{} parts of the tests are gone or changed", left.len());
        return vec![finding(FindingKind::Deleted, side, 0, message)];
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

/// What an item is found by in its file: its name, or what it says where it has none.
fn known_by(item: &Item) -> (bool, String) {
    match item.kind {
        ItemKind::Loose => (true, join(&item.body)),
        ItemKind::Test | ItemKind::Definition | ItemKind::Import => (false, item.name.clone()),
    }
}

/// Matches items of one file by their names, and those without by what they say.
fn by_name(index: usize, side: &Side, matches: &mut Matches, left: &mut Vec<Place>) {
    let used = &mut matches.origin[index];
    let mut after: HashMap<(bool, String), Vec<usize>> = HashMap::new();
    for (at, item) in side.after.iter().enumerate() {
        after.entry(known_by(item)).or_default().push(at);
    }
    let mut waiting = Vec::new();
    // What is the same first, so that a second one of a name is the added one.
    for (at, before) in side.before.iter().enumerate() {
        let candidates = after.get_mut(&known_by(before));
        let found = candidates.and_then(|candidates| {
            let same = candidates
                .iter()
                .position(|it| side.after[*it].is_same(before))?;
            Some(candidates.remove(same))
        });
        match found {
            Some(found) => used[found] = Some((index, at)),
            None => waiting.push(at),
        }
    }
    for at in waiting {
        let before = &side.before[at];
        let found = if before.kind == ItemKind::Loose {
            // One that only grew is the same one.
            let may_grow = before.body.first().is_some_and(|first| first.is("for"));
            let mut all = 0..if may_grow { side.after.len() } else { 0 };
            all.find(|it| {
                let after = &side.after[*it];
                used[*it].is_none()
                    && after.kind == ItemKind::Loose
                    && grew(&before.body, &after.body, side.language)
            })
        } else {
            let candidates = after.get_mut(&known_by(before));
            candidates.and_then(|candidates| {
                let same = candidates
                    .iter()
                    .position(|it| side.after[*it].kind == before.kind)?;
                Some(candidates.remove(same))
            })
        };
        match found {
            Some(found) => used[found] = Some((index, at)),
            None => left.push((index, at)),
        }
    }
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
                    .any(|token| is_assertion(token, side.language))
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
    if let Some(what) = added(item, side) {
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
        && let Some(what) = shell_statement(&item.body, &side.before)
    {
        findings.push(finding(FindingKind::TestCommand, side, item.line, what));
    }
}

/// Loose statements run one after the other: what was there must run in the same order.
fn order(side: &Side, origin: &[Option<Place>], index: usize, findings: &mut Vec<Finding>) {
    let mut last = 0;
    for (at, place) in origin.iter().enumerate() {
        let item = &side.after[at];
        if item.kind != ItemKind::Loose || !item.place.is_empty() {
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
    let word = |item: &Item| item.body.first().map(|first| first.text.clone());
    let last_word = word(end).unwrap_or_default();
    // Where calls of one function stand in a row, it keeps the result elsewhere.
    let n_same = side
        .before
        .iter()
        .filter(is_loose)
        .filter(|item| word(item).as_ref() == Some(&last_word))
        .count();
    let is_row = n_same > 1
        && !matches!(
            last_word.as_str(),
            "[" | "[[" | "test" | "grep" | "diff" | "cmp" | "!" | "if" | "sh"
        );
    let follows = side.after.last().is_some_and(|item| {
        let continues = is_row && word(item).as_ref() == Some(&last_word);
        origin.last().is_some_and(Option::is_none) && item.kind != ItemKind::Test && !continues
    });
    if follows && !stops && !exits && side.before.iter().any(|item| item.kind == ItemKind::Loose) {
        let line = side.after.last().map_or(0, |item| item.line);
        let message = "what stands after the last command decides the script's result".to_owned();
        findings.push(finding(FindingKind::TestCommand, side, line, message));
    }
}

pub(super) fn short(text: &str) -> String {
    const LIMIT: usize = 120;
    let line: String = text.chars().take(LIMIT).collect();
    if line.len() < text.len() {
        format!("{line}…")
    } else {
        line
    }
}

pub(super) fn finding(kind: FindingKind, side: &Side, line: u32, message: String) -> Finding {
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
