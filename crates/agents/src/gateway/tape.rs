//! Answers of a run, written down and given again.

use std::{
    fs::{self, File},
    io::{self, BufRead as _, BufReader, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// The format of a line.
const VERSION: u32 = 1;

/// One request and its answer, a line of a session's file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Recorded {
    v: u32,
    /// Below the gateway's address.
    pub(super) path: String,
    /// The digest of what was sent.
    pub(super) request: String,
    pub(super) status: u16,
    /// Those of the answer's headers that say what it is.
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: String,
}

/// Writes the exchanges of a session.
#[derive(Debug)]
pub(super) struct Recorder {
    file: Mutex<File>,
}

/// Gives the answers of a recorded session again.
#[derive(Debug)]
pub(super) struct Player {
    left: Mutex<Vec<Recorded>>,
}

impl Recorded {
    pub(super) fn new(
        path: String,
        request: &[u8],
        status: u16,
        headers: Vec<(String, String)>,
        body: &[u8],
    ) -> Self {
        Self {
            v: VERSION,
            path,
            request: digest(request),
            status,
            headers,
            body: String::from_utf8_lossy(body).into_owned(),
        }
    }
}

fn digest(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The file of a session of this name: what is no plain character of a file's name becomes a dash.
fn file_of(folder: &Path, name: &str) -> PathBuf {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let name: String = name
        .chars()
        .map(|c| if plain(c) { c } else { '-' })
        .collect();
    folder.join(format!("{name}.jsonl"))
}

impl Recorder {
    /// Begins the file of a session anew. Blocks on the disk.
    pub(super) fn create(folder: &Path, name: &str) -> io::Result<Self> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true).mode(0o700).create(folder)?;
        let mut options = fs::OpenOptions::new();
        let options = options.create(true).write(true).truncate(true).mode(0o600);
        Ok(Self {
            file: Mutex::new(options.open(file_of(folder, name))?),
        })
    }

    /// Adds an exchange: a short write, of a line that is whole or, where the disk is full, cut.
    pub(super) fn add(&self, recorded: &Recorded) {
        let Ok(mut line) = serde_json::to_vec(recorded) else {
            return;
        };
        line.push(b'\n');
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        // The work counts more than its record.
        drop(file.write_all(&line));
    }
}

impl Player {
    /// Reads the file of a session; one that was not recorded has no answers. Blocks on the disk.
    pub(super) fn open(folder: &Path, name: &str) -> io::Result<Self> {
        let path = file_of(folder, name);
        let file = match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let left = Mutex::default();
                return Ok(Self { left });
            }
            file => file?,
        };
        let mut all = Vec::new();
        for (number, line) in (1..).zip(BufReader::new(file).lines()) {
            let line = line?;
            let recorded: Recorded = serde_json::from_str(&line)
                .ok()
                .filter(|it: &Recorded| it.v == VERSION)
                .ok_or_else(|| {
                    let what = format!("{}:{number}: expected a recorded answer", path.display());
                    io::Error::new(io::ErrorKind::InvalidData, what)
                })?;
            all.push(recorded);
        }
        Ok(Self {
            left: Mutex::new(all),
        })
    }

    /// The answer to this very request, else the next one of its path: what an agent sends may name times,
    /// folders and numbers of its own.
    pub(super) fn answer(&self, path: &str, request: &[u8]) -> Option<Recorded> {
        let digest = digest(request);
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |it: &Recorded| it.path == path && it.request == digest;
        let next = |it: &Recorded| it.path == path;
        let at = left.iter().position(same);
        let at = at.or_else(|| left.iter().position(next))?;
        Some(left.remove(at))
    }
}
