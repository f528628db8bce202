//! What each figure of pages, terminal, report and endpoints means, from the documentation of the folds' views.

use std::fmt::Write as _;

use anyhow::{Result, ensure};
use xshell::Shell;

/// Where the views are, in the order of the pages.
const SOURCES: &[&str] = &[
    "view/many.rs",
    "view/run.rs",
    "view/task.rs",
    "view/timeline.rs",
    "view/spend.rs",
    "view/reason.rs",
    "view/summary.rs",
    "bodies.rs",
];
const FOLDER: &str = "crates/monitoring/src/fold";

const HEADING: &str = "\n## Figures of pages, terminal, report and endpoints\n\n\
     All of them are made of the same folds of a run's events: `dashboard`, `top`, `explain`, `report` and \
     `GET /api/…` show these, under these names where they are JSON. Times that end in `_ms` are milliseconds, \
     money is in US dollars as a text, an instant is in milliseconds since 1970 (UTC).\n\n";

/// A view, and its fields with what they mean.
#[derive(Debug, Default, PartialEq, Eq)]
struct View {
    name: String,
    meaning: String,
    fields: Vec<(String, String)>,
}

/// The section of the reference.
pub(super) fn section(sh: &Shell) -> Result<String> {
    let mut page = HEADING.to_owned();
    for source in SOURCES {
        let path = format!("{FOLDER}/{source}");
        let views = views(&sh.read_file(&path)?);
        ensure!(!views.is_empty(), "{path} has no documented view any more");
        for view in views {
            write!(page, "### {}\n\n{}\n\n", view.name, view.meaning)?;
            page.push_str("| figure | meaning |\n|---|---|\n");
            for (name, meaning) in view.fields {
                writeln!(page, "| `{name}` | {meaning} |")?;
            }
            page.push('\n');
        }
    }
    Ok(page)
}

/// The public structures of a source with their public fields.
fn views(source: &str) -> Vec<View> {
    let mut views: Vec<View> = Vec::new();
    let mut meaning = String::new();
    let mut is_inside = false;
    for line in source.lines() {
        let code = line.trim();
        if let Some(text) = code.strip_prefix("///") {
            let joint = if meaning.is_empty() { "" } else { " " };
            meaning.push_str(joint);
            meaning.push_str(text.trim());
            continue;
        }
        if code.starts_with("#[") {
            continue;
        }
        let said = plain(&std::mem::take(&mut meaning));
        if let Some(name) = code.strip_prefix("pub struct ") {
            let name = name
                .split(['<', ' ', '{'])
                .next()
                .unwrap_or(name)
                .to_owned();
            is_inside = code.ends_with('{');
            if is_inside {
                views.push(View {
                    name,
                    meaning: said,
                    fields: Vec::new(),
                });
            }
        } else if line == "}" {
            is_inside = false;
        } else if is_inside
            && let Some((name, _)) = code.strip_prefix("pub ").and_then(|it| it.split_once(':'))
            && let Some(view) = views.last_mut()
        {
            view.fields.push((name.to_owned(), said));
        }
    }
    views.retain(|view| !view.fields.is_empty());
    views
}

/// Documentation without links to other documentation, and without what would end a cell.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, link)) = rest.split_once("[`") {
        plain.push_str(before);
        let Some((name, after)) = link.split_once("`]") else {
            plain.push_str("[`");
            rest = link;
            continue;
        };
        plain.push_str(&format!("`{name}`"));
        let target = after.strip_prefix('(').and_then(|it| it.split_once(')'));
        rest = target.map_or(after, |(_, after)| after);
    }
    plain.push_str(rest);
    plain.replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn views_are_structures_with_public_fields() {
        let source = "\
/// A run, see [`Board`](super::Board),
/// at one moment.
#[derive(Debug)]
pub struct RunView<T> {
    /// Its `a|b`.
    #[serde(default)]
    pub header: Header,
    /// Of nobody's.
    secret: u8,
    /// See [`Eta`].
    pub eta: Option<T>,
}

/// Has no fields.
pub struct Unit;

impl RunView {
    /// Not a field.
    pub fn header(&self) -> u8 { 1 }
}
";
        let pair = |name: &str, meaning: &str| (name.to_owned(), meaning.to_owned());
        assert_eq!(
            views(source),
            [View {
                name: "RunView".to_owned(),
                meaning: "A run, see `Board`, at one moment.".to_owned(),
                fields: vec![pair("header", "Its `a\\|b`."), pair("eta", "See `Eta`.")],
            }]
        );
    }
}
