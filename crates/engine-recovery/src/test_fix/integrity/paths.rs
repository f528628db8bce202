//! What a file is to the tests, by its path.

use core_types::matches_path;

use super::{lexer::Language, verdict::Policy};

/// What a file is to the tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Protected,
    Ci,
    /// Decides how tests are run, as a whole or in parts.
    Config,
    /// A script that the test command names.
    Script,
    /// Code of tests.
    TestCode,
    /// What tests compare with.
    Expectation,
    /// Takes the place of a part of the test framework.
    Shadow,
    Source,
}

pub(super) fn role(path: &str, policy: &Policy, is_new: bool) -> Role {
    let lower = path.to_ascii_lowercase();
    let name = file_name(&lower);
    if policy
        .protected
        .iter()
        .any(|pattern| matches_path(pattern, path))
    {
        return Role::Protected;
    }
    if is_ci(&lower) {
        return Role::Ci;
    }
    if is_shadow(&lower) {
        return Role::Shadow;
    }
    if is_config(&lower) {
        return Role::Config;
    }
    if is_named(path, policy) || is_test_script(&lower, path, policy) {
        return Role::Script;
    }
    let language = Language::of(&lower);
    if is_test_side(path) {
        return match language {
            Some(_) => Role::TestCode,
            None if is_prose(name) || is_new || is_specification(&lower) => Role::Source,
            None => Role::Expectation,
        };
    }
    if language.is_none() && !is_new && (is_expectation(&lower) || is_compared(path, policy)) {
        return Role::Expectation;
    }
    Role::Source
}

/// Whether a path belongs to the tests: the part of a fix that is kept when
/// it is asked whether the tests fail without the rest.
pub(crate) fn is_test_path(path: &str, policy: &Policy) -> bool {
    match role(path, policy, false) {
        Role::Config | Role::Script | Role::TestCode | Role::Expectation | Role::Shadow => true,
        Role::Protected | Role::Ci | Role::Source => false,
    }
}

/// Whether a word is one of a list, whose words are separated by spaces.
pub(super) fn is_one_of(word: &str, list: &str) -> bool {
    !word.is_empty() && list.split(' ').any(|it| it == word)
}

pub(super) fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn folders(path: &str) -> impl Iterator<Item = &str> {
    path.rsplit_once('/')
        .map_or("", |(folders, _)| folders)
        .split('/')
}

fn is_ci(path: &str) -> bool {
    const FOLDERS: &str = ".github/workflows/ .github/actions/ .gitlab/ .circleci/ .buildkite/ .ci/ \
    .gitea/workflows/ .forgejo/workflows/ .woodpecker/ .builds/ .semaphore/ .teamcity/ \
    .azure-pipelines/ .azuredevops/ .drone/ .tekton/ .husky/ .harness/ .cirrus/ \
    .buildbot/ .jenkins/";
    const FILES: &str = ".gitlab-ci.yml .gitlab-ci.yaml .travis.yml appveyor.yml .appveyor.yml .drone.yml \
    .drone.star .drone.jsonnet .woodpecker.yml .woodpecker.yaml .cirrus.yml .cirrus.star \
    bitbucket-pipelines.yml cloudbuild.yaml cloudbuild.yml buildspec.yml buildspec.yaml \
    codecov.yml .codecov.yml codecov.yaml .pre-commit-config.yaml .pre-commit-config.yml \
    wercker.yml .build.yml .coveralls.yml screwdriver.yaml .scrutinizer.yml circle.yml \
    shippable.yml dagger.json lefthook.yml .lefthook.yml earthfile bors.toml \
    .mergify.yml buildkite.yml codemagic.yaml bitrise.yml .bitrise.yml semaphore.yml";
    let name = file_name(path);
    FOLDERS
        .split(' ')
        .any(|folder| path.starts_with(folder) || path.contains(&format!("/{folder}")))
        || is_one_of(name, FILES)
        || name.starts_with("jenkinsfile")
        || name.ends_with(".jenkinsfile")
        || name.ends_with(".gitlab-ci.yml")
        || (name.starts_with("azure-pipelines")
            && (name.ends_with("yml") || name.ends_with("yaml")))
        || (folders(path).any(|folder| matches!(folder, "ci" | ".ci"))
            && Language::of(path).is_none_or(|language| language == Language::Shell))
        || matches!(name, "ci.sh" | "ci.yml" | "ci.yaml" | "ci.py" | "ci.js")
}

