//! Whether a resolution keeps what both sides have done.
//!
//! These checks know no language. They ask what a merge must not do whatever it
//! decides: leave a marker, lose what had merged cleanly, bring back what a side
//! removed, or take one side and drop the other where both could stand. That the
//! rest is right, the repository's tests must say.

use std::collections::{HashMap, HashSet};

use core_types::{ConflictHunk, ConflictTexts, ConflictedFile};

use super::{
    align::align,
    pieces::{contexts, place, resolved},
};

/// How many lines a finding shows.
const SHOWN: usize = 3;

/// The sizes of markers that a merge writes.
const MARKER_SIZES: [usize; 4] = [7, 15, 31, 63];

/// A conflicting file, and what it became; `None` where it is gone.
pub(super) type Resolved<'a> = (&'a ConflictedFile, Option<&'a str>);

/// Whether the repository's tests will judge the result, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Judge {
    /// They will.
    Tests,
    /// It has none.
    Nobody,
}

/// What is wrong with a resolution, one finding a line; empty where nothing is.
pub(super) fn findings(files: &[Resolved<'_>], judge: Judge) -> Vec<String> {
    let mut found = Vec::new();
    let mut dropped = Vec::new();
    let mut n_two_sided = 0;
    for (file, text) in files {
        let Some(text) = text else {
            found.push(format!("{:?} is gone, or is no file any more", file.path));
            continue;
        };
        let Some(texts) = &file.texts else {
            continue;
        };
        let known = Known::new(file, texts);
        let debris = debris(texts, text);
        if !debris.is_empty() {
            let lines = debris.iter().map(ToString::to_string).collect::<Vec<_>>();
            found.push(format!(
                "{:?} still has what looks like conflict markers, at line {}",
                file.path,
                lines.join(", ")
            ));
            // With markers left there are more lines than a decision has.
            continue;
        }
        found.extend(line_ends(file, texts, text));
        found.extend(lost(file, &known, text));
        found.extend(brought_back(file, texts, &known, text));
        for hunk in &file.hunks {
            n_two_sided += usize::from(own_lines(hunk).iter().all(|own| !own.is_empty()));
        }
        dropped.extend(drops(file, &known, text));
    }
    let n_dropped = |side| dropped.iter().filter(|it| it.side == side).count();
    for drop in &dropped {
        // Taking the same side everywhere is no decision.
        let is_everywhere = n_two_sided > 1 && n_dropped(drop.side) >= n_two_sided;
        let because = if drop.is_addition {
            "where both only added"
        } else if is_everywhere {
            "as in every other hunk"
        } else if judge == Judge::Nobody {
            "and no test can say that it is not needed"
        } else {
            continue;
        };
        let Drop { place, side, .. } = drop;
        found.push(format!(
            "{place}: nothing of {side} is left, {because}; keep the work of both sides"
        ));
    }
    found
}

/// The lines that a conflict knows, trimmed.
struct Known<'a> {
    /// In the base, ours or theirs.
    anywhere: HashSet<&'a str>,
    /// In a hunk.
    hunks: HashSet<&'a str>,
    contexts: Option<Vec<&'a str>>,
}

impl<'a> Known<'a> {
    fn new(file: &'a ConflictedFile, texts: &'a ConflictTexts) -> Self {
        let all = [&texts.base, &texts.ours, &texts.theirs];
        let hunks = file
            .hunks
            .iter()
            .flat_map(|hunk| [&hunk.base, &hunk.ours, &hunk.theirs]);
        Self {
            anywhere: all.into_iter().flat_map(|text| telling(text)).collect(),
            hunks: hunks.flat_map(|text| telling(text)).collect(),
            contexts: contexts(file),
        }
    }

    /// Whether somebody thought of a line anew.
    fn is_new(&self, line: &str) -> bool {
        is_telling(line) && !self.anywhere.contains(line)
    }
}

/// Lines that say something: a brace alone is found anywhere.
fn is_telling(line: &str) -> bool {
    line.chars().any(char::is_alphanumeric)
}

fn telling(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| is_telling(line))
}

