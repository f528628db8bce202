//! Events of the parser into the marked tree, iteratively.

use std::collections::HashSet;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span};

use super::{
    guard,
    node::{Entry, Node, Scalar, Style, Value},
    variable::{Lookup, whole_variable},
};
use crate::finding::{Mark, Report, quote};

/// Levels of lists and mappings within each other; everything that walks a tree may recurse.
const MAX_DEPTH: usize = 64;

/// Reads one document. Without `env`, variables stay the text they are.
///
/// Returns no tree where the text could not be read to its end. What is wrong otherwise (a key twice, an unset
/// variable, an alias) is reported and passed over, so that a caller's checks of the rest join the same report.
pub(crate) fn parse(text: &str, env: Option<Lookup<'_>>, report: &mut Report) -> Option<Node> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if !guard::admit(text, report) {
        return None;
    }
    let mut builder = Builder {
        env,
        report,
        open: Vec::new(),
        root: None,
    };
    for event in Parser::new_from_str(text) {
        match event {
            Ok((event, span)) => builder.event(event, mark_of(span))?,
            Err(error) => {
                report_syntax(text, &error, report);
                return None;
            }
        }
    }
    let root = builder.root;
    if root.as_ref().is_none_or(Node::is_nothing) {
        report.add(Mark::default(), "", "is empty");
        return None;
    }
    root
}

fn mark_of(span: Span) -> Mark {
    Mark {
        line: span.start.line(),
        column: span.start.col() + 1,
    }
}

/// A collection whose end has not come yet.
struct Open {
    mark: Mark,
    content: Content,
}

enum Content {
    List(Vec<Node>),
    Map {
        entries: Vec<Entry>,
        seen: HashSet<String>,
        /// The key whose value comes next; without a name if it was reported.
        key: Option<(Option<String>, Mark)>,
    },
}

struct Builder<'a> {
    env: Option<Lookup<'a>>,
    report: &'a mut Report,
    open: Vec<Open>,
    root: Option<Node>,
}

