//! Issues on forges, followed: the real binary over simulated forges.

use std::{
    cell::{Cell, RefCell},
    io::{BufRead as _, BufReader},
    process::Child,
    sync::mpsc,
    time::{Duration, Instant},
};

use facade::core_types::{Clock as _, SystemClock};
use testkit::forge::{Call, Dialect, Shown, Signature, Webhook};

use crate::{
    forges::{Bed, TOKEN},
    place::Ran,
};

pub(crate) const AGENT: &str =
    "agents: [{name: bar, kind: command, command: \"echo bar > a.txt\"}]\n";

/// A forge where grace may write and mallory may not, and an issue of grace's.
pub(crate) fn bed(kind: &str, settings: &str) -> Bed {
    let bed = Bed::of(kind);
    let settings = format!("{AGENT}{settings}");
    bed.place.file("config/automation.yaml", settings);
    bed.forge.set_permission("ada", "app", "grace", "write");
    bed.forge.set_permission("ada", "app", "mallory", "read");
    bed.forge
        .write_issue("ada", "app", "grace", "Say bar", "Not foo.");
    bed
}

impl Bed {
    pub(crate) fn serve(&self) -> Ran {
        self.run("serve --once").code(0)
    }

    pub(crate) fn label(&self, who: &str, label: &str) {
        if self.n_comments() > 0 {
            // Who gives a label has read what it is about; times of forges are whole seconds.
            let second = || SystemClock.now().0 / 1000;
            let now = second();
            until("the next second", || second() > now);
        }
        self.forge.write_label("ada", "app", 1, who, label);
    }

    pub(crate) fn say(&self, who: &str, text: &str) {
        self.forge.write_comment("ada", "app", 1, who, text);
    }

    pub(crate) fn labels(&self) -> Vec<String> {
        self.forge.labels("ada", "app", 1)
    }

    /// The one status comment.
    pub(crate) fn status(&self) -> String {
        let truth = self.forge.truth("ada", "app");
        let is_status = |body: &str| body.starts_with("### ");
        let comments = truth.iter().filter(|it| it.kind == "comment");
        let mut comments = comments.filter(|it| is_status(&it.body));
        let status = comments.next().expect("there is a status comment");
        assert_eq!(comments.next(), None, "there is one");
        status.body.clone()
    }

    /// The line by which a person approves what is shown.
    pub(crate) fn approval(&self) -> String {
        let status = self.status();
        let is_it = |it: &&str| it.starts_with("/approve ") || it.starts_with("!approve ");
        let line = status.lines().find(is_it);
        line.unwrap_or_else(|| panic!("it says how: {status}"))
            .to_owned()
    }

    pub(crate) fn n_comments(&self) -> usize {
        let truth = self.forge.truth("ada", "app");
        truth.iter().filter(|it| it.kind == "comment").count()
    }

    pub(crate) fn n_runs(&self) -> usize {
        let runs = std::fs::read_dir(self.place.path(".automation/runs"));
        runs.map_or(0, Iterator::count)
    }
}

#[test]
fn an_issue_becomes_a_landed_change_by_a_label_and_a_comment() {
    for kind in ["gitea", "github", "gitlab"] {
        let bed = bed(
            kind,
            "serve: {interval: 20ms, land: true}\napprovals: {plan: true}\n",
        );
        bed.serve();
        assert_eq!(bed.n_comments(), 0, "nobody has asked for anything");

        bed.label("grace", "needs-planning");
        bed.label("grace", "bug");
        bed.serve();
        assert_eq!(bed.labels(), ["bug", "plan-review"]);
        let status = bed.status();
        assert!(status.contains("### The plan waits for you"), "{status}");
        assert!(
            status.contains("repository: app"),
            "the plan is shown: {status}"
        );
        assert!(status.contains("Spent: 0.00 of 5.00 USD."), "{status}");
        let before = bed.main();

        // Who may not write, who names something else, and who says nothing to us.
        bed.say("mallory", &bed.approval());
        bed.say("grace", "/approve 0123456789ab");
        bed.say("grace", "Looks good.");
        bed.serve();
        assert_eq!(bed.labels(), ["bug", "plan-review"]);
        let status = bed.status();
        assert!(status.contains("A comment was not followed"), "{status}");

        bed.say("grace", &bed.approval());
        bed.serve();
        assert_eq!(bed.labels(), ["bug", "completed"]);
        assert_ne!(bed.main(), before);
        assert_eq!(bed.git().git(&["show", "main:a.txt"]), "bar");
        let status = bed.status();
        assert!(status.contains("### Done"), "{status}");
        let number = if kind == "gitlab" { "!1" } else { "#2" };
        let row = format!("| app | {number} | passed | not reviewed | landed on ` main ` as ");
        assert!(status.contains(&row), "{status}");
        assert_eq!(bed.n_comments(), 5, "ours is one of them");
        assert_eq!(bed.n_runs(), 1);
    }
}

