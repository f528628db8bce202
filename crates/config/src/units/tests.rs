use std::time::Duration;

use proptest::prelude::*;

use super::*;

#[test]
fn durations() {
    #[track_caller]
    fn check(text: &str, expected_ms: Option<u64>) {
        assert_eq!(
            parse_duration(text),
            expected_ms.map(Duration::from_millis),
            "{text}"
        );
    }
    check("500ms", Some(500));
    check("30s", Some(30_000));
    check("5m", Some(300_000));
    check("2h", Some(7_200_000));
    check("1d", Some(86_400_000));
    check("1h30m", Some(5_400_000));
    check("0s", Some(0));
    for wrong in [
        "",
        "30",
        "s",
        "-5s",
        "1.5h",
        "5 m",
        "5M",
        "5min",
        "1h30",
        "ü",
        "99999999999999999999s",
        "999999999999999999d",
    ] {
        check(wrong, None);
    }
}

#[test]
fn sizes() {
    assert_eq!(parse_size("8MiB"), Some(8 << 20));
    assert_eq!(parse_size("0B"), Some(0));
    for wrong in ["8", "8MB", "8 MiB", "", "99999999999GiB"] {
        assert_eq!(parse_size(wrong), None, "{wrong}");
    }
}

proptest! {
    #[test]
    fn a_written_duration_reads_back(ms in any::<u64>()) {
        let duration = Duration::from_millis(ms);
        prop_assert_eq!(parse_duration(&format_duration(duration)), Some(duration));
    }
}
