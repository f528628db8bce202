//! The known name that a wrong one was probably meant to be.

use super::quote;

/// The known name nearest to `wrong`, if it is near enough to be meant: at most a third of its characters differ.
pub(crate) fn nearest<'a>(
    wrong: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    /// Longer than any name we know; keeps the quadratic distance bounded.
    const LONGEST: usize = 100;
    let wrong: Vec<char> = wrong
        .chars()
        .take(LONGEST)
        .flat_map(char::to_lowercase)
        .collect();
    known
        .into_iter()
        .map(|name| {
            (
                distance(&wrong, &name.to_lowercase().chars().collect::<Vec<_>>()),
                name,
            )
        })
        .filter(|(distance, name)| *distance <= (name.chars().count().max(wrong.len()) / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// The end of a message about a wrong name: the nearest known one, else the known ones, else nothing.
pub(crate) fn did_you_mean<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    /// A longer list tells less than the file's own documentation.
    const LISTED: usize = 20;
    let known: Vec<&str> = known.into_iter().collect();
    match nearest(wrong, known.iter().copied()) {
        Some(name) => format!("; did you mean {}?", quote(name)),
        None if known.is_empty() || known.len() > LISTED => String::new(),
        None => format!("; known: {}", known.join(", ")),
    }
}

/// Edits from one word to the other: insertions, deletions, replacements and swaps of neighbours.
fn distance(from: &[char], to: &[char]) -> usize {
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=to.len()).collect();
    for i in 1..=from.len() {
        let mut row = vec![i];
        for j in 1..=to.len() {
            let replaced = last[j - 1] + usize::from(from[i - 1] != to[j - 1]);
            let mut best = replaced.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1] {
                best = best.min(before_last[j - 2] + 1);
            }
            row.push(best);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[to.len()]
}
