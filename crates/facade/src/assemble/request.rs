use std::{collections::BTreeMap, fs, path::PathBuf, sync::Arc};

use agents::prompt::Prompts;
use config::{
    Finding, Findings,
    automation::{self, Settings as Configured},
    repositories::Repositories,
};
use core_types::{ChangeSet, OperationId, PlanId, RepositoryName, RunId};
use engine_workflow::{
    Approvals, Followed, LandingMode, LandingSettings, Limits, RepositorySettings, Settings,
    plan::validate,
};
use forges::Forge;
use git_workspace::Git;
use multi_repo::Selection;

use super::{
    AgentRecord, Asked, Error, GatewayRecord, Home, IssueSource, LearningRecord, RecoveryRecord,
    RepositorySource, RunRecord, SandboxRecord, Surroundings,
    assembly::git,
    issue::{read_file, unnumbered},
    on_forge::Accounts,
    plan_file::plan_from_file,
    record::VERSION,
    repositories::{Resolved, Targets, from_config, from_paths},
    spending::{models, optimizer},
};

/// What a new run is asked to do. What is not said here comes from the configuration.
#[derive(Debug, Clone, Default)]
pub struct RunRequest {
    /// What is to be solved; may be missing only where `plan` is given.
    pub issue: Option<IssueSource>,
    /// Repositories by their paths, the first primary; empty for the
    /// configured ones, or else the one that encloses the current folder.
    pub repositories: Vec<PathBuf>,
    /// The agent: `sh:LINE`, a program with arguments, or a configured name.
    pub agent: Option<String>,
    /// A file with the plan, so that no agent plans.
    pub plan: Option<PathBuf>,
    /// Waits for a person after planning.
    pub approve_plan: bool,
    /// Waits for a person before a target branch moves.
    pub approve_landing: bool,
    /// Moves the target branches at the end.
    pub land: bool,
    /// Which repositories land when one has failed; `None` as configured.
    pub landing: Option<LandingMode>,
    /// Moves a checked-out target branch together with its files.
    pub update_checkout: bool,
    /// Lands what no test has verified.
    pub allow_unverified: bool,
    /// Runs agents and commands without a sandbox.
    pub no_sandbox: bool,
    /// Gives the answers again that the models of this run gave, and asks nobody.
    pub replay: Option<RunId>,
    /// How many tasks run at a time.
    pub max_workers: Option<usize>,
    /// A cross-repository workflow of the configuration: its repositories, coordinated as it says.
    pub workflow: Option<String>,
    /// What is said about the change to agents, commands and reports, by keys.
    pub context: BTreeMap<String, String>,
    /// Who asked for it on a forge, where a process follows the issue there.
    pub followed: Option<Followed>,
}

