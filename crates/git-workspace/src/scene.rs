//! The `.git` that the holder of a clone sees.

use std::{
    fs,
    os::unix::{ffi::OsStrExt, fs::MetadataExt},
    path::{Path, PathBuf},
};

use core_types::CommitId;

use crate::{
    disk,
    error::Error,
    git::Identity,
    mirror::Mirror,
    sweep::{look_at, set_mode},
};

/// The folders below `.git`, each behind the one that it is in.
const FOLDERS: [&str; 3] = ["objects", "objects/info", "refs"];

/// What the `.git` of a clone is made of. It is for the holder of the clone,
/// who may do with it as it likes; we never read it.
pub(crate) struct Scene {
    mirror: PathBuf,
    commit: CommitId,
    config: String,
}

/// What a file of `.git` holds.
enum Content<'a> {
    Bytes(Vec<u8>),
    CopyOf(&'a Path),
}

impl Scene {
    pub(crate) fn new(identity: &Identity, mirror: &Mirror, commit: &CommitId) -> Self {
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
    ///
    /// What is there of an earlier one is brought to it by its differences: to
    /// remove and create a dozen files a task is what costs, on ext4 more with each
    /// file that was removed in the last minutes.
    pub(crate) fn lay_out(&self, root: &Path, index: Option<&Path>) -> Result<(), Error> {
        let git = root.join(".git");
        let shallow = self.mirror.join("shallow");
        let mut files = vec![
            ("HEAD", Content::Bytes(b"ref: refs/heads/work\n".to_vec())),
            ("config", Content::Bytes(self.config.as_bytes().to_vec())),
            ("objects/info/alternates", Content::Bytes(self.alternates())),
            ("packed-refs", Content::Bytes(self.packed_refs())),
        ];
        if shallow.exists() {
            files.push(("shallow", Content::CopyOf(&shallow)));
        }
        if let Some(index) = index {
            files.push(("index", Content::CopyOf(index)));
        }
        weed(root, &files)?;
        make_folder(&git)?;
        FOLDERS
            .iter()
            .try_for_each(|folder| make_folder(&git.join(folder)))?;
        for (name, content) in files {
            let path = git.join(name);
            match content {
                Content::Bytes(bytes) => disk::write_over(&path, bytes.as_slice())?,
                Content::CopyOf(from) => {
                    let from = fs::File::open(from).map_err(Error::io("copy", from))?;
                    disk::write_over(&path, from)?;
                }
            }
        }
        Ok(())
    }

    fn alternates(&self) -> Vec<u8> {
        let objects = self.mirror.join("objects");
        [objects.as_os_str().as_bytes(), b"\n"].concat()
    }

    /// Packed, since a folder for one file costs more than the file.
    fn packed_refs(&self) -> Vec<u8> {
        format!(
            "# pack-refs with: peeled fully-peeled sorted \n{} refs/heads/work\n",
            self.commit
        )
        .into_bytes()
    }
}

/// Removes what a holder left in the `.git` of `root` and is not exactly a folder or a
/// file of ours: links, files with another name elsewhere or other rights, all else.
fn weed(root: &Path, files: &[(&str, Content<'_>)]) -> Result<(), Error> {
    let git = root.join(".git");
    let usual = look_at(root.parent().unwrap_or(root))?.mode();
    match git.symlink_metadata() {
        Ok(metadata) if metadata.is_dir() => set_mode(&git, &metadata, usual)?,
        _ => return disk::remove_blocking(&git),
    }
    for folder in [""].iter().chain(&FOLDERS) {
        for entry in disk::entries(&git.join(folder))? {
            let path = entry.path();
            let is_named = |name: &str| path == git.join(name);
            let metadata = look_at(&path)?;
            if metadata.is_dir() && FOLDERS.iter().copied().any(is_named) {
                set_mode(&path, &metadata, usual)?;
            } else if !(metadata.is_file()
                && metadata.nlink() == 1
                && metadata.mode() & 0o7777 == usual & 0o666
                && files.iter().any(|(name, _)| is_named(name)))
            {
                disk::remove_blocking(&path)?;
            }
        }
    }
    Ok(())
}

fn make_folder(folder: &Path) -> Result<(), Error> {
    match fs::create_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        made => made.map_err(Error::io("create", folder)),
    }
}
