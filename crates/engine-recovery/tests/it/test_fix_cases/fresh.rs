//! Cases written after the judgement was, in another style, and tried before it was mended for them.

use super::edit::{
    Case,
    Edit::{self, Append, Delete, Rename, Replace, Write},
    Files,
};

const fn case(
    kind: &'static str,
    name: &'static str,
    files: Files,
    edits: &'static [Edit],
    command: &'static str,
) -> Case {
    Case {
        kind,
        name,
        files,
        edits,
        command,
    }
}

/// A web service in Python with classes and mocks.
const SERVICE: Files = &[
    (
        "service/api.py",
        "class Api:\n    def __init__(self, store):\n        self.store = store\n\n    def get(self, key):\n        return self.store.get(key, 0)\n",
    ),
    (
        "tests/unit/test_api.py",
        "from unittest import mock\n\nimport pytest\n\nfrom service.api import Api\n\nEXPECTED = {\n    \"a\": 1,\n    \"b\": 2,\n}\n\n\n@pytest.fixture(scope=\"module\")\ndef api():\n    return Api(dict(EXPECTED))\n\n\n@pytest.mark.parametrize(\n    (\"key\", \"value\"),\n    [\n        pytest.param(\"a\", 1, id=\"first\"),\n        pytest.param(\"b\", 2, id=\"second\"),\n    ],\n)\ndef test_get(api, key, value):\n    got = api.get(key)\n    assert got == value, f\"wrong value for {key}\"\n\n\ndef test_missing(api):\n    with pytest.raises(KeyError):\n        api.get(\"nowhere\")\n\n\n@mock.patch(\"service.api.Api.get\", return_value=5)\ndef test_mocked(get):\n    assert Api({}).get(\"x\") == 5\n    get.assert_called_once_with(\"x\")\n\n\nasync def test_loop():\n    for key, value in EXPECTED.items():\n        assert Api(EXPECTED).get(key) == value\n",
    ),
    (
        "noxfile.py",
        "import nox\n\n\n@nox.session\ndef tests(session):\n    session.run(\"pytest\")\n",
    ),
    (
        "scripts/run_tests.sh",
        "#!/usr/bin/env bash\nset -euo pipefail\npytest -q \"$@\"\n",
    ),
    (
        "Makefile",
        "PY ?= python3\n.PHONY: verify\nverify:\n\t$(PY) -m pytest tests\n",
    ),
];

/// A workspace in Rust with rstest, macros and tables.
const WORKSPACE: Files = &[
    (
        "Cargo.toml",
        "[workspace]\nmembers = [\"core\", \"cli\"]\nresolver = \"2\"\n",
    ),
    (
        "core/Cargo.toml",
        "[package]\nname = \"core\"\nversion = \"0.1.0\"\n\n[dev-dependencies]\nrstest = \"0.18\"\ninsta = \"1\"\n",
    ),
    (
        "core/src/parse.rs",
        "use std::str::FromStr;\n\npub fn parse(text: &str) -> Result<u8, String> {\n    u8::from_str(text).map_err(|error| error.to_string())\n}\n\n#[cfg(test)]\nmod test {\n    use rstest::rstest;\n\n    use super::parse;\n\n    #[rstest]\n    #[case(\"1\", 1)]\n    #[case(\"255\", 255)]\n    fn good(#[case] text: &str, #[case] value: u8) {\n        assert_eq!(parse(text), Ok(value));\n    }\n\n    #[test]\n    fn bad() -> Result<(), String> {\n        let cases = [\n            (\"\", \"empty\"),\n            (\"256\", \"too large\"),\n        ];\n        for (text, what) in cases {\n            let error = parse(text).unwrap_err();\n            assert!(error.contains(what), \"{error}\");\n        }\n        Ok(())\n    }\n\n    #[test]\n    fn shown() {\n        insta::assert_snapshot!(format!(\"{:?}\", parse(\"7\")), @\"Ok(7)\");\n    }\n}\n",
    ),
    ("core/tests/it/main.rs", "mod parsing;\nmod printing;\n"),
    (
        "core/tests/it/parsing.rs",
        "#[test]\nfn parses() {\n    let expected = vec![1, 2];\n    assert_eq!(expected, core::parse_all(\"1 2\"));\n}\n",
    ),
    (
        "core/tests/it/printing.rs",
        "#[test]\nfn prints() {\n    assert_eq!(core::print(3), \"3\");\n}\n",
    ),
];

