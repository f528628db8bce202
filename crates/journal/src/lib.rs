//! One durable append-only log: the only thing that writes the engine's state to disk.
//!
//! ```
//! use journal::{Journal, Kind, Options, Reader};
//!
//! // Kinds are constants of the crate that writes them.
//! const GREETING: Kind = Kind(1);
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let dir = folder.path().join("run");
//! let mut seen = Vec::new();
//! let journal = Journal::create_or_open(&dir, Options::default(), |record| {
//!     seen.push(record.seq); // what earlier owners wrote; nothing yet
//!     Ok::<(), journal::Error>(())
//! })?;
//! // In async code: `journal.append(…).await`.
//! let seq = journal.append_blocking(GREETING, br#"{"hello":"world"}"#.to_vec())?;
//! assert_eq!(seq, 1); // on disk, whatever happens now
//!
//! // Any process may read at any time.
//! let mut reader = Reader::open(&dir, &Options::default());
//! assert_eq!(reader.read_new()?[0].payload, br#"{"hello":"world"}"#);
//! assert!(reader.read_new()?.is_empty());
//! # Ok(())
//! # }
//! ```
//!
//! # Model
//!
//! A journal is a folder of segments, a segment a file of records. A record has a sequence number
//! (1, 2, 3 … without a gap; the only order there is), a [`Kind`] and a payload, JSON by convention.
//! What is shown of a journal is a fold of its records. Two ways to write:
//!
//! - [`Journal`] has one owner, who holds the folder's lock for life. Each owner writes segments of
//!   its own *epoch*, one higher than its predecessor's, so that what a stalled earlier owner
//!   still appends is ignored.
//! - [`SharedJournal`] has many short-lived writers: each batch takes the lock, reads what others
//!   wrote, decides, appends, flushes. Its epoch is always 1; the lock is the fence. A snapshot of its
//!   state that is kept with a [`Position`] spares reading what is before it.
//!
//! A [`Reader`] takes no lock and never blocks a writer.
//!
//! # Guarantees
//!
//! - An append that returned is on disk: it survives `kill -9` and power loss.
//! - After a crash one reads all that was acknowledged, then at most a prefix of what was not; whole records only.
//! - Appends are ordered as their calls were. A durable append carries all earlier buffered ones with it.
//! - A torn tail is cut by the next writer, its bytes are kept in `quarantine/` and named by
//!   [`Recovered`]; damage before the tail is [`Error::Damaged`], never skipped.
//! - After a failed write or flush the journal refuses writes ([`Error::Poisoned`]) until it is
//!   opened again; what is on disk stays readable.
//! - Folders are created with mode 0700 and files with 0600; symbolic links in place of a file are not followed.
//!
//! # Limits
//!
//! A record is at most [`Options::max_record_bytes`] long. Replay streams: memory is one read chunk
//! plus the largest record. The file system must honour `flock` and `fdatasync` between all
//! processes (a local one does). Nothing is ever removed yet. Damage that hits only the last flush
//! before a crash cannot be told from a torn write, and is treated (and reported) as one.
//!
//! # Format, version 1
//!
//! All integers are little-endian, all checksums CRC-32 (IEEE). A segment is named
//! `EPOCH-FIRST.journal`, both decimal, padded to 8 and 12 digits. It starts with 32 bytes, whose
//! layout is the same in every version:
//!
//! | offset | bytes | meaning |
//! |---:|---:|---|
//! | 0 | 8 | `AUTOJRNL` |
//! | 8 | 2 | format version; a newer one is refused by name |
//! | 10 | 2 | features a reader must know; none are defined |
//! | 12 | 4 | epoch, as in the name |
//! | 16 | 8 | sequence number of the first record, as in the name |
//! | 24 | 4 | checksum of the record before it, 0 for the very first |
//! | 28 | 4 | checksum of the 28 bytes above |
//!
//! Records follow without padding:
//!
//! | offset | bytes | meaning |
//! |---:|---:|---|
//! | 0 | 4 | checksum of all that follows in this record |
//! | 4 | 4 | checksum of the record before it: the chain |
//! | 8 | 4 | length of the payload |
//! | 12 | 8 | sequence number |
//! | 20 | 4 | epoch |
//! | 24 | 2 | kind; 0xFF00 and above belong to the journal and are passed over by who does not know them |
//! | 26 | 2 | flags; 1: everything before this record was on disk when it was written |
//! | 28 | … | payload |
//!
//! Segments are read in order of (epoch, first). One whose first number is not below that of every
//! later segment is ignored, and so is, in one that has a successor, all from the successor's first
//! number on: that is what an older epoch wrote too late, or what was never acknowledged. In the
//! last segment, bytes after the last whole record are a torn tail, unless a record with flag 1
//! comes after them: then they are damage.

mod appender;
mod atomic;
mod cursor;
mod error;
pub mod faults;
mod format;
mod options;
mod position;
mod reader;
mod shared;
mod storage;
mod writer;

pub use appender::Recovered;
pub use atomic::{atomic_write, atomic_write_in};
pub use error::{ClassHint, Error, FoldError};
pub use format::{Kind, Record};
pub use options::Options;
pub use position::Position;
pub use reader::Reader;
pub use shared::{Batch, Fold, SharedJournal};
pub use storage::{LockMode, OpenMode, RealStorage, Storage, StorageFile, StorageLock};
pub use writer::{Journal, is_locked};
