//! `init` and `doctor`.

use anyhow::Result;
use facade::assemble::{CheckState, doctor as check, initialize};

use crate::{
    failure::{DONE, FAILED},
    session::Session,
};

/// `automation init`.
pub(crate) async fn init(session: &Session) -> Result<u8> {
    let root = if session.home.state().is_dir() {
        session.home.root().to_owned()
    } else {
        session
            .explicit_home
            .clone()
            .unwrap_or_else(|| session.surroundings.current_dir.clone())
    };
    let setup = initialize(&session.surroundings, &root).await?;
    session
        .output
        .json(&serde_json::json!({ "written": setup.written, "notes": setup.notes }))?;
    for note in &setup.notes {
        session.output.line(format!("found  {note}"));
    }
    for file in &setup.written {
        session.output.line(format!("wrote  {}", file.display()));
    }
    session
        .output
        .line("next: look through both files, then `automation doctor`");
    Ok(DONE)
}

/// `automation doctor`.
pub(crate) async fn doctor(session: &Session) -> Result<u8> {
    let checks = check(&session.home, &session.surroundings).await;
    session.output.json(&checks)?;
    for check in &checks {
        let sign = match check.state {
            CheckState::Ok => "ok      ",
            CheckState::Warning => "warning ",
            CheckState::Failed => "failed  ",
        };
        session
            .output
            .line(format!("{sign}{}: {}", check.name, check.found));
        if !check.mend.is_empty() {
            session.output.line(format!("        → {}", check.mend));
        }
    }
    let any_failed = checks.iter().any(|check| check.state == CheckState::Failed);
    Ok(if any_failed { FAILED } else { DONE })
}
