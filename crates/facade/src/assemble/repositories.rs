use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use config::repositories::Repositories;
use core_types::{BranchName, CommandLine, RepositoryName, RunId};
use engine_workflow::RepositorySettings;
use git_workspace::{Found, Git, Head};
use serde::{Deserialize, Serialize};

use super::{
    Error, ForgeRecord, Home, Surroundings, agent::command_line, detect::detect_test_command,
    on_forge::remote,
};

/// Where a repository of a run is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepositorySource {
    /// Its name in the run.
    pub name: RepositoryName,
    /// The root of the user's repository, or of our copy of one on a forge.
    pub path: PathBuf,
    /// The forge that has it; `None` for a repository of this machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_forge: Option<ForgeRecord>,
}

/// Where an earlier settling of the same run lands, by the roots of its
/// repositories: what is checked out since then does not change it.
pub(crate) type Targets = BTreeMap<PathBuf, BranchName>;

/// The repositories of a run, primary first.
#[derive(Debug)]
pub(crate) struct Resolved {
    pub(crate) settings: Vec<RepositorySettings>,
    pub(crate) sources: Vec<RepositorySource>,
    /// The configuration that they come from.
    pub(crate) configured: Option<Repositories>,
}

impl Resolved {
    /// Leaves out what does not take part.
    pub(crate) fn retain(&mut self, takes_part: impl Fn(&RepositoryName) -> bool) {
        self.settings.retain(|it| takes_part(&it.name));
        self.sources.retain(|it| takes_part(&it.name));
    }
}

/// The repositories that the command line names, or the one that encloses the current folder.
///
/// A name that another repository has in the home is left to it: mirror and
/// forge go by it.
pub(crate) async fn from_paths(
    git: &Git,
    paths: &[PathBuf],
    home: &Home,
    surroundings: &Surroundings,
    earlier: &Targets,
) -> Result<Resolved, Error> {
    let mut resolved = Resolved {
        settings: Vec::new(),
        sources: Vec::new(),
        configured: None,
    };
    let mut names = BTreeSet::new();
    let mut roots = BTreeSet::new();
    for path in paths {
        let found = discover(git, &surroundings.current_dir.join(path)).await?;
        if !roots.insert(found.root.clone()) {
            let message = format!("{} is named twice", found.root.display());
            return Err(Error::request(message, ""));
        }
        let name = unused_name(&found.root, home, &mut names)?;
        let target = target_branch(git, &found, earlier.get(&found.root).cloned()).await?;
        let test_command = detect_test_command(&found.root).map(|found| found.command);
        resolved.settings.push(RepositorySettings {
            name: name.clone(),
            target,
            setup_command: None,
            test_command: test_command.map(CommandLine::Shell),
            test_timeout: None,
            write: true,
        });
        resolved.sources.push(RepositorySource {
            name,
            path: found.root,
            on_forge: None,
        });
    }
    Ok(resolved)
}

/// The enabled repositories of the configuration, whose paths start from `root`.
pub(crate) async fn from_config(
    git: &Git,
    configured: &Repositories,
    home: &Home,
    surroundings: &Surroundings,
    earlier: &Targets,
) -> Result<Resolved, Error> {
    let mut entries: Vec<_> = configured
        .entries
        .iter()
        .filter(|entry| entry.enabled)
        .collect();
    entries.sort_by_key(|entry| !entry.primary);
    let mut resolved = Resolved {
        settings: Vec::new(),
        sources: Vec::new(),
        configured: Some(configured.clone()),
    };
    for entry in entries {
        let at = |message: String| Error::request(message, format!("see {}", configured.file));
        let name = RepositoryName::new(&entry.name).map_err(|error| at(error.to_string()))?;
        let branch = entry
            .default_branch
            .as_ref()
            .map(BranchName::new)
            .transpose();
        let branch = branch.map_err(|error| at(error.to_string()))?;
        let on_forge = configured.forge_of(entry);
        let on_forge = on_forge
            .map(|forge| ForgeRecord::new(forge, entry))
            .transpose()?;
        let (path, target) = match (&on_forge, &entry.path) {
            (Some(record), _) => {
                let path = ForgeRecord::folder(&home.state(), &name);
                let target = match branch.or_else(|| earlier.get(&path).cloned()) {
                    Some(branch) => branch,
                    None => {
                        let remote = remote(record, home, surroundings).await?;
                        remote.default_branch(git).await?
                    }
                };
                (path, target)
            }
            (None, Some(path)) => {
                let found = discover(git, &home.root().join(path)).await?;
                let branch = branch.or_else(|| earlier.get(&found.root).cloned());
                let target = target_branch(git, &found, branch).await?;
                (found.root, target)
            }
            (None, None) => {
                return Err(at(format!(
                    "repository {name} has no path, and is on no forge of the file: name one by `forge`"
                )));
            }
        };
        resolved.settings.push(RepositorySettings {
            name: name.clone(),
            target,
            setup_command: entry.setup_command.as_ref().map(command_line),
            test_command: entry.test_command.as_ref().map(command_line),
            test_timeout: entry.test_timeout,
            write: entry.write,
        });
        resolved.sources.push(RepositorySource {
            name,
            path,
            on_forge,
        });
    }
    if resolved.settings.is_empty() {
        let message = format!("{} has no enabled repository", configured.file);
        return Err(Error::request(
            message,
            "enable one, or name one with --repo",
        ));
    }
    Ok(resolved)
}

