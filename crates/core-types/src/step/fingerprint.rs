//! What a step was given, in a form that can be compared after a restart.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The named inputs of a step. Short texts are kept as they are, so that a
/// divergence can show both values; longer ones by the first 16 digits of their SHA-256.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(BTreeMap<String, String>);

impl Fingerprint {
    /// A step without inputs.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a text.
    #[must_use]
    pub fn with(mut self, field: &str, value: impl AsRef<str>) -> Self {
        let value = value.as_ref();
        let kept = if value.len() <= 80 && !value.contains('\n') {
            value.to_owned()
        } else {
            let digest = Sha256::digest(value.as_bytes());
            digest
                .iter()
                .take(8)
                .fold("sha256:".to_owned(), |text, byte| {
                    format!("{text}{byte:02x}")
                })
        };
        self.0.insert(field.to_owned(), kept);
        self
    }

    /// Adds a value by its JSON form.
    #[must_use]
    pub fn with_json(self, field: &str, value: &impl Serialize) -> Self {
        // A value that has no JSON form still compares equal to itself.
        let text = serde_json::to_string(value).unwrap_or_default();
        self.with(field, text)
    }

    /// The first field, by name, in which the two differ: its name, and both
    /// values (`""` where one lacks it).
    #[must_use]
    pub fn difference(&self, other: &Self) -> Option<(String, String, String)> {
        let fields = self
            .0
            .keys()
            .chain(other.0.keys().filter(|field| !self.0.contains_key(*field)));
        let value = |print: &Self, field: &str| print.0.get(field).cloned().unwrap_or_default();
        fields
            .map(|field| (field.clone(), value(self, field), value(other, field)))
            .find(|(_, ours, theirs)| ours != theirs)
    }
}
