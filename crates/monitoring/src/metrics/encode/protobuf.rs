//! Prometheus's protobuf messages (`io.prometheus.client`), each after its length. The few fields that
//! there are do not need a generated encoder.

use crate::metrics::{
    catalogue::{Kind, SYSTEM_INFO, Spec},
    families::Families,
    series::{SCHEMA, State, ZERO_THRESHOLD},
};

/// All families.
pub(super) fn encode(families: &Families) -> Vec<u8> {
    let mut out = Vec::new();
    for family in families.list() {
        delimited(&mut out, family.spec(), |message| family.write(message));
    }
    delimited(&mut out, &SYSTEM_INFO, |message| {
        let info = families.system_info.get();
        let labels = info.iter().map(|(name, value)| (&**name, &**value));
        message.metric(labels, |metric| metric.gauge(1.0));
    });
    out
}

fn delimited(out: &mut Vec<u8>, spec: &Spec, series: impl FnOnce(&mut Message)) {
    let mut family = Message::default();
    family.bytes(family::NAME, spec.name.as_bytes());
    family.bytes(family::HELP, spec.help.as_bytes());
    family.int(
        family::TYPE,
        match spec.kind {
            Kind::Counter => 0,
            Kind::Gauge | Kind::Info => 1,
            Kind::Histogram(_) => 4,
        },
    );
    series(&mut family);
    varint(out, family.0.len() as u64);
    out.append(&mut family.0);
}

// Numbers of fields in metrics.proto.
mod family {
    pub(super) const NAME: u32 = 1;
    pub(super) const HELP: u32 = 2;
    pub(super) const TYPE: u32 = 3;
    pub(super) const METRIC: u32 = 4;
}
mod metric {
    pub(super) const LABEL: u32 = 1;
    pub(super) const GAUGE: u32 = 2;
    pub(super) const COUNTER: u32 = 3;
    pub(super) const HISTOGRAM: u32 = 7;
}
mod histogram {
    pub(super) const SAMPLE_COUNT: u32 = 1;
    pub(super) const SAMPLE_SUM: u32 = 2;
    pub(super) const BUCKET: u32 = 3;
    pub(super) const SCHEMA: u32 = 5;
    pub(super) const ZERO_THRESHOLD: u32 = 6;
    pub(super) const ZERO_COUNT: u32 = 7;
    pub(super) const POSITIVE_SPAN: u32 = 12;
    pub(super) const POSITIVE_DELTA: u32 = 13;
}
/// The first and the second field of a pair, a bucket, a span; the value of a counter or gauge.
const FIRST: u32 = 1;
const SECOND: u32 = 2;

const VARINT: u32 = 0;
const FIXED64: u32 = 1;
const LENGTH_DELIMITED: u32 = 2;

/// A message in its encoded form.
#[derive(Default)]
pub(in crate::metrics) struct Message(Vec<u8>);

impl Message {
    /// Adds a series to a family.
    pub(super) fn metric<'a>(
        &mut self,
        labels: impl IntoIterator<Item = (&'a str, &'a str)>,
        value: impl FnOnce(&mut Self),
    ) {
        let mut message = Self::default();
        for (name, text) in labels {
            let mut pair = Self::default();
            pair.bytes(FIRST, name.as_bytes());
            pair.bytes(SECOND, text.as_bytes());
            message.bytes(metric::LABEL, &pair.0);
        }
        value(&mut message);
        self.bytes(family::METRIC, &message.0);
    }

    pub(super) fn counter(&mut self, value: f64) {
        self.number(metric::COUNTER, value);
    }

    pub(super) fn gauge(&mut self, value: f64) {
        self.number(metric::GAUGE, value);
    }

    pub(super) fn histogram(&mut self, state: &State) {
        let mut message = Self::default();
        message.int(histogram::SAMPLE_COUNT, state.count);
        message.double(histogram::SAMPLE_SUM, state.sum.as_secs_f64());
        let mut cumulative = 0;
        for (bound, n) in &state.buckets {
            cumulative += n;
            let mut bucket = Self::default();
            bucket.int(FIRST, cumulative);
            bucket.double(SECOND, *bound);
            message.bytes(histogram::BUCKET, &bucket.0);
        }
        message.int(histogram::SCHEMA, zigzag(i64::from(SCHEMA)));
        message.double(histogram::ZERO_THRESHOLD, ZERO_THRESHOLD);
        message.int(histogram::ZERO_COUNT, state.native.zero);
        let (spans, deltas) = state.native.spans_and_deltas();
        for (gap, length) in spans {
            let mut span = Self::default();
            span.int(FIRST, zigzag(i64::from(gap)));
            span.int(SECOND, u64::from(length));
            message.bytes(histogram::POSITIVE_SPAN, &span.0);
        }
        for delta in deltas {
            message.int(histogram::POSITIVE_DELTA, zigzag(delta));
        }
        self.bytes(metric::HISTOGRAM, &message.0);
    }

    /// A message of one number.
    fn number(&mut self, field: u32, value: f64) {
        let mut message = Self::default();
        message.double(FIRST, value);
        self.bytes(field, &message.0);
    }

    fn int(&mut self, field: u32, value: u64) {
        varint(&mut self.0, u64::from(field << 3 | VARINT));
        varint(&mut self.0, value);
    }

    fn double(&mut self, field: u32, value: f64) {
        varint(&mut self.0, u64::from(field << 3 | FIXED64));
        self.0.extend(value.to_le_bytes());
    }

    fn bytes(&mut self, field: u32, value: &[u8]) {
        varint(&mut self.0, u64::from(field << 3 | LENGTH_DELIMITED));
        varint(&mut self.0, value.len() as u64);
        self.0.extend(value);
    }
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn zigzag(value: i64) -> u64 {
    (value << 1 ^ value >> 63) as u64
}
