//! `gc`.

use anyhow::Result;
use facade::assemble::{Collecting, collect, forget_old};

use crate::{
    args::GcArguments,
    failure::DONE,
    output::{count, duration, error_line, size, table},
    session::Session,
};

/// `automation gc`.
pub(crate) async fn gc(session: &Session, arguments: GcArguments) -> Result<u8> {
    let (collecting, verb) = if arguments.dry_run {
        (Collecting::DryRun, "would remove")
    } else {
        (Collecting::Remove, "removed")
    };
    let collected = Box::pin(collect(&session.home, &session.surroundings, collecting)).await?;
    session.output.json(&collected)?;
    let rows: Vec<_> = collected
        .iter()
        .map(|it| {
            let (run, state) = (it.run.to_string(), it.state.as_str().to_owned());
            let age = format!("{} old", duration(it.age));
            vec![format!("{verb} {run}"), state, age, size(it.bytes)]
        })
        .collect();
    for line in table(&rows) {
        session.output.line(line);
    }
    if collecting == Collecting::Remove {
        match forget_old(&session.home, &session.surroundings).await {
            Ok(0) => {}
            Ok(n) => session.output.line(format!(
                "{verb} the records of {} from what was learnt",
                count(usize::try_from(n).unwrap_or(usize::MAX), "attempt")
            )),
            Err(error) => error_line(format!("warning: old feedback stays: {error}")),
        }
    }
    let freed = size(collected.iter().map(|it| it.bytes).sum());
    session
        .output
        .line(format!("{verb} {}, {freed}", count(collected.len(), "run")));
    Ok(DONE)
}