impl RunRequest {
    /// Checks the whole request; nothing is written.
    pub(crate) async fn settle(
        &self,
        run: RunId,
        home: &Home,
        surroundings: &Surroundings,
        git: &Git,
        forge: &Arc<dyn Forge>,
        earlier: &Earlier,
    ) -> Result<RunRecord, Error> {
        let configured = configured(home, surroundings)?;
        let mut resolved = self
            .repositories(home, surroundings, git, &earlier.targets)
            .await?;
        let change_set = match &earlier.change_set {
            Some(given) => Some(known(given, &mut resolved)?),
            None => self.change_set(&run, resolved.configured.as_ref())?,
        };
        if let Some(change_set) = &change_set {
            resolved.retain(|name| change_set.member(name).is_some());
        }
        let Resolved {
            settings: repositories,
            sources,
            ..
        } = resolved;
        let names: Vec<_> = repositories.iter().map(|it| it.name.clone()).collect();
        let default_id =
            PlanId::new(&run).map_err(|error| Error::request(error.to_string(), ""))?;
        let plan = match &self.plan {
            None => None,
            Some(path) => {
                let path = surroundings.current_dir.join(path);
                Some(plan_from_file(&path, &default_id, &names)?)
            }
        };
        if let Some(plan) = &plan {
            let findings = validate(plan, &repositories, change_set.as_ref());
            if !findings.is_empty() {
                return Err(engine_workflow::Error::Plan(findings).into());
            }
        }
        let others = Arc::clone(forge);
        let forge = Accounts::open(&sources, None, others, home, surroundings).await?;
        let (issue, issue_home) = self
            .issue(&names, plan.as_ref(), surroundings, &forge)
            .await?;
        check_models(&configured, home, surroundings)?;
        let agent = match &earlier.agent {
            Some(agent) => agent.clone(),
            None => {
                let argument = self.agent.as_deref();
                let agent = AgentRecord::choose(argument, &configured, home, surroundings)?;
                agent.check_program(surroundings)?;
                agent
            }
        };
        let settings = Settings {
            plan_id: plan.as_ref().map_or(default_id, |plan| plan.id.clone()),
            run,
            issue,
            issue_home,
            followed: self.followed.clone(),
            repositories,
            plan,
            approvals: Approvals {
                plan: self.approve_plan || configured.approvals.plan,
                landing: self.approve_landing || configured.approvals.landing,
                deploy: configured.approvals.deploy,
            },
            limits: self.limits(&configured, earlier.max_workers),
            landing: LandingSettings {
                land: self.land,
                mode: self.landing.unwrap_or(match configured.landing.mode {
                    automation::LandingMode::All => LandingMode::All,
                    automation::LandingMode::Each => LandingMode::Each,
                }),
                update_checkout: self.update_checkout || configured.landing.update_checkout,
                allow_unverified: self.allow_unverified || configured.landing.allow_unverified,
            },
            protected_paths: configured.recovery.protected_paths.clone(),
            change_set,
        };
        Prompts::read_blocking(&home.config_file("prompts")).map_err(Error::Agent)?;
        let mut sandbox = SandboxRecord::from_config(&configured.sandbox, surroundings);
        sandbox.is_required &= !self.no_sandbox;
        sandbox.check()?;
        let gateway = GatewayRecord::from_config(configured.gateway, self.replay.clone());
        gateway.check(home)?;
        if sandbox.is_required && self.replay.is_none() {
            agent.check_login(surroundings)?;
        }
        Ok(RunRecord {
            v: VERSION,
            settings,
            agent,
            output_disk_bytes: configured.limits.output_disk_bytes,
            asked: Some(self.asked(home, &sources)),
            recovery: RecoveryRecord::from_config(&configured.recovery),
            budget: Some((&configured.budget).into()),
            models: Some((&models(home, surroundings)?).into()),
            sandbox,
            gateway,
            learning: LearningRecord::from_config(&configured.learning),
            sources,
        })
    }

    /// How the repositories of the configuration wait for each other.
    fn change_set(
        &self,
        run: &RunId,
        configured: Option<&Repositories>,
    ) -> Result<Option<ChangeSet>, Error> {
        let Some(configured) = configured else {
            if let Some(workflow) = &self.workflow {
                let message = format!(
                    "workflow {workflow}: only repositories of the configuration have workflows"
                );
                let hint = "leave --repo out, and name the workflow in config/repositories.yaml";
                return Err(Error::request(message, hint));
            }
            return Ok(None);
        };
        let id = own_id(run);
        let selection = match &self.workflow {
            Some(name) => Selection::Workflow(name),
            None => Selection::All,
        };
        let computed = multi_repo::change_set(configured, selection, id, self.context.clone());
        let file = &configured.file;
        computed
            .map(Some)
            .map_err(|error| Error::request(error.to_string(), format!("see {file}")))
    }

    fn asked(&self, home: &Home, sources: &[RepositorySource]) -> Asked {
        // Also the repository that encloses the current folder stays, wherever the run is resumed.
        let is_configured =
            self.repositories.is_empty() && home.config_file("repositories.yaml").exists();
        Asked {
            repositories: if is_configured {
                Vec::new()
            } else {
                sources.iter().map(|source| source.path.clone()).collect()
            },
            agent: self.agent.clone(),
            approve_plan: self.approve_plan,
            approve_landing: self.approve_landing,
            landing: self.landing,
            update_checkout: self.update_checkout,
            allow_unverified: self.allow_unverified,
            no_sandbox: self.no_sandbox,
            replay: self.replay.clone(),
            max_workers: self.max_workers,
            workflow: self.workflow.clone(),
            context: self.context.clone(),
        }
    }

    pub(crate) async fn repositories(
        &self,
        home: &Home,
        surroundings: &Surroundings,
        git: &Git,
        earlier: &Targets,
    ) -> Result<Resolved, Error> {
        if !self.repositories.is_empty() {
            return from_paths(git, &self.repositories, home, surroundings, earlier).await;
        }
        match configured_repositories(home, surroundings)? {
            Some(configured) => from_config(git, &configured, home, surroundings, earlier).await,
            None => {
                let here = std::slice::from_ref(&surroundings.current_dir);
                from_paths(git, here, home, surroundings, earlier).await
            }
        }
    }

