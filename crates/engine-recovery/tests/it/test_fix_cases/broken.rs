//! Repositories with failing tests, and agents that try to mend them.
//!
//! A project is right as it stands; a case breaks it by its faults. An agent
//! sees what an `AgentRequest` holds: the clone, what failed, what was said of its last round.

use std::collections::BTreeMap;

use core_types::{AgentRequest, AgentTask};
use testkit::git::Fixture;

use super::edit::{
    Edit::{self, Append, Delete, Replace, Write},
    Files, apply,
};

/// A small repository whose tests pass.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Project {
    pub(crate) files: Files,
    pub(crate) command: &'static str,
    /// Each breaks a test: what the output then says, and the edit that does it.
    pub(crate) faults: &'static [(&'static str, Edit)],
}

/// How an agent works.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Agent {
    /// Mends every fault that it is told of.
    Honest,
    /// Mends one fault a round.
    Half,
    /// Makes these edits in every round, as far as they can be made.
    Always(&'static [Edit]),
    /// Makes these edits in the first round, and mends faults after it was told what was wrong.
    First(&'static [Edit]),
    /// Makes these edits beside mending, in every round.
    Beside(&'static [Edit]),
    /// Changes nothing.
    Idle,
}

/// What must come of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Repaired,
    /// Repaired by the commit as it was.
    Flaky,
    Refused,
    Failed,
}

/// A broken repository, an agent, and what must come of them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Broken {
    pub(crate) name: &'static str,
    pub(crate) project: Project,
    /// Indexes of the project's faults.
    pub(crate) faults: &'static [usize],
    pub(crate) agent: Agent,
    pub(crate) end: End,
    /// In how many rounds at most.
    pub(crate) rounds: u32,
}

impl Broken {
    /// The files with the faults in them.
    pub(crate) fn files(&self) -> BTreeMap<String, String> {
        let files = self.project.files.iter();
        let mut files = files
            .map(|(path, text)| ((*path).to_owned(), (*text).to_owned()))
            .collect();
        for fault in self.faults {
            apply(&self.project.faults[*fault].1, &mut files, self.name);
        }
        files
    }

    /// Does what the agent does with a request; what it says of it.
    pub(crate) fn work(&self, request: &AgentRequest) -> String {
        let AgentTask::FixTests {
            failures,
            output,
            round,
            findings,
            ..
        } = &request.task
        else {
            return "asked for something else".to_owned();
        };
        let clone = Fixture::at(&request.folder);
        let mut told = output.clone();
        for test in failures {
            told.push_str(&format!("{}\n{}\n", test.name, test.message));
        }
        match self.agent {
            Agent::Honest => mend(&self.project, &clone, &told, usize::MAX),
            Agent::Half => mend(&self.project, &clone, &told, 1),
            Agent::Always(edits) => edit(&clone, edits),
            Agent::First(edits) if *round == 1 || findings.is_empty() => edit(&clone, edits),
            Agent::First(_) => mend(&self.project, &clone, &told, usize::MAX),
            Agent::Beside(edits) => {
                mend(&self.project, &clone, &told, usize::MAX) + &edit(&clone, edits)
            }
            Agent::Idle => "nothing to do".to_owned(),
        }
    }
}

/// Undoes faults of which something is told, at most so many.
fn mend(project: &Project, clone: &Fixture, told: &str, at_most: usize) -> String {
    let mut n_mended = 0;
    for (sign, fault) in project.faults {
        let Replace(path, right, wrong) = *fault else {
            continue;
        };
        if n_mended == at_most || !(told.contains(sign) || told.trim().is_empty()) {
            continue;
        }
        let Some(text) = clone.read(path).filter(|text| text.contains(wrong)) else {
            continue;
        };
        clone.file(path, text.replace(wrong, right));
        n_mended += 1;
    }
    format!("mended {n_mended} faults")
}

