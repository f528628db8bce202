//! A dashboard over made-up runs in every state, to look at pages:
//! `cargo run -p monitoring --example gallery --features dashboard,testkit [PORT] [--allow-control]`.
//!
//! It prints the link that lets a browser in, and the bearer token on a second line. Lines of its input
//! change what is shown: `release RUN` and `hold RUN` (a process lets it go, takes it up again),
//! `line RUN TASK TEXT` (an agent prints).
#![expect(clippy::print_stdout, reason = "the link is for whoever started it")]

use std::sync::Arc;

use core_types::{CancellationToken, Clock as _, RunId, SystemClock, TaskId};
use monitoring::{
    dashboard::{Access, Control, Dashboard, Options, Secret, Server},
    fold::{Board, MemorySource},
    metrics::{self, Metrics},
    samples,
};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut options = Options::default();
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            "--allow-control" => options.control = Control::Allowed,
            port => options.address.set_port(port.parse()?),
        }
    }
    let clock = Arc::new(SystemClock);
    let source = Arc::new(samples::gallery(clock.now(), samples::Size::Large));
    let told = source.clone();
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            tell(&told, &line);
        }
    });
    let board = Arc::new(Board::new(source, clock.clone()));
    // Made-up runs have nothing to hide, and tools that take pictures want the same link each time.
    let access = Arc::new(Access::new(Secret::from_bytes([7; 32])));
    let dashboard = Dashboard::new(
        board,
        Metrics::new(&metrics::Options::default()),
        clock,
        access.clone(),
        &options,
    );
    let server = Server::bind(dashboard, &options, None).await?;
    println!("{}\n{}", server.link(), access.bearer());
    server.serve(CancellationToken::new()).await;
    Ok(())
}

/// What is no command is passed over: who types it sees that nothing changes.
fn tell(source: &MemorySource, line: &str) {
    let mut words = line.splitn(4, ' ');
    let (command, run) = (words.next(), words.next().and_then(|it| it.parse().ok()));
    let Some(run): Option<RunId> = run else {
        return;
    };
    match command {
        Some("release") => source.set_held(&run, false),
        Some("hold") => source.set_held(&run, true),
        Some("line") => {
            let task: Option<TaskId> = words.next().and_then(|it| it.parse().ok());
            let text = words.next().unwrap_or_default();
            source.log_line(&run, task.as_ref(), "1.1/test.log", text);
        }
        _ => {}
    }
}