#[test]
fn who_may_not_write_begins_and_approves_nothing() {
    for kind in ["gitea", "github", "gitlab"] {
        let bed = bed(kind, "serve: {interval: 20ms}\napprovals: {plan: true}\n");
        // Such as by a template of the repository that gives labels to whoever writes an issue.
        bed.label("mallory", "needs-planning");
        bed.serve();
        assert_eq!(bed.labels(), ["needs-planning"]);
        assert_eq!((bed.n_comments(), bed.n_runs()), (0, 0));
        // Ours asks for nothing, either.
        bed.label("robot", "-needs-planning");
        bed.label("robot", "needs-planning");
        bed.serve();
        assert_eq!((bed.n_comments(), bed.n_runs()), (0, 0));

        bed.label("grace", "-needs-planning");
        bed.label("grace", "needs-planning");
        bed.serve();
        assert_eq!(bed.labels(), ["plan-review"]);
        // The label that lets it go on is theirs to give who may write.
        bed.label("mallory", "in-progress");
        bed.say("mallory", "/abort");
        bed.serve();
        assert_eq!(bed.labels(), ["plan-review"], "it was taken away again");
        bed.label("grace", "in-progress");
        bed.serve();
        assert_eq!(bed.labels(), ["merge-ready"]);
        assert_eq!(bed.n_runs(), 1);
        // What is theirs today may be taken from them tomorrow.
        bed.forge.set_permission("ada", "app", "grace", "read");
        bed.say("grace", &bed.approval());
        bed.serve();
        assert_eq!(bed.labels(), ["merge-ready"]);
        assert_eq!(bed.git().git(&["show", "main:a.txt"]), "foo");
    }
}

#[test]
fn what_an_outsider_writes_waits_for_its_plan_to_be_approved() {
    let bed = bed("gitea", "serve: {interval: 20ms}\n");
    let issue = bed
        .forge
        .write_issue("ada", "app", "mallory", "Say bar", "");
    bed.forge
        .write_label("ada", "app", issue, "grace", "needs-planning");
    bed.serve();
    assert_eq!(bed.forge.labels("ada", "app", issue), ["plan-review"]);
}

#[test]
fn a_proposed_change_lands_by_a_comment_or_a_label() {
    for by_label in [false, true] {
        let bed = bed("github", "serve: {interval: 20ms}\n");
        bed.label("grace", "needs-planning");
        bed.serve();
        assert_eq!(bed.labels(), ["merge-ready"]);
        let status = bed.status();
        assert!(
            status.contains("| app | #2 | passed | not reviewed | proposed |"),
            "{status}"
        );
        assert_eq!(bed.git().git(&["show", "main:a.txt"]), "foo");
        match by_label {
            true => bed.label("grace", "completed"),
            false => bed.say("grace", &bed.approval()),
        }
        bed.serve();
        assert_eq!(bed.labels(), ["completed"]);
        assert_eq!(bed.git().git(&["show", "main:a.txt"]), "bar");
    }
}

#[test]
fn labels_in_other_letters_are_the_same() {
    for kind in ["gitea", "github"] {
        let bed = bed(kind, "serve: {interval: 20ms}\n");
        bed.label("grace", "Needs-Planning");
        bed.serve();
        assert_eq!(bed.labels(), ["merge-ready"], "{kind}");
        bed.label("grace", "COMPLETED");
        bed.serve();
        let labels: Vec<_> = bed.labels().iter().map(|it| it.to_lowercase()).collect();
        assert_eq!(labels, ["completed"], "{kind}");
        assert_eq!(bed.git().git(&["show", "main:a.txt"]), "bar");
    }
}

