//! What a merge could not settle, as data and as a clone with markers.

use std::{collections::BTreeMap, fs, path::PathBuf};

use core_types::{CommitId, ConflictHunk, ConflictKind, ConflictTexts, ConflictedFile, TreeId};

use super::{GitRepository, marks};
use crate::{
    discover::need_commits,
    disk,
    error::Error,
    git::Durability,
    parse::{self, records},
    workspace::LeasedClone,
};

/// A merge whose conflicting files hold markers.
#[derive(Debug)]
pub(super) struct Marked {
    /// All files, as far as they could be merged.
    pub(super) tree: TreeId,
    /// What could not, sorted by path.
    pub(super) files: Vec<ConflictedFile>,
}

/// What git says of one conflicting path.
#[derive(Debug, Default)]
struct Said {
    /// Mode and object of base, ours and theirs.
    stages: [Option<(String, String)>; 3],
    /// The kinds of conflict, in git's words.
    kinds: Vec<String>,
}

/// An answer of `merge-tree`.
struct Answer {
    tree: TreeId,
    paths: BTreeMap<Vec<u8>, Said>,
}

/// The whole files of one conflict.
struct Blobs {
    merged: Vec<u8>,
    sides: [Vec<u8>; 3],
}

impl GitRepository {
    pub(super) async fn find_conflicts(
        &self,
        ours: &CommitId,
        theirs: &CommitId,
    ) -> Result<Vec<ConflictedFile>, Error> {
        Ok(self.merge_marked(ours, theirs).await?.files)
    }

    /// A clone of the merge with markers; what is committed there has both parents.
    pub(super) async fn lease_marked(
        &self,
        ours: &CommitId,
        theirs: &CommitId,
    ) -> Result<LeasedClone, Error> {
        let marked = self.merge_marked(ours, theirs).await?;
        // A clone is of a commit: its holder compares with it, and so does what is taken from it.
        let message = "The merge with its conflicts";
        let commit = self
            .commit_merge(&marked.tree, ours, theirs, message)
            .await?;
        let clone = self.lease_clone(&commit).await?;
        Ok(clone.with_parents(vec![ours.clone(), theirs.clone()]))
    }

    /// Merges with markers that no line of a conflicting file can be taken for.
    pub(super) async fn merge_marked(
        &self,
        ours: &CommitId,
        theirs: &CommitId,
    ) -> Result<Marked, Error> {
        let mut last = None;
        // Most files have no line that looks like a marker, and one round is enough.
        for size in marks::SIZES {
            let answer = self.merge_with(ours, theirs, size).await?;
            let blobs = self.read_blobs(&answer).await?;
            let mut is_clear = true;
            let files = answer.paths.iter().map(|(path, said)| {
                let (file, clear) = conflicted(path, said, blobs.get(path), size, ours, theirs);
                is_clear &= clear;
                file
            });
            let files = files.collect();
            let tree = answer.tree;
            if is_clear {
                return Ok(Marked { tree, files });
            }
            last = Some(Marked { tree, files });
        }
        // A file that holds markers of all sizes is left to a person.
        last.ok_or(Error::Answer {
            command: "merge-tree",
        })
    }

    async fn merge_with(
        &self,
        ours: &CommitId,
        theirs: &CommitId,
        size: usize,
    ) -> Result<Answer, Error> {
        let attributes = self.marker_attributes(size).await?;
        let answer = self
            .git
            .at(self.mirror.folder(), "merge-tree")
            .args(["--write-tree", "-z", "--messages"])
            .args([ours.as_str(), theirs.as_str()])
            .config("merge.conflictStyle", "diff3")
            .config("core.attributesFile", attributes)
            .durable(Durability::Objects)
            .answer()
            .await?;
        // 1 says that there are conflicts; git also ends so where it has not begun.
        if matches!(answer.code, 0 | 1) && !answer.stdout.is_empty() {
            return read_answer(&answer.stdout);
        }
        need_commits(&self.git, self.mirror.folder(), &[ours, theirs]).await?;
        let base = self
            .git
            .at(self.mirror.folder(), "merge-base")
            .args([ours.as_str(), theirs.as_str()])
            .answer()
            .await?;
        if base.code == 1 {
            return Err(Error::Unrelated {
                ours: ours.clone(),
                theirs: theirs.clone(),
            });
        }
        Err(answer.into_error())
    }

