use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
};

use agents::{KNOWN_PROGRAMS, Program, find_programs};
use config::{
    Command,
    automation::{AgentChoice, InitChoices},
    repositories::RepositoryChoice,
};
use core_types::{CommandLine, without_user};
use git_workspace::{Head, find_repositories};

use super::{
    Error, Home, Surroundings,
    agent::{command_line, located, program_exists},
    assembly::git,
    gateway::key_of,
    on_forge::forge_access,
    repositories::{Targets, check_publishable},
    request::{configured, default_workers},
};

/// How many folders deep `init` looks for repositories.
const SEARCH_DEPTH: usize = 3;

/// Less free space than this is warned of: a mirror and a few clones of a middling repository.
const LOW_SPACE_BYTES: u64 = 2 * 1024 * 1024 * 1024;

/// A test command, told from the files of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detected {
    /// A line for the shell.
    pub command: String,
    /// The file that told it.
    pub because: &'static str,
}

/// The test command of a repository, from its files: cargo, npm, go, pytest, make, in this order.
#[must_use]
pub fn detect_test_command(root: &Path) -> Option<Detected> {
    let has = |name: &str| root.join(name).is_file();
    let read = |name: &str| fs::read_to_string(root.join(name)).unwrap_or_default();
    let detected = |command: &str, because| {
        Some(Detected {
            command: command.to_owned(),
            because,
        })
    };
    if has("Cargo.toml") {
        return detected("cargo test", "Cargo.toml");
    }
    if has("package.json") {
        let package: serde_json::Value =
            serde_json::from_str(&read("package.json")).unwrap_or_default();
        let script = package["scripts"]["test"].as_str().unwrap_or_default();
        // What `npm init` writes where there are no tests.
        if !script.is_empty() && !script.contains("no test specified") {
            return detected("npm test", "package.json");
        }
    }
    if has("go.mod") {
        return detected("go test ./...", "go.mod");
    }
    let has_pytest = has("pytest.ini")
        || has("conftest.py")
        || read("pyproject.toml").contains("pytest")
        || read("setup.cfg").contains("[tool:pytest]")
        || read("tox.ini").contains("[pytest]");
    if has_pytest {
        return detected("python3 -m pytest", "the pytest configuration");
    }
    for name in ["Makefile", "makefile", "GNUmakefile"] {
        if read(name)
            .lines()
            .any(|line| line.starts_with("test:") || line.starts_with("test "))
        {
            return detected("make test", "the Makefile's target test");
        }
    }
    None
}

/// What `init` found and wrote.
#[derive(Debug)]
pub struct Setup {
    /// The files that were written.
    pub written: Vec<PathBuf>,
    /// Lines on what was found.
    pub notes: Vec<String>,
}

