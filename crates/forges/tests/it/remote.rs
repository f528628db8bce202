//! The remote forge against the simulated one: the port's contract, also where the forge fails.

use std::{
    cell::Cell,
    collections::BTreeMap,
    io::Write as _,
    sync::Arc,
    time::{Duration, Instant},
};

use core_types::{
    BranchName, Clock as _, ErrorClass, GitProvider, IssueChange, NewComment, NewIssue,
    NewPullRequest, Operated, PullRequestChange, PullRequestState, RepositoryName, SystemClock,
};
use forges::{
    Forge as _,
    remote::{
        Check, CheckState, Kind, Options, Patience, PullRequestReview, RemoteForge,
        RemoteRepository, Retrying, Secret, Slug, Verdict,
    },
};
use perf_utils::governor::Limits;
use testkit::{
    contract::{Contract, shared_data},
    forge::{Dialect, Faults, SimulatedForge},
    git_provider::{Subject, conformance_of},
};

use crate::support::{new_issue, operation};

const TOKEN: &str = "robots-token";

fn options(settle: Duration) -> Options {
    Options {
        settle,
        // What a forge publishes is in seconds and hours.
        limits: Some(Limits::default()),
        ..Options::default()
    }
}

/// What a fresh process has: its own forge with its own memory.
fn open(simulated: &SimulatedForge, repository: &str, settle: Duration) -> Arc<RemoteRepository> {
    open_as(Kind::Gitea, simulated, repository, settle)
}

fn open_as(
    kind: Kind,
    simulated: &SimulatedForge,
    repository: &str,
    settle: Duration,
) -> Arc<RemoteRepository> {
    let token = Secret::new(TOKEN.to_owned());
    let clock = Arc::new(SystemClock);
    let name = RepositoryName::new("backend").expect("it works in a test");
    let slug = Slug::new("ada", repository).expect("it works in a test");
    let forge = RemoteForge::new(kind, simulated.url(), token, options(settle), clock);
    let forge = forge
        .expect("it works in a test")
        .with_repository(name.clone(), slug);
    let expected = match kind {
        Kind::GitHub => "github",
        Kind::GitLab => "gitlab",
        _ => "gitea",
    };
    assert_eq!(forge.kind(&name), expected);
    forge.repository(&name).expect("it works in a test")
}

const BRANCHES: [(&str, &str); 2] = [("automation/a", "a.txt"), ("automation/c", "c.txt")];

/// A repository with `automation/a` and `automation/b` one commit further than `main`.
fn add(simulated: &SimulatedForge, name: &str) {
    simulated.add_repository("ada", name, &BRANCHES);
    let a = simulated
        .branch("ada", name, "automation/a")
        .expect("it works in a test");
    simulated.push("ada", name, "automation/b", &a);
}

fn subject(simulated: &Arc<SimulatedForge>, name: &str, provider: Arc<dyn GitProvider>) -> Subject {
    let a = simulated
        .branch("ada", name, "automation/a")
        .expect("it works in a test");
    // A child of `a`: the same tree again.
    let b = testkit::git::Fixture::at(simulated.git_dir("ada", name));
    let tree = format!("{a}^{{tree}}");
    let b = b.git(&["commit-tree", "-p", a.as_str(), "-m", "Further", &tree]);
    let (name, pushed) = (name.to_owned(), Arc::clone(simulated));
    Subject {
        provider,
        commits: [a, b.parse().expect("it works in a test")],
        push: Arc::new(move |branch, commit| {
            pushed.push("ada", &name, branch.as_str(), commit);
        }),
    }
}

fn patient(provider: Arc<dyn GitProvider>) -> Arc<dyn GitProvider> {
    let patience = Patience {
        // Each try of a search is many calls, of which one in five fails here.
        tries: 200,
        backoff: Duration::from_micros(200),
        max_wait: Duration::from_millis(5),
    };
    Arc::new(Retrying::new(provider, patience, Arc::new(SystemClock)))
}

/// Each marked operation stands in one object alone: what two hold was done twice.
fn assert_no_duplicates(simulated: &SimulatedForge, name: &str, seed: u64) {
    let mut holders = BTreeMap::new();
    for shown in simulated.truth("ada", name) {
        for word in shown.body.split_ascii_whitespace() {
            if let Some(made) = word.strip_prefix("made=") {
                let place = (shown.kind, shown.number);
                let before = holders.insert(made.to_owned(), place);
                assert_eq!(
                    before, None,
                    "seed {seed}: {made} was done twice: {place:?}"
                );
            }
        }
    }
}

