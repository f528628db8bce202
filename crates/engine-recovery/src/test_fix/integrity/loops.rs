//! Loops over literal lists, and tables that loops go over.

use super::{
    compare::Side,
    controls::leaves_early,
    items::Item,
    lexer::{Kind, Language, Token, group_end},
    paths::is_one_of,
    rows::{Rows, rows_were_added},
    screen::is_assertion,
};

/// Whether a loop is the same over a longer list: head and body are compared each for itself.
pub(super) fn loop_grew(before: &[Token], after: &[Token], language: Language) -> bool {
    let (Some(old), Some(new)) = (parts(before, language), parts(after, language)) else {
        return false;
    };
    before[old..] == after[new..] && loop_head_grew(before, after, language)
}

/// Whether the head of a loop has more rows, and its body demands something of each.
pub(super) fn loop_head_grew(before: &[Token], after: &[Token], language: Language) -> bool {
    let (Some(old), Some(new)) = (parts(before, language), parts(after, language)) else {
        return false;
    };
    let body = &before[old..];
    // JavaScript's heads stand in parentheses.
    let rows = if language == Language::JavaScript && before[0].is("for") {
        Rows::InCall
    } else {
        Rows::InList
    };
    // With the first that fits, more rows would demand less.
    body.iter().any(|token| is_assertion(token, language))
        && !leaves_early(body, language)
        && rows_were_added(&before[..old], &after[..new], rows)
}

/// Head and body of a loop or a `with`.
pub(super) fn block_body(tokens: &[Token], language: Language) -> Option<(&[Token], &[Token])> {
    let first = tokens.first()?;
    let names_test = first.is("t") && tokens.get(2).is_some_and(|it| it.is("Run"))
        || (language == Language::JavaScript && is_one_of(&first.text, "it test describe"));
    if names_test
        && tokens
            .get(1)
            .is_some_and(|next| next.is(".") || next.is("("))
    {
        // `t.Run(name, func(t *testing.T) { … })`.
        let end = tokens.len().checked_sub(1)?;
        let open = (0..end).find(|at| tokens[*at].is("{") && group_end(tokens, *at) == end)?;
        return Some((&tokens[..open], tokens.get(open + 1..end.checked_sub(1)?)?));
    }
    if !(first.is("for") || (first.is("with") && language == Language::Python)) {
        return None;
    }
    let start = if language == Language::Python {
        colon(tokens)?
    } else {
        parts(tokens, language)?
    };
    let is_edge = |token: &Token| matches!(token.kind, Kind::Line | Kind::Indent);
    if language == Language::Python {
        let inner = &tokens[start + 1..];
        let skipped = inner.iter().take_while(|token| is_edge(token)).count();
        let end = inner.iter().rposition(|token| token.kind == Kind::Dedent)?;
        return Some((&tokens[..start], inner.get(skipped..end)?));
    }
    let inner = tokens.get(start + 1..tokens.len() - 1)?;
    Some((&tokens[..start], inner))
}

fn colon(tokens: &[Token]) -> Option<usize> {
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        if token.is(":") {
            return Some(at);
        }
        at = if opens(token) {
            group_end(tokens, at)
        } else {
            at + 1
        };
    }
    None
}

/// Where the body of a loop begins: after `for … in [ … ]`, or `[ … ].forEach(`.
fn parts(tokens: &[Token], language: Language) -> Option<usize> {
    let first = tokens.first()?;
    let is_async = first.is("async") || first.is("await");
    if first.is("for") || (is_async && tokens.get(1).is_some_and(|next| next.is("for"))) {
        return match language {
            Language::Shell => None,
            Language::Python => colon(tokens),
            // The last block is the body; those before it are literals.
            _ => (0..tokens.len())
                .find(|at| tokens[*at].is("{") && group_end(tokens, *at) == tokens.len()),
        };
    }
    let start = tokens.iter().position(|token| token.is("["))?;
    let is_plain = tokens[..start].iter().all(|token| {
        token.is("(") || token.is("&") || token.is("await") || token.is("vec") || token.is("!")
    });
    let end = group_end(tokens, start);
    let mut at = end;
    while tokens.get(at).is_some_and(|token| token.is(".")) {
        let method = tokens.get(at + 1)?;
        if is_one_of(&method.text, "forEach for_each") {
            return is_plain.then_some(at);
        }
        if !is_one_of(&method.text, "iter into_iter") {
            return None;
        }
        at = group_end(tokens, at + 2);
    }
    None
}

fn opens(token: &Token) -> bool {
    token.kind == Kind::Punct && matches!(token.text.as_str(), "(" | "[" | "{")
}

