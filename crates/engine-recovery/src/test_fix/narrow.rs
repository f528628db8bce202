//! The same test command for some tests only, where that can be told from the command alone.

use core_types::{CommandLine, FailedTest};

use super::readers::Format;

/// More tests are not worth a run of their own.
const MAX_TESTS: usize = 30;

/// The command that runs these tests only; `None` where it cannot be told, or
/// could be wrong: then all tests are run.
pub(super) fn narrow(
    command: &CommandLine,
    format: Format,
    failures: &[FailedTest],
) -> Option<CommandLine> {
    if failures.is_empty() || failures.len() > MAX_TESTS {
        return None;
    }
    let words = plain_words(command)?;
    let names: Vec<&str> = failures.iter().map(|test| test.name.as_str()).collect();
    let words = match format {
        Format::CargoTest => cargo(words, &names),
        Format::Nextest => nextest(words, &names),
        Format::Pytest => pytest(words, &names),
        Format::GoTest | Format::GoJson => go(words, &names),
        Format::Junit | Format::Tap | Format::ExitCode => None,
    }?;
    Some(CommandLine::Program(words))
}

/// The words of a command that a shell would not touch.
fn plain_words(command: &CommandLine) -> Option<Vec<String>> {
    match command {
        CommandLine::Program(words) => Some(words.clone()),
        CommandLine::Shell(line) => {
            let is_plain = |c: char| c.is_ascii_alphanumeric() || " -_./:=,@+".contains(c);
            let is_assignment = |word: &str| {
                word.split('=')
                    .next()
                    .is_some_and(|name| word.contains('=') && !name.starts_with('-'))
            };
            let words: Vec<_> = line.split_whitespace().map(str::to_owned).collect();
            let is_simple = line.chars().all(is_plain)
                && words.first().is_some_and(|word| !is_assignment(word));
            is_simple.then_some(words)
        }
    }
}

/// Whether the words begin a command, and all that follow are flags of one word.
fn follows(words: &[String], start: &[&str], allowed: &[&str]) -> bool {
    words.len() >= start.len()
        && words
            .iter()
            .zip(start)
            .all(|(word, expected)| word == expected)
        && words[start.len()..]
            .iter()
            .all(|word| allowed.contains(&word.as_str()))
}

fn cargo(mut words: Vec<String>, names: &[&str]) -> Option<Vec<String>> {
    const FLAGS: &[&str] = &[
        "--workspace",
        "--all",
        "--all-features",
        "--no-default-features",
        "-q",
        "--quiet",
        "--locked",
        "--offline",
        "--release",
        "--no-fail-fast",
        "--frozen",
        "--tests",
        "--lib",
    ];
    let is_path = |name: &&str| {
        name.chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == ':')
    };
    if !follows(&words, &["cargo", "test"], FLAGS) || !names.iter().all(is_path) {
        return None;
    }
    words.extend(["--".to_owned(), "--exact".to_owned()]);
    words.extend(names.iter().map(|name| (*name).to_owned()));
    Some(words)
}

fn nextest(mut words: Vec<String>, names: &[&str]) -> Option<Vec<String>> {
    const FLAGS: &[&str] = &[
        "--workspace",
        "--all",
        "--all-features",
        "--no-default-features",
        "--locked",
        "--offline",
        "--release",
        "--no-fail-fast",
        "--frozen",
    ];
    if !follows(&words, &["cargo", "nextest", "run"], FLAGS) {
        return None;
    }
    let filter = |name: &&str| {
        let (binary, test) = name.split_once(' ')?;
        let is_plain = |text: &str| {
            text.chars()
                .all(|c| c.is_ascii_alphanumeric() || "_:-".contains(c))
        };
        (is_plain(binary) && is_plain(test))
            .then(|| format!("(binary_id(={binary}) & test(={test}))"))
    };
    let filters: Vec<_> = names.iter().map(filter).collect::<Option<_>>()?;
    words.extend(["-E".to_owned(), filters.join(" | ")]);
    Some(words)
}

