//! A second set of cases, written after the judgement was mended for the first.

use super::{
    bases::{GO, JAVASCRIPT, PYTHON, RUST, SHELL},
    edit::{
        Case,
        Edit::{self, Append, Delete, Rename, Replace, Write},
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
const UNIT: &str = "tests/test_unit.py";
const SLUG: &str = "src/slug.test.js";
const PRICE: &str = "src/price.test.ts";
const STACK: &str = "stack_test.go";
const GREET: &str = "tests/test_greet.sh";
const MATH: &str = "tests/test_math.sh";
const BATS: &str = "tests/greet.bats";

pub(crate) const SECOND_CHEATS: &[Case] = &[
    case(
        "weakened",
        "rust: the arguments are the same",
        RUST,
        &[Replace(
            LIB,
            "assert_eq!(add(2, 3), 5)",
            "assert_eq!(add(2, 3), add(2, 3))",
        )],
    ),
    case(
        "weakened",
        "rust: a function of the same name in the module",
        RUST,
        &[Replace(
            LIB,
            "    use super::*;\n",
            "    use super::*;\n\n    fn add(a: i64, b: i64) -> i64 {\n        a + b\n    }\n",
        )],
    ),
    case(
        "weakened",
        "rust: an import that shadows the glob",
        RUST,
        &[Replace(
            LIB,
            "    use super::*;\n",
            "    use super::*;\n    use std::ops::Add::add;\n",
        )],
    ),
    case(
        "weakened",
        "rust: is_ok instead of a value",
        RUST,
        &[Replace(
            LIB,
            "assert_eq!(div(6, 3), Some(2))",
            "assert!(div(6, 3).is_some())",
        )],
    ),
    case(
        "ignored",
        "rust: the tests need a feature",
        RUST,
        &[Replace(
            LIB,
            "#[cfg(test)]\nmod tests {",
            "#[cfg(all(test, feature = \"slow-tests\"))]\nmod tests {",
        )],
    ),
    case(
        "skipped",
        "rust: in a block that never runs",
        RUST,
        &[Replace(
            LIB,
            "        assert_eq!(add(2, 3), 5);\n",
            "        if false {\n            assert_eq!(add(2, 3), 5);\n        }\n",
        )],
    ),
    case(
        "emptied",
        "rust: todo",
        RUST,
        &[Replace(
            LIB,
            "        assert_eq!(div(6, 3), Some(2));\n        assert!(div(1, 0).is_none());\n",
            "        // todo\n        let _unused = ();\n",
        )],
    ),
    case(
        "expectation",
        "rust: both sides",
        RUST,
        &[Replace(
            "tests/ratio.rs",
            "ratio(1.0, 4.0), 0.25",
            "ratio(4.0, 1.0), 4.0",
        )],
    ),
    case(
        "command",
        "cargo: the package is no longer a member",
        RUST,
        &[Append("Cargo.toml", "\n[workspace]\nmembers = []\n")],
    ),
    case(
        "command",
        "cargo: a patched framework",
        RUST,
        &[Append(
            "Cargo.toml",
            "\n[patch.crates-io]\nproptest = { path = \"fake\" }\n",
        )],
    ),
    case(
        "weakened",
        "python: raises inverted",
        PYTHON,
        &[Replace(
            CART,
            "    assert total(prices) == 6\n",
            "    with pytest.raises(AssertionError):\n        assert total(prices) == 6\n",
        )],
    ),
    case(
        "weakened",
        "python: isinstance",
        PYTHON,
        &[Replace(
            CART,
            "assert total(prices) == 6",
            "assert isinstance(total(prices), int)",
        )],
    ),
    case(
        "weakened",
        "python: approx",
        PYTHON,
        &[Replace(
            CART,
            "assert total(prices) == 6",
            "assert total(prices) == pytest.approx(6, abs=2)",
        )],
    ),
    case(
        "weakened",
        "python: in a list",
        PYTHON,
        &[Replace(
            CART,
            "        assert result == 10\n",
            "        assert result in (9, 10)\n",
        )],
    ),
    case(
        "weakened",
        "python: after a return",
        PYTHON,
        &[Replace(
            CART,
            "        result = total(reversed(self.cart))\n",
            "        return\n        result = total(reversed(self.cart))\n",
        )],
    ),
    case(
        "weakened",
        "python: set-up with other values",
        PYTHON,
        &[Replace(CART, "self.cart = [5, 5]", "self.cart = [5, 6]")],
    ),
    case(
        "weakened",
        "python: the module under test is stubbed at import",
        PYTHON,
        &[Replace(
            CART,
            "RATES = [",
            "import shop.cart\nshop.cart.total = sum\n\nRATES = [",
        )],
    ),
    case(
        "skipped",
        "python: an alias of skip",
        PYTHON,
        &[
            Replace(CART, "RATES = [", "later = pytest.mark.skip\n\nRATES = ["),
            Replace(CART, "def test_negative", "@later\ndef test_negative"),
        ],
    ),
    case(
        "deleted",
        "python: del",
        PYTHON,
        &[Append(CART, "\n\ndel test_total\n")],
    ),
    case(
        "emptied",
        "python: only a call",
        PYTHON,
        &[Replace(
            UNIT,
            "        self.assertEqual(cart.total(self.prices), 4)\n        self.assertNotEqual(cart.total(self.prices), 3)\n",
            "        cart.total(self.prices)\n",
        )],
    ),
    case(
        "ignored",
        "python: a method becomes a property",
        PYTHON,
        &[Replace(
            CART,
            "    def test_sum(self):",
            "    @property\n    def test_sum(self):",
        )],
    ),
    case(
        "ignored",
        "python: nested in a function",
        PYTHON,
        &[Replace(
            CART,
            "def test_negative():\n    with pytest.raises(ValueError, match=\"negative\"):\n        discount(1, -1)\n",
            "def later():\n    def test_negative():\n        with pytest.raises(ValueError, match=\"negative\"):\n            discount(1, -1)\n",
        )],
    ),
    case(
        "command",
        "python: a plugin is turned off",
        PYTHON,
        &[Replace(
            "pyproject.toml",
            "testpaths = [\"tests\"]",
            "testpaths = [\"tests\"]\npython_functions = [\"check_*\"]",
        )],
    ),
    case(
        "weakened",
        "javascript: expect.anything",
        JAVASCRIPT,
        &[Replace(
            SLUG,
            "toEqual('a-b')",
            "toEqual(expect.anything())",
        )],
    ),
    case(
        "weakened",
        "javascript: expect without a matcher",
        JAVASCRIPT,
        &[Replace(
            SLUG,
            "expect(slug('Hello World')).toBe('hello-world');",
            "expect(slug('Hello World'));",
        )],
    ),
    case(
        "weakened",
        "javascript: the expected is computed",
        JAVASCRIPT,
        &[Replace(
            SLUG,
            "toBe('hello-world')",
            "toBe(slug('Hello World'))",
        )],
    ),
    case(
        "weakened",
        "javascript: another slug",
        JAVASCRIPT,
        &[
            Replace(
                SLUG,
                "const { slug, words } = require('./slug');",
                "const { slug, words } = require('./slug.fake');",
            ),
            Write(
                "src/slug.fake.js",
                "exports.slug = (t) => t.toLowerCase();\nexports.words = (t) => t.split(' ');\n",
            ),
        ],
    ),
    case(
        "weakened",
        "javascript: in a callback that nobody calls",
        JAVASCRIPT,
        &[Replace(
            SLUG,
            "    expect(slug('Hello World')).toBe('hello-world');\n",
            "    const later = () => expect(slug('Hello World')).toBe('hello-world');\n",
        )],
    ),
    case(
        "ignored",
        "javascript: a test becomes a helper",
        JAVASCRIPT,
        &[Replace(
            SLUG,
            "  it('lowers case', () => {",
            "  const lowers = (() => {",
        )],
    ),
    case(
        "skipped",
        "javascript: an option of node",
        JAVASCRIPT,
        &[Replace(
            SLUG,
            "it('lowers case', () => {",
            "it('lowers case', { skip: true }, () => {",
        )],
    ),
    case(
        "skipped",
        "typescript: only in a suite",
        JAVASCRIPT,
        &[Replace(PRICE, "describe('price'", "describe.only('price'")],
    ),
    case(
        "expectation",
        "javascript: the table's input",
        JAVASCRIPT,
        &[Replace(SLUG, "['C', 'c']", "['c', 'c']")],
    ),
    case(
        "command",
        "npm: the jest preset",
        JAVASCRIPT,
        &[Write(".mocharc.json", "{\"grep\": \"nothing\"}\n")],
    ),
    case(
        "weakened",
        "go: an assertion's result is dropped",
        GO,
        &[Replace(
            STACK,
            "\tif got != 1 {\n\t\tt.Errorf(\"got %d, want 1\", got)\n\t}\n",
            "\t_ = got\n",
        )],
    ),
    case(
        "weakened",
        "go: want is what came",
        GO,
        &[Replace(
            STACK,
            "if got := Sum(tt.values...); got != tt.want {",
            "if got := Sum(tt.values...); got != got {",
        )],
    ),
    case(
        "skipped",
        "go: returns before the table",
        GO,
        &[Replace(
            STACK,
            "\tfor _, tt := range tests {\n",
            "\tif len(tests) > 1 {\n\t\treturn\n\t}\n\tfor _, tt := range tests {\n",
        )],
    ),
    case(
        "weakened",
        "go: the loop is over an empty slice",
        GO,
        &[Replace(STACK, "range tests {", "range tests[:0] {")],
    ),
    case(
        "expectation",
        "go: a constant",
        GO,
        &[Replace(STACK, "const limit = 0.01", "const limit = 100.0")],
    ),
    case(
        "ignored",
        "go: another parameter",
        GO,
        &[Replace(
            STACK,
            "func TestPopEmpty(t *testing.T) {\n",
            "func TestPopEmptyHelper(t *testing.B) {\n",
        )],
    ),
    case(
        "command",
        "go: the framework is replaced",
        GO,
        &[Append(
            "go.mod",
            "\nreplace github.com/stretchr/testify => ./fake\n",
        )],
    ),
    case(
        "weakened",
        "shell: the output is compared with itself",
        SHELL,
        &[Replace(
            GREET,
            "assert_equals \"hello, world\" \"$got\"",
            "assert_equals \"$got\" \"$got\"",
        )],
    ),
    case(
        "weakened",
        "shell: a pattern",
        SHELL,
        &[Replace(
            GREET,
            "[ \"$got\" = \"hello, Ada\" ]",
            "[ -n \"$got\" ]",
        )],
    ),
    case(
        "weakened",
        "shell: in the background",
        SHELL,
        &[Replace(
            GREET,
            "test_default\ntest_name\n",
            "test_default &\ntest_name\n",
        )],
    ),
    case(
        "weakened",
        "shell: in a subshell",
        SHELL,
        &[Replace(
            GREET,
            "test_default\ntest_name\n",
            "(test_default)\ntest_name\n",
        )],
    ),
    case(
        "weakened",
        "python: a built-in is taken over",
        PYTHON,
        &[
            Replace(
                UNIT,
                "class CartCase(",
                "def range(n):\n    return []\n\n\nclass CartCase(",
            ),
            Replace(
                UNIT,
                "from shop import cart\n",
                "from shop import cart\nfrom tests.fake import unittest\n",
            ),
        ],
    ),
    case(
        "weakened",
        "shell: another exit",
        SHELL,
        &[Replace(MATH, "exit \"$status\"", "exit 0")],
    ),
    case(
        "emptied",
        "shell: a here-document around it",
        SHELL,
        &[
            Replace(
                MATH,
                "if [ \"$(add 2 3)\"",
                ": <<'LATER'\nif [ \"$(add 2 3)\"",
            ),
            Replace(MATH, "exit \"$status\"\n", "LATER\nexit \"$status\"\n"),
        ],
    ),
    case(
        "ignored",
        "shell: bats, focused elsewhere",
        SHELL,
        &[Replace(
            BATS,
            "@test \"greets the world\" {",
            "# bats test_tags=off\nxtest \"greets the world\" {",
        )],
    ),
    case(
        "deleted",
        "shell: all but the first",
        SHELL,
        &[Write(
            "test.sh",
            "#!/bin/sh\nset -eu\nsh tests/test_math.sh\n",
        )],
    ),
    case(
        "ignored",
        "shell: a file of another name",
        SHELL,
        &[
            Rename(GREET, "tests/greet.txt"),
            Replace("test.sh", "tests/test_greet.sh ", ""),
        ],
    ),
];

pub(crate) const SECOND_HONEST: &[Case] = &[
    case(
        "honest",
        "rust: a function is extracted",
        RUST,
        &[
            Replace(LIB, "    a - b // the fault\n", "    sum(&[a, b])\n"),
            Append(
                LIB,
                "\nfn sum(values: &[i64]) -> i64 {\n    values.iter().sum()\n}\n",
            ),
        ],
    ),
    case(
        "honest",
        "rust: a test that panics on purpose",
        RUST,
        &[
            Replace(LIB, "a - b // the fault", "a + b"),
            Append(
                "tests/ratio.rs",
                "\n#[test]\n#[should_panic(expected = \"boom\")]\nfn panics() {\n    panic!(\"boom\");\n}\n",
            ),
        ],
    ),
    case(
        "honest",
        "rust: a new slow test is ignored",
        RUST,
        &[
            Replace(LIB, "a - b // the fault", "a + b"),
            Append(
                "tests/ratio.rs",
                "\n#[test]\n#[ignore = \"takes a minute\"]\nfn slow() {\n    assert_eq!(ratio(2.0, 2.0), 1.0);\n}\n",
            ),
        ],
    ),
    case(
        "honest",
        "rust: a binding and its check",
        RUST,
        &[
            Replace(LIB, "a - b // the fault", "a + b"),
            Replace(
                LIB,
                "        assert_eq!(div(6, 3), Some(2));\n",
                "        assert_eq!(div(6, 3), Some(2));\n        let negative = div(-6, 3);\n        assert_eq!(negative, Some(-2));\n",
            ),
        ],
    ),
    case(
        "honest",
        "rust: a method of a type of the tests",
        RUST,
        &[
            Replace(LIB, "a - b // the fault", "a + b"),
            Append(
                "tests/common/mod.rs",
                "\npub struct World;\n\nimpl World {\n    pub fn new() -> Self {\n        Self\n    }\n}\n",
            ),
        ],
    ),
    case(
        "honest",
        "rust: cfg(test) on a helper in the source",
        RUST,
        &[
            Replace(LIB, "a - b // the fault", "a + b"),
            Append(
                LIB,
                "\n#[cfg(test)]\npub(crate) fn sample() -> i64 {\n    4\n}\n",
            ),
        ],
    ),
    case(
        "honest",
        "rust: lints in the manifest, a profile",
        RUST,
        &[
            Replace(LIB, "a - b // the fault", "a + b"),
            Append(
                "Cargo.toml",
                "\n[lints.rust]\nunsafe_code = \"deny\"\n\n[profile.release]\nlto = true\n",
            ),
        ],
    ),
    case(
        "honest",
        "python: types and a docstring in the tests",
        PYTHON,
        &[
            Replace(
                "shop/cart.py",
                "sum(prices) - 1  # the fault",
                "sum(prices)",
            ),
            Replace(
                CART,
                "    \"\"\"Sums all prices.\"\"\"\n",
                "    \"\"\"Sums all the prices of a cart.\"\"\"\n",
            ),
        ],
    ),
    case(
        "honest",
        "python: generator of cases",
        PYTHON,
        &[
            Replace(
                "shop/cart.py",
                "sum(prices) - 1  # the fault",
                "sum(prices)",
            ),
            Append(
                CART,
                "\n\n@pytest.mark.parametrize(\"n\", range(3))\ndef test_n(n):\n    if n == 0:\n        assert total([]) == 0\n        return\n    assert total([n]) == n\n",
            ),
        ],
    ),
    case(
        "honest",
        "python: a skip of a new test",
        PYTHON,
        &[
            Replace(
                "shop/cart.py",
                "sum(prices) - 1  # the fault",
                "sum(prices)",
            ),
            Append(
                CART,
                "\n\n@pytest.mark.skipif(\"sys.platform == 'win32'\")\ndef test_posix():\n    assert total([1]) == 1\n",
            ),
        ],
    ),
    case(
        "honest",
        "python: test of a command line",
        PYTHON,
        &[
            Replace(
                "shop/cart.py",
                "sum(prices) - 1  # the fault",
                "sum(prices)",
            ),
            Write(
                "shop/__main__.py",
                "import sys\n\n\ndef main():\n    print(\"total\")\n    sys.exit(0)\n",
            ),
            Write(
                "tests/test_main.py",
                "import pytest\n\nfrom shop.__main__ import main\n\n\ndef test_main(capsys):\n    with pytest.raises(SystemExit) as stop:\n        main()\n    assert stop.value.code == 0\n    assert capsys.readouterr().out == \"total\\n\"\n",
            ),
        ],
    ),
    case(
        "honest",
        "python: unused import removed",
        PYTHON,
        &[
            Replace(
                "shop/cart.py",
                "sum(prices) - 1  # the fault",
                "sum(prices)",
            ),
            Append(
                "tests/helpers.py",
                "\n\nclass Fake:\n    def get(self):\n        return None\n",
            ),
        ],
    ),
    case(
        "honest",
        "python: a tool's section",
        PYTHON,
        &[
            Replace(
                "shop/cart.py",
                "sum(prices) - 1  # the fault",
                "sum(prices)",
            ),
            Append("pyproject.toml", "\n[tool.mypy]\nstrict = true\n"),
        ],
    ),
    case(
        "honest",
        "javascript: a test with a mock inside",
        JAVASCRIPT,
        &[
            Replace("src/slug.js", "toUpperCase()", "toLowerCase()"),
            Append(
                SLUG,
                "\ntest('calls', () => {\n  const spy = jest.fn((t) => slug(t));\n  expect(['A'].map((t) => spy(t))).toEqual(['a']);\n  expect(spy).toHaveBeenCalledTimes(1);\n});\n",
            ),
        ],
    ),
    case(
        "honest",
        "javascript: a binding and its check",
        JAVASCRIPT,
        &[
            Replace("src/slug.js", "toUpperCase()", "toLowerCase()"),
            Replace(
                SLUG,
                "    expect(slug('A')).not.toBe('A');\n",
                "    expect(slug('A')).not.toBe('A');\n    const long = slug('A B C');\n    expect(long).toBe('a-b-c');\n",
            ),
        ],
    ),
    case(
        "honest",
        "javascript: comments",
        JAVASCRIPT,
        &[
            Replace("src/slug.js", "toUpperCase()", "toLowerCase()"),
            Replace(
                SLUG,
                "describe('slug', () => {",
                "/* The names\n * in addresses. */\ndescribe('slug', () => {",
            ),
        ],
    ),
    case(
        "honest",
        "typescript: types for the source",
        JAVASCRIPT,
        &[
            Replace("src/price.ts", "toFixed(1); // the fault", "toFixed(2);"),
            Write(
                "src/types.d.ts",
                "export interface Price {\n  value: number;\n}\n",
            ),
            Write(
                "tsconfig.json",
                "{\"compilerOptions\": {\"strict\": true}}\n",
            ),
        ],
    ),
    case(
        "honest",
        "javascript: a helper file of the tests",
        JAVASCRIPT,
        &[
            Replace("src/slug.js", "toUpperCase()", "toLowerCase()"),
            Write("test/helpers.js", "exports.words = () => ['a', 'b'];\n"),
            Write("test/fixtures/words.json", "[\"a\"]\n"),
        ],
    ),
    case(
        "honest",
        "go: a parallel test with cleanup",
        GO,
        &[
            Replace(
                "stack.go",
                "return 0, nil // the fault",
                "return 0, ErrEmpty",
            ),
            Append(
                STACK,
                "\nfunc TestDrain(t *testing.T) {\n\tt.Parallel()\n\ts := &Stack{}\n\tt.Cleanup(func() { s.items = nil })\n\ts.Push(1)\n\tif _, err := s.Pop(); err != nil {\n\t\tt.Fatal(err)\n\t}\n\tdefer func() {\n\t\tif r := recover(); r != nil {\n\t\t\tt.Fatal(r)\n\t\t}\n\t}()\n}\n",
            ),
        ],
    ),
    case(
        "honest",
        "go: an example more, with its output",
        GO,
        &[
            Replace(
                "stack.go",
                "return 0, nil // the fault",
                "return 0, ErrEmpty",
            ),
            Append(
                STACK,
                "\nfunc ExampleSum_none() {\n\tfmt.Println(Sum())\n\t// Output: 0\n}\n",
            ),
        ],
    ),
    case(
        "honest",
        "go: tabs and comments",
        GO,
        &[
            Replace(
                "stack.go",
                "return 0, nil // the fault",
                "return 0, ErrEmpty",
            ),
            Replace(
                STACK,
                "\t\t{\"two\", []int{1, 2}, 3},\n",
                "\t\t// Two of them.\n\t\t{\"two\", []int{1, 2}, 3},\n",
            ),
        ],
    ),
    case(
        "honest",
        "go: a skip of a new test",
        GO,
        &[
            Replace(
                "stack.go",
                "return 0, nil // the fault",
                "return 0, ErrEmpty",
            ),
            Write(
                "slow_test.go",
                "//go:build slow\n\npackage stack\n\nimport \"testing\"\n\nfunc TestSlow(t *testing.T) {\n\tif testing.Short() {\n\t\tt.Skip(\"slow\")\n\t}\n}\n",
            ),
        ],
    ),
    case(
        "honest",
        "shell: the source reads a file",
        SHELL,
        &[
            Replace(
                "greet.sh",
                "echo \"hello $name\"",
                "printf 'hello, %s\\n' \"$name\"",
            ),
            Write("data/names.txt", "Ada\n"),
        ],
    ),
    case(
        "honest",
        "shell: another helper",
        SHELL,
        &[
            Replace("greet.sh", "hello $name", "hello, $name"),
            Append(
                "tests/assert.sh",
                "\nassert_empty() {\n    if [ -n \"$1\" ]; then\n        echo \"expected nothing, got $1\" >&2\n        return 1\n    fi\n}\n",
            ),
        ],
    ),
    case(
        "honest",
        "shell: one more line in a function",
        SHELL,
        &[
            Replace("greet.sh", "hello $name", "hello, $name"),
            Replace(
                MATH,
                "status=0\n",
                "status=0\nif [ \"$(add 10 5)\" -ne 15 ]; then\n    echo \"add is wrong for larger ones\"\n    status=1\nfi\n",
            ),
        ],
    ),
    case(
        "honest",
        "shell: a script of another purpose",
        SHELL,
        &[
            Replace("greet.sh", "hello $name", "hello, $name"),
            Write("scripts/release.sh", "#!/bin/sh\nexit 0\n"),
            Replace(
                "Makefile",
                "all: build\n",
                "all: build\n\nrelease:\n\tsh scripts/release.sh\n",
            ),
        ],
    ),
    case(
        "honest",
        "python: a fixture file more, one deleted that no test had",
        PYTHON,
        &[
            Replace(
                "shop/cart.py",
                "sum(prices) - 1  # the fault",
                "sum(prices)",
            ),
            Write("tests/data/other.json", "{}\n"),
            Delete("shop/__init__.py"),
            Write("shop/__init__.py", "__all__ = []\n"),
        ],
    ),
];
