use std::{collections::BTreeMap, time::Instant};

use proptest::prelude::*;
use serde::Deserialize;

use super::*;
use crate::{
    finding::{Report, tests::shown},
    parse_typed,
};

/// The findings of a text that is wrong, one a line, without the file's name.
fn findings(text: &str) -> String {
    let mut report = Report::new("f");
    let node = parse(text, Some(&|_| None), &mut report);
    let findings = report.finish(node).expect_err("the text must be refused");
    shown(&findings)
}

fn typed<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, String> {
    let env = |name: &str| {
        let value = match name {
            "NUMBER" => "12",
            "TRUTH" => "true",
            "EVIL" => "x\nrepository: evil # {",
            _ => return None,
        };
        Some(value.to_owned())
    };
    parse_typed("f", text, &env).map_err(|findings| shown(&findings))
}

#[test]
fn refused_with_the_place() {
    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(findings(text), expected, "{text:?}");
    }
    check(
        "a: 1\nb:\n\tc: 2\n",
        "3:1: a tab in the indentation; YAML wants spaces",
    );
    check(
        "a: 1\n\tb: 2\n",
        "2:1: a tab in the indentation; YAML wants spaces",
    );
    check(
        "a:\n  - x\n \t- y\n",
        "3:2: a tab in the indentation; YAML wants spaces",
    );
    check("a:\tb\n", "1:4: a tab; YAML wants spaces here");
    check(
        "a: 1\nb: x: y\n",
        "2:5: is not valid YAML: mapping values are not allowed in this context",
    );
    check(
        "a: 1\nb: 2\na: 3\n",
        r#"3:1: a: the key "a" stands twice in this mapping"#,
    );
    check(
        "l:\n  - {x: 1, x: 2}\n",
        r#"2:12: l[0].x: the key "x" stands twice in this mapping"#,
    );
    check(
        "a: &x 1\nb: *x\n",
        "1:4: a: anchors (&name) are not supported; write the value out\n2:4: b: aliases (*name) are not supported; write the value out",
    );
    check(
        "a: {<<: {b: 1}}\n",
        "1:5: a: merge keys (<<) are not supported; write the keys out",
    );
    check(
        "a: !!str 1\n",
        "1:4: a: tags (!name) are not supported; quote a text instead",
    );
    check("? [a]\n: 1\n", "1:3: a key must be a text");
    check(
        "a: 1\n---\nb: 2\n",
        "2:1: a second document; only one is read, remove the line `---`",
    );
    check(
        "a: \u{1}\n",
        "1:4: control character U+0001; write it as an escape in double quotes",
    );
    check(
        "a: b\0c\n",
        "1:5: control character U+0000; write it as an escape in double quotes",
    );
    check(
        "a: ${X}\nb: [1, \"${Y}\"]\n",
        "1:4: a: the variable X is not set\n2:8: b[1]: the variable Y is not set",
    );
    for empty in ["", "\n", "# only a comment\n", "---\n", "~", "\u{feff}"] {
        assert_eq!(findings(empty), "is empty", "{empty:?}");
    }
}

#[test]
fn several_structural_findings_come_together() {
    assert_eq!(
        findings("a: &x 1\na: 2\nb: ${NOT_SET}\n").lines().count(),
        3
    );
}

#[test]
fn hostile_texts_are_answered_at_once() {
    let deep_block: String = (0..400)
        .map(|depth| format!("{}a:\n", " ".repeat(depth)))
        .collect();
    let mut bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n".to_owned();
    bomb.extend((1..9).map(|n| {
        format!(
            "a{n}: &a{n} [{}]\n",
            vec![format!("*a{}", n - 1); 9].join(",")
        )
    }));
    let fill = |pattern: &str| pattern.repeat(200 * 1024 / pattern.len());
    let mut texts = vec![deep_block, bomb];
    texts.extend(
        [
            "{a: ",
            "? [",
            "[",
            "{",
            "? ",
            "- ",
            "&a ",
            "*a ",
            "!a ",
            "a: ",
            "{? ",
            "[{",
            "'",
            "\"",
            "a\n: ",
            "[a,",
            "|\n",
            "%a\n",
            "{}]",
            "{a: # }\n",
            "- - - ",
            "?\n",
        ]
        .map(fill),
    );
    for text in texts {
        let start = Instant::now();
        let mut report = Report::new("f");
        let node = parse(&text, Some(&|_| None), &mut report);
        let elapsed = start.elapsed();
        let start_of_text: String = text.chars().take(20).collect();
        // Half a second would be a tenth of what the worst of these cost a parser without a guard, in an optimized build.
        assert!(
            elapsed.as_millis() < 500,
            "{start_of_text:?} took {elapsed:?}"
        );
        assert!(
            node.is_some() || !report.is_empty(),
            "no value and no reason: {start_of_text:?}"
        );
    }
    assert_eq!(
        findings(&fill("{a: ")),
        "1:257: more than 64 brackets are open here"
    );
    assert_eq!(
        findings(&fill("[] ")),
        "1:30001: more than 10000 of the characters [ { ? in one file"
    );
    assert_eq!(
        findings(&"- ".repeat(65)),
        "1:129: nested more than 64 levels deep"
    );
    assert_eq!(
        findings(&"x".repeat(300_000)),
        "is 300000 bytes long; at most 262144 are read"
    );
}

