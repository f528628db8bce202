//! Ctrl-C and SIGTERM.

use std::future::Future;
use std::pin::pin;

use anyhow::{Context, Result};
use facade::core_types::CancellationToken;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Those that ask the program to end, from now on heard here alone.
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    pub(crate) fn listen() -> Result<Self> {
        let listen = |kind| signal(kind).context("signals cannot be heard");
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
        })
    }

    /// The next one.
    ///
    /// # Cancel safety
    ///
    /// Dropping it loses no signal.
    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Works until its end. The first signal is told to the work by `stop` and to the user by `tell`; the second
/// ends it at once (`None`).
pub(crate) async fn stoppable<T>(
    working: impl Future<Output = T>,
    stop: &CancellationToken,
    tell: impl Fn(),
) -> Result<Option<T>> {
    let mut working = pin!(working);
    let mut signals = Signals::listen()?;
    loop {
        tokio::select! {
            ended = &mut working => return Ok(Some(ended)),
            () = signals.next() => {}
        }
        if stop.is_cancelled() {
            return Ok(None);
        }
        tell();
        stop.cancel();
    }
}
