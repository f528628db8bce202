//! `explain` and `top`: what is shown of runs while they go on, wait, and are gone.

use std::{ffi::OsString, fs};

use expect_test::expect;
use facade::{
    assemble::{Home, HomeSource, Surroundings},
    core_types::{ErrorClass, Event, Gate, RunId, TaskId},
    engine_checkpoint::RunJournal,
    monitoring::{
        fold::{Command, LessonStanding, LogPosition, RunSource},
        metrics::Tally,
    },
};
use tokio::runtime::Runtime;

use crate::place::Place;

const PLAN: &str = "\
id: three-files
title: Three files
tasks:
  - {id: one, title: Add one, repository: app, estimate: 60s}
  - {id: two, title: Add two, repository: app, dependencies: [one]}
  - {id: three, title: Write a third, repository: app}
";

/// An agent that tells when it runs, and then works only after `again` is there.
fn place() -> Place {
    let place = Place::new();
    place.repository("app", Some("true"));
    place.pipe("started");
    let here = place.work().display().to_string();
    let wait = format!("if [ ! -e {here}/again ]; then echo > {here}/started; sleep 1000; fi");
    let work = format!("#!/bin/sh\n{wait}\necho bar > $AUTOMATION_TASK_ID\n");
    place.script("agent.sh", &work).file("plan.yaml", PLAN);
    place
}

