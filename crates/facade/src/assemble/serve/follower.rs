//! The loop: look at issues, tell runs, show where they stand.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fmt::Debug,
    sync::Arc,
    time::Duration,
};

use config::automation::{Labels, Serve};
use core_types::{
    CancellationToken, Comment, ErrorClass, Event, Inbox as _, Issue, IssueNumber, Message,
    NewComment, Operated, OperationId, RepositoryName, RunId, Scope, StepRef, Timestamp,
};
use engine_workflow::Followed;
use forges::{Forge as _, remote::LabelChange};
use sha2::{Digest as _, Sha256};
use tokio::{sync::Notify, task::JoinSet, time::Instant};

use super::{
    comment::{Remarks, comment},
    memory::{Hearing, IssueKey, Memory, Saying, StatusComment},
    phase::{Phase, changes},
    said::Said,
    seen::{Seen, failed},
};
use crate::assemble::{
    Assembly, Error, Home, IssueSource, Observer, RepositorySource, RunRecord, RunRequest,
    RunState, RunStatus, Surroundings,
    assembly::{line, open_forge, open_inbox, send},
    on_forge::{Account, Accounts},
    repositories::on_forges,
    request::{configured, configured_repositories},
};

/// When a run that an error stopped, which may pass, is tried again.
const AGAIN: Duration = Duration::from_secs(300);

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
}

/// How long a [`Follower`] goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// Until it is told to stop.
    Stopped,
    /// Until there is nothing to do but to wait for people.
    Idle,
}

/// Follows the issues of a home's repositories on forges. See the [module](super).
#[derive(Debug)]
pub struct Follower {
    home: Home,
    surroundings: Surroundings,
    serve: Serve,
    labels: Labels,
    sources: Vec<RepositorySource>,
    accounts: Accounts,
    memory: Memory,
    teller: Arc<dyn Teller>,
    /// Runs with the issues that they are for. Ids sort as they were asked for.
    runs: BTreeMap<RunId, IssueKey>,
    sessions: JoinSet<(RunId, Result<(), Error>)>,
    active: BTreeMap<RunId, Session>,
    /// Runs to be taken up, the longest due first.
    due: VecDeque<RunId>,
    /// What runs were told and have not heard yet.
    told: BTreeMap<RunId, Vec<(RepositoryName, Saying)>>,
    /// Why runs stopped before their ends, and when they are tried again, if at all.
    stopped: BTreeMap<RunId, Stopped>,
    /// What became of the last thing that somebody said.
    heard: BTreeMap<IssueKey, String>,
    /// What status comments say.
    written: BTreeMap<IssueKey, String>,
    /// Where runs stood when they were looked at last.
    phases: BTreeMap<RunId, Option<Phase>>,
    /// The last error of each place, which is told once.
    errors: BTreeMap<String, String>,
}

/// A run that this process works on.
#[derive(Debug)]
struct Session {
    pause: CancellationToken,
    /// What it has been told before it was taken up.
    told: Vec<(RepositoryName, Saying)>,
}

#[derive(Debug)]
struct Stopped {
    why: String,
    again: Option<Instant>,
}

