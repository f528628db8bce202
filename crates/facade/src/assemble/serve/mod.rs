//! Issues on forges, followed: a [`Follower`] looks at them, decides from what it reads, and shows where runs
//! stand. [`Webhooks`] only make it look at once: nothing that a delivery says is believed.

#[cfg(feature = "serve")]
mod address;
mod asked;
mod comment;
mod follower;
mod hearing;
mod memory;
mod phase;
mod rights;
mod said;
mod seen;
mod showing;
mod watch;
mod webhooks;

#[cfg(feature = "serve")]
pub use address::WebhookAddress;
pub use follower::{Follower, Nudge, Teller, Until};
pub use webhooks::{Received, Webhooks};
