//! A folder of a test's own, and the program run in it with nothing of this machine but `PATH`.

use std::{
    fs,
    io::Write,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use expect_test::Expect;
use testkit::git::Fixture;

/// A folder with room for repositories; the program is run in `work/` below it.
pub(crate) struct Place {
    _folder: tempfile::TempDir,
    root: PathBuf,
}

/// What the program left when it ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// All of it, with placeholders for what differs from run to run.
    shown: String,
}

impl Place {
    pub(crate) fn new() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("cli-")
            .tempdir()
            .expect("a temporary folder can be made");
        let root = folder.path().canonicalize().expect("it exists");
        for name in ["work", "home", "tmp"] {
            fs::create_dir(root.join(name)).expect("its folders can be made");
        }
        Self {
            _folder: folder,
            root,
        }
    }

    /// Where the program is run.
    pub(crate) fn work(&self) -> PathBuf {
        self.root.join("work")
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.work().join(name)
    }

    /// A repository with `a.txt` on `main`; its tests are what `test` says, as a Makefile.
    pub(crate) fn repository(&self, name: &str, test: Option<&str>) -> Fixture {
        let repository = Fixture::new(self.path(name));
        repository.file("a.txt", "foo\n");
        if let Some(test) = test {
            repository.file("Makefile", format!("test:\n\t@{test}\n"));
        }
        repository.commit("Begin");
        repository
    }

    /// Writes a file below the folder in which the program is run.
    pub(crate) fn file(&self, path: &str, text: impl AsRef<[u8]>) -> &Self {
        write(&self.path(path), text.as_ref());
        self
    }

    /// Writes a program.
    pub(crate) fn script(&self, path: &str, text: &str) -> &Self {
        self.file(path, text);
        let mode = fs::Permissions::from_mode(0o755);
        fs::set_permissions(self.path(path), mode).expect("the mode can be set");
        self
    }

    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).expect("the file is there and a text")
    }

    /// The program with arguments, parted at spaces; `'…'` holds spaces.
    pub(crate) fn command(&self, arguments: &str) -> Command {
        self.any(env!("CARGO_BIN_EXE_automation"), &words(arguments))
    }

    /// Any program in the folder, with the same environment.
    #[expect(
        clippy::disallowed_methods,
        reason = "a test of the program starts it as a person would"
    )]
    pub(crate) fn any(&self, program: &str, arguments: &[String]) -> Command {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(self.work())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.root.join("home"))
            .env("TMPDIR", self.root.join("tmp"))
            // Its agents tell the test what they do by files and pipes beside their clones.
            .env("AUTOMATION_SANDBOX_WRITABLE", self.work())
            // They find it by this, since their home is another one; of the variables that agents see.
            .env("LC_PLACE", self.work())
            .env("LC_ALL", "C")
            .env("USER", "ada")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Whether the system has no sandbox, which is told aloud: a run that asks for one is refused then.
    #[expect(clippy::print_stderr, reason = "a test that shows nothing says so")]
    pub(crate) fn lacks_sandbox(&self) -> bool {
        let doctor = self.run("doctor").stdout;
        let lacks = !doctor.contains("ok      sandbox");
        if lacks {
            eprintln!("not shown here: {doctor}");
        }
        lacks
    }

    /// Runs the program to its end.
    pub(crate) fn run(&self, arguments: &str) -> Ran {
        self.end_of(self.command(arguments))
    }

    pub(crate) fn end_of(&self, mut command: Command) -> Ran {
        self.ran(command.output().expect("the program can be started"))
    }

    /// Starts the program and does not wait.
    pub(crate) fn start(&self, arguments: &str) -> Child {
        let mut command = self.command(arguments);
        command.spawn().expect("the program can be started")
    }

    /// Makes a pipe with a name, by which an agent and a test wait for each other.
    pub(crate) fn pipe(&self, name: &str) {
        let made = self.any("mkfifo", &[name.to_owned()]).status();
        assert!(made.expect("mkfifo can be started").success());
    }

    pub(crate) fn signal(&self, child: &Child, signal: &str) {
        let words = [signal.to_owned(), child.id().to_string()];
        let sent = self.any("kill", &words).status();
        assert!(sent.expect("kill can be started").success());
    }

    /// The command lines of all processes that carry a run's mark.
    pub(crate) fn processes_of(&self, run: &str) -> Vec<String> {
        let mark = format!("AUTOMATION_RUN_ID={run}");
        let is_marked = |environment: &[u8]| {
            let mut variables = environment.split(|byte| *byte == 0);
            variables.any(|variable| variable == mark.as_bytes())
        };
        let processes = fs::read_dir("/proc").expect("there is /proc").flatten();
        processes
            .filter(|it| fs::read(it.path().join("environ")).is_ok_and(|it| is_marked(&it)))
            .map(|it| fs::read_to_string(it.path().join("cmdline")).unwrap_or_default())
            .collect()
    }

    pub(crate) fn ran(&self, output: Output) -> Ran {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("the program prints text");
        let code = output.status.code().unwrap_or(-1);
        let (stdout, stderr) = (text(output.stdout), text(output.stderr));
        let mut shown = format!("exit {code}\n{stdout}");
        if !stderr.is_empty() {
            shown.push_str(&format!("--- stderr\n{stderr}"));
        }
        let shown = self.placeholders(&shown);
        Ran {
            code,
            stdout,
            stderr,
            shown,
        }
    }

    /// A refusal: its message, and that not a file and not a reference has changed.
    pub(crate) fn refused(&self, arguments: &str, expected: &Expect) {
        let before = self.everything();
        self.run(arguments).is(expected);
        assert_eq!(before, self.everything(), "a refusal leaves nothing behind");
    }

    /// All files outside `.git`, and all references of all repositories.
    pub(crate) fn everything(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut folders = vec![self.root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).expect("it can be read") {
                let path = entry.expect("it can be read").path();
                if path.file_name().is_some_and(|name| name == ".git") {
                    let references = Fixture::at(&folder).git(&["for-each-ref"]);
                    found.push(format!("{}: {references}", folder.display()));
                } else if path.is_dir() && !path.is_symlink() {
                    folders.push(path.clone());
                }
                found.push(path.display().to_string());
            }
        }
        found.sort();
        found
    }

    /// Replaces this folder, durations, commits and process ids.
    pub(crate) fn placeholders(&self, text: &str) -> String {
        let root = self.root.display().to_string();
        let mut text = text.replace(&root, "[ROOT]");
        // As many as the machine allows.
        for workers in ["2 workers", "3 workers", "4 workers"] {
            text = text.replace(&format!("started with {workers}"), "started with 1 worker");
        }
        for tasks in ["2 tasks", "3 tasks", "4 tasks"] {
            text = text.replace(&format!("at most {tasks} at"), "at most 1 task at");
        }
        let mut shown = String::with_capacity(text.len());
        for line in text.lines() {
            let elapsed = line.len() - line.trim_start().len();
            let line = match line.trim_start().split_once(' ') {
                // The time since the start is set to the right.
                Some((first, rest)) if elapsed > 0 && is_duration(first) => {
                    format!("[T]{rest}")
                }
                _ => line.to_owned(),
            };
            shown.push_str(&tokens(&line));
            shown.push('\n');
        }
        shown
    }
}

