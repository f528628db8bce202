//! From a new process to its program.
//!
//! The child shares our memory and has our thread stopped until it executes (`CLONE_VM | CLONE_VFORK`,
//! what `posix_spawn` and `vfork` do): no page table is copied, and why it failed it writes where we read it.
#![expect(
    unsafe_code,
    reason = "a process is made and prepared by system calls that no safe wrapper offers"
)]

use std::ffi::{c_char, c_int, c_void};
use std::os::fd::AsRawFd;
use std::{mem, ptr};

use super::confine::Confine;
use super::image::Image;

/// Enough for the few calls that a child makes before it executes.
const STACK_BYTES: usize = 64 << 10;

/// The step at which a child did not become its program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub(crate) enum Stage {
    /// It did: no failure.
    Started = 0,
    /// Making the process.
    Clone,
    /// Setting up namespaces and the keeper.
    Contain,
    /// Standard descriptors, group, signals.
    Prepare,
    /// Entering the folder.
    Folder,
    /// Executing the program.
    Execute,
    /// Keeping the program to its sandbox.
    Confine,
}

/// Why a child did not become its program.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub(crate) struct Failure {
    pub(crate) stage: Stage,
    pub(crate) errno: c_int,
}

/// An [`Image`] as seen by the child. Lives in the parent's memory.
#[repr(C)]
pub(super) struct Exec {
    pub(super) candidates: *const *const c_char,
    pub(super) arguments: *const *const c_char,
    pub(super) environment: *const *const c_char,
    /// Null for the current folder.
    pub(super) folder: *const c_char,
    pub(super) stdio: [c_int; 3],
    /// Whether the child leads a process group of its own.
    pub(super) own_group: bool,
    /// Who must be alive; the child's view of its id.
    pub(super) parent: c_int,
    /// Null for no sandbox.
    pub(super) confine: *const Confine,
    pub(super) failure: Failure,
}

/// Memory for a child's stack, made before the child is.
pub(super) struct Stack(Vec<u8>);

impl Stack {
    pub(super) fn new() -> Self {
        Self(vec![0; STACK_BYTES])
    }

    /// Where a downward growing stack begins, aligned as the ABIs want it.
    fn top(&mut self) -> *mut c_void {
        let end = self.0.as_mut_ptr_range().end;
        end.wrapping_sub(end.addr() % 64).cast()
    }
}

/// Starts `image` as the leader of a process group of its own and gives back its process id, when it has executed.
/// To be called on the spawner thread, which has all signals blocked.
pub(crate) fn spawn(image: &Image) -> Result<c_int, Failure> {
    let pointers = image.pointers();
    let mut exec = Exec {
        candidates: pointers.candidates.as_ptr(),
        arguments: pointers.arguments.as_ptr(),
        environment: pointers.environment.as_ptr(),
        folder: image
            .folder
            .as_ref()
            .map_or(ptr::null(), |folder| folder.as_ptr()),
        stdio: [0, 1, 2].map(|index| image.stdio[index].as_raw_fd()),
        own_group: true,
        // SAFETY: getpid has no preconditions.
        parent: unsafe { libc::getpid() },
        confine: ptr::null(),
        failure: Failure {
            stage: Stage::Started,
            errno: 0,
        },
    };
    let mut stack = Stack::new();
    // SAFETY: `exec` and what it points to (`pointers`, `image`) live until the call has returned, and
    // all signals are blocked on this thread.
    unsafe { clone_and_execute(&mut exec, &mut stack) }
}

/// Makes a child that executes `exec`; allocates nothing.
///
/// # Safety
/// All pointers in `exec` are valid; all signals that have handlers are blocked on this thread, since a
/// handler in the child would run on our memory.
pub(super) unsafe fn clone_and_execute(
    exec: &mut Exec,
    stack: &mut Stack,
) -> Result<c_int, Failure> {
    let exec: *mut Exec = exec;
    // SAFETY: the stack is unused memory of its own; CLONE_VFORK stops this thread until the child has
    // executed or ended, so that nothing the child borrows goes away under it.
    let pid = unsafe {
        libc::clone(
            execute,
            stack.top(),
            libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD,
            exec.cast::<c_void>(),
        )
    };
    if pid < 0 {
        return Err(Failure {
            stage: Stage::Clone,
            errno: errno(),
        });
    }
    // SAFETY: the child, which wrote it through the same pointer, has executed or ended; volatile because
    // the compiler does not know of it.
    let failure = unsafe { ptr::read_volatile(&raw const (*exec).failure) };
    if failure.stage == Stage::Started {
        return Ok(pid);
    }
    // SAFETY: a null status is allowed; the child is ours and has ended.
    while unsafe { libc::waitpid(pid, ptr::null_mut(), 0) } < 0 && errno() == libc::EINTR {}
    Err(failure)
}

