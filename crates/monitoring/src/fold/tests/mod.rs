mod board;
mod explain;
mod figures;
mod graph;
mod history;
mod metrics;
mod oracle;
