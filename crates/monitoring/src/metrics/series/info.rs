//! What a system is, as labels.

use std::sync::{PoisonError, RwLock};

/// The most labels that are kept, and the most characters of a value.
const MAX_LABELS: usize = 32;
const MAX_VALUE_CHARS: usize = 256;

/// Names and values that are set as a whole.
#[derive(Debug, Default)]
pub(crate) struct Info(RwLock<Vec<(String, String)>>);

impl Info {
    /// Sets it. Names are turned into names of labels; of two that are then the same, the later stands.
    pub(crate) fn set<'a>(&self, labels: impl IntoIterator<Item = (&'a str, &'a str)>) {
        let mut set: Vec<(String, String)> = Vec::new();
        for (name, value) in labels {
            let name = label_name(name);
            let printed = value.chars().filter(|c| !c.is_control());
            let value: String = printed.take(MAX_VALUE_CHARS).collect();
            if let Some((_, known)) = set.iter_mut().find(|(known, _)| *known == name) {
                *known = value;
            } else if set.len() < MAX_LABELS {
                set.push((name, value));
            }
        }
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = set;
    }

    pub(crate) fn get(&self) -> Vec<(String, String)> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// `[a-zA-Z_][a-zA-Z0-9_]*`, and no `__` in front, which Prometheus keeps for itself.
fn label_name(name: &str) -> String {
    let valid = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    let name: String = name.chars().take(64).map(valid).collect();
    let name = name.trim_start_matches('_');
    match name.chars().next() {
        Some('a'..='z' | 'A'..='Z') => name.to_owned(),
        _ => format!("label_{name}"),
    }
}
