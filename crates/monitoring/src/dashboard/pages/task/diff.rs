//! A unified diff.

use maud::{Markup, html};

use crate::dashboard::{
    parts::heading,
    text::{Foreign, count},
};

/// So many lines are shown; git shows the rest.
const MAX_LINES: usize = 1_500;

/// The diff, each line by its sign and in its colour.
pub(super) fn diff(text: &str) -> Markup {
    let lines: Vec<&str> = text.lines().collect();
    let starting = |sign: char, header: &str| {
        let is_sign = |line: &&&str| line.starts_with(sign) && !line.starts_with(header);
        lines.iter().filter(is_sign).count() as u64
    };
    let (added, removed) = (starting('+', "+++"), starting('-', "---"));
    html! {
        (heading("Changes", &html! { span class="good" { "+" (count(added)) } " " span class="bad" { "−" (count(removed)) } " lines" }, &html! {}))
        div class="sheet" {
            div class="diff" tabindex="0" role="region" aria-label="Diff, may be scrolled" {
                @for line in lines.iter().take(MAX_LINES) {
                    div class=[class(line)] { (Foreign(line)) }
                }
            }
            @if lines.len() > MAX_LINES { div class="pager" { (count((lines.len() - MAX_LINES) as u64)) " more lines: see the branch" } }
        }
    }
}

fn class(line: &str) -> Option<&'static str> {
    if line.starts_with("diff ") {
        Some("file")
    } else if line.starts_with("+++") || line.starts_with("---") || line.starts_with("index ") {
        Some("quiet")
    } else {
        match line.chars().next() {
            Some('+') => Some("plus"),
            Some('-') => Some("minus"),
            Some('@') => Some("hunk"),
            _ => None,
        }
    }
}
