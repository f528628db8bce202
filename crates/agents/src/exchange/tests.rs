use std::os::unix::fs::{PermissionsExt, symlink};

use core_types::{ErrorClass, Severity, Timestamp, TokenUsage};

use super::{
    ANSWER_LIMIT_BYTES, Answer, AnswerError, Exchange, append_plain, replace_private, reported,
};

#[test]
fn an_answer_may_have_every_key_or_none() {
    let full = br##"{
        "summary": "did it",
        "plan": {"title": "t", "tasks": [{"id": "a", "anything": 1}]},
        "review": {
            "approved": true, "comments": "fine", "confidence": 0.5,
            "issues_found": [{"severity": "low", "message": "m"}]
        },
        "usage": {"input": 3, "output": 4},
        "cost": "0.01",
        "model": "m-1",
        "error": {"kind": "rate_limited", "message": "slow down", "until": 30}
    }"##;
    let answer = Answer::parse(full).unwrap();
    assert_eq!((&*answer.summary, &*answer.model), ("did it", "m-1"));
    assert_eq!(answer.plan.unwrap()["tasks"][0]["anything"], 1);
    let review = answer.review.unwrap();
    assert!(review.approved);
    assert_eq!(review.issues_found[0].severity, Severity::Low);
    let usage = TokenUsage {
        input: 3,
        output: 4,
        ..TokenUsage::default()
    };
    assert_eq!(answer.usage, usage);
    let error = answer.error.unwrap();
    assert_eq!(error.message, "slow down");
    let until = Some(Timestamp(31_000));
    assert_eq!(
        error.class(Timestamp(1_000)),
        ErrorClass::RateLimited { until }
    );
    assert_eq!(answer.cost.unwrap().to_string(), "0.01");
    for empty in ["", " \n", "{}"] {
        assert_eq!(Answer::parse(empty.as_bytes()).unwrap(), Answer::default());
    }
}

#[test]
fn a_cost_may_be_a_number() {
    for (cost, expected) in [
        ("0.9", "0.90"),
        ("1", "1.00"),
        ("1e-7", "0.0000001"),
        ("\"0.3\"", "0.30"),
        ("0.123456789012", "0.123456789012"),
    ] {
        let answer = Answer::parse(format!("{{\"cost\": {cost}}}").as_bytes());
        let found = answer.unwrap().cost.unwrap().to_string();
        assert_eq!(found, expected, "a number is its decimal text: {cost}");
    }
}

