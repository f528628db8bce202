//! What one task did at which time.

use core_types::Timestamp;

use crate::fold::{Segment, SegmentKind};

/// A task's row of the timeline while it grows.
#[derive(Debug, Clone, Default)]
pub(super) struct LaneCourse {
    segments: Vec<Segment>,
    /// Until when the last one waits, if it is [`SegmentKind::Retry`] and the event told.
    until: Option<Timestamp>,
    /// What a pause has cut off.
    before_pause: Option<(SegmentKind, u32)>,
}

impl LaneCourse {
    /// What goes on; `None` before the first and after the end.
    pub(super) fn current(&self) -> Option<&Segment> {
        self.segments.last().filter(|segment| segment.to.is_none())
    }

    /// Whether it waits out a backoff at a time; with until when.
    pub(super) fn waits_until(&self, now: Timestamp) -> Option<Option<Timestamp>> {
        let current = self.current()?;
        let kind = match (current.kind, self.before_pause) {
            (SegmentKind::Paused, Some((kind, _))) => kind,
            (kind, _) => kind,
        };
        let is_over = self.until.is_some_and(|until| until <= now);
        (kind == SegmentKind::Retry && !is_over).then_some(self.until)
    }

    /// Ends what goes on and begins something else; the same goes on.
    pub(super) fn turn(&mut self, at: Timestamp, kind: SegmentKind, attempt: u32) {
        if self
            .current()
            .is_some_and(|it| it.kind == kind && it.attempt == attempt)
        {
            return;
        }
        let from = self.close(at);
        self.segments.push(Segment {
            kind,
            attempt,
            from,
            to: None,
        });
        if kind != SegmentKind::Paused {
            self.until = None;
            self.before_pause = None;
        }
    }

    /// Begins a backoff.
    pub(super) fn retry(&mut self, at: Timestamp, attempt: u32, until: Option<Timestamp>) {
        if until.is_some_and(|until| until <= at) {
            self.turn(at, SegmentKind::Queued, attempt);
            return;
        }
        self.turn(at, SegmentKind::Retry, attempt);
        self.until = until;
    }

    /// Ends what goes on. Returns when it ended: never before it began, whatever the clock did.
    pub(super) fn close(&mut self, at: Timestamp) -> Timestamp {
        let until = self.until.take();
        let Some(last) = self.segments.last_mut() else {
            return at;
        };
        let from = *last.to.get_or_insert(at.max(last.from));
        let over = until.filter(|until| {
            last.kind == SegmentKind::Retry && last.from <= *until && *until < from
        });
        if let Some(until) = over {
            last.to = Some(until);
            let attempt = last.attempt;
            self.segments.push(Segment {
                kind: SegmentKind::Queued,
                attempt,
                from: until,
                to: Some(from),
            });
        }
        from.max(at)
    }

    /// No process holds the run any more.
    pub(super) fn pause(&mut self, at: Timestamp) {
        let Some(current) = self.current().copied() else {
            return;
        };
        if current.kind == SegmentKind::Paused {
            return;
        }
        let until = self.until;
        self.turn(at, SegmentKind::Paused, current.attempt);
        self.before_pause = Some((current.kind, current.attempt));
        self.until = until;
    }

    /// A process holds the run again.
    pub(super) fn resume(&mut self, at: Timestamp) {
        let Some((kind, attempt)) = self.before_pause.take() else {
            return;
        };
        // An execution that is repeated needs a slot again.
        let until = self.until.take();
        let has_waited = until.is_some_and(|until| until <= at);
        let kind = match kind {
            SegmentKind::Lost => SegmentKind::Queued,
            SegmentKind::Retry if has_waited => SegmentKind::Queued,
            kind => kind,
        };
        self.turn(at, kind, attempt);
        self.until = until.filter(|_| kind == SegmentKind::Retry);
    }

    /// The segments as they are at a time; those of a run that no process holds end there.
    pub(super) fn segments(&self, now: Timestamp, is_held: bool) -> Vec<Segment> {
        let mut lane = self.clone();
        if is_held {
            // What waited has waited long enough: a slot is missing now.
            let waited = lane.until.filter(|until| *until < now);
            if let (Some(until), Some(current)) = (waited, lane.current().copied())
                && current.kind == SegmentKind::Retry
            {
                lane.turn(until, SegmentKind::Queued, current.attempt);
            }
            return lane.segments;
        }
        if lane
            .current()
            .is_some_and(|current| current.kind == SegmentKind::Paused)
        {
            lane.segments.pop();
        } else if lane.current().is_some() {
            lane.close(now);
        }
        lane.segments
    }
}

/// How long segments of some kinds took together, until now.
pub(super) fn total_ms(segments: &[Segment], kinds: &[SegmentKind], now: Timestamp) -> u64 {
    let of_kinds = segments.iter().filter(|it| kinds.contains(&it.kind));
    let times = of_kinds.map(|it| it.to.unwrap_or(now).0.saturating_sub(it.from.0));
    times.fold(0, u64::saturating_add)
}
