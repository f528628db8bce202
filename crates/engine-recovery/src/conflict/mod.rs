//! Settling the conflicts of a merge.
//!
//! In this order: the merge is made again, since the conflict may be gone; each
//! hunk is looked up in the memory of how hunks were settled before; the agent
//! decides, hunk by hunk, with the base, both sides and the purposes of both.
//! What comes of it is accepted if no marker is left, no work of either side is
//! lost ([`check`]) and the repository's tests pass on the merge commit. What
//! has no lines to decide, or too many, is left to a person.

mod align;
mod check;
mod memory;
mod pieces;
mod strategy;
#[cfg(test)]
mod tests;
mod verify;
mod words;
mod work;

pub use strategy::ConflictResolutionStrategy;
