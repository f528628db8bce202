use proptest::prelude::{Strategy, prop_assert, proptest};

use super::{ChangedFile, Content, FindingKind, Policy, check};

const PATHS: [&str; 8] = [
    "tests/a.rs",
    "src/a.rs",
    "tests/test_a.py",
    "src/a.test.ts",
    "a_test.go",
    "tests/a.sh",
    "tests/a.bats",
    "test.sh",
];

fn kinds(path: &str, before: Option<&str>, after: Option<&str>) -> Vec<FindingKind> {
    let verdict = check(
        &[ChangedFile::text(path, before, after)],
        &Policy::default(),
    );
    verdict
        .findings
        .iter()
        .map(|finding| finding.kind)
        .collect()
}

#[test]
fn findings_say_what_was_done_and_where() {
    let check = |path: &str, before: &str, after: &str, expected: &str| {
        let fix = [ChangedFile::text(path, Some(before), Some(after))];
        let verdict = check(&fix, &Policy::default());
        let said: Vec<_> = verdict.findings.iter().map(ToString::to_string).collect();
        assert_eq!(said.join("\n"), expected);
    };
    check(
        "tests/test_a.py",
        "def test_a():\n    assert f() == 1\n\n\ndef test_b():\n    assert f() == 2\n",
        "def test_a():\n    assert f() == 3\n",
        "tests/test_a.py:1: expectation changed: test `test_a` expects other values\n\
         tests/test_a.py:5: test deleted: test `test_b` is gone",
    );
    check(
        "a.test.js",
        "it('adds', () => { expect(f()).toBe(1); });\n",
        "it.skip('adds', () => { expect(f()).toBe(1); });\n",
        "a.test.js:1: test skipped: `adds` is not run as before: skip",
    );
    check(
        "a_test.go",
        "package a\n\nfunc TestA(t *testing.T) {\n\tif f() != 1 {\n\t\tt.Error(1)\n\t}\n}\n",
        "package a\n\nfunc TestA(t *testing.T) {\n}\n",
        "a_test.go:3: test emptied: test `TestA` is emptied",
    );
    check(
        "test.sh",
        "set -e\n[ \"$(f)\" = 1 ]\n",
        "set -e\nexit 0\n[ \"$(f)\" = 1 ]\n",
        "test.sh:2: test command changed: an `exit` is added",
    );
    check(
        ".github/workflows/ci.yml",
        "a\n",
        "b\n",
        ".github/workflows/ci.yml: CI file changed: what runs elsewhere is changed",
    );
}

#[test]
fn configuration_protects_paths() {
    let policy = Policy {
        protected: vec![
            "docs/".to_owned(),
            "*.lock".to_owned(),
            "a/b.txt".to_owned(),
        ],
        ..Policy::default()
    };
    let is_protected = |path: &str| {
        let fix = [ChangedFile::text(path, Some("x"), Some("y"))];
        let verdict = check(&fix, &policy);
        verdict
            .findings
            .iter()
            .any(|it| it.kind == FindingKind::Protected)
    };
    for path in ["docs/a.md", "docs/deep/a.md", "Cargo.lock", "a/b.txt"] {
        assert!(is_protected(path), "{path}");
    }
    for path in ["src/docs.rs", "a/b.txt.rs", "x/docs.md", "lock"] {
        assert!(!is_protected(path), "{path}");
    }
}

#[test]
fn what_the_command_names_is_protected() {
    let policy = Policy {
        command: Some("./go.sh && make everything".to_owned()),
        scripts: vec!["./tool | diff -u - sample.out\n".to_owned()],
        ..Policy::default()
    };
    let kinds = |path: &str, before: &str, after: &str| -> Vec<_> {
        let verdict = check(
            &[ChangedFile::text(path, Some(before), Some(after))],
            &policy,
        );
        verdict
            .findings
            .iter()
            .map(|finding| finding.kind)
            .collect()
    };
    assert_eq!(
        kinds("go.sh", "set -e\nrun\n", "set -e\n"),
        [FindingKind::TestCommand]
    );
    assert_eq!(
        kinds("Makefile", "everything:\n\trun\n", "everything:\n\ttrue\n"),
        [FindingKind::TestCommand]
    );
    assert_eq!(
        kinds("sample.out", "1\n", "2\n"),
        [FindingKind::ExpectationChanged]
    );
    assert_eq!(kinds("other.sh", "run\n", "run fast\n"), []);
    assert_eq!(kinds("other.out", "1\n", "2\n"), []);
}

