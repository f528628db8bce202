//! The typed settings.

use std::{num::NonZeroUsize, time::Duration};

use core_types::Usd;

use crate::{
    command::Command,
    finding::{Findings, Mark, Report},
    schema::{Kind, LABELS, Names, Section, check, default_document},
    yaml::{Lookup, parse},
};

/// The settings of `config/automation.yaml`, defaults filled in. `Settings::default()` are those of an absent file.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The file as the caller named it; empty for the defaults.
    pub file: String,
    /// The agent of a run that names none: what `default_agent` says, else the first of `agents`, else none.
    pub default_agent: Option<String>,
    /// The agents, in the file's order, each name once. Empty where the file has none.
    pub agents: Vec<AgentEntry>,
    /// How much a run may take.
    pub limits: Limits,
    /// How much money may be spent.
    pub budget: Budget,
    /// Where a run waits for a person.
    pub approvals: Approvals,
    /// How results reach the target branches.
    pub landing: Landing,
    /// How a run repairs what fails.
    pub recovery: Recovery,
    /// What agents and commands may reach.
    pub sandbox: Sandbox,
    /// How agents reach their models.
    pub gateway: Gateway,
    /// How issues on forges are followed.
    pub serve: Serve,
    /// What the labels are called by which an issue shows where its run stands.
    pub labels: Labels,
    /// What runs learn from what they did.
    pub learning: Learning,
    /// What `automation gc` keeps.
    pub retention: Retention,
}

/// An agent that a run may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentEntry {
    /// What the agent is called; a valid name.
    pub name: String,
    /// What runs it, such as `command` or `scripted`; which kinds there are, the registry of agents knows.
    pub kind: String,
    /// What to run; always there for the kind `command`.
    pub command: Option<Command>,
    /// The playbook's file, relative to the home folder; always there for the kind `scripted`.
    pub playbook: Option<String>,
    /// Whether it can plan.
    pub plan: bool,
    /// Whether it can review.
    pub review: bool,
    /// Whether it can settle conflicts and fix failing tests.
    pub repair: bool,
    /// The model that it uses, by a name that has a price; `None` where each task chooses it.
    pub model: Option<String>,
    /// Whether it may work by a login of its own, in the user's home folder.
    pub own_login: bool,
    /// Whether it spends money.
    pub spends: bool,
    /// What a task without a change is.
    pub changes: Changes,
    /// The longest one request may take, where it differs from [`Limits::agent_timeout`].
    pub timeout: Option<Duration>,
    /// Names of variables that it sees beyond the engine's own few.
    pub environment: Vec<String>,
    /// Where the entry starts, for findings of later checks.
    pub mark: Mark,
}

/// What it means that a task left its repository as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Changes {
    /// The task has failed.
    Required,
    /// The repository is unchanged, which is fine.
    Optional,
}

/// How much a run may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Tasks that run at the same time; `None` is `auto`: what cores and memory allow, at most 4.
    pub max_workers: Option<NonZeroUsize>,
    /// The longest one request to an agent may take.
    pub agent_timeout: Duration,
    /// The longest a test command may take.
    pub test_timeout: Duration,
    /// The longest a setup command may take.
    pub setup_timeout: Duration,
    /// Bytes of the output of one command or agent that are kept on disk.
    pub output_disk_bytes: u64,
    /// Times that one attempt starts again after the engine was killed.
    pub max_executions: u32,
}

/// How much money may be spent; `None` is no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// By one run.
    pub run: Option<Usd>,
    /// By all runs together in one day (UTC).
    pub day: Option<Usd>,
    /// On one repository in one day.
    pub repository: Option<Usd>,
    /// By one task of a run over all its attempts.
    pub task: Option<Usd>,
    /// Percent of each limit, from 1 to 99, at which a run asks before it goes on.
    pub soft: Option<u8>,
    /// What is set aside for one request to an agent whose cost nobody can tell before.
    pub call: Usd,
}

