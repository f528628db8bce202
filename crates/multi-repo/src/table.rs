//! The table that links the pull requests of a change set.

use core_types::{IssueNumber, OperationId, RepositoryName};

/// One member of a change set, as the table shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableRow {
    /// Where.
    pub repository: RepositoryName,
    /// Its pull request, once there is one.
    pub pull_request: Option<IssueNumber>,
    /// Where a person finds the pull request, if the forge has pages.
    pub url: Option<String>,
    /// Where it stands, in a word or two.
    pub state: String,
}

/// One table over all pull requests of a change set, in Markdown, for the body of each.
///
/// It stands between two marks that name the change set, so that [`with_table`] finds it again.
///
/// ```
/// use multi_repo::{TableRow, change_set_table, with_table};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut row = TableRow { repository: "backend".parse()?, pull_request: Some(3), url: None, state: "open".into() };
/// let id = "run-1".parse()?;
/// let body = with_table("Adds the flag.", &id, &change_set_table(&id, &[row.clone()]));
/// row.state = "merged".into();
/// let later = with_table(&body, &id, &change_set_table(&id, &[row]));
/// assert_eq!(later, "Adds the flag.
///
/// <!-- change-set run-1 -->
/// | repository | pull request | state |
/// |---|---|---|
/// | backend | #3 | merged |
/// <!-- end of change-set run-1 -->
/// ");
/// # Ok(())
/// # }
/// ```
#[must_use]
pub fn change_set_table(change_set: &OperationId, rows: &[TableRow]) -> String {
    let mut table = format!(
        "{}\n| repository | pull request | state |\n|---|---|---|\n",
        start(change_set)
    );
    for row in rows {
        let number = row
            .pull_request
            .map_or_else(|| "—".to_owned(), |it| format!("#{it}"));
        let link = match &row.url {
            Some(url) => format!("[{number}](<{}>)", cell(url)),
            None => number,
        };
        table += &format!("| {} | {link} | {} |\n", row.repository, cell(&row.state));
    }
    table + &end(change_set) + "\n"
}

/// A body with the table of a change set: in place of an earlier one, else at its end.
/// All else of the body stays as it is.
#[must_use]
pub fn with_table(body: &str, change_set: &OperationId, table: &str) -> String {
    let (start, end) = (start(change_set), end(change_set) + "\n");
    // The last one, since texts of others, which may quote a table, come first.
    if let Some(from) = body.rfind(&start)
        && let Some(length) = body[from..].find(end.trim_end())
    {
        let rest = &body[from + length + end.len() - 1..];
        let rest = rest.strip_prefix('\n').unwrap_or(rest);
        return format!("{}{table}{rest}", &body[..from]);
    }
    match body.trim_end() {
        "" => table.to_owned(),
        body => format!("{body}\n\n{table}"),
    }
}

fn start(change_set: &OperationId) -> String {
    format!("<!-- change-set {change_set} -->")
}

fn end(change_set: &OperationId) -> String {
    format!("<!-- end of change-set {change_set} -->")
}

/// What cannot end a cell, a link or a comment.
fn cell(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '|' | '<' | '>' => ' ',
            c if c.is_control() => ' ',
            c => c,
        })
        .collect()
}
