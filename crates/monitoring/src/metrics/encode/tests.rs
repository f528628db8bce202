use std::time::Duration;

use super::Format;
use crate::metrics::{Metrics, catalogue};

#[test]
fn accept_headers_are_answered() {
    const PROTOBUF: &str = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited";
    let prometheus_2 = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
    let prometheus_3 = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
    let native = format!("{PROTOBUF},application/openmetrics-text;version=1.0.0;q=0.8,*/*;q=0.1");
    let cases = [
        (None, Format::Text),
        (Some(""), Format::Text),
        (Some("*/*"), Format::Text),
        (Some("text/html,*/*;q=0.8"), Format::Text),
        (Some("complete junk;;=,,"), Format::Text),
        (Some(prometheus_2), Format::OpenMetrics),
        (Some(prometheus_3), Format::OpenMetrics),
        (Some(native.as_str()), Format::Protobuf),
        (Some(PROTOBUF), Format::Protobuf),
        (Some("application/vnd.google.protobuf"), Format::Text),
        (
            Some("APPLICATION/OpenMetrics-Text; Version=\"1.0.0\" ; Q=0.9 , text/plain;q=0.8"),
            Format::OpenMetrics,
        ),
        (
            Some("application/openmetrics-text;version=2.0.0"),
            Format::Text,
        ),
        (
            Some("application/openmetrics-text;q=0, text/plain"),
            Format::Text,
        ),
        (
            Some("application/openmetrics-text;q=0.2, text/plain;q=0.3"),
            Format::Text,
        ),
        (
            Some("application/openmetrics-text;q=nonsense"),
            Format::OpenMetrics,
        ),
    ];
    for (accept, expected) in cases {
        assert_eq!(Format::negotiate(accept), expected, "{accept:?}");
    }
}

/// Metrics with something in every kind of family.
fn metrics() -> Metrics {
    let metrics = Metrics::default();
    metrics.record_workflow_execution("planning", "success");
    metrics.observe_api_call_duration("gitea", "create_issue", Duration::from_millis(700));
    metrics.record_cache_hit("say \"hi\" \\ there");
    metrics.update_active_workflows(2);
    metrics.set_system_info([("version", "1.2.3"), ("0 strange name", "x\u{7}y")]);
    metrics
}

#[test]
fn classic_text_and_open_metrics_have_the_same_samples() {
    let classic = metrics().get_metrics();
    let open = String::from_utf8(metrics().encode(Format::OpenMetrics)).unwrap();
    let samples = |text: &str| -> Vec<String> {
        let samples = text.lines().filter(|line| !line.starts_with('#'));
        samples.map(str::to_owned).collect()
    };
    assert_eq!(samples(&classic), samples(&open));
    assert!(open.ends_with("# EOF\n"));
    assert!(!classic.contains("# EOF"));
    for line in [
        "# HELP automation_workflow_executions_total Stages of runs that ended",
        "# TYPE automation_workflow_executions_total counter",
        "# TYPE automation_system_info gauge",
        "# TYPE automation_api_call_duration_seconds histogram",
        r#"automation_api_call_duration_seconds_bucket{le="0.5",provider="gitea",method="create_issue"} 0"#,
        r#"automation_api_call_duration_seconds_bucket{le="1.0",provider="gitea",method="create_issue"} 1"#,
        r#"automation_api_call_duration_seconds_bucket{le="+Inf",provider="gitea",method="create_issue"} 1"#,
        r#"automation_cache_hits_total{cache_name="say \"hi\" \\ there"} 1"#,
        r#"automation_system_info{version="1.2.3",label_0_strange_name="xy"} 1"#,
    ] {
        assert!(
            classic.lines().any(|found| found == line),
            "{line}\n{classic}"
        );
    }
    for line in [
        "# TYPE automation_workflow_executions counter",
        "# TYPE automation_system info",
    ] {
        assert!(open.lines().any(|found| found == line), "{line}\n{open}");
    }
}

/// A field of a message: its number, and its bytes or its number.
#[derive(Debug)]
enum Field<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = bytes[0];
        *bytes = &bytes[1..];
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            break;
        }
    }
    value
}

/// All fields of a message, by the rules of the format and nothing of our encoder.
fn fields(mut bytes: &[u8]) -> Vec<(u64, Field<'_>)> {
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes);
        let field = match key & 7 {
            0 => Field::Number(varint(&mut bytes)),
            1 => {
                let (number, rest) = bytes.split_at(8);
                bytes = rest;
                Field::Number(u64::from_le_bytes(number.try_into().unwrap()))
            }
            2 => {
                let length = varint(&mut bytes) as usize;
                let (message, rest) = bytes.split_at(length);
                bytes = rest;
                Field::Bytes(message)
            }
            other => panic!("wire type {other}"),
        };
        fields.push((key >> 3, field));
    }
    fields
}

fn bytes<'a>(fields: &[(u64, Field<'a>)], number: u64) -> Vec<&'a [u8]> {
    let found = fields.iter().filter(|(n, _)| *n == number);
    found
        .filter_map(|(_, field)| match field {
            Field::Bytes(bytes) => Some(*bytes),
            Field::Number(_) => None,
        })
        .collect()
}

fn number(fields: &[(u64, Field<'_>)], number: u64) -> u64 {
    let found = fields.iter().find(|(n, _)| *n == number);
    match found {
        Some((_, Field::Number(value))) => *value,
        other => panic!("{number}: {other:?}"),
    }
}

#[test]
fn protobuf_says_the_same() {
    let encoded = metrics().encode(Format::Protobuf);
    let mut rest = &encoded[..];
    let mut names = Vec::new();
    while !rest.is_empty() {
        let length = varint(&mut rest) as usize;
        let (message, after) = rest.split_at(length);
        rest = after;
        let family = fields(message);
        let name = std::str::from_utf8(bytes(&family, 1)[0]).unwrap();
        names.push(name.to_owned());
        match name {
            "automation_workflow_executions_total" => {
                assert_eq!(number(&family, 3), 0, "a counter");
                let first = fields(bytes(&family, 4)[0]);
                let labels: Vec<Vec<u8>> = bytes(&first, 1)
                    .iter()
                    .map(|label| bytes(&fields(label), 2)[0].to_vec())
                    .collect();
                assert_eq!(labels, [b"planning".to_vec(), b"success".to_vec()]);
                let counter = fields(bytes(&first, 3)[0]);
                assert_eq!(f64::from_bits(number(&counter, 1)), 1.0);
            }
            "automation_api_call_duration_seconds" => {
                assert_eq!(number(&family, 3), 4, "a histogram");
                let series = fields(bytes(&family, 4)[0]);
                let histogram = fields(bytes(&series, 7)[0]);
                assert_eq!(number(&histogram, 1), 1);
                assert_eq!(f64::from_bits(number(&histogram, 2)), 0.7);
                assert_eq!(bytes(&histogram, 3).len(), 8, "seven bounds and infinity");
                assert_eq!(number(&histogram, 5), 3 << 1, "the schema, as zigzag");
                // 0.7 lies in (2^(-5/8), 2^(-4/8)], which is bucket -4.
                let span = fields(bytes(&histogram, 12)[0]);
                assert_eq!((number(&span, 1), number(&span, 2)), (7, 1));
                assert_eq!(number(&histogram, 13), 1 << 1);
            }
            _ => {}
        }
    }
    names.sort();
    let mut expected: Vec<&str> = catalogue::ALL.iter().map(|spec| spec.name).collect();
    expected.sort_unstable();
    assert_eq!(names, expected, "every family is there, empty or not");
}
