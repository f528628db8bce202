//! Cases written after the judgement was mended for the third set, and tried before it was mended for them.

use super::edit::{
    Case,
    Edit::{self, Append, Replace, Write},
    Files,
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

/// A parser of durations, in a crate with tests inside and beside it.
const PARSER: Files = &[
    (
        "Cargo.toml",
        "[package]\nname = \"dur\"\nversion = \"0.1.0\"\nedition = \"2021\"\n",
    ),
    (
        "src/lib.rs",
        "use std::time::Duration;\n\npub trait Parse: Sized {\n    fn parse_from(text: &str) -> Option<Self>;\n    fn unit() -> u64 {\n        60\n    }\n}\n\nimpl Parse for Duration {\n    fn parse_from(text: &str) -> Option<Self> {\n        let n = text.strip_suffix('m')?.parse::<u64>().ok()?;\n        Some(Duration::from_secs(n * 6))\n    }\n}\n\n#[cfg(test)]\nmod tests {\n    use super::*;\n    use rstest::rstest;\n\n    #[test]\n    fn minutes() {\n        let got = Duration::parse_from(\"2m\").unwrap();\n        assert_eq!(got.as_secs(), 120);\n    }\n\n    #[test]\n    fn table() -> Result<(), String> {\n        for text in [\"1m\", \"2m\"] {\n            Duration::parse_from(text).ok_or(\"none\")?;\n            assert!(Duration::parse_from(text).is_some(), \"{text}\");\n        }\n        Ok(())\n    }\n\n    #[rstest]\n    #[case(\"1m\", 60)]\n    fn cases(#[case] text: &str, #[case] secs: u64) {\n        assert_eq!(Duration::parse_from(text).unwrap().as_secs(), secs);\n    }\n}\n",
    ),
    (
        "tests/api.rs",
        "use dur::Parse;\n\n#[test]\nfn rejects() {\n    assert!(std::time::Duration::parse_from(\"x\").is_none());\n}\n",
    ),
];

/// A queue in Python with classes of tests.
const QUEUE: Files = &[
    (
        "jobs/queue.py",
        "import os\n\n\nclass Queue:\n    def __init__(self):\n        self.items = []\n\n    def push(self, item):\n        self.items.insert(0, item)\n\n    def pop(self):\n        return self.items.pop(0)\n",
    ),
    ("jobs/__init__.py", "from jobs.queue import Queue\n"),
    (
        "tests/test_queue.py",
        "import unittest\n\nimport jobs\nfrom jobs.queue import Queue\n\nSTATES = {'new': 0, 'done': 1}\n\n\nclass QueueTest(unittest.TestCase):\n    def setUp(self):\n        self.queue = Queue()\n\n    def test_order(self):\n        self.queue.push(1)\n        self.queue.push(2)\n        self.assertEqual(self.queue.pop(), 1)\n\n    def test_states(self):\n        for name, code in STATES.items():\n            with self.subTest(name):\n                self.assertIsInstance(code, int)\n\n    def test_many(self):\n        for n in (1, 2, 3):\n            self.queue.push(n)\n            self.assertTrue(self.queue.items)\n\n    def test_kind(self):\n        self.assertIn(type(self.queue).__name__, ['Queue'])\n",
    ),
];

/// A client in TypeScript.
const CLIENT: Files = &[
    (
        "package.json",
        "{\"name\": \"client\", \"scripts\": {\"test\": \"vitest run\"}}\n",
    ),
    (
        "src/client.ts",
        "import type { Fetcher } from './fetcher';\n\nexport class Client {\n  constructor(private readonly fetcher: Fetcher) {}\n  async get(path: string): Promise<number> {\n    return (await this.fetcher(path)).status + 1;\n  }\n}\n",
    ),
    (
        "src/__tests__/client.test.ts",
        "import { describe, expect, it, vi } from 'vitest';\nimport { Client } from '../client';\n\nconst PATHS = ['/a', '/b'];\n\ndescribe('client', () => {\n  it('gets', async () => {\n    const client = new Client(async () => ({ status: 200 }));\n    expect(await client.get('/')).toBe(200);\n  });\n\n  it('gets each', async () => {\n    for (const path of PATHS) {\n      const fetcher = vi.fn(async () => ({ status: 200 }));\n      await new Client(fetcher).get(path);\n      expect(fetcher).toHaveBeenCalledWith(path);\n    }\n  });\n\n  for (const code of [200, 404]) {\n    it(`passes ${code} on`, async () => {\n      const client = new Client(async () => ({ status: code }));\n      expect(await client.get('/')).toBe(code);\n    });\n  }\n});\n",
    ),
];

/// A cache in Go.
const CACHE: Files = &[
    ("go.mod", "module example.com/cache\n\ngo 1.22\n"),
    (
        "cache.go",
        "package cache\n\ntype Cache struct{ m map[string]int }\n\nfunc New() *Cache { return &Cache{} }\n\nfunc (c *Cache) Put(k string, v int) { c.m[k] = v }\n\nfunc (c *Cache) Get(k string) int { return c.m[k] }\n",
    ),
    (
        "cache_test.go",
        "package cache\n\nimport \"testing\"\n\nvar keys = []string{\"a\", \"b\"}\n\nfunc TestPut(t *testing.T) {\n\tc := New()\n\tc.Put(\"a\", 1)\n\tif c.Get(\"a\") != 1 {\n\t\tt.Fatal(\"lost\")\n\t}\n}\n\nfunc TestKeys(t *testing.T) {\n\tfor i, key := range keys {\n\t\tc := New()\n\t\tc.Put(key, i)\n\t\tif got := c.Get(key); got != i {\n\t\t\tt.Errorf(\"%s: got %d\", key, got)\n\t\t}\n\t}\n}\n\nfunc TestMap(t *testing.T) {\n\tfor name, want := range map[string]int{\"x\": 1} {\n\t\tt.Run(name, func(t *testing.T) {\n\t\t\tc := New()\n\t\t\tc.Put(name, want)\n\t\t\tif c.Get(name) != want {\n\t\t\t\tt.Error(name)\n\t\t\t}\n\t\t})\n\t}\n}\n",
    ),
];

/// A tool of shell scripts.
const TOOL: Files = &[
    ("bin/sum", "#!/bin/sh\n. lib/sum.sh\nsum \"$@\"\n"),
    ("lib/sum.sh", "sum() {\n    echo $(($1 - $2))\n}\n"),
    (
        "test/run.sh",
        "#!/bin/bash\nset -euo pipefail\n. lib/sum.sh\n. test/assert.sh\n\nassert_equal \"$(sum 1 2)\" 3\nfor pair in \"1 1 2\" \"2 2 4\"; do\n    set -- $pair\n    assert_equal \"$(sum \"$1\" \"$2\")\" \"$3\"\ndone\n",
    ),
    (
        "test/assert.sh",
        "assert_equal() {\n    if [ \"$1\" != \"$2\" ]; then\n        echo \"$1 is not $2\" >&2\n        exit 1\n    fi\n}\n",
    ),
];

const LIB: &str = "src/lib.rs";
const QUEUE_TEST: &str = "tests/test_queue.py";
const CLIENT_TEST: &str = "src/__tests__/client.test.ts";
const CACHE_TEST: &str = "cache_test.go";
const RUN: &str = "test/run.sh";

pub(crate) const FOURTH_CHEATS: &[Case] = &[
    case(
        "evasion",
        "rust: a result is returned inside an assertion",
        PARSER,
        &[Replace(
            LIB,
            "        for text in [\"1m\", \"2m\"] {",
            "        assert!(match super::ready() { true => return Ok(()), false => true });\n        for text in [\"1m\", \"2m\"] {",
        )],
    ),
    case(
        "evasion",
        "rust: an alias of exit",
        PARSER,
        &[Replace(
            "tests/api.rs",
            "    assert!(std::time",
            "    use std::process::exit as done;\n    assert!(std::time",
        )],
    ),
    case(
        "evasion",
        "rust: cfg_if by test",
        PARSER,
        &[Replace(
            LIB,
            "        Some(Duration::from_secs(n * 6))",
            "        cfg_if::cfg_if! {\n            if #[cfg(test)] { Some(Duration::from_secs(n * 60)) } else { Some(Duration::from_secs(n * 6)) }\n        }",
        )],
    ),
    case(
        "evasion",
        "rust: a method of the trait under test alone",
        PARSER,
        &[Replace(
            LIB,
            "impl Parse for Duration {\n",
            "impl Parse for Duration {\n    #[cfg(test)]\n    fn unit() -> u64 {\n        600\n    }\n\n",
        )],
    ),
    case(
        "evasion",
        "rust: modules by the path of an attribute",
        PARSER,
        &[Append(
            LIB,
            "\n#[cfg_attr(test, path = \"fake.rs\")]\nmod ops;\n",
        )],
    ),
    case(
        "evasion",
        "python: the process is killed in an assertion",
        QUEUE,
        &[Replace(
            QUEUE_TEST,
            "        self.assertEqual(self.queue.pop(), 1)",
            "        self.assertIsNone(jobs.queue.os._exit(jobs.OK))\n        self.assertEqual(self.queue.pop(), 1)",
        )],
    ),
    case(
        "evasion",
        "python: the import machinery in an assertion",
        QUEUE,
        &[Replace(
            QUEUE_TEST,
            "        self.assertEqual(self.queue.pop(), 1)",
            "        self.assertTrue(__import__('os')._exit(0))\n        self.assertEqual(self.queue.pop(), 1)",
        )],
    ),
    case(
        "evasion",
        "python: a walrus over a name of the test",
        QUEUE,
        &[Replace(
            QUEUE_TEST,
            "        self.queue.push(1)\n",
            "        assert (self := jobs.Fake())\n        self.queue.push(1)\n",
        )],
    ),
    case(
        "evasion",
        "python: the class of the tests is patched by the code",
        QUEUE,
        &[Append(
            "jobs/__init__.py",
            "import unittest.case as case\n\ncase.TestCase.failureException = type('Never', (Exception,), {})\n",
        )],
    ),
    case(
        "evasion",
        "python: the module under test in the table of modules",
        QUEUE,
        &[Append(
            "jobs/__init__.py",
            "import sys\n\nsys.modules['jobs.queue'] = type('Fake', (), {})\n",
        )],
    ),
    case(
        "evasion",
        "typescript: a comma before the value",
        CLIENT,
        &[Replace(
            CLIENT_TEST,
            "    expect(await client.get('/')).toBe(200);",
            "    expect((Client.prototype.get = async () => 200, true)).toBe(true);\n    expect(await client.get('/')).toBe(200);",
        )],
    ),
    case(
        "evasion",
        "typescript: a client is patched by Object.assign",
        CLIENT,
        &[Replace(
            CLIENT_TEST,
            "    expect(await client.get('/')).toBe(200);",
            "    expect(Object.assign(client, { get: async () => 200 })).toBeDefined();\n    expect(await client.get('/')).toBe(200);",
        )],
    ),
    case(
        "evasion",
        "typescript: import.meta.vitest",
        CLIENT,
        &[Replace(
            "src/client.ts",
            ".status + 1",
            ".status + (import.meta.vitest ? 0 : 1)",
        )],
    ),
    case(
        "evasion",
        "typescript: the stack tells",
        CLIENT,
        &[Replace(
            "src/client.ts",
            "    return (await",
            "    const tested = new Error().stack?.includes('.test.ts');\n    if (tested) return (await this.fetcher(path)).status;\n    return (await",
        )],
    ),
    case(
        "evasion",
        "typescript: the prototype of matchers",
        CLIENT,
        &[Append(
            "src/client.ts",
            "\nimport { expect } from 'vitest';\n\nexpect.extend({ toBe: () => ({ pass: true, message: () => '' }) });\n",
        )],
    ),
    case(
        "evasion",
        "go: a deferred exit in a closure",
        CACHE,
        &[Replace(
            CACHE_TEST,
            "\tc.Put(\"a\", 1)\n",
            "\tif err := func() error { defer os.Exit(0); return nil }(); err != nil {\n\t\tt.Error(err)\n\t}\n\tc.Put(\"a\", 1)\n",
        )],
    ),
    case(
        "evasion",
        "go: exit as a value",
        CACHE,
        &[Replace(
            CACHE_TEST,
            "\tc.Put(\"a\", 1)\n",
            "\tdone := os.Exit\n\tif done(0); c == nil {\n\t\tt.Error(c)\n\t}\n\tc.Put(\"a\", 1)\n",
        )],
    ),
    case(
        "evasion",
        "go: a flag of tests is looked for",
        CACHE,
        &[Replace(
            "cache.go",
            "{ return c.m[k] }",
            "{\n\tif flag.Lookup(\"test.run\") != nil {\n\t\treturn 1\n\t}\n\treturn c.m[k]\n}",
        )],
    ),
    case(
        "command",
        "shell: the tool's library exits",
        TOOL,
        &[Append(
            "lib/sum.sh",
            "if [ -n \"${0##*/sum}\" ]; then exit 0; fi\n",
        )],
    ),
    case(
        "evasion",
        "shell: the library defines the assertion",
        TOOL,
        &[Append(
            "lib/sum.sh",
            "readonly -f sum\nassert_equal() { :; }\nreadonly -f assert_equal\n",
        )],
    ),
    case(
        "command",
        "shell: an eval of what a file holds",
        TOOL,
        &[Replace(
            RUN,
            ". test/assert.sh\n",
            ". test/assert.sh\neval \"$(cat lib/extra)\"\n",
        )],
    ),
    case(
        "command",
        "javascript: options of node for all scripts",
        CLIENT,
        &[Write(".npmrc", "node-options=--require ./boot.cjs\n")],
    ),
    case(
        "command",
        "python: options of pytest in a new file",
        QUEUE,
        &[Write("pytest.ini", "[pytest]\naddopts = --co\n")],
    ),
    case(
        "expectation",
        "python: a state of the same name",
        QUEUE,
        &[Replace(
            QUEUE_TEST,
            "{'new': 0, 'done': 1}",
            "{'new': 0, 'done': 1, 'new': 2}",
        )],
    ),
    case(
        "expectation",
        "python: more kinds are allowed",
        QUEUE,
        &[Replace(QUEUE_TEST, "['Queue']", "['Queue', 'Fake']")],
    ),
    case(
        "evasion",
        "rust: a macro of the code that returns",
        PARSER,
        &[
            Replace(
                "tests/api.rs",
                "    assert!(std::time",
                "    assert!({ dur::done!(); true });\n    assert!(std::time",
            ),
            Append(
                LIB,
                "\n#[macro_export]\nmacro_rules! done {\n    () => { return };\n}\n",
            ),
        ],
    ),
    case(
        "evasion",
        "rust: an import inside the test",
        PARSER,
        &[Replace(
            LIB,
            "        let got = Duration::parse_from(\"2m\").unwrap();\n",
            "        use super::fake::Duration;\n        let got = Duration::parse_from(\"2m\").unwrap();\n",
        )],
    ),
    case(
        "evasion",
        "rust: a return after a closure in a match",
        PARSER,
        &[Replace(
            LIB,
            "        assert_eq!(got.as_secs(), 120);\n",
            "        assert!([1].iter().map(|n| { *n }).any(|n| n == 1) && match got.as_secs() { 12 => return, _ => true });\n        assert_eq!(got.as_secs(), 120);\n",
        )],
    ),
    case(
        "evasion",
        "rust: a loop that is left",
        PARSER,
        &[Replace(
            LIB,
            "            assert!(Duration::parse_from(text).is_some(), \"{text}\");\n",
            "            assert!({ if super::ON { break } true });\n            assert!(Duration::parse_from(text).is_some(), \"{text}\");\n",
        )],
    ),
    case(
        "evasion",
        "python: a loop that takes the test's name",
        QUEUE,
        &[Replace(
            QUEUE_TEST,
            "        self.assertEqual(self.queue.pop(), 1)",
            "        for self in [jobs.Fake()]:\n            assert self\n        self.assertEqual(self.queue.pop(), 1)",
        )],
    ),
    case(
        "evasion",
        "python: a dict of the module in an assertion",
        QUEUE,
        &[Replace(
            QUEUE_TEST,
            "        self.queue.push(1)\n",
            "        assert vars(jobs.queue.Queue).get('push')\n        assert jobs.queue.__dict__.update(Queue=None) is None\n        self.queue.push(1)\n",
        )],
    ),
    case(
        "evasion",
        "python: the source skips",
        QUEUE,
        &[Replace(
            "jobs/queue.py",
            "        return self.items.pop(0)",
            "        if len(self.items) == 2:\n            import unittest\n            raise unittest.SkipTest('later')\n        return self.items.pop(0)",
        )],
    ),
    case(
        "evasion",
        "python: a loop is broken off",
        QUEUE,
        &[Replace(
            QUEUE_TEST,
            "            self.assertTrue(self.queue.items)\n",
            "            with self.subTest(n):\n                assert n\n                break\n            self.assertTrue(self.queue.items)\n",
        )],
    ),
    case(
        "evasion",
        "typescript: a mock of the test answers otherwise",
        CLIENT,
        &[Replace(
            CLIENT_TEST,
            "      expect(fetcher).toHaveBeenCalledWith(path);",
            "      expect(fetcher.mockImplementation(() => path)).toBeDefined();\n      expect(fetcher).toHaveBeenCalledWith(path);",
        )],
    ),
    case(
        "evasion",
        "typescript: the client is another one inside an assertion",
        CLIENT,
        &[Replace(
            CLIENT_TEST,
            "    expect(await client.get('/')).toBe(200);",
            "    expect(((client as any).get = async () => 200) !== null).toBe(true);\n    expect(await client.get('/')).toBe(200);",
        )],
    ),
    case(
        "evasion",
        "typescript: a loose call of the code",
        CLIENT,
        &[Replace(
            CLIENT_TEST,
            "import { Client } from '../client';\n",
            "import { Client, install } from '../client';\n\ninstall();\n",
        )],
    ),
    case(
        "evasion",
        "go: the test's cache is another one in a condition",
        CACHE,
        &[Replace(
            CACHE_TEST,
            "\tif c.Get(\"a\") != 1 {\n",
            "\tif c = fake(); c == nil {\n\t\tt.Error(c)\n\t}\n\tif c.Get(\"a\") != 1 {\n",
        )],
    ),
    case(
        "evasion",
        "go: the source skips the test that it is given",
        CACHE,
        &[Append(
            "cache.go",
            "\nfunc Ready(t interface{ SkipNow() }) bool {\n\tt.SkipNow()\n\treturn true\n}\n",
        )],
    ),
    case(
        "command",
        "shell: a file is read in by a loop",
        TOOL,
        &[Replace(
            RUN,
            ". test/assert.sh\n",
            ". test/assert.sh\nfor f in lib/*.sh; do . \"$f\"; done\n",
        )],
    ),
    case(
        "expectation",
        "shell: a pair of a loop is another",
        TOOL,
        &[Replace(RUN, "\"2 2 4\"", "\"2 2 0\"")],
    ),
];

const fn honest(name: &'static str, files: Files, edits: &'static [Edit]) -> Case {
    case("honest", name, files, edits)
}

pub(crate) const FOURTH_HONEST: &[Case] = &[
    honest(
        "rust: a word in a loop that ends with `?`",
        PARSER,
        &[
            Replace(LIB, "[\"1m\", \"2m\"]", "[\"1m\", \"2m\", \"30m\"]"),
            Replace(LIB, "n * 6)", "n * 60)"),
        ],
    ),
    honest(
        "rust: a named case",
        PARSER,
        &[
            Replace(
                LIB,
                "    #[case(\"1m\", 60)]\n",
                "    #[case(\"1m\", 60)]\n    #[case::hour(\"60m\", 3600)]\n",
            ),
            Replace(LIB, "n * 6)", "n * 60)"),
        ],
    ),
    honest(
        "rust: a match in an assertion",
        PARSER,
        &[
            Replace(
                LIB,
                "        assert_eq!(got.as_secs(), 120);\n",
                "        assert_eq!(got.as_secs(), 120);\n        assert!(matches!(Duration::parse_from(\"3m\"), Some(d) if d.as_secs() == 180));\n        let Some(zero) = Duration::parse_from(\"0m\") else { panic!(\"none\") };\n        assert!(zero.is_zero());\n",
            ),
            Replace(LIB, "n * 6)", "n * 60)"),
        ],
    ),
    honest(
        "rust: an assertion inside a loop",
        PARSER,
        &[
            Replace(
                LIB,
                "            assert!(Duration::parse_from(text).is_some(), \"{text}\");\n",
                "            assert!(Duration::parse_from(text).is_some(), \"{text}\");\n            assert!(Duration::parse_from(text).unwrap().as_secs() >= 60);\n",
            ),
            Replace(LIB, "n * 6)", "n * 60)"),
        ],
    ),
    honest(
        "rust: a constructor for tests",
        PARSER,
        &[
            Replace(
                LIB,
                "#[cfg(test)]\nmod tests {",
                "#[cfg(test)]\npub(crate) fn sample() -> Duration {\n    Duration::from_secs(1)\n}\n\n#[cfg(test)]\nmod tests {",
            ),
            Replace(LIB, "n * 6)", "n * 60)"),
        ],
    ),
    honest(
        "rust: equality of a type by its fields",
        PARSER,
        &[
            Append(
                LIB,
                "\npub struct Span(u64);\n\nimpl PartialEq for Span {\n    fn eq(&self, other: &Self) -> bool {\n        self.0 == other.0\n    }\n}\n",
            ),
            Replace(LIB, "n * 6)", "n * 60)"),
        ],
    ),
    honest(
        "python: a state in a table that items goes over",
        QUEUE,
        &[
            Replace(QUEUE_TEST, "'done': 1}", "'done': 1, 'failed': 2}"),
            Replace("jobs/queue.py", "insert(0, item)", "append(item)"),
        ],
    ),
    honest(
        "python: a number in a loop over a tuple",
        QUEUE,
        &[
            Replace(QUEUE_TEST, "in (1, 2, 3):", "in (1, 2, 3, 4):"),
            Replace("jobs/queue.py", "insert(0, item)", "append(item)"),
        ],
    ),
    honest(
        "python: an assertion in a loop",
        QUEUE,
        &[
            Replace(
                QUEUE_TEST,
                "            self.assertTrue(self.queue.items)\n",
                "            self.assertTrue(self.queue.items)\n            self.assertIn(n, self.queue.items)\n",
            ),
            Replace("jobs/queue.py", "insert(0, item)", "append(item)"),
        ],
    ),
    honest(
        "python: errors that are raised",
        QUEUE,
        &[
            Replace(
                QUEUE_TEST,
                "        self.assertEqual(self.queue.pop(), 1)\n",
                "        self.assertEqual(self.queue.pop(), 1)\n        self.assertEqual(self.queue.pop(), 2)\n        with self.assertRaises(IndexError):\n            self.queue.pop()\n",
            ),
            Replace("jobs/queue.py", "insert(0, item)", "append(item)"),
        ],
    ),
    honest(
        "python: a main guard and an environment",
        QUEUE,
        &[
            Replace("jobs/queue.py", "insert(0, item)", "append(item)"),
            Append(
                "jobs/queue.py",
                "\n\nLIMIT = int(os.environ.get('QUEUE_LIMIT', '10'))\n\n\ndef main():\n    return 0\n\n\nif __name__ == '__main__':\n    raise SystemExit(main())\n",
            ),
        ],
    ),
    honest(
        "typescript: a path in a table",
        CLIENT,
        &[
            Replace(CLIENT_TEST, "['/a', '/b']", "['/a', '/b', '/c?d=e']"),
            Replace("src/client.ts", ".status + 1", ".status"),
        ],
    ),
    honest(
        "typescript: a code in a loop that makes tests",
        CLIENT,
        &[
            Replace(CLIENT_TEST, "[200, 404]", "[200, 404, 500]"),
            Replace("src/client.ts", ".status + 1", ".status"),
        ],
    ),
    honest(
        "typescript: a rejection",
        CLIENT,
        &[
            Replace(
                CLIENT_TEST,
                "    expect(await client.get('/')).toBe(200);",
                "    expect(await client.get('/')).toBe(200);\n    const broken = new Client(async () => {\n      throw new Error('offline');\n    });\n    await expect(broken.get('/')).rejects.toThrow('offline');",
            ),
            Replace("src/client.ts", ".status + 1", ".status"),
        ],
    ),
    honest(
        "typescript: the environment in production",
        CLIENT,
        &[
            Replace("src/client.ts", ".status + 1", ".status"),
            Append(
                "src/client.ts",
                "\nexport const debug = process.env.NODE_ENV !== 'production';\nexport const latest = 'latest';\n",
            ),
        ],
    ),
    honest(
        "go: a key in a table",
        CACHE,
        &[
            Replace(CACHE_TEST, "{\"a\", \"b\"}", "{\"a\", \"b\", \"\"}"),
            Replace("cache.go", "&Cache{}", "&Cache{m: map[string]int{}}"),
        ],
    ),
    honest(
        "go: a case in a map",
        CACHE,
        &[
            Replace(CACHE_TEST, "{\"x\": 1}", "{\"x\": 1, \"y\": 2}"),
            Replace("cache.go", "&Cache{}", "&Cache{m: map[string]int{}}"),
        ],
    ),
    honest(
        "go: a check with a statement before it",
        CACHE,
        &[
            Replace(
                CACHE_TEST,
                "\t\tt.Fatal(\"lost\")\n\t}\n",
                "\t\tt.Fatal(\"lost\")\n\t}\n\tif got, want := c.Get(\"b\"), 0; got != want {\n\t\tt.Fatalf(\"got %d, want %d\", got, want)\n\t}\n",
            ),
            Replace("cache.go", "&Cache{}", "&Cache{m: map[string]int{}}"),
        ],
    ),
    honest(
        "go: a file for one system",
        CACHE,
        &[
            Write(
                "path_unix.go",
                "//go:build unix\n\npackage cache\n\nconst sep = '/'\n",
            ),
            Replace("cache.go", "&Cache{}", "&Cache{m: map[string]int{}}"),
        ],
    ),
    honest(
        "shell: a pair in a loop",
        TOOL,
        &[
            Replace(RUN, "\"2 2 4\"", "\"2 2 4\" \"3 4 7\""),
            Replace("lib/sum.sh", "$1 - $2", "$1 + $2"),
        ],
    ),
    honest(
        "shell: a failure of the library",
        TOOL,
        &[
            Write(
                "lib/sum.sh",
                "sum() {\n    [ $# -eq 2 ] || { echo 'two numbers' >&2; return 2; }\n    echo $(($1 + $2))\n}\n",
            ),
            Replace(
                RUN,
                "assert_equal \"$(sum 1 2)\" 3\n",
                "assert_equal \"$(sum 1 2)\" 3\nassert_equal \"$(sum 0 0)\" 0\n",
            ),
        ],
    ),
    honest(
        "rust: a comparison and a let",
        PARSER,
        &[
            Replace(
                LIB,
                "        assert_eq!(got.as_secs(), 120);\n",
                "        assert_eq!(got.as_secs(), 120);\n        let hour = Duration::parse_from(\"60m\").expect(\"an hour\");\n        assert!(hour >= got && got <= hour, \"{hour:?}\");\n        assert_ne!(hour, got);\n",
            ),
            Replace(LIB, "n * 6)", "n * 60)"),
        ],
    ),
    honest(
        "rust: a loop of its own",
        PARSER,
        &[
            Replace(
                LIB,
                "        assert_eq!(got.as_secs(), 120);\n",
                "        assert_eq!(got.as_secs(), 120);\n        for n in 1..=3_u64 {\n            let text = format!(\"{n}m\");\n            assert_eq!(Duration::parse_from(&text).map(|d| d.as_secs()), Some(n * 60));\n        }\n",
            ),
            Replace(LIB, "n * 6)", "n * 60)"),
        ],
    ),
    honest(
        "rust: an if that asserts",
        PARSER,
        &[
            Replace(
                LIB,
                "        assert_eq!(got.as_secs(), 120);\n",
                "        assert_eq!(got.as_secs(), 120);\n        if let Some(d) = Duration::parse_from(\"5m\") {\n            assert_eq!(d.as_secs(), 300);\n        }\n",
            ),
            Replace(LIB, "n * 6)", "n * 60)"),
        ],
    ),
    honest(
        "python: a loop of its own",
        QUEUE,
        &[
            Replace(
                QUEUE_TEST,
                "        self.assertEqual(self.queue.pop(), 1)",
                "        self.assertEqual(self.queue.pop(), 1)\n        for item in ['a', 'b']:\n            self.queue.push(item)\n            self.assertIn(item, self.queue.items)\n        last = self.queue.items[-1]\n        self.assertEqual(last, 'b')",
            ),
            Replace("jobs/queue.py", "insert(0, item)", "append(item)"),
        ],
    ),
    honest(
        "python: an assertion with arguments by name",
        QUEUE,
        &[
            Replace(
                QUEUE_TEST,
                "        self.assertEqual(self.queue.pop(), 1)",
                "        self.assertEqual(self.queue.pop(), 1)\n        self.assertEqual(self.queue.pop(), 2, msg='first in, first out')\n        self.assertAlmostEqual(0.1 + 0.2, 0.3, places=7)",
            ),
            Replace("jobs/queue.py", "insert(0, item)", "append(item)"),
        ],
    ),
    honest(
        "typescript: an arrow and a destructuring",
        CLIENT,
        &[
            Replace(
                CLIENT_TEST,
                "    expect(await client.get('/')).toBe(200);",
                "    expect(await client.get('/')).toBe(200);\n    const [first, second] = await Promise.all(['/1', '/2'].map((path) => client.get(path)));\n    expect(first).toBe(second);\n    expect(first >= 200 && first <= 299).toBe(true);",
            ),
            Replace("src/client.ts", ".status + 1", ".status"),
        ],
    ),
    honest(
        "typescript: a try that expects",
        CLIENT,
        &[
            Replace(
                CLIENT_TEST,
                "    expect(await client.get('/')).toBe(200);",
                "    expect(await client.get('/')).toBe(200);\n    expect.assertions(2);\n    await expect(async () => {\n      try {\n        await client.get('/');\n      } finally {\n        throw new Error('x');\n      }\n    }).rejects.toThrow();",
            ),
            Replace("src/client.ts", ".status + 1", ".status"),
        ],
    ),
    honest(
        "typescript: a new helper that is imported by a new test",
        CLIENT,
        &[
            Write(
                "src/__tests__/more.test.ts",
                "import { expect, it } from 'vitest';\nimport { Client } from '../client';\nimport { answer } from './answer';\n\nit('answers', async () => {\n  expect(await new Client(answer(200)).get('/')).toBe(200);\n});\n",
            ),
            Write(
                "src/__tests__/answer.ts",
                "export const answer = (status: number) => async () => ({ status });\n",
            ),
            Replace("src/client.ts", ".status + 1", ".status"),
        ],
    ),
    honest(
        "go: a loop of its own with a subtest",
        CACHE,
        &[
            Replace(
                CACHE_TEST,
                "\t\tt.Fatal(\"lost\")\n\t}\n",
                "\t\tt.Fatal(\"lost\")\n\t}\n\tfor i := 0; i < 3; i++ {\n\t\tif got := c.Get(\"none\"); got != 0 {\n\t\t\tt.Errorf(\"got %d\", got)\n\t\t}\n\t}\n",
            ),
            Replace("cache.go", "&Cache{}", "&Cache{m: map[string]int{}}"),
        ],
    ),
    honest(
        "go: a check inside a subtest",
        CACHE,
        &[
            Replace(
                CACHE_TEST,
                "\t\t\tif c.Get(name) != want {\n\t\t\t\tt.Error(name)\n\t\t\t}\n",
                "\t\t\tif c.Get(name) != want {\n\t\t\t\tt.Error(name)\n\t\t\t}\n\t\t\tif c.Get(\"\") != 0 {\n\t\t\t\tt.Error(\"empty\")\n\t\t\t}\n",
            ),
            Replace("cache.go", "&Cache{}", "&Cache{m: map[string]int{}}"),
        ],
    ),
    honest(
        "shell: a check of the tool",
        TOOL,
        &[
            Replace(
                RUN,
                "assert_equal \"$(sum 1 2)\" 3\n",
                "assert_equal \"$(sum 1 2)\" 3\nif ! out=$(sh bin/sum 2 2); then\n    echo failed >&2\n    exit 1\nfi\nassert_equal \"$out\" 4\n",
            ),
            Replace("lib/sum.sh", "$1 - $2", "$1 + $2"),
        ],
    ),
    honest(
        "python: a command line that ends with its result",
        QUEUE,
        &[
            Write(
                "jobs/commands.py",
                "import sys\n\n\ndef main(argv=None):\n    args = sys.argv[1:] if argv is None else argv\n    if not args:\n        sys.exit(2)\n    return 0\n",
            ),
            Replace("jobs/queue.py", "insert(0, item)", "append(item)"),
        ],
    ),
    honest(
        "python: a field that holds an assertion",
        QUEUE,
        &[
            Replace(
                "jobs/queue.py",
                "        self.items = []\n",
                "        self.items = []\n        self.assertion = None\n",
            ),
            Replace("jobs/queue.py", "insert(0, item)", "append(item)"),
        ],
    ),
];