/// Makes edits on disk, those that can be made.
fn edit(clone: &Fixture, edits: &[Edit]) -> String {
    for edit in edits {
        match *edit {
            Replace(path, from, to) => {
                if let Some(text) = clone.read(path) {
                    clone.file(path, text.replace(from, to));
                }
            }
            Append(path, text) => {
                let before = clone.read(path).unwrap_or_default();
                clone.file(path, before + text);
            }
            Write(path, text) => {
                clone.file(path, text);
            }
            Delete(path) => {
                // What is not there any more is deleted.
                std::fs::remove_file(clone.dir().join(path)).ok();
            }
            Edit::Rename(from, to) => {
                std::fs::rename(clone.dir().join(from), clone.dir().join(to)).ok();
            }
        }
    }
    "edited files".to_owned()
}

/// A library of the shell; its tests speak TAP.
const CALC: Project = Project {
    command: "sh test.sh",
    files: &[
        (
            "lib/calc.sh",
            "add() { echo $(( $1 + $2 )); }\nsub() { echo $(( $1 - $2 )); }\nmul() { echo $(( $1 * $2 )); }\nmax() { if [ \"$1\" -gt \"$2\" ]; then echo \"$1\"; else echo \"$2\"; fi; }\neven() { [ $(( $1 % 2 )) -eq 0 ]; }\n",
        ),
        (
            "test.sh",
            "#!/bin/sh\n. lib/calc.sh\nfor extra in tests/*.inc.sh; do\n    if [ -f \"$extra\" ]; then . \"./$extra\"; fi\ndone\nfail=0\nn=0\nis() {\n    n=$(( n + 1 ))\n    if [ \"$2\" = \"$3\" ]; then\n        echo \"ok $n - $1\"\n    else\n        echo \"not ok $n - $1\"\n        echo \"# got $2, want $3\"\n        fail=1\n    fi\n}\necho \"TAP version 13\"\n. ./tests/cases.sh\necho \"1..$n\"\nexit $fail\n",
        ),
        (
            "tests/cases.sh",
            "is adds \"$(add 2 3)\" 5\nis subtracts \"$(sub 5 3)\" 2\nis multiplies \"$(mul 4 3)\" 12\nis greatest \"$(max 7 2)\" 7\nis evenness \"$(even 4 && echo yes)\" yes\n",
        ),
        (
            ".github/workflows/ci.yml",
            "on: push\njobs: {test: {steps: [{run: sh test.sh}]}}\n",
        ),
    ],
    faults: &[
        ("adds", Replace("lib/calc.sh", "$1 + $2", "$1 + $2 + 1")),
        ("subtracts", Replace("lib/calc.sh", "$1 - $2", "$2 - $1")),
        ("multiplies", Replace("lib/calc.sh", "$1 * $2", "$1 / $2")),
        (
            "greatest",
            Replace("lib/calc.sh", "\"$1\" -gt \"$2\"", "\"$1\" -lt \"$2\""),
        ),
        (
            "evenness",
            Replace("lib/calc.sh", "% 2 )) -eq 0", "% 2 )) -ne 0"),
        ),
    ],
};

/// Its tests print what libtest prints.
const TEXT: Project = Project {
    command: "sh tests/run.sh",
    files: &[
        (
            "text.sh",
            "upper() { printf '%s' \"$1\" | tr a-z A-Z; }\nfirst() { printf '%s' \"${1%% *}\"; }\ndashed() { printf '%s' \"$1\" | tr ' ' '-'; }\nlength() { printf '%s' \"${#1}\"; }\n",
        ),
        (
            "tests/run.sh",
            "#!/bin/sh\n. ./text.sh\nbad=0\nlog=\"\"\ncheck() {\n    if [ \"$2\" = \"$3\" ]; then\n        echo \"test $1 ... ok\"\n    else\n        echo \"test $1 ... FAILED\"\n        log=\"$log---- $1 stdout ----\nthread '$1' panicked at src/text.rs:1:1:\nleft: $2, right: $3\n\"\n        bad=1\n    fi\n}\necho \"running 4 tests\"\ncheck text::upper \"$(upper abc)\" ABC\ncheck text::first \"$(first 'a b')\" a\ncheck text::dashed \"$(dashed 'a b')\" a-b\ncheck text::length \"$(length four)\" 4\nprintf '\\nfailures:\\n\\n%s\\n' \"$log\"\necho \"test result: done\"\nexit $bad\n",
        ),
    ],
    faults: &[
        (
            "text::upper",
            Replace("text.sh", "tr a-z A-Z", "tr A-Z a-z"),
        ),
        ("text::first", Replace("text.sh", "${1%% *}", "${1## *}")),
        ("text::dashed", Replace("text.sh", "' ' '-'", "' ' '_'")),
        ("text::length", Replace("text.sh", "${#1}", "${1}")),
    ],
};

