//! Text that is meant for people: the last resort.

use core_types::ErrorClass;

use super::{Classified, Confidence, Remedy};

/// Phrases of whole words, and what they say. None of them is a reason to try again: what only
/// sounds transient stays `Internal`, which a person sees.
const PHRASES: &[(&str, ErrorClass)] = {
    use ErrorClass as C;
    &[
        ("no space left on device", C::ResourceExhausted),
        ("read-only file system", C::ResourceExhausted),
        ("disk quota exceeded", C::ResourceExhausted),
        ("cannot allocate memory", C::ResourceExhausted),
        ("budget exceeded", C::BudgetExceeded),
        ("budget is exceeded", C::BudgetExceeded),
        ("invalid api key", C::Unauthorized),
        ("authentication failed", C::Unauthorized),
        ("permission denied", C::Unauthorized),
        ("access denied", C::Unauthorized),
        ("unauthorized", C::Unauthorized),
        ("forbidden", C::Unauthorized),
        ("merge conflict", C::Conflict),
        ("automatic merge failed", C::Conflict),
        ("command not found", C::NotFound),
        ("no such file or directory", C::NotFound),
        ("tests failed", C::TestFailure),
        ("test failed", C::TestFailure),
        ("syntax error", C::Validation),
        ("invalid argument", C::Validation),
    ]
};

pub(super) fn classify(text: &str) -> Classified {
    let text = text.to_lowercase();
    let found = PHRASES.iter().find(|(phrase, _)| contains(&text, phrase));
    let class = found.map_or(ErrorClass::Internal, |(_, class)| *class);
    let remedy = match class {
        ErrorClass::TestFailure => Remedy::Fix,
        ErrorClass::Conflict => Remedy::Reread,
        // Not even a pause is earned by a sentence.
        _ => Remedy::HandOff,
    };
    Classified {
        class,
        remedy,
        confidence: Confidence::Low,
    }
}

/// Whether the text holds the phrase between word boundaries.
pub(super) fn contains(text: &str, phrase: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(phrase).any(|(start, _)| {
        let before = text[..start].chars().next_back();
        let after = text[start + phrase.len()..].chars().next();
        !before.is_some_and(is_word) && !after.is_some_and(is_word)
    })
}
