//! A file with markers, taken apart and put together.

use core_types::{ConflictHunk, ConflictedFile};

/// What stands before, between and after the hunks of a file: one piece more
/// than there are hunks. `None` where the file has no exact place for each hunk.
pub(super) fn contexts(file: &ConflictedFile) -> Option<Vec<&str>> {
    let merged = file.texts.as_ref()?.merged.as_str();
    let lines: Vec<_> = merged.split_inclusive('\n').collect();
    let mut pieces = Vec::new();
    let (mut at, mut line) = (0, 0);
    for hunk in &file.hunks {
        let first = usize::try_from(hunk.line).ok()?.checked_sub(1)?;
        let before: usize = lines.get(line..first)?.iter().map(|it| it.len()).sum();
        pieces.push(&merged[at..at + before]);
        let after = first + 4 + n_lines(&hunk.ours) + n_lines(&hunk.base) + n_lines(&hunk.theirs);
        let whole: usize = lines.get(first..after)?.iter().map(|it| it.len()).sum();
        (at, line) = (at + before + whole, after);
    }
    pieces.push(&merged[at..]);
    Some(pieces)
}

fn n_lines(text: &str) -> usize {
    text.split_inclusive('\n').count()
}

/// What stands in the place of each hunk in a resolved file that has kept all
/// else; `None` where it has not, or where there are several ways to read it.
pub(super) fn resolved<'a>(contexts: &[&str], text: &'a str) -> Option<Vec<&'a str>> {
    let (first, rest) = contexts.split_first()?;
    let (last, middle) = rest.split_last()?;
    let inner = text.strip_prefix(first)?.strip_suffix(last)?;
    let starts: Vec<_> = std::iter::once(0)
        .chain(inner.match_indices('\n').map(|(at, _)| at + 1))
        .collect();
    let holds = |at: usize, piece: &str| inner[at..].starts_with(piece);
    // Read from the front and from the end; the same places mean that there is one way.
    let (mut places, mut from) = (Vec::new(), 0);
    for piece in middle {
        let at = (starts.iter().copied()).find(|at| *at >= from && holds(*at, piece))?;
        places.push(at..at + piece.len());
        from = at + piece.len();
    }
    let mut end = inner.len();
    for (piece, place) in middle.iter().zip(&places).rev() {
        let fits = |at: &usize| at + piece.len() <= end && holds(*at, piece);
        if starts.iter().copied().rev().find(fits)? != place.start {
            return None;
        }
        end = place.start;
    }
    let mut texts = Vec::new();
    let mut from = 0;
    for place in places {
        texts.push(&inner[from..place.start]);
        from = place.end;
    }
    texts.push(&inner[from..]);
    // The last piece begins a line, too.
    (last.is_empty() || ends_line(inner)).then_some(texts)
}

fn ends_line(text: &str) -> bool {
    text.is_empty() || text.ends_with('\n')
}

/// The file with these texts in the places of its hunks.
pub(super) fn put_together(contexts: &[&str], texts: &[String]) -> String {
    let mut whole = String::new();
    for (idx, context) in contexts.iter().enumerate() {
        whole.push_str(context);
        let Some(text) = texts.get(idx) else {
            continue;
        };
        whole.push_str(text);
        let is_cut = !ends_line(text) && contexts[idx + 1..].iter().any(|it| !it.is_empty());
        if is_cut {
            whole.push('\n');
        }
    }
    whole
}

/// A hunk's place, for people.
pub(super) fn place(file: &ConflictedFile, hunk: &ConflictHunk) -> String {
    format!("{:?}, the hunk at line {}", file.path, hunk.line)
}