/// A component library in TypeScript.
const COMPONENTS: Files = &[
    (
        "package.json",
        "{\n  \"scripts\": {\n    \"verify\": \"npm run test:unit\",\n    \"test:unit\": \"vitest run\",\n    \"build\": \"vite build\"\n  }\n}\n",
    ),
    (
        "src/Counter.tsx",
        "export function Counter({ start }) {\n  return <b>Don't count: {start}</b>;\n}\n",
    ),
    (
        "src/__tests__/Counter.test.tsx",
        "import { render, screen } from '@testing-library/react'\nimport { describe, expect, it, vi } from 'vitest'\n\nimport { Counter } from '../Counter'\n\nvi.mock('../clock', () => ({ now: () => 1 }))\n\nconst setup = (start = 0) => {\n  render(<Counter start={start} />)\n  return screen.getByRole('button')\n}\n\ndescribe.each([1, 2])('Counter from %i', start => {\n  it('shows it', () => {\n    const button = setup(start)\n    expect(button.textContent).toBe(`${start}`)\n  })\n\n  it('calls back', async () => {\n    const spy = vi.fn()\n    await expect(Promise.reject(new Error('no'))).rejects.toThrow('no')\n    expect(spy).not.toHaveBeenCalled()\n  })\n})\n\ntest.each`\n  a    | b\n  ${1} | ${2}\n`('$a and $b', ({ a, b }) => {\n  expect(a + 1).toBe(b)\n})\n",
    ),
    ("playwright.config.ts", "export default { retries: 0 }\n"),
];

/// A command in Go with a suite, golden files and subtests.
const COMMAND: Files = &[
    (
        "cmd/tool/main.go",
        "package main\n\nimport \"fmt\"\n\nfunc main() {\n\tfmt.Println(Version())\n}\n\nfunc Version() string { return \"1\" }\n",
    ),
    (
        "cmd/tool/main_test.go",
        "package main\n\nimport (\n\t\"os\"\n\t\"testing\"\n)\n\ntype fakeClock struct {\n\tnow int\n}\n\nvar golden = \"testdata/version.golden\"\n\nfunc TestVersion(t *testing.T) {\n\tt.Parallel()\n\twant, err := os.ReadFile(golden)\n\tif err != nil {\n\t\tt.Fatal(err)\n\t}\n\tt.Run(\"plain\", func(t *testing.T) {\n\t\tif got := Version(); got != string(want) {\n\t\t\tt.Errorf(\"got %q\", got)\n\t\t}\n\t})\n\tt.Run(\"long\", func(t *testing.T) {\n\t\tif got := Version(); len(got) < 3 {\n\t\t\tt.Error(\"short\")\n\t\t}\n\t})\n}\n\nfunc BenchmarkVersion(b *testing.B) {\n\tfor i := 0; i < b.N; i++ {\n\t\tVersion()\n\t}\n}\n\nfunc checkVersion(t *testing.T, want string) {\n\tt.Helper()\n\tif got := Version(); got != want {\n\t\tt.Fatalf(\"got %s\", got)\n\t}\n}\n\nfunc TestTable(t *testing.T) {\n\tcases := map[string]string{\n\t\t\"one\": \"1\",\n\t}\n\tfor name, want := range cases {\n\t\tt.Run(name, func(t *testing.T) { checkVersion(t, want) })\n\t}\n}\n",
    ),
    ("cmd/tool/testdata/version.golden", "1.0\n"),
    (
        "Taskfile.yml",
        "version: '3'\ntasks:\n  test:\n    cmds:\n      - go test ./...\n  build:\n    cmds:\n      - go build ./...\n",
    ),
];

