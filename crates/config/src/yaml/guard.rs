//! What is refused before any parser sees it, in one pass over the bytes.

use crate::finding::{Findings, Mark, Report};

/// No configuration written by people is larger.
const MAX_BYTES: usize = 256 * 1024;
/// Depth of open brackets at which parsers begin to need more than linear time.
const MAX_OPEN_BRACKETS: usize = 64;
/// All of `[`, `{` and `?` in a file: bounds what brackets closed only in comments or quotes could hide.
const MAX_BRACKETS: usize = 10_000;

/// The text of a file's bytes, of the size we read and without a byte order mark.
pub(crate) fn text_of<'a>(file: &str, bytes: &'a [u8]) -> Result<&'a str, Findings> {
    let mut report = Report::new(file);
    if too_large(bytes.len(), &mut report) {
        return Err(report.into_findings());
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.strip_prefix('\u{feff}').unwrap_or(text)),
        Err(error) => {
            let good = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
            let message = if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
                "is UTF-16; save the file as UTF-8"
            } else {
                "is not UTF-8 text from here on"
            };
            report.add(end_of(&good), "", message);
            Err(report.into_findings())
        }
    }
}

/// Whether a parser may see this text; if not, the report says why.
pub(crate) fn admit(text: &str, report: &mut Report) -> bool {
    if too_large(text.len(), report) {
        return false;
    }
    let mut mark = Mark { line: 1, column: 0 };
    let (mut open, mut total) = (0_usize, 0_usize);
    for c in text.chars() {
        mark.column += 1;
        match c {
            '\n' => {
                mark = Mark {
                    line: mark.line + 1,
                    column: 0,
                }
            }
            '[' | '{' => (open, total) = (open + 1, total + 1),
            '?' => total += 1,
            ']' | '}' => open = open.saturating_sub(1),
            '\t' | '\r' => {}
            c if c.is_control() => {
                let code = u32::from(c);
                report.add(
                    mark,
                    "",
                    format!(
                        "control character U+{code:04X}; write it as an escape in double quotes"
                    ),
                );
                return false;
            }
            _ => {}
        }
        if open > MAX_OPEN_BRACKETS {
            report.add(
                mark,
                "",
                format!("more than {MAX_OPEN_BRACKETS} brackets are open here"),
            );
            return false;
        }
        if total > MAX_BRACKETS {
            report.add(
                mark,
                "",
                format!("more than {MAX_BRACKETS} of the characters [ {{ ? in one file"),
            );
            return false;
        }
    }
    true
}

fn too_large(size_bytes: usize, report: &mut Report) -> bool {
    if size_bytes > MAX_BYTES {
        report.add(
            Mark::default(),
            "",
            format!("is {size_bytes} bytes long; at most {MAX_BYTES} are read"),
        );
    }
    size_bytes > MAX_BYTES
}

/// The place just after a text.
fn end_of(text: &str) -> Mark {
    let last_line = text.rsplit('\n').next().unwrap_or_default();
    Mark {
        line: text.matches('\n').count() + 1,
        column: last_line.chars().count() + 1,
    }
}
