//! Figures, short and in the same form everywhere.

use core_types::{CommitId, Timestamp, Usd};

/// A time span: `840 ms`, `12 s`, `3 m 05 s`, `2 h 04 m`, `3 d 04 h`.
#[must_use]
pub fn duration(millis: u64) -> String {
    let seconds = millis / 1000;
    match seconds {
        0 if millis > 0 => format!("{millis} ms"),
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} m {:02} s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{} h {:02} m", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} d {:02} h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

/// How long ago, in the largest unit.
pub(in crate::dashboard) fn ago(now: Timestamp, then: Timestamp) -> String {
    let seconds = now.since(then).as_secs();
    match seconds {
        0..5 => "just now".to_owned(),
        5..60 => format!("{seconds} s ago"),
        60..3600 => format!("{} m ago", seconds / 60),
        3600..86_400 => format!("{} h ago", seconds / 3600),
        _ => format!("{} d ago", seconds / 86_400),
    }
}

/// The time of day in UTC: `14:02:11`.
pub(in crate::dashboard) fn clock(at: Timestamp) -> String {
    at.to_string().get(11..19).unwrap_or_default().to_owned()
}

/// The time of day in UTC without seconds: `14:02`.
pub(in crate::dashboard) fn clock_of_day(at: Timestamp) -> String {
    at.to_string().get(11..16).unwrap_or_default().to_owned()
}

/// The day in UTC: `26 Nov`.
pub(in crate::dashboard) fn day(at: Timestamp) -> String {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let text = at.to_string();
    let number = |range: std::ops::Range<usize>| {
        text.get(range)
            .and_then(|digits| digits.parse::<usize>().ok())
            .unwrap_or(1)
    };
    let month = MONTHS[number(5..7).clamp(1, 12) - 1];
    format!("{} {month}", number(8..10))
}

/// An amount of money: two decimals from a cent on, four below, `< $0.0001` below that.
#[must_use]
pub fn money(amount: Usd) -> String {
    const CENT: u64 = 10_000_000_000;
    match amount.pico() {
        0 => "$0.00".to_owned(),
        1..50_000_000 => "< $0.0001".to_owned(),
        50_000_000..CENT => format!("${amount:.4}"),
        _ => {
            let text = format!("{amount:.2}");
            let (whole, decimals) = text.split_once('.').unwrap_or((&text, "00"));
            format!("${}.{decimals}", grouped(whole))
        }
    }
}

/// A count with its thousands apart: `12 345` with thin spaces.
pub(in crate::dashboard) fn count(number: impl TryInto<u64>) -> String {
    grouped(&number.try_into().unwrap_or(u64::MAX).to_string())
}

/// A count of tokens: `812`, `12.3 k`, `1.24 M`.
pub(in crate::dashboard) fn tokens(number: u64) -> String {
    match number {
        0..1_000 => number.to_string(),
        1_000..1_000_000 => format!("{:.1} k", number as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.2} M", number as f64 / 1e6),
        _ => format!("{:.2} G", number as f64 / 1e9),
    }
}

/// A share from 0 to 1: `87 %`. Only all is 100 %, and only nothing is 0 %.
pub(in crate::dashboard) fn percent(share: f64) -> String {
    let rounded = (share * 100.0).round();
    let shown = match rounded {
        100.0.. if share < 1.0 => 99.0,
        ..=0.0 if share > 0.0 => return "< 1 %".to_owned(),
        _ => rounded,
    };
    format!("{shown:.0} %")
}

pub(in crate::dashboard) fn short_commit(commit: &CommitId) -> String {
    commit.as_str().chars().take(9).collect()
}

fn grouped(digits: &str) -> String {
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}
