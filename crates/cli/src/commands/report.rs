//! `report`: a run as one file.

use anyhow::{Context, Result, bail};
use facade::{
    assemble::Error,
    journal,
    monitoring::{dashboard, fold::RunView},
};
use serde::Serialize;

use crate::{args::ReportArguments, failure::DONE, output::size, session::Session};

/// What `report --json` prints.
#[derive(Debug, Serialize)]
struct Report {
    /// The file that was written.
    html: String,
    run: RunView,
}

/// `automation report`.
pub(crate) async fn report(session: &Session, arguments: &ReportArguments) -> Result<u8> {
    let run = session.pick(arguments.run.as_deref(), "has been begun", |_| true)?;
    let board = session.board();
    board.refresh().await?;
    let (Some(view), Some(graph)) = (board.run(&run).await?, board.graph(&run).await?) else {
        bail!(Error::Request {
            message: format!("run {run} has told nothing"),
            hint: String::new(),
        })
    };
    let now = session.surroundings.clock.now();
    let html = dashboard::report(&view, &graph, now);
    let default = format!("{run}.html").into();
    let name = arguments.html.as_ref().unwrap_or(&default);
    let path = session.surroundings.current_dir.join(name);
    journal::atomic_write(&path, html.as_bytes())
        .with_context(|| format!("{} cannot be written", path.display()))?;
    session.output.json(&Report {
        html: path.display().to_string(),
        run: view,
    })?;
    session.output.line(format!(
        "{}: run {run}, {}",
        path.display(),
        size(html.len() as u64)
    ));
    Ok(DONE)
}
