mod ports;

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use agents::{AgentArgument, parse_agent_argument};
use core_types::{
    CancellationToken, Event, GitProvider, Inbox, Message, RepositoryName, RunId, StepRef,
};
use engine_checkpoint::{FileInbox, RunHeader, RunJournal, RunView};
use engine_workflow::{RepositoryPorts, RunEnd, Workflow};
use forges::Forge;
use git_workspace::Git;
use learning::FeedbackLoop;
use serde_json::Value;

use super::{
    Asked, Error, Home, RunRecord, RunRequest, Surroundings,
    lessons::{self, learn_from},
    monitor::keep,
    on_forge::Accounts,
    plan_runner::{Given, registered},
    record::{RELOADED, view},
    repositories::{check_publishable, on_forges},
    request::{Earlier, changed_since, configured_repositories, given_change_set},
    sandbox::UNSANDBOXED,
};

/// The variable by which the processes of a run are found again. Its value is
/// the run's folder, since two homes may have runs of one name.
const FOLDER_MARK: &str = "AUTOMATION_RUN_FOLDER";

/// The name of the run record that holds how the run ended; null once it goes on.
pub(crate) const END: &str = "end";

/// A run, held by this process and ready to be executed.
#[derive(Debug)]
pub struct Assembly {
    record: RunRecord,
    journal: RunJournal,
    home: Home,
    surroundings: Surroundings,
    git: Arc<Git>,
    forge: Arc<dyn Forge>,
}

impl Assembly {
    /// Begins a run: checks the whole request, and only then writes anything.
    ///
    /// # Errors
    ///
    /// What is wrong with the request; what could not be written.
    pub async fn create(
        run: RunId,
        request: &RunRequest,
        home: Home,
        surroundings: Surroundings,
    ) -> Result<Self, Error> {
        Self::create_with(run, request, home, surroundings, Given::default()).await
    }

    /// As [`Assembly::create`], with what a program gives in place of the home's.
    pub(crate) async fn create_with(
        run: RunId,
        request: &RunRequest,
        home: Home,
        surroundings: Surroundings,
        given: Given,
    ) -> Result<Self, Error> {
        let git = git(&surroundings).await?;
        home.check()?;
        // A beginning that was cut off before its first record is taken over.
        let journal = home.run_folder(&run).join("journal");
        if RunView::read_with(journal, &surroundings.journal).is_ok() {
            let message = format!("there is a run {run} in {} already", home.root().display());
            return Err(Error::request(message, "give another name"));
        }
        let forge = registered(open_forge(&home, &surroundings)?, &given.providers);
        let earlier = Earlier {
            change_set: given.change_set,
            ..Earlier::default()
        };
        let record = request
            .settle(run.clone(), &home, &surroundings, &git, &forge, &earlier)
            .await?;
        let repositories = record.settings.repositories.iter().zip(&record.sources);
        let written = repositories
            .filter(|(repository, source)| repository.write && source.on_forge.is_none());
        for (_, source) in written {
            check_publishable(&git, &source.path, Some(&run)).await?;
        }
        home.ensure()?;
        for source in &record.sources {
            home.remember(&source.name, &source.path)?;
        }
        let folder = home.run_folder(&run).join("journal");
        let data = record.to_value()?;
        let header = RunHeader::new(run.clone(), surroundings.clock.now(), data);
        let journal = RunJournal::create(folder, &surroundings.checkpoint_options(), header)
            .map_err(|source| Error::Journal { run, source })?;
        Ok(Self {
            record,
            journal,
            home,
            surroundings,
            git,
            forge,
        })
    }

    /// Takes a run up again. It fails while another process holds it.
    ///
    /// # Errors
    ///
    /// [`Error::Journal`] (held, damaged, or of a newer version), [`Error::NoRun`].
    pub async fn open(run: RunId, home: Home, surroundings: Surroundings) -> Result<Self, Error> {
        let folder = home.run_folder(&run).join("journal");
        let git = git(&surroundings).await?;
        let forge = open_forge(&home, &surroundings)?;
        let journal = RunJournal::open(folder, &surroundings.checkpoint_options())
            .map_err(|source| Error::journal(&run, source))?;
        let data = journal
            .run_record(RELOADED)
            .unwrap_or_else(|| journal.header().data.clone());
        let record = RunRecord::from_value(&run, data)?;
        Ok(Self {
            record,
            journal,
            home,
            surroundings,
            git,
            forge,
        })
    }

    /// The run with these forges in place of the home's.
    pub(crate) fn with_providers(
        mut self,
        providers: &BTreeMap<RepositoryName, Arc<dyn GitProvider>>,
    ) -> Self {
        self.forge = registered(self.forge, providers);
        self
    }

