//! Runs over repositories on a forge, which is simulated, with real git behind it.

use std::{fs, path::Path};

use expect_test::expect;
use testkit::{
    forge::{Dialect, Faults, SimulatedForge},
    git::Fixture,
};
use tokio::runtime::Runtime;

use crate::place::{Place, Ran};

pub(crate) const TOKEN: &str = "robots-token";

/// A place whose configuration names a forge with the repository `ada/app`.
pub(crate) struct Bed {
    pub(crate) place: Place,
    pub(crate) forge: SimulatedForge,
    /// Serves the forge.
    _runtime: Runtime,
}

impl Bed {
    fn new() -> Self {
        Self::of("gitea")
    }

    /// The same on a forge of a kind.
    pub(crate) fn of(kind: &str) -> Self {
        let dialect = match kind {
            "github" => Dialect::GitHub,
            "gitlab" => Dialect::GitLab,
            _ => Dialect::Gitea,
        };
        let runtime = Runtime::new().expect("a runtime can be made");
        let place = Place::new();
        let app = place.repository("source", Some("grep -q bar a.txt"));
        let folder = place.path("../server");
        let forge = runtime.block_on(SimulatedForge::start_as(dialect, &folder));
        forge.add_copy("ada", "app", &app);
        fs::remove_dir_all(app.dir()).expect("nobody works there");
        place.file(
            "config/repositories.yaml",
            format!(
                "forges:\n- {{name: company, kind: {kind}, url: \"{}\", token: \"env:FORGE_TOKEN\", \
                 settle: 60ms, backoff: 1ms}}\n\
                 repositories:\n- {{name: app, forge: company, owner: ada, test_command: make test}}\n",
                forge.url()
            ),
        );
        Self {
            place,
            forge,
            _runtime: runtime,
        }
    }

    /// Adds the repository `ada/<name>`.
    pub(crate) fn and(self, name: &str) -> Self {
        let made = self.place.repository("source", Some("grep -q bar a.txt"));
        self.forge.add_copy("ada", name, &made);
        fs::remove_dir_all(made.dir()).expect("nobody works there");
        let configured = self.place.read("config/repositories.yaml");
        let more =
            format!("- {{name: {name}, forge: company, owner: ada, test_command: make test}}\n");
        let text = configured + &more;
        self.place.file("config/repositories.yaml", text);
        self
    }

    pub(crate) fn run(&self, arguments: &str) -> Ran {
        self.run_until(arguments, "")
    }

    /// The same, killed at this append to a journal if it gets so far.
    pub(crate) fn run_until(&self, arguments: &str, crash_at: &str) -> Ran {
        let mut command = self.place.command(arguments);
        command.env("FORGE_TOKEN", TOKEN);
        if !crash_at.is_empty() {
            command.env("AUTOMATION_CRASH_AT", crash_at);
        }
        let ran = self.place.end_of(command);
        for text in [&ran.stdout, &ran.stderr] {
            assert!(!text.contains(TOKEN), "the token is shown: {text}");
        }
        ran
    }

    pub(crate) fn main(&self) -> String {
        let main = self.forge.branch("ada", "app", "main");
        main.expect("it is there").to_string()
    }

    /// What a file of a repository holds on its branch `main`.
    fn on_main(&self, name: &str, path: &str) -> String {
        let git = Fixture::at(self.forge.git_dir("ada", name));
        git.git(&["show", &format!("main:{path}")])
    }

    /// How many pull requests a repository has.
    fn n_pulls(&self, name: &str) -> usize {
        let truth = self.forge.truth("ada", name);
        truth.iter().filter(|it| it.kind == "pull").count()
    }

    /// The text of the one pull request of a repository.
    fn pull_request(&self, name: &str) -> String {
        let mut truth = self.forge.truth("ada", name);
        truth.retain(|it| it.kind == "pull");
        assert_eq!(truth.len(), 1, "{name}");
        truth.remove(0).body
    }

