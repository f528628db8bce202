//! What pages hold.

use std::io::Write as _;

use core_types::{Event, EventRecord, RunId};
use monitoring::{
    dashboard::{Control, report},
    fold::{MemorySource, RunFold},
    samples::{Ends, Sample, Size, gallery, layered_plan},
};

use crate::dashboard_client::{NOW, Served, options, serve_source};

const PAGES: [&str; 12] = [
    "/",
    "/history",
    "/costs",
    "/learning",
    "/runs/61-search",
    "/runs/62-sessions",
    "/runs/63-import",
    "/runs/64-billing",
    "/runs/65-two-factor",
    "/runs/66-theme",
    "/runs/65-two-factor/tasks/e2e",
    "/runs/61-search/tasks/sign-in-api",
];

async fn looking() -> Served {
    serve_source(options(Control::Allowed), gallery(NOW, Size::Large)).await
}

fn compressed(text: &str) -> usize {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(text.as_bytes()).expect("memory takes it");
    encoder.finish().expect("memory takes it").len()
}

#[tokio::test]
async fn pages_are_small_and_ask_only_us() {
    let served = looking().await;
    let home = served.get("/").await.body;
    let part = |start: &str| {
        let at = home.find(start).expect("the page names it");
        let path = &home[at..];
        path[..path.find('"').expect("an attribute ends")].to_owned()
    };
    let (style, script) = (part("/assets/style-"), part("/assets/live-"));
    let mut assets = 0;
    for path in [&style, &script, &"/assets/icon.svg".to_owned()] {
        let answer = served.get_with(path, "").await;
        assert_eq!(answer.status, 200, "{path}");
        assert!(
            answer
                .header("cache-control")
                .is_some_and(|it| it.contains("immutable"))
        );
        assert!(
            !answer.body.contains("http://") || path.ends_with(".svg"),
            "{path} names no host"
        );
        assets += compressed(&answer.body);
    }
    for path in PAGES {
        let page = served.get(path).await;
        assert_eq!(page.status, 200, "{path}");
        let size = compressed(&page.body) + assets;
        assert!(size <= 150_000, "{path} has {size} bytes with all it needs");
        let page = page.body.replace("http://www.w3.org/", "");
        for foreign in ["http://", "https://", "src=\"//", "@import", "url("] {
            assert!(!page.contains(foreign), "{path} contains {foreign}");
        }
    }
}

#[tokio::test]
async fn nothing_is_inline_that_the_policy_forbids() {
    let served = looking().await;
    for path in PAGES {
        let page = served.get(path).await.body;
        assert_eq!(page.matches("<script").count(), 1, "{path}: one script");
        assert!(page.contains("<script src=\"/assets/live-"), "{path}");
        for inline in [
            " style=",
            "<style",
            " onclick",
            " onload",
            " onerror",
            "javascript:",
        ] {
            assert!(!page.contains(inline), "{path} contains {inline}");
        }
    }
}

#[tokio::test]
async fn pages_say_everything_without_their_script() {
    let served = looking().await;
    let page = served.get("/runs/65-two-factor").await.body;
    for said in [
        "Second factor at sign-in",
        "Page to enroll, with a QR code",
        "running 41 tests",
        "claude-sonnet-4.5",
        "tried again",
        "<svg class=\"graph\"",
        "class=\"seg running",
        "<form method=\"post\" action=\"/runs/65-two-factor/cancel\">",
    ] {
        assert!(page.contains(said), "{said}");
    }
    // What is typed there is not to be lost.
    let refresh = "<noscript><meta http-equiv=\"refresh\"";
    assert!(!page.contains(refresh));
    assert!(served.get("/costs").await.body.contains(refresh));
    let n_charts = ["id=\"timeline\"", "id=\"graph\"", "class=\"course\""]
        .iter()
        .filter(|chart| page.contains(**chart))
        .count();
    let n_tables = page.matches("<details class=\"as-table\">").count();
    assert!(
        n_charts == 3 && n_tables >= 3,
        "{n_tables} of {n_charts} charts are tables, too"
    );
    let page = served
        .get("/runs/65-two-factor/tasks/settings-page")
        .await
        .body;
    assert!(
        page.contains("Why it is not running") && page.contains("It needs enroll-page"),
        "{page}"
    );
    let page = served
        .get("/runs/65-two-factor/tasks/sign-in-api")
        .await
        .body;
    let prompt = &page[page.find("id=\"prompt\"").expect("a prompt")..];
    let made = "by the template implement, version 0d5f27a1c3b9";
    assert!(prompt.contains(made), "{prompt}");
}

