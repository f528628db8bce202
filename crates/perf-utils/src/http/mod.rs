//! Requests to one server over a bounded number of connections.

mod base;
mod body;
mod builder;
mod classify;
mod connect;
mod connection;
mod error;
mod pool;
mod request;
mod response;
mod roster;
mod streamed;
#[cfg(test)]
mod tests;

pub use self::{
    base::keeps_secrets,
    builder::HttpConnectionPoolBuilder,
    error::{Error, Phase},
    pool::{ConnectionPoolStats, HttpConnectionPool},
    request::RequestBuilder,
    response::Response,
    streamed::{StreamedBody, StreamedResponse},
};
pub use ::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
