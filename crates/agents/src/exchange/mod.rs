//! The two files between the engine and a `command` agent: the request it
//! reads and the answer it writes. Both formats are documented and versioned
//! here, apart from the domain types.

mod answer;
mod files;
mod request;
#[cfg(test)]
mod tests;

pub(crate) use answer::reported;
pub use answer::{ANSWER_LIMIT_BYTES, Answer, AnswerError, AnsweredError, Until};
pub(crate) use files::{Exchange, Opened, append_plain, open_plain, replace_private};
pub use request::{
    DependencyRecord, IssueRecord, REQUEST_VERSION, RepositoryRecord, RequestRecord, TaskRecord,
};
