//! Code of Rust that is there only under test, or only outside of tests.

use super::{
    lexer::{Kind, Token, group_end, join},
    paths::is_one_of,
};

/// Something that an attribute keeps for tests or from them.
struct Gated {
    line: u32,
    /// Attribute, kind and name: what it is known by.
    key: String,
    /// Whether it is kept from tests.
    is_not: bool,
    keyword: String,
    names: Vec<String>,
    /// Whether it belongs to a value: a method of `self`.
    is_method: bool,
    /// From its attribute to its end.
    range: (usize, usize),
}

/// What is newly there under test alone and reaches other code: its line, and what it is.
pub(super) fn gated_by_test(before: &[Token], after: &[Token]) -> Option<(u32, String)> {
    let old: Vec<_> = gated(before).into_iter().map(|it| it.key).collect();
    let found = gated(after);
    for (index, item) in found.iter().enumerate() {
        let count =
            |keys: &mut dyn Iterator<Item = &str>| keys.filter(|it| *it == item.key).count();
        let earlier = count(&mut old.iter().map(String::as_str));
        let so_far = count(&mut found[..=index].iter().map(|it| it.key.as_str()));
        if so_far <= earlier {
            continue;
        }
        if item.is_not {
            return Some((
                item.line,
                "code is added that is left out under test".to_owned(),
            ));
        }
        if item.key.starts_with("cfg_attr") {
            return Some((
                item.line,
                "an attribute is added that holds under test alone".to_owned(),
            ));
        }
        let is_item = is_one_of(
            &item.keyword,
            "mod use fn struct enum union trait impl type const static macro_rules extern",
        );
        if !is_item {
            return Some((
                item.line,
                "code is added that runs under test alone".to_owned(),
            ));
        }
        if let Some(name) = item
            .names
            .iter()
            .find(|name| is_used(name, item, after, &found))
        {
            return Some((
                item.line,
                format!("`{name}`, which other code uses, is another one under test"),
            ));
        }
    }
    None
}

/// Whether code that is not of the tests names what is there for tests alone.
fn is_used(name: &str, item: &Gated, tokens: &[Token], all: &[Gated]) -> bool {
    let at = |index: usize| tokens.get(index).map_or("", |token| token.text.as_str());
    tokens.iter().enumerate().any(|(index, token)| {
        let is_gated = || {
            all.iter()
                .any(|it| (it.range.0..it.range.1).contains(&index))
        };
        if !(token.is_word() && token.text == name) || is_gated() {
            return false;
        }
        let previous = index.checked_sub(1).map_or("", at);
        let receiver = index.checked_sub(2).map_or("", at);
        match item.keyword.as_str() {
            "mod" => at(index + 1) == "::",
            _ if item.is_method => previous == "." && receiver == "self" || previous == "fn",
            _ => previous != ".",
        }
    })
}

fn gated(tokens: &[Token]) -> Vec<Gated> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let inner = usize::from(tokens.get(at + 1).is_some_and(|token| token.is("!")));
        let open = at + 1 + inner;
        let is_attribute =
            tokens[at].is("#") && tokens.get(open).is_some_and(|token| token.is("["));
        if !is_attribute {
            at += 1;
            continue;
        }
        let end = group_end(tokens, open);
        let attribute = &tokens[open + 1..end.saturating_sub(1).max(open + 1)];
        let Some(is_not) = tests(attribute) else {
            at = end;
            continue;
        };
        let is_cfg_attr = attribute[0].is("cfg_attr");
        if is_cfg_attr && only_lints(attribute) || (inner == 1 && !is_not) {
            at = end;
            continue;
        }
        found.push(read(tokens, at, end, attribute, is_not));
        at = end;
    }
    found
}

