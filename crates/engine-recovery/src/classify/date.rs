//! Points in time as headers write them.

use core_types::Timestamp;

/// The time that a `Retry-After` header names: seconds from `now`, or an HTTP date in any of the
/// three forms of RFC 9110. `None` for anything else; a time that is past is `now`.
#[must_use]
pub fn retry_after(value: &str, now: Timestamp) -> Option<Timestamp> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit are a time that never comes.
        let seconds: u64 = value.parse().unwrap_or(u64::MAX);
        let at = now.0.saturating_add(seconds.saturating_mul(1000));
        return Some(Timestamp(at));
    }
    Some(http_date(value, now)?.max(now))
}

fn http_date(value: &str, now: Timestamp) -> Option<Timestamp> {
    let words: Vec<&str> = value
        .split([' ', ',', '-'])
        .filter(|word| !word.is_empty())
        .collect();
    match words[..] {
        // Sun, 06 Nov 1994 08:49:37 GMT
        [_, day, month, year, clock, "GMT"] if year.len() == 4 => {
            at(number(year)?, month_of(month)?, number(day)?, clock)
        }
        // Sunday, 06-Nov-94 08:49:37 GMT: the century in which it is at most 50 years ahead.
        [_, day, month, year, clock, "GMT"] if year.len() == 2 => {
            let this_year = 1970 + now.0 / 31_556_952_000;
            let mut full = this_year / 100 * 100 + number(year)?;
            if full > this_year + 50 {
                full -= 100;
            }
            at(full, month_of(month)?, number(day)?, clock)
        }
        // Sun Nov  6 08:49:37 1994
        [_, month, day, clock, year] if year.len() == 4 => {
            at(number(year)?, month_of(month)?, number(day)?, clock)
        }
        _ => None,
    }
}

/// A time as RFC 3339 writes it, in UTC; parts of a second are dropped.
pub(super) fn rfc3339(value: &str) -> Option<Timestamp> {
    let (date, clock) = value.trim().split_once(['T', 't'])?;
    let clock = clock.strip_suffix(['Z', 'z'])?;
    let clock = clock.split_once('.').map_or(clock, |(clock, _)| clock);
    let mut parts = date.split('-').map(number);
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    at(year, month, day, clock)
}

fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.len() <= 4;
    (digits && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

fn month_of(name: &str) -> Option<u64> {
    const NAMES: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let index = NAMES.iter().position(|month| *month == name)?;
    Some(index as u64 + 1)
}

fn at(year: u64, month: u64, day: u64, clock: &str) -> Option<Timestamp> {
    let mut parts = clock.split(':').map(number);
    let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next()??);
    let sound = parts.next().is_none()
        && (1970..=9999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60;
    if !sound {
        return None;
    }
    // Days since 1970 by counting years from March, so that the leap day comes last.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1;
    let days = days.checked_sub(719_468)?;
    let seconds = days * 86_400 + hour * 3600 + minute * 60 + second;
    Some(Timestamp(seconds * 1000))
}
