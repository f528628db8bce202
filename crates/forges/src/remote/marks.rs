//! Marks of operations: where a forge keeps no idempotency keys, the texts that we write do.
//!
//! A text ends with one comment that no reader of its Markdown sees:
//!
//! ```text
//! <!-- automation-marks/1 made=run-1:run#1:comment changed=run-1:run#1:link@7 -->
//! ```
//!
//! `made` counts in a text of our own account alone; `changed` and `merging` name what they stand in.
//! So a text that somebody copies marks nothing.

use core_types::{CommitId, OperationId};

const BEGIN: &str = "<!-- automation-marks/1";
const END: &str = " -->";
/// How many changes of one text are remembered; its making always is.
const MAX_CHANGES: usize = 32;

/// What an operation did with the object that holds the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Mark {
    /// It created it.
    Made(OperationId),
    /// It changed it.
    Changed(OperationId),
    /// It was about to merge it at this commit: whether it did, the pull request tells.
    Merging(OperationId, CommitId),
}

impl Mark {
    pub(super) fn operation(&self) -> &OperationId {
        match self {
            Self::Made(operation) | Self::Changed(operation) | Self::Merging(operation, _) => {
                operation
            }
        }
    }
}

/// A text as a forge holds it, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Marked {
    /// What people wrote.
    pub(super) text: String,
    /// In their order.
    pub(super) marks: Vec<Mark>,
}

impl Marked {
    /// Takes apart the text of the object with this number or id.
    pub(super) fn parse(stored: &str, object: u64, is_ours: bool) -> Self {
        Self::try_parse(stored, object, is_ours).unwrap_or_else(|| Self {
            text: stored.to_owned(),
            marks: Vec::new(),
        })
    }

    fn try_parse(stored: &str, object: u64, is_ours: bool) -> Option<Self> {
        // Ours is the last one, whatever the text quotes.
        let begin = stored.rfind(BEGIN)?;
        let inside = &stored[begin + BEGIN.len()..];
        let end = inside.find(END)?;
        let marks = inside[..end]
            .split_ascii_whitespace()
            .map(|word| parse_mark(word, object, is_ours))
            .collect::<Option<Vec<_>>>()?;
        // What a person has written below it stays.
        let before = &stored[..begin];
        let before = before.strip_suffix("\n\n").unwrap_or(before);
        let text = format!("{before}{}", &inside[end + END.len()..]);
        Some(Self { text, marks })
    }

    pub(super) fn holds(&self, operation: &OperationId) -> bool {
        self.marks.iter().any(|mark| mark.operation() == operation)
    }

    /// What a forge is to hold for this text and these marks, and one more.
    pub(super) fn with(&self, text: &str, mark: Mark, object: u64) -> String {
        let mut marks = self.marks.clone();
        marks.push(mark);
        let is_made = |mark: &Mark| matches!(mark, Mark::Made(_));
        let n_changes = marks.iter().filter(|mark| !is_made(mark)).count();
        let mut surplus = n_changes.saturating_sub(MAX_CHANGES);
        marks.retain(|mark| {
            let goes = surplus > 0 && !is_made(mark);
            surplus -= usize::from(goes);
            !goes
        });
        write(text, &marks, object)
    }
}

/// What a forge is to hold for a text that an operation makes.
pub(super) fn made(text: &str, operation: &OperationId) -> String {
    write(text, &[Mark::Made(operation.clone())], 0)
}

fn write(text: &str, marks: &[Mark], object: u64) -> String {
    let words = marks.iter().map(|mark| match mark {
        Mark::Made(operation) => format!(" made={operation}"),
        Mark::Changed(operation) => format!(" changed={operation}@{object}"),
        Mark::Merging(operation, commit) => format!(" merging={operation}@{object}@{commit}"),
    });
    format!("{text}\n\n{BEGIN}{}{END}", words.collect::<String>())
}

/// `None` for a mark that does not count here.
fn parse_mark(word: &str, object: u64, is_ours: bool) -> Option<Mark> {
    let (kind, rest) = word.split_once('=')?;
    // No operation id has an `@`.
    let mut parts = rest.split('@');
    let operation = OperationId::new(parts.next()?).ok()?;
    let mut is_here = || parts.next().and_then(|it| it.parse().ok()) == Some(object);
    match kind {
        "made" => is_ours.then_some(Mark::Made(operation)),
        "changed" => is_here().then_some(Mark::Changed(operation)),
        "merging" if is_here() => {
            let commit = CommitId::new(parts.next()?).ok()?;
            Some(Mark::Merging(operation, commit))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operation(name: &str) -> OperationId {
        OperationId::new(format!("run-1:run#1:{name}")).unwrap()
    }

    #[test]
    fn texts_come_back_with_what_marks_them() {
        for text in [
            "",
            "\n",
            "a\n\n",
            "<!-- automation-marks/1 made=x -->",
            "a <!--",
            " -->\r\n",
        ] {
            let stored = made(text, &operation("1"));
            let read = Marked::parse(&stored, 7, true);
            assert_eq!(read.text, text);
            assert_eq!(read.marks, [Mark::Made(operation("1"))]);
            let stored = read.with(text, Mark::Changed(operation("2")), 7);
            let read = Marked::parse(&stored, 7, true);
            assert_eq!((&*read.text, read.marks.len()), (text, 2));
            assert!(read.holds(&operation("1")) && read.holds(&operation("2")));
        }
    }

    #[test]
    fn what_somebody_copies_marks_nothing() {
        let ours = made("a", &operation("1"));
        let by_others = Marked::parse(&ours, 7, false);
        assert_eq!((by_others.text, by_others.marks), (ours, vec![]));

        let unmarked = Marked::parse("a", 7, false);
        let commit = CommitId::new("a".repeat(40)).unwrap();
        for mark in [
            Mark::Changed(operation("2")),
            Mark::Merging(operation("2"), commit),
        ] {
            let stored = unmarked.with("a", mark.clone(), 7);
            assert_eq!(Marked::parse(&stored, 7, false).marks, [mark]);
            assert_eq!(Marked::parse(&stored, 8, false).marks, []);
        }
    }

    #[test]
    fn what_a_person_appends_stays() {
        let edited = format!("{}\nand more", made("a", &operation("1")));
        let read = Marked::parse(&edited, 7, true);
        assert_eq!((&*read.text, read.marks.len()), ("a\nand more", 1));
    }

    #[test]
    fn old_changes_are_forgotten_and_the_making_is_not() {
        let mut stored = made("a", &operation("made"));
        for number in 0..100 {
            let read = Marked::parse(&stored, 7, true);
            stored = read.with("a", Mark::Changed(operation(&number.to_string())), 7);
        }
        let read = Marked::parse(&stored, 7, true);
        assert_eq!(read.marks.len(), MAX_CHANGES + 1);
        assert!(read.holds(&operation("made")) && read.holds(&operation("99")));
        assert!(!read.holds(&operation("67")) && read.holds(&operation("68")));
    }
}
