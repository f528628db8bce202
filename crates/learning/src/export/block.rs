use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use crate::{Error, feedback::hex};

/// How the part that is ours begins and ends.
pub(crate) const BEGIN: &str = "<!-- automation lessons: begin";
pub(crate) const END: &str = "<!-- automation lessons: end";

const BEGIN_LINE: &str = "<!-- automation lessons: begin v1. Written by `automation learn export`; change lessons there. -->";
const END_LINE: &str = "<!-- automation lessons: end -->";

/// At most so much is exported: longer files are followed less.
const MAX_LINES: usize = 120;
const MAX_BYTES: usize = 8 << 10;

/// A lesson as it is exported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    /// What the agent reads.
    pub(crate) text: String,
    /// Id and evidence, for people.
    pub(crate) note: String,
}

/// Checks the part of a file that is ours, if it has one, and says where in the file it is.
///
/// # Errors
///
/// [`Error::EditedExport`] with the line that was changed by hand: a changed, moved or new lesson, or a begin or
/// end that is missing, stands twice or is of a newer version.
pub fn check(contents: &str) -> Result<Option<std::ops::Range<usize>>, Error> {
    let edited = |line: usize, problem| Err(Error::EditedExport { line, problem });
    let (mut begin, mut end) = (None, None);
    let (mut at, mut chain) = (0, String::new());
    for (i, line) in contents.split_inclusive('\n').enumerate() {
        let number = i + 1;
        let is_inside = begin.is_some() && end.is_none();
        let text = line.trim_end_matches(['\n', '\r']);
        // Some editors mark a file as UTF-8 with it.
        let text = text
            .strip_prefix('\u{feff}')
            .filter(|_| i == 0)
            .unwrap_or(text);
        let unmoved = text.trim_start();
        if unmoved.len() < text.len() && [BEGIN, END].iter().any(|it| unmoved.starts_with(it)) {
            return edited(number, "was moved to the right by hand");
        }
        if text.starts_with(BEGIN) {
            if begin.is_some() {
                return edited(number, "is a second begin");
            }
            if !text.starts_with(&format!("{BEGIN} v1.")) {
                return edited(number, "is of another version than 1");
            }
            begin = Some((at, number));
        } else if text.starts_with(END) {
            if !is_inside {
                return edited(number, "is an end without a begin");
            }
            if text != end_line(&chain) {
                return edited(
                    number,
                    "does not follow from the lines above: one is missing, or it was changed",
                );
            }
            end = Some(at + line.len());
        } else if is_inside {
            let is_ours = text
                .strip_suffix(" -->")
                .and_then(|rest| rest.rsplit_once(" #"))
                .is_some_and(|(rest, sum)| checksum(&chain, rest) == sum);
            if !is_ours {
                return edited(number, "was changed by hand");
            }
            chain.push_str(text);
        }
        at += line.len();
    }
    match (begin, end) {
        (Some((_, number)), None) => edited(number, "is a begin without an end"),
        (Some((begin, _)), Some(end)) => Ok(Some(begin..end)),
        (None, _) => Ok(None),
    }
}

/// The contents with these lessons as the part that is ours; everything else stays as it is, byte for byte.
pub(crate) fn merge(contents: &str, lines: &[Line]) -> Result<String, Error> {
    let block = block(lines);
    Ok(match check(contents)? {
        Some(range) => format!(
            "{}{block}{}",
            &contents[..range.start],
            &contents[range.end..]
        ),
        None if lines.is_empty() => contents.to_owned(),
        None => {
            let gap = match contents {
                "" => "",
                text if text.ends_with('\n') => "\n",
                _ => "\n\n",
            };
            format!("{contents}{gap}{block}")
        }
    })
}

fn block(lines: &[Line]) -> String {
    let mut block = format!("{BEGIN_LINE}\n");
    let mut chain = String::new();
    for line in lines.iter().take(MAX_LINES) {
        let rest = format!("- {} <!-- {}", line.text, line.note);
        let line = format!("{rest} #{} -->", checksum(&chain, &rest));
        if block.len() + line.len() > MAX_BYTES {
            break;
        }
        chain.push_str(&line);
        // Writing to a string cannot fail.
        writeln!(block, "{line}").ok();
    }
    block.push_str(&end_line(&chain));
    block.push('\n');
    block
}

fn end_line(chain: &str) -> String {
    match chain {
        "" => END_LINE.to_owned(),
        chain => format!("{END} #{} -->", checksum(chain, "end")),
    }
}

/// Eight digits that follow from a line and all lines of ours before it.
fn checksum(before: &str, line: &str) -> String {
    let digest = Sha256::new()
        .chain_update((before.len() as u64).to_le_bytes())
        .chain_update(before)
        .chain_update(line)
        .finalize();
    hex(&digest[..4])
}
