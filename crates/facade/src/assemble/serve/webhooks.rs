//! Deliveries of webhooks: who sent them is checked, and what they say is not believed.

use std::{
    collections::{HashSet, VecDeque},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use config::repositories::ForgeKind;
use core_types::Clock;
use forges::remote::{
    Secret,
    webhook::{Delivery, Sender},
};
use sha2::{Digest as _, Sha256};

use super::Nudge;
use crate::assemble::{
    Error, Home, Surroundings, on_forge::secret, request::configured_repositories,
};

/// So many marks of deliveries are remembered, the newest ones; each delivery has two.
const KEPT: usize = 4096;

/// What became of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Received {
    /// The issues are looked at.
    Taken,
    /// It came before, or its like; nothing happens.
    Again,
    /// Whoever sent it does not know the secret; nothing happens.
    Unsigned,
    /// No forge of this kind has a secret for its webhooks.
    Unknown,
}

/// Takes deliveries and nudges a [`Follower`](super::Follower).
#[derive(Debug)]
pub struct Webhooks {
    secrets: Vec<(Sender, Secret)>,
    file: PathBuf,
    seen: Mutex<Seen>,
    clock: Arc<dyn Clock>,
    nudge: Nudge,
}

/// Hashes of what tells deliveries, the oldest first.
#[derive(Debug, Default)]
struct Seen {
    order: VecDeque<String>,
    known: HashSet<String>,
}

impl Webhooks {
    /// Reads the secrets that the configuration names, and which deliveries came before.
    ///
    /// # Errors
    ///
    /// What is wrong with the configuration, or with where a secret comes from; Validation where no forge has one.
    ///
    /// # Cancel safety
    ///
    /// Nothing is changed.
    pub async fn open(
        home: &Home,
        surroundings: &Surroundings,
        nudge: Nudge,
    ) -> Result<Self, Error> {
        let configured = configured_repositories(home, surroundings)?;
        let mut secrets = Vec::new();
        for forge in configured.iter().flat_map(|it| &it.forges) {
            let Some(source) = &forge.webhook_secret else {
                continue;
            };
            let source = source.clone().into();
            let what = "webhook secret";
            let secret = secret(&forge.name, &source, what, home, surroundings).await?;
            if secret.expose().is_empty() {
                let message = format!("forge {}: its {what} is empty", forge.name);
                return Err(Error::request(message, "everybody could sign with it"));
            }
            secrets.push((sender(forge.kind), secret));
        }
        if secrets.is_empty() {
            return Err(Error::request(
                "no forge has a secret for its webhooks",
                "give `webhook_secret` to a forge in config/repositories.yaml",
            ));
        }
        home.ensure()?;
        let file = home.state().join("webhooks");
        Ok(Self {
            secrets,
            seen: Mutex::new(Seen::read(&file)?),
            file,
            clock: surroundings.clock.clone(),
            nudge,
        })
    }

