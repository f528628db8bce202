//! The loop: look at issues, tell runs, show where they stand.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fmt::Debug,
    sync::Arc,
    time::Duration,
};

use config::automation::{Labels, Serve};
use core_types::{
    CancellationToken, ErrorClass, Event, IssueState, RepositoryName, RunId, StepRef,
};
use forges::Forge as _;
use tokio::{sync::Notify, task::JoinSet, time::Instant};

use super::{
    asked::{Asked, text_hash},
    comment::{Remarks, comment},
    hearing::Merged,
    memory::{IssueKey, Memory, Saying},
    phase::{Phase, changes, is_same_label},
    seen::Seen,
    showing::Written,
    watch::Watch,
};
use crate::assemble::{
    Assembly, Error, ForgeRecord, Home, IssueSource, Observer, RepositorySource, RunRecord,
    RunRequest, RunState, RunStatus, Surroundings,
    assembly::{line, open_forge},
    on_forge::{Account, Accounts},
    repositories::on_forges,
    request::{configured, configured_repositories},
};

/// When a run that an error stopped, which may pass, is tried again.
const AGAIN: Duration = Duration::from_secs(300);

/// Looks begin so far apart, however many webhooks come; less where lists of all forges settle sooner, or where it is
/// to look more often.
const APART: Duration = Duration::from_secs(1);

/// Says what a follower does, for whoever watches it.
pub trait Teller: Debug + Send + Sync {
    /// Takes a line; it must not block.
    fn tell(&self, line: &str);
}

/// Makes a [`Follower`] look at once; clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Nudge(Arc<Notify>);

impl Nudge {
    /// Makes it look at once. Nudges that come while it looks make it look once more.
    pub fn nudge(&self) {
        self.0.notify_one();
    }

    /// Waits for a nudge; one that came before counts, once.
    pub(super) async fn notified(&self) {
        self.0.notified().await;
    }
}

/// How long a [`Follower`] goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// Until it is told to stop.
    Stopped,
    /// Until there is nothing to do but to wait for people.
    Idle,
}

/// Follows the issues of a home's repositories on forges: whoever may write starts runs, approves and
/// answers there.
///
/// It looks at the issues again and again. One that a person with the right to write has labelled becomes a
/// run; where the run stands shows in the issue's labels and in one comment, which is edited in place;
/// what such people say in comments goes to the run. At most so many runs go on at a time as the
/// configuration says.
///
/// # What survives a kill
///
/// The name of a run comes from the label that asked for it, so that it is begun once. A comment is noted
/// before and after it is made, and carries a mark. What somebody has said is noted before the run is
/// told and after the run has heard it. Labels are compared with what they should be each time.
#[derive(Debug)]
pub struct Follower {
    pub(super) home: Home,
    pub(super) surroundings: Surroundings,
    pub(super) serve: Serve,
    pub(super) labels: Labels,
    pub(super) sources: Vec<RepositorySource>,
    pub(super) accounts: Accounts,
    pub(super) memory: Memory,
    /// What was read of each repository, where reads are saved.
    pub(super) watches: BTreeMap<RepositoryName, Watch>,
    pub(super) teller: Arc<dyn Teller>,
    /// Runs with the issues that they are for. Ids sort as they were asked for.
    pub(super) runs: BTreeMap<RunId, IssueKey>,
    pub(super) sessions: JoinSet<(RunId, Result<(), Error>)>,
    pub(super) active: BTreeMap<RunId, Session>,
    /// Runs to be taken up, the longest due first.
    pub(super) due: VecDeque<RunId>,
    /// What runs were told and have not heard yet.
    pub(super) told: BTreeMap<RunId, Vec<(RepositoryName, Saying)>>,
    /// Why runs stopped before their ends, and when they are tried again, if at all.
    pub(super) stopped: BTreeMap<RunId, Stopped>,
    /// What became of the last thing that somebody said.
    pub(super) heard: BTreeMap<IssueKey, String>,
    /// What status comments say.
    pub(super) written: BTreeMap<IssueKey, Written>,
    /// Issues with a label that their history does not explain, since when.
    pub(super) unexplained: BTreeMap<IssueKey, Instant>,
    /// Whether something is to be looked at again, though there is nothing to do now.
    pub(super) is_to_look_again: bool,
    /// The forges that have failed in this look.
    down: BTreeSet<String>,
    /// Where runs stood when they were looked at last.
    pub(super) phases: BTreeMap<RunId, Option<Phase>>,
    /// The last error of each place, which is told once.
    pub(super) errors: BTreeMap<String, String>,
}

