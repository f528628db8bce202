//! The public API.

#[cfg(all(feature = "dashboard", feature = "testkit"))]
mod dashboard_client;
#[cfg(all(feature = "dashboard", feature = "testkit"))]
mod dashboard_guard;
#[cfg(all(feature = "dashboard", feature = "testkit"))]
mod dashboard_limits;
#[cfg(all(feature = "dashboard", feature = "testkit"))]
mod dashboard_live;
#[cfg(all(feature = "dashboard", feature = "testkit"))]
mod dashboard_pages;