#[tokio::test]
async fn a_failed_run_says_what_failed_and_promises_nothing() {
    let served = looking().await;
    let page = served.get("/runs/61-search").await.body;
    for said in [
        "What failed: <a href=\"/runs/61-search/tasks/sign-in-api\">",
        "automation retry sign-in-api --run 61-search",
        "not reached",
        ">skipped</text>",
        "</svg>ran and did it</li>",
        "</svg>ran in vain</li>",
    ] {
        assert!(page.contains(said), "{said}");
    }
    for untrue in ["to come", "skipped · ", "</svg>running</li>"] {
        assert!(!page.contains(untrue), "{untrue}");
    }
    // How long something has run is one figure wherever it stands; how long it may take is another.
    let page = served.get("/runs/65-two-factor").await.body;
    let graph = &page[page.find("class=\"graph\"").expect("a graph")..];
    assert!(graph.contains("waiting · about "));
    let from = graph.find("running · ").expect("a task runs") + "running · ".len();
    let figure = &graph[from..from + graph[from..].find('<').expect("it ends")];
    let took = format!("class=\"took\">{figure}</span>");
    assert!(page.contains(&took), "{took}");
}

#[tokio::test]
async fn a_thousand_tasks_are_few_elements() {
    let served = looking().await;
    let page = served.get("/runs/62-sessions").await.body;
    let n_elements = page.matches('<').count() / 2;
    assert!(n_elements < 5_000, "{n_elements} elements");
    assert!(
        page.contains("of 1000 tasks"),
        "it says that there are more"
    );
    let waiting = served
        .get("/runs/62-sessions?show=waiting&page=2")
        .await
        .body;
    assert!(
        waiting.contains("Page 2 of"),
        "the rest is on further pages"
    );
}

/// Everything that others may write, hostile at once: no page gets an element of it.
#[tokio::test]
async fn hostile_words_stay_words_everywhere() {
    const WORDS: &str = "</title></script><script>alert(1)</script><img src=x onerror=alert(1)>\
                         \"' onmouseover='alert(1)\u{1b}[31m\u{202e}\u{0}";
    let source = MemorySource::new();
    let mut plan = layered_plan(6, 2);
    for task in &mut plan {
        task.title = WORDS.to_owned();
    }
    plan[3].is_hopeless = true;
    let run: RunId = "hostile".parse().expect("a name");
    let sample = Sample {
        run: run.clone(),
        title: WORDS.to_owned(),
        plan,
        waits: vec![("backend".parse().expect("a name"), Vec::new())],
        max_workers: 2,
        limit: None,
        from: core_types::Timestamp(NOW.0 - 200_000),
        until: NOW,
        ends: Ends::Not,
    };
    let made = sample.make();
    let told = |event| EventRecord {
        v: 1,
        at: NOW,
        step: None,
        event,
    };
    let words = || WORDS.to_owned();
    let spoilt = made.events.into_iter().map(|mut record| {
        match &mut record.event {
            Event::AgentStarted { agent, .. } | Event::AgentEnded { agent, .. } => *agent = words(),
            Event::SpendSettled { model, .. } => *model = words(),
            Event::LessonsServed { lessons, arm, .. } => {
                *arm = words();
                lessons.push(words());
            }
            Event::CommandEnded { purpose, .. } => *purpose = words(),
            Event::RecoveryStarted { strategy, .. } => *strategy = words(),
            Event::RecoveryEnded {
                strategy, reason, ..
            } => {
                *strategy = words();
                *reason = words();
            }
            Event::TaskChanged {
                failure: Some(failure),
                ..
            } => {
                failure.message = words();
                failure.detail = words();
            }
            _ => {}
        }
        record
    });
    source.push(&run, spoilt);
    source.push(
        &run,
        [
            told(Event::Warning { message: words() }),
            told(Event::GateReached { gate: words() }),
        ],
    );
    source.set_held(&run, true);
    let task = "task-0000".parse().expect("a name");
    for _ in 0..50 {
        source.log_line(&run, Some(&task), WORDS, WORDS);
    }
    source.set_diff(&run, &task, 1, WORDS);
    let served = serve_source(options(Control::Allowed), source).await;
    for path in [
        "/",
        "/history",
        "/costs",
        "/runs/hostile?log=task-0000",
        "/runs/hostile/tasks/task-0000",
        "/runs/hostile/tasks/task-0003",
    ] {
        let answer = served.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        let page = answer.body;
        assert!(page.contains("alert(1)"), "{path} shows the words");
        assert_eq!(page.matches("<script").count(), 1, "{path}");
        assert!(!page.contains("<img"), "{path}");
        assert_eq!(
            page.matches("</title>").count(),
            page.matches("<title>").count(),
            "{path}"
        );
        assert!(
            page.chars().all(|it| it == '\n'
                || it == '\t'
                || !it.is_control() && !matches!(it, '\u{202a}'..='\u{202e}')),
            "{path} has control characters"
        );
        // An attribute that the words opened would stand outside quotes.
        for tag in page
            .split('<')
            .skip(1)
            .filter_map(|rest| rest.split_once('>'))
            .map(|(tag, _)| tag)
        {
            assert_eq!(tag.matches('"').count() % 2, 0, "{path}: <{tag}>");
            let outside: String = tag.split('"').step_by(2).collect();
            assert!(!outside.contains("onmouseover"), "{path}: <{tag}>");
        }
    }
}

