use super::{Extent, Item, ItemKind, MAX_DEPTH};
use crate::test_fix::integrity::{
    lexer::{Kind, Language, Lexed, Token, group_end, join, lex},
    screen::is_assertion,
};

pub(super) fn items(lexed: &Lexed, text: &str, extent: Extent) -> Vec<Item> {
    let mut found = Vec::new();
    let top = Container {
        path: String::new(),
        gates: Vec::new(),
        collects: true,
        depth: 0,
    };
    let mut levels = vec![(lexed.tokens.clone(), top)];
    while let Some((tokens, container)) = levels.pop() {
        let cut = statements(&tokens);
        for statement in &cut {
            read(statement, &container, &mut found, &mut levels);
        }
    }
    if extent == Extent::Embedded {
        // A function of a source may be called `test_connection`.
        let checks = |token: &Token| is_assertion(token, Language::Python);
        found.retain(|item| item.kind == ItemKind::Test && item.body.iter().any(checks));
    }
    found.extend(doctests(lexed, text));
    found.sort_by_key(|item| item.line);
    // A mark of the whole module holds for each of its tests.
    let of_module: Vec<_> = found
        .iter()
        .filter(|item| item.name == "pytestmark" && skips(&item.body))
        .map(|item| join(&item.body))
        .collect();
    for item in &mut found {
        item.gates.extend(of_module.iter().cloned());
    }
    found
}

struct Container {
    path: String,
    gates: Vec<String>,
    /// Whether a runner looks for tests in it.
    collects: bool,
    depth: usize,
}

/// Cuts at the ends of logical lines; a block stays with its head, and the parts of one compound together.
pub(super) fn statements(tokens: &[Token]) -> Vec<Vec<Token>> {
    let mut cut: Vec<Vec<Token>> = Vec::new();
    let mut current: Vec<Token> = Vec::new();
    let mut depth = 0_usize;
    for (index, token) in tokens.iter().enumerate() {
        current.push(token.clone());
        match token.kind {
            Kind::Indent => depth += 1,
            Kind::Dedent => depth = depth.saturating_sub(1),
            Kind::Line => {}
            _ => continue,
        }
        let next = tokens.get(index + 1);
        let has_block = next.is_some_and(|next| matches!(next.kind, Kind::Indent | Kind::Dedent));
        let is_decorator = current.first().is_some_and(|first| first.is("@"))
            && !current
                .iter()
                .any(|token| token.is("def") || token.is("class"));
        let goes_on = next.is_some_and(|next| {
            next.is_word() && matches!(next.text.as_str(), "elif" | "else" | "except" | "finally")
        });
        if depth == 0 && !has_block && !is_decorator && !goes_on {
            cut.push(std::mem::take(&mut current));
        }
    }
    if !current.is_empty() {
        cut.push(current);
    }
    cut
}

fn read(
    statement: &[Token],
    container: &Container,
    found: &mut Vec<Item>,
    levels: &mut Vec<(Vec<Token>, Container)>,
) {
    let mut decorators: Vec<Vec<Token>> = Vec::new();
    let mut at = 0;
    while statement.get(at).is_some_and(|token| token.is("@")) {
        let end = statement[at..]
            .iter()
            .position(|token| token.kind == Kind::Line);
        let end = end.map_or(statement.len(), |end| at + end);
        decorators.push(statement[at + 1..end].to_vec());
        at = end + 1;
    }
    let is_async = statement.get(at).is_some_and(|token| token.is("async"));
    let keyword = at + usize::from(is_async);
    let (Some(first), Some(word)) = (statement.get(at), statement.get(keyword)) else {
        return;
    };
    let name = statement
        .get(keyword + 1)
        .map(|token| token.text.clone())
        .unwrap_or_default();
    let place = container.path.as_str();
    let mut gates = container.gates.clone();
    gates.extend(
        decorators
            .iter()
            .filter(|it| skips(it))
            .map(|it| format!("@{}", join(it))),
    );
    let marks = decorators.iter().map(|it| join(it)).collect();
    match word.text.as_str() {
        "def" => {
            let colon = head_end(statement, keyword);
            let is_test = container.collects && name.starts_with("test");
            let kind = if is_test {
                ItemKind::Test
            } else {
                ItemKind::Definition
            };
            let mut item = Item::new(kind, format!("{}{name}", container.path), first.line);
            item.header = statement[at..colon].to_vec();
            item.body = without_docstring(block(statement, colon));
            item.marks = marks;
            item.gates = gates;
            place.clone_into(&mut item.place);
            found.push(item);
        }
        "class" if container.depth < MAX_DEPTH => {
            let colon = head_end(statement, keyword);
            let bases = &statement[(keyword + 2).min(colon)..colon];
            let is_suite = bases
                .iter()
                .any(|token| token.is_word() && token.text.ends_with("TestCase"));
            let inherits_tests = bases.iter().any(|token| {
                token.is_word()
                    && (token.text.starts_with("Test")
                        || token.text.ends_with("Test")
                        || token.text.ends_with("Tests")
                        || token.text.ends_with("Base"))
            });
            let collects = name.starts_with("Test") || is_suite || inherits_tests;
            let mut item = Item::new(
                ItemKind::Definition,
                format!("class {}{name}", container.path),
                first.line,
            );
            item.header = statement[at..colon].to_vec();
            item.marks = marks;
            item.gates.clone_from(&gates);
            place.clone_into(&mut item.place);
            found.push(item);
            let body = block(statement, colon);
            let marked = statements(&body).iter().any(|it| is_mark_assignment(it));
            if marked {
                gates.push(format!("a mark of class {name}"));
            }
            let path = format!("{}{name}.", container.path);
            levels.push((
                body,
                Container {
                    path,
                    gates,
                    collects,
                    depth: container.depth + 1,
                },
            ));
        }
        "import" | "from" => found.extend(imports(statement, place)),
        _ => {
            let assigned = assigned_name(statement);
            let (kind, name) = match assigned {
                Some(name) => (ItemKind::Definition, format!("{}{name}", container.path)),
                None => (ItemKind::Loose, String::new()),
            };
            // A docstring or a bare `pass` or `...` says nothing.
            let is_empty = statement.iter().all(|token| {
                matches!(token.kind, Kind::Text | Kind::Line) || token.is("pass") || token.is("...")
            });
            if is_empty {
                return;
            }
            let mut item = Item::new(kind, name, first.line);
            item.body = statement.to_vec();
            place.clone_into(&mut item.place);
            found.push(item);
        }
    }
}