/// A run that this process works on.
#[derive(Debug)]
pub(super) struct Session {
    task: tokio::task::Id,
    pub(super) pause: CancellationToken,
    /// What it has been told before it was taken up.
    pub(super) told: Vec<(RepositoryName, Saying)>,
}

#[derive(Debug)]
pub(super) struct Stopped {
    why: String,
    again: Option<Instant>,
}

impl Follower {
    /// Opens what there is to be followed. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// What is wrong with the configuration, or that it names no repository on a forge; Validation
    /// where another process follows the issues of this home.
    ///
    /// # Cancel safety
    ///
    /// Nothing is changed.
    pub async fn open(
        home: Home,
        surroundings: Surroundings,
        teller: Arc<dyn Teller>,
    ) -> Result<Self, Error> {
        let settings = configured(&home, &surroundings)?;
        let sources = match configured_repositories(&home, &surroundings)? {
            Some(configured) => on_forges(&configured, &home)?,
            None => Vec::new(),
        };
        if sources.is_empty() {
            return Err(Error::request(
                "no repository of this home is on a forge",
                "name a forge and its repositories in config/repositories.yaml",
            ));
        }
        let local = open_forge(&home, &surroundings)?;
        let accounts = Accounts::open(&sources, None, local, &home, &surroundings).await?;
        let memory = Memory::open(&home, &surroundings)?;
        let mut follower = Self {
            home,
            surroundings,
            serve: settings.serve,
            labels: settings.labels,
            sources,
            accounts,
            memory,
            watches: BTreeMap::new(),
            teller,
            runs: BTreeMap::new(),
            sessions: JoinSet::new(),
            active: BTreeMap::new(),
            due: VecDeque::new(),
            told: BTreeMap::new(),
            stopped: BTreeMap::new(),
            heard: BTreeMap::new(),
            written: BTreeMap::new(),
            unexplained: BTreeMap::new(),
            is_to_look_again: false,
            down: BTreeSet::new(),
            phases: BTreeMap::new(),
            errors: BTreeMap::new(),
        };
        follower.recall()?;
        Ok(follower)
    }

    /// The repositories whose issues are followed.
    pub fn repositories(&self) -> impl Iterator<Item = &RepositoryName> {
        self.sources.iter().map(|it| &it.name)
    }

    /// Finds the runs of earlier sessions.
    fn recall(&mut self) -> Result<(), Error> {
        for run in self.home.runs()? {
            // One that was cut off before its first record was never begun.
            let Ok(record) = RunRecord::read(&self.home, &run, &self.surroundings) else {
                continue;
            };
            let settings = record.settings;
            let (Some(issue), Some(_)) = (settings.issue_home, settings.followed) else {
                continue;
            };
            if self.accounts.get(&issue.0).is_some() {
                self.runs.insert(run, issue);
            }
        }
        Ok(())
    }

