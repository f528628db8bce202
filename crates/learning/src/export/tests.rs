use proptest::prelude::*;

use super::block::{Line, check, merge};
use crate::Error;

fn lines(texts: &[&str]) -> Vec<Line> {
    let line = |text: &&str| Line {
        text: (*text).to_owned(),
        note: "L1 +12pp [4, 20] n=212/205".to_owned(),
    };
    texts.iter().map(line).collect()
}

fn export() -> String {
    merge("# Rules\n", &lines(&["Run the linter.", "No panics."])).expect("nothing was edited")
}

#[track_caller]
fn edited_at(contents: &str) -> usize {
    match check(contents) {
        Err(Error::EditedExport { line, .. }) => line,
        other => panic!("{other:?} in\n{contents}"),
    }
}

#[test]
fn an_export_is_made_read_and_replaced() {
    let export = export();
    assert!(
        export.starts_with("# Rules\n\n<!-- automation lessons: begin v1."),
        "{export}"
    );
    assert!(
        export.contains("- Run the linter. <!-- L1 +12pp [4, 20] n=212/205 #"),
        "{export}"
    );
    let again = merge(&export, &lines(&["Run the linter.", "No panics."]));
    assert_eq!(
        again.as_ref().ok(),
        Some(&export),
        "the same lessons, the same bytes"
    );
    let emptied = merge(&export, &[]).expect("nothing was edited");
    assert!(!emptied.contains("linter"), "{emptied}");
    assert_eq!(merge("# Rules", &[]).ok().as_deref(), Some("# Rules"));
}

#[test]
fn what_was_edited_by_hand_is_named_with_its_line() {
    let export = export();
    let line = |number: usize| export.lines().nth(number - 1).expect("it has this line");
    assert_eq!(edited_at(&export.replace("No panics", "Panic")), 5);
    assert_eq!(
        edited_at(&export.replace("212", "999")),
        4,
        "the evidence, too"
    );
    assert_eq!(
        edited_at(&export.replace(line(4), &format!("{}\n- Mine.", line(4)))),
        5
    );
    assert_eq!(
        edited_at(&export.replace(&format!("{}\n", line(5)), "")),
        5,
        "one is missing"
    );
    assert_eq!(
        edited_at(&export.replace(&format!("{}\n", line(4)), "")),
        4,
        "the first is missing"
    );
    assert_eq!(edited_at(&export.replace(line(6), "")), 6);
    assert_eq!(edited_at(&export.replace("begin v1", "begin v2")), 3);
    assert_eq!(
        edited_at(&format!("{export}{}\n", line(3))),
        7,
        "a second begin"
    );
    assert_eq!(edited_at("<!-- automation lessons: end -->\n"), 1);
    assert_eq!(
        edited_at(&export[..export.len() - line(6).len() - 1]),
        3,
        "a begin without an end"
    );
}

#[test]
fn an_export_stays_short() {
    let many: Vec<String> = (0..500)
        .map(|i| format!("{i} {}", "x".repeat(100)))
        .collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let export = merge("", &lines(&many)).expect("nothing was edited");
    assert!(
        export.len() <= 9 << 10 && export.lines().count() <= 122,
        "{}",
        export.len()
    );
    assert!(check(&export).is_ok());
}

proptest! {
    #[test]
    fn everything_else_stays_as_it_is(before in "[a-z#\\n\\r -]{0,60}", after in "[a-z#\\n\\r -]{0,60}") {
        let first = merge(&before, &lines(&["One."])).expect("nothing was edited");
        prop_assert!(first.starts_with(&before));
        let both = format!("{first}{after}");
        let second = merge(&both, &lines(&["Two.", "Three."])).expect("nothing was edited");
        prop_assert!(second.starts_with(&before) && second.ends_with(&after));
        prop_assert_eq!(merge(&second, &lines(&["One."])).ok(), Some(both));
    }
}
