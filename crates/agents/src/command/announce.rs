use std::sync::Arc;

use core_types::{Event, EventSink, StepRef};

use crate::RunError;

/// A process that was announced before its program ran; its end is told when
/// this is dropped, however that comes about.
#[derive(Debug)]
pub(crate) struct Announced<'a> {
    events: &'a Arc<dyn EventSink>,
    step: Option<&'a StepRef>,
    pid: u32,
}

impl<'a> Announced<'a> {
    /// Returns when the start is on disk, so that the process is found and
    /// ended even if we die right after.
    pub(crate) async fn new(
        events: &'a Arc<dyn EventSink>,
        step: Option<&'a StepRef>,
        held: &process::Held,
        title: String,
    ) -> Result<Self, RunError> {
        let pid = held.pid().unsigned_abs();
        let started = Event::ProcessStarted {
            pid,
            start_time: held.start_time(),
            title,
        };
        events.emit(step, started);
        let announced = Self { events, step, pid };
        events.flush().await.map_err(RunError::Record)?;
        Ok(announced)
    }
}

impl Drop for Announced<'_> {
    fn drop(&mut self) {
        let ended = Event::ProcessEnded { pid: self.pid };
        self.events.emit(self.step, ended);
    }
}