/// A run that somebody asks for.
#[derive(Debug)]
struct Asked {
    run: RunId,
    key: IssueKey,
    followed: Followed,
    issue: Issue,
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
            teller,
            runs: BTreeMap::new(),
            sessions: JoinSet::new(),
            active: BTreeMap::new(),
            due: VecDeque::new(),
            told: BTreeMap::new(),
            stopped: BTreeMap::new(),
            heard: BTreeMap::new(),
            written: BTreeMap::new(),
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
        loop {
            let looked = tokio::select! {
                () = stop.cancelled() => break,
                looked = Box::pin(self.look()) => looked?,
            };
            let is_idle = looked && self.active.is_empty() && self.due.is_empty();
            if is_idle && until == Until::Idle {
                return Ok(());
            }
            tokio::select! {
                () = stop.cancelled() => break,
                () = nudge.0.notified() => {}
                Some(ended) = self.sessions.join_next(), if !self.sessions.is_empty() => {
                    self.ended(ended).await?;
                }
                () = tokio::time::sleep(self.serve.interval) => {}
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
        let mut asked = Vec::new();
        for source in self.sources.clone() {
            let found = self.asked_in(&source.name).await;
            let place = format!("{}", source.name);
            if let Some(found) = self.unless_failed(place, found, &mut is_whole)? {
                asked.extend(found);
            }
        }
        asked.sort_by(|a, b| a.run.cmp(&b.run));
        let waiting: BTreeSet<_> = asked.iter().map(|it| it.key.clone()).collect();
        self.take_up();
        for asked in asked {
            if self.has_room() {
                let place = shown(&asked.key);
                let begun = Box::pin(self.begin(asked)).await;
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
            let tended = Box::pin(self.tend(&run, &key)).await;
            self.unless_failed(shown(&key), tended, &mut is_whole)?;
        }
        self.take_up();
        Ok(is_whole)
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

    fn has_room(&self) -> bool {
        self.active.len() < self.serve.max_runs.get()
    }

    fn account(&self, name: &RepositoryName) -> Result<&Account, Error> {
        let account = self.accounts.get(name);
        account.ok_or_else(|| Error::request(format!("{name} is not on a forge any more"), ""))
    }

    /// The runs that are asked for in a repository and not begun.
    async fn asked_in(&self, name: &RepositoryName) -> Result<Vec<Asked>, Error> {
        let wanted = &self.labels.needs_planning;
        let labelled = self.account(name)?.repository.labelled(wanted).await?;
        let mut asked = Vec::new();
        for issue in labelled {
            let key = (name.clone(), issue.number);
            let current = self.runs.iter().rev().find(|(_, it)| **it == key);
            let is_under_way = match current {
                Some((run, _)) => !self.status(run)?.state.has_ended(),
                None => false,
            };
            if is_under_way {
                continue;
            }
            let Some((run, followed)) = self.asker(name, issue.number).await? else {
                continue;
            };
            let is_begun = RunStatus::read(&self.home, &run, &self.surroundings).is_ok();
            let by = &followed.by;
            if !is_begun && self.account(name)?.repository.may_write(by).await? {
                asked.push(Asked {
                    run,
                    key,
                    followed,
                    issue,
                });
            }
        }
        Ok(asked)
    }

    /// Who has asked for work on an issue last, and the name of that run. What we did ourselves asks for nothing.
    async fn asker(
        &self,
        name: &RepositoryName,
        issue: IssueNumber,
    ) -> Result<Option<(RunId, Followed)>, Error> {
        let account = self.account(name)?;
        let login = account.forge.login().await?;
        let changes = account.repository.label_changes(issue).await?;
        let is_asked = |it: &LabelChange| it.is_added && it.label == self.labels.needs_planning;
        let mut asked: Vec<_> = changes.into_iter().filter(is_asked).collect();
        let n_asked = asked.len();
        let Some(change) = asked.pop() else {
            return Ok(None);
        };
        if change.author.is_empty() || change.author == login {
            return Ok(None);
        }
        let run = run_id(name, issue, &change, n_asked);
        let followed = Followed {
            by: change.author,
            since: change.at,
        };
        Ok(Some((run, followed)))
    }

    async fn begin(&mut self, asked: Asked) -> Result<(), Error> {
        let Asked {
            run,
            key,
            followed,
            issue,
        } = asked;
        // What somebody writes who may not write here may change at any time: people look at the plan.
        let repository = &self.account(&key.0)?.repository;
        let approve_plan = !repository.may_write(&issue.author).await?;
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

    fn make_due(&mut self, run: &RunId) {
        if !self.due.contains(run) {
            self.due.push_back(run.clone());
        }
    }

    fn work_on(&mut self, run: RunId, assembly: Option<Assembly>) {
        let pause = CancellationToken::new();
        let told = self.told.remove(&run).unwrap_or_default();
        let session = Session {
            pause: pause.clone(),
            told,
        };
        self.stopped.remove(&run);
        self.active.insert(run.clone(), session);
        let (home, surroundings) = (self.home.clone(), self.surroundings.clone());
        self.sessions.spawn(async move {
            let worked = Box::pin(work(&run, assembly, home, surroundings, &pause)).await;
            (run, worked)
        });
    }

    async fn ended(
        &mut self,
        ended: Result<(RunId, Result<(), Error>), tokio::task::JoinError>,
    ) -> Result<(), Error> {
        let (run, result) = match ended {
            Ok(ended) => ended,
            // Which run it was, only the panic's message tells; all of it can be resumed.
            Err(error) => {
                self.teller.tell(&format!("a run was cut off: {error}"));
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
        let why = line(&error);
        self.teller.tell(&format!("run {run} has stopped: {why}"));
        let again = passes.then(|| Instant::now() + AGAIN);
        self.stopped.insert(run, Stopped { why, again });
        Ok(())
    }

    fn status(&self, run: &RunId) -> Result<RunStatus, Error> {
        RunStatus::read(&self.home, run, &self.surroundings)
    }

    /// Hears what is said on an issue, tells its run, and shows where that stands.
    async fn tend(&mut self, run: &RunId, key: &IssueKey) -> Result<(), Error> {
        let seen = Seen::read(&self.home, run, &self.surroundings)?;
        let is_ours = self.active.contains_key(run);
        if seen.status.state == RunState::Paused && !is_ours && !self.stopped.contains_key(run) {
            self.make_due(run);
        }
        let phase = match self.stopped.get(run) {
            Some(_) => Some(Phase::NeedsAttention),
            None => Phase::of(&seen.status),
        };
        let provider = self.accounts.provider(&key.0);
        let comments = provider.list_comments(key.1).await?;
        if self.hear(&seen, key, &comments).await? {
            return Ok(());
        }
        let issue = provider.get_issue(key.1).await?;
        if self.is_approved_by_label(&seen, phase, key, &issue).await? {
            return Ok(());
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
        self.show(key, &comments, text).await?;
        let (add, mut remove) = changes(&self.labels, phase, &issue.labels);
        if remove.contains(&self.labels.needs_planning) && seen.status.state.has_ended() {
            // Somebody may have given it in this very moment, for another run.
            let asker = self.asker(&key.0, key.1).await?;
            if asker.is_some_and(|(asked, _)| asked != *run) {
                remove.clear();
            }
        }
        if !(add.is_empty() && remove.is_empty()) {
            let repository = &self.account(&key.0)?.repository;
            repository.change_labels(key.1, &add, &remove).await?;
        }
        if matches!(phase, None | Some(Phase::Completed)) && !is_ours {
            self.memory.settle(run).await?;
        }
        Ok(())
    }

    /// Whether the run was told something that was said in comments.
    async fn hear(
        &mut self,
        seen: &Seen,
        key: &IssueKey,
        comments: &[Comment],
    ) -> Result<bool, Error> {
        let login = self.account(&key.0)?.forge.login().await?;
        let since = seen.record.settings.followed.as_ref();
        let since = since.map_or(Timestamp(0), |it| it.since);
        let mut was_told = false;
        for comment in comments {
            let of = (key.0.clone(), format!("comment:{}", comment.id));
            if comment.author == login || comment.created < since || self.memory.has_heard(&of) {
                continue;
            }
            let Some(said) = Said::parse(&comment.body) else {
                continue;
            };
            let repository = &self.account(&key.0)?.repository;
            let by = &comment.author;
            if by.is_empty() || !repository.may_write(by).await? {
                self.memory.heard(&of).await?;
                continue;
            }
            let is_pending = self.is_pending(&seen.status.run, &of);
            if is_pending {
                continue;
            }
            let messages = said.and_then(|said| self.messages(seen, &said));
            let was_begun = self.memory.hearing(&of).is_some();
            match messages {
                Ok(messages) => {
                    self.heard.remove(key);
                    self.tell(&seen.status.run, of, &messages).await?;
                    was_told = true;
                    // Where it stands is another question now.
                    break;
                }
                // It was told before we were killed, and stands elsewhere since.
                Err(_) if was_begun => {
                    self.tell(&seen.status.run, of, &[]).await?;
                    was_told = true;
                    break;
                }
                Err(why) => {
                    self.heard
                        .insert(key.clone(), format!("A comment was not followed: {why}."));
                    self.memory.heard(&of).await?;
                }
            }
        }
        Ok(was_told)
    }

    /// Whether the run was told so and will hear it.
    fn is_pending(&self, run: &RunId, of: &(RepositoryName, Saying)) -> bool {
        let told = self.told.get(run).is_some_and(|it| it.contains(of));
        let session = self.active.get(run);
        told || session.is_some_and(|it| it.told.contains(of))
    }

    /// What a run is told, or why it cannot be.
    fn messages(&self, seen: &Seen, said: &Said) -> Result<Vec<Message>, String> {
        let status = &seen.status;
        let scope = |name: &str| {
            let task = status.tasks.iter().find(|it| it.task.as_str() == name);
            let task = task.map(|it| Scope::Task(it.task.clone()));
            let mut repositories = status.repositories.iter();
            let repository = repositories.find(|it| it.repository.as_str() == name);
            let scope = task.or_else(|| Some(Scope::Repository(repository?.repository.clone())));
            let scope = scope.ok_or_else(|| "there is no task of that name".to_owned())?;
            match failed(status).contains(&scope) {
                true => Ok(scope),
                false => Err("that has not failed".to_owned()),
            }
        };
        let retry = |scope| Message::Retry {
            scope,
            description: None,
        };
        Ok(match said {
            Said::Approve { pin } => match &seen.awaited {
                Some(awaited) if awaited.pin == *pin => vec![awaited.message.clone()],
                Some(_) => return Err("`/approve` with another mark than what is shown".to_owned()),
                None => return Err("nothing waits for approval".to_owned()),
            },
            Said::Retry { name: Some(name) } => vec![retry(scope(name)?)],
            Said::Retry { name: None } => {
                let failed = failed(status);
                if failed.is_empty() && !self.stopped.contains_key(&status.run) {
                    return Err("nothing has failed".to_owned());
                }
                failed.into_iter().map(retry).collect()
            }
            Said::Answer { name, text } => vec![Message::Answer {
                scope: scope(name)?,
                text: text.clone(),
            }],
            Said::Skip { task } => match scope(task.as_str())? {
                Scope::Task(task) => vec![Message::Skip { task }],
                Scope::Run | Scope::Repository(_) => {
                    return Err("only a task can be left out".to_owned());
                }
            },
            Said::Abort => match status.state {
                RunState::Aborted => return Err("it was given up already".to_owned()),
                RunState::Done if Phase::of(status) == Some(Phase::Completed) => {
                    return Err("it has landed".to_owned());
                }
                _ => vec![Message::Abort],
            },
        })
    }

    /// Whether the run was told that the label of its next phase was given.
    async fn is_approved_by_label(
        &mut self,
        seen: &Seen,
        phase: Option<Phase>,
        key: &IssueKey,
        issue: &Issue,
    ) -> Result<bool, Error> {
        let Some((awaited, phase)) = seen.awaited.as_ref().zip(phase) else {
            return Ok(false);
        };
        let Some(next) = phase.next().map(|it| it.label(&self.labels)) else {
            return Ok(false);
        };
        if !awaited.is_shown() || !issue.labels.iter().any(|it| it == next) {
            return Ok(false);
        }
        let account = self.account(&key.0)?;
        let login = account.forge.login().await?;
        let changes = account.repository.label_changes(key.1).await?;
        let now = phase.label(&self.labels);
        let is_shown = |it: &LabelChange| it.is_added && it.label == now && it.author == login;
        let Some(shown_at) = changes.iter().rposition(is_shown) else {
            return Ok(false);
        };
        let given = |it: &LabelChange| it.is_added && it.label == next && it.author != login;
        let given = changes[shown_at..].iter().rposition(given);
        let Some(given_at) = given.map(|it| shown_at + it) else {
            return Ok(false);
        };
        let by = &changes[given_at].author;
        let saying = format!("label:{}:{given_at}:{next}:{by}", key.1);
        let of = (key.0.clone(), saying);
        let run = &seen.status.run;
        if self.memory.has_heard(&of) || self.is_pending(run, &of) {
            return Ok(false);
        }
        if by.is_empty() || !account.repository.may_write(by).await? {
            self.memory.heard(&of).await?;
            return Ok(false);
        }
        self.tell(run, of, &[awaited.message.clone()]).await?;
        Ok(true)
    }

    /// Tells a run what somebody has said, each message once, and makes it go on.
    async fn tell(
        &mut self,
        run: &RunId,
        of: (RepositoryName, Saying),
        messages: &[Message],
    ) -> Result<(), Error> {
        let inbox = open_inbox(&self.home, run, &self.surroundings)?;
        let before = inbox.messages().await?;
        let n_messages = match self.memory.hearing(&of) {
            Some(hearing) => hearing.n_messages,
            None => {
                let hearing = Hearing {
                    run: run.clone(),
                    n_messages: before.len(),
                };
                self.memory.hear(&of, &hearing).await?;
                before.len()
            }
        };
        let since = before.get(n_messages..).unwrap_or_default();
        for message in messages {
            if !since.contains(message) {
                send(&self.home, run, message, &self.surroundings).await?;
            }
        }
        self.told.entry(run.clone()).or_default().push(of);
        self.make_due(run);
        if let Some(session) = self.active.get(run)
            && messages.contains(&Message::Abort)
        {
            session.pause.cancel();
        }
        Ok(())
    }

    /// Makes the status comment say this.
    async fn show(
        &mut self,
        key: &IssueKey,
        comments: &[Comment],
        text: String,
    ) -> Result<(), Error> {
        if self.written.get(key) == Some(&text) {
            return Ok(());
        }
        let provider = self.accounts.provider(&key.0);
        let (name, issue) = key;
        let made_by = |n: u32| operation(format!("serve:{name}#{issue}:status:{n}"));
        let mut known = self.memory.comment(key);
        let repository = Arc::clone(&self.account(name)?.repository);
        if known.is_none_or(|it| it.id.is_none()) {
            let n = known.map_or(1, |it| it.n);
            let mut found = repository.comment_made_by(*issue, &made_by(n)).await?;
            if found.is_none() && known.is_some() {
                // We were cut off between making it and noting that, and lists may be late.
                found = match provider.find(&made_by(n)).await? {
                    Some(Operated::Comment(comment)) => Some(comment),
                    _ => None,
                };
            }
            if known.is_none() {
                self.memory.commenting(key, n).await?;
            }
            if let Some(found) = &found {
                self.memory.commented(key, found.id).await?;
            }
            let id = found.map(|it| it.id);
            known = Some(StatusComment { n, id });
        }
        let StatusComment { mut n, id } = known.expect("it was made up above");
        if let Some(id) = id {
            let stands = comments.iter().find(|it| it.id == id);
            let is_same = |it: &Comment| it.body.replace("\r\n", "\n").trim() == text.trim();
            if !stands.is_some_and(is_same) {
                let now = self.surroundings.clock.now().0;
                let change = operation(format!("serve:{name}#{issue}:status:{n}:{now}"));
                match provider.update_comment(&change, id, text.clone()).await {
                    Ok(_) => {}
                    // Somebody has deleted it.
                    Err(error) if error.class() == ErrorClass::NotFound => {
                        n += 1;
                        self.memory.commenting(key, n).await?;
                        self.make_comment(key, &made_by(n), &text).await?;
                    }
                    Err(error) => return Err(error.into()),
                }
            }
        } else {
            self.make_comment(key, &made_by(n), &text).await?;
        }
        self.written.insert(key.clone(), text);
        Ok(())
    }

    async fn make_comment(
        &mut self,
        key: &IssueKey,
        made_by: &OperationId,
        text: &str,
    ) -> Result<(), Error> {
        let new = NewComment {
            issue: key.1,
            body: text.to_owned(),
        };
        let provider = self.accounts.provider(&key.0);
        let made = provider.create_comment(made_by, new).await?;
        self.memory.commented(key, made.id).await
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

fn operation(text: String) -> OperationId {
    OperationId::new(text).expect("names and numbers are short and plain")
}

/// The name of the run that a label asks for, given for the n-th time: the same whenever it is looked at.
/// Ids sort as they were asked for; times of forges are whole seconds.
fn run_id(name: &RepositoryName, issue: IssueNumber, change: &LabelChange, n: usize) -> RunId {
    let digits = change.at.to_string();
    let digits: String = digits.chars().filter(char::is_ascii_digit).collect();
    let (date, time) = digits.split_at(digits.len().min(8));
    let hash = Sha256::digest(format!(
        "{name}#{issue} {n} {} {}",
        change.at.0, change.author
    ));
    let hash: String = hash.iter().take(4).map(|it| format!("{it:02x}")).collect();
    RunId::new(format!("{date}-{time}-{n:03}{hash}")).expect("digits and letters make a name")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_asks_for_one_run() {
        let name = RepositoryName::new("app").expect("it is valid");
        let change = LabelChange {
            author: "grace".to_owned(),
            label: "needs-planning".to_owned(),
            is_added: true,
            at: Timestamp::parse("2026-11-26T18:05:17Z").expect("it is a time"),
        };
        let first = run_id(&name, 7, &change, 1);
        assert_eq!(first, run_id(&name, 7, &change, 1));
        assert!(first.as_str().starts_with("20261126-180517"), "{first}");
        for (issue, n) in [(8, 1), (7, 2)] {
            assert_ne!(first, run_id(&name, issue, &change, n));
        }
        assert!(first < run_id(&name, 7, &change, 2), "in the same second");
    }
}
