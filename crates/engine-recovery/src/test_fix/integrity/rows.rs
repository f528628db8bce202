//! Lists of cases that only grew.

use super::lexer::{Kind, Token, group_end};

/// Whether a loop of the shell is the same over a longer list.
pub(super) fn for_list_grew(before: &[Token], after: &[Token]) -> bool {
    let list = |tokens: &[Token]| -> Option<(usize, usize)> {
        let is_for = tokens.first().is_some_and(|token| token.is("for"));
        let start = tokens
            .iter()
            .position(|token| token.is("in"))
            .filter(|_| is_for)?;
        let end = tokens
            .iter()
            .position(|token| token.kind == Kind::Line || token.is("do"))?;
        Some((start + 1, end))
    };
    let (Some((from, to)), Some((new_from, new_to))) = (list(before), list(after)) else {
        return false;
    };
    let mut new = after[new_from..new_to.max(new_from)].iter();
    before[..from] == after[..new_from]
        && before[to..] == after[new_to..]
        && before[from..to.max(from)]
            .iter()
            .all(|word| new.any(|it| it == word))
}

/// What a row may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rows {
    /// A group in brackets.
    Grouped,
    /// Or one literal, in the outermost list.
    InList,
    /// Or one literal, in a list that a call takes.
    InCall,
}

/// Whether `after` is `before` with rows added to a list that a loop goes over.
pub(super) fn rows_were_added(before: &[Token], after: &[Token], rows: Rows) -> bool {
    // The search is quadratic at worst; longer tables are none that people write.
    if after.len() > 20_000 {
        return false;
    }
    let (mut i, mut j) = (0, 0);
    let mut n_rows = 0;
    let scalars = scalar_places(after, rows);
    let row_end = |after: &[Token], at: usize| {
        let end = row_end(after, at).or_else(|| scalar_end(after, at, &scalars))?;
        // A key that is there already would take the other row's place.
        (!is_known_key(before, &after[at..end])).then_some(end)
    };
    while j < after.len() {
        if i < before.len()
            && before[i] == after[j]
            && !row_begins_here(before, after, i, j, &row_end)
        {
            i += 1;
            j += 1;
            continue;
        }
        let Some(end) = row_end(after, j) else {
            return false;
        };
        n_rows += 1;
        j = end;
    }
    i == before.len() && n_rows > 0
}

/// Whether the equal tokens at `i` and `j` begin a new row rather than the old one.
fn row_begins_here(
    before: &[Token],
    after: &[Token],
    i: usize,
    j: usize,
    row_end: &impl Fn(&[Token], usize) -> Option<usize>,
) -> bool {
    let Some(end) = row_end(after, j) else {
        return false;
    };
    let old = before.get(i..).unwrap_or_default();
    let length = end - j;
    // The row as it stands, or the list's end, comes in the old text: an old row.
    let is_old = old.len() >= length && old[..length] == after[j..end];
    let closing = old
        .first()
        .is_some_and(|token| matches!(token.text.as_str(), ")" | "]" | "}"));
    let is_last_old = {
        let bare = if after[end - 1].is(",") {
            length - 1
        } else {
            length
        };
        old.len() >= bare && old[..bare] == after[j..j + bare]
    };
    !(is_old || closing || is_last_old) && i > 0 && is_row_place(after, j)
}

/// Whether a row can stand at `j`: after an opening bracket or a comma.
fn is_row_place(tokens: &[Token], j: usize) -> bool {
    j.checked_sub(1)
        .is_some_and(|before| matches!(tokens[before].text.as_str(), "[" | "{" | "(" | ","))
}

/// After the row that begins at `start`, with its comma: a bracketed group, perhaps behind a name.
fn row_end(tokens: &[Token], start: usize) -> Option<usize> {
    let mut at = start;
    let mut leading = false;
    if tokens.get(at)?.is(",") {
        leading = true;
        at += 1;
    } else if !is_row_place(tokens, start) {
        return None;
    }
    while tokens.get(at)?.is_word()
        || tokens[at].is(".")
        || tokens[at].is("::")
        || tokens[at].is("&")
    {
        at += 1;
    }
    let token = tokens.get(at)?;
    // Go's maps: `"name": {…}`.
    let token = if token.kind == Kind::Text && tokens.get(at + 1).is_some_and(|next| next.is(":")) {
        at += 2;
        tokens.get(at)?
    } else {
        token
    };
    let opens = matches!(token.text.as_str(), "(" | "[" | "{") && token.kind == Kind::Punct;
    if !opens {
        return None;
    }
    let end = group_end(tokens, at);
    let next = tokens.get(end)?;
    if leading {
        return matches!(next.text.as_str(), ")" | "]" | "}" | ",").then_some(end);
    }
    if next.is(",") {
        return Some(end + 1);
    }
    None
}

/// Where single literals may stand as rows: directly in the list that is gone over,
/// where it holds nothing but literals.
fn scalar_places(tokens: &[Token], rows: Rows) -> Vec<(usize, usize)> {
    let wanted = match rows {
        Rows::Grouped => return Vec::new(),
        Rows::InList => 0,
        Rows::InCall => 1,
    };
    let mut found = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        if token.kind != Kind::Punct {
            continue;
        }
        match token.text.as_str() {
            "(" | "[" | "{" => {
                let is_tuple = token.is("(")
                    && wanted == 0
                    && index
                        .checked_sub(1)
                        .is_some_and(|before| tokens[before].is("in") || tokens[before].is("="));
                let is_list = token.is("[") || (token.is("{") && wanted == 0) || is_tuple;
                if is_list && open.len() == wanted {
                    let end = group_end(tokens, index);
                    let inner = &tokens[index + 1..end.saturating_sub(1).max(index + 1)];
                    if !inner.is_empty() && inner.iter().all(is_literal_part) {
                        found.push((index + 1, end - 1));
                    }
                }
                open.push(index);
            }
            ")" | "]" | "}" => {
                open.pop();
            }
            _ => {}
        }
    }
    found
}

fn is_literal(token: &Token) -> bool {
    matches!(token.kind, Kind::Number | Kind::Text)
        || matches!(
            token.text.as_str(),
            "True" | "False" | "None" | "true" | "false" | "null" | "nil" | "undefined"
        )
}

fn is_literal_part(token: &Token) -> bool {
    is_literal(token)
        || (token.kind == Kind::Punct && matches!(token.text.as_str(), "," | "-" | ":"))
}

/// After a row of one literal, with its comma; with a key before it in a map.
fn scalar_end(tokens: &[Token], start: usize, places: &[(usize, usize)]) -> Option<usize> {
    let (_, close) = places
        .iter()
        .find(|(from, to)| (*from..*to).contains(&start))?;
    let leading = tokens.get(start)?.is(",");
    if !leading && !is_row_place(tokens, start) {
        return None;
    }
    let from = start + usize::from(leading);
    let length = tokens[from..*close]
        .iter()
        .position(|token| token.is(","))
        .unwrap_or(close - from);
    let end = from + length;
    if !tokens[from..end].iter().any(is_literal) {
        return None;
    }
    if leading {
        return Some(end);
    }
    tokens.get(end).filter(|next| next.is(",")).map(|_| end + 1)
}

/// Whether a row of a map has a key that the map had before.
fn is_known_key(before: &[Token], row: &[Token]) -> bool {
    let row = match row.first() {
        Some(first) if first.is(",") => &row[1..],
        _ => row,
    };
    let [key, colon, ..] = row else { return false };
    is_literal(key)
        && colon.is(":")
        && before
            .windows(2)
            .any(|pair| pair[0] == *key && pair[1].is(":"))
}
