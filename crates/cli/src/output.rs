//! What people and programs read: results on standard output, progress beside it.

use std::io::{IsTerminal, Write};

use facade::core_types::Timestamp;
use serde::Serialize;

/// Prints results, as lines or as JSON.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    pub(crate) is_json: bool,
}

impl Output {
    /// A line of the result; not in JSON.
    pub(crate) fn line(self, text: impl AsRef<str>) {
        if !self.is_json {
            write_line(&mut std::io::stdout().lock(), text.as_ref());
        }
    }

    /// The result as JSON; nothing otherwise.
    pub(crate) fn json(self, value: &impl Serialize) -> serde_json::Result<()> {
        if self.is_json {
            let text = serde_json::to_string_pretty(value)?;
            write_line(&mut std::io::stdout().lock(), &text);
        }
        Ok(())
    }

    /// A line of a result that grows, in JSON or not; `false` where its reader has gone.
    pub(crate) fn grown(self, text: &str) -> bool {
        let mut stdout = std::io::stdout().lock();
        let written = writeln!(stdout, "{}", printable(text)).and_then(|()| stdout.flush());
        written.is_ok()
    }

    /// A line about the way to the result: on standard output beside lines, on standard error beside JSON.
    pub(crate) fn progress(self, text: impl AsRef<str>) {
        if self.is_json {
            error_line(text);
        } else {
            self.line(text);
        }
    }

    /// Whether progress may be drawn over.
    pub(crate) fn is_terminal(self) -> bool {
        !self.is_json && std::io::stdout().is_terminal()
    }

    /// Draws over the current line of a terminal; an empty text clears it.
    pub(crate) fn redraw(self, text: &str) {
        let mut stdout = std::io::stdout().lock();
        // A terminal that is gone is no reason to stop the work.
        drop(write!(stdout, "\r\x1b[2K{text}").and_then(|()| stdout.flush()));
    }

    /// Draws a whole screen anew.
    pub(crate) fn redraw_all(self, lines: &[String]) {
        let size = rustix::termios::tcgetwinsize(std::io::stdout());
        let (width, height) = size.map_or((100, 50), |size| {
            (usize::from(size.ws_col), usize::from(size.ws_row))
        });
        // From the upper left corner, each line up to its end, then all below: nothing flickers.
        let mut screen = "\x1b[H".to_owned();
        for line in lines.iter().take(height.saturating_sub(1)) {
            let cut: String = line.chars().take(width).collect();
            screen.push_str(&cut);
            screen.push_str("\x1b[K\r\n");
        }
        screen.push_str("\x1b[J");
        let mut stdout = std::io::stdout().lock();
        // A terminal that is gone is no reason to stop the work.
        drop(write!(stdout, "{screen}").and_then(|()| stdout.flush()));
    }
}

/// A line on standard error.
pub(crate) fn error_line(text: impl AsRef<str>) {
    write_line(&mut std::io::stderr().lock(), text.as_ref());
}

fn write_line(to: &mut impl Write, text: &str) {
    // A reader that has gone away (`automation status | head`) is no reason to stop the work.
    drop(writeln!(to, "{}", printable(text)).and_then(|()| to.flush()));
}

/// Control characters as visible signs, so that text from agents and issues
/// cannot steer the terminal. Line ends and tabs stay.
pub(crate) fn printable(text: &str) -> String {
    let hidden = |c: char| {
        (c.is_control() && !matches!(c, '\n' | '\t'))
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if !text.contains(hidden) {
        return text.to_owned();
    }
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if hidden(c) {
            shown.push_str(&format!("\\u{{{:x}}}", u32::from(c)));
        } else {
            shown.push(c);
        }
    }
    shown
}

/// A number of things: `1 task`, `2 tasks`.
pub(crate) fn count(n: usize, noun: &str) -> String {
    let s = if n == 1 { "" } else { "s" };
    format!("{n} {noun}{s}")
}

/// A number of bytes for people: `312 bytes`, `12 KiB`, `3 MiB`.
pub(crate) fn size(bytes: u64) -> String {
    match bytes {
        0..=9_999 => format!("{bytes} bytes"),
        10_000..=9_999_999 => format!("{} KiB", bytes >> 10),
        _ => format!("{} MiB", bytes >> 20),
    }
}

/// A duration for people: `0.4s`, `12s`, `3m05s`, `2h07m`.
pub(crate) fn duration(duration: std::time::Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..=9 => format!("{:.1}s", duration.as_secs_f64()),
        10..=59 => format!("{seconds}s"),
        60..=3599 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h{:02}m", seconds / 3600, seconds / 60 % 60),
    }
}

/// How long ago something was, for people.
pub(crate) fn ago(then: Timestamp, now: Timestamp) -> String {
    format!("{} ago", duration(now.since(then)))
}

/// Rows as columns of equal width, two spaces apart; the last column is not padded.
pub(crate) fn table(rows: &[Vec<String>]) -> Vec<String> {
    let n_columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .max()
    };
    let widths: Vec<_> = (0..n_columns)
        .map(|column| width(column).unwrap_or(0))
        .collect();
    let line = |row: &Vec<String>| {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            let padding = width.saturating_sub(cell.chars().count()) + 2;
            line.push_str(cell);
            line.push_str(&" ".repeat(padding));
        }
        line.trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

/// A text in one line, cut at `limit` characters.
pub(crate) fn one_line(text: &str, limit: usize) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.chars().count() <= limit {
        return text;
    }
    let cut: String = text.chars().take(limit.saturating_sub(1)).collect();
    format!("{cut}…")
}
