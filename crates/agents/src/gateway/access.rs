use std::{fmt, io, sync::Arc};

use core_types::{AgentRequest, Grant, Scope};

use super::{
    Gateway, Provider, Session,
    server::{Credential, Upstream},
};
use crate::{Error, RunError, command::on_disk_thread, error::Failed};

/// What an agent needs to ask its models through a gateway.
#[derive(Clone)]
pub struct Access {
    gateway: Gateway,
    upstreams: Vec<Arc<Upstream>>,
}

impl Access {
    /// Takes the keys and addresses of `providers` out of an agent's variables. `None` where no key is among
    /// them: then the agent works by a login of its own, or without a model. A gateway that gives recorded
    /// answers needs no key.
    ///
    /// # Errors
    ///
    /// [`Error::Provider`] for a key or an address that is not valid, and for a key that would go out in the
    /// clear.
    pub fn take(
        gateway: &Gateway,
        agent: &str,
        providers: &[Provider],
        environment: &mut Vec<(String, String)>,
    ) -> Result<Option<Self>, Error> {
        let mut upstreams = Vec::new();
        for provider in providers.iter().copied() {
            let value = |name: &str| {
                let mut all = environment.iter().rev();
                let found = all.find(|(known, value)| known == name && !value.trim().is_empty());
                found.map(|(_, value)| value.trim().to_owned())
            };
            let keys = provider.keys().iter();
            let mut keys = keys.filter_map(|key| Some((key, value(key.variable)?)));
            let credential = keys.next().map(|(key, secret)| Credential {
                header: key.header,
                value: key.value(&secret),
            });
            if credential.is_none() && !gateway.is_replay() {
                continue;
            }
            let url = provider.urls().iter().find_map(|name| value(name));
            let url = url.unwrap_or_else(|| provider.default_url().to_owned());
            upstreams.push(gateway.upstream(agent, provider, &url, credential)?);
            environment.retain(|(name, _)| {
                let is_key = provider.keys().iter().any(|key| key.variable == name);
                let is_other = provider.urls().contains(&name.as_str());
                !is_key && !is_other && !provider.logins().contains(&name.as_str())
            });
        }
        Ok((!upstreams.is_empty()).then(|| Self {
            gateway: gateway.clone(),
            upstreams,
        }))
    }

    /// Access to one provider, with a key or without.
    ///
    /// # Errors
    ///
    /// As [`Access::take`].
    pub fn to(
        gateway: &Gateway,
        agent: &str,
        provider: Provider,
        url: &str,
        key: Option<&str>,
    ) -> Result<Self, Error> {
        let known = provider.key();
        let credential = key.map(|key| Credential {
            header: known.header,
            value: known.value(key),
        });
        let upstream = gateway.upstream(agent, provider, url, credential)?;
        Ok(Self {
            gateway: gateway.clone(),
            upstreams: vec![upstream],
        })
    }

    /// Where its first provider is asked.
    pub(crate) fn url(&self) -> String {
        let mut upstreams = self.upstreams.iter();
        let provider = upstreams.next().map(|it| it.provider);
        let url = provider.map(|provider| self.gateway.shared.url(provider));
        url.unwrap_or_default()
    }

    /// Opens a session of this name. Blocks on the disk where answers are recorded or given again.
    ///
    /// # Errors
    ///
    /// What the disk answers; a record that cannot be read.
    pub fn session_blocking(&self, name: &str, grant: Option<Grant>) -> io::Result<Session> {
        self.gateway.open(name, self.upstreams.clone(), grant)
    }

    /// The port that its agent must reach.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.gateway.address().port()
    }

    /// Opens the session of a request.
    pub(crate) async fn open(&self, request: &AgentRequest) -> Result<Session, RunError> {
        let (name, grant, access) = (name_of(request), request.grant.clone(), self.clone());
        on_disk_thread("record what its model says", move || {
            access.session_blocking(&name, grant)
        })
        .await
    }
}

/// What its sessions are recorded by: the same in each run of a plan.
fn name_of(request: &AgentRequest) -> String {
    let stage = request.task.stage();
    let Some(step) = &request.step else {
        return format!("{stage}.{}", request.attempt);
    };
    let scope = match &step.key.scope {
        Scope::Run => String::new(),
        Scope::Repository(name) => format!(".{name}"),
        Scope::Task(task) => format!(".{task}"),
    };
    format!("{stage}{scope}.{}.{}", step.key.name, step.key.attempt)
}

/// What a piece of work that has failed comes to, where its gateway knows better why: the agent tells of it in
/// words, the provider by a status.
pub(crate) fn known_better(session: Option<&Session>, error: RunError) -> RunError {
    let Some(session) = session else {
        return error;
    };
    if let Some(source) = session.take_refusal() {
        return RunError::BudgetSpent {
            reported: session.spent().cost.unwrap_or_default(),
            source,
        };
    }
    let is_told = matches!(
        error,
        RunError::Answered { .. }
            | RunError::Exited { .. }
            | RunError::NoResult { .. }
            | RunError::Provider { .. }
    );
    match session.failure().filter(|_| is_told) {
        Some((class, message)) => RunError::Provider { class, message },
        None => error,
    }
}

impl Failed {
    /// The same, as the gateway knows it.
    pub(crate) fn known_better(self, session: Option<&Session>) -> Self {
        Self {
            error: known_better(session, self.error),
            ..self
        }
    }
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access")
            .field("gateway", &self.gateway)
            .field("upstreams", &self.upstreams)
            .finish()
    }
}
