//! Issues on forges, followed: whoever may write starts runs, approves and answers there.
//!
//! A [`Follower`] looks at the issues of all repositories on forges, again and again. One that a person
//! with the right to write has labelled becomes a run; where the run stands shows in the labels
//! and in one comment, which is edited in place; what such people say in comments goes to the run.
//! [`Webhooks`] only make it look at once: nothing that a delivery says is believed.
//!
//! # What survives a kill
//!
//! The name of a run comes from the label that asked for it, so that it is begun once. A comment is
//! noted before and after it is made, and carries a mark. What somebody has said is noted before the
//! run is told and after the run has heard it. Labels are compared with what they should be each time.

#[cfg(feature = "serve")]
mod address;
mod asked;
mod comment;
mod follower;
mod hearing;
mod memory;
mod phase;
mod said;
mod seen;
mod showing;
mod webhooks;

#[cfg(feature = "serve")]
pub use address::WebhookAddress;
pub use follower::{Follower, Nudge, Teller, Until};
pub use webhooks::{Received, Webhooks};
