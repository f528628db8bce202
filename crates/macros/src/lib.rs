//! The attribute macros of the engine; use them through the crates that re-export them.
//!
//! | attribute | written as | what it is for |
//! |---|---|---|
//! | [`macro@cached`] | `perf_utils::cached` | keeps what an async function returns |
//! | [`macro@measure_duration`] | `monitoring::metrics::measure_duration` | counts ends and times of a stage |
//! | [`macro@measure_api_call`] | `monitoring::metrics::measure_api_call` | counts ends and times of a call |
//! | [`macro@measure_task`] | `monitoring::metrics::measure_task` | counts ends and times of a task |
//!
//! The code that an attribute writes names only items of the crate that re-exports it, and only
//! those of that crate's hidden module `support`. What an attribute cannot serve is a compile error
//! at the place that it cannot serve, with a sentence that says what to do instead.

mod cached;
mod measure;

use proc_macro::TokenStream;

use measure::Measure;

/// Keeps what a free async function returns, by its arguments.
///
/// Use it as `perf_utils::cached`; model, guarantees and limits stand on that crate's page.
///
/// # Options
///
/// All are optional; what is not given comes from `perf_utils::set_cache_defaults`.
///
/// | option | meaning |
/// |---|---|
/// | `ttl_seconds = 600` | how long a value is served, from 1 |
/// | `max_size = 1000` | how many values are kept, from 1 |
/// | `negative_ttl_seconds = 5` | also keeps an `Err`, so long; its type is `Clone` |
/// | `crate = facade::perf_utils` | where `perf_utils` is found, if not at `::perf_utils` |
#[proc_macro_attribute]
pub fn cached(options: TokenStream, function: TokenStream) -> TokenStream {
    cached::expand(options.into(), function.into())
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}

/// Counts how an async function that is a stage ends, and observes how long it takes.
///
/// `#[measure_duration("planning")]` counts in `automation_workflow_executions_total` and
/// `automation_workflow_duration_seconds`. An `Err` and a panic count as `failed`, everything else that
/// is returned as `success`; a call that is dropped counts as nothing. Functions and methods may be
/// generic. Use it as `monitoring::metrics::measure_duration`.
///
/// # Options
///
/// | option | meaning |
/// |---|---|
/// | `"planning"` | the stage; first, and required |
/// | `crate = facade::monitoring` | where `monitoring` is found, if not at `::monitoring` |
#[proc_macro_attribute]
pub fn measure_duration(options: TokenStream, function: TokenStream) -> TokenStream {
    measure(Measure::Duration, options, function)
}

/// Counts how an async function that calls a service ends, and observes how long it takes.
///
/// `#[measure_api_call("gitea", "create_issue")]` counts in `automation_api_calls_total` and
/// `automation_api_call_duration_seconds`, as provider and method. Otherwise as
/// [`macro@measure_duration`].
#[proc_macro_attribute]
pub fn measure_api_call(options: TokenStream, function: TokenStream) -> TokenStream {
    measure(Measure::ApiCall, options, function)
}

/// Counts how an async function that does a task ends, and observes how long it takes.
///
/// `#[measure_task("feature")]` counts in `automation_task_executions_total` and
/// `automation_task_duration_seconds`, as type of task. Otherwise as [`macro@measure_duration`].
#[proc_macro_attribute]
pub fn measure_task(options: TokenStream, function: TokenStream) -> TokenStream {
    measure(Measure::Task, options, function)
}

fn measure(what: Measure, options: TokenStream, function: TokenStream) -> TokenStream {
    measure::expand(what, options.into(), function.into())
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}
