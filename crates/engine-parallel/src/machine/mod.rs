//! The decisions, without IO: events in, actions out.
//!
//! A [`Machine`] knows tasks by number, never what they compute nor what time it is. The
//! executor performs its actions on tokio, [`simulate`] performs them on a pretended clock, and the
//! tests perform them in every order they can think of.

mod queue;
mod simulate;
mod state;
#[cfg(test)]
mod tests;

pub(crate) use self::{
    simulate::simulate,
    state::{Action, Ending, Event, Limits, Machine, Spec},
};
