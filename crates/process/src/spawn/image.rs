//! What a child becomes, laid out in memory before the child exists: between its creation and its
//! program it may not allocate.

use std::ffi::{CString, OsStr, OsString, c_char};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;
use std::ptr;

use rustix::io::fcntl_dupfd_cloexec;

/// Where a program without a slash is looked for when the child has no `PATH`.
const DEFAULT_PATH: &[u8] = b"/usr/local/bin:/usr/bin:/bin";

/// A program with all it is started with.
pub(crate) struct Image {
    candidates: Vec<CString>,
    arguments: Vec<CString>,
    environment: Vec<CString>,
    pub(super) folder: Option<CString>,
    /// The standard descriptors, none below 3, so that putting them in place overwrites none of them.
    pub(super) stdio: [OwnedFd; 3],
}

/// Pointers into an [`Image`], as `execve` wants them, each list with a null at its end.
pub(super) struct Pointers {
    pub(super) candidates: Vec<*const c_char>,
    pub(super) arguments: Vec<*const c_char>,
    pub(super) environment: Vec<*const c_char>,
}

impl Image {
    /// Lays out a program; the error is the value that cannot be passed because of a NUL byte, or as a variable's name.
    pub(crate) fn new(
        program: &OsStr,
        arguments: &[OsString],
        environment: &[(OsString, OsString)],
        folder: Option<&Path>,
        stdio: [OwnedFd; 3],
    ) -> Result<Self, OsString> {
        let path = environment
            .iter()
            .rev()
            .find(|(name, _)| name == "PATH")
            .map(|(_, value)| value.as_bytes());
        let candidates = if program.as_bytes().contains(&b'/') {
            vec![c_string(program)?]
        } else {
            path.unwrap_or(DEFAULT_PATH)
                .split(|byte| *byte == b':')
                // An empty entry would be the current folder, which an agent writes to.
                .filter(|folder| !folder.is_empty())
                .map(|folder| {
                    c_string(
                        Path::new(OsStr::from_bytes(folder))
                            .join(program)
                            .as_os_str(),
                    )
                })
                .collect::<Result<_, _>>()?
        };
        let variable = |(name, value): &(OsString, OsString)| {
            if name.is_empty() || name.as_bytes().contains(&b'=') {
                return Err(name.clone());
            }
            let mut variable = name.clone();
            variable.push("=");
            variable.push(value);
            c_string(&variable)
        };
        Ok(Self {
            candidates,
            arguments: std::iter::once(program)
                .chain(arguments.iter().map(OsString::as_os_str))
                .map(c_string)
                .collect::<Result<_, _>>()?,
            environment: environment.iter().map(variable).collect::<Result<_, _>>()?,
            folder: folder
                .map(|folder| c_string(folder.as_os_str()))
                .transpose()?,
            stdio,
        })
    }

    pub(super) fn pointers(&self) -> Pointers {
        let list = |strings: &[CString]| {
            strings
                .iter()
                .map(|string| string.as_ptr())
                .chain([ptr::null()])
                .collect()
        };
        Pointers {
            candidates: list(&self.candidates),
            arguments: list(&self.arguments),
            environment: list(&self.environment),
        }
    }
}

/// Moves a descriptor out of the range of the standard ones, where it is if our own were closed.
pub(crate) fn above_stdio(fd: OwnedFd) -> std::io::Result<OwnedFd> {
    use std::os::fd::AsRawFd;
    if fd.as_raw_fd() > 2 {
        Ok(fd)
    } else {
        Ok(fcntl_dupfd_cloexec(&fd, 3)?)
    }
}

fn c_string(text: &OsStr) -> Result<CString, OsString> {
    CString::new(text.as_bytes()).map_err(|error| OsString::from_vec(error.into_vec()))
}
