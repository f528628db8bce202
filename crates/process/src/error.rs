//! What can go wrong before and around a child; how the child itself ends is an [`Exit`](crate::Exit).

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

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
