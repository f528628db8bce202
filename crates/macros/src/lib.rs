//! The attribute macros of the engine; use them through the crates that re-export them.
//!
//! | attribute | written as | what it is for |
//! |---|---|---|
//! | [`macro@cached`] | `perf_utils::cached` | keeps what an async function returns |
//!
//! The code that an attribute writes names only items of the crate that re-exports it, and only
//! those of that crate's hidden module `support`. What an attribute cannot serve is a compile error
//! at the place that it cannot serve, with a sentence that says what to do instead.

mod cached;

use proc_macro::TokenStream;

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
