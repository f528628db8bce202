//! `serve`.

use std::sync::Arc;

use anyhow::{Context, Result};
use facade::{
    assemble::{Follower, Nudge, Teller, Until},
    core_types::CancellationToken,
};
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    args::ServeArguments,
    failure::{DONE, INTERRUPTED},
    output::{Output, error_line, one_line},
    session::Session,
};

/// A line of a follower is no longer.
const MAX_LINE: usize = 500;

/// `automation serve`.
pub(crate) async fn serve(session: Session, arguments: ServeArguments) -> Result<u8> {
    let output = session.output;
    let teller = Arc::new(Lines(output));
    let (home, surroundings) = (session.home.clone(), session.surroundings.clone());
    let follower = Box::pin(Follower::open(home, surroundings, teller)).await?;
    let names: Vec<_> = follower.repositories().map(ToString::to_string).collect();
    output.progress(format!("following the issues of {}", names.join(", ")));
    let until = if arguments.once {
        Until::Idle
    } else {
        Until::Stopped
    };
    let (nudge, stop) = (Nudge::default(), CancellationToken::new());
    let following = Box::pin(follower.follow(until, &nudge, &stop));
    let ended = stopping(following, &stop).await?;
    ended.transpose()?;
    Ok(if stop.is_cancelled() && arguments.once {
        INTERRUPTED
    } else {
        DONE
    })
}

/// Works until its end. The first signal stops it, the second at once (`None`).
async fn stopping<T>(
    working: impl Future<Output = T>,
    stop: &CancellationToken,
) -> Result<Option<T>> {
    let mut working = std::pin::pin!(working);
    let listen = |kind| signal(kind).context("signals cannot be heard");
    let (mut interrupt, mut terminate) = (
        listen(SignalKind::interrupt())?,
        listen(SignalKind::terminate())?,
    );
    loop {
        tokio::select! {
            ended = &mut working => return Ok(Some(ended)),
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        if stop.is_cancelled() {
            return Ok(None);
        }
        error_line("ending: runs are being paused; once more ends at once");
        stop.cancel();
    }
}

/// What a follower tells, as lines.
#[derive(Debug)]
struct Lines(Output);

impl Teller for Lines {
    fn tell(&self, line: &str) {
        self.0.progress(one_line(line, MAX_LINE));
    }
}
