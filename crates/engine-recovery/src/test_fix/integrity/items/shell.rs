use super::{Extent, Item, ItemKind, inside};
use crate::test_fix::integrity::lexer::{Kind, Token};

pub(super) fn items(tokens: &[Token], extent: Extent) -> Vec<Item> {
    if extent == Extent::Embedded {
        return Vec::new();
    }
    statements(tokens).iter().map(|it| item(it)).collect()
}

fn item(statement: &[Token]) -> Item {
    let line = statement.first().map_or(0, |token| token.line);
    let word = |index: usize| statement.get(index).map_or("", |token| token.text.as_str());
    let brace = statement
        .iter()
        .position(|token| token.is("{") || token.is("("));
    // `name() {`, `function name {`, and bats' `@test "name" {`.
    let (kind, name) = if word(0) == "@test" {
        (ItemKind::Test, word(1).trim_matches(['"', '\'']).to_owned())
    } else if word(0) == "function" {
        (function_kind(word(1)), word(1).to_owned())
    } else if word(1) == "(" && word(2) == ")" {
        (function_kind(word(0)), word(0).to_owned())
    } else {
        let mut item = Item::new(ItemKind::Loose, "", line);
        item.body = statement.to_vec();
        return item;
    };
    let brace = statement.iter().position(|token| token.is("{")).or(brace);
    let mut item = Item::new(kind, name, line);
    if let Some(open) = brace {
        // The patterns of `case` close parentheses that nobody opens.
        let closing = if statement[open].is("{") { "}" } else { ")" };
        let end = statement.iter().rposition(|token| token.is(closing));
        let end = end.map_or(statement.len(), |end| end + 1);
        item.body = inside(statement, open, end).to_vec();
        let rest = &statement[end.min(statement.len())..];
        item.header = rest
            .iter()
            .filter(|token| token.kind != Kind::Line)
            .cloned()
            .collect();
    }
    item
}

fn function_kind(name: &str) -> ItemKind {
    if name.starts_with("test") {
        ItemKind::Test
    } else {
        ItemKind::Definition
    }
}

/// Cuts at the ends of commands; compound commands stay whole.
pub(super) fn statements(tokens: &[Token]) -> Vec<Vec<Token>> {
    let mut cut = Vec::new();
    let mut current: Vec<Token> = Vec::new();
    let (mut depth, mut parens) = (0_usize, 0_usize);
    let mut is_command = true;
    for (index, token) in tokens.iter().enumerate() {
        current.push(token.clone());
        match token.kind {
            Kind::Line => {
                is_command = true;
                let next = tokens.get(index + 1);
                let n = current.len();
                let is_head = (n >= 3 && current[n - 2].is(")") && current[n - 3].is("(")
                    || current[0].is("function") && n == 3)
                    && next.is_some_and(|next| next.is("{") || next.is("("));
                if depth == 0 && parens == 0 && !is_head {
                    cut.push(std::mem::take(&mut current));
                }
                continue;
            }
            Kind::Punct => match token.text.as_str() {
                "{" => depth += 1,
                "}" => depth = depth.saturating_sub(1),
                "(" => parens += 1,
                ")" => parens = parens.saturating_sub(1),
                _ => {}
            },
            Kind::Word if is_command => match token.text.as_str() {
                "if" | "case" | "for" | "while" | "until" | "select" => depth += 1,
                "fi" | "esac" | "done" => depth = depth.saturating_sub(1),
                _ => {}
            },
            _ => {}
        }
        is_command = match token.kind {
            Kind::Punct => matches!(
                token.text.as_str(),
                "&&" | "||" | "|" | "(" | "{" | ";;" | ")" | "&"
            ),
            Kind::Word => matches!(
                token.text.as_str(),
                "then" | "do" | "else" | "elif" | "!" | "if" | "while" | "until"
            ),
            _ => false,
        };
    }
    if !current.is_empty() {
        cut.push(current);
    }
    cut
}