/// Files that Python or Node would load in place of the framework.
fn is_shadow(path: &str) -> bool {
    let name = file_name(path);
    let stem = name.strip_suffix(".py");
    let is_module = |name: &str| {
        matches!(
            name,
            "pytest"
                | "_pytest"
                | "unittest"
                | "doctest"
                | "nose"
                | "sitecustomize"
                | "usercustomize"
                | "hypothesis"
        )
    };
    stem.is_some_and(is_module)
        || name.ends_with(".pth")
        || (folders(path).any(|folder| folder == "vendor")
            && folders(path)
                .any(|folder| is_one_of(folder, "testify gomega ginkgo assert require go-cmp")))
        || folders(path).any(|folder| {
            is_module(folder) || folder == "node_modules" || folder == "site-packages"
        })
}

/// Files that decide, as a whole or in parts, which tests are run and how.
fn is_config(path: &str) -> bool {
    const NAMES: &str = "cargo.toml package.json pyproject.toml setup.cfg tox.ini pytest.ini .pytest.ini \
    pytest.toml .pytest.toml nextest.toml .coveragerc makefile gnumakefile justfile \
    .justfile taskfile.yml taskfile.yaml noxfile.py conftest.py deno.json deno.jsonc \
    bunfig.toml cypress.json jasmine.json go.mod go.work .taprc .noserc unittest.cfg \
    setup.py rakefile magefile.go build.mk test.mk lerna.json turbo.json nx.json \
    tasks.py dodo.py manage.py .bazelrc .nycrc .c8rc nose.cfg tslint.json taskfile \
    mise.toml .mise.toml trunk.toml pdm.toml hatch.toml clippy.toml rust-toolchain \
    rust-toolchain.toml .npmrc .yarnrc .yarnrc.yml .pnpmfile.cjs .pnp.cjs .pnp.loader.mjs \
    .babelrc .swcrc .pdbrc.py";
    const STARTS: &str = "jest.config. jest.setup. vitest.config. vitest.setup. vitest.workspace. vite.config. \
    karma.conf. .mocharc ava.config. playwright.config. cypress.config. wdio.conf. \
    web-test-runner.config. .nycrc .c8rc .jasmine tap.config. protractor.conf \
    testcafe.conf .testcaferc setuptests. setup-tests. test-setup. jest-preset. \
    uvu.config. nightwatch.conf babel.config. .babelrc.";
    let name = file_name(path);
    if matches!(
        name,
        "rust-toolchain" | "rust-toolchain.toml" | "clippy.toml" | "tslint.json" | "manage.py"
    ) {
        return false;
    }
    is_one_of(name, NAMES)
        || STARTS.split(' ').any(|start| name.starts_with(start))
        || path.ends_with(".cargo/config")
        || path.ends_with(".cargo/config.toml")
        || name.ends_with(".mk")
        || (name.starts_with("jest") && name.ends_with(".json"))
        || (name.starts_with("pytest") && name.ends_with(".ini"))
}

/// Whether the test command names the file, or a folder that it is in.
fn is_named(path: &str, policy: &Policy) -> bool {
    let Some(command) = &policy.command else {
        return false;
    };
    words(command).any(|word| {
        let word = word.trim_start_matches("./");
        word == path
            && Language::of(word).is_none_or(|it| it == Language::Shell || !is_test_side(path))
    })
}

/// The words of a command that could be paths.
pub(crate) fn words(command: &str) -> impl Iterator<Item = &str> {
    command
        .split(|c: char| c.is_whitespace() || ";&|()'\"`=<>".contains(c))
        .filter(|word| !word.is_empty() && !word.starts_with('-'))
}

