use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use agents::{CommandAgent, RunError};
use core_types::{
    Agent, AgentAnswer, AgentResult, CancellationToken, ChangePolicy, CommandLine, ErrorClass,
    Event, PortError, Timestamp, TokenUsage,
};

use crate::support::{
    Place, Remembered, fix_tests, implement, plan, read, repository, resolve_conflict, review, run,
    shell,
};

fn refused(result: Result<AgentResult, PortError>, class: ErrorClass, line: &str) -> PortError {
    let error = result.expect_err("it is an error");
    assert_eq!(
        error.to_line(),
        format!("failed to run agent \"coder\": {line}")
    );
    assert_eq!(error.class(), class);
    error
}

#[tokio::test]
async fn it_works_in_the_clone_and_answers_in_a_file() {
    let place = Place::new();
    place.put("a.txt", "foo\n");
    let line = r#"sed -i s/foo/bar/ *.txt
        printf '{"summary": "renamed", "usage": {"input": 5}, "cost": "0.02", "model": "m"}' > "$AUTOMATION_ANSWER_FILE""#;
    let result = run(shell(line), place.request(implement("greet")))
        .await
        .unwrap();
    assert_eq!(place.text("a.txt"), "bar\n");
    let summary = "renamed".to_owned();
    assert_eq!(result.answer, AgentAnswer::Work { summary });
    let usage = TokenUsage {
        input: 5,
        ..TokenUsage::default()
    };
    assert_eq!((result.usage, &*result.model), (usage, "m"));
    assert_eq!(result.cost.unwrap().to_string(), "0.02");
    assert!(result.prompt.contains("Greet the user"));
    let left: Vec<_> = std::fs::read_dir(place.folder()).unwrap().collect();
    assert_eq!(left.len(), 1, "request and answer lie outside the clone");
}

#[tokio::test]
async fn an_agent_without_an_answer_has_worked() {
    let place = Place::new();
    for line in ["true", "rm \"$AUTOMATION_ANSWER_FILE\""] {
        let result = run(shell(line), place.request(implement("greet")))
            .await
            .unwrap();
        let summary = String::new();
        assert_eq!(result.answer, AgentAnswer::Work { summary });
        assert_eq!((result.usage, result.cost), (TokenUsage::default(), None));
    }
    let changes = CommandAgent::new(shell("true")).unwrap().changes();
    assert_eq!(
        changes,
        ChangePolicy::Optional,
        "a codemod may find nothing to do"
    );
}

