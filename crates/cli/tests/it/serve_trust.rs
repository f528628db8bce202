//! Whom `automation serve` believes, and what it makes of forges that people and time change under it.

use crate::{forges::Bed, serve::bed};

const GATE: &str = "serve: {interval: 20ms}\napprovals: {plan: true}\n";

impl Bed {
    /// Changes what stands in `config/repositories.yaml`.
    fn configure(&self, from: &str, to: &str) {
        let configured = self.place.read("config/repositories.yaml");
        assert!(configured.contains(from), "{configured}");
        let configured = configured.replace(from, to);
        self.place.file("config/repositories.yaml", configured);
    }
}

#[test]
fn who_may_not_write_everywhere_begins_and_approves_nothing() {
    for kind in ["gitea", "github", "gitlab"] {
        let bed = bed(kind, GATE).and("backend").and("docs");
        // What a run does not change is nobody's concern.
        bed.configure("name: docs,", "name: docs, write: false,");
        bed.forge.set_permission("ada", "app", "heidi", "write");
        bed.label("grace", "needs-planning");
        bed.serve();
        assert_eq!((bed.n_comments(), bed.n_runs()), (0, 0), "{kind}");

        bed.forge.set_permission("ada", "backend", "grace", "write");
        bed.serve();
        assert_eq!(bed.labels(), ["plan-review"], "{kind}");
        for said in [&*bed.approval(), "/abort"] {
            bed.say("heidi", said);
        }
        bed.label("heidi", "in-progress");
        bed.serve();
        assert_eq!(bed.labels(), ["plan-review"], "{kind}");
        bed.say("grace", &bed.approval());
        bed.serve();
        assert_eq!(bed.labels(), ["merge-ready"], "{kind}: {}", bed.status());
    }
}
