use std::sync::Arc;

use core_types::{Clock, SystemClock};

/// How journals are opened and where times come from.
#[derive(Debug, Clone)]
pub struct Options {
    /// Storage, limits and faults of the journal; default: the real file system.
    pub journal: journal::Options,
    /// The times in records, which inform people; default: the system's clock.
    pub clock: Arc<dyn Clock>,
}

impl Default for Options {
    fn default() -> Self {
        let clock = Arc::new(SystemClock);
        Self {
            journal: journal::Options::default(),
            clock,
        }
    }
}
