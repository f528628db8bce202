use super::{Extent, Item, ItemKind, MAX_DEPTH, inside};
use crate::test_fix::integrity::{
    cfg::only_lints,
    lexer::{Kind, Language, Lexed, Token, group_end, join, lex},
};

pub(super) fn items(lexed: &Lexed, extent: Extent) -> Vec<Item> {
    let mut reader = Reader { items: Vec::new() };
    let container = Container {
        path: String::new(),
        gates: Vec::new(),
        is_test: extent == Extent::Whole,
        depth: 0,
    };
    let mut levels = vec![(lexed.tokens.clone(), container)];
    // A list of work instead of recursion: modules may nest as deep as they like.
    while let Some((tokens, container)) = levels.pop() {
        levels.extend(reader.level(&tokens, &container));
    }
    reader.items.extend(doctests(lexed));
    reader.items.sort_by_key(|item| item.line);
    reader.items
}

struct Container {
    path: String,
    gates: Vec<String>,
    is_test: bool,
    depth: usize,
}

struct Reader {
    items: Vec<Item>,
}

/// The last name in an attribute's path, and its tokens.
struct Attribute {
    name: String,
    tokens: Vec<Token>,
}

impl Reader {
    /// Reads the items of one level, and returns the containers among them.
    fn level(&mut self, tokens: &[Token], container: &Container) -> Vec<(Vec<Token>, Container)> {
        let mut deeper = Vec::new();
        let mut at = 0;
        while at < tokens.len() {
            let start = at;
            let mut attributes = Vec::new();
            while tokens.get(at).is_some_and(|token| token.is("#")) {
                let is_inner = tokens.get(at + 1).is_some_and(|token| token.is("!"));
                let open = at + 1 + usize::from(is_inner);
                let end = group_end(tokens, open);
                let inner = inside(tokens, open, end);
                if is_inner {
                    let attribute = attribute(inner);
                    if (container.is_test || attribute.name.starts_with("cfg"))
                        && !is_harmless(&attribute)
                    {
                        let line = tokens[at].line;
                        let mut item = Item::new(
                            ItemKind::Definition,
                            format!("#![{}]", attribute.name),
                            line,
                        );
                        item.body = attribute.tokens;
                        self.items.push(item);
                    }
                } else {
                    attributes.push(attribute(inner));
                }
                at = end.max(at + 1);
            }
            let Some(end) = self.item(tokens, start, at, &attributes, container, &mut deeper)
            else {
                break;
            };
            at = end.max(at + 1);
        }
        deeper
    }

