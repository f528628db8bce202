//! YAML in, checked values and located findings out.
//!
//! The only crate that knows YAML. It reads the files that people write (`config/automation.yaml`,
//! `config/repositories.yaml`, `config/models.yaml`, plans, playbooks) and writes those that they are given to edit. It opens no file and
//! reads no environment: text and variables come in as arguments.
//!
//! ```
//! let text = "limits:\n  max_worker: 3\n  test_timeout: 10\n";
//! let findings = config::load_settings("config/automation.yaml", text, &|_| None).unwrap_err();
//! assert_eq!(
//!     findings.to_string(),
//!     r#"config/automation.yaml:2:3: limits.max_worker: unknown key; did you mean "max_workers"?
//! config/automation.yaml:3:17: limits.test_timeout: expected a duration such as 500ms, 30s, 5m or 2h, found the number 10; add a unit"#
//! );
//!
//! let settings = config::load_settings("config/automation.yaml", "limits: {max_workers: 3}", &|_| None)?;
//! assert_eq!(settings.limits.max_workers, std::num::NonZeroUsize::new(3));
//! assert_eq!(settings.retention.keep_runs, 100, "what the file does not say is the default");
//! # Ok::<(), config::Findings>(())
//! ```
//!
//! # Model
//!
//! A **table** for each kind of file ([`Kind`]) has every key with its shape, what its absence means, and a line of
//! documentation. It drives the check of documents, the defaults, the reference page ([`reference_markdown`]), the JSON
//! schema ([`json_schema`]) and the comments in the files that we write. Defaults stand once, in
//! `config/automation.default.yaml`, which is embedded.
//!
//! A **finding** ([`Finding`]) is one thing that is wrong: file, line, column, path of keys, and a message that tells
//! what was expected. A file is answered with a value or with all of its findings ([`Findings`]), which are a
//! `Validation` error for whoever has classes.
//!
//! # Guarantees
//!
//! - Whatever the text is, the answer comes in time linear in its size (at most 256 KiB) and without a panic.
//! - `${NAME}` is replaced by what the caller's lookup gives where it is the whole of a value, after parsing: what a
//!   variable contains never becomes a key, a list or another value. Plans are read without variables.
//! - What a function here writes, it reads back.
//!
//! # Limits
//!
//! Of YAML 1.2, anchors, aliases, tags, merge keys and several documents in a file are refused. A text that is no
//! YAML at all has one finding, since reading cannot go on.

pub mod automation;
mod command;
mod finding;
mod graph;
pub mod models;
pub mod plan;
pub mod repositories;
mod schema;
mod units;
mod yaml;

use automation::Settings;
use serde::de::DeserializeOwned;

pub use command::Command;
use finding::Report;
pub use finding::{Finding, Findings, Mark};
use models::Models;
use plan::PlanFile;
use repositories::Repositories;
pub use schema::{Kind, json_schema, reference_markdown};
pub use units::{deserialize_duration, format_duration, parse_duration};

/// The text of a file's bytes: at most 256 KiB of UTF-8, a byte order mark removed.
///
/// # Errors
/// One finding: too large, or where the first byte is that is not UTF-8.
pub fn decode<'a>(file: &str, bytes: &'a [u8]) -> Result<&'a str, Findings> {
    yaml::text_of(file, bytes)
}

/// Reads `config/automation.yaml`; `file` is what findings call it.
///
/// # Errors
/// All findings: syntax, unknown keys, wrong types, values out of range, unset variables, an agent's name twice, an
/// unknown default agent, an agent without what its kind needs.
pub fn load_settings(
    file: &str,
    text: &str,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<Settings, Findings> {
    automation::load(file, text, env)
}

/// Reads `config/repositories.yaml`; `file` is what findings call it.
///
/// # Errors
/// All findings: those of [`load_settings`]' kind, names that stand twice or lead nowhere, two primary repositories, a
/// repository that nothing tells how to find, cycles of `depends_on` with their path.
pub fn load_repositories(
    file: &str,
    text: &str,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<Repositories, Findings> {
    repositories::load(file, text, env)
}

/// Reads `config/models.yaml`; `file` is what findings call it.
///
/// # Errors
/// All findings: those of [`load_settings`]' kind, aliases and prices that stand twice, amounts that are none, thresholds
/// that cross. Whether the models exist, the table of prices knows.
pub fn load_models(
    file: &str,
    text: &str,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<Models, Findings> {
    models::load(file, text, env)
}

/// Reads a plan; `file` is what findings call it. Variables are left as they stand, since an agent may have written it.
///
/// # Errors
/// All findings: those of [`load_settings`]' kind, task ids that stand twice, unknown dependencies, cycles with their
/// path.
pub fn load_plan(file: &str, text: &str) -> Result<PlanFile, Findings> {
    plan::load(file, text, None)
}

/// Reads a plan over the given repositories; else as [`load_plan`].
///
/// # Errors
/// All findings: those of [`load_plan`], unknown repositories, and tasks that name none where there are several.
pub fn load_plan_over(file: &str, text: &str, repositories: &[&str]) -> Result<PlanFile, Findings> {
    plan::load(file, text, Some(repositories))
}

/// Reads any other YAML into a type of the caller's, guarded as all files are.
///
/// Give the type `#[serde(deny_unknown_fields)]`: the finding then names the nearest known key.
///
/// ```
/// #[derive(serde::Deserialize)]
/// #[serde(deny_unknown_fields)]
/// struct Step {
///     write: String,
///     #[serde(deserialize_with = "config::deserialize_duration")]
///     delay: std::time::Duration,
/// }
/// let text = "- write: a.txt\n  delay: 50ms\n- wriet: b.txt\n  delay: 1s\n";
/// let findings = config::parse_typed::<Vec<Step>>("demo.yaml", text, &|_| None).map(|_| ()).unwrap_err();
/// assert_eq!(findings.to_string(), r#"demo.yaml:3:3: [1].wriet: unknown key; did you mean "write"?"#);
/// ```
///
/// # Errors
/// All findings about the YAML itself and its variables; if there are none, the first thing that does not fit the type.
pub fn parse_typed<T: DeserializeOwned>(
    file: &str,
    text: &str,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<T, Findings> {
    let mut report = Report::new(file);
    let node = yaml::parse(text, Some(env), &mut report).filter(|_| report.is_empty());
    let value = node.and_then(|node| yaml::from_node(&node, &mut report));
    report.finish(value)
}
