use std::fmt::Debug;

use async_trait::async_trait;

use crate::{Event, PortError, StepRef};

/// Takes the events of a run.
///
/// `emit` MUST NOT block on the disk and never fails: what it could not store
/// is reported by the next step record or [`EventSink::flush`].
#[async_trait]
pub trait EventSink: Debug + Send + Sync {
    /// Takes an event, which belongs to `step` if given. The sink adds the time.
    fn emit(&self, step: Option<&StepRef>, event: Event);

    /// Returns when every event emitted before is on disk.
    ///
    /// # Errors
    ///
    /// `ResourceExhausted` or `Internal` when an event could not be stored.
    async fn flush(&self) -> Result<(), PortError>;
}

/// Drops every event.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoEvents;

#[async_trait]
impl EventSink for NoEvents {
    fn emit(&self, _: Option<&StepRef>, _: Event) {}

    async fn flush(&self) -> Result<(), PortError> {
        Ok(())
    }
}
