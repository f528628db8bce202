//! Property tests of budgets and breakers.
