//! The operation ids of a batch's items.

use std::collections::HashMap;

use core_types::OperationId;
use sha2::{Digest as _, Sha256};

use super::Error;

/// What an operation id may have at most, by its rule.
const MAX_ID: usize = 256;
/// A slash, 32 digits of the digest, a hash sign and the number of a repetition.
const MAX_SUFFIX: usize = 1 + 32 + 1 + 20;

/// The id of each item: the batch's, a digest of the item's content, and a number where the same
/// content comes again. Not its place: an item that was put in, taken out or moved before a re-run
/// leaves the others what they are, and one that was changed is another item.
pub(super) fn ids<T>(
    batch: &OperationId,
    items: &[T],
    content: impl Fn(&T, &mut Content),
) -> Result<Vec<OperationId>, Error> {
    let (length, limit) = (batch.as_str().len(), MAX_ID - MAX_SUFFIX);
    if length > limit {
        return Err(Error::LongId { length, limit });
    }
    let mut seen: HashMap<String, usize> = HashMap::new();
    let id = |item| {
        let mut digest = Content(Sha256::new());
        content(item, &mut digest);
        let digits: String = digest.0.finalize()[..16]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let n = seen.entry(digits.clone()).or_default();
        *n += 1;
        let text = match n {
            1 => format!("{batch}/{digits}"),
            n => format!("{batch}/{digits}#{n}"),
        };
        OperationId::new(text).expect("the batch's id leaves room, and the rest is plain")
    };
    Ok(items.iter().map(id).collect())
}

/// Takes the fields of an item, each told from the next by its length.
pub(super) struct Content(Sha256);

impl Content {
    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        self.0.update((text.len() as u64).to_le_bytes());
        self.0.update(text);
        self
    }

    pub(super) fn number(&mut self, number: u64) -> &mut Self {
        self.0.update(number.to_le_bytes());
        self
    }

    pub(super) fn option<T>(
        &mut self,
        value: Option<&T>,
        content: impl FnOnce(&T, &mut Self),
    ) -> &mut Self {
        self.number(u64::from(value.is_some()));
        if let Some(value) = value {
            content(value, self);
        }
        self
    }

    pub(super) fn texts(&mut self, texts: &[String]) -> &mut Self {
        self.number(texts.len() as u64);
        for text in texts {
            self.text(text);
        }
        self
    }
}
