use std::{
    collections::HashMap, fs, os::unix::fs::PermissionsExt as _, path::PathBuf, sync::Arc,
    time::Duration,
};

use forges::remote::Secret;
use tokio::{sync::Mutex, time::Instant};

use super::record::{ForgeRecord, TokenRecord};
use crate::assemble::{Error, Home, Surroundings};

/// How long a command may take that prints a token: somebody may have to touch a key.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(60);
/// No token is longer.
const TOKEN_BYTES: usize = 8 << 10;

/// What a command has printed counts so long: somebody may have to touch a key for each, and some tokens end within
/// the hour.
const COMMAND_AGAIN: Duration = Duration::from_secs(300);

/// What commands have printed, and when. Whoever asks while one runs waits for it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Printed(Arc<Mutex<HashMap<Line, (Secret, Instant)>>>);

/// A home and a shell line.
type Line = (PathBuf, String);

/// The token of a forge's account.
pub(super) async fn token(
    forge: &ForgeRecord,
    home: &Home,
    surroundings: &Surroundings,
) -> Result<Secret, Error> {
    secret(&forge.name, &forge.token, "token", home, surroundings).await
}

/// A secret of a forge: its token, or that of its webhooks.
pub(crate) async fn secret(
    name: &str,
    source: &TokenRecord,
    what: &str,
    home: &Home,
    surroundings: &Surroundings,
) -> Result<Secret, Error> {
    match source {
        TokenRecord::Environment(variable) => {
            let token = surroundings.variable(variable).unwrap_or_default();
            if token.trim().is_empty() {
                return Err(Error::request(
                    format!("forge {name}: the variable {variable} with its {what} is not set"),
                    format!("set {variable}, or name another source in config/repositories.yaml"),
                ));
            }
            Ok(Secret::new(token))
        }
        TokenRecord::File(path) => {
            let path = home.root().join(path);
            let failed = |source| Error::Io {
                operation: "read",
                path: path.clone(),
                source,
            };
            let mode = fs::metadata(&path).map_err(failed)?.permissions().mode();
            if mode & 0o077 != 0 {
                let shown = path.display();
                return Err(Error::request(
                    format!("forge {name}: others may read the file {shown} with its {what}"),
                    format!("chmod 600 {shown}"),
                ));
            }
            let text = fs::read_to_string(&path).map_err(failed)?;
            Ok(Secret::new(text))
        }
        TokenRecord::Command(line) => {
            let key = (home.root().to_owned(), line.clone());
            let mut printed = surroundings.printed.0.lock().await;
            printed.retain(|_, (_, at)| at.elapsed() < COMMAND_AGAIN);
            if let Some((token, _)) = printed.get(&key) {
                return Ok(token.clone());
            }
            let environment = surroundings.environment.iter().cloned();
            let launch = process::Launch::new("sh")
                .args(["-c", line])
                .folder(home.root())
                .envs(process::allowed_environment(environment, &[]))
                .deadline(COMMAND_TIMEOUT)
                .stdout(process::OutputLimit::memory(TOKEN_BYTES));
            let failed = |why: String| {
                // What it has printed may be the token, and is shown nowhere.
                Error::request(
                    format!("forge {name}: the command that prints its {what} {why}"),
                    format!("look at: {line}"),
                )
            };
            let finished = launch
                .run()
                .await
                .map_err(|error| failed(format!("could not be run: {error}")))?;
            if !finished.exit.is_success() {
                return Err(failed(format!("failed: {}", finished.exit)));
            }
            let text = String::from_utf8(finished.stdout.bytes)
                .map_err(|_| failed("prints what is no text".to_owned()))?;
            if text.trim().is_empty() {
                return Err(failed("prints nothing".to_owned()));
            }
            let token = Secret::new(text);
            printed.insert(key, (token.clone(), Instant::now()));
            Ok(token)
        }
    }
}
