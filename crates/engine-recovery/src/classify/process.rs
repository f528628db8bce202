//! Exit codes and signals.

use core_types::{ErrorClass, Exit};
use serde::{Deserialize, Serialize};

use super::{Classified, Remedy};

/// Whose exit codes are read; what a code means depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Program {
    /// Only what shells agree on: 124, 126, 127, and 128 + signal.
    #[default]
    Other,
    /// A test command: every other code says that tests failed.
    Tests,
    /// pytest.
    Pytest,
    /// curl.
    Curl,
    /// A program that follows `sysexits.h`.
    Sysexits,
}

pub(super) fn classify(exit: Exit, program: Program) -> Classified {
    match exit {
        Exit::TimedOut => Classified::sure(ErrorClass::Timeout),
        Exit::Signal(signal) => by_signal(signal),
        Exit::Code(code) => by_code(code, program),
    }
}

/// The signals' numbers as Linux has them on x86, Arm and RISC-V.
fn by_signal(signal: i32) -> Classified {
    use ErrorClass as C;
    let class = match signal {
        // SIGKILL that nobody of ours sent is the kernel out of memory; SIGSEGV and SIGBUS
        // are mostly the same in a program that does not check its allocations.
        9 | 11 | 7 => {
            let exhausted = Classified::sure(C::ResourceExhausted);
            return exhausted.with(Remedy::RetryOnceWithLess);
        }
        // SIGHUP, SIGINT, SIGQUIT, SIGTERM: somebody ended it.
        1 | 2 | 3 | 15 => C::Cancelled,
        // SIGALRM, SIGXCPU.
        14 | 24 => C::Timeout,
        // SIGXFSZ: a file grew beyond its limit.
        25 => C::ResourceExhausted,
        // SIGSYS: a sandbox refused a system call.
        31 => C::Unauthorized,
        _ => C::Internal,
    };
    Classified::sure(class)
}

fn by_code(code: i32, program: Program) -> Classified {
    use ErrorClass as C;
    let class = match (program, code) {
        (Program::Pytest, 1) => C::TestFailure,
        // Interrupted; then its internal error; then wrong usage, and no test collected.
        (Program::Pytest, 2) => C::Cancelled,
        (Program::Pytest, 3) => C::Internal,
        (Program::Pytest, 4 | 5) => C::Validation,
        (Program::Curl, 6 | 7 | 28 | 52 | 55 | 56) => C::Transient,
        (Program::Curl, 1..=3) => C::Validation,
        (Program::Curl, 9 | 60 | 67) => C::Unauthorized,
        (Program::Curl, 37 | 78) => C::NotFound,
        (Program::Curl, 23 | 27) => C::ResourceExhausted,
        (Program::Sysexits, 64 | 65 | 76 | 78) => C::Validation,
        (Program::Sysexits, 66..=68) => C::NotFound,
        (Program::Sysexits, 69 | 75) => C::Transient,
        (Program::Sysexits, 71) => C::ResourceExhausted,
        (Program::Sysexits, 77) => C::Unauthorized,
        (_, 124) => C::Timeout,
        (_, 126) => C::Validation,
        (_, 127) => C::NotFound,
        // What a shell says of a child that a signal ended.
        (_, 129..=159) => return by_signal(code - 128),
        (Program::Tests, 1..=123) => C::TestFailure,
        _ => C::Internal,
    };
    Classified::sure(class)
}
