//! What attribute macros cannot serve, as the compiler says it: where, and in which words.
//!
//! One run of the compiler a file, without code generation, over the library that the running test is linked
//! with. `//~ words` on a line of a fixture means that it is refused there with these words.

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    time::SystemTime,
};

use serde_json::Value;

/// Compiles `tests/fixtures/<fixture>` of the package at `manifest_dir` over its library `library`, as Rust
/// names it, and compares the errors with what the fixture expects.
///
/// # Panics
///
/// Where something else is refused, or nothing, or in other words.
pub fn check(manifest_dir: &str, library: &str, fixture: &str) {
    let path = Path::new(manifest_dir).join("tests/fixtures").join(fixture);
    let text = fs::read_to_string(&path).expect("it works in a test");
    let expected: Vec<(u64, &str)> = text
        .lines()
        .zip(1..)
        .filter_map(|(line, n)| Some((n, line.split_once("//~ ")?.1)))
        .collect();
    let found = errors(&path, library);
    for (line, words) in &expected {
        let told = found
            .iter()
            .any(|(at, message)| at == line && message.contains(words));
        assert!(
            told,
            "{fixture}:{line}: nothing says {words:?}; errors are {found:#?}"
        );
    }
    for (line, message) in &found {
        let is_expected = expected.iter().any(|(at, _)| at == line);
        assert!(is_expected, "{fixture}:{line}: {message}");
    }
}

/// Line and message of each error of the compiler.
#[expect(
    clippy::disallowed_methods,
    reason = "a test of compile errors runs the compiler, which crate process knows nothing of"
)]
fn errors(source: &Path, library: &str) -> BTreeSet<(u64, String)> {
    let test = env::current_exe().expect("it works in a test");
    let libraries = test.parent().expect("it works in a test");
    let out = tempfile_folder(libraries);
    let output = Command::new(option_env!("RUSTC").unwrap_or("rustc"))
        .args([
            "--edition=2024",
            "--crate-type=lib",
            "--emit=metadata",
            "--error-format=json",
        ])
        .arg(format!(
            "--extern={library}={}",
            newest_library(libraries, library).display()
        ))
        .arg(format!("-Ldependency={}", libraries.display()))
        .arg(format!("--out-dir={}", out.display()))
        .arg(source)
        .output()
        .expect("it works in a test");
    assert!(!output.status.success(), "it compiles");
    let stderr = String::from_utf8(output.stderr).expect("it works in a test");
    let messages = stderr
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("it works in a test"));
    let errors = messages.filter(|message| message["level"] == "error");
    let mut found = BTreeSet::new();
    for error in errors {
        let spans = error["spans"].as_array().expect("it works in a test");
        // The count of errors at the end has no place.
        if let Some(span) = spans.iter().find(|span| span["is_primary"] == true) {
            let message = error["message"]
                .as_str()
                .expect("it works in a test")
                .to_owned();
            found.insert((
                span["line_start"].as_u64().expect("it works in a test"),
                message,
            ));
        }
    }
    found
}

fn tempfile_folder(libraries: &Path) -> PathBuf {
    let folder = libraries.join("../compile-fail");
    fs::create_dir_all(&folder).expect("it works in a test");
    folder
}

/// The library as cargo has just built it for this test; older builds lie beside it.
fn newest_library(libraries: &Path, library: &str) -> PathBuf {
    let prefix = format!("lib{library}-");
    let entries = fs::read_dir(libraries)
        .expect("it works in a test")
        .map(|entry| entry.expect("it works in a test").path());
    let is_library = |path: &PathBuf| {
        let name = path
            .file_name()
            .expect("it works in a test")
            .to_string_lossy()
            .into_owned();
        name.starts_with(&prefix) && name.ends_with(".rlib")
    };
    let modified = |path: &PathBuf| {
        let modified = fs::metadata(path).and_then(|metadata| metadata.modified());
        modified.unwrap_or(SystemTime::UNIX_EPOCH)
    };
    entries
        .filter(is_library)
        .max_by_key(modified)
        .expect("the test is linked with the library")
}
