//! Pieces of YAML as we write them.

use super::variable::names_variable;

/// A text as one scalar on one line, quoted only where it must be.
pub(crate) fn scalar(text: &str) -> String {
    if text.contains(needs_escape) || names_variable(text).is_some() {
        quoted(text)
    } else {
        let line = serde_yaml::to_string(text).expect("a text always has a YAML form");
        line.strip_suffix('\n').unwrap_or(&line).to_owned()
    }
}

/// A text in quotes that keep all of it as it is, for a place between brackets.
pub(crate) fn quoted(text: &str) -> String {
    if text.contains(needs_escape) {
        escaped(text)
    } else {
        // Not in double quotes, where a variable would be replaced.
        format!("'{}'", text.replace('\'', "''"))
    }
}

/// A text as the value of a key, as a block where it has several lines that a reader would want to see as such.
///
/// `indent` is that of the block's lines, deeper than the key's.
pub(crate) fn block(indent: &str, text: &str) -> String {
    let (lines, chomping) = text
        .strip_suffix('\n')
        .map_or((text, "-"), |lines| (lines, ""));
    // A block that starts with a space would need its width stated; one that ends with empty lines would take in
    // those that follow it.
    let plain =
        lines.contains('\n') && !lines.ends_with('\n') && !lines.starts_with(char::is_whitespace);
    if !plain || text.contains(|c| c != '\n' && needs_escape(c)) {
        return scalar(text);
    }
    let mut block = format!("|{chomping}");
    for line in lines.split('\n') {
        block.push('\n');
        if !line.is_empty() {
            block.push_str(indent);
            block.push_str(line);
        }
    }
    block
}

/// Whether a character may not stand in a file as it is, or breaks lines for some readers of YAML.
fn needs_escape(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
        )
}

/// A text in double quotes.
fn escaped(text: &str) -> String {
    let mut quoted = "\"".to_owned();
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            c if needs_escape(c) => quoted.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// Lines of comment at an indentation, broken to a readable width; nothing for an empty text.
pub(crate) fn comment(indent: &str, text: &str) -> String {
    const WIDTH: usize = 100;
    let mut lines = String::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let mut width = 0;
        // Control characters have no place in a file, and other line breaks would end the comment.
        let is_break = |c: char| c.is_whitespace() || c.is_control();
        for word in line.split(is_break).filter(|word| !word.is_empty()) {
            let length = word.chars().count();
            if width == 0 || width + 1 + length > WIDTH {
                lines.push_str(if width == 0 { "" } else { "\n" });
                lines.push_str(indent);
                lines.push_str("# ");
                width = indent.len() + 2;
            } else {
                lines.push(' ');
                width += 1;
            }
            lines.push_str(word);
            width += length;
        }
        lines.push('\n');
    }
    lines
}