/// The index of the colon that ends a head.
fn head_end(statement: &[Token], from: usize) -> usize {
    let mut at = from;
    while at < statement.len() {
        let token = &statement[at];
        if token.is(":") {
            return at;
        }
        if token.is("(") || token.is("[") || token.is("{") {
            at = group_end(statement, at);
        } else {
            at += 1;
        }
    }
    statement.len()
}

/// What stands in the block of a head, without the outer indentation.
fn block(statement: &[Token], colon: usize) -> Vec<Token> {
    let mut rest = &statement[(colon + 1).min(statement.len())..];
    if rest.first().is_some_and(|token| token.kind == Kind::Line) {
        rest = &rest[1..];
    }
    if rest.first().is_some_and(|token| token.kind == Kind::Indent) {
        rest = &rest[1..];
        if let Some((last, before)) = rest.split_last()
            && last.kind == Kind::Dedent
        {
            rest = before;
        }
    }
    rest.to_vec()
}

fn without_docstring(mut body: Vec<Token>) -> Vec<Token> {
    let is_docstring = body.first().is_some_and(|token| token.kind == Kind::Text)
        && body.get(1).is_none_or(|token| token.kind == Kind::Line);
    if is_docstring && body.len() > 2 {
        body.drain(..2);
    }
    body
}

/// Whether a decorator or mark keeps a test from being run or from counting.
fn skips(tokens: &[Token]) -> bool {
    tokens.iter().any(|token| {
        token.is_word()
            && (token.text.to_ascii_lowercase().contains("skip")
                || matches!(
                    token.text.as_str(),
                    "xfail"
                        | "expectedFailure"
                        | "importorskip"
                        | "ignore"
                        | "disabled"
                        | "deselect"
                ))
    })
}

fn is_mark_assignment(statement: &[Token]) -> bool {
    match assigned_name(statement).as_deref() {
        Some("pytestmark") => skips(statement),
        Some("__test__") => true,
        _ => false,
    }
}

/// The name that a plain assignment binds.
fn assigned_name(statement: &[Token]) -> Option<String> {
    let first = statement.first().filter(|token| token.is_word())?;
    let second = statement.get(1)?;
    (second.is("=") || second.is(":")).then(|| first.text.clone())
}

fn imports(statement: &[Token], place: &str) -> Vec<Item> {
    let line = statement.first().map_or(0, |token| token.line);
    let mut found = Vec::new();
    let import = statement
        .iter()
        .position(|token| token.is("import"))
        .unwrap_or(0);
    let from: Vec<Token> = statement[..import]
        .iter()
        .filter(|token| !token.is("from"))
        .cloned()
        .collect();
    let names = statement[(import + 1).min(statement.len())..]
        .iter()
        .filter(|token| !matches!(token.text.as_str(), "(" | ")" | "\n"))
        .cloned()
        .collect::<Vec<_>>();
    for name in names.split(|token| token.is(",")) {
        let Some(last) = name.last() else { continue };
        let is_alias = name.iter().any(|token| token.is("as"));
        // `import a.b` binds `a`.
        let bound = match (is_alias, from.is_empty()) {
            (false, true) => name.first().unwrap_or(last),
            _ => last,
        };
        let mut item = Item::new(ItemKind::Import, bound.text.clone(), line);
        item.body = from.iter().chain(name).cloned().collect();
        place.clone_into(&mut item.place);
        found.push(item);
    }
    found
}

/// Examples of an interpreter session in strings; doctest runs them.
fn doctests(lexed: &Lexed, text: &str) -> Vec<Item> {
    let mut found = Vec::new();
    if !text.contains(">>>") {
        return found;
    }
    for token in lexed.tokens.iter().filter(|token| token.kind == Kind::Text) {
        let mut lines = token.text.lines().map(str::trim).peekable();
        while let Some(line) = lines.next() {
            let Some(code) = line.strip_prefix(">>>") else {
                continue;
            };
            let mut said = code.to_owned();
            let mut gates = Vec::new();
            if code.contains("+SKIP") || code.contains("+ELLIPSIS") {
                gates.push("# doctest:".to_owned() + code.rsplit("doctest:").next().unwrap_or(""));
            }
            while let Some(next) =
                lines.next_if(|next| !next.is_empty() && !next.starts_with(">>>"))
            {
                said.push('\n');
                said.push_str(next);
            }
            let mut item = Item::new(ItemKind::Test, format!("doctest{code}"), token.line);
            item.body = lex(&said, Language::Python).tokens;
            item.gates = gates;
            "doctest".clone_into(&mut item.place);
            found.push(item);
        }
    }
    found
}
