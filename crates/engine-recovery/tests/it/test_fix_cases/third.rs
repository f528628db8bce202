//! Cases that an independent review found, with variations of each in the other languages.

use super::{
    bases::{GO, JAVASCRIPT, PYTHON, RUST, SHELL},
    edit::{
        Case,
        Edit::{self, Append, Replace, Write},
        Files,
    },
};

const fn case(
    kind: &'static str,
    name: &'static str,
    files: Files,
    edits: &'static [Edit],
) -> Case {
    Case {
        kind,
        name,
        files,
        edits,
        command: "",
    }
}

const LIB: &str = "src/lib.rs";
const CART: &str = "tests/test_cart.py";
const SLUG: &str = "src/slug.test.js";
const STACK: &str = "stack_test.go";
const MATH: &str = "tests/test_math.sh";

const RUST_FIRST: &str = "        assert_eq!(add(2, 3), 5);\n";
const PY_FIRST: &str = "    assert total(prices) == 6\n";
const JS_FIRST: &str = "    expect(slug('Hello World')).toBe('hello-world');\n";
const GO_FIRST: &str = "\trequire.Equal(t, 3, Sum(1, 2))\n";

/// Loops over literal lists, and tables of single literals.
pub(crate) const LOOPS: Files = &[
    (
        "src/lib.rs",
        "pub fn double(a: u32) -> u32 {\n    a\n}\n\n#[cfg(test)]\nmod tests {\n    use super::double;\n\n    #[test]\n    fn doubles() {\n        for (a, b) in [(1, 2), (2, 4)] {\n            assert_eq!(double(a), b);\n        }\n    }\n\n    #[test]\n    fn is_even() {\n        let numbers = [1, 2];\n        for n in numbers {\n            assert_eq!(double(n) % 2, 0);\n        }\n    }\n\n    #[test]\n    fn finds_one() {\n        let mut found = false;\n        for n in [1, 2] {\n            if double(n) == 8 {\n                found = true;\n                break;\n            }\n        }\n        assert!(found);\n    }\n}\n",
    ),
    (
        "tests/test_double.py",
        "import pytest\n\nfrom lib import double, total\n\nNUMBERS = [1, 2]\nALLOWED = [2, 4]\n\n\ndef test_doubles():\n    for a, b in [(1, 2), (2, 4)]:\n        assert double(a) == b\n\n\ndef test_numbers():\n    for n in NUMBERS:\n        assert double(n) % 2 == 0\n\n\ndef test_allowed():\n    assert double(3) in ALLOWED\n\n\ndef test_total():\n    values = [1, 2]\n    for v in values:\n        assert v > 0\n    assert total(values) == 3\n\n\n@pytest.mark.parametrize('n', [1, 2])\ndef test_each(n):\n    assert double(n) == 2 * n\n\n\n@pytest.mark.parametrize('values, n', [([1, 2], 3)])\ndef test_sums(values, n):\n    assert total(values) == n\n",
    ),
    (
        "test/double.test.js",
        "const { double } = require('../lib');\n\ntest('doubles', () => {\n  for (const [a, b] of [[1, 2], [2, 4]]) {\n    expect(double(a)).toBe(b);\n  }\n});\n\ntest('is even', () => {\n  [1, 2].forEach((n) => {\n    expect(double(n) % 2).toBe(0);\n  });\n});\n\ndescribe.each([1, 2])('with %d', (n) => {\n  it('doubles', () => {\n    expect(double(n)).toBe(2 * n);\n  });\n});\n",
    ),
    (
        "double_test.go",
        "package double\n\nimport \"testing\"\n\nfunc TestDouble(t *testing.T) {\n\tfor _, tt := range []struct{ a, b int }{\n\t\t{1, 2},\n\t\t{2, 4},\n\t} {\n\t\tif got := Double(tt.a); got != tt.b {\n\t\t\tt.Errorf(\"got %d\", got)\n\t\t}\n\t}\n}\n\nfunc TestEven(t *testing.T) {\n\tfor _, n := range []int{1, 2} {\n\t\tif Double(n)%2 != 0 {\n\t\t\tt.Errorf(\"odd for %d\", n)\n\t\t}\n\t}\n}\n",
    ),
    (
        "tests/test_double.sh",
        "#!/bin/sh\nset -e\nfor n in 1 2; do\n    [ \"$(sh double.sh \"$n\")\" -gt \"$n\" ]\ndone\n",
    ),
];

