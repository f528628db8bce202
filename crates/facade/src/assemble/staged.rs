//! A look at what a run would do, without beginning it.

use std::sync::Arc;

use agents::{AgentContext, Registry};
use core_types::{NoEvents, RunId};
use engine_workflow::{Effect, effects, plan::plain_plan};
use serde::Serialize;

use super::{
    Error, Home, RunRequest, Surroundings,
    assembly::{git, open_forge},
    request::Earlier,
};

/// What a run would do.
#[derive(Debug, Clone, Serialize)]
pub struct Staged {
    /// The run that would be begun.
    pub run: RunId,
    /// Its effects, by kind.
    pub effects: Vec<Effect>,
}

/// Checks a whole request and lists the effects of its run; nothing is written,
/// and no agent is asked.
///
/// # Errors
///
/// What is wrong with the request.
///
/// # Cancel safety
///
/// Nothing is changed.
pub async fn staged(
    run: RunId,
    request: &RunRequest,
    home: &Home,
    surroundings: &Surroundings,
) -> Result<Staged, Error> {
    let git = git(surroundings).await?;
    let forge = open_forge(home, surroundings)?;
    let earlier = Earlier::default();
    let record = request
        .settle(run.clone(), home, surroundings, &git, &forge, &earlier)
        .await?;
    let context = AgentContext {
        environment: Vec::new(),
        events: Arc::new(NoEvents),
        clock: surroundings.clock.clone(),
        transcript_bytes: record.output_disk_bytes,
        sandbox: None,
        prompts: Default::default(),
        gateway: None,
    };
    let agent = record
        .agent
        .build(&Registry::default(), &context, surroundings)?;
    let settings = &record.settings;
    let plan = match &settings.plan {
        Some(plan) => Some(plan.clone()),
        None if agent.capabilities().plan => None,
        None => Some(plain_plan(settings)),
    };
    let effects = effects(
        settings,
        plan.as_ref(),
        &record.agent.name,
        agent.capabilities(),
    );
    Ok(Staged { run, effects })
}
