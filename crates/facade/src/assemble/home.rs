use std::{
    ffi::OsString,
    fs,
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use core_types::{Clock, RepositoryName, RunId, SystemClock};

use super::{
    Error,
    on_forge::{Printed, Shared},
};

/// What the program gives from its surroundings; nothing here reads them itself.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// The folder that relative paths of the command line start from.
    pub current_dir: PathBuf,
    /// The process environment.
    pub environment: Vec<(OsString, OsString)>,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// Storage and faults of every journal that is opened.
    pub journal: journal::Options,
    /// The accounts on forges that are open; clones share them.
    pub(crate) forges: Shared,
    /// What commands have printed that print secrets.
    pub(crate) printed: Printed,
}

impl Surroundings {
    /// The given folder and environment, the system's clock and the real file system.
    #[must_use]
    pub fn new(current_dir: PathBuf, environment: Vec<(OsString, OsString)>) -> Self {
        let clock = Arc::new(SystemClock);
        Self {
            current_dir,
            environment,
            clock,
            journal: journal::Options::default(),
            forges: Shared::default(),
            printed: Printed::default(),
        }
    }

    /// A variable's value, where it is UTF-8.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<String> {
        let (_, value) = self.environment.iter().find(|(known, _)| known == name)?;
        value.to_str().map(str::to_owned)
    }

    pub(crate) fn checkpoint_options(&self) -> engine_checkpoint::Options {
        engine_checkpoint::Options {
            journal: self.journal.clone(),
            clock: self.clock.clone(),
        }
    }
}

/// Where configuration (`config/`) and state (`.automation/`) live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    root: PathBuf,
}

impl Home {
    /// The home for a folder: `explicit` if given, else the nearest folder
    /// upwards that has `.automation/` or `config/automation.yaml`, else the
    /// repository that encloses it, else the folder itself.
    #[must_use]
    pub fn locate(folder: &Path, explicit: Option<&Path>) -> Self {
        if let Some(root) = explicit {
            return Self {
                root: folder.join(root),
            };
        }
        let has = |root: &&Path| {
            root.join(".automation").is_dir() || root.join("config/automation.yaml").is_file()
        };
        let root = folder
            .ancestors()
            .find(has)
            .or_else(|| folder.ancestors().find(|root| root.join(".git").exists()))
            .unwrap_or(folder);
        Self {
            root: root.to_owned(),
        }
    }

    /// The folder that holds `config/` and `.automation/`.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The folder of all state.
    #[must_use]
    pub fn state(&self) -> PathBuf {
        self.root.join(".automation")
    }

    /// Whether this home knows another repository than `root` by the name.
    pub(crate) fn names_another(&self, name: &RepositoryName, root: &Path) -> bool {
        let known = fs::read_to_string(self.source_file(name));
        known.is_ok_and(|known| Path::new(known.trim_end_matches('\n')) != root)
    }

    /// Remembers which repository has the name.
    pub(crate) fn remember(&self, name: &RepositoryName, root: &Path) -> Result<(), Error> {
        let file = self.source_file(name);
        if file.exists() && !self.names_another(name, root) {
            return Ok(());
        }
        let folder = self.state().join("mirrors");
        fs::create_dir_all(&folder).map_err(|source| Error::Io {
            operation: "create",
            path: folder,
            source,
        })?;
        let text = format!("{}\n", root.display());
        journal::atomic_write(&file, text.as_bytes()).map_err(Error::Write)
    }

    /// The names of all repositories that are remembered, sorted.
    pub(crate) fn remembered(&self) -> Vec<RepositoryName> {
        let entries = fs::read_dir(self.state().join("mirrors"));
        let mut names: Vec<RepositoryName> = entries
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| {
                let name = entry.file_name();
                RepositoryName::new(name.to_str()?.strip_suffix(".source")?).ok()
            })
            .collect();
        names.sort();
        names
    }

    fn source_file(&self, name: &RepositoryName) -> PathBuf {
        self.state().join("mirrors").join(format!("{name}.source"))
    }

    /// A run's folder.
    #[must_use]
    pub fn run_folder(&self, run: &RunId) -> PathBuf {
        self.state().join("runs").join(run.as_str())
    }

    /// A file below `config/`.
    #[must_use]
    pub fn config_file(&self, name: &str) -> PathBuf {
        self.root.join("config").join(name)
    }

    /// Fails where something else than a folder is in the state folder's place.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let state = self.state();
        if state.exists() && !state.is_dir() {
            let message = format!("{} is not a folder", state.display());
            let hint = "move it away, or choose another home with --home";
            return Err(Error::request(message, hint));
        }
        Ok(())
    }

    /// Creates the state folder, closed to other users and to git.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] or [`Error::Write`] where the folder cannot be written.
    pub fn ensure(&self) -> Result<(), Error> {
        self.check()?;
        let state = self.state();
        let io = |source| Error::Io {
            operation: "create",
            path: state.clone(),
            source,
        };
        if !state.is_dir() {
            fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(&state)
                .map_err(io)?;
        }
        let mode = fs::metadata(&state).map_err(io)?.permissions().mode();
        if mode & 0o077 != 0 {
            fs::set_permissions(&state, fs::Permissions::from_mode(0o700)).map_err(io)?;
        }
        let ignore = state.join(".gitignore");
        if !ignore.exists() {
            journal::atomic_write(&ignore, b"*\n").map_err(Error::Write)?;
        }
        Ok(())
    }

    /// All runs, oldest first. Their ids begin with the time of their start.
    ///
    /// # Errors
    ///
    /// [`Error::Io`].
    pub fn runs(&self) -> Result<Vec<RunId>, Error> {
        self.check()?;
        let path = self.state().join("runs");
        let entries = match fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => {
                return Err(Error::Io {
                    operation: "read",
                    path,
                    source,
                });
            }
        };
        let mut runs: Vec<RunId> = entries
            .filter_map(|entry| RunId::new(entry.ok()?.file_name().to_str()?).ok())
            .collect();
        runs.sort();
        Ok(runs)
    }

    /// The run of the given name; a unique beginning of a name will do.
    ///
    /// # Errors
    ///
    /// [`Error::NoRun`], and [`Error::Request`] where several begin so.
    pub fn find_run(&self, name: &str) -> Result<RunId, Error> {
        let runs = self.runs()?;
        let found: Vec<_> = runs
            .iter()
            .filter(|run| run.as_str().starts_with(name))
            .collect();
        match found.as_slice() {
            _ if name.is_empty() => {}
            [run] => return Ok((*run).clone()),
            [] => {}
            _ => {
                if let Some(run) = found.iter().find(|run| run.as_str() == name) {
                    return Ok((**run).clone());
                }
                let names: Vec<_> = found.iter().map(|run| run.as_str()).collect();
                let message = format!("several runs begin with {name:?}: {}", names.join(", "));
                return Err(Error::request(message, "give more of the name"));
            }
        }
        Err(Error::NoRun {
            run: name.to_owned(),
            home: self.root.clone(),
        })
    }
}
