//! A sandbox put in place: the keeper lays out what its namespaces hold, and the program's process, just before it
//! executes, gives up the rest for good.
#![expect(
    unsafe_code,
    reason = "between a process's creation and its program there may only be raw system calls"
)]

use std::ffi::{CStr, CString, c_int, c_void};
use std::ptr;

use super::keeper::write_file;
use crate::sandbox::{Confinement, Filter, Layers, READ, WRITE, add_path};

/// Where the keeper holds the rules, after its connection to us.
pub(super) const RULESET: c_int = 4;

/// How much shared memory a program has: it is memory of the machine, which no other limit counts. Browsers in tests
/// want more than the 64 MiB of containers.
const SHARED_MEMORY: &CStr = c"size=512m,nr_inodes=16k";

/// Of `mount_setattr`: apply to all below, too.
const RECURSIVE: c_int = 0x8000;
const READ_ONLY: u64 = 1;
/// The greatest number of a capability that a kernel may have.
const LAST_CAPABILITY: c_int = 63;

/// What the program's process puts in place before it executes. Lives in the parent's memory.
pub(super) struct Confine {
    limits: [(u32, u64); 5],
    filter: libc::sock_fprog,
}

/// What the keeper puts in place.
pub(super) struct Layout {
    writable: *const CString,
    n_writable: usize,
    last_pid: (*const u8, usize),
}

#[repr(C)]
struct MountAttributes {
    set: u64,
    clear: u64,
    propagation: u64,
    namespace: u64,
}

impl Confine {
    /// Points into both, which must outlive it.
    pub(super) fn new(confinement: &Confinement, filter: &Filter) -> Self {
        Self {
            limits: confinement.limits,
            filter: libc::sock_fprog {
                // A filter has a few hundred instructions.
                len: u16::try_from(filter.len()).unwrap_or(u16::MAX),
                filter: filter.as_ptr().cast_mut(),
            },
        }
    }

    /// Gives up what the program shall not have; false if the system refuses a part of it.
    ///
    /// # Safety
    /// In a new process, whose rules are open as [`RULESET`]; all pointers are valid.
    pub(super) unsafe fn give_up(&self) -> bool {
        // SAFETY: system calls on values and on memory of this function.
        unsafe {
            for (kind, most) in self.limits {
                let mut limit: libc::rlimit = std::mem::zeroed();
                if libc::getrlimit(kind as _, &raw mut limit) < 0 {
                    return false;
                }
                limit.rlim_max = limit.rlim_max.min(most);
                limit.rlim_cur = limit.rlim_max;
                if libc::setrlimit(kind as _, &raw const limit) < 0 {
                    return false;
                }
            }
            // Without the right to drop them there are none that executing could give back.
            for capability in 0..=LAST_CAPABILITY {
                libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0);
            }
            libc::prctl(
                libc::PR_CAP_AMBIENT,
                libc::PR_CAP_AMBIENT_CLEAR_ALL,
                0,
                0,
                0,
            );
            // Version 3 of the interface: two sets of three words, all empty.
            let header = [0x2008_0522_u32, 0];
            let none = [0_u32; 6];
            libc::syscall(libc::SYS_capset, header.as_ptr(), none.as_ptr()) >= 0
                && libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) >= 0
                && libc::syscall(libc::SYS_landlock_restrict_self, RULESET, 0) >= 0
                && libc::prctl(
                    libc::PR_SET_SECCOMP,
                    libc::SECCOMP_MODE_FILTER,
                    &raw const self.filter,
                    0,
                    0,
                ) >= 0
        }
    }
}

impl Layout {
    pub(super) fn new(confinement: &Confinement) -> Self {
        let last_pid = confinement
            .last_pid
            .as_ref()
            .map_or((ptr::null(), 0), |text| (text.as_ptr(), text.len()));
        Self {
            writable: confinement.writable.as_ptr(),
            n_writable: confinement.writable.len(),
            last_pid,
        }
    }

    /// Lays out what the namespaces hold, and gives the [`Layers`] that hold.
    ///
    /// # Safety
    /// In a keeper with its own `/proc`, whose rules are open as [`RULESET`]; all pointers are valid.
    pub(super) unsafe fn lay_out(&self, namespaces: bool) -> c_int {
        // SAFETY: system calls on constant strings and on memory that the caller vouches for.
        unsafe {
            if !namespaces {
                // The `/proc` of all; Landlock refuses a look into processes outside.
                let _ = add_path(RULESET, c"/proc", READ);
                return Layers::SANDBOX;
            }
            if self.last_pid.1 > 0 {
                let text = std::slice::from_raw_parts(self.last_pid.0, self.last_pid.1);
                write_file(c"/proc/sys/kernel/pid_max", text);
            }
            let held = self.read_only();
            let _ = add_path(RULESET, c"/proc", READ);
            Layers::SANDBOX | if held { Layers::MOUNTS } else { 0 }
        }
    }

    /// Mounts everything read-only but for what is writable. Landlock does not rule modes, owners and times of files.
    ///
    /// # Safety
    /// As for [`lay_out`](Self::lay_out).
    unsafe fn read_only(&self) -> bool {
        // SAFETY: as above.
        unsafe {
            let writable = std::slice::from_raw_parts(self.writable, self.n_writable);
            let none = ptr::null::<c_void>();
            // A mount of its own, so that it has a mode of its own.
            let bound = writable.iter().all(|path| {
                let path = path.as_ptr();
                libc::mount(path, path, ptr::null(), libc::MS_BIND | libc::MS_REC, none) == 0
            });
            // Shared memory between processes, which is not that of the machine; where the work itself lies there, it
            // would hide it.
            let is_there = |path: &CString| {
                let rest = path.to_bytes().strip_prefix(b"/dev/shm");
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
            };
            let has_own = !writable.iter().any(is_there);
            if has_own
                && libc::mount(
                    c"tmpfs".as_ptr(),
                    c"/dev/shm".as_ptr(),
                    c"tmpfs".as_ptr(),
                    libc::MS_NOSUID | libc::MS_NODEV,
                    SHARED_MEMORY.as_ptr().cast::<c_void>(),
                ) == 0
            {
                let _ = add_path(RULESET, c"/dev/shm", WRITE);
            }
            let made = bound && set_read_only(c"/", READ_ONLY, 0);
            if has_own {
                let _ = set_read_only(c"/dev/shm", 0, READ_ONLY);
            }
            made && writable
                .iter()
                .all(|path| set_read_only(path, 0, READ_ONLY))
        }
    }
}

/// # Safety
/// In a process with a mount namespace of its own.
unsafe fn set_read_only(path: &CStr, set: u64, clear: u64) -> bool {
    let attributes = MountAttributes {
        set,
        clear,
        propagation: 0,
        namespace: 0,
    };
    // SAFETY: a valid path, and a structure of the size that is told.
    unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            libc::AT_FDCWD,
            path.as_ptr(),
            RECURSIVE,
            &raw const attributes,
            size_of::<MountAttributes>(),
        ) == 0
    }
}
