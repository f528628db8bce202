//! Failing tests: reading what failed, fixing it, and judging the fix.

pub mod integrity;
