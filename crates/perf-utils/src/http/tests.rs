use core_types::{ErrorClass, Timestamp};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use proptest::prelude::*;

use super::{base::Base, classify};

/// 2026-11-25T22:00:00Z.
const NOW: Timestamp = Timestamp(1_795_644_000_000);

fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
    lines
        .iter()
        .map(|(name, value)| {
            let value = HeaderValue::from_str(value).unwrap();
            (HeaderName::from_static(name), value)
        })
        .collect()
}

#[test]
fn bases_pin_a_server() {
    let origin = |url| Base::parse(url).map(|base| base.origin.to_string()).ok();
    let cases = [
        (
            "https://api.example.com",
            Some("https://api.example.com:443"),
        ),
        ("http://LOCALHOST:3000/", Some("http://localhost:3000")),
        ("https://[::1]:8443/api/v3", Some("https://[::1]:8443")),
        ("https://user:hunter2@example.com", None),
        ("https://example.com/a?b", None),
        ("https://example.com/a#b", None),
        ("https://example.com/a/../b", None),
        ("https://example.com:0", None),
        ("https://example.com:99999", None),
        ("https://", None),
        ("ftp://example.com", None),
        ("example.com", None),
        ("/api", None),
        ("", None),
    ];
    for (url, expected) in cases {
        assert_eq!(origin(url).as_deref(), expected, "{url}");
    }
    let error = Base::parse("https://user:hunter2@example.com").unwrap_err();
    assert!(!error.to_string().contains("hunter2"), "{error}");
}

#[test]
fn paths_stay_below_the_base() {
    let base = Base::parse("https://example.com/api/v3/").unwrap();
    let target = |path| base.target(path).map(|target| target.to_string()).ok();
    let cases = [
        ("/issues", Some("/api/v3/issues")),
        (
            "/issues?state=open&q=a/../b",
            Some("/api/v3/issues?state=open&q=a/../b"),
        ),
        (
            "/projects/group%2Fname/issues",
            Some("/api/v3/projects/group%2Fname/issues"),
        ),
        ("/a..b/...", Some("/api/v3/a..b/...")),
        ("/", Some("/api/v3/")),
        ("", None),
        ("issues", None),
        ("https://evil.example/", None),
        ("//evil.example/", None),
        ("/\\evil.example", None),
        ("/../admin", None),
        ("/a/..", None),
        ("/./a", None),
        ("/%2e%2e/admin", None),
        ("/.%2E/admin", None),
        ("/a%2f..%2fb", None),
        ("/a%5c..", None),
        ("/a b", None),
        ("/a\r\nHost: evil.example", None),
        ("/ä", None),
        ("/a#b", None),
        ("@evil.example/", None),
        (":80/", None),
    ];
    for (path, expected) in cases {
        assert_eq!(target(path).as_deref(), expected, "{path:?}");
    }
}

#[test]
fn locations_stay_on_the_server() {
    let base = Base::parse("https://example.com/api/v3/").unwrap();
    for (location, expected) in [
        (
            "https://example.com/api/v3/repositories/7?a=b",
            Some("/repositories/7?a=b"),
        ),
        ("https://EXAMPLE.com:443/api/v3/a", Some("/a")),
        ("/api/v3/a/b", Some("/a/b")),
        ("/api/v3", None),
        ("/api/v33/a", None),
        ("/login", None),
        ("a", None),
        ("http://example.com/api/v3/a", None),
        ("https://example.com:8443/api/v3/a", None),
        ("https://evil.example/api/v3/a", None),
        ("https://example.com.evil.example/api/v3/a", None),
        ("https://u@example.com/api/v3/a", None),
        ("//evil.example/api/v3/a", None),
        ("", None),
    ] {
        assert_eq!(base.path_of(location).as_deref(), expected, "{location}");
    }
    // What leads out of the base is refused when it is asked for.
    let up = base.path_of("/api/v3/../admin").unwrap();
    assert!(base.target(&up).is_err());
}

proptest! {
    #[test]
    fn no_path_leaves_the_base(path in "[/.%2eEfF5cC\\\\:@a?# ]{0,12}") {
        let base = Base::parse("https://example.com/api").unwrap();
        if let Ok(target) = base.target(&path) {
            prop_assert!(target.path().starts_with("/api/"));
            let decoded = target.path().to_lowercase();
            let decoded = decoded.replace("%2e", ".").replace("%2f", "/").replace("%5c", "/");
            prop_assert!(!decoded.split('/').any(|part| part == ".."), "{decoded}");
        }
    }
}

