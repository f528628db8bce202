//! What the workflow of a run reaches the world by.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use agents::{AgentContext, Registry, prompt::Prompts};
use async_trait::async_trait;
use core_types::{
    Agent, BranchName, CancellationToken, ChangeSetLander, CommandRunner, Event, EventSink,
    GitProvider, PortError, Repository, RepositoryName, StepRef,
};
use engine_recovery::retry::Breakers;
use engine_workflow::{Aids, MeteredAgent, MeteredProvider, Ports, RepositoryPorts};
use forges::Forge as _;
use git_workspace::{GitRepository, Places, RemoteCopy};
use learning::FeedbackLoop;

use super::{Assembly, FOLDER_MARK, Observer, open_inbox};
use crate::assemble::{
    Error, RepositorySource,
    lessons::advisor,
    models::RunModels,
    on_forge::{Accounts, NotTogether, OnForge, remote},
    plan_file::PlanWriter,
    prompts::TellingAgent,
    recovery::{Means, recovery},
    run_ledger::RunLedger,
    sandbox::{Shared, UNSANDBOXED},
    spending::open_ledger,
};

impl Assembly {
    /// A repository of this machine, or our copy of one on a forge.
    async fn repository(
        &self,
        source: &RepositorySource,
        places: &Places,
        forge: &Arc<dyn GitProvider>,
    ) -> Result<Arc<dyn Repository>, Error> {
        let open = |folder: PathBuf| async move {
            let git = self.git.clone();
            GitRepository::open(git, source.name.clone(), &folder, places).await
        };
        let Some(record) = &source.on_forge else {
            return Ok(Arc::new(open(source.path.clone()).await?));
        };
        let settings = self.record.settings.repository(&source.name);
        let target = &settings.expect("each source has settings").target;
        let remote = remote(record, &self.home, &self.surroundings).await?;
        let copy = RemoteCopy::open(self.git.clone(), remote, &source.path, target).await?;
        let inner = open(copy.folder().to_owned()).await?;
        let provider = Arc::clone(forge);
        Ok(Arc::new(OnForge {
            inner,
            copy,
            provider,
        }))
    }

    /// What lands all repositories of the run or none.
    fn lander(
        &self,
        repositories: &BTreeMap<RepositoryName, RepositoryPorts>,
    ) -> Option<Arc<dyn ChangeSetLander>> {
        let settings = &self.record.settings;
        let is_written =
            |name: &RepositoryName| settings.repository(name).is_some_and(|it| it.write);
        let written = self.record.sources.iter().filter(|it| is_written(&it.name));
        let (on_forges, here): (Vec<_>, Vec<_>) = written.partition(|it| it.on_forge.is_some());
        match (on_forges.len(), here.len()) {
            (0, _) => Some(Arc::new(multi_repo::TwoPhase)),
            // One is all of them.
            (1, 0) => None,
            (_, 0) => Some(Arc::new(multi_repo::OrderedMerge {
                providers: repositories
                    .iter()
                    .map(|(name, ports)| (name.clone(), Arc::clone(&ports.forge)))
                    .collect(),
                order: match &settings.change_set {
                    Some(change_set) => change_set.landing_order().cloned().collect(),
                    None => Vec::new(),
                },
                undo_branch: BranchName::new(format!("automation/{}/undo", settings.run))
                    .expect("a run id is a valid part of a branch name"),
                options: multi_repo::Options::default(),
            })),
            _ => Some(Arc::new(NotTogether)),
        }
    }

