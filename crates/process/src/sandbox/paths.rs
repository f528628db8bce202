//! Which paths programs need for their work, and which of a launch's variables point elsewhere in a sandbox.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// Where programs, their libraries and what every program reads lie. Of `/etc` and `/sys` only what tells no secret.
const SYSTEM: &[&str] = &[
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/opt",
    "/nix/store",
    "/snap",
    "/etc/alternatives",
    "/etc/ca-certificates",
    "/etc/ca-certificates.conf",
    "/etc/crypto-policies",
    "/etc/debian_version",
    "/etc/fonts",
    "/etc/group",
    "/etc/gai.conf",
    "/etc/host.conf",
    "/etc/hosts",
    "/etc/inputrc",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/localtime",
    "/etc/locale.alias",
    "/etc/magic",
    "/etc/mime.types",
    "/etc/nsswitch.conf",
    "/etc/os-release",
    "/etc/passwd",
    "/etc/pki/ca-trust",
    "/etc/pki/tls/certs",
    "/etc/pki/tls/cert.pem",
    "/etc/profile",
    "/etc/protocols",
    "/etc/resolv.conf",
    "/etc/services",
    "/etc/shells",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
    "/etc/terminfo",
    "/etc/timezone",
    "/sys/devices/system/cpu",
    "/sys/devices/system/node",
    "/sys/fs/cgroup",
];

/// Variables that name a tool chain's home, where it is in the user's home folder without one, and what of it may be
/// read: not the whole, since some of them keep keys there. `""` is all of it.
const TOOL_CHAINS: &[(&str, &str, &[&str])] = &[
    (
        "CARGO_HOME",
        ".cargo",
        &["bin", "registry", "git", "config.toml", "env"],
    ),
    ("RUSTUP_HOME", ".rustup", &["toolchains", "settings.toml"]),
    ("PYENV_ROOT", ".pyenv", &[""]),
    ("NVM_DIR", ".nvm", &[""]),
    ("GOPATH", "go", &["bin", "pkg"]),
    ("GOROOT", "", &[""]),
    ("JAVA_HOME", "", &[""]),
    ("VIRTUAL_ENV", "", &[""]),
    ("CONDA_PREFIX", "", &[""]),
    ("SSL_CERT_FILE", "", &[""]),
    ("SSL_CERT_DIR", "", &[""]),
];

/// Where user-wide programs keep themselves, from the home folder.
const OF_HOME: &[&str] = &[
    ".local/bin",
    ".local/lib",
    ".local/share/pipx/venvs",
    ".local/share/uv/python",
    ".local/share/uv/tools",
    ".asdf",
    ".sdkman/candidates",
    ".volta",
    ".bun/bin",
    ".deno/bin",
    ".npm-global",
];

/// Variables that name folders of the user's, which in a sandbox is another one.
const FOLDERS: &[(&str, &str)] = &[
    ("HOME", "home"),
    ("TMPDIR", "tmp"),
    ("XDG_CACHE_HOME", "home/.cache"),
    ("XDG_CONFIG_HOME", "home/.config"),
    ("XDG_DATA_HOME", "home/.local/share"),
    ("NPM_CONFIG_CACHE", "home/.npm"),
    ("GOCACHE", "home/.cache/go-build"),
];

fn variable<'a>(environment: &'a [(OsString, OsString)], name: &str) -> Option<&'a OsStr> {
    let mut found = environment.iter().rev().filter(|(known, _)| known == name);
    found.next().map(|(_, value)| value.as_os_str())
}

/// What programs with this environment need to read: the system, the folders of its `PATH`, and tool chains.
///
/// Neither the home folder itself nor what keys lie in is among them. Paths that do not exist may be.
pub fn usual_paths(environment: &[(OsString, OsString)]) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = SYSTEM.iter().map(PathBuf::from).collect();
    let home = variable(environment, "HOME").map(PathBuf::from);
    let is_narrow = |path: &PathBuf| {
        let holds_home = home.as_ref().is_some_and(|home| home.starts_with(path));
        path.is_absolute() && path.parent().is_some() && !holds_home && path != Path::new("/tmp")
    };
    let searched = variable(environment, "PATH").unwrap_or_default();
    paths.extend(std::env::split_paths(searched).filter(is_narrow));
    for (name, folder, parts) in TOOL_CHAINS {
        let named = variable(environment, name).map(PathBuf::from);
        let usual = home.as_ref().filter(|_| !folder.is_empty());
        let root = named.or_else(|| Some(usual?.join(folder)));
        let parts = parts
            .iter()
            .flat_map(|part| Some(root.as_ref()?.join(part)));
        paths.extend(parts.filter(is_narrow));
    }
    paths.extend(
        OF_HOME
            .iter()
            .flat_map(|part| Some(home.as_ref()?.join(part))),
    );
    paths
}

/// The variables that differ in a sandbox with a folder of its own: its home and temporary folder lie there, and tool
/// chains are found where they are.
pub(crate) fn moved(
    environment: &[(OsString, OsString)],
    private: &Path,
) -> Vec<(OsString, OsString)> {
    let home = variable(environment, "HOME").map(PathBuf::from);
    let left_behind = TOOL_CHAINS.iter().filter_map(|(name, folder, _)| {
        let is_usual = !folder.is_empty() && variable(environment, name).is_none();
        let root = home.as_ref().filter(|_| is_usual)?.join(folder);
        root.is_dir().then(|| ((*name).into(), root.into()))
    });
    let always = |name: &str| matches!(name, "HOME" | "TMPDIR");
    let moved = FOLDERS
        .iter()
        .filter(|(name, _)| always(name) || variable(environment, name).is_some())
        .map(|(name, folder)| ((*name).into(), private.join(folder).into()));
    left_behind.chain(moved).collect()
}

/// What has to be readable so that a command runs: the files that its words name in full, and its program with the
/// package that it belongs to.
pub fn program_paths(words: &[&str], environment: &[(OsString, OsString)]) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = words
        .iter()
        .map(|word| PathBuf::from(word.trim_matches(['\'', '"', ';', '(', ')'])))
        .filter(|path| path.is_absolute() && path.is_file())
        .collect();
    let searched = variable(environment, "PATH").unwrap_or_default();
    if let Some(program) = words.first().filter(|program| !program.contains('/')) {
        let candidates = std::env::split_paths(searched).map(|folder| folder.join(program));
        paths.extend(candidates.filter(|path| path.is_file()).take(1));
    }
    let packages = paths.iter().filter_map(|path| {
        let file = path.canonicalize().ok()?;
        let mut folders = file.ancestors();
        let package = folders.find(|folder| folder.ends_with("node_modules"));
        Some(package.unwrap_or(&file).to_owned())
    });
    let packages: Vec<_> = packages.collect();
    paths.extend(packages);
    paths
}
