//! Text that others wrote, such as titles and output: shown, never obeyed.

use std::fmt::Write as _;

use core_types::is_hidden;
use maud::{Escaper, Render};

/// How much of one line or title is shown.
const MAX_CHARS: usize = 4_000;
/// More marks than that on one letter are there to break a layout.
const MAX_MARKS: usize = 4;

/// A text of others in a page: escaped, without terminal sequences, with what is invisible or
/// turns the reading direction made visible.
#[derive(Debug, Clone, Copy)]
pub(in crate::dashboard) struct Foreign<'a>(pub(in crate::dashboard) &'a str);

impl Render for Foreign<'_> {
    fn render_to(&self, page: &mut String) {
        // Writing to a String does not fail.
        let _ = Escaper::new(page).write_str(&harmless(self.0));
    }
}

/// The text without terminal sequences; control characters as their pictures (`␀`), characters
/// that are invisible or turn the reading direction by number (`⟨U+202E⟩`). Line ends and tabs stay.
/// At most 4,000 characters of each line, then how many more there are.
pub(in crate::dashboard) fn harmless(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let (mut in_line, mut marks) = (0_usize, 0);
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        if character == '\n' {
            end_line(&mut shown, in_line);
            shown.push('\n');
            (in_line, marks) = (0, 0);
            continue;
        }
        if matches!(character, '\u{1b}' | '\u{9b}' | '\u{9d}' | '\u{90}') {
            skip_sequence(character, &mut characters);
            continue;
        }
        if character == '\r' && matches!(characters.peek(), Some('\n') | None) {
            continue;
        }
        marks = if is_mark(character) { marks + 1 } else { 0 };
        if marks > MAX_MARKS {
            continue;
        }
        in_line += 1;
        if in_line > MAX_CHARS {
            continue;
        }
        match character {
            '\t' => shown.push('\t'),
            '\0'..='\u{1f}' => shown.push(picture(character)),
            '\u{7f}' => shown.push('␡'),
            _ if is_hidden(character) => {
                let _ = write!(shown, "⟨U+{:04X}⟩", u32::from(character));
            }
            _ => shown.push(character),
        }
    }
    end_line(&mut shown, in_line);
    shown
}

fn end_line(shown: &mut String, in_line: usize) {
    if in_line > MAX_CHARS {
        let _ = write!(shown, " … {} more characters", in_line - MAX_CHARS);
    }
}

/// Consumes the rest of a terminal sequence: parameters up to the final byte, or a string up to
/// its end. One that does not end within its line is cut there.
fn skip_sequence(introducer: char, characters: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    let kind = match introducer {
        '\u{1b}' => characters.next_if(|next| *next != '\n'),
        '\u{9b}' => Some('['),
        _ => Some(']'),
    };
    match kind {
        Some('[') => {
            while let Some(next) = characters.next_if(|next| matches!(next, ' '..='~')) {
                if matches!(next, '@'..='~') {
                    break;
                }
            }
        }
        Some(']' | 'P' | 'X' | '^' | '_') => {
            while let Some(next) = characters.next_if(|next| *next != '\n') {
                if matches!(next, '\u{7}' | '\u{9c}') {
                    break;
                }
                if next == '\u{1b}' {
                    characters.next_if(|next| *next == '\\');
                    break;
                }
            }
        }
        // Charsets and the like have one more byte.
        Some('(' | ')' | '*' | '+' | '#' | '%') => {
            characters.next_if(|next| *next != '\n');
        }
        _ => {}
    }
}

fn picture(control: char) -> char {
    char::from_u32(0x2400 + u32::from(control)).unwrap_or('␀')
}

fn is_mark(character: char) -> bool {
    matches!(
        character,
        '\u{300}'..='\u{36f}'
            | '\u{483}'..='\u{489}'
            | '\u{e31}'
            | '\u{e34}'..='\u{e3a}'
            | '\u{e47}'..='\u{e4e}'
            | '\u{1ab0}'..='\u{1aff}'
            | '\u{1dc0}'..='\u{1dff}'
            | '\u{20d0}'..='\u{20ff}'
            | '\u{fe00}'..='\u{fe2f}'
    )
}
