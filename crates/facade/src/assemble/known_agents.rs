use agents::{KNOWN_PROGRAMS, Program, api::Interface};
use serde::Serialize;

use super::{
    AgentRecord, Error, Home, Surroundings,
    agent::program_exists,
    gateway::{has_address, key_of, providers},
    request::configured,
};

/// An agent that a run could use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KnownAgent {
    /// What `--agent` calls it.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// Whether a run without `--agent` uses it.
    pub is_default: bool,
    /// The model that it uses; empty where each task chooses it.
    pub model: String,
    /// How it is paid for.
    pub access: AgentAccess,
    /// What it lacks, if anything.
    pub lacks: Option<String>,
}

/// How an agent reaches its models.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AgentAccess {
    /// By the gateway, with the key of this variable.
    Key {
        /// The variable.
        variable: &'static str,
    },
    /// By a login of its own: what it uses is what it reports.
    Login,
    /// By itself, or without a model.
    Itself,
}

/// The agents of the configuration, then the known programs on `PATH` that it does not name.
///
/// # Errors
///
/// What is wrong with the configuration.
pub fn known_agents(home: &Home, surroundings: &Surroundings) -> Result<Vec<KnownAgent>, Error> {
    let settings = configured(home, surroundings)?;
    let mut known = Vec::new();
    for entry in &settings.agents {
        let record = AgentRecord::choose(Some(&entry.name), &settings, home, surroundings)?;
        let is_default = settings.default_agent.as_deref() == Some(&*record.name);
        known.push(known_agent(&record, is_default, surroundings));
    }
    for program in KNOWN_PROGRAMS {
        let is_configured = known.iter().any(|it| it.name == **program);
        if is_configured || !program_exists(program, surroundings) {
            continue;
        }
        let record = AgentRecord::choose(Some(program), &settings, home, surroundings)?;
        known.push(known_agent(&record, false, surroundings));
    }
    Ok(known)
}

fn known_agent(record: &AgentRecord, is_default: bool, surroundings: &Surroundings) -> KnownAgent {
    let providers = providers(record);
    let mut keys = providers.iter().filter_map(|it| key_of(*it, surroundings));
    let key = keys.next();
    let is_program = Program::of_kind(&record.kind).is_some();
    let access = match key {
        Some(variable) => AgentAccess::Key { variable },
        None if is_program && record.own_login => AgentAccess::Login,
        None => AgentAccess::Itself,
    };
    let checked = record.check_program(surroundings);
    let checked = checked.and_then(|()| record.check_login(surroundings));
    let is_interface = Interface::of_kind(&record.kind).is_some();
    let is_reached = key.is_some() || providers.iter().any(|it| has_address(*it, surroundings));
    let lacks = match (checked, providers.first()) {
        (Err(error), _) => Some(error.to_string()),
        (Ok(()), Some(provider)) if is_interface && !is_reached => {
            let variable = provider.key_variables().next();
            Some(format!("no {}", variable.unwrap_or_default()))
        }
        (Ok(()), _) => None,
    };
    KnownAgent {
        name: record.name.clone(),
        kind: record.kind.clone(),
        is_default,
        model: record.model.clone(),
        access,
        lacks,
    }
}
