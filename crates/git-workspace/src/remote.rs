//! A repository on a server, and the bare copy of it that a run takes for the user's.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use core_types::{BranchName, CommitId, ErrorClass, without_user};

use crate::{
    disk,
    error::Error,
    git::{Answer, Command, Durability, Git},
    lock::FileLock,
    parse,
    repository::locks::{LOCK_POLL, LOCK_POLLS},
};

/// The variables by which git's helper for credentials gets them: never an argument, never a URL.
const USER: &str = "AUTOMATION_GIT_USER";
const PASSWORD: &str = "AUTOMATION_GIT_PASSWORD";
/// A line for `sh`, which git runs. It holds the names of the variables alone.
const HELPER: &str = "!f() { test \"$1\" = get && printf 'username=%s\\npassword=%s\\n' \"$AUTOMATION_GIT_USER\" \"$AUTOMATION_GIT_PASSWORD\"; }; f";

/// A repository on a server, and the account that reads and writes it.
#[derive(Clone)]
pub struct Remote {
    url: String,
    /// Scheme, host and port: the credentials are for these alone.
    origin: String,
    user: String,
    password: Arc<str>,
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote")
            .field("url", &self.url)
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

impl Remote {
    /// The repository at a URL of `https`, or of `http` on this machine.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidUrl`] names the broken rule.
    pub fn new(url: &str, user: &str, password: &str) -> Result<Self, Error> {
        let refuse = |why| Error::InvalidUrl {
            url: without_user(url).into_owned(),
            why,
        };
        let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
        let authority = rest.split('/').next().unwrap_or_default();
        let host = match authority.strip_prefix('[') {
            Some(rest) => rest.split(']').next().unwrap_or_default(),
            None => authority.split(':').next().unwrap_or_default(),
        };
        let is_here = host == "localhost"
            || host
                .parse::<std::net::IpAddr>()
                .is_ok_and(|address| address.is_loopback());
        if authority.contains('@') {
            return Err(refuse("expected no user; the token is given apart"));
        }
        if host.is_empty() || host.starts_with('-') {
            return Err(refuse("expected a host"));
        }
        match scheme {
            "https" => {}
            "http" if is_here => {}
            _ => {
                return Err(refuse(
                    "expected https://, or http:// for this machine alone",
                ));
            }
        }
        if !url.bytes().all(|byte| byte.is_ascii_graphic()) || url.contains(['?', '#', '\\']) {
            return Err(refuse("expected visible ASCII without ? # and \\"));
        }
        Ok(Self {
            url: url.to_owned(),
            origin: format!("{scheme}://{authority}"),
            user: user.to_owned(),
            password: password.into(),
        })
    }

    /// Its URL, without any credentials.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The branch that the server names for new clones.
    ///
    /// # Errors
    ///
    /// [`Error::Remote`]; [`Error::NoRemoteBranch`] where there is none yet.
    ///
    /// # Cancel safety
    ///
    /// Nothing is changed.
    pub async fn default_branch(&self, git: &Git) -> Result<BranchName, Error> {
        let ask = git
            .command("ls-remote", Path::new("/"))
            .args(["--symref", "--", &self.url, "HEAD"]);
        let answer = self.talk(ask).await?;
        let text = parse::lossy(&answer);
        let named = text.lines().find_map(|line| {
            let (branch, name) = line.strip_prefix("ref: refs/heads/")?.split_once('\t')?;
            (name == "HEAD")
                .then(|| BranchName::new(branch).ok())
                .flatten()
        });
        named.ok_or_else(|| Error::NoRemoteBranch {
            url: self.url.clone(),
            branch: "HEAD".to_owned(),
        })
    }

    /// Runs a command with the credentials, which speaks with this server alone.
    async fn talk(&self, command: Command) -> Result<Vec<u8>, Error> {
        let command = command
            .env(USER, &self.user)
            .env(PASSWORD, &*self.password)
            .config(format!("credential.{}.helper", self.origin), HELPER)
            .config("http.followRedirects", "false")
            .config("protocol.https.allow", "always")
            .config("protocol.http.allow", "always");
        let answer = command.answer().await?;
        match answer.code {
            0 => answer.success(),
            _ => Err(self.failed(answer)),
        }
    }

