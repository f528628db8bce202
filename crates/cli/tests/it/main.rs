//! The program as people use it: the real binary over real repositories.

#![cfg(target_os = "linux")]

mod agents;
mod agreement;
mod collecting;
mod costs;
mod forges;
mod gates;
mod gateway;
mod handoff;
mod hostile;
mod landing;
mod learning;
mod models;
mod monitoring;
mod outputs;
mod pauses;
mod place;
mod proposals;
mod refusals;
mod reload;
mod retries;
mod secrets;
mod serve;
mod serve_trust;
mod setup;
mod work;
