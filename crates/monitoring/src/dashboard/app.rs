//! What all routes share.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    sync::{Arc, OnceLock},
    time::Duration,
};

use axum::{
    Router,
    http::{HeaderMap, header},
};
use core_types::{Clock, RunId, Timestamp};
use tokio::{
    sync::{Semaphore, broadcast::error::TryRecvError, watch},
    time::{Instant, sleep},
};

use super::{Access, Control, Limits, Options, count::Counting, guard, pages, routes};
use crate::{fold::Board, metrics::Metrics};

/// How often runs are looked at for what has come since; what came within is told at once.
const LOOK: Duration = Duration::from_millis(100);

/// When a run that could not be counted is tried again, though nothing of it has changed.
const COUNT_AGAIN: Duration = Duration::from_secs(10);

/// How many views are made at a time: one that waits for git or a disk does not keep out the others,
/// and a crowd of browsers does not take a machine from its runs.
const VIEWS: usize = 4;

/// How long a scrape waits at most; Prometheus gives up after 10 seconds by default.
const COUNT_TIME: Duration = Duration::from_secs(8);

/// The pages and endpoints over the runs of a [`Board`].
#[derive(Debug, Clone)]
pub struct Dashboard(Arc<App>);

impl Dashboard {
    /// A dashboard over `board`, with `metrics` at `/metrics`. Whoever has a cookie or link of
    /// `access` may look.
    #[must_use]
    pub fn new(
        board: Arc<Board>,
        metrics: Metrics,
        clock: Arc<dyn Clock>,
        access: Arc<Access>,
        options: &Options,
    ) -> Self {
        Self(Arc::new(App {
            board,
            metrics,
            clock,
            access,
            control: options.control,
            hosts: options
                .hosts
                .iter()
                .map(|host| host.to_ascii_lowercase())
                .collect(),
            open_probes: options.address.ip().is_loopback(),
            limits: options.limits,
            streams: Arc::new(Semaphore::new(options.limits.streams)),
            views: Arc::new(Semaphore::new(VIEWS)),
            changes: watch::Sender::default(),
            reach: OnceLock::new(),
            counted: watch::Sender::default(),
        }))
    }

    /// All routes, guarded, to be mounted in a server of one's own: it must bound connections and
    /// times, as [`Server`](super::Server) does. [`keep_current`](Self::keep_current) must run
    /// beside it.
    pub fn router(&self) -> Router {
        routes::router(&self.0)
    }

    /// Reads what has come ten times a second, counts it for `/metrics` and tells open pages.
    ///
    /// # Cancel safety
    ///
    /// Dropped, pages show what was read last.
    pub async fn keep_current(&self) {
        let mut news = self.0.board.subscribe();
        let mut counting = Counting::into(self.0.metrics.clone());
        // What somebody else has read of the board already is to be counted, too.
        let mut changed: BTreeSet<RunId> = self
            .0
            .board
            .summaries()
            .into_iter()
            .map(|it| it.run)
            .collect();
        // What could not be read, and when.
        let mut uncounted: BTreeMap<RunId, Instant> = BTreeMap::new();
        loop {
            // A source that cannot be read now may be read later; pages say it where it matters.
            let is_read = self.0.board.refresh().await.is_ok();
            let mut has_missed = false;
            loop {
                match news.try_recv() {
                    Ok(change) => {
                        changed.insert(change.run);
                    }
                    Err(TryRecvError::Lagged(_)) => has_missed = true,
                    Err(TryRecvError::Empty | TryRecvError::Closed) => break,
                }
            }
            if has_missed {
                changed.extend(self.0.board.summaries().into_iter().map(|it| it.run));
            }
            let rested = uncounted
                .iter()
                .filter(|(_, tried)| tried.elapsed() >= COUNT_AGAIN);
            let again: BTreeSet<_> = rested
                .map(|(run, _)| run)
                .chain(&changed)
                .cloned()
                .collect();
            for run in again {
                match counting.take(self.0.board.source().as_ref(), &run).await {
                    Ok(()) => uncounted.remove(&run),
                    Err(_) => uncounted.insert(run, Instant::now()),
                };
            }
            if is_read {
                self.0.counted.send_replace(true);
            }
            if !changed.is_empty() {
                self.0.changes.send_modify(|changes| {
                    changes.number += 1;
                    let number = changes.number;
                    let changed = std::mem::take(&mut changed);
                    changes
                        .of_run
                        .extend(changed.into_iter().map(|run| (run, number)));
                });
            }
            sleep(LOOK).await;
        }
    }

