//! Landing through forges, which fail at every call in every way.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use core_types::{
    BranchName, ChangeSetEnd, Comment, CommitId, ErrorClass, GitProvider, Issue, IssueChange,
    IssueNumber, NewComment, NewIssue, NewPullRequest, Operated, OperationId, PortError,
    PullRequest, PullRequestChange, PullRequestState, RepositoryName, StepLog,
};
use forges::{Forge, LocalForge, LocalForgeOptions};
use multi_repo::{ForgeLanding, ForgeMember, Options, Undo, end_report, land_on_forges};
use testkit::{FixedClock, MemoryForge, MemoryStepLog};

use crate::support::{FailingLog, id, name};

/// How a call of a forge fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// It has not acted, and says so.
    Before,
    /// It has acted, and says that it has not.
    After,
    /// It has acted, and nobody hears of it.
    ReplyLost,
    /// It refuses, now and always.
    Refusal,
    /// It has acted, nobody hears of it, and from then on nothing shows it while merging is refused.
    Late,
}

/// Counts the calls of all forges of a change set, and says which fail.
#[derive(Debug)]
struct Faults {
    n_calls: AtomicUsize,
    is_late: AtomicBool,
    from: usize,
    until: usize,
    fault: Fault,
}

impl Faults {
    fn none() -> Arc<Self> {
        Self::of(0, 0, Fault::Before)
    }

    /// The calls from `from` (counted from 1) to before `until`.
    fn of(from: usize, until: usize, fault: Fault) -> Arc<Self> {
        Arc::new(Self {
            n_calls: AtomicUsize::new(0),
            is_late: AtomicBool::new(false),
            from,
            until,
            fault,
        })
    }

    fn next(&self) -> Option<Fault> {
        let n = self.n_calls.fetch_add(1, Ordering::SeqCst) + 1;
        (self.from..self.until).contains(&n).then_some(self.fault)
    }

    async fn call<T>(
        &self,
        acting: impl Future<Output = Result<T, PortError>>,
    ) -> Result<T, PortError> {
        let failed = |class| Err(PortError::new(class, "reach the forge"));
        match self.next() {
            None => acting.await,
            Some(Fault::Before) => failed(ErrorClass::Transient),
            Some(Fault::Refusal) => failed(ErrorClass::Unauthorized),
            Some(Fault::After) => {
                acting.await?;
                failed(ErrorClass::Transient)
            }
            Some(Fault::ReplyLost) => {
                acting.await?;
                failed(ErrorClass::UnknownOutcome)
            }
            Some(Fault::Late) => {
                acting.await?;
                self.is_late.store(true, Ordering::SeqCst);
                failed(ErrorClass::UnknownOutcome)
            }
        }
    }
}

#[derive(Debug)]
struct FaultyForge {
    inner: Arc<dyn GitProvider>,
    faults: Arc<Faults>,
}