#[test]
fn bytes_become_text() {
    assert_eq!(
        text_of("f", b"\xef\xbb\xbfa: 1").expect("a byte order mark is no harm"),
        "a: 1"
    );
    let check = |bytes: &[u8], expected: &str| {
        assert_eq!(
            text_of("f", bytes).expect_err("no UTF-8").to_string(),
            expected
        );
    };
    check(b"a: 1\nb: \xff\n", "f:2:4: is not UTF-8 text from here on");
    check(
        b"\xff\xfea\0:\0",
        "f:1:1: is UTF-16; save the file as UTF-8",
    );
    check(
        &vec![b'a'; 300_000],
        "f: is 300000 bytes long; at most 262144 are read",
    );
}

#[test]
fn line_ends_of_all_systems() {
    let expected = BTreeMap::from([
        ("a".to_owned(), "x\ny\n".to_owned()),
        ("b".to_owned(), "z".to_owned()),
    ]);
    for text in [
        "a: |\n  x\n  y\nb: z\n",
        "a: |\r\n  x\r\n  y\r\nb: z\r\n",
        "\u{feff}a: |\n  x\n  y\nb: z",
    ] {
        assert_eq!(
            typed::<BTreeMap<String, String>>(text).as_ref(),
            Ok(&expected),
            "{text:?}"
        );
    }
    assert_eq!(
        findings("a: 1\r\nb: 2\r\na: 3\r\n"),
        r#"3:1: a: the key "a" stands twice in this mapping"#
    );
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Sample {
    text: String,
    number: u8,
    signed: i64,
    float: f64,
    truth: bool,
    list: Vec<String>,
    inner: Option<Box<Self>>,
    action: Option<Action>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Action {
    Stop,
    Print(String),
    Write {
        path: String,
        #[serde(default)]
        text: String,
    },
}

#[test]
fn other_files_are_read_into_types() {
    #[track_caller]
    fn check(text: &str, expected: Sample) {
        assert_eq!(typed::<Sample>(text), Ok(expected));
    }
    check(
        "text: hi\nnumber: 0x1F\nsigned: -3\nfloat: 1.5e3\ntruth: True\nlist: [a, '1']\n",
        Sample {
            text: "hi".to_owned(),
            number: 31,
            signed: -3,
            float: 1500.0,
            truth: true,
            list: vec!["a".to_owned(), "1".to_owned()],
            ..Sample::default()
        },
    );
    check(
        "inner: {number: 1, inner: }\naction: stop",
        Sample {
            inner: Some(Box::new(Sample {
                number: 1,
                ..Sample::default()
            })),
            action: Some(Action::Stop),
            ..Sample::default()
        },
    );
    check(
        "action: {write: {path: p}}",
        Sample {
            action: Some(Action::Write {
                path: "p".to_owned(),
                text: String::new(),
            }),
            ..Sample::default()
        },
    );
    check(
        "action: {print: yes}",
        Sample {
            action: Some(Action::Print("yes".to_owned())),
            ..Sample::default()
        },
    );
    check(
        "{number: 1, float: 2, list: []}",
        Sample {
            number: 1,
            float: 2.0,
            ..Sample::default()
        },
    );
}

#[test]
fn what_does_not_fit_a_type_is_located() {
    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(typed::<Sample>(text), Err(expected.to_owned()));
    }
    check(
        "text: 12",
        "1:7: text: expected a string, found integer `12`",
    );
    check(
        "number: twelve",
        r#"1:9: number: expected u8, found string "twelve""#,
    );
    check(
        "number: 300",
        "1:9: number: invalid value: integer `300`, expected u8",
    );
    check(
        "inner:\n  inner:\n    nubmer: 1",
        r#"3:5: inner.inner.nubmer: unknown key; did you mean "number"?"#,
    );
    check(
        "list:\n  - a\n  - [b]",
        "3:5: list[1]: expected a string, found sequence",
    );
    check(
        "action: {write: {paht: x}}",
        r#"1:18: action.write.paht: unknown key; did you mean "path"?"#,
    );
    check(
        "action: {write: {text: x}}",
        "1:17: action.write: the key path is missing",
    );
    check(
        "action: {go: }",
        r#"1:10: action: unknown value "go"; known: stop, print, write"#,
    );
    check(
        "action: [stop]",
        "1:9: action: expected one of stop, print, write (Action), found a list",
    );
    check("[1]", "1:2: [0]: expected a string, found integer `1`");
}

#[test]
fn a_variable_is_a_value_and_never_a_piece_of_text() {
    assert_eq!(
        typed::<BTreeMap<String, String>>("a: ${EVIL}").map(|map| map["a"].clone()),
        Ok("x\nrepository: evil # {".to_owned())
    );
    let kept =
        typed::<Vec<String>>("- '${EVIL}'\n- \"x${EVIL}\"\n- ${EVIL} y\n- $EVIL\n- ${}\n- ${A B}");
    assert_eq!(
        kept,
        Ok(
            ["${EVIL}", "x${EVIL}", "${EVIL} y", "$EVIL", "${}", "${A B}"]
                .map(String::from)
                .to_vec()
        )
    );
    assert_eq!(
        typed::<BTreeMap<String, u8>>("${NUMBER}: 1").map(|map| map.into_keys().collect()),
        Ok(vec!["${NUMBER}".to_owned()])
    );
    let sample = typed::<Sample>("text: \"${NUMBER}\"\nnumber: ${NUMBER}\ntruth: ${TRUTH}");
    assert_eq!(
        sample,
        Ok(Sample {
            text: "12".to_owned(),
            number: 12,
            truth: true,
            ..Sample::default()
        })
    );
    assert_eq!(
        typed::<Sample>("number: ${TRUTH}"),
        Err("1:9: number: the value of the variable does not fit here".to_owned())
    );
}

#[test]
fn plain_scalars_are_what_yaml_1_2_says() {
    #[track_caller]
    fn check(text: &str, expected: Resolved) {
        assert_eq!(resolve(text), expected, "{text}");
    }
    for text in [
        "yes",
        "no",
        "on",
        "off",
        "inf",
        "nan",
        "infinity",
        "1_000",
        "0x",
        "0x-1",
        "-",
        "+",
        ".",
        "1.2.3",
        "2024-01-01",
        "1h",
        "e5",
        "--1",
    ] {
        check(text, Resolved::Text);
    }
    check("012", Resolved::Integer(12));
    check("+7", Resolved::Integer(7));
    check("0o17", Resolved::Integer(15));
    check("1e3", Resolved::Float(1000.0));
    check(".5", Resolved::Float(0.5));
    check("-.inf", Resolved::Float(f64::NEG_INFINITY));
    check("NULL", Resolved::Nothing);
}

/// Texts that trouble YAML: indicators, spaces at ends, line breaks of all kinds, things that look like other types.
pub(crate) fn troubling_text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ \\-\\[\\]{}?:,#&*!|>'\"%@`~a$\n\t]{0,24}",
        "[0-9a-fox.+\\-_e:~]{0,8}",
        "[a-z {}$\n]{0,60}",
        any::<String>(),
        proptest::sample::select(vec![
            "true",
            "null",
            "~",
            "<<",
            "---",
            "...",
            "=",
            "yes",
            "${HOME}",
            "a\u{85}b",
            "\u{2028}\n",
            "\u{feff}"
        ])
        .prop_map(str::to_owned),
    ]
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in troubling_text(), other in "[ \\-\\[\\]{}?:,#&*!|>'\"a\n]{0,80}") {
        for text in [&text, &other] {
            let mut report = Report::new("f");
            let node = parse(text, Some(&|_| None), &mut report);
            prop_assert!(node.is_some() || !report.is_empty(), "no value and no reason");
        }
    }

    #[test]
    fn a_written_scalar_reads_back(text in troubling_text()) {
        let written = format!("a: {}\n", scalar(&text));
        prop_assert_eq!(written.lines().count(), 1, "{}", written);
        let read: BTreeMap<String, String> = typed(&written).map_err(|error| TestCaseError::fail(format!("{written}{error}")))?;
        prop_assert_eq!(&read["a"], &text);
        // Other programs read our files with other parsers.
        let theirs: BTreeMap<String, String> = serde_yaml::from_str(&written).map_err(|error| TestCaseError::fail(format!("{written}{error}")))?;
        prop_assert_eq!(theirs, read);
    }

    #[test]
    fn a_written_block_reads_back(text in troubling_text(), lines in "[a ]{0,3}\n[a \n]{0,8}") {
        for text in [text, lines] {
            let written = format!("- a: {}\n  b: ''\n", block("    ", &text));
            let read: Vec<BTreeMap<String, String>> = typed(&written).map_err(|error| TestCaseError::fail(format!("{written}{error}")))?;
            prop_assert_eq!(&read[0]["a"], &text, "{}", written);
            let theirs: Vec<BTreeMap<String, String>> = serde_yaml::from_str(&written).map_err(|error| TestCaseError::fail(format!("{written}{error}")))?;
            prop_assert_eq!(theirs, read);
        }
    }

    #[test]
    fn a_comment_stays_one(text in any::<String>()) {
        for line in comment("  ", &text).lines() {
            prop_assert!(line.starts_with("  # "));
        }
    }
}
