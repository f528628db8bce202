//! Remote forges against simulated ones: the port's contract, also where the forge fails.

/// Each of these on each kind of forge.
macro_rules! on_each {
    ($($test:ident)*) => {$(
        mod $test {
            use forges::remote::Kind;

            #[tokio::test(flavor = "multi_thread")]
            async fn gitea() {
                Box::pin(super::$test(Kind::Gitea)).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn github() {
                Box::pin(super::$test(Kind::GitHub)).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn gitlab() {
                Box::pin(super::$test(Kind::GitLab)).await;
            }
        }
    )*};
}

mod beyond;
mod clients;
mod conformance;
mod gitlab;
mod labels;
mod merging;
mod once;
mod saved;
mod transport;

use std::{collections::BTreeMap, io::Write as _, sync::Arc, time::Duration};

use core_types::{BranchName, GitProvider, NewPullRequest, RepositoryName, SystemClock};
use forges::{
    Forge as _,
    remote::{Kind, Options, Patience, RemoteForge, RemoteRepository, Retrying, Secret, Slug},
};
use perf_utils::governor::Limits;
use testkit::{
    contract::{Contract, shared_data},
    forge::{Dialect, SimulatedForge},
    git_provider::Subject,
};

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
fn open(
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
        // The excerpt of Gitea's description that we keep has no organizations and their teams.
        if path.starts_with("/orgs/") || path.starts_with("/teams/") || path.ends_with("/teams") {
            continue;
        }
        let asked = contract.check_request(method, path, &call.query, call.body.as_ref());
        assert_eq!(asked, Ok(()), "a request: {call:?}");
        if call.status != 0 && !call.is_limit {
            let said = contract.check_answer(method, path, call.status, call.answer.as_ref());
            assert_eq!(said, Ok(()), "an answer: {call:?}");
        }
    }
    calls.len()
}

/// A forge of a kind with the repository `ada/backend`.
async fn start(kind: Kind) -> (tempfile::TempDir, Arc<SimulatedForge>) {
    let folder = tempfile::tempdir().expect("it works in a test");
    let simulated = simulate(kind, folder.path()).await;
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

/// A file in this folder that is not a module would never run.
#[test]
fn no_file_is_forgotten() {
    let source = include_str!("mod.rs");
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/remote");
    for item in std::fs::read_dir(folder).expect("the folder exists") {
        let name = item.expect("readable").file_name();
        let name = name.into_string().expect("UTF-8");
        let module = name.trim_end_matches(".rs");
        let listed = source.contains(&format!("mod {module};"));
        assert!(module == "mod" || listed, "{name} is in mod.rs");
    }
}
