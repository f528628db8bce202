//! The public API of engine-recovery.
