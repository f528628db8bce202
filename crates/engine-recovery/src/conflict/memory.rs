//! What is remembered of a merge, and what is known of another one.

use std::collections::BTreeMap;

use core_types::{
    CommitId, ConflictHunk, ConflictedFile, PortError, Repository, Resolution, SettledFile,
};

use super::{
    pieces::{contexts, place, put_together, resolved},
    work::read,
};

/// What the memory knows of a merge's hunks.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// The conflicting files as they were settled, where all hunks of all of them are known.
    pub(super) files: Option<Vec<SettledFile>>,
    /// Each hunk that is known, for the agent that decides the others.
    pub(super) hints: Vec<String>,
}

/// Looks the hunks of a merge up.
pub(super) async fn recall(
    git: &dyn Repository,
    files: &[ConflictedFile],
) -> Result<Known, PortError> {
    let hunks: Vec<_> = (files.iter().flat_map(|file| &file.hunks))
        .cloned()
        .collect();
    let mut texts = git.recall(&hunks).await?.into_iter();
    let mut known = Known {
        files: Some(Vec::new()),
        hints: Vec::new(),
    };
    for file in files {
        let own: Vec<_> = texts.by_ref().take(file.hunks.len()).collect();
        for (hunk, text) in file.hunks.iter().zip(&own) {
            let hint = |text| {
                let place = place(file, hunk);
                format!(
                    "{place}, was settled before, and the tests passed, by these lines:\n{text}"
                )
            };
            known.hints.extend(text.as_ref().map(hint));
        }
        // Texts that are not what the files hold would change more than the hunks.
        let is_exact = file.texts.as_ref().is_some_and(|texts| texts.is_exact);
        let whole: Option<Vec<_>> = own.into_iter().collect();
        let settled = whole
            .filter(|_| is_exact)
            .zip(contexts(file))
            .map(|(texts, contexts)| SettledFile {
                path: file.path.clone(),
                text: put_together(&contexts, &texts),
            });
        known.files = known.files.take().zip(settled).map(|(mut files, file)| {
            files.push(file);
            files
        });
    }
    Ok(known)
}

/// Remembers how a merge was settled, as far as each hunk's own text can be
/// told, and says of how many hunks.
pub(super) async fn remember(
    git: &dyn Repository,
    files: &[ConflictedFile],
    merge: &CommitId,
) -> Result<usize, PortError> {
    let mut found: BTreeMap<String, Option<Resolution>> = BTreeMap::new();
    for file in files {
        let Some(contexts) = contexts(file) else {
            continue;
        };
        let text = read(git, merge, &file.path).await?;
        let Some(text) = text.and_then(|bytes| String::from_utf8(bytes).ok()) else {
            continue;
        };
        let texts = resolved(&contexts, &text);
        for (hunk, text) in file.hunks.iter().zip(texts.iter().flatten()) {
            let resolution = resolution(hunk, text);
            found
                .entry(hunk.identity())
                .and_modify(|known| {
                    // The same hunk was settled in two ways: neither is the way.
                    if known.as_ref() != Some(&resolution) {
                        *known = None;
                    }
                })
                .or_insert_with(|| Some(resolution.clone()));
        }
    }
    let resolutions: Vec<_> = found.into_values().flatten().collect();
    git.remember(&resolutions).await?;
    Ok(resolutions.len())
}

fn resolution(hunk: &ConflictHunk, text: &str) -> Resolution {
    Resolution {
        // Where it stood is no part of what it is.
        hunk: ConflictHunk {
            line: 0,
            ..hunk.clone()
        },
        text: text.to_owned(),
    }
}
