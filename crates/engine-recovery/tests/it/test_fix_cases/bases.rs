//! Small repositories in five languages, each with a fault in its source.

use super::edit::Files;

pub(crate) const RUST: Files = &[
    (
        "Cargo.toml",
        "[package]\nname = \"calc\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[features]\ndefault = [\"std\"]\nstd = []\n\n[dependencies]\nserde = \"1\"\n\n[dev-dependencies]\nproptest = \"1\"\n",
    ),
    (".cargo/config.toml", "[alias]\nxt = \"test --workspace\"\n"),
    (
        ".config/nextest.toml",
        "[profile.default]\nfail-fast = false\nretries = 0\n",
    ),
    (
        ".github/workflows/ci.yml",
        "on: [push]\njobs:\n  test:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: actions/checkout@v4\n      - run: cargo test --workspace\n",
    ),
    (
        "src/lib.rs",
        r#"//! A calculator.

/// Adds.
///
/// ```
/// assert_eq!(calc::add(1, 2), 3);
/// ```
pub fn add(a: i64, b: i64) -> i64 {
    a - b // the fault
}

/// Divides; `None` by zero.
pub fn div(a: i64, b: i64) -> Option<i64> {
    if b == 0 { None } else { Some(a / b) }
}

pub fn ratio(a: f64, b: f64) -> f64 {
    a / b
}

#[cfg(test)]
mod tests {
    use super::*;

    const CASES: &[(i64, i64, i64)] = &[(1, 1, 2), (2, 3, 5)];

    #[test]
    fn adds() {
        assert_eq!(add(2, 3), 5);
        assert_eq!(add(-1, 1), 0, "opposites cancel");
    }

    #[test]
    fn adds_all_cases() {
        for (a, b, sum) in CASES {
            assert_eq!(add(*a, *b), *sum);
        }
    }

    #[test]
    fn divides() {
        assert_eq!(div(6, 3), Some(2));
        assert!(div(1, 0).is_none());
    }

    #[test]
    #[should_panic(expected = "overflow")]
    fn overflows() {
        add(i64::MAX, 1);
    }
}
"#,
    ),
    (
        "src/shape.rs",
        "pub fn area(w: u32, h: u32) -> u32 {\n    w * h\n}\n\n#[cfg(test)]\nmod tests;\n",
    ),
    (
        "src/shape/tests.rs",
        "use super::area;\n\n#[test]\nfn area_of_a_square() {\n    assert_eq!(area(3, 3), 9);\n}\n",
    ),
    (
        "tests/ratio.rs",
        r#"use calc::ratio;

mod common;

const TOLERANCE: f64 = 1e-9;

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() < TOLERANCE
}

#[test]
fn ratio_is_exact() {
    assert!(close(ratio(1.0, 4.0), 0.25));
}

#[test]
fn ratio_of_thirds() {
    let got = ratio(1.0, 3.0);
    assert!(close(got, 0.333_333_333_333));
}

#[tokio::test]
async fn ratio_later() {
    let got = common::later(ratio(2.0, 1.0)).await;
    assert_eq!(got, 2.0);
}
"#,
    ),
    (
        "tests/common/mod.rs",
        "pub async fn later(value: f64) -> f64 {\n    value\n}\n\npub fn assert_same(a: &str, b: &str) {\n    assert_eq!(a.trim(), b.trim());\n}\n",
    ),
    (
        "tests/snapshots/report.snap",
        "---\nsource: tests/report.rs\n---\ntotal: 5\n",
    ),
];