#[test]
fn every_reason_why_a_task_is_not_running() {
    let place = place();
    let run = "run --agent ./agent.sh --repo app --title X --plan plan.yaml --approve plan";
    place
        .run(&format!("{run} --run-id r1 --max-workers 1"))
        .code(3);
    place.run("explain two").is(&expect![[r#"
        exit 2
        --- stderr
        error: run r1 has no task two
        hint: it waits at the gate "plan"; go on with: automation approve r1
    "#]]);
    place.run("top --once").is(&expect![[r#"
        exit 0
        automation: 0 running, 1 not running, 0 ended, 0 of them well, $0.00 of $20.00 spent today
        ! r1: open the gate "plan", or give the run up

        run r1: X
          waiting, stage planning, 0/0 tasks, [T], $0.00 of $5.00
    "#]]);

    let child = place.start("approve r1");
    fs::read(place.path("started")).expect("the agent starts");
    place.run("explain four --run r1").is(&expect![[r#"
        exit 2
        --- stderr
        error: run r1 has no task four
        hint: its tasks are: one, two, three
    "#]]);
    place.run("explain one").is(&expect![[r#"
        exit 0
        task one of run r1: Add one
        it is running
    "#]]);
    place.run("explain two").is(&expect![[r#"
        exit 0
        task two of run r1: Add two
        it is waiting
          it needs one, which is running
    "#]]);
    place.run("explain three").is(&expect![[r#"
        exit 0
        task three of run r1: Write a third
        it is ready
          no worker slot is free: 1 of 1 are held by one
    "#]]);

    place.signal(&child, "-KILL");
    child.wait_with_output().expect("it ends");
    place.run("explain three").is(&expect![[r#"
        exit 0
        task three of run r1: Write a third
        it is ready
          no process holds the run: it was killed, and waits to be resumed
        go on with: automation resume r1
    "#]]);
    place.run("top --once").is(&expect![[r#"
        exit 0
        automation: 0 running, 1 not running, 0 ended, 0 of them well, $0.00 of $20.00 spent today
        ! r1: its process was killed: resume it

        run r1: X
          paused, stage implementation, 0/3 tasks, [T], $0.00 of $5.00
         *one    running  attempt 1, for [T]
          three  ready    waits for the run to be resumed
         *two    waiting  waits for one (running)
    "#]]);

    place.file("again", "");
    place.run("resume r1").code(0);
    place.run("explain two").is(&expect![[r#"
        exit 0
        task two of run r1: Add two
        it is succeeded
          it has ended: succeeded
    "#]]);
}

/// The session that is under way tells of a limit that was raised beside it, while its agent works; and
/// who raises the limit of a run that nobody holds tells of it.
#[test]
fn a_raised_limit_is_shown_at_once() {
    let place = place();
    let run = "run --agent ./agent.sh --repo app --title X --plan plan.yaml --max-workers 1";
    let child = place.start(&format!("{run} --run-id r1"));
    fs::read(place.path("started")).expect("the agent starts");
    let shown = || place.run("top --once --json").json()["runs"][0].clone();
    let limit = || shown()["spend"]["limit"].clone();
    assert_eq!(limit(), "5.00");
    place.run("budget raise 7 --run r1").code(0);
    let raised = (0..1000).any(|_| limit() == "7.00");
    assert!(raised, "the session looks at the ledger each second");

    place.signal(&child, "-KILL");
    child.wait_with_output().expect("it ends");
    let before = shown();
    place.run("budget raise 9 --run r1").code(0);
    let after = shown();
    assert_eq!(after["spend"]["limit"], "9.00");
    assert_eq!(after["state"], before["state"], "it is no session");
    assert_eq!(after["sessions"], before["sessions"], "it is no session");
}

#[test]
fn status_and_top_say_the_same() {
    let place = place();
    let run = "run --agent ./agent.sh --repo app --title X --plan plan.yaml --max-workers 2";
    let child = place.start(&format!("{run} --run-id r1"));
    fs::read(place.path("started")).expect("the agent starts");
    let status = place.run("status r1 --json").json();
    let top = place.run("top --once --json").json();
    let shown = &top["runs"][0];
    assert_eq!(shown["header"]["state"], status["state"]);
    assert_eq!(shown["header"]["stage"], status["stage"]);
    let of_top = shown["tasks"].as_array().expect("tasks");
    let of_status = status["tasks"].as_array().expect("tasks");
    assert_eq!((of_top.len(), of_status.len()), (3, 3));
    for (one, other) in of_top.iter().zip(of_status) {
        for key in ["task", "title", "repository", "failure"] {
            assert_eq!(one[key], other[key], "{key} of {}", other["task"]);
        }
        // What only waits for a slot may get one between the two looks.
        let is_waiting = |status: &serde_json::Value| status == "waiting";
        assert_eq!(is_waiting(&one["status"]), is_waiting(&other["status"]));
        if is_waiting(&one["status"]) {
            assert_eq!(one["waits_for"], other["waits_for"]);
        }
    }
    place.signal(&child, "-KILL");
    child.wait_with_output().expect("it ends");
    place.file("again", "");
    place.run("resume r1").code(0);
    let status = place.run("status r1 --json").json();
    let top = place.run("top --once --json").json();
    let ended = &top["overview"]["recent"][0];
    assert_eq!(ended["state"], status["state"]);
    assert_eq!(ended["counts"]["succeeded"], 3);
    assert_eq!(top["runs"], serde_json::json!([]));
}

/// A run has told of its end before it has recorded it, and learns from its work in between: the record
/// may come late, or never where the process is killed.
#[test]
fn status_and_top_say_the_same_before_an_end_is_recorded() {
    let place = Place::new();
    place.repository("app", Some("true"));
    let run = "run --agent 'sh:echo x > $AUTOMATION_TASK_ID' --repo app --title X --run-id r1";
    place.run(run).code(0);
    let folder = place.path(".automation/runs/r1/journal");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let journal = RunJournal::open(folder, &Default::default()).expect("nobody holds it");
        let no_end = journal.append_run_record("end", serde_json::Value::Null);
        no_end.await.expect("it is written");
    });
    let status = place.run("status r1 --json").json();
    let top = place.run("top --once --json").json();
    assert_eq!(status["end"], serde_json::Value::Null);
    assert_eq!(top["overview"]["recent"][0]["state"], "done");
    assert_eq!(status["state"], "done");
}

#[test]
fn figures_survive_the_removal_of_a_run() {
    let place = Place::new();
    place.repository("app", None);
    place.file("config/automation.yaml", "retention: {keep_runs: 1}\n");
    let agent = "--agent 'sh:echo x > $AUTOMATION_TASK_ID' --repo app --title X";
    for run in ["r1", "r2"] {
        place.run(&format!("run {agent} --run-id {run}")).code(0);
    }
    let shown = || {
        let overview = place.run("top --once --json").json()["overview"].clone();
        let keys = [
            "total_runs",
            "ended",
            "succeeded",
            "success_rate",
            "tasks_ended",
            "days",
        ];
        let figures = keys.map(|key| overview[key].clone());
        let recent = overview["recent"].as_array().expect("runs").clone();
        let names = recent
            .iter()
            .map(|it| (it["run"].clone(), it["is_removed"].clone()));
        (figures, names.collect::<Vec<_>>())
    };
    let (before, runs) = shown();
    assert_eq!(
        runs,
        [("r2".into(), false.into()), ("r1".into(), false.into())]
    );
    let (source, r1): (_, RunId) = (source(&place), "r1".parse().expect("valid"));
    let events = runtime().block_on(source.events(&r1, 0));
    let events = events.expect("it reads").events;
    place.run("gc").code(0);
    runtime().block_on(async {
        let gone = source.events(&r1, 0).await.expect_err("they are gone");
        assert_eq!(gone.class(), ErrorClass::NotFound);
        let counted = source.tally(&r1).await.expect("it reads");
        let expected = Tally::of(&r1, events.iter().map(|(_, event)| event));
        assert_eq!(counted, Some(expected), "counters do not fall");
    });
    let (after, runs) = shown();
    assert_eq!(after, before, "what is summed up is still there");
    assert_eq!(
        runs,
        [("r2".into(), false.into()), ("r1".into(), true.into())]
    );
}

/// The words of a page without its markup.
pub(crate) fn words(html: &str) -> String {
    let mut words = String::new();
    let mut is_text = true;
    for c in html.chars() {
        match c {
            '<' => is_text = false,
            '>' => {
                is_text = true;
                words.push(' ');
            }
            c if is_text => words.push(c),
            _ => {}
        }
    }
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_report_is_one_file_with_the_figures_of_status() {
    let place = place();
    place.file("again", "");
    let run = "run --agent ./agent.sh --repo app --title '<b>Bold</b> & co' --plan plan.yaml";
    place.run(&format!("{run} --run-id r1")).code(0);
    place.run("report --html out.html").code(0);
    let html = place.read("out.html");
    assert!(html.len() < 300_000, "{} bytes", html.len());
    for foreign in ["http://", "https://", "<script", "<link", "url("] {
        // The name of a vocabulary is not asked for.
        let html = html.replace("http://www.w3.org/2000/svg", "");
        assert!(!html.contains(foreign), "it asks for {foreign}");
    }
    assert!(!html.contains("<b>Bold"), "a title is no markup");
    let words = words(&html);
    let status = place.run("status r1 --json").json();
    let state = status["state"].as_str().expect("a state");
    assert!(words.to_lowercase().contains(state), "{state} in {words}");
    let tasks = status["tasks"].as_array().expect("tasks");
    for task in tasks {
        for key in ["task", "title", "status"] {
            let text = task[key].as_str().expect("a text");
            assert!(words.contains(text), "{key} {text} in {words}");
        }
    }
    let told = place.run("report r1 --json").json();
    assert_eq!(told["run"]["header"]["counts"]["succeeded"], 3);
    assert!(place.path("r1.html").exists());
}

fn source(place: &Place) -> HomeSource {
    let environment = ["PATH", "HOME"].map(|name| {
        let value = std::env::var_os(name).unwrap_or_default();
        (OsString::from(name), value)
    });
    let surroundings = Surroundings::new(place.work(), environment.into());
    HomeSource::new(Home::locate(&place.work(), None), surroundings)
}

fn runtime() -> Runtime {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime")
}

/// What a test printed, and the command that prints it, stand in failures.
#[test]
fn no_page_shows_what_looks_like_a_secret() {
    let place = Place::new();
    let token = "ghp_0123456789abcdefghijABCDEFGHIJ012345";
    place.repository("app", Some(&format!("echo token={token}; false")));
    let agent = "--agent 'sh:echo x > $AUTOMATION_TASK_ID' --repo app --title X";
    place.run(&format!("run {agent} --run-id r1")).code(1);
    place.run("report r1 --html out.html").code(0);
    let report = place.read("out.html");
    assert!(report.contains("failed"), "it tells of the failure");
    let shown = ["report r1 --json", "top --once --json", "top --once"];
    let shown = shown.map(|line| place.run(line).stdout);
    for text in shown.iter().chain([&report]) {
        assert!(!text.contains(token), "{text}");
    }
    let source = source(&place);
    let run: RunId = "r1".parse().expect("valid");
    let events = runtime().block_on(source.events(&run, 0));
    let events = format!("{:?}", events.expect("it reads").events);
    assert!(!events.contains(token), "{events}");
    assert!(events.contains("[scrubbed:"), "{events}");
}

/// What a monitor reads of a home beside events.
#[test]
fn logs_changes_prompts_money_and_commands_of_a_home() {
    let place = place();
    place.file("again", "");
    place.script(
        "agent.sh",
        "#!/bin/sh\necho hello; echo bar > $AUTOMATION_TASK_ID\n",
    );
    let run = "run --agent ./agent.sh --repo app --title X --plan plan.yaml";
    place.run(&format!("{run} --run-id r1")).code(0);
    let source = source(&place);
    let (run, one): (RunId, TaskId) = ("r1".parse().expect("valid"), "one".parse().expect("valid"));
    runtime().block_on(async {
        let listed = source.runs().await.expect("it lists");
        let summary = listed[0].summary.as_ref().expect("it has ended");
        assert!(listed[0].is_summary_current && !listed[0].is_held);
        assert_eq!((summary.counts.total, summary.counts.succeeded), (3, 3));

        let whole = source.events(&run, 0).await.expect("it reads").events;
        let (half, _) = whole[whole.len() / 2];
        let rest = source.events(&run, half).await.expect("it reads").events;
        assert_eq!(rest, whole[whole.len() / 2 + 1..], "from any number on");

        let diff = source.diff(&run, &one, 1).await.expect("it left a commit");
        assert!(
            diff.contains("+++ b/one") && diff.contains("+bar"),
            "{diff}"
        );
        let missing = source
            .diff(&run, &one, 2)
            .await
            .expect_err("there is no second attempt");
        assert_eq!(missing.class(), ErrorClass::NotFound);
        let prompt = source.prompt(&run, &one, 1).await.expect("it is kept");
        assert!(prompt.request.contains("Add one"), "{}", prompt.request);
        let template = prompt.template.expect("its template is recorded");
        let version = template.strip_prefix("implement, version ");
        assert_eq!(version.map(str::len), Some(12), "{template}");
        let made: Vec<_> = whole
            .iter()
            .filter_map(|(_, record)| match &record.event {
                Event::PromptMade { template, .. } => Some(template.as_str()),
                _ => None,
            })
            .collect();
        assert_eq!(made, ["implement"; 3], "each use is recorded");

        let start = Some(LogPosition::default());
        let log = source.log(&run, Some(&one), start).await.expect("it reads");
        let hello = log.lines.iter().find(|line| line.text == "hello");
        let hello = hello.expect("the agent has said it");
        assert_eq!(hello.file, "tasks/one/1.1/transcript.log");
        let after = source.log(&run, Some(&one), Some(log.next)).await;
        let after = after.expect("it reads");
        assert!(after.lines.is_empty() && after.is_complete);
        let nowhere = Some(LogPosition::new("nowhere"));
        let refused = source.log(&run, Some(&one), nowhere).await;
        let refused = refused.expect_err("that is no position");
        assert_eq!(refused.class(), ErrorClass::Validation);

        let day = source.day().await.expect("it reads");
        assert_eq!(day.limit, Some("20".parse().expect("an amount")));
        let lessons = source.lessons().await.expect("it reads");
        assert!(!lessons.is_empty(), "a run proposes what it finds");
        let is_told = |it: &LessonStanding| !it.text.is_empty() && it.status == "candidate";
        assert!(lessons.iter().all(is_told), "{lessons:?}");

        let approve = Command::Approve { gate: Gate::Plan };
        let refused = source.command(&run, approve).await.expect_err("it is done");
        assert_eq!(refused.class(), ErrorClass::Validation);
        let limit = "7.5".parse().expect("an amount");
        let raised = source.command(&run, Command::Raise { limit }).await;
        assert_eq!(
            raised.expect("it is more"),
            "the run may spend 7.50 USD instead of 5.00"
        );
    });
}