extern "C" fn execute(exec: *mut c_void) -> c_int {
    // SAFETY: `clone_and_execute` passes a valid `Exec` and does not touch it meanwhile; `prepare_and_execute` makes
    // only system calls; `_exit` skips what belongs to the parent (destructors, buffers).
    unsafe {
        let exec = exec.cast::<Exec>();
        let failure = prepare_and_execute(&*exec);
        ptr::write_volatile(&raw mut (*exec).failure, failure);
        libc::_exit(127)
    }
}

/// Returns only if the program could not be executed.
///
/// # Safety
/// In a new process; all pointers in `exec` are valid.
unsafe fn prepare_and_execute(exec: &Exec) -> Failure {
    let fail = |stage| Failure {
        stage,
        errno: errno(),
    };
    // SAFETY: system calls with values and with pointers that the caller vouches for.
    unsafe {
        if exec.own_group && libc::setpgid(0, 0) < 0 {
            return fail(Stage::Prepare);
        }
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
        // The parent may have died before the line above.
        if libc::getppid() != exec.parent {
            libc::_exit(127);
        }
        default_signals();
        if !exec.folder.is_null() && libc::chdir(exec.folder) < 0 {
            return fail(Stage::Folder);
        }
        for (target, source) in (0..).zip(exec.stdio) {
            // In a keeper they stand in place already.
            if source != target && libc::dup2(source, target) < 0 {
                return fail(Stage::Prepare);
            }
        }
        // Closing them now would be too early if the program is not found; so they close as it executes.
        if libc::syscall(
            libc::SYS_close_range,
            3,
            c_int::MAX,
            libc::CLOSE_RANGE_CLOEXEC,
        ) < 0
        {
            return fail(Stage::Prepare);
        }
        // Before signals are let in, and after all else that it would refuse.
        if !exec.confine.is_null() && !(*exec.confine).give_up() {
            return fail(Stage::Confine);
        }
        let mut none = mem::zeroed();
        libc::sigemptyset(&mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &none, ptr::null_mut());
        let mut refused = libc::ENOENT;
        let mut candidate = exec.candidates;
        while !(*candidate).is_null() {
            libc::execve(*candidate, exec.arguments, exec.environment);
            match errno() {
                libc::ENOENT | libc::ENOTDIR => {}
                libc::EACCES => refused = libc::EACCES,
                errno => {
                    return Failure {
                        stage: Stage::Execute,
                        errno,
                    };
                }
            }
            candidate = candidate.add(1);
        }
        Failure {
            stage: Stage::Execute,
            errno: refused,
        }
    }
}

/// Gives every signal its default effect: handlers are our code, and what we ignore (SIGPIPE) the program may not want ignored.
///
/// # Safety
/// In a new process.
pub(super) unsafe fn default_signals() {
    // The kernel's own call: the library's hides two signals, which a parent may have left ignored.
    let default = [0_u64; 8];
    for signal in 1..=64 {
        // SAFETY: all zeros are the default effect without flags, in a buffer no smaller than the kernel's
        // structure; 8 is the size of its signal set; signals that cannot be set are refused without effect.
        unsafe {
            libc::syscall(
                libc::SYS_rt_sigaction,
                signal,
                default.as_ptr(),
                ptr::null::<c_void>(),
                8,
            )
        };
    }
}

/// Blocks all signals on this thread: they go to others, and a child starts with none pending on it.
pub(super) fn block_signals() {
    // SAFETY: the set is initialized by sigfillset before it is read.
    unsafe {
        let mut all = mem::zeroed();
        libc::sigfillset(&mut all);
        libc::pthread_sigmask(libc::SIG_SETMASK, &all, ptr::null_mut());
    }
}

pub(super) fn errno() -> c_int {
    // SAFETY: the location is valid for the thread.
    unsafe { *libc::__errno_location() }
}