    /// Lets somebody push to `main` of one repository in the instant in which that of another moves.
    fn push_when_moved(&self, moving: &str, pushed: &str) {
        let there = self.forge.git_dir("ada", pushed);
        let work = Fixture::new(self.place.path("../other"));
        let url = there.display().to_string();
        work.git(&["pull", "--quiet", &url, "main"]);
        let more = work.file("b.txt", "more\n").commit("More");
        work.git(&["push", "--quiet", &url, "HEAD:refs/heads/other"]);
        let hook = self.forge.git_dir("ada", moving);
        let hook = hook
            .join("hooks/reference-transaction")
            .display()
            .to_string();
        let text = format!(
            "#!/bin/sh\n[ \"$1\" = committed ] || exit 0\n\
             grep -q ' refs/heads/main$' || exit 0\nrm -f '{hook}'\n\
             env -u GIT_DIR git --git-dir='{url}' update-ref refs/heads/main {more}\n"
        );
        self.place.script(&hook, &text);
    }

    /// What the feedback's journal holds, as far as it is text, in lines that begin with a record.
    fn feedback(&self) -> Vec<String> {
        let folder = self.place.path(".automation/feedback/g1");
        let mut records = Vec::new();
        for entry in fs::read_dir(folder).expect("it is there") {
            let bytes = fs::read(entry.expect("it can be read").path()).expect("it can be read");
            let text = String::from_utf8_lossy(&bytes);
            records.extend(text.split("{\"v\":").map(str::to_owned));
        }
        records
    }

    pub(crate) fn git(&self) -> Fixture {
        Fixture::at(self.forge.git_dir("ada", "app"))
    }

    /// What stands in no file that we keep.
    pub(crate) fn assert_stored_nowhere(&self, secret: &str) {
        let mut folders = vec![self.place.work()];
        let mut n_files = 0;
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).expect("it can be read") {
                let path = entry.expect("it can be read").path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.is_file() {
                    n_files += 1;
                    assert!(!holds(&path, secret), "{} holds it", path.display());
                }
            }
        }
        assert!(n_files > 20, "{n_files} files were looked at");
    }
}

fn holds(path: &Path, text: &str) -> bool {
    let bytes = fs::read(path).expect("it can be read");
    bytes
        .windows(text.len())
        .any(|part| part == text.as_bytes())
}

const AGENT: &str = "--agent 'sh:echo bar > a.txt'";

#[test]
fn an_issue_on_a_forge_becomes_a_merged_pull_request() {
    an_issue_on_a_forge_becomes_a_merged_pull_request_of("gitea");
}

#[test]
fn an_issue_on_a_forge_becomes_a_merged_pull_request_on_github() {
    an_issue_on_a_forge_becomes_a_merged_pull_request_of("github");
}

#[test]
fn an_issue_on_a_forge_becomes_a_merged_pull_request_on_gitlab() {
    an_issue_on_a_forge_becomes_a_merged_pull_request_of("gitlab");
}

