//! In-memory implementations of ports.

mod checkpoints;
mod clock;
mod events;
mod forge;
mod inbox;
mod plan_state;
mod step_log;

pub use checkpoints::MemoryCheckpoints;
pub use clock::FixedClock;
pub use events::MemoryEvents;
pub use forge::MemoryForge;
pub use inbox::MemoryInbox;
pub use plan_state::MemoryPlanState;
pub use step_log::MemoryStepLog;

/// Locks a fake's state; a test that panicked while holding it has failed anyway.
fn lock<T>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}
