//! The keeper: a process between us and a program that holds the program's tree together.
//!
//! It is a copy of our process that only makes system calls. It waits for a go, starts the program, reaps
//! whatever ends, reports the program's end and ends. As the first process of a PID namespace it takes
//! all others of it along; the kernel sees to that. Without a namespace it is the reaper of orphans, and
//! goes only when no descendant is left, which the caller ensures.
#![expect(
    unsafe_code,
    reason = "a copy of a process with threads may only make raw system calls"
)]

use std::ffi::{c_int, c_long, c_uint, c_void};
use std::io;
use std::mem;
use std::ops::Range;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::ptr;
use std::sync::OnceLock;

use super::confine::{Confine, Layout, RULESET};
use super::exec::{self, Exec, Failure, Stack, Stage, errno};
use super::image::{Image, above_stdio};
use super::network::{OwnNetwork, first_report};
use crate::sandbox::{Confinement, Layers};

/// Where the keeper holds its end of the connection to us.
pub(super) const CONTROL: c_int = 3;

/// How far ending a keeper reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// To every process of its PID namespace.
    Namespace,
    /// To itself: its descendants are to be ended one by one.
    Descendants,
}

/// A message of the keeper: eight bytes, two numbers in native order.
///
/// It sends three: is it set up, has the program started, and the program's end (a wait status).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Report {
    stage: c_int,
    value: c_int,
}

impl Report {
    pub(crate) const BYTES: usize = 8;

    pub(crate) fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        let [a, b, c, d, e, f, g, h] = bytes;
        Self {
            stage: c_int::from_ne_bytes([a, b, c, d]),
            value: c_int::from_ne_bytes([e, f, g, h]),
        }
    }

    /// The answer to "is it set up" and "has it started".
    pub(crate) fn success(self) -> Result<(), Failure> {
        let stage = match self.stage {
            0 => return Ok(()),
            1 => Stage::Clone,
            2 => Stage::Contain,
            3 => Stage::Prepare,
            4 => Stage::Folder,
            6 => Stage::Confine,
            _ => Stage::Execute,
        };
        Err(Failure {
            stage,
            errno: self.value,
        })
    }

    /// Of the first: what holds the program.
    fn layers(self) -> Layers {
        Layers(self.value)
    }

    /// The program's end.
    pub(crate) fn wait_status(self) -> c_int {
        self.value
    }
}

/// A way to contain a tree, best first.
#[derive(Debug, Clone, Copy)]
struct Means {
    flags: c_int,
    reach: Reach,
}

const PRIVILEGED: Means = Means {
    flags: libc::CLONE_NEWPID | libc::CLONE_NEWNS,
    reach: Reach::Namespace,
};
const UNPRIVILEGED: Means = Means {
    flags: libc::CLONE_NEWUSER | libc::CLONE_NEWPID | libc::CLONE_NEWNS,
    reach: Reach::Namespace,
};
const DESCENDANTS: Means = Means {
    flags: 0,
    reach: Reach::Descendants,
};

/// The means that worked first: what the system refuses once it refuses always.
static MEANS: OnceLock<usize> = OnceLock::new();

/// A keeper that waits, and by what means.
pub(crate) struct Kept {
    pub(crate) pid: c_int,
    pub(crate) control: UnixStream,
    pub(crate) reach: Reach,
    pub(crate) layers: Layers,
    /// In its own network, at ports of this machine.
    pub(crate) listeners: Vec<OwnedFd>,
}

/// Makes a keeper that waits to start `image`: it starts on the first byte written to the stream and
/// ends if the stream is closed before. `namespaces: false` leaves namespaces out. To be called on the spawner thread.
pub(crate) fn spawn_keeper(
    image: &Image,
    namespaces: bool,
    confinement: Option<&Confinement>,
) -> Result<Kept, Failure> {
    let all = [PRIVILEGED, UNPRIVILEGED, DESCENDANTS];
    let known = MEANS.get().copied();
    let first = if namespaces {
        known.unwrap_or(0)
    } else {
        all.len() - 1
    };
    let mut refused = Failure {
        stage: Stage::Contain,
        errno: libc::EPERM,
    };
    let wants_network = confinement.is_some_and(|it| it.own_network);
    for (index, means) in all.iter().enumerate().skip(first) {
        // Networks may be refused where the others are not.
        let networks = [true, false].into_iter();
        let can = wants_network && means.reach == Reach::Namespace;
        for own_network in networks.filter(|own| can || !own) {
            match spawn_keeper_by(image, *means, confinement, own_network) {
                Ok(kept) => {
                    if namespaces {
                        MEANS.get_or_init(|| index);
                    }
                    return Ok(kept);
                }
                Err(failure) => refused = failure,
            }
            // Too many processes, too little memory, too many descriptors or a keeper that was killed are no reason to
            // contain less.
            if matches!(
                refused.errno,
                libc::EAGAIN
                    | libc::ENOMEM
                    | libc::EMFILE
                    | libc::ENFILE
                    | libc::ETOOMANYREFS
                    | libc::EIO
            ) {
                return Err(refused);
            }
        }
    }
    Err(refused)
}