/// Where a run waits for a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Approvals {
    /// After planning.
    pub plan: bool,
    /// Before landing.
    pub landing: bool,
    /// Before what has landed is deployed.
    pub deploy: bool,
}

/// How results reach the target branches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Landing {
    /// Which repositories land when one has failed.
    pub mode: LandingMode,
    /// Whether a target branch that is checked out and clean is moved together with index and files.
    pub update_checkout: bool,
    /// Whether repositories without a test command land.
    pub allow_unverified: bool,
}

/// Which repositories land when one has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LandingMode {
    /// None.
    All,
    /// Those without a failure.
    Each,
}

/// How a run repairs what fails, before a person is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// Whether failures are repaired at all.
    pub enabled: bool,
    /// Times that one operation is tried again.
    pub retry_attempts: u32,
    /// Times that all operations of one task together are tried again.
    pub task_retries: u32,
    /// Times that all operations of a run together are tried again.
    pub run_retries: u32,
    /// The wait before the second retry.
    pub base_delay: Duration,
    /// The longest wait between two retries.
    pub max_delay: Duration,
    /// The longest wait that is sat out; for a longer one the run is parked.
    pub max_wait: Duration,
    /// By what share of themselves waits are waited, in hundredths.
    pub delay_percent: u32,
    /// Times that the agent is asked for a fix of failing tests.
    pub fix_rounds: u32,
    /// Places of one merge that the agent may decide.
    pub max_conflict_hunks: u32,
    /// What a fix of failing tests must not touch, beside what is always protected.
    pub protected_paths: Vec<String>,
}

/// What agents, setup and test commands may reach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sandbox {
    /// Whether they are kept to it at all.
    pub is_required: bool,
    /// Further paths that may be read; `~/` is the user's home folder.
    pub readable: Vec<String>,
    /// Further paths that may be changed.
    pub writable: Vec<String>,
    /// Whom agents may talk with.
    pub agent_network: AgentNetwork,
    /// Whether setup commands may talk with everybody, rather than nobody.
    pub setup_network: bool,
    /// Whether test commands may talk with everybody, rather than nobody.
    pub test_network: bool,
    /// Whether Unix sockets may be made.
    pub unix_sockets: bool,
    /// Processes and threads at once.
    pub processes: u32,
    /// Memory of each process.
    pub memory_bytes: u64,
    /// Size of a file.
    pub file_bytes: u64,
}

/// Whom agents may talk with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AgentNetwork {
    /// Servers of this machine that their base URLs name.
    Gateway,
    /// Nobody.
    None,
    /// Everybody.
    All,
}

/// How agents reach the models that are paid for with a key of the user's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gateway {
    /// Whether they do so by a gateway, which keeps the key, rather than with the key itself.
    pub is_on: bool,
    /// Whether answers are kept with the run.
    pub record: bool,
    /// Tokens of an answer whose request names no limit.
    pub longest_answer: u32,
}

/// How issues on forges are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Serve {
    /// How often each repository's issues are looked at.
    pub interval: Duration,
    /// Runs at a time.
    pub max_runs: NonZeroUsize,
    /// Whether a run lands when it has succeeded.
    pub land: bool,
}

/// The names of labels, each another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labels {
    /// A person who may write gives it: work is to begin.
    pub needs_planning: String,
    /// The plan waits for approval.
    pub plan_review: String,
    /// Agents work, or tests run.
    pub in_progress: String,
    /// The change is being reviewed, or the review did not approve of it.
    pub code_review: String,
    /// The change is proposed and waits to be landed.
    pub merge_ready: String,
    /// The change has landed, or there was nothing to change.
    pub completed: String,
    /// Something failed or a person must decide.
    pub needs_attention: String,
}

/// What runs learn from what they did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Learning {
    /// Whether attempts are recorded, and prompts get what was learnt.
    pub enabled: bool,
    /// What is kept of prompts.
    pub prompts: KeepPrompts,
    /// The share of tasks in which chance decides which lessons their prompts get, from 0 to 1.
    pub exploration: f64,
}

