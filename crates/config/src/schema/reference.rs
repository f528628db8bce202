//! The tables as a page for readers.

use std::fmt::Write;

use super::{Absent, Key, Kind, Shape, default_document};
use crate::yaml::Node;

const INTRODUCTION: &str = "\
# Configuration

Generated from the tables that also check the files: a key that is not here is an error.

- A file is one YAML document in UTF-8, at most 256 KiB. Anchors, aliases, tags and merge keys are not supported, and no
  key may stand twice.
- `${NAME}` as the whole of a value is the environment variable of that name; an unset one is an error. It is replaced
  neither inside a text, nor in a key, nor in single quotes, which keep it as it is. Between `[ ]` or `{ }` it needs
  double quotes.
- A duration is a whole number with a unit, or several added up: `500ms`, `30s`, `5m`, `2h`, `1d`, `1h30m`. A size is one
  in `B`, `KiB`, `MiB` or `GiB`.
- A command is a line for the shell, or a list of a program and its arguments, which no shell sees.
- A key with nothing after it is as good as absent.
";

/// The reference page of all files, in Markdown: docs/reference/configuration.md.
pub fn reference_markdown() -> String {
    let mut page = INTRODUCTION.to_owned();
    for kind in Kind::ALL {
        let defaults = (kind == Kind::Automation).then(default_document);
        push(
            &mut page,
            format_args!("\n## {}\n\n{}\n", kind.title(), kind.doc()),
        );
        table(&mut page, kind.keys(), "", defaults);
    }
    page
}

/// One table for a mapping, then one for each mapping within it.
fn table(page: &mut String, keys: &[Key], path: &str, defaults: Option<&Node>) {
    if !path.is_empty() {
        push(page, format_args!("\n### `{path}`\n"));
    }
    page.push_str("\n| key | value | if absent | meaning |\n|---|---|---|---|\n");
    for key in keys {
        let default = defaults
            .and_then(|node| node.get(key.name))
            .and_then(Node::as_scalar);
        let absent = match (key.absent, &key.shape) {
            (Absent::Refused, _) => "**required**".to_owned(),
            (Absent::Means(meaning), _) => meaning.to_owned(),
            (_, Shape::Section(_)) => "its defaults".to_owned(),
            (Absent::Is(text), _) => format!("`{text}`"),
            (Absent::Default, _) => {
                default.map_or(String::new(), |scalar| format!("`{}`", scalar.text))
            }
        };
        push(
            page,
            format_args!(
                "| `{}` | {} | {absent} | {} |\n",
                key.name,
                key.shape.describe(),
                key.doc
            ),
        );
    }
    for key in keys {
        let dot = if path.is_empty() { "" } else { "." };
        match &key.shape {
            Shape::Section(keys) => {
                table(
                    page,
                    keys,
                    &format!("{path}{dot}{}", key.name),
                    defaults.and_then(|node| node.get(key.name)),
                );
            }
            Shape::Sections(keys) => table(page, keys, &format!("{path}{dot}{}[]", key.name), None),
            _ => {}
        }
    }
}

fn push(page: &mut String, text: std::fmt::Arguments<'_>) {
    page.write_fmt(text)
        .expect("a String takes all that is written to it");
}