#[test]
fn what_a_bad_answer_says_of_money_is_read() {
    let spent = reported(br#"{"cost": 0.9, "usage": {"input": 3}, "model": 7, "sumary": ""}"#);
    assert_eq!(spent.cost.unwrap().to_string(), "0.90");
    assert_eq!(spent.usage.input, 3);
    assert_eq!(spent.model, "", "it could not be read");
    assert!(reported(b"I approve this.").is_silent());
}

#[test]
fn an_error_has_its_class_and_the_end_of_its_window() {
    let class = |error: &str| {
        let answer = format!("{{\"error\": {error}}}");
        let answer = Answer::parse(answer.as_bytes());
        let answer = answer.unwrap_or_else(|wrong| panic!("{error}: {wrong}"));
        answer.error.expect("it has one").class(Timestamp(1_000))
    };
    for name in ErrorClass::NAMES {
        let found = class(&format!("{{\"kind\": \"{name}\"}}"));
        assert_eq!(found.as_str(), *name);
    }
    for (until, millis) in [
        (r#""1970-01-01T01:00:00+00:00""#, 3_600_000),
        ("60", 61_000),
        ("0.5", 1_500),
        (r#"" 60 ""#, 61_000),
        ("1e15", 1_000_000_000_000_001_000),
        ("1e19", u64::MAX),
    ] {
        let found = class(&format!(
            r#"{{"kind": "quota_exhausted", "until": {until}}}"#
        ));
        let until = Some(Timestamp(millis));
        assert_eq!(found, ErrorClass::QuotaExhausted { until });
    }
    let open = class(r#"{"kind": "quota_exhausted", "until": null}"#);
    assert_eq!(open, ErrorClass::QuotaExhausted { until: None });
    let useless = class(r#"{"kind": "transient", "until": 60}"#);
    assert_eq!(useless, ErrorClass::Transient);
}

#[test]
fn a_bad_answer_is_refused_by_name() {
    let check = |text: &str, expected: &str| {
        let error = Answer::parse(text.as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), expected, "{text}");
    };
    let form = "the answer is not a JSON object of the expected form";
    check("I approve this.", form);
    check("[]", form);
    let value = |key: &str| format!("the answer's \"{key}\" is not of the expected form");
    check(r#"{"summary": 1}"#, &value("summary"));
    check(r#"{"cost": true}"#, &value("cost"));
    check(r#"{"cost": -0.01}"#, &value("cost"));
    check(r#"{"usage": 5}"#, &value("usage"));
    check(
        r#"{"review": {"comments": "no verdict"}}"#,
        &value("review"),
    );
    check(r#"{"summary": "a"} trailing"#, form);
    check(r#"{"error": {"message": "no kind"}}"#, &value("error"));
    check(
        r#"{"error": {"kind": "transient", "untill": 5}}"#,
        "the answer has the unknown key \"error.untill\"; the nearest known one is \"until\"",
    );
    check(
        r#"{"error": {"kind": "quota"}}"#,
        "the answer's \"error.kind\" is \"quota\"; known are: transient, rate_limited, quota_exhausted, conflict, test_failure, timeout, validation, unauthorized, not_found, budget_exceeded, resource_exhausted, cancelled, unknown_outcome, internal",
    );
    for until in ["-1", "\"soon\"", "true", "[]", "1e300"] {
        check(
            &format!(r#"{{"error": {{"kind": "transient", "until": {until}}}}}"#),
            "the answer's \"error.until\" is neither an RFC 3339 time nor a number of seconds",
        );
    }
    check(
        r#"{"sumary": "a"}"#,
        "the answer has the unknown key \"sumary\"; the nearest known one is \"summary\"",
    );
    check(
        r#"{"review": {"aproved": true, "confidence": 1}}"#,
        "the answer has the unknown key \"review.aproved\"; the nearest known one is \"approved\"",
    );
    check(
        r#"{"review": {"approved": true, "confidence": 1, "issues_found": [{"severty": "low", "message": "m"}]}}"#,
        "the answer has the unknown key \"review.issues_found.severty\"; the nearest known one is \"severity\"",
    );
    check(
        r#"{"usage": {"inputs": 1}}"#,
        "the answer has the unknown key \"usage.inputs\"; the nearest known one is \"input\"",
    );
    let no_tasks = "the answer's \"plan\" is not an object with a list \"tasks\"";
    check(r#"{"plan": []}"#, no_tasks);
    check(r#"{"plan": {"tasks": {}}}"#, no_tasks);
    check(
        r#"{"review": {"approved": true, "confidence": 1.5}}"#,
        "the answer's \"review.confidence\" is 1.5, expected 0 to 1",
    );
    let deep = format!("{{\"plan\": {}", "[".repeat(100_000));
    check(&deep, form);
}

#[test]
fn the_answer_file_is_read_only_if_it_is_a_small_plain_file() {
    let folder = tempfile::tempdir().unwrap();
    let scratch = folder.path().join("scratch");
    let files = Exchange::prepare(&scratch, &record()).unwrap();
    for file in [&files.request, &files.answer] {
        let mode = std::fs::metadata(file).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600);
    }
    assert_eq!(
        files.read_answer().unwrap().unwrap(),
        b"",
        "nothing was written"
    );

    let limit = usize::try_from(ANSWER_LIMIT_BYTES).unwrap();
    let set = |bytes: Vec<u8>| std::io::copy(&mut &*bytes, &mut file(&files)).unwrap();
    set(vec![b' '; limit]);
    assert_eq!(files.read_answer().unwrap().unwrap().len(), limit);
    set(vec![b' '; limit + 1]);
    assert!(matches!(
        files.read_answer().unwrap(),
        Err(AnswerError::TooLarge { .. })
    ));

    std::fs::remove_file(&files.answer).unwrap();
    assert_eq!(files.read_answer().unwrap().unwrap(), b"", "it was removed");
    symlink("/etc/passwd", &files.answer).unwrap();
    assert!(matches!(
        files.read_answer().unwrap(),
        Err(AnswerError::NotAFile)
    ));
    std::fs::remove_file(&files.answer).unwrap();
    std::fs::create_dir(&files.answer).unwrap();
    assert!(matches!(
        files.read_answer().unwrap(),
        Err(AnswerError::NotAFile)
    ));
    std::fs::remove_dir(&files.answer).unwrap();

    set(b"{\"summary\": \"old\"}".to_vec());
    let again = Exchange::prepare(&scratch, &record()).unwrap();
    assert_eq!(
        again.read_answer().unwrap().unwrap(),
        b"",
        "an old answer is none to a new request"
    );
}

fn file(files: &Exchange) -> std::fs::File {
    std::fs::File::create(&files.answer).expect("the scratch folder is writable")
}

fn record() -> super::RequestRecord {
    super::RequestRecord {
        v: 1,
        run: "run-1".to_owned(),
        stage: "implementation",
        attempt: 1,
        model: None,
        model_tier: None,
        budget_usd: None,
        issue: super::request::IssueRecord {
            number: 0,
            title: String::new(),
            body: String::new(),
            labels: Vec::new(),
        },
        task: None,
        dependencies: None,
        repositories: None,
        findings: None,
        head: None,
        diff: None,
        tests_passed: None,
        ours: None,
        theirs: None,
        conflicts: None,
        test_command: None,
        failures: None,
        output: None,
        round: None,
        context: std::collections::BTreeMap::new(),
        advice: Vec::new(),
    }
}

/// The agent works in that folder: a link leads nowhere, and no pipe is waited for.
#[test]
fn what_an_agent_puts_there_is_not_written_through() {
    let place = tempfile::tempdir().expect("a folder");
    let (elsewhere, path) = (place.path().join("elsewhere"), place.path().join("log"));
    replace_private(&elsewhere, b"his").expect("a new file");
    std::os::unix::fs::symlink(&elsewhere, &path).expect("a link");
    append_plain(&path, "ours").expect_err("a link is not followed");
    replace_private(&path, b"ours").expect("the link is replaced");
    let text = |path| std::fs::read_to_string(path).expect("readable");
    assert_eq!(
        (text(&elsewhere), text(&path)),
        ("his".into(), "ours".into())
    );
    append_plain(&path, ", more").expect("a file");
    assert_eq!(text(&path), "ours, more");
    std::fs::remove_file(&path).expect("ours");
    let pipe = |path| {
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        let made = rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, mode, 0);
        made.expect("a pipe");
    };
    pipe(&path);
    append_plain(&path, "ours").expect_err("nobody reads it");
    replace_private(&path, b"ours").expect("the pipe is replaced");
    assert_eq!(text(&path), "ours");
}
