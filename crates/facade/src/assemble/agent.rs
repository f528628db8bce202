use std::{fs, os::unix::fs::PermissionsExt, path::Path, time::Duration};

use agents::{
    AgentArgument, AgentContext, AgentSpec, Program, Registry, api::Interface, parse_agent_argument,
};
use config::automation::{AgentEntry, Changes, Settings};
use core_types::{ChangePolicy, CommandLine};
use serde::{Deserialize, Serialize};

use super::{
    Error, Home, Surroundings,
    gateway::{key_of, providers},
};

/// The agent of a run, as its journal keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentRecord {
    /// Its name in the configuration, or that of its program.
    pub name: String,
    /// Its kind, such as `command`.
    pub kind: String,
    /// What is run, for `command`.
    pub command: Option<CommandLine>,
    /// The text of its playbook, for `scripted`.
    pub playbook: Option<String>,
    /// Whether it can plan.
    pub plan: bool,
    /// Whether it can review.
    pub review: bool,
    /// Whether it can settle conflicts and fix failing tests; runs of before it could be said cannot.
    #[serde(default)]
    pub repair: bool,
    /// The model that it uses; empty where each task chooses it.
    #[serde(default)]
    pub model: String,
    /// Whether it spends nothing at all, as its entry says.
    #[serde(default)]
    pub is_free: bool,
    /// Whether it may work by a login of its own, in the user's home folder.
    #[serde(default)]
    pub own_login: bool,
    /// Whether it must change something; `None` as its kind says.
    pub changes: Option<ChangePolicy>,
    /// When it is ended; `None` for the run's limit.
    pub timeout: Option<Duration>,
    /// The names of further variables that it may see.
    pub environment: Vec<String>,
}

impl AgentRecord {
    fn of_command(name: String, command: CommandLine) -> Self {
        Self {
            name,
            kind: "command".to_owned(),
            command: Some(command),
            ..Self::bare()
        }
    }

    /// A program that the engine knows how to drive.
    fn of_program(program: Program) -> Self {
        Self {
            name: program.program().to_owned(),
            kind: program.kind().to_owned(),
            ..Self::bare()
        }
    }

    fn bare() -> Self {
        Self {
            name: String::new(),
            kind: String::new(),
            command: None,
            playbook: None,
            plan: false,
            review: false,
            repair: false,
            model: String::new(),
            is_free: false,
            own_login: false,
            changes: None,
            timeout: None,
            environment: Vec::new(),
        }
    }

    /// The agent that the command line or the configuration names.
    pub(crate) fn choose(
        argument: Option<&str>,
        settings: &Settings,
        home: &Home,
        surroundings: &Surroundings,
    ) -> Result<Self, Error> {
        let name = match argument
            .map(parse_agent_argument)
            .transpose()
            .map_err(Error::Agent)?
        {
            Some(AgentArgument::Command(command)) => {
                let command = located(command, &surroundings.current_dir);
                return Ok(Self::of_command("command".to_owned(), command));
            }
            Some(AgentArgument::Name(name)) => Some(name),
            None => settings.default_agent.clone(),
        };
        let entries = &settings.agents;
        let entry = match &name {
            Some(name) => entries.iter().find(|entry| entry.name == *name),
            None => match entries.as_slice() {
                [only] => Some(only),
                _ => None,
            },
        };
        if let Some(entry) = entry {
            return Self::from_entry(entry, home);
        }
        let known: Vec<_> = entries.iter().map(|entry| entry.name.as_str()).collect();
        let Some(name) = name else {
            return Err(Error::request(
                "no agent is configured",
                "name one with --agent, for example --agent 'sh:make fix', or add one to config/automation.yaml",
            ));
        };
        if program_exists(&name, surroundings) {
            if let Some(program) = Program::ALL.into_iter().find(|it| it.program() == name) {
                return Ok(Self::of_program(program));
            }
            let command = CommandLine::Program(vec![name.clone()]);
            return Ok(Self::of_command(name, command));
        }
        let hint = match known.as_slice() {
            [] => "no agents are configured; run `automation init`".to_owned(),
            known => format!("configured are: {}", known.join(", ")),
        };
        Err(Error::request(
            format!("there is no agent and no program {name:?}"),
            hint,
        ))
    }

    fn from_entry(entry: &AgentEntry, home: &Home) -> Result<Self, Error> {
        let playbook = match &entry.playbook {
            None => None,
            Some(file) => {
                let path = home.root().join(file);
                let io = |source| Error::Io {
                    operation: "read",
                    path: path.clone(),
                    source,
                };
                Some(fs::read_to_string(&path).map_err(io)?)
            }
        };
        Ok(Self {
            name: entry.name.clone(),
            kind: entry.kind.clone(),
            command: entry
                .command
                .as_ref()
                .map(|command| located(command_line(command), home.root())),
            playbook,
            plan: entry.plan,
            review: entry.review,
            repair: entry.repair,
            model: entry.model.clone().unwrap_or_default(),
            is_free: !entry.spends,
            own_login: entry.own_login,
            changes: match entry.changes {
                Changes::Required => Some(ChangePolicy::Required),
                Changes::Optional => Some(ChangePolicy::Optional),
            },
            timeout: entry.timeout,
            environment: entry.environment.clone(),
        })
    }