/// Whether a `cfg` asks for tests, and whether for their absence.
fn tests(attribute: &[Token]) -> Option<bool> {
    let is_cfg = attribute
        .first()
        .is_some_and(|first| first.is("cfg") || first.is("cfg_attr"));
    let condition = if attribute.first()?.is("cfg_attr") {
        let comma = top_comma(attribute).unwrap_or(attribute.len());
        &attribute[..comma]
    } else {
        attribute
    };
    let test = condition.iter().position(|it| it.is("test"));
    let debug = condition.iter().position(|it| it.is("debug_assertions"));
    let negated = |at: usize| {
        condition
            .iter()
            .enumerate()
            .any(|(index, it)| it.is("not") && index < at && group_end(condition, index + 1) > at)
    };
    if !is_cfg {
        return None;
    }
    match (test, debug) {
        (Some(at), _) => Some(negated(at)),
        // Tests are built with them, and what is released is not.
        (None, Some(at)) if negated(at) => Some(true),
        _ => None,
    }
}

fn top_comma(attribute: &[Token]) -> Option<usize> {
    let mut at = 2;
    while let Some(token) = attribute.get(at) {
        if token.is(",") {
            return Some(at);
        }
        at = if token.is("(") {
            group_end(attribute, at)
        } else {
            at + 1
        };
    }
    None
}

/// Whether a `cfg_attr` changes no behavior.
pub(super) fn only_lints(attribute: &[Token]) -> bool {
    top_comma(attribute).is_some_and(|comma| {
        attribute.get(comma + 1).is_some_and(|it| {
            is_one_of(
                &it.text,
                "allow expect warn deny derive no_std doc ignore automock",
            )
        })
    })
}

fn read(tokens: &[Token], start: usize, end: usize, attribute: &[Token], is_not: bool) -> Gated {
    let mut at = end;
    while tokens.get(at).is_some_and(|token| token.is("#")) {
        at = group_end(tokens, at + 1).max(at + 1);
    }
    while let Some(token) = tokens.get(at) {
        let next = tokens.get(at + 1);
        let is_modifier = is_one_of(&token.text, "pub async unsafe default")
            || (token.is("const") && next.is_some_and(|it| it.is("fn") || it.is("unsafe")))
            || (token.is("extern") && next.is_some_and(|it| it.kind == Kind::Text));
        if token.is("(") {
            at = group_end(tokens, at);
        } else if is_modifier || token.kind == Kind::Text {
            at += 1;
        } else {
            break;
        }
    }
    let keyword = tokens
        .get(at)
        .map_or(String::new(), |token| token.text.clone());
    let mut to = at;
    while let Some(token) = tokens.get(to) {
        if token.is(";") || token.is("}") || (token.is(",") && keyword != "use") {
            to += 1;
            break;
        }
        let is_brace = token.is("{");
        if token.kind == Kind::Punct && matches!(token.text.as_str(), "{" | "(" | "[") {
            to = group_end(tokens, to);
            if is_brace && !is_one_of(&keyword, "use const static let type") {
                break;
            }
        } else {
            to += 1;
        }
    }
    let to = to.min(tokens.len()).max(end);
    let body = &tokens[at.min(to)..to];
    let names: Vec<String> = match keyword.as_str() {
        "use" => {
            let mut names = Vec::new();
            for (index, token) in body.iter().enumerate() {
                let next = body.get(index + 1).map_or("", |it| it.text.as_str());
                if token.is_word() && matches!(next, "," | "}" | ";" | "") {
                    names.push(token.text.clone());
                }
            }
            names
        }
        "impl" => Vec::new(),
        "macro_rules" => body.get(2).map(|it| it.text.clone()).into_iter().collect(),
        _ => body.get(1).map(|it| it.text.clone()).into_iter().collect(),
    };
    let is_method = keyword == "fn" && body.iter().take(12).any(|token| token.is("self"));
    let head: Vec<Token> = body
        .iter()
        .take(if keyword == "use" { 40 } else { 3 })
        .cloned()
        .collect();
    Gated {
        line: tokens[start].line,
        key: format!("{} {}", join(attribute), join(&head)),
        is_not,
        keyword,
        names,
        is_method,
        range: (start, to),
    }
}
