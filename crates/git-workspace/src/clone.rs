//! Making and resetting a clone.

use std::path::{Path, PathBuf};

use core_types::CommitId;

use crate::{
    disk,
    error::Error,
    git::path_of,
    git::{Durability, Git},
    mirror::Mirror,
    parse::{GITLINK, records},
    pool::Slot,
    scene::Scene,
    sweep,
    unseen::Unseen,
};

/// Brings a slot to exactly `commit`; a used one by its differences.
pub(crate) async fn reset(
    git: &Git,
    mirror: &Mirror,
    slot: &Slot,
    commit: &CommitId,
) -> Result<(), Error> {
    let (tree, index) = (slot.tree(), slot.index());
    if slot.is_used() {
        let root = tree.clone();
        disk::blocking(move || {
            let is_folder = root.symlink_metadata().is_ok_and(|found| found.is_dir());
            if is_folder {
                return Ok(());
            }
            let gone = std::io::ErrorKind::NotADirectory.into();
            Err(Error::io("reset", &root)(gone))
        })
        .await?;
        // By the index of the last lease, so that all that its holder has
        // made is untracked, what it staged or ignored too.
        git.at(mirror.folder(), "clean")
            .args(["-ffdx", "--quiet"])
            .work_tree(&tree)
            .index(&index)
            .run()
            .await?;
        let (root, written) = (tree.clone(), index.clone());
        let name_bytes = commit.as_str().len() / 2;
        let straighten = move || {
            let unseen = Unseen::by_index(&written, name_bytes);
            sweep::straighten(&root, &unseen)
        };
        disk::blocking(straighten).await?;
    }
    check_out(git, mirror, &tree, &index, commit).await?;
    if slot.is_used() && tree.join(".gitmodules").exists() {
        empty_submodules(git, mirror, &tree, &index).await?;
    }
    let scene = Scene::new(git.identity(), mirror, commit);
    disk::blocking(move || scene.lay_out(&tree, Some(&index))).await
}

/// Makes a clone in a folder that exists and is empty.
pub(crate) async fn make(
    git: &Git,
    mirror: &Mirror,
    folder: &Path,
    commit: &CommitId,
) -> Result<(), Error> {
    let scene = Scene::new(git.identity(), mirror, commit);
    let root = folder.to_owned();
    disk::blocking(move || scene.lay_out(&root, None)).await?;
    check_out(git, mirror, folder, &folder.join(".git/index"), commit).await
}

/// Makes files and index those of `commit`, whatever they were.
async fn check_out(
    git: &Git,
    mirror: &Mirror,
    tree: &Path,
    index: &Path,
    commit: &CommitId,
) -> Result<(), Error> {
    git.at(mirror.folder(), "read-tree")
        .args(["--reset", "-u", "--no-recurse-submodules", commit.as_str()])
        .work_tree(tree)
        .index(index)
        .durable(Durability::Nothing)
        .run()
        .await?;
    Ok(())
}

/// git does not look into the folders of submodules; in a new clone they are empty.
async fn empty_submodules(
    git: &Git,
    mirror: &Mirror,
    tree: &Path,
    index: &Path,
) -> Result<(), Error> {
    let listed = git
        .at(mirror.folder(), "ls-files")
        .args(["--stage", "-z"])
        .work_tree(tree)
        .index(index)
        .run()
        .await?;
    let tree = tree.to_owned();
    disk::blocking(move || {
        submodules(&listed)
            .iter()
            .try_for_each(|path| sweep::empty(&tree.join(path)))
    })
    .await
}

/// The submodules in an output of `ls-files --stage -z`.
pub(crate) fn submodules(listed: &[u8]) -> Vec<PathBuf> {
    let path = |entry: &[u8]| {
        let tab = entry.iter().position(|byte| *byte == b'\t')?;
        entry
            .starts_with(GITLINK.as_bytes())
            .then(|| path_of(&entry[tab + 1..]))
    };
    records(listed).filter_map(path).collect()
}