    /// Fails early where the agent's program is missing.
    pub(crate) fn check_program(&self, surroundings: &Surroundings) -> Result<(), Error> {
        let program = match &self.command {
            Some(CommandLine::Program(words)) => words.first().map(String::as_str),
            Some(CommandLine::Shell(_)) => None,
            None => Program::of_kind(&self.kind).map(Program::program),
        };
        let Some(program) = program else {
            return Ok(());
        };
        if program_exists(program, surroundings) {
            return Ok(());
        }
        let name = &self.name;
        let (what, hint) = if Path::new(program).is_file() {
            ("cannot be executed", format!("chmod +x {program}"))
        } else {
            let hint = "install it, or name another agent with --agent";
            ("was not found", hint.to_owned())
        };
        let message = format!("the program {program:?} of agent {name} {what}");
        Err(Error::request(message, hint))
    }

    /// Fails early where a program would find neither a key nor its login.
    pub(crate) fn check_login(&self, surroundings: &Surroundings) -> Result<(), Error> {
        let Some(program) = Program::of_kind(&self.kind) else {
            return Ok(());
        };
        if self.own_login || key_of(program.provider(), surroundings).is_some() {
            return Ok(());
        }
        let key = program.provider().key_variables().next();
        Err(Error::request(
            format!(
                "agent {} has no key, and the sandbox closes your home folder with its login",
                self.name
            ),
            format!(
                "set {}, or give its entry in config/automation.yaml `login: own`",
                key.unwrap_or_default()
            ),
        ))
    }

    /// What of the user's home folder it works by.
    pub(crate) fn login_paths(&self) -> &'static [&'static str] {
        match Program::of_kind(&self.kind).filter(|_| self.own_login) {
            Some(program) => program.login_paths(),
            None => &[],
        }
    }

    /// Makes the agent.
    pub(crate) fn build(
        &self,
        registry: &Registry,
        context: &AgentContext,
        surroundings: &Surroundings,
    ) -> Result<std::sync::Arc<dyn core_types::Agent>, Error> {
        let playbook = match &self.playbook {
            None => None,
            Some(text) => Some(config::parse_typed("playbook", text, &|_| None)?),
        };
        let value = |name: &String| Some((name.clone(), surroundings.variable(name)?));
        let of_program = Program::of_kind(&self.kind).map(Program::variables);
        let of_api = Interface::of_kind(&self.kind).map(|interface| {
            let provider = interface.provider();
            provider.key_variables().chain(provider.url_variables())
        });
        let own = of_program.into_iter().flatten().copied();
        // A key goes to the address that it is for.
        let providers = providers(self);
        let addresses = providers.iter().flat_map(|it| it.url_variables());
        let own: Vec<_> = own
            .chain(of_api.into_iter().flatten())
            .chain(addresses)
            .map(str::to_owned)
            .collect();
        let own = own.iter();
        let spec = AgentSpec {
            name: self.name.clone(),
            kind: self.kind.clone(),
            command: self.command.clone(),
            playbook,
            plan: self.plan,
            review: self.review,
            repair: self.repair,
            changes: self.changes,
            timeout: self.timeout,
            environment: own.chain(&self.environment).filter_map(value).collect(),
        };
        registry.build(&spec, context).map_err(Error::Agent)
    }
}

/// A command as configuration writes it, as the engine runs it.
pub(crate) fn command_line(command: &config::Command) -> CommandLine {
    match command {
        config::Command::Shell(line) => CommandLine::Shell(line.clone()),
        config::Command::Program { program, arguments } => {
            let words = std::iter::once(program).chain(arguments);
            CommandLine::Program(words.cloned().collect())
        }
    }
}

/// The command with a relative path of its program made absolute: an agent
/// starts in its clone, where the path would mean another file or none.
pub(crate) fn located(command: CommandLine, folder: &Path) -> CommandLine {
    match command {
        CommandLine::Program(mut words) => {
            if let Some(program) = words.first_mut().filter(|program| program.contains('/')) {
                // As components, so that `./agent.sh` is shown without the dot.
                let path: std::path::PathBuf = folder.join(&*program).components().collect();
                *program = path.display().to_string();
            }
            CommandLine::Program(words)
        }
        shell => shell,
    }
}

/// Whether a program can be started: an absolute path of an executable file, or a name on the PATH.
pub(crate) fn program_exists(program: &str, surroundings: &Surroundings) -> bool {
    let is_executable = |path: &Path| {
        fs::metadata(path).is_ok_and(|it| it.is_file() && it.permissions().mode() & 0o111 != 0)
    };
    if program.contains('/') {
        return is_executable(Path::new(program));
    }
    let path = surroundings.variable("PATH").unwrap_or_default();
    path.split(':')
        .any(|folder| is_executable(&Path::new(folder).join(program)))
}
