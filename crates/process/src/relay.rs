//! Servers of this machine in the network of a program's own.

use std::convert::Infallible;
use std::future;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, TcpListener as Listener};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use rustix::net::sockopt::set_socket_linger;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// Connections of one program at once, idle ones included: an agent has a few, and each takes two of our open files.
/// Further ones wait.
const CONNECTIONS: usize = 64;

/// How long a server of this machine may take to accept a connection.
const DIAL_TIME: Duration = Duration::from_secs(10);

/// How long accepting pauses when the system has no more file descriptors.
const BREATHER: Duration = Duration::from_millis(20);

/// Carries each connection to a listener in a network namespace over to the same port of this machine's loopback.
///
/// Dropped, it ends with all connections.
#[derive(Debug)]
pub(crate) struct Relay {
    listeners: Vec<TcpListener>,
}

impl Relay {
    /// Of listeners that do not block.
    pub(crate) fn new(listeners: Vec<OwnedFd>) -> io::Result<Self> {
        let listeners = listeners.into_iter();
        let listeners = listeners.map(|it| TcpListener::from_std(Listener::from(it)));
        Ok(Self {
            listeners: listeners.collect::<Result<_, _>>()?,
        })
    }

    /// Does so, and never ends.
    pub(crate) async fn run(self) -> Infallible {
        let slots = Arc::new(Semaphore::new(CONNECTIONS));
        let mut doors = JoinSet::new();
        for listener in self.listeners {
            if let Ok(address) = listener.local_addr() {
                doors.spawn(keep_door(listener, address.port(), Arc::clone(&slots)));
            }
        }
        // Doors do not end by themselves.
        while doors.join_next().await.is_some() {}
        future::pending().await
    }
}

async fn keep_door(listener: TcpListener, port: u16, slots: Arc<Semaphore>) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            Some(_) = connections.join_next(), if !connections.is_empty() => continue,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, _)) = accepted else {
            sleep(BREATHER).await;
            continue;
        };
        // Never closed.
        let slot = Arc::clone(&slots).acquire_owned().await;
        connections.spawn(async move {
            carry(stream, port).await;
            drop(slot);
        });
    }
}

/// One connection, until both sides have said all, or one of them breaks off.
async fn carry(mut inside: TcpStream, port: u16) {
    let Ok(mut outside) = dial(port).await else {
        return reset(&inside);
    };
    for stream in [&inside, &outside] {
        // A refusal costs latency, never correctness.
        stream.set_nodelay(true).ok();
    }
    if copy_bidirectional(&mut inside, &mut outside).await.is_err() {
        reset(&inside);
        reset(&outside);
    }
}

/// `localhost` may be either.
async fn dial(port: u16) -> io::Result<TcpStream> {
    let dialed = async {
        match TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await {
            Ok(stream) => Ok(stream),
            Err(_) => TcpStream::connect((Ipv6Addr::LOCALHOST, port)).await,
        }
    };
    let dialed = timeout(DIAL_TIME, dialed).await;
    dialed.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

/// Makes its end an error for the other side: a regular one would make an answer that was cut off look whole.
fn reset(stream: &TcpStream) {
    // What cannot be set ends all the same.
    set_socket_linger(stream, Some(Duration::ZERO)).ok();
}