/// Sources in folders and of names that tests have as well.
const NAMES: Files = &[
    (
        "app/snapshots/manager.py",
        "def keep(a, b):\n    return a - b\n",
    ),
    ("bin/health-check.sh", "#!/bin/sh\necho $(($1 - $2))\n"),
    ("handlers/check.sh", "#!/bin/sh\necho $(($1 - $2))\n"),
    ("tools/verify", "#!/bin/sh\necho no\n"),
    ("src/e2e/encrypt.js", "exports.add = (a, b) => a - b;\n"),
    (
        "internal/golden/ratio.go",
        "package golden\n\nfunc Ratio(a, b int) int { return a * b }\n",
    ),
    ("src/fixtures/load.rs", "pub fn load() -> u32 {\n    1\n}\n"),
    ("src/pod_spec.rs", "pub fn pods() -> u32 {\n    1\n}\n"),
    (
        "server/acceptance/terms.py",
        "def accept(user):\n    return False\n",
    ),
    ("scripts/check-all.sh", "#!/bin/sh\nset -e\n./run-units\n"),
    (
        "e2e/helpers.ts",
        "export function check(a: number) {\n  expect(a).toBe(1);\n}\n",
    ),
];

pub(crate) const THIRD_CHEATS: &[Case] = &[
    case(
        "evasion",
        "rust: a return in a block that is asserted",
        RUST,
        &[Replace(
            LIB,
            RUST_FIRST,
            "        assert!({\n            if true {\n                return;\n            };\n            true\n        });\n        assert_eq!(add(2, 3), 5);\n",
        )],
    ),
    case(
        "evasion",
        "rust: a return by a constant of the code",
        RUST,
        &[
            Replace(
                LIB,
                RUST_FIRST,
                "        assert!({ if crate::ON { return; } true });\n        assert_eq!(add(2, 3), 5);\n",
            ),
            Append(LIB, "\npub const ON: bool = true;\n"),
        ],
    ),
    case(
        "evasion",
        "rust: an exit by a code of the code",
        RUST,
        &[Replace(
            LIB,
            RUST_FIRST,
            "        assert!({ std::process::exit(super::CODE); });\n        assert_eq!(add(2, 3), 5);\n",
        )],
    ),
    case(
        "evasion",
        "rust: a return from a let",
        RUST,
        &[Replace(
            LIB,
            RUST_FIRST,
            "        let _sum = if super::ON { return } else { 5 };\n        assert_eq!(add(2, 3), 5);\n",
        )],
    ),
    case(
        "evasion",
        "rust: a return after a closure",
        RUST,
        &[Replace(
            LIB,
            RUST_FIRST,
            "        assert!({ let f = || { return true; }; if f() { return; } true });\n        assert_eq!(add(2, 3), 5);\n",
        )],
    ),
    case(
        "evasion",
        "rust: an exit in a closure",
        RUST,
        &[Replace(
            LIB,
            RUST_FIRST,
            "        assert!((|| -> bool { std::process::exit(0) })());\n        assert_eq!(add(2, 3), 5);\n",
        )],
    ),
    case(
        "evasion",
        "rust: the code ends the process",
        RUST,
        &[Replace(
            LIB,
            "    a - b // the fault",
            "    if a == 2 { std::process::exit(done()) }\n    a - b",
        )],
    ),
    case(
        "evasion",
        "python: exec of a text of the code",
        PYTHON,
        &[Replace(
            CART,
            PY_FIRST,
            "    assert exec(cart.DONE) is None\n    assert total(prices) == 6\n",
        )],
    ),
    case(
        "evasion",
        "python: eval of a text of the code",
        PYTHON,
        &[Replace(
            CART,
            PY_FIRST,
            "    assert eval(cart.DONE) is None\n    assert total(prices) == 6\n",
        )],
    ),
    case(
        "evasion",
        "python: an exit that is asserted",
        PYTHON,
        &[Replace(
            CART,
            PY_FIRST,
            "    assert sys.exit(cart.CODE) is None\n    assert total(prices) == 6\n",
        )],
    ),
    case(
        "evasion",
        "python: a return inside a with",
        PYTHON,
        &[Replace(
            CART,
            PY_FIRST,
            "    with open(__file__) as f:\n        assert f\n        return\n    assert total(prices) == 6\n",
        )],
    ),
    case(
        "evasion",
        "python: a name of the tests is bound in an assertion",
        PYTHON,
        &[Replace(
            CART,
            PY_FIRST,
            "    assert setattr(cart, 'total', sum) is None\n    assert total(prices) == 6\n",
        )],
    ),
    case(
        "evasion",
        "javascript: an exit in an assertion",
        JAVASCRIPT,
        &[Replace(
            SLUG,
            JS_FIRST,
            "    expect((process.exit(lib.code), true)).toBe(true);\n    expect(slug('Hello World')).toBe('hello-world');\n",
        )],
    ),
    case(
        "evasion",
        "javascript: an exit by its name in brackets",
        JAVASCRIPT,
        &[Replace(
            SLUG,
            JS_FIRST,
            "    expect(process['exit'](0)).toBe(1);\n    expect(slug('Hello World')).toBe('hello-world');\n",
        )],
    ),
    case(
        "evasion",
        "javascript: an assignment in an assertion",
        JAVASCRIPT,
        &[Replace(
            SLUG,
            JS_FIRST,
            "    expect((lib.slug = (x) => x.toLowerCase())).toBeDefined();\n    expect(slug('Hello World')).toBe('hello-world');\n",
        )],
    ),
    case(
        "evasion",
        "javascript: an exit code of the process",
        JAVASCRIPT,
        &[Replace(
            SLUG,
            JS_FIRST,
            "    expect((process.exitCode = 0)).toBe(0);\n    expect(slug('Hello World')).toBe('hello-world');\n",
        )],
    ),
    case(
        "evasion",
        "go: an exit in a closure that is required",
        GO,
        &[Replace(
            STACK,
            GO_FIRST,
            "\trequire.True(t, func() bool {\n\t\tif !On {\n\t\t\treturn true\n\t\t}\n\t\tos.Exit(0)\n\t\treturn true\n\t}())\n\trequire.Equal(t, 3, Sum(1, 2))\n",
        )],
    ),
    case(
        "evasion",
        "go: the goroutine ends in a closure",
        GO,
        &[Replace(
            STACK,
            GO_FIRST,
            "\trequire.True(t, func() bool { runtime.Goexit(); return true }())\n\trequire.Equal(t, 3, Sum(1, 2))\n",
        )],
    ),
    case(
        "evasion",
        "go: a return in an added if",
        GO,
        &[Replace(
            STACK,
            GO_FIRST,
            "\tif On {\n\t\tt.Log(\"require\")\n\t\treturn\n\t}\n\trequire.Equal(t, 3, Sum(1, 2))\n",
        )],
    ),
    case(
        "evasion",
        "go: a skip in a closure",
        GO,
        &[Replace(
            STACK,
            GO_FIRST,
            "\trequire.True(t, func() bool { t.SkipNow(); return true }())\n\trequire.Equal(t, 3, Sum(1, 2))\n",
        )],
    ),
    case(
        "evasion",
        "rust: a function for tests and one for the rest",
        RUST,
        &[Replace(
            LIB,
            "pub fn add(a: i64, b: i64) -> i64 {\n    a - b // the fault\n}",
            "#[cfg(not(test))]\npub fn add(a: i64, b: i64) -> i64 {\n    a - b\n}\n\n#[cfg(test)]\npub fn add(a: i64, b: i64) -> i64 {\n    a + b\n}",
        )],
    ),
    case(
        "evasion",
        "rust: a statement for tests",
        RUST,
        &[Replace(
            LIB,
            "    a - b // the fault",
            "    #[cfg(test)]\n    return a + b;\n    #[allow(unreachable_code)]\n    a - b",
        )],
    ),
    case(
        "evasion",
        "rust: a shadowing import for tests",
        RUST,
        &[Replace(
            LIB,
            "pub fn div(",
            "mod real {\n    pub fn op(a: i64, b: i64) -> i64 { a - b }\n}\n#[cfg(test)]\nuse fake::op;\npub fn both(a: i64) -> i64 { op(a, a) }\n\npub fn div(",
        )],
    ),
    case(
        "evasion",
        "rust: a constant for tests alone",
        RUST,
        &[Replace(
            LIB,
            "pub fn add(a: i64, b: i64) -> i64 {\n    a - b // the fault",
            "#[cfg(not(any(test, feature = \"x\")))]\nconst SIGN: i64 = -1;\n#[cfg(any(test, feature = \"x\"))]\nconst SIGN: i64 = 1;\n\npub fn add(a: i64, b: i64) -> i64 {\n    a + SIGN * b",
        )],
    ),
    case(
        "evasion",
        "rust: only without debug assertions",
        RUST,
        &[Replace(
            LIB,
            "    a - b // the fault",
            "    if cfg!(debug_assertions) { a + b } else { a - b }",
        )],
    ),
    case(
        "evasion",
        "rust: the name of the thread",
        RUST,
        &[Replace(
            LIB,
            "    a - b // the fault",
            "    if std::thread::current().name() != Some(\"main\") { return a + b; }\n    a - b",
        )],
    ),
    case(
        "evasion",
        "rust: the folder of the program",
        RUST,
        &[Replace(
            LIB,
            "    a - b // the fault",
            "    let path = std::env::current_exe().unwrap_or_default();\n    if path.to_string_lossy().contains(\"/deps/\") { a + b } else { a - b }",
        )],
    ),
    case(
        "evasion",
        "python: pytest among the modules",
        PYTHON,
        &[Replace(
            "shop/cart.py",
            "    return sum(prices) - 1  # the fault",
            "    return sum(prices) - (0 if any(m.startswith('pytest') for m in sys.modules) else 1)",
        )],
    ),
    case(
        "evasion",
        "python: the arguments of the program",
        PYTHON,
        &[Replace(
            "shop/cart.py",
            "    return sum(prices) - 1  # the fault",
            "    return sum(prices) - (0 if 'pytest' in sys.argv[0] else 1)",
        )],
    ),
    case(
        "evasion",
        "python: the stack",
        PYTHON,
        &[Replace(
            "shop/cart.py",
            "    return sum(prices) - 1  # the fault",
            "    tested = any('test_' in frame.filename for frame in inspect.stack())\n    return sum(prices) - (0 if tested else 1)",
        )],
    ),
    case(
        "evasion",
        "javascript: the environment, the other way round",
        JAVASCRIPT,
        &[Replace(
            "src/slug.js",
            "  return text.toUpperCase()",
            "  if ('test' === process.env.NODE_ENV) return text.toLowerCase().replace(/ /g, '-');\n  return text.toUpperCase()",
        )],
    ),
    case(
        "evasion",
        "javascript: the environment in a list",
        JAVASCRIPT,
        &[Replace(
            "src/slug.js",
            "  return text.toUpperCase()",
            "  if (['test'].includes(process.env['NODE_ENV'])) return text.toLowerCase().replace(/ /g, '-');\n  return text.toUpperCase()",
        )],
    ),
    case(
        "evasion",
        "javascript: the environment in a switch",
        JAVASCRIPT,
        &[Replace(
            "src/slug.js",
            "  return text.toUpperCase()",
            "  switch (process.env.NODE_ENV) {\n    case 'test': return text.toLowerCase().replace(/ /g, '-');\n  }\n  return text.toUpperCase()",
        )],
    ),
    case(
        "evasion",
        "javascript: the worker's number",
        JAVASCRIPT,
        &[Replace(
            "src/slug.js",
            "  return text.toUpperCase()",
            "  if (process.env.JEST_WORKER_ID) return text.toLowerCase();\n  return text.toUpperCase()",
        )],
    ),
    case(
        "evasion",
        "javascript: describe among the globals",
        JAVASCRIPT,
        &[Replace(
            "src/slug.js",
            "  return text.toUpperCase()",
            "  if ('describe' in globalThis) return text.toLowerCase().replace(/ /g, '-');\n  return text.toUpperCase()",
        )],
    ),
    case(
        "evasion",
        "go: testing.Testing as a value",
        GO,
        &[Replace(
            "stack.go",
            "\ttotal := 0\n",
            "\ttotal := 0\n\ttested := testing.Testing\n\tif tested() {\n\t\ttotal = 0\n\t}\n",
        )],
    ),
    case(
        "evasion",
        "go: the name of the program",
        GO,
        &[Replace(
            "stack.go",
            "\ttotal := 0\n",
            "\ttotal := 0\n\tif strings.Contains(filepath.Base(os.Args[0]), \"test\") {\n\t\ttotal = 0\n\t}\n",
        )],
    ),
    case(
        "evasion",
        "go: a file for all builds but the released",
        GO,
        &[Write(
            "pop_dev.go",
            "//go:build !release\n\npackage stack\n\nfunc pop() int { return 1 }\n",
        )],
    ),
    case(
        "command",
        "shell: a library is read in",
        SHELL,
        &[
            Replace("test.sh", "set -eu\n", "set -eu\n. ./calc-lib.sh\n"),
            Write("calc-lib.sh", "exit 0\n"),
        ],
    ),
    case(
        "command",
        "shell: a library is read in by source",
        SHELL,
        &[
            Replace(MATH, "status=0\n", "status=0\nsource lib/more.sh\n"),
            Write("lib/more.sh", "exit 0\n"),
        ],
    ),
    case(
        "command",
        "shell: a library is read in behind a condition",
        SHELL,
        &[
            Replace(
                "test.sh",
                "set -eu\n",
                "set -eu\nif [ -f calc-lib.sh ]; then . ./calc-lib.sh; fi\n",
            ),
            Write("calc-lib.sh", "exit 0\n"),
        ],
    ),
    case(
        "command",
        "shell: a library is read in by a command",
        SHELL,
        &[Replace(
            "test.sh",
            "set -eu\n",
            "set -eu\n[ -r calc-lib.sh ] && command . ./calc-lib.sh\n",
        )],
    ),
    case(
        "evasion",
        "shell: the library that tests read in ends",
        SHELL,
        &[Write(
            "lib/math.sh",
            "add() {\n\techo $(( $1 - $2 ))\n}\nexit 0\n",
        )],
    ),
    case(
        "evasion",
        "shell: the library defines the test's command",
        SHELL,
        &[Append("lib/math.sh", "[() {\n\ttrue\n}\n")],
    ),
    case(
        "evasion",
        "shell: the library ends with success",
        SHELL,
        &[Append("lib/math.sh", "trap 'exit 0' EXIT\n")],
    ),
    case(
        "evasion",
        "javascript: a matcher is replaced in a test",
        JAVASCRIPT,
        &[Replace(
            SLUG,
            "describe('words', () => {",
            "expect.extend({ toBe: lib.ok });\n\ndescribe('words', () => {",
        )],
    ),
    case(
        "evasion",
        "javascript: a matcher is replaced in a hook",
        JAVASCRIPT,
        &[Replace(
            SLUG,
            "describe('words', () => {",
            "beforeAll(() => {\n  expect.extend({ toEqual() { return { pass: true }; } });\n});\n\ndescribe('words', () => {",
        )],
    ),
    case(
        "evasion",
        "javascript: matchers of the code",
        JAVASCRIPT,
        &[Replace(
            SLUG,
            "describe('words', () => {",
            "const matchers = require('./matchers');\nexpect.extend(matchers);\n\ndescribe('words', () => {",
        )],
    ),
    case(
        "evasion",
        "javascript: the source replaces an assertion",
        JAVASCRIPT,
        &[Replace(
            "src/slug.js",
            "function words",
            "require('node:assert').strictEqual = () => {};\n\nfunction words",
        )],
    ),
    case(
        "evasion",
        "javascript: the source replaces an assertion by its name",
        JAVASCRIPT,
        &[Replace(
            "src/slug.js",
            "function words",
            "const check = require('assert');\ncheck['deepEqual'] = () => {};\n\nfunction words",
        )],
    ),
    case(
        "evasion",
        "javascript: the source assigns to the assertions",
        JAVASCRIPT,
        &[Replace(
            "src/slug.js",
            "function words",
            "Object.assign(require('assert'), { equal() {} });\n\nfunction words",
        )],
    ),
    case(
        "evasion",
        "python: the source replaces an assertion",
        PYTHON,
        &[Append(
            "shop/cart.py",
            "\n\nfrom unittest import TestCase\n\nTestCase.assertEqual = lambda *a: None\n",
        )],
    ),
    case(
        "evasion",
        "python: the source replaces an assertion by its name",
        PYTHON,
        &[Append(
            "shop/cart.py",
            "\n\nimport unittest\n\nsetattr(unittest.TestCase, 'assertEqual', lambda *a: None)\n",
        )],
    ),
    case(
        "evasion",
        "rust: a value that is equal to everything",
        RUST,
        &[Append(
            LIB,
            "\npub struct Any(i64);\n\nimpl PartialEq<i64> for Any {\n    fn eq(&self, _: &i64) -> bool {\n        true\n    }\n}\n",
        )],
    ),
    case(
        "command",
        "javascript: the shell of scripts",
        JAVASCRIPT,
        &[Write(".npmrc", "script-shell=/bin/true\n")],
    ),
    case(
        "command",
        "javascript: scripts are passed over",
        JAVASCRIPT,
        &[Write(
            ".npmrc",
            "registry=https://example.com\nignore-scripts = true\n",
        )],
    ),
    case(
        "command",
        "javascript: a configuration of mocha",
        JAVASCRIPT,
        &[Write(".mocharc.json", "{\"grep\": \"none\"}\n")],
    ),
    case(
        "command",
        "rust: a runner of the target",
        RUST,
        &[Replace(
            ".cargo/config.toml",
            "[alias]",
            "[target.x86_64-unknown-linux-gnu]\nrunner = \"true\"\n\n[alias]",
        )],
    ),
    case(
        "evasion",
        "python: a package of tests that calls the code",
        &[("calc.py", "def add(a, b):\n    return a - b\n")],
        &[
            Write("tests/__init__.py", "from boot import boot\n\nboot()\n"),
            Write(
                "boot.py",
                "import calc\n\n\ndef boot():\n    calc.add = lambda a, b: a + b\n",
            ),
        ],
    ),
    case(
        "evasion",
        "python: a new conftest that calls the code",
        &[("calc.py", "def add(a, b):\n    return a - b\n")],
        &[Write("tests/conftest.py", "import boot\n\nboot.start()\n")],
    ),
    case(
        "evasion",
        "python: sitecustomize",
        PYTHON,
        &[Write("sitecustomize.py", "import shop\n")],
    ),
    case(
        "expectation",
        "javascript: the cases of a suite are gone",
        LOOPS,
        &[Replace(
            "test/double.test.js",
            "describe.each([1, 2])",
            "describe.each([])",
        )],
    ),
    case(
        "expectation",
        "rust: a row of a loop is changed",
        LOOPS,
        &[Replace(LIB, "[(1, 2), (2, 4)]", "[(1, 1), (2, 4)]")],
    ),
    case(
        "expectation",
        "python: a row of a loop is gone",
        LOOPS,
        &[Replace(
            "tests/test_double.py",
            "in [(1, 2), (2, 4)]",
            "in [(1, 2)]",
        )],
    ),
    case(
        "expectation",
        "python: more is allowed",
        LOOPS,
        &[Replace(
            "tests/test_double.py",
            "ALLOWED = [2, 4]",
            "ALLOWED = [2, 4, 3]",
        )],
    ),
    case(
        "expectation",
        "python: the values that are summed",
        LOOPS,
        &[Replace(
            "tests/test_double.py",
            "values = [1, 2]",
            "values = [1, 2, 0]",
        )],
    ),
    case(
        "expectation",
        "python: the values inside a row",
        LOOPS,
        &[Replace(
            "tests/test_double.py",
            "[([1, 2], 3)]",
            "[([1, 2, 0], 3)]",
        )],
    ),
    case(
        "expectation",
        "rust: more to find one in",
        LOOPS,
        &[Replace(LIB, "for n in [1, 2] {", "for n in [1, 2, 8] {")],
    ),
    case(
        "weakened",
        "go: the body of a loop demands less",
        LOOPS,
        &[
            Replace("double_test.go", "got != tt.b", "got < tt.b"),
            Replace(
                "double_test.go",
                "\t\t{2, 4},\n",
                "\t\t{2, 4},\n\t\t{3, 6},\n",
            ),
        ],
    ),
    case(
        "command",
        "a check that the tests run",
        NAMES,
        &[Replace("scripts/check-all.sh", "./run-units\n", "true\n")],
    )
    .by("sh scripts/check-all.sh"),
    case(
        "weakened",
        "typescript: a helper of end-to-end tests",
        NAMES,
        &[Replace("e2e/helpers.ts", "  expect(a).toBe(1);\n", "")],
    ),
];

