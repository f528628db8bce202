use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use agents::{
    Program,
    api::Interface,
    gateway::{Gateway, GatewayOptions, Provider, Tape},
};
use config::automation;
use core_types::{Ledger, RunId};
use serde::{Deserialize, Serialize};

use super::{AgentRecord, Error, Home, Surroundings};

/// How the agents of a run reach the models that are paid for with a key, as its journal keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GatewayRecord {
    /// Whether by a gateway, which keeps the key.
    pub is_on: bool,
    /// Whether the answers of models are kept with the run.
    pub record: bool,
    /// Tokens of an answer whose request names no limit.
    pub longest_answer: u32,
    /// The run whose answers are given again, in place of asking anybody.
    pub replay: Option<RunId>,
}

/// What a configuration without a word on it says.
impl Default for GatewayRecord {
    fn default() -> Self {
        Self::from_config(automation::Settings::default().gateway, None)
    }
}

impl GatewayRecord {
    pub(crate) fn from_config(settings: automation::Gateway, replay: Option<RunId>) -> Self {
        Self {
            is_on: settings.is_on,
            record: settings.record,
            longest_answer: settings.longest_answer,
            replay,
        }
    }

    /// Refuses to give a run again whose answers were not kept.
    pub(crate) fn check(&self, home: &Home) -> Result<(), Error> {
        let Some(replay) = &self.replay else {
            return Ok(());
        };
        if kept(&home.run_folder(replay)).is_dir() {
            return Ok(());
        }
        Err(Error::request(
            format!("run {replay} has kept no answers of models"),
            "`gateway.record: true` in config/automation.yaml keeps those of later runs",
        ))
    }

    /// What a run says whose agent asks its models around the gateway; `None` where it does not, or spends nothing.
    pub(crate) fn self_reported(
        &self,
        agent: &AgentRecord,
        surroundings: &Surroundings,
    ) -> Option<String> {
        let program = Program::of_kind(&agent.kind).filter(|_| self.replay.is_none())?;
        let why = match key_of(program.provider(), surroundings) {
            None => "it works by a login of its own",
            Some(_) if self.is_on => return None,
            Some(_) => "`gateway.mode` is off",
        };
        let name = &agent.name;
        Some(format!("what agent {name} uses is what it reports: {why}"))
    }

    /// The gateway of a session of a run, where its agent may need one. What models cost, `ledger` says.
    pub(crate) async fn start(
        &self,
        agent: &AgentRecord,
        home: &Home,
        folder: &Path,
        ledger: Arc<dyn Ledger>,
        surroundings: &Surroundings,
    ) -> Result<Option<Gateway>, Error> {
        if !(self.is_on || self.replay.is_some()) || providers(agent).is_empty() {
            return Ok(None);
        }
        let mut secret = [0; 32];
        let flags = rustix::rand::GetRandomFlags::empty();
        let n_filled = rustix::rand::getrandom(&mut secret, flags);
        if n_filled.map_err(std::io::Error::from).map_err(refused)? != secret.len() {
            return Err(refused(std::io::ErrorKind::UnexpectedEof.into()));
        }
        let mut options = GatewayOptions::new(secret);
        options.prices = Arc::new(move |model, usage| ledger.price(model, usage));
        options.longest_answer = self.longest_answer.into();
        options.clock = surroundings.clock.clone();
        options.tape = match &self.replay {
            Some(run) => Tape::Replay(kept(&home.run_folder(run))),
            None if self.record => Tape::Record(kept(folder)),
            None => Tape::Off,
        };
        Gateway::start(options).await.map(Some).map_err(refused)
    }
}

fn refused(source: std::io::Error) -> Error {
    let message = format!("the gateway to models cannot be opened: {source}");
    let hint = "`gateway.mode: off` in config/automation.yaml goes without";
    Error::request(message, hint)
}

/// Where the answers of a run are kept.
fn kept(folder: &Path) -> PathBuf {
    folder.join("models")
}

/// Whose models an agent may ask with a key of the user's; none for one that gets no key.
pub(crate) fn providers(agent: &AgentRecord) -> Vec<Provider> {
    if let Some(program) = Program::of_kind(&agent.kind) {
        return vec![program.provider()];
    }
    if let Some(interface) = Interface::of_kind(&agent.kind) {
        return vec![interface.provider()];
    }
    let is_named = |key: &str| agent.environment.iter().any(|name| name == key);
    let all = Provider::ALL.into_iter();
    all.filter(|it| it.key_variables().any(is_named)).collect()
}

/// Whether a variable is there and says something.
fn is_set(name: &str, surroundings: &Surroundings) -> bool {
    let value = surroundings.variable(name);
    value.is_some_and(|value| !value.trim().is_empty())
}

/// The variable that holds a key for the models of a provider, if one does.
pub(crate) fn key_of(provider: Provider, surroundings: &Surroundings) -> Option<&'static str> {
    let mut keys = provider.key_variables();
    keys.find(|key| is_set(key, surroundings))
}

/// Whether the address of a provider is given.
pub(crate) fn has_address(provider: Provider, surroundings: &Surroundings) -> bool {
    let mut names = provider.url_variables();
    names.any(|name| is_set(name, surroundings))
}
