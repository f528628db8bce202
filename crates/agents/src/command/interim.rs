//! What an agent says that it spends, while it works.

use std::{
    future::Future,
    io::{self, Read, Seek, SeekFrom},
    path::PathBuf,
    time::Duration,
};

use core_types::{CancellationToken, Grant, PortError, Spent, TokenUsage, Usd};
use serde::Deserialize;

use super::agent::on_disk_thread;
use crate::{
    exchange::{Opened, open_plain},
    gateway::Session,
};

/// How often the file is looked at.
const EVERY: Duration = Duration::from_millis(200);

/// How much of the file one look reads.
const LOOK_BYTES: u64 = 1024 * 1024;

/// How often the file is read after the end: what an agent has written beyond counts as unknown.
const LAST_LOOKS: u32 = 16;

/// How long a line may be.
const LINE_BYTES: usize = 64 * 1024;

/// One line of `AUTOMATION_USAGE_FILE`: what was spent since the line before.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UsageLine {
    #[serde(default)]
    usage: TokenUsage,
    cost: Option<Usd>,
    #[serde(default)]
    model: String,
}

/// The file of an agent, and the sum of its lines so far.
#[derive(Debug)]
pub(super) struct Interim {
    path: PathBuf,
    grant: Option<Grant>,
    offset: u64,
    /// The start of a line whose end is not written yet.
    rest: Vec<u8>,
    usage: TokenUsage,
    cost: Usd,
    model: String,
    /// Whether some line's cost nobody knows.
    is_unknown: bool,
    has_lines: bool,
}

impl Interim {
    pub(super) fn new(path: PathBuf, grant: Option<Grant>) -> Self {
        Self {
            path,
            grant,
            offset: 0,
            rest: Vec::new(),
            usage: TokenUsage::default(),
            cost: Usd::ZERO,
            model: String::new(),
            is_unknown: false,
            has_lines: false,
        }
    }

    /// Drives `work` to its end, and ends it by `stop` once what the agent has reported may not be
    /// spent, or its gateway has refused to spend more; then says why.
    pub(super) async fn watch<T>(
        &mut self,
        work: impl Future<Output = T>,
        stop: &CancellationToken,
        session: Option<&Session>,
    ) -> (T, Option<PortError>) {
        let mut work = std::pin::pin!(work);
        let mut looks = tokio::time::interval_at(tokio::time::Instant::now() + EVERY, EVERY);
        looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut refused = None;
        let done = loop {
            tokio::select! {
                done = &mut work => break done,
                _ = looks.tick(), if refused.is_none() => {}
            }
            // The work goes on meanwhile in its own process; its end waits a moment for this look.
            self.look().await;
            let allowed = match session.and_then(Session::take_refusal) {
                Some(refusal) => Err(refusal),
                None => self.allowed().await,
            };
            if let Err(refusal) = allowed {
                stop.cancel();
                refused = Some(refusal);
            }
        };
        for _ in 0..LAST_LOOKS {
            if !self.look().await {
                break;
            }
        }
        self.finish();
        (done, refused)
    }

    /// What the lines come to; `None` where there are none.
    pub(super) fn spent(&self) -> Option<Spent> {
        let granted = self.grant.as_ref().map(|grant| grant.amount);
        // Where a part is not known, what is known counts only once it is above what was set aside.
        let is_known = !self.is_unknown || granted.is_some_and(|granted| self.cost > granted);
        self.has_lines.then(|| Spent {
            usage: self.usage,
            cost: is_known.then_some(self.cost),
            model: self.model.clone(),
            is_failure: false,
        })
    }

    async fn allowed(&self) -> Result<(), PortError> {
        match &self.grant {
            Some(grant) if self.cost > grant.amount => grant.meter.allow(self.cost).await,
            Some(_) | None => Ok(()),
        }
    }

    /// Takes in what was added; returns whether there was any. What cannot be read is not known.
    async fn look(&mut self) -> bool {
        let (path, offset) = (self.path.clone(), self.offset);
        let read = on_disk_thread("read the usage", move || read_from(&path, offset)).await;
        let Ok(bytes) = read else {
            (self.has_lines, self.is_unknown) = (true, true);
            return false;
        };
        self.offset += bytes.len() as u64;
        self.rest.extend_from_slice(&bytes);
        let rest = std::mem::take(&mut self.rest);
        let mut lines = rest.split(|byte| *byte == b'\n');
        let unfinished = lines.next_back().unwrap_or_default();
        lines.for_each(|line| self.take(line));
        if unfinished.len() > LINE_BYTES {
            (self.has_lines, self.is_unknown) = (true, true);
        } else {
            self.rest = unfinished.to_vec();
        }
        !bytes.is_empty()
    }

    /// The last line may lack its end.
    fn finish(&mut self) {
        let rest = std::mem::take(&mut self.rest);
        self.take(&rest);
    }

    fn take(&mut self, line: &[u8]) {
        if line.trim_ascii().is_empty() {
            return;
        }
        self.has_lines = true;
        let Ok(line) = serde_json::from_slice::<UsageLine>(line) else {
            self.is_unknown = true;
            return;
        };
        if !line.model.is_empty() {
            self.model = line.model;
        }
        self.usage = self.usage.plus(&line.usage);
        let meter = self.grant.as_ref().map(|grant| &grant.meter);
        let priced = || meter.and_then(|meter| meter.price(&self.model, &line.usage));
        match line.cost.or_else(priced) {
            Some(cost) => self.cost = self.cost.saturating_add(cost),
            None => self.is_unknown = true,
        }
    }
}

fn read_from(path: &std::path::Path, offset: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Opened::Plain(mut file) = open_plain(path)? {
        file.seek(SeekFrom::Start(offset))?;
        file.take(LOOK_BYTES).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}
