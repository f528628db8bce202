//! Where the runs happen: the demo's repositories and issue, copied for each.

use std::{
    ffi::OsStr,
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use anyhow::{Context, Result, ensure};
use facade::journal::{Options, Reader, atomic_write};

pub(crate) const REPOSITORIES: [&str; 3] = ["backend", "frontend", "infrastructure"];

/// A test that shows whether it outlives the program: it leaves a process with
/// a session of its own, and stays itself if it sees that the program was killed.
const TEST: &str = "setsid sleep 300 </dev/null >/dev/null 2>&1 & sh test.sh && sleep 0.03 \
     && if [ -e FOLDER/$AUTOMATION_RUN_ID.killed ]; then sleep 300; fi";

/// A folder with a prepared demo, and one folder for each case.
#[derive(Debug)]
pub(crate) struct Bed {
    program: PathBuf,
    folder: PathBuf,
}

impl Bed {
    pub(crate) fn make(program: PathBuf, base: &Path) -> Result<Self> {
        let folder = base.join(format!("automation-crash-{}", std::process::id()));
        fs::create_dir_all(&folder)?;
        let bed = Self {
            program,
            folder: folder.canonicalize()?,
        };
        let template = bed.home("template");
        let made = bed
            .automation()
            .args(["demo", "--prepare", "--folder"])
            .arg(&template)
            .output()?;
        ensure!(made.status.success(), "demo --prepare fails: {made:?}");
        // Nothing waits but for the work itself.
        bed.rewrite("config/playbook.yaml", |line| {
            (!line.trim_start().starts_with("- sleep:")).then(|| line.to_owned())
        })?;
        // Which of two parallel tasks comes first must not show in the result.
        bed.replace(
            "config/playbook.yaml",
            "dependencies: [status-table]\n      files: [handlers/version.sh",
            "dependencies: [health-endpoint]\n      files: [handlers/version.sh",
        )?;
        bed.replace(
            "config/automation.yaml",
            "agents:",
            "recovery: {delay_percent: 0}\nagents:",
        )?;
        let test = TEST.replace("FOLDER", &bed.folder.to_string_lossy());
        bed.rewrite("config/repositories.yaml", |line| {
            Some(line.replace("sh test.sh", &format!("{test:?}")))
        })?;
        Ok(bed)
    }

    fn rewrite(&self, path: &str, line: impl Fn(&str) -> Option<String>) -> Result<()> {
        let path = self.home("template").join(path);
        let text = fs::read_to_string(&path)?;
        let lines: Vec<String> = text.lines().filter_map(line).collect();
        atomic_write(&path, (lines.join("\n") + "\n").as_bytes())?;
        Ok(())
    }

    fn replace(&self, path: &str, from: &str, to: &str) -> Result<()> {
        let path = self.home("template").join(path);
        let text = fs::read_to_string(&path)?;
        ensure!(text.contains(from), "{} has no {from:?}", path.display());
        atomic_write(&path, text.replace(from, to).as_bytes())?;
        Ok(())
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The home of a case.
    pub(crate) fn home(&self, case: &str) -> PathBuf {
        self.folder.join(case)
    }

    /// A new home like the template.
    pub(crate) fn copy(&self, case: &str) -> Result<PathBuf> {
        let home = self.home(case);
        let copied = command("cp")
            .arg("-a")
            .arg(self.home("template"))
            .arg(&home)
            .status()?;
        ensure!(copied.success(), "cp: {copied}");
        Ok(home)
    }

    /// How many records the journals of a case have got.
    pub(crate) fn appends(&self, case: &str) -> Result<u64> {
        let home = self.home(case);
        let last = |folder: PathBuf| -> Result<u64> {
            let mut reader = Reader::open(&folder, &Options::default());
            reader.read_each(|_| Ok::<_, facade::journal::FoldError>(()))?;
            Ok(reader.last_seq())
        };
        let run = last(home.join(".automation/runs").join(case).join("journal"))?;
        let forge = last(home.join(".automation/forge"))?;
        let before = last(self.home("template").join(".automation/forge"))?;
        Ok(run + forge - before)
    }

    /// Starts the program in a home; what it prints goes to a file beside that.
    pub(crate) fn start(
        &self,
        case: &str,
        arguments: &[&str],
        crash_at: Option<String>,
    ) -> Result<Child> {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.log(case))?;
        let mut command = self.automation();
        command
            .arg("--home")
            .arg(self.home(case))
            .args(arguments)
            .current_dir(&self.folder)
            .stdout(log.try_clone()?)
            .stderr(log)
            .stdin(Stdio::null());
        if let Some(crash_at) = crash_at {
            command.env("AUTOMATION_CRASH_AT", crash_at);
        }
        command.spawn().context("the program cannot be started")
    }

    /// What a test looks for.
    pub(crate) fn killed(&self, case: &str) -> PathBuf {
        self.folder.join(format!("{case}.killed"))
    }

    pub(crate) fn log(&self, case: &str) -> PathBuf {
        self.folder.join(format!("{case}.log"))
    }

    /// Runs the program in a home to its end.
    pub(crate) fn ask(&self, case: &str, arguments: &[&str]) -> Result<Output> {
        let mut command = self.automation();
        command.arg("--home").arg(self.home(case)).args(arguments);
        Ok(command.output()?)
    }

    fn automation(&self) -> Command {
        command(&self.program)
    }

    /// Removes a case that went well.
    pub(crate) fn forget(&self, case: &str) -> Result<()> {
        fs::remove_dir_all(self.home(case))?;
        fs::remove_file(self.log(case))?;
        Ok(())
    }

    pub(crate) fn remove(self) -> Result<()> {
        Ok(fs::remove_dir_all(self.folder)?)
    }
}

/// A command that sees nothing of the user's configuration.
#[expect(
    clippy::disallowed_methods,
    reason = "a measuring program stands outside; what it measures must not start its children"
)]
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", "/nonexistent")
        .env("GIT_CONFIG_NOSYSTEM", "1");
    command
}
