//! Making and resetting a clone, and the `.git` that its holder sees.

use std::{
    fs,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use core_types::CommitId;

use crate::{
    disk,
    error::Error,
    git::path_of,
    git::{Durability, Git, Identity},
    mirror::Mirror,
    parse::{GITLINK, records},
    pool::Slot,
    sweep,
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
            if !is_folder {
                let gone = std::io::ErrorKind::NotADirectory.into();
                return Err(Error::io("reset", &root)(gone));
            }
            disk::remove_blocking(&root.join(".git"))
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
        let root = tree.clone();
        disk::blocking(move || sweep::straighten(&root)).await?;
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

/// What the `.git` of a clone is made of. It is for the holder of the clone,
/// who may do with it as it likes; we never read it.
struct Scene {
    mirror: PathBuf,
    commit: CommitId,
    config: String,
}

impl Scene {
    fn new(identity: &Identity, mirror: &Mirror, commit: &CommitId) -> Self {
        let Identity { name, email } = identity;
        let (version, extension) = match commit.as_str().len() {
            40 => (0, ""),
            _ => (1, "[extensions]\n\tobjectFormat = sha256\n"),
        };
        let config = format!(
            "[core]\n\trepositoryFormatVersion = {version}\n\tbare = false\n{extension}\
             [user]\n\tname = {name:?}\n\temail = {email:?}\n[gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n",
        );
        Self {
            mirror: mirror.folder().to_owned(),
            commit: commit.clone(),
            config,
        }
    }

    /// Writes it into `root`, with a copy of `index` if there is one.
    fn lay_out(&self, root: &Path, index: Option<&Path>) -> Result<(), Error> {
        let git = root.join(".git");
        for folder in ["", "objects", "objects/info", "refs"] {
            let folder = git.join(folder);
            fs::create_dir(&folder).map_err(Error::io("create", folder))?;
        }
        let alternate = self.mirror.join("objects");
        let alternates = [alternate.as_os_str().as_bytes(), b"\n"].concat();
        disk::put(&git.join("objects/info/alternates"), &alternates)?;
        disk::put(&git.join("HEAD"), b"ref: refs/heads/work\n")?;
        // Packed, since a folder for one file costs more than the file.
        let refs = format!(
            "# pack-refs with: peeled fully-peeled sorted \n{} refs/heads/work\n",
            self.commit
        );
        disk::put(&git.join("packed-refs"), refs.as_bytes())?;
        disk::put(&git.join("config"), self.config.as_bytes())?;
        let copy = |from: &Path, to: &str| {
            let to = git.join(to);
            fs::copy(from, &to).map_err(Error::io("copy to", to))
        };
        let shallow = self.mirror.join("shallow");
        if shallow.exists() {
            copy(&shallow, "shallow")?;
        }
        if let Some(index) = index {
            copy(index, "index")?;
        }
        Ok(())
    }
}
