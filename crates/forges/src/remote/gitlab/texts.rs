//! Texts that GitLab changes: what stands in the way of getting them back as they were given.
//!
//! A line such as `/close` is a command to it, which it does and removes, in code blocks too where
//! it does not see them as such. An agent's text must not command: a backslash before the slash
//! shows the same and does nothing. And it removes all carriage returns: a hidden comment at the
//! end says where they were.

/// Begins the comment with the numbers of the lines that ended with a carriage return.
const LINES: &str = "\n<!-- automation-lines/1 ";
const END: &str = " -->";
/// All hidden comments of ours begin so.
const OURS: &str = "<!-- automation-";

/// A text as it is sent.
pub(super) fn written(text: &str) -> String {
    let mut lines = Vec::new();
    let mut returns = Vec::new();
    for (index, line) in text.split('\n').enumerate() {
        let line = match line.strip_suffix('\r') {
            Some(line) => {
                returns.push(index + 1);
                line
            }
            None => line,
        };
        lines.push(match is_command(line) {
            true => format!("\\{line}"),
            false => line.to_owned(),
        });
    }
    let mut written = lines.join("\n");
    if !returns.is_empty() {
        written.push_str(&format!("{LINES}{}{END}", ranges(&returns)));
    }
    written
}

/// A text as it was given, where it is one of ours.
pub(super) fn read(text: &str) -> String {
    if !text.contains(OURS) {
        return text.to_owned();
    }
    let (text, returns) = without_lines(text);
    let lines: Vec<_> = text
        .split('\n')
        .enumerate()
        .map(|(index, line)| {
            let line = match line.strip_prefix('\\') {
                Some(rest) if is_command(rest) => rest,
                _ => line,
            };
            let ends = returns
                .iter()
                .any(|(first, last)| (*first..=*last).contains(&(index + 1)));
            if ends {
                format!("{line}\r")
            } else {
                line.to_owned()
            }
        })
        .collect();
    lines.join("\n")
}

/// Whether a line is a command, or one behind backslashes.
fn is_command(line: &str) -> bool {
    let Some(rest) = line.trim_start_matches('\\').strip_prefix('/') else {
        return false;
    };
    let end = rest
        .find(|c: char| !c.is_ascii_alphabetic() && c != '_')
        .unwrap_or(rest.len());
    end > 0 && rest[end..].chars().next().is_none_or(char::is_whitespace)
}

/// `1-3,7`
fn ranges(numbers: &[usize]) -> String {
    let mut ranges: Vec<(usize, usize)> = Vec::new();
    for number in numbers {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == *number => *last = *number,
            _ => ranges.push((*number, *number)),
        }
    }
    let ranges: Vec<_> = ranges
        .iter()
        .map(|(first, last)| match first == last {
            true => first.to_string(),
            false => format!("{first}-{last}"),
        })
        .collect();
    ranges.join(",")
}

/// The text without the comment about its lines, and what that says.
fn without_lines(text: &str) -> (String, Vec<(usize, usize)>) {
    let parsed = || {
        let begin = text.rfind(LINES)?;
        let inside = &text[begin + LINES.len()..];
        let end = inside.find(END)?;
        let ranges = inside[..end].split(',').map(|range| {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            Some((first.parse().ok()?, last.parse().ok()?))
        });
        let ranges = ranges.collect::<Option<Vec<_>>>()?;
        let rest = &inside[end + END.len()..];
        Some((format!("{}{rest}", &text[..begin]), ranges))
    };
    parsed().unwrap_or_else(|| (text.to_owned(), Vec::new()))
}

#[cfg(test)]
mod tests {
    use super::{read, written};

    const MARK: &str = "\n\n<!-- automation-marks/1 made=x -->";

    #[test]
    fn texts_come_back_as_they_were_given() {
        for text in [
            "",
            "\n",
            "a\r\n\r\nb\r\n",
            "a\n/close\n\\/close\n\\\\/merge now\r\n",
            "/usr/bin\n/ close\n//\n \\/close\n",
            "<!-- automation-lines/1 1 -->",
            "<!-- automation-lines/1 x -->\r\n",
            "\\/label ~bug\n```\n/close\n```\n",
        ] {
            let text = format!("{text}{MARK}");
            let sent = written(&text);
            assert!(!sent.contains('\r'), "{sent:?}");
            assert_eq!(read(&sent), text, "{sent:?}");
        }
    }

    #[test]
    fn no_line_of_ours_is_a_command() {
        for command in [
            "/close",
            "/MERGE",
            "/label ~bug",
            "/assign_reviewer @a\t",
            "/approve\r",
        ] {
            let sent = written(&format!("first\n{command}\nlast"));
            assert!(sent.lines().all(|line| !line.starts_with('/')), "{sent:?}");
        }
        for plain in ["/usr/bin/env", "/ close", "a /close", "/9", "/"] {
            assert_eq!(written(plain), plain);
        }
    }

    #[test]
    fn what_people_write_is_read_as_it_is() {
        for text in ["\\/close", "a\n<!-- note -->\n\\/merge"] {
            assert_eq!(read(text), text);
        }
    }

    #[test]
    fn what_a_person_appends_stays() {
        let edited = format!("{}\nand more", written(&format!("a\r\n/close{MARK}")));
        assert_eq!(read(&edited), format!("a\r\n/close{MARK}\nand more"));
    }
}
