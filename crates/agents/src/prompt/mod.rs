//! Prompts, rendered from the templates in the folder `prompts`, or from those that take their place ([`Prompts`]).
//!
//! Text that people, agents or repositories wrote is put between fences that
//! it cannot close: their mark is derived from the text's own digest and does
//! not occur in it. Substituted text is never expanded again.

mod fence;
mod template;
mod templates;
#[cfg(test)]
mod tests;

use core_types::AgentRequest;

pub use templates::{Prompts, Template};

/// The prompt for a request by the crate's templates.
#[must_use]
pub fn render(request: &AgentRequest) -> String {
    Prompts::default().render(request)
}
