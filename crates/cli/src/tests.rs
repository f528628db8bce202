//! The commands that documents show are commands that there are, and the names of runs.

use std::sync::Arc;

use clap::Parser;
use facade::{
    assemble::{Home, Surroundings},
    core_types::Timestamp,
};
use testkit::FixedClock;

use crate::{args::Arguments, output::Output, session::Session};

const DOCUMENTS: &[(&str, &str)] = &[
    ("README.md", include_str!("../../../README.md")),
    (
        "docs/guide/getting-started.md",
        include_str!("../../../docs/guide/getting-started.md"),
    ),
    (
        "docs/guide/cost.md",
        include_str!("../../../docs/guide/cost.md"),
    ),
    (
        "docs/guide/learning.md",
        include_str!("../../../docs/guide/learning.md"),
    ),
];

/// The words of a shell line: parted at spaces outside of quotes, up to a comment.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quote = None;
    for c in line.chars() {
        let last = words.len() - 1;
        match (quote, c) {
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), _) if open == c => quote = None,
            (None, ' ') if words[last].is_empty() => {}
            (None, ' ') => words.push(String::new()),
            (None, '#') if words[last].is_empty() => break,
            _ => words[last].push(c),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[test]
fn the_commands_in_documents_are_understood() {
    let mut n_commands = 0;
    for (document, text) in DOCUMENTS {
        let text = text.replace("\\\n", " ");
        for line in text.lines().filter_map(|line| line.strip_prefix("$ ")) {
            if !line.starts_with("automation ") {
                continue;
            }
            n_commands += 1;
            if let Err(error) = Arguments::try_parse_from(words(line)) {
                panic!("{document} shows `{line}`: {error}");
            }
        }
    }
    assert!(n_commands > 15, "the documents show commands");
}

#[test]
fn the_names_of_runs_sort_as_they_begin() {
    let name_at = |moment| {
        let mut surroundings = Surroundings::new("/".into(), Vec::new());
        surroundings.clock = Arc::new(FixedClock::at(Timestamp(moment)));
        let session = Session {
            home: Home::locate("/".as_ref(), None),
            surroundings,
            output: Output { is_json: false },
            explicit_home: None,
        };
        session.new_run(None).expect("a valid name").to_string()
    };
    let names: Vec<_> = (1_700_000_000_000..1_700_000_002_000)
        .map(name_at)
        .collect();
    assert!(names.is_sorted(), "the newest run is the last");
    assert!(names[0].starts_with("20231114-221320-000"), "{}", names[0]);
}