    /// Reads the item whose attributes stand before `at`; returns where it ends.
    fn item(
        &mut self,
        tokens: &[Token],
        start: usize,
        at: usize,
        attributes: &[Attribute],
        container: &Container,
        deeper: &mut Vec<(Vec<Token>, Container)>,
    ) -> Option<usize> {
        let line = tokens.get(at)?.line;
        let mut keyword = at;
        while let Some(token) = tokens.get(keyword) {
            match token.text.as_str() {
                "pub" if tokens.get(keyword + 1).is_some_and(|next| next.is("(")) => {
                    keyword = group_end(tokens, keyword + 1);
                }
                "pub" | "async" | "unsafe" | "default" | "crate" => keyword += 1,
                "const"
                    if tokens
                        .get(keyword + 1)
                        .is_some_and(|next| next.is("fn") || next.is("unsafe")) =>
                {
                    keyword += 1
                }
                "extern"
                    if tokens
                        .get(keyword + 1)
                        .is_some_and(|next| next.kind == Kind::Text) =>
                {
                    keyword += 2
                }
                _ => break,
            }
        }
        let word = tokens.get(keyword)?.text.clone();
        let name = tokens
            .get(keyword + 1)
            .map(|token| token.text.clone())
            .unwrap_or_default();
        let end = item_end(tokens, keyword, &word);
        let is_test_only = attributes.iter().any(is_cfg_test);
        let mut gates = container.gates.clone();
        gates.extend(attributes.iter().filter_map(gate));
        let belongs = container.is_test || is_test_only;
        let marks: Vec<_> = attributes
            .iter()
            .filter(|attribute| !is_harmless(attribute))
            .map(|attribute| join(&attribute.tokens))
            .collect();
        let brace = (keyword..end).find(|index| tokens[*index].is("{"));
        let is_macro = tokens.get(keyword + 1).is_some_and(|token| token.is("!"));
        match word.as_str() {
            "mod" => {
                if let Some(open) = brace.filter(|_| container.depth < MAX_DEPTH) {
                    let inner = inside(tokens, open, end).to_vec();
                    let path = format!("{}{name}::", container.path);
                    deeper.push((
                        inner,
                        Container {
                            path,
                            gates,
                            is_test: belongs,
                            depth: container.depth + 1,
                        },
                    ));
                } else if belongs || is_test_name(&name) {
                    let mut item = Item::new(ItemKind::Definition, format!("mod {name}"), line);
                    item.marks = marks;
                    item.gates = gates;
                    item.body = tokens[keyword..end].to_vec();
                    self.items.push(item);
                }
                return Some(end);
            }
            "use" if belongs => {
                for (bound, path) in imports(&tokens[keyword + 1..end]) {
                    let mut item = Item::new(ItemKind::Import, bound, line);
                    item.body = path;
                    item.place.clone_from(&container.path);
                    self.items.push(item);
                }
                return Some(end);
            }
            _ if is_macro
                && word == "proptest"
                && brace.is_some()
                && container.depth < MAX_DEPTH =>
            {
                let inner = inside(tokens, brace?, end).to_vec();
                let path = container.path.clone();
                deeper.push((
                    inner,
                    Container {
                        path,
                        gates,
                        is_test: true,
                        depth: container.depth + 1,
                    },
                ));
                return Some(end);
            }
            _ => {}
        }
        let is_test = word == "fn" && attributes.iter().any(makes_test);
        if !(is_test || belongs) {
            return Some(end);
        }
        let (kind, name) = match word.as_str() {
            "fn" if is_test => (ItemKind::Test, format!("{}{name}", container.path)),
            "fn" | "const" | "static" | "struct" | "enum" | "trait" | "type" | "union" => {
                (ItemKind::Definition, format!("{}{name}", container.path))
            }
            "impl" => (
                ItemKind::Definition,
                join(&tokens[keyword..brace.unwrap_or(end)]),
            ),
            "macro_rules" => {
                let name = tokens
                    .get(keyword + 2)
                    .map(|token| token.text.clone())
                    .unwrap_or_default();
                (ItemKind::Definition, format!("{name}!"))
            }
            _ => (ItemKind::Loose, String::new()),
        };
        let mut item = Item::new(kind, name, line);
        item.marks = marks;
        item.gates = gates;
        item.place.clone_from(&container.path);
        let body = brace.filter(|_| kind == ItemKind::Test || word == "fn");
        match body {
            Some(open) => {
                item.header = tokens[keyword..open].to_vec();
                item.body = inside(tokens, open, end).to_vec();
            }
            None => item.body = tokens[at.max(start)..end].to_vec(),
        }
        self.items.push(item);
        Some(end)
    }
}

/// After the item that begins with this keyword.
fn item_end(tokens: &[Token], keyword: usize, word: &str) -> usize {
    let mut at = keyword;
    // A value may hold blocks; it ends with its semicolon.
    let needs_semicolon = matches!(word, "use" | "const" | "static" | "type" | "let");
    while at < tokens.len() {
        let token = &tokens[at];
        if token.is(";") {
            return at + 1;
        }
        if token.kind == Kind::Punct && matches!(token.text.as_str(), "(" | "[" | "{") {
            let is_brace = token.is("{");
            at = group_end(tokens, at);
            if is_brace && !needs_semicolon {
                return at;
            }
        } else {
            at += 1;
        }
    }
    tokens.len()
}

fn attribute(tokens: &[Token]) -> Attribute {
    let path = tokens
        .iter()
        .take_while(|token| token.is_word() || token.is("::"));
    let name = path
        .last()
        .map(|token| token.text.clone())
        .unwrap_or_default();
    Attribute {
        name,
        tokens: tokens.to_vec(),
    }
}

fn makes_test(attribute: &Attribute) -> bool {
    matches!(
        attribute.name.as_str(),
        "test"
            | "rstest"
            | "test_case"
            | "quickcheck"
            | "wasm_bindgen_test"
            | "parameterized"
            | "test_matrix"
            | "gtest"
    )
}

fn is_cfg_test(attribute: &Attribute) -> bool {
    let has = |word: &str| attribute.tokens.iter().any(|token| token.is(word));
    attribute.name == "cfg" && has("test") && !has("not") && !has("any")
}

