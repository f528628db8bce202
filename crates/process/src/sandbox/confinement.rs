//! A sandbox laid out in memory before the child exists.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::seccomp::{self, Instruction};
use super::{Limits, MOST_PORTS, Network, READ, SandboxedBy, WRITE, add_path, landlock};
use crate::Sandbox;
use crate::spawn::above_stdio;

/// The devices that every program counts on, and that tell and change nothing.
const DEVICES: &[&str] = &[
    "/dev/null",
    "/dev/zero",
    "/dev/full",
    "/dev/random",
    "/dev/urandom",
];

/// What is in the way of a program, ready to be put there by system calls alone.
#[derive(Debug)]
pub(crate) struct Confinement {
    pub(crate) ruleset: OwnedFd,
    /// Without links, each there when it was made.
    pub(crate) writable: Vec<CString>,
    pub(crate) limits: [(u32, u64); 5],
    /// What the namespace's highest process id is set to, where that is a namespace's own.
    pub(crate) last_pid: Option<String>,
    /// Whether the program gets a network of its own, where there are namespaces.
    pub(crate) own_network: bool,
    /// The ports of this machine that are there in it, each once.
    pub(crate) ports: Vec<u16>,
    sandbox: Sandbox,
}

/// A filter of system calls.
pub(crate) type Filter = Vec<Instruction>;

impl Confinement {
    pub(crate) fn new(sandbox: &Sandbox) -> io::Result<Self> {
        let mut ports = match &sandbox.network {
            Network::Ports(ports) => ports.clone(),
            Network::None | Network::All => Vec::new(),
        };
        ports.sort_unstable();
        ports.dedup();
        ports.retain(|port| *port != 0);
        if ports.len() > MOST_PORTS {
            return Err(io::Error::from_raw_os_error(libc::E2BIG));
        }
        let ruleset = above_stdio(landlock::ruleset(&sandbox.network)?)?;
        let devices = DEVICES.iter().map(PathBuf::from).collect::<Vec<_>>();
        let mut writable = Vec::new();
        for path in &sandbox.readable {
            allow(&ruleset, path, READ)?;
        }
        for path in &devices {
            allow(&ruleset, path, WRITE)?;
        }
        for path in &sandbox.writable {
            writable.extend(allow(&ruleset, path, WRITE)?);
        }
        let Limits {
            processes,
            memory_bytes,
            file_bytes,
            open_files,
        } = sandbox.limits;
        Ok(Self {
            ruleset,
            writable,
            limits: [
                (libc::RLIMIT_NPROC, processes.into()),
                // Not the address space: runtimes of JavaScript and Java reserve far more than they use.
                (libc::RLIMIT_DATA, memory_bytes),
                (libc::RLIMIT_FSIZE, file_bytes),
                (libc::RLIMIT_NOFILE, open_files),
                (libc::RLIMIT_CORE, 0),
            ],
            // The kernel takes no less.
            last_pid: pid_limit_is_of_namespace().then(|| processes.max(301).to_string()),
            own_network: sandbox.network != Network::All,
            ports,
            sandbox: sandbox.clone(),
        })
    }

    pub(crate) fn filter(&self, own_network: bool) -> Filter {
        let Sandbox {
            network,
            unix_sockets,
            ..
        } = &self.sandbox;
        seccomp::filter(network, *unix_sockets, own_network)
    }
}

/// Grants rights over a path, if it exists, and gives it without links.
fn allow(ruleset: &OwnedFd, path: &Path, rights: u64) -> io::Result<Option<CString>> {
    let Ok(path) = path.canonicalize() else {
        return Ok(None);
    };
    let path = CString::new(path.as_os_str().as_bytes())?;
    // SAFETY: an open ruleset and a valid path.
    #[expect(unsafe_code, reason = "rules are added by system calls")]
    match unsafe { add_path(ruleset.as_raw_fd(), &path, rights) } {
        Ok(()) => Ok(Some(path)),
        // Gone meanwhile, or not ours to see.
        Err(libc::ENOENT | libc::EACCES) => Ok(None),
        Err(errno) => Err(io::Error::from_raw_os_error(errno)),
    }
}

/// Whether a PID namespace has a highest process id of its own, as from Linux 6.14 on; before, setting it would be
/// felt by the whole machine.
fn pid_limit_is_of_namespace() -> bool {
    static IS: OnceLock<bool> = OnceLock::new();
    *IS.get_or_init(|| {
        let name = rustix::system::uname();
        let release = name.release().to_string_lossy().into_owned();
        let mut numbers = release.split(|it: char| !it.is_ascii_digit());
        let mut next = || numbers.next()?.parse::<u32>().ok();
        (next(), next()) >= (Some(6), Some(14))
    })
}

/// The layers that hold a program, as its keeper says; none by default.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Layers(pub(crate) i32);

impl Layers {
    /// The sandbox is laid out.
    pub(crate) const SANDBOX: i32 = 1;
    /// The file system is mounted read-only but for what is writable.
    pub(crate) const MOUNTS: i32 = 2;
    /// The network is one of its own.
    pub(crate) const NETWORK: i32 = 4;

    pub(crate) fn sandboxed_by(self) -> SandboxedBy {
        match (self.0 & Self::SANDBOX, self.0 & Self::MOUNTS) {
            (0, _) => SandboxedBy::Nothing,
            (_, 0) => SandboxedBy::Landlock,
            _ => SandboxedBy::LandlockAndNamespaces,
        }
    }

    pub(crate) fn has_own_network(self) -> bool {
        self.0 & Self::NETWORK != 0
    }
}
