use std::{
    collections::BTreeMap,
    fs,
    io::Read as _,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use async_trait::async_trait;
use core_types::{CommitId, ErrorClass, Event, PortError, RepositoryName, RunId, TaskId, Usd};
use cost::{Day, JournalLedger, Limit};
use engine_checkpoint::EventTail;
use git_workspace::{Git, Places};
use journal::SharedJournal;
use learning::{Figure, LessonFigures, LessonKind, Status, scrub};
use monitoring::{
    fold::{
        Batch, Command, DaySpend, LessonStanding, LimitStanding, LogChunk, LogPosition, Prompt,
        RunListing, RunSource,
    },
    metrics::Tally,
};

use super::{
    log,
    scrubbed::without_secrets,
    summaries::{self, Summaries, mark},
};
use crate::assemble::{
    Error, Home, RunRecord, RunState, RunStatus, Surroundings, assembly, budget, open_feedback,
    open_ledger, raise_limit,
};

/// A board, and what counts for Prometheus.
const READERS: usize = 2;

/// How much of a request is shown.
const REQUEST_BYTES: u64 = 4 << 20;

/// How much of a change is shown.
const DIFF_BYTES: usize = 1 << 20;

/// The runs of a home, read from any process.
#[derive(Debug)]
pub struct HomeSource {
    inner: Arc<Inner>,
    git: tokio::sync::OnceCell<Arc<Git>>,
}

#[derive(Debug)]
struct Inner {
    home: Home,
    surroundings: Surroundings,
    /// Of each run, locked while its events are read: one for each of its readers, who are at
    /// different places; the one that was asked last is the first.
    tails: Mutex<BTreeMap<RunId, Arc<Mutex<Vec<Tail>>>>>,
    seen: Mutex<BTreeMap<RunId, Seen>>,
    summaries: Mutex<Option<SharedJournal<Summaries>>>,
    ledger: Mutex<Option<JournalLedger>>,
}

/// Where a run's events were read to.
#[derive(Debug)]
struct Tail {
    events: EventTail,
    /// The number of the last event that was given.
    given: u64,
}

/// How a run was when it was looked at last.
#[derive(Debug, Clone, Copy)]
struct Seen {
    mark: u64,
    begun: Option<SystemTime>,
    is_held: bool,
}

impl HomeSource {
    /// The runs of a home. Nothing is read yet.
    #[must_use]
    pub fn new(home: Home, surroundings: Surroundings) -> Self {
        Self {
            inner: Arc::new(Inner {
                home,
                surroundings,
                tails: Mutex::default(),
                seen: Mutex::default(),
                summaries: Mutex::default(),
                ledger: Mutex::default(),
            }),
            git: tokio::sync::OnceCell::new(),
        }
    }

    /// Reads on a thread of its own.
    async fn blocking<T: Send + 'static>(
        &self,
        doing: &'static str,
        read: impl FnOnce(&Inner) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, PortError> {
        let inner = self.inner.clone();
        let read = tokio::task::spawn_blocking(move || read(&inner)).await;
        match read {
            Ok(read) => read.map_err(|error| as_port(doing, error)),
            Err(panic) => Err(PortError::new(ErrorClass::Internal, doing).because(panic)),
        }
    }

    async fn git(&self) -> Result<&Arc<Git>, PortError> {
        let open = || assembly::git(&self.inner.surroundings);
        let git = self.git.get_or_try_init(open).await;
        git.map_err(|error| as_port("find git", error))
    }
}

fn as_port(doing: &'static str, error: Error) -> PortError {
    PortError::new(error.class(), doing).because(error)
}

fn not_found(doing: &'static str, what: impl Into<String>) -> PortError {
    PortError::new(ErrorClass::NotFound, doing).because(what.into())
}

impl Inner {
    fn journal_of(&self, run: &RunId) -> PathBuf {
        self.home.run_folder(run).join("journal")
    }

    fn exists(&self, run: &RunId) -> Result<(), Error> {
        match self.journal_of(run).is_dir() {
            true => Ok(()),
            false => Err(Error::NoRun {
                run: run.to_string(),
                home: self.home.root().to_owned(),
            }),
        }
    }

    fn is_held(&self, run: &RunId) -> Result<bool, Error> {
        let held = journal::is_locked(&self.journal_of(run));
        held.map_err(|source| Error::journal(run, source.into()))
    }

    /// How a run is now. Of one that nobody held, and that has got no new segment since, all is known.
    fn look_at(&self, run: &RunId) -> Result<Seen, Error> {
        let journal = self.journal_of(run);
        let begun = fs::metadata(&journal).and_then(|it| it.modified()).ok();
        let known = lock(&self.seen).get(run).copied();
        if let Some(known) = known.filter(|it| !it.is_held && it.begun == begun) {
            return Ok(known);
        }
        // The oldest look first: what comes between the looks is seen the next time.
        let is_held = self.is_held(run)?;
        let mark = mark(&journal);
        let seen = Seen {
            mark,
            begun,
            is_held,
        };
        lock(&self.seen).insert(run.clone(), seen);
        Ok(seen)
    }

    fn with_summaries<T>(&self, look: impl FnOnce(&Summaries) -> T) -> Result<T, Error> {
        let mut summaries = lock(&self.summaries);
        let summaries = match &mut *summaries {
            Some(summaries) => summaries,
            none => {
                let opened = summaries::open(&self.home, &self.surroundings);
                none.insert(opened.map_err(Error::Write)?)
            }
        };
        summaries.read(look).map_err(Error::Write)
    }

    fn runs(&self) -> Result<Vec<RunListing>, Error> {
        let present = self.home.runs()?;
        let is_present = |run: &RunId| present.binary_search(run).is_ok();
        lock(&self.seen).retain(|run, _| is_present(run));
        lock(&self.tails).retain(|run, _| is_present(run));
        let mut listings = Vec::with_capacity(present.len());
        for run in &present {
            if !self.journal_of(run).is_dir() {
                continue;
            }
            let seen = self.look_at(run)?;
            listings.push(RunListing {
                run: run.clone(),
                is_held: seen.is_held,
                mark: seen.mark,
                summary: None,
                is_summary_current: false,
                is_removed: false,
            });
        }
        self.with_summaries(|summaries| {
            for listing in &mut listings {
                if let Some(kept) = summaries.0.get(&listing.run) {
                    listing.summary = Some(kept.summary.clone());
                    listing.is_summary_current = kept.mark == listing.mark;
                }
            }
            let is_gone = |run: &&RunId| present.binary_search(run).is_err();
            for run in summaries.0.keys().filter(is_gone) {
                listings.push(RunListing {
                    run: run.clone(),
                    is_held: false,
                    mark: 0,
                    summary: summaries.0.get(run).map(|kept| kept.summary.clone()),
                    is_summary_current: true,
                    is_removed: true,
                });
            }
        })?;
        // Their ids begin with the time of their start.
        listings.sort_by(|one, other| other.run.cmp(&one.run));
        Ok(listings)
    }

    fn events(&self, run: &RunId, after: u64) -> Result<Batch, Error> {
        self.exists(run)?;
        let new_tail = || Tail {
            events: EventTail::open(&self.journal_of(run), &self.surroundings.journal),
            given: 0,
        };
        let tails = lock(&self.tails).entry(run.clone()).or_default().clone();
        let mut tails = lock(&tails);
        let known = tails.iter().position(|tail| tail.given == after);
        let idx = known.unwrap_or_else(|| {
            // The one that nobody has asked for longest makes room.
            tails.truncate(READERS - 1);
            tails.push(new_tail());
            tails.len() - 1
        });
        tails[..=idx].rotate_right(1);
        let tail = &mut tails[0];
        // Looked at before reading: one that lets go in between has told all when it is asked again.
        let is_held = self.is_held(run)?;
        let journal = |source| Error::journal(run, source);
        let events = tail.events.read_new();
        if events.is_err() {
            *tail = new_tail();
        }
        let mut events = events.map_err(journal)?;
        events.retain(|(seq, _)| *seq > after);
        for (_, event) in &mut events {
            without_secrets(event);
        }
        tail.given = events.last().map_or(after, |(seq, _)| *seq);
        Ok(Batch {
            events,
            is_held,
            has_more: false,
        })
    }

    fn tally(&self, run: &RunId) -> Result<Option<Tally>, Error> {
        self.with_summaries(|summaries| summaries.0.get(run).and_then(|kept| kept.tally.clone()))
    }

    fn log(
        &self,
        run: &RunId,
        task: Option<&TaskId>,
        after: Option<&LogPosition>,
    ) -> Result<LogChunk, Error> {
        self.exists(run)?;
        let root = self.home.run_folder(run);
        let of_task = task.map(|task| format!("tasks/{task}"));
        let folders = match &of_task {
            Some(folder) => vec![folder.as_str()],
            None => vec!["planning", "repositories", "workflow-test", "deploy"],
        };
        let after = after.map(log::Ends::parse).transpose()?;
        let end = if self.is_held(run)? {
            log::End::Open(self.surroundings.clock.now())
        } else {
            log::End::Closed
        };
        let read = log::read(&root, &folders, after, end);
        let mut chunk = read.map_err(|source| Error::Io {
            operation: "read",
            path: root.clone(),
            source,
        })?;
        chunk.lines = log::without_secrets(chunk.lines);
        Ok(chunk)
    }

    /// The prompt as it was told, without secrets; of an attempt that told of none, its request file.
    fn prompt(&self, run: &RunId, task: &TaskId, attempt: u32) -> Result<Option<Prompt>, Error> {
        let told = self.last_of(run, task, attempt, |event| match event {
            Event::PromptGiven { text, .. } => Some(text),
            _ => None,
        })?;
        let mut prompt = match told {
            None => self.requested(run, task, attempt)?,
            Some((execution, text)) => text.map(|request| Prompt {
                execution,
                request,
                template: None,
            }),
        };
        if let Some(prompt) = &mut prompt {
            let made = self.last_of(run, task, attempt, |event| match event {
                Event::PromptMade {
                    template,
                    version,
                    is_own,
                } if template == "implement" => {
                    let whose = if is_own { " of your own" } else { "" };
                    Some(format!("{template}{whose}, version {version}"))
                }
                _ => None,
            })?;
            prompt.template = made.map(|(_, made)| made);
        }
        Ok(prompt)
    }

    fn requested(&self, run: &RunId, task: &TaskId, attempt: u32) -> Result<Option<Prompt>, Error> {
        let folder = self.home.run_folder(run).join("tasks").join(task.as_str());
        let of_attempt = |name: &str| -> Option<u32> {
            let (of, execution) = name.split_once('.')?;
            let execution = execution.parse().ok()?;
            (of.parse() == Ok(attempt)).then_some(execution)
        };
        let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
        let found = entries.filter_map(|entry| {
            let execution = of_attempt(entry.file_name().to_str()?)?;
            let path = entry.path().join("request.json");
            let about = path.symlink_metadata().ok()?;
            about.is_file().then_some((execution, path))
        });
        let Some((execution, path)) = found.max() else {
            return Ok(None);
        };
        let mut bytes = Vec::new();
        let read = log::open_plain(&path)
            .and_then(|file| file.take(REQUEST_BYTES).read_to_end(&mut bytes));
        read.map_err(|source| Error::Io {
            operation: "read",
            path,
            source,
        })?;
        let request = scrub(&String::from_utf8_lossy(&bytes)).text.into_owned();
        Ok(Some(Prompt {
            execution,
            request,
            template: None,
        }))
    }

    /// The last that an attempt told of something, with the execution that told it.
    fn last_of<T>(
        &self,
        run: &RunId,
        task: &TaskId,
        attempt: u32,
        wanted: impl Fn(Event) -> Option<T>,
    ) -> Result<Option<(u32, T)>, Error> {
        self.exists(run)?;
        let mut tail = EventTail::open(&self.journal_of(run), &self.surroundings.journal);
        let events = tail.read_new();
        let events = events.map_err(|source| Error::journal(run, source))?;
        let scope = core_types::Scope::Task(task.clone());
        let found = events.into_iter().rev().find_map(|(_, record)| {
            let step = record.step?;
            let is_own = step.key.scope == scope && step.key.attempt == attempt;
            let told = wanted(record.event).filter(|_| is_own)?;
            Some((step.execution, told))
        });
        Ok(found)
    }

    /// The commit that an attempt left, and where.
    fn commit_of(
        &self,
        run: &RunId,
        task: &TaskId,
        attempt: u32,
    ) -> Result<Option<(RepositoryName, CommitId)>, Error> {
        let left = self.last_of(run, task, attempt, |event| match event {
            Event::ChangeCaptured {
                repository, commit, ..
            } => Some((repository, commit)),
            _ => None,
        })?;
        Ok(left.map(|(_, left)| left))
    }

    fn day(&self) -> Result<DaySpend, Error> {
        let (home, surroundings) = (&self.home, &self.surroundings);
        let mut ledger = lock(&self.ledger);
        let ledger = match &mut *ledger {
            Some(ledger) => ledger,
            none => none.insert(open_ledger(home, surroundings, None)?),
        };
        let day = Day::of(surroundings.clock.now());
        let today = Limit::Day { day };
        let mut spend = DaySpend {
            limit: ledger.limit(&today, &budget(home, surroundings)?.limits())?,
            ..DaySpend::default()
        };
        let is_current = |limit: &Limit| match limit {
            Limit::Day { day: of } | Limit::Repository { day: of, .. } => *of == day,
            Limit::Run { .. } | Limit::Task { .. } => true,
        };
        for standing in ledger.spending()?.standings {
            if standing.limit == today {
                (spend.spent, spend.reserved) = (standing.spent, standing.reserved);
            }
            if is_current(&standing.limit) && standing.amount.is_some() {
                spend.limits.push(LimitStanding {
                    name: standing.limit.to_string(),
                    limit: standing.amount,
                    spent: standing.spent,
                    reserved: standing.reserved,
                });
            }
        }
        Ok(spend)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn standing(it: &LessonFigures) -> LessonStanding {
    let lesson = &it.lesson;
    LessonStanding {
        id: lesson.id.to_string(),
        text: lesson.text.clone(),
        kind: match lesson.kind {
            LessonKind::Command => "command",
            LessonKind::Convention => "convention",
            LessonKind::Warning => "warning",
            LessonKind::Path => "path",
        }
        .to_owned(),
        status: lesson.status.as_str().to_owned(),
        repository: lesson.scope.repository.as_ref().map(ToString::to_string),
        created: lesson.created,
        treated: it.with.0,
        control: it.without.0,
        effect: match it.gain {
            Figure::Known { value, .. } => Some(value),
            Figure::NotEnough { .. } => None,
        },
        evidence: it.gain.as_percent().to_string(),
        needs_approval: it.awaits_approval || lesson.needs_approval(),
    }
}

#[async_trait]
impl RunSource for HomeSource {
    async fn runs(&self) -> Result<Vec<RunListing>, PortError> {
        self.blocking("list the runs", Inner::runs).await
    }

    async fn events(&self, run: &RunId, after: u64) -> Result<Batch, PortError> {
        let run = run.clone();
        self.blocking("read a run", move |inner| inner.events(&run, after))
            .await
    }

    async fn tally(&self, run: &RunId) -> Result<Option<Tally>, PortError> {
        let run = run.clone();
        self.blocking("read what a run has counted", move |inner| {
            inner.tally(&run)
        })
        .await
    }

    async fn log(
        &self,
        run: &RunId,
        task: Option<&TaskId>,
        after: Option<LogPosition>,
    ) -> Result<LogChunk, PortError> {
        let (run, task) = (run.clone(), task.cloned());
        self.blocking("read a log", move |inner| {
            inner.log(&run, task.as_ref(), after.as_ref())
        })
        .await
    }

    async fn diff(&self, run: &RunId, task: &TaskId, attempt: u32) -> Result<String, PortError> {
        const DOING: &str = "show an attempt's change";
        let left = {
            let (run, task) = (run.clone(), task.clone());
            self.blocking(DOING, move |inner| inner.commit_of(&run, &task, attempt))
                .await?
        };
        let Some((repository, commit)) = left else {
            return Err(not_found(DOING, "it has left no commit"));
        };
        let state = self.inner.home.state();
        let places = Places {
            mirrors: state.join("mirrors"),
            workspaces: state.join("workspaces"),
        };
        let git = self.git().await?;
        let shown = git_workspace::show_change(git, &places, &repository, &commit, DIFF_BYTES);
        let shown = shown.await.map_err(|error| as_port(DOING, error.into()))?;
        let shown = shown.ok_or_else(|| not_found(DOING, format!("commit {commit} is gone")))?;
        Ok(scrub(&shown).text.into_owned())
    }

    async fn prompt(&self, run: &RunId, task: &TaskId, attempt: u32) -> Result<Prompt, PortError> {
        const DOING: &str = "show an attempt's prompt";
        let (run, task) = (run.clone(), task.clone());
        let found = self
            .blocking(DOING, move |inner| inner.prompt(&run, &task, attempt))
            .await?;
        found.ok_or_else(|| not_found(DOING, "nothing of it is kept"))
    }

    async fn day(&self) -> Result<DaySpend, PortError> {
        self.blocking("read what was spent", Inner::day).await
    }

    async fn lessons(&self) -> Result<Vec<LessonStanding>, PortError> {
        const DOING: &str = "read the lessons";
        if !self.inner.home.state().join("feedback").exists() {
            return Ok(Vec::new());
        }
        let open = |inner: &Inner| open_feedback(&inner.home, &inner.surroundings);
        let feedback = self.blocking(DOING, open).await?;
        let lessons = feedback.lessons().await;
        let mut lessons = lessons.map_err(|error| as_port(DOING, error.into()))?;
        lessons.sort_by_key(|it| it.lesson.status != Status::Promoted);
        Ok(lessons.iter().map(standing).collect())
    }

    async fn command(&self, run: &RunId, command: Command) -> Result<String, PortError> {
        const DOING: &str = "tell a run";
        let (home, surroundings) = (&self.inner.home, &self.inner.surroundings);
        let failed = |error: Error| as_port(DOING, error);
        let of = run.clone();
        if let Command::Raise { limit } = command {
            let read = move |inner: &Inner| {
                inner.exists(&of)?;
                RunRecord::read(&inner.home, &of, &inner.surroundings)
            };
            let record = self.blocking(DOING, read).await?;
            let of_run = Limit::Run { run: run.clone() };
            let before = raise_limit(home, surroundings, Some(&record), &of_run, limit);
            let before: Usd = before.await.map_err(failed)?;
            return Ok(format!("the run may spend {limit} USD instead of {before}"));
        }
        let read = move |inner: &Inner| {
            inner.exists(&of)?;
            RunStatus::read(&inner.home, &of, &inner.surroundings)
        };
        let status = self.blocking(DOING, read).await?;
        let message = command.to_message();
        let Some(message) = message.filter(|_| takes(status.state, &command)) else {
            let why = format!("run {run} is {}", status.state.as_str());
            return Err(PortError::new(ErrorClass::Validation, DOING).because(why));
        };
        let is_held = assembly::send(home, run, &message, surroundings).await;
        Ok(match is_held.map_err(failed)? {
            true => "told; the run takes it up".to_owned(),
            false => format!("told; go on with: automation resume {run}"),
        })
    }
}

/// Whether a run of that state can do anything with a person's word.
fn takes(state: RunState, command: &Command) -> bool {
    match command {
        Command::Approve { .. } => matches!(state, RunState::Running | RunState::Waiting),
        _ => !matches!(state, RunState::Done | RunState::Aborted),
    }
}
