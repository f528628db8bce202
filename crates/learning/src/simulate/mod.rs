//! Worlds in which it is known what helps, to see what the rules of this crate make of them.
//!
//! Everything but the disk is real: each task is drawn for, recorded and folded as in a run. Twenty lessons are
//! on trial: three help by nine points, two harm by as much, the others do nothing. A task's success depends on its
//! kind and its complexity, which are known, and on a difficulty that nobody sees.
//!
//! ```
//! use learning::simulate::{Setup, World, simulate};
//!
//! let learnt = simulate(&Setup::new(World::AllNull, 300, 7))?;
//! assert_eq!(learnt.helpful, 0);
//! # Ok::<(), learning::Error>(())
//! ```

mod run;
mod world;

pub use run::{Learnt, Setup, simulate};
pub use world::World;
