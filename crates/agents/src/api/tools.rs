//! What a model may do in its folder.

use std::{
    fs,
    path::{Path, PathBuf},
};

use core_types::AgentTask;
use serde::Deserialize;
use serde_json::{Value, json};

use super::interface::Offer;
use crate::{
    program::schema,
    scripted::{self, Action, Replacement, Text, WorkPath},
};

/// How much of a file or of matches one answer shows.
const SHOWN_BYTES: usize = 48 * 1024;
/// How many files a list shows, and how many matches a search.
const SHOWN_FILES: usize = 1_000;
const SHOWN_MATCHES: usize = 200;
/// A larger file is not searched.
const SEARCHED_BYTES: u64 = 1024 * 1024;

/// The tool by which a plan or a review is given.
pub(super) const ANSWER: &str = "answer";
/// The tool that runs the tests; the agent does it itself.
pub(super) const RUN_TESTS: &str = "run_tests";

/// The tools that a request comes with.
pub(super) fn offers(task: &AgentTask) -> Vec<Offer> {
    let text = json!({"type": "string"});
    let number = json!({"type": "integer", "minimum": 1});
    let object = |properties: Value, required: &[&str]| {
        json!({
            "type": "object", "properties": properties, "required": required,
            "additionalProperties": false,
        })
    };
    let mut offers = vec![
        Offer {
            name: "list_files",
            description: "Lists all files below a folder; without `path` those of the whole folder.",
            schema: object(json!({"path": text}), &[]),
        },
        Offer {
            name: "read_file",
            description: "Reads a file, or `lines` lines of it from line `from` on.",
            schema: object(
                json!({"path": text, "from": number, "lines": number}),
                &["path"],
            ),
        },
        Offer {
            name: "search",
            description: "Finds the lines that contain a text, with file and number; below `path`, or everywhere.",
            schema: object(json!({"text": text, "path": text}), &["text"]),
        },
    ];
    if let Some(schema) = schema::of(task) {
        offers.push(Offer {
            name: ANSWER,
            description: "Gives your answer, and ends your work.",
            schema,
        });
        return offers;
    }
    offers.extend([
        Offer {
            name: "write_file",
            description: "Makes a file, or replaces its whole text.",
            schema: object(json!({"path": text, "text": text}), &["path", "text"]),
        },
        Offer {
            name: "edit_file",
            description: "Puts the text `to` in the place of `from`, which must occur exactly once in the file.",
            schema: object(
                json!({"path": text, "from": text, "to": text}),
                &["path", "from", "to"],
            ),
        },
        Offer {
            name: "delete_file",
            description: "Removes a file.",
            schema: object(json!({"path": text}), &["path"]),
        },
    ]);
    if let AgentTask::FixTests { .. } = task {
        offers.push(Offer {
            name: RUN_TESTS,
            description: "Runs the tests, and gives the end of their output.",
            schema: object(json!({}), &[]),
        });
    }
    offers
}

#[derive(Deserialize)]
struct Listing {
    path: Option<WorkPath>,
}

#[derive(Deserialize)]
struct Reading {
    path: WorkPath,
    from: Option<usize>,
    lines: Option<usize>,
}

#[derive(Deserialize)]
struct Search {
    text: String,
    path: Option<WorkPath>,
}

#[derive(Deserialize)]
struct Deletion {
    path: WorkPath,
}

