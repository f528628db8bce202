//! What the exit codes and signals of child processes mean.

use serde::{Deserialize, Serialize};

use crate::{CommandPurpose, ErrorClass, Exit};

/// Whose exit codes are read; what a code means depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ExitCodes {
    /// Only what shells agree on: 124, 126, 127, and 128 + signal.
    #[default]
    Other,
    /// A test command: every other code says that tests failed, and so does a
    /// program that ends itself by a signal, such as at a failed assertion.
    Tests,
    /// pytest.
    Pytest,
    /// curl.
    Curl,
    /// A program that follows `sysexits.h`: agents and set-up commands.
    Sysexits,
}

impl From<CommandPurpose> for ExitCodes {
    fn from(purpose: CommandPurpose) -> Self {
        match purpose {
            CommandPurpose::Test => Self::Tests,
            CommandPurpose::Setup | CommandPurpose::Deploy => Self::Sysexits,
        }
    }
}

impl Exit {
    /// The signal that ended it, also where a shell says so by a code from 129 to 159.
    #[must_use]
    pub const fn signal(self) -> Option<i32> {
        match self {
            Self::Signal(signal) => Some(signal),
            Self::Code(code @ 129..=159) => Some(code - 128),
            Self::Code(_) | Self::TimedOut => None,
        }
    }

    /// What an end that is no success means. It is the word of a child: that
    /// memory ran out, say, ran out for the child.
    ///
    /// ```
    /// use core_types::{ErrorClass, Exit, ExitCodes};
    ///
    /// assert_eq!(Exit::Code(75).class(ExitCodes::Sysexits), ErrorClass::Transient);
    /// assert_eq!(Exit::Code(1).class(ExitCodes::Sysexits), ErrorClass::Internal);
    /// assert_eq!(Exit::Code(1).class(ExitCodes::Tests), ErrorClass::TestFailure);
    /// assert_eq!(Exit::Signal(9).class(ExitCodes::Tests), ErrorClass::ResourceExhausted);
    /// ```
    #[must_use]
    pub fn class(self, codes: ExitCodes) -> ErrorClass {
        match (self, self.signal()) {
            (Self::TimedOut, _) => ErrorClass::Timeout,
            (_, Some(signal)) => by_signal(signal, codes),
            (Self::Code(code), None) => by_code(code, codes),
            (Self::Signal(_), None) => ErrorClass::Internal,
        }
    }
}

/// The signals' numbers as Linux has them on x86, Arm and RISC-V.
fn by_signal(signal: i32, codes: ExitCodes) -> ErrorClass {
    use ErrorClass as C;
    match signal {
        // SIGILL, SIGABRT, SIGBUS, SIGFPE, SIGSEGV: the code under test, or an assertion.
        4 | 6 | 7 | 8 | 11 if codes == ExitCodes::Tests => C::TestFailure,
        // SIGKILL that nobody of ours sent is the kernel out of memory; SIGBUS and SIGSEGV
        // are mostly the same in a program that does not check its allocations.
        9 | 7 | 11 => C::ResourceExhausted,
        // SIGHUP, SIGINT, SIGQUIT, SIGTERM: somebody ended it.
        1 | 2 | 3 | 15 => C::Cancelled,
        // SIGALRM, SIGXCPU.
        14 | 24 => C::Timeout,
        // SIGXFSZ: a file grew beyond its limit.
        25 => C::ResourceExhausted,
        // SIGSYS: a sandbox refused a system call.
        31 => C::Unauthorized,
        _ => C::Internal,
    }
}

fn by_code(code: i32, codes: ExitCodes) -> ErrorClass {
    use ErrorClass as C;
    use ExitCodes as E;
    match (codes, code) {
        (E::Pytest, 1) => C::TestFailure,
        // Interrupted; then its internal error; then wrong usage, and no test collected.
        (E::Pytest, 2) => C::Cancelled,
        (E::Pytest, 3) => C::Internal,
        (E::Pytest, 4 | 5) => C::Validation,
        (E::Curl, 6 | 7 | 28 | 52 | 55 | 56) => C::Transient,
        (E::Curl, 1..=3) => C::Validation,
        (E::Curl, 9 | 60 | 67) => C::Unauthorized,
        (E::Curl, 37 | 78) => C::NotFound,
        (E::Curl, 23 | 27) => C::ResourceExhausted,
        (E::Sysexits, 64 | 65 | 76 | 78) => C::Validation,
        (E::Sysexits, 66..=68) => C::NotFound,
        (E::Sysexits, 69) | (E::Sysexits | E::Tests, 75) => C::Transient,
        (E::Sysexits, 71) => C::ResourceExhausted,
        (E::Sysexits, 77) => C::Unauthorized,
        (_, 124) => C::Timeout,
        (_, 126) => C::Validation,
        (_, 127) => C::NotFound,
        (E::Tests, _) => C::TestFailure,
        _ => C::Internal,
    }
}
