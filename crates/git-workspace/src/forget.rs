//! What a run kept in the mirrors, let go.

use core_types::{RepositoryName, RunId};

use crate::{
    error::Error,
    git::{Durability, Git},
    mirror::Mirror,
    parse,
    repository::Places,
};

/// Removes a run's references from a repository's mirror, and counts them;
/// where there is no mirror there are none. Safe to repeat.
///
/// # Errors
///
/// [`Error::Git`], [`Error::Io`].
///
/// # Cancel safety
///
/// A dropped call removes all of them or none.
pub async fn forget_run(
    git: &Git,
    places: &Places,
    name: &RepositoryName,
    run: &RunId,
) -> Result<usize, Error> {
    if !places.mirrors.join(format!("{name}.git/HEAD")).exists() {
        return Ok(0);
    }
    // It exists, so that no object format is needed.
    let mirror = Mirror::open(git, &places.mirrors, name, "sha1").await?;
    let alone = mirror.alone().await?;
    let listed = git
        .at(mirror.folder(), "for-each-ref")
        .args(["--format=delete %(refname)", "--"])
        .arg(format!("refs/automation/{run}/"))
        .run()
        .await?;
    let commands = parse::lossy(&listed);
    let update = || {
        git.at(mirror.folder(), "update-ref")
            .args(["--no-deref", "--stdin"])
            .stdin(commands.as_bytes())
            .durable(Durability::Everything)
    };
    mirror.run_alone(&alone, update).await?;
    Ok(commands.lines().count())
}
