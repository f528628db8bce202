//! What a run has counted, for when its events are gone.

use core_types::{EventRecord, RunId};
use serde::{Deserialize, Serialize};

use super::{
    EventFold, Metrics,
    series::{Counter, Dollars, Family, Gauge, Histogram, Row, State},
};

/// What a run's events have counted, kept with its summary when it is removed: counters that fell at
/// the next start would be taken for new ones by Prometheus, and all that they count for having
/// happened once more.
///
/// # Examples
///
/// ```
/// use core_types::{Event, EventRecord, RunId, Stage, Timestamp};
/// use monitoring::metrics::{Metrics, Status, Tally};
///
/// let run: RunId = "run-1".parse()?;
/// let events = [(0, Stage::Planning), (90, Stage::Implementation)].map(|(second, stage)| EventRecord {
///     v: 1,
///     at: Timestamp(second * 1000),
///     step: None,
///     event: Event::StageStarted { stage },
/// });
/// let tally = Tally::of(&run, &events);
/// let metrics = Metrics::default();
/// metrics.add(&tally);
/// assert_eq!(metrics.workflow_executions(Stage::Planning, Status::Success).get(), 1);
/// # Ok::<(), core_types::InvalidName>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tally(Vec<Counted>);

/// A series that has counted something.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Counted {
    family: Box<str>,
    /// In the order of the family's labels.
    values: Vec<Box<str>>,
    amount: Amount,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Amount {
    /// Of dollars so many pico-dollars.
    Count(u64),
    Durations(State),
}

impl Tally {
    /// What a run's events count, all of them and in order.
    #[must_use]
    pub fn of<'a>(run: &RunId, events: impl IntoIterator<Item = &'a EventRecord>) -> Self {
        let metrics = Metrics::default();
        EventFold::new(metrics.clone()).apply_all(run, events);
        let mut counted = Vec::new();
        for family in metrics.families.list() {
            family.tally(&mut counted);
        }
        Self(counted)
    }
}

impl Metrics {
    /// Counts what a removed run has counted. What a family of this name no longer has counts nowhere.
    pub fn add(&self, tally: &Tally) {
        for family in self.families.list() {
            for counted in &tally.0 {
                family.add(counted);
            }
        }
    }
}

/// A family of which a tally can be made.
pub(super) trait Tallied {
    fn tally(&self, counted: &mut Vec<Counted>);
    /// Counts it if it is of this family.
    fn add(&self, counted: &Counted);
}

impl<C: Cell + Clone> Tallied for Family<C> {
    fn tally(&self, counted: &mut Vec<Counted>) {
        let told: Result<(), std::convert::Infallible> = self.each(|Row { labels, cell }| {
            counted.extend(cell.amount().map(|amount| Counted {
                family: self.spec().name.into(),
                values: labels.iter().map(|(_, value)| value.clone()).collect(),
                amount,
            }));
            Ok(())
        });
        match told {
            Ok(()) => {}
            Err(never) => match never {},
        }
    }

    fn add(&self, counted: &Counted) {
        let values: Vec<&str> = counted.values.iter().map(|it| &**it).collect();
        if *counted.family == *self.spec().name && values.len() == self.spec().labels.len() {
            self.with(&values, |cell| cell.add(&counted.amount));
        }
    }
}

trait Cell {
    /// `None` for what is nothing, or what is not counted.
    fn amount(&self) -> Option<Amount>;
    fn add(&self, amount: &Amount);
}

impl Cell for Counter {
    fn amount(&self) -> Option<Amount> {
        Some(self.get()).filter(|n| *n > 0).map(Amount::Count)
    }

    fn add(&self, amount: &Amount) {
        if let Amount::Count(n) = amount {
            Self::add(self, *n);
        }
    }
}

impl Cell for Dollars {
    fn amount(&self) -> Option<Amount> {
        self.0.amount()
    }

    fn add(&self, amount: &Amount) {
        Cell::add(&self.0, amount);
    }
}

impl Cell for Histogram {
    fn amount(&self) -> Option<Amount> {
        let state = Some(self.state());
        state.filter(|it| it.count > 0).map(Amount::Durations)
    }

    fn add(&self, amount: &Amount) {
        if let Amount::Durations(state) = amount {
            Self::add(self, state);
        }
    }
}

/// How it is now, the runs of now say.
impl Cell for Gauge {
    fn amount(&self) -> Option<Amount> {
        None
    }

    fn add(&self, _: &Amount) {}
}
