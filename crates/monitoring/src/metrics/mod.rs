//! Counters, gauges and histograms, and how Prometheus gets them.