/// Scripts that run tests, by their usual names.
fn is_test_script(path: &str, written: &str, policy: &Policy) -> bool {
    let name = file_name(path);
    let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
    let is_script = matches!(
        extension,
        "sh" | "bash" | "zsh" | "ksh" | "ps1" | "bat" | "cmd" | "fish"
    );
    let in_bin = folders(path).any(|folder| {
        matches!(
            folder,
            "bin" | "script" | "scripts" | "tools" | "hack" | "dev"
        )
    });
    if !(is_script || (extension.is_empty() && in_bin)) {
        return false;
    }
    let is_runner = |word: &str| {
        is_one_of(
            word,
            "test tests ci spec specs unittest unittests runtests testall",
        )
    };
    // What checks may as well be the program: health, licenses, a password.
    let may_run =
        |word: &str| is_one_of(word, "check checks verify validate smoke integration e2e");
    let words = || stem.split(['-', '_', '.']);
    words().any(is_runner) || (words().any(may_run) && is_run_by_tests(written, policy))
}

/// Whether the test command names a script, or one of its scripts runs it as a command of its own.
fn is_run_by_tests(path: &str, policy: &Policy) -> bool {
    let is_it = |word: &str| word.trim_start_matches("./") == path;
    let named = policy
        .command
        .as_deref()
        .is_some_and(|command| words(command).any(is_it));
    let leads = |line: &str| {
        let mut words = line.split_whitespace().skip_while(|word| {
            is_one_of(
                word,
                "sh bash zsh dash exec source . if ! env time && || ; then do else set -e -x -eu",
            )
        });
        words.next().is_some_and(is_it)
    };
    named
        || policy
            .scripts
            .iter()
            .flat_map(|script| script.lines())
            .any(|line| leads(line.trim()) && !line.contains('|') && !line.contains('>'))
}

/// Whether a path is where tests and what belongs to them live.
pub(super) fn is_test_side(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    let is_code = Language::of(&lower).is_some();
    let is_root = |folder: &str| {
        is_one_of(
            folder,
            "test tests __tests__ __test__ __specs__ testdata test_data test-data \
    __fixtures__ __snapshots__ __mocks__ \
    testutil testutils test-utils test_utils test-helpers test_helpers testsuite \
    test-support test_support testsupport integration-tests integration_tests unit-tests \
    unit_tests unittests functional_tests test-fixtures test_fixtures \
    testcases test_cases test-cases",
        ) || folder.ends_with("_tests")
            || folder.ends_with("-tests")
            || ((folder.ends_with("_test") || folder.ends_with("-test"))
                && !is_one_of(folder, "ab_test ab-test a_b_test split_test"))
    };
    // Code in such a folder may as well be the program's own: snapshots of disks,
    // encryption from end to end. At the top, or of a package, they are of the tests.
    let is_own_root = |folder: &str| is_one_of(folder, "spec specs e2e cypress acceptance bats");
    let holds_data = |folder: &str| {
        is_own_root(folder) || is_one_of(folder, "fixtures snapshots golden goldens")
    };
    let parents: Vec<&str> = folders(&lower).collect();
    let in_package = |index: usize| {
        index == 0
            || (index == 2
                && is_one_of(
                    parents[0],
                    "packages apps crates services libs modules plugins projects",
                ))
    };
    let in_folder = parents.iter().enumerate().any(|(index, folder)| {
        is_root(folder)
            || (!is_code && holds_data(folder))
            || (is_own_root(folder) && in_package(index))
    });
    in_folder || is_test_file(&lower)
}

/// Whether a file is one of tests by its name.
pub(super) fn is_test_file(path: &str) -> bool {
    let name = file_name(path);
    let Some((stem, extension)) = name.rsplit_once('.') else {
        return false;
    };
    let ends = |suffixes: &[&str]| suffixes.iter().any(|suffix| stem.ends_with(suffix));
    let starts = |prefixes: &[&str]| prefixes.iter().any(|prefix| stem.starts_with(prefix));
    match extension {
        "py" | "pyi" => {
            starts(&["test_"])
                || ends(&["_test", "_tests"])
                || matches!(stem, "test" | "tests" | "conftest")
        }
        "rs" => {
            matches!(stem, "test" | "tests" | "test_util" | "test_utils")
                || ends(&["_test", "_tests"])
                || starts(&["test_"])
        }
        "go" => ends(&["_test"]),
        "sh" | "bash" | "zsh" | "ksh" | "dash" => {
            starts(&["test_", "test-", "t_", "tests"])
                || ends(&["_test", "-test", ".test", "_tests", "-tests"])
                || stem == "test"
        }
        "bats" | "t" | "feature" => true,
        "js" | "jsx" | "ts" | "tsx" | "mjs" | "cjs" | "mts" | "cts" => {
            ends(&[
                ".test",
                ".spec",
                "-test",
                "-spec",
                "_test",
                "_spec",
                ".tests",
                ".cy",
                ".e2e",
                ".e2e-spec",
            ]) || starts(&["test-", "test_", "test."])
                || matches!(stem, "test" | "tests" | "spec")
        }
        "rb" => ends(&["_spec", "_test"]),
        "java" | "kt" | "cs" | "swift" | "scala" | "php" => ends(&["test", "tests", "spec"]),
        "c" | "cc" | "cpp" | "cxx" => starts(&["test_"]) || ends(&["_test", "_tests", "_unittest"]),
        _ => false,
    }
}