/// What only documents, formats or quietens.
fn is_harmless(attribute: &Attribute) -> bool {
    matches!(
        attribute.name.as_str(),
        "allow"
            | "expect"
            | "warn"
            | "deny"
            | "forbid"
            | "doc"
            | "inline"
            | "must_use"
            | "skip"
            | "derive"
            | "track_caller"
            | "feature"
            | "recursion_limit"
    ) || is_plain_cfg_test(attribute)
        || (attribute.name == "cfg_attr" && only_lints(&attribute.tokens))
}

fn is_plain_cfg_test(attribute: &Attribute) -> bool {
    join(&attribute.tokens) == "cfg ( test )"
}

fn gate(attribute: &Attribute) -> Option<String> {
    match attribute.name.as_str() {
        "ignore" => Some("#[ignore]".to_owned()),
        "cfg" | "cfg_attr" if !is_plain_cfg_test(attribute) => {
            Some(format!("#[{}]", join(&attribute.tokens)))
        }
        _ => None,
    }
}

fn is_test_name(name: &str) -> bool {
    name == "test"
        || name == "tests"
        || name.ends_with("_test")
        || name.ends_with("_tests")
        || name.starts_with("test_")
}

/// The names that a `use` binds, and the full path of each.
fn imports(tokens: &[Token]) -> Vec<(String, Vec<Token>)> {
    let mut found = Vec::new();
    // The paths of open braces, innermost last.
    let mut prefixes: Vec<Vec<Token>> = vec![Vec::new()];
    let mut path: Vec<Token> = Vec::new();
    let mut finish = |prefixes: &[Vec<Token>], path: &mut Vec<Token>| {
        if path.is_empty() {
            return;
        }
        let mut full = prefixes.last().cloned().unwrap_or_default();
        full.append(path);
        if full.len() > 2 && full.last().is_some_and(|last| last.is("self")) {
            full.truncate(full.len() - 2);
        }
        let bound = full
            .last()
            .map(|token| token.text.clone())
            .unwrap_or_default();
        found.push((bound, full));
    };
    for token in tokens {
        match token.text.as_str() {
            "{" => {
                let mut prefix = prefixes.last().cloned().unwrap_or_default();
                prefix.append(&mut path);
                prefixes.push(prefix);
            }
            "}" => {
                finish(&prefixes, &mut path);
                prefixes.pop();
            }
            "," | ";" => finish(&prefixes, &mut path),
            _ => path.push(token.clone()),
        }
    }
    finish(&prefixes, &mut path);
    found
}

/// The code blocks of doc comments; rustdoc runs them as tests.
fn doctests(lexed: &Lexed) -> Vec<Item> {
    let mut found = Vec::new();
    let mut open: Option<(u32, String, String)> = None;
    for comment in &lexed.comments {
        let Some(text) = comment.text.strip_prefix(['/', '!']) else {
            continue;
        };
        let text = text.trim();
        if let Some(info) = text.strip_prefix("```") {
            match open.take() {
                None => open = Some((comment.line, info.to_owned(), String::new())),
                Some((line, info, code)) => found.extend(doctest(line, &info, &code)),
            }
        } else if let Some((_, _, code)) = &mut open {
            let text = text.strip_prefix("# ").unwrap_or(text);
            code.push_str(text);
            code.push('\n');
        }
    }
    found
}

fn doctest(line: u32, info: &str, code: &str) -> Option<Item> {
    let mut gates = Vec::new();
    for word in info.split([',', ' ']).filter(|word| !word.is_empty()) {
        match word {
            "rust" | "should_panic" => {}
            _ if word.starts_with("edition") => {}
            "ignore" | "no_run" | "compile_fail" => gates.push(format!("```{word}")),
            // Another language.
            _ => gates.push("```text".to_owned()),
        }
    }
    let body = lex(code, Language::Rust).tokens;
    if !body.iter().any(|token| token.text.starts_with("assert")) {
        return None;
    }
    let mut item = Item::new(ItemKind::Test, format!("doctest {}", join(&body)), line);
    if info.contains("should_panic") {
        item.marks.push("should_panic".to_owned());
    }
    item.body = body;
    item.gates = gates;
    "doctest".clone_into(&mut item.place);
    Some(item)
}