    async fn issue(
        &self,
        repositories: &[RepositoryName],
        plan: Option<&core_types::Plan>,
        surroundings: &Surroundings,
        forge: &dyn Forge,
    ) -> Result<(core_types::Issue, Option<(RepositoryName, u64)>), Error> {
        let now = surroundings.clock.now();
        match (&self.issue, plan) {
            (Some(IssueSource::File(path)), _) => Ok((read_file(path.clone(), now)?, None)),
            (Some(IssueSource::Text { title, body }), _) => {
                if title.trim().is_empty() {
                    return Err(Error::request("the title is empty", "give --title a text"));
                }
                Ok((unnumbered(title.trim().to_owned(), body.clone(), now), None))
            }
            (Some(IssueSource::Forge(repository, number)), _) => {
                let home = match (repository, repositories) {
                    (Some(name), known) if known.contains(name) => name.clone(),
                    (None, [primary, ..]) => primary.clone(),
                    _ => {
                        return Err(Error::request(
                            "the issue's repository is not one of the run's",
                            "",
                        ));
                    }
                };
                let issue = forge.provider(&home).get_issue(*number).await?;
                Ok((issue, Some((home, *number))))
            }
            (None, Some(plan)) => Ok((unnumbered(plan.title.clone(), String::new(), now), None)),
            (None, None) => Err(Error::request(
                "there is nothing to do",
                "give an ISSUE (a Markdown file or an issue's number), --title, or --plan FILE",
            )),
        }
    }

    fn limits(&self, configured: &Configured, earlier: Option<usize>) -> Limits {
        let configured_workers = configured
            .limits
            .max_workers
            .map(std::num::NonZeroUsize::get);
        Limits {
            max_workers: self
                .max_workers
                .or(configured_workers)
                // What the machine allows varies from one moment to the next.
                .or(earlier)
                .unwrap_or_else(default_workers),
            max_executions: configured.limits.max_executions,
            agent_timeout: configured.limits.agent_timeout,
            setup_timeout: configured.limits.setup_timeout,
            test_timeout: configured.limits.test_timeout,
        }
    }
}

/// The prices can be read, and each model that an agent names has one.
fn check_models(
    configured: &Configured,
    home: &Home,
    surroundings: &Surroundings,
) -> Result<(), Error> {
    let optimizer = optimizer(home, surroundings)?;
    let mut findings = Findings::default();
    for (idx, agent) in configured.agents.iter().enumerate() {
        if let Some(model) = &agent.model
            && let Err(error) = optimizer.prices().find(model)
        {
            let key = format!("agents[{idx}].model");
            findings.push(Finding::new(
                &configured.file,
                agent.mark,
                key,
                error.to_string(),
            ));
        }
    }
    if findings.is_empty() {
        Ok(())
    } else {
        Err(findings.into())
    }
}

/// What stays of an earlier settling of the same run.
#[derive(Debug, Default)]
pub(crate) struct Earlier {
    /// Where it lands.
    pub(crate) targets: Targets,
    /// Its agent, where that does not come from the configuration.
    pub(crate) agent: Option<AgentRecord>,
    /// How many tasks run at a time, where nobody says it.
    pub(crate) max_workers: Option<usize>,
    /// How its repositories wait for each other, where a program has said it.
    pub(crate) change_set: Option<ChangeSet>,
}

/// The id of a change set that was computed from the configuration of the home.
fn own_id(run: &RunId) -> OperationId {
    OperationId::new(format!("{run}:change-set")).expect("a run id leaves room for a suffix")
}

/// The change set of a run that a program has given to it.
pub(crate) fn given_change_set(settings: &Settings) -> Option<ChangeSet> {
    let change_set = settings.change_set.clone()?;
    (change_set.id != own_id(&settings.run)).then_some(change_set)
}

/// A change set that was given, whose members must all be known.
fn known(given: &ChangeSet, resolved: &mut Resolved) -> Result<ChangeSet, Error> {
    for member in &given.members {
        let name = &member.repository;
        let Some(known) = resolved.settings.iter_mut().find(|it| it.name == *name) else {
            return Err(Error::request(
                format!("repository {name} of the change set is not one of the home's"),
                "name it in config/repositories.yaml, and enable it",
            ));
        };
        if member.write && !known.write {
            return Err(Error::request(
                format!("repository {name} is to be changed, and is only read in this home"),
                "see config/repositories.yaml",
            ));
        }
        known.write = member.write;
    }
    Ok(given.clone())
}