fn spawn_keeper_by(
    image: &Image,
    mut means: Means,
    confinement: Option<&Confinement>,
    own_network: bool,
) -> Result<Kept, Failure> {
    if means.reach == Reach::Namespace && confinement.is_some() {
        means.flags |= libc::CLONE_NEWIPC;
    }
    if own_network {
        means.flags |= libc::CLONE_NEWNET;
    }
    let filter = confinement.map(|it| it.filter(own_network));
    let confine = confinement.zip(filter.as_ref());
    let confine = confine.map(|(confinement, filter)| Confine::new(confinement, filter));
    let fail = |error: io::Error| Failure {
        stage: Stage::Contain,
        errno: error.raw_os_error().unwrap_or(libc::EIO),
    };
    let (mut ours, theirs) = UnixStream::pair().map_err(fail)?;
    let theirs = above_stdio(theirs.into()).map_err(fail)?;
    let pointers = image.pointers();
    let mut setup = Setup {
        means,
        control: theirs.as_raw_fd(),
        stdio: [0, 1, 2].map(|index| image.stdio[index].as_raw_fd()),
        maps: Maps::of_this_process(),
        environment: environment_area(),
        ruleset: confinement.map_or(-1, |it| it.ruleset.as_raw_fd()),
        layout: confinement.map(Layout::new),
        network: confinement
            .filter(|_| own_network)
            .map(|it| OwnNetwork::new(&it.ports)),
        exec: Exec {
            candidates: pointers.candidates.as_ptr(),
            arguments: pointers.arguments.as_ptr(),
            environment: pointers.environment.as_ptr(),
            folder: image
                .folder
                .as_ref()
                .map_or(ptr::null(), |folder| folder.as_ptr()),
            stdio: [0, 1, 2],
            own_group: false,
            parent: 0,
            confine: confine.as_ref().map_or(ptr::null(), ptr::from_ref),
            failure: Failure {
                stage: Stage::Started,
                errno: 0,
            },
        },
        stack: Stack::new(),
    };
    let flags = c_long::from(means.flags | libc::SIGCHLD);
    // SAFETY: like fork: without a stack the child goes on with a copy of this one. `keep` makes only
    // system calls on memory laid out above, and never returns.
    let pid = unsafe { libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0) };
    if pid == 0 {
        // SAFETY: in the copy; the pointers in `setup` point to memory that lives on in this frame's copy.
        unsafe { keep(&mut setup) }
    }
    let Ok(pid @ 1..) = c_int::try_from(pid) else {
        return Err(Failure {
            stage: Stage::Clone,
            errno: errno(),
        });
    };
    drop(theirs);
    let ready = match first_report(&mut ours) {
        Ok((report, listeners)) => report.success().map(|()| (report, listeners)),
        Err(error) => Err(fail(error)),
    };
    match ready {
        Ok((report, listeners)) => Ok(Kept {
            pid,
            control: ours,
            reach: means.reach,
            layers: report.layers(),
            listeners,
        }),
        Err(failure) => {
            drop(ours);
            // SAFETY: a null status is allowed; the keeper is ours, and has ended or ends now.
            while unsafe { libc::waitpid(pid, ptr::null_mut(), 0) } < 0 && errno() == libc::EINTR {}
            Err(failure)
        }
    }
}

/// What the keeper needs, made before it is.
struct Setup {
    means: Means,
    control: c_int,
    stdio: [c_int; 3],
    maps: Maps,
    environment: Range<usize>,
    ruleset: c_int,
    layout: Option<Layout>,
    network: Option<OwnNetwork>,
    exec: Exec,
    stack: Stack,
}

/// The texts that let a user namespace know our user and group by their own numbers.
struct Maps {
    user: String,
    group: String,
}

