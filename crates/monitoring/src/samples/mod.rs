//! Made-up runs, for tests, measurements and pictures of who shows them.
//!
//! What happens in them follows from their description alone, so that two builds of one sample are
//! the same. They are written as events, as an engine would have: what is shown of them is folded
//! from those.

mod course;
mod ending;
mod gallery;
#[cfg(test)]
mod tests;

pub use self::{
    course::{Ends, Made, Sample, TaskPlan},
    gallery::{Size, gallery, hero_plan, layered_plan},
};
