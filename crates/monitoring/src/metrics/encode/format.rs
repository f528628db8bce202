/// A format of exposition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// OpenMetrics text, version 1.0.0.
    OpenMetrics,
    /// Prometheus's text format, version 0.0.4.
    Text,
    /// Prometheus's protobuf messages, each after its length. The only one with native histograms.
    Protobuf,
}

impl Format {
    /// The format that an `Accept` header asks for: the one with the highest weight, of several with the
    /// same the first. Without the header, and where it asks for none of ours, [`Format::Text`], which
    /// every scraper reads.
    ///
    /// ```
    /// use monitoring::metrics::Format;
    ///
    /// assert_eq!(Format::negotiate(None), Format::Text);
    /// let accept = "text/plain;version=0.0.4;q=0.5, application/openmetrics-text;version=1.0.0;q=0.8";
    /// assert_eq!(Format::negotiate(Some(accept)), Format::OpenMetrics);
    /// ```
    #[must_use]
    pub fn negotiate(accept: Option<&str>) -> Self {
        let mut best: Option<(u16, Self)> = None;
        for range in accept.unwrap_or_default().split(',') {
            let mut parts = range.split(';').map(str::trim);
            let media_type = parts.next().unwrap_or_default();
            let parameters: Vec<(&str, &str)> =
                parts.filter_map(|part| part.split_once('=')).collect();
            let parameter = |name: &str| {
                let found = parameters
                    .iter()
                    .find(|(key, _)| key.trim().eq_ignore_ascii_case(name));
                found.map(|(_, value)| value.trim().trim_matches('"'))
            };
            let Some(format) = Self::of_range(media_type, parameter) else {
                continue;
            };
            // A weight that is none counts as 1, as a missing one does.
            let weight = parameter("q").and_then(permille).unwrap_or(1000);
            if weight > best.map_or(0, |(weight, _)| weight) {
                best = Some((weight, format));
            }
        }
        best.map_or(Self::Text, |(_, format)| format)
    }

    /// The `Content-Type` of an answer.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::Protobuf => {
                "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
            }
        }
    }

    fn of_range<'a>(media_type: &str, parameter: impl Fn(&str) -> Option<&'a str>) -> Option<Self> {
        let is = |name, value: &str| {
            parameter(name).is_none_or(|given| given.eq_ignore_ascii_case(value))
        };
        match media_type.to_ascii_lowercase().as_str() {
            "application/openmetrics-text" => is("version", "1.0.0").then_some(Self::OpenMetrics),
            "text/plain" => is("version", "0.0.4").then_some(Self::Text),
            // Without its parameters it could be any message.
            "application/vnd.google.protobuf" => {
                let named = |name, value: &str| {
                    parameter(name).is_some_and(|given| given.eq_ignore_ascii_case(value))
                };
                (named("proto", "io.prometheus.client.MetricFamily")
                    && named("encoding", "delimited"))
                .then_some(Self::Protobuf)
            }
            "*/*" | "text/*" => Some(Self::Text),
            _ => None,
        }
    }
}

/// A weight from 0 to 1 in thousandths.
fn permille(weight: &str) -> Option<u16> {
    let weight: f64 = weight.parse().ok()?;
    (0.0..=1.0)
        .contains(&weight)
        .then_some((weight * 1000.0) as u16)
}