/// Looks around and writes both configuration files, which must not exist.
///
/// # Errors
///
/// [`Error::Request`] where a file exists or there is no repository, and what could not be written.
pub async fn initialize(surroundings: &Surroundings, root: &Path) -> Result<Setup, Error> {
    let home = Home::locate(root, Some(root));
    let files = [
        home.config_file("automation.yaml"),
        home.config_file("repositories.yaml"),
    ];
    if let Some(file) = files.iter().find(|file| file.exists()) {
        let message = format!("{} exists already", file.display());
        return Err(Error::request(message, "edit it, or remove it first"));
    }
    let git = git(surroundings).await?;
    let mut found = Vec::new();
    for folder in find_repositories(root, SEARCH_DEPTH).await? {
        found.push(git_workspace::discover(&git, &folder).await?);
    }
    if found.is_empty() {
        found.extend(git_workspace::discover(&git, root).await.ok());
    }
    if found.is_empty() {
        let message = format!(
            "there is no git repository at, below or around {}",
            root.display()
        );
        return Err(Error::request(
            message,
            "run it where your repositories are",
        ));
    }
    let mut notes = Vec::new();
    let mut choices: Vec<RepositoryChoice> = Vec::new();
    for (position, repository) in found.iter().enumerate() {
        let detected = detect_test_command(&repository.root);
        let name = unused_name(&repository.root, &choices);
        let tests = detected
            .as_ref()
            .map_or("no test command found", |it| it.command.as_str());
        let branch = match &repository.head {
            Head::Branch(branch) => Some(branch.to_string()),
            Head::Detached(_) | Head::Unborn(_) => None,
        };
        notes.push(format!(
            "repository {name}: {} ({tests})",
            repository.root.display()
        ));
        choices.push(RepositoryChoice {
            name,
            primary: position == 0,
            path: relative(&repository.root, root),
            default_branch: branch,
            setup_command: None,
            comment: detected
                .as_ref()
                .map(|it| format!("The test command was told from {}.", it.because))
                .unwrap_or_default(),
            test_command: detected.map(|it| Command::Shell(it.command)),
        });
    }
    let path = surroundings.variable("PATH").unwrap_or_default();
    let agents = find_programs(OsStr::new(&path), KNOWN_PROGRAMS);
    for (name, file) in &agents {
        notes.push(format!("agent program {name}: {}", file.display()));
    }
    if agents.is_empty() {
        notes.push(format!(
            "no agent program on PATH ({}); any command can be an agent, see the file",
            KNOWN_PROGRAMS.join(", ")
        ));
    }
    let agents = agents.into_iter().map(|(name, file)| {
        let found = file.display();
        let known = Program::ALL.into_iter().find(|it| it.program() == name);
        AgentChoice {
            command: match known {
                Some(_) => None,
                None => Some(Command::Program {
                    program: name.clone(),
                    arguments: agent_arguments(&name),
                }),
            },
            kind: known.map_or("command", Program::kind).to_owned(),
            playbook: None,
            changes_optional: false,
            own_login: known.is_some_and(|it| key_of(it.provider(), surroundings).is_none()),
            comment: match known {
                Some(program) if key_of(program.provider(), surroundings).is_none() => {
                    format!(
                        "Found as {found}. Without {} it works by its login in your home folder, and reports itself what it uses.",
                        program.provider().key_variables().next().unwrap_or_default()
                    )
                }
                Some(_) => format!("Found as {found}."),
                None => format!("Found as {found}. It gets the prompt on its standard input."),
            },
            name,
        }
    });
    let automation = config::automation::render(&InitChoices {
        agents: agents.collect(),
    });
    let repositories = config::repositories::render(&choices);
    let folder = home.root().join("config");
    fs::create_dir_all(&folder).map_err(|source| Error::Io {
        operation: "create",
        path: folder,
        source,
    })?;
    for (file, text) in files.iter().zip([automation, repositories]) {
        journal::atomic_write(file, text.as_bytes()).map_err(Error::Write)?;
    }
    Ok(Setup {
        written: files.to_vec(),
        notes,
    })
}

/// Arguments with which a known program works without a terminal on the prompt of its standard input.
fn agent_arguments(program: &str) -> Vec<String> {
    let arguments: &[&str] = match program {
        "opencode" => &["run"],
        "aider" => &["--yes-always", "--no-git", "--message-file", "/dev/stdin"],
        _ => &[],
    };
    arguments
        .iter()
        .map(|&argument| argument.to_owned())
        .collect()
}

fn relative(path: &Path, root: &Path) -> String {
    match path.strip_prefix(root) {
        Ok(rest) if rest.as_os_str().is_empty() => ".".to_owned(),
        Ok(rest) => rest.display().to_string(),
        Err(_) => path.display().to_string(),
    }
}

fn unused_name(root: &Path, taken: &[RepositoryChoice]) -> String {
    let folder = root
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    let plain = super::repositories::plain_name(&folder.unwrap_or_default());
    let is_taken = |name: &str| taken.iter().any(|choice| choice.name == name);
    let mut name = plain.clone();
    let mut suffix = 2;
    while is_taken(&name) {
        name = format!("{plain}-{suffix}");
        suffix += 1;
    }
    name
}

/// How a check of `doctor` came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckState {
    /// As it should be.
    Ok,
    /// It works, with less.
    Warning,
    /// A run would fail.
    Failed,
}

/// One check of `doctor`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Check {
    /// What was looked at.
    pub name: &'static str,
    /// How it came out.
    pub state: CheckState,
    /// What was found.
    pub found: String,
    /// How to mend it; empty where nothing is to be mended.
    pub mend: String,
}

impl Check {
    fn ok(name: &'static str, found: impl Into<String>) -> Self {
        Self {
            name,
            state: CheckState::Ok,
            found: found.into(),
            mend: String::new(),
        }
    }

    fn bad(
        name: &'static str,
        state: CheckState,
        found: impl Into<String>,
        mend: impl Into<String>,
    ) -> Self {
        Self {
            name,
            state,
            found: found.into(),
            mend: mend.into(),
        }
    }
}

