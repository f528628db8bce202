//! Where the dashboard listens, and what it lets through.

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

/// The port of the dashboard where none is given, as in the seed's scrape configuration.
pub const DEFAULT_PORT: u16 = 8000;

/// Whether a browser may do more than look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Control {
    /// Pages show what is; commands are refused.
    #[default]
    ReadOnly,
    /// Pages have buttons that approve, answer, retry, skip, cancel and raise budgets.
    Allowed,
}

/// How the dashboard is served.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where to listen. Default: `127.0.0.1:8000`. Port 0 takes any free one. An address that is
    /// not a loopback one is refused without a [`Tls`](super::Tls).
    pub address: SocketAddr,
    /// Default: read-only.
    pub control: Control,
    /// Further host names under which browsers may call us, without port. Default: none;
    /// `localhost` and the loopback addresses always may.
    pub hosts: Vec<String>,
    /// Bounds against slow, greedy and hostile clients.
    pub limits: Limits,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, DEFAULT_PORT)),
            control: Control::default(),
            hosts: Vec::new(),
            limits: Limits::default(),
        }
    }
}

/// Bounds against slow, greedy and hostile clients. What is over one costs its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Connections at a time; the next is closed at once. Default: 2048.
    pub connections: usize,
    /// Connections that wait: no whole request yet, or idle between two. Over it the one that has
    /// waited longest is closed, so that slow clients cannot keep out a prompt one. Default: 512.
    pub waiting: usize,
    /// Streams of events and log lines at a time; the next is answered with 503. Default: 1024.
    pub streams: usize,
    /// For the whole head of a request, and for an idle connection. Default: 10 s.
    pub head_time: Duration,
    /// For reading a request's body and making its answer. Default: 30 s.
    pub request_time: Duration,
    /// How long a client may take for an answer, or for a piece of a stream. Default: 60 s.
    pub answer_time: Duration,
    /// Of a request's head, at least 8 KiB. Default: 16 KiB, in at most 64 fields.
    pub head_bytes: usize,
    /// Of a request's body. Default: 64 KiB.
    pub body_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 2048,
            waiting: 512,
            streams: 1024,
            head_time: Duration::from_secs(10),
            request_time: Duration::from_secs(30),
            answer_time: Duration::from_secs(60),
            head_bytes: 16 * 1024,
            body_bytes: 64 * 1024,
        }
    }
}