impl Ran {
    /// Compares exit code and all that was printed.
    pub(crate) fn is(&self, expected: &Expect) {
        expected.assert_eq(&self.shown);
    }

    /// The exit code and the lines that a person reads last: what follows the first empty line.
    pub(crate) fn ends(&self, expected: &Expect) {
        let (_, end) = self.shown.split_once("\n\n").unwrap_or(("", &self.shown));
        expected.assert_eq(&format!("exit {}\n{end}", self.code));
    }

    /// For steps on the way: they must end with this code.
    pub(crate) fn code(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}", self.shown);
        self
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("one JSON document ({error}): {}", self.shown))
    }

    #[track_caller]
    pub(crate) fn says(&self, text: &str) {
        assert!(self.shown.contains(text), "{text:?} in {}", self.shown);
    }
}

/// The state that a user sees of a repository; a run must not change it.
pub(crate) fn seen(repository: &Fixture) -> String {
    let status = repository.git(&["status", "--porcelain", "--ignored"]);
    let head = repository.git(&["rev-parse", "HEAD", "--symbolic-full-name", "HEAD"]);
    format!("{head}\n{status}")
}

fn write(path: &Path, text: &[u8]) {
    let folder = path.parent().expect("a file is in a folder");
    fs::create_dir_all(folder).expect("the file's folder can be made");
    let mut file = fs::File::create(path).expect("the file can be made");
    file.write_all(text).expect("the file can be written");
}

fn words(arguments: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (position, part) in arguments.split('\'').enumerate() {
        if position % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}

/// Replaces durations and commits within a line.
fn tokens(line: &str) -> String {
    let mut shown = String::with_capacity(line.len());
    let mut rest = line;
    while !rest.is_empty() {
        if let Some(after) = past_duration(rest) {
            shown.push_str("[T]");
            rest = after;
        }
        let end = rest
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '.')
            .unwrap_or(rest.len());
        let (token, after) = rest.split_at(end);
        let is_hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
        if is_duration(token) {
            shown.push_str("[T]");
        } else if matches!(token.len(), 10 | 40) && token.chars().all(is_hex) {
            shown.push_str("[COMMIT]");
        } else {
            shown.push_str(token);
        }
        let next = after.chars().next().map_or(0, char::len_utf8);
        shown.push_str(&after[..next]);
        rest = &after[next..];
    }
    shown
}

/// What follows a duration as pages write it, where the text begins with one: `840 ms`, `12 s`, `3 m 05 s`.
fn past_duration(text: &str) -> Option<&str> {
    let mut past = None;
    let mut rest = text;
    loop {
        let after = rest.trim_start_matches(|c: char| c.is_ascii_digit());
        if after.len() == rest.len() {
            return past;
        }
        let after = [" ms", " s", " m", " h", " d"]
            .iter()
            .find_map(|unit| after.strip_prefix(unit))
            .filter(|after| !after.starts_with(|c: char| c.is_ascii_alphanumeric()));
        let Some(after) = after else { return past };
        past = Some(after);
        rest = after.strip_prefix(' ').unwrap_or(after);
    }
}

/// `0.4s`, `12s`, `3m05s`.
fn is_duration(token: &str) -> bool {
    token.strip_suffix('s').is_some_and(|number| {
        number.contains(['.', 'm']) | number.parse::<u32>().is_ok()
            && number
                .chars()
                .all(|c| c.is_ascii_digit() || c == '.' || c == 'm')
            && number.starts_with(|c: char| c.is_ascii_digit())
    })
}
