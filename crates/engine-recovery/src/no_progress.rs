//! Tells a loop that goes on from one that goes in circles.

use std::collections::HashSet;

use core_types::FailedTest;
use sha2::{Digest, Sha256};

/// Remembers what each round of a repair ended with: which tests fail, and
/// what was changed. The same failures with the same change, in any earlier
/// round, mean that another round would bring nothing new.
///
/// ```
/// use engine_recovery::NoProgress;
/// use core_types::FailedTest;
///
/// let failing = [FailedTest { name: "adds".to_owned(), file: None, message: "took 3 ms".to_owned() }];
/// let mut rounds = NoProgress::default();
/// assert!(!rounds.repeats(&failing, b"a diff"));
/// assert!(!rounds.repeats(&failing, b"another diff"));
/// assert!(rounds.repeats(&failing, b"a diff"));
/// ```
#[derive(Debug, Clone, Default)]
pub struct NoProgress(HashSet<[u8; 32]>);

impl NoProgress {
    /// Takes a round in, and tells whether an earlier one ended the same. Tests are told apart by
    /// name and file; order and messages, which often hold times, do not matter.
    pub fn repeats(&mut self, failing: &[FailedTest], diff: &[u8]) -> bool {
        let mut tests: Vec<_> = failing
            .iter()
            .map(|test| (test.file.as_deref().unwrap_or_default(), test.name.as_str()))
            .collect();
        tests.sort_unstable();
        tests.dedup();
        let mut digest = Sha256::new();
        for part in tests.iter().flat_map(|(file, name)| [file, name]) {
            digest.update((part.len() as u64).to_le_bytes());
            digest.update(part.as_bytes());
        }
        digest.update(u64::MAX.to_le_bytes());
        digest.update(diff);
        !self.0.insert(digest.finalize().into())
    }
}