impl FaultyForge {
    fn is_late(&self) -> bool {
        self.faults.is_late.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl GitProvider for FaultyForge {
    async fn find(&self, operation: &OperationId) -> Result<Option<Operated>, PortError> {
        if self.is_late() {
            return Ok(None);
        }
        self.faults.call(self.inner.find(operation)).await
    }
    async fn create_issue(&self, _: &OperationId, _: NewIssue) -> Result<Issue, PortError> {
        unreachable!("landing creates no issue")
    }
    async fn update_issue(
        &self,
        _: &OperationId,
        _: IssueNumber,
        _: IssueChange,
    ) -> Result<Issue, PortError> {
        unreachable!("landing changes no issue")
    }
    async fn get_issue(&self, _: IssueNumber) -> Result<Issue, PortError> {
        unreachable!("landing reads no issue")
    }
    async fn list_issues(&self) -> Result<Vec<Issue>, PortError> {
        unreachable!("landing lists no issues")
    }
    async fn create_comment(&self, _: &OperationId, _: NewComment) -> Result<Comment, PortError> {
        unreachable!("landing makes no comment")
    }
    async fn update_comment(
        &self,
        _: &OperationId,
        _: u64,
        _: String,
    ) -> Result<Comment, PortError> {
        unreachable!("landing changes no comment")
    }
    async fn list_comments(&self, _: IssueNumber) -> Result<Vec<Comment>, PortError> {
        unreachable!("landing lists no comments")
    }
    async fn create_pull_request(
        &self,
        operation: &OperationId,
        new: NewPullRequest,
    ) -> Result<PullRequest, PortError> {
        self.faults
            .call(self.inner.create_pull_request(operation, new))
            .await
    }
    async fn update_pull_request(
        &self,
        _: &OperationId,
        _: IssueNumber,
        _: PullRequestChange,
    ) -> Result<PullRequest, PortError> {
        unreachable!("landing changes no pull request")
    }
    async fn merge_pull_request(
        &self,
        operation: &OperationId,
        number: IssueNumber,
        expected_head: &CommitId,
    ) -> Result<PullRequest, PortError> {
        if self.is_late() {
            return Err(PortError::new(ErrorClass::Conflict, "merge"));
        }
        let merging = self
            .inner
            .merge_pull_request(operation, number, expected_head);
        self.faults.call(merging).await
    }
    async fn list_pull_requests(&self) -> Result<Vec<PullRequest>, PortError> {
        let mut all = self.faults.call(self.inner.list_pull_requests()).await?;
        if self.is_late() {
            all.iter_mut()
                .for_each(|it| it.state = PullRequestState::Open);
        }
        Ok(all)
    }

    fn page(&self, _: IssueNumber) -> Option<String> {
        None
    }
}

const NAMES: [&str; 3] = ["a", "b", "c"];

fn commit(digit: &str) -> CommitId {
    CommitId::new(digit.repeat(40)).expect("a commit")
}

fn pull_request(what: &str, digit: &str) -> NewPullRequest {
    NewPullRequest {
        title: what.to_owned(),
        body: String::new(),
        head: BranchName::new(format!("automation/run-1/{what}")).expect("a branch"),
        base: BranchName::new("main").expect("a branch"),
        head_commit: commit(digit),
    }
}

/// A way back whose branch is there, unless that fails.
#[derive(Debug)]
struct Prepared(Arc<Faults>);

#[async_trait]
impl Undo for Prepared {
    async fn prepare(&self) -> Result<NewPullRequest, PortError> {
        let made = async { Ok(pull_request("undo", "c")) };
        self.0.call(made).await
    }
}

/// Three forges with a pull request each.
struct World {
    forges: Vec<Arc<dyn GitProvider>>,
    numbers: Vec<IssueNumber>,
}

impl World {
    async fn over(forges: Vec<Arc<dyn GitProvider>>) -> Self {
        let mut numbers = Vec::new();
        for forge in &forges {
            let operation = id("open");
            let opened = forge.create_pull_request(&operation, pull_request("change", "a"));
            numbers.push(opened.await.expect("opened").number);
        }
        Self { forges, numbers }
    }

    async fn in_memory() -> Self {
        let forge = || Arc::new(MemoryForge::default()) as Arc<dyn GitProvider>;
        Self::over(NAMES.map(|_| forge()).to_vec()).await
    }

    fn members(&self, faults: &Arc<Faults>, can_undo: bool) -> Vec<ForgeMember> {
        let member = |(idx, forge): (usize, &Arc<dyn GitProvider>)| ForgeMember {
            repository: name(NAMES[idx]),
            provider: Arc::new(FaultyForge {
                inner: Arc::clone(forge),
                faults: Arc::clone(faults),
            }),
            pull_request: self.numbers[idx],
            head: commit("a"),
            undo: can_undo.then(|| Arc::new(Prepared(Arc::clone(faults))) as _),
        };
        self.forges.iter().enumerate().map(member).collect()
    }

    async fn land(
        &self,
        faults: &Arc<Faults>,
        can_undo: bool,
        steps: &dyn StepLog,
    ) -> Result<ChangeSetEnd, core_types::step::StepError> {
        let change_set = id("run-1:change-set");
        let landing = ForgeLanding {
            change_set: &change_set,
            attempt: 1,
            members: self.members(faults, can_undo),
            steps,
            options: Options {
                backoff: Duration::from_secs(1),
                ..Options::default()
            },
        };
        let ended = land_on_forges(&landing).await?;
        let is_back = |it: &RepositoryName| {
            let taken = ended.taken_back.get(it)?;
            assert_eq!((&taken.head, &taken.by), (&commit("a"), &commit("c")));
            Some("undone")
        };
        let told = NAMES.map(|it| is_back(&name(it)));
        let seen = self.look().await.map(|it| (it == "undone").then_some(it));
        // Whether an undo that failed was done all the same, nobody may know.
        for (told, seen) in told.iter().zip(seen) {
            assert!(told.is_none() || *told == seen, "{ended:?}");
        }
        Ok(ended.end())
    }

    /// For each forge: `merged`, `undone` or `open`; panics at what must never be.
    async fn look(&self) -> [&'static str; 3] {
        let mut seen = [""; 3];
        for (idx, forge) in self.forges.iter().enumerate() {
            let all = forge.list_pull_requests().await.expect("a list");
            let of = |head: &str| {
                let found: Vec<_> = all
                    .iter()
                    .filter(|it| it.head.as_str().ends_with(head))
                    .collect();
                assert!(found.len() <= 1, "opened once: {all:?}");
                found.first().map(|it| it.state)
            };
            seen[idx] = match (of("change"), of("undo")) {
                (Some(PullRequestState::Merged), Some(PullRequestState::Merged)) => "undone",
                (Some(PullRequestState::Merged), _) => "merged",
                (Some(PullRequestState::Open), None) => "open",
                other => panic!("never: {other:?}"),
            };
        }
        seen
    }

    /// What the end says must be what the forges show.
    async fn check(&self, end: &ChangeSetEnd, what: &str) {
        let seen = self.look().await;
        match end {
            ChangeSetEnd::All => assert_eq!(seen, ["merged"; 3], "{what}"),
            ChangeSetEnd::None { reasons } => {
                assert!(!reasons.is_empty(), "{what}: a reason is told");
                assert!(!seen.contains(&"merged"), "{what}: {seen:?} but {end:?}");
            }
            ChangeSetEnd::Partial { landed, missing } => {
                assert_eq!(landed.len() + missing.len(), 3, "{what}: each is told of");
                for (idx, state) in seen.iter().enumerate() {
                    let repository = name(NAMES[idx]);
                    if landed.contains(&repository) {
                        assert_eq!(*state, "merged", "{what}");
                    } else if *state == "merged" {
                        let why = &missing[&repository];
                        assert!(
                            why.contains("unknown"),
                            "{what}: {repository} is merged: {why}"
                        );
                    }
                }
                let report = end_report(&id("x"), end);
                assert!(report.starts_with("**Landed in part only.**"), "{report}");
            }
            other => panic!("{what}: {other:?}"),
        }
    }
}

/// A forge that refuses after nobody heard of a merge may refuse for the very reason that it has merged.
#[tokio::test(start_paused = true)]
async fn a_refusal_after_an_unknown_merge_takes_nothing_back() {
    let world = World::in_memory().await;
    // Three checks, the merge of `a`, that of `b`.
    let faults = Faults::of(5, 6, Fault::Late);
    let steps = MemoryStepLog::default();
    let end = world.land(&faults, true, &steps).await.expect("an end");
    assert_eq!(world.look().await, ["merged", "merged", "open"]);
    world.check(&end, "late").await;
}

#[tokio::test]
async fn all_are_merged_at_what_was_tested() {
    let world = World::in_memory().await;
    let steps = MemoryStepLog::default();
    let end = world
        .land(&Faults::none(), true, &steps)
        .await
        .expect("an end");
    assert_eq!(end, ChangeSetEnd::All);
    world.check(&end, "no fault").await;
    let faults = Faults::none();
    let again = world.land(&faults, true, &steps).await.expect("an end");
    assert_eq!(
        (again, faults.n_calls.load(Ordering::SeqCst)),
        (end, 0),
        "replayed"
    );
}

#[tokio::test]
async fn the_local_forge_merges_as_well() {
    let folder = tempfile::tempdir().expect("a folder");
    let clock = Arc::new(FixedClock::default());
    let forge =
        LocalForge::open(folder.path(), LocalForgeOptions::default(), clock).expect("opens");
    let world = World::over(NAMES.map(|it| forge.provider(&name(it))).to_vec()).await;
    let faults = Faults::of(5, 6, Fault::ReplyLost);
    let end = world
        .land(&faults, true, &MemoryStepLog::default())
        .await
        .expect("an end");
    assert_eq!(end, ChangeSetEnd::All);
    world.check(&end, "the local forge").await;
}

#[tokio::test]
async fn nothing_is_merged_where_a_head_has_moved() {
    let world = World::in_memory().await;
    let change = PullRequestChange {
        head_commit: Some(commit("b")),
        ..PullRequestChange::default()
    };
    let operation = id("move");
    let moved = world.forges[2].update_pull_request(&operation, world.numbers[2], change);
    moved.await.expect("moved");
    let end = world
        .land(&Faults::none(), true, &MemoryStepLog::default())
        .await
        .expect("an end");
    let ChangeSetEnd::None { reasons } = &end else {
        panic!("{end:?}");
    };
    assert_eq!(
        reasons[..],
        [
            "a: not tried, since c is not as it was tested",
            "b: not tried, since c is not as it was tested",
            "c: pull request #1 is at bbbbbbbbbb, tested was aaaaaaaaaa",
        ]
    );
    world.check(&end, "a moved head").await;
}

/// Every call fails once, or from then on for ever, in every way; with and without a way back.
#[tokio::test(start_paused = true)]
async fn whatever_fails_the_end_is_told_as_it_is() {
    let calls = Faults::none();
    let world = World::in_memory().await;
    world
        .land(&calls, true, &MemoryStepLog::default())
        .await
        .expect("an end");
    let n_calls = calls.n_calls.load(Ordering::SeqCst);
    assert!(n_calls >= 6, "{n_calls}");
    let mut ends = [0; 3];
    let faults = [
        Fault::Before,
        Fault::After,
        Fault::ReplyLost,
        Fault::Refusal,
    ];
    // A fault causes calls that an undisturbed landing does not make.
    for from in 1..=3 * n_calls {
        for length in [1, 2, 4, 8, 1000] {
            for fault in faults {
                for can_undo in [true, false] {
                    let what = format!("{fault:?} from {from} for {length}, undo {can_undo}");
                    let world = World::in_memory().await;
                    let faults = Faults::of(from, from + length, fault);
                    let steps = MemoryStepLog::default();
                    let end = world.land(&faults, can_undo, &steps).await.expect("an end");
                    world.check(&end, &what).await;
                    ends[match end {
                        ChangeSetEnd::All => 0,
                        ChangeSetEnd::None { .. } => 1,
                        _ => 2,
                    }] += 1;
                }
            }
        }
    }
    assert!(
        ends.iter().all(|n| *n > 0),
        "all three ends were met: {ends:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_fault_in_passing_is_outlasted() {
    for fault in [Fault::Before, Fault::After, Fault::ReplyLost] {
        for from in 4..=6 {
            let world = World::in_memory().await;
            let steps = MemoryStepLog::default();
            let end = world
                .land(&Faults::of(from, from + 1, fault), false, &steps)
                .await;
            assert_eq!(
                end.expect("an end"),
                ChangeSetEnd::All,
                "{fault:?} at {from}"
            );
        }
    }
}

/// The journal fails at each append, as if the engine were killed there, and the next session goes on.
#[tokio::test(start_paused = true)]
async fn killed_at_each_append_it_goes_on() {
    // Without a fault, and with a refusal at the last merge, so that the others are taken back.
    for (fault_at, ends) in [(0, "All"), (6, "None")] {
        let faults = || {
            Faults::of(
                fault_at,
                fault_at + usize::from(fault_at > 0),
                Fault::Refusal,
            )
        };
        let whole = FailingLog::at(0, false);
        let end = World::in_memory().await.land(&faults(), true, &whole).await;
        assert!(format!("{:?}", end.expect("an end")).starts_with(ends));
        assert!(whole.n_appends() >= 8);
        for at in 1..=whole.n_appends() {
            for is_written in [false, true] {
                let what = format!("append {at}, written {is_written}, to {ends}");
                let world = World::in_memory().await;
                let steps = FailingLog::at(at, is_written);
                let faults = faults();
                world
                    .land(&faults, true, &steps)
                    .await
                    .expect_err("it is cut off");
                steps.heal();
                let end = world.land(&faults, true, &steps).await.expect("an end");
                world.check(&end, &what).await;
                // A refusal that was not recorded is not met again.
                let is_all = end == ChangeSetEnd::All;
                assert!(is_all || ends == "None", "{what}: {end:?}");
            }
        }
    }
}