#[tokio::test]
async fn a_plan_and_a_review_come_from_the_answer_alone() {
    let place = Place::new();
    let answer = |json: &str| {
        shell(&format!(
            "printf '%s' '{json}' > \"$AUTOMATION_ANSWER_FILE\""
        ))
    };
    let tasks = answer(r#"{"plan": {"tasks": [{"id": "a"}]}}"#);
    let planned = run(tasks, place.request(plan())).await.unwrap();
    let AgentAnswer::Plan { plan: tasks } = planned.answer else {
        panic!("a plan was asked for")
    };
    assert_eq!(tasks["tasks"][0]["id"], "a");

    let verdict = r#"{"review": {"approved": false, "comments": "no", "confidence": 0.9}}"#;
    let reviewed = run(answer(verdict), place.request(review())).await.unwrap();
    assert!(matches!(reviewed.answer, AgentAnswer::Review { review } if !review.approved));

    // What is printed, or lies in the clone, is no answer.
    place.put("answer.json", verdict);
    for line in ["cat answer.json", "true"] {
        refused(
            run(shell(line), place.request(review())).await,
            ErrorClass::Validation,
            "the answer has no key \"review\", which the review stage needs",
        );
    }
    refused(
        run(shell("true"), place.request(plan())).await,
        ErrorClass::Validation,
        "the answer has no key \"plan\", which the planning stage needs",
    );
}

#[tokio::test]
async fn a_bad_answer_is_an_error_that_says_why() {
    let place = Place::new();
    let check = async |line: &str, expected: &str| {
        let result = run(shell(line), place.request(implement("greet"))).await;
        refused(result, ErrorClass::Validation, expected);
    };
    check(
        r#"echo done > "$AUTOMATION_ANSWER_FILE""#,
        "the answer is not a JSON object of the expected form: expected value at line 1 column 1",
    )
    .await;
    check(
        r#"echo '{"sumary": ""}' > "$AUTOMATION_ANSWER_FILE""#,
        "the answer has the unknown key \"sumary\"; the nearest known one is \"summary\"",
    )
    .await;
    check(
        r#"head -c 2097152 /dev/zero > "$AUTOMATION_ANSWER_FILE""#,
        "the answer is larger than 1048576 bytes",
    )
    .await;
    check(
        r#"ln -sf /etc/passwd "$AUTOMATION_ANSWER_FILE""#,
        "the answer is not a regular file",
    )
    .await;
    check(
        r#"rm "$AUTOMATION_ANSWER_FILE"; mkfifo "$AUTOMATION_ANSWER_FILE""#,
        "the answer is not a regular file",
    )
    .await;
}

#[tokio::test]
async fn it_sees_its_variables_and_no_others() {
    let place = Place::new();
    let mut options = shell("env > env.txt");
    options
        .environment
        .push(("HOME".to_owned(), "/nowhere".to_owned()));
    // What it was given cannot replace what we say.
    options
        .environment
        .push(("AUTOMATION_STAGE".to_owned(), "other".to_owned()));
    run(options.clone(), place.request(implement("greet")))
        .await
        .unwrap();
    let scratch = place.scratch().canonicalize().unwrap();
    let scratch = scratch.display();
    let mut expected = vec![
        format!("AUTOMATION_ANSWER_FILE={scratch}/answer.json"),
        "AUTOMATION_REPOSITORY=backend".to_owned(),
        format!("AUTOMATION_REQUEST_FILE={scratch}/request.json"),
        "AUTOMATION_RUN_ID=run-1".to_owned(),
        "AUTOMATION_STAGE=implementation".to_owned(),
        "AUTOMATION_TASK_ID=greet".to_owned(),
        format!("AUTOMATION_USAGE_FILE={scratch}/usage.jsonl"),
        "HOME=/nowhere".to_owned(),
        "PATH=/usr/local/bin:/usr/bin:/bin".to_owned(),
    ];
    assert_eq!(variables(&place), expected);

    options.plan = true;
    let answered = r#"env > env.txt; echo '{"plan": {"tasks": []}}' > "$AUTOMATION_ANSWER_FILE""#;
    options.command = CommandLine::Shell(answered.to_owned());
    run(options, place.request(plan())).await.unwrap();
    expected.retain(|line| !line.starts_with("AUTOMATION_TASK") && !line.contains("REPOSITORY"));
    expected[3] = "AUTOMATION_STAGE=planning".to_owned();
    assert_eq!(variables(&place), expected);

    // A model that is chosen has a tier, one that is configured has none.
    for (tier, n_variables) in [("FAST", 2), ("", 1)] {
        let mut request = place.request(implement("greet"));
        request.model = Some(core_types::ModelChoice {
            model: "small-1".to_owned(),
            tier: tier.to_owned(),
        });
        run(shell("env > env.txt"), request).await.unwrap();
        let mut seen = variables(&place);
        seen.retain(|line| line.starts_with("AUTOMATION_MODEL"));
        let expected = [
            "AUTOMATION_MODEL=small-1".to_owned(),
            format!("AUTOMATION_MODEL_TIER={tier}"),
        ];
        assert_eq!(seen, expected[..n_variables]);
    }

    // The name of a conversation goes from an answer to the request that goes on with it; what is no name is dropped.
    for (named, expected) in [
        ("thread-7.a", Some("thread-7.a")),
        ("../b", None),
        ("-x", None),
    ] {
        let answer = format!("echo '{{\"conversation\": \"{named}\"}}' > $AUTOMATION_ANSWER_FILE");
        let result = run(shell(&answer), place.request(implement("greet"))).await;
        let conversation = result.unwrap().conversation;
        let id = conversation.as_ref().map(|it| it.id.as_str());
        assert_eq!(id, expected);
        let mut request = place.request(fix_tests(None));
        request.conversation = conversation;
        run(shell("env > env.txt"), request).await.unwrap();
        let line = expected.map(|it| format!("AUTOMATION_CONVERSATION={it}"));
        let mut seen = variables(&place);
        seen.retain(|it| it.starts_with("AUTOMATION_CONVERSATION"));
        assert_eq!(seen, line.into_iter().collect::<Vec<_>>());
    }

    // A repair names its repository, and its task where it is one's.
    for (task, stage, expects_task) in [
        (resolve_conflict("greet"), "resolve_conflict", true),
        (fix_tests(None), "fix_tests", false),
    ] {
        let mut request = place.request(task);
        request.repository = Some(repository("backend").name);
        run(options_of_repair(), request).await.unwrap();
        let seen = variables(&place);
        assert!(seen.contains(&format!("AUTOMATION_STAGE={stage}")));
        assert!(seen.contains(&"AUTOMATION_REPOSITORY=backend".to_owned()));
        let task = "AUTOMATION_TASK_ID=greet".to_owned();
        assert_eq!(seen.contains(&task), expects_task, "{seen:?}");
    }
}

fn options_of_repair() -> agents::CommandAgentOptions {
    let mut options = shell("env > env.txt");
    assert!(
        !options.repair,
        "a repair is asked for only where the entry says so"
    );
    options.repair = true;
    options
}

/// What `env` printed, without the variables that a shell makes for itself.
fn variables(place: &Place) -> Vec<String> {
    let text = place.text("env.txt");
    let own = |line: &&str| {
        !["PWD=", "_=", "SHLVL=", "OLDPWD="]
            .iter()
            .any(|own| line.starts_with(own))
    };
    let mut lines: Vec<String> = text.lines().filter(own).map(str::to_owned).collect();
    lines.sort();
    lines
}

#[tokio::test]
async fn the_prompt_is_its_standard_input() {
    let place = Place::new();
    let result = run(shell("cat > prompt.txt"), place.request(implement("greet")))
        .await
        .unwrap();
    assert_eq!(place.text("prompt.txt"), result.prompt);
    // An agent that does not read it is not waited for.
    let mut request = place.request(implement("greet"));
    request.issue.body = "long\n".repeat(1 << 20);
    run(shell("true"), request).await.unwrap();
}

#[tokio::test]
async fn another_code_than_zero_is_a_failure_with_the_end_of_its_output() {
    let place = Place::new();
    let line = "echo starting; echo 'no such model' >&2; exit 3";
    let result = run(shell(line), place.request(implement("greet"))).await;
    let said = "it exited with code 3, after saying: no such model";
    let error = refused(result, ErrorClass::Internal, said);
    let source = std::error::Error::source(&error).and_then(|source| source.downcast_ref());
    let Some(RunError::Exited { tail, .. }) = source else {
        panic!("the source is typed")
    };
    assert_eq!(tail, "starting\nno such model\n");
    assert_eq!(error.detail(), tail, "it goes into the failure's detail");
    assert_eq!(
        read(&place.scratch().join("transcript.log")),
        "starting\nno such model\n"
    );

    let killed = run(shell("kill -9 $$"), place.request(implement("greet"))).await;
    let error = refused(
        killed,
        ErrorClass::ResourceExhausted,
        "it was ended by signal 9",
    );
    assert!(error.is_of_child(), "the run has its memory");
}

#[tokio::test]
async fn what_an_agent_says_of_its_error_counts_with_any_code() {
    let place = Place::new();
    let answer = r#"printf %s '{"error": {"kind": "KIND", "message": "window\nis full", "until": "2100-01-01T00:00:00Z"}}' > "$AUTOMATION_ANSWER_FILE"; echo why; exit CODE"#;
    for (kind, code, class) in [
        (
            "quota_exhausted",
            "1",
            ErrorClass::QuotaExhausted {
                until: Some(Timestamp(4_102_444_800_000)),
            },
        ),
        ("transient", "0", ErrorClass::Transient),
        ("unauthorized", "75", ErrorClass::Unauthorized),
        ("cancelled", "0", ErrorClass::Cancelled),
    ] {
        let line = answer.replace("KIND", kind).replace("CODE", code);
        let result = run(shell(&line), place.request(implement("greet"))).await;
        let error = refused(result, class, "it says: window is full");
        assert_eq!(error.detail(), "why\n");
        assert!(error.is_of_child());
    }
    // An answer that says no error, or cannot be read, leaves the exit its word.
    for answer in [r#"{"summary": "half of it"}"#, "no JSON"] {
        let line = format!("echo '{answer}' > \"$AUTOMATION_ANSWER_FILE\"; exit 75");
        let result = run(shell(&line), place.request(implement("greet"))).await;
        refused(result, ErrorClass::Transient, "it exited with code 75");
    }
}

#[tokio::test]
async fn a_missing_program_is_named() {
    let place = Place::new();
    for program in ["no-such-agent", "./no-such-agent"] {
        let mut options = shell("");
        options.command = CommandLine::Program(vec![program.to_owned(), "-p".to_owned()]);
        refused(
            run(options, place.request(implement("greet"))).await,
            ErrorClass::NotFound,
            &format!("agent program \"{program}\" was not found"),
        );
    }
    for command in [
        CommandLine::Program(Vec::new()),
        CommandLine::Program(vec![String::new()]),
        CommandLine::Shell(" ".to_owned()),
    ] {
        let mut options = shell("");
        options.command = command;
        let error = CommandAgent::new(options).unwrap_err();
        assert_eq!(error.to_string(), "the agent's command is empty");
    }
}

#[tokio::test]
async fn arguments_reach_a_program_as_they_are() {
    let place = Place::new();
    let mut options = shell("");
    let words = ["touch", "--", "a b", "$HOME", "-x"];
    options.command = CommandLine::Program(words.map(str::to_owned).to_vec());
    run(options, place.request(implement("greet")))
        .await
        .unwrap();
    for name in ["a b", "$HOME", "-x"] {
        assert!(place.folder().join(name).exists(), "{name}");
    }
}

/// A shell line that starts a child, which ignores SIGTERM, leaves its group
/// and writes its id to `pid`, and then does `rest`.
fn with_stubborn_child(rest: &str) -> String {
    let child = "trap '' TERM; cut -d' ' -f4 /proc/self/stat > pid.tmp; mv pid.tmp pid; while :; do sleep 1; done";
    format!(
        "trap '' TERM; setsid sh -c \"{child}\" & while [ ! -e pid ]; do sleep 0.01; done; {rest}"
    )
}

/// Whether any process of the request is left, by the mark it carries.
async fn wait_until_none_is_left(run: &str) {
    let begun = Instant::now();
    while !process::find_marked(process::RUN_MARK, run).is_empty() {
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "a process of the agent is left"
        );
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn at_its_limit_the_whole_tree_is_ended() {
    let place = Place::new();
    let mut options = shell(&with_stubborn_child("while :; do sleep 1; done"));
    options.grace = Duration::from_millis(50);
    let mut request = place.request(implement("greet"));
    request.run = core_types::RunId::new("run-timeout").unwrap();
    request.timeout = Duration::from_millis(1500);
    let result = run(options.clone(), request.clone()).await;
    refused(result, ErrorClass::Timeout, "it did not end within 1.5s");
    assert!(place.folder().join("pid").exists(), "the child had started");
    assert_eq!(
        process::find_marked(process::RUN_MARK, "run-timeout"),
        [],
        "nothing is left"
    );

    // The agent's own limit counts where it is shorter.
    options.timeout = Some(Duration::from_millis(100));
    refused(
        run(options, request).await,
        ErrorClass::Timeout,
        "it did not end within 100ms",
    );
}

#[tokio::test]
async fn a_child_that_outlives_the_agent_is_ended_and_not_waited_for() {
    let place = Place::new();
    let mut request = place.request(implement("greet"));
    request.run = core_types::RunId::new("run-outlive").unwrap();
    let begun = Instant::now();
    run(shell(&with_stubborn_child("exit 0")), request)
        .await
        .unwrap();
    assert!(
        begun.elapsed() < Duration::from_secs(20),
        "the open pipe is not waited for"
    );
    assert_eq!(process::find_marked(process::RUN_MARK, "run-outlive"), []);
}

#[tokio::test]
async fn a_cancelled_agent_is_ended_and_says_so() {
    let place = Place::new();
    let events = Arc::new(Remembered::default());
    let mut options = shell(&with_stubborn_child(
        "touch ready; while :; do sleep 1; done",
    ));
    options.events = Arc::clone(&events) as _;
    let agent = CommandAgent::new(options).unwrap();
    let mut request = place.request(implement("greet"));
    request.run = core_types::RunId::new("run-cancel").unwrap();
    let cancel = CancellationToken::new();
    let ready = place.folder().join("ready");
    let (result, ()) = tokio::join!(agent.run(request.clone(), &cancel), async {
        wait_for(&ready).await;
        cancel.cancel();
    });
    refused(result, ErrorClass::Cancelled, "it was cancelled");
    wait_until_none_is_left("run-cancel").await;
    assert!(matches!(
        events.events()[..],
        [Event::ProcessStarted { .. }, Event::ProcessEnded { .. }]
    ));
    // Cancelled before it begins, it never starts.
    std::fs::remove_file(&ready).unwrap();
    refused(
        agent.run(request, &cancel).await,
        ErrorClass::Cancelled,
        "it was cancelled",
    );
    assert_eq!(events.events().len(), 2);
}

#[tokio::test]
async fn a_dropped_request_leaves_no_process() {
    let place = Place::new();
    let events = Arc::new(Remembered::default());
    let mut options = shell(&with_stubborn_child(
        "touch ready; while :; do sleep 1; done",
    ));
    options.events = Arc::clone(&events) as _;
    let agent = CommandAgent::new(options).unwrap();
    let mut request = place.request(implement("greet"));
    request.run = core_types::RunId::new("run-drop").unwrap();
    let cancel = CancellationToken::new();
    let ready = place.folder().join("ready");
    tokio::select! {
        _ = agent.run(request, &cancel) => panic!("it never ends by itself"),
        () = wait_for(&ready) => {}
    }
    wait_until_none_is_left("run-drop").await;
    assert!(matches!(
        events.events()[..],
        [Event::ProcessStarted { .. }, Event::ProcessEnded { .. }]
    ));
}

async fn wait_for(path: &Path) {
    let begun = Instant::now();
    while !path.exists() {
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "{} never came",
            path.display()
        );
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn its_process_is_announced_before_it_runs() {
    let place = Place::new();
    let events = Arc::new(Remembered::default());
    let mut options = shell("true");
    options.events = Arc::clone(&events) as _;
    run(options.clone(), place.request(implement("greet")))
        .await
        .unwrap();
    let events = events.events();
    let [
        Event::ProcessStarted {
            pid,
            start_time,
            title,
        },
        Event::ProcessEnded { pid: ended },
    ] = &events[..]
    else {
        panic!("start and end, and nothing else: {events:?}")
    };
    assert_eq!(
        (pid, title.as_str()),
        (ended, "agent coder (implementation)")
    );
    assert!(*pid > 0 && *start_time > 0);

    // What cannot be announced does not run.
    options.events = Arc::new(Remembered::failing());
    options.command = CommandLine::Shell("touch ran".to_owned());
    refused(
        run(options, place.request(implement("greet"))).await,
        ErrorClass::ResourceExhausted,
        "could not record its process: failed to store events: the disk is full",
    );
    assert!(!place.folder().join("ran").exists());
}

#[tokio::test]
async fn two_hundred_megabytes_of_output_are_bounded() {
    let place = Place::new();
    let mut options =
        shell("head -c 100000000 /dev/zero; head -c 100000000 /dev/zero >&2; echo; echo end");
    options.transcript_bytes = 1 << 20;
    let result = run(options.clone(), place.request(implement("greet")))
        .await
        .unwrap();
    assert_eq!(
        result.answer,
        AgentAnswer::Work {
            summary: String::new()
        }
    );
    let transcript = std::fs::metadata(place.scratch().join("transcript.log")).unwrap();
    assert_eq!(transcript.len(), 1 << 20);

    options.command = CommandLine::Shell("yes | head -c 20000000; echo the end; exit 1".to_owned());
    refused(
        run(options, place.request(implement("greet"))).await,
        ErrorClass::Internal,
        "it exited with code 1, after saying: the end",
    );
    let peak = read(Path::new("/proc/self/status"));
    let peak = peak
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    let peak_kib: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    // The prompt of another test, where all share a process, is the largest thing.
    assert!(peak_kib < 200 << 10, "memory is bounded: {peak_kib} KiB");
}

#[tokio::test]
async fn a_scratch_folder_that_cannot_be_made_is_an_error() {
    let place = Place::new();
    place.put("file", "");
    let mut request = place.request(implement("greet"));
    request.scratch = place.folder().join("file").join("scratch");
    let error = run(shell("true"), request).await.unwrap_err();
    let line = error.to_line();
    assert!(
        line.contains("could not write the request in its scratch folder"),
        "{line}"
    );
    let mut request = place.request(implement("greet"));
    request.folder = place.folder().join("missing");
    let error = run(shell("true"), request).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::NotFound, "{}", error.to_line());
}

/// Allows what it is told, and prices a token as a dollar.
#[derive(Debug)]
struct UpTo(core_types::Usd);

#[async_trait::async_trait]
impl core_types::Meter for UpTo {
    fn price(&self, _: &str, usage: &TokenUsage) -> Option<core_types::Usd> {
        Some(core_types::Usd::from_pico(
            usage.total() * 1_000_000_000_000,
        ))
    }

    async fn allow(&self, so_far: core_types::Usd) -> Result<(), PortError> {
        match so_far > self.0 {
            true => Err(PortError::new(ErrorClass::BudgetExceeded, "set more aside")),
            false => Ok(()),
        }
    }
}

fn granted(place: &Place, amount: &str, up_to: &str) -> core_types::AgentRequest {
    let mut request = place.request(implement("greet"));
    request.grant = Some(core_types::Grant {
        amount: amount.parse().expect("an amount"),
        meter: Arc::new(UpTo(up_to.parse().expect("an amount"))),
    });
    request
}

#[tokio::test]
async fn it_is_ended_when_what_it_reports_passes_its_grant() {
    let place = Place::new();
    let line = r#"echo "$AUTOMATION_BUDGET_USD" > budget.txt
        grep -q '"budget_usd": "1.00"' "$AUTOMATION_REQUEST_FILE" || exit 9
        echo '{"cost": 0.75}' >> "$AUTOMATION_USAGE_FILE"
        echo '{"usage": {"output": 1}, "model": "m"}' >> "$AUTOMATION_USAGE_FILE"
        sleep 1000"#;
    let error = refused(
        run(shell(line), granted(&place, "1", "1.5")).await,
        ErrorClass::BudgetExceeded,
        "it reported 1.75 USD and was ended, since there is no more: failed to set more aside",
    );
    assert!(!error.is_of_child(), "it stops the run");
    let spent = error.spent().expect("it has reported");
    assert_eq!(spent.cost, Some("1.75".parse().unwrap()));
    assert_eq!((spent.usage.output, &*spent.model), (1, "m"));
    assert_eq!(place.text("budget.txt"), "1.00\n");

    // With more to be had it goes on, and without an answer the lines are what it has spent.
    let result = run(
        shell(r#"printf '{"cost": "0.75"}\n{"cost": 1}' >> "$AUTOMATION_USAGE_FILE""#),
        granted(&place, "1", "2"),
    );
    let result = result.await.unwrap();
    assert_eq!(result.cost, Some("1.75".parse().unwrap()));
}

#[tokio::test]
async fn a_failure_tells_what_it_has_spent() {
    let place = Place::new();
    let spent = async |line: &str| {
        let failed = run(shell(line), place.request(implement("greet"))).await;
        let failed = failed.expect_err("it fails");
        failed.spent().expect("the agent tells").clone()
    };
    let paid =
        r#"echo '{"cost": 0.3, "error": {"kind": "not_found"}}' > "$AUTOMATION_ANSWER_FILE""#;
    assert_eq!(spent(paid).await.cost, Some("0.3".parse().unwrap()));
    let bad = r#"echo '{"cost": 0.3, "sumary": ""}' > "$AUTOMATION_ANSWER_FILE""#;
    assert_eq!(spent(bad).await.cost, Some("0.3".parse().unwrap()));
    let crashed = r#"echo '{"cost": 0.3}' > "$AUTOMATION_ANSWER_FILE"; exit 1"#;
    assert_eq!(spent(crashed).await.cost, Some("0.3".parse().unwrap()));
    assert!(spent("exit 1").await.is_silent(), "nobody knows");
    let mut missing = shell("");
    missing.command = CommandLine::Program(vec!["no-such-program".to_owned()]);
    let failed = run(missing, place.request(implement("greet"))).await;
    let failed = failed.expect_err("there is no program");
    assert_eq!(failed.spent(), Some(&core_types::Spent::nothing()));
}