fn pytest(mut words: Vec<String>, names: &[&str]) -> Option<Vec<String>> {
    const FLAGS: &[&str] = &[
        "-q",
        "-qq",
        "-v",
        "-vv",
        "-x",
        "-s",
        "-ra",
        "-rA",
        "--no-header",
        "--color=no",
        "-p",
        "no:cacheprovider",
        "--strict-markers",
        "-l",
    ];
    let starts: [&[&str]; 4] = [
        &["pytest"],
        &["python", "-m", "pytest"],
        &["python3", "-m", "pytest"],
        &["py.test"],
    ];
    if !starts.iter().any(|start| follows(&words, start, FLAGS)) {
        return None;
    }
    let is_id = |name: &&str| {
        name.contains(".py::") && !name.starts_with(['-', '/']) && !name.contains("..")
    };
    if !names.iter().all(is_id) {
        return None;
    }
    words.extend(names.iter().map(|name| (*name).to_owned()));
    Some(words)
}

fn go(mut words: Vec<String>, names: &[&str]) -> Option<Vec<String>> {
    const FLAGS: &[&str] = &["./...", ".", "-v", "-json", "-race", "-count=1", "-short"];
    if !follows(&words, &["go", "test"], FLAGS) {
        return None;
    }
    let top = |name: &&str| {
        // `example.com/module/package.TestName/sub`
        let test = name
            .rsplit('/')
            .find_map(|part| part.split('.').next_back().filter(|it| is_go_test(it)));
        let test = test.or_else(|| name.split('/').next().filter(|it| is_go_test(it)));
        test.map(str::to_owned)
    };
    let mut tests: Vec<_> = names.iter().map(top).collect::<Option<_>>()?;
    tests.sort();
    tests.dedup();
    words.splice(
        2..2,
        ["-run".to_owned(), format!("^({})$", tests.join("|"))],
    );
    Some(words)
}

fn is_go_test(name: &str) -> bool {
    ["Test", "Example", "Fuzz"]
        .iter()
        .any(|start| name.starts_with(start))
        && name.chars().all(|c| c.is_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(command: &str, format: Format, names: &[&str], expected: Option<&str>) {
        let failures: Vec<_> = names
            .iter()
            .map(|name| FailedTest {
                name: (*name).to_owned(),
                file: None,
                message: String::new(),
            })
            .collect();
        let narrowed = narrow(&CommandLine::Shell(command.to_owned()), format, &failures);
        let narrowed = narrowed.map(|command| command.to_string());
        assert_eq!(narrowed.as_deref(), expected, "{command}");
    }

    #[test]
    fn runners_are_narrowed_by_their_own_means() {
        check(
            "cargo test --workspace",
            Format::CargoTest,
            &["a::b"],
            Some("cargo test --workspace -- --exact a::b"),
        );
        check(
            "cargo nextest run",
            Format::Nextest,
            &["calc::it a::b"],
            Some("cargo nextest run -E (binary_id(=calc::it) & test(=a::b))"),
        );
        check(
            "python3 -m pytest -q",
            Format::Pytest,
            &["t/test_a.py::test_x[1-2]"],
            Some("python3 -m pytest -q t/test_a.py::test_x[1-2]"),
        );
        check(
            "go test ./...",
            Format::GoTest,
            &["example.com/x.TestA/sub", "example.com/x.TestB"],
            Some("go test -run ^(TestA|TestB)$ ./..."),
        );
    }

    #[test]
    fn what_is_not_understood_is_left_whole() {
        check("sh test.sh", Format::Tap, &["a"], None);
        check("cargo test && echo ok", Format::CargoTest, &["a"], None);
        check("cargo test -p calc", Format::CargoTest, &["a"], None);
        check(
            "cargo test",
            Format::CargoTest,
            &["src/lib.rs - add (line 3)"],
            None,
        );
        check("RUST_LOG=x cargo test", Format::CargoTest, &["a"], None);
        check(
            "pytest tests",
            Format::Pytest,
            &["tests/test_a.py::x"],
            None,
        );
        check("pytest", Format::Pytest, &["--ignore=x.py::y"], None);
        check(
            "go test ./...",
            Format::GoTest,
            &["example.com/x (build)"],
            None,
        );
        check("cargo test", Format::CargoTest, &[], None);
    }
}
