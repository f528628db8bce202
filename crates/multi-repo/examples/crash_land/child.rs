//! The landing that is killed: real repositories, a real journal, and what a
//! run does with the outcome.

use std::{
    fs,
    path::Path,
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result, bail};
use async_trait::async_trait;
use core_types::{
    BranchName, ChangeSetLanded, ChangeSetLander, ChangeSetLanding, CheckoutPolicy, Clock as _,
    CommitId, ConflictHunk, ConflictedFile, Diff, Landed, Landing, LandingMember, LandingObserver,
    Merge, OperationId, PortError, Prepared, PreparedLanding, RefName, RefUpdate, Repository,
    RepositoryName, Resolution, RunId, SettledFile, Standing, StepRef, SystemClock, Workspace,
};
use engine_checkpoint::{RunHeader, RunJournal};
use git_workspace::{Git, GitRepository, Options};
use journal::faults::{Faults, Moment};
use multi_repo::TwoPhase;

use crate::bed::{Kill, counting_git, open, put};

/// Lands as the plan of a home says, brings what moved up to its target, and lands again.
pub(crate) async fn land(home: &Path, kill: Option<Kill>) -> Result<ExitCode> {
    let mut options = Options::default();
    let git_at = match kill {
        Some(Kill::Git(at)) => Some(at),
        _ => None,
    };
    if let Some(at) = git_at {
        options.program = counting_git(home, at)?.into();
    }
    let git = Arc::new(Git::new(options));
    let calls = Arc::new(Calls {
        n: AtomicUsize::new(0),
        kill,
    });
    let mut members = Vec::new();
    for line in fs::read_to_string(home.join("plan"))?.lines() {
        let mut words = line.split(' ');
        let mut word = || words.next().context("a word of the plan");
        let (name, expected, commit) = (word()?, word()?, word()?);
        members.push(LandingMember {
            repository: Arc::new(Killing {
                inner: open(home, &git, name).await?,
                calls: Arc::clone(&calls),
            }),
            landing: Landing {
                branch: BranchName::new("main")?,
                expected: expected.parse()?,
                commit: commit.parse()?,
                pull_request: None,
                checkout: CheckoutPolicy::Update,
            },
        });
    }
    let journal = open_journal(home, kill).await?;
    let steps = journal.steps();
    let change_set = OperationId::new("run-1:change-set")?;
    for attempt in 1..=4 {
        let landing = ChangeSetLanding {
            change_set: &change_set,
            attempt,
            members: members.clone(),
            steps: &*steps,
            observer: &Silent,
        };
        match TwoPhase.land(landing).await? {
            ChangeSetLanded::All => {
                if git_at.is_some() {
                    put(
                        &home.join("calls"),
                        calls.n.load(Ordering::SeqCst).to_string().as_bytes(),
                    )?;
                }
                return Ok(ExitCode::SUCCESS);
            }
            ChangeSetLanded::TargetMoved { moved, .. } => {
                for member in &mut members {
                    if let Some(now) = moved.get(member.repository.name()) {
                        catch_up(member, now).await?;
                    }
                }
            }
            other => bail!("{other:?}"),
        }
    }
    bail!("the targets move for ever");
}

/// Merging is the same each time, so that it needs no record here.
async fn catch_up(member: &mut LandingMember, now: &CommitId) -> Result<()> {
    let landing = &mut member.landing;
    member.repository.fetch(&landing.branch).await?;
    let merged = member
        .repository
        .merge(now, &landing.commit, "catch up")
        .await?;
    let (Merge::Merged { commit } | Merge::FastForward { commit }) = merged else {
        bail!("they do not conflict");
    };
    (landing.expected, landing.commit) = (now.clone(), commit);
    Ok(())
}

