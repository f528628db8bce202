use super::{Extent, Item, ItemKind, inside};
use crate::test_fix::integrity::lexer::{Kind, Lexed, Token, group_end, join};

pub(super) fn items(lexed: &Lexed, extent: Extent) -> Vec<Item> {
    let mut found = Vec::new();
    // Outside `_test.go` files go runs no test.
    if extent == Extent::Embedded {
        return found;
    }
    let constraints: Vec<_> = lexed
        .comments
        .iter()
        .filter(|comment| {
            comment.text.starts_with("go:build") || comment.text.trim_start().starts_with("+build")
        })
        .map(|comment| format!("//{}", comment.text.trim()))
        .collect();
    let tokens = &lexed.tokens;
    let mut at = 0;
    while at < tokens.len() {
        let token = &tokens[at];
        let line = token.line;
        match token.text.as_str() {
            "package" => {
                let mut item = Item::new(ItemKind::Definition, "package", line);
                item.body.extend(tokens.get(at + 1).cloned());
                found.push(item);
                at += 2;
            }
            "import" => {
                let end = declaration_end(tokens, at);
                found.extend(imports(&tokens[at + 1..end]));
                at = end;
            }
            "func" => {
                let end = function_end(tokens, at);
                found.push(function(&tokens[at..end], lexed, at, end));
                at = end;
            }
            "var" | "const" | "type" => {
                let end = declaration_end(tokens, at);
                found.extend(declarations(&tokens[at..end]));
                at = end;
            }
            _ => {
                let mut item = Item::new(ItemKind::Loose, "", line);
                item.body.push(token.clone());
                found.push(item);
                at += 1;
            }
        }
    }
    for item in &mut found {
        item.gates.extend(constraints.iter().cloned());
    }
    found
}

/// After a declaration: a group in parentheses, or one line with its brackets.
fn declaration_end(tokens: &[Token], start: usize) -> usize {
    let mut at = start + 1;
    while at < tokens.len() {
        let token = &tokens[at];
        if token.kind == Kind::Punct && matches!(token.text.as_str(), "(" | "[" | "{") {
            at = group_end(tokens, at);
        } else {
            at += 1;
        }
        let ends = tokens.get(at).is_none_or(|next| {
            let waits = tokens[at - 1].kind == Kind::Punct
                && !matches!(tokens[at - 1].text.as_str(), ")" | "]" | "}");
            next.is_first && !waits
        });
        if ends {
            return at;
        }
    }
    tokens.len()
}

/// After a function's body: the first brace that opens a block.
fn function_end(tokens: &[Token], start: usize) -> usize {
    let mut at = start + 1;
    while at < tokens.len() {
        let token = &tokens[at];
        if token.is("{") {
            let end = group_end(tokens, at);
            // `interface{}` and `struct{}` in a signature are types.
            let is_type = at > 0 && (tokens[at - 1].is("interface") || tokens[at - 1].is("struct"));
            if !is_type {
                return end;
            }
            at = end;
        } else if token.is("(") || token.is("[") {
            at = group_end(tokens, at);
        } else {
            at += 1;
        }
    }
    tokens.len()
}

fn function(tokens: &[Token], lexed: &Lexed, start: usize, end: usize) -> Item {
    let is_method = tokens.get(1).is_some_and(|token| token.is("("));
    let name_at = if is_method { group_end(tokens, 1) } else { 1 };
    let name = tokens
        .get(name_at)
        .map(|token| token.text.clone())
        .unwrap_or_default();
    let open = (name_at..tokens.len())
        .rev()
        .find(|index| tokens[*index].is("{") && group_end(tokens, *index) == tokens.len());
    let open = open.unwrap_or(tokens.len());
    // The outermost of the blocks that end with the function.
    let open = (name_at..=open)
        .find(|index| {
            tokens.get(*index).is_some_and(|token| token.is("{"))
                && group_end(tokens, *index) == tokens.len()
        })
        .unwrap_or(open);
    let header = &tokens[..open.min(tokens.len())];
    let is_test = if is_method {
        // Methods of a suite.
        name.starts_with("Test")
    } else {
        is_test_name(&name)
    };
    let kind = if is_test {
        ItemKind::Test
    } else {
        ItemKind::Definition
    };
    let full = if is_method {
        format!("{}.{name}", join(&tokens[1..name_at]))
    } else {
        name.clone()
    };
    let mut item = Item::new(kind, full, tokens[0].line);
    item.header = header.to_vec();
    item.body = inside(tokens, open, tokens.len()).to_vec();
    if name.starts_with("Example") {
        // What an example must print stands in a comment.
        let output = lexed
            .comments
            .iter()
            .filter(|comment| comment.at > start && comment.at <= end)
            .map(|comment| comment.text.trim().to_owned());
        item.marks = output.filter(|text| !text.is_empty()).collect();
        let has_output = item.marks.iter().any(|mark| {
            let mark = mark.to_ascii_lowercase();
            mark.starts_with("output:") || mark.starts_with("unordered output:")
        });
        if !has_output {
            item.gates
                .push("an example without `// Output:`".to_owned());
        }
    }
    item
}

fn is_test_name(name: &str) -> bool {
    ["Test", "Benchmark", "Fuzz", "Example"]
        .iter()
        .any(|prefix| {
            name != "TestMain"
                && name
                    .strip_prefix(prefix)
                    .is_some_and(|rest| !rest.starts_with(|c: char| c.is_lowercase()))
        })
}

fn imports(tokens: &[Token]) -> Vec<Item> {
    let mut found = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        if token.kind != Kind::Text {
            continue;
        }
        let alias = index
            .checked_sub(1)
            .map(|before| &tokens[before])
            .filter(|before| {
                before.line == token.line
                    && (before.is_word() || before.is("."))
                    && !before.is("import")
            });
        let last = token.text.rsplit('/').next().unwrap_or(&token.text);
        let bound = alias.map_or_else(|| last.to_owned(), |alias| alias.text.clone());
        let mut item = Item::new(ItemKind::Import, bound, token.line);
        item.body.push(token.clone());
        found.push(item);
    }
    found
}

fn declarations(tokens: &[Token]) -> Vec<Item> {
    let keyword = tokens[0].clone();
    let is_group = tokens.get(1).is_some_and(|token| token.is("("));
    let single;
    let specs: Vec<&[Token]> = if is_group {
        single = inside(tokens, 1, tokens.len());
        super::statement_ranges(single, crate::test_fix::integrity::lexer::Language::Go)
            .into_iter()
            .map(|(from, to)| &single[from..to])
            .collect()
    } else {
        vec![&tokens[1..]]
    };
    let item = |spec: &[Token]| {
        let first = spec.first()?;
        let mut item = Item::new(ItemKind::Definition, first.text.clone(), first.line);
        item.header = vec![keyword.clone()];
        item.body = spec
            .iter()
            .filter(|token| !token.is(";"))
            .cloned()
            .collect();
        Some(item)
    };
    specs.into_iter().filter_map(item).collect()
}
