//! What a commit of ours changed, to look at.

use core_types::{CommitId, RepositoryName};

use crate::{error::Error, git::Git, parse, repository::Places};

/// What a commit in a repository's mirror changed, as a unified diff, cut after so many bytes; `None`
/// where there is no mirror, or the commit is gone. Reads alone.
///
/// # Errors
///
/// [`Error::Git`], [`Error::Launch`].
///
/// # Cancel safety
///
/// Nothing is lost.
pub async fn show_change(
    git: &Git,
    places: &Places,
    name: &RepositoryName,
    commit: &CommitId,
    limit_bytes: usize,
) -> Result<Option<String>, Error> {
    let mirror = places.mirrors.join(format!("{name}.git"));
    if !mirror.join("HEAD").exists() {
        return Ok(None);
    }
    let answer = git
        .at(&mirror, "diff-tree")
        .args(["-r", "--root", "--no-commit-id", "--no-renames"])
        .args([
            "--no-ext-diff",
            "--no-textconv",
            "--patch",
            "--end-of-options",
        ])
        .arg(commit.as_str())
        .first_bytes(limit_bytes)
        .answer()
        .await?;
    if answer.code != 0 {
        return Ok(None);
    }
    // More than the limit may have been kept.
    let end = answer
        .cut_at
        .unwrap_or(answer.stdout.len())
        .min(limit_bytes);
    Ok(Some(parse::lossy(&answer.stdout[..end])))
}
