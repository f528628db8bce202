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

    /// The gateway of a session of a run, where its agent may need one. What models cost, `ledger` says.
    pub(crate) async fn start(
        &self,
        agent: &AgentRecord,
        home: &Home,
        folder: &Path,
        ledger: Arc<dyn Ledger>,
        surroundings: &Surroundings,
    ) -> Result<Option<Gateway>, Error> {
        if !(self.is_on || self.replay.is_some()) || !asks_models(agent) {
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

/// Whether an agent may ask a model with a key of the user's.
pub(crate) fn asks_models(agent: &AgentRecord) -> bool {
    let is_known =
        Program::of_kind(&agent.kind).is_some() || Interface::of_kind(&agent.kind).is_some();
    let names_key = || {
        let mut keys = Provider::ALL.into_iter().flat_map(Provider::key_variables);
        keys.any(|key| agent.environment.iter().any(|name| name == key))
    };
    is_known || names_key()
}

/// Whether there is a key for the models of a program.
pub(crate) fn has_key(program: Program, surroundings: &Surroundings) -> bool {
    let mut keys = program.provider().key_variables();
    keys.any(|key| {
        let value = surroundings.variable(key);
        value.is_some_and(|value| !value.trim().is_empty())
    })
}

/// What a run says whose agent asks its models around the gateway; `None` where it does not, or spends nothing.
pub(crate) fn self_reported(
    agent: &AgentRecord,
    gateway: Option<&Gateway>,
    surroundings: &Surroundings,
) -> Option<String> {
    let has_key = has_key(Program::of_kind(&agent.kind)?, surroundings);
    (gateway.is_none() || !has_key).then(|| {
        format!(
            "what agent {} uses is what it reports: {}",
            agent.name,
            match has_key {
                true => "`gateway.mode` is off",
                false => "it works by a login of its own",
            }
        )
    })
}
