//! The one place that runs git.
//!
//! Every command gets an environment of its own making: no configuration of
//! the system or the user, no hook, filter, monitor, pager, editor, credential
//! helper or transport that a repository could name. What overrides a
//! repository's own configuration travels as `GIT_CONFIG_*` variables, which
//! git ranks like `-c`.

use std::{
    ffi::{OsStr, OsString},
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use core_types::{Clock, SystemClock};
use process::{Dialog, Exit, Launch, OutputLimit};
use tokio::sync::OnceCell;

use crate::error::Error;

/// The oldest git that has all we use: `merge-tree --write-tree`.
const NEEDED: &str = "2.38";

/// Lists of files are read whole; a repository with longer ones is refused, not cut.
const ANSWER_BYTES: usize = 256 << 20;

/// Configuration that outranks what repositories say.
const HARDENED: &[(&str, &str)] = &[
    ("core.hooksPath", "/dev/null"),
    ("core.fsmonitor", "false"),
    ("core.alternateRefsCommand", "true"),
    ("core.sshCommand", "false"),
    ("core.excludesFile", "/dev/null"),
    ("core.attributesFile", "/dev/null"),
    ("core.quotePath", "false"),
    ("credential.helper", ""),
    ("commit.gpgSign", "false"),
    ("diff.ignoreSubmodules", "all"),
    ("submodule.recurse", "false"),
    ("fetch.recurseSubmodules", "false"),
    ("fetch.writeCommitGraph", "false"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("protocol.allow", "never"),
    // Repositories of another user are read as the user asked for it; nothing of theirs is executed.
    ("safe.directory", "*"),
];

/// Who signs the commits that the engine makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The name; must not be empty.
    pub name: String,
    /// The mail address; must not be empty.
    pub email: String,
}

/// How git is run.
#[derive(Debug, Clone)]
pub struct Options {
    /// The program, by name or path; default `git`.
    pub program: OsString,
    /// `PATH` for git, where its own helpers and `sh` are found; default
    /// `/usr/local/bin:/usr/bin:/bin`.
    pub path: OsString,
    /// Author and committer; default `automation <automation@localhost>`.
    pub identity: Identity,
    /// After this time a command is ended; default 10 minutes, which a checkout on a slow disk needs.
    pub deadline: Duration,
    /// Dates the commits of agents' work; default [`SystemClock`].
    pub clock: Arc<dyn Clock>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            program: "git".into(),
            path: "/usr/local/bin:/usr/bin:/bin".into(),
            identity: Identity {
                name: "automation".to_owned(),
                email: "automation@localhost".to_owned(),
            },
            deadline: Duration::from_secs(600),
            clock: Arc::new(SystemClock),
        }
    }
}

/// The git program, ready to be run; shared by all repositories.
#[derive(Debug)]
pub struct Git {
    options: Options,
    version: OnceCell<Version>,
}

