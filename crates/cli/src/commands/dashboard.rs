//! `dashboard`, and the dashboard beside a run.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::Path,
    sync::{Arc, mpsc},
    thread::{self, JoinHandle},
};

use anyhow::{Context, Result, anyhow};
use facade::{
    assemble::{Error, prices_checked},
    core_types::CancellationToken,
    monitoring::{
        dashboard::{
            Access, Control, Dashboard, Error as DashboardError, Options, Secret, Server, Tls,
        },
        metrics::MetricsCollector,
    },
};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde::Serialize;

use crate::{
    args::{Beside, DashboardArguments},
    output::Output,
    session::Session,
    signals::Signals,
};

/// `automation dashboard`.
pub(crate) async fn dashboard(session: &Session, arguments: &DashboardArguments) -> Result<u8> {
    let read = |path: &Path| read(session, path);
    let tls = tls(
        session,
        arguments.tls_certificate.as_deref(),
        arguments.tls_key.as_deref(),
    )?;
    let options = Options {
        address: SocketAddr::new(arguments.address, arguments.port),
        control: control(arguments.allow_control),
        hosts: arguments.hosts.clone(),
        ..Options::default()
    };
    let mut access = Access::new(Secret::from_bytes(random()?));
    if let Some(path) = &arguments.metrics_token_file {
        let token = String::from_utf8_lossy(&read(path)?).trim().to_owned();
        access = access
            .with_metrics_token(&token)
            .map_err(|error| refused(error, ""))
            .with_context(|| format!("reading {}", path.display()))?;
    }
    let shown = Shown::start(session, options, access, tls)?;
    shown.stay_open(session).await?;
    Ok(0)
}

fn read(session: &Session, path: &Path) -> Result<Vec<u8>> {
    let path = session.surroundings.current_dir.join(path);
    std::fs::read(&path).with_context(|| format!("reading {}", path.display()))
}

/// The certificate and key of two files, where they are given.
pub(super) fn tls(
    session: &Session,
    certificate: Option<&Path>,
    key: Option<&Path>,
) -> Result<Option<Tls>> {
    let Some((certificate, key)) = certificate.zip(key) else {
        return Ok(None);
    };
    let tls = Tls::from_pem(&read(session, certificate)?, &read(session, key)?);
    tls.map(Some).map_err(|error| refused(error, ""))
}

const fn control(is_allowed: bool) -> Control {
    if is_allowed {
        Control::Allowed
    } else {
        Control::ReadOnly
    }
}

/// How programs reach the dashboard, as JSON.
#[derive(Debug, Serialize)]
struct Reach {
    link: String,
    /// For `Authorization: Bearer …`.
    token: String,
}

/// A dashboard that is served in a thread of its own, so that drawing pages takes no time of a
/// run's. It ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Shown {
    stop: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