/// The enabled repositories of the configuration that are on forges.
pub(crate) fn on_forges(
    configured: &Repositories,
    home: &Home,
) -> Result<Vec<RepositorySource>, Error> {
    let mut sources = Vec::new();
    for entry in configured.entries.iter().filter(|entry| entry.enabled) {
        let Some(forge) = configured.forge_of(entry) else {
            continue;
        };
        let name = RepositoryName::new(&entry.name)
            .map_err(|error| Error::request(error.to_string(), ""))?;
        sources.push(RepositorySource {
            path: ForgeRecord::folder(&home.state(), &name),
            on_forge: Some(ForgeRecord::new(forge, entry)?),
            name,
        });
    }
    Ok(sources)
}

async fn discover(git: &Git, path: &Path) -> Result<Found, Error> {
    if !path.is_dir() {
        let message = format!("there is no folder {}", path.display());
        let hint = "look at --repo, or at config/repositories.yaml";
        return Err(Error::request(message, hint));
    }
    Ok(git_workspace::discover(git, path).await?)
}

/// Fails where a run could not publish its branches, which would show only after all the work.
pub(crate) async fn check_publishable(
    git: &Git,
    root: &Path,
    run: Option<&RunId>,
) -> Result<(), Error> {
    let found = discover(git, root).await?;
    let root = root.display();
    // git makes no branch below the name of another.
    let run_branch = run.map(|run| format!("automation/{run}"));
    for name in std::iter::once("automation").chain(run_branch.as_deref()) {
        let branch =
            BranchName::new(name).map_err(|error| Error::request(error.to_string(), ""))?;
        if found.has_branch(git, &branch).await? {
            return Err(Error::request(
                format!(
                    "the repository {root} has a branch {name}, below which a run makes its own"
                ),
                format!("rename it: git -C {root} branch -m {name} ANOTHER-NAME"),
            ));
        }
    }
    let mut folders = vec![found.git_folder.clone()];
    let below = [
        "objects",
        "refs",
        "refs/heads",
        "refs/heads/automation",
        "reftable",
    ];
    folders.extend(below.map(|name| found.git_folder.join(name)));
    for path in folders.into_iter().filter(|path| path.is_dir()) {
        let wanted = rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK;
        rustix::fs::access(&path, wanted).map_err(|error| Error::Io {
            operation: "publish in",
            path,
            source: error.into(),
        })?;
    }
    Ok(())
}

/// Where a change of the repository lands.
async fn target_branch(
    git: &Git,
    found: &Found,
    configured: Option<BranchName>,
) -> Result<BranchName, Error> {
    let root = found.root.display();
    match (&found.head, configured) {
        (Head::Unborn(_), _) => Err(Error::request(
            format!("the repository {root} has no commit yet"),
            "make a first commit",
        )),
        (_, Some(branch)) => {
            if found.has_branch(git, &branch).await? {
                return Ok(branch);
            }
            Err(Error::request(
                format!("the repository {root} has no branch {branch}"),
                "mend default_branch in config/repositories.yaml, or make the branch",
            ))
        }
        (Head::Branch(branch), None) => Ok(branch.clone()),
        (Head::Detached(_), None) => Err(Error::request(
            format!("the repository {root} is not on a branch (detached HEAD)"),
            "switch to a branch, or set default_branch in config/repositories.yaml",
        )),
    }
}

/// A name from the repository's folder, made valid and different from the others.
fn unused_name(
    root: &Path,
    home: &Home,
    names: &mut BTreeSet<RepositoryName>,
) -> Result<RepositoryName, Error> {
    let folder = root
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    let folder = folder.unwrap_or_default();
    let plain = plain_name(&folder);
    for suffix in 1_u32.. {
        let text = if suffix == 1 {
            plain.clone()
        } else {
            format!("{plain}-{suffix}")
        };
        let name =
            RepositoryName::new(text).map_err(|error| Error::request(error.to_string(), ""))?;
        if !home.names_another(&name, root) && names.insert(name.clone()) {
            return Ok(name);
        }
    }
    unreachable!("some suffix is free");
}

/// A folder's name as a valid repository name.
pub(crate) fn plain_name(folder: &str) -> String {
    let plain: String = folder
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || matches!(c, '_' | '-') {
                c
            } else {
                '-'
            }
        })
        .take(56)
        .collect();
    match plain.trim_matches('-') {
        "" => "repository".to_owned(),
        plain => plain.to_owned(),
    }
}
