//! The `CommandRunner` port, and how a contained child is recorded.

use std::ffi::OsString;
use std::fmt;
use std::fs::Permissions;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use core_types::{
    CancellationToken, CommandLine, CommandOutcome, CommandPurpose, CommandRequest, CommandRunner,
    ErrorClass, Event, EventSink, Exit, PortError, RunId, StepRef,
};

use crate::{Containment, Finished, Launch, Network, OutputLimit, RUN_MARK, Sandbox, make_private};

/// Where what a set-up command fetches goes, in the home of its clone's commands.
const OWN_CACHES: &str = "caches";

/// Caches of tool chains that lie in the user's home folder, where a sandbox lets nobody write: with a set-up
/// command they are the clone's own. The others follow `HOME`.
const CACHES: &[(&str, &str)] = &[("CARGO_HOME", "cargo"), ("GOPATH", "go")];

/// By which words programs say that they reach nobody.
const UNREACHABLE: &[&str] = &[
    "Could not resolve host",
    "could not resolve host",
    "Temporary failure in name resolution",
    "Name or service not known",
    "failed to lookup address",
    "getaddrinfo",
    "EAI_AGAIN",
    "ENOTFOUND",
    "Network is unreachable",
    "dial tcp: lookup",
    "Failed to establish a new connection",
];

/// What such a command is told of it, at the end of its output.
const NO_NETWORK: &str = "(there is no network here: a setup command fetches what it needs, or `sandbox.test_network: all` opens it)\n";

/// Runs the commands of one run: contained, recorded and marked as the run's.
///
/// A command gets the environment that the runner was made with, the run's mark ([`RUN_MARK`]) and the
/// variables of its request; its output and errors go to the request's log in the order written, up to a limit.
#[derive(Clone)]
pub struct Runner {
    environment: Vec<(OsString, OsString)>,
    run: RunId,
    events: Arc<dyn EventSink>,
    grace: Duration,
    log_bytes: u64,
    sandbox: Option<CommandSandbox>,
}

/// What commands are kept to.
#[derive(Debug, Clone)]
pub struct CommandSandbox {
    /// What all of them may reach, beside the folder that they run in. Its network is not used.
    pub base: Sandbox,
    /// Whom setup commands may talk with.
    pub setup: Network,
    /// Whom test commands may talk with.
    pub tests: Network,
    /// Where their home folders are made.
    pub private: PathBuf,
}

impl Runner {
    /// A runner whose commands see `environment` (see [`allowed_environment`](crate::allowed_environment))
    /// and are reported to `events`.
    pub fn new(
        environment: Vec<(OsString, OsString)>,
        run: RunId,
        events: Arc<dyn EventSink>,
    ) -> Self {
        Self {
            environment,
            run,
            events,
            grace: Duration::from_secs(5),
            log_bytes: OutputLimit::default().spill_bytes,
            sandbox: None,
        }
    }

    /// How long a command may take to end by itself at its timeout or when cancelled; default 5 s.
    #[must_use]
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// How much of one command's output its log holds; default 256 MiB.
    #[must_use]
    pub fn log_bytes(mut self, log_bytes: u64) -> Self {
        self.log_bytes = log_bytes;
        self
    }

    /// Keeps setup and test commands to this; default: they may do what we may. Deployments always may.
    #[must_use]
    pub fn sandbox(mut self, sandbox: CommandSandbox) -> Self {
        self.sandbox = Some(sandbox);
        self
    }

    fn has_no_network(&self, purpose: CommandPurpose) -> bool {
        let Some(sandbox) = &self.sandbox else {
            return false;
        };
        let network = match purpose {
            CommandPurpose::Setup => &sandbox.setup,
            CommandPurpose::Test => &sandbox.tests,
            CommandPurpose::Deploy => return false,
        };
        *network != Network::All
    }

    /// Where a mirror of packages is named in the user's own home of cargo, it is asked still.
    fn make_caches(&self, own: &Path) -> std::io::Result<()> {
        let cargo = own.join("cargo");
        std::fs::create_dir_all(&cargo)?;
        let variable = |name: &str| {
            let mut all = self.environment.iter().rev();
            all.find(|(known, _)| known == name)
                .map(|(_, value)| PathBuf::from(value))
        };
        let usual = || variable("HOME").map(|home| home.join(".cargo"));
        let Some(users) = variable("CARGO_HOME").or_else(usual) else {
            return Ok(());
        };
        match std::os::unix::fs::symlink(users.join("config.toml"), cargo.join("config.toml")) {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
            _ => Ok(()),
        }
    }