#[tokio::test]
async fn the_seeds_endpoints_answer_with_their_keys() {
    let served = looking().await;
    let health: serde_json::Value =
        serde_json::from_str(&served.get("/api/health").await.body).expect("JSON");
    assert_eq!(health["status"], "healthy");
    assert_eq!(health["timestamp"], NOW.to_string());
    for (path, keys) in [
        (
            "summary",
            &[
                "active_workflows",
                "success_rate",
                "avg_duration",
                "cache_hit_rate",
                "total_workflows",
                "total_tasks",
            ][..],
        ),
        (
            "workflows",
            &["timeline", "by_stage", "by_status", "average_duration"],
        ),
        (
            "tasks",
            &[
                "total_tasks",
                "completed",
                "failed",
                "in_progress",
                "average_duration",
                "by_type",
            ],
        ),
        (
            "performance",
            &["cache_stats", "api_calls", "parallel_execution"],
        ),
        (
            "costs",
            &[
                "total_estimated_cost",
                "by_component",
                "by_model",
                "token_usage",
            ],
        ),
    ] {
        let answer = served.get(&format!("/api/metrics/{path}")).await;
        let body: serde_json::Value = serde_json::from_str(&answer.body).expect("JSON");
        for key in keys {
            assert!(body.get(key).is_some(), "{path} has {key}: {body}");
        }
    }
    let runs: serde_json::Value =
        serde_json::from_str(&served.get("/api/runs").await.body).expect("JSON");
    assert_eq!(runs["runs"][0]["run"], "66-theme", "newest first");
    for path in [
        "",
        "/timeline",
        "/graph",
        "/tasks/e2e",
        "/tasks/e2e/explain",
    ] {
        let answer = served.get(&format!("/api/runs/65-two-factor{path}")).await;
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (200, Some("application/json")),
            "{path}"
        );
    }
    for path in [
        "/api/runs/none",
        "/api/runs/..%2f..",
        "/api/runs/65-two-factor/tasks/none",
        "/runs/none",
        "/nowhere",
    ] {
        assert_eq!(served.get(path).await.status, 404, "{path}");
    }
    let metrics = served.get("/metrics").await;
    assert_eq!(
        metrics.header("content-type"),
        Some("text/plain; version=0.0.4; charset=utf-8")
    );
}

