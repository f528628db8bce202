//! Families and cells as the two encoders see them: prometheus-client's and that of protobuf.

use std::fmt;

use prometheus_client::encoding::{MetricEncoder, NoLabelSet};

use super::protobuf::Message;
use crate::metrics::{
    calls::usd,
    catalogue::Spec,
    series::{Counter, Dollars, Family, Gauge, Histogram, Row},
    tally::Tallied,
};

/// A family.
pub(in crate::metrics) trait Encode: Tallied + fmt::Debug + Send + Sync {
    fn spec(&self) -> &'static Spec;
    fn encode(&self, encoder: MetricEncoder<'_>) -> fmt::Result;
    /// Adds a message for each series.
    fn write(&self, family: &mut Message);
}

/// What a series counts with.
pub(super) trait Cell {
    fn encode(&self, encoder: MetricEncoder<'_>) -> fmt::Result;
    fn write(&self, metric: &mut Message);
}

impl<C: Cell + Clone + Send + Sync> Encode for Family<C>
where
    Self: Tallied,
{
    fn spec(&self) -> &'static Spec {
        Self::spec(self)
    }

    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        if self.spec().labels.is_empty() {
            return self.with(&[], |cell| cell.encode(encoder));
        }
        self.each(|Row { labels, cell }| cell.encode(encoder.encode_family(&&labels[..])?))
    }

    fn write(&self, family: &mut Message) {
        let written: Result<(), std::convert::Infallible> = self.each(|Row { labels, cell }| {
            let labels = labels.iter().map(|(name, value)| (*name, &**value));
            family.metric(labels, |metric| cell.write(metric));
            Ok(())
        });
        match written {
            Ok(()) => {}
            Err(never) => match never {},
        }
    }
}

impl Cell for Counter {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        encoder.encode_counter::<NoLabelSet, u64, u64>(&self.get(), None)
    }

    fn write(&self, metric: &mut Message) {
        metric.counter(self.get() as f64);
    }
}

impl Cell for Dollars {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        encoder.encode_counter::<NoLabelSet, f64, f64>(&usd(self.get()), None)
    }

    fn write(&self, metric: &mut Message) {
        metric.counter(usd(self.get()));
    }
}

impl Cell for Gauge {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        encoder.encode_gauge(&self.get())
    }

    fn write(&self, metric: &mut Message) {
        metric.gauge(self.get());
    }
}

impl Cell for Histogram {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        let state = self.state();
        let sum = state.sum.as_secs_f64();
        encoder.encode_histogram::<NoLabelSet>(sum, state.count, &state.buckets, None)
    }

    fn write(&self, metric: &mut Message) {
        metric.histogram(&self.state());
    }
}