fn an_issue_on_a_forge_becomes_a_merged_pull_request_of(kind: &str) {
    let bed = Bed::of(kind);
    let issue = bed
        .forge
        .write_issue("ada", "app", "grace", "Say bar", "Not foo.");
    assert_eq!(issue, 1);
    bed.run("issue ls").is(&expect![[r#"
        exit 0
        app#1  issue  open  Say bar
    "#]]);
    let before = bed.main();
    let ran = bed.run(&format!("run 1 {AGENT} --run-id r1 --land"));
    let shown = ran.stdout.replace(bed.forge.url(), "[FORGE]");
    assert!(
        shown.contains("  app  [FORGE]/ada/app on main  tested by `make test`"),
        "{shown}"
    );
    ran.ends(&expect![[r#"
        exit 0
          app  [COMMIT]  verified  landed
        run r1 is done
    "#]]);
    let after = bed.main();
    assert_ne!(after, before);
    assert_eq!(bed.git().git(&["show", "main:a.txt"]), "bar");
    let listed = match kind {
        // Merge requests are numbered apart.
        "gitlab" => expect![[r#"
            exit 0
            app#1  issue         closed  Say bar
            app!1  pull request  merged  Say bar
        "#]],
        _ => expect![[r#"
            exit 0
            app#1  issue         closed  Say bar
            app#2  pull request  merged  Say bar
        "#]],
    };
    bed.run("issue ls").is(&listed);
    let number = if kind == "gitlab" { "!1" } else { "2" };
    bed.run(&format!("issue show {number}"))
        .says("pull request of automation/r1/change into main");
    let truth = bed.forge.truth("ada", "app");
    let count = |kind: &str| truth.iter().filter(|it| it.kind == kind).count();
    assert_eq!((count("issue"), count("pull"), count("comment")), (1, 1, 1));
    bed.assert_stored_nowhere(TOKEN);
}

/// What a pull request says may have come from an agent, or a log.
#[test]
fn a_pull_request_holds_no_secret() {
    let bed = Bed::new();
    let secret = "ghp_0123456789abcdefghijABCDEFGHIJ012345";
    let title = format!("Say bar by {secret}");
    bed.forge.write_issue("ada", "app", "grace", &title, "");
    bed.run(&format!("run 1 {AGENT} --run-id r1 --land"))
        .code(0);
    let calls = bed.forge.take_calls();
    let sent = calls.iter().filter(|it| it.path.contains("/pulls"));
    let sent: Vec<_> = sent.filter_map(|it| it.body.as_ref()).collect();
    assert!(sent.len() >= 2, "{sent:?}");
    for body in sent {
        assert!(!body.to_string().contains(secret), "{body}");
    }
}

/// Somebody may have to touch a key each time.
#[test]
fn a_command_that_prints_the_token_is_run_once() {
    let bed = Bed::new();
    let configured = bed.place.read("config/repositories.yaml");
    let command = "command:echo asked >> asked; echo robots-token";
    let configured = configured.replace("env:FORGE_TOKEN", command);
    bed.place.file("config/repositories.yaml", configured);
    bed.forge.write_issue("ada", "app", "grace", "Say bar", "");
    bed.run(&format!("run 1 {AGENT} --run-id r1 --land"))
        .code(0);
    assert_eq!(bed.place.read("asked"), "asked\n");
    let calls = bed.forge.take_calls();
    let n_users = calls.iter().filter(|it| it.path == "/user").count();
    assert_eq!(n_users, 1, "nor is the account asked for again");
}

/// What a stranger asked for must not decide alone what this home believes.
#[test]
fn an_attempt_is_recorded_with_who_asked_for_it() {
    let bed = Bed::new();
    let forge = &bed.forge;
    forge.set_permission("ada", "app", "grace", "write");
    forge.set_permission("ada", "app", "mallory", "read");
    for (author, run) in [("grace", "r1"), ("mallory", "r2")] {
        let issue = forge.write_issue("ada", "app", author, "Say bar", "");
        let ran = bed.run(&format!("run {issue} {AGENT} --run-id {run}"));
        assert!(ran.stdout.contains("verified"), "{}", ran.stdout);
    }
    bed.run(&format!("run --title Bar {AGENT} --run-id r3"));
    let records = bed.feedback();
    let asked = |run: &str| {
        let of_run = format!("\"run\":\"{run}\",\"task\"");
        let is_attempt = |it: &&String| it.contains(&of_run) && it.contains("\"provenance\":");
        let record = records.iter().find(is_attempt);
        let record = record.unwrap_or_else(|| panic!("no attempt of {run} in {records:?}"));
        let (_, provenance) = record.split_once("\"provenance\":").expect("it has one");
        let (provenance, _) = provenance.split_once('}').expect("it is an object");
        provenance.to_owned() + "}"
    };
    assert_eq!(asked("r1"), r#"{"trust":"person","author":"grace"}"#);
    let stranger = asked("r2");
    assert!(
        stranger.starts_with(r#"{"trust":"outsider","author":""#) && !stranger.contains("mallory"),
        "{stranger}"
    );
    assert_eq!(asked("r3"), r#"{"trust":"person","author":""}"#);
}

#[test]
fn a_forge_that_fails_in_passing_gets_each_thing_once() {
    a_forge_that_fails_in_passing_gets_each_thing_once_of("gitea");
}

#[test]
fn a_forge_that_fails_in_passing_gets_each_thing_once_on_github() {
    a_forge_that_fails_in_passing_gets_each_thing_once_of("github");
}

#[test]
fn a_forge_that_fails_in_passing_gets_each_thing_once_on_gitlab() {
    a_forge_that_fails_in_passing_gets_each_thing_once_of("gitlab");
}

fn a_forge_that_fails_in_passing_gets_each_thing_once_of(kind: &str) {
    for seed in 0..3 {
        let bed = Bed::of(kind);
        bed.forge.write_issue("ada", "app", "grace", "Say bar", "");
        let faults = Faults {
            refused: 0.03,
            down_before: 0.03,
            down_after: 0.03,
            lost: 0.03,
            lag: std::time::Duration::from_millis(20),
            late: 0.5,
            slow_heads: 0.3,
            busy: 0.3,
        };
        bed.forge.set_faults(faults, seed);
        bed.run(&format!("run 1 {AGENT} --run-id r1 --land"))
            .code(0);
        assert_eq!(bed.git().git(&["show", "main:a.txt"]), "bar", "seed {seed}");
        let truth = bed.forge.truth("ada", "app");
        let count = |kind: &str| truth.iter().filter(|it| it.kind == kind).count();
        let counts = (count("issue"), count("pull"), count("comment"));
        assert_eq!(counts, (1, 1, 1), "seed {seed}");
    }
}

/// Killed before or after an append to a journal, and resumed: everything is there once. A sample;
/// with `RUN_SLOW=1` at each append.
#[test]
fn a_killed_run_finds_what_it_left_on_the_forge() {
    a_killed_run_finds_what_it_left_on_the_forge_of("gitea");
}

#[test]
fn a_killed_run_finds_what_it_left_on_the_forge_on_github() {
    a_killed_run_finds_what_it_left_on_the_forge_of("github");
}

#[test]
fn a_killed_run_finds_what_it_left_on_the_forge_on_gitlab() {
    a_killed_run_finds_what_it_left_on_the_forge_of("gitlab");
}

fn a_killed_run_finds_what_it_left_on_the_forge_of(kind: &str) {
    let is_whole = std::env::var_os("RUN_SLOW").is_some();
    // What the forge hears of comes late: publishing, proposing, telling, landing.
    let (first, step) = if is_whole { (1, 1) } else { (36, 14) };
    let mut n_killed = 0;
    for (index, append) in (first..200).step_by(step).enumerate() {
        let moments: &[&str] = match (is_whole, index % 2) {
            (true, _) => &["before", "after"],
            (false, 0) => &["before"],
            (false, _) => &["after"],
        };
        let mut was_killed = false;
        for moment in moments {
            let bed = Bed::of(kind);
            bed.forge.write_issue("ada", "app", "grace", "Say bar", "");
            let at = format!("{append}:{moment}");
            let ran = bed.run_until(&format!("run 1 {AGENT} --run-id r1 --land"), &at);
            if ran.code == 0 {
                continue;
            }
            was_killed = true;
            n_killed += 1;
            // A run whose first record is missing was never begun.
            if bed.run("status r1").code == 0 {
                bed.run("resume r1").code(0);
            } else {
                bed.run(&format!("run 1 {AGENT} --run-id r1 --land"))
                    .code(0);
            }
            assert_eq!(bed.git().git(&["show", "main:a.txt"]), "bar", "at {at}");
            let truth = bed.forge.truth("ada", "app");
            let count = |kind: &str| truth.iter().filter(|it| it.kind == kind).count();
            let counts = (count("issue"), count("pull"), count("comment"));
            assert_eq!(counts, (1, 1, 1), "at {at}");
        }
        if !was_killed {
            break;
        }
    }
    assert!(n_killed > 2, "{n_killed} kills");
}

const TOGETHER: [&str; 3] = ["app", "lib", "web"];

fn run_together(kind: &str) -> Bed {
    let [_, lib, web] = TOGETHER;
    Bed::of(kind).and(lib).and(web)
}

#[test]
fn several_repositories_land_together() {
    for kind in ["gitea", "github", "gitlab"] {
        let bed = run_together(kind);
        bed.run(&format!("run --title Rename {AGENT} --run-id r1 --land"))
            .code(0);
        let page = match kind {
            "gitlab" => "-/merge_requests",
            _ => "issues",
        };
        for name in TOGETHER {
            assert_eq!(bed.on_main(name, "a.txt"), "bar", "{kind}");
            let body = bed.pull_request(name);
            for other in TOGETHER {
                let link = format!("]({}/ada/{other}/{page}/1)", bed.forge.url());
                assert!(body.contains(&link), "{kind}: {link} in {body}");
            }
        }
    }
}

#[test]
fn what_was_merged_is_taken_back_where_another_one_cannot_be_and_lands_again() {
    for kind in ["gitea", "gitlab"] {
        let bed = run_together(kind);
        bed.forge.set_rights("ada", "web", true, false);
        let ran = bed.run(&format!("run --title Rename {AGENT} --run-id r1 --land"));
        assert_eq!(ran.code, 3, "{kind}: {}", ran.stdout);
        ran.says("merged and taken back, since web was not merged");
        for (name, n_pulls) in [("app", 2), ("lib", 2), ("web", 1)] {
            assert_eq!(bed.on_main(name, "a.txt"), "foo", "{kind}: {name}");
            assert_eq!(bed.n_pulls(name), n_pulls, "{kind}: {name}");
        }
        // Asked again it takes back again, as nobody has mended anything.
        assert_eq!(bed.run("land r1").code, 3);
        assert_eq!(bed.on_main("app", "a.txt"), "foo", "{kind}");
        bed.forge.set_rights("ada", "web", true, true);
        bed.run("land r1").code(0);
        for (name, n_pulls) in [("app", 5), ("lib", 5), ("web", 1)] {
            assert_eq!(bed.on_main(name, "a.txt"), "bar", "{kind}: {name}");
            assert_eq!(bed.n_pulls(name), n_pulls, "{kind}: {name}");
        }
    }
}

/// What a person does meanwhile: closes another pull request while the engine is killed, and gives the run up where
/// all was taken back.
#[test]
fn a_killed_landing_takes_back_what_cannot_be_whole_any_more() {
    let mut n_begun = 0;
    for append in (168..220).step_by(4) {
        let bed = run_together("gitea");
        let run = format!("run --title Rename {AGENT} --run-id r1 --land");
        let killed = bed.run_until(&run, &format!("{append}:after"));
        let is_begun = killed.code != 0 && bed.on_main("app", "a.txt") == "bar";
        if !is_begun || bed.on_main("web", "a.txt") == "bar" {
            continue;
        }
        n_begun += 1;
        bed.forge.close("ada", "web", 1);
        let ran = bed.run("resume r1");
        assert_eq!(ran.code, 3, "at {append}: {}", ran.stdout);
        for name in TOGETHER {
            assert_eq!(bed.on_main(name, "a.txt"), "foo", "{name} at {append}");
        }
        let ran = bed.run("abort r1");
        assert_eq!(bed.on_main("app", "a.txt"), "foo", "{}", ran.stdout);
        assert!(!ran.stdout.contains("it has landed"), "{}", ran.stdout);
        if n_begun == 2 {
            break;
        }
    }
    assert!(n_begun > 0, "no kill came while it merged");
}

#[test]
fn a_target_that_moves_while_others_are_merged_is_caught_up_with() {
    for kind in ["gitea", "github", "gitlab"] {
        let bed = run_together(kind);
        bed.push_when_moved("app", "web");
        bed.run(&format!("run --title Rename {AGENT} --run-id r1 --land"))
            .code(0);
        for name in TOGETHER {
            assert_eq!(bed.on_main(name, "a.txt"), "bar", "{kind}: {name}");
        }
        assert_eq!(bed.on_main("web", "b.txt"), "more", "{kind}");
        // Its change, what took it back, and its change again.
        assert_eq!((bed.n_pulls("app"), bed.n_pulls("web")), (3, 1), "{kind}");
    }
}

/// Killed before or after an append while it merges, takes back and merges again. A sample; with
/// `RUN_SLOW=1` at each append from the first merge on.
#[test]
fn a_killed_landing_in_all_or_in_none_ends_in_all() {
    let is_whole = std::env::var_os("RUN_SLOW").is_some();
    let run = format!("run --title Rename {AGENT} --run-id r1 --land");
    // From the landing on; it ends when nothing is killed any more.
    let (first, step) = if is_whole { (60, 1) } else { (190, 29) };
    let mut n_killed = 0;
    for (index, append) in (first..400).step_by(step).enumerate() {
        let mut was_killed = false;
        for (moment, parity) in [("before", 0), ("after", 1)] {
            if !is_whole && index % 2 != parity {
                continue;
            }
            let bed = run_together("gitea");
            bed.push_when_moved("app", "web");
            let at = format!("{append}:{moment}");
            let ran = bed.run_until(&run, &at);
            if ran.code != 0 {
                was_killed = true;
                n_killed += 1;
                bed.run("resume r1").code(0);
            }
            for name in TOGETHER {
                assert_eq!(bed.on_main(name, "a.txt"), "bar", "{name} at {at}");
            }
            let counts = (bed.n_pulls("app"), bed.n_pulls("lib"), bed.n_pulls("web"));
            assert_eq!(counts, (3, 3, 1), "at {at}");
        }
        if !was_killed {
            break;
        }
    }
    assert!(n_killed > 2, "{n_killed} kills");
}

#[test]
fn several_repositories_land_each_for_itself() {
    let bed = Bed::new();
    bed.place.repository("lib", Some("grep -q bar a.txt"));
    let configured = bed.place.read("config/repositories.yaml");
    let lib = "- {name: lib, path: lib, test_command: make test}\n";
    bed.place
        .file("config/repositories.yaml", format!("{configured}{lib}"));
    let run = format!("run --title Rename {AGENT} --land --update-checkout");
    let ran = bed.run(&format!("{run} --run-id r1"));
    assert_eq!(ran.code, 3, "{}", ran.stdout);
    ran.says("cannot land in all repositories or in none where some are on a forge");
    assert_eq!(
        bed.git().git(&["show", "main:a.txt"]),
        "foo",
        "nothing has moved"
    );
    assert_eq!(bed.place.read("lib/a.txt"), "foo\n");
    bed.run(&format!("{run} --run-id r2 --landing each"))
        .code(0);
    assert_eq!(bed.git().git(&["show", "main:a.txt"]), "bar");
    assert_eq!(bed.place.read("lib/a.txt"), "bar\n");
}

#[test]
fn what_moved_meanwhile_is_brought_up_to_tested_and_landed_later() {
    what_moved_meanwhile_is_brought_up_to_tested_and_landed_later_of("gitea", 1);
}

#[test]
fn what_moved_meanwhile_is_brought_up_to_tested_and_landed_later_on_gitlab() {
    what_moved_meanwhile_is_brought_up_to_tested_and_landed_later_of("gitlab", 2);
}

fn what_moved_meanwhile_is_brought_up_to_tested_and_landed_later_of(kind: &str, seed: u64) {
    let bed = Bed::of(kind);
    bed.run(&format!("run --title Rename {AGENT} --run-id r1"))
        .code(0);
    let proposed = bed.forge.branch("ada", "app", "automation/r1/change");
    let proposed = proposed.expect("it was pushed");
    assert_eq!(
        bed.git().git(&["show", &format!("{proposed}:a.txt")]),
        "bar"
    );
    // Somebody else is faster.
    let work = Fixture::new(bed.place.path("../other"));
    let url = bed.forge.git_dir("ada", "app").display().to_string();
    work.git(&["pull", "--quiet", &url, "main"]);
    let other = work.file("b.txt", "more\n").commit("More");
    work.git(&["push", "--quiet", &url, "HEAD:main"]);
    assert_eq!(bed.main(), other.to_string());
    // The pull request notices the push of what was brought up to it only later.
    let slow = Faults {
        slow_heads: 0.8,
        ..Faults::default()
    };
    bed.forge.set_faults(slow, seed);
    bed.run("land r1").code(0);
    let git = bed.git();
    assert_eq!(git.git(&["show", "main:a.txt"]), "bar");
    assert_eq!(git.git(&["show", "main:b.txt"]), "more");
    bed.forge.set_faults(Faults::default(), 0);
    let number = if kind == "gitlab" { "!1" } else { "#1" };
    let listed = bed.run("issue ls").stdout;
    assert_eq!(
        listed,
        format!("app{number}  pull request  merged  Rename\n")
    );
}

/// Somebody pushes the tested commit to the target by hand, and somebody else more to the branch.
#[test]
fn what_is_pushed_to_a_landed_branch_is_not_merged() {
    for kind in ["gitea", "github", "gitlab"] {
        let bed = Bed::of(kind);
        bed.run(&format!("run --title Rename {AGENT} --run-id r1"))
            .code(0);
        let work = Fixture::new(bed.place.path("../other"));
        let url = bed.forge.git_dir("ada", "app").display().to_string();
        let branch = "automation/r1/change";
        work.git(&["pull", "--quiet", &url, branch]);
        let tested = work.git(&["rev-parse", "HEAD"]);
        let more = work.file("b.txt", "untested\n").commit("More");
        let to = format!("{tested}:refs/heads/main");
        work.git(&["push", "--quiet", &url, &to]);
        let to = format!("{more}:refs/heads/{branch}");
        work.git(&["push", "--quiet", &url, &to]);
        bed.run("land r1").code(0);
        assert_eq!(bed.main(), tested.trim(), "{kind}: nothing else is merged");
        let listed = bed.run("issue ls").stdout;
        assert!(listed.contains("open"), "{kind}: it stays open: {listed}");
    }
}

/// Anybody who can read the commit may propose it once more, and call his branch what git allows.
#[test]
fn what_strangers_propose_keeps_nothing_from_landing() {
    for kind in ["gitea", "github", "gitlab"] {
        let bed = Bed::of(kind);
        bed.run(&format!("run --title Rename {AGENT} --run-id r1"))
            .code(0);
        let proposed = bed.forge.branch("ada", "app", "automation/r1/change");
        let proposed = proposed.expect("it was pushed");
        for (head, title) in [("same", "WIP: mine"), ("mallory/-odd", "Odd")] {
            bed.forge.push("ada", "app", head, &proposed);
            bed.forge.propose("ada", "app", "mallory", title, head);
        }
        bed.run("land r1").code(0);
        assert_eq!(bed.main(), proposed.to_string(), "{kind}");
        let listed = bed.run("issue ls").stdout;
        assert!(listed.contains("merged  Rename"), "{kind}: {listed}");
    }
}

#[test]
fn what_a_token_lacks_is_named() {
    let bed = Bed::new();
    let status = |bed: &Bed| {
        let ran = bed.run("auth status");
        (ran.code, ran.stdout.replace(bed.forge.url(), "[FORGE]"))
    };
    let well = "ok      company ([FORGE]): account robot\n\
                ok      app (ada/app): may be read and written\n";
    assert_eq!(status(&bed), (0, well.to_owned()));
    bed.forge.set_admin("ada", "app", false);
    let (code, shown) = status(&bed);
    assert_eq!(code, 0, "runs need no more: {shown}");
    assert_eq!(
        shown,
        format!(
            "{well}warning app (ada/app): not enough for `automation serve`: the forge tells an administrator alone \
             who may write; make the account one of the repository\n"
        )
    );
    bed.forge.set_rights("ada", "app", false, false);
    let (code, shown) = status(&bed);
    assert_eq!(code, 1, "{shown}");
    assert!(
        shown.contains("failed  app (ada/app): the account may not push;"),
        "{shown}"
    );
    assert!(
        shown.contains("does not allow fast-forward merges;"),
        "{shown}"
    );
    bed.run("doctor")
        .says("failed  forge: app: the account may not push;");

    let github = Bed::of("github");
    github.forge.set_scopes(&["gist", "read:org"]);
    let (code, shown) = status(&github);
    assert_eq!(code, 1, "{shown}");
    assert!(
        shown.contains("failed  company ([FORGE]): the token lacks the scope repo;"),
        "{shown}"
    );

    let gitlab = Bed::of("gitlab");
    assert_eq!(status(&gitlab), (0, well.to_owned()));
    gitlab.forge.set_scopes(&["read_api", "write_repository"]);
    let (code, shown) = status(&gitlab);
    assert_eq!(code, 1, "{shown}");
    assert!(
        shown.contains("failed  company ([FORGE]): the token lacks the scope api;"),
        "{shown}"
    );
    gitlab
        .run("doctor")
        .says("failed  forge: company: the token lacks the scope api;");
    gitlab.forge.set_scopes(&["api"]);
    gitlab.forge.set_rights("ada", "app", false, false);
    let (_, shown) = status(&gitlab);
    assert!(
        shown.contains("a member with the role Developer"),
        "{shown}"
    );
    assert!(
        shown.contains("set its merge method to \"Fast-forward merge\""),
        "{shown}"
    );

    let mut command = bed.place.command("auth status");
    command.env("FORGE_TOKEN", "a-wrong-token");
    let ran = bed.place.end_of(command);
    ran.says("answers 401 to GET /user");
    assert!(!ran.stdout.contains("a-wrong-token"), "{}", ran.stdout);
    let ran = bed.place.run("run 1 --agent sh:true");
    ran.says("the variable FORGE_TOKEN with its token is not set");
    assert_eq!(ran.code, 2);
}
