use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use core_types::{Agent, ChangePolicy, Clock, CommandLine, EventSink};

use super::sandbox::of_agent;
use crate::api::{ApiAgent, ApiAgentOptions, Interface};
use crate::{
    CommandAgent, CommandAgentOptions, Error, Playbook, Program, ProgramAgent, ProgramAgentOptions,
    ScriptedAgent, ScriptedAgentOptions,
    gateway::{Access, Gateway, Provider},
    prompt::Prompts,
};

/// An agent as the configuration describes it. Which keys count depends on its
/// kind; others are ignored.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AgentSpec {
    /// Its name.
    pub name: String,
    /// Its kind: `claude-code`, `codex`, `command`, `scripted`, or one that was added.
    pub kind: String,
    /// `command`: what is run. `claude-code` and `codex`: the program and further arguments of it;
    /// default its own name.
    pub command: Option<CommandLine>,
    /// `scripted`: what is played.
    pub playbook: Option<Playbook>,
    /// `command`: whether it can plan; default no.
    pub plan: bool,
    /// `command`: whether it can review; default no.
    pub review: bool,
    /// `command`: whether it can settle conflicts and fix tests; default no.
    pub repair: bool,
    /// Whether it must change something; default as its kind says.
    pub changes: Option<ChangePolicy>,
    /// A limit of its own beside each request's; default none.
    pub timeout: Option<Duration>,
    /// Variables of its own, beside those of [`AgentContext::environment`].
    pub environment: Vec<(String, String)>,
}

/// What all agents of a program share.
#[derive(Debug, Clone)]
pub struct AgentContext {
    /// The variables that an agent may see: an allow-list that is already
    /// applied. Nothing else reaches an agent.
    pub environment: Vec<(String, String)>,
    /// Where child processes are announced.
    pub events: Arc<dyn EventSink>,
    /// Tells when a wait ends that an agent asks for.
    pub clock: Arc<dyn Clock>,
    /// `command`: how much of its output is kept in `transcript.log`.
    pub transcript_bytes: u64,
    /// What agents may reach beside their clone, their scratch folder and their program; of
    /// [`Network::Ports`](process::Network::Ports) also the servers of this machine that their variables name. `None`:
    /// what the engine may.
    pub sandbox: Option<process::Sandbox>,
    /// What agents are asked by.
    pub prompts: Arc<Prompts>,
    /// By which agents with a key reach their models; `None`: they get the key.
    pub gateway: Option<Gateway>,
}

/// Makes an agent of one kind.
pub type Constructor =
    Arc<dyn Fn(&AgentSpec, &AgentContext) -> Result<Arc<dyn Agent>, Error> + Send + Sync>;

/// The known kinds of agents.
///
/// ```
/// use std::sync::Arc;
/// use agents::{AgentContext, AgentSpec, Registry};
/// use core_types::{CommandLine, NoEvents, SystemClock};
///
/// let spec = AgentSpec {
///     name: "rename".into(),
///     kind: "command".into(),
///     command: Some(CommandLine::Shell("sed -i s/foo/bar/ *.txt".into())),
///     ..AgentSpec::default()
/// };
/// let context = AgentContext {
///     environment: Vec::new(),
///     events: Arc::new(NoEvents),
///     clock: Arc::new(SystemClock),
///     transcript_bytes: 64 << 20,
///     sandbox: None,
///     prompts: Arc::default(),
///     gateway: None,
/// };
/// let agent = Registry::default().build(&spec, &context)?;
/// assert_eq!(agent.name(), "rename");
/// # Ok::<(), agents::Error>(())
/// ```
#[derive(Clone)]
pub struct Registry {
    kinds: BTreeMap<String, Constructor>,
}

impl Default for Registry {
    /// The kinds of this crate: `claude-code`, `codex`, `command` and `scripted`.
    fn default() -> Self {
        let mut registry = Self {
            kinds: BTreeMap::new(),
        };
        registry.add("command", Arc::new(command));
        registry.add("scripted", Arc::new(scripted));
        for program in Program::ALL {
            let make = move |spec: &AgentSpec, context: &AgentContext| {
                program_agent(program, spec, context)
            };
            registry.add(program.kind(), Arc::new(make));
        }
        for interface in Interface::ALL {
            let make =
                move |spec: &AgentSpec, context: &AgentContext| api_agent(interface, spec, context);
            registry.add(interface.kind(), Arc::new(make));
        }
        registry
    }
}

impl Registry {
    /// Adds a kind, or replaces the one of that name.
    pub fn add(&mut self, kind: impl Into<String>, constructor: Constructor) {
        self.kinds.insert(kind.into(), constructor);
    }

    /// The known kinds, sorted.
    pub fn kinds(&self) -> impl Iterator<Item = &str> {
        self.kinds.keys().map(String::as_str)
    }

    /// Makes the agent that `spec` describes.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownKind`] lists the known ones; [`Error::Missing`] and
    /// [`Error::EmptyCommand`] as the kind needs.
    pub fn build(&self, spec: &AgentSpec, context: &AgentContext) -> Result<Arc<dyn Agent>, Error> {
        let constructor = self
            .kinds
            .get(&spec.kind)
            .ok_or_else(|| Error::UnknownKind {
                agent: spec.name.clone(),
                kind: spec.kind.clone(),
                known: self.kinds().collect::<Vec<_>>().join(", "),
            })?;
        constructor(spec, context)
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.kinds()).finish()
    }
}