    /// The run without a sandbox from now on, which its record then says.
    ///
    /// # Errors
    ///
    /// What could not be written.
    ///
    /// # Cancel safety
    ///
    /// It is recorded or not.
    pub async fn without_sandbox(&mut self) -> Result<(), Error> {
        let mut now = self.record.clone();
        now.sandbox.is_required = false;
        if let Some(asked) = &mut now.asked {
            asked.no_sandbox = true;
        }
        let value = now.to_value()?;
        let recorded = self.journal.append_run_record(RELOADED, value).await;
        recorded.map_err(|source| Error::Journal {
            run: self.record.settings.run.clone(),
            source,
        })?;
        self.record = now;
        Ok(())
    }

    /// What the run was asked to do.
    #[must_use]
    pub fn record(&self) -> &RunRecord {
        &self.record
    }

    /// Which parts of the configuration differ from what the run has recorded.
    ///
    /// # Errors
    ///
    /// What is wrong with the configuration as it is now.
    pub async fn changed_configuration(&self) -> Result<Vec<String>, Error> {
        let now = self.settle_again().await?;
        Ok(changed_since(&self.record, &now))
    }

    /// Takes the configuration as it is now, for steps that have not begun.
    ///
    /// # Errors
    ///
    /// What is wrong with the configuration, also where it names other repositories than
    /// those that the run began with; what could not be written.
    pub async fn reload(&mut self) -> Result<(), Error> {
        let now = self.settle_again().await?;
        if now.sources != self.record.sources {
            let shown = |record: &RunRecord| {
                let shown = record.sources.iter();
                let shown = shown.map(|it| format!("{} ({})", it.name, it.path.display()));
                shown.collect::<Vec<_>>().join(", ")
            };
            return Err(Error::request(
                format!(
                    "the run works on {}, and config/repositories.yaml now names {}",
                    shown(&self.record),
                    shown(&now)
                ),
                "go on without --reload, or begin another run",
            ));
        }
        let run = self.record.settings.run.clone();
        let value = now.to_value()?;
        self.journal
            .append_run_record(RELOADED, value)
            .await
            .map_err(|source| Error::Journal { run, source })?;
        self.record = now;
        Ok(())
    }

    /// The recorded request, settled anew: what the command line said stays, as do issue
    /// and plan; the rest is read again.
    async fn settle_again(&self) -> Result<RunRecord, Error> {
        let recorded = &self.record;
        let settings = &recorded.settings;
        let asked = recorded.asked.clone().unwrap_or_else(|| Asked {
            repositories: recorded.sources.iter().map(|it| it.path.clone()).collect(),
            agent: None,
            approve_plan: settings.approvals.plan,
            approve_landing: settings.approvals.landing,
            landing: Some(settings.landing.mode),
            update_checkout: settings.landing.update_checkout,
            allow_unverified: settings.landing.allow_unverified,
            no_sandbox: !recorded.sandbox.is_required,
            replay: None,
            max_workers: Some(settings.limits.max_workers),
            workflow: None,
            context: BTreeMap::new(),
        });
        // A command is found from the folder in which it was given.
        let is_command = |agent: &str| {
            matches!(
                parse_agent_argument(agent),
                Ok(AgentArgument::Command(_)) | Err(_)
            )
        };
        let agent_stays =
            recorded.asked.is_none() || asked.agent.as_deref().is_some_and(is_command);
        let request = RunRequest {
            issue: Some(super::IssueSource::Text {
                title: settings.issue.title.clone(),
                body: settings.issue.body.clone(),
            }),
            repositories: asked.repositories.clone(),
            agent: asked.agent.clone(),
            land: settings.landing.land,
            landing: asked.landing,
            update_checkout: asked.update_checkout,
            allow_unverified: asked.allow_unverified,
            no_sandbox: asked.no_sandbox,
            replay: asked.replay.clone(),
            approve_plan: asked.approve_plan,
            approve_landing: asked.approve_landing,
            max_workers: asked.max_workers,
            workflow: asked.workflow.clone(),
            context: asked.context.clone(),
            followed: settings.followed.clone(),
            plan: None,
        };
        let both = recorded.sources.iter().zip(&settings.repositories);
        let earlier = Earlier {
            targets: both
                .map(|(source, repository)| (source.path.clone(), repository.target.clone()))
                .collect(),
            agent: agent_stays.then(|| recorded.agent.clone()),
            max_workers: Some(settings.limits.max_workers),
            change_set: given_change_set(settings),
        };
        let mut now = request
            .settle(
                settings.run.clone(),
                &self.home,
                &self.surroundings,
                &self.git,
                &self.forge,
                &earlier,
            )
            .await?;
        now.asked = recorded.asked.clone();
        now.settings.issue = settings.issue.clone();
        now.settings.issue_home = settings.issue_home.clone();
        now.settings.plan = settings.plan.clone();
        now.settings.plan_id = settings.plan_id.clone();
        Ok(now)
    }

