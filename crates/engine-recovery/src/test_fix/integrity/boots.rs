//! What added test code does as its file is read: calls of the code, and patches by imported names.

use super::{
    compare::Side,
    items::{Item, ItemKind},
    lexer::{Kind, Language, Token},
    paths::{file_name, is_one_of},
};

/// The tokens of an item, behind the imports that tell what its names are.
pub(super) fn patched_by(item: &Item, side: &Side) -> Vec<Token> {
    let mut tokens = Vec::new();
    if side.language == Language::JavaScript {
        // `expect.extend(matchers)` and `assert.equal = …` depend on where the names come from.
        let imports = side.after.iter().filter(|it| it.kind == ItemKind::Import);
        for import in imports {
            let mut word = Token {
                kind: Kind::Word,
                text: "import".to_owned(),
                line: item.line,
                is_first: true,
            };
            tokens.push(word.clone());
            word.text.clone_from(&import.name);
            tokens.push(word);
            tokens.extend(
                import
                    .body
                    .iter()
                    .filter(|it| it.kind == Kind::Text)
                    .cloned(),
            );
            tokens.push(Token {
                kind: Kind::Punct,
                text: ";".to_owned(),
                line: item.line,
                is_first: false,
            });
        }
    }
    tokens.extend(item.tokens().cloned());
    for token in &mut tokens {
        token.line = item.line;
    }
    tokens
}

/// A call, made as the file is read, of something that the code under test could be.
pub(super) fn boots(tokens: &[Token], side: &Side, has_tests: bool) -> Option<String> {
    let name = file_name(&side.path);
    let is_read_first = matches!(name, "__init__.py" | "conftest.py");
    let first = tokens.first().filter(|first| first.is_word())?;
    let open = tokens.iter().position(|token| token.is("("))?;
    let is_path = tokens[..open]
        .iter()
        .all(|token| token.is_word() || token.is("."));
    let imported = side
        .after
        .iter()
        .find(|it| it.kind == ItemKind::Import && it.name == first.text)?;
    if !is_path || tokens.iter().any(|token| token.is("=>") || token.is("def")) {
        return None;
    }
    let is_foreign = match side.language {
        Language::Python => {
            let root = imported.body.first().map_or("", |it| it.text.as_str());
            is_one_of(
                root,
                "os sys logging warnings pytest unittest matplotlib faulthandler django dotenv hypothesis numpy pandas                  random locale gettext pathlib multiprocessing asyncio nest_asyncio torch tensorflow celery gevent                  eventlet vcr requests_mock structlog loguru sqlalchemy flask fastapi tracemalloc time decimal",
            )
        }
        Language::JavaScript => !imported
            .body
            .iter()
            .any(|it| it.kind == Kind::Text && it.text.starts_with('.')),
        _ => return None,
    };
    let reaches = has_tests || is_read_first;
    (reaches && !is_foreign).then(|| format!("`{}` is called before the tests are", first.text))
}
