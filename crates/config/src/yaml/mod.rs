//! The only place that knows YAML: guarded text in, a tree in which every key and value knows its place out.
//!
//! One parser reads everything, so that no two can disagree about a file. It takes the part of YAML that
//! configuration needs: no anchors, aliases, tags, merge keys or second documents, and no key twice.

mod de;
mod guard;
mod node;
mod parse;
mod variable;
mod write;

#[cfg(test)]
pub(crate) mod tests;

pub(crate) use de::from_node;
pub(crate) use guard::text_of;
pub(crate) use node::{Entry, Node, Resolved, Scalar, Style, Value, resolve};
pub(crate) use parse::{join, parse};
pub(crate) use variable::{Lookup, names_variable};
pub(crate) use write::{block, comment, quoted, scalar};
