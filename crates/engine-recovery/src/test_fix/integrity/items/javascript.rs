use super::{Extent, Item, ItemKind, MAX_DEPTH, inside, statement_ranges};
use crate::test_fix::integrity::lexer::{Kind, Language, Token, group_end, join};

pub(super) fn items(tokens: &[Token], extent: Extent) -> Vec<Item> {
    let mut found = Vec::new();
    if extent == Extent::Embedded {
        return found;
    }
    let mut levels = vec![(tokens.to_vec(), String::new(), Vec::new(), 0)];
    while let Some((tokens, path, gates, depth)) = levels.pop() {
        for (from, to) in statement_ranges(&tokens, Language::JavaScript) {
            let statement = &tokens[from..to];
            let Some(call) = call(statement) else {
                found.extend(plain(statement, &path));
                continue;
            };
            let mut gates: Vec<String> = gates.clone();
            gates.extend(call.gates);
            if call.is_suite && depth < MAX_DEPTH {
                let mut head = Item::new(
                    ItemKind::Definition,
                    format!("suite {path}{}", call.name),
                    call.line,
                );
                head.header = call.header;
                head.gates.clone_from(&gates);
                found.push(head);
                levels.push((
                    call.body,
                    format!("{path}{} > ", call.name),
                    gates,
                    depth + 1,
                ));
            } else {
                let mut item = Item::new(ItemKind::Test, format!("{path}{}", call.name), call.line);
                item.header = call.header;
                item.body = call.body;
                item.gates = gates;
                item.place.clone_from(&path);
                found.push(item);
            }
        }
    }
    found.sort_by_key(|item| item.line);
    found
}

/// A call that makes a test or a suite.
struct Call {
    is_suite: bool,
    name: String,
    gates: Vec<String>,
    header: Vec<Token>,
    body: Vec<Token>,
    line: u32,
}

/// Whether a word makes tests or suites, and whether it turns them off or all others.
fn maker(word: &str) -> Option<(bool, Option<&'static str>)> {
    Some(match word {
        "describe" | "suite" | "context" => (true, None),
        "it" | "test" | "specify" => (false, None),
        "xdescribe" | "xcontext" | "xsuite" => (true, Some("skip")),
        "xit" | "xtest" | "xspecify" => (false, Some("skip")),
        "fdescribe" | "fcontext" => (true, Some("only")),
        "fit" | "ftest" => (false, Some("only")),
        _ => return None,
    })
}

fn call(statement: &[Token]) -> Option<Call> {
    let mut at = usize::from(statement.first().is_some_and(|token| token.is("await")));
    let first = statement.get(at).filter(|token| token.is_word())?;
    let is_object = matches!(first.text.as_str(), "Deno" | "QUnit" | "node")
        && statement.get(at + 1).is_some_and(|token| token.is("."));
    if is_object {
        at += 2;
    }
    let callee = statement.get(at).filter(|token| token.is_word())?;
    let (is_suite, gate) = match maker(&callee.text) {
        Some(found) => found,
        None if is_object && callee.text == "module" => (true, None),
        None => return None,
    };
    let mut gates: Vec<String> = gate.map(str::to_owned).into_iter().collect();
    at += 1;
    let mut is_suite = is_suite;
    while statement.get(at).is_some_and(|token| token.is(".")) {
        let word = statement.get(at + 1)?;
        match word.text.as_str() {
            "skip" | "todo" | "failing" | "fails" | "fixme" | "skipIf" | "runIf" | "ignore"
            | "only" | "fail" => {
                gates.push(word.text.clone());
            }
            "describe" => is_suite = true,
            _ => {}
        }
        at += 2;
    }
    // The table of `each`, or the condition of `skipIf`, comes as a call of its own.
    let mut open = at;
    loop {
        let token = statement.get(open)?;
        let end = if token.is("(") {
            group_end(statement, open)
        } else if token.kind == Kind::Text {
            open + 1
        } else {
            return None;
        };
        if statement.get(end).is_some_and(|next| next.is("(")) {
            open = end;
            continue;
        }
        if !token.is("(") {
            return None;
        }
        // `test("…", …).timeout(5)` goes on after its arguments.
        break;
    }
    let end = group_end(statement, open);
    let arguments = inside(statement, open, end);
    let first = arguments.first();
    let name = match first {
        Some(token) if token.kind == Kind::Text => token.text.clone(),
        Some(token) if token.is_word() && arguments.len() == 1 => return None,
        Some(_) => {
            let until = arguments
                .iter()
                .position(|token| token.is(","))
                .unwrap_or(arguments.len());
            join(&arguments[..until])
        }
        None => return None,
    };
    let (from, to) = callback(arguments);
    let mut header: Vec<Token> = statement[..=open].to_vec();
    header.extend_from_slice(&arguments[..from]);
    header.extend_from_slice(&arguments[to..]);
    header.extend_from_slice(&statement[(end - 1).min(statement.len())..]);
    let option = |word: &str| {
        header
            .windows(2)
            .any(|pair| pair[0].is(word) && pair[1].is(":"))
    };
    for word in ["skip", "todo", "only", "ignore"] {
        if option(word) {
            gates.push(word.to_owned());
        }
    }
    Some(Call {
        is_suite,
        name,
        gates,
        body: arguments[from..to].to_vec(),
        header,
        line: callee.line,
    })
}