#[test]
fn what_people_merge_themselves_has_landed() {
    let bed = bed("github", "serve: {interval: 20ms}\n");
    bed.label("grace", "needs-planning");
    bed.serve();
    assert_eq!(bed.labels(), ["merge-ready"]);
    // As the button of the forge does.
    let branches = bed.git().git(&[
        "for-each-ref",
        "--format=%(objectname)",
        "refs/heads/automation",
    ]);
    let proposed = branches.parse().expect("there is one, at a commit");
    bed.forge.push("ada", "app", "main", &proposed);
    bed.serve();
    assert_eq!(bed.labels(), ["completed"], "{}", bed.status());
    assert_eq!(bed.git().git(&["show", "main:a.txt"]), "bar");
}

#[test]
fn what_people_squash_is_over() {
    let bed = bed("gitea", "serve: {interval: 20ms}\n");
    bed.label("grace", "needs-planning");
    bed.serve();
    bed.forge.squash("ada", "app", 2);
    let before = bed.main();
    bed.serve();
    assert_eq!(bed.labels(), ["completed"]);
    assert_eq!(bed.main(), before, "nothing is landed beside it");
    let status = bed.status();
    assert!(status.contains("merged as something else"), "{status}");
    assert!(!status.contains("/approve"), "{status}");
}

#[test]
fn what_changes_protected_paths_lands_only_when_somebody_says_so() {
    let bed = bed("gitea", "");
    let agent = "agents: [{name: bar, kind: command, command: \"echo bar > a.txt; mkdir -p .github/workflows; \
                 echo x > .github/workflows/ci.yml\"}]\nserve: {interval: 20ms, land: true}\n";
    bed.place.file("config/automation.yaml", agent);
    bed.label("grace", "needs-planning");
    bed.serve();
    assert_eq!(bed.labels(), ["needs-attention"]);
    let status = bed.status();
    assert!(status.contains(".github/workflows/ci.yml"), "{status}");
    assert_eq!(bed.git().git(&["show", "main:a.txt"]), "foo");
    // No label stands for it: what is said must name what was shown.
    bed.label("grace", "completed");
    bed.serve();
    assert_eq!(bed.labels(), ["needs-attention"]);
    bed.say("grace", &bed.approval());
    bed.serve();
    assert_eq!(bed.labels(), ["completed"], "{}", bed.status());
    assert_eq!(bed.git().git(&["show", "main:a.txt"]), "bar");
}

#[test]
fn further_issues_wait_for_their_turn() {
    let bed = bed(
        "gitea",
        "serve: {interval: 20ms, land: true, max_runs: 1}\n",
    );
    let further = bed
        .forge
        .write_issue("ada", "app", "grace", "Say bar again", "");
    bed.forge
        .write_label("ada", "app", further, "grace", "needs-planning");
    bed.label("grace", "needs-planning");
    bed.place.file(
        "config/automation.yaml",
        "agents: [{name: once, kind: command, command: \"mkdir $LC_PLACE/alone && echo bar >> a.txt && \
         rmdir $LC_PLACE/alone\"}]\nserve: {interval: 20ms, land: true, max_runs: 1}\n",
    );
    bed.serve();
    for issue in [1, further] {
        assert_eq!(bed.forge.labels("ada", "app", issue), ["completed"]);
    }
    assert_eq!(bed.git().git(&["show", "main:a.txt"]), "foo\nbar\nbar");
    assert_eq!((bed.n_runs(), bed.n_comments(), pulls(&bed)), (2, 2, 2));
}

#[test]
fn what_failed_is_tried_again_or_given_up() {
    let agent = "agents: [{name: bar, kind: command, command: \"cp $LC_PLACE/word a.txt\"}]\n\
                 recovery: {enabled: false}\nserve: {interval: 20ms, land: true}\n";
    let bed = bed("gitea", "");
    bed.place.file("config/automation.yaml", agent);
    bed.place.file("word", "wrong\n");
    bed.label("grace", "needs-planning");
    bed.serve();
    assert_eq!(bed.labels(), ["needs-attention"]);
    let status = bed.status();
    assert!(status.contains("say `/retry`"), "{status}");
    bed.say("mallory", "/abort");
    bed.serve();
    assert_eq!(bed.labels(), ["needs-attention"]);
    bed.say("grace", "/abort");
    bed.serve();
    assert_eq!(bed.labels(), Vec::<String>::new());
    let status = bed.status();
    assert!(status.contains("### Given up"), "{status}");

    bed.label("grace", "needs-planning");
    bed.serve();
    assert_eq!(bed.labels(), ["needs-attention"]);
    assert_eq!(bed.n_runs(), 2, "another label, another run");
    bed.place.file("word", "bar\n");
    bed.say("grace", "/retry");
    bed.serve();
    assert_eq!(bed.labels(), ["completed"], "{}", bed.status());
    assert_eq!(bed.git().git(&["show", "main:a.txt"]), "bar");
    assert_eq!(bed.n_comments(), 4, "one comment for all runs of the issue");
}