    /// Follows until it is stopped, or idle. Stopped, it pauses the runs that it works on.
    ///
    /// # Errors
    ///
    /// Where what must not be forgotten cannot be written. What a forge refuses is told, and tried
    /// again.
    ///
    /// # Cancel safety
    ///
    /// Dropping it ends all agents and commands. Nothing recorded is lost.
    pub async fn follow(
        mut self,
        until: Until,
        nudge: &Nudge,
        stop: &CancellationToken,
    ) -> Result<(), Error> {
        let forges = self.sources.iter().filter_map(|it| it.on_forge.as_ref());
        let settle = forges.map(ForgeRecord::settle).max().unwrap_or(APART);
        let apart = APART.min(settle).min(self.serve.interval);
        loop {
            let next = Instant::now() + apart;
            let looked = tokio::select! {
                () = stop.cancelled() => break,
                looked = Box::pin(self.look()) => looked?,
            };
            let is_idle = looked && self.active.is_empty() && self.due.is_empty();
            if is_idle && until == Until::Idle {
                if self.is_all_read() {
                    return Ok(());
                }
                // Nobody looks later.
                self.watches.clear();
                continue;
            }
            tokio::select! {
                () = stop.cancelled() => break,
                () = nudge.notified() => {}
                Some(ended) = self.sessions.join_next(), if !self.sessions.is_empty() => {
                    self.ended(ended).await?;
                }
                () = tokio::time::sleep(self.serve.interval) => {}
            }
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep_until(next) => {}
            }
        }
        for session in self.active.values() {
            session.pause.cancel();
        }
        while let Some(ended) = self.sessions.join_next().await {
            self.ended(ended).await?;
        }
        Ok(())
    }

    /// Looks at all issues once; whether all that should be could be done.
    async fn look(&mut self) -> Result<bool, Error> {
        let mut is_whole = true;
        self.is_to_look_again = false;
        self.down.clear();
        // Old runs are cleaned up beside us.
        let (home, active) = (&self.home, &self.active);
        let is_there = |run: &RunId| active.contains_key(run) || home.run_folder(run).exists();
        self.runs.retain(|run, _| is_there(run));
        let mut asked = Vec::new();
        for source in self.sources.clone() {
            if self.is_down(&source.name) {
                is_whole = false;
                continue;
            }
            let found = self.asked_in(&source.name).await;
            self.note_down(&source.name, found.as_ref().err());
            let place = format!("{}", source.name);
            if let Some(found) = self.unless_failed(place, found, &mut is_whole)? {
                asked.extend(found);
            }
        }
        asked.sort_by(|a, b| a.run.cmp(&b.run));
        let waiting: BTreeSet<_> = asked.iter().map(|it| it.key.clone()).collect();
        self.take_up();
        for asked in asked {
            if self.is_down(&asked.key.0) {
                is_whole = false;
            } else if self.has_room() {
                let (place, name) = (shown(&asked.key), asked.key.0.clone());
                let begun = Box::pin(self.begin(asked)).await;
                self.note_down(&name, begun.as_ref().err());
                self.unless_failed(place, begun, &mut is_whole)?;
            }
        }
        let mut current = BTreeMap::new();
        for (run, key) in &self.runs {
            current.insert(key.clone(), run.clone());
        }
        for (key, run) in current {
            let is_begun = self.active.contains_key(&run);
            if self.memory.is_settled(&run) || (waiting.contains(&key) && !is_begun) {
                continue;
            }
            if self.is_down(&key.0) {
                is_whole = false;
                continue;
            }
            let tended = Box::pin(self.tend(&run, &key)).await;
            self.note_down(&key.0, tended.as_ref().err());
            self.unless_failed(shown(&key), tended, &mut is_whole)?;
        }
        self.take_up();
        Ok(is_whole && !self.is_to_look_again)
    }

    /// Whether the forge of a repository has failed in this look: others do not wait for it.
    fn is_down(&self, name: &RepositoryName) -> bool {
        self.url(name).is_some_and(|url| self.down.contains(url))
    }

    fn note_down(&mut self, name: &RepositoryName, error: Option<&Error>) {
        let passes = error.is_some_and(|it| it.class() == ErrorClass::Transient);
        if let Some(url) = self.url(name).filter(|_| passes) {
            let url = url.to_owned();
            self.down.insert(url);
        }
    }

    fn url(&self, name: &RepositoryName) -> Option<&str> {
        let source = self.sources.iter().find(|it| it.name == *name)?;
        Some(&source.on_forge.as_ref()?.url)
    }

    /// What came of something. An error is told once; one of our own memory ends everything.
    fn unless_failed<T>(
        &mut self,
        place: String,
        result: Result<T, Error>,
        is_whole: &mut bool,
    ) -> Result<Option<T>, Error> {
        match result {
            Ok(done) => {
                self.errors.remove(&place);
                Ok(Some(done))
            }
            Err(error @ Error::Followed(_)) => Err(error),
            Err(error) => {
                *is_whole = false;
                let text = line(&error);
                if self.errors.get(&place) != Some(&text) {
                    self.teller.tell(&format!("{place}: {text}"));
                    self.errors.insert(place, text);
                }
                Ok(None)
            }
        }
    }

    pub(super) fn has_room(&self) -> bool {
        self.active.len() < self.serve.max_runs.get()
    }

    pub(super) fn account(&self, name: &RepositoryName) -> Result<&Account, Error> {
        let account = self.accounts.get(name);
        account.ok_or_else(|| Error::request(format!("{name} is not on a forge any more"), ""))
    }

    async fn begin(&mut self, asked: Asked) -> Result<(), Error> {
        let Asked {
            run,
            key,
            followed,
            issue,
        } = asked;
        // What somebody writes who may not write here may change at any time: people look at the plan.
        let changed = self.to_be_changed()?;
        let is_trusted = self.may_steer(&issue.author, &key.0, &changed).await?;
        // Nor was it this text that was labelled, where it is another one since.
        let now = self.accounts.provider(&key.0).get_issue(key.1).await?;
        let is_same = self.memory.asked(&run) == Some(&*text_hash(&now));
        let approve_plan = !(is_trusted && is_same);
        let by = followed.by.clone();
        let request = RunRequest {
            issue: Some(IssueSource::Forge(Some(key.0.clone()), key.1)),
            land: self.serve.land,
            approve_plan,
            followed: Some(followed),
            ..RunRequest::default()
        };
        let (home, surroundings) = (self.home.clone(), self.surroundings.clone());
        let assembly =
            Box::pin(Assembly::create(run.clone(), &request, home, surroundings)).await?;
        let place = shown(&key);
        self.teller
            .tell(&format!("{place}: run {run}, asked for by {by}"));
        self.runs.insert(run.clone(), key);
        self.work_on(run, Some(assembly));
        Ok(())
    }

    /// Takes up what is due while there is room.
    fn take_up(&mut self) {
        let now = Instant::now();
        let again: Vec<_> = self
            .stopped
            .iter()
            .filter(|(_, it)| it.again.is_some_and(|at| at <= now))
            .map(|(run, _)| run.clone())
            .collect();
        for run in again {
            self.stopped.remove(&run);
            self.make_due(&run);
        }
        let mut later = VecDeque::new();
        while let Some(run) = self.due.pop_front() {
            if self.active.contains_key(&run) || !self.has_room() {
                later.push_back(run);
            } else {
                self.work_on(run, None);
            }
        }
        self.due = later;
    }

    pub(super) fn make_due(&mut self, run: &RunId) {
        if !self.due.contains(run) {
            self.due.push_back(run.clone());
        }
    }

    fn work_on(&mut self, run: RunId, assembly: Option<Assembly>) {
        let pause = CancellationToken::new();
        let told = self.told.remove(&run).unwrap_or_default();
        self.stopped.remove(&run);
        let (home, surroundings) = (self.home.clone(), self.surroundings.clone());
        let (name, stop) = (run.clone(), pause.clone());
        let task = self.sessions.spawn(async move {
            let worked = Box::pin(work(&name, assembly, home, surroundings, &stop)).await;
            (name, worked)
        });
        let session = Session {
            task: task.id(),
            pause,
            told,
        };
        self.active.insert(run, session);
    }

    async fn ended(
        &mut self,
        ended: Result<(RunId, Result<(), Error>), tokio::task::JoinError>,
    ) -> Result<(), Error> {
        let (run, result) = match ended {
            Ok(ended) => ended,
            Err(error) => {
                let of = |(_, session): &(&RunId, &Session)| session.task == error.id();
                let run = self.active.iter().find(of).map(|(run, _)| run.clone());
                if let Some(run) = run {
                    self.active.remove(&run);
                    self.stop(run, "it was cut off by an error of ours", None);
                }
                return Ok(());
            }
        };
        let told = self.active.remove(&run).map(|it| it.told);
        for of in told.into_iter().flatten() {
            self.memory.heard(&of).await?;
        }
        let Err(error) = result else {
            return Ok(());
        };
        let class = error.class();
        if class == ErrorClass::Cancelled || matches!(error, Error::Held { .. }) {
            return Ok(());
        }
        let passes = matches!(
            class,
            ErrorClass::Transient
                | ErrorClass::RateLimited { .. }
                | ErrorClass::QuotaExhausted { .. }
        );
        let again = passes.then(|| Instant::now() + AGAIN);
        self.stop(run, &line(&error), again);
        Ok(())
    }

    fn stop(&mut self, run: RunId, why: &str, again: Option<Instant>) {
        self.teller.tell(&format!("run {run} has stopped: {why}"));
        // Where this machine keeps things is nobody's business there.
        let why = why.replace(&self.home.root().display().to_string(), ".");
        self.stopped.insert(run, Stopped { why, again });
    }

    pub(super) fn status(&self, run: &RunId) -> Result<RunStatus, Error> {
        RunStatus::read(&self.home, run, &self.surroundings)
    }

    /// Whether the history of an issue may not tell yet who gave it a label: as long as lists may be late.
    fn is_history_late(&mut self, key: &IssueKey) -> bool {
        let settle = self.settle_of(&key.0);
        let since = self.unexplained.entry(key.clone());
        let is_late = since.or_insert_with(Instant::now).elapsed() < settle;
        self.is_to_look_again |= is_late;
        is_late
    }

    /// Hears what is said on an issue, tells its run, and shows where that stands.
    async fn tend(&mut self, run: &RunId, key: &IssueKey) -> Result<(), Error> {
        let mut seen = Seen::read(&self.home, run, &self.surroundings)?;
        let is_ours = self.active.contains_key(run);
        let is_live = matches!(seen.status.state, RunState::Running | RunState::Paused);
        if is_ours && !is_live && seen.status.end.is_none() {
            // What it has come to is recorded a moment after that it has ended.
            self.is_to_look_again = true;
            return Ok(());
        }
        if seen.status.state == RunState::Paused && !is_ours && !self.stopped.contains_key(run) {
            self.make_due(run);
        }
        let mut phase = match self.stopped.get(run) {
            Some(_) => Some(Phase::NeedsAttention),
            None => Phase::of(&seen.status),
        };
        let provider = self.accounts.provider(&key.0);
        let stamp = self.stamp(key);
        let (comments, issue) = self.known(key, stamp).unzip();
        let comments = match comments {
            Some(comments) => comments,
            None => provider.list_comments(key.1).await?,
        };
        if self.hear(&seen, key, &comments).await? {
            return Ok(());
        }
        let issue = match issue {
            Some(issue) => issue,
            None => {
                let issue = match self.listed(key) {
                    Some(issue) => issue,
                    None => provider.get_issue(key.1).await?,
                };
                self.know(key, stamp, (&comments, &issue));
                issue
            }
        };
        if self.is_approved_by_label(&seen, phase, key, &issue).await? {
            return Ok(());
        }
        match self.merged(&seen).await? {
            Merged::No => {}
            Merged::Told => return Ok(()),
            Merged::Otherwise => {
                phase = Some(Phase::Completed);
                seen.awaited = None;
                let merged = "Its pull requests were merged as something else than was tested.";
                self.heard.insert(key.clone(), merged.to_owned());
            }
        }
        if self.phases.insert(run.clone(), phase) != Some(phase) {
            let title = phase.map_or("given up", Phase::title);
            self.teller
                .tell(&format!("{}: {}", shown(key), title.to_lowercase()));
        }
        let remarks = Remarks {
            stopped: self.stopped.get(run).map(|it| &*it.why),
            heard: self.heard.get(key).map(String::as_str),
        };
        let text = comment(&seen, phase, &self.labels, &remarks);
        // Before the label: whoever gives the next one has seen what it is about.
        let shown = self.show(key, &comments, text).await?;
        let awaited = seen.awaited.as_ref().filter(|it| it.is_shown());
        let pin = awaited.map_or("", |it| &it.pin);
        if self.memory.shown_since(run, pin).is_none() {
            self.memory.show(run, pin, shown).await?;
        }
        let (add, mut remove) = changes(&self.labels, phase, &issue.labels);
        let wanted = self.labels.needs_planning.clone();
        let is_wanted = |it: &String| is_same_label(it, &wanted);
        if remove.iter().any(is_wanted) && seen.status.state.has_ended() {
            // Somebody may have given it in this very moment, for another run.
            let asker = self.asker(&key.0, key.1).await?;
            // The list of those with that label may be later than the history.
            let is_late = self.is_history_late(key);
            if asker.is_some_and(|(asked, _)| asked != *run) {
                remove.clear();
            } else if is_late {
                remove.retain(|it| !is_wanted(it));
            }
        } else {
            self.unexplained.remove(key);
        }
        if !(add.is_empty() && remove.is_empty()) {
            let repository = &self.account(&key.0)?.repository;
            repository.change_labels(key.1, &add, &remove).await?;
            self.labelled(key, &add, &remove);
        }
        let is_over = matches!(phase, None | Some(Phase::Completed))
            || (seen.status.state.has_ended() && issue.state == IssueState::Closed);
        if is_over && !is_ours {
            self.memory.settle(run).await?;
        }
        Ok(())
    }
}

/// Works on a run until it has ended or waits.
async fn work(
    run: &RunId,
    assembly: Option<Assembly>,
    home: Home,
    surroundings: Surroundings,
    pause: &CancellationToken,
) -> Result<(), Error> {
    let mut assembly = match assembly {
        Some(assembly) => assembly,
        None => Box::pin(Assembly::open(run.clone(), home, surroundings)).await?,
    };
    loop {
        let n_messages = assembly.n_messages().await?;
        Box::pin(assembly.execute(pause, Arc::new(Unobserved))).await?;
        match Box::pin(assembly.release(n_messages)).await? {
            Some(told) => assembly = told,
            None => return Ok(()),
        }
    }
}

/// What happens stands in the run's journal.
#[derive(Debug)]
struct Unobserved;

impl Observer for Unobserved {
    fn observe(&self, _: Option<&StepRef>, _: &Event) {}
}

fn shown(key: &IssueKey) -> String {
    format!("{}#{}", key.0, key.1)
}