    fn failed(&self, answer: Answer) -> Error {
        let said = answer.stderr().replace(&*self.password, "***");
        // git has one exit code for all of it, and says so in the words of its C locale.
        let says = |words: &[&str]| words.iter().any(|word| said.contains(word));
        let class = if says(&["Authentication failed", "could not read", "403", "401"]) {
            ErrorClass::Unauthorized
        } else if says(&[
            "not found",
            "couldn't find remote ref",
            "does not appear to be",
        ]) {
            ErrorClass::NotFound
        } else if says(&["stale info", "[rejected]", "non-fast-forward"]) {
            ErrorClass::Conflict
        } else if says(&["[remote rejected]"]) {
            ErrorClass::Validation
        } else {
            ErrorClass::Transient
        };
        Error::Remote {
            url: self.url.clone(),
            said,
            class,
        }
    }
}

/// A bare copy of a remote repository, which we alone write to: what a
/// [`GitRepository`](crate::GitRepository) takes for the user's repository.
#[derive(Debug, Clone)]
pub struct RemoteCopy {
    remote: Remote,
    git: Arc<Git>,
    folder: PathBuf,
    lock_file: PathBuf,
}

impl RemoteCopy {
    /// Opens the copy in `folder`, or makes it, and brings a branch of the remote into it. The branch
    /// becomes the copy's `HEAD` where it is made.
    ///
    /// # Errors
    ///
    /// As [`RemoteCopy::fetch`], and errors of the disk.
    ///
    /// # Cancel safety
    ///
    /// A dropped call leaves a whole copy or none.
    pub async fn open(
        git: Arc<Git>,
        remote: Remote,
        folder: &Path,
        branch: &BranchName,
    ) -> Result<Self, Error> {
        git.version().await?;
        let folder = std::path::absolute(folder).map_err(Error::io("find the folder", folder))?;
        let copy = Self {
            lock_file: folder.with_extension("lock"),
            remote,
            git,
            folder,
        };
        let parent = copy.folder.parent().unwrap_or(Path::new("/")).to_owned();
        disk::blocking(move || fs::create_dir_all(&parent).map_err(Error::io("create", parent)))
            .await?;
        let lock = FileLock::acquire(&copy.lock_file).await?;
        if !copy.folder.join("HEAD").exists() {
            copy.make(branch).await?;
        }
        drop(lock);
        copy.fetch(branch).await?;
        Ok(copy)
    }

    async fn make(&self, branch: &BranchName) -> Result<(), Error> {
        // Made beside its place, so that a killed process leaves none or all of it.
        let new = self.folder.with_extension("new");
        disk::remove(new.clone()).await?;
        let parent = self.folder.parent().unwrap_or(Path::new("/"));
        self.git
            .command("init", parent)
            .args(["--quiet", "--bare", "--template="])
            .arg(format!("--initial-branch={branch}"))
            .arg(&new)
            .durable(Durability::Everything)
            .run()
            .await?;
        let folder = self.folder.clone();
        disk::blocking(move || {
            fs::rename(&new, &folder).map_err(Error::io("create", &folder))?;
            folder.parent().map_or(Ok(()), disk::sync_folder)
        })
        .await
    }

    /// The bare repository.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Brings the newest commit of a branch into the copy, also where the branch went back.
    ///
    /// # Errors
    ///
    /// [`Error::Remote`]; [`Error::NoRemoteBranch`].
    ///
    /// # Cancel safety
    ///
    /// The branch holds the old commit or the new one.
    pub async fn fetch(&self, branch: &BranchName) -> Result<CommitId, Error> {
        let full = branch.full_ref();
        let _lock = FileLock::acquire(&self.lock_file).await?;
        let fetch = || {
            self.git
                .at(&self.folder, "fetch")
                .args([
                    "--quiet",
                    "--no-tags",
                    "--no-write-fetch-head",
                    "--no-prune",
                ])
                .args(["--no-auto-maintenance", "--no-recurse-submodules", "--"])
                .arg(&self.remote.url)
                .arg(format!("+{full}:{full}"))
                .durable(Durability::Everything)
        };
        let lock_file = self.folder.join(format!("{full}.lock"));
        let mut polls = 0;
        while let Err(error) = self.remote.talk(fetch()).await {
            match error {
                Error::Remote { said, url, .. } if said.contains("couldn't find remote ref") => {
                    return Err(Error::NoRemoteBranch {
                        url,
                        branch: branch.to_string(),
                    });
                }
                // Another run may be landing here, for a moment; a git that was killed has left it for ever.
                Error::Remote { said, .. }
                    if said.contains(".lock': File exists") && polls < LOCK_POLLS =>
                {
                    polls += 1;
                    if process::find_at("git", &[self.folder.as_path()]).is_empty() {
                        disk::remove(lock_file.clone()).await?;
                    } else {
                        tokio::time::sleep(LOCK_POLL).await;
                    }
                }
                error => return Err(error),
            }
        }
        let line = self
            .git
            .at(&self.folder, "rev-parse")
            .args(["--quiet", "--verify", &format!("{full}^{{commit}}")])
            .line()
            .await?;
        parse::commit_id("rev-parse", &line)
    }

    /// Sets a branch of the remote below `automation/` to a commit that the copy holds.
    ///
    /// # Errors
    ///
    /// [`Error::NotOurs`]; [`Error::Remote`].
    ///
    /// # Cancel safety
    ///
    /// Whether a dropped push has acted is unknown; said again, it changes nothing.
    pub async fn push(&self, branch: &BranchName, commit: &CommitId) -> Result<(), Error> {
        if !branch.as_str().starts_with("automation/") {
            return Err(Error::NotOurs {
                branch: branch.clone(),
            });
        }
        let push = self
            .git
            .at(&self.folder, "push")
            .args(["--quiet", "--no-verify", "--no-recurse-submodules", "--"])
            .arg(&self.remote.url)
            .arg(format!("+{commit}:{}", branch.full_ref()));
        self.remote.talk(push).await.map(drop)
    }
}
