//! What other processes say to a run.

use std::path::Path;

use async_trait::async_trait;
use core_types::{Inbox, Message, PortError};
use journal::{Fold, FoldError, Record};

use crate::{
    Error, Options, kind,
    record::{Content, MessageSent, VERSION},
    shared::{Shared, stage},
};

/// A run's inbox in a folder. Any process may send, also while none holds the run.
#[derive(Debug, Clone)]
pub struct FileInbox {
    shared: Shared<Messages>,
}

#[derive(Debug, Default)]
struct Messages(Vec<Message>);

impl Fold for Messages {
    fn apply(&mut self, record: &Record) -> Result<(), FoldError> {
        if record.kind == kind::MESSAGE {
            self.0.push(MessageSent::decode(record)?.message);
        }
        Ok(())
    }
}

impl FileInbox {
    /// Opens the inbox in a folder, blocking. A missing folder is an empty
    /// inbox; the first message creates it.
    ///
    /// # Errors
    ///
    /// `Validation` (a newer format), `Internal` (damage, or the disk).
    pub fn open(dir: impl AsRef<Path>, options: &Options) -> Result<Self, Error> {
        let shared = Shared::open(dir.as_ref(), options)?;
        Ok(Self { shared })
    }
}

#[async_trait]
impl Inbox for FileInbox {
    async fn messages(&self) -> Result<Vec<Message>, PortError> {
        let messages = self.shared.read(|messages| messages.0.clone()).await;
        messages.map_err(|error| error.during("read the run's inbox"))
    }

    async fn send(&self, message: &Message) -> Result<(), PortError> {
        let message = message.clone();
        let send = move |_: &Messages, batch: &mut journal::Batch<'_>, at| {
            let sent = MessageSent {
                v: VERSION,
                at,
                message,
            };
            stage(batch, &sent).map(drop)
        };
        let sent: Result<(), Error> = self.shared.batch(send).await;
        sent.map_err(|error| error.during("send to the run's inbox"))
    }
}