/// What is kept of prompts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeepPrompts {
    /// The text, without secrets.
    Full,
    /// A hash.
    Hash,
}

/// What `automation gc` keeps; runs that have not ended are always kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Ended runs that are kept, newest first.
    pub keep_runs: u32,
    /// Age at which an ended run goes even so; `None` is never.
    pub max_age: Option<Duration>,
}

impl Default for Settings {
    fn default() -> Self {
        read("", Section(default_document()))
    }
}

pub(crate) fn load(file: &str, text: &str, env: Lookup<'_>) -> Result<Settings, Findings> {
    let mut report = Report::new(file);
    let Some(mut document) = parse(text, Some(env), &mut report) else {
        return Err(report.into_findings());
    };
    check(Kind::Automation, &mut document, &mut report);
    let document = Section(&document);
    relate(document, &mut report);
    let settings = report.is_empty().then(|| read(file, document));
    report.finish(settings)
}

/// What the keys say about each other.
fn relate(document: Section<'_>, report: &mut Report) {
    let agents = Names::gather(document, "agents", "name", "agent", report);
    if let Some((name, mark)) = document.name("default_agent") {
        agents.resolve(name, mark, "default_agent", report);
    }
    if let Some(labels) = document.optional_section("labels") {
        relate_labels(labels, report);
    }
    for (idx, agent) in agents.sections().iter().enumerate() {
        for (kind, needed) in [("command", "command"), ("scripted", "playbook")] {
            if agent.name("kind").is_some_and(|(name, _)| name == kind)
                && agent.optional_section(needed).is_none()
            {
                let message = format!("missing; an agent of the kind {kind} needs it");
                report.add(agent.mark(), format!("agents[{idx}].{needed}"), message);
            }
        }
    }
}

/// Each state has a label of its own, and forges part labels at commas.
fn relate_labels(labels: Section<'_>, report: &mut Report) {
    let mut seen: Vec<(&str, &str)> = Vec::new();
    for key in LABELS {
        let Some((name, mark)) = labels.name(key.name) else {
            continue;
        };
        let path = format!("labels.{}", key.name);
        if name.contains(',') {
            report.add(mark, path.as_str(), "a label must not contain a comma");
        }
        if let Some((other, _)) = seen.iter().find(|(_, known)| *known == name) {
            report.add(mark, path, format!("is the label of {other} already"));
        }
        seen.push((key.name, name));
    }
}