/// What a program would be kept by that may reach one port: all of it is laid out, and nothing started.
async fn sandbox_check() -> Check {
    let support = process::sandbox_support();
    if let process::SandboxSupport::Missing { .. } = support {
        return Check::bad(
            "sandbox",
            CheckState::Failed,
            support.to_string(),
            "use Linux 6.7 or newer with Landlock, or name --unsafe-no-sandbox with each run",
        );
    }
    let sandbox = process::Sandbox {
        network: process::Network::Ports(vec![1]),
        ..process::Sandbox::default()
    };
    let held = match process::Launch::new("true").sandbox(sandbox).hold().await {
        Ok(held) => held,
        Err(error) => {
            let mend = "see what the kernel says of it, or name --unsafe-no-sandbox with each run";
            return Check::bad("sandbox", CheckState::Failed, full(&error), mend);
        }
    };
    let mut open = Vec::new();
    if held.sandboxed_by() != process::SandboxedBy::LandlockAndNamespaces {
        open.push("modes, owners and times of your files can be changed");
    }
    if !held.has_own_network() {
        open.push("agents reach any host that listens on the port of their gateway");
    }
    if open.is_empty() {
        let found = "Landlock, a filter of system calls, and namespaces";
        return Check::ok("sandbox", found);
    }
    Check::bad(
        "sandbox",
        CheckState::Warning,
        format!(
            "Landlock and a filter of system calls; namespaces are refused, so that {}",
            open.join(", and ")
        ),
        "allow user namespaces: user.max_user_namespaces, user.max_net_namespaces, \
         kernel.apparmor_restrict_unprivileged_userns",
    )
}

/// Checks git, the state folder, disk space, configuration, repositories and
/// agents, and says how to mend each. Nothing is left behind.
pub async fn doctor(home: &Home, surroundings: &Surroundings) -> Vec<Check> {
    let git = git(surroundings).await;
    let version = match &git {
        Ok(git) => git.version().await.ok(),
        Err(_) => None,
    };
    let mut checks = vec![match &git {
        Ok(_) => {
            let version = version
                .map(|version| version.to_string())
                .unwrap_or_default();
            Check::ok("git", format!("version {version}"))
        }
        Err(error) => Check::bad(
            "git",
            CheckState::Failed,
            full(error),
            "install git 2.38 or newer and put it on PATH",
        ),
    }];
    checks.push(state_check(home));
    checks.push(space_check(home));
    checks.push(Check::ok(
        "workers",
        format!("{} at a time by default", default_workers()),
    ));
    checks.push(sandbox_check().await);
    match configured(home, surroundings) {
        Err(error) => checks.push(Check::bad(
            "configuration",
            CheckState::Failed,
            full(&error),
            "mend the lines that it names",
        )),
        Ok(settings) => {
            let file = home.config_file("automation.yaml");
            if file.exists() {
                checks.push(Check::ok("configuration", file.display().to_string()));
            } else {
                checks.push(Check::bad(
                    "configuration",
                    CheckState::Warning,
                    format!("no {}", file.display()),
                    "run `automation init`, or name --agent and --repo with each run",
                ));
            }
            if settings.agents.is_empty() {
                checks.push(Check::bad(
                    "agent",
                    CheckState::Warning,
                    "none is configured",
                    "add one to config/automation.yaml, or name --agent with each run",
                ));
            }
            checks.extend(settings.agents.iter().filter_map(|entry| {
                let known = Program::of_kind(&entry.kind).map(Program::program);
                let command = entry.command.as_ref().map(command_line);
                let program = match command.map(|it| located(it, home.root())) {
                    Some(CommandLine::Program(words)) => words.first().cloned()?,
                    Some(CommandLine::Shell(_)) => return None,
                    None => known?.to_owned(),
                };
                let program = &program;
                Some(if program_exists(program, surroundings) {
                    Check::ok("agent", format!("{}: {program}", entry.name))
                } else {
                    let found = format!("{}: the program {program:?} was not found", entry.name);
                    Check::bad(
                        "agent",
                        CheckState::Failed,
                        found,
                        "install it or put it on PATH",
                    )
                })
            }));
        }
    }
    if let Ok(git) = &git {
        checks.extend(repository_checks(git, home, surroundings).await);
    }
    checks.extend(forge_checks(home, surroundings).await);
    checks
}

