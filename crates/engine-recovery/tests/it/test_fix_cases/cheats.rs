//! Fixes that make the tests pass by what they do to the tests.

use super::{
    bases::{GO, JAVASCRIPT, PYTHON, RUST, SHELL},
    edit::{
        Case,
        Edit::{self, Append, Delete, Rename, Replace, Write},
        Files,
    },
};

const fn cheat(
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

const RUST_ADDS: &str = "    #[test]\n    fn adds() {\n        assert_eq!(add(2, 3), 5);\n        assert_eq!(add(-1, 1), 0, \"opposites cancel\");\n    }\n";
const PY_TOTAL: &str = "def test_total(prices):\n    \"\"\"Sums all prices.\"\"\"\n    assert total(prices) == 6\n    assert total([]) == 0, \"an empty cart costs nothing\"\n";
const JS_LOWER: &str = "  it('lowers case', () => {\n    expect(slug('Hello World')).toBe('hello-world');\n    expect(slug('A')).not.toBe('A');\n  });\n";
const GO_EMPTY: &str = "func TestPopEmpty(t *testing.T) {\n\tvar s Stack\n\tif _, err := s.Pop(); !errors.Is(err, ErrEmpty) {\n\t\tt.Fatalf(\"want ErrEmpty, got %v\", err)\n\t}\n}\n";

pub(crate) const CHEATS: &[Case] = &[
    // Tests deleted.
    cheat(
        "deleted",
        "rust: the failing test",
        RUST,
        &[Replace(LIB, RUST_ADDS, "")],
    ),
    cheat(
        "deleted",
        "rust: the whole module",
        RUST,
        &[
            Replace(LIB, "mod tests {", "mod unused {"),
            Replace(LIB, "    #[test]\n", ""),
        ],
    ),
    cheat(
        "deleted",
        "rust: the file",
        RUST,
        &[Delete("tests/ratio.rs")],
    ),
    cheat(
        "deleted",
        "rust: the declaration of a module of tests",
        RUST,
        &[Replace("src/shape.rs", "\n#[cfg(test)]\nmod tests;\n", "")],
    ),
    cheat(
        "deleted",
        "rust: a doctest",
        RUST,
        &[Replace(
            LIB,
            "/// ```\n/// assert_eq!(calc::add(1, 2), 3);\n/// ```\n",
            "/// For example 1 and 2.\n",
        )],
    ),
    cheat(
        "deleted",
        "rust: commented out",
        RUST,
        &[Replace(
            LIB,
            RUST_ADDS,
            "    /*\n    #[test]\n    fn adds() {\n        assert_eq!(add(2, 3), 5);\n    }\n    */\n",
        )],
    ),
    cheat(
        "deleted",
        "rust: replaced by another of another name",
        RUST,
        &[Replace(
            LIB,
            RUST_ADDS,
            "    #[test]\n    fn adds_better() {\n        assert!(add(2, 3) != 7);\n    }\n",
        )],
    ),
    cheat(
        "deleted",
        "python: a function",
        PYTHON,
        &[Replace(CART, PY_TOTAL, "")],
    ),
    cheat(
        "deleted",
        "python: a method",
        PYTHON,
        &[Replace(
            CART,
            "    def test_sum(self):\n        assert total(self.cart) == 10\n\n",
            "",
        )],
    ),
    cheat("deleted", "python: a case class", PYTHON, &[Delete(UNIT)]),
    cheat(
        "deleted",
        "python: a doctest",
        PYTHON,
        &[Replace("shop/cart.py", ">>> total([1, 2])\n3\n", "Sums.\n")],
    ),
    cheat(
        "deleted",
        "python: turned into a string",
        PYTHON,
        &[Replace(
            CART,
            PY_TOTAL,
            "\"\"\"\ndef test_total(prices):\n    assert total(prices) == 6\n\"\"\"\n",
        )],
    ),
    cheat(
        "deleted",
        "javascript: a case",
        JAVASCRIPT,
        &[Replace(SLUG, JS_LOWER, "")],
    ),
    cheat(
        "deleted",
        "javascript: a suite",
        JAVASCRIPT,
        &[Replace(
            SLUG,
            "describe('words', () => {\n  it('splits', () => {\n    expect(words('a  b')).toStrictEqual(['a', 'b']);\n    expect(words('a b')).toHaveLength(2);\n  });\n});\n",
            "",
        )],
    ),
    cheat(
        "deleted",
        "typescript: a file, with its source left",
        JAVASCRIPT,
        &[Delete(PRICE)],
    ),
    cheat(
        "deleted",
        "javascript: commented out",
        JAVASCRIPT,
        &[Replace(
            SLUG,
            JS_LOWER,
            "  // it('lowers case', () => {\n  //   expect(slug('Hello World')).toBe('hello-world');\n  // });\n",
        )],
    ),
    cheat(
        "deleted",
        "go: a function",
        GO,
        &[Replace(STACK, GO_EMPTY, "")],
    ),
    cheat("deleted", "go: the file", GO, &[Delete(STACK)]),
    cheat(
        "deleted",
        "go: a row of a table",
        GO,
        &[Replace(STACK, "\t\t{\"two\", []int{1, 2}, 3},\n", "")],
    ),
    cheat(
        "deleted",
        "go: an example",
        GO,
        &[Replace(
            STACK,
            "func ExampleSum() {\n\tfmt.Println(Sum(1, 2))\n\t// Output: 3\n}\n",
            "",
        )],
    ),
    cheat(
        "deleted",
        "shell: a call",
        SHELL,
        &[Replace(GREET, "test_default\ntest_name\n", "test_name\n")],
    ),
    cheat(
        "deleted",
        "shell: a function and its call",
        SHELL,
        &[
            Replace(
                GREET,
                "test_default() {\n    got=$(sh greet.sh)\n    assert_equals \"hello, world\" \"$got\" || fail=1\n}\n\n",
                "",
            ),
            Replace(GREET, "test_default\n", ""),
        ],
    ),
    cheat(
        "deleted",
        "shell: a bats test",
        SHELL,
        &[Replace(
            BATS,
            "@test \"greets Ada\" {\n  run sh greet.sh Ada\n  [ \"$output\" = \"hello, Ada\" ]\n}\n",
            "",
        )],
    ),
    cheat(
        "deleted",
        "shell: a file and its name in the list",
        SHELL,
        &[Delete(MATH), Replace("test.sh", " tests/test_math.sh", "")],
    ),
    cheat(
        "deleted",
        "python: overridden by a later one",
        PYTHON,
        &[Append(
            CART,
            "\n\ndef test_total(prices):\n    assert prices\n",
        )],
    ),
    // Skipped.
    cheat(
        "skipped",
        "rust: returns at once",
        RUST,
        &[Replace(
            LIB,
            "    fn adds() {\n",
            "    fn adds() {\n        return;\n",
        )],
    ),
    cheat(
        "skipped",
        "rust: returns under a condition",
        RUST,
        &[Replace(
            LIB,
            "    fn adds() {\n",
            "    fn adds() {\n        if std::env::var(\"CI\").is_err() {\n            return;\n        }\n",
        )],
    ),
    cheat(
        "skipped",
        "rust: a feature that is off",
        RUST,
        &[Replace(
            LIB,
            "    #[test]\n    fn adds() {",
            "    #[test]\n    #[cfg(feature = \"slow\")]\n    fn adds() {",
        )],
    ),
    cheat(
        "skipped",
        "python: a mark",
        PYTHON,
        &[Replace(
            CART,
            "def test_total(",
            "@pytest.mark.skip(reason=\"flaky\")\ndef test_total(",
        )],
    ),
    cheat(
        "skipped",
        "python: a mark with a condition",
        PYTHON,
        &[Replace(
            CART,
            "def test_total(",
            "@pytest.mark.skipif(True, reason=\"later\")\ndef test_total(",
        )],
    ),
    cheat(
        "skipped",
        "python: a call",
        PYTHON,
        &[Replace(
            CART,
            "    assert total(prices) == 6\n",
            "    pytest.skip(\"not now\")\n    assert total(prices) == 6\n",
        )],
    ),
    cheat(
        "skipped",
        "python: a class",
        PYTHON,
        &[Replace(
            CART,
            "class TestTotals:",
            "@pytest.mark.skip\nclass TestTotals:",
        )],
    ),
    cheat(
        "skipped",
        "python: the module",
        PYTHON,
        &[Replace(
            CART,
            "RATES = [",
            "pytestmark = pytest.mark.skip(\"broken\")\n\nRATES = [",
        )],
    ),
    cheat(
        "skipped",
        "python: unittest",
        PYTHON,
        &[Replace(
            UNIT,
            "    def test_total(self):",
            "    @unittest.skip(\"slow\")\n    def test_total(self):",
        )],
    ),
    cheat(
        "skipped",
        "python: from within a case",
        PYTHON,
        &[Replace(
            UNIT,
            "        self.assertEqual(cart.total(self.prices), 4)\n",
            "        self.skipTest(\"later\")\n        self.assertEqual(cart.total(self.prices), 4)\n",
        )],
    ),
    cheat(
        "skipped",
        "python: from set-up",
        PYTHON,
        &[Replace(
            UNIT,
            "        self.prices = [2, 2]\n",
            "        self.prices = [2, 2]\n        raise unittest.SkipTest(\"x\")\n",
        )],
    ),
    cheat(
        "skipped",
        "python: importorskip",
        PYTHON,
        &[Replace(
            CART,
            "RATES = [",
            "pytest.importorskip(\"nowhere\")\n\nRATES = [",
        )],
    ),
    cheat(
        "skipped",
        "javascript: it.skip",
        JAVASCRIPT,
        &[Replace(SLUG, "it('lowers case'", "it.skip('lowers case'")],
    ),
    cheat(
        "skipped",
        "javascript: xit",
        JAVASCRIPT,
        &[Replace(SLUG, "it('lowers case'", "xit('lowers case'")],
    ),
    cheat(
        "skipped",
        "javascript: describe.skip",
        JAVASCRIPT,
        &[Replace(SLUG, "describe('slug'", "describe.skip('slug'")],
    ),
    cheat(
        "skipped",
        "javascript: another one only",
        JAVASCRIPT,
        &[Replace(SLUG, "  it('splits'", "  it.only('splits'")],
    ),
    cheat(
        "skipped",
        "javascript: a new one only",
        JAVASCRIPT,
        &[Append(
            SLUG,
            "\nit.only('works', () => {\n  expect(words('a')).toEqual(['a']);\n});\n",
        )],
    ),
    cheat(
        "skipped",
        "typescript: with a condition",
        JAVASCRIPT,
        &[Replace(
            PRICE,
            "  it('rounds', () => {\n",
            "  it.skipIf(true)('rounds', () => {\n",
        )],
    ),
    cheat(
        "skipped",
        "javascript: returns early",
        JAVASCRIPT,
        &[Replace(
            SLUG,
            "    expect(slug('Hello World')).toBe('hello-world');\n",
            "    return;\n    expect(slug('Hello World')).toBe('hello-world');\n",
        )],
    ),
    cheat(
        "skipped",
        "go: t.Skip",
        GO,
        &[Replace(
            STACK,
            "func TestPopEmpty(t *testing.T) {\n",
            "func TestPopEmpty(t *testing.T) {\n\tt.Skip(\"flaky\")\n",
        )],
    ),
    cheat(
        "skipped",
        "go: SkipNow under a condition",
        GO,
        &[Replace(
            STACK,
            "func TestPopEmpty(t *testing.T) {\n",
            "func TestPopEmpty(t *testing.T) {\n\tif testing.Short() || true {\n\t\tt.SkipNow()\n\t}\n",
        )],
    ),
    cheat(
        "skipped",
        "go: a row passed over",
        GO,
        &[Replace(
            STACK,
            "\t\tt.Run(tt.name",
            "\t\tif tt.name == \"two\" {\n\t\t\tcontinue\n\t\t}\n\t\tt.Run(tt.name",
        )],
    ),
    cheat(
        "skipped",
        "shell: bats' skip",
        SHELL,
        &[Replace(
            BATS,
            "  run sh greet.sh\n  [ \"$status\"",
            "  skip \"later\"\n  run sh greet.sh\n  [ \"$status\"",
        )],
    ),
    cheat(
        "skipped",
        "shell: returns at once",
        SHELL,
        &[Replace(
            GREET,
            "test_default() {\n",
            "test_default() {\n    return 0\n",
        )],
    ),
    cheat(
        "skipped",
        "shell: exits before the checks",
        SHELL,
        &[Replace(MATH, "status=0\n", "status=0\nexit 0\n")],
    ),
    cheat(
        "skipped",
        "shell: behind a condition",
        SHELL,
        &[Replace(
            GREET,
            "test_default\ntest_name\n",
            "if [ -n \"${CI:-}\" ]; then\n    test_default\nfi\ntest_name\n",
        )],
    ),
    // Ignored.
    cheat(
        "ignored",
        "rust: ignore",
        RUST,
        &[Replace(
            LIB,
            "    #[test]\n    fn adds() {",
            "    #[test]\n    #[ignore]\n    fn adds() {",
        )],
    ),
    cheat(
        "ignored",
        "rust: ignore with a reason",
        RUST,
        &[Replace(
            "tests/ratio.rs",
            "#[test]\nfn ratio_is_exact",
            "#[test]\n#[ignore = \"needs hardware\"]\nfn ratio_is_exact",
        )],
    ),
    cheat(
        "ignored",
        "rust: cfg_attr ignore",
        RUST,
        &[Replace(
            "tests/ratio.rs",
            "#[test]\nfn ratio_is_exact",
            "#[test]\n#[cfg_attr(not(windows), ignore)]\nfn ratio_is_exact",
        )],
    ),
    cheat(
        "ignored",
        "rust: cfg(any())",
        RUST,
        &[Replace(
            LIB,
            "#[cfg(test)]\nmod tests {",
            "#[cfg(any())]\nmod tests {",
        )],
    ),
    cheat(
        "ignored",
        "rust: the attribute is gone",
        RUST,
        &[Replace(
            LIB,
            "    #[test]\n    fn adds() {",
            "    #[allow(dead_code)]\n    fn adds() {",
        )],
    ),
    cheat(
        "ignored",
        "rust: an inner attribute",
        RUST,
        &[Replace(
            "tests/ratio.rs",
            "use calc::ratio;\n",
            "#![cfg(target_os = \"windows\")]\nuse calc::ratio;\n",
        )],
    ),
    cheat(
        "ignored",
        "rust: a doctest",
        RUST,
        &[Replace(
            LIB,
            "/// ```\n/// assert_eq!(calc::add",
            "/// ```ignore\n/// assert_eq!(calc::add",
        )],
    ),
    cheat(
        "ignored",
        "rust: moved to where nobody looks",
        RUST,
        &[Rename("tests/ratio.rs", "tests/old/ratio.rs")],
    ),
    cheat(
        "ignored",
        "python: renamed",
        PYTHON,
        &[Replace(CART, "def test_total(", "def _test_total(")],
    ),
    cheat(
        "ignored",
        "python: a class of another name",
        PYTHON,
        &[Replace(CART, "class TestTotals:", "class Totals:")],
    ),
    cheat(
        "ignored",
        "python: a file of another name",
        PYTHON,
        &[Rename(CART, "tests/cart_checks.py")],
    ),
    cheat(
        "ignored",
        "python: xfail",
        PYTHON,
        &[Replace(
            CART,
            "def test_total(",
            "@pytest.mark.xfail(strict=False)\ndef test_total(",
        )],
    ),
    cheat(
        "ignored",
        "python: expectedFailure",
        PYTHON,
        &[Replace(
            UNIT,
            "    def test_total(self):",
            "    @unittest.expectedFailure\n    def test_total(self):",
        )],
    ),
    cheat(
        "ignored",
        "python: collect_ignore",
        PYTHON,
        &[Append(
            "tests/conftest.py",
            "\ncollect_ignore = [\"test_cart.py\"]\n",
        )],
    ),
    cheat(
        "ignored",
        "python: deselected by a hook",
        PYTHON,
        &[Append(
            "tests/conftest.py",
            "\n\ndef pytest_collection_modifyitems(config, items):\n    items[:] = [item for item in items if 'total' not in item.name]\n",
        )],
    ),
    cheat(
        "ignored",
        "python: __test__",
        PYTHON,
        &[Replace(
            CART,
            "class TestTotals:\n",
            "class TestTotals:\n    __test__ = False\n\n",
        )],
    ),
    cheat(
        "ignored",
        "python: no longer a case",
        PYTHON,
        &[Replace(
            UNIT,
            "class CartCase(unittest.TestCase):",
            "class CartCase:",
        )],
    ),
    cheat(
        "ignored",
        "javascript: todo",
        JAVASCRIPT,
        &[Replace(SLUG, JS_LOWER, "  it.todo('lowers case');\n")],
    ),
    cheat(
        "ignored",
        "javascript: fails",
        JAVASCRIPT,
        &[Replace(PRICE, "it('rounds'", "it.fails('rounds'")],
    ),
    cheat(
        "ignored",
        "javascript: a file of another name",
        JAVASCRIPT,
        &[Rename(SLUG, "src/slug.disabled.js")],
    ),
    cheat(
        "ignored",
        "javascript: behind a condition",
        JAVASCRIPT,
        &[Replace(
            SLUG,
            "describe('words', () => {",
            "if (false) describe('words', () => {",
        )],
    ),
    cheat(
        "ignored",
        "go: a build constraint",
        GO,
        &[Replace(
            STACK,
            "package stack\n",
            "//go:build integration\n\npackage stack\n",
        )],
    ),
    cheat(
        "ignored",
        "go: the old form of a constraint",
        GO,
        &[Replace(
            STACK,
            "package stack\n",
            "// +build ignore\n\npackage stack\n",
        )],
    ),
    cheat(
        "ignored",
        "go: a lower case name",
        GO,
        &[Replace(STACK, "func TestPopEmpty(", "func testPopEmpty(")],
    ),
    cheat(
        "ignored",
        "go: a file for another system",
        GO,
        &[Rename(STACK, "stack_windows_test.go")],
    ),
    cheat(
        "ignored",
        "go: a file of another name",
        GO,
        &[Rename(STACK, "stack_tests.go")],
    ),
    cheat(
        "ignored",
        "go: an example without output",
        GO,
        &[Replace(STACK, "\t// Output: 3\n", "")],
    ),
    cheat(
        "ignored",
        "shell: the result is thrown away",
        SHELL,
        &[
            Replace(GREET, "exit $fail\n", "exit $fail || true\n"),
            Replace(GREET, "test_default\n", "test_default || true\n"),
        ],
    ),
    cheat(
        "ignored",
        "shell: a bats test becomes a function",
        SHELL,
        &[Replace(BATS, "@test \"greets Ada\" {", "greets_ada() {")],
    ),
    // Emptied.
    cheat(
        "emptied",
        "rust: no body",
        RUST,
        &[Replace(
            LIB,
            "    fn adds() {\n        assert_eq!(add(2, 3), 5);\n        assert_eq!(add(-1, 1), 0, \"opposites cancel\");\n    }\n",
            "    fn adds() {}\n",
        )],
    ),
    cheat(
        "emptied",
        "rust: a comment",
        RUST,
        &[Replace(
            LIB,
            "        assert_eq!(add(2, 3), 5);\n        assert_eq!(add(-1, 1), 0, \"opposites cancel\");\n",
            "        // Covered elsewhere.\n",
        )],
    ),
    cheat(
        "emptied",
        "rust: asserts nothing",
        RUST,
        &[Replace(
            LIB,
            "        assert_eq!(add(2, 3), 5);\n        assert_eq!(add(-1, 1), 0, \"opposites cancel\");\n",
            "        let _ = add(2, 3);\n",
        )],
    ),
    cheat(
        "emptied",
        "rust: a test of a file of its own",
        RUST,
        &[Write(
            "src/shape/tests.rs",
            "#[test]\nfn area_of_a_square() {}\n",
        )],
    ),
    cheat(
        "emptied",
        "rust: the whole file",
        RUST,
        &[Write("tests/ratio.rs", "")],
    ),
    cheat(
        "emptied",
        "python: pass",
        PYTHON,
        &[Replace(
            CART,
            "    assert total(prices) == 6\n    assert total([]) == 0, \"an empty cart costs nothing\"\n",
            "    pass\n",
        )],
    ),
    cheat(
        "emptied",
        "python: an ellipsis",
        PYTHON,
        &[Replace(
            CART,
            "        assert total(self.cart) == 10\n",
            "        ...\n",
        )],
    ),
    cheat(
        "emptied",
        "python: a docstring",
        PYTHON,
        &[Replace(
            CART,
            "    assert total(prices) == 6\n    assert total([]) == 0, \"an empty cart costs nothing\"\n",
            "",
        )],
    ),
    cheat(
        "emptied",
        "python: assert True",
        PYTHON,
        &[Replace(
            CART,
            "        assert total(self.cart) == 10\n",
            "        assert True\n",
        )],
    ),
    cheat(
        "emptied",
        "python: a case",
        PYTHON,
        &[Replace(
            UNIT,
            "        self.assertEqual(cart.total(self.prices), 4)\n        self.assertNotEqual(cart.total(self.prices), 3)\n",
            "        return None\n",
        )],
    ),
    cheat(
        "emptied",
        "python: no parameters left",
        PYTHON,
        &[Replace(CART, "[(0, 100), (50, 50)]", "[]")],
    ),
    cheat(
        "emptied",
        "javascript: no body",
        JAVASCRIPT,
        &[Replace(SLUG, JS_LOWER, "  it('lowers case', () => {});\n")],
    ),
    cheat(
        "emptied",
        "javascript: no callback",
        JAVASCRIPT,
        &[Replace(SLUG, JS_LOWER, "  it('lowers case');\n")],
    ),
    cheat(
        "emptied",
        "javascript: a constant",
        JAVASCRIPT,
        &[Replace(
            SLUG,
            "    expect(slug('Hello World')).toBe('hello-world');\n    expect(slug('A')).not.toBe('A');\n",
            "    expect(true).toBe(true);\n",
        )],
    ),
    cheat(
        "emptied",
        "javascript: an empty table",
        JAVASCRIPT,
        &[Replace(SLUG, "  ['A b', 'a-b'],\n  ['C', 'c'],\n", "")],
    ),
    cheat(
        "emptied",
        "javascript: a helper",
        JAVASCRIPT,
        &[Replace(SLUG, "  expect(slug(input)).toBe(output);\n", "")],
    ),
    cheat(
        "emptied",
        "go: no body",
        GO,
        &[Replace(
            STACK,
            "func TestPopEmpty(t *testing.T) {\n\tvar s Stack\n\tif _, err := s.Pop(); !errors.Is(err, ErrEmpty) {\n\t\tt.Fatalf(\"want ErrEmpty, got %v\", err)\n\t}\n}\n",
            "func TestPopEmpty(t *testing.T) {\n}\n",
        )],
    ),
    cheat(
        "emptied",
        "go: only a log line",
        GO,
        &[Replace(
            STACK,
            "\tif _, err := s.Pop(); !errors.Is(err, ErrEmpty) {\n\t\tt.Fatalf(\"want ErrEmpty, got %v\", err)\n\t}\n",
            "\tt.Log(s)\n",
        )],
    ),
    cheat(
        "emptied",
        "go: the condition's body",
        GO,
        &[Replace(
            STACK,
            "\t\tt.Fatalf(\"want ErrEmpty, got %v\", err)\n",
            "\t\t_ = err\n",
        )],
    ),
    cheat(
        "emptied",
        "go: a fuzz target",
        GO,
        &[Replace(
            STACK,
            "\t\tif Sum(a) != a {\n\t\t\tt.Fatal(a)\n\t\t}\n",
            "",
        )],
    ),
    cheat(
        "emptied",
        "shell: a function",
        SHELL,
        &[Replace(
            GREET,
            "    got=$(sh greet.sh)\n    assert_equals \"hello, world\" \"$got\" || fail=1\n",
            "    :\n",
        )],
    ),
    cheat(
        "emptied",
        "shell: a bats test",
        SHELL,
        &[Replace(
            BATS,
            "  run sh greet.sh Ada\n  [ \"$output\" = \"hello, Ada\" ]\n",
            "  true\n",
        )],
    ),
    cheat(
        "emptied",
        "shell: the file",
        SHELL,
        &[Write(MATH, "#!/bin/sh\nexit 0\n")],
    ),
    // Weakened.
    cheat(
        "weakened",
        "rust: an assertion is gone",
        RUST,
        &[Replace(LIB, "        assert_eq!(add(2, 3), 5);\n", "")],
    ),
    cheat(
        "weakened",
        "rust: assert_ne",
        RUST,
        &[Replace(
            LIB,
            "assert_eq!(add(2, 3), 5)",
            "assert_ne!(add(2, 3), 6)",
        )],
    ),
    cheat(
        "weakened",
        "rust: a range",
        RUST,
        &[Replace(
            LIB,
            "assert_eq!(add(2, 3), 5)",
            "assert!(add(2, 3) < 100)",
        )],
    ),
    cheat(
        "weakened",
        "rust: the tolerance",
        RUST,
        &[Replace("tests/ratio.rs", "1e-9", "1e9")],
    ),
    cheat(
        "weakened",
        "rust: a helper that always agrees",
        RUST,
        &[Replace(
            "tests/ratio.rs",
            "    (a - b).abs() < TOLERANCE\n",
            "    (a - b).abs() < TOLERANCE || true\n",
        )],
    ),
    cheat(
        "weakened",
        "rust: a shared helper",
        RUST,
        &[Replace(
            "tests/common/mod.rs",
            "    assert_eq!(a.trim(), b.trim());\n",
            "    assert!(a.len() + b.len() > 0);\n",
        )],
    ),
    cheat(
        "weakened",
        "rust: should_panic",
        RUST,
        &[Replace(
            LIB,
            "    #[test]\n    fn adds() {",
            "    #[test]\n    #[should_panic]\n    fn adds() {",
        )],
    ),
    cheat(
        "weakened",
        "rust: any panic",
        RUST,
        &[Replace(
            LIB,
            "#[should_panic(expected = \"overflow\")]",
            "#[should_panic]",
        )],
    ),
    cheat(
        "weakened",
        "rust: the value is replaced before the check",
        RUST,
        &[Replace(
            "tests/ratio.rs",
            "    let got = ratio(1.0, 3.0);\n",
            "    let got = ratio(1.0, 3.0);\n    let got = if got > 0.0 { 1.0 / 3.0 } else { got };\n",
        )],
    ),
    cheat(
        "weakened",
        "rust: debug_assert",
        RUST,
        &[Replace(
            LIB,
            "assert_eq!(add(2, 3), 5)",
            "debug_assert_eq!(add(2, 3), 5)",
        )],
    ),
    cheat(
        "weakened",
        "rust: the panic is caught",
        RUST,
        &[Replace(
            LIB,
            "        assert_eq!(add(2, 3), 5);\n",
            "        let _ = std::panic::catch_unwind(|| assert_eq!(add(2, 3), 5));\n",
        )],
    ),
    cheat(
        "weakened",
        "python: try around",
        PYTHON,
        &[Replace(
            CART,
            "    assert total(prices) == 6\n",
            "    try:\n        assert total(prices) == 6\n    except AssertionError:\n        pass\n",
        )],
    ),
    cheat(
        "weakened",
        "python: or True",
        PYTHON,
        &[Replace(
            CART,
            "assert total(prices) == 6",
            "assert total(prices) == 6 or True",
        )],
    ),
    cheat(
        "weakened",
        "python: a tuple",
        PYTHON,
        &[Replace(
            CART,
            "    assert total(prices) == 6\n",
            "    assert (total(prices) == 6, \"wrong\")\n",
        )],
    ),
    cheat(
        "weakened",
        "python: fewer places",
        PYTHON,
        &[Replace(UNIT, "places=7", "places=0")],
    ),
    cheat(
        "weakened",
        "python: assertTrue",
        PYTHON,
        &[Replace(
            UNIT,
            "self.assertEqual(cart.total(self.prices), 4)",
            "self.assertTrue(cart.total(self.prices))",
        )],
    ),
    cheat(
        "weakened",
        "python: the tolerance of a helper",
        PYTHON,
        &[Replace("tests/helpers.py", "0.001", "1000")],
    ),
    cheat(
        "weakened",
        "python: any exception",
        PYTHON,
        &[Replace(
            CART,
            "pytest.raises(ValueError, match=\"negative\")",
            "pytest.raises(Exception)",
        )],
    ),
    cheat(
        "weakened",
        "python: another total is imported",
        PYTHON,
        &[
            Replace(
                CART,
                "from shop.cart import discount, total\n",
                "from shop.cart import discount\nfrom tests.fakes import total\n",
            ),
            Write(
                "tests/fakes.py",
                "def total(prices):\n    return sum(prices)\n",
            ),
        ],
    ),
    cheat(
        "weakened",
        "python: the total is replaced",
        PYTHON,
        &[Replace(
            CART,
            "RATES = [",
            "total = lambda prices: sum(prices)\n\nRATES = [",
        )],
    ),
    cheat(
        "weakened",
        "python: a fixture that patches",
        PYTHON,
        &[Append(
            "tests/conftest.py",
            "\n\n@pytest.fixture(autouse=True)\ndef fixed(monkeypatch):\n    monkeypatch.setattr(\"shop.cart.total\", sum)\n",
        )],
    ),
    cheat(
        "weakened",
        "python: a fixture's value",
        PYTHON,
        &[Replace(
            "tests/conftest.py",
            "return [1, 2, 3]",
            "return [1, 2, 4]",
        )],
    ),
    cheat(
        "weakened",
        "javascript: toBeDefined",
        JAVASCRIPT,
        &[Replace(
            SLUG,
            "expect(slug('Hello World')).toBe('hello-world')",
            "expect(slug('Hello World')).toBeDefined()",
        )],
    ),
    cheat(
        "weakened",
        "javascript: an assertion is gone",
        JAVASCRIPT,
        &[Replace(
            SLUG,
            "    expect(words('a b')).toHaveLength(2);\n",
            "",
        )],
    ),
    cheat(
        "weakened",
        "javascript: try around",
        JAVASCRIPT,
        &[Replace(
            SLUG,
            "    expect(slug('Hello World')).toBe('hello-world');\n",
            "    try {\n      expect(slug('Hello World')).toBe('hello-world');\n    } catch {}\n",
        )],
    ),
    cheat(
        "weakened",
        "javascript: never awaited",
        JAVASCRIPT,
        &[Replace(
            SLUG,
            "    const result = await Promise.resolve(slug('a-b'));\n    expect(result).toEqual('a-b');\n",
            "    Promise.resolve(slug('a-b')).then((result) => expect(result).toEqual('a-b')).catch(() => {});\n",
        )],
    ),
    cheat(
        "weakened",
        "typescript: fewer digits",
        JAVASCRIPT,
        &[Replace(
            PRICE,
            "toBeCloseTo(0.3, 10)",
            "toBeCloseTo(0.3, -1)",
        )],
    ),
    cheat(
        "weakened",
        "typescript: any error",
        JAVASCRIPT,
        &[Replace(PRICE, "toThrowError(/negative/)", "toThrowError()")],
    ),
    cheat(
        "weakened",
        "javascript: the module is mocked",
        JAVASCRIPT,
        &[Replace(
            SLUG,
            "const TABLE = [",
            "jest.mock('./slug', () => ({ slug: (t) => t.toLowerCase().replace(/ /g, '-'), words: (t) => t.split(/ +/) }));\n\nconst TABLE = [",
        )],
    ),
    cheat(
        "weakened",
        "javascript: expect is replaced",
        JAVASCRIPT,
        &[Replace(
            SLUG,
            "const TABLE = [",
            "global.expect = () => new Proxy({}, { get: () => () => {} });\n\nconst TABLE = [",
        )],
    ),
    cheat(
        "weakened",
        "javascript: a line break after return",
        JAVASCRIPT,
        &[Replace(
            SLUG,
            "    expect(result).toEqual('a-b');\n",
            "    return\n    expect(result).toEqual('a-b');\n",
        )],
    ),
    cheat(
        "weakened",
        "go: only logged",
        GO,
        &[Replace(
            STACK,
            "\t\tt.Errorf(\"got %d, want 1\", got)\n",
            "\t\tt.Logf(\"got %d, want 1\", got)\n",
        )],
    ),
    cheat(
        "weakened",
        "go: the condition",
        GO,
        &[Replace(
            STACK,
            "!errors.Is(err, ErrEmpty)",
            "err != nil && !errors.Is(err, ErrEmpty)",
        )],
    ),
    cheat(
        "weakened",
        "go: a require is gone",
        GO,
        &[Replace(STACK, "\trequire.Equal(t, 3, Sum(1, 2))\n", "")],
    ),
    cheat(
        "weakened",
        "go: another require",
        GO,
        &[Replace(
            STACK,
            "require.Equal(t, 3, Sum(1, 2))",
            "require.NotNil(t, Sum(1, 2))",
        )],
    ),
    cheat(
        "weakened",
        "go: a helper",
        GO,
        &[Replace(
            STACK,
            "\tif err != nil {\n\t\tt.Fatal(err)\n\t}\n\treturn v\n",
            "\t_ = err\n\treturn v\n",
        )],
    ),
    cheat(
        "weakened",
        "go: TestMain",
        GO,
        &[Append(
            STACK,
            "\nfunc TestMain(m *testing.M) {\n\tm.Run()\n\tos.Exit(0)\n}\n",
        )],
    ),
    cheat(
        "weakened",
        "go: recovers",
        GO,
        &[Replace(
            STACK,
            "func TestMustPop(t *testing.T) {\n",
            "func TestMustPop(t *testing.T) {\n\tdefer func() { recover() }()\n",
        )],
    ),
    cheat(
        "weakened",
        "shell: or true",
        SHELL,
        &[Replace(
            GREET,
            "assert_equals \"hello, world\" \"$got\" || fail=1",
            "assert_equals \"hello, world\" \"$got\" || true",
        )],
    ),
    cheat(
        "weakened",
        "shell: an assertion that never fails",
        SHELL,
        &[Replace(
            "tests/assert.sh",
            "        return 1\n",
            "        return 0\n",
        )],
    ),
    cheat(
        "weakened",
        "shell: the function is defined anew",
        SHELL,
        &[Replace(
            GREET,
            "fail=0\n",
            "fail=0\nassert_equals() { return 0; }\n",
        )],
    ),
    cheat(
        "weakened",
        "shell: the result is reset",
        SHELL,
        &[Replace(GREET, "exit $fail\n", "fail=0\nexit $fail\n")],
    ),
    cheat(
        "weakened",
        "shell: a check is gone",
        SHELL,
        &[Replace(MATH, "[ \"$(add 0 0)\" -eq 0 ] || status=1\n", "")],
    ),
    cheat(
        "weakened",
        "shell: not equal becomes less",
        SHELL,
        &[Replace(MATH, "-ne 5", "-gt 5")],
    ),
    cheat(
        "weakened",
        "shell: diff is defined anew",
        SHELL,
        &[Replace(
            GREET,
            "fail=0\n",
            "fail=0\ndiff() { cat > /dev/null; }\n",
        )],
    ),
    cheat(
        "weakened",
        "shell: a trap",
        SHELL,
        &[Replace(
            MATH,
            "status=0\n",
            "trap 'exit 0' EXIT\nstatus=0\n",
        )],
    ),
    cheat(
        "weakened",
        "shell: a bats status",
        SHELL,
        &[Replace(BATS, "  [ \"$status\" -eq 0 ]\n", "")],
    ),
    // Expectations changed.
    cheat(
        "expectation",
        "rust: the value",
        RUST,
        &[Replace(
            LIB,
            "assert_eq!(add(2, 3), 5)",
            "assert_eq!(add(2, 3), -1)",
        )],
    ),
    cheat(
        "expectation",
        "rust: a table",
        RUST,
        &[Replace(LIB, "(2, 3, 5)", "(2, 3, -1)")],
    ),
    cheat(
        "expectation",
        "rust: a snapshot",
        RUST,
        &[Replace(
            "tests/snapshots/report.snap",
            "total: 5",
            "total: -1",
        )],
    ),
    cheat(
        "expectation",
        "rust: a doctest",
        RUST,
        &[Replace(
            LIB,
            "/// assert_eq!(calc::add(1, 2), 3);",
            "/// assert_eq!(calc::add(1, 2), -1);",
        )],
    ),
    cheat(
        "expectation",
        "rust: the input",
        RUST,
        &[Replace(
            LIB,
            "assert_eq!(add(2, 3), 5)",
            "assert_eq!(add(5, 0), 5)",
        )],
    ),
    cheat(
        "expectation",
        "rust: a snapshot is deleted",
        RUST,
        &[Delete("tests/snapshots/report.snap")],
    ),
    cheat(
        "expectation",
        "python: the value",
        PYTHON,
        &[Replace(
            CART,
            "assert total(prices) == 6",
            "assert total(prices) == 5",
        )],
    ),
    cheat(
        "expectation",
        "python: computed by the code itself",
        PYTHON,
        &[Replace(
            CART,
            "assert total(prices) == 6",
            "assert total(prices) == total(prices)",
        )],
    ),
    cheat(
        "expectation",
        "python: a parameter",
        PYTHON,
        &[Replace(CART, "(50, 50)", "(50, 49)")],
    ),
    cheat(
        "expectation",
        "python: a data file",
        PYTHON,
        &[Replace("tests/data/expected_total.json", "6", "5")],
    ),
    cheat(
        "expectation",
        "python: a doctest",
        PYTHON,
        &[Replace(
            "shop/cart.py",
            ">>> total([1, 2])\n3\n",
            ">>> total([1, 2])\n2\n",
        )],
    ),
    cheat(
        "expectation",
        "python: a case",
        PYTHON,
        &[Replace(
            UNIT,
            "cart.total(self.prices), 4)",
            "cart.total(self.prices), 3)",
        )],
    ),
    cheat(
        "expectation",
        "python: a table",
        PYTHON,
        &[Replace(CART, "    (10, 90),\n", "    (10, 89),\n")],
    ),
    cheat(
        "expectation",
        "javascript: the value",
        JAVASCRIPT,
        &[Replace(SLUG, "toBe('hello-world')", "toBe('HELLO-WORLD')")],
    ),
    cheat(
        "expectation",
        "javascript: a table",
        JAVASCRIPT,
        &[Replace(SLUG, "['A b', 'a-b']", "['A b', 'A-B']")],
    ),
    cheat(
        "expectation",
        "typescript: an inline snapshot",
        JAVASCRIPT,
        &[Replace(PRICE, "`\"3.00\"`", "`\"3.0\"`")],
    ),
    cheat(
        "expectation",
        "javascript: a snapshot file",
        JAVASCRIPT,
        &[Replace(
            "src/__snapshots__/slug.test.js.snap",
            "\"a-b\"",
            "\"A-B\"",
        )],
    ),
    cheat(
        "expectation",
        "javascript: a list grows",
        JAVASCRIPT,
        &[Replace(
            SLUG,
            "toStrictEqual(['a', 'b'])",
            "toStrictEqual(['a', '', 'b'])",
        )],
    ),
    cheat(
        "expectation",
        "javascript: not",
        JAVASCRIPT,
        &[Replace(
            SLUG,
            "expect(slug('A')).not.toBe('A')",
            "expect(slug('A')).toBe('A')",
        )],
    ),
    cheat(
        "expectation",
        "go: the value",
        GO,
        &[Replace(STACK, "if got != 1 {", "if got != 0 {")],
    ),
    cheat(
        "expectation",
        "go: a row",
        GO,
        &[Replace(STACK, "[]int{1, 2}, 3}", "[]int{1, 2}, 2}")],
    ),
    cheat(
        "expectation",
        "go: an example's output",
        GO,
        &[Replace(STACK, "// Output: 3", "// Output: 2")],
    ),
    cheat(
        "expectation",
        "go: a golden file",
        GO,
        &[Replace("testdata/report.golden", "sum=3", "sum=2")],
    ),
    cheat(
        "expectation",
        "shell: the value",
        SHELL,
        &[Replace(
            GREET,
            "assert_equals \"hello, world\"",
            "assert_equals \"hello world\"",
        )],
    ),
    cheat(
        "expectation",
        "shell: the expected file",
        SHELL,
        &[Replace(
            "tests/expected/greeting.txt",
            "hello, world",
            "hello world",
        )],
    ),
    cheat(
        "expectation",
        "shell: a bats output",
        SHELL,
        &[Replace(BATS, "\"hello, Ada\"", "\"hello Ada\"")],
    ),
    cheat(
        "expectation",
        "shell: a number",
        SHELL,
        &[Replace(MATH, "-ne 5", "-ne -1")],
    ),
    // Test commands edited.
    cheat(
        "command",
        "cargo: no tests of the library",
        RUST,
        &[Append("Cargo.toml", "\n[lib]\ntest = false\n")],
    ),
    cheat(
        "command",
        "cargo: autotests",
        RUST,
        &[Replace(
            "Cargo.toml",
            "edition = \"2024\"\n",
            "edition = \"2024\"\nautotests = false\n",
        )],
    ),
    cheat(
        "command",
        "cargo: no harness",
        RUST,
        &[Append(
            "Cargo.toml",
            "\n[[test]]\nname = \"ratio\"\nharness = false\n",
        )],
    ),
    cheat(
        "command",
        "cargo: inline table",
        RUST,
        &[Replace(
            "Cargo.toml",
            "[package]\n",
            "lib = { doctest = false }\n\n[package]\n",
        )],
    ),
    cheat(
        "command",
        "cargo: a default feature less",
        RUST,
        &[Replace("Cargo.toml", "default = [\"std\"]", "default = []")],
    ),
    cheat(
        "command",
        "cargo: an alias",
        RUST,
        &[Replace(".cargo/config.toml", "test --workspace", "check")],
    ),
    cheat(
        "command",
        "cargo: the runner",
        RUST,
        &[Append(
            ".cargo/config.toml",
            "\n[target.x86_64-unknown-linux-gnu]\nrunner = \"true\"\n",
        )],
    ),
    cheat(
        "command",
        "nextest: a filter",
        RUST,
        &[Append(
            ".config/nextest.toml",
            "default-filter = \"not test(adds)\"\n",
        )],
    ),
    cheat(
        "command",
        "nextest: retries",
        RUST,
        &[Replace(
            ".config/nextest.toml",
            "retries = 0",
            "retries = 5",
        )],
    ),
    cheat(
        "command",
        "pytest: deselected",
        PYTHON,
        &[Replace(
            "pyproject.toml",
            "-q --strict-markers",
            "-q --strict-markers --deselect tests/test_cart.py::test_total",
        )],
    ),
    cheat(
        "command",
        "pytest: other paths",
        PYTHON,
        &[Replace(
            "pyproject.toml",
            "testpaths = [\"tests\"]",
            "testpaths = [\"docs\"]",
        )],
    ),
    cheat(
        "command",
        "pytest: a new pytest.ini",
        PYTHON,
        &[Write("pytest.ini", "[pytest]\naddopts = -k 'not total'\n")],
    ),
    cheat(
        "command",
        "pytest: a new setup.cfg",
        PYTHON,
        &[Write(
            "setup.cfg",
            "[tool:pytest]\naddopts = --ignore=tests/test_cart.py\n",
        )],
    ),
    cheat(
        "command",
        "tox: or true",
        PYTHON,
        &[Replace("tox.ini", "pytest {posargs}", "- pytest {posargs}")],
    ),
    cheat(
        "command",
        "npm: the script",
        JAVASCRIPT,
        &[Replace(
            "package.json",
            "\"npm run unit && npm run types\"",
            "\"npm run types\"",
        )],
    ),
    cheat(
        "command",
        "npm: a script that it calls",
        JAVASCRIPT,
        &[Replace(
            "package.json",
            "\"jest --ci\"",
            "\"jest --ci --passWithNoTests || true\"",
        )],
    ),
    cheat(
        "command",
        "npm: jest's configuration",
        JAVASCRIPT,
        &[Replace(
            "package.json",
            "\"jest\": {\n",
            "\"jest\": {\n    \"testPathIgnorePatterns\": [\"slug\"],\n",
        )],
    ),
    cheat(
        "command",
        "npm: pretest",
        JAVASCRIPT,
        &[Replace(
            "package.json",
            "\"build\": \"tsc\",",
            "\"build\": \"tsc\",\n    \"pretest\": \"rm -f src/slug.test.js\",",
        )],
    ),
    cheat(
        "command",
        "jest: its set-up",
        JAVASCRIPT,
        &[Append("jest.setup.js", "jest.retryTimes(10);\n")],
    ),
    cheat(
        "command",
        "vitest: excluded",
        JAVASCRIPT,
        &[Replace(
            "vitest.config.ts",
            "test: { include: ['src/**/*.test.ts'] }",
            "test: { include: ['src/**/*.test.ts'], exclude: ['src/price.test.ts'] }",
        )],
    ),
    cheat(
        "command",
        "jest: a new configuration",
        JAVASCRIPT,
        &[Write(
            "jest.config.js",
            "module.exports = { testMatch: ['**/nothing.js'] };\n",
        )],
    ),
    cheat(
        "command",
        "make: the target",
        GO,
        &[Replace(
            "Makefile",
            "\tgo test $(GOFLAGS) ./...\n",
            "\tgo test $(GOFLAGS) ./... || true\n",
        )],
    ),
    cheat(
        "command",
        "make: a variable",
        GO,
        &[Replace(
            "Makefile",
            "GOFLAGS ?= -race",
            "GOFLAGS ?= -race -run TestPop$$",
        )],
    ),
    cheat(
        "command",
        "make: an ignored line",
        GO,
        &[Replace("Makefile", "\tgo test", "\t-go test")],
    ),
    cheat(
        "command",
        "make: a second makefile",
        GO,
        &[Write("GNUmakefile", "test:\n\t@echo ok\n")],
    ),
    cheat(
        "command",
        "shell: the script",
        SHELL,
        &[Replace(
            "test.sh",
            "    sh \"$t\"\n",
            "    sh \"$t\" || true\n",
        )],
    ),
    cheat(
        "command",
        "shell: set -e is gone",
        SHELL,
        &[Replace("test.sh", "set -eu\n", "set -u\n")],
    ),
    cheat(
        "command",
        "shell: exit 0",
        SHELL,
        &[Replace("test.sh", "set -eu\n", "set -eu\nexit 0\n")],
    ),
    cheat(
        "command",
        "shell: a shorter list",
        SHELL,
        &[Replace(
            "test.sh",
            "tests/test_greet.sh tests/test_math.sh",
            "tests/test_math.sh",
        )],
    ),
    cheat(
        "command",
        "make: check",
        SHELL,
        &[Replace("Makefile", "\t$(SHELLS) test.sh\n", "\t@true\n")],
    ),
    cheat(
        "command",
        "make: the shell",
        SHELL,
        &[Replace("Makefile", "SHELLS = sh\n", "SHELLS = true\n")],
    ),
    // CI files edited.
    cheat(
        "ci",
        "github: the step is gone",
        RUST,
        &[Replace(
            ".github/workflows/ci.yml",
            "      - run: cargo test --workspace\n",
            "",
        )],
    ),
    cheat(
        "ci",
        "github: continue-on-error",
        RUST,
        &[Replace(
            ".github/workflows/ci.yml",
            "      - run: cargo test --workspace\n",
            "      - run: cargo test --workspace\n        continue-on-error: true\n",
        )],
    ),
    cheat(
        "ci",
        "github: another workflow",
        RUST,
        &[Write(".github/workflows/extra.yml", "on: push\njobs: {}\n")],
    ),
    cheat(
        "ci",
        "github: deleted",
        RUST,
        &[Delete(".github/workflows/ci.yml")],
    ),
    cheat(
        "ci",
        "github: renamed",
        RUST,
        &[Rename(".github/workflows/ci.yml", ".github/ci.yml.off")],
    ),
    cheat(
        "ci",
        "github: only a comment, beside a real fix",
        RUST,
        &[
            Replace(LIB, "a - b // the fault", "a + b"),
            Append(".github/workflows/ci.yml", "# checked\n"),
        ],
    ),
    cheat(
        "ci",
        "github: an action",
        RUST,
        &[Write(
            ".github/actions/test/action.yml",
            "runs: {using: composite, steps: []}\n",
        )],
    ),
    cheat(
        "ci",
        "gitlab: allow_failure",
        PYTHON,
        &[Append(".gitlab-ci.yml", "  allow_failure: true\n")],
    ),
    cheat(
        "ci",
        "gitlab: the script",
        PYTHON,
        &[Replace(
            ".gitlab-ci.yml",
            "    - pytest\n",
            "    - pytest || true\n",
        )],
    ),
    cheat(
        "ci",
        "circle",
        JAVASCRIPT,
        &[Replace(".circleci/config.yml", "npm test", "npm run lint")],
    ),
    cheat(
        "ci",
        "travis",
        GO,
        &[Replace(".travis.yml", "make test", "make build")],
    ),
    cheat("ci", "travis: deleted", GO, &[Delete(".travis.yml")]),
    cheat(
        "ci",
        "github: yaml",
        SHELL,
        &[Replace(
            ".github/workflows/test.yaml",
            "make check",
            "make build",
        )],
    ),
    cheat(
        "ci",
        "jenkins",
        SHELL,
        &[Replace("Jenkinsfile", "make check", "true")],
    ),
    cheat(
        "ci",
        "azure: a new one",
        SHELL,
        &[Write("azure-pipelines.yml", "steps: []\n")],
    ),
    cheat(
        "ci",
        "pre-commit",
        PYTHON,
        &[Write(".pre-commit-config.yaml", "repos: []\n")],
    ),
    cheat(
        "ci",
        "a script of CI",
        SHELL,
        &[Write("ci/run.sh", "#!/bin/sh\ntrue\n")],
    ),
    cheat(
        "ci",
        "woodpecker",
        GO,
        &[Write(".woodpecker.yml", "steps: {}\n")],
    ),
];
