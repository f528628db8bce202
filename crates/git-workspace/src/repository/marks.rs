//! Reading conflict markers, without ever taking a line of a file for one.

use std::ops::Range;

/// The sizes of markers that are tried: git's own, and longer ones for files
/// that hold lines of that size themselves, such as underlined headings.
pub(super) const SIZES: [usize; 4] = [7, 15, 31, 63];

/// One hunk, as ranges of the file's bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hunk {
    /// The line of the opening marker, from 1.
    pub(super) line: u32,
    pub(super) ours: Range<usize>,
    pub(super) base: Range<usize>,
    pub(super) theirs: Range<usize>,
}

enum Place {
    Outside,
    Ours,
    Base,
    Theirs,
}

/// The hunks of a file with markers of this size in diff3 style, whose sides
/// are labeled with these names. `None` where a line could be a marker and
/// stands where none can be, so that another size is to be tried.
pub(super) fn hunks(text: &[u8], size: usize, ours: &str, theirs: &str) -> Option<Vec<Hunk>> {
    let mut found: Vec<Hunk> = Vec::new();
    let mut place = Place::Outside;
    let mut at = 0;
    for (line, number) in text.split_inclusive(|byte| *byte == b'\n').zip(1..) {
        let after = at + line.len();
        if let Some((mark, label)) = marker(line, size) {
            place = match (place, mark) {
                (Place::Outside, b'<') if is_side(label, ours) => {
                    found.push(Hunk {
                        line: number,
                        ours: after..after,
                        base: after..after,
                        theirs: after..after,
                    });
                    Place::Ours
                }
                (Place::Ours, b'|') => {
                    let hunk = found.last_mut()?;
                    hunk.ours.end = at;
                    hunk.base = after..after;
                    Place::Base
                }
                (Place::Base, b'=') if label.is_empty() => {
                    let hunk = found.last_mut()?;
                    hunk.base.end = at;
                    hunk.theirs = after..after;
                    Place::Theirs
                }
                (Place::Theirs, b'>') if is_side(label, theirs) => {
                    found.last_mut()?.theirs.end = at;
                    Place::Outside
                }
                _ => return None,
            };
        }
        at = after;
    }
    matches!(place, Place::Outside).then_some(found)
}

/// The character and the label of what looks like a marker.
fn marker(line: &[u8], size: usize) -> Option<(u8, &[u8])> {
    let mark = *line.first().filter(|byte| b"<|=>".contains(byte))?;
    let n_marks = line.iter().take_while(|byte| **byte == mark).count();
    if n_marks != size {
        return None;
    }
    let label = line[size..].trim_ascii_end();
    match label.first() {
        None => Some((mark, label)),
        Some(b' ') => Some((mark, &label[1..])),
        Some(_) => None,
    }
}

/// git writes the name of the side, and its path after a colon where it was renamed.
fn is_side(label: &[u8], name: &str) -> bool {
    label
        .strip_prefix(name.as_bytes())
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(b":"))
}

#[cfg(test)]
mod tests {
    use super::hunks;

    fn check(text: &str, expected: Option<&[(u32, &str, &str, &str)]>) {
        let found = hunks(text.as_bytes(), 7, "aa", "bb");
        let found = found.map(|hunks| {
            hunks
                .into_iter()
                .map(|hunk| {
                    let of = |range: std::ops::Range<usize>| &text[range];
                    (hunk.line, of(hunk.ours), of(hunk.base), of(hunk.theirs))
                })
                .collect::<Vec<_>>()
        });
        assert_eq!(found.as_deref(), expected, "{text}");
    }

    #[test]
    fn hunks_are_read_with_their_three_texts() {
        check(
            "one\n<<<<<<< aa\no\n||||||| 123\nb\n=======\nt\n>>>>>>> bb\nend",
            Some(&[(2, "o\n", "b\n", "t\n")]),
        );
        check(
            "<<<<<<< aa:old name\r\n||||||| 123:x\r\n=======\r\n>>>>>>> bb:y\r\n",
            Some(&[(1, "", "", "")]),
        );
        check("", Some(&[]));
        // A base that is itself a merge has longer markers.
        check(
            "<<<<<<< aa\n||||||| merged common ancestors\n<<<<<<<<< 1\nx\n=========\n>>>>>>>>> 2\n=======\n>>>>>>> bb\n",
            Some(&[(1, "", "<<<<<<<<< 1\nx\n=========\n>>>>>>>>> 2\n", "")]),
        );
    }

    #[test]
    fn a_line_that_may_be_a_marker_asks_for_another_size() {
        for text in [
            "Title\n=======\n",
            "<<<<<<< aa\n=======\n||||||| 1\n=======\n>>>>>>> bb\n",
            "<<<<<<< aa\n||||||| 1\n=======\nx\n=======\n>>>>>>> bb\n",
            "<<<<<<< other\n||||||| 1\n=======\n>>>>>>> bb\n",
            "<<<<<<< aa\n||||||| 1\n=======\n",
            ">>>>>>> bb\n",
        ] {
            check(text, None);
        }
        check("========\n<<<<<<\n=======x\n <<<<<<< aa\n", Some(&[]));
    }
}