    pub(super) async fn ports(
        &self,
        observer: Arc<dyn Observer>,
        folder: &Path,
        pause: &CancellationToken,
        feedback: Option<FeedbackLoop>,
    ) -> Result<(Ports, Arc<RunLedger>), Error> {
        let run = &self.record.settings.run;
        let stored = self.journal.events();
        let events: Arc<dyn EventSink> = Arc::new(Observed { stored, observer });
        let mut environment =
            process::allowed_environment(self.surroundings.environment.iter().cloned(), &[]);
        environment.push((FOLDER_MARK.into(), folder.into()));
        let shared = Shared {
            environment: &environment,
            home: &self.home,
            sources: &self.record.sources,
        };
        let sandbox = &self.record.sandbox;
        let command_sandbox = sandbox.commands(&shared, folder.join("private"));
        let as_text = |(name, value): &(std::ffi::OsString, std::ffi::OsString)| {
            Some((name.to_str()?.to_owned(), value.to_str()?.to_owned()))
        };
        let ledger = open_ledger(&self.home, &self.surroundings, Some(&self.record))?;
        let (told, stop) = (events.clone(), pause.clone());
        let ledger = Arc::new(RunLedger::new(ledger, &self.record, stop, told).await?);
        let (agent, gateway) = (&self.record.agent, &self.record.gateway);
        let self_reported = gateway.self_reported(agent, &self.surroundings);
        // Whom a gateway serves needs no login, whether it may have one or not.
        let login = match self_reported {
            Some(_) => agent.login_paths(),
            None => &[],
        };
        let agent_sandbox = sandbox.agent(login, &shared);
        let gateway = gateway.start(
            agent,
            &self.home,
            folder,
            ledger.clone(),
            &self.surroundings,
        );
        let gateway = gateway.await?;
        if let Some(message) = self_reported.clone() {
            events.emit(None, Event::Warning { message });
        }
        let folder_of_prompts = self.home.config_file("prompts");
        let prompts = Prompts::read_blocking(&folder_of_prompts).map_err(Error::Agent)?;
        let prompts = Arc::new(prompts);
        let context = AgentContext {
            environment: environment.iter().filter_map(as_text).collect(),
            events: events.clone(),
            clock: self.surroundings.clock.clone(),
            transcript_bytes: self.record.output_disk_bytes,
            sandbox: agent_sandbox,
            prompts: prompts.clone(),
            gateway,
        };
        let agent = self
            .record
            .agent
            .build(&Registry::default(), &context, &self.surroundings)?;
        // Inside of the meter, so that a limit of money says nothing about the agent's host.
        let breakers = Arc::new(Breakers::default());
        let agent = breakers.watch(agent, self.surroundings.clock.clone());
        let learning = self.record.learning.as_ref().filter(|_| feedback.is_some());
        let agent: Arc<dyn Agent> = Arc::new(TellingAgent {
            agent,
            events: events.clone(),
            keep: learning.map(|it| it.keep()),
            prompts,
        });
        let places = Places {
            mirrors: self.home.state().join("mirrors"),
            workspaces: self.home.state().join("workspaces"),
        };
        let begun = Some(self.journal.header().created);
        let others = Arc::clone(&self.forge);
        let sources = &self.record.sources;
        let forges = Accounts::open(sources, begun, others, &self.home, &self.surroundings).await?;
        let mut repositories = BTreeMap::new();
        for source in sources {
            let forge = forges.provider(&source.name);
            let kind = forges.kind(&source.name);
            let forge: Arc<dyn GitProvider> =
                Arc::new(MeteredProvider::new(forge, kind, events.clone()));
            let repository = self.repository(source, &places, &forge).await?;
            let ports = RepositoryPorts { repository, forge };
            repositories.insert(source.name.clone(), ports);
        }
        let inbox = open_inbox(&self.home, run, &self.surroundings)?;
        let commands = process::Runner::new(environment, run.clone(), events.clone());
        let commands = match command_sandbox {
            Some(sandbox) => commands.sandbox(sandbox),
            None => commands,
        };
        let commands: Arc<dyn CommandRunner> =
            Arc::new(commands.log_bytes(self.record.output_disk_bytes));
        let mut aids = Aids {
            ledger: ledger.clone(),
            models: Arc::new(RunModels::new(
                &self.home,
                &self.surroundings,
                &self.record,
            )?),
            lander: self.lander(&repositories),
            ..Aids::default()
        };
        if !self.record.sandbox.is_required {
            aids.notes.push(UNSANDBOXED.to_owned());
        }
        aids.notes.extend(self_reported);
        if let Some(feedback) = feedback {
            aids.advisor = advisor(feedback);
        }
        let metered = MeteredAgent::new(agent.clone(), aids.ledger.clone(), events.clone())
            .selecting(aids.models.clone());
        let means = Means {
            state: self.journal.plan_state(),
            checkpoints: self.journal.checkpoints(),
            steps: self.journal.steps(),
            events: events.clone(),
            commands: commands.clone(),
            clock: self.surroundings.clock.clone(),
            agent: Arc::new(metered),
            breakers,
            forge: self.issue_forge(&repositories),
        };
        aids.recovery = recovery(self.record.recovery.as_ref(), &means, &repositories);
        let ports = Ports {
            steps: self.journal.steps(),
            events,
            checkpoints: self.journal.checkpoints(),
            inbox: Arc::new(inbox),
            agent,
            commands,
            clock: self.surroundings.clock.clone(),
            repositories,
            plan_file: Arc::new(PlanWriter {
                path: folder.join("plan.yaml"),
            }),
            folder: folder.to_owned(),
            aids,
        };
        Ok((ports, ledger))
    }
}

/// Stores events and shows them to an observer.
#[derive(Debug)]
struct Observed {
    stored: Arc<dyn EventSink>,
    observer: Arc<dyn Observer>,
}

#[async_trait]
impl EventSink for Observed {
    fn emit(&self, step: Option<&StepRef>, event: Event) {
        tracing::debug!(
            step = step.map(|step| tracing::field::display(&step.key)),
            ?event
        );
        self.observer.observe(step, &event);
        self.stored.emit(step, event);
    }

    async fn flush(&self) -> Result<(), PortError> {
        self.stored.flush().await
    }
}
