//! Issues on forges, followed: the real binary over simulated forges.

use crate::{forges::Bed, place::Ran};

const AGENT: &str = "agents: [{name: bar, kind: command, command: \"echo bar > a.txt\"}]\n";

/// A forge where grace may write and mallory may not, and an issue of grace's.
fn bed(kind: &str, settings: &str) -> Bed {
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
    fn serve(&self) -> Ran {
        self.run("serve --once").code(0)
    }

    fn label(&self, who: &str, label: &str) {
        self.forge.write_label("ada", "app", 1, who, label);
    }

    fn say(&self, who: &str, text: &str) {
        self.forge.write_comment("ada", "app", 1, who, text);
    }

    fn labels(&self) -> Vec<String> {
        self.forge.labels("ada", "app", 1)
    }

    /// The one status comment.
    fn status(&self) -> String {
        let truth = self.forge.truth("ada", "app");
        let is_status = |body: &str| body.starts_with("### ");
        let comments = truth.iter().filter(|it| it.kind == "comment");
        let mut comments = comments.filter(|it| is_status(&it.body));
        let status = comments.next().expect("there is a status comment");
        assert_eq!(comments.next(), None, "there is one");
        status.body.clone()
    }

    /// The line by which a person approves what is shown.
    fn approval(&self) -> String {
        let status = self.status();
        let line = status.lines().find(|it| it.starts_with("/approve "));
        line.unwrap_or_else(|| panic!("it says how: {status}"))
            .to_owned()
    }

    fn n_comments(&self) -> usize {
        let truth = self.forge.truth("ada", "app");
        truth.iter().filter(|it| it.kind == "comment").count()
    }

    fn n_runs(&self) -> usize {
        let runs = std::fs::read_dir(self.place.path(".automation/runs"));
        runs.map_or(0, Iterator::count)
    }
}

#[test]
fn an_issue_becomes_a_landed_change_by_a_label_and_a_comment() {
    for kind in ["gitea", "github"] {
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
        assert!(
            status.contains("| app | #2 | passed | not reviewed | landed on ` main ` as "),
            "{status}"
        );
        assert_eq!(bed.n_comments(), 5, "ours is one of them");
        assert_eq!(bed.n_runs(), 1);
    }
}