/// The repositories of a home's configuration, where there is such a file.
pub(crate) fn configured_repositories(
    home: &Home,
    surroundings: &Surroundings,
) -> Result<Option<Repositories>, Error> {
    let path = home.config_file("repositories.yaml");
    match fs::read(&path) {
        Ok(bytes) => {
            let shown = path.display().to_string();
            let text = config::decode(&shown, &bytes)?;
            let variable = |name: &str| surroundings.variable(name);
            Ok(Some(config::load_repositories(&shown, text, &variable)?))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(Error::Io {
            operation: "read",
            path,
            source,
        }),
    }
}

/// The configuration of a home; its defaults where there is no file.
pub(crate) fn configured(home: &Home, surroundings: &Surroundings) -> Result<Configured, Error> {
    let path = home.config_file("automation.yaml");
    let shown = path.display().to_string();
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Ok(Configured::default());
        }
        Err(source) => {
            return Err(Error::Io {
                operation: "read",
                path,
                source,
            });
        }
    };
    let text = config::decode(&shown, &bytes)?;
    Ok(config::load_settings(&shown, text, &|name| {
        surroundings.variable(name)
    })?)
}

/// The names of the repositories of a home, primary first: the configured
/// ones, else the one that encloses the current folder.
///
/// # Errors
///
/// What is wrong with the configuration, or that there is no repository.
pub async fn repository_names(
    home: &Home,
    surroundings: &Surroundings,
) -> Result<Vec<RepositoryName>, Error> {
    let git = git(surroundings).await?;
    let resolved = RunRequest::default()
        .repositories(home, surroundings, &git, &Targets::new())
        .await?;
    Ok(resolved
        .settings
        .into_iter()
        .map(|repository| repository.name)
        .collect())
}

/// The repositories of which a home can tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownRepositories {
    /// The one that is meant where none is named, if there is one.
    pub primary: Option<RepositoryName>,
    /// All of them, the primary one first.
    pub names: Vec<RepositoryName>,
}

/// The repositories of [`repository_names`], if there are any, and those that runs of the
/// home have worked on.
///
/// # Errors
///
/// As [`repository_names`], where no run has worked on any repository either.
pub async fn known_repositories(
    home: &Home,
    surroundings: &Surroundings,
) -> Result<KnownRepositories, Error> {
    let remembered = home.remembered();
    let mut names = match repository_names(home, surroundings).await {
        Ok(names) => names,
        Err(error) if remembered.is_empty() => return Err(error),
        Err(_) => Vec::new(),
    };
    let primary = match (names.first(), remembered.as_slice()) {
        (Some(primary), _) => Some(primary.clone()),
        (None, [only]) => Some(only.clone()),
        (None, _) => None,
    };
    for name in remembered {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    Ok(KnownRepositories { primary, names })
}

/// How many tasks run at a time where nobody says: one a core, one for each
/// 2 GiB of memory that is free, at least 1 and at most 4.
#[must_use]
pub fn default_workers() -> usize {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    let memory = fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
        let line = text
            .lines()
            .find(|line| line.starts_with("MemAvailable:"))?
            .to_owned();
        let kib: usize = line.split_whitespace().nth(1)?.parse().ok()?;
        Some(kib / (2 * 1024 * 1024))
    });
    cores.min(memory.unwrap_or(cores)).clamp(1, 4)
}

/// The settings by which a recorded run differs from what the configuration says now.
pub(crate) fn changed_since(record: &RunRecord, now: &RunRecord) -> Vec<String> {
    let mut changed = Vec::new();
    let mut compare = |what: &str, same: bool| {
        if !same {
            changed.push(what.to_owned());
        }
    };
    compare("agent", record.agent == now.agent);
    compare(
        "limits",
        record.settings.limits == now.settings.limits
            && record.output_disk_bytes == now.output_disk_bytes,
    );
    compare(
        "approvals",
        record.settings.approvals == now.settings.approvals,
    );
    compare(
        "landing",
        record.settings.landing == now.settings.landing
            && record.settings.protected_paths == now.settings.protected_paths,
    );
    compare("recovery", record.recovery == now.recovery);
    compare("sandbox", record.sandbox == now.sandbox);
    compare("gateway", record.gateway == now.gateway);
    compare("budget", record.budget == now.budget);
    compare(
        "models",
        record.models.is_none() || record.models == now.models,
    );
    compare("learning", record.learning == now.learning);
    // That other repositories take part is told by their names.
    if record.sources == now.sources {
        compare(
            "how repositories wait for each other",
            record.settings.change_set == now.settings.change_set,
        );
    }
    let by_name = |record: &RunRecord, name: &RepositoryName| {
        let source = record.sources.iter().find(|source| source.name == *name);
        let settings: Option<RepositorySettings> = record.settings.repository(name).cloned();
        (source.cloned(), settings)
    };
    let added = now
        .sources
        .iter()
        .filter(|source| record.settings.repository(&source.name).is_none());
    for RepositorySource { name, .. } in record.sources.iter().chain(added) {
        compare(
            &format!("repository {name}"),
            by_name(record, name) == by_name(now, name),
        );
    }
    changed
}
