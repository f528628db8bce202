//! Folds of a run's events: what every page, endpoint and report shows.
