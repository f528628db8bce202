//! Exit codes and signals.

use core_types::Exit;
pub use core_types::ExitCodes as Program;

use super::{Classified, Remedy};

/// The class is what core-types says of the exit; what answers it is decided here.
pub(super) fn classify(exit: Exit, program: Program) -> Classified {
    let classified = Classified::sure(exit.class(program));
    match (classified.class, exit.signal()) {
        // A child that the kernel ended, or that broke for want of memory, is no reason to pause.
        (core_types::ErrorClass::ResourceExhausted, Some(7 | 9 | 11)) => {
            classified.with(Remedy::RetryOnceWithLess)
        }
        _ => classified,
    }
}