impl Shown {
    /// The dashboard that flags of a run ask for; its port is taken before the run begins.
    pub(crate) fn beside(session: &Session, beside: &Beside) -> Result<Option<Self>> {
        let Some(port) = beside.dashboard else {
            return Ok(None);
        };
        let options = Options {
            address: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port),
            control: control(beside.allow_control),
            ..Options::default()
        };
        let access = Access::new(Secret::from_bytes(random()?));
        Self::start(session, options, access, None).map(Some)
    }

    fn start(
        session: &Session,
        mut options: Options,
        access: Access,
        tls: Option<Tls>,
    ) -> Result<Self> {
        let port = options.address.port();
        let in_use =
            format!("is port {port} in use? another one: --port N, beside a run --dashboard=N");
        options.limits.connections = options.limits.connections.min(descriptors() / 2);
        let clock = session.surroundings.clock.clone();
        let board = Arc::new(session.board());
        let access = Arc::new(access);
        let metrics = MetricsCollector::metrics().clone();
        metrics.set_system_info([("version", env!("CARGO_PKG_VERSION"))]);
        // A page about runs does not fail for a table of prices; `doctor` says what is wrong with it.
        if let Ok(Some(checked)) = prices_checked(&session.home, &session.surroundings) {
            metrics.update_price_table(checked);
        }
        let served = Dashboard::new(board.clone(), metrics, clock, access.clone(), &options);
        let (stop, output) = (CancellationToken::new(), session.output);
        let (told, tells) = mpsc::sync_channel(1);
        let stopped = stop.clone();
        let thread = thread::Builder::new()
            .name("dashboard".to_owned())
            .spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build();
                let runtime = match runtime {
                    Ok(runtime) => runtime,
                    Err(error) => return drop(told.send(Err(error.into()))),
                };
                runtime.block_on(async {
                    let server = match Server::bind(served, &options, tls).await {
                        Ok(server) => server,
                        Err(error) => return drop(told.send(Err(refused(error, &in_use)))),
                    };
                    let token = access.bearer().to_owned();
                    let link = server.link();
                    // Who follows the link at once sees what is there; what cannot be read now is read later.
                    board.refresh().await.ok();
                    drop(told.send(Ok(Reach { link, token })));
                    tokio::select! {
                        () = server.serve(stopped) => {}
                        () = show_links(output, &access, &server) => {}
                    }
                });
            })
            .context("a thread for the dashboard could not be started")?;
        let reach = tells
            .recv()
            .map_err(|_| anyhow!("the dashboard's thread has ended"))??;
        show(output, &reach)?;
        Ok(Self {
            stop,
            thread: Some(thread),
        })
    }

    /// Waits for Ctrl-C.
    pub(crate) async fn stay_open(self, session: &Session) -> Result<()> {
        session
            .output
            .progress("the dashboard stays open; Ctrl-C ends it");
        Signals::listen()?.next().await;
        Ok(())
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            // It has nothing to say any more.
            drop(thread.join());
        }
    }
}

fn show(output: Output, reach: &Reach) -> Result<()> {
    output.line(format!("dashboard: {}", reach.link));
    output.line("the link lets one browser in, once; the next one is shown then");
    output.json(reach)?;
    Ok(())
}

/// Shows the next link each time one has been used.
async fn show_links(output: Output, access: &Access, server: &Server) {
    loop {
        access.link_used().await;
        output.progress(format!(
            "a browser came in; for another one: {}",
            server.link()
        ));
    }
}

/// An address that is not served, with what to do about it.
pub(super) fn refused(error: DashboardError, in_use: &str) -> anyhow::Error {
    let hint = match &error {
        DashboardError::Listen { .. } => in_use.to_owned(),
        DashboardError::ForeignAddress { .. } => {
            "give --tls-certificate and --tls-key, or reach it through ssh -L".to_owned()
        }
        DashboardError::NoHost { .. } => {
            "give the names that browsers call this machine by: --host NAME".to_owned()
        }
        _ => String::new(),
    };
    let mut message = error.to_string();
    if let Some(cause) = std::error::Error::source(&error) {
        message = format!("{message}: {cause}");
    }
    anyhow::Error::from(Error::Request { message, hint })
}

/// As many file descriptors as this process may have, after asking for all that it may.
fn descriptors() -> usize {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let all = Rlimit {
        current: maximum,
        maximum,
    };
    // Where it may not be raised, what holds now is counted.
    setrlimit(Resource::Nofile, all).ok();
    let limit = getrlimit(Resource::Nofile).current;
    limit.map_or(usize::MAX, |limit| {
        usize::try_from(limit).unwrap_or(usize::MAX)
    })
}

/// 256 bits from the system.
fn random() -> Result<[u8; 32]> {
    let mut bytes = [0; 32];
    let n_filled = rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty())
        .context("the system gives no random bits")?;
    // Up to 256 bytes come at once or not at all.
    anyhow::ensure!(
        n_filled == bytes.len(),
        "the system gives too few random bits"
    );
    Ok(bytes)
}