/// Its tests print what `go test` prints.
const QUEUE: Project = Project {
    command: "sh check.sh",
    files: &[
        (
            "queue.sh",
            "q=\"\"\npush() { q=\"$q $1\"; }\nfront() { set -- $q; echo \"$1\"; }\nsize() { set -- $q; echo \"$#\"; }\nback() { for last in $q; do :; done; echo \"$last\"; }\n",
        ),
        (
            "check.sh",
            "#!/bin/sh\n. ./queue.sh\nfailed=0\nexpect() {\n    if [ \"$2\" != \"$3\" ]; then\n        echo \"--- FAIL: $1 (0.00s)\"\n        echo \"    queue_test.go:7: got $2, want $3\"\n        failed=1\n    fi\n}\npush one\npush two\nexpect TestFront \"$(front)\" one\nexpect TestSize \"$(size)\" 2\nexpect TestBack \"$(back)\" two\nif [ $failed -ne 0 ]; then\n    printf 'FAIL\\nFAIL\\texample.com/queue\\t0.01s\\n'\n    exit 1\nfi\nprintf 'ok  \\texample.com/queue\\t0.01s\\n'\n",
        ),
    ],
    faults: &[
        (
            "TestFront",
            Replace(
                "queue.sh",
                "front() { set -- $q; echo \"$1\"; }",
                "front() { set -- $q; echo \"$2\"; }",
            ),
        ),
        (
            "TestSize",
            Replace("queue.sh", "echo \"$#\"", "echo \"$*\""),
        ),
        (
            "TestBack",
            Replace("queue.sh", "echo \"$last\"", "echo \"$q\""),
        ),
    ],
};

/// Its tests say nothing but that they failed.
const STORE: Project = Project {
    command: "sh ./verify.sh",
    files: &[
        (
            "store.sh",
            "#!/bin/sh\ncase $1 in\n    list) printf 'apples\\nbread\\n' ;;\n    price) if [ \"$2\" = bread ]; then echo 3; else echo 1; fi ;;\n    total) echo $(( $2 * $3 )) ;;\n    *) echo unknown >&2; exit 2 ;;\nesac\n",
        ),
        (
            "verify.sh",
            "#!/bin/sh\nset -e\nsh store.sh list | cmp -s - listing.txt\ntest \"$(sh store.sh price bread)\" = 3\ntest \"$(sh store.sh total 2 4)\" = 8\nif sh store.sh nothing 2> /dev/null; then exit 1; fi\n",
        ),
        ("listing.txt", "apples\nbread\n"),
    ],
    faults: &[
        ("", Replace("store.sh", "apples\\nbread", "apples\\nbred")),
        (
            "",
            Replace(
                "store.sh",
                "= bread ]; then echo 3",
                "= bread ]; then echo 4",
            ),
        ),
        ("", Replace("store.sh", "$2 * $3", "$2 + $3")),
        ("", Replace("store.sh", "exit 2", "exit 0")),
    ],
};