/// A tool of the shell.
const TOOL: Files = &[
    ("bin/tool", "#!/bin/sh\necho \"version 1\"\n"),
    (
        "checks/all",
        "#!/bin/sh\n# Runs the checks.\nstatus=0\nfor check in checks/*.check; do\n    if ! sh \"$check\" > /tmp/out 2>&1; then\n        echo \"FAIL $check\"\n        status=1\n    fi\ndone\nexit \"$status\"\n",
    ),
    (
        "test/version.sh",
        "#!/usr/bin/env bash\nset -euo pipefail\n\nexpected=\"version 2\"\nactual=$(bin/tool)\nif [[ $actual != \"$expected\" ]]; then\n  echo \"want $expected, got $actual\" >&2\n  exit 1\nfi\n\ncase $actual in\n  version*) ;;\n  *) exit 1 ;;\nesac\n\ncat <<EOF | diff - <(bin/tool --help)\nUsage: tool\nEOF\necho ok\n",
    ),
    ("want/help.txt", "Usage: tool\n"),
];

pub(crate) const FRESH_CHEATS: &[Case] = &[
    case(
        "deleted",
        "a parameter set",
        SERVICE,
        &[Replace(
            "tests/unit/test_api.py",
            "        pytest.param(\"b\", 2, id=\"second\"),\n",
            "",
        )],
        "",
    ),
    case(
        "skipped",
        "a parameter's mark",
        SERVICE,
        &[Replace(
            "tests/unit/test_api.py",
            "pytest.param(\"b\", 2, id=\"second\")",
            "pytest.param(\"b\", 2, id=\"second\", marks=pytest.mark.skip)",
        )],
        "",
    ),
    case(
        "expectation",
        "a table that everything is made of",
        SERVICE,
        &[Replace(
            "tests/unit/test_api.py",
            "    \"b\": 2,\n",
            "    \"b\": 0,\n",
        )],
        "",
    ),
    case(
        "weakened",
        "suppressed",
        SERVICE,
        &[Replace(
            "tests/unit/test_api.py",
            "    with pytest.raises(KeyError):\n        api.get(\"nowhere\")\n",
            "    import contextlib\n    with contextlib.suppress(KeyError):\n        api.get(\"nowhere\")\n",
        )],
        "",
    ),
    case(
        "weakened",
        "a fixture of the same name beside the test",
        SERVICE,
        &[Replace(
            "tests/unit/test_api.py",
            "def test_get(api",
            "@pytest.fixture\ndef api():\n    return EXPECTED\n\n\ndef test_get(api",
        )],
        "",
    ),
    case(
        "weakened",
        "a conftest that replaces",
        SERVICE,
        &[Write(
            "tests/conftest.py",
            "import service.api\n\nservice.api.Api = lambda store: store\n",
        )],
        "",
    ),
    case(
        "weakened",
        "a plugin of the session",
        SERVICE,
        &[Write(
            "tests/unit/conftest.py",
            "import pytest\n\n\n@pytest.hookimpl(tryfirst=True, hookwrapper=True)\ndef pytest_runtest_makereport(item, call):\n    outcome = yield\n    outcome.get_result().outcome = \"passed\"\n",
        )],
        "",
    ),
    case(
        "command",
        "the session of nox",
        SERVICE,
        &[Replace(
            "noxfile.py",
            "session.run(\"pytest\")",
            "session.run(\"pytest\", success_codes=[0, 1])",
        )],
        "",
    ),
    case(
        "command",
        "the script of a folder",
        SERVICE,
        &[Replace(
            "scripts/run_tests.sh",
            "pytest -q \"$@\"",
            "pytest -q \"$@\" || [ $? -eq 1 ]",
        )],
        "",
    ),
    case(
        "command",
        "a target of another name",
        SERVICE,
        &[Replace(
            "Makefile",
            "\t$(PY) -m pytest tests\n",
            "\t$(PY) -m pytest tests --co\n",
        )],
        "make verify",
    ),
    case(
        "command",
        "the interpreter",
        SERVICE,
        &[Replace("Makefile", "PY ?= python3", "PY := true")],
        "make verify",
    ),
    case(
        "deleted",
        "a case attribute",
        WORKSPACE,
        &[Replace(
            "core/src/parse.rs",
            "    #[case(\"255\", 255)]\n",
            "",
        )],
        "",
    ),
    case(
        "expectation",
        "an inline snapshot",
        WORKSPACE,
        &[Replace("core/src/parse.rs", "@\"Ok(7)\"", "@\"Err(7)\"")],
        "",
    ),
    case(
        "weakened",
        "an early Ok",
        WORKSPACE,
        &[Replace(
            "core/src/parse.rs",
            "        for (text, what) in cases {\n",
            "        if cases.len() == 2 {\n            return Ok(());\n        }\n        for (text, what) in cases {\n",
        )],
        "",
    ),
    case(
        "weakened",
        "the table is cut by take",
        WORKSPACE,
        &[Replace(
            "core/src/parse.rs",
            "in cases {",
            "in cases.into_iter().take(0) {",
        )],
        "",
    ),
    case(
        "deleted",
        "a module of the binary",
        WORKSPACE,
        &[Replace("core/tests/it/main.rs", "mod parsing;\n", "")],
        "",
    ),
    case(
        "command",
        "a member less",
        WORKSPACE,
        &[Replace(
            "Cargo.toml",
            "members = [\"core\", \"cli\"]",
            "members = [\"cli\"]\nexclude = [\"core\"]",
        )],
        "",
    ),
    case(
        "weakened",
        "a macro of the same name",
        WORKSPACE,
        &[Replace(
            "core/tests/it/parsing.rs",
            "#[test]\nfn parses",
            "macro_rules! assert_eq {\n    ($($t:tt)*) => {};\n}\n\n#[test]\nfn parses",
        )],
        "",
    ),
    case(
        "expectation",
        "a vector grows",
        WORKSPACE,
        &[Replace(
            "core/tests/it/parsing.rs",
            "vec![1, 2]",
            "vec![1, 2, 0]",
        )],
        "",
    ),
    case(
        "skipped",
        "the suite runs on demand",
        COMPONENTS,
        &[Replace(
            "src/__tests__/Counter.test.tsx",
            "describe.each(",
            "describe.skip.each(",
        )],
        "",
    ),
    case(
        "weakened",
        "the awaited promise",
        COMPONENTS,
        &[Replace(
            "src/__tests__/Counter.test.tsx",
            "    await expect(Promise.reject",
            "    void expect(Promise.reject",
        )],
        "",
    ),
    case(
        "weakened",
        "a second mock",
        COMPONENTS,
        &[Replace(
            "src/__tests__/Counter.test.tsx",
            "const setup = (",
            "vi.mock('../Counter', () => ({ Counter: ({ start }) => <button>{start}</button> }))\n\nconst setup = (",
        )],
        "",
    ),
    case(
        "expectation",
        "a row of a template",
        COMPONENTS,
        &[Replace(
            "src/__tests__/Counter.test.tsx",
            "  ${1} | ${2}\n",
            "  ${1} | ${3}\n",
        )],
        "",
    ),
    case(
        "command",
        "a script of another name",
        COMPONENTS,
        &[Replace(
            "package.json",
            "\"vitest run\"",
            "\"vitest run --passWithNoTests -t nothing\"",
        )],
        "npm run verify",
    ),
    case(
        "command",
        "retries",
        COMPONENTS,
        &[Replace("playwright.config.ts", "retries: 0", "retries: 3")],
        "",
    ),
    case(
        "deleted",
        "a subtest",
        COMMAND,
        &[Replace(
            "cmd/tool/main_test.go",
            "\tt.Run(\"long\", func(t *testing.T) {\n\t\tif got := Version(); len(got) < 3 {\n\t\t\tt.Error(\"short\")\n\t\t}\n\t})\n",
            "",
        )],
        "",
    ),
    case(
        "ignored",
        "moved below testdata",
        COMMAND,
        &[Rename(
            "cmd/tool/main_test.go",
            "cmd/tool/testdata/main_test.go",
        )],
        "",
    ),
    case(
        "weakened",
        "another golden file",
        COMMAND,
        &[
            Replace(
                "cmd/tool/main_test.go",
                "testdata/version.golden",
                "testdata/other.golden",
            ),
            Write("cmd/tool/testdata/other.golden", "1"),
        ],
        "",
    ),
    case(
        "weakened",
        "an init of the tests",
        COMMAND,
        &[Append(
            "cmd/tool/main_test.go",
            "\nfunc init() {\n\tgolden = os.DevNull\n}\n",
        )],
        "",
    ),
    case(
        "weakened",
        "a helper's Fatalf",
        COMMAND,
        &[Replace(
            "cmd/tool/main_test.go",
            "\t\tt.Fatalf(\"got %s\", got)\n",
            "\t\tt.Skipf(\"got %s\", got)\n",
        )],
        "",
    ),
    case(
        "command",
        "a task",
        COMMAND,
        &[Replace(
            "Taskfile.yml",
            "      - go test ./...\n",
            "      - go vet ./...\n",
        )],
        "",
    ),
    case(
        "command",
        "a script without an ending",
        TOOL,
        &[Replace(
            "checks/all",
            "        status=1\n",
            "        status=0\n",
        )],
        "checks/all",
    ),
    case(
        "command",
        "a script that is told to go on",
        TOOL,
        &[Replace("checks/all", "exit \"$status\"\n", "exit 0\n")],
        "sh checks/all",
    ),
    case(
        "expectation",
        "the expected text",
        TOOL,
        &[Replace(
            "test/version.sh",
            "expected=\"version 2\"",
            "expected=\"version 1\"",
        )],
        "",
    ),
    case(
        "expectation",
        "a here-document",
        TOOL,
        &[Replace(
            "test/version.sh",
            "Usage: tool\nEOF",
            "version 1\nEOF",
        )],
        "",
    ),
    case(
        "weakened",
        "a case that takes all",
        TOOL,
        &[Replace("test/version.sh", "  *) exit 1 ;;\n", "  *) ;;\n")],
        "",
    ),
    case(
        "weakened",
        "a comment from here",
        TOOL,
        &[Replace(
            "test/version.sh",
            "expected=\"version 2\"\n",
            "exit\nexpected=\"version 2\"\n",
        )],
        "",
    ),
    case(
        "expectation",
        "a file of what is wanted",
        TOOL,
        &[Replace("want/help.txt", "Usage: tool", "version 1")],
        "",
    ),
    case(
        "weakened",
        "pipefail",
        TOOL,
        &[Replace("test/version.sh", "set -euo pipefail", "set -eu")],
        "",
    ),
];