/// The numbers of lines that look like a marker, or what is left of one, and
/// stand in neither side.
fn debris(texts: &ConflictTexts, text: &str) -> Vec<usize> {
    let sides = [&texts.ours, &texts.theirs];
    let known: HashSet<_> = sides
        .into_iter()
        .flat_map(|side| side.lines().map(str::trim))
        .collect();
    let lines = text.lines().map(str::trim).zip(1..);
    let found = lines.filter(|(line, _)| is_marker_like(line) && !known.contains(line));
    found.map(|(_, number)| number).take(2 * SHOWN).collect()
}

fn is_marker_like(line: &str) -> bool {
    // Wherever they stand: markers are hidden in comments, too.
    if ["<<<<<<<", ">>>>>>>", "|||||||"]
        .into_iter()
        .any(|mark| line.contains(mark))
    {
        return true;
    }
    let bare = line.trim_matches(|c: char| c.is_whitespace() || "/#;*-!\"%".contains(c));
    MARKER_SIZES.contains(&bare.len()) && bare.bytes().all(|byte| byte == b'=')
}

/// A file of one kind of line ends keeps it.
fn line_ends(file: &ConflictedFile, texts: &ConflictTexts, text: &str) -> Option<String> {
    let all_crlf = |text: &str| {
        let mut lines = text
            .split_inclusive('\n')
            .filter(|line| line.ends_with('\n'));
        !text.is_empty() && text.contains('\n') && lines.all(|line| line.ends_with("\r\n"))
    };
    let is_crlf = all_crlf(&texts.ours) && all_crlf(&texts.theirs);
    let is_lf = !texts.ours.contains('\r') && !texts.theirs.contains('\r');
    let wrong =
        (is_crlf && text.contains('\n') && !all_crlf(text)) || (is_lf && text.contains('\r'));
    let ends = if is_crlf { "CRLF" } else { "LF" };
    wrong.then(|| {
        format!(
            "{:?}: all lines end in {ends} on both sides, and no longer do",
            file.path
        )
    })
}

/// Lines outside the hunks that are gone, and for which nothing new stands.
fn lost(file: &ConflictedFile, known: &Known<'_>, text: &str) -> Vec<String> {
    let Some(contexts) = &known.contexts else {
        return Vec::new();
    };
    let from: Vec<_> = (contexts.iter().flat_map(|piece| piece.lines()))
        .map(str::trim)
        .collect();
    let to: Vec<_> = text.lines().map(str::trim).collect();
    let Some(mut pairs) = align(&from, &to) else {
        let path = &file.path;
        return vec![format!(
            "{path:?} was written anew outside of its conflicts"
        )];
    };
    let counted = |lines: &[&'_ str]| {
        let mut counts: HashMap<String, usize> = HashMap::new();
        for line in lines {
            *counts.entry((*line).to_owned()).or_default() += 1;
        }
        counts
    };
    let (before, after) = (counted(&from), counted(&to));
    pairs.push((from.len(), to.len()));
    let mut missing = Vec::new();
    let (mut from_idx, mut to_idx) = (0, 0);
    for (from_end, to_end) in pairs {
        let gone: Vec<_> = from[from_idx..from_end]
            .iter()
            .filter(|line| is_telling(line) && !known.hunks.contains(**line))
            // What was only moved is there as often as it was.
            .filter(|line| after.get(**line) < before.get(**line))
            .collect();
        let n_new = (to[to_idx..to_end].iter())
            .filter(|line| known.is_new(line))
            .count();
        // A line that follows a decision is another one now; one that is dropped has none in its place.
        if !gone.is_empty() && 2 * n_new < gone.len() {
            missing.extend(gone.into_iter().map(|line| (*line).to_owned()));
        }
        (from_idx, to_idx) = (from_end + 1, to_end + 1);
    }
    let finding = |lines: &[String]| {
        format!(
            "{:?}: lines outside of the conflicts are gone: {}",
            file.path,
            shown(lines)
        )
    };
    if missing.is_empty() {
        Vec::new()
    } else {
        vec![finding(&missing)]
    }
}