/// A version of git.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// For example 2.
    pub major: u32,
    /// For example 47.
    pub minor: u32,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl Git {
    /// Nothing is run yet.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self {
            options,
            version: OnceCell::new(),
        }
    }

    /// git's version, asked for once.
    ///
    /// # Errors
    ///
    /// [`Error::TooOld`], [`Error::Launch`] where there is no git.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    pub async fn version(&self) -> Result<Version, Error> {
        let ask = async || {
            let answer = self.command("version", Path::new("/")).run().await?;
            let text = String::from_utf8_lossy(&answer).into_owned();
            let version = parse_version(&text).ok_or(Error::Answer { command: "version" })?;
            if version < parse_version(NEEDED).unwrap_or(version) {
                return Err(Error::TooOld {
                    found: version.to_string(),
                    needed: NEEDED,
                });
            }
            Ok(version)
        };
        self.version.get_or_try_init(ask).await.copied()
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        self.options.clock.as_ref()
    }

    pub(crate) fn identity(&self) -> &Identity {
        &self.options.identity
    }

    /// A command in a folder, in which git looks for the repository by itself.
    pub(crate) fn command(&self, name: &'static str, folder: &Path) -> Command {
        let Options {
            program,
            path,
            identity,
            deadline,
            ..
        } = &self.options;
        let launch = Launch::new(program)
            .arg(name)
            .folder(folder)
            .deadline(*deadline)
            .stdout(OutputLimit::memory(ANSWER_BYTES))
            .stderr(OutputLimit::memory(64 << 10))
            .env("PATH", path)
            .env("LC_ALL", "C")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_ATTR_NOSYSTEM", "1")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_ASKPASS", "false")
            .env("GIT_OPTIONAL_LOCKS", "0")
            .env("GIT_NO_LAZY_FETCH", "1")
            .env("GIT_NO_REPLACE_OBJECTS", "1")
            .env("GIT_EDITOR", "false")
            .env("GIT_PAGER", "cat")
            .env("GIT_AUTHOR_NAME", &identity.name)
            .env("GIT_AUTHOR_EMAIL", &identity.email)
            .env("GIT_COMMITTER_NAME", &identity.name)
            .env("GIT_COMMITTER_EMAIL", &identity.email);
        let config = HARDENED
            .iter()
            .map(|(key, value)| ((*key).into(), (*value).into()))
            .collect();
        Command {
            name,
            launch,
            config,
        }
    }

    /// A command on a git directory, without a working tree.
    pub(crate) fn at(&self, git_folder: &Path, name: &'static str) -> Command {
        self.command(name, git_folder).env("GIT_DIR", git_folder)
    }

    /// The value of `--upload-pack`: the other side of a local fetch does not
    /// inherit our configuration, and must not refuse a repository of another user.
    pub(crate) fn upload_pack(&self) -> OsString {
        let mut option = OsString::from("--upload-pack=");
        option.push(shell_quote(&self.options.program));
        option.push(" -c safe.directory='*' -c core.fsmonitor=false -c core.hooksPath=/dev/null upload-pack");
        option
    }
}

/// How much of what a command writes must be on disk when it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    /// Nothing: it can be made again.
    Nothing,
    /// All but the index, which can be made again.
    Objects,
    /// All.
    Everything,
}

/// One command of git, built by value.
#[derive(Debug)]
pub(crate) struct Command {
    name: &'static str,
    launch: Launch,
    config: Vec<(OsString, OsString)>,
}

/// A command that ended by itself.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) code: i32,
    pub(crate) stdout: Vec<u8>,
    /// Where `stdout` was cut, if it was longer than asked for.
    pub(crate) cut_at: Option<usize>,
    stderr: String,
    command: &'static str,
}

impl Command {
    pub(crate) fn arg(mut self, argument: impl Into<OsString>) -> Self {
        self.launch = self.launch.arg(argument);
        self
    }

    pub(crate) fn args(mut self, arguments: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        self.launch = self.launch.args(arguments);
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.launch = self.launch.env(name, value);
        self
    }

    pub(crate) fn config(mut self, key: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.config.push((key.into(), value.into()));
        self
    }

    pub(crate) fn configs(
        mut self,
        config: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Self {
        self.config.extend(config);
        self
    }

    pub(crate) fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.launch = self.launch.stdin(bytes);
        self
    }

    pub(crate) fn index(self, path: &Path) -> Self {
        self.env("GIT_INDEX_FILE", path)
    }

    /// Joins a working tree to a bare git directory, for this command alone.
    pub(crate) fn work_tree(mut self, folder: &Path) -> Self {
        self.launch = self.launch.folder(folder);
        self.env("GIT_WORK_TREE", folder)
            .config("core.bare", "false")
    }

    pub(crate) fn durable(self, durability: Durability) -> Self {
        let components = match durability {
            Durability::Nothing => "none",
            Durability::Objects => "all,-index",
            Durability::Everything => "all",
        };
        self.config("core.fsync", components)
    }