#[test]
fn what_cannot_be_read_is_refused_beside_tests_alone() {
    let file = |path: &str| ChangedFile {
        path: path.to_owned(),
        before: Some(Content::Opaque),
        after: Some(Content::Opaque),
        changed_type: false,
    };
    let accepted = |path: &str| check(&[file(path)], &Policy::default()).is_accepted();
    assert!(!accepted("tests/a.rs") && !accepted("tests/data.bin") && !accepted("Makefile"));
    assert!(accepted("src/a.rs") && accepted("logo.png"));
    let linked = ChangedFile {
        changed_type: true,
        ..ChangedFile::text("tests/a.rs", Some("x"), Some("x"))
    };
    assert!(!check(&[linked], &Policy::default()).is_accepted());
}

#[test]
fn deep_and_long_texts_are_judged_in_time() {
    let n = 2000;
    for (path, open) in [
        ("tests/a.rs", "mod a { "),
        ("tests/a.rs", "( "),
        ("tests/test_a.py", "x = ("),
        ("src/a.test.ts", "describe('a', () => { "),
        ("src/a.test.ts", "`${"),
        ("a_test.go", "func A() { "),
        ("tests/a.sh", "if a; then { ( "),
        ("tests/a.sh", "\"$( "),
        ("tests/a.sh", "echo a\n"),
        ("tests/test_a.py", "assert a\n"),
    ] {
        let before = open.repeat(n);
        let after = format!("{before}\nx\n");
        // Whatever is said of it, it is said.
        drop(kinds(path, Some(&before), Some(&after)));
        drop(kinds(path, Some(&before), None));
    }
    let nested: String = (0..2000)
        .map(|n| format!("{}class A{n}:\n", " ".repeat(n)))
        .collect();
    drop(kinds("tests/test_a.py", Some(&nested), Some("x = 1\n")));
}

proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(48))]

    /// Whatever files hold, they are judged, and the same is always accepted.
    #[test]
    fn any_text_can_be_judged(before in text(), after in text()) {
        for path in PATHS {
            drop(kinds(path, Some(&before), Some(&after)));
            drop(kinds(path, None, Some(&after)));
            drop(kinds(path, Some(&before), None));
            let same = kinds(path, Some(&before), Some(&before));
            prop_assert!(same.is_empty(), "{path}: {same:?}");
        }
        for path in ["Cargo.toml", "package.json", "Makefile", "tox.ini", "go.mod", "Taskfile.yml", "pyproject.toml"] {
            let same = kinds(path, Some(&before), Some(&before));
            prop_assert!(same.is_empty() || path == "package.json", "{path}: {same:?}");
            drop(kinds(path, Some(&before), Some(&after)));
        }
    }
}

/// Pieces of all languages in any order.
fn text() -> impl Strategy<Value = String> {
    let pieces = proptest::sample::select(vec![
        "#[test]\n",
        "#[cfg(test)]\nmod a {",
        "fn b() {",
        "}",
        "assert_eq!(1, 2);",
        "use a::{b, c};",
        "'",
        "\"",
        "r#\"",
        "/*",
        "*/",
        "// x\n",
        "/// ```\n",
        "def test_a():\n",
        "    ",
        "\n",
        "class TestA(B):\n",
        "@pytest.mark.skip\n",
        "assert x\n",
        "'''",
        "\\",
        "import a\n",
        "from a import (b,\n",
        "describe('a', () => {",
        "it('b', async () => {",
        "});",
        "expect(a).toBe(1)",
        "`${",
        "/re/",
        "=>",
        "function f() {",
        "const a = ",
        "package a\n",
        "func TestA(t *testing.T) {",
        "t.Skip()\n",
        "//go:build x\n",
        "[]struct{",
        "{1, 2},",
        ",",
        "(",
        ")",
        "[",
        "]",
        "if a; then\n",
        "fi\n",
        "case x in\n",
        "a) ;;\n",
        "esac\n",
        "done\n",
        "<<EOF\n",
        "EOF\n",
        "$(",
        "${",
        "|| true\n",
        "exit 0\n",
        "f() {\n",
        "@test \"a\" {\n",
        "[lib]\n",
        "test = false\n",
        "test: x\n\tcmd\n",
        "{\"scripts\": ",
        "é",
        "\u{0}",
        "\t",
        ";",
    ]);
    proptest::collection::vec(pieces, 0..40).prop_map(|pieces| pieces.concat())
}