#[track_caller]
fn check(
    status: u16,
    lines: &[(&'static str, &str)],
    body: &str,
    of_read: &str,
    of_mutation: &str,
) {
    for (is_mutation, expected) in [(false, of_read), (true, of_mutation)] {
        let status = StatusCode::from_u16(status).unwrap();
        let class = classify::class(status, &headers(lines), body.as_bytes(), is_mutation, NOW);
        let shown = match class {
            None => "success".to_owned(),
            Some(ErrorClass::RateLimited { until: Some(until) }) => {
                format!("rate_limited +{}", until.since(NOW).as_secs())
            }
            Some(class) => class.to_string(),
        };
        assert_eq!(
            shown, expected,
            "{status} {lines:?} mutation: {is_mutation}"
        );
    }
}

#[test]
fn each_status_has_its_class() {
    let same = |status, class| check(status, &[], "", class, class);
    for status in [200, 201, 204, 304] {
        same(status, "success");
    }
    for (status, class) in [
        (301, "validation"),
        (400, "validation"),
        (401, "unauthorized"),
        (403, "unauthorized"),
        (404, "not_found"),
        (408, "transient"),
        (409, "conflict"),
        (410, "not_found"),
        (412, "conflict"),
        (422, "validation"),
        (423, "validation"),
        (425, "transient"),
        (429, "rate_limited +60"),
        (501, "validation"),
    ] {
        same(status, class);
    }
    for status in [500, 502, 503, 504, 520] {
        check(status, &[], "", "transient", "unknown_outcome");
    }
}

#[test]
fn limits_name_their_time() {
    let limited = |status, lines: &[(&'static str, &str)], expected| {
        check(status, lines, "", expected, expected);
    };
    limited(429, &[("retry-after", "7")], "rate_limited +7");
    limited(403, &[("retry-after", "7")], "rate_limited +7");
    // The three forms of an HTTP date.
    for date in [
        "Wed, 25 Nov 2026 22:01:30 GMT",
        "Wednesday, 25-Nov-26 22:01:30 GMT",
        "Wed Nov 25 22:01:30 2026",
    ] {
        limited(429, &[("retry-after", date)], "rate_limited +90");
    }
    let passed = "Wed, 25 Nov 2026 21:00:00 GMT";
    limited(429, &[("retry-after", passed)], "rate_limited +0");
    limited(429, &[("retry-after", "soon")], "rate_limited +60");
    let used_up = [
        ("x-ratelimit-remaining", "0"),
        ("x-ratelimit-reset", "1795644120"),
    ];
    limited(403, &used_up, "rate_limited +120");
    limited(429, &used_up, "rate_limited +120");
    let seconds = [("ratelimit-remaining", "0"), ("ratelimit-reset", "30")];
    limited(429, &seconds, "rate_limited +30");
    // Retry-After goes first.
    let both = [used_up[0], used_up[1], ("retry-after", "5")];
    limited(403, &both, "rate_limited +5");
    // A reset says nothing while calls are left.
    let left = [
        ("x-ratelimit-remaining", "9"),
        ("x-ratelimit-reset", "1795644120"),
    ];
    limited(429, &left, "rate_limited +60");
    check(403, &left, "", "unauthorized", "unauthorized");
    let words = "You have exceeded a Secondary rate limit.";
    check(403, &[], words, "rate_limited +60", "rate_limited +60");
    check(
        503,
        &[("retry-after", "9")],
        "",
        "rate_limited +9",
        "unknown_outcome",
    );
    let huge = "99999999999999999999";
    check(
        429,
        &[("retry-after", huge)],
        "",
        "rate_limited +60",
        "rate_limited +60",
    );
}

/// The server's clock is ten minutes ahead of ours, or behind: what it names as a time comes as long after its answer.
#[test]
fn a_clock_that_is_apart_makes_no_wait_longer_or_shorter() {
    for (date, in_a_minute, reset) in [
        (
            "Wed, 25 Nov 2026 22:10:00 GMT",
            "Wed, 25 Nov 2026 22:11:00 GMT",
            "1795644660",
        ),
        (
            "Wed, 25 Nov 2026 21:50:00 GMT",
            "Wed, 25 Nov 2026 21:51:00 GMT",
            "1795643460",
        ),
    ] {
        let expected = "rate_limited +60";
        let lines = [("date", date), ("retry-after", in_a_minute)];
        check(429, &lines, "", expected, expected);
        let lines = [
            ("date", date),
            ("x-ratelimit-remaining", "0"),
            ("x-ratelimit-reset", reset),
        ];
        check(403, &lines, "", expected, expected);
        let observed = classify::observation(None, &headers(&lines), NOW);
        assert_eq!(
            observed.resets_at,
            Some(Timestamp(NOW.0 + 60_000)),
            "{date}"
        );
        // What has passed there has passed here.
        let passed = [("date", in_a_minute), ("retry-after", date)];
        check(429, &passed, "", "rate_limited +0", "rate_limited +0");
    }
}

#[test]
fn observations_tell_what_is_left() {
    let lines = headers(&[
        ("x-ratelimit-limit", "5000"),
        ("x-ratelimit-remaining", "12"),
        ("x-ratelimit-reset", "1795644120"),
    ]);
    let observation = classify::observation(None, &lines, NOW);
    assert_eq!(observation.limit, Some(5000));
    assert_eq!(observation.remaining, Some(12));
    assert_eq!(observation.resets_at, Some(Timestamp(1_795_644_120_000)));
    assert!(!observation.is_refused && observation.retry_at.is_none());
}