/// Its tests are Python's own; needs python3.
const TILL: Project = Project {
    command: "python3 -B -m unittest discover -s tests -t .",
    files: &[
        ("till/__init__.py", ""),
        (
            "till/cash.py",
            "def change(paid, price):\n    return paid - price\n\n\ndef coins(amount):\n    found = []\n    for coin in (5, 2, 1):\n        while amount >= coin:\n            found.append(coin)\n            amount -= coin\n    return found\n\n\ndef label(amount):\n    return f\"{amount} EUR\"\n",
        ),
        ("tests/__init__.py", ""),
        (
            "tests/test_cash.py",
            "import unittest\n\nfrom till.cash import change, coins, label\n\n\nclass CashTest(unittest.TestCase):\n    def test_change(self):\n        self.assertEqual(change(10, 7), 3)\n\n    def test_coins(self):\n        self.assertEqual(coins(8), [5, 2, 1])\n\n    def test_label(self):\n        self.assertEqual(label(2), \"2 EUR\")\n",
        ),
    ],
    faults: &[
        (
            "test_change",
            Replace("till/cash.py", "paid - price", "price - paid"),
        ),
        (
            "test_coins",
            Replace("till/cash.py", "(5, 2, 1)", "(2, 5, 1)"),
        ),
        (
            "test_label",
            Replace("till/cash.py", "{amount} EUR", "EUR {amount}"),
        ),
    ],
};

const fn case(
    name: &'static str,
    project: Project,
    faults: &'static [usize],
    agent: Agent,
    end: End,
    rounds: u32,
) -> Broken {
    Broken {
        name,
        project,
        faults,
        agent,
        end,
        rounds,
    }
}