/// Killed before or after an append to a journal, and started again: one run, one comment, the right labels. A
/// sample; with `RUN_SLOW=1` at each append.
#[test]
fn a_killed_follower_does_each_thing_once() {
    let is_whole = std::env::var_os("RUN_SLOW").is_some();
    let (first, step) = if is_whole { (1, 1) } else { (8, 39) };
    let mut n_killed = 0;
    for (index, append) in (first..200).step_by(step).enumerate() {
        let kind = ["gitea", "github", "gitlab"][index % 3];
        let moments: &[&str] = match (is_whole, index / 2 % 2) {
            (true, _) => &["before", "after"],
            (false, 0) => &["after"],
            (false, _) => &["before"],
        };
        let mut was_killed = false;
        for moment in moments {
            let bed = bed(
                kind,
                "serve: {interval: 20ms, land: true}\napprovals: {plan: true}\n",
            );
            bed.label("grace", "needs-planning");
            let at = format!("{append}:{moment}");
            let begun = bed.run_until("serve --once", &at);
            if begun.code != 0 {
                was_killed = true;
                bed.serve();
            }
            assert_eq!(bed.labels(), ["plan-review"], "{kind} at {at}");
            bed.say("grace", &bed.approval());
            if bed.run_until("serve --once", &at).code != 0 {
                was_killed = true;
                bed.serve();
            }
            assert_eq!(bed.labels(), ["completed"], "{kind} at {at}");
            assert_eq!(bed.git().git(&["show", "main:a.txt"]), "bar");
            let counts = (bed.n_runs(), bed.n_comments(), pulls(&bed));
            assert_eq!(counts, (1, 2, 1), "{kind} at {at}: {}", bed.status());
            n_killed += usize::from(was_killed);
        }
        if !was_killed {
            break;
        }
    }
    assert!(n_killed > 1, "{n_killed} kills");
}

fn pulls(bed: &Bed) -> usize {
    let truth = bed.forge.truth("ada", "app");
    truth.iter().filter(|it| it.kind == "pull").count()
}

#[test]
fn a_forge_that_fails_in_passing_is_followed_all_the_same() {
    for (seed, kind) in [(1, "gitea"), (2, "github"), (3, "gitlab")] {
        let bed = bed(kind, "serve: {interval: 20ms, land: true}\n");
        let faults = testkit::forge::Faults {
            refused: 0.03,
            down_before: 0.03,
            down_after: 0.03,
            lost: 0.03,
            lag: std::time::Duration::from_millis(20),
            late: 0.5,
            busy: 0.3,
            ..testkit::forge::Faults::default()
        };
        bed.label("grace", "needs-planning");
        let labelled = Instant::now();
        bed.forge.set_faults(faults, seed);
        // It ends where no list shows the label yet.
        until("lists show the label", || labelled.elapsed() > faults.lag);
        bed.serve();
        assert_eq!(bed.labels(), ["completed"], "{}", bed.status());
        assert_eq!((bed.n_runs(), bed.n_comments(), pulls(&bed)), (1, 1, 1));
    }
}

/// A process that stays; it is ended with the test.
pub(crate) struct Staying {
    child: Child,
    lines: mpsc::Receiver<String>,
}

impl Drop for Staying {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

const PATIENCE: Duration = Duration::from_secs(60);

impl Staying {
    pub(crate) fn start(bed: &Bed, arguments: &str) -> Self {
        let mut command = bed.place.command(arguments);
        command.env("FORGE_TOKEN", TOKEN).env("HOOK_SECRET", SECRET);
        let mut child = command.spawn().expect("it can be started");
        let stdout = child.stdout.take().expect("it is piped");
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self { child, lines }
    }

    /// Waits for a line that begins so, and returns the rest of it.
    pub(crate) fn says(&self, start: &str) -> String {
        let mut said = Vec::new();
        loop {
            let line = self.lines.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|_| panic!("it says {start:?}: {said:#?}"));
            if let Some(rest) = line.strip_prefix(start) {
                return rest.to_owned();
            }
            said.push(line);
        }
    }

