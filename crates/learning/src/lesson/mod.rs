//! Lessons: what might help, and what is known of it.

mod guidance;
mod id;
mod import;
mod text;
mod value;

#[cfg(test)]
mod tests;

pub use id::LessonId;
pub use import::guidance;
pub use text::truncate;
pub use value::{
    Lesson, LessonKind, LessonScope, NewLesson, Origin, RetiredBecause, Source, Status,
};

pub(crate) use guidance::{items, mark};
pub(crate) use text::one_line;
