//! What a monitor reads of a home: its runs, what agents said, what was spent and learnt.
//!
//! [`HomeSource`] implements [`RunSource`](monitoring::fold::RunSource): a
//! [`Board`](monitoring::fold::Board) over it shows the runs of a home, from any process. It takes no
//! lock and writes nothing, but for a person's commands.

mod log;
mod scrubbed;
mod source;
mod summaries;

pub use log::{Printed, printed};
pub use source::HomeSource;
pub(crate) use summaries::keep;
