//! Programs out of Debian packages, without installing them.

use std::path::PathBuf;

use anyhow::Result;
use xshell::{Shell, cmd};

use crate::workspace::Workspace;

/// The path of a program: the one that is installed, or else the one in the package, which is downloaded
/// and unpacked below the target folder. `Err` in the value says what is missing.
pub(super) fn program(
    sh: &Shell,
    workspace: &Workspace,
    package: &str,
    program: &str,
) -> Result<Result<PathBuf, String>> {
    let installed = std::env::var_os("PATH").and_then(|path| {
        let files = std::env::split_paths(&path).map(|folder| folder.join(program));
        files.into_iter().find(|file| file.is_file())
    });
    if let Some(installed) = installed {
        return Ok(Ok(installed));
    }
    let folder = workspace.target.join("real-parts").join(package);
    let unpacked = folder.join("usr/bin").join(program);
    if unpacked.is_file() {
        return Ok(Ok(unpacked));
    }
    let missing = format!(
        "`{program}` is not installed and its Debian package cannot be had, so this is NOT checked: \
         apt-get install {package}"
    );
    sh.create_dir(&folder)?;
    let _folder = sh.push_dir(&folder);
    let downloaded = cmd!(sh, "apt-get download {package}")
        .quiet()
        .ignore_stdout()
        .ignore_stderr()
        .run();
    let packages = sh.read_dir(&folder)?;
    let is_package = |path: &&PathBuf| path.extension().is_some_and(|end| end == "deb");
    let Some(file) = packages
        .iter()
        .find(is_package)
        .filter(|_| downloaded.is_ok())
    else {
        return Ok(Err(missing));
    };
    let extracted = cmd!(sh, "dpkg -x {file} {folder}").quiet().run();
    Ok(match extracted {
        Ok(()) if unpacked.is_file() => Ok(unpacked),
        _ => Err(missing),
    })
}