    /// Runs, or goes on, until the run has ended or waits. Cancelling the token
    /// pauses it. Every event is also given to `observer`, as it happens.
    ///
    /// # Errors
    ///
    /// What stopped the run before its end.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends all agents and commands. Nothing recorded is lost.
    pub async fn execute(
        &self,
        pause: &CancellationToken,
        observer: Arc<dyn Observer>,
    ) -> Result<RunEnd, Error> {
        let run = &self.record.settings.run;
        // Until this session has come to an end, the run has none.
        if self
            .journal
            .run_record(END)
            .is_some_and(|end| !end.is_null())
        {
            self.record_end(Value::Null).await?;
        }
        self.record.sandbox.check()?;
        if !self.record.sandbox.is_required {
            self.warn(&*observer, UNSANDBOXED.to_owned());
        }
        // Agents that outlived a kill would work beside the new ones.
        let folder = self.home.run_folder(run);
        let folder = folder.canonicalize().unwrap_or(folder);
        for found in process::end_marked(FOLDER_MARK, &folder.display().to_string()).await {
            let message = format!("process {} of an earlier session was ended", found.pid);
            self.journal.events().emit(None, Event::Warning { message });
        }
        let feedback = self.feedback(&*observer);
        let (ports, ledger) = self
            .ports(observer.clone(), &folder, pause, feedback.clone())
            .await?;
        let repositories = ports.repositories.clone();
        let workflow = Workflow::new(
            self.record.settings.clone(),
            ports,
            self.journal.session(),
            pause,
        );
        let end = tokio::select! {
            end = Box::pin(workflow.execute()) => end,
            never = ledger.watch_limit() => match never {},
        };
        if let Some(feedback) = feedback {
            self.learn(&feedback, &repositories, &*observer).await;
        }
        let end = end?;
        let value = serde_json::to_value(&end).map_err(|source| Error::Record {
            run: run.clone(),
            source,
        })?;
        self.record_end(value).await?;
        // A run is shown without it, too.
        if let Err(error) = keep(&self.home, &self.surroundings, run).await {
            tracing::warn!(
                error = line(&error).as_str(),
                "the run's summary is not kept"
            );
        }
        Ok(end)
    }

    /// What the run learns from and for. A run without it is still a run.
    fn feedback(&self, observer: &dyn Observer) -> Option<FeedbackLoop> {
        let learning = self.record.learning.as_ref()?;
        match lessons::open(&self.home, &self.surroundings, learning) {
            Ok(feedback) => Some(feedback),
            Err(error) => {
                self.warn(
                    observer,
                    format!("nothing is learnt from this run: {}", line(&error)),
                );
                None
            }
        }
    }

    /// Takes in what the session has left.
    async fn learn(
        &self,
        feedback: &FeedbackLoop,
        repositories: &BTreeMap<RepositoryName, RepositoryPorts>,
        observer: &dyn Observer,
    ) {
        let (home, surroundings) = (&self.home, &self.surroundings);
        let learnt = async {
            let others = Arc::clone(&self.forge);
            let provenance = lessons::provenance(home, surroundings, &self.record, others).await;
            let record = &self.record;
            learn_from(
                feedback,
                home,
                surroundings,
                record,
                provenance,
                repositories,
            )
            .await
        };
        if let Err(error) = learnt.await {
            self.warn(
                observer,
                format!(
                    "what was done could not be recorded to learn from it: {}",
                    line(&error)
                ),
            );
        }
    }

    fn warn(&self, observer: &dyn Observer, message: String) {
        let event = Event::Warning { message };
        observer.observe(None, &event);
        self.journal.events().emit(None, event);
    }

    async fn record_end(&self, end: Value) -> Result<(), Error> {
        let recorded = self.journal.append_run_record(END, end).await;
        recorded.map_err(|source| Error::Journal {
            run: self.record.settings.run.clone(),
            source,
        })
    }

    /// How many messages other processes have sent to the run so far.
    ///
    /// # Errors
    ///
    /// What the inbox answers.
    ///
    /// # Cancel safety
    ///
    /// Nothing is changed.
    pub async fn n_messages(&self) -> Result<usize, Error> {
        let inbox = open_inbox(&self.home, &self.record.settings.run, &self.surroundings)?;
        Ok(inbox.messages().await?.len())
    }

