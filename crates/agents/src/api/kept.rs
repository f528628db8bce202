//! Conversations that are kept to be gone on with.

use std::{io::Read as _, path::Path};

use super::interface::Said;
use crate::{
    command::on_disk_thread,
    exchange::{Opened, open_plain, replace_private},
};

/// The name of a conversation: its file in the scratch folder of its request.
pub(super) const CONVERSATION: &str = "conversation.json";

/// The longest one that is gone on with: some 40,000 tokens, each of which is paid for again with every turn.
const LARGEST_BYTES: u64 = 150_000;

/// Leaves a conversation to be gone on with; returns whether it can be.
pub(super) async fn leave(scratch: &Path, said: Vec<Said>) -> bool {
    let path = scratch.join(CONVERSATION);
    let left = on_disk_thread("keep the conversation", move || {
        let bytes = serde_json::to_vec(&said)?;
        let is_short = bytes.len() as u64 <= LARGEST_BYTES;
        if is_short {
            replace_private(&path, &bytes)?;
        }
        Ok(is_short)
    });
    // Without it the next request begins anew.
    left.await.unwrap_or(false)
}

/// What an earlier request has left; empty where that cannot be gone on with.
pub(super) fn left_in(scratch: &Path) -> std::io::Result<Vec<Said>> {
    let Opened::Plain(file) = open_plain(&scratch.join(CONVERSATION))? else {
        return Ok(Vec::new());
    };
    let mut bytes = Vec::new();
    file.take(LARGEST_BYTES).read_to_end(&mut bytes)?;
    Ok(serde_json::from_slice(&bytes).unwrap_or_default())
}
