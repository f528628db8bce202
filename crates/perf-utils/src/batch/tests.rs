use core_types::OperationId;

use super::operation::{Content, ids};

fn of(items: &[&str]) -> Vec<String> {
    let batch = OperationId::new("batch").unwrap();
    let content = |item: &&str, content: &mut Content| {
        content.text(item);
    };
    let ids = ids(&batch, items, content).unwrap();
    ids.iter().map(ToString::to_string).collect()
}

#[test]
fn an_items_id_is_its_content_and_not_its_place() {
    let first = of(&["a", "b", "a"]);
    let again = of(&["new", "b", "a", "a"]);
    assert_eq!(
        (&again[1], &again[2], &again[3]),
        (&first[1], &first[0], &first[2])
    );
    assert_ne!(first[0], first[2], "the same content twice is two items");
    assert!(!first.contains(&again[0]));
}

#[test]
fn fields_do_not_run_together() {
    let batch = OperationId::new("batch").unwrap();
    let items = [("ab", "c"), ("a", "bc")];
    let content = |(title, body): &(&str, &str), content: &mut Content| {
        content.text(title).text(body);
    };
    let ids = ids(&batch, &items, content).unwrap();
    assert_ne!(ids[0], ids[1]);
}

#[test]
fn a_long_batch_id_is_refused() {
    let content = |_: &(), _: &mut Content| {};
    let id = |length| OperationId::new("x".repeat(length)).unwrap();
    assert!(ids(&id(202), &[()], content).is_ok());
    assert!(ids(&id(203), &[()], content).is_err());
}
