//! Errors of system calls and of the resolver, by number.

use core_types::ErrorClass;

use super::{Classified, Effect};

/// By the numbers of Linux on x86, Arm and RISC-V.
pub(super) fn classify(errno: i32, effect: Effect) -> Classified {
    use ErrorClass as C;
    let class = match errno {
        // EPIPE, ECONNABORTED, ECONNRESET, ETIMEDOUT: the request may have arrived.
        32 | 103 | 104 | 110 if effect == Effect::Sent => C::UnknownOutcome,
        // EINTR, EAGAIN, EBUSY, ETXTBSY, EPIPE, ENETDOWN, ENETUNREACH, ENETRESET,
        // ECONNABORTED, ECONNRESET, ETIMEDOUT, ECONNREFUSED, EHOSTDOWN, EHOSTUNREACH, ESTALE.
        4 | 11 | 16 | 26 | 32 | 100..=104 | 110..=113 | 116 => C::Transient,
        // EIO, ENOMEM, ENFILE, EMFILE, ENOSPC, EROFS, ENOBUFS, EDQUOT.
        5 | 12 | 23 | 24 | 28 | 30 | 105 | 122 => C::ResourceExhausted,
        // EPERM, EACCES.
        1 | 13 => C::Unauthorized,
        // ENOENT, ESRCH, ENXIO, ENODEV, ENOTDIR.
        2 | 3 | 6 | 19 | 20 => C::NotFound,
        // EEXIST, ENOTEMPTY, EADDRINUSE.
        17 | 39 | 98 => C::Conflict,
        // E2BIG, ENOEXEC, EXDEV, EISDIR, EINVAL, EFBIG, ENAMETOOLONG, ENOSYS, ELOOP, EOPNOTSUPP.
        7 | 8 | 18 | 21 | 22 | 27 | 36 | 38 | 40 | 95 => C::Validation,
        // ECANCELED.
        125 => C::Cancelled,
        _ => C::Internal,
    };
    Classified::sure(class)
}

/// What `getaddrinfo` answers, by glibc's numbers.
pub(super) fn classify_resolver(code: i32) -> Classified {
    use ErrorClass as C;
    let class = match code {
        // EAI_AGAIN.
        -3 => C::Transient,
        // EAI_NONAME, EAI_NODATA.
        -2 | -5 => C::NotFound,
        // EAI_MEMORY.
        -10 => C::ResourceExhausted,
        // EAI_BADFLAGS, EAI_FAMILY, EAI_SOCKTYPE, EAI_SERVICE.
        -1 | -6 | -7 | -8 => C::Validation,
        _ => C::Internal,
    };
    Classified::sure(class)
}