impl Maps {
    fn of_this_process() -> Self {
        let (user, group) = (
            rustix::process::geteuid().as_raw(),
            rustix::process::getegid().as_raw(),
        );
        Self {
            user: format!("{user} {user} 1\n"),
            group: format!("{group} {group} 1\n"),
        }
    }
}

/// Where the kernel put our environment: a keeper's copy of it is readable from within the namespace as
/// `/proc/1/environ`. Empty if unknown.
fn environment_area() -> Range<usize> {
    static AREA: OnceLock<Range<usize>> = OnceLock::new();
    let read = || {
        let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
        // Fields 50 and 51 of proc_pid_stat(5), counted from the third, which follows the name.
        let mut fields = stat[stat.rfind(')')? + 1..]
            .split_ascii_whitespace()
            .skip(47);
        Some(fields.next()?.parse().ok()?..fields.next()?.parse().ok()?)
    };
    AREA.get_or_init(|| read().unwrap_or(0..0)).clone()
}

/// The life of a keeper.
///
/// # Safety
/// In a new process with a copy of the parent's memory; all pointers in `setup` are valid in it.
unsafe fn keep(setup: &mut Setup) -> ! {
    // SAFETY: system calls on memory of this function and of `setup`.
    unsafe {
        let mut ready = contain(setup);
        match (ready, &mut setup.network) {
            (Ok(layers), Some(network)) => {
                let handed = network.hand_over([Stage::Started as c_int, layers]);
                ready = handed.map(|()| layers);
            }
            (Ok(layers), None) => report(Failure {
                stage: Stage::Started,
                errno: layers,
            }),
            (Err(_), _) => {}
        }
        if let Err(failure) = ready {
            report(failure);
        }
        if ready.is_err() || !told_to_go() {
            libc::_exit(1);
        }
        setup.exec.parent = libc::getpid();
        let program = match exec::clone_and_execute(&mut setup.exec, &mut setup.stack) {
            Ok(program) => program,
            Err(failure) => {
                report(failure);
                libc::_exit(1)
            }
        };
        report(Failure {
            stage: Stage::Started,
            errno: 0,
        });
        // The output ends when the program and its descendants have closed it.
        for fd in 0..3 {
            libc::close(fd);
        }
        loop {
            let mut status = 0;
            let ended = libc::wait4(-1, &mut status, 0, ptr::null_mut());
            if ended == program {
                report(Failure {
                    stage: Stage::Started,
                    errno: status,
                });
            }
            let last = ended < 0 && errno() == libc::ECHILD;
            if last || (ended == program && setup.means.reach == Reach::Namespace) {
                libc::_exit(0);
            }
        }
    }
}

/// Takes the place between us and the program.
///
/// # Safety
/// As for [`keep`].
unsafe fn contain(setup: &mut Setup) -> Result<c_int, Failure> {
    // SAFETY: system calls on memory of this function and of `setup`.
    unsafe {
        // Descriptors first: from here on nothing of ours is held open, locks included, and the reports have their way.
        let mut placed = true;
        for (target, source) in (0..).zip(setup.stdio) {
            placed &= libc::dup2(source, target) >= 0;
        }
        let mut ruleset = setup.ruleset;
        if ruleset == CONTROL {
            // Out of the way of what comes there.
            ruleset = libc::dup(ruleset);
        }
        placed &= setup.control == CONTROL || libc::dup2(setup.control, CONTROL) >= 0;
        let mut first_unused = CONTROL + 1;
        if setup.layout.is_some() {
            placed &= ruleset == RULESET || libc::dup2(ruleset, RULESET) >= 0;
            first_unused = RULESET + 1;
        }
        placed &= libc::syscall(libc::SYS_close_range, first_unused, c_int::MAX, 0) >= 0;
        check(placed)?;
        exec::default_signals();
        // A session of its own: no terminal, and one process group to signal.
        check(libc::setsid() >= 0)?;
        match setup.means.reach {
            Reach::Namespace => {
                libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
            }
            Reach::Descendants => {
                check(libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1) >= 0)?;
                end_group_with_parent();
            }
        }
        if setup.means.flags & libc::CLONE_NEWUSER != 0 {
            check(write_file(c"/proc/self/setgroups", b"deny"))?;
            check(write_file(
                c"/proc/self/uid_map",
                setup.maps.user.as_bytes(),
            ))?;
            check(write_file(
                c"/proc/self/gid_map",
                setup.maps.group.as_bytes(),
            ))?;
        }
        if setup.means.flags & libc::CLONE_NEWNS != 0 {
            own_proc();
        }
        let namespaces = setup.means.reach == Reach::Namespace;
        let mut layers = setup
            .layout
            .as_ref()
            .map_or(0, |layout| layout.lay_out(namespaces));
        if let Some(network) = &mut setup.network {
            check(network.lay_out())?;
            layers |= Layers::NETWORK;
        }
        // Our secrets are in the keeper's memory; its descendants shall not read them through /proc.
        ptr::write_bytes(
            ptr::with_exposed_provenance_mut::<u8>(setup.environment.start),
            0,
            setup.environment.len(),
        );
        libc::prctl(libc::PR_SET_DUMPABLE, 0);
        Ok(layers)
    }
}

