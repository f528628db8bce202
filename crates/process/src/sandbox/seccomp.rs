//! A filter of system calls: what Landlock does not rule.

use std::ffi::c_long;

use super::{Network, policy::UnixSockets};

/// One instruction of the kernel's packet filter language.
pub(crate) use libc::sock_filter as Instruction;

const LOAD: u16 = 0x20;
const AND: u16 = 0x54;
const JUMP_EQUAL: u16 = 0x15;
const JUMP_AT_LEAST: u16 = 0x35;
const JUMP_BITS: u16 = 0x45;
const RETURN: u16 = 0x06;

const ALLOW: u32 = 0x7fff_0000;
const REFUSE: u32 = 0x0005_0000;

// Where the kernel shows a call: its number, its machine, its arguments (low halves).
const NUMBER: u32 = 0;
const MACHINE: u32 = 4;
const fn argument(index: u32) -> u32 {
    16 + 8 * index + if cfg!(target_endian = "big") { 4 } else { 0 }
}

#[cfg(target_arch = "x86_64")]
const THIS_MACHINE: u32 = 0xc000_003e;
#[cfg(target_arch = "aarch64")]
const THIS_MACHINE: u32 = 0xc000_00b7;
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
compile_error!("crate process filters system calls on x86-64 and AArch64 only");

/// Refused whatever they are asked: tracing and reading others, mounts, kernel modules, keys, and what has a large
/// record of ways out. `clone3` hides its flags behind a pointer, so that programs are to use `clone`.
const REFUSED: &[(c_long, i32)] = &[
    (libc::SYS_clone3, libc::ENOSYS),
    (libc::SYS_io_uring_setup, libc::ENOSYS),
    (libc::SYS_io_uring_enter, libc::ENOSYS),
    (libc::SYS_io_uring_register, libc::ENOSYS),
    (libc::SYS_ptrace, libc::EPERM),
    (libc::SYS_process_vm_readv, libc::EPERM),
    (libc::SYS_process_vm_writev, libc::EPERM),
    (libc::SYS_pidfd_getfd, libc::EPERM),
    (libc::SYS_keyctl, libc::EPERM),
    (libc::SYS_add_key, libc::EPERM),
    (libc::SYS_request_key, libc::EPERM),
    (libc::SYS_bpf, libc::EPERM),
    (libc::SYS_perf_event_open, libc::EPERM),
    (libc::SYS_userfaultfd, libc::EPERM),
    (libc::SYS_mount, libc::EPERM),
    (libc::SYS_umount2, libc::EPERM),
    (libc::SYS_pivot_root, libc::EPERM),
    (libc::SYS_move_mount, libc::EPERM),
    (libc::SYS_open_tree, libc::EPERM),
    (libc::SYS_fsopen, libc::EPERM),
    (libc::SYS_mount_setattr, libc::EPERM),
    (libc::SYS_setns, libc::EPERM),
    (libc::SYS_chroot, libc::EPERM),
    (libc::SYS_init_module, libc::EPERM),
    (libc::SYS_finit_module, libc::EPERM),
    (libc::SYS_kexec_load, libc::EPERM),
    (libc::SYS_reboot, libc::EPERM),
    (libc::SYS_swapon, libc::EPERM),
    (libc::SYS_open_by_handle_at, libc::EPERM),
];

const NEW_NAMESPACES: u32 = 0x7e02_0000;
const TIOCSTI: u32 = 0x5412;
const TIOCLINUX: u32 = 0x541c;
const FAST_OPEN: u32 = 0x2000_0000;

