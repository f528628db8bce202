//! The dashboard: runs as they are, in a browser.
//!
//! A [`Dashboard`] turns the views of a [`Board`](crate::fold::Board) into pages and JSON; a
//! [`Server`] serves it. Pages are made on the server, work without JavaScript, and ask nothing of
//! other hosts; a small script refreshes what has changed.
//!
//! # Example
//!
//! ```
//! use std::sync::Arc;
//!
//! use core_types::{CancellationToken, SystemClock};
//! use monitoring::{
//!     dashboard::{Access, Dashboard, Options, Secret, Server},
//!     fold::{Board, RunSource},
//!     metrics::Metrics,
//! };
//!
//! async fn serve(
//!     source: Arc<dyn RunSource>,
//!     metrics: Metrics,
//!     random: [u8; 32],
//!     stop: CancellationToken,
//! ) -> Result<(), monitoring::dashboard::Error> {
//!     let clock = Arc::new(SystemClock);
//!     let board = Arc::new(Board::new(source, clock.clone()));
//!     let access = Arc::new(Access::new(Secret::from_bytes(random)));
//!     let options = Options::default();
//!     let dashboard = Dashboard::new(board, metrics, clock, access, &options);
//!     let server = Server::bind(dashboard, &options, None).await?;
//!     // For whom it is: `http://127.0.0.1:8000/enter?code=…`
//!     let link = server.link();
//!     server.serve(stop).await;
//!     Ok(())
//! }
//! ```
//!
//! # Addresses
//!
//! | address | what |
//! |---|---|
//! | `/` | what needs a person, what runs, how it goes |
//! | `/runs/{run}`, `/runs/{run}/tasks/{task}` | a run, a task |
//! | `/history`, `/costs`, `/learning` | all runs, money, lessons |
//! | `/metrics` | for Prometheus |
//! | `/api/health` | `{status, timestamp}` |
//! | `/api/metrics/{summary,workflows,tasks,performance,costs}` | figures over all runs |
//! | `/api/runs`, `/api/runs/{run}` | all runs; one, with its tasks |
//! | `/api/runs/{run}/{timeline,graph}` | when what happened; the tasks as a layered graph |
//! | `/api/runs/{run}/tasks/{task}`, `…/explain` | a task; why it is not running |
//! | `/api/runs/{run}/log?task={task}` | lines as server-sent events, resumed by `Last-Event-ID` |
//! | `/api/events`, `/api/runs/{run}/events` | an event `changed` whenever something has changed |
//! | `/api/{overview,history,costs,learning}` | what those pages show |
//! | `POST /runs/{run}/…`, `POST /runs/{run}/tasks/{task}/…` | commands, by the forms of those pages |
//! | `/enter?code=…` | takes the code of a link once, and gives the cookie |
//! | `/assets/…` | the style, the script and the icon |
//!
//! # Guarantees
//!
//! - Only loopback addresses are listened on without TLS. Requests for other host names and from
//!   other sites' pages are refused.
//! - Everything that tells of runs, but `/metrics` and `/api/health`, needs a cookie, which a link gives
//!   once, or a bearer token. On an address that is no loopback one, those two need it, too.
//! - Commands need [`Control::Allowed`] and a form token besides.
//! - What others wrote is shown as text: no markup, terminal sequence or direction mark of it acts.
//! - Slow clients cost a bounded number of connections ([`Limits`]), each a bounded amount of memory.

mod access;
mod app;
#[cfg(test)]
mod contrast;
mod count;
mod error;
mod guard;
mod options;
mod pages;
mod parts;
mod respond;
mod routes;
mod server;
mod stream;
pub mod text;

pub use self::{
    access::{Access, Secret},
    app::Dashboard,
    error::Error,
    options::{Control, DEFAULT_PORT, Limits, Options},
    pages::report,
    server::{Door, Server, Tls},
};
