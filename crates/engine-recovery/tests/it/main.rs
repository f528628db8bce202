//! The public API of engine-recovery.

mod test_fix_cases;
mod test_fix_integrity;
