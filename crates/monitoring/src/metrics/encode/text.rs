//! The classic text format, made of OpenMetrics.

use crate::metrics::catalogue::{self, Kind};

/// The samples are the same. In the lines that describe a family, classic names have the suffix that a
/// kind adds, an info is a gauge, and there is no mark of the end.
pub(super) fn of_open_metrics(text: &str) -> String {
    let mut classic = String::with_capacity(text.len() + 4096);
    for line in text.lines() {
        let described = line.strip_prefix("# ").and_then(|rest| {
            let (word, rest) = rest.split_once(' ')?;
            let (name, said) = rest.split_once(' ')?;
            let spec = catalogue::ALL
                .iter()
                .find(|spec| spec.base_name() == name)?;
            Some((word, spec, said))
        });
        match described {
            Some((word, spec, said)) => {
                let said = match (word, spec.kind) {
                    ("TYPE", Kind::Info) => "gauge",
                    _ => said,
                };
                classic.extend(["# ", word, " ", spec.name, " ", said, "\n"]);
            }
            None if line == "# EOF" => {}
            None => classic.extend([line, "\n"]),
        }
    }
    classic
}