/// Whether a runner would find tests in a file of this name.
pub(super) fn is_collected(path: &str, language: Language) -> bool {
    let lower = path.to_ascii_lowercase();
    let name = file_name(&lower);
    let is_put_away = folders(&lower).any(|folder| {
        is_one_of(
            folder,
            "disabled skip skipped old archive archived attic broken quarantine ignored ignore \
    wip backup bak unused legacy deprecated off pending todo flaky trash removed",
        ) || folder.starts_with('_') && !folder.starts_with("__")
    });
    if is_put_away {
        return false;
    }
    match language {
        Language::Go => {
            const SYSTEMS: &str = "windows darwin js wasm plan9 freebsd netbsd openbsd solaris aix android ios \
    dragonfly illumos wasip1 arm 386 mips ppc64 s390x riscv64";
            let stem = name.strip_suffix("_test.go");
            stem.is_some_and(|stem| {
                !SYSTEMS
                    .split(' ')
                    .any(|system| stem.ends_with(&format!("_{system}")))
            }) && !name.starts_with(['_', '.'])
                && !folders(&lower)
                    .any(|folder| folder == "testdata" || folder.starts_with(['_', '.']))
        }
        Language::Python => is_test_file(&lower) && !name.starts_with("conftest"),
        Language::JavaScript => {
            is_test_file(&lower)
                || folders(&lower)
                    .any(|folder| matches!(folder, "__tests__" | "test" | "tests" | "spec"))
        }
        Language::Rust | Language::Shell => true,
    }
}

/// A text below `spec/` that describes instead of testing: an interface, for example.
fn is_specification(path: &str) -> bool {
    folders(path).any(|folder| matches!(folder, "spec" | "specs"))
        && !is_expectation(path)
        && !is_test_side(&path.replace("specs/", "x/").replace("spec/", "x/"))
}

fn is_prose(name: &str) -> bool {
    let is_text = name.ends_with(".md") || name.ends_with(".rst") || name.ends_with(".adoc");
    (is_text
        && (name.starts_with("readme")
            || name.starts_with("contributing")
            || name.starts_with("changelog")))
        || matches!(
            name,
            ".gitignore" | ".gitkeep" | ".gitattributes" | "license"
        )
}

/// Whether a file is one that results are compared with, by its name.
fn is_expectation(path: &str) -> bool {
    let name = file_name(path);
    let is_word = |word: &str| {
        is_one_of(
            word,
            "expected expect expectation expectations golden goldens snapshot snapshots snap \
    baseline baselines fixture fixtures approved oracle want reference_output ref_output \
    testcases cassettes",
        )
    };
    path.split('/')
        .any(|part| part.split(['.', '-', '_']).any(is_word))
        || name.ends_with(".snap")
        || name.ends_with(".ambr")
}

/// Whether a script of the test command compares something with the file.
fn is_compared(path: &str, policy: &Policy) -> bool {
    let name = file_name(path);
    let lines = policy.scripts.iter().flat_map(|script| script.lines());
    lines.into_iter().any(|line| {
        let mut words = words(line).skip_while(|word| {
            !matches!(
                file_name(word),
                "diff" | "cmp" | "comm" | "assert_same" | "compare" | "colordiff"
            )
        });
        words.next().is_some() && words.any(|word| file_name(word) == name && !name.is_empty())
    })
}
