//! An agent's stream of events, read from the file that its output goes to.

use std::{
    future::Future,
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    time::Duration,
};

use core_types::{CancellationToken, Grant, PortError, Usd};
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::{kind::Program, told::Told};
use crate::{
    command::on_disk_thread,
    exchange::{Opened, append_plain, open_plain},
    gateway::Session,
};

/// How often the file is looked at.
const EVERY: Duration = Duration::from_millis(200);

/// How much of the file one look reads.
const LOOK_BYTES: u64 = 1024 * 1024;

/// How long an event may be; a longer one is passed over.
const LINE_BYTES: usize = 8 * 1024 * 1024;

/// Why an agent is ended before its end.
#[derive(Debug)]
pub(super) enum Ended {
    /// No more may be spent.
    Refused(PortError),
    /// It said nothing for so long.
    Silent(Duration),
}

#[derive(Debug)]
pub(super) struct Stream {
    program: Program,
    events: PathBuf,
    transcript: PathBuf,
    grant: Option<Grant>,
    offset: u64,
    /// The start of an event whose end is not written yet.
    rest: Vec<u8>,
    pub(super) told: Told,
}

impl Stream {
    pub(super) fn new(
        program: Program,
        events: PathBuf,
        transcript: PathBuf,
        grant: Option<Grant>,
    ) -> Self {
        Self {
            program,
            events,
            transcript,
            grant,
            offset: 0,
            rest: Vec::new(),
            told: Told::default(),
        }
    }

    /// Drives `work` to its end; ends it by `stop` once what was spent may not be, or nothing was said
    /// for `silence`, and says so. What a gateway counts, its `session` says.
    pub(super) async fn watch<T>(
        &mut self,
        work: impl Future<Output = T>,
        silence: Duration,
        stop: &CancellationToken,
        session: Option<&Session>,
    ) -> (T, Option<Ended>) {
        let mut work = std::pin::pin!(work);
        let mut looks = interval_at(Instant::now() + EVERY, EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut ended, mut heard) = (None, Instant::now());
        let done = loop {
            tokio::select! {
                done = &mut work => break done,
                _ = looks.tick(), if ended.is_none() => {}
            }
            if self.look().await {
                heard = Instant::now();
            } else if heard.elapsed() >= silence {
                ended = Some(Ended::Silent(silence));
            }
            let refusal = match session {
                Some(session) => session.take_refusal(),
                None => self.allowed().await.err(),
            };
            if let Some(refusal) = refusal {
                ended = Some(Ended::Refused(refusal));
            }
            if ended.is_some() {
                stop.cancel();
            }
        };
        while self.look().await {}
        let rest = std::mem::take(&mut self.rest);
        self.take(&[rest]).await;
        (done, ended)
    }

    /// What is known to be spent so far.
    pub(super) fn cost(&self) -> Option<Usd> {
        let priced = || {
            let meter = self.grant.as_ref().map(|grant| &grant.meter)?;
            meter.price(&self.told.model, &self.told.usage)
        };
        self.told.cost.or_else(priced)
    }

    async fn allowed(&self) -> Result<(), PortError> {
        match (&self.grant, self.cost()) {
            (Some(grant), Some(cost)) if cost > grant.amount => grant.meter.allow(cost).await,
            _ => Ok(()),
        }
    }

    /// Takes in what was added; returns whether there was any.
    async fn look(&mut self) -> bool {
        let (path, offset) = (self.events.clone(), self.offset);
        let read = on_disk_thread("read the events", move || read_from(&path, offset)).await;
        let bytes = read.unwrap_or_default();
        self.offset += bytes.len() as u64;
        self.rest.extend_from_slice(&bytes);
        let rest = std::mem::take(&mut self.rest);
        let mut lines = rest.split(|byte| *byte == b'\n');
        let unfinished = lines.next_back().unwrap_or_default();
        self.rest = match unfinished.len() {
            0..=LINE_BYTES => unfinished.to_vec(),
            // Its end, once it comes, is no event either.
            _ => Vec::new(),
        };
        let lines: Vec<_> = lines.map(<[u8]>::to_vec).collect();
        self.take(&lines).await;
        !bytes.is_empty()
    }

    async fn take(&mut self, lines: &[Vec<u8>]) {
        let mut shown = String::new();
        for line in lines.iter().map(|line| line.trim_ascii()) {
            match serde_json::from_slice(line) {
                Ok(event) => {
                    for line in self.program.take(&mut self.told, &event) {
                        shown.push_str(line.trim_end());
                        shown.push('\n');
                    }
                }
                Err(_) if line.is_empty() => {}
                // What is no event may say what is wrong.
                Err(_) => {
                    shown.push_str(&String::from_utf8_lossy(line));
                    shown.push('\n');
                }
            }
        }
        if shown.is_empty() {
            return;
        }
        let path = self.transcript.clone();
        let written =
            on_disk_thread("write the transcript", move || append_plain(&path, &shown)).await;
        // The work counts more than what is shown of it.
        drop(written);
    }
}

fn read_from(path: &Path, offset: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Opened::Plain(mut file) = open_plain(path)? {
        file.seek(SeekFrom::Start(offset))?;
        file.take(LOOK_BYTES).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}
