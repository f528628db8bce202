//! The two files between the engine and a `command` agent: the request it
//! reads and the answer it writes. Both formats are documented and versioned
//! here, apart from the domain types.

mod answer;
mod files;
mod request;

pub use answer::{ANSWER_LIMIT_BYTES, Answer, AnswerError};
pub(crate) use files::Exchange;
pub use request::{REQUEST_VERSION, RequestRecord};