    /// A file of attributes that ask for markers of this size: there is no option for it.
    async fn marker_attributes(&self, size: usize) -> Result<PathBuf, Error> {
        let file = self.mirror.folder().join(format!("markers-{size}"));
        disk::blocking(move || {
            let line = format!("* conflict-marker-size={size}\n");
            if fs::read(&file).is_ok_and(|held| held == line.as_bytes()) {
                return Ok(file);
            }
            // Another process may be reading it.
            let new = file.with_extension(format!("{}.new", std::process::id()));
            disk::put(&new, line.as_bytes())?;
            fs::rename(&new, &file).map_err(Error::io("create", &file))?;
            Ok(file)
        })
        .await
    }

    /// Reads the files that may have hunks: the merged one and its three sides.
    async fn read_blobs(&self, answer: &Answer) -> Result<BTreeMap<Vec<u8>, Blobs>, Error> {
        let mut asked = Vec::new();
        let texts: Vec<_> = (answer.paths.iter())
            .filter(|(_, said)| said.may_have_hunks())
            .collect();
        for (path, said) in &texts {
            asked.extend_from_slice(answer.tree.as_str().as_bytes());
            asked.push(b':');
            asked.extend_from_slice(path);
            asked.push(0);
            for (_, object) in said.stages.iter().flatten() {
                asked.extend_from_slice(object.as_bytes());
                asked.push(0);
            }
        }
        if asked.is_empty() {
            return Ok(BTreeMap::new());
        }
        let output = self
            .git
            .at(self.mirror.folder(), "cat-file")
            .args(["--batch", "-z"])
            .stdin(asked)
            .run()
            .await?;
        let mut rest = output.as_slice();
        let mut next = || {
            take_blob(&mut rest).ok_or(Error::Answer {
                command: "cat-file",
            })
        };
        let mut blobs = BTreeMap::new();
        for (path, said) in texts {
            let merged = next()?;
            let mut sides = [const { Vec::new() }; 3];
            for (side, stage) in sides.iter_mut().zip(&said.stages) {
                if stage.is_some() {
                    *side = next()?;
                }
            }
            blobs.insert(path.clone(), Blobs { merged, sides });
        }
        Ok(blobs)
    }

    /// A merge commit of its two parents, dated by them.
    pub(super) async fn commit_merge(
        &self,
        tree: &TreeId,
        ours: &CommitId,
        theirs: &CommitId,
        message: &str,
    ) -> Result<CommitId, Error> {
        let date = self.later_date(ours, theirs).await?;
        let commit = self
            .git
            .at(self.mirror.folder(), "commit-tree")
            .args([tree.as_str(), "-p", ours.as_str(), "-p", theirs.as_str()])
            .args(["-F", "-"])
            .stdin(crate::workspace::without_nul(message))
            .dated(date)
            .durable(Durability::Objects)
            .line()
            .await?;
        parse::commit_id("commit-tree", &commit)
    }
}

impl Said {
    /// Whether both sides have a file there, and nothing but its lines is in the way.
    fn may_have_hunks(&self) -> bool {
        let is_file = |stage: &Option<(String, String)>| {
            stage.as_ref().map(|(mode, _)| mode.starts_with("100"))
        };
        let [base, ours, theirs] = self.stages.each_ref().map(is_file);
        base != Some(false)
            && ours == Some(true)
            && theirs == Some(true)
            && !self.kinds.is_empty()
            && self.kinds.iter().all(|kind| kind == "contents")
    }

    fn kind(&self) -> ConflictKind {
        let only = |known: &[&str]| {
            !self.kinds.is_empty() && self.kinds.iter().all(|kind| known.contains(&kind.as_str()))
        };
        if only(&["modify/delete"]) {
            return ConflictKind::DeleteModify;
        }
        if only(&["binary", "contents"]) && self.kinds.iter().any(|kind| kind == "binary") {
            return ConflictKind::Binary;
        }
        ConflictKind::Structure
    }
}

