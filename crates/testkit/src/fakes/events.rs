use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use core_types::{Clock, Event, EventRecord, EventSink, PortError, StepRef};

use super::{FixedClock, lock};

/// Collects events.
#[derive(Debug)]
pub struct MemoryEvents {
    clock: Arc<dyn Clock>,
    records: Mutex<Vec<EventRecord>>,
}

impl MemoryEvents {
    /// An empty collection that takes its times from `clock`.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let records = Mutex::default();
        Self { clock, records }
    }

    /// What was emitted so far, in order.
    #[must_use]
    pub fn records(&self) -> Vec<EventRecord> {
        lock(&self.records).clone()
    }

    /// The events of [`MemoryEvents::records`] without time and step.
    #[must_use]
    pub fn events(&self) -> Vec<Event> {
        self.records().into_iter().map(|r| r.event).collect()
    }
}

impl Default for MemoryEvents {
    fn default() -> Self {
        Self::new(Arc::new(FixedClock::default()))
    }
}

#[async_trait]
impl EventSink for MemoryEvents {
    fn emit(&self, step: Option<&StepRef>, event: Event) {
        let record = EventRecord {
            v: 1,
            at: self.clock.now(),
            step: step.cloned(),
            event,
        };
        lock(&self.records).push(record);
    }

    async fn flush(&self) -> Result<(), PortError> {
        Ok(())
    }
}