    /// Where it can be reached, for its link and its cookie.
    pub(super) fn link(&self, address: SocketAddr, is_encrypted: bool) -> String {
        let reach = Reach {
            address,
            is_encrypted,
        };
        let reach = self.0.reach.get_or_init(|| reach);
        let scheme = if reach.is_encrypted { "https" } else { "http" };
        // Not `localhost`: a cookie goes to all ports of a name, and other servers on this machine
        // are called by that one as a rule.
        let place = match self.0.hosts.first() {
            Some(host) if is_encrypted => format!("{host}:{}", address.port()),
            _ => reach.address.to_string(),
        };
        let code = self.0.access.link_code();
        format!("{scheme}://{place}/enter?code={code}")
    }
}

#[derive(Debug, Clone, Copy)]
struct Reach {
    address: SocketAddr,
    is_encrypted: bool,
}

/// Which runs have changed, counted together.
#[derive(Debug, Clone, Default)]
pub(super) struct Changes {
    /// Of the last change.
    pub(super) number: u64,
    of_run: BTreeMap<RunId, u64>,
}

impl Changes {
    /// The number of a run's last change.
    pub(super) fn of(&self, run: &RunId) -> u64 {
        self.of_run.get(run).copied().unwrap_or(0)
    }
}

#[derive(Debug)]
pub(super) struct App {
    pub(super) board: Arc<Board>,
    pub(super) metrics: Metrics,
    clock: Arc<dyn Clock>,
    pub(super) access: Arc<Access>,
    pub(super) control: Control,
    hosts: Vec<String>,
    /// Whether `/metrics` and `/api/health` need no token.
    pub(super) open_probes: bool,
    pub(super) limits: Limits,
    pub(super) streams: Arc<Semaphore>,
    /// Places for views that are being made.
    pub(super) views: Arc<Semaphore>,
    pub(super) changes: watch::Sender<Changes>,
    reach: OnceLock<Reach>,
    /// Whether what had happened before is counted.
    counted: watch::Sender<bool>,
}

impl App {
    /// Waits until all that had happened before is counted; `false` where that takes too long.
    ///
    /// Counters that are read half-way would look to Prometheus as if all of the past happened now.
    pub(super) async fn is_counted(&self) -> bool {
        let mut counted = self.counted.subscribe();
        let waiting = counted.wait_for(|counted| *counted);
        tokio::time::timeout(COUNT_TIME, waiting).await.is_ok()
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(super) fn context(&self) -> pages::Context<'_> {
        pages::Context {
            now: self.now(),
            control: self.control,
            form_token: self.access.form_token(),
        }
    }

    pub(super) fn is_our_host(&self, host: &str) -> bool {
        guard::host_name(host).is_some_and(|name| {
            let is_bound = |reach: &Reach| reach.address.ip().to_string() == name;
            matches!(name.as_str(), "localhost" | "127.0.0.1" | "::1")
                || self.hosts.contains(&name)
                || self.reach.get().is_some_and(is_bound)
        })
    }

    /// Whether the request has our cookie or token.
    pub(super) fn is_known(&self, headers: &HeaderMap) -> bool {
        self.is_bearer(headers)
            || headers
                .get_all(header::COOKIE)
                .iter()
                .filter_map(|cookies| cookies.to_str().ok())
                .flat_map(|cookies| cookies.split(';'))
                .filter_map(|cookie| cookie.trim().split_once('='))
                .any(|(name, value)| name == self.cookie_name() && self.access.is_cookie(value))
    }

    /// Whether a program sent our token; no page can make a browser do so.
    pub(super) fn is_bearer(&self, headers: &HeaderMap) -> bool {
        sent_token(headers).is_some_and(|token| self.access.is_bearer(token))
    }

    /// Whether a monitoring system sent the token that it was given.
    pub(super) fn is_metrics_token(&self, headers: &HeaderMap) -> bool {
        sent_token(headers).is_some_and(|token| self.access.is_metrics_token(token))
    }

    pub(super) fn set_cookie(&self) -> String {
        let secure = match self.reach.get() {
            Some(reach) if reach.is_encrypted => "; Secure",
            _ => "",
        };
        format!(
            "{}={}; Path=/; HttpOnly; SameSite=Strict{secure}",
            self.cookie_name(),
            self.access.cookie()
        )
    }

    /// Browsers keep the cookies of all ports of a host together: the name tells ours.
    fn cookie_name(&self) -> String {
        let port = self.reach.get().map_or(0, |reach| reach.address.port());
        format!("automation_{port}")
    }
}

/// The token in `Authorization: Bearer …`.
fn sent_token(headers: &HeaderMap) -> Option<&str> {
    let value = guard::header_text(headers, &header::AUTHORIZATION)?;
    value.strip_prefix("Bearer ").map(str::trim)
}
