//! What files that people wrote for agents say, item by item.

use super::{Lesson, text};
use crate::{
    experiment::stratum,
    export::{BEGIN, END},
};

/// An item of a list.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Item {
    /// One line, without the evidence that an export puts behind it.
    pub(crate) text: String,
    /// Whether it stands in the part of the file that we export.
    pub(crate) is_ours: bool,
}

/// The items of lists outside of code blocks.
pub(crate) fn items(contents: &str) -> Vec<Item> {
    let (mut is_ours, mut is_code) = (false, false);
    let mut items = Vec::new();
    for line in contents.lines() {
        let line = line.trim();
        if line.starts_with("```") || line.starts_with("~~~") {
            is_code = !is_code;
        }
        is_ours |= line.starts_with(BEGIN);
        let item = ["- ", "* ", "+ "]
            .iter()
            .find_map(|bullet| line.strip_prefix(bullet));
        if let Some(item) = item.filter(|_| !is_code) {
            let item = match is_ours {
                true => item.rsplit_once(" <!-- ").map_or(item, |(text, _)| text),
                false => item,
            };
            let text = text::one_line(item);
            if !text.is_empty() {
                items.push(Item { text, is_ours });
            }
        }
        is_ours &= !line.starts_with(END);
    }
    items
}

/// A rule as it is compared: whatever its case, and without secrets, as lessons are.
pub(crate) fn mark(rule: &str) -> u64 {
    let clean = text::one_line(&crate::scrub(rule).text);
    stratum(&[&clean.to_lowercase()])
}

impl Lesson {
    /// As files for agents say it, where paths are words too.
    pub(crate) fn exported(&self) -> String {
        let place = match self.scope.paths.as_slice() {
            [] => String::new(),
            paths => format!("In {}: ", paths.join(", ")),
        };
        format!("{place}{}", self.text)
            .replace("-->", "-- >")
            .replace("<!--", "< !--")
    }
}