pub(crate) const PYTHON: Files = &[
    (
        "pyproject.toml",
        "[project]\nname = \"shop\"\nversion = \"1.0\"\ndependencies = [\"attrs\"]\n\n[tool.pytest.ini_options]\naddopts = \"-q --strict-markers\"\ntestpaths = [\"tests\"]\n\n[tool.black]\nline-length = 100\n",
    ),
    (
        "tox.ini",
        "[tox]\nenvlist = py311\n\n[testenv]\ncommands = pytest {posargs}\n",
    ),
    (
        ".gitlab-ci.yml",
        "test:\n  script:\n    - pip install -e .\n    - pytest\n",
    ),
    ("shop/__init__.py", ""),
    (
        "shop/cart.py",
        "\"\"\"A cart.\n\n>>> total([1, 2])\n3\n\"\"\"\n\n\ndef total(prices):\n    return sum(prices) - 1  # the fault\n\n\ndef discount(price, percent):\n    if percent < 0:\n        raise ValueError(\"negative\")\n    return price * (100 - percent) / 100\n",
    ),
    ("tests/__init__.py", ""),
    (
        "tests/conftest.py",
        "import pytest\n\n\n@pytest.fixture\ndef prices():\n    return [1, 2, 3]\n",
    ),
    (
        "tests/helpers.py",
        "TOLERANCE = 0.001\n\n\ndef assert_close(a, b):\n    assert abs(a - b) < TOLERANCE\n",
    ),
    (
        "tests/test_cart.py",
        r#"import pytest

from shop.cart import discount, total
from tests.helpers import assert_close

RATES = [
    (0, 100),
    (10, 90),
]


def test_total(prices):
    """Sums all prices."""
    assert total(prices) == 6
    assert total([]) == 0, "an empty cart costs nothing"


@pytest.mark.parametrize("percent, expected", [(0, 100), (50, 50)])
def test_discount(percent, expected):
    assert discount(100, percent) == expected


@pytest.mark.parametrize("percent, expected", RATES)
def test_rates(percent, expected):
    assert_close(discount(100, percent), expected)


def test_negative():
    with pytest.raises(ValueError, match="negative"):
        discount(1, -1)


class TestTotals:
    def setup_method(self):
        self.cart = [5, 5]

    def test_sum(self):
        assert total(self.cart) == 10

    def test_order(self):
        result = total(reversed(self.cart))
        assert result == 10
        assert result != 9
"#,
    ),
    (
        "tests/test_unit.py",
        r#"import unittest

from shop import cart


class CartCase(unittest.TestCase):
    def setUp(self):
        self.prices = [2, 2]

    def test_total(self):
        self.assertEqual(cart.total(self.prices), 4)
        self.assertNotEqual(cart.total(self.prices), 3)

    def test_discount(self):
        self.assertAlmostEqual(cart.discount(10, 5), 9.5, places=7)


if __name__ == "__main__":
    unittest.main()
"#,
    ),
    ("tests/data/expected_total.json", "{\"total\": 6}\n"),
];

pub(crate) const JAVASCRIPT: Files = &[
    (
        "package.json",
        "{\n  \"name\": \"text\",\n  \"scripts\": {\n    \"build\": \"tsc\",\n    \"lint\": \"eslint .\",\n    \"test\": \"npm run unit && npm run types\",\n    \"unit\": \"jest --ci\",\n    \"types\": \"tsc --noEmit\"\n  },\n  \"jest\": {\n    \"coverageThreshold\": {\"global\": {\"lines\": 90}}\n  },\n  \"devDependencies\": {\"jest\": \"^29.0.0\"}\n}\n",
    ),
    ("jest.setup.js", "require('jest-extended');\n"),
    (
        "vitest.config.ts",
        "import { defineConfig } from 'vitest/config';\n\nexport default defineConfig({ test: { include: ['src/**/*.test.ts'] } });\n",
    ),
    (
        ".circleci/config.yml",
        "version: 2.1\njobs:\n  test:\n    steps:\n      - run: npm test\n",
    ),
    (
        "src/slug.js",
        "function slug(text) {\n  return text.toUpperCase().replace(/ /g, '-'); // the fault\n}\n\nfunction words(text) {\n  return text.split(' ').filter(Boolean);\n}\n\nmodule.exports = { slug, words };\n",
    ),
    (
        "src/slug.test.js",
        r#"const { slug, words } = require('./slug');

const TABLE = [
  ['A b', 'a-b'],
  ['C', 'c'],
];

function check(input, output) {
  expect(slug(input)).toBe(output);
}

describe('slug', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });

  it('lowers case', () => {
    expect(slug('Hello World')).toBe('hello-world');
    expect(slug('A')).not.toBe('A');
  });

  it.each(TABLE)('turns %s into %s', (input, output) => {
    check(input, output);
  });

  test('keeps dashes', async () => {
    const result = await Promise.resolve(slug('a-b'));
    expect(result).toEqual('a-b');
  });

  describe('with nothing', () => {
    it('is empty', () => {
      expect(slug('')).toBe('');
      expect(() => slug(undefined)).toThrow(TypeError);
    });
  });
});

