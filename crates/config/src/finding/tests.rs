use super::{nearest::nearest, *};

/// The findings of a file called `f`, without its name.
pub(crate) fn shown(findings: &Findings) -> String {
    let lines = findings.iter().map(Finding::to_string);
    lines
        .map(|line| {
            line.strip_prefix("f:")
                .unwrap_or(&line)
                .trim_start()
                .to_owned()
        })
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn the_nearest_name_is_found() {
    #[track_caller]
    fn check(wrong: &str, expected: Option<&str>) {
        let known = [
            "max_workers",
            "agent_timeout",
            "test_timeout",
            "name",
            "repo",
        ];
        assert_eq!(nearest(wrong, known), expected, "{wrong}");
    }
    check("max_worker", Some("max_workers"));
    check("MaxWorkers", Some("max_workers"));
    check("tset_timeout", Some("test_timeout"));
    check("nmae", Some("name"));
    check("colour", None);
    check("", None);
    check(&"x".repeat(100_000), None);
}

#[test]
fn a_finding_is_shown_with_its_place_and_key() {
    let mark = Mark { line: 7, column: 5 };
    let message = format!("unknown key{}", did_you_mean("max_worker", ["max_workers"]));
    let finding = Finding::new("config/automation.yaml", mark, "limits.max_worker", message);
    assert_eq!(
        finding.to_string(),
        r#"config/automation.yaml:7:5: limits.max_worker: unknown key; did you mean "max_workers"?"#
    );
    let whole = Finding::new("a.yaml", Mark::default(), "", "is empty");
    assert_eq!(whole.to_string(), "a.yaml: is empty");
}

#[test]
fn text_of_a_file_is_made_harmless_in_messages() {
    assert_eq!(quote("a\u{1b}[31m\n"), r#""a\u{1b}[31m\n""#);
    assert_eq!(quote(&"é".repeat(100)), format!("\"{}\"…", "é".repeat(60)));
}

#[test]
fn a_flood_of_findings_is_cut_when_shown() {
    let findings = Findings::new(vec![Finding::new("a", Mark::default(), "", "wrong"); 250]);
    assert_eq!(findings.to_string().lines().count(), 101);
    assert!(findings.to_string().ends_with("and 150 more findings"));
}
