//! Reads an answer's body up to a limit.

use bytes::{Bytes, BytesMut};

/// What has come of a body.
#[derive(Debug)]
pub(super) enum Collected {
    Nothing,
    /// The usual case of a short body, which need not be copied.
    One(Bytes),
    Many(BytesMut),
}

impl Collected {
    fn len(&self) -> usize {
        match self {
            Self::Nothing => 0,
            Self::One(bytes) => bytes.len(),
            Self::Many(bytes) => bytes.len(),
        }
    }

    /// Says whether the body is within the limit still.
    pub(super) fn add(&mut self, chunk: Bytes, limit: usize) -> bool {
        if chunk.len() > limit - self.len().min(limit) {
            return false;
        }
        *self = match std::mem::replace(self, Self::Nothing) {
            Self::Nothing => Self::One(chunk),
            Self::One(first) => {
                let mut all = BytesMut::from(first);
                all.extend_from_slice(&chunk);
                Self::Many(all)
            }
            Self::Many(mut all) => {
                all.extend_from_slice(&chunk);
                Self::Many(all)
            }
        };
        true
    }

    pub(super) fn into_bytes(self) -> Bytes {
        match self {
            Self::Nothing => Bytes::new(),
            Self::One(bytes) => bytes,
            Self::Many(bytes) => bytes.freeze(),
        }
    }
}
