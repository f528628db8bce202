//! What every [`EventSink`] that keeps events must do.

use std::{fmt, sync::Arc};

use core_types::{Event, EventRecord, EventSink, Scope, Stage, StepKey, StepRef};
use serde_json::json;
use tokio::task::JoinSet;

/// A sink, and a way to read what it has kept.
pub struct Subject {
    /// The sink.
    pub sink: Arc<dyn EventSink>,
    /// All its records in their order, as another reader sees them after a flush.
    pub read: Box<dyn Fn() -> Vec<EventRecord>>,
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject")
            .field("sink", &self.sink)
            .finish_non_exhaustive()
    }
}

/// Runs all cases; `make` gives an empty sink each time.
///
/// # Panics
///
/// When the sink breaks the port's contract.
pub async fn conformance(make: impl AsyncFn() -> Subject) {
    events_come_back_in_order(make().await).await;
    unknown_events_are_kept(make().await).await;
    no_event_of_many_writers_is_lost(make().await).await;
}

/// A warning with this text.
#[must_use]
pub fn warning(message: impl Into<String>) -> Event {
    Event::Warning {
        message: message.into(),
    }
}

async fn events_come_back_in_order(subject: Subject) {
    let Subject { sink, read } = subject;
    let step = StepRef {
        key: StepKey::new(Scope::Run, 1, "act"),
        execution: 2,
    };
    sink.emit(
        None,
        Event::StageStarted {
            stage: Stage::Planning,
        },
    );
    sink.emit(Some(&step), warning("zwei\nlines"));
    sink.emit(None, warning(""));
    sink.flush().await.expect("flush");
    let records = read();
    let found: Vec<_> = records
        .iter()
        .map(|r| (r.step.clone(), r.event.clone()))
        .collect();
    let expected = vec![
        (
            None,
            Event::StageStarted {
                stage: Stage::Planning,
            },
        ),
        (Some(step), warning("zwei\nlines")),
        (None, warning("")),
    ];
    assert_eq!(
        found, expected,
        "events come back as they were given, in order"
    );
    assert!(
        records.iter().all(|record| record.v == 1),
        "records say their version"
    );
    sink.flush().await.expect("a flush without events");
    assert_eq!(read().len(), 3, "a flush adds nothing");
}

async fn unknown_events_are_kept(subject: Subject) {
    let event = Event::Unknown(json!({"type": "from_the_future", "x": [1, 2]}));
    subject.sink.emit(None, event.clone());
    subject.sink.flush().await.expect("flush");
    assert_eq!((subject.read)()[0].event, event);
}

async fn no_event_of_many_writers_is_lost(subject: Subject) {
    let mut writers = JoinSet::new();
    for writer in 0..8 {
        let sink = Arc::clone(&subject.sink);
        writers.spawn(async move {
            for number in 0..50 {
                sink.emit(None, warning(format!("{writer} {number}")));
                tokio::task::yield_now().await;
            }
            sink.flush().await.expect("flush");
        });
    }
    while let Some(ended) = writers.join_next().await {
        ended.expect("no writer panics");
    }
    let events: Vec<_> = (subject.read)()
        .into_iter()
        .map(|record| record.event)
        .collect();
    assert_eq!(events.len(), 400, "every event is kept once");
    for writer in 0..8 {
        let prefix = format!("{writer} ");
        let of_writer = |event: &&Event| matches!(event, Event::Warning { message } if message.starts_with(&prefix));
        let found: Vec<_> = events.iter().filter(of_writer).cloned().collect();
        let expected: Vec<_> = (0..50).map(|n| warning(format!("{writer} {n}"))).collect();
        assert_eq!(found, expected, "each writer's events keep their order");
    }
}
