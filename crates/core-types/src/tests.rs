use std::sync::Arc;

use crate::*;

#[test]
fn ids_refuse_what_could_hurt_a_path_an_option_or_a_ref() {
    let too_long = "x".repeat(65);
    let bad = [
        "", ".", "..", "-x", ".x", "a/b", "a..b", "a.", "a.lock", "a b", "a\n", "ä", &too_long,
    ];
    for value in bad {
        assert!(TaskId::new(value).is_err(), "{value:?} must be refused");
    }
    for value in ["a", "Task-1", "a.b_c", "0", &"x".repeat(64)] {
        assert_eq!(TaskId::new(value).unwrap().as_str(), value);
    }
}

#[test]
fn branches_follow_git_and_never_look_like_options() {
    let bad = [
        "",
        "-x",
        "a..b",
        "a b",
        "a~1",
        "a^",
        "a:b",
        "a?",
        "a*",
        "a[",
        "a\\b",
        "a//b",
        "/a",
        "a/",
        "a.",
        "a/.b",
        "a.lock",
        "a.lock/b",
        "a@{1}",
        "@",
        "HEAD",
        "refs/heads/a",
        "a\u{7}",
        "a/-b",
    ];
    for value in bad {
        assert!(BranchName::new(value).is_err(), "{value:?} must be refused");
    }
    for value in ["main", "feature/x-1", "automation/run-1/change", "ümlaut"] {
        assert!(BranchName::new(value).is_ok(), "{value:?} must be accepted");
    }
}

#[test]
fn object_ids_are_full_lower_case_hex() {
    assert!(CommitId::new("a".repeat(40)).is_ok());
    assert!(CommitId::new("a".repeat(64)).is_ok());
    for value in [
        "a".repeat(39),
        "A".repeat(40),
        "g".repeat(40),
        "--exec=x".to_owned(),
    ] {
        assert!(CommitId::new(&value).is_err(), "{value:?} must be refused");
    }
}

#[test]
fn refused_names_read_well_and_do_not_deserialize() {
    let error = RepositoryName::new("../etc").unwrap_err();
    let expected = "repository name \"../etc\" is not valid: expected only letters a-z, digits, '.', '_' and '-'";
    assert_eq!(error.to_string(), expected);
    assert!(serde_json::from_str::<RepositoryName>("\"../etc\"").is_err());
}

#[test]
fn an_operation_id_exists_for_the_longest_names() {
    let long = "x".repeat(64);
    let key = StepKey {
        scope: Scope::Task(TaskId::new(&long).unwrap()),
        attempt: u32::MAX,
        name: StepName::new(&long).unwrap(),
    };
    assert!(key.operation(&RunId::new(&long).unwrap()).as_str().len() <= 256);
}

#[test]
fn dollars_survive_text_and_refuse_nonsense() {
    for (text, shown) in [
        ("1.25", "1.25"),
        ("0", "0.00"),
        ("0.000000000001", "0.000000000001"),
        ("18446744.07", "18446744.07"),
    ] {
        let amount: Usd = text.parse().unwrap();
        assert_eq!(amount.to_string(), shown);
        assert_eq!(
            serde_json::from_str::<Usd>(&serde_json::to_string(&amount).unwrap()).unwrap(),
            amount
        );
    }
    for text in [
        "",
        "-1",
        "NaN",
        "1.",
        ".5",
        "1e3",
        "1.0000000000001",
        "18446745",
        "1,5",
        "+1",
    ] {
        assert!(text.parse::<Usd>().is_err(), "{text:?} must be refused");
    }
}

#[test]
fn a_json_number_is_its_decimal_text() {
    let read = |text: &str| serde_json::from_str::<Usd>(text);
    for (text, shown) in [
        ("0.9", "0.90"),
        ("\"0.9\"", "0.90"),
        ("5", "5.00"),
        ("1e-12", "0.000000000001"),
        ("123.456789012345", "123.456789012345"),
        ("1e7", "10000000.00"),
    ] {
        let found = read(text).map(|amount| amount.to_string());
        assert_eq!(found.ok().as_deref(), Some(shown), "{text}");
    }
    for text in [
        "-1",
        "-0.5",
        "1e300",
        "0.0000000000001",
        "1234.567890123456",
        "true",
        "null",
    ] {
        assert!(read(text).is_err(), "{text} must be refused");
    }
}

#[test]
fn times_are_shown_in_utc() {
    for (millis, shown) in [
        (0, "1970-01-01T00:00:00Z"),
        (951_782_400_000, "2000-02-29T00:00:00Z"),
        (1_795_421_696_123, "2026-11-23T08:14:56Z"),
        (4_102_444_799_999, "2099-12-31T23:59:59Z"),
    ] {
        assert_eq!(Timestamp(millis).to_string(), shown);
    }
}

#[test]
fn times_are_read_as_rfc_3339() {
    for (text, millis) in [
        ("1970-01-01T00:00:00Z", Some(0)),
        ("2000-02-29t00:00:00z", Some(951_782_400_000)),
        ("2026-11-23T08:14:56.1234Z", Some(1_795_421_696_123)),
        ("2026-11-23 09:44:56+01:30", Some(1_795_421_696_000)),
        ("2026-11-22T23:14:56-09:00", Some(1_795_421_696_000)),
        ("2099-12-31T23:59:60Z", Some(4_102_444_800_000)),
        ("1969-12-31T23:59:59Z", None),
        ("2026-02-29T00:00:00Z", None),
        ("2026-11-23T24:00:00Z", None),
        ("2026-11-23T08:14:56", None),
        ("2026-11-23T08:14:56.Z", None),
        ("2026-11-23T08:14:56+1:00", None),
        ("2026-11-23T08:14:56Zulu", None),
        ("2026-11-23", None),
        ("tomorrow", None),
        ("２026-11-23T08:14:56Z", None),
        ("", None),
    ] {
        assert_eq!(Timestamp::parse(text), millis.map(Timestamp), "{text:?}");
    }
    for days in 0..60_000 {
        let time = Timestamp(days * 86_400_000 + 3_599_000);
        assert_eq!(Timestamp::parse(&time.to_string()), Some(time));
    }
}