impl Builder<'_> {
    /// Takes one event; `None` where reading on has no sense.
    fn event(&mut self, event: Event<'_>, mark: Mark) -> Option<()> {
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
            Event::DocumentStart(_) if self.root.is_some() => {
                self.report.add(
                    mark,
                    "",
                    "a second document; only one is read, remove the line `---`",
                );
                return None;
            }
            Event::DocumentStart(_) => {}
            Event::Alias(_) => {
                self.report.add(
                    mark,
                    self.path(),
                    "aliases (*name) are not supported; write the value out",
                );
                self.place(Node {
                    mark,
                    value: Value::Reported,
                });
            }
            Event::Scalar(text, style, anchor, tag) => {
                self.refuse_properties(mark, anchor, tag.is_some());
                let value = self.scalar(text.into_owned(), style, mark);
                self.place(Node { mark, value });
            }
            Event::SequenceStart(anchor, tag) => {
                self.refuse_properties(mark, anchor, tag.is_some());
                self.start(mark, Content::List(Vec::new()))?;
            }
            Event::MappingStart(anchor, tag) => {
                self.refuse_properties(mark, anchor, tag.is_some());
                self.start(
                    mark,
                    Content::Map {
                        entries: Vec::new(),
                        seen: HashSet::new(),
                        key: None,
                    },
                )?;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some(Open { mark, content }) = self.open.pop() {
                    let value = match content {
                        Content::List(items) => Value::List(items),
                        Content::Map { entries, .. } => Value::Map(entries),
                    };
                    self.place(Node { mark, value });
                }
            }
        }
        Some(())
    }

    fn start(&mut self, mark: Mark, content: Content) -> Option<()> {
        if self.open.len() == MAX_DEPTH {
            self.report.add(
                mark,
                "",
                format!("nested more than {MAX_DEPTH} levels deep"),
            );
            return None;
        }
        self.open.push(Open { mark, content });
        Some(())
    }

    fn refuse_properties(&mut self, mark: Mark, anchor: usize, tagged: bool) {
        if anchor > 0 {
            self.report.add(
                mark,
                self.path(),
                "anchors (&name) are not supported; write the value out",
            );
        }
        if tagged {
            self.report.add(
                mark,
                self.path(),
                "tags (!name) are not supported; quote a text instead",
            );
        }
    }

    fn scalar(&mut self, text: String, style: ScalarStyle, mark: Mark) -> Value {
        let variable = match (style, self.env) {
            // A key is never replaced, and single quotes keep any text as it is.
            (ScalarStyle::Plain | ScalarStyle::DoubleQuoted, Some(env)) if !self.at_key() => {
                whole_variable(&text).map(|name| (name, env(name)))
            }
            _ => None,
        };
        match variable {
            Some((_, Some(value))) => Value::Scalar(Scalar {
                text: value,
                style: Style::Variable,
            }),
            Some((name, None)) => {
                self.report
                    .add(mark, self.path(), format!("the variable {name} is not set"));
                Value::Reported
            }
            None => {
                let style = if style == ScalarStyle::Plain {
                    Style::Plain
                } else {
                    Style::Quoted
                };
                Value::Scalar(Scalar { text, style })
            }
        }
    }

    fn at_key(&self) -> bool {
        matches!(
            self.open.last(),
            Some(Open {
                content: Content::Map { key: None, .. },
                ..
            })
        )
    }

    /// Puts a finished node where it belongs.
    fn place(&mut self, node: Node) {
        match self.open.last_mut().map(|open| &mut open.content) {
            None => self.root = Some(node),
            Some(Content::List(items)) => items.push(node),
            Some(Content::Map { entries, key, .. }) => match key.take() {
                None => self.place_key(node),
                Some((None, _)) => {}
                Some((Some(key), mark)) => entries.push(Entry {
                    key,
                    mark,
                    value: node,
                }),
            },
        }
    }

    fn place_key(&mut self, node: Node) {
        let mark = node.mark;
        let name = match node.value {
            Value::Scalar(Scalar {
                text,
                style: Style::Plain,
            }) if text == "<<" => Err("merge keys (<<) are not supported; write the keys out"),
            Value::Scalar(Scalar { text, .. }) => Ok(text),
            Value::List(_) | Value::Map(_) | Value::Reported => Err("a key must be a text"),
        };
        let Some(Content::Map { seen, key, .. }) =
            self.open.last_mut().map(|open| &mut open.content)
        else {
            return;
        };
        match name {
            Ok(name) if seen.insert(name.clone()) => *key = Some((Some(name), mark)),
            Ok(name) => {
                *key = Some((None, mark));
                let message = format!("the key {} stands twice in this mapping", quote(&name));
                self.report.add(mark, join(&self.path(), &name), message);
            }
            Err(problem) => {
                *key = Some((None, mark));
                self.report.add(mark, self.path(), problem);
            }
        }
    }

    /// The keys that lead to where the builder is.
    fn path(&self) -> String {
        let mut path = String::new();
        for open in &self.open {
            match &open.content {
                Content::List(items) => path.push_str(&format!("[{}]", items.len())),
                Content::Map {
                    key: Some((Some(name), _)),
                    ..
                } => path = join(&path, name),
                Content::Map { .. } => {}
            }
        }
        path
    }
}

/// A path of keys with one more key, unless that is empty.
pub(crate) fn join(path: &str, key: &str) -> String {
    if key.is_empty() {
        return path.to_owned();
    }
    let plain = key
        .chars()
        .all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'));
    let key = if plain && key.len() <= 64 {
        key.to_owned()
    } else {
        quote(key)
    };
    if path.is_empty() {
        key
    } else {
        format!("{path}.{key}")
    }
}

/// Reports a syntax error; a tab near it is nearly always its cause, and is what the reader must be told.
fn report_syntax(text: &str, error: &ScanError, report: &mut Report) {
    let place = Mark {
        line: error.marker().line(),
        column: error.marker().col() + 1,
    };
    let line = |number: usize| text.lines().nth(number.checked_sub(1)?);
    let tab = [place.line, place.line + 1].into_iter().find_map(|number| {
        let indent_end = line(number)?.find(|c: char| !c.is_whitespace())?;
        let column = line(number)?[..indent_end]
            .chars()
            .position(|c| c == '\t')?
            + 1;
        Some(Mark {
            line: number,
            column,
        })
    });
    if let Some(mark) = tab {
        report.add(mark, "", "a tab in the indentation; YAML wants spaces");
    } else if line(place.line).is_some_and(|line| {
        line.chars()
            .skip(place.column.saturating_sub(2))
            .take(2)
            .any(|c| c == '\t')
    }) {
        report.add(place, "", "a tab; YAML wants spaces here");
    } else {
        report.add(place, "", format!("is not valid YAML: {}", error.info()));
    }
}