    async fn enclosed(
        &self,
        launch: Launch,
        request: &CommandRequest,
    ) -> Result<Launch, PortError> {
        let Some(sandbox) = &self.sandbox else {
            return Ok(launch);
        };
        let network = match request.purpose {
            CommandPurpose::Setup => &sandbox.setup,
            CommandPurpose::Test => &sandbox.tests,
            CommandPurpose::Deploy => return Ok(launch),
        };
        // A home for each clone and whom it works for: what setup has fetched, tests find, and nobody after them.
        let of_clone = sandbox.private.join(digest(&request.folder));
        let scope = request.step.as_ref().map(|step| &step.key.scope);
        let private = of_clone.join(digest(&scope));
        let no_home = |source: std::io::Error| {
            PortError::new(ErrorClass::ResourceExhausted, "make a home for a command")
                .because(source)
        };
        let (made, is_setup) = (private.clone(), request.purpose == CommandPurpose::Setup);
        let made = tokio::task::spawn_blocking(move || {
            if is_setup || !made.is_dir() {
                clear(&of_clone)?;
            }
            make_private(&made)
        });
        let made = made.await.map_err(std::io::Error::other).flatten();
        made.map_err(no_home)?;
        let base = Sandbox {
            network: network.clone(),
            ..sandbox.base.clone()
        };
        let launch = launch.enclosed(&base, &[&request.folder], &private);
        let own_caches = private.join(OWN_CACHES);
        if is_setup {
            self.make_caches(&own_caches).map_err(no_home)?;
        }
        if !own_caches.is_dir() {
            return Ok(launch);
        }
        let caches = CACHES.iter();
        Ok(launch.envs(caches.map(|(name, folder)| (name, own_caches.join(folder)))))
    }
}

#[async_trait]
impl CommandRunner for Runner {
    async fn run(
        &self,
        request: CommandRequest,
        cancel: &CancellationToken,
    ) -> Result<CommandOutcome, PortError> {
        let launch = match &request.command {
            CommandLine::Shell(line) => Launch::new("sh").args(["-c", line]),
            CommandLine::Program(words) => match words.split_first() {
                Some((program, arguments)) => Launch::new(program).args(arguments),
                None => {
                    return Err(PortError::new(
                        ErrorClass::Validation,
                        "run a command without a program",
                    ));
                }
            },
        };
        if let Some(folder) = request.log.parent() {
            std::fs::create_dir_all(folder).map_err(|source| {
                PortError::new(ErrorClass::ResourceExhausted, "make the folder of a log")
                    .because(source)
            })?;
        }
        let launch = launch
            .folder(&request.folder)
            .envs(self.environment.iter().cloned())
            .envs(request.environment.iter().cloned())
            .env(RUN_MARK, self.run.as_str())
            .stdout(OutputLimit {
                memory_bytes: request.tail_bytes.saturating_mul(4),
                spill: Some(request.log.clone()),
                spill_bytes: self.log_bytes,
            })
            .stderr_to_stdout()
            .deadline(request.timeout)
            .grace(self.grace)
            .cancelled_by(cancel.clone())
            .containment(Containment::Tree);
        let launch = self.enclosed(launch, &request).await?;
        let title = format!("{}: {}", request.purpose.as_str(), request.command);
        let finished = run_recorded(launch, title, request.step.as_ref(), &*self.events).await?;
        let mut tail = finished.stdout.tail(request.tail_bytes);
        if self.has_no_network(request.purpose)
            && finished.exit != Exit::Code(0)
            && UNREACHABLE.iter().any(|words| tail.contains(words))
        {
            if !tail.ends_with('\n') {
                tail.push('\n');
            }
            tail.push_str(NO_NETWORK);
        }
        Ok(CommandOutcome {
            exit: finished.exit,
            tail,
            duration: finished.duration,
        })
    }
}

fn digest(value: &impl Hash) -> String {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

/// Removes a folder with all that commands have left in it, whatever its modes: Go makes the folders of its cache
/// read-only.
fn clear(folder: &Path) -> std::io::Result<()> {
    let is_gone = |error: &std::io::Error| error.kind() == std::io::ErrorKind::NotFound;
    match std::fs::remove_dir_all(folder) {
        Ok(()) => return Ok(()),
        Err(error) if is_gone(&error) => return Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {}
        Err(error) => return Err(error),
    }
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        std::fs::set_permissions(&folder, Permissions::from_mode(0o700))?;
        for entry in std::fs::read_dir(&folder)? {
            let entry = entry?;
            // No link is followed.
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            }
        }
    }
    std::fs::remove_dir_all(folder)
}

impl fmt::Debug for Runner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runner")
            .field("run", &self.run)
            .field("grace", &self.grace)
            .finish_non_exhaustive()
    }
}

/// Runs `launch` contained as with [`Containment::Tree`]. That its tree exists is on disk before its program starts, so that
/// it can be ended after a crash of ours; `title` tells people what it is.
///
/// # Errors
/// As [`Launch::run`], by class, and what flushing the events gives; in that case the program has not run.
///
/// # Cancel safety
/// As [`Launch::run`]; the end is recorded in any case.
pub async fn run_recorded(
    launch: Launch,
    title: String,
    step: Option<&StepRef>,
    events: &dyn EventSink,
) -> Result<Finished, PortError> {
    let held = launch.hold().await?;
    let pid = held.pid().unsigned_abs();
    events.emit(
        step,
        Event::ProcessStarted {
            pid,
            start_time: held.start_time(),
            title,
        },
    );
    let _ended = Ended { pid, step, events };
    events.flush().await?;
    Ok(held.run().await?)
}

/// Records the end when dropped, so that a cancelled call records it too.
struct Ended<'a> {
    pid: u32,
    step: Option<&'a StepRef>,
    events: &'a dyn EventSink,
}

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.events
            .emit(self.step, Event::ProcessEnded { pid: self.pid });
    }
}