/// Does what a call asks for; `Err` with what the model is told is wrong with it. Blocks on the disk.
pub(super) fn call(folder: &Path, name: &str, input: &Value) -> Result<String, String> {
    match name {
        "list_files" => {
            let Listing { path } = read(input)?;
            let mut files = Vec::new();
            walk(folder, path.as_ref(), &mut |file, _| {
                files.push(file.to_owned());
                files.len() < SHOWN_FILES
            })?;
            let mut text = files.join("\n");
            if files.len() == SHOWN_FILES {
                text.push_str("\n… and more: name a folder");
            }
            Ok(text)
        }
        "read_file" => {
            let Reading { path, from, lines } = read(input)?;
            let text = scripted::read(folder, &path).map_err(|error| because(&error))?;
            let (from, lines) = (from.unwrap_or(1), lines.unwrap_or(usize::MAX));
            let part: String = text
                .split_inclusive('\n')
                .skip(from - 1)
                .take(lines)
                .collect();
            Ok(cut(
                part,
                "… the rest is not shown: read it from a later line on",
            ))
        }
        "search" => {
            let Search { text, path } = read(input)?;
            if text.is_empty() {
                return Err("`text` is empty".to_owned());
            }
            let mut found = Vec::new();
            walk(folder, path.as_ref(), &mut |file, full| {
                let is_small = fs::metadata(full).is_ok_and(|it| it.len() <= SEARCHED_BYTES);
                let content = is_small.then(|| fs::read_to_string(full).ok()).flatten();
                for (idx, line) in content.iter().flat_map(|it| it.lines()).enumerate() {
                    if line.contains(&text) && found.len() < SHOWN_MATCHES {
                        found.push(format!("{file}:{}: {line}", idx + 1));
                    }
                }
                found.len() < SHOWN_MATCHES
            })?;
            if found.is_empty() {
                return Ok("no line contains it".to_owned());
            }
            Ok(cut(
                found.join("\n"),
                "… more matches are not shown: name a folder",
            ))
        }
        "write_file" => {
            let text: Text = read(input)?;
            edit(folder, &Action::Write(text))
        }
        "edit_file" => {
            let replacement: Replacement = read(input)?;
            if replacement.from.is_empty() {
                return Err("`from` is empty".to_owned());
            }
            let text =
                scripted::read(folder, &replacement.path).map_err(|error| because(&error))?;
            match text.matches(&replacement.from).count() {
                0 => Err(
                    "`from` does not occur in the file: read it, and copy the lines as they are"
                        .to_owned(),
                ),
                1 => edit(folder, &Action::Replace(replacement)),
                n => Err(format!(
                    "`from` occurs {n} times in the file: take more of the lines around it"
                )),
            }
        }
        "delete_file" => {
            let Deletion { path } = read(input)?;
            edit(folder, &Action::Delete(path))
        }
        _ => Err(format!("there is no tool {name:?}")),
    }
}

fn read<T: for<'a> Deserialize<'a>>(input: &Value) -> Result<T, String> {
    T::deserialize(input).map_err(|error| format!("the arguments are not valid: {error}"))
}

fn edit(folder: &Path, action: &Action) -> Result<String, String> {
    scripted::apply(folder, action).map_err(|error| because(&error))?;
    Ok("done".to_owned())
}

/// An error with its causes, in one line.
fn because(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        line.push_str(&format!(": {error}"));
        cause = error.source();
    }
    line
}

fn cut(mut text: String, note: &str) -> String {
    if crate::program::cut(&mut text, SHOWN_BYTES) {
        text.push('\n');
        text.push_str(note);
    }
    text
}

/// Visits files in the order of their paths until `visit` has enough. No link is followed, and `.git` is
/// not looked into.
fn walk(
    folder: &Path,
    below: Option<&WorkPath>,
    visit: &mut dyn FnMut(&str, &Path) -> bool,
) -> Result<(), String> {
    let start = match below {
        Some(path) => scripted::guard(folder, path).map_err(|error| because(&error))?,
        None => folder.to_owned(),
    };
    if !start.exists() {
        return Err("there is no such folder".to_owned());
    }
    let mut open: Vec<PathBuf> = vec![start];
    while let Some(path) = open.pop() {
        let Ok(about) = fs::symlink_metadata(&path) else {
            continue;
        };
        if about.is_dir() {
            let entries = fs::read_dir(&path).into_iter().flatten().flatten();
            let mut entries: Vec<_> = entries
                .filter(|it| it.file_name() != ".git")
                .map(|it| it.path())
                .collect();
            // The last is visited first.
            entries.sort_by(|a, b| b.cmp(a));
            open.extend(entries);
        } else if about.is_file() {
            let file = path
                .strip_prefix(folder)
                .unwrap_or(&path)
                .display()
                .to_string();
            if !visit(&file, &path) {
                return Ok(());
            }
        }
    }
    Ok(())
}
