//! The runs that pictures and tests of pages show.

use core_types::{RepositoryName, RunId, TaskId, Timestamp, Usd, Wait, WaitReason};

use super::course::{Ends, Sample, TaskPlan, name};
use crate::fold::{DaySpend, LessonStanding, LimitStanding, MemorySource, Prompt};

const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

fn usd(dollars: u64) -> Usd {
    Usd::from_pico(dollars * 1_000_000_000_000)
}

/// Fourteen tasks over three repositories: what an issue of some size becomes.
#[must_use]
pub fn hero_plan() -> Vec<TaskPlan> {
    let row = |id: &str, title: &str, repository: &str, needs: &[usize], seconds| TaskPlan {
        id: name(id),
        title: title.to_owned(),
        repository: name(repository),
        needs: needs.to_vec(),
        seconds,
        failures: 0,
        is_hopeless: false,
    };
    vec![
        row("schema", "Table for second factors", "backend", &[], 95),
        row("totp", "Check time-based codes", "backend", &[], 140),
        row(
            "recovery-codes",
            "Recovery codes, hashed at rest",
            "backend",
            &[0],
            120,
        ),
        row(
            "enroll-api",
            "Endpoints to enroll and to remove a factor",
            "backend",
            &[0, 1],
            210,
        ),
        row(
            "sign-in-api",
            "Ask for the second factor at sign-in",
            "backend",
            &[1],
            190,
        ),
        row("rate-limit", "Limit guesses of codes", "backend", &[4], 80),
        row(
            "audit-log",
            "Write factor changes to the audit log",
            "backend",
            &[3],
            70,
        ),
        row(
            "api-client",
            "Client for the new endpoints",
            "frontend",
            &[3, 4],
            60,
        ),
        row(
            "enroll-page",
            "Page to enroll, with a QR code",
            "frontend",
            &[7],
            160,
        ),
        row(
            "sign-in-page",
            "Second step at sign-in",
            "frontend",
            &[7],
            130,
        ),
        row(
            "settings-page",
            "Factors in the settings",
            "frontend",
            &[8],
            110,
        ),
        row(
            "e2e",
            "End-to-end tests of both pages",
            "frontend",
            &[8, 9],
            150,
        ),
        row(
            "secrets",
            "Key for encrypting secrets",
            "infrastructure",
            &[0],
            55,
        ),
        row(
            "dashboards",
            "Panels for failed second factors",
            "infrastructure",
            &[5, 12],
            45,
        ),
    ]
}

/// `n` tasks in layers of `width`, each with up to three needs in the layer before.
#[must_use]
pub fn layered_plan(n: usize, width: usize) -> Vec<TaskPlan> {
    const VERBS: [&str; 6] = ["Move", "Rewrite", "Test", "Document", "Split", "Harden"];
    const THINGS: [&str; 7] = [
        "parser",
        "session store",
        "router",
        "billing export",
        "mailer",
        "search index",
        "importer",
    ];
    let task = |place: usize| {
        let (layer, row) = (place / width, place % width);
        let above = |offset: usize| (layer - 1) * width + (row + offset * 7) % width;
        let needs = match layer {
            0 => Vec::new(),
            _ if place.is_multiple_of(5) => vec![above(0), above(1), above(2)],
            _ => vec![above(0)],
        };
        let mut needs = needs;
        needs.sort_unstable();
        needs.dedup();
        TaskPlan {
            id: name(&format!("task-{place:04}")),
            title: format!(
                "{} the {} ({})",
                VERBS[place % VERBS.len()],
                THINGS[place % THINGS.len()],
                place + 1
            ),
            repository: name(["backend", "frontend", "tools"][place % 3]),
            needs,
            seconds: 20 + (place as u64 * 37) % 90,
            failures: u32::from(place % 23 == 11),
            is_hopeless: place % 149 == 100,
        }
    };
    (0..n).map(task).collect()
}

fn hero(run: &str, title: &str, from: Timestamp, until: Timestamp, ends: Ends) -> Sample {
    let after = |repository: &str, reason| Wait {
        repository: name(repository),
        reason,
    };
    Sample {
        run: name(run),
        title: title.to_owned(),
        plan: hero_plan(),
        waits: vec![
            (name("backend"), Vec::new()),
            (
                name("frontend"),
                vec![after("backend", WaitReason::Dependency)],
            ),
            (name("infrastructure"), Vec::new()),
        ],
        max_workers: 3,
        limit: Some(usd(10)),
        from,
        until,
        ends,
    }
}