    /// Ends it as a service manager does; its exit code.
    pub(crate) fn end(mut self, bed: &Bed) -> Option<i32> {
        bed.place.signal(&self.child, "-TERM");
        self.child.wait().expect("it ends").code()
    }
}

/// Waits until it is so; what a forge gets and a folder holds tells nobody that it has changed.
pub(crate) fn until(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "{what}");
        std::thread::yield_now();
    }
}

pub(crate) const SECRET: &str = "between-forge-and-us";

#[test]
fn a_signed_webhook_makes_it_look_at_once_and_others_do_nothing() {
    for (kind, dialect) in [
        ("gitea", Dialect::Gitea),
        ("github", Dialect::GitHub),
        ("gitlab", Dialect::GitLab),
    ] {
        // Nothing but a webhook makes it look in the time of this test.
        let bed = bed(kind, "serve: {interval: 1h}\n");
        let configured = bed.place.read("config/repositories.yaml");
        let secret = "settle: 60ms, webhook_secret: \"env:HOOK_SECRET\"";
        let configured = configured.replace("settle: 60ms", secret);
        bed.place.file("config/repositories.yaml", configured);
        let staying = Staying::start(&bed, "serve --webhooks=0");
        let address = staying.says("listening for webhooks on ");
        let n_looks = Cell::new(0);
        let looks = |n: usize| {
            let calls = bed.forge.take_calls();
            let is_look = |it: &&Call| it.path.ends_with("/issues") && it.query.contains("page=1&");
            n_looks.set(n_looks.get() + calls.iter().filter(is_look).count());
            n_looks.get() == n
        };
        until("it looks when it begins", || looks(1));
        let body = r#"{"action":"labeled","issue":{"number":7},"sender":{"login":"grace"}}"#;
        let right = Webhook {
            dialect,
            delivery: "d-1",
            body,
            signature: Signature::By(SECRET),
        };
        let other = match dialect {
            Dialect::Gitea => Dialect::GitHub,
            Dialect::GitHub | Dialect::GitLab => Dialect::Gitea,
        };
        let by = |signature| Webhook { signature, ..right };
        let elsewhere = Webhook {
            dialect: other,
            ..right
        };
        let long = " ".repeat((5 << 20) + 1);
        let long = Webhook {
            body: &long,
            ..right
        };
        let first = Webhook {
            delivery: "d-0",
            body: "{}",
            ..right
        };
        assert_eq!(by(Signature::None).send(&address), 401);
        assert_eq!(by(Signature::By("guessed")).send(&address), 401);
        assert_eq!(by(Signature::By("")).send(&address), 401);
        assert_eq!(elsewhere.send(&address), 404, "it has no secret");
        assert_eq!(long.send(&address), 413);
        assert_eq!(first.send(&address), 202);
        until("it looks", || looks(2));
        assert_eq!(first.send(&address), 200, "it came before");
        assert!(looks(2), "those that were refused made it look");

        bed.label("grace", "needs-planning");
        assert_eq!(right.send(&address), 202);
        until("the change is proposed", || bed.labels() == ["merge-ready"]);
        let renamed = Webhook {
            delivery: "d-2",
            ..right
        };
        // GitLab's tokens sign nothing: there only the id tells one that came before.
        let expected = if kind == "gitlab" { 202 } else { 200 };
        assert_eq!(renamed.send(&address), expected, "an id is not signed");
        assert_eq!(staying.end(&bed), Some(0));

        // A restart forgets none of it.
        let staying = Staying::start(&bed, "serve --webhooks=0");
        let address = staying.says("listening for webhooks on ");
        assert_eq!(right.send(&address), 200);
        let next = Webhook {
            delivery: "d-3",
            body: "[]",
            ..right
        };
        assert_eq!(next.send(&address), 202);
        assert_eq!(staying.end(&bed), Some(0));
        bed.assert_stored_nowhere(SECRET);
        assert_eq!((bed.n_runs(), bed.n_comments()), (1, 1));
    }
}

/// While nothing happens, one list of each repository tells so; without savings each issue is read at each look.
#[test]
fn what_waits_is_not_read_again_and_again() {
    what_waits_is_not_read_again_and_again_on("gitea");
}

#[test]
fn what_waits_is_not_read_again_and_again_on_github() {
    what_waits_is_not_read_again_and_again_on("github");
}