    /// Takes a delivery to the address of this kind of forge, with its body byte for byte as it came.
    ///
    /// # Errors
    ///
    /// Where it cannot be remembered: it should be sent again.
    ///
    /// # Cancel safety
    ///
    /// It does not wait; it blocks while the disk takes a few kilobytes.
    pub fn receive_blocking(
        &self,
        kind: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Received, Error> {
        let Some(sender) = Sender::of_kind(kind) else {
            return Ok(Received::Unknown);
        };
        let mut secrets = self
            .secrets
            .iter()
            .filter(|(of, _)| *of == sender)
            .peekable();
        if secrets.peek().is_none() {
            return Ok(Received::Unknown);
        }
        let delivery = Delivery::new(headers, body);
        let now = self.clock.now().0 / 1000;
        // All of them, so that the time tells nothing of which one it was.
        let n_fitting = secrets.filter(|(_, secret)| sender.is_signed(&delivery, secret, now));
        if n_fitting.count() == 0 {
            return Ok(Received::Unsigned);
        }
        let mut marks = sender.marks(&delivery);
        if marks.is_empty() {
            // What is told by nothing else is told by what it says.
            marks.push(hash(body));
        }
        let marks: Vec<_> = marks
            .iter()
            .map(|mark| hash(format!("{kind} {mark}").as_bytes()))
            .collect();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if marks.iter().any(|mark| seen.known.contains(mark)) {
            return Ok(Received::Again);
        }
        // A look too many does no harm; one that nobody takes, since the repetition is known, does.
        self.nudge.nudge();
        seen.add(marks.iter().cloned());
        if let Err(error) = seen.write(&self.file) {
            seen.forget(&marks);
            return Err(error);
        }
        Ok(Received::Taken)
    }
}

const fn sender(kind: ForgeKind) -> Sender {
    match kind {
        ForgeKind::Gitea => Sender::Gitea,
        ForgeKind::GitHub => Sender::GitHub,
        ForgeKind::GitLab => Sender::GitLab,
    }
}

fn hash(bytes: &[u8]) -> String {
    let hash = Sha256::digest(bytes);
    hash.iter().take(16).map(|it| format!("{it:02x}")).collect()
}

impl Seen {
    fn read(file: &Path) -> Result<Self, Error> {
        let mut seen = Self::default();
        match std::fs::read_to_string(file) {
            Ok(text) => seen.add(text.lines().map(str::to_owned)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(source) => {
                return Err(Error::Io {
                    operation: "read",
                    path: file.to_owned(),
                    source,
                });
            }
        }
        Ok(seen)
    }

    fn add(&mut self, marks: impl IntoIterator<Item = String>) {
        for mark in marks {
            if self.known.insert(mark.clone()) {
                self.order.push_back(mark);
            }
            if self.order.len() > KEPT
                && let Some(oldest) = self.order.pop_front()
            {
                self.known.remove(&oldest);
            }
        }
    }

    fn forget(&mut self, marks: &[String]) {
        self.order.retain(|it| !marks.contains(it));
        for mark in marks {
            self.known.remove(mark);
        }
    }

    fn write(&self, file: &Path) -> Result<(), Error> {
        let mut text = String::with_capacity(self.order.len() * 33);
        for mark in &self.order {
            text.push_str(mark);
            text.push('\n');
        }
        journal::atomic_write(file, text.as_bytes()).map_err(Error::Write)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_could_not_be_remembered_counts_when_it_comes_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("state").join("webhooks");
        let nudge = Nudge::default();
        let webhooks = Webhooks {
            secrets: vec![(Sender::GitLab, Secret::new("between-us".to_owned()))],
            file: file.clone(),
            seen: Mutex::default(),
            clock: Arc::new(core_types::SystemClock),
            nudge: nudge.clone(),
        };
        let headers = [
            ("x-gitlab-token", "between-us"),
            ("x-gitlab-event-uuid", "1"),
        ];
        let send = || webhooks.receive_blocking("gitlab", &headers, b"{}");
        let is_nudged = async || {
            tokio::select! {
                biased;
                () = nudge.notified() => true,
                () = std::future::ready(()) => false,
            }
        };
        // What cannot be a file.
        std::fs::create_dir_all(file.join("in-the-way")).expect("it can be made");
        send().expect_err("it cannot be written");
        assert!(is_nudged().await, "it may be the last that is heard of it");
        std::fs::remove_dir_all(&file).expect("it can be removed");
        assert_eq!(send().ok(), Some(Received::Taken));
        assert!(is_nudged().await);
        assert_eq!(send().ok(), Some(Received::Again));
        assert!(!is_nudged().await);
    }

    #[test]
    fn so_many_are_remembered_and_read_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("webhooks");
        let mut seen = Seen::read(&file).expect("there is none yet");
        seen.add((0..KEPT + 10).map(|it| it.to_string()));
        seen.write(&file).expect("it can be written");
        let seen = Seen::read(&file).expect("it can be read");
        assert_eq!((seen.order.len(), seen.known.len()), (KEPT, KEPT));
        assert!(!seen.known.contains("9") && seen.known.contains("10"));
    }
}
