//! From the output of a test command to the tests that failed.
//!
//! Each reader is a pure function over text; which of them has something to
//! read is seen from the text itself. Output may be huge and hostile: it is cut
//! before it is read, and so is everything that is kept of it.
//!
//! ```
//! use engine_recovery::test_fix::readers::{Format, read};
//!
//! let output = "\
//! running 2 tests
//! test adds ... FAILED
//! test divides ... ok
//!
//! failures:
//!
//! ---- adds stdout ----
//! thread 'adds' panicked at src/lib.rs:10:9:
//! assertion `left == right` failed
//!
//! test result: FAILED. 1 passed; 1 failed; 0 ignored
//! ";
//! let reading = read(output, None);
//! assert_eq!(reading.format, Format::CargoTest);
//! assert_eq!(reading.failures[0].name, "adds");
//! assert_eq!(reading.failures[0].file.as_deref(), Some("src/lib.rs"));
//!
//! let reading = read("something went wrong\n", None);
//! assert_eq!((reading.format, reading.failures.len()), (Format::ExitCode, 0));
//! ```

mod cargo;
mod go;
mod junit;
mod python;
mod tap;
#[cfg(test)]
mod tests;

use core_types::FailedTest;
use serde::{Deserialize, Serialize};

/// How much of the end of an output or a report is read.
pub const MAX_READ_BYTES: usize = 4 << 20;

/// How many failures are kept.
pub const MAX_FAILURES: usize = 200;

/// How long a name may be; of a longer one the start is kept.
const MAX_NAME_BYTES: usize = 512;

/// How much of what a test said is kept.
const MAX_MESSAGE_BYTES: usize = 2 << 10;

/// Longer lines are cut before they are looked at.
const MAX_LINE_BYTES: usize = 4 << 10;

/// Who wrote an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Format {
    /// `cargo test`, that is libtest and rustdoc.
    CargoTest,
    /// `cargo nextest run`.
    Nextest,
    /// pytest, and Python's own unittest.
    Pytest,
    /// `go test`.
    GoTest,
    /// `go test -json`.
    GoJson,
    /// A report in JUnit's XML.
    Junit,
    /// The Test Anything Protocol.
    Tap,
    /// Nobody known: there is only the exit code.
    ExitCode,
}

/// What an output says of failed tests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// Who wrote it: the first format in which a failure was found, else one that was seen.
    pub format: Format,
    /// The tests that failed, each once, in the order of the output; at most
    /// [`MAX_FAILURES`]. May be empty although the command failed: where the code could
    /// not be compiled, for example.
    pub failures: Vec<FailedTest>,
    /// Whether there may have been more.
    pub is_cut: bool,
}

/// Reads a test command's output, and a report file where it wrote one; the report counts more.
#[must_use]
pub fn read(output: &str, report: Option<&str>) -> Reading {
    let mut is_cut = false;
    let mut seen = None;
    for text in report.into_iter().chain([output]) {
        let (text, was_cut) = bounded(text);
        is_cut |= was_cut;
        let mut failures = Failures::default();
        let format = formats(&text, &mut failures);
        is_cut |= failures.is_cut;
        if !failures.found.is_empty() {
            return Reading {
                format: format.unwrap_or(Format::ExitCode),
                failures: failures.found,
                is_cut,
            };
        }
        seen = seen.or(format);
    }
    Reading {
        format: seen.unwrap_or(Format::ExitCode),
        failures: Vec::new(),
        is_cut,
    }
}

/// Sees whether a text is of a format, and reads it.
type Reader = (Format, fn(&str) -> bool, fn(&str, &mut Failures));

/// Lets every reader that recognizes the text read it; says which was the first to find something.
fn formats(text: &str, failures: &mut Failures) -> Option<Format> {
    let all: [Reader; 7] = [
        (Format::Junit, junit::recognizes, junit::read),
        (Format::GoJson, go::recognizes_json, go::read_json),
        (
            Format::Nextest,
            cargo::recognizes_nextest,
            cargo::read_nextest,
        ),
        (Format::CargoTest, cargo::recognizes, cargo::read),
        (Format::Pytest, python::recognizes, python::read),
        (Format::GoTest, go::recognizes, go::read),
        (Format::Tap, tap::recognizes, tap::read),
    ];
    let mut first = None;
    let mut seen: Option<Format> = None;
    for (format, recognizes, read) in all {
        // nextest shows what libtest said; the JSON of go holds its text.
        let is_inside = matches!(
            (seen, format),
            (Some(Format::Nextest), Format::CargoTest) | (Some(Format::GoJson), Format::GoTest)
        );
        if is_inside || !recognizes(text) {
            continue;
        }
        seen = seen.or(Some(format));
        let n_before = failures.found.len();
        read(text, failures);
        if failures.found.len() > n_before {
            first = first.or(Some(format));
        }
    }
    first.or(seen)
}

/// The end of a text, without colors, its lines bounded.
fn bounded(text: &str) -> (String, bool) {
    let mut start = text.len().saturating_sub(MAX_READ_BYTES);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    let is_cut = start > 0;
    let mut plain = String::with_capacity(text.len() - start);
    for line in text[start..].split_inclusive('\n') {
        let end = line.trim_end_matches(['\r', '\n']).len();
        let kept = cut(&line[..end], MAX_LINE_BYTES);
        without_escapes(kept, &mut plain);
        if line.ends_with('\n') {
            plain.push('\n');
        }
    }
    (plain, is_cut)
}

/// Drops terminal sequences: `ESC [ … letter`, and what is drawn over by a carriage return.
fn without_escapes(line: &str, out: &mut String) {
    let line = line.rsplit('\r').next().unwrap_or(line);
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        if c != '\u{1b}' {
            if c == '\t' || !c.is_control() {
                out.push(c);
            }
            continue;
        }
        if chars.next() == Some('[') {
            for c in chars.by_ref() {
                if c.is_ascii_alphabetic() {
                    break;
                }
            }
        }
    }
}

/// The start of a text, at most this long.
fn cut(text: &str, max_bytes: usize) -> &str {
    let mut end = text.len().min(max_bytes);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// What is found while reading.
#[derive(Debug, Default)]
struct Failures {
    found: Vec<FailedTest>,
    names: std::collections::HashMap<String, usize>,
    is_cut: bool,
}

impl Failures {
    /// Takes a failure in; one of the same name gets what it lacks.
    fn add(&mut self, name: &str, file: Option<&str>, message: &str) {
        let name = cut(name.trim(), MAX_NAME_BYTES);
        if name.is_empty() {
            return;
        }
        let message = cut(message.trim_matches('\n').trim_end(), MAX_MESSAGE_BYTES);
        let file = file.map(|file| cut(file.trim_start_matches("./"), MAX_NAME_BYTES).to_owned());
        if let Some(known) = self.names.get(name) {
            let known = &mut self.found[*known];
            if known.message.is_empty() {
                message.clone_into(&mut known.message);
            }
            known.file = known.file.take().or(file);
            return;
        }
        if self.found.len() >= MAX_FAILURES {
            self.is_cut = true;
            return;
        }
        self.names.insert(name.to_owned(), self.found.len());
        self.found.push(FailedTest {
            name: name.to_owned(),
            file,
            message: message.to_owned(),
        });
    }
}

/// Collects lines up to the bound of a message.
#[derive(Debug, Default)]
struct Message(String);

impl Message {
    fn push(&mut self, line: &str) {
        if self.0.len() < MAX_MESSAGE_BYTES {
            self.0.push_str(line);
            self.0.push('\n');
        }
    }
}
