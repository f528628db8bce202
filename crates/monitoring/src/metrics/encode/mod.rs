//! What a scraper gets.

mod cell;
mod format;
mod open_metrics;
mod protobuf;
#[cfg(test)]
mod tests;
mod text;

pub(super) use self::cell::Encode;
pub use format::Format;

use super::Metrics;

impl Metrics {
    /// All families in a format.
    #[must_use]
    pub fn encode(&self, format: Format) -> Vec<u8> {
        match format {
            Format::OpenMetrics => open_metrics::encode(&self.families).into_bytes(),
            Format::Text => self.get_metrics().into_bytes(),
            Format::Protobuf => protobuf::encode(&self.families),
        }
    }

    /// All families in the classic text format, as the system before gave them.
    #[must_use]
    pub fn get_metrics(&self) -> String {
        text::of_open_metrics(&open_metrics::encode(&self.families))
    }
}
