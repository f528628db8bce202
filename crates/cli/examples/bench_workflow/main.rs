//! A run of many small tasks, held against a shell script that does the same
//! with plain git: `cargo xtask bench workflow`.
//!
//! 50 tasks each change one line of another file of a repository of 5,000 files.
//! Both sides start from nothing in each round, so that the first-run cost of our
//! mirror is part of our time. Nothing is removed before the last round has ended:
//! ext4 passes over the inodes of files removed in the last minutes one by one at each
//! new file, which made each round slower than the one before (`recently_deleted` in
//! fs/ext4/ialloc.c, linux 6). With `--json` standard output has a line for each claim.

mod process;

use std::{
    env,
    ffi::OsStr,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    time::Instant,
};

use anyhow::{Context, Result, ensure};
use facade::journal::atomic_write;
use serde_json::json;
use testkit::Rounds;

use process::Usage;

const TASKS: usize = 50;
const FOLDERS: usize = 100;
const FILES_IN_FOLDER: usize = 50;
const FILE_BYTES: usize = 2048;
const ROUNDS: usize = 5;
const SCRIPT: &str = include_str!("script.sh");
const RUN: &str = "bench";

/// The same edit as the script's.
const AGENT: &str =
    "sh:n=${AUTOMATION_TASK_ID#t}; sed -i \"1s/.*/changed by task $n/\" \"d$n/f00.txt\"";

/// Where both sides work.
struct Bench {
    program: PathBuf,
    folder: PathBuf,
    workers: usize,
}

fn main() -> Result<ExitCode> {
    let program = env::var_os("AUTOMATION_PROGRAM").context("AUTOMATION_PROGRAM is not set")?;
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let bench = Bench {
        program: program.into(),
        folder: env::temp_dir().join(format!("automation-bench-{}", std::process::id())),
        workers: cores.min(4),
    };
    fs::create_dir_all(&bench.folder)?;
    bench.make_origin()?;
    let (mut ours, mut theirs) = (Rounds::default(), Rounds::default());
    let (mut cpu, mut memory) = (Rounds::default(), Rounds::default());
    for round in 0..ROUNDS {
        let (seconds, our_tree, usage) = bench.ours(round)?;
        ours.add(seconds);
        cpu.add(usage.cpu.as_secs_f64() * 1000.0 / TASKS as f64);
        memory.add(usage.peak_bytes as f64 / 1e6);
        let (seconds, their_tree) = bench.theirs(round)?;
        theirs.add(seconds);
        ensure!(
            our_tree == their_tree,
            "the two sides made different trees: {our_tree} and {their_tree}"
        );
        say(format!(
            "round {}: ours {:.2} s, theirs {:.2} s, our processor time {:.1} ms a task, peak {:.0} MB",
            round + 1,
            ours.last(),
            theirs.last(),
            cpu.last(),
            memory.last()
        ));
    }
    fs::remove_dir_all(&bench.folder)?;

    let ratio = ours.median() / theirs.median();
    let verdict = |holds| if holds { "holds" } else { "falls short" };
    let claims = [
        json!({
            "claim": format!("{TASKS} one-line tasks over {} files, {} at a time", FOLDERS * FILES_IN_FOLDER, bench.workers),
            "ours": ours.median(), "unit": "s",
            "held_against": "git clone, commit and merge in a shell script with xargs -P",
            "theirs": theirs.median(), "ratio": ratio, "goal": "≤ 1.5",
            "spread": format!("ours {}, theirs {}", ours.spread(), theirs.spread()),
            "verdict": verdict(ratio <= 1.5),
        }),
        json!({
            "claim": "processor time of our process a task", "ours": cpu.median(), "unit": "ms",
            "goal": "≤ 20 ms", "spread": cpu.spread(), "verdict": verdict(cpu.median() <= 20.0),
        }),
        json!({
            "claim": "peak memory of our process", "ours": memory.median(), "unit": "MB",
            "goal": "≤ 100 MB", "spread": memory.spread(), "verdict": verdict(memory.median() <= 100.0),
        }),
    ];
    let mut stdout = std::io::stdout().lock();
    for claim in &claims {
        writeln!(stdout, "{claim}")?;
    }
    let all_hold = claims.iter().all(|claim| claim["verdict"] == "holds");
    Ok(ExitCode::from(u8::from(!all_hold)))
}

impl Bench {
    fn origin(&self) -> PathBuf {
        self.folder.join("origin")
    }