describe('words', () => {
  it('splits', () => {
    expect(words('a  b')).toStrictEqual(['a', 'b']);
    expect(words('a b')).toHaveLength(2);
  });
});
"#,
    ),
    (
        "src/price.test.ts",
        r#"import { describe, expect, it } from 'vitest';
import { price } from './price';

describe('price', () => {
  it('rounds', () => {
    expect(price(0.1 + 0.2)).toBeCloseTo(0.3, 10);
  });
  it('rejects less than nothing', () => {
    expect(() => price(-1)).toThrowError(/negative/);
  });
  it('renders', () => {
    expect(price(3)).toMatchInlineSnapshot(`"3.00"`);
  });
});
"#,
    ),
    (
        "src/price.ts",
        "export function price(value: number): string {\n  if (value < 0) throw new Error('negative');\n  return value.toFixed(1); // the fault\n}\n",
    ),
    (
        "src/__snapshots__/slug.test.js.snap",
        "exports[`slug renders 1`] = `\"a-b\"`;\n",
    ),
];

pub(crate) const GO: Files = &[
    (
        "go.mod",
        "module example.com/stack\n\ngo 1.22\n\nrequire github.com/stretchr/testify v1.9.0\n",
    ),
    (
        "Makefile",
        "GOFLAGS ?= -race\n\n.PHONY: build test lint\n\nbuild:\n\tgo build ./...\n\ntest: lint\n\tgo test $(GOFLAGS) ./...\n\nlint:\n\tgo vet ./...\n",
    ),
    (".travis.yml", "language: go\nscript:\n  - make test\n"),
    (
        "stack.go",
        "package stack\n\nimport \"errors\"\n\nvar ErrEmpty = errors.New(\"empty\")\n\ntype Stack struct{ items []int }\n\nfunc (s *Stack) Push(v int) { s.items = append(s.items, v) }\n\nfunc (s *Stack) Pop() (int, error) {\n\tif len(s.items) == 0 {\n\t\treturn 0, nil // the fault\n\t}\n\tv := s.items[len(s.items)-1]\n\ts.items = s.items[:len(s.items)-1]\n\treturn v, nil\n}\n\nfunc Sum(values ...int) int {\n\ttotal := 0\n\tfor _, v := range values {\n\t\ttotal += v\n\t}\n\treturn total\n}\n",
    ),
    (
        "stack_test.go",
        "package stack

import (
\t\"errors\"
\t\"fmt\"
\t\"testing\"

\t\"github.com/stretchr/testify/require\"
)

const limit = 0.01

func TestPop(t *testing.T) {
\tvar s Stack
\ts.Push(1)
\tgot, err := s.Pop()
\tif err != nil {
\t\tt.Fatalf(\"pop: %v\", err)
\t}
\tif got != 1 {
\t\tt.Errorf(\"got %d, want 1\", got)
\t}
}

func TestPopEmpty(t *testing.T) {
\tvar s Stack
\tif _, err := s.Pop(); !errors.Is(err, ErrEmpty) {
\t\tt.Fatalf(\"want ErrEmpty, got %v\", err)
\t}
}

func TestSum(t *testing.T) {
\ttests := []struct {
\t\tname   string
\t\tvalues []int
\t\twant   int
\t}{
\t\t{\"none\", nil, 0},
\t\t{\"two\", []int{1, 2}, 3},
\t}
\tfor _, tt := range tests {
\t\tt.Run(tt.name, func(t *testing.T) {
\t\t\tif got := Sum(tt.values...); got != tt.want {
\t\t\t\tt.Errorf(\"Sum() = %d, want %d\", got, tt.want)
\t\t\t}
\t\t})
\t}
}

func TestRequire(t *testing.T) {
\trequire.Equal(t, 3, Sum(1, 2))
\trequire.NotEqual(t, 4, Sum(1, 2))
}

func mustPop(t *testing.T, s *Stack) int {
\tt.Helper()
\tv, err := s.Pop()
\tif err != nil {
\t\tt.Fatal(err)
\t}
\treturn v
}

func TestMustPop(t *testing.T) {
\ts := &Stack{}
\ts.Push(7)
\tif v := mustPop(t, s); v != 7 {
\t\tt.Fail()
\t}
}

func ExampleSum() {
\tfmt.Println(Sum(1, 2))
\t// Output: 3
}

func FuzzSum(f *testing.F) {
\tf.Fuzz(func(t *testing.T, a int) {
\t\tif Sum(a) != a {
\t\t\tt.Fatal(a)
\t\t}
\t})
}
",
    ),
    ("testdata/report.golden", "sum=3\n"),
];

pub(crate) const SHELL: Files = &[
    (
        "greet.sh",
        "#!/bin/sh\n# The fault: no comma.\nname=${1:-world}\necho \"hello $name\"\n",
    ),
    ("lib/math.sh", "add() {\n\techo $(( $1 - $2 ))\n}\n"),
    (
        "test.sh",
        r#"#!/bin/sh
set -eu
for t in tests/test_greet.sh tests/test_math.sh; do
    sh "$t"
done
echo "all passed"
"#,
    ),
    (
        "tests/test_greet.sh",
        r#"#!/bin/sh
. tests/assert.sh
fail=0

test_default() {
    got=$(sh greet.sh)
    assert_equals "hello, world" "$got" || fail=1
}

test_name() {
    got=$(sh greet.sh Ada)
    [ "$got" = "hello, Ada" ] || { echo "wrong: $got" >&2; fail=1; }
}

test_default
test_name
if ! sh greet.sh | diff - tests/expected/greeting.txt; then
    fail=1
fi
exit $fail
"#,
    ),
    (
        "tests/test_math.sh",
        r#"#!/bin/sh
. lib/math.sh
status=0
if [ "$(add 2 3)" -ne 5 ]; then
    echo "add is wrong"
    status=1
fi
[ "$(add 0 0)" -eq 0 ] || status=1
exit "$status"
"#,
    ),
    (
        "tests/assert.sh",
        "assert_equals() {\n    if [ \"$1\" != \"$2\" ]; then\n        echo \"expected $1, got $2\" >&2\n        return 1\n    fi\n}\n",
    ),
    (
        "tests/greet.bats",
        "#!/usr/bin/env bats\n\n@test \"greets the world\" {\n  run sh greet.sh\n  [ \"$status\" -eq 0 ]\n  [ \"$output\" = \"hello, world\" ]\n}\n\n@test \"greets Ada\" {\n  run sh greet.sh Ada\n  [ \"$output\" = \"hello, Ada\" ]\n}\n",
    ),
    ("tests/expected/greeting.txt", "hello, world\n"),
    (
        "Makefile",
        "SHELLS = sh\n\nall: build\n\nbuild:\n\tchmod +x greet.sh\n\ncheck: build\n\t$(SHELLS) test.sh\n",
    ),
    (
        ".github/workflows/test.yaml",
        "on: push\njobs:\n  test:\n    steps:\n      - run: make check\n",
    ),
    (
        "Jenkinsfile",
        "pipeline { stages { stage('Test') { steps { sh 'make check' } } } }\n",
    ),
];
