//! Reading and writing of numbers with units.

use std::time::Duration;

use serde::{Deserialize, Deserializer, de::Error as _};

/// Largest first, so that [`format_duration`] picks the largest that fits.
const DURATION_UNITS: [(&str, u64); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

const SIZE_UNITS: [(&str, u64); 4] = [
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("B", 1),
];

/// Reads a duration: whole numbers with the units `ms s m h d`, one or more of them, added up (`1h30m`).
///
/// Returns `None` for anything else, a bare number and a sum that overflows included.
///
/// ```
/// use std::time::Duration;
/// assert_eq!(config::parse_duration("1h30m"), Some(Duration::from_secs(5400)));
/// assert_eq!(config::parse_duration("30"), None);
/// ```
pub fn parse_duration(text: &str) -> Option<Duration> {
    sum(text, &DURATION_UNITS).map(Duration::from_millis)
}

/// Writes a duration so that [`parse_duration`] reads the same, to the millisecond: `1h30m`, `500ms`, `0s`.
pub fn format_duration(duration: Duration) -> String {
    let mut rest = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    if rest == 0 {
        return "0s".to_owned();
    }
    let mut text = String::new();
    for (unit, factor) in DURATION_UNITS {
        if rest >= factor {
            text.push_str(&format!("{}{unit}", rest / factor));
            rest %= factor;
        }
    }
    text
}

/// For `#[serde(deserialize_with = "config::deserialize_duration")]` in files read by [`parse_typed`](crate::parse_typed).
///
/// # Errors
/// Fails on anything but a text that [`parse_duration`] reads.
pub fn deserialize_duration<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse_duration(&text)
        .ok_or_else(|| D::Error::custom("expected a duration such as 30s, 5m or 1h30m"))
}

/// Reads a size in bytes with the units `B KiB MiB GiB`; a bare number is refused, so that the unit is never guessed.
pub(crate) fn parse_size(text: &str) -> Option<u64> {
    sum(text, &SIZE_UNITS)
}

/// Adds up numbers with units: `1h30m`.
fn sum(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let mut rest = text;
    let mut total = 0_u64;
    while !rest.is_empty() {
        let (number, after) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit())?);
        let (unit, after) = after.split_at(
            after
                .find(|c: char| !c.is_ascii_alphabetic())
                .unwrap_or(after.len()),
        );
        let (_, factor) = units.iter().find(|(name, _)| *name == unit)?;
        total = total.checked_add(number.parse::<u64>().ok()?.checked_mul(*factor)?)?;
        rest = after;
    }
    (!text.is_empty()).then_some(total)
}
