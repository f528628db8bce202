//! Durations and sizes as people write them: `90s`, `1h30m`, `8MiB`.

mod text;

#[cfg(test)]
mod tests;

pub(crate) use text::parse_size;
pub use text::{deserialize_duration, format_duration, parse_duration};