/// Lines that one side had removed without a conflict, and that are back.
fn brought_back(
    file: &ConflictedFile,
    texts: &ConflictTexts,
    known: &Known<'_>,
    text: &str,
) -> Option<String> {
    let contexts = known.contexts.as_ref()?;
    let kept: HashSet<_> = contexts.iter().flat_map(|piece| telling(piece)).collect();
    let base: HashSet<_> = telling(&texts.base).collect();
    let back = telling(text)
        .filter(|line| base.contains(line) && !kept.contains(line) && !known.hunks.contains(line));
    let back: Vec<_> = back.map(str::to_owned).collect();
    (!back.is_empty()).then(|| {
        format!(
            "{:?}: lines are back that one side had removed: {}",
            file.path,
            shown(&back)
        )
    })
}

fn shown(lines: &[String]) -> String {
    let mut text: Vec<_> = lines
        .iter()
        .take(SHOWN)
        .map(|line| format!("{:?}", line.chars().take(80).collect::<String>()))
        .collect();
    if lines.len() > SHOWN {
        text.push(format!("and {} more", lines.len() - SHOWN));
    }
    text.join(", ")
}

/// A side of which a resolution has nothing.
struct Drop {
    place: String,
    side: &'static str,
    /// Whether neither side had to give way, since both only added.
    is_addition: bool,
}

/// The lines that each side alone brought to a hunk: ours and theirs.
fn own_lines(hunk: &ConflictHunk) -> [Vec<&str>; 2] {
    let base: HashSet<_> = telling(&hunk.base).collect();
    let of = |text, other| -> Vec<&str> {
        let other: HashSet<_> = telling(other).collect();
        telling(text)
            .filter(|line| !base.contains(line) && !other.contains(line))
            .collect()
    };
    [of(&hunk.ours, &hunk.theirs), of(&hunk.theirs, &hunk.ours)]
}

fn drops(file: &ConflictedFile, known: &Known<'_>, text: &str) -> Vec<Drop> {
    let parts = known
        .contexts
        .as_ref()
        .and_then(|contexts| resolved(contexts, text));
    let all: HashSet<_> = telling(text).collect();
    let mut dropped = Vec::new();
    for (idx, hunk) in file.hunks.iter().enumerate() {
        // Where the hunk's own place cannot be told, the whole file speaks for it.
        let decided = parts.as_ref().map_or(text, |parts| parts[idx]);
        let n_new = telling(decided).filter(|line| known.is_new(line)).count();
        let heads: HashSet<_> = telling(decided).filter_map(head).collect();
        let is_addition = hunk.base.trim().is_empty() && !are_variants(hunk);
        for (side, own) in ["our side", "their side"].into_iter().zip(own_lines(hunk)) {
            let is_kept = |line: &&&str| {
                all.contains(**line) || head(line).is_some_and(|head| heads.contains(head))
            };
            let n_kept = own.iter().filter(is_kept).count();
            // Of two additions most must be there; of two changes one may have given way.
            let n_needed = if is_addition {
                own.len().div_ceil(2)
            } else {
                1
            };
            if !own.is_empty() && n_kept + n_new < n_needed {
                dropped.push(Drop {
                    place: place(file, hunk),
                    side,
                    is_addition,
                });
            }
        }
    }
    dropped
}

/// Whether both sides added the same thing in two forms, such as a function of one
/// head and two bodies: only one of them can stand.
fn are_variants(hunk: &ConflictHunk) -> bool {
    let head = |text: &'_ str| telling(text).next().map(str::to_owned);
    let (ours, theirs) = (head(&hunk.ours), head(&hunk.theirs));
    ours == theirs && ours.is_some_and(|line| line.ends_with(['{', ':', '(', '[']))
}

/// What a line sets, such as `version` of `version = 2`: of two lines with the
/// same head only one can stand.
fn head(line: &str) -> Option<&str> {
    let at = line.find(['=', ':'])?;
    let head = line[..at].trim();
    let is_setting =
        is_telling(head) && !line[at..].starts_with("==") && !head.contains(['(', '!']);
    is_setting.then_some(head)
}
