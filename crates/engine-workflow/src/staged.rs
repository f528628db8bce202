//! What a run would do to the world, without doing any of it.

use core_types::{AgentCapabilities, Gate, Plan, Reference, RepositoryName};
use serde::Serialize;

use crate::{coordination::with_triggered, settings::Settings};

/// One effect that a run would have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Effect {
    /// What kind it is.
    pub kind: EffectKind,
    /// Where, if it belongs to one repository.
    pub repository: Option<RepositoryName>,
    /// What would happen, in one line.
    pub what: String,
}

/// Kinds of effects, in the order in which a run comes to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EffectKind {
    /// An agent is asked to do something, in a clone of its own.
    Agent,
    /// A command runs in a clone.
    Command,
    /// A branch of ours is set in the user's repository.
    Branch,
    /// A pull request is opened in the forge.
    PullRequest,
    /// A comment is written, or an issue closed.
    Issue,
    /// A target branch moves.
    Target,
    /// What has landed is deployed.
    Deploy,
}

impl EffectKind {
    /// The kind as it is shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Command => "command",
            Self::Branch => "branch",
            Self::PullRequest => "pull request",
            Self::Issue => "issue",
            Self::Target => "target",
            Self::Deploy => "deploy",
        }
    }
}

/// All effects of a run that goes well, by kind. `plan` is `None` where an
/// agent would be asked for it: then its tasks are not known yet.
#[must_use]
pub fn effects(
    settings: &Settings,
    plan: Option<&Plan>,
    agent: &str,
    can: AgentCapabilities,
) -> Vec<Effect> {
    let mut effects = Vec::new();
    let mut add = |kind, repository: Option<&RepositoryName>, what: String| {
        effects.push(Effect {
            kind,
            repository: repository.cloned(),
            what,
        });
    };
    let change_set = settings.change_set.as_ref();
    let plan = plan.map(|plan| with_triggered(plan.clone(), change_set));
    match &plan {
        None => add(EffectKind::Agent, None, format!("{agent} makes the plan")),
        Some(plan) => {
            for task in &plan.tasks {
                let what = format!("{agent} does task {}: {}", task.id, task.title);
                add(EffectKind::Agent, Some(&task.repository), what);
            }
        }
    }
    for repository in &settings.repositories {
        let name = &repository.name;
        let tasks = plan.iter().flat_map(|plan| &plan.tasks);
        let is_touched = plan.is_none() || tasks.clone().any(|task| task.repository == *name);
        if !is_touched || !repository.write {
            continue;
        }
        for (command, when) in [
            (&repository.setup_command, "before each task"),
            (
                &repository.test_command,
                "after each task, and on the whole",
            ),
        ] {
            if let Some(command) = command {
                add(
                    EffectKind::Command,
                    Some(name),
                    format!("`{command}` {when}"),
                );
            }
        }
        let branch = format!("automation/{}/change", settings.run);
        add(
            EffectKind::Branch,
            Some(name),
            format!("{branch} is set to the change"),
        );
        let title = &settings.issue.title;
        let what = format!(
            "\"{title}\" is opened, from {branch} into {}",
            repository.target
        );
        add(EffectKind::PullRequest, Some(name), what);
        if can.review {
            let what = format!("{agent} reviews the change");
            add(EffectKind::Agent, Some(name), what);
        }
        if settings.landing.land {
            let what = "it is closed as merged after the landing".to_owned();
            add(EffectKind::PullRequest, Some(name), what);
            let gate = gate(settings.approvals.landing, Gate::Landing);
            let what = format!("{} moves to the tested commit{gate}", repository.target);
            add(EffectKind::Target, Some(name), what);
        }
        let member = change_set.and_then(|it| it.member(name));
        let deploy = member.and_then(|member| member.deploy.as_ref());
        if let Some(command) = deploy.filter(|_| settings.landing.land) {
            let gate = gate(settings.approvals.deploy, Gate::Deploy);
            let what = format!("`{command}` once, after landing{gate}");
            add(EffectKind::Deploy, Some(name), what);
        }
    }
    if let Some(command) = change_set.and_then(|it| it.test_command.as_ref()) {
        let what = format!("`{command}` on the combined heads");
        add(EffectKind::Command, None, what);
    }
    if let Some((home, number)) = &settings.issue_home {
        let issue = format!("{home}{}", Reference(*number));
        let what = format!("{issue} gets a comment");
        add(EffectKind::Issue, Some(home), what);
        if settings.landing.land {
            let what = format!("{issue} is closed when all has landed");
            add(EffectKind::Issue, Some(home), what);
        }
    }
    effects.sort_by_key(|effect| effect.kind);
    effects
}

fn gate(is_set: bool, gate: Gate) -> String {
    if is_set {
        format!(", once the gate {} is open", gate.as_str())
    } else {
        String::new()
    }
}
