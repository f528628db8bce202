//! Rules of the kernel over files, ports and signals, without a wrapper: the last rules are added between a
//! process's creation and its program, where nothing may be allocated.
#![expect(
    unsafe_code,
    reason = "the rules are handed over by system calls that no wrapper here offers"
)]

use std::ffi::{CStr, c_int, c_long};
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::OnceLock;

use super::Network;

/// The version that rules opening, linking, truncating and TCP; Linux 6.7.
pub(super) const NEEDED: u32 = 4;

const READ_FILE: u64 = 1 << 2;
const EXECUTE: u64 = 1 << 0;
const WRITE_FILE: u64 = 1 << 1;
const TRUNCATE: u64 = 1 << 14;
/// All rights over files of version 3, devices and links between folders among them.
const ALL_OF_3: u64 = (1 << 15) - 1;
/// Control of devices, from version 5 on.
const DEVICE_CONTROL: u64 = 1 << 15;
/// Making devices: never granted.
const DEVICES: u64 = 1 << 6 | 1 << 11;

/// To read, list and execute.
pub(crate) const READ: u64 = EXECUTE | READ_FILE | 1 << 3;
/// To do all but make devices.
pub(crate) const WRITE: u64 = ALL_OF_3 & !DEVICES;
/// What of it a rule about a file, rather than a folder, may grant.
const OF_FILES: u64 = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE;

const BIND: u64 = 1;
const CONNECT: u64 = 2;
/// Abstract sockets and signals.
const SCOPES: u64 = 3;

const RULE_PATH: c_int = 1;
const RULE_PORT: c_int = 2;

#[repr(C)]
struct Attributes {
    files: u64,
    network: u64,
    scopes: u64,
}

#[repr(C, packed)]
struct PathRule {
    rights: u64,
    parent: c_int,
}

#[repr(C)]
struct PortRule {
    rights: u64,
    port: u64,
}

/// The version of Landlock's interface that the kernel has; 0 for none. Asked once.
pub fn landlock_version() -> u32 {
    static VERSION: OnceLock<u32> = OnceLock::new();
    *VERSION.get_or_init(|| {
        // SAFETY: with this flag the kernel reads no attributes.
        let version = unsafe {
            libc::syscall(
                libc::SYS_landlock_create_ruleset,
                std::ptr::null::<Attributes>(),
                0_usize,
                1_u32,
            )
        };
        u32::try_from(version).unwrap_or(0)
    })
}

/// Rules that refuse everything but what will be added.
pub(super) fn ruleset(network: &Network) -> io::Result<OwnedFd> {
    let version = landlock_version();
    let attributes = Attributes {
        files: ALL_OF_3 | if version >= 5 { DEVICE_CONTROL } else { 0 },
        network: match network {
            // Of a namespace's own network everything may be used; elsewhere sockets are refused.
            Network::None | Network::All => 0,
            // Also where these ports are all that there is: a second wall.
            Network::Ports(_) => BIND | CONNECT,
        },
        scopes: if version >= 6 { SCOPES } else { 0 },
    };
    let size = if version >= 6 { 24_usize } else { 16 };
    // SAFETY: the attributes live through the call and are at least `size` long.
    let fd = unsafe {
        libc::syscall(
            libc::SYS_landlock_create_ruleset,
            &raw const attributes,
            size,
            0_u32,
        )
    };
    let ruleset = owned(fd)?;
    if let Network::Ports(ports) = network {
        for port in ports {
            let rule = PortRule {
                rights: CONNECT,
                port: u64::from(*port),
            };
            // SAFETY: an open ruleset and a rule of the kind that is named.
            let added = unsafe {
                libc::syscall(
                    libc::SYS_landlock_add_rule,
                    ruleset.as_raw_fd(),
                    RULE_PORT,
                    &raw const rule,
                    0_u32,
                )
            };
            if added < 0 {
                return Err(io::Error::last_os_error());
            }
        }
    }
    Ok(ruleset)
}

/// Grants rights over a file or a folder with all that is in it; gives the kernel's refusal. Allocates nothing.
///
/// # Safety
/// Any time; system calls alone.
pub(crate) unsafe fn add_path(ruleset: c_int, path: &CStr, rights: u64) -> Result<(), c_int> {
    let errno = || {
        io::Error::last_os_error()
            .raw_os_error()
            .unwrap_or(libc::EIO)
    };
    // SAFETY: a valid path; the structures live through the calls; the descriptor is closed once.
    unsafe {
        let parent = libc::open(path.as_ptr(), libc::O_PATH | libc::O_CLOEXEC);
        if parent < 0 {
            return Err(errno());
        }
        let mut rule = PathRule { rights, parent };
        let mut stat: libc::stat = std::mem::zeroed();
        if libc::fstat(parent, &raw mut stat) == 0 && stat.st_mode & libc::S_IFMT != libc::S_IFDIR {
            rule.rights &= OF_FILES;
        }
        let added = libc::syscall(
            libc::SYS_landlock_add_rule,
            ruleset,
            RULE_PATH,
            &raw const rule,
            0_u32,
        );
        let result = if added < 0 { Err(errno()) } else { Ok(()) };
        libc::close(parent);
        result
    }
}

fn owned(fd: c_long) -> io::Result<OwnedFd> {
    match c_int::try_from(fd) {
        // SAFETY: the kernel has just opened it for us, with close-on-exec.
        Ok(fd @ 0..) => Ok(unsafe { OwnedFd::from_raw_fd(fd) }),
        _ => Err(io::Error::last_os_error()),
    }
}
