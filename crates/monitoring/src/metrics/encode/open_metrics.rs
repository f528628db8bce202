//! OpenMetrics, by prometheus-client's encoder.

use std::{fmt, sync::Arc};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, text},
    metrics::MetricType,
    registry::Registry,
};

use crate::metrics::{
    Metrics,
    catalogue::{Kind, SYSTEM_INFO, Spec},
    families::Families,
};

/// All families, and the mark of the end.
pub(super) fn encode(families: &Arc<Families>) -> String {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Arc::clone(families)));
    let mut text = String::new();
    text::encode(&mut text, &registry).expect("writing to a string does not fail");
    text
}

/// So that a program with a registry of its own can have the engine's families in it.
impl Collector for Metrics {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        self.families.encode(encoder)
    }
}

impl Collector for Families {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for family in self.list() {
            let spec = family.spec();
            family.encode(describe(&mut encoder, spec)?)?;
        }
        describe(&mut encoder, &SYSTEM_INFO)?.encode_info(&self.system_info.get())
    }
}

fn describe<'a>(
    encoder: &'a mut DescriptorEncoder<'_>,
    spec: &'static Spec,
) -> Result<prometheus_client::encoding::MetricEncoder<'a>, fmt::Error> {
    let kind = match spec.kind {
        Kind::Counter => MetricType::Counter,
        Kind::Gauge => MetricType::Gauge,
        Kind::Histogram(_) => MetricType::Histogram,
        Kind::Info => MetricType::Info,
    };
    encoder.encode_descriptor(spec.base_name(), spec.help, None, kind)
}