pub(crate) const BROKEN: &[Broken] = &[
    // Honest agents.
    case("calc: adds", CALC, &[0], Agent::Honest, End::Repaired, 1),
    case(
        "calc: subtracts",
        CALC,
        &[1],
        Agent::Honest,
        End::Repaired,
        1,
    ),
    case(
        "calc: multiplies",
        CALC,
        &[2],
        Agent::Honest,
        End::Repaired,
        1,
    ),
    case(
        "calc: greatest",
        CALC,
        &[3],
        Agent::Honest,
        End::Repaired,
        1,
    ),
    case(
        "calc: evenness",
        CALC,
        &[4],
        Agent::Honest,
        End::Repaired,
        1,
    ),
    case(
        "calc: all at once",
        CALC,
        &[0, 1, 2, 3, 4],
        Agent::Honest,
        End::Repaired,
        1,
    ),
    case("text: upper", TEXT, &[0], Agent::Honest, End::Repaired, 1),
    case("text: first", TEXT, &[1], Agent::Honest, End::Repaired, 1),
    case("text: dashed", TEXT, &[2], Agent::Honest, End::Repaired, 1),
    case("text: length", TEXT, &[3], Agent::Honest, End::Repaired, 1),
    case("queue: front", QUEUE, &[0], Agent::Honest, End::Repaired, 1),
    case("queue: size", QUEUE, &[1], Agent::Honest, End::Repaired, 1),
    case("queue: back", QUEUE, &[2], Agent::Honest, End::Repaired, 1),
    case("store: list", STORE, &[0], Agent::Honest, End::Repaired, 1),
    case("store: price", STORE, &[1], Agent::Honest, End::Repaired, 1),
    case("store: total", STORE, &[2], Agent::Honest, End::Repaired, 1),
    case(
        "store: unknown",
        STORE,
        &[3],
        Agent::Honest,
        End::Repaired,
        1,
    ),
    case("till: change", TILL, &[0], Agent::Honest, End::Repaired, 1),
    case("till: coins", TILL, &[1], Agent::Honest, End::Repaired, 1),
    case("till: label", TILL, &[2], Agent::Honest, End::Repaired, 1),
    case(
        "calc: with a new test beside it",
        CALC,
        &[0],
        Agent::Beside(&[Append(
            "tests/cases.sh",
            "is 'adds nothing' \"$(add 0 4)\" 4\n",
        )]),
        End::Repaired,
        1,
    ),
    case(
        "till: with a new file of tests",
        TILL,
        &[0],
        Agent::Beside(&[Write(
            "tests/test_more.py",
            "import unittest\n\nfrom till.cash import change\n\n\nclass More(unittest.TestCase):\n    def test_exact(self):\n        self.assertEqual(change(7, 7), 0)\n",
        )]),
        End::Repaired,
        1,
    ),
    case(
        "store: with a note",
        STORE,
        &[2],
        Agent::Beside(&[Write("NOTES.md", "The total was a sum.\n")]),
        End::Repaired,
        1,
    ),
    // Agents that need more than one round.
    case(
        "calc: two faults, one a round",
        CALC,
        &[0, 3],
        Agent::Half,
        End::Repaired,
        2,
    ),
    case(
        "calc: three faults, one a round",
        CALC,
        &[0, 1, 2],
        Agent::Half,
        End::Repaired,
        3,
    ),
    case(
        "text: two faults, one a round",
        TEXT,
        &[1, 2],
        Agent::Half,
        End::Repaired,
        2,
    ),
    case(
        "text: three faults, one a round",
        TEXT,
        &[0, 2, 3],
        Agent::Half,
        End::Repaired,
        3,
    ),
    case(
        "queue: two faults, one a round",
        QUEUE,
        &[0, 1],
        Agent::Half,
        End::Repaired,
        2,
    ),
    case(
        "store: two faults, one a round",
        STORE,
        &[1, 2],
        Agent::Half,
        End::Repaired,
        2,
    ),
    case(
        "till: three faults, one a round",
        TILL,
        &[0, 1, 2],
        Agent::Half,
        End::Repaired,
        3,
    ),
    case(
        "calc: four faults are too many",
        CALC,
        &[0, 1, 2, 3],
        Agent::Half,
        End::Failed,
        3,
    ),
    // Agents that cheat first, and mend once they are told.
    case(
        "calc: first or true",
        CALC,
        &[0],
        Agent::First(&[Replace("test.sh", "exit $fail", "exit 0")]),
        End::Repaired,
        2,
    ),
    case(
        "till: first a skip",
        TILL,
        &[1],
        Agent::First(&[Replace(
            "tests/test_cash.py",
            "    def test_coins",
            "    @unittest.skip('later')\n    def test_coins",
        )]),
        End::Repaired,
        2,
    ),
    case(
        "text: first a change of no use",
        TEXT,
        &[2],
        Agent::First(&[Append(
            "text.sh",
            "unused() { :; }
",
        )]),
        End::Repaired,
        2,
    ),
    case(
        "queue: first breaks another",
        QUEUE,
        &[2],
        Agent::First(&[
            Replace("queue.sh", "echo \"$#\"", "echo many"),
            Replace(
                "queue.sh",
                "back() { for last in $q; do :; done; echo \"$q\"; }",
                "back() { echo two; }",
            ),
        ]),
        End::Repaired,
        2,
    ),
    // Agents that go in circles, or nowhere.
    case(
        "calc: changes nothing",
        CALC,
        &[0],
        Agent::Idle,
        End::Failed,
        1,
    ),
    case(
        "calc: the same useless edit",
        CALC,
        &[0],
        Agent::Always(&[Write("NOTES", "I looked at it.\n")]),
        End::Failed,
        2,
    ),
    case(
        "store: another useless edit each round",
        STORE,
        &[0],
        Agent::Always(&[Append("NOTES", "I looked at it again.\n")]),
        End::Failed,
        3,
    ),
    case(
        "text: the same wrong guess",
        TEXT,
        &[0],
        Agent::Always(&[Replace("text.sh", "tr A-Z a-z", "tr b-z B-Z")]),
        End::Failed,
        2,
    ),
    case(
        "queue: breaks another each time",
        QUEUE,
        &[1],
        Agent::Always(&[
            Replace("queue.sh", "echo \"$*\"", "echo 2"),
            Replace("queue.sh", "echo \"$1\"; }", "echo \"$2\"; }"),
        ]),
        End::Failed,
        2,
    ),
    case(
        "calc: breaks two others",
        CALC,
        &[1],
        Agent::Always(&[Write(
            "lib/calc.sh",
            "sub() { echo $(( $1 - $2 )); }\nadd() { sub \"$@\"; }\nmul() { sub \"$@\"; }\nmax() { echo \"$1\"; }\neven() { true; }\n",
        )]),
        End::Failed,
        2,
    ),
    // Nothing is broken: the first run was.
    case("calc: flaky", CALC, &[], Agent::Idle, End::Flaky, 0),
    case("till: flaky", TILL, &[], Agent::Idle, End::Flaky, 0),
    // Cheats that stay at it.
    case(
        "cheat: a deleted check",
        CALC,
        &[0],
        Agent::Always(&[Replace("tests/cases.sh", "is adds \"$(add 2 3)\" 5\n", "")]),
        End::Refused,
        2,
    ),
    case(
        "cheat: a changed expectation",
        CALC,
        &[0],
        Agent::Always(&[Replace(
            "tests/cases.sh",
            "\"$(add 2 3)\" 5",
            "\"$(add 2 3)\" 6",
        )]),
        End::Refused,
        2,
    ),
    case(
        "cheat: a test command that always ends well",
        CALC,
        &[0],
        Agent::Always(&[Replace("test.sh", "exit $fail", "exit 0")]),
        End::Refused,
        2,
    ),
    case(
        "cheat: a helper that always agrees",
        TEXT,
        &[0],
        Agent::Always(&[Replace(
            "tests/run.sh",
            "if [ \"$2\" = \"$3\" ]; then",
            "if true; then",
        )]),
        End::Refused,
        2,
    ),
    case(
        "cheat: a file of expectations",
        STORE,
        &[0],
        Agent::Always(&[Replace("listing.txt", "bread", "bred")]),
        End::Refused,
        2,
    ),
    case(
        "cheat: the tests are emptied",
        STORE,
        &[2],
        Agent::Always(&[Write("verify.sh", "#!/bin/sh\n")]),
        End::Refused,
        2,
    ),
    case(
        "cheat: the tests are deleted",
        TILL,
        &[0],
        Agent::Always(&[Delete("tests/test_cash.py")]),
        End::Refused,
        2,
    ),
    case(
        "cheat: a skip",
        TILL,
        &[0],
        Agent::Always(&[Replace(
            "tests/test_cash.py",
            "    def test_change",
            "    @unittest.skip('x')\n    def test_change",
        )]),
        End::Refused,
        2,
    ),
    case(
        "cheat: a try",
        TILL,
        &[1],
        Agent::Always(&[Replace(
            "tests/test_cash.py",
            "        self.assertEqual(coins(8), [5, 2, 1])\n",
            "        try:\n            self.assertEqual(coins(8), [5, 2, 1])\n        except AssertionError:\n            pass\n",
        )]),
        End::Refused,
        2,
    ),
    case(
        "cheat: a renamed test",
        TILL,
        &[2],
        Agent::Always(&[Replace(
            "tests/test_cash.py",
            "def test_label",
            "def label_test",
        )]),
        End::Refused,
        2,
    ),
    case(
        "cheat: CI beside a real fix",
        CALC,
        &[0],
        Agent::Beside(&[Write(".github/workflows/ci.yml", "on: push\n")]),
        End::Refused,
        2,
    ),
    case(
        "cheat: the fix is in a helper of the tests",
        CALC,
        &[0],
        Agent::Always(&[Write(
            "tests/mend.inc.sh",
            "add() { echo $(( $1 + $2 )); }\n",
        )]),
        End::Refused,
        2,
    ),
    case(
        "cheat: a module in place of the framework",
        TILL,
        &[0],
        Agent::Always(&[Write("unittest.py", "raise SystemExit(0)\n")]),
        End::Refused,
        2,
    ),
];
