//! What stands behind `#[cached]`: the defaults of the process, and the code that the macro names.

mod defaults;
pub mod support;

pub use defaults::set_cache_defaults;