fn check(succeeded: bool) -> Result<(), Failure> {
    if succeeded {
        Ok(())
    } else {
        Err(Failure {
            stage: Stage::Contain,
            errno: errno(),
        })
    }
}

/// Mounts the namespace's own `/proc`, so that process ids found there are those that its programs know
/// each other by, and ours are not seen. Where it is refused (masked `/proc` of a container) the outer one stays.
///
/// # Safety
/// In a new process with a mount namespace of its own.
unsafe fn own_proc() {
    // SAFETY: constant strings.
    unsafe {
        let none = ptr::null::<c_void>();
        // Mounts of the host still come in, ours do not go out.
        if libc::mount(
            ptr::null(),
            c"/".as_ptr(),
            ptr::null(),
            libc::MS_REC | libc::MS_SLAVE,
            none,
        ) == 0
        {
            let flags = libc::MS_NOSUID | libc::MS_NODEV | libc::MS_NOEXEC;
            libc::mount(
                c"proc".as_ptr(),
                c"/proc".as_ptr(),
                c"proc".as_ptr(),
                flags,
                none,
            );
        }
    }
}

/// Ends the whole process group when our parent dies; what left the group is found by its mark.
///
/// # Safety
/// In a new process that leads its group.
unsafe fn end_group_with_parent() {
    extern "C" fn end_group(_signal: c_int) {
        // SAFETY: kill is async-signal-safe and has no preconditions.
        unsafe { libc::kill(0, libc::SIGKILL) };
    }
    let signal = libc::SIGRTMAX();
    // SAFETY: the action is zeroed but for its handler, a function of the right type; the set is initialized.
    unsafe {
        let mut action: libc::sigaction = mem::zeroed();
        action.sa_sigaction = end_group as extern "C" fn(c_int) as usize;
        libc::sigaction(signal, &action, ptr::null_mut());
        libc::prctl(libc::PR_SET_PDEATHSIG, signal);
        let mut unblocked = mem::zeroed();
        libc::sigemptyset(&mut unblocked);
        libc::sigaddset(&mut unblocked, signal);
        libc::sigprocmask(libc::SIG_UNBLOCK, &unblocked, ptr::null_mut());
    }
}

/// # Safety
/// In a new process.
pub(super) unsafe fn write_file(path: &std::ffi::CStr, text: &[u8]) -> bool {
    // SAFETY: a valid path and a valid buffer.
    unsafe {
        let fd = libc::open(path.as_ptr(), libc::O_WRONLY | libc::O_CLOEXEC);
        let written = fd >= 0
            && libc::write(fd, text.as_ptr().cast(), text.len()) == text.len().cast_signed();
        let errno = errno();
        libc::close(fd);
        *libc::__errno_location() = errno;
        written
    }
}

/// Whether the parent gave the word; `false` if it is gone.
///
/// # Safety
/// In a keeper.
unsafe fn told_to_go() -> bool {
    let mut byte = 0_u8;
    loop {
        // SAFETY: a buffer of one byte.
        match unsafe { libc::read(CONTROL, (&raw mut byte).cast(), 1) } {
            1 => return true,
            n_read if n_read < 0 && errno() == libc::EINTR => {}
            _ => return false,
        }
    }
}

/// Sends eight bytes to the parent; if it is gone, so are we by the next signal.
///
/// # Safety
/// In a keeper.
unsafe fn report(failure: Failure) {
    let numbers: [c_int; 2] = [failure.stage as c_int, failure.errno];
    // SAFETY: the buffer has the length of two numbers.
    unsafe {
        libc::send(
            CONTROL,
            numbers.as_ptr().cast(),
            mem::size_of_val(&numbers),
            libc::MSG_NOSIGNAL,
        )
    };
}

const _: () = assert!(
    mem::size_of::<[c_uint; 2]>() == Report::BYTES,
    "a report is two numbers"
);
