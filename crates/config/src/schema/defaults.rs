//! The embedded file of defaults.

use std::sync::LazyLock;

use crate::{
    finding::Report,
    yaml::{Entry, Node, Value, parse},
};

const TEXT: &str = include_str!("../../../../config/automation.default.yaml");

/// The tree of the embedded defaults of `config/automation.yaml`. Its nodes have no place, since no user wrote them.
pub(crate) fn default_document() -> &'static Node {
    static DOCUMENT: LazyLock<Node> = LazyLock::new(|| {
        let mut report = Report::new("config/automation.default.yaml");
        let mut node = parse(TEXT, None, &mut report)
            .expect("the embedded defaults are valid, as a test shows");
        unmark(&mut node);
        node
    });
    &DOCUMENT
}

fn unmark(node: &mut Node) {
    node.mark = Default::default();
    match &mut node.value {
        Value::Scalar(_) | Value::Reported => {}
        Value::List(items) => items.iter_mut().for_each(unmark),
        Value::Map(entries) => {
            for Entry { mark, value, .. } in entries {
                *mark = Default::default();
                unmark(value);
            }
        }
    }
}