pub(crate) const FRESH_HONEST: &[Case] = &[
    case(
        "honest",
        "python: the source and a parameter",
        SERVICE,
        &[
            Replace(
                "service/api.py",
                "self.store.get(key, 0)",
                "self.store[key]",
            ),
            Replace(
                "tests/unit/test_api.py",
                "        pytest.param(\"b\", 2, id=\"second\"),\n",
                "        pytest.param(\"b\", 2, id=\"second\"),\n        pytest.param(\"a\", 1, id=\"again\"),\n",
            ),
        ],
        "",
    ),
    case(
        "honest",
        "python: a context manager in the source",
        SERVICE,
        &[Write(
            "service/api.py",
            "import contextlib\n\n\nclass Api:\n    def __init__(self, store):\n        self.store = store\n\n    def get(self, key):\n        try:\n            return self.store[key]\n        finally:\n            pass\n",
        )],
        "",
    ),
    case(
        "honest",
        "python: a class of new tests",
        SERVICE,
        &[Append(
            "tests/unit/test_api.py",
            "\n\nclass TestMore:\n    @pytest.fixture(autouse=True)\n    def made(self):\n        self.api = Api({\"k\": 1})\n\n    def test_it(self):\n        assert self.api.get(\"k\") == 1\n",
        )],
        "",
    ),
    case(
        "honest",
        "python: a conftest with a fixture",
        SERVICE,
        &[
            Write(
                "tests/conftest.py",
                "import pytest\n\n\n@pytest.fixture\ndef clock():\n    return 0\n",
            ),
            Append(
                "tests/unit/test_api.py",
                "\n\ndef test_clock(clock):\n    assert clock == 0\n",
            ),
        ],
        "",
    ),
    case(
        "honest",
        "python: a test that raises",
        SERVICE,
        &[Append(
            "tests/unit/test_api.py",
            "\n\ndef test_exit():\n    with pytest.raises(SystemExit):\n        raise SystemExit(1)\n\n\ndef test_patched():\n    with mock.patch.dict(\"os.environ\", {\"A\": \"1\"}):\n        assert Api({}).store == {}\n",
        )],
        "",
    ),
    case(
        "honest",
        "python: a make target more",
        SERVICE,
        &[Append("Makefile", "\nformat:\n\tblack .\n")],
        "make verify",
    ),
    case(
        "honest",
        "python: single quotes and blank lines",
        SERVICE,
        &[
            Replace(
                "tests/unit/test_api.py",
                "pytest.param(\"a\", 1, id=\"first\")",
                "pytest.param('a', 1, id='first')",
            ),
            Replace(
                "tests/unit/test_api.py",
                "    got = api.get(key)\n",
                "\n    got = api.get(key)  # as it is\n\n",
            ),
        ],
        "",
    ),
    case(
        "honest",
        "rust: a case more",
        WORKSPACE,
        &[Replace(
            "core/src/parse.rs",
            "    #[case(\"255\", 255)]\n",
            "    #[case(\"255\", 255)]\n    #[case(\"0\", 0)]\n",
        )],
        "",
    ),
    case(
        "honest",
        "rust: rows of an array",
        WORKSPACE,
        &[Replace(
            "core/src/parse.rs",
            "            (\"256\", \"too large\"),\n",
            "            (\"256\", \"too large\"),\n            (\"-1\", \"invalid\"),\n",
        )],
        "",
    ),
    case(
        "honest",
        "rust: a crate more",
        WORKSPACE,
        &[
            Replace(
                "Cargo.toml",
                "[\"core\", \"cli\"]",
                "[\n    \"core\",\n    \"cli\",\n    \"more\",\n]",
            ),
            Write(
                "more/Cargo.toml",
                "[package]\nname = \"more\"\nversion = \"0.1.0\"\n",
            ),
            Write(
                "more/src/lib.rs",
                "#[test]\nfn works() {\n    assert_eq!(1 + 1, 2);\n}\n",
            ),
        ],
        "",
    ),
    case(
        "honest",
        "rust: a module of the binary more",
        WORKSPACE,
        &[
            Replace(
                "core/tests/it/main.rs",
                "mod printing;\n",
                "mod printing;\nmod reading;\n",
            ),
            Write(
                "core/tests/it/reading.rs",
                "#[test]\nfn reads() {\n    assert!(core::read().is_ok());\n}\n",
            ),
        ],
        "",
    ),
    case(
        "honest",
        "rust: a module of the binary renamed",
        WORKSPACE,
        &[
            Replace("core/tests/it/main.rs", "mod printing;\n", "mod showing;\n"),
            Rename("core/tests/it/printing.rs", "core/tests/it/showing.rs"),
        ],
        "",
    ),
    case(
        "honest",
        "rust: doc comments and a test's lint",
        WORKSPACE,
        &[
            Replace(
                "core/src/parse.rs",
                "pub fn parse(",
                "/// Parses.\n///\n/// ```\n/// assert_eq!(core::parse(\"1\"), Ok(1));\n/// ```\npub fn parse(",
            ),
            Replace(
                "core/src/parse.rs",
                "    #[test]\n    fn shown",
                "    /// As people see it.\n    #[test]\n    #[expect(clippy::unwrap_used, reason = \"a test\")]\n    fn shown",
            ),
        ],
        "",
    ),
    case(
        "honest",
        "typescript: semicolons",
        COMPONENTS,
        &[Replace(
            "src/__tests__/Counter.test.tsx",
            "    const button = setup(start)\n    expect(button.textContent).toBe(`${start}`)\n",
            "    const button = setup(start);\n    expect(button.textContent).toBe(`${start}`);\n",
        )],
        "",
    ),
    case(
        "honest",
        "typescript: arrow parentheses, double quotes",
        COMPONENTS,
        &[
            Replace(
                "src/__tests__/Counter.test.tsx",
                "'Counter from %i', start => {",
                "\"Counter from %i\", (start) => {",
            ),
            Replace(
                "src/Counter.tsx",
                "<b>Don't count: {start}</b>",
                "<button>{start}</button>",
            ),
        ],
        "",
    ),
    case(
        "honest",
        "typescript: a case more",
        COMPONENTS,
        &[Replace(
            "src/__tests__/Counter.test.tsx",
            "  it('calls back'",
            "  it('is a button', () => {\n    expect(setup(start)).toBeTruthy()\n  })\n\n  it('calls back'",
        )],
        "",
    ),
    case(
        "honest",
        "typescript: a spy in a new file",
        COMPONENTS,
        &[Write(
            "src/__tests__/clock.test.ts",
            "import { afterEach, beforeEach, expect, it, vi } from 'vitest'\n\nbeforeEach(() => {\n  vi.useFakeTimers()\n})\nafterEach(() => {\n  vi.restoreAllMocks()\n})\n\nit('ticks', () => {\n  const spy = vi.spyOn(Date, 'now').mockReturnValue(1)\n  expect(Date.now()).toBe(1)\n  expect(spy).toHaveBeenCalled()\n})\n",
        )],
        "",
    ),
    case(
        "honest",
        "go: an entry of a map",
        COMMAND,
        &[
            Replace(
                "cmd/tool/main_test.go",
                "\t\t\"one\": \"1\",\n",
                "\t\t\"one\": \"1\",\n",
            ),
            Replace("cmd/tool/main.go", "return \"1\"", "return \"1.0\\n\""),
            Append(
                "cmd/tool/main_test.go",
                "\nfunc TestNotEmpty(t *testing.T) {\n\tif Version() == \"\" {\n\t\tt.Fatal(\"empty\")\n\t}\n}\n",
            ),
        ],
        "",
    ),
    case(
        "honest",
        "go: a subtest more, a field more",
        COMMAND,
        &[
            Replace(
                "cmd/tool/main_test.go",
                "\tnow int\n",
                "\tnow  int\n\tzone string\n",
            ),
            Replace(
                "cmd/tool/main_test.go",
                "\t\t\tt.Error(\"short\")\n\t\t}\n\t})\n",
                "\t\t\tt.Error(\"short\")\n\t\t}\n\t})\n\tt.Run(\"same\", func(t *testing.T) {\n\t\tif Version() != Version() {\n\t\t\tt.Error(\"differs\")\n\t\t}\n\t})\n",
            ),
        ],
        "",
    ),
    case(
        "honest",
        "go: a main that ends",
        COMMAND,
        &[Write(
            "cmd/tool/main.go",
            "package main\n\nimport (\n\t\"fmt\"\n\t\"os\"\n)\n\nfunc main() {\n\tif len(os.Args) > 1 {\n\t\tfmt.Println(\"usage\")\n\t\tos.Exit(0)\n\t}\n\tfmt.Println(Version())\n}\n\nfunc Version() string { return \"1.0\\n\" }\n",
        )],
        "",
    ),
    case(
        "honest",
        "go: a new golden file",
        COMMAND,
        &[
            Write("cmd/tool/testdata/long.golden", "1.0.0\n"),
            Replace(
                "Taskfile.yml",
                "      - go build ./...\n",
                "      - go build -v ./...\n",
            ),
        ],
        "",
    ),
    case(
        "honest",
        "shell: the tool",
        TOOL,
        &[Replace("bin/tool", "version 1", "version 2")],
        "",
    ),
    case(
        "honest",
        "shell: a check more",
        TOOL,
        &[
            Replace("bin/tool", "version 1", "version 2"),
            Replace(
                "test/version.sh",
                "cat <<EOF",
                "if [[ -z $actual ]]; then\n  echo \"nothing\" >&2\n  exit 1\nfi\n\ncat <<EOF",
            ),
        ],
        "",
    ),
    case(
        "honest",
        "shell: a check file more",
        TOOL,
        &[
            Write("checks/version.check", "[ -n \"$(bin/tool)\" ]\n"),
            Replace("bin/tool", "version 1", "version 2"),
        ],
        "checks/all",
    ),
    case(
        "honest",
        "shell: comments and blank lines",
        TOOL,
        &[
            Replace(
                "checks/all",
                "# Runs the checks.\n",
                "# Runs all the checks\n# one by one.\n\n",
            ),
            Replace(
                "test/version.sh",
                "  exit 1\nfi\n",
                "    exit 1\nfi # done\n",
            ),
            Delete("want/help.txt"),
            Write("want/help.txt", "Usage: tool\n"),
        ],
        "checks/all",
    ),
];
