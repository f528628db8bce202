use super::{Playbook, WorkPath};

fn step(json: &str) -> Result<Playbook, serde_json::Error> {
    serde_json::from_str(&format!(r#"{{"tasks": {{"a": {{"steps": [{json}]}}}}}}"#))
}

#[test]
fn a_playbook_that_cannot_be_played_is_refused_when_it_is_read() {
    let check = |json: &str, expected: &str| {
        let error = step(json).unwrap_err().to_string();
        assert!(error.contains(expected), "{json}: {error}");
    };
    check("{}", "a step has 0 actions");
    check(r#"{"fail": "a", "sleep": "1s"}"#, "a step has 2 actions");
    check(
        r#"{"wirte": {"path": "a", "text": ""}}"#,
        "unknown field `wirte`",
    );
    check(
        r#"{"write": {"path": "a", "txt": ""}}"#,
        "unknown field `txt`",
    );
    check(
        r#"{"replace": {"path": "a", "from": "", "to": "b"}}"#,
        "to be replaced in \"a\" is empty",
    );
    check(
        r#"{"fail": "a", "class": "odd"}"#,
        "\"odd\" is not an error class",
    );
    check(r#"{"delete": "a", "class": "transient"}"#, "of a fail");
    for text in [
        "",
        "1",
        "s",
        "1h",
        "-1s",
        "1.5s",
        "99999999999999999999s",
        "18446744073709551615m",
    ] {
        check(&format!(r#"{{"sleep": "{text}"}}"#), "is not a duration");
    }
    let unknown: Result<Playbook, _> = serde_json::from_str(r#"{"task": {}}"#);
    assert!(
        unknown
            .unwrap_err()
            .to_string()
            .contains("unknown field `task`")
    );
}

#[test]
fn paths_stay_below_the_folder() {
    for path in ["a", "a/b.txt", ".github/x", "a..b", "ü"] {
        assert_eq!(WorkPath::new(path).unwrap().as_str(), path);
    }
    for path in [
        "",
        "/",
        "/etc/passwd",
        "..",
        "../a",
        "a/../b",
        "a/..",
        "./a",
        "a//b",
        "a/",
        "a\0b",
        "a\nb",
    ] {
        let error = WorkPath::new(path).unwrap_err().to_string();
        assert!(
            error.contains("is not a relative path"),
            "{path:?}: {error}"
        );
    }
    assert!(
        step(r#"{"delete": "../a"}"#).is_err(),
        "the check is part of reading"
    );
}
