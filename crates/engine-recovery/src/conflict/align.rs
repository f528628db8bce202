//! Which lines of one text are found in another: the shortest edit script by
//! Myers' greedy algorithm (E. W. Myers, "An O(ND) difference algorithm and its variations").

use std::collections::HashMap;

/// Texts that differ in more lines than this are as good as unlike. The search
/// keeps a few bytes for the square of it.
const MAX_DIFFERENCES: usize = 2_000;

/// The longest common subsequence as pairs of indexes, ascending; `None` where
/// the two differ too much.
pub(super) fn align(from: &[&str], to: &[&str]) -> Option<Vec<(usize, usize)>> {
    let n_before = (from.iter().zip(to))
        .take_while(|(one, other)| one == other)
        .count();
    let (rest, other_rest) = (&from[n_before..], &to[n_before..]);
    let n_after = (rest.iter().rev().zip(other_rest.iter().rev()))
        .take_while(|(one, other)| one == other)
        .count();
    let middle = &rest[..rest.len() - n_after];
    let other_middle = &other_rest[..other_rest.len() - n_after];
    let mut numbers = HashMap::new();
    let number = |numbers: &mut HashMap<_, usize>, lines: &[&str]| -> Vec<usize> {
        let number = |line: &&str| {
            let next = numbers.len();
            *numbers.entry((*line).to_owned()).or_insert(next)
        };
        lines.iter().map(number).collect()
    };
    let from_numbers = number(&mut numbers, middle);
    let to_numbers = number(&mut numbers, other_middle);
    let mut pairs: Vec<_> = (0..n_before).map(|idx| (idx, idx)).collect();
    let between = shortest(&from_numbers, &to_numbers)?;
    pairs.extend(between.iter().map(|(a, b)| (a + n_before, b + n_before)));
    let ends = (from.len() - n_after, to.len() - n_after);
    pairs.extend((0..n_after).map(|idx| (ends.0 + idx, ends.1 + idx)));
    Some(pairs)
}

fn shortest(from: &[usize], to: &[usize]) -> Option<Vec<(usize, usize)>> {
    let most = (from.len() + to.len()).min(MAX_DIFFERENCES);
    // `reached[diagonal + offset]` is how far into `from` that diagonal got.
    let offset = most + 1;
    let mut reached = vec![0_usize; 2 * most + 3];
    let mut trace = Vec::new();
    for n_edits in 0..=most {
        trace.push(reached[offset - n_edits..=offset + n_edits].to_vec());
        for step in 0..=n_edits {
            let at = offset + 2 * step - n_edits;
            let is_down = step == 0 || (step != n_edits && reached[at - 1] < reached[at + 1]);
            let mut x = if is_down {
                reached[at + 1]
            } else {
                reached[at - 1] + 1
            };
            // `at - offset` is the diagonal x - y.
            let mut y = x + offset - at;
            while x < from.len() && y < to.len() && from[x] == to[y] {
                (x, y) = (x + 1, y + 1);
            }
            reached[at] = x;
            if x == from.len() && y == to.len() {
                return Some(backwards(&trace, from.len(), to.len()));
            }
        }
    }
    None
}

/// Follows the trace from the ends of both texts to their beginnings.
fn backwards(trace: &[Vec<usize>], mut x: usize, mut y: usize) -> Vec<(usize, usize)> {
    let mut pairs = Vec::new();
    for (n_edits, reached) in trace.iter().enumerate().rev() {
        // The diagonal x - y as an index into what was reached after `n_edits - 1` edits.
        let at = x + n_edits - y;
        let is_down =
            at == 0 || (at != 2 * n_edits && reached[at.saturating_sub(1)] < reached[at + 1]);
        let (before_x, before_y) = match (n_edits, is_down) {
            (0, _) => (0, 0),
            (_, true) => {
                let x = reached[at + 1];
                (x, x + n_edits - (at + 1))
            }
            (_, false) => {
                let x = reached[at - 1];
                (x, x + n_edits - (at - 1))
            }
        };
        while x > before_x && y > before_y {
            (x, y) = (x - 1, y - 1);
            pairs.push((x, y));
        }
        (x, y) = (before_x, before_y);
    }
    pairs.reverse();
    pairs
}
