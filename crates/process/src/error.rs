//! What can go wrong before and around a child; how the child itself ends is an [`Exit`](crate::Exit).

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

use core_types::{ErrorClass, PortError};

/// A child process could not be started or followed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The program is not in the folders of the child's `PATH`, its file does not exist, or the
    /// interpreter that its first line names does not exist.
    #[error("find program {}", program.display())]
    NotFound {
        /// The program as it was asked for.
        program: OsString,
    },
    /// The folder to run in does not exist or is no folder.
    #[error("find folder {} to run {} in", folder.display(), program.display())]
    FolderNotFound {
        /// The folder as it was asked for.
        folder: PathBuf,
        /// The program as it was asked for.
        program: OsString,
    },
    /// The program may not be executed, or the folder may not be entered.
    #[error("execute {}: permission denied for {}", program.display(), path.display())]
    PermissionDenied {
        /// The program as it was asked for.
        program: OsString,
        /// What was refused: the program, or the folder.
        path: PathBuf,
    },
    /// The program, an argument or a variable contains a NUL byte, or a variable's name is empty or contains `=`.
    #[error("pass {} to {}", value.display(), program.display())]
    InvalidArgument {
        /// The program as it was asked for.
        program: OsString,
        /// The value that cannot be passed.
        value: OsString,
    },
    /// The file for the output could not be created.
    #[error("create output file {}", path.display())]
    Spill {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// It was cancelled, and has been ended.
    #[error("run {}: it was cancelled", program.display())]
    Cancelled {
        /// The program as it was asked for.
        program: OsString,
    },
    /// A sandbox was asked for and the system has none. It was not started without.
    #[error("keep {} to a sandbox: this system has {support}", program.display())]
    NoSandbox {
        /// The program as it was asked for.
        program: OsString,
        /// What the system has.
        support: crate::SandboxSupport,
    },
    /// Any other refusal of the system, such as too many processes or descriptors.
    #[error("run {}: {operation}", program.display())]
    Io {
        /// The program as it was asked for.
        program: OsString,
        /// What was being done.
        operation: &'static str,
        /// The system's answer.
        source: io::Error,
    },
}

impl Error {
    /// What a caller branches on.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::NotFound { .. } | Self::FolderNotFound { .. } => ErrorClass::NotFound,
            Self::PermissionDenied { .. }
            | Self::InvalidArgument { .. }
            | Self::NoSandbox { .. } => ErrorClass::Validation,
            Self::Spill { .. } => ErrorClass::ResourceExhausted,
            Self::Cancelled { .. } => ErrorClass::Cancelled,
            Self::Io { source, .. } => match source.raw_os_error() {
                Some(libc::EAGAIN | libc::ENOMEM | libc::EMFILE | libc::ENFILE | libc::ENOSPC) => {
                    ErrorClass::ResourceExhausted
                }
                _ => ErrorClass::Internal,
            },
        }
    }
}

impl From<Error> for PortError {
    fn from(error: Error) -> Self {
        let port_error = Self::new(error.class(), error.to_string());
        match error {
            Error::Spill { source, .. } | Error::Io { source, .. } => port_error.because(source),
            Error::NotFound { .. }
            | Error::FolderNotFound { .. }
            | Error::PermissionDenied { .. }
            | Error::InvalidArgument { .. }
            | Error::NoSandbox { .. }
            | Error::Cancelled { .. } => port_error,
        }
    }
}