/// Where the body of the function among some arguments stands.
fn callback(arguments: &[Token]) -> (usize, usize) {
    let mut at = 0;
    while at < arguments.len() {
        let token = &arguments[at];
        if token.is("=>") {
            let Some(next) = arguments.get(at + 1) else {
                break;
            };
            if next.is("{") {
                let end = group_end(arguments, at + 1);
                return (at + 2, end.saturating_sub(1).max(at + 2));
            }
            let mut end = at + 1;
            while end < arguments.len() && !arguments[end].is(",") {
                let opens = matches!(arguments[end].text.as_str(), "(" | "[" | "{")
                    && arguments[end].kind == Kind::Punct;
                end = if opens {
                    group_end(arguments, end)
                } else {
                    end + 1
                };
            }
            return (at + 1, end);
        }
        if token.is("function") {
            let brace = (at..arguments.len()).find(|index| arguments[*index].is("{"));
            if let Some(open) = brace {
                let end = group_end(arguments, open);
                return (open + 1, end.saturating_sub(1).max(open + 1));
            }
        }
        let opens = matches!(token.text.as_str(), "(" | "[" | "{") && token.kind == Kind::Punct;
        at = if opens {
            group_end(arguments, at)
        } else {
            at + 1
        };
    }
    (arguments.len(), arguments.len())
}

fn plain(statement: &[Token], path: &str) -> Vec<Item> {
    let Some(first) = statement.first() else {
        return Vec::new();
    };
    let line = first.line;
    if first.is("import") && !statement.get(1).is_some_and(|next| next.is("(")) {
        return imports(&statement[1..], line, path);
    }
    let mut at = 0;
    while statement.get(at).is_some_and(|token| {
        matches!(
            token.text.as_str(),
            "export" | "default" | "async" | "declare" | "abstract"
        ) && token.is_word()
    }) {
        at += 1;
    }
    let keyword = statement.get(at).map_or("", |token| token.text.as_str());
    let next = statement.get(at + 1);
    match keyword {
        "function" | "class" | "interface" | "enum" | "type" | "namespace" => {
            let name = statement[at + 1..].iter().find(|token| token.is_word());
            let name = name.map(|token| token.text.clone()).unwrap_or_default();
            vec![with_body(
                ItemKind::Definition,
                format!("{path}{name}"),
                statement,
                path,
            )]
        }
        "const" | "let" | "var" => {
            let required = statement.iter().position(|token| token.is("require"));
            let is_plain = required.is_some_and(|at| {
                group_end(statement, at + 1) == statement.len()
                    && statement
                        .get(at.wrapping_sub(1))
                        .is_some_and(|it| it.is("="))
            });
            if let (Some(required), true) = (required, is_plain) {
                let from = &statement[required..];
                let names = &statement[at + 1..required - 1];
                return bound(names, from, line, path);
            }
            match next {
                Some(token) if token.is_word() => {
                    vec![with_body(
                        ItemKind::Definition,
                        format!("{path}{}", token.text),
                        statement,
                        path,
                    )]
                }
                _ => vec![with_body(ItemKind::Loose, String::new(), statement, path)],
            }
        }
        _ => {
            let is_directive = statement.iter().all(|token| token.kind == Kind::Text);
            if is_directive {
                return Vec::new();
            }
            vec![with_body(ItemKind::Loose, String::new(), statement, path)]
        }
    }
}

fn with_body(kind: ItemKind, name: String, statement: &[Token], place: &str) -> Item {
    let mut item = Item::new(kind, name, statement.first().map_or(0, |token| token.line));
    item.body = statement.to_vec();
    place.clone_into(&mut item.place);
    item
}

fn imports(tokens: &[Token], line: u32, place: &str) -> Vec<Item> {
    let from = tokens.iter().rposition(|token| token.kind == Kind::Text);
    let Some(from) = from else { return Vec::new() };
    let end = tokens
        .iter()
        .position(|token| token.is("from"))
        .unwrap_or(0);
    let module = &tokens[from..=from];
    if end == 0 {
        // For its effects alone.
        let mut item = Item::new(ItemKind::Loose, "", line);
        item.body = module.to_vec();
        return vec![item];
    }
    bound(&tokens[..end], module, line, place)
}

/// The names of a binding pattern, with what each is bound to.
fn bound(names: &[Token], from: &[Token], line: u32, place: &str) -> Vec<Item> {
    let is_pattern = |token: &&Token| !matches!(token.text.as_str(), "{" | "}");
    let mut found = Vec::new();
    let braces = names.iter().position(|token| token.is("{"));
    let in_braces: Vec<Token> = names.iter().filter(is_pattern).cloned().collect();
    for name in in_braces.split(|token| token.is(",")) {
        let name: Vec<Token> = name
            .iter()
            .filter(|token| !token.is("type"))
            .cloned()
            .collect();
        let Some(last) = name.last() else { continue };
        let mut item = Item::new(ItemKind::Import, last.text.clone(), line);
        item.body = from.to_vec();
        if braces.is_some() {
            item.body.extend(name.iter().cloned());
        }
        place.clone_into(&mut item.place);
        found.push(item);
    }
    found
}