/// The forge of a kind.
async fn simulate(kind: Kind, folder: &std::path::Path) -> Arc<SimulatedForge> {
    let dialect = match kind {
        Kind::GitHub => Dialect::GitHub,
        Kind::GitLab => Dialect::GitLab,
        _ => Dialect::Gitea,
    };
    Arc::new(SimulatedForge::start_as(dialect, folder).await)
}

fn contract(kind: Kind) -> Option<Contract> {
    if kind == Kind::GitLab {
        return Some(Contract::gitlab());
    }
    let Some(folder) = shared_data() else {
        writeln!(
            std::io::stderr(),
            "not checked: the shared data with the descriptions of forges is missing"
        )
        .expect("the test's output takes it");
        return None;
    };
    let file = match kind {
        Kind::GitHub => "contracts/github.openapi.json",
        _ => "contracts/gitea.swagger.json",
    };
    let text = std::fs::read_to_string(folder.join(file));
    Some(Contract::parse(&text.expect("the shared data holds it")))
}

/// Every request and every answer is as the published description says.
fn assert_as_described(simulated: &SimulatedForge, contract: Option<&Contract>) -> usize {
    let calls = simulated.take_calls();
    for call in &calls {
        let Some(contract) = contract else { continue };
        let (method, path) = (&*call.method, &*call.path);
        let asked = contract.check_request(method, path, &call.query, call.body.as_ref());
        assert_eq!(asked, Ok(()), "a request: {call:?}");
        if call.status != 0 {
            let said = contract.check_answer(method, path, call.status, call.answer.as_ref());
            assert_eq!(said, Ok(()), "an answer: {call:?}");
        }
    }
    calls.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn gitea_conforms_and_speaks_as_described() {
    Box::pin(conformance_as_described(Kind::Gitea)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn github_conforms_and_speaks_as_described() {
    Box::pin(conformance_as_described(Kind::GitHub)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn gitlab_conforms_and_speaks_as_described() {
    Box::pin(conformance_as_described(Kind::GitLab)).await;
}

async fn conformance_as_described(kind: Kind) {
    let folder = tempfile::tempdir().expect("it works in a test");
    let simulated = simulate(kind, folder.path()).await;
    let n_repositories = Cell::new(0);
    conformance_of(async || {
        n_repositories.set(n_repositories.get() + 1);
        let name = format!("r{}", n_repositories.get());
        add(&simulated, &name);
        let provider = open_as(kind, &simulated, &name, Duration::from_millis(30));
        subject(&simulated, &name, provider)
    })
    .await;
    let n_calls = assert_as_described(&simulated, contract(kind).as_ref());
    assert!(n_calls > 150, "{n_calls} calls");
}

async fn conformance_with_faults(kind: Kind, seeds: std::ops::Range<u64>) {
    let contract = contract(kind);
    for seed in seeds {
        let folder = tempfile::tempdir().expect("it works in a test");
        let simulated = simulate(kind, folder.path()).await;
        let faults = Faults {
            refused: 0.05,
            down_before: 0.05,
            down_after: 0.05,
            lost: 0.05,
            lag: Duration::from_millis(8),
            late: 0.5,
            busy: 0.3,
        };
        simulated.set_faults(faults, seed);
        let n_repositories = Cell::new(0);
        conformance_of(async || {
            n_repositories.set(n_repositories.get() + 1);
            let name = format!("r{}", n_repositories.get());
            add(&simulated, &name);
            let provider = patient(open_as(kind, &simulated, &name, Duration::from_millis(24)));
            subject(&simulated, &name, provider)
        })
        .await;
        for number in 1..=n_repositories.get() {
            assert_no_duplicates(&simulated, &format!("r{number}"), seed);
        }
        assert_as_described(&simulated, contract.as_ref());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn gitea_conforms_with_faults() {
    Box::pin(conformance_with_faults(Kind::Gitea, 0..3)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn github_conforms_with_faults() {
    Box::pin(conformance_with_faults(Kind::GitHub, 0..3)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn gitlab_conforms_with_faults() {
    Box::pin(conformance_with_faults(Kind::GitLab, 0..3)).await;
}

/// Set `RUN_SLOW=1`: some minutes each.
async fn conformance_with_many_seeds(kind: Kind) {
    if std::env::var_os("RUN_SLOW").is_some() {
        Box::pin(conformance_with_faults(kind, 1000..1120)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn gitea_conforms_with_faults_of_many_seeds() {
    conformance_with_many_seeds(Kind::Gitea).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn github_conforms_with_faults_of_many_seeds() {
    conformance_with_many_seeds(Kind::GitHub).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn gitlab_conforms_with_faults_of_many_seeds() {
    conformance_with_many_seeds(Kind::GitLab).await;
}

async fn start() -> (tempfile::TempDir, Arc<SimulatedForge>) {
    let folder = tempfile::tempdir().expect("it works in a test");
    let simulated = Arc::new(SimulatedForge::start(folder.path()).await);
    add(&simulated, "backend");
    (folder, simulated)
}

fn new_pull_request(simulated: &SimulatedForge, head: &str) -> NewPullRequest {
    NewPullRequest {
        title: "A change".to_owned(),
        body: "Why.".to_owned(),
        head: BranchName::new(head).expect("it works in a test"),
        base: BranchName::new("main").expect("it works in a test"),
        head_commit: simulated
            .branch("ada", "backend", head)
            .expect("it works in a test"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_process_left_before_it_was_killed_is_found_by_the_next() {
    let (_folder, simulated) = start().await;
    let settle = Duration::from_millis(60);
    let issue = simulated.write_issue("ada", "backend", "grace", "A wish", "Please.");
    let lost = Faults {
        lost: 1.0,
        ..Faults::default()
    };
    // The account is known: only what is sent then is lost.
    let first = open(&simulated, "backend", settle);
    first.list_issues().await.unwrap();
    first.get_issue(issue).await.unwrap();
    simulated.set_faults(lost, 1);
    let unknown = ErrorClass::UnknownOutcome;
    let made = first.create_issue(&operation("1"), new_issue("a")).await;
    assert_eq!(made.unwrap_err().class(), unknown);
    let comment = || NewComment {
        issue,
        body: "Done.".to_owned(),
    };
    let made = first.create_comment(&operation("2"), comment()).await;
    assert_eq!(made.unwrap_err().class(), unknown);
    let new = || new_pull_request(&simulated, "automation/a");
    let made = first.create_pull_request(&operation("3"), new()).await;
    assert_eq!(made.unwrap_err().class(), unknown);
    drop(first);

    // Lists of the first moments show nothing of it.
    let late = Faults {
        lag: Duration::from_millis(40),
        late: 1.0,
        ..Faults::default()
    };
    simulated.set_faults(late, 1);
    let second = open(&simulated, "backend", settle);
    let left = second.find(&operation("1")).await.unwrap();
    assert!(
        matches!(left, Some(Operated::Issue(it)) if it.title == "a"),
        "the issue"
    );
    let left = second.find(&operation("2")).await.unwrap();
    assert!(
        matches!(left, Some(Operated::Comment(it)) if it.body == "Done."),
        "the comment"
    );
    let left = second.find(&operation("3")).await.unwrap();
    assert!(
        matches!(left, Some(Operated::PullRequest(it)) if it.body == "Why."),
        "the pull request"
    );
    // And what is said again returns it.
    second
        .create_issue(&operation("1"), new_issue("a"))
        .await
        .unwrap();
    second
        .create_comment(&operation("2"), comment())
        .await
        .unwrap();
    second
        .create_pull_request(&operation("3"), new())
        .await
        .unwrap();
    assert_eq!(
        simulated.truth("ada", "backend").len(),
        4,
        "one of each, and the wish"
    );
    assert_eq!(second.find(&operation("4")).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_dropped_anywhere_leaves_its_operation_to_be_found() {
    let (_folder, simulated) = start().await;
    let provider = open(&simulated, "backend", Duration::from_millis(20));
    let mut n_dropped = 0_u32;
    for step in 0..60_u64 {
        let name = operation(format!("drop-{step}"));
        // It is polled a bit longer each time, so that it is dropped at ever later points.
        let polls = async {
            for _ in 0..step * step / 4 {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            biased;
            made = provider.create_issue(&name, new_issue("a")) => drop(made.unwrap()),
            () = polls => n_dropped += 1,
        }
        provider.create_issue(&name, new_issue("a")).await.unwrap();
        assert!(provider.find(&name).await.unwrap().is_some());
    }
    assert!(n_dropped > 0, "some are dropped before they end");
    assert_no_duplicates(&simulated, "backend", 0);
    assert_eq!(provider.list_issues().await.unwrap().len(), 60);
}

/// A list shows a change of just now, however late it is, also of a comment that was written long ago.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_an_old_comment_is_seen_at_once() {
    let (_folder, simulated) = start().await;
    let issue = simulated.write_issue("ada", "backend", "grace", "A wish", "Please.");
    let settle = Duration::from_millis(100);
    let provider = open(&simulated, "backend", settle);
    let comment = NewComment {
        issue,
        body: "old".to_owned(),
    };
    let made = provider.create_comment(&operation("1"), comment).await;
    let id = made.unwrap().id;
    tokio::time::sleep(settle * 2).await;
    provider.list_comments(issue).await.unwrap();
    let late = Faults {
        lag: settle / 2,
        late: 1.0,
        ..Faults::default()
    };
    simulated.set_faults(late, 1);
    let body = "new".to_owned();
    let changed = provider.update_comment(&operation("2"), id, body).await;
    changed.unwrap();
    let listed = provider.list_comments(issue).await.unwrap();
    assert_eq!(listed[0].body, "new");
    let others = provider.list_comments(issue + 1).await;
    assert!(others.is_err(), "it is not of another issue");
}

#[tokio::test(flavor = "multi_thread")]
async fn marks_that_somebody_else_writes_count_for_nothing() {
    let (_folder, simulated) = start().await;
    let ours = open(&simulated, "backend", Duration::from_millis(10));
    let made = ours
        .create_issue(&operation("1"), new_issue("a"))
        .await
        .unwrap();
    let stored = simulated.truth("ada", "backend")[0].body.clone();
    assert!(stored.contains("made="), "{stored}");
    let forged = stored.replace("#1", "#2").replace("made=1", "made=2");
    assert_ne!(forged, stored);
    simulated.write_issue("ada", "backend", "mallory", "b", &forged);
    let next = open(&simulated, "backend", Duration::from_millis(10));
    assert_eq!(next.find(&operation("2")).await.unwrap(), None);
    let found = next.find(&operation("1")).await.unwrap();
    assert!(matches!(found, Some(Operated::Issue(it)) if it.number == made.number));
    // What a person has written is shown as it is.
    assert_eq!(next.list_issues().await.unwrap()[1].body, forged);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merge_is_of_the_expected_commit_and_says_why_it_cannot_be() {
    let (_folder, simulated) = start().await;
    let provider = open(&simulated, "backend", Duration::from_millis(10));
    let main = || simulated.branch("ada", "backend", "main").unwrap();
    let open_one = async |name: &str, head: &str| {
        let new = new_pull_request(&simulated, head);
        let opened = provider.create_pull_request(&operation(name), new).await;
        opened.unwrap()
    };
    let refused = async |name: &str, opened: &core_types::PullRequest| {
        let head = &opened.head_commit;
        let name = operation(name);
        let merging = provider.merge_pull_request(&name, opened.number, head);
        let error = merging.await.unwrap_err();
        (error.class(), error.to_line())
    };
    let (a, c) = (
        open_one("1", "automation/a").await,
        open_one("2", "automation/c").await,
    );
    let before = main();

    simulated.set_rights("ada", "backend", false, true);
    let (class, line) = refused("3", &a).await;
    assert_eq!(class, ErrorClass::Unauthorized, "{line}");
    simulated.set_rights("ada", "backend", true, false);
    let (class, line) = refused("4", &a).await;
    assert_eq!(class, ErrorClass::Validation);
    assert!(
        line.contains("do not allow merges by fast-forward"),
        "{line}"
    );
    simulated.set_rights("ada", "backend", true, true);
    // Somebody pushes after it was tested.
    simulated.push("ada", "backend", "automation/a", &c.head_commit);
    let (class, line) = refused("5", &a).await;
    assert_eq!((class, main()), (ErrorClass::Conflict, before), "{line}");
    assert!(
        line.contains(&format!(
            "proposes {}, not {}",
            c.head_commit, a.head_commit
        )),
        "{line}"
    );
    simulated.push("ada", "backend", "automation/a", &a.head_commit);

    let merged = provider
        .merge_pull_request(&operation("6"), a.number, &a.head_commit)
        .await;
    assert_eq!(merged.unwrap().state, PullRequestState::Merged);
    assert_eq!(main(), a.head_commit, "the base is exactly what was tested");
    let (class, line) = refused("7", &c).await;
    assert_eq!(
        (class, main()),
        (ErrorClass::Conflict, a.head_commit.clone())
    );
    assert!(line.contains("its base has moved"), "{line}");
    assert_eq!(provider.find(&operation("7")).await.unwrap(), None);

    // The next process knows the merge by the state of the pull request.
    let next = open(&simulated, "backend", Duration::from_millis(10));
    let found = next.find(&operation("6")).await.unwrap();
    assert!(matches!(found, Some(Operated::PullRequest(it)) if it.number == a.number));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merge_whose_answer_is_lost_is_known_to_have_happened() {
    for seed in 0..10 {
        let (_folder, simulated) = start().await;
        let provider = patient(open(&simulated, "backend", Duration::from_millis(10)));
        let new = new_pull_request(&simulated, "automation/a");
        let opened = provider
            .create_pull_request(&operation("1"), new)
            .await
            .unwrap();
        let faults = Faults {
            down_after: 0.25,
            lost: 0.25,
            ..Faults::default()
        };
        simulated.set_faults(faults, seed);
        let name = operation("2");
        let merged = provider.merge_pull_request(&name, 1, &opened.head_commit);
        assert_eq!(
            merged.await.unwrap().state,
            PullRequestState::Merged,
            "seed {seed}"
        );
        assert_eq!(
            simulated.branch("ada", "backend", "main"),
            Some(opened.head_commit)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn branches_files_checks_reviews_and_rights_are_read_and_set() {
    let (_folder, simulated) = start().await;
    simulated.add_account("grace", "graces-token");
    let provider = open(&simulated, "backend", Duration::from_millis(10));
    let access = provider.access().await.unwrap();
    assert!(access.can_read && access.can_write && access.allows_fast_forward && !access.is_admin);
    assert!(!provider.may_write("mallory").await.unwrap());
    simulated.set_permission("ada", "backend", "mallory", "read");
    assert!(!provider.may_write("mallory").await.unwrap());
    simulated.set_permission("ada", "backend", "grace", "write");
    assert!(provider.may_write("grace").await.unwrap());

    let main = BranchName::new("main").unwrap();
    let commit = provider.branch(&main).await.unwrap().unwrap();
    let new = BranchName::new("automation/run-1/change").unwrap();
    assert_eq!(provider.branch(&new).await.unwrap(), None);
    for _ in 0..2 {
        provider.create_branch(&new, &commit).await.unwrap();
    }
    assert_eq!(provider.branch(&new).await.unwrap(), Some(commit.clone()));
    let other = simulated.branch("ada", "backend", "automation/a").unwrap();
    let elsewhere = provider.create_branch(&new, &other).await.unwrap_err();
    assert_eq!(elsewhere.class(), ErrorClass::Conflict);
    for _ in 0..2 {
        provider.delete_branch(&new).await.unwrap();
    }
    let file = provider.file("a.txt", "automation/a").await.unwrap();
    assert_eq!(file.as_deref(), Some(&b"A change.\n"[..]));
    assert_eq!(provider.file("a.txt", "main").await.unwrap(), None);

    let mut check = Check {
        context: "automation/tests".to_owned(),
        state: CheckState::Pending,
        description: "12 of 13".to_owned(),
    };
    provider.set_check(&commit, &check).await.unwrap();
    check.state = CheckState::Success;
    for _ in 0..2 {
        provider.set_check(&commit, &check).await.unwrap();
    }
    assert_eq!(provider.checks(&commit).await.unwrap(), [check]);

    let opened = new_pull_request(&simulated, "automation/a");
    let opened = provider
        .create_pull_request(&operation("1"), opened)
        .await
        .unwrap();
    assert_eq!(
        provider.is_mergeable(opened.number).await.unwrap(),
        Some(true)
    );
    let mut review = PullRequestReview {
        author: "robot".to_owned(),
        verdict: Verdict::Comment,
        body: "Looks right.".to_owned(),
        commit: opened.head_commit.clone(),
    };
    for _ in 0..2 {
        provider.review(opened.number, &review).await.unwrap();
    }
    assert_eq!(
        provider.reviews(opened.number).await.unwrap(),
        [review.clone()]
    );
    review.verdict = Verdict::Approved;
    let own = provider.review(opened.number, &review).await.unwrap_err();
    assert_eq!(
        own.class(),
        ErrorClass::Validation,
        "nobody approves what is theirs"
    );
    let n_posts = |calls: &[testkit::forge::Call], path: &str| {
        let posts = calls
            .iter()
            .filter(|it| it.method == "POST" && it.path.contains(path));
        posts.count()
    };
    let calls = simulated.take_calls();
    assert_eq!(
        n_posts(&calls, "/statuses/"),
        2,
        "what says so already is not said again"
    );
    assert_eq!(n_posts(&calls, "/reviews"), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_is_asked_and_answered_is_as_described() {
    let (_folder, simulated) = start().await;
    let provider = open(&simulated, "backend", Duration::from_millis(10));
    let labels = ["b", "a"].map(str::to_owned).to_vec();
    let new = NewIssue {
        labels,
        ..new_issue("a")
    };
    let made = provider.create_issue(&operation("1"), new).await.unwrap();
    let change = IssueChange {
        labels: Some(vec!["a".to_owned(), "c".to_owned()]),
        ..IssueChange::default()
    };
    let changed = provider
        .update_issue(&operation("2"), made.number, change)
        .await;
    assert_eq!(changed.unwrap().labels, ["a", "c"]);
    provider.access().await.unwrap();
    provider.may_write("grace").await.unwrap();
    let main = BranchName::new("main").unwrap();
    let commit = provider.branch(&main).await.unwrap().unwrap();
    let new = BranchName::new("x/y").unwrap();
    provider.create_branch(&new, &commit).await.unwrap();
    provider.delete_branch(&new).await.unwrap();
    provider.file("README.md", "main").await.unwrap();
    let check = Check {
        context: "tests".to_owned(),
        state: CheckState::Failure,
        description: String::new(),
    };
    provider.set_check(&commit, &check).await.unwrap();
    let opened = new_pull_request(&simulated, "automation/a");
    let opened = provider
        .create_pull_request(&operation("3"), opened)
        .await
        .unwrap();
    let again = new_pull_request(&simulated, "automation/a");
    let again = provider
        .create_pull_request(&operation("4"), again)
        .await
        .unwrap_err();
    assert!(
        again
            .to_line()
            .contains("pull request 2 is open for automation/a into main"),
        "{}",
        again.to_line()
    );
    let review = PullRequestReview {
        author: String::new(),
        verdict: Verdict::Comment,
        body: "Right.".to_owned(),
        commit,
    };
    provider.review(opened.number, &review).await.unwrap();
    let Some(contract) = contract(Kind::Gitea) else {
        return;
    };
    let n_calls = assert_as_described(&simulated, Some(&contract));
    assert!(n_calls > 25, "{n_calls} calls");
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_read_whole_and_asked_again_by_their_tags() {
    let (_folder, simulated) = start().await;
    for number in 0..120 {
        simulated.write_issue("ada", "backend", "grace", &format!("issue {number}"), "");
    }
    let provider = open(&simulated, "backend", Duration::from_millis(1));
    for _ in 0..2 {
        let listed = provider.list_issues().await.unwrap();
        let numbers: Vec<u64> = listed.iter().map(|it| it.number).collect();
        assert_eq!(numbers, (1..=120).collect::<Vec<_>>());
    }
    let calls = simulated.take_calls();
    let pages = calls.iter().filter(|it| it.path.ends_with("/issues"));
    let statuses: Vec<u16> = pages.map(|it| it.status).collect();
    assert_eq!(
        statuses,
        [200, 200, 200, 304, 304, 304],
        "three pages, and nothing new"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_goes_to_its_forge_alone_and_stands_nowhere() {
    let clock = Arc::new(SystemClock);
    let forge = |url: &str, token: &str| {
        let token = Secret::new(token.to_owned());
        RemoteForge::new(Kind::Gitea, url, token, Options::default(), clock.clone())
    };
    for url in [
        "http://git.example.org",
        "http://10.0.0.1:3000",
        "http://localhost.example.org",
    ] {
        let refused = forge(url, "abc").unwrap_err();
        assert_eq!(refused.class(), ErrorClass::Validation);
        assert!(refused.to_string().contains("has no TLS"), "{refused}");
    }
    let refused = forge("https://ada:secret-word@git.example.org", "abc").unwrap_err();
    assert!(!refused.to_string().contains("secret-word"), "{refused}");
    for url in [
        "https://git.example.org",
        "http://localhost:3000",
        "http://[::1]:3000/gitea/",
    ] {
        forge(url, "abc").unwrap();
    }
    for token in ["", " \n", "two words", "tab\tbed"] {
        let refused = forge("https://git.example.org", token).unwrap_err();
        assert!(
            refused.to_string().contains("token is not valid"),
            "{refused}"
        );
    }

    let (_folder, simulated) = start().await;
    let token = "t0ken-of-somebody-unknown";
    let name = RepositoryName::new("backend").unwrap();
    let unknown = forge(simulated.url(), token).unwrap();
    let unknown = unknown.with_repository(name.clone(), Slug::new("ada", "backend").unwrap());
    let provider = unknown.provider(&name);
    let error = provider.list_issues().await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Unauthorized);
    let shown = format!(
        "{unknown:?} {provider:?} {error:?} {} {}",
        error.to_line(),
        error.detail()
    );
    assert!(!shown.contains(token), "{shown}");
    assert!(error.to_line().contains("401"), "{}", error.to_line());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forge_that_is_not_there_or_has_no_such_repository_is_named() {
    let (_folder, simulated) = start().await;
    let missing = open(&simulated, "nowhere", Duration::from_millis(10));
    let error = missing.list_issues().await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::NotFound);
    let line = error.to_line();
    assert!(line.contains("GET /repos/ada/nowhere/issues"), "{line}");
    let url = simulated.url().to_owned();
    let lone = open(&simulated, "backend", Duration::from_millis(10));
    drop(simulated);
    let error = lone.list_issues().await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Transient);
    assert!(error.to_line().contains(&url), "{}", error.to_line());
}

#[tokio::test(flavor = "multi_thread")]
async fn git_fetches_and_pushes_over_http_with_the_token_as_password() {
    let (folder, simulated) = start().await;
    let work = testkit::git::Fixture::new(folder.path().join("work"));
    let url = format!("{}/ada/backend.git", simulated.url());
    let helper = |password: &str| {
        format!("credential.helper=!f() {{ echo username=robot; echo password={password}; }}; f")
    };
    let refused = std::panic::catch_unwind(|| {
        work.git(&["-c", &helper("wrong"), "ls-remote", &url]);
    });
    assert!(refused.is_err(), "without the token nothing is given");
    let with_token = helper(TOKEN);
    work.git(&["-c", &with_token, "pull", "-q", &url, "main"]);
    let pushed = work.file("new.txt", "new\n").commit("New");
    work.git(&["-c", &with_token, "push", "-q", &url, "main:automation/new"]);
    assert_eq!(
        simulated.branch("ada", "backend", "automation/new"),
        Some(pushed)
    );
}

/// Times of an answer are read by the clock: a limit that ends later than patience lasts is told.
#[tokio::test(flavor = "multi_thread")]
async fn patience_ends() {
    let (_folder, simulated) = start().await;
    let faults = Faults {
        refused: 1.0,
        ..Faults::default()
    };
    simulated.set_faults(faults, 1);
    let provider = patient(open(&simulated, "backend", Duration::from_millis(10)));
    let begun = Instant::now();
    let error = provider.list_issues().await.unwrap_err();
    let ErrorClass::RateLimited { until: Some(until) } = error.class() else {
        panic!("{error:?}");
    };
    assert!(until <= SystemClock.now());
    assert!(begun.elapsed() < Duration::from_secs(10));
    assert_eq!(
        simulated.take_calls().len(),
        200,
        "as often as it is allowed to try"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_has_pushed_to_the_base_counts_as_landed() {
    for allowed in [false, true] {
        let (_folder, simulated) = start().await;
        if allowed {
            simulated.allow_merges_by_hand("ada", "backend");
        }
        let provider = open(&simulated, "backend", Duration::from_millis(10));
        let new = new_pull_request(&simulated, "automation/a");
        let opened = provider
            .create_pull_request(&operation("1"), new)
            .await
            .unwrap();
        simulated.push("ada", "backend", "main", &opened.head_commit);
        let merged = PullRequestChange {
            state: Some(PullRequestState::Merged),
            ..PullRequestChange::default()
        };
        let name = operation("2");
        let changed = provider.update_pull_request(&name, opened.number, merged);
        let expected = if allowed {
            PullRequestState::Merged
        } else {
            PullRequestState::Closed
        };
        assert_eq!(changed.await.unwrap().state, expected);
        assert_eq!(
            simulated.branch("ada", "backend", "main"),
            Some(opened.head_commit)
        );
    }
}
