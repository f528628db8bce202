use super::{LessonKind, NewLesson, Source, text};
use crate::export::{BEGIN, END};

/// The rules in a file that people wrote for agents, such as AGENTS.md or CLAUDE.md: each item of a list
/// outside of code blocks, at most 400 bytes long. What we exported there ourselves is left out.
///
/// They are priors: worth a trial before what a machine noticed, and no more proven than that.
#[must_use]
pub fn guidance(file_name: &str, contents: &str) -> Vec<NewLesson> {
    let (mut is_ours, mut is_code) = (false, false);
    let mut lessons = Vec::new();
    for line in contents.lines() {
        let line = line.trim();
        if line.starts_with("```") || line.starts_with("~~~") {
            is_code = !is_code;
        }
        is_ours |= line.starts_with(BEGIN);
        let item = ["- ", "* ", "+ "]
            .iter()
            .find_map(|bullet| line.strip_prefix(bullet));
        if let Some(item) = item.filter(|_| !is_ours && !is_code) {
            let item = text::one_line(item);
            if !item.is_empty() && item.len() <= text::MAX_TEXT_BYTES {
                let lesson = NewLesson::new(LessonKind::Convention, item, Source::Person);
                lessons.push(lesson.place(file_name));
            }
        }
        is_ours &= !line.starts_with(END);
    }
    lessons
}
