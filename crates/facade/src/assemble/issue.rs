use std::{fs, path::PathBuf};

use core_types::{APART, Issue, IssueNumber, IssueState, RepositoryName, Timestamp};

use super::Error;

/// Where the issue of a run comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IssueSource {
    /// A Markdown file: its first heading or line is the title.
    File(PathBuf),
    /// An issue of the forge; without a repository, of the primary one.
    Forge(Option<RepositoryName>, IssueNumber),
    /// A title and a body.
    Text {
        /// One line.
        title: String,
        /// Markdown; may be empty.
        body: String,
    },
}

impl IssueSource {
    /// Reads an argument: the path of a file that exists, or an issue as
    /// `12`, `#12` or `backend#12`; `!12` is a pull request of a forge that numbers them apart.
    ///
    /// # Errors
    ///
    /// [`Error::Request`] where it is neither.
    pub fn parse(argument: &str, current_dir: &std::path::Path) -> Result<Self, Error> {
        let path = current_dir.join(argument);
        if path.is_file() {
            return Ok(Self::File(path));
        }
        let (repository, number) = match argument.find(['#', '!']) {
            Some(at) => argument.split_at(at),
            None => ("", argument),
        };
        let (before, number) = match number.strip_prefix('!') {
            Some(number) => (APART, number),
            None => (0, number.strip_prefix('#').unwrap_or(number)),
        };
        let repository = match repository {
            "" => Some(None),
            name => RepositoryName::new(name).ok().map(Some),
        };
        let number = number.parse::<IssueNumber>();
        let number = number.ok().and_then(|number| number.checked_add(before));
        match (repository, number) {
            (Some(repository), Some(number)) => Ok(Self::Forge(repository, number)),
            _ => Err(Error::request(
                format!("{argument:?} is neither a file nor an issue"),
                "give a Markdown file, an issue such as 12 or backend#12, or --title",
            )),
        }
    }
}

const MAX_ISSUE_BYTES: u64 = 1024 * 1024;

/// An issue that no forge holds.
pub(crate) fn unnumbered(title: String, body: String, created: Timestamp) -> Issue {
    Issue {
        number: 0,
        title,
        body,
        labels: Vec::new(),
        state: IssueState::Open,
        author: String::new(),
        created,
    }
}

/// Reads a Markdown file as an issue.
pub(crate) fn read_file(path: PathBuf, created: Timestamp) -> Result<Issue, Error> {
    let shown = path.display().to_string();
    let io = |source| Error::Io {
        operation: "read",
        path: path.clone(),
        source,
    };
    if fs::metadata(&path).map_err(io)?.len() > MAX_ISSUE_BYTES {
        return Err(Error::request(
            format!("{shown} is larger than 1 MiB"),
            "shorten the issue",
        ));
    }
    let text = String::from_utf8(fs::read(&path).map_err(io)?)
        .map_err(|_| Error::request(format!("{shown} is not UTF-8 text"), ""))?;
    let mut lines = text.lines().skip_while(|line| line.trim().is_empty());
    let title = lines
        .next()
        .unwrap_or_default()
        .trim()
        .trim_start_matches('#')
        .trim()
        .to_owned();
    if title.is_empty() {
        return Err(Error::request(
            format!("{shown} has no title"),
            "begin it with a heading",
        ));
    }
    let body = lines.collect::<Vec<_>>().join("\n").trim().to_owned();
    Ok(unnumbered(title, body, created))
}