    /// Lets the run go. Where more than `n_messages` have come by then, the later ones were
    /// told to this process alone, and the run is taken up again, unless another process has done so.
    ///
    /// # Errors
    ///
    /// As [`Assembly::open`], and what the inbox answers.
    ///
    /// # Cancel safety
    ///
    /// The run is let go in any case.
    pub async fn release(self, n_messages: usize) -> Result<Option<Self>, Error> {
        let Self {
            record,
            journal,
            home,
            surroundings,
            ..
        } = self;
        let run = record.settings.run;
        // Who tells a run something looks afterwards whether it is held: who saw us has told it by now.
        drop(journal);
        let inbox = open_inbox(&home, &run, &surroundings)?;
        if inbox.messages().await?.len() <= n_messages {
            return Ok(None);
        }
        match Self::open(run, home, surroundings).await {
            Err(Error::Held { .. }) => Ok(None),
            opened => opened.map(Some),
        }
    }

    /// The forge that holds the run's issue, if one does and nobody else tells it of the run.
    fn issue_forge(
        &self,
        repositories: &BTreeMap<RepositoryName, RepositoryPorts>,
    ) -> Option<Arc<dyn GitProvider>> {
        let settings = &self.record.settings;
        let (home, _) = settings.issue_home.as_ref()?;
        if settings.followed.is_some() {
            return None;
        }
        Some(repositories.get(home)?.forge.clone())
    }
}

/// The forge of a home and those that its configuration names.
///
/// # Errors
///
/// [`Error::Forge`]; what is wrong with the configuration, or with where a token comes from.
///
/// # Cancel safety
///
/// Nothing is changed.
pub async fn open_forges(
    home: &Home,
    surroundings: &Surroundings,
) -> Result<Arc<dyn Forge>, Error> {
    let local = open_forge(home, surroundings)?;
    let Some(configured) = configured_repositories(home, surroundings)? else {
        return Ok(local);
    };
    let sources = on_forges(&configured, home)?;
    let accounts = Accounts::open(&sources, None, local, home, surroundings).await?;
    Ok(Arc::new(accounts))
}

/// An error and its causes in a line.
pub(crate) fn line(error: &Error) -> String {
    let mut line = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        line.push_str(&format!(": {error}"));
        cause = error.source();
    }
    line
}

/// The forge of a home.
///
/// # Errors
///
/// [`Error::Forge`].
pub fn open_forge(home: &Home, surroundings: &Surroundings) -> Result<Arc<dyn Forge>, Error> {
    let author = surroundings
        .variable("USER")
        .filter(|name| !name.is_empty());
    let defaults = forges::LocalForgeOptions::default();
    let context = forges::ForgeContext {
        folder: home.state().join("forge"),
        local: forges::LocalForgeOptions {
            journal: surroundings.journal.clone(),
            author: author.unwrap_or(defaults.author),
        },
        clock: surroundings.clock.clone(),
    };
    let spec = forges::ForgeSpec {
        name: "local".to_owned(),
        kind: "local".to_owned(),
    };
    forges::Registry::default()
        .open(&spec, &context)
        .map_err(Error::Forge)
}

/// Git as this machine has it, hardened.
///
/// # Errors
///
/// Where it is missing or too old.
pub(crate) async fn git(surroundings: &Surroundings) -> Result<Arc<Git>, Error> {
    let mut options = git_workspace::Options::default();
    if let Some(path) = surroundings.variable("PATH") {
        options.path = path.into();
    }
    options.clock = surroundings.clock.clone();
    let git = Git::new(options);
    git.version().await?;
    Ok(Arc::new(git))
}

pub(crate) fn open_inbox(
    home: &Home,
    run: &RunId,
    surroundings: &Surroundings,
) -> Result<FileInbox, Error> {
    let folder: PathBuf = home.run_folder(run).join("inbox");
    FileInbox::open(folder, &surroundings.checkpoint_options()).map_err(|source| Error::Journal {
        run: run.clone(),
        source,
    })
}

/// Says something to a run. Whether a process holds the run is the answer: then it has been told.
///
/// # Errors
///
/// [`Error::NoRun`], [`Error::Journal`], [`Error::Port`].
pub async fn send(
    home: &Home,
    run: &RunId,
    message: &Message,
    surroundings: &Surroundings,
) -> Result<bool, Error> {
    open_inbox(home, run, surroundings)?.send(message).await?;
    let held = view(home, run, surroundings)?.is_held();
    held.map_err(|source| Error::journal(run, source))
}

/// Sees the events of a run as they happen, in the process that executes it.
pub trait Observer: std::fmt::Debug + Send + Sync {
    /// Takes an event; it must not block.
    fn observe(&self, step: Option<&StepRef>, event: &Event);
}