#[test]
fn what_waits_is_not_read_again_and_again_on_gitlab() {
    what_waits_is_not_read_again_and_again_on("gitlab");
}

fn what_waits_is_not_read_again_and_again_on(kind: &str) {
    for cache in [true, false] {
        let bed = bed(kind, "serve: {interval: 50ms}\n");
        let configured = bed.place.read("config/repositories.yaml");
        let configured =
            configured.replace("settle: 60ms", &format!("settle: 60ms, cache: {cache}"));
        bed.place.file("config/repositories.yaml", configured);
        bed.label("grace", "needs-planning");
        let staying = Staying::start(&bed, "serve");
        until("it is proposed", || bed.labels() == ["merge-ready"]);
        // What it wrote last is looked at once more when lists are not late any more.
        let seen = RefCell::new(Vec::new());
        until("ten looks are alike", || {
            let mut seen = seen.borrow_mut();
            seen.extend(bed.forge.take_calls());
            let is_list = |it: &&Call| it.path.ends_with("app/issues");
            let is_other_list = |it: &&Call| it.path.ends_with("app/merge_requests");
            let n_looks = seen.iter().filter(is_list).count();
            let n_others = seen.len() - n_looks - seen.iter().filter(is_other_list).count();
            let is_alike = match cache {
                true => n_others == 0,
                // The issue, its comments, its pull request.
                false => n_others.abs_diff(3 * n_looks) <= 3,
            };
            if !is_alike {
                seen.clear();
            }
            n_looks >= 10 && is_alike
        });
        // And yet each thing that people do is seen.
        let truth = bed.forge.truth("ada", "app");
        let is_status = |it: &&Shown| it.kind == "comment" && it.body.starts_with("### ");
        let id = truth.iter().find(is_status).expect("there is one").number;
        bed.forge.delete_comment("ada", "app", id);
        until("the status is there again", || {
            let truth = bed.forge.truth("ada", "app");
            truth.iter().any(|it| is_status(&it))
        });
        let n_before = bed.n_comments();
        bed.say("grace", "/retry");
        until("it says why not", || {
            bed.status().contains("A comment was not followed")
        });
        bed.say("grace", &bed.approval());
        until("it lands", || bed.labels() == ["completed"]);
        assert_eq!(bed.n_comments(), n_before + 2);
        assert_eq!(staying.end(&bed), Some(0));
    }
}

/// An agent that waits until it is let go.
pub(crate) const WAITS: &str = "agents: [{name: bar, kind: command, command: \"echo begun > $LC_PLACE/begun; \
                     test -e $LC_PLACE/go || sleep 600; echo bar > a.txt\"}]\n\
                     serve: {interval: 50ms, land: true}\n";

#[test]
fn ended_it_pauses_its_run_and_another_start_goes_on() {
    let bed = bed("gitea", "");
    bed.place.file("config/automation.yaml", WAITS);
    bed.label("grace", "needs-planning");
    let staying = Staying::start(&bed, "serve");
    until("work is shown", || bed.labels() == ["in-progress"]);
    until("the agent works", || bed.place.path("begun").exists());
    // One process follows the issues of a home.
    let refused = bed.run("serve --once");
    assert_eq!(refused.code, 2);
    refused.says("another process follows the issues of this home");
    assert_eq!(staying.end(&bed), Some(0));
    bed.place.file("go", "");
    bed.serve();
    assert_eq!(bed.labels(), ["completed"], "{}", bed.status());
    assert_eq!((bed.n_runs(), bed.n_comments()), (1, 1));
}

#[test]
fn killed_it_is_followed_by_one_that_goes_on() {
    let bed = bed("github", "");
    bed.place.file("config/automation.yaml", WAITS);
    bed.label("grace", "needs-planning");
    let kill = |mut staying: Staying| {
        staying.child.kill().expect("it can be killed");
        staying.child.wait().expect("it has ended");
    };
    let staying = Staying::start(&bed, "serve");
    staying.says("app#1: run ");
    kill(staying);
    let staying = Staying::start(&bed, "serve");
    staying.says("app#1: work is under way");
    kill(staying);
    let staying = Staying::start(&bed, "serve");
    until("the agent works", || bed.place.path("begun").exists());
    kill(staying);
    bed.place.file("go", "");
    bed.serve();
    assert_eq!(bed.labels(), ["completed"], "{}", bed.status());
    assert_eq!((bed.n_runs(), bed.n_comments(), pulls(&bed)), (1, 1, 1));
}