fn command(spec: &AgentSpec, context: &AgentContext) -> Result<Arc<dyn Agent>, Error> {
    let command = spec
        .command
        .clone()
        .ok_or_else(|| missing(spec, "command"))?;
    let mut options =
        CommandAgentOptions::new(spec.name.clone(), command, Arc::clone(&context.events));
    options.plan = spec.plan;
    options.review = spec.review;
    options.repair = spec.repair;
    options.changes = spec.changes.unwrap_or(options.changes);
    options.timeout = spec.timeout;
    options.clock = Arc::clone(&context.clock);
    options.prompts = Arc::clone(&context.prompts);
    options.transcript_bytes = context.transcript_bytes;
    options.environment = [context.environment.as_slice(), &spec.environment].concat();
    options.access = access(&Provider::ALL, spec, context, &mut options.environment)?;
    let port = options.access.as_ref().map(Access::port);
    options.sandbox = context
        .sandbox
        .as_ref()
        .map(|base| of_agent(base, &options.command, &options.environment, port));
    Ok(Arc::new(CommandAgent::new(options)?))
}

/// Takes an agent's keys out of its variables, where there is a gateway that keeps them.
fn access(
    providers: &[Provider],
    spec: &AgentSpec,
    context: &AgentContext,
    environment: &mut Vec<(String, String)>,
) -> Result<Option<Access>, Error> {
    match &context.gateway {
        Some(gateway) => Access::take(gateway, &spec.name, providers, environment),
        None => Ok(None),
    }
}

fn program_agent(
    program: Program,
    spec: &AgentSpec,
    context: &AgentContext,
) -> Result<Arc<dyn Agent>, Error> {
    let events = Arc::clone(&context.events);
    let mut options = ProgramAgentOptions::new(spec.name.clone(), program, events);
    match &spec.command {
        None => {}
        Some(CommandLine::Program(words)) => options.command.clone_from(words),
        Some(CommandLine::Shell(text)) => {
            return Err(Error::NeedsProgram {
                agent: spec.name.clone(),
                text: text.clone(),
            });
        }
    }
    options.changes = spec.changes.unwrap_or(options.changes);
    options.timeout = spec.timeout;
    options.clock = Arc::clone(&context.clock);
    options.prompts = Arc::clone(&context.prompts);
    options.transcript_bytes = context.transcript_bytes;
    options.environment = [context.environment.as_slice(), &spec.environment].concat();
    let provider = [program.provider()];
    options.access = access(&provider, spec, context, &mut options.environment)?;
    let port = options.access.as_ref().map(Access::port);
    let command = CommandLine::Program(options.command.clone());
    options.sandbox = context
        .sandbox
        .as_ref()
        .map(|base| of_agent(base, &command, &options.environment, port));
    Ok(Arc::new(ProgramAgent::new(options)?))
}

fn api_agent(
    interface: Interface,
    spec: &AgentSpec,
    context: &AgentContext,
) -> Result<Arc<dyn Agent>, Error> {
    let events = Arc::clone(&context.events);
    let mut options = ApiAgentOptions::new(spec.name.clone(), interface, events);
    let provider = interface.provider();
    let given = |names: &mut dyn Iterator<Item = &'static str>| {
        let mut set = spec.environment.iter().rev();
        let mut found = names.filter_map(|name| {
            set.find(|(known, value)| known == name && !value.trim().is_empty())
        });
        found.next().map(|(_, value)| value.clone())
    };
    options.key = given(&mut provider.key_variables().take(1));
    options.url = given(&mut provider.url_variables().take(1));
    if let Some(gateway) = &context.gateway {
        let url = options.url.as_deref().unwrap_or(provider.default_url());
        let access = Access::to(gateway, &spec.name, provider, url, options.key.as_deref());
        options.access = Some(access?);
    }
    options.changes = spec.changes.unwrap_or(options.changes);
    options.timeout = spec.timeout;
    options.clock = Arc::clone(&context.clock);
    options.prompts = Arc::clone(&context.prompts);
    // Tests see what every program sees, and no key.
    options.environment.clone_from(&context.environment);
    options.sandbox = context.sandbox.clone().map(|base| process::Sandbox {
        network: process::Network::None,
        ..base
    });
    Ok(Arc::new(ApiAgent::new(options)?))
}

fn scripted(spec: &AgentSpec, _: &AgentContext) -> Result<Arc<dyn Agent>, Error> {
    let playbook = spec
        .playbook
        .clone()
        .ok_or_else(|| missing(spec, "playbook"))?;
    let mut options = ScriptedAgentOptions::new(spec.name.clone());
    options.changes = spec.changes.unwrap_or(options.changes);
    options.timeout = spec.timeout;
    Ok(Arc::new(ScriptedAgent::new(options, playbook)))
}

fn missing(spec: &AgentSpec, key: &'static str) -> Error {
    Error::Missing {
        agent: spec.name.clone(),
        kind: spec.kind.clone(),
        key,
    }
}