#[test]
fn a_class_is_found_by_its_name() {
    for name in ErrorClass::NAMES {
        let until = Some(Timestamp(5));
        let class = ErrorClass::from_name(name, until).expect("a known name");
        assert_eq!(class.as_str(), *name);
        let (ErrorClass::RateLimited { until: kept } | ErrorClass::QuotaExhausted { until: kept }) =
            class
        else {
            continue;
        };
        assert_eq!(kept, until);
    }
    assert_eq!(ErrorClass::from_name("Transient", None), None);
}

#[test]
fn an_exit_means_what_its_program_means_by_it() {
    use ErrorClass as C;
    use ExitCodes as E;
    for (exit, codes, class) in [
        (Exit::Code(1), E::Sysexits, C::Internal),
        (Exit::Code(75), E::Sysexits, C::Transient),
        (Exit::Code(75), E::Tests, C::Transient),
        (Exit::Code(75), E::Other, C::Internal),
        (Exit::Code(77), E::Sysexits, C::Unauthorized),
        (Exit::Code(77), E::Tests, C::TestFailure),
        (Exit::Code(124), E::Tests, C::Timeout),
        (Exit::Code(127), E::Sysexits, C::NotFound),
        (Exit::Code(137), E::Sysexits, C::ResourceExhausted),
        (Exit::Code(137), E::Tests, C::ResourceExhausted),
        (Exit::Signal(9), E::Tests, C::ResourceExhausted),
        (Exit::Signal(11), E::Sysexits, C::ResourceExhausted),
        (Exit::Signal(15), E::Sysexits, C::Cancelled),
        // A failed assertion, and a fault of the code under test.
        (Exit::Signal(6), E::Tests, C::TestFailure),
        (Exit::Code(139), E::Tests, C::TestFailure),
        (Exit::Code(255), E::Tests, C::TestFailure),
        (Exit::TimedOut, E::Tests, C::Timeout),
    ] {
        assert_eq!(exit.class(codes), class, "{exit} of {codes:?}");
    }
    assert_eq!(E::from(CommandPurpose::Test), E::Tests);
    assert_eq!(E::from(CommandPurpose::Setup), E::Sysexits);
}

#[test]
fn an_event_of_a_newer_version_survives_reading_and_writing() {
    let stored = r#"{"v":1,"at":5,"event":{"type":"from_the_future","x":[1,2]}}"#;
    let record: EventRecord = serde_json::from_str(stored).unwrap();
    assert!(matches!(record.event, Event::Unknown(_)));
    assert_eq!(serde_json::to_string(&record).unwrap(), stored);
}

#[test]
fn a_port_error_tells_its_whole_story_in_one_line() {
    let cause = std::io::Error::other("disk on fire");
    let error = PortError::new(ErrorClass::Internal, "fetch the branch").because(cause);
    assert_eq!(error.to_line(), "failed to fetch the branch: disk on fire");
}

/// Ports are passed as `Arc<dyn Port>` across threads; this fails to compile otherwise.
#[test]
fn ports_are_object_safe_and_shareable() {
    fn shareable<T: Send + Sync + ?Sized>() {}
    shareable::<Arc<dyn Agent>>();
    shareable::<Arc<dyn CheckpointStore>>();
    shareable::<Arc<dyn Clock>>();
    shareable::<Arc<dyn CommandRunner>>();
    shareable::<Arc<dyn EventSink>>();
    shareable::<Arc<dyn GitProvider>>();
    shareable::<Arc<dyn Inbox>>();
    shareable::<Arc<dyn Ledger>>();
    shareable::<Arc<dyn PromptAdvisor>>();
    shareable::<Arc<dyn Recovery>>();
    shareable::<Arc<dyn Repository>>();
    shareable::<Arc<dyn StepLog>>();
    shareable::<Box<dyn Workspace>>();
}

#[test]
fn a_failure_keeps_the_end_of_the_output_and_a_bounded_message() {
    let output = format!("{}the end", "ü".repeat(10_000));
    let error = PortError::new(ErrorClass::Internal, "run an agent")
        .because("é".repeat(5_000))
        .with_detail(output);
    let failure = Failure::from(&error);
    assert!(failure.detail.ends_with("the end"));
    assert!((4_000..=4_096).contains(&failure.detail.len()));
    assert!(failure.message.starts_with("failed to run an agent: éé"));
    assert!(failure.message.len() < 1_100, "messages are short");
}

#[test]
fn money_is_shown_with_as_many_decimals_as_asked() {
    let amount: crate::Usd = "1.2355".parse().unwrap();
    assert_eq!(format!("{amount}"), "1.2355");
    assert_eq!(format!("{amount:.2}"), "1.24");
    assert_eq!(format!("{amount:.0}"), "1");
    assert_eq!(format!("{amount:.3}"), "1.236");
    assert_eq!(
        format!("{:.2}", crate::Usd::from_pico(999_999_999_999)),
        "1.00"
    );
}
