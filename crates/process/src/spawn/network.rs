//! A network namespace laid out: its loopback is up, and the ports of the machine that its programs may reach are
//! listened on there. The listeners come to us, who carry over what connects to them.
#![expect(
    unsafe_code,
    reason = "a keeper may only make raw system calls, and descriptors are passed by them"
)]

use std::ffi::{c_int, c_void};
use std::io::{self, IoSliceMut, Read};
use std::mem::{self, MaybeUninit};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::ptr;

use rustix::cmsg_space;
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, recvmsg};

use super::exec::errno;
use super::keeper::{CONTROL, Report};
use super::{Failure, Stage};
use crate::sandbox::MOST_PORTS;

/// Connections that wait to be carried over.
const BACKLOG: c_int = 128;
/// One for each version of the protocol.
const MOST_LISTENERS: usize = 2 * MOST_PORTS;

/// What a keeper lays out, and where it keeps it: it may not allocate.
pub(super) struct OwnNetwork {
    ports: Vec<u16>,
    listeners: Vec<c_int>,
    /// Room for the message that carries them, aligned as its head has to be.
    message: Vec<u64>,
}

impl OwnNetwork {
    pub(super) fn new(ports: &[u16]) -> Self {
        let n_listeners = 2 * ports.len();
        let n_bytes = n_listeners * size_of::<c_int>();
        // SAFETY: a computation.
        let space = unsafe { libc::CMSG_SPACE(u32::try_from(n_bytes).unwrap_or(u32::MAX)) };
        Self {
            ports: ports.to_owned(),
            listeners: Vec::with_capacity(n_listeners),
            message: vec![0; (space as usize).div_ceil(size_of::<u64>())],
        }
    }

    /// False if the system refuses a part of it that is needed.
    ///
    /// # Safety
    /// In a process with a network namespace of its own.
    pub(super) unsafe fn lay_out(&mut self) -> bool {
        // SAFETY: system calls on memory of this function; there is room for two listeners a port.
        unsafe {
            if !loopback_up() {
                return false;
            }
            for idx in 0..self.ports.len() {
                let port = self.ports[idx].to_be();
                let mut address: libc::sockaddr_in = mem::zeroed();
                address.sin_family = libc::AF_INET as _;
                address.sin_port = port;
                address.sin_addr.s_addr = u32::from_ne_bytes([127, 0, 0, 1]);
                let listener = listen(libc::AF_INET, &address);
                if listener < 0 {
                    return false;
                }
                self.listeners.push(listener);
                let mut address: libc::sockaddr_in6 = mem::zeroed();
                address.sin6_family = libc::AF_INET6 as _;
                address.sin6_port = port;
                address.sin6_addr.s6_addr[15] = 1;
                // Not every system has it.
                let listener = listen(libc::AF_INET6, &address);
                if listener >= 0 {
                    self.listeners.push(listener);
                }
            }
            true
        }
    }

    /// Sends a report together with the listeners, which are not held any longer here. It may be refused: descriptors
    /// under way are counted for all processes of a user.
    ///
    /// # Safety
    /// In a keeper.
    pub(super) unsafe fn hand_over(&mut self, report: [c_int; 2]) -> Result<(), Failure> {
        // SAFETY: the buffers live through the call, and that of the message was made as long as its parts need.
        unsafe {
            let mut part = libc::iovec {
                iov_base: report.as_ptr().cast_mut().cast(),
                iov_len: mem::size_of_val(&report),
            };
            let mut header: libc::msghdr = mem::zeroed();
            header.msg_iov = &raw mut part;
            header.msg_iovlen = 1;
            let n_bytes = mem::size_of_val(self.listeners.as_slice()) as u32;
            if n_bytes > 0 {
                header.msg_control = self.message.as_mut_ptr().cast::<c_void>();
                header.msg_controllen = libc::CMSG_SPACE(n_bytes) as _;
                let rights = libc::CMSG_FIRSTHDR(&raw const header);
                (*rights).cmsg_level = libc::SOL_SOCKET;
                (*rights).cmsg_type = libc::SCM_RIGHTS;
                (*rights).cmsg_len = libc::CMSG_LEN(n_bytes) as _;
                let place = libc::CMSG_DATA(rights).cast::<c_int>();
                ptr::copy_nonoverlapping(self.listeners.as_ptr(), place, self.listeners.len());
            }
            let sent = libc::sendmsg(CONTROL, &raw const header, libc::MSG_NOSIGNAL);
            let failed = (sent < 0).then(errno);
            for listener in &self.listeners {
                libc::close(*listener);
            }
            match failed {
                None => Ok(()),
                Some(errno) => Err(Failure {
                    stage: Stage::Contain,
                    errno,
                }),
            }
        }
    }
}

/// The first report of a keeper, and the listeners that come with it.
pub(super) fn first_report(control: &mut UnixStream) -> io::Result<(Report, Vec<OwnedFd>)> {
    let mut bytes = [0; Report::BYTES];
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(MOST_LISTENERS))];
    let mut rights = RecvAncillaryBuffer::new(&mut space);
    let received = loop {
        let parts = &mut [IoSliceMut::new(&mut bytes)];
        match recvmsg(&*control, parts, &mut rights, RecvFlags::CMSG_CLOEXEC) {
            Err(rustix::io::Errno::INTR) => {}
            received => break received?,
        }
    };
    let mut listeners = Vec::new();
    for message in rights.drain() {
        if let RecvAncillaryMessage::ScmRights(descriptors) = message {
            listeners.extend(descriptors);
        }
    }
    if received.flags.contains(ReturnFlags::CTRUNC) {
        // There was no room for them among our open files.
        return Err(io::Error::from_raw_os_error(libc::EMFILE));
    }
    if received.bytes == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    control.read_exact(&mut bytes[received.bytes..])?;
    Ok((Report::from_bytes(bytes), listeners))
}

/// A socket that listens at an address; negative if it is refused.
///
/// # Safety
/// The address is one of the family's.
unsafe fn listen<A>(family: c_int, address: &A) -> c_int {
    // SAFETY: a valid address of the size that is told; the descriptor is closed once.
    unsafe {
        let kind = libc::SOCK_STREAM | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
        let socket = libc::socket(family, kind, 0);
        if socket < 0 {
            return socket;
        }
        let length = size_of::<A>() as libc::socklen_t;
        let address = ptr::from_ref(address).cast::<libc::sockaddr>();
        if libc::bind(socket, address, length) == 0 && libc::listen(socket, BACKLOG) == 0 {
            return socket;
        }
        close_keeping_errno(socket);
        -1
    }
}

/// Brings up the loopback; without it, it is a network where nobody is reached.
///
/// # Safety
/// In a process with a network namespace of its own.
unsafe fn loopback_up() -> bool {
    // SAFETY: a zeroed request but for its name, which is ended by a zero, and its flags.
    unsafe {
        let socket = libc::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0);
        if socket < 0 {
            return false;
        }
        let mut request: libc::ifreq = mem::zeroed();
        request.ifr_name[0] = b'l' as _;
        request.ifr_name[1] = b'o' as _;
        request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as _;
        let is_up = libc::ioctl(socket, libc::SIOCSIFFLAGS as _, &raw const request) == 0;
        close_keeping_errno(socket);
        is_up
    }
}

/// # Safety
/// The descriptor is open, and nobody else's.
unsafe fn close_keeping_errno(fd: c_int) {
    let kept = errno();
    // SAFETY: as the caller says; the location is valid for the thread.
    unsafe {
        libc::close(fd);
        *libc::__errno_location() = kept;
    }
}
