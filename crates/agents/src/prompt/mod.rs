//! Prompts, rendered from the templates in the folder `prompts`.
//!
//! Text that people, agents or repositories wrote is put between fences that
//! it cannot close: their mark is derived from the text's own digest and does
//! not occur in it. Substituted text is never expanded again.

mod fence;
mod template;
#[cfg(test)]
mod tests;

pub use template::render;
pub(crate) use template::render_for_words;