fn with_repositories(names: &[&str]) -> Vec<(RepositoryName, Vec<Wait>)> {
    names.iter().map(|it| (name(it), Vec::new())).collect()
}

/// How much there is to see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// Runs of up to fourteen tasks.
    Small,
    /// One of 1,000 tasks besides, `62-sessions`.
    Large,
}

/// A source with runs in every state, as of `now`: `65-two-factor` runs, `61-search` failed,
/// `66-theme` has just begun, `64-billing` waits at a gate, `63-import` was killed; before
/// them two weeks of runs that have ended.
#[must_use]
pub fn gallery(now: Timestamp, size: Size) -> MemorySource {
    let source = MemorySource::new();
    let ago = |millis: u64| Timestamp(now.0.saturating_sub(millis));
    for index in (0..26_u64).rev() {
        let begun = ago(index * DAY / 2 + 5 * HOUR + index % 7 * 17 * MINUTE);
        let titles = [
            ("upload", "Fix the flaky upload test"),
            ("tenant", "Rename the tenant header"),
            ("lookups", "Cache lookups of issues"),
            ("errors", "Friendlier error pages"),
            ("importer", "Remove the old importer"),
            ("login", "Speed up the login query"),
        ];
        let (word, title) = titles[index as usize % titles.len()];
        let mut sample = hero(
            &format!("{}-{word}", 60 - index),
            title,
            begun,
            now,
            Ends::Whole,
        );
        sample.plan.truncate(3 + index as usize % 8);
        sample
            .plan
            .retain(|task| task.repository.as_str() == "backend");
        sample.waits = with_repositories(&["backend"]);
        if index % 6 == 4
            && let Some(task) = sample.plan.last_mut()
        {
            task.is_hopeless = true;
        }
        push(&source, &sample);
    }

    let mut failed = hero(
        "61-search",
        "Search across all projects",
        ago(3 * HOUR),
        now,
        Ends::Whole,
    );
    failed.plan[4].failures = 2;
    failed.plan[4].is_hopeless = true;
    failed.plan[1].failures = 1;
    push(&source, &failed);

    let rewrite = Sample {
        plan: layered_plan(1000, 40),
        waits: with_repositories(&["backend", "frontend", "tools"]),
        max_workers: 16,
        limit: Some(usd(250)),
        ..hero(
            "62-sessions",
            "Move all services to the new session store",
            ago(50 * MINUTE),
            now,
            Ends::Not,
        )
    };
    if size == Size::Large {
        push(&source, &rewrite);
    }

    push(
        &source,
        &hero(
            "63-import",
            "Import from the old tracker",
            ago(75 * MINUTE),
            ago(66 * MINUTE),
            Ends::Killed,
        ),
    );
    push(
        &source,
        &hero(
            "64-billing",
            "Bill by seats instead of by project",
            ago(62 * MINUTE),
            now,
            Ends::AtGate,
        ),
    );

    let mut running = hero(
        "65-two-factor",
        "Second factor at sign-in",
        ago(11 * MINUTE),
        now,
        Ends::Not,
    );
    running.plan[1].failures = 1;
    push(&source, &running);
    logs(&source, &running.run);

    let empty = Sample {
        plan: Vec::new(),
        ..hero(
            "66-theme",
            "Dark theme for the reports",
            ago(9_000),
            now,
            Ends::Not,
        )
    };
    push(&source, &empty);
    source.log_line(
        &empty.run,
        None,
        "plan/transcript.log",
        "Reading the repository …",
    );

    source.set_day(DaySpend {
        spent: Usd::from_pico(8_410_000_000_000),
        reserved: Usd::from_pico(1_260_000_000_000),
        limit: Some(usd(20)),
        limits: vec![
            LimitStanding {
                name: "day".to_owned(),
                limit: Some(usd(20)),
                spent: Usd::from_pico(8_410_000_000_000),
                reserved: Usd::from_pico(1_260_000_000_000),
            },
            LimitStanding {
                name: "repository backend".to_owned(),
                limit: Some(usd(50)),
                spent: Usd::from_pico(44_100_000_000_000),
                reserved: Usd::from_pico(1_260_000_000_000),
            },
        ],
    });
    source.set_lessons(lessons(now));
    source
}

