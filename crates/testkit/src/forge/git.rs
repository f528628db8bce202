//! The bare repositories behind a simulated forge.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// One bare repository.
#[derive(Debug, Clone)]
pub(super) struct Bare {
    pub(super) dir: PathBuf,
}

impl Bare {
    /// Runs git; what it prints without the last line break, and `None` where it says no.
    pub(super) fn git(&self, arguments: &[&str]) -> Option<String> {
        let printed = self.bytes(arguments)?;
        Some(String::from_utf8_lossy(&printed).trim_end().to_owned())
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "fixtures must not depend on the crate whose tests they serve"
    )]
    pub(super) fn bytes(&self, arguments: &[&str]) -> Option<Vec<u8>> {
        let output = Command::new("git")
            .arg("--git-dir")
            .arg(&self.dir)
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("LC_ALL", "C")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .output()
            .expect("git can be started");
        output.status.success().then_some(output.stdout)
    }

    /// The commit of a branch. A loose reference is read without git, which would take most of the
    /// time of a test.
    pub(super) fn branch(&self, name: &str) -> Option<String> {
        let loose = self.dir.join("refs/heads").join(name);
        if let Ok(text) = std::fs::read_to_string(loose) {
            return Some(text.trim_end().to_owned());
        }
        let packed = std::fs::read_to_string(self.dir.join("packed-refs")).ok()?;
        let reference = format!("refs/heads/{name}");
        packed.lines().find_map(|line| {
            let (commit, found) = line.split_once(' ')?;
            (found == reference).then(|| commit.to_owned())
        })
    }

    pub(super) fn set_branch(&self, name: &str, commit: &str, old: Option<&str>) -> bool {
        let reference = format!("refs/heads/{name}");
        let mut arguments = vec!["update-ref", &reference, commit];
        arguments.extend(old);
        self.git(&arguments).is_some()
    }

    pub(super) fn is_ancestor(&self, old: &str, new: &str) -> bool {
        old == new
            || self
                .git(&["merge-base", "--is-ancestor", old, new])
                .is_some()
    }

    pub(super) fn merge_base(&self, a: &str, b: &str) -> Option<String> {
        if a == b {
            return Some(a.to_owned());
        }
        self.git(&["merge-base", a, b])
    }
}

/// Copies a bare repository, which has no links in it.
pub(super) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("the folder can be made");
    for item in std::fs::read_dir(from).expect("the folder can be read") {
        let item = item.expect("the folder can be read");
        let to = to.join(item.file_name());
        if item.path().is_dir() {
            copy(&item.path(), &to);
        } else {
            std::fs::copy(item.path(), to).expect("the file can be copied");
        }
    }
}