/// The filter for a policy; `own_network` says that the network namespace is the program's own.
pub(super) fn filter(network: &Network, unix: UnixSockets, own_network: bool) -> Vec<Instruction> {
    let mut code = Vec::with_capacity(160);
    load(&mut code, MACHINE);
    unless_equal_refuse(&mut code, THIS_MACHINE);
    load(&mut code, NUMBER);
    if cfg!(target_arch = "x86_64") {
        // Calls of the x32 interface have numbers of their own.
        code.push(jump(JUMP_AT_LEAST, 0x4000_0000, 0, 1));
        code.push(refuse(libc::EPERM));
    }
    for (number, errno) in REFUSED {
        code.push(jump(JUMP_EQUAL, number_of(*number), 0, 1));
        code.push(refuse(*errno));
    }
    for number in [libc::SYS_clone, libc::SYS_unshare] {
        on_call(&mut code, number, |code| {
            load(code, argument(0));
            code.push(jump(JUMP_BITS, NEW_NAMESPACES, 0, 1));
            code.push(refuse(libc::EPERM));
        });
    }
    on_call(&mut code, libc::SYS_ioctl, |code| {
        load(code, argument(1));
        for request in [TIOCSTI, TIOCLINUX] {
            code.push(jump(JUMP_EQUAL, request, 0, 1));
            code.push(refuse(libc::EPERM));
        }
    });
    on_call(&mut code, libc::SYS_socket, |code| {
        sockets(code, network, unix, own_network);
    });
    if unix == UnixSockets::Refused {
        // One end of a pair of datagrams may send to any name: to the system's log, for one.
        on_call(&mut code, libc::SYS_socketpair, |code| {
            load(code, argument(1));
            code.push(jump(JUMP_BITS, libc::SOCK_DGRAM.unsigned_abs(), 0, 1));
            code.push(refuse(libc::EACCES));
        });
    }
    if matches!(network, Network::Ports(_)) {
        // Data with the first packet connects without the call that is ruled.
        let flags = [
            (libc::SYS_sendto, 3),
            (libc::SYS_sendmsg, 2),
            (libc::SYS_sendmmsg, 3),
        ];
        for (number, index) in flags {
            on_call(&mut code, number, |code| {
                load(code, argument(index));
                code.push(jump(JUMP_BITS, FAST_OPEN, 0, 1));
                code.push(refuse(libc::EOPNOTSUPP));
            });
        }
    }
    code.push(give(ALLOW));
    code
}

/// Which sockets may be made.
fn sockets(code: &mut Vec<Instruction>, network: &Network, unix: UnixSockets, own_network: bool) {
    let of_unix = match unix {
        UnixSockets::Allowed => give(ALLOW),
        UnixSockets::Refused => refuse(libc::EACCES),
    };
    load(code, argument(0));
    code.push(jump(JUMP_EQUAL, libc::AF_UNIX.unsigned_abs(), 0, 1));
    code.push(of_unix);
    // The kernel's own tables: what interfaces there are. Changing them needs rights that are gone.
    code.push(jump(JUMP_EQUAL, libc::AF_NETLINK.unsigned_abs(), 0, 1));
    code.push(give(ALLOW));
    code.push(jump(JUMP_EQUAL, libc::AF_INET.unsigned_abs(), 2, 0));
    code.push(jump(JUMP_EQUAL, libc::AF_INET6.unsigned_abs(), 1, 0));
    code.push(refuse(libc::EAFNOSUPPORT));
    match network {
        Network::All => {}
        Network::None if own_network => {}
        Network::None => code.push(refuse(libc::EACCES)),
        Network::Ports(_) => {
            // TCP alone: its relatives are not ruled by Landlock.
            load(code, argument(1));
            code.push(instruction(AND, 0, 0, 0xf));
            unless_equal_refuse(code, libc::SOCK_STREAM.unsigned_abs());
            load(code, argument(2));
            code.push(jump(JUMP_EQUAL, 0, 2, 0));
            code.push(jump(JUMP_EQUAL, libc::IPPROTO_TCP.unsigned_abs(), 1, 0));
            code.push(refuse(libc::EACCES));
        }
    }
}

/// `body` for one system call; whoever falls out of it is allowed.
fn on_call(code: &mut Vec<Instruction>, number: c_long, body: impl FnOnce(&mut Vec<Instruction>)) {
    let mut inner = Vec::new();
    body(&mut inner);
    inner.push(give(ALLOW));
    // Bodies have a dozen instructions; one that does not fit would skip into the next.
    let length = u8::try_from(inner.len()).unwrap_or(u8::MAX);
    code.push(jump(JUMP_EQUAL, number_of(number), 0, length));
    code.append(&mut inner);
}

fn unless_equal_refuse(code: &mut Vec<Instruction>, value: u32) {
    code.push(jump(JUMP_EQUAL, value, 1, 0));
    code.push(refuse(libc::EACCES));
}

fn load(code: &mut Vec<Instruction>, offset: u32) {
    code.push(instruction(LOAD, 0, 0, offset));
}

fn jump(operation: u16, value: u32, if_so: u8, else_: u8) -> Instruction {
    instruction(operation, if_so, else_, value)
}

fn refuse(errno: i32) -> Instruction {
    give(REFUSE | errno.unsigned_abs())
}

fn give(verdict: u32) -> Instruction {
    instruction(RETURN, 0, 0, verdict)
}

fn instruction(code: u16, jt: u8, jf: u8, k: u32) -> Instruction {
    Instruction { code, jt, jf, k }
}

fn number_of(number: c_long) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
