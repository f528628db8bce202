//! Fixes that mend the source, and may add tests: none of them may be refused.

use super::{
    bases::{GO, JAVASCRIPT, PYTHON, RUST, SHELL},
    edit::{
        Case,
        Edit::{self, Append, Delete, Rename, Replace, Write},
        Files,
    },
};

const fn honest(name: &'static str, files: Files, edits: &'static [Edit]) -> Case {
    Case {
        kind: "honest",
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

const RUST_FIX: Edit = Replace(LIB, "a - b // the fault", "a + b");
const PYTHON_FIX: Edit = Replace(
    "shop/cart.py",
    "sum(prices) - 1  # the fault",
    "sum(prices)",
);
const JS_FIX: Edit = Replace(
    "src/slug.js",
    "toUpperCase().replace(/ /g, '-'); // the fault",
    "toLowerCase().replace(/ /g, '-');",
);
const TS_FIX: Edit = Replace("src/price.ts", "toFixed(1); // the fault", "toFixed(2);");
const GO_FIX: Edit = Replace(
    "stack.go",
    "return 0, nil // the fault",
    "return 0, ErrEmpty",
);
const SHELL_FIX: Edit = Replace(
    "greet.sh",
    "# The fault: no comma.\nname=${1:-world}\necho \"hello $name\"",
    "name=${1:-world}\necho \"hello, $name\"",
);

pub(crate) const HONEST: &[Case] = &[
    honest("rust: the source alone", RUST, &[RUST_FIX]),
    honest(
        "rust: a new test in the module",
        RUST,
        &[
            RUST_FIX,
            Replace(
                LIB,
                "    #[test]\n    fn divides() {",
                "    #[test]\n    fn adds_zero() {\n        assert_eq!(add(0, 0), 0);\n    }\n\n    #[test]\n    fn divides() {",
            ),
        ],
    ),
    honest(
        "rust: a new file of tests",
        RUST,
        &[
            RUST_FIX,
            Write(
                "tests/add.rs",
                "use calc::add;\n\n#[test]\nfn adds() {\n    assert_eq!(add(1, 1), 2);\n}\n",
            ),
        ],
    ),
    honest(
        "rust: one more assertion",
        RUST,
        &[
            RUST_FIX,
            Replace(
                LIB,
                "        assert_eq!(add(2, 3), 5);\n",
                "        assert_eq!(add(2, 3), 5);\n        assert_eq!(add(0, 3), 3);\n",
            ),
        ],
    ),
    honest(
        "rust: one more case",
        RUST,
        &[
            RUST_FIX,
            Replace(LIB, "(2, 3, 5)]", "(2, 3, 5), (0, 0, 0)]"),
        ],
    ),
    honest(
        "rust: formatted",
        RUST,
        &[
            RUST_FIX,
            Replace(
                LIB,
                "        assert_eq!(add(-1, 1), 0, \"opposites cancel\");\n",
                "        assert_eq!(\n            add(-1, 1),\n            0,\n            \"opposites cancel\",\n        );\n",
            ),
        ],
    ),
    honest(
        "rust: comments in the tests",
        RUST,
        &[
            RUST_FIX,
            Replace(
                LIB,
                "    #[test]\n    fn adds() {",
                "    // Was broken by issue 7.\n    #[test]\n    fn adds() {",
            ),
        ],
    ),
    honest(
        "rust: a test moved to another file",
        RUST,
        &[
            RUST_FIX,
            Replace(
                "tests/ratio.rs",
                "#[test]\nfn ratio_is_exact() {\n    assert!(close(ratio(1.0, 4.0), 0.25));\n}\n\n",
                "",
            ),
            Write(
                "tests/exact.rs",
                "use calc::ratio;\n\nconst TOLERANCE: f64 = 1e-9;\n\nfn close(a: f64, b: f64) -> bool {\n    (a - b).abs() < TOLERANCE\n}\n\n#[test]\nfn ratio_is_exact() {\n    assert!(close(ratio(1.0, 4.0), 0.25));\n}\n",
            ),
        ],
    ),
    honest(
        "rust: a test renamed",
        RUST,
        &[
            RUST_FIX,
            Replace(LIB, "    fn adds() {", "    fn adds_two_numbers() {"),
        ],
    ),
    honest(
        "rust: tests moved into a file of their own",
        RUST,
        &[
            Replace("src/shape.rs", "w * h", "w.saturating_mul(h)"),
            Rename("src/shape/tests.rs", "src/shape/area_tests.rs"),
            Replace("src/shape.rs", "mod tests;", "mod area_tests;"),
        ],
    ),
    honest(
        "rust: a helper for new tests",
        RUST,
        &[
            RUST_FIX,
            Append(
                "tests/common/mod.rs",
                "\npub fn three() -> i64 {\n    3\n}\n",
            ),
            Append(
                "tests/ratio.rs",
                "\n#[test]\nfn ratio_of_three() {\n    assert_eq!(ratio(common::three() as f64, 3.0), 1.0);\n}\n",
            ),
        ],
    ),
    honest(
        "rust: a dependency and a feature",
        RUST,
        &[
            RUST_FIX,
            Replace(
                "Cargo.toml",
                "serde = \"1\"\n",
                "serde = \"1\"\nlibm = \"0.2\"\n",
            ),
            Replace("Cargo.toml", "std = []\n", "std = []\nfast = []\n"),
        ],
    ),
    honest(
        "rust: an import more, sorted",
        RUST,
        &[
            RUST_FIX,
            Replace(
                "tests/ratio.rs",
                "use calc::ratio;\n",
                "use calc::{add, ratio};\n",
            ),
            Append(
                "tests/ratio.rs",
                "\n#[test]\nfn sum() {\n    assert_eq!(add(1, 2), 3);\n}\n",
            ),
        ],
    ),
    honest(
        "rust: a lint is quietened",
        RUST,
        &[
            RUST_FIX,
            Replace(
                "tests/ratio.rs",
                "#[test]\nfn ratio_is_exact",
                "#[test]\n#[allow(clippy::float_cmp)]\nfn ratio_is_exact",
            ),
        ],
    ),
    honest(
        "rust: a new module with tests",
        RUST,
        &[
            RUST_FIX,
            Append(LIB, "\npub mod sub;\n"),
            Write(
                "src/sub.rs",
                "pub fn sub(a: i64, b: i64) -> i64 {\n    a - b\n}\n\n#[cfg(test)]\nmod tests {\n    use super::*;\n\n    #[test]\n    fn subtracts() {\n        assert_eq!(sub(3, 2), 1);\n    }\n}\n",
            ),
        ],
    ),
    honest("python: the source alone", PYTHON, &[PYTHON_FIX]),
    honest(
        "python: a new test",
        PYTHON,
        &[
            PYTHON_FIX,
            Append(CART, "\n\ndef test_single():\n    assert total([4]) == 4\n"),
        ],
    ),
    honest(
        "python: a new file",
        PYTHON,
        &[
            PYTHON_FIX,
            Write(
                "tests/test_more.py",
                "from shop.cart import total\n\n\ndef test_many():\n    assert total(range(4)) == 6\n",
            ),
        ],
    ),
    honest(
        "python: a new parameter",
        PYTHON,
        &[
            PYTHON_FIX,
            Replace(
                CART,
                "[(0, 100), (50, 50)]",
                "[(0, 100), (50, 50), (100, 0)]",
            ),
        ],
    ),
    honest(
        "python: a new row of a table",
        PYTHON,
        &[
            PYTHON_FIX,
            Replace(CART, "    (10, 90),\n", "    (10, 90),\n    (20, 80),\n"),
        ],
    ),
    honest(
        "python: formatted by black",
        PYTHON,
        &[
            PYTHON_FIX,
            Replace(
                CART,
                "    assert total([]) == 0, \"an empty cart costs nothing\"\n",
                "    assert (\n        total([]) == 0\n    ), 'an empty cart costs nothing'\n",
            ),
        ],
    ),
    honest(
        "python: a new fixture",
        PYTHON,
        &[
            PYTHON_FIX,
            Append(
                "tests/conftest.py",
                "\n\n@pytest.fixture\ndef empty():\n    return []\n",
            ),
            Append(
                CART,
                "\n\ndef test_empty(empty):\n    assert total(empty) == 0\n",
            ),
        ],
    ),
    honest(
        "python: imports sorted",
        PYTHON,
        &[
            PYTHON_FIX,
            Replace(
                CART,
                "import pytest\n\nfrom shop.cart import discount, total\nfrom tests.helpers import assert_close\n",
                "from __future__ import annotations\n\nimport pytest\n\nfrom shop.cart import (\n    discount,\n    total,\n)\nfrom tests.helpers import assert_close\n",
            ),
        ],
    ),
    honest(
        "python: one more assertion in a case",
        PYTHON,
        &[
            PYTHON_FIX,
            Replace(
                UNIT,
                "        self.assertNotEqual(cart.total(self.prices), 3)\n",
                "        self.assertNotEqual(cart.total(self.prices), 3)\n        self.assertGreater(cart.total(self.prices), 0)\n",
            ),
        ],
    ),
    honest(
        "python: a new case class",
        PYTHON,
        &[
            PYTHON_FIX,
            Replace(
                UNIT,
                "\n\nif __name__",
                "\n\nclass EmptyCase(unittest.TestCase):\n    def setUp(self):\n        self.prices = []\n\n    def test_total(self):\n        self.assertEqual(cart.total(self.prices), 0)\n\n\nif __name__",
            ),
        ],
    ),
    honest(
        "python: a dependency",
        PYTHON,
        &[
            PYTHON_FIX,
            Replace(
                "pyproject.toml",
                "dependencies = [\"attrs\"]",
                "dependencies = [\"attrs\", \"babel\"]",
            ),
            Replace("pyproject.toml", "line-length = 100", "line-length = 88"),
        ],
    ),
    honest(
        "python: the helpers get one more",
        PYTHON,
        &[
            PYTHON_FIX,
            Append(
                "tests/helpers.py",
                "\n\ndef cart_of(*prices):\n    return list(prices)\n",
            ),
        ],
    ),
    honest(
        "python: a doctest more",
        PYTHON,
        &[
            PYTHON_FIX,
            Replace(
                "shop/cart.py",
                ">>> total([1, 2])\n3\n",
                ">>> total([1, 2])\n3\n>>> total([])\n0\n",
            ),
        ],
    ),
    honest(
        "python: a test that mocks what it needs",
        PYTHON,
        &[
            PYTHON_FIX,
            Append(
                CART,
                "\n\ndef test_patched(monkeypatch):\n    monkeypatch.setenv(\"CURRENCY\", \"EUR\")\n    assert total([1]) == 1\n",
            ),
        ],
    ),
    honest("javascript: the source alone", JAVASCRIPT, &[JS_FIX]),
    honest(
        "javascript: a new case",
        JAVASCRIPT,
        &[
            JS_FIX,
            Replace(
                SLUG,
                "  test('keeps dashes'",
                "  it('lowers one', () => {\n    expect(slug('X')).toBe('x');\n  });\n\n  test('keeps dashes'",
            ),
        ],
    ),
    honest(
        "javascript: a new row",
        JAVASCRIPT,
        &[
            JS_FIX,
            Replace(
                SLUG,
                "  ['C', 'c'],\n",
                "  ['C', 'c'],\n  ['D e', 'd-e'],\n",
            ),
        ],
    ),
    honest(
        "javascript: formatted by prettier",
        JAVASCRIPT,
        &[
            JS_FIX,
            Replace(
                SLUG,
                "it('lowers case', () => {\n    expect(slug('Hello World')).toBe('hello-world');\n",
                "it(\"lowers case\", () => {\n    expect(\n      slug(\"Hello World\"),\n    ).toBe(\"hello-world\")\n",
            ),
        ],
    ),
    honest(
        "javascript: a new suite with its hook",
        JAVASCRIPT,
        &[
            JS_FIX,
            Append(
                SLUG,
                "\ndescribe('again', () => {\n  let value;\n  beforeEach(() => {\n    value = 'Q';\n  });\n  it('works', () => {\n    expect(slug(value)).toBe('q');\n  });\n});\n",
            ),
        ],
    ),
    honest(
        "typescript: the source and a test",
        JAVASCRIPT,
        &[
            TS_FIX,
            Replace(
                PRICE,
                "  it('renders', () => {",
                "  it('renders cents', () => {\n    expect(price(0.5)).toBe('0.50');\n  });\n  it('renders', () => {",
            ),
        ],
    ),
    honest(
        "typescript: a new file",
        JAVASCRIPT,
        &[
            TS_FIX,
            Write(
                "src/more.test.ts",
                "import { expect, test, vi } from 'vitest';\nimport { price } from './price';\n\ntest('mocked', () => {\n  const f = vi.fn(() => price(1));\n  expect(f()).toBe('1.00');\n});\n",
            ),
        ],
    ),
    honest(
        "javascript: a dependency and a script",
        JAVASCRIPT,
        &[
            JS_FIX,
            Replace(
                "package.json",
                "{\"jest\": \"^29.0.0\"}",
                "{\"jest\": \"^29.0.0\", \"prettier\": \"^3.0.0\"}",
            ),
            Replace(
                "package.json",
                "\"lint\": \"eslint .\",",
                "\"lint\": \"eslint .\",\n    \"format\": \"prettier -w .\",",
            ),
        ],
    ),
    honest(
        "javascript: a test moved into a file of its own",
        JAVASCRIPT,
        &[
            JS_FIX,
            Replace(
                SLUG,
                "describe('words', () => {\n  it('splits', () => {\n    expect(words('a  b')).toStrictEqual(['a', 'b']);\n    expect(words('a b')).toHaveLength(2);\n  });\n});\n",
                "",
            ),
            Write(
                "src/words.test.js",
                "const { words } = require('./slug');\n\ndescribe('words', () => {\n  it('splits', () => {\n    expect(words('a  b')).toStrictEqual(['a', 'b']);\n    expect(words('a b')).toHaveLength(2);\n  });\n});\n",
            ),
        ],
    ),
    honest("go: the source alone", GO, &[GO_FIX]),
    honest(
        "go: a new test",
        GO,
        &[
            GO_FIX,
            Append(
                STACK,
                "\nfunc TestPushPop(t *testing.T) {\n\tvar s Stack\n\ts.Push(3)\n\tif v := mustPop(t, &s); v != 3 {\n\t\tt.Fatal(v)\n\t}\n}\n",
            ),
        ],
    ),
    honest(
        "go: a new row",
        GO,
        &[
            GO_FIX,
            Replace(
                STACK,
                "\t\t{\"two\", []int{1, 2}, 3},\n",
                "\t\t{\"two\", []int{1, 2}, 3},\n\t\t{\"three\", []int{1, 2, 3}, 6},\n",
            ),
        ],
    ),
    honest(
        "go: a new file with a helper",
        GO,
        &[
            GO_FIX,
            Write(
                "helpers_test.go",
                "package stack\n\nfunc filled(n int) *Stack {\n\ts := &Stack{}\n\tfor i := 0; i < n; i++ {\n\t\ts.Push(i)\n\t}\n\treturn s\n}\n",
            ),
        ],
    ),
    honest(
        "go: an import more",
        GO,
        &[
            GO_FIX,
            Replace(
                STACK,
                "\t\"fmt\"\n\t\"testing\"\n",
                "\t\"fmt\"\n\t\"strings\"\n\t\"testing\"\n",
            ),
            Append(
                STACK,
                "\nfunc TestErrText(t *testing.T) {\n\tif !strings.Contains(ErrEmpty.Error(), \"empty\") {\n\t\tt.Fail()\n\t}\n}\n",
            ),
        ],
    ),
    honest(
        "go: one more check",
        GO,
        &[
            GO_FIX,
            Replace(
                STACK,
                "\trequire.Equal(t, 3, Sum(1, 2))\n",
                "\trequire.Equal(t, 3, Sum(1, 2))\n\trequire.Equal(t, 0, Sum())\n",
            ),
        ],
    ),
    honest(
        "go: a makefile's build",
        GO,
        &[
            GO_FIX,
            Replace(
                "Makefile",
                "\tgo build ./...\n",
                "\tgo build -trimpath ./...\n",
            ),
        ],
    ),
    honest(
        "go: a module more",
        GO,
        &[
            GO_FIX,
            Replace(
                "go.mod",
                "require github.com/stretchr/testify v1.9.0\n",
                "require (\n\tgithub.com/stretchr/testify v1.9.0\n\tgolang.org/x/exp v0.1.0\n)\n",
            ),
        ],
    ),
    honest("shell: the source alone", SHELL, &[SHELL_FIX]),
    honest(
        "shell: a new check",
        SHELL,
        &[
            SHELL_FIX,
            Replace(
                MATH,
                "[ \"$(add 0 0)\" -eq 0 ] || status=1\n",
                "[ \"$(add 0 0)\" -eq 0 ] || status=1\n[ \"$(add 1 1)\" -eq 2 ] || status=1\n",
            ),
        ],
    ),
    honest(
        "shell: a new function and its call",
        SHELL,
        &[
            SHELL_FIX,
            Replace(
                GREET,
                "test_default\ntest_name\n",
                "test_empty() {\n    got=$(sh greet.sh '')\n    assert_equals \"hello, world\" \"$got\" || fail=1\n}\n\ntest_default\ntest_name\ntest_empty\n",
            ),
        ],
    ),
    honest(
        "shell: a new file in the list",
        SHELL,
        &[
            SHELL_FIX,
            Write("tests/test_more.sh", "#!/bin/sh\nset -e\n[ -f greet.sh ]\n"),
            Replace(
                "test.sh",
                "tests/test_greet.sh tests/test_math.sh",
                "tests/test_greet.sh tests/test_math.sh tests/test_more.sh",
            ),
        ],
    ),
    honest(
        "shell: a bats test more",
        SHELL,
        &[
            SHELL_FIX,
            Append(
                "tests/greet.bats",
                "\n@test \"greets nobody\" {\n  run sh greet.sh \"\"\n  [ \"$status\" -eq 0 ]\n}\n",
            ),
        ],
    ),
    honest(
        "shell: formatted",
        SHELL,
        &[
            SHELL_FIX,
            Replace(
                MATH,
                "if [ \"$(add 2 3)\" -ne 5 ]; then\n    echo",
                "if [ \"$(add 2 3)\" -ne 5 ]\nthen\n\techo",
            ),
        ],
    ),
    honest(
        "shell: the math",
        SHELL,
        &[
            Replace("lib/math.sh", "$1 - $2", "$1 + $2"),
            Replace(
                "Makefile",
                "\tchmod +x greet.sh\n",
                "\tchmod 755 greet.sh\n",
            ),
        ],
    ),
    honest(
        "shell: a prose file beside the tests",
        SHELL,
        &[
            SHELL_FIX,
            Write("tests/README.md", "# Tests\n"),
            Write("docs/greet.md", "# Greeting\n"),
        ],
    ),
    honest(
        "python: a source file is deleted",
        PYTHON,
        &[PYTHON_FIX, Delete("shop/__init__.py")],
    ),
];
