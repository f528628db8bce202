//! `auth`.

use anyhow::Result;
use facade::assemble::{ForgeAccess, forge_access};

use crate::{
    args::AuthCommand,
    failure::{DONE, FAILED},
    session::Session,
};

/// `automation auth`.
pub(crate) async fn auth(session: &Session, command: AuthCommand) -> Result<u8> {
    match command {
        AuthCommand::Status => status(session).await,
    }
}

async fn status(session: &Session) -> Result<u8> {
    let forges = forge_access(&session.home, &session.surroundings).await?;
    session.output.json(&forges)?;
    let output = session.output;
    if forges.is_empty() {
        output.line("config/repositories.yaml names no forge: the local one needs no account");
    }
    for forge in &forges {
        let ForgeAccess { name, url, .. } = forge;
        match &forge.login {
            Ok(login) => output.line(format!("ok      {name} ({url}): account {login}")),
            Err(why) => output.line(format!("failed  {name} ({url}): {why}")),
        }
        for what in &forge.missing {
            output.line(format!("failed  {name} ({url}): {what}"));
        }
        for repository in &forge.repositories {
            let shown = format!("{} ({})", repository.name, repository.slug);
            match &repository.missing[..] {
                [] => output.line(format!("ok      {shown}: may be read and written")),
                missing => {
                    for what in missing {
                        output.line(format!("failed  {shown}: {what}"));
                    }
                }
            }
            if let Some(what) = &repository.missing_for_serve {
                output.line(format!(
                    "warning {shown}: not enough for `automation serve`: {what}"
                ));
            }
        }
    }
    let is_well = |forge: &ForgeAccess| {
        let is_whole = forge.login.is_ok() && forge.missing.is_empty();
        is_whole && forge.repositories.iter().all(|it| it.missing.is_empty())
    };
    Ok(if forges.iter().all(is_well) {
        DONE
    } else {
        FAILED
    })
}
