//! The tables. A default stands either in the embedded file (`Absent::Default`) or here (`Absent::Is`), never in both.

use std::time::Duration;

use super::Shape;

mod automation;
mod following;
mod plan;
mod repositories;

pub(crate) use automation::AUTOMATION;
pub(crate) use following::LABELS;
pub(crate) use plan::PLAN;
pub(crate) use repositories::{REPOSITORIES, REPOSITORY};

const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;
const MIB: u64 = 1 << 20;

/// A week is longer than anything that should still be waited for; a larger number is a slip.
const TIMEOUT: Shape = Shape::Duration {
    min: Duration::from_millis(1),
    max: Duration::from_secs(7 * DAY),
    or: None,
};
const IDS: Shape = Shape::List(&Shape::Id);