/// Whether a statement makes a table that loops go over, and that nothing else uses.
pub(super) fn is_table(statement: &[Token], body: &[Token], language: Language) -> bool {
    let name = statement
        .iter()
        .find(|token| token.is_word() && !is_one_of(&token.text, "let const var mut static for"));
    let Some(name) = name else { return false };
    iterates(body, &name.text)
        && uses(body, &name.text) <= loops_over(body, &name.text) + 1
        && !breaks_out(body, &name.text, language)
}

/// How often a name stands for itself, and is no member of something.
fn uses(tokens: &[Token], name: &str) -> usize {
    let is_use = |(index, token): (usize, &Token)| {
        token.is_word()
            && token.text == name
            && !index
                .checked_sub(1)
                .is_some_and(|before| tokens[before].is(".") || tokens[before].is("::"))
    };
    tokens.iter().enumerate().filter(|it| is_use(*it)).count()
}

/// Whether a loop goes over the values of a name.
fn iterates(tokens: &[Token], name: &str) -> bool {
    loops_over(tokens, name) > 0
}

fn loops_over(tokens: &[Token], name: &str) -> usize {
    (0..tokens.len())
        .filter(|index| {
            tokens[*index].is_word() && tokens[*index].text == name && is_loop(tokens, *index)
        })
        .count()
}

/// Whether the name at `index` is what a loop goes over.
fn is_loop(tokens: &[Token], index: usize) -> bool {
    let text = |at: Option<usize>| {
        at.and_then(|at| tokens.get(at))
            .map_or("", |token| token.text.as_str())
    };
    let mut before = index.checked_sub(1);
    while matches!(text(before), "&" | "mut" | "*" | "(")
        || is_one_of(text(before), "enumerate sorted list zip")
    {
        before = before.and_then(|at| at.checked_sub(1));
    }
    match text(before) {
        "range" => return true,
        "in" | "of" => {
            let mut at = before;
            // `x in TABLE` alone asks, and goes over nothing.
            for _ in 0..24 {
                at = at.and_then(|at| at.checked_sub(1));
                let word = text(at);
                if word == "for" {
                    let start = at.and_then(|at| at.checked_sub(2));
                    let asks = start.is_some_and(|start| {
                        tokens[start.saturating_sub(12)..start + 2]
                            .iter()
                            .rev()
                            .take_while(|token| token.kind != Kind::Line && !token.is(";"))
                            .any(|token| is_one_of(&token.text, "any max min sum next"))
                    });
                    return !asks;
                }
                if is_one_of(word, "assert if not return and or while \n ; =") {
                    return false;
                }
            }
            return false;
        }
        _ => {}
    }
    let method = text(Some(index + 2));
    let is_member = text(Some(index + 1)) == ".";
    let then = text(Some(index + 6));
    is_member
        && (is_one_of(method, "forEach map items")
            || (is_one_of(method, "iter into_iter")
                && !is_one_of(
                    then,
                    "any find position filter sum max min fold count find_map",
                )))
}

/// Whether a loop over the name ends with the first row that fits.
fn breaks_out(tokens: &[Token], name: &str, language: Language) -> bool {
    if language == Language::Python {
        return tokens.iter().any(|token| token.is("break"));
    }
    (0..tokens.len())
        .filter(|index| {
            tokens[*index].is_word() && tokens[*index].text == name && is_loop(tokens, *index)
        })
        .any(|index| {
            let open = (index..tokens.len()).find(|at| tokens[*at].is("{"));
            open.is_some_and(|open| leaves_early(&tokens[open..group_end(tokens, open)], language))
        })
}

/// Whether a constant is a table of cases to which rows were added.
pub(super) fn table_grew(before: &Item, after: &Item, side: &Side) -> bool {
    let name = before
        .name
        .rsplit(['.', ':', '>', ' '])
        .next()
        .unwrap_or("");
    let is_itself = |item: &&Item| item.name == before.name && item.kind == before.kind;
    let mut is_used = false;
    for item in side.before.iter().filter(|item| !is_itself(item)) {
        let tokens: Vec<_> = item.tokens().cloned().collect();
        let is_marked = item
            .marks
            .iter()
            .any(|mark| mark.contains("parametrize") && mark.split(' ').any(|word| word == name));
        let is_header = item
            .header
            .windows(3)
            .any(|three| three[0].is("each") && three[1].is("(") && three[2].is(name));
        let n_loops = loops_over(&tokens, name) + usize::from(is_header);
        if uses(&tokens, name) > n_loops || breaks_out(&tokens, name, side.language) && n_loops > 0
        {
            return false;
        }
        is_used |= n_loops > 0 || is_marked;
    }
    is_used && rows_were_added(&before.body, &after.body, Rows::InList)
}
