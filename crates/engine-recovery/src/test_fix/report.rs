//! The report file that a test command writes, if it says so.

use std::{
    io::Read,
    path::{Component, Path, PathBuf},
};

use core_types::CommandLine;

use super::readers::MAX_READ_BYTES;

/// What the command's report holds, where it names one inside the clone.
pub(super) async fn read(command: &CommandLine, folder: &Path) -> Option<String> {
    let path = folder.join(named(command)?);
    let read = move || {
        // A link could lead anywhere.
        let is_file = path
            .symlink_metadata()
            .is_ok_and(|metadata| metadata.is_file());
        let file = is_file.then(|| std::fs::File::open(&path).ok())??;
        let mut bytes = Vec::new();
        let limit = u64::try_from(MAX_READ_BYTES).unwrap_or(u64::MAX);
        file.take(limit).read_to_end(&mut bytes).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    };
    tokio::task::spawn_blocking(read).await.ok().flatten()
}

/// The path of a report that a command's options name.
fn named(command: &CommandLine) -> Option<PathBuf> {
    const OPTIONS: &[&str] = &[
        "--junitxml",
        "--junit-xml",
        "--junitfile",
        "--jsonfile",
        "--xunit-file",
        "--outputFile",
        "--reporter-junit-export",
    ];
    let text = command.to_string();
    let mut words = text.split_whitespace();
    while let Some(word) = words.next() {
        let (option, value) = word
            .split_once('=')
            .map_or((word, None), |(option, value)| (option, Some(value)));
        if !OPTIONS.contains(&option) {
            continue;
        }
        let path = PathBuf::from(value.or_else(|| words.next())?.trim_matches(['"', '\'']));
        let is_inside = path
            .components()
            .all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        return is_inside.then_some(path);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_named_by_an_option_and_inside_the_clone() {
        let path = |line: &str| named(&CommandLine::Shell(line.to_owned()));
        assert_eq!(
            path("pytest --junitxml=out/r.xml"),
            Some("out/r.xml".into())
        );
        assert_eq!(
            path("gotestsum --junitfile r.xml ./..."),
            Some("r.xml".into())
        );
        assert_eq!(path("pytest --junitxml=/etc/passwd"), None);
        assert_eq!(path("pytest --junitxml=../x"), None);
        assert_eq!(path("pytest"), None);
    }
}