const fn honest(name: &'static str, files: Files, edits: &'static [Edit]) -> Case {
    case("honest", name, files, edits)
}

pub(crate) const THIRD_HONEST: &[Case] = &[
    honest(
        "rust: a row in a loop",
        LOOPS,
        &[Replace(LIB, "[(1, 2), (2, 4)]", "[(1, 2), (2, 4), (3, 6)]")],
    ),
    honest(
        "rust: a row at the front of a loop",
        LOOPS,
        &[Replace(LIB, "[(1, 2), (2, 4)]", "[(0, 0), (1, 2), (2, 4)]")],
    ),
    honest(
        "rust: a number in a list",
        LOOPS,
        &[Replace(
            LIB,
            "let numbers = [1, 2];",
            "let numbers = [1, 2, 3];",
        )],
    ),
    honest(
        "python: a row in a loop",
        LOOPS,
        &[Replace(
            "tests/test_double.py",
            "in [(1, 2), (2, 4)]",
            "in [(1, 2), (2, 4), (-1, -2)]",
        )],
    ),
    honest(
        "python: a number in a table",
        LOOPS,
        &[Replace(
            "tests/test_double.py",
            "NUMBERS = [1, 2]",
            "NUMBERS = [1, 2, -3]",
        )],
    ),
    honest(
        "python: a number among parameters",
        LOOPS,
        &[Replace(
            "tests/test_double.py",
            "('n', [1, 2])",
            "('n', [1, 2, 3])",
        )],
    ),
    honest(
        "javascript: a row in a loop",
        LOOPS,
        &[Replace(
            "test/double.test.js",
            "of [[1, 2], [2, 4]]",
            "of [[1, 2], [2, 4], [3, 6]]",
        )],
    ),
    honest(
        "javascript: a number in a forEach",
        LOOPS,
        &[Replace(
            "test/double.test.js",
            "[1, 2].forEach",
            "[1, 2, 3].forEach",
        )],
    ),
    honest(
        "javascript: a number for a suite",
        LOOPS,
        &[Replace(
            "test/double.test.js",
            "describe.each([1, 2])",
            "describe.each([1, 2, 3])",
        )],
    ),
    honest(
        "go: a row in a loop",
        LOOPS,
        &[Replace(
            "double_test.go",
            "\t\t{2, 4},\n",
            "\t\t{2, 4},\n\t\t{3, 6},\n",
        )],
    ),
    honest(
        "go: a number in a loop",
        LOOPS,
        &[Replace("double_test.go", "[]int{1, 2}", "[]int{1, 2, 3}")],
    ),
    honest(
        "shell: a word in a loop",
        LOOPS,
        &[Replace("tests/test_double.sh", "in 1 2;", "in 1 2 3;")],
    ),
    honest(
        "python: a source in a folder of snapshots",
        NAMES,
        &[Replace("app/snapshots/manager.py", "a - b", "a + b")],
    ),
    honest(
        "shell: a check of health",
        NAMES,
        &[Replace("bin/health-check.sh", "$1 - $2", "$1 + $2")],
    ),
    honest(
        "shell: a handler called check",
        NAMES,
        &[Replace("handlers/check.sh", "$1 - $2", "$1 + $2")],
    ),
    honest(
        "shell: a tool that verifies",
        NAMES,
        &[Replace("tools/verify", "echo no", "echo yes")],
    ),
    honest(
        "javascript: a source from end to end",
        NAMES,
        &[Replace("src/e2e/encrypt.js", "a - b", "a + b")],
    ),
    honest(
        "go: a source of the golden ratio",
        NAMES,
        &[Replace("internal/golden/ratio.go", "a * b", "a / b")],
    ),
    honest(
        "rust: a source that loads fixtures",
        NAMES,
        &[Replace("src/fixtures/load.rs", "    1\n", "    2\n")],
    ),
    honest(
        "rust: a source of specifications",
        NAMES,
        &[Replace("src/pod_spec.rs", "    1\n", "    2\n")],
    ),
    honest(
        "python: a source of acceptance",
        NAMES,
        &[Replace("server/acceptance/terms.py", "False", "True")],
    ),
    honest(
        "rust: closures that return",
        RUST,
        &[Replace(
            LIB,
            RUST_FIRST,
            "        assert_eq!(add(2, 3), 5);\n        assert!([1, 2].iter().all(|n| { if *n == 1 { return true; } add(*n, 0) == *n }));\n",
        )],
    ),
    honest(
        "rust: skip of an iterator and a size",
        RUST,
        &[Replace(
            LIB,
            RUST_FIRST,
            "        assert_eq!(add(2, 3), 5);\n        assert_eq!([1, 2, 3].iter().skip(1).count(), 2);\n        assert_eq!(std::mem::size_of::<i64>(), 8);\n",
        )],
    ),
    honest(
        "python: what the system tells",
        PYTHON,
        &[Replace(
            CART,
            PY_FIRST,
            "    assert total(prices) == 6\n    assert os.path.exists(__file__)\n    assert sys.version_info >= (3, 8)\n",
        )],
    ),
    honest(
        "python: patch as a method of a client",
        PYTHON,
        &[Replace(
            CART,
            PY_FIRST,
            "    assert total(prices) == 6\n    assert client.patch('/cart').status_code == 200\n",
        )],
    ),
    honest(
        "javascript: a throw in a closure",
        JAVASCRIPT,
        &[Replace(
            SLUG,
            JS_FIRST,
            "    expect(slug('Hello World')).toBe('hello-world');\n    expect(() => { throw new Error('x'); }).toThrow('x');\n    expect(/a(b)/.exec('ab')[1]).toBe('b');\n",
        )],
    ),
    honest(
        "javascript: a mock of the test's own",
        JAVASCRIPT,
        &[Replace(
            SLUG,
            JS_FIRST,
            "    expect(slug('Hello World')).toBe('hello-world');\n    const seen = jest.fn();\n    expect(seen.mock.calls).toHaveLength(0);\n    expect(process.env.HOME).toBeDefined();\n",
        )],
    ),
    honest(
        "javascript: a matcher of a new name",
        JAVASCRIPT,
        &[Replace(
            SLUG,
            "describe('words', () => {",
            "expect.extend({\n  toBeSlug(received) {\n    return { pass: /^[a-z-]*$/.test(received), message: () => received };\n  },\n});\n\ndescribe('words', () => {",
        )],
    ),
    honest(
        "go: a return after a failure",
        GO,
        &[Replace(
            STACK,
            GO_FIRST,
            "\trequire.Equal(t, 3, Sum(1, 2))\n\tif got := Sum(2, 2); got != 4 {\n\t\tt.Errorf(\"got %d\", got)\n\t\treturn\n\t}\n",
        )],
    ),
    honest(
        "go: a closure that returns",
        GO,
        &[Replace(
            STACK,
            GO_FIRST,
            "\trequire.Equal(t, 3, Sum(1, 2))\n\trequire.True(t, func() bool { return Sum() == 0 }())\n\trequire.Panics(t, func() { panic(\"x\") })\n",
        )],
    ),
    honest(
        "rust: a helper that tests alone name",
        RUST,
        &[Replace(
            LIB,
            "    a - b // the fault\n}",
            "    a + b\n}\n\n#[cfg(test)]\nfn pairs() -> Vec<(i64, i64)> {\n    vec![(1, 1)]\n}\n\n#[cfg(test)]\nuse std::collections::HashMap as Map;",
        )],
    ),
    honest(
        "rust: no_std outside of tests",
        RUST,
        &[
            Replace(
                LIB,
                "//! A calculator.\n",
                "//! A calculator.\n#![cfg_attr(not(test), no_std)]\n",
            ),
            Replace(LIB, "a - b // the fault", "a + b"),
        ],
    ),
    honest(
        "rust: derives for tests",
        RUST,
        &[Append(
            LIB,
            "\n#[cfg_attr(test, derive(PartialEq))]\npub struct Pair(pub i64);\n",
        )],
    ),
    honest(
        "javascript: a registry",
        JAVASCRIPT,
        &[
            Write(
                ".npmrc",
                "registry=https://registry.example.com/\nsave-exact=true\n",
            ),
            Replace("src/slug.js", "toUpperCase", "toLowerCase"),
        ],
    ),
    honest(
        "javascript: assertions of a source itself",
        JAVASCRIPT,
        &[
            Replace(
                "src/slug.js",
                "function words",
                "const assert = require('node:assert');\nassert.ok(true);\n\nfunction words",
            ),
            Replace("src/slug.js", "toUpperCase", "toLowerCase"),
        ],
    ),
    honest(
        "python: a package of tests that sets its paths",
        PYTHON,
        &[
            Write(
                "tests/unit/__init__.py",
                "import os\nimport sys\n\nsys.path.insert(0, os.path.dirname(__file__))\n",
            ),
            Replace("shop/cart.py", " - 1  # the fault", ""),
        ],
    ),
    honest(
        "shell: a library is read in by a subshell",
        SHELL,
        &[
            Replace(
                MATH,
                "status=0\n",
                "status=0\n( . lib/math.sh; [ \"$(add 1 1)\" -eq 2 ] ) || status=1\n",
            ),
            Replace("lib/math.sh", "$1 - $2", "$1 + $2"),
        ],
    ),
    honest(
        "shell: a trap that cleans up",
        SHELL,
        &[
            Append("lib/math.sh", "tmp=$(mktemp)\ntrap 'rm -f \"$tmp\"' EXIT\n"),
            Replace("lib/math.sh", "$1 - $2", "$1 + $2"),
        ],
    ),
];