async fn open_journal(home: &Path, kill: Option<Kill>) -> Result<RunJournal> {
    let dir = home.join("journal");
    let mut options = engine_checkpoint::Options::default();
    if let Some(Kill::Append(at, is_after)) = kill {
        let moment = if is_after {
            Moment::After
        } else {
            Moment::Before
        };
        options.journal.faults = Some(Faults::crash_at(at as u64, moment));
    }
    let mut looks_left = 500;
    loop {
        match RunJournal::open(&dir, &options) {
            Ok(journal) => return Ok(journal),
            Err(engine_checkpoint::Error::NoRun { .. }) => {
                let run = RunId::new("run-1")?;
                let header = RunHeader::new(run, SystemClock.now(), serde_json::Value::Null);
                return Ok(RunJournal::create(&dir, &options, header)?);
            }
            // The one that was killed is still ending.
            Err(engine_checkpoint::Error::Locked { .. }) if looks_left > 0 => {
                looks_left -= 1;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

#[derive(Debug)]
struct Silent;

impl LandingObserver for Silent {
    fn landed(&self, _: &StepRef, _: &RepositoryName, _: &Landing) {}
}

/// Counts the calls of all repositories, and kills this process at one of them.
#[derive(Debug)]
struct Calls {
    n: AtomicUsize,
    kill: Option<Kill>,
}

impl Calls {
    async fn call<T>(&self, calling: impl Future<Output = T>) -> T {
        let n = self.n.fetch_add(1, Ordering::SeqCst) + 1;
        let dies =
            |when| matches!(self.kill, Some(Kill::Call(at, after)) if at == n && after == when);
        if dies(false) {
            die();
        }
        let result = calling.await;
        if dies(true) {
            die();
        }
        result
    }
}

fn die() {
    let ourselves = rustix::process::getpid();
    let killed = rustix::process::kill_process(ourselves, rustix::process::Signal::KILL);
    killed.expect("a process may kill itself");
}

/// A repository whose calls are counted.
#[derive(Debug)]
struct Killing {
    inner: GitRepository,
    calls: Arc<Calls>,
}

#[derive(Debug)]
struct KillingBranch {
    inner: Box<dyn PreparedLanding>,
    calls: Arc<Calls>,
}

#[async_trait]
impl PreparedLanding for KillingBranch {
    async fn commit(self: Box<Self>) -> Result<Landed, PortError> {
        self.calls.call(self.inner.commit()).await
    }
    async fn abort(self: Box<Self>) -> Result<(), PortError> {
        self.calls.call(self.inner.abort()).await
    }
}

#[async_trait]
impl Repository for Killing {
    fn name(&self) -> &RepositoryName {
        self.inner.name()
    }
    async fn fetch(&self, branch: &BranchName) -> Result<CommitId, PortError> {
        self.inner.fetch(branch).await
    }
    async fn warnings(&self) -> Result<Vec<String>, PortError> {
        self.inner.warnings().await
    }
    async fn lease(&self, commit: &CommitId) -> Result<Box<dyn Workspace>, PortError> {
        self.inner.lease(commit).await
    }
    async fn clone_to(&self, commit: &CommitId, folder: &Path) -> Result<(), PortError> {
        self.inner.clone_to(commit, folder).await
    }
    async fn resolve(&self, name: &RefName) -> Result<Option<CommitId>, PortError> {
        self.inner.resolve(name).await
    }
    async fn update_refs(&self, updates: &[RefUpdate]) -> Result<(), PortError> {
        self.inner.update_refs(updates).await
    }
    async fn merge(
        &self,
        ours: &CommitId,
        theirs: &CommitId,
        message: &str,
    ) -> Result<Merge, PortError> {
        self.inner.merge(ours, theirs, message).await
    }
    async fn diff(
        &self,
        from: &CommitId,
        to: &CommitId,
        limit_bytes: usize,
    ) -> Result<Diff, PortError> {
        self.inner.diff(from, to, limit_bytes).await
    }
    async fn conflicts(
        &self,
        ours: &CommitId,
        theirs: &CommitId,
    ) -> Result<Vec<ConflictedFile>, PortError> {
        self.inner.conflicts(ours, theirs).await
    }
    async fn lease_merge(
        &self,
        ours: &CommitId,
        theirs: &CommitId,
    ) -> Result<Box<dyn Workspace>, PortError> {
        self.inner.lease_merge(ours, theirs).await
    }
    async fn settle(
        &self,
        ours: &CommitId,
        theirs: &CommitId,
        files: &[SettledFile],
        message: &str,
    ) -> Result<CommitId, PortError> {
        self.inner.settle(ours, theirs, files, message).await
    }
    async fn remember(&self, resolutions: &[Resolution]) -> Result<(), PortError> {
        self.inner.remember(resolutions).await
    }
    async fn recall(&self, hunks: &[ConflictHunk]) -> Result<Vec<Option<String>>, PortError> {
        self.inner.recall(hunks).await
    }
    async fn read(
        &self,
        commit: &CommitId,
        path: &str,
        limit_bytes: usize,
    ) -> Result<Option<Vec<u8>>, PortError> {
        self.inner.read(commit, path, limit_bytes).await
    }
    async fn overlay(
        &self,
        onto: &CommitId,
        from: &CommitId,
        paths: &[String],
        message: &str,
    ) -> Result<CommitId, PortError> {
        self.inner.overlay(onto, from, paths, message).await
    }
    async fn publish(&self, branch: &BranchName, commit: &CommitId) -> Result<(), PortError> {
        self.inner.publish(branch, commit).await
    }
    async fn land(&self, landing: &Landing) -> Result<Landed, PortError> {
        self.calls.call(self.inner.land(landing)).await
    }
    async fn prepare_landing(
        &self,
        landing: &Landing,
        change_set: &OperationId,
    ) -> Result<Prepared, PortError> {
        let prepared = self
            .calls
            .call(self.inner.prepare_landing(landing, change_set))
            .await?;
        Ok(match prepared {
            Prepared::Ready(inner) => Prepared::Ready(Box::new(KillingBranch {
                inner,
                calls: Arc::clone(&self.calls),
            })),
            other => other,
        })
    }
    async fn recover_landing(
        &self,
        landing: &Landing,
        change_set: &OperationId,
    ) -> Result<Standing, PortError> {
        self.calls
            .call(self.inner.recover_landing(landing, change_set))
            .await
    }
}