    /// A repository as it is after some use: its objects are in one pack, and were
    /// never anywhere else, as removed files are still in the way of new ones.
    fn make_origin(&self) -> Result<()> {
        let origin = self.origin();
        fs::create_dir_all(&origin)?;
        git(&origin, &["init", "--quiet", "--initial-branch=main"])?;
        let history = self.folder.join("history");
        atomic_write(&history, first_commit().as_bytes())?;
        run(command("git")
            .args(["fast-import", "--quiet"])
            .current_dir(&origin)
            .stdin(fs::File::open(history)?))?;
        git(&origin, &["reset", "--quiet", "--hard"])?;
        let mut plan = "id: bench\ntitle: Change one line each\ntasks:\n".to_owned();
        for n in 0..TASKS {
            plan.push_str(&format!(
                "  - id: t{n:02}\n    title: Task {n:02}\n    repository: origin\n"
            ));
        }
        atomic_write(&self.folder.join("plan.yaml"), plan.as_bytes())?;
        atomic_write(&self.folder.join("script.sh"), SCRIPT.as_bytes())?;
        Ok(())
    }

    /// Seconds, the tree that came of it, and what our process used.
    fn ours(&self, round: usize) -> Result<(f64, String, Usage)> {
        let home = self.folder.join(format!("ours-{round}"));
        fs::create_dir_all(&home)?;
        let repository = home.join("origin");
        run(command("cp").arg("-a").arg(self.origin()).arg(&repository))?;
        settle()?;
        let mut command = command(&self.program);
        command
            .arg("--home")
            .arg(&home)
            .args(["--json", "run", "--run-id", RUN, "--agent", AGENT])
            .arg("--plan")
            .arg(self.folder.join("plan.yaml"))
            .arg("--repo")
            .arg(&repository)
            .args(["--max-workers", &self.workers.to_string()])
            .current_dir(&home);
        let log = home.join("log");
        let started = Instant::now();
        let (status, usage) = process::follow(&mut command, &log)?;
        let seconds = started.elapsed().as_secs_f64();
        ensure!(
            status.success(),
            "our run ends with {status}; see {}",
            log.display()
        );
        let head = format!("automation/{RUN}/change^{{tree}}");
        let tree = git(&repository, &["rev-parse", &head])?;
        Ok((seconds, tree, usage))
    }

    fn theirs(&self, round: usize) -> Result<(f64, String)> {
        let work = self.folder.join(format!("theirs-{round}"));
        fs::create_dir_all(&work)?;
        settle()?;
        let started = Instant::now();
        run(command("sh")
            .arg(self.folder.join("script.sh"))
            .arg(self.origin())
            .arg(&work)
            .args([TASKS.to_string(), self.workers.to_string()]))?;
        let seconds = started.elapsed().as_secs_f64();
        let tree = git(&work.join("integration"), &["rev-parse", "HEAD^{tree}"])?;
        Ok((seconds, tree))
    }
}

/// The stream of one commit with all files, as git-fast-import(1) describes it.
fn first_commit() -> String {
    let message = "Begin";
    let mut stream = format!(
        "commit refs/heads/main\ncommitter Bench <bench@localhost> 1700000000 +0000\ndata {}\n{message}\n",
        message.len()
    );
    for folder in 0..FOLDERS {
        for file in 0..FILES_IN_FOLDER {
            let line = format!("line of file {file} in folder d{folder:02}, like any other\n");
            let text = line.repeat(FILE_BYTES.div_ceil(line.len()));
            stream.push_str(&format!(
                "M 100644 inline d{folder:02}/f{file:02}.txt\ndata {}\n{text}\n",
                text.len()
            ));
        }
    }
    stream
}

/// What one side left unwritten is not to burden the other.
fn settle() -> Result<()> {
    run(&mut command("sync")).map(drop)
}

fn git(folder: &Path, arguments: &[&str]) -> Result<String> {
    run(command("git").arg("-C").arg(folder).args(arguments))
}

fn run(command: &mut Command) -> Result<String> {
    let output = command.output()?;
    ensure!(output.status.success(), "{command:?} fails: {output:?}");
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// A command that sees nothing of the user's configuration but an identity.
#[expect(
    clippy::disallowed_methods,
    reason = "a measuring program stands outside; what it measures must not start its children"
)]
fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("PATH", env::var_os("PATH").unwrap_or_default())
        .env("HOME", "/nonexistent")
        .env("GIT_CONFIG_NOSYSTEM", "1");
    for role in ["AUTHOR", "COMMITTER"] {
        command
            .env(format!("GIT_{role}_NAME"), "Bench")
            .env(format!("GIT_{role}_EMAIL"), "bench@localhost");
    }
    command
}

/// What there is to tell meanwhile.
fn say(text: impl AsRef<str>) {
    drop(writeln!(std::io::stderr().lock(), "{}", text.as_ref()));
}
