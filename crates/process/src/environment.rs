//! Which variables of the engine's environment a child may see.

use std::collections::BTreeMap;
use std::ffi::OsString;

/// What programs, tools and compilers need to work as the user expects, and nothing that grants access:
/// no tokens, no keys, no agent sockets.
const ALLOWED: &[&str] = &[
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LANGUAGE",
    "TZ",
    "TERM",
    "TMPDIR",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_RUNTIME_DIR",
    "CARGO_HOME",
    "RUSTUP_HOME",
    "RUSTUP_TOOLCHAIN",
    "GOPATH",
    "GOROOT",
    "GOCACHE",
    "GOMODCACHE",
    "NODE_PATH",
    "NVM_DIR",
    "NPM_CONFIG_CACHE",
    "JAVA_HOME",
    "VIRTUAL_ENV",
    "PYENV_ROOT",
    "CONDA_PREFIX",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
];

/// Picks from `source` what a child may see: a fixed list (`PATH`, `HOME`, `LANG`, `LC_*`, `TMPDIR`, the
/// homes of tool chains) and the names in `extra`, compared exactly.
///
/// `source` is the environment of the program, handed in because libraries do not read it. The result is
/// sorted by name and holds each name once; of duplicates the last wins. Names that are not UTF-8 are left out.
///
/// ```
/// let own = [("PATH", "/bin"), ("FORGE_TOKEN", "secret"), ("LC_ALL", "C")];
/// let own = own.map(|(name, value)| (name.into(), value.into()));
/// let names: Vec<_> = process::allowed_environment(own.into_iter(), &[]).into_iter().map(|(name, _)| name).collect();
/// assert_eq!(names, ["LC_ALL", "PATH"]);
/// ```
pub fn allowed_environment(
    source: impl Iterator<Item = (OsString, OsString)>,
    extra: &[String],
) -> Vec<(OsString, OsString)> {
    let allowed = |name: &str| {
        ALLOWED.contains(&name)
            || name.starts_with("LC_")
            || extra.iter().any(|known| known == name)
    };
    source
        .filter(|(name, _)| name.to_str().is_some_and(allowed))
        .collect::<BTreeMap<_, _>>()
        .into_iter()
        .collect()
}
