//! What a caller asks for, and what the system has for it.

use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use super::landlock::{self, landlock_version};

/// What a program and its descendants may reach. Everything else is refused.
///
/// Paths that do not exist are left out. A folder stands for all that is in it, and a symbolic link for
/// what it leads to when the program starts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sandbox {
    /// Files and folders that may be read and executed.
    pub readable: Vec<PathBuf>,
    /// Files and folders that may be changed, too.
    pub writable: Vec<PathBuf>,
    /// Whom it may talk with; default nobody.
    pub network: Network,
    /// Whether it may make Unix sockets, through which it reaches every server of this machine that listens on
    /// one: a container daemon, an agent of keys, a bus; default none. Connected pairs are always allowed.
    pub unix_sockets: UnixSockets,
    /// How much it may take.
    pub limits: Limits,
}

/// Whether Unix sockets are refused.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum UnixSockets {
    /// They are.
    #[default]
    Refused,
    /// They are not.
    Allowed,
}

/// How many ports a program may be given.
pub(crate) const MOST_PORTS: usize = 64;

/// Whom a program may talk with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Network {
    /// Nobody outside: where the system has network namespaces, a loopback of its own is all it sees; elsewhere nothing.
    #[default]
    None,
    /// The TCP servers on these ports of this machine, at `127.0.0.1` and `::1`, and nothing else: no datagrams, so no
    /// name service either. Where the system has network namespaces, they are all that is there, and each connection is
    /// carried over by us ([`Finished::has_own_network`](crate::Finished::has_own_network)). Elsewhere ports are all that
    /// the kernel rules: servers of other machines on them are reached, too. At most 64.
    Ports(Vec<u16>),
    /// Everybody.
    All,
}

/// How much a program may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Processes and threads at once. Default 512.
    pub processes: u32,
    /// Memory of each process that is its own: its heap and private writable maps, not reserved addresses. Default 4 GiB.
    pub memory_bytes: u64,
    /// The size of a file that it writes. Default 4 GiB.
    pub file_bytes: u64,
    /// Open files of each process. Default 4,096.
    pub open_files: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            processes: 512,
            memory_bytes: 4 << 30,
            file_bytes: 4 << 30,
            open_files: 4096,
        }
    }
}

/// By what means a program was kept to its [`Sandbox`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SandboxedBy {
    /// By none: it was not asked for.
    Nothing,
    /// By Landlock and a filter of system calls.
    Landlock,
    /// By these and by namespaces of its own: the rest of the file system is mounted read-only.
    LandlockAndNamespaces,
}

impl fmt::Display for SandboxedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nothing => "nothing",
            Self::Landlock => "Landlock",
            Self::LandlockAndNamespaces => "Landlock and namespaces",
        })
    }
}

/// What this system has for sandboxes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SandboxSupport {
    /// Landlock of this version.
    Landlock {
        /// The version of its interface.
        version: u32,
    },
    /// Too little, so that a launch with a sandbox is refused.
    Missing {
        /// The version of Landlock that there is; 0 where there is none.
        version: u32,
    },
}

impl fmt::Display for SandboxSupport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Landlock { version } => write!(f, "Landlock, version {version}"),
            Self::Missing { version: 0 } => f.write_str("none: the kernel has no Landlock"),
            Self::Missing { version } => write!(
                f,
                "none: Landlock has version {version} and {} is needed",
                landlock::NEEDED
            ),
        }
    }
}

/// What this system has for sandboxes; asked of the kernel once.
pub fn sandbox_support() -> SandboxSupport {
    let version = landlock_version();
    if version >= landlock::NEEDED {
        SandboxSupport::Landlock { version }
    } else {
        SandboxSupport::Missing { version }
    }
}

/// Makes the home and the temporary folder that [`Launch::enclosed`](crate::Launch::enclosed) gives to a program.
///
/// # Errors
/// The system's answer.
pub fn make_private(private: &Path) -> io::Result<()> {
    for folder in ["home", "tmp"] {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(private.join(folder))?;
    }
    Ok(())
}