    /// Sets both dates of a commit, in seconds since 1970.
    pub(crate) fn dated(self, seconds: u64) -> Self {
        let date = format!("@{seconds} +0000");
        self.env("GIT_AUTHOR_DATE", &date)
            .env("GIT_COMMITTER_DATE", &date)
    }

    /// Keeps the first bytes of its output only.
    pub(crate) fn first_bytes(mut self, limit: usize) -> Self {
        // Half of what is kept is the beginning.
        let limit = limit.saturating_mul(2);
        self.launch = self.launch.stdout(OutputLimit::memory(limit));
        self
    }

    /// All of it, ready to be started.
    fn into_launch(self) -> Launch {
        let Self { launch, config, .. } = self;
        let counted = launch.env("GIT_CONFIG_COUNT", config.len().to_string());
        let configured = config.into_iter().enumerate();
        configured.fold(counted, |launch, (index, (key, value))| {
            launch
                .env(format!("GIT_CONFIG_KEY_{index}"), key)
                .env(format!("GIT_CONFIG_VALUE_{index}"), value)
        })
    }

    /// Starts it, to be talked with.
    pub(crate) async fn converse(self) -> Result<Dialog, Error> {
        Ok(self.into_launch().converse().await?)
    }

    /// Runs it to its end, which may be an exit code other than 0.
    pub(crate) async fn answer(self) -> Result<Answer, Error> {
        let name = self.name;
        let finished = self.into_launch().run().await?;
        let stderr = finished.stderr.tail(4 << 10).trim().to_owned();
        let Exit::Code(code) = finished.exit else {
            return Err(Error::Git {
                command: name,
                exit: finished.exit,
                stderr,
            });
        };
        Ok(Answer {
            code,
            cut_at: finished
                .stdout
                .truncated
                .then_some(finished.stdout.head_bytes),
            stdout: finished.stdout.bytes,
            stderr,
            command: name,
        })
    }

    /// Runs it, and takes any exit code but 0 for an error.
    pub(crate) async fn run(self) -> Result<Vec<u8>, Error> {
        self.answer().await?.success()
    }

    /// Runs it; its answer is one line.
    pub(crate) async fn line(self) -> Result<String, Error> {
        let command = self.name;
        let mut line = self.run().await?;
        if line.pop() != Some(b'\n') {
            return Err(Error::Answer { command });
        }
        String::from_utf8(line).map_err(|_| Error::Answer { command })
    }
}

impl Answer {
    /// Its output where it succeeded and all of it was kept.
    pub(crate) fn success(self) -> Result<Vec<u8>, Error> {
        if self.code != 0 {
            return Err(self.into_error());
        }
        if self.cut_at.is_some() {
            let command = self.command;
            return Err(Error::Answer { command });
        }
        Ok(self.stdout)
    }

    /// The end of what it wrote to its standard error.
    pub(crate) fn stderr(&self) -> &str {
        &self.stderr
    }

    pub(crate) fn into_error(self) -> Error {
        Error::Git {
            command: self.command,
            exit: Exit::Code(self.code),
            stderr: self.stderr,
        }
    }
}

/// Quotes a word for a POSIX shell, so that a person may paste it; plain words stay as they are.
pub(crate) fn shell_quote(word: &OsStr) -> OsString {
    let text = word.to_string_lossy();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+,:@%".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''")).into()
}

/// The first `<number>.<number>` of a text.
fn parse_version(text: &str) -> Option<Version> {
    text.split_ascii_whitespace().find_map(|word| {
        let mut parts = word.split('.');
        let major = parts.next()?.parse().ok()?;
        let minor = parts.next()?.parse().ok()?;
        Some(Version { major, minor })
    })
}

/// A path as bytes of git's output.
pub(crate) fn path_of(bytes: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    PathBuf::from(OsStr::from_bytes(bytes))
}
