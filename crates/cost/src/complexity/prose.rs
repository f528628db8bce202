//! The part of an issue's text that people wrote for people.

/// How far the end of a tag may be away; further, a `<` is a sign and no tag.
const LONGEST_TAG: usize = 200;

/// Leaves out code, logs, comments for the form's reader, markup and addresses. Linear in the text.
pub(super) fn prose(text: &str) -> String {
    let mut blocks = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = next_block(rest) {
        blocks.push_str(before);
        blocks.push(' ');
        rest = after;
    }
    blocks.push_str(rest);
    let mut prose = String::with_capacity(blocks.len());
    for line in blocks.lines().filter(|line| !is_code(line)) {
        push_without_tags(&mut prose, line);
        prose.push('\n');
    }
    prose
}

/// What stands before the next block that is no prose, and after it.
fn next_block(text: &str) -> Option<(&str, &str)> {
    let mut from = 0;
    loop {
        let at = from + text[from..].find(['`', '{', '<'])?;
        let rest = &text[at..];
        let skip = if rest.starts_with("```") {
            Some(after_end(rest, 3, "```"))
        } else if rest.starts_with("<!--") {
            Some(after_end(rest, 4, "-->"))
        } else if rest.starts_with("<pre>") {
            Some(after_end(rest, 5, "</pre>"))
        } else {
            // Jira's blocks: {code:java} … {code}.
            ["{code", "{noformat"].into_iter().find_map(|open| {
                let head = rest.strip_prefix(open)?;
                let end = head.find('}').filter(|end| *end <= LONGEST_TAG)?;
                Some(after_end(rest, open.len() + end + 1, &format!("{open}}}")))
            })
        };
        match skip {
            Some(skip) => return Some((&text[..at], &rest[skip..])),
            None => from = at + 1,
        }
    }
}

/// The length of a block up to the end of its closing mark, or of the whole text where it is missing.
fn after_end(text: &str, from: usize, end: &str) -> usize {
    text[from..]
        .find(end)
        .map_or(text.len(), |at| from + at + end.len())
}

fn is_code(line: &str) -> bool {
    let starts = [
        "    ",
        "\t",
        ">>>",
        "In [",
        "Out[",
        "... ",
        "Traceback",
        "  File ",
    ];
    starts.iter().any(|start| line.starts_with(start))
}

fn push_without_tags(prose: &mut String, line: &str) {
    let mut rest = line;
    while let Some(at) = rest.find(['<', '{', 'h']) {
        let (before, here) = rest.split_at(at);
        prose.push_str(before);
        let tag = match here.as_bytes()[0] {
            b'<' => tag_end(here, '>'),
            b'{' => tag_end(here, '}'),
            _ if here.starts_with("http://") || here.starts_with("https://") => {
                Some(here.find(char::is_whitespace).unwrap_or(here.len()))
            }
            _ => None,
        };
        match tag {
            Some(end) => {
                prose.push(' ');
                rest = &here[end..];
            }
            None => {
                prose.push_str(&here[..1]);
                rest = &here[1..];
            }
        }
    }
    prose.push_str(rest);
}

fn tag_end(here: &str, close: char) -> Option<usize> {
    let window = here
        .char_indices()
        .map(|(at, _)| at)
        .take_while(|at| *at <= LONGEST_TAG)
        .last()?;
    here[..window].find(close).map(|end| end + 1)
}

/// The words of a text, in lower case: runs of letters, digits and `_`, two or more of them.
pub(super) fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| !c.is_alphanumeric() && c != '_')
        .filter(|word| word.chars().nth(1).is_some())
        .map(str::to_lowercase)
}