/// What the tokens of the forges may do; nothing without a forge.
async fn forge_checks(home: &Home, surroundings: &Surroundings) -> Vec<Check> {
    let bad = |found: String| {
        let mend = "see `automation auth status`, and docs/guide/forges.md for what a token needs";
        Check::bad("forge", CheckState::Failed, found, mend)
    };
    // What is wrong with the configuration is told above.
    let Ok(forges) = forge_access(home, surroundings).await else {
        return Vec::new();
    };
    let mut checks = Vec::new();
    for forge in forges {
        checks.push(match &forge.login {
            Ok(login) => Check::ok("forge", format!("{}: account {login}", forge.name)),
            Err(why) => bad(format!("{}: {why}", forge.name)),
        });
        let missing = forge.missing.iter();
        checks.extend(missing.map(|what| bad(format!("{}: {what}", forge.name))));
        for repository in &forge.repositories {
            let missing = repository.missing.iter();
            checks.extend(missing.map(|what| bad(format!("{}: {what}", repository.name))));
        }
    }
    checks
}

async fn repository_checks(
    git: &git_workspace::Git,
    home: &Home,
    surroundings: &Surroundings,
) -> Vec<Check> {
    let request = super::RunRequest::default();
    let is_configured = home.config_file("repositories.yaml").exists();
    match request
        .repositories(home, surroundings, git, &Targets::new())
        .await
    {
        Err(error) => {
            let mend = error.hint().unwrap_or(if is_configured {
                "mend config/repositories.yaml"
            } else {
                "go into a repository, run `automation init` above some, or name --repo with each run"
            });
            let mend = mend.to_owned();
            vec![Check::bad(
                "repositories",
                CheckState::Failed,
                full(&error),
                mend,
            )]
        }
        Ok(resolved) => {
            let mut checks = Vec::new();
            for (settings, source) in resolved.settings.iter().zip(&resolved.sources) {
                if settings.write
                    && source.on_forge.is_none()
                    && let Err(error) = check_publishable(git, &source.path, None).await
                {
                    let found = format!("{}: {}", settings.name, full(&error));
                    let right = "give this user the right to write there";
                    let mend = error.hint().unwrap_or(right).to_owned();
                    checks.push(Check::bad("repository", CheckState::Failed, found, mend));
                    continue;
                }
                let path = match &source.on_forge {
                    Some(forge) => {
                        let url = without_user(&forge.url);
                        format!("{url}/{}/{}", forge.owner, forge.repo)
                    }
                    None => source.path.display().to_string(),
                };
                let place = format!("{}: {path} on branch {}", settings.name, settings.target);
                checks.push(match &settings.test_command {
                    Some(command) => {
                        Check::ok("repository", format!("{place}, tested by `{command}`"))
                    }
                    None => Check::bad(
                        "repository",
                        CheckState::Warning,
                        format!("{place}, without a test command: nothing is verified"),
                        if is_configured {
                            "set test_command in config/repositories.yaml"
                        } else {
                            "run `automation init`, and set test_command in config/repositories.yaml"
                        },
                    ),
                });
            }
            checks
        }
    }
}

fn state_check(home: &Home) -> Check {
    let name = "state folder";
    let probe = home.state().join("doctor.probe");
    let existed = home.state().exists();
    let tried = home
        .ensure()
        .and_then(|()| journal::atomic_write(&probe, b"probe\n").map_err(Error::Write));
    // What was only made to try is removed; a failure to do so shows in the result's folder alone.
    drop(fs::remove_file(&probe));
    if !existed {
        drop(fs::remove_file(home.state().join(".gitignore")));
        drop(fs::remove_dir(home.state()));
    }
    match tried {
        Ok(()) => Check::ok(name, format!("{} can be written", home.state().display())),
        Err(error) => Check::bad(
            name,
            CheckState::Failed,
            full(&error),
            "make the folder writable, or choose another with --home",
        ),
    }
}

fn space_check(home: &Home) -> Check {
    let name = "disk space";
    let folder = home
        .root()
        .ancestors()
        .find(|folder| folder.exists())
        .unwrap_or(home.root());
    let Ok(space) = rustix::fs::statvfs(folder) else {
        return Check::bad(name, CheckState::Warning, "could not be told", "");
    };
    let free = space.f_bavail.saturating_mul(space.f_frsize);
    let gib = free / (1024 * 1024 * 1024);
    let found = format!("{gib} GiB free at {}", folder.display());
    if free < LOW_SPACE_BYTES {
        return Check::bad(
            name,
            CheckState::Warning,
            found,
            "make room: mirrors and clones need it",
        );
    }
    Check::ok(name, found)
}

/// An error with its causes in one line.
fn full(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        line.push_str(": ");
        line.push_str(&error.to_string());
        cause = error.source();
    }
    line
}
