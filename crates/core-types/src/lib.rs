//! Ids, domain values, events, error classes and ports of the automation engine.
