//! What 50 one-line tasks over a repository of 5,000 files cost, against a
//! shell script with plain git and the same parallelism.
//!
//! Run by `cargo bench -p git-workspace`; prints a line a figure.
#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use core_types::{BranchName, Capture, CommitId, Merge, RefName, RefUpdate, Repository};
use git_workspace::{Git, GitRepository, Options, Places};
use process::Launch;
use tokio::{sync::Semaphore, task::JoinSet};

const TASKS: usize = 50;
const ROUNDS: usize = 5;

type Times = Mutex<BTreeMap<&'static str, Vec<Duration>>>;

#[tokio::main]
async fn main() {
    let home = tempfile::tempdir().expect("a temporary folder");
    sh(
        home.path(),
        "git init -q -b main user && cd user && for d in $(seq 100); do mkdir d$d; for f in $(seq 50); do
         head -c 1500 /dev/urandom | base64 > d$d/f$f; done; done && git add -A && git commit -q -m first && git gc -q",
    )
    .await;
    let parallel = std::thread::available_parallelism().map_or(2, usize::from);
    let times = Times::default();
    let (mut ours, mut plain) = (Vec::new(), Vec::new());
    let mut cpu = Vec::new();
    for round in 0..ROUNDS {
        let (started, used) = (Instant::now(), cpu_of_this_process());
        run(home.path(), &format!("home-{round}"), parallel, &times).await;
        ours.push(started.elapsed());
        cpu.push((cpu_of_this_process() - used) / u32::try_from(TASKS).expect("few"));
        let started = Instant::now();
        script(home.path(), parallel).await;
        plain.push(started.elapsed());
    }
    println!("{TASKS} tasks, {parallel} at a time, median of {ROUNDS} (spread)");
    show("ours", &mut ours);
    show("plain git by xargs", &mut plain);
    println!(
        "ratio {:.2}",
        ours[ROUNDS / 2].as_secs_f64() / plain[ROUNDS / 2].as_secs_f64()
    );
    show("CPU of our process per task", &mut cpu);
    for (name, times) in times.lock().expect("no panic").iter_mut() {
        show(name, times);
    }
}

fn show(name: &str, times: &mut [Duration]) {
    times.sort();
    let (first, last) = (times[0], times[times.len() - 1]);
    println!(
        "{name}: {:.1?} ({first:.1?} – {last:.1?})",
        times[times.len() / 2]
    );
}

async fn run(home: &Path, name: &str, parallel: usize, times: &Times) {
    let places = Places {
        mirrors: home.join(name).join("mirrors"),
        workspaces: home.join(name).join("workspaces"),
    };
    let git = Arc::new(Git::new(Options::default()));
    let started = Instant::now();
    let name = "app".parse().expect("a name");
    let repository = GitRepository::open(git, name, &home.join("user"), &places).await;
    let repository = Arc::new(repository.expect("opened"));
    let branch = BranchName::new("main").expect("a name");
    let base = repository.fetch(&branch).await.expect("fetched");
    note(times, "open and first fetch", started);

    let slots = Arc::new(Semaphore::new(parallel));
    let mut tasks = JoinSet::new();
    for n in 0..TASKS {
        let (repository, slots, base) = (Arc::clone(&repository), Arc::clone(&slots), base.clone());
        tasks.spawn(async move {
            let _slot = slots.acquire().await.expect("open");
            task(&repository, &base, n).await
        });
    }
    let integration = RefName::new("refs/automation/run/integration").expect("a name");
    let (mut head, mut held) = (base, None);
    while let Some(made) = tasks.join_next().await {
        let (made, spent) = made.expect("no panic");
        for (name, spent) in spent {
            times
                .lock()
                .expect("no panic")
                .entry(name)
                .or_default()
                .push(spent);
        }
        let started = Instant::now();
        head = match repository
            .merge(&head, &made, "merge")
            .await
            .expect("merged")
        {
            Merge::Merged { commit } | Merge::FastForward { commit } => commit,
            Merge::Conflict { paths } => panic!("conflict in {paths:?}"),
        };
        note(times, "merge", started);
        let started = Instant::now();
        let update = RefUpdate {
            name: integration.clone(),
            expected: held,
            new: Some(head.clone()),
        };
        repository.update_refs(&[update]).await.expect("moved");
        held = Some(head.clone());
        note(times, "update_refs", started);
    }
}

async fn task(
    repository: &GitRepository,
    base: &CommitId,
    n: usize,
) -> (CommitId, Vec<(&'static str, Duration)>) {
    let started = Instant::now();
    let clone = repository.lease(base).await.expect("leased");
    let leased = started.elapsed();
    let file = clone.folder().join(format!("d{}/f1", n + 1));
    let mut file = fs::File::options()
        .append(true)
        .open(file)
        .expect("the file");
    std::io::Write::write_all(&mut file, b"line\n").expect("written");
    let started = Instant::now();
    let Capture::Committed { commit, .. } = clone.commit(None, "task").await.expect("captured")
    else {
        panic!("a line was added");
    };
    (
        commit,
        vec![("lease", leased), ("commit", started.elapsed())],
    )
}

fn note(times: &Times, name: &'static str, started: Instant) {
    let spent = started.elapsed();
    times
        .lock()
        .expect("no panic")
        .entry(name)
        .or_default()
        .push(spent);
}

async fn script(home: &Path, parallel: usize) {
    let one = r#"git clone -q user clone-$1 && cd clone-$1 && echo line >> d$1/f1 && git commit -q -a -m task"#;
    let all = format!(
        "rm -rf clone-* && git clone -q user clone-all && seq {TASKS} | xargs -P {parallel} -I N sh -c '{one}' sh N
         cd clone-all && for n in $(seq {TASKS}); do git pull -q --no-rebase --no-edit ../clone-$n main; done"
    );
    sh(home, &all).await;
    sh(home, "rm -rf clone-*").await;
}

async fn sh(folder: &Path, script: &str) {
    let launch = Launch::new("sh").args(["-ec", script]).folder(folder);
    let identity = ["AUTHOR", "COMMITTER"].map(|who| {
        [("NAME", who), ("EMAIL", who)].map(|(what, value)| (format!("GIT_{who}_{what}"), value))
    });
    let launch = launch
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("HOME", folder);
    let finished = launch
        .envs(identity.into_iter().flatten())
        .run()
        .await
        .expect("started");
    assert!(finished.exit.is_success(), "{}", finished.stderr.tail(2000));
}

/// User and system time, to a hundredth of a second.
fn cpu_of_this_process() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").expect("stat");
    let fields = stat[stat.rfind(')').expect("a name") + 1..].split_ascii_whitespace();
    let ticks: u64 = fields
        .skip(11)
        .take(2)
        .map(|ticks| ticks.parse::<u64>().expect("a number"))
        .sum();
    Duration::from_millis(ticks * 10)
}
