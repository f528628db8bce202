//! `serve`.

use std::{net::SocketAddr, sync::Arc};

use anyhow::Result;
use facade::{
    assemble::{Follower, Nudge, Teller, Until, WebhookAddress, Webhooks},
    core_types::CancellationToken,
};

use super::dashboard::{refused, tls};
use crate::{
    args::ServeArguments,
    failure::{DONE, INTERRUPTED},
    output::{Output, error_line, one_line},
    session::Session,
    signals::stoppable,
};

/// A line of a follower is no longer.
const MAX_LINE: usize = 500;

/// `automation serve`.
pub(crate) async fn serve(session: Session, arguments: ServeArguments) -> Result<u8> {
    let output = session.output;
    let teller = Arc::new(Lines(output));
    let (nudge, stop) = (Nudge::default(), CancellationToken::new());
    let webhooks = webhooks(&session, &arguments, &nudge).await?;
    let (home, surroundings) = (session.home.clone(), session.surroundings.clone());
    let follower = Box::pin(Follower::open(home, surroundings, teller)).await?;
    let names: Vec<_> = follower.repositories().map(ToString::to_string).collect();
    output.progress(format!("following the issues of {}", names.join(", ")));
    if let Some(webhooks) = &webhooks {
        let address = webhooks.address();
        output.progress(format!("listening for webhooks on {address}"));
    }
    let until = if arguments.once {
        Until::Idle
    } else {
        Until::Stopped
    };
    let working = async {
        let listening = async {
            match &webhooks {
                Some(webhooks) => webhooks.serve(stop.clone()).await,
                None => stop.cancelled().await,
            }
        };
        let mut following = Box::pin(follower.follow(until, &nudge, &stop));
        tokio::select! {
            ended = &mut following => return ended,
            () = listening => {}
        }
        following.await
    };
    let tell = || error_line("ending: runs are being paused; once more ends at once");
    stoppable(working, &stop, tell).await?.transpose()?;
    Ok(if stop.is_cancelled() && arguments.once {
        INTERRUPTED
    } else {
        DONE
    })
}

/// The address for webhooks, where one is asked for.
async fn webhooks(
    session: &Session,
    arguments: &ServeArguments,
    nudge: &Nudge,
) -> Result<Option<WebhookAddress>> {
    let Some(port) = arguments.webhooks else {
        return Ok(None);
    };
    let (certificate, key) = (&arguments.tls_certificate, &arguments.tls_key);
    let tls = tls(session, certificate.as_deref(), key.as_deref())?;
    let webhooks = Webhooks::open(&session.home, &session.surroundings, nudge.clone()).await?;
    let address = SocketAddr::new(arguments.address, port);
    let bound = WebhookAddress::bind(address, tls, webhooks).await;
    let in_use = format!("is port {port} in use? another one: --webhooks=N");
    bound.map(Some).map_err(|error| refused(error, &in_use))
}

/// What a follower tells, as lines.
#[derive(Debug)]
struct Lines(Output);

impl Teller for Lines {
    fn tell(&self, line: &str) {
        self.0.progress(one_line(line, MAX_LINE));
    }
}