fn push(source: &MemorySource, sample: &Sample) {
    let made = sample.make();
    source.push(&sample.run, made.events);
    source.set_held(&sample.run, made.is_held);
}

fn logs(source: &MemorySource, run: &RunId) {
    let lines = [
        "Reading src/session/mod.rs and src/session/refresh.rs",
        "The refresh path builds a session without its factor: `Session::from_claims` drops it.",
        "\u{1b}[32m+\u{1b}[0m pub fn from_claims(claims: &Claims, factor: Option<Factor>) -> Self {",
        "Running cargo test -p backend session",
        "running 41 tests",
        "test session::refresh_keeps_the_second_factor ... ok",
        "test session::expired_factor_asks_again ... ok",
        "test result: ok. 41 passed; 0 failed; finished in 2.31s",
        "Now the endpoint: a sign-in without a code answers 401 with `factor_required`.",
        "Editing src/api/sign_in.rs",
    ];
    for plan in hero_plan() {
        let task: TaskId = plan.id;
        for (index, line) in lines.iter().cycle().take(34).enumerate() {
            let file = if index < 24 {
                "1.1/transcript.log"
            } else {
                "1.1/test.log"
            };
            source.log_line(run, Some(&task), file, line);
        }
        for attempt in 1..=2 {
            source.set_diff(run, &task, attempt, DIFF);
            source.set_prompt(
                run,
                &task,
                attempt,
                Prompt {
                    execution: 1,
                    request: PROMPT.to_owned(),
                    template: Some("implement, version 0d5f27a1c3b9".to_owned()),
                },
            );
        }
    }
    for line in &lines[..3] {
        source.log_line(run, None, "plan/transcript.log", line);
    }
}

const PROMPT: &str = "{\n  \"task\": {\n    \"id\": \"sign-in-api\",\n    \"title\": \"Ask for the second factor at sign-in\"\n  },\n  \"advice\": [\n    \"Run the tests of the module before the first change.\"\n  ]\n}";

const DIFF: &str = "diff --git a/src/api/sign_in.rs b/src/api/sign_in.rs
index 3f1c2aa..9be0177 100644
--- a/src/api/sign_in.rs
+++ b/src/api/sign_in.rs
@@ -18,11 +18,17 @@ pub async fn sign_in(
     let user = users.by_name(&form.name).await?;
     user.check_password(&form.password)?;
-    let session = Session::start(&user);
+    let factor = factors.of(&user).await?;
+    if let Some(factor) = &factor {
+        let code = form.code.ok_or(Problem::FactorRequired)?;
+        factor.check(&code, clock.now())?;
+    }
+    let session = Session::start(&user, factor);
     Ok(session.into_response())
 }
";

fn lessons(now: Timestamp) -> Vec<LessonStanding> {
    let row = |id: &str, text: &str, status: &str, treated, control, effect, evidence: &str| {
        LessonStanding {
            id: id.to_owned(),
            text: text.to_owned(),
            kind: "convention".to_owned(),
            status: status.to_owned(),
            repository: (id == "migrations").then(|| "backend".to_owned()),
            created: Timestamp(now.0.saturating_sub(9 * DAY)),
            treated,
            control,
            effect,
            evidence: evidence.to_owned(),
            needs_approval: status == "candidate",
        }
    };
    vec![
        row(
            "run-tests-first",
            "Run the tests of the module before the first change.",
            "promoted",
            184,
            61,
            Some(0.14),
            "better in 3 looks, false discovery bound 5 %",
        ),
        row(
            "small-commits",
            "Change one thing at a time; leave formatting alone.",
            "trial",
            41,
            39,
            None,
            "not enough evidence (80 of 240)",
        ),
        row(
            "migrations",
            "Migrations are never edited once they are on main.",
            "candidate",
            0,
            0,
            None,
            "not tried yet",
        ),
        row(
            "no-unwrap",
            "Do not use unwrap outside tests.",
            "retired",
            120,
            118,
            Some(-0.02),
            "no gain after 4 looks",
        ),
    ]
}
