//! What the factors see of a task.

use std::time::Duration;

use core_types::Task;

use super::{
    prose::{prose, words},
    vocabulary::{DIFFICULT, PERFORMANCE, REQUESTS, SECURITY, SIMPLE, count, found},
    wording::Bag,
};

/// Texts beyond this length are cut: what is written there says nothing new of the work.
const MOST_BYTES: usize = 64 << 10;

/// Words from which on a description is long.
const LONG: f64 = 80.0;

/// How many numbers of [`Features::fitted`] there are.
pub const FITTED: usize = 8;

/// A piece of work, as far as it is known.
#[derive(Debug, Clone, Copy, Default)]
pub struct Subject<'a> {
    /// One line.
    pub title: &'a str,
    /// All that is said of it.
    pub description: &'a str,
    /// How many tasks it needs.
    pub dependencies: usize,
    /// How many files it is expected to change; 0 where nobody knows.
    pub files: usize,
    /// How long it is expected to take.
    pub estimate: Option<Duration>,
}

impl<'a> From<&'a Task> for Subject<'a> {
    fn from(task: &'a Task) -> Self {
        Self {
            title: &task.title,
            description: &task.description,
            dependencies: task.dependencies.len(),
            files: task.files.len(),
            estimate: task.estimate,
        }
    }
}

/// What the factors see, in numbers.
#[derive(Debug, Clone)]
pub struct Features {
    /// The numbers whose weights are fitted: length, excess length, difficult words, simple words of
    /// the title (negated), list items, requests, words on security, words on performance. Each is a
    /// logarithm; more of it means more complex.
    pub fitted: [f64; FITTED],
    /// The logarithm of one more than the dependencies.
    pub dependencies: f64,
    /// The logarithm of the files; 0 where nobody knows.
    pub files: f64,
    /// The logarithm of the estimate in half hours, bounded; 0 where there is none.
    pub estimate: f64,
    /// The words for the wording.
    pub bag: Bag,
    pub(super) n_words: usize,
    pub(super) difficult: Vec<String>,
    pub(super) simple: Vec<String>,
    pub(super) security: Vec<String>,
    pub(super) performance: Vec<String>,
    pub(super) n_items: usize,
    pub(super) n_requests: usize,
    pub(super) subject: (usize, usize, Option<Duration>),
}

impl Features {
    /// Looks at a piece of work.
    #[must_use]
    pub fn of(subject: &Subject<'_>) -> Self {
        let title = cut(subject.title);
        let description = cut(subject.description);
        let said = prose(description);
        let title_words: Vec<String> = words(title).collect();
        let mut all_words = title_words.clone();
        all_words.extend(words(&said));
        let n_words = title.split_whitespace().count() + said.split_whitespace().count();
        let n_raw = title.split_whitespace().count() + description.split_whitespace().count();
        let n_items = items(&said);
        let n_requests = count(&all_words, REQUESTS);
        let difficult = found(&all_words, DIFFICULT);
        let simple = found(&title_words, SIMPLE);
        let security = found(&all_words, SECURITY);
        let performance = found(&all_words, PERFORMANCE);
        let log = |count: usize| (count as f64).ln_1p();
        let estimate = subject.estimate.map_or(0.0, |estimate| {
            (estimate.as_secs_f64().max(60.0) / 1800.0)
                .ln()
                .clamp(-3.0, 5.0)
        });
        Self {
            fitted: [
                log(n_words),
                (log(n_raw) - LONG.ln_1p()).max(0.0),
                log(difficult.len()),
                -log(simple.len()),
                log(n_items),
                log(n_requests),
                log(security.len()),
                log(performance.len()),
            ],
            dependencies: log(subject.dependencies),
            files: (subject.files.max(1) as f64).ln(),
            estimate,
            bag: Bag::of(&title_words, &all_words),
            n_words,
            difficult,
            simple,
            security,
            performance,
            n_items,
            n_requests,
            subject: (subject.dependencies, subject.files, subject.estimate),
        }
    }
}

fn cut(text: &str) -> &str {
    let mut end = text.len().min(MOST_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// How many items of lists there are: words that are a bullet, or a number with a dot or bracket.
fn items(text: &str) -> usize {
    let is_item = |word: &&str| match word.strip_suffix(['.', ')']) {
        Some(number) => {
            !number.is_empty() && number.len() <= 2 && number.bytes().all(|b| b.is_ascii_digit())
        }
        None => matches!(*word, "-" | "*" | "#" | "•" | "[]"),
    };
    text.split_whitespace().filter(is_item).count()
}
