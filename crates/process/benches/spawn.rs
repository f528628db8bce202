//! What starting a program costs, by how it is contained: wall time, and processor time of this process and of
//! what it started.
#![expect(clippy::print_stdout, reason = "a benchmark reports by printing")]

use std::path::PathBuf;
use std::time::{Duration, Instant};

use process::{Containment, Launch, Network, Sandbox};

const N_STARTS: u32 = 300;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), process::Error> {
    let sandbox = |network| Sandbox {
        readable: ["/usr", "/bin", "/lib", "/lib64", "/etc/ld.so.cache"]
            .map(PathBuf::from)
            .to_vec(),
        writable: vec![std::env::temp_dir()],
        network,
        ..Sandbox::default()
    };
    let plain = || Launch::new("true");
    let tree = || plain().containment(Containment::Tree);
    let ports = sandbox(Network::Ports(vec![8787]));
    let none = sandbox(Network::None);
    measure("process group", plain).await?;
    measure("tree", tree).await?;
    measure("tree, sandbox, one port", || tree().sandbox(ports.clone())).await?;
    measure("tree, sandbox, own network", || {
        tree().sandbox(none.clone())
    })
    .await?;
    measure("tree without namespaces, sandbox, one port", || {
        tree().sandbox(ports.clone()).without_namespaces()
    })
    .await
}

async fn measure(name: &str, launch: impl Fn() -> Launch) -> Result<(), process::Error> {
    let (wall, processor) = (Instant::now(), used());
    for _ in 0..N_STARTS {
        launch().run().await?;
    }
    let (wall, processor) = (wall.elapsed() / N_STARTS, (used() - processor) / N_STARTS);
    println!("{name:<44} {wall:>9.2?} wall  {processor:>9.2?} processor");
    Ok(())
}

/// Processor time of this process and of those that it has reaped.
fn used() -> Duration {
    [usage::OURS, usage::THEIRS]
        .into_iter()
        .map(usage::time)
        .sum()
}

mod usage {
    //! The one call that no dependency here wraps.
    use std::time::Duration;

    pub(crate) const OURS: i32 = libc::RUSAGE_SELF;
    pub(crate) const THEIRS: i32 = libc::RUSAGE_CHILDREN;

    pub(crate) fn time(who: i32) -> Duration {
        #[expect(unsafe_code, reason = "no dependency here wraps getrusage")]
        // SAFETY: zeros are a valid structure, which lives through the call.
        let usage = unsafe {
            let mut usage: libc::rusage = std::mem::zeroed();
            libc::getrusage(who, &raw mut usage);
            usage
        };
        [usage.ru_utime, usage.ru_stime]
            .into_iter()
            .map(|it| {
                Duration::from_secs(it.tv_sec.unsigned_abs())
                    + Duration::from_micros(it.tv_usec.unsigned_abs())
            })
            .sum()
    }
}
