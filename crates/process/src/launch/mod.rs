//! What to run and what came of it.

mod dialog;
mod run;

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use core_types::{CancellationToken, Exit};
pub use dialog::Dialog;
pub use run::Held;

use crate::capture::{Captured, OutputLimit};
use crate::sandbox::{Sandbox, SandboxedBy, moved};

/// How a child's descendants are held together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Containment {
    /// Its process group is ended with it; who leaves the group is not followed. Costs least; for
    /// programs we trust, such as git.
    #[default]
    None,
    /// The whole tree is ended with it, whatever it does.
    Tree,
}

/// By what means a tree was held together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContainedBy {
    /// By nothing but the process group of its first process; it was not asked for more.
    Nothing,
    /// By a PID namespace: the kernel ended all of it.
    PidNamespace,
    /// By process group and reaper of orphans, since the system refused a PID namespace: all descendants
    /// were found and ended, unless one first ended the process that watched over it.
    ProcessGroup,
}

/// A program that has ended.
#[derive(Debug)]
pub struct Finished {
    /// How it ended.
    pub exit: Exit,
    /// What it wrote to its standard output.
    pub stdout: Captured,
    /// What it wrote to its standard error; empty after [`Launch::stderr_to_stdout`].
    pub stderr: Captured,
    /// From its start to the end of its tree.
    pub duration: Duration,
    /// What held its tree together.
    pub contained_by: ContainedBy,
    /// What kept it to its sandbox.
    pub sandboxed_by: SandboxedBy,
    /// Whether its network was one of its own, in which nothing is there but what its
    /// [`Network`](crate::Network) names. False also for those who may talk with everybody.
    pub has_own_network: bool,
}

/// A program to run.
///
/// Built by value; nothing happens before [`run`](Self::run) or [`hold`](Self::hold).
#[derive(Clone)]
pub struct Launch {
    program: OsString,
    arguments: Vec<OsString>,
    folder: Option<PathBuf>,
    environment: Vec<(OsString, OsString)>,
    stdin: Option<Vec<u8>>,
    stdout: OutputLimit,
    stderr: Option<OutputLimit>,
    deadline: Option<Duration>,
    grace: Duration,
    cancel: Option<CancellationToken>,
    containment: Containment,
    namespaces: bool,
    sandbox: Option<Sandbox>,
}

impl Launch {
    /// A program by name, looked for in the `PATH` given to it (`/usr/local/bin:/usr/bin:/bin` without
    /// one), or by path if there is a slash in it; a relative path starts at the folder it runs in.
    pub fn new(program: impl Into<OsString>) -> Self {
        Self {
            program: program.into(),
            arguments: Vec::new(),
            folder: None,
            environment: Vec::new(),
            stdin: None,
            stdout: OutputLimit::default(),
            stderr: Some(OutputLimit::default()),
            deadline: None,
            grace: Duration::from_secs(5),
            cancel: None,
            containment: Containment::None,
            namespaces: true,
            sandbox: None,
        }
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args(mut self, arguments: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// Runs it in this folder instead of our current one.
    #[must_use]
    pub fn folder(mut self, path: impl Into<PathBuf>) -> Self {
        self.folder = Some(path.into());
        self
    }

    /// Gives it a variable, in place of an earlier one of that name. It gets no others.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        let name = name.into();
        self.environment.retain(|(known, _)| *known != name);
        self.environment.push((name, value.into()));
        self
    }

    /// Gives it variables, as [`env`](Self::env) does for each.
    #[must_use]
    pub fn envs(
        self,
        variables: impl IntoIterator<Item = (impl Into<OsString>, impl Into<OsString>)>,
    ) -> Self {
        variables
            .into_iter()
            .fold(self, |launch, (name, value)| launch.env(name, value))
    }

    /// Gives it these bytes to read as a file, so that it never waits for us nor we for it; default `/dev/null`.
    #[must_use]
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = Some(bytes.into());
        self
    }

    /// Bounds what is kept of its standard output; default [`OutputLimit::default`].
    #[must_use]
    pub fn stdout(mut self, limit: OutputLimit) -> Self {
        self.stdout = limit;
        self
    }

    /// Bounds what is kept of its standard error; default [`OutputLimit::default`].
    #[must_use]
    pub fn stderr(mut self, limit: OutputLimit) -> Self {
        self.stderr = Some(limit);
        self
    }

    /// Sends its standard error where its standard output goes, in the order written.
    #[must_use]
    pub fn stderr_to_stdout(mut self) -> Self {
        self.stderr = None;
        self
    }

    /// Ends it when it has run this long: SIGTERM, then after the grace period SIGKILL to all of it; default: never.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Ends it as at its deadline when the token is cancelled; the result is then [`Error::Cancelled`](crate::Error::Cancelled).
    #[must_use]
    pub fn cancelled_by(mut self, cancel: CancellationToken) -> Self {
        self.cancel = Some(cancel);
        self
    }

    /// How long it may take to end by itself at its deadline or when cancelled; default 5 s.
    #[must_use]
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// How its descendants are held together; default [`Containment::None`].
    #[must_use]
    pub fn containment(mut self, containment: Containment) -> Self {
        self.containment = containment;
        self
    }

    /// Keeps it and all its descendants to this; its tree is then contained as with [`Containment::Tree`]. Default:
    /// it may do what we may.
    #[must_use]
    pub fn sandbox(mut self, sandbox: Sandbox) -> Self {
        self.sandbox = Some(sandbox);
        self
    }

    /// Keeps it to `base` and to `folders`, which it may write, as [`sandbox`](Self::sandbox) does. Its home and temporary
    /// folder lie in `private`, where [`make_private`](crate::make_private) has made them. To be called after its variables are set.
    #[must_use]
    pub fn enclosed(self, base: &Sandbox, folders: &[&Path], private: &Path) -> Self {
        let mut sandbox = base.clone();
        let folders = folders.iter().copied().chain([private]);
        sandbox.writable.extend(folders.map(Path::to_owned));
        let moved = moved(&self.environment, private);
        let mut launch = self.envs(moved).sandbox(sandbox);
        // It names the folder of sockets that are the user's.
        launch
            .environment
            .retain(|(name, _)| name != "XDG_RUNTIME_DIR");
        launch
    }

    /// Contains its tree as on a system that refuses PID namespaces; for programs that cannot run in one.
    #[must_use]
    pub fn without_namespaces(mut self) -> Self {
        self.namespaces = false;
        self
    }
}

/// Without arguments, variables and input: they may hold secrets.
impl fmt::Debug for Launch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Launch")
            .field("program", &self.program)
            .field("folder", &self.folder)
            .field("containment", &self.containment)
            .finish_non_exhaustive()
    }
}