fn read(file: &str, document: Section<'_>) -> Settings {
    let agents: Vec<AgentEntry> = document.sections("agents").into_iter().map(agent).collect();
    let limits = document.section("limits");
    let budget = document.section("budget");
    let approvals = document.section("approvals");
    let landing = document.section("landing");
    let recovery = document.section("recovery");
    let sandbox = document.section("sandbox");
    let gateway = document.section("gateway");
    let serve = document.section("serve");
    let labels = document.section("labels");
    let learning = document.section("learning");
    let retention = document.section("retention");
    Settings {
        file: file.to_owned(),
        default_agent: document
            .optional_text("default_agent")
            .or_else(|| Some(agents.first()?.name.clone())),
        agents,
        limits: Limits {
            max_workers: limits
                .optional_integer("max_workers")
                .and_then(NonZeroUsize::new),
            agent_timeout: limits.duration("agent_timeout"),
            test_timeout: limits.duration("test_timeout"),
            setup_timeout: limits.duration("setup_timeout"),
            output_disk_bytes: limits.size("output_disk"),
            max_executions: limits.integer("max_executions"),
        },
        budget: Budget {
            run: budget.optional_money("run"),
            day: budget.optional_money("day"),
            repository: budget.optional_money("repository"),
            task: budget.optional_money("task"),
            soft: budget.optional_integer("soft"),
            call: budget.money("call"),
        },
        approvals: Approvals {
            plan: approvals.flag("plan"),
            landing: approvals.flag("landing"),
            deploy: approvals.flag("deploy"),
        },
        landing: Landing {
            mode: landing.choice(
                "mode",
                &[("all", LandingMode::All), ("each", LandingMode::Each)],
            ),
            update_checkout: landing.flag("update_checkout"),
            allow_unverified: landing.flag("allow_unverified"),
        },
        recovery: Recovery {
            enabled: recovery.flag("enabled"),
            retry_attempts: recovery.integer("retry_attempts"),
            task_retries: recovery.integer("task_retries"),
            run_retries: recovery.integer("run_retries"),
            base_delay: recovery.duration("base_delay"),
            max_delay: recovery.duration("max_delay"),
            max_wait: recovery.duration("max_wait"),
            delay_percent: recovery.integer("delay_percent"),
            fix_rounds: recovery.integer("fix_rounds"),
            max_conflict_hunks: recovery.integer("max_conflict_hunks"),
            protected_paths: recovery.texts("protected_paths"),
        },
        sandbox: Sandbox {
            is_required: sandbox.choice("mode", &[("require", true), ("off", false)]),
            readable: sandbox.texts("readable"),
            writable: sandbox.texts("writable"),
            agent_network: sandbox.choice(
                "agent_network",
                &[
                    ("gateway", AgentNetwork::Gateway),
                    ("none", AgentNetwork::None),
                    ("all", AgentNetwork::All),
                ],
            ),
            setup_network: sandbox.choice("setup_network", &[("all", true), ("none", false)]),
            test_network: sandbox.choice("test_network", &[("all", true), ("none", false)]),
            unix_sockets: sandbox.flag("unix_sockets"),
            processes: sandbox.integer("processes"),
            memory_bytes: sandbox.size("memory"),
            file_bytes: sandbox.size("file_size"),
        },
        gateway: Gateway {
            is_on: gateway.choice("mode", &[("on", true), ("off", false)]),
            record: gateway.flag("record"),
            longest_answer: gateway.integer("longest_answer"),
        },
        serve: Serve {
            interval: serve.duration("interval"),
            max_runs: serve
                .optional_integer("max_runs")
                .and_then(NonZeroUsize::new)
                .unwrap_or(NonZeroUsize::MIN),
            land: serve.flag("land"),
        },
        labels: Labels {
            needs_planning: labels.text("needs_planning"),
            plan_review: labels.text("plan_review"),
            in_progress: labels.text("in_progress"),
            code_review: labels.text("code_review"),
            merge_ready: labels.text("merge_ready"),
            completed: labels.text("completed"),
            needs_attention: labels.text("needs_attention"),
        },
        learning: Learning {
            enabled: learning.flag("enabled"),
            prompts: learning.choice(
                "prompts",
                &[("full", KeepPrompts::Full), ("hash", KeepPrompts::Hash)],
            ),
            exploration: learning.decimal("exploration"),
        },
        retention: Retention {
            keep_runs: retention.integer("keep_runs"),
            max_age: retention.optional_duration("max_age"),
        },
    }
}

fn agent(entry: Section<'_>) -> AgentEntry {
    AgentEntry {
        name: entry.text("name"),
        kind: entry.text("kind"),
        command: entry.command("command"),
        playbook: entry.optional_text("playbook"),
        plan: entry.flag("plan"),
        review: entry.flag("review"),
        repair: entry.flag("repair"),
        model: entry.optional_text("model"),
        own_login: entry.choice("login", &[("own", true), ("none", false)]),
        spends: entry.flag("spends"),
        changes: entry.choice(
            "changes",
            &[
                ("required", Changes::Required),
                ("optional", Changes::Optional),
            ],
        ),
        timeout: entry.optional_duration("timeout"),
        environment: entry.texts("environment"),
        mark: entry.mark(),
    }
}
