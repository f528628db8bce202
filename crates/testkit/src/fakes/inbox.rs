use std::sync::Mutex;

use async_trait::async_trait;
use core_types::{Inbox, Message, PortError};

use super::lock;

/// An inbox of one process.
#[derive(Debug, Default)]
pub struct MemoryInbox(Mutex<Vec<Message>>);

#[async_trait]
impl Inbox for MemoryInbox {
    async fn messages(&self) -> Result<Vec<Message>, PortError> {
        Ok(lock(&self.0).clone())
    }

    async fn send(&self, message: &Message) -> Result<(), PortError> {
        lock(&self.0).push(message.clone());
        Ok(())
    }
}
