//! How a change set's end is told to people.

use core_types::{ChangeSetEnd, OperationId};

/// A report in Markdown on how far a change set has landed. One that landed in
/// part names each repository on both sides, and comes first with that.
///
/// ```
/// use core_types::ChangeSetEnd;
/// # fn main() -> Result<(), core_types::InvalidName> {
/// let end = ChangeSetEnd::Partial {
///     landed: ["backend".parse()?].into(),
///     missing: [("frontend".parse()?, "its pull request was closed".to_owned())].into(),
/// };
/// let report = multi_repo::end_report(&"run-1".parse()?, &end);
/// assert_eq!(report, "**Landed in part only.** Change set `run-1` is in 1 of 2 repositories: a person must decide.
///
/// - landed: backend
/// - not landed: frontend: its pull request was closed
/// ");
/// # Ok(())
/// # }
/// ```
#[must_use]
pub fn end_report(change_set: &OperationId, end: &ChangeSetEnd) -> String {
    let list = |lines: Vec<String>| {
        let lines = lines
            .into_iter()
            .map(|line| format!("- {}\n", one_line(&line)));
        lines.collect::<String>()
    };
    match end {
        ChangeSetEnd::All => format!("Change set `{change_set}` has landed in all repositories.\n"),
        ChangeSetEnd::None { reasons } if reasons.is_empty() => {
            format!("Change set `{change_set}` has landed in no repository.\n")
        }
        ChangeSetEnd::None { reasons } => format!(
            "Change set `{change_set}` has landed in no repository.\n\n{}",
            list(reasons.clone())
        ),
        ChangeSetEnd::Partial { landed, missing } => {
            let n_all = landed.len() + missing.len();
            let landed_lines = landed.iter().map(|name| format!("landed: {name}"));
            let missing = missing.iter();
            let missing = missing.map(|(name, why)| format!("not landed: {name}: {why}"));
            format!(
                "**Landed in part only.** Change set `{change_set}` is in {} of {n_all} repositories: a person must decide.\n\n{}",
                landed.len(),
                list(landed_lines.chain(missing).collect())
            )
        }
        // An end that is added later is still told.
        other => format!("Change set `{change_set}`: {other:?}\n"),
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