/// Reads an answer of `merge-tree --write-tree -z --messages`: the tree, the
/// stages of conflicting paths, an empty record, and the messages.
fn read_answer(output: &[u8]) -> Result<Answer, Error> {
    let unreadable = || Error::Answer {
        command: "merge-tree",
    };
    let mut fields = records(output);
    let tree = fields.next().map(parse::lossy).unwrap_or_default();
    let tree = parse::tree_id("merge-tree", &tree)?;
    let mut paths: BTreeMap<Vec<u8>, Said> = BTreeMap::new();
    for entry in fields.by_ref().take_while(|field| !field.is_empty()) {
        // `MODE OBJECT STAGE<tab>PATH`
        let tab = entry.iter().position(|byte| *byte == b'\t');
        let (head, path) = entry.split_at(tab.ok_or_else(unreadable)?);
        let head = std::str::from_utf8(head).map_err(|_| unreadable())?;
        let words: Vec<_> = head.split(' ').collect();
        let [mode, object, stage] = words[..] else {
            return Err(unreadable());
        };
        let stage = match stage {
            "1" => 0,
            "2" => 1,
            "3" => 2,
            _ => return Err(unreadable()),
        };
        let said = paths.entry(path[1..].to_vec()).or_default();
        said.stages[stage] = Some((mode.to_owned(), object.to_owned()));
    }
    // `N PATH… KIND TEXT`
    while let Some(n_paths) = fields.next() {
        let n_paths: usize = std::str::from_utf8(n_paths)
            .ok()
            .and_then(|number| number.parse().ok())
            .ok_or_else(unreadable)?;
        let named: Vec<_> = fields.by_ref().take(n_paths).collect();
        let kind = fields.next().map(parse::lossy).ok_or_else(unreadable)?;
        fields.next().ok_or_else(unreadable)?;
        let kind = kind
            .strip_prefix("CONFLICT (")
            .and_then(|kind| kind.strip_suffix(')'));
        let Some(kind) = kind else {
            continue;
        };
        for path in named {
            if let Some(said) = paths.get_mut(path)
                && !said.kinds.iter().any(|known| known == kind)
            {
                said.kinds.push(kind.to_owned());
            }
        }
    }
    Ok(Answer { tree, paths })
}

/// The conflict of one path, and whether its markers are clear at this size.
fn conflicted(
    path: &[u8],
    said: &Said,
    blobs: Option<&Blobs>,
    size: usize,
    ours: &CommitId,
    theirs: &CommitId,
) -> (ConflictedFile, bool) {
    let mut file = ConflictedFile {
        path: parse::lossy(path),
        kind: said.kind(),
        hunks: Vec::new(),
        detail: said.kinds.join(", "),
        texts: None,
    };
    // A path that is no text cannot be asked for again.
    let Some(blobs) = blobs.filter(|_| std::str::from_utf8(path).is_ok()) else {
        return (file, true);
    };
    let Some(hunks) = marks::hunks(&blobs.merged, size, ours.as_str(), theirs.as_str()) else {
        return (file, false);
    };
    if hunks.is_empty() {
        // Something else than lines is in the way, such as a mode.
        return (file, true);
    }
    let text = |range: std::ops::Range<usize>| parse::lossy(&blobs.merged[range]);
    let hunk = |hunk: marks::Hunk| ConflictHunk {
        line: hunk.line,
        base: text(hunk.base),
        ours: text(hunk.ours),
        theirs: text(hunk.theirs),
    };
    file.hunks = hunks.into_iter().map(hunk).collect();
    file.kind = match &said.stages {
        [None, ..] => ConflictKind::BothAdded,
        [Some(_), ..] => ConflictKind::Content,
    };
    let [base, our_side, their_side] = &blobs.sides;
    let all = [&blobs.merged, base, our_side, their_side];
    let [merged, base, ours, theirs] = all.map(|bytes| parse::lossy(bytes));
    file.texts = Some(Box::new(ConflictTexts {
        merged,
        base,
        ours,
        theirs,
        is_exact: all.iter().all(|bytes| std::str::from_utf8(bytes).is_ok()),
    }));
    (file, true)
}

/// Takes one object from the output of `cat-file --batch`; `None` where it is no blob.
pub(super) fn take_blob(rest: &mut &[u8]) -> Option<Vec<u8>> {
    let end = rest.iter().position(|byte| *byte == b'\n')?;
    let head = std::str::from_utf8(&rest[..end]).ok()?;
    let size: usize = head.split_once(" blob ")?.1.parse().ok()?;
    let body = &rest[end + 1..];
    let blob = body.get(..size)?.to_vec();
    *rest = body.get(size + 1..)?;
    Some(blob)
}
