use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use config::automation::{self, AgentNetwork};
use process::{
    CommandSandbox, Limits, Network, Sandbox, SandboxSupport, UnixSockets, sandbox_support,
    usual_paths,
};
use serde::{Deserialize, Serialize};

use super::{Error, Home, RepositorySource, Surroundings};

/// What a run says where its agents and commands may do what its user may.
pub(crate) const UNSANDBOXED: &str = "no sandbox: agents and tests of this run may read, change and send whatever you \
     may (`--unsafe-no-sandbox`, or `sandbox.mode: off`)";

/// The variable that names further paths which may be changed, parted by colons.
const WRITABLE: &str = "AUTOMATION_SANDBOX_WRITABLE";

/// What the agents and commands of a run may reach, as its journal keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SandboxRecord {
    /// Whether they are kept to it.
    pub is_required: bool,
    /// Further paths that may be read.
    pub readable: Vec<PathBuf>,
    /// Further paths that may be changed.
    pub writable: Vec<PathBuf>,
    /// Whom agents may talk with.
    pub agents: Reach,
    /// Whom setup commands may talk with.
    pub setup: Reach,
    /// Whom test commands may talk with.
    pub tests: Reach,
    /// Whether Unix sockets may be made.
    pub unix_sockets: bool,
    /// Processes and threads at once.
    pub processes: u32,
    /// Memory of each process.
    pub memory_bytes: u64,
    /// Size of a file.
    pub file_bytes: u64,
}

/// Whom one kind of program may talk with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// Nobody.
    Nobody,
    /// The servers of this machine that its variables name.
    Gateway,
    /// Everybody.
    Everybody,
}

impl Reach {
    fn network(self) -> Network {
        match self {
            Self::Nobody => Network::None,
            Self::Gateway => Network::Ports(Vec::new()),
            Self::Everybody => Network::All,
        }
    }
}

/// What a configuration without a word on it says; runs of before there were sandboxes go on with it.
impl Default for SandboxRecord {
    fn default() -> Self {
        Self::of(&automation::Settings::default().sandbox, None)
    }
}

impl SandboxRecord {
    pub(crate) fn from_config(settings: &automation::Sandbox, surroundings: &Surroundings) -> Self {
        let home = surroundings.variable("HOME").map(PathBuf::from);
        let mut record = Self::of(settings, home.as_deref());
        let further = surroundings.variable(WRITABLE).unwrap_or_default();
        let further = std::env::split_paths(&further).filter(|path| path.is_absolute());
        record.writable.extend(further);
        record
    }

    fn of(settings: &automation::Sandbox, home: Option<&Path>) -> Self {
        let paths = |paths: &[String]| {
            let path = |path: &String| match (path.strip_prefix("~/"), home) {
                (Some(below), Some(home)) => home.join(below),
                _ => PathBuf::from(path),
            };
            paths.iter().map(path).collect()
        };
        let reach = |everybody: bool| match everybody {
            true => Reach::Everybody,
            false => Reach::Nobody,
        };
        Self {
            is_required: settings.is_required,
            readable: paths(&settings.readable),
            writable: paths(&settings.writable),
            agents: match settings.agent_network {
                AgentNetwork::Gateway => Reach::Gateway,
                AgentNetwork::None => Reach::Nobody,
                AgentNetwork::All => Reach::Everybody,
            },
            setup: reach(settings.setup_network),
            tests: reach(settings.test_network),
            unix_sockets: settings.unix_sockets,
            processes: settings.processes,
            memory_bytes: settings.memory_bytes,
            file_bytes: settings.file_bytes,
        }
    }

    /// Refuses what this system cannot hold.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let support = sandbox_support();
        if self.is_required && matches!(support, SandboxSupport::Missing { .. }) {
            return Err(Error::request(
                format!("agents and tests are to run in a sandbox, and this system has {support}"),
                "Linux 6.7 and newer have one unless it is switched off; `--unsafe-no-sandbox` goes without",
            ));
        }
        Ok(())
    }

    /// What an agent may reach beside its own; `None` for everything. `login` is what of the user's home folder it
    /// works by: then it asks its models itself.
    pub(crate) fn agent(&self, login: &[&str], shared: &Shared<'_>) -> Option<Sandbox> {
        let reach = match login {
            [] => self.agents,
            _ => Reach::Everybody,
        };
        self.is_required.then(|| {
            let mut sandbox = self.sandbox(shared, reach);
            let home = shared.environment.iter().find(|(name, _)| name == "HOME");
            let home = home.map(|(_, home)| PathBuf::from(home));
            let paths = login
                .iter()
                .filter_map(|path| Some(home.as_ref()?.join(path)));
            sandbox.writable.extend(paths);
            sandbox
        })
    }

    /// What commands may reach; `None` for everything.
    pub(crate) fn commands(&self, shared: &Shared<'_>, private: PathBuf) -> Option<CommandSandbox> {
        self.is_required.then(|| CommandSandbox {
            base: self.sandbox(shared, Reach::Nobody),
            setup: self.setup.network(),
            tests: self.tests.network(),
            private,
        })
    }

    fn sandbox(&self, shared: &Shared<'_>, reach: Reach) -> Sandbox {
        let mut readable = usual_paths(shared.environment);
        readable.extend(self.readable.iter().cloned());
        // The objects that a clone borrows.
        let mirrors = shared.home.state().join("mirrors");
        let objects = shared.sources.iter();
        readable.extend(objects.map(|it| mirrors.join(format!("{}.git/objects", it.name))));
        Sandbox {
            readable,
            writable: self.writable.clone(),
            network: reach.network(),
            unix_sockets: match self.unix_sockets {
                true => UnixSockets::Allowed,
                false => UnixSockets::Refused,
            },
            limits: Limits {
                processes: self.processes,
                memory_bytes: self.memory_bytes,
                file_bytes: self.file_bytes,
                ..Limits::default()
            },
        }
    }
}

/// What of a run its sandboxes depend on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shared<'a> {
    pub(crate) environment: &'a [(OsString, OsString)],
    pub(crate) home: &'a Home,
    pub(crate) sources: &'a [RepositorySource],
}
