use std::{fmt::Debug, time::UNIX_EPOCH};

use crate::Timestamp;

/// Tells the time of day. Durations are measured by the runtime's own clock.
pub trait Clock: Debug + Send + Sync {
    /// Now. It may go backwards.
    fn now(&self) -> Timestamp;
}

/// The system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the wall clock"
    )]
    fn now(&self) -> Timestamp {
        let since_epoch = std::time::SystemTime::now().duration_since(UNIX_EPOCH);
        let millis = since_epoch.map_or(0, |duration| duration.as_millis());
        Timestamp(u64::try_from(millis).unwrap_or(u64::MAX))
    }
}
