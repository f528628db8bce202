use super::{LessonKind, NewLesson, Source, guidance::items, text};

/// The rules in a file that people wrote for agents, such as AGENTS.md or CLAUDE.md: each item of a list
/// outside of code blocks, at most 400 bytes long. What we exported there ourselves is left out.
///
/// They are priors: worth a trial before what a machine noticed, and no more proven than that. They are not
/// tried in a repository whose own file says them ([`FeedbackLoop::note_guidance`](crate::FeedbackLoop::note_guidance)).
#[must_use]
pub fn guidance(file_name: &str, contents: &str) -> Vec<NewLesson> {
    let rules = items(contents)
        .into_iter()
        .filter(|item| !item.is_ours && item.text.len() <= text::MAX_TEXT_BYTES);
    let lesson = |text| NewLesson::new(LessonKind::Convention, text, Source::Person);
    rules
        .map(|item| lesson(item.text).place(file_name))
        .collect()
}
