use serde_json::Value;

use super::*;
use crate::{finding::Report, yaml::parse};

/// Every key of a table with its path, `[]` for the items of a list.
fn walk(keys: &'static [Key], path: &str, visit: &mut dyn FnMut(&str, &'static Key)) {
    for key in keys {
        let path = format!("{path}{}", key.name);
        visit(&path, key);
        match &key.shape {
            Shape::Section(keys) => walk(keys, &format!("{path}."), visit),
            Shape::Sections(keys) => walk(keys, &format!("{path}[]."), visit),
            _ => {}
        }
    }
}

#[test]
fn each_default_stands_in_one_place_and_is_sound() {
    let mut document = default_document().clone();
    let mut report = Report::new("defaults");
    check(Kind::Automation, &mut document, &mut report);
    assert_eq!(
        report.into_findings().to_string(),
        "",
        "the embedded defaults pass the check"
    );
    assert_eq!(
        &document,
        default_document(),
        "the embedded file has every default that the table refers to"
    );

    for kind in Kind::ALL {
        walk(kind.keys(), "", &mut |path, key| {
            let at = path
                .split('.')
                .try_fold(default_document(), |node, name| node.get(name));
            let in_file = kind == Kind::Automation && at.is_some();
            assert_eq!(
                in_file,
                key.absent == Absent::Default,
                "{path}: the file has it exactly if the table says so"
            );
        });
    }
}

#[test]
fn every_key_has_a_line_that_ends_as_a_sentence() {
    for kind in Kind::ALL {
        walk(kind.keys(), "", &mut |path, key| {
            assert!(
                key.doc.ends_with('.') && !key.doc.contains(['\n', '|']),
                "{path}: {}",
                key.doc
            );
            assert!(!key.doc.contains("  "), "{path}");
        });
    }
}

#[test]
fn the_reference_page_has_every_key_and_default() {
    let page = reference_markdown();
    for kind in Kind::ALL {
        assert!(page.contains(&format!("## {}", kind.title())));
        walk(kind.keys(), "", &mut |path, key| {
            assert!(page.contains(&format!("| `{}` |", key.name)), "{path}");
            assert!(page.contains(key.doc), "{path}");
        });
    }
    assert!(
        page.contains("| `max_age` | a duration such as 500ms, 30s, 5m or 2h, or never | `90d` |"),
        "{page}"
    );
    assert!(page.contains("### `repositories[].automation`"));
}

#[test]
fn the_json_schema_has_every_key() {
    for kind in Kind::ALL {
        let schema = json_schema(kind);
        walk(kind.keys(), "", &mut |path, key| {
            let mut at = &schema;
            for name in path.split('.') {
                at = &at["properties"][name.trim_end_matches("[]")];
                at = if name.ends_with("[]") {
                    &at["items"]
                } else {
                    at
                };
            }
            assert_eq!(
                at["description"],
                Value::from(key.doc),
                "{} {path}",
                kind.title()
            );
        });
    }
    let schema = json_schema(Kind::Automation);
    assert_eq!(schema["additionalProperties"], Value::from(false));
    let limits = &schema["properties"]["limits"]["properties"];
    assert_eq!(limits["max_executions"]["default"], Value::from(5));
    assert_eq!(
        schema["properties"]["agents"]["items"]["required"],
        serde_json::json!(["name", "kind"])
    );
}

#[test]
fn ids() {
    #[track_caller]
    fn check(id: &str, valid: bool) {
        let text = format!("tasks: [{{id: {id:?}, title: t}}]");
        let mut report = Report::new("f");
        let mut document = parse(&text, None, &mut report).expect("sound YAML");
        super::check(Kind::Plan, &mut document, &mut report);
        assert_eq!(report.is_empty(), valid, "{id:?}");
    }
    for id in ["a", "A-1_b.c", "1", "_x", &"x".repeat(64)] {
        check(id, true);
    }
    for id in [
        "",
        ".a",
        "-a",
        "a..b",
        "a.",
        "a.lock",
        "a b",
        "a/b",
        "ä",
        "a\nb",
        &"x".repeat(65),
    ] {
        check(id, false);
    }
}