#[test]
fn a_report_is_one_small_file() {
    let run: RunId = "7-report".parse().expect("a name");
    let sample = Sample {
        run: run.clone(),
        title: "Two hundred tasks".to_owned(),
        plan: layered_plan(200, 12),
        waits: vec![("backend".parse().expect("a name"), Vec::new())],
        max_workers: 6,
        limit: None,
        from: core_types::Timestamp(NOW.0 - 3_600_000),
        until: NOW,
        ends: Ends::Whole,
    };
    let mut fold = RunFold::new(run);
    fold.extend((1..).zip(sample.make().events));
    let file = report(&fold.view(NOW), &fold.graph(NOW), NOW);
    for needs in ["<script", "<link", " src=", "href=\"/", "http-equiv"] {
        assert!(!file.contains(needs), "it contains {needs}");
    }
    assert!(
        file.contains("<style>") && file.contains("(200)"),
        "all tasks are in it"
    );
    assert!(
        compressed(&file) <= 300_000 && file.len() <= 1_000_000,
        "{} bytes",
        file.len()
    );
}

#[tokio::test]
async fn who_may_only_look_is_told_the_command_as_it_is() {
    let source = gallery(NOW, Size::Large);
    let served = serve_source(options(Control::ReadOnly), source).await;
    let overview = served.get("/api/overview").await.body;
    let overview: serde_json::Value = serde_json::from_str(&overview).expect("it is JSON");
    let attention = overview["attention"].as_array().expect("there is some");
    let handed_off = attention
        .iter()
        .find(|it| it["run"] == "62-sessions" && it["task"].is_string())
        .expect("a task of the large run is handed off");
    let task = handed_off["task"].as_str().expect("it is a name");
    let page = served.get(&format!("/runs/62-sessions/tasks/{task}")).await;
    assert!(
        page.body
            .contains(&format!("automation answer {task} TEXT --run 62-sessions")),
        "{}",
        page.body
    );
}

#[tokio::test]
async fn a_ledger_that_cannot_be_read_is_named_and_hides_nothing_else() {
    let served = looking().await;
    served.source.set_ledger_damaged(true);
    for (path, still) in [
        ("/", "Second factor at sign-in"),
        ("/costs", "claude-sonnet-4.5"),
    ] {
        let page = served.get(path).await;
        assert_eq!(page.status, 200, "{path}");
        assert!(page.body.contains("the ledger cannot be read"), "{path}");
        assert!(page.body.contains(still), "{path}");
    }
    let page = served.get("/").await.body;
    assert!(page.contains("it is damaged"), "why");
    let body = served.get("/api/overview").await.body;
    let body: serde_json::Value = serde_json::from_str(&body).expect("JSON");
    assert!(
        body["day"].is_null() && body["unreadable"][0].is_string(),
        "{body}"
    );
}

#[tokio::test]
async fn a_run_that_is_gone_is_named_and_not_linked() {
    let source = MemorySource::new();
    let run: RunId = "gone".parse().expect("valid");
    let sample = Sample {
        run: run.clone(),
        title: "A run of last year".to_owned(),
        plan: layered_plan(4, 2),
        waits: vec![("backend".parse().expect("a name"), Vec::new())],
        max_workers: 2,
        limit: None,
        from: core_types::Timestamp(NOW.0 - 3_600_000),
        until: NOW,
        ends: Ends::Whole,
    };
    let mut fold = RunFold::new(run.clone());
    let events = sample.make().events;
    fold.extend((1..).zip(events.clone()));
    let summary = fold.summary(NOW);
    assert!(summary.spent > core_types::Usd::ZERO);
    source.push(&run, events);
    source.remove(&run, summary);
    let served = serve_source(options(Control::Allowed), source).await;
    for path in ["/history", "/costs"] {
        let page = served.get(path).await.body;
        assert!(page.contains("gone, removed"), "{path}: {page}");
        assert!(!page.contains("href=\"/runs/gone\""), "{path}: {page}");
    }
    // Prometheus would take a counter that has fallen for one that has begun anew.
    let metrics = served.get("/metrics").await.body;
    let ended = r#"automation_runs_total{outcome="done"} 1"#;
    assert!(metrics.lines().any(|line| line == ended), "{metrics}");
}
