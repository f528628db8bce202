//! Conflicts of our own making: what each side did to a base, and whether an
//! agent can settle it. Made for tests and for the bench.

use crate::conflict_corpus::{Case, Change, Expected};

use Change::{Bytes, Executable, Gone, Link, Text};

const LIB: &str = "greet() { echo \"hello world\"; }\nadd() { echo $(($1 + $2)); }\n";

/// A case that an agent can settle; `test` is a shell script that passes on the right merge.
const fn fixable(
    name: &'static str,
    base: &'static [(&'static str, Change)],
    ours: &'static [(&'static str, Change)],
    theirs: &'static [(&'static str, Change)],
    test: &'static str,
) -> Case {
    Case {
        name,
        base,
        ours,
        theirs,
        test,
        expected: Expected::Repaired,
    }
}

/// A case that is a person's, with what the reason says.
const fn person(
    name: &'static str,
    base: &'static [(&'static str, Change)],
    ours: &'static [(&'static str, Change)],
    theirs: &'static [(&'static str, Change)],
    reason: &'static str,
) -> Case {
    Case {
        name,
        base,
        ours,
        theirs,
        test: ":",
        expected: Expected::Person(reason),
    }
}

/// All of them.
pub(crate) const CASES: &[Case] = &[
    fixable(
        "both append a function",
        &[("lib.sh", Text(LIB))],
        &[(
            "lib.sh",
            Text(
                "greet() { echo \"hello world\"; }\nadd() { echo $(($1 + $2)); }\nsub() { echo $(($1 - $2)); }\n",
            ),
        )],
        &[(
            "lib.sh",
            Text(
                "greet() { echo \"hello world\"; }\nadd() { echo $(($1 + $2)); }\nmul() { echo $(($1 * $2)); }\n",
            ),
        )],
        ". ./lib.sh; [ $(sub 3 1) = 2 ]; [ $(mul 2 3) = 6 ]",
    ),
    fixable(
        "both append functions of several lines",
        &[("lib.sh", Text(LIB))],
        &[(
            "lib.sh",
            Text(
                "greet() { echo \"hello world\"; }\nadd() { echo $(($1 + $2)); }\n\nsub() {\n  local n=$1\n  echo $((n - $2))\n}\n",
            ),
        )],
        &[(
            "lib.sh",
            Text(
                "greet() { echo \"hello world\"; }\nadd() { echo $(($1 + $2)); }\n\nmul() {\n  local n=$1\n  echo $((n * $2))\n}\n",
            ),
        )],
        ". ./lib.sh; [ $(sub 3 1) = 2 ]; [ $(mul 2 3) = 6 ]",
    ),
    fixable(
        "two words of one line",
        &[("lib.sh", Text(LIB))],
        &[(
            "lib.sh",
            Text("greet() { echo \"hi world\"; }\nadd() { echo $(($1 + $2)); }\n"),
        )],
        &[(
            "lib.sh",
            Text("greet() { echo \"hello everybody\"; }\nadd() { echo $(($1 + $2)); }\n"),
        )],
        ". ./lib.sh; [ \"$(greet)\" = 'hi everybody' ]",
    ),
    fixable(
        "adjacent lines",
        &[("lib.sh", Text("a=1\nb=2\nc=3\nd=4\n"))],
        &[("lib.sh", Text("a=1\nb=20\nc=3\nd=4\n"))],
        &[("lib.sh", Text("a=1\nb=2\nc=30\nd=4\n"))],
        ". ./lib.sh; [ $b = 20 ]; [ $c = 30 ]",
    ),
    fixable(
        "code that one side moved and the other changed",
        &[(
            "lib.sh",
            Text(
                "area() {\n  echo $(($1 * $1))\n}\n\nname() {\n  echo shape\n}\n\nround() {\n  echo 3\n}\n\nlast() {\n  echo end\n}\n",
            ),
        )],
        &[(
            "lib.sh",
            Text(
                "name() {\n  echo shape\n}\n\nround() {\n  echo 3\n}\n\nlast() {\n  echo end\n}\n\narea() {\n  echo $(($1 * $1))\n}\n",
            ),
        )],
        &[(
            "lib.sh",
            Text(
                "area() {\n  echo $(($1 * $2))\n}\n\nname() {\n  echo shape\n}\n\nround() {\n  echo 3\n}\n\nlast() {\n  echo end\n}\n",
            ),
        )],
        ". ./lib.sh; [ $(area 2 3) = 6 ]; [ $(grep -c 'area()' lib.sh) = 1 ]; [ $(head -1 lib.sh) = 'name()' ] || head -1 lib.sh | grep -q name",
    ),
    fixable(
        "imports of a Python module",
        &[(
            "app.py",
            Text("import os\nimport sys\n\n\ndef main():\n    print(os.name, sys.argv)\n"),
        )],
        &[(
            "app.py",
            Text(
                "import json\nimport os\nimport sys\n\n\ndef main():\n    print(os.name, sys.argv)\n",
            ),
        )],
        &[(
            "app.py",
            Text(
                "import logging\nimport os\nimport sys\n\n\ndef main():\n    print(os.name, sys.argv)\n",
            ),
        )],
        "grep -qx 'import json' app.py; grep -qx 'import logging' app.py; [ $(grep -c ^import app.py) = 4 ]",
    ),
    fixable(
        "use lines of a Rust module",
        &[("lib.rs", Text("use std::fmt;\n\npub fn one() {}\n"))],
        &[(
            "lib.rs",
            Text("use std::fmt;\nuse std::io;\n\npub fn one() {}\n"),
        )],
        &[(
            "lib.rs",
            Text("use std::fmt;\nuse std::path::Path;\n\npub fn one() {}\n"),
        )],
        "grep -qx 'use std::io;' lib.rs; grep -qx 'use std::path::Path;' lib.rs",
    ),
    fixable(
        "both add the same file",
        &[("README", Text("x\n"))],
        &[("util.sh", Text("one() { echo 1; }\n"))],
        &[("util.sh", Text("two() { echo 2; }\n"))],
        ". ./util.sh; [ $(one)$(two) = 12 ]",
    ),
    fixable(
        "one side renames, both change a line",
        &[(
            "old.sh",
            Text(
                "# helpers of the program\nname() { echo shape; }\nsize() { echo small thing; }\nkind() { echo kind; }\nlast() { echo last; }\n",
            ),
        )],
        &[
            ("old.sh", Gone),
            (
                "new.sh",
                Text(
                    "# helpers of the program\nname() { echo shape; }\nsize() { echo tiny thing; }\nkind() { echo kind; }\nlast() { echo last; }\n",
                ),
            ),
        ],
        &[(
            "old.sh",
            Text(
                "# helpers of the program\nname() { echo shape; }\nsize() { echo small object; }\nkind() { echo kind; }\nlast() { echo last; }\n",
            ),
        )],
        ". ./new.sh; [ \"$(size)\" = 'tiny object' ]; [ ! -e old.sh ]",
    ),
    fixable(
        "lines that end in CRLF",
        &[("conf.ini", Text("[a]\r\nx=1\r\n"))],
        &[("conf.ini", Text("[a]\r\nx=1\r\ny=2\r\n"))],
        &[("conf.ini", Text("[a]\r\nx=1\r\nz=3\r\n"))],
        "[ $(tr -d '\\r' < conf.ini | grep -c '^[yz]=') = 2 ]; [ $(grep -c \"$(printf '\\r')\" conf.ini) = 4 ]",
    ),
    fixable(
        "no newline at the end",
        &[("list", Text("a\nb"))],
        &[("list", Text("a\nb\nc"))],
        &[("list", Text("a\nb\nd"))],
        "grep -qx c list; grep -qx d list; grep -qx b list",
    ),
    fixable(
        "several hunks in one file",
        &[(
            "lib.sh",
            Text("a=1 # one\n\n\n\nb=1 # one\n\n\n\nc=1 # one\n\n\n\nd=1 # one\n\n\n\ne=1 # one\n"),
        )],
        &[(
            "lib.sh",
            Text("a=2 # one\n\n\n\nb=2 # one\n\n\n\nc=2 # one\n\n\n\nd=2 # one\n\n\n\ne=2 # one\n"),
        )],
        &[(
            "lib.sh",
            Text("a=1 # uno\n\n\n\nb=1 # uno\n\n\n\nc=1 # uno\n\n\n\nd=1 # uno\n\n\n\ne=1 # uno\n"),
        )],
        ". ./lib.sh; [ $a$b$c$d$e = 22222 ]; [ $(grep -c uno lib.sh) = 5 ]",
    ),
    fixable(
        "one side indents, the other changes",
        &[("run.sh", Text("x=1\necho start\ny=2\n"))],
        &[(
            "run.sh",
            Text("if true; then\n    x=1\n    echo start\n    y=2\nfi\n"),
        )],
        &[("run.sh", Text("x=1\necho begin\ny=2\n"))],
        "[ \"$(sh run.sh)\" = begin ]; grep -q '^    echo' run.sh",
    ),
    fixable(
        "white space at the end of lines",
        &[("doc.md", Text("One line  \nAnother line  \n"))],
        &[("doc.md", Text("One line\nAnother line\n"))],
        &[("doc.md", Text("One line  \nAnother longer line  \n"))],
        "grep -qx 'Another longer line' doc.md",
    ),
    fixable(
        "entries of a change log",
        &[("CHANGES.md", Text("# Changes\n\n- first\n"))],
        &[("CHANGES.md", Text("# Changes\n\n- adds colors\n- first\n"))],
        &[("CHANGES.md", Text("# Changes\n\n- adds sounds\n- first\n"))],
        "grep -qx -- '- adds colors' CHANGES.md; grep -qx -- '- adds sounds' CHANGES.md",
    ),
    fixable(
        "items of a list in one line",
        &[("build.sh", Text("parts=\"core net\"\n"))],
        &[("build.sh", Text("parts=\"core net disk\"\n"))],
        &[("build.sh", Text("parts=\"core net user\"\n"))],
        ". ./build.sh; [ \"$parts\" = 'core net disk user' ]",
    ),
    fixable(
        "parameters of a function",
        &[(
            "lib.sh",
            Text("call() { run \"$1\"; }\nrun() { echo \"$@\"; }\n"),
        )],
        &[(
            "lib.sh",
            Text("call() { run \"$1\" --fast; }\nrun() { echo \"$@\"; }\n"),
        )],
        &[(
            "lib.sh",
            Text("call() { run \"$1\" --quiet; }\nrun() { echo \"$@\"; }\n"),
        )],
        ". ./lib.sh; [ \"$(call a)\" = 'a --fast --quiet' ]",
    ),
    fixable(
        "a condition that both sides narrow",
        &[("lib.sh", Text("ok() { [ $1 -gt 0 ]; }\n"))],
        &[("lib.sh", Text("ok() { [ $1 -gt 0 ] && [ $1 -lt 9 ]; }\n"))],
        &[("lib.sh", Text("ok() { [ $1 -gt 0 ] && [ $1 -ne 5 ]; }\n"))],
        ". ./lib.sh; ok 4; ! ok 5 && ! ok 10",
    ),
    fixable(
        "version and description beside each other",
        &[(
            "package.toml",
            Text("name = \"app\"\nversion = \"1.0\"\ndescription = \"an app\"\n"),
        )],
        &[(
            "package.toml",
            Text("name = \"app\"\nversion = \"1.1\"\ndescription = \"an app\"\n"),
        )],
        &[(
            "package.toml",
            Text("name = \"app\"\nversion = \"1.0\"\ndescription = \"a fine app\"\n"),
        )],
        "grep -qx 'version = \"1.1\"' package.toml; grep -qx 'description = \"a fine app\"' package.toml",
    ),
    fixable(
        "sections with underlined headings",
        &[("doc.rst", Text("Title\n=======\n\nText.\n"))],
        &[(
            "doc.rst",
            Text("Title\n=======\n\nText.\n\nInstall\n=======\n\nRun it.\n"),
        )],
        &[(
            "doc.rst",
            Text("Title\n=======\n\nText.\n\nLicense\n=======\n\nMIT.\n"),
        )],
        "[ $(grep -cx ======= doc.rst) = 3 ]; grep -qx Install doc.rst; grep -qx License doc.rst",
    ),
    fixable(
        "a text about conflict markers",
        &[(
            "git.md",
            Text("A conflict:\n\n<<<<<<< ours\na\n=======\nb\n>>>>>>> theirs\n\nMore:\n"),
        )],
        &[(
            "git.md",
            Text(
                "A conflict:\n\n<<<<<<< ours\na\n=======\nb\n>>>>>>> theirs\n\nMore:\n- see merge\n",
            ),
        )],
        &[(
            "git.md",
            Text(
                "A conflict:\n\n<<<<<<< ours\na\n=======\nb\n>>>>>>> theirs\n\nMore:\n- see rebase\n",
            ),
        )],
        "grep -qx -- '- see merge' git.md; grep -qx -- '- see rebase' git.md; grep -qx '<<<<<<< ours' git.md",
    ),
    fixable(
        "a path with spaces",
        &[("my docs/read me.txt", Text("a\n"))],
        &[("my docs/read me.txt", Text("a\nours\n"))],
        &[("my docs/read me.txt", Text("a\ntheirs\n"))],
        "grep -qx ours 'my docs/read me.txt'; grep -qx theirs 'my docs/read me.txt'",
    ),
    fixable(
        "names and words beyond ASCII",
        &[("straße/größe.txt", Text("äpfel\n"))],
        &[("straße/größe.txt", Text("äpfel\nbirnen 🍐\n"))],
        &[("straße/größe.txt", Text("äpfel\nкириллица\n"))],
        "grep -q 🍐 straße/größe.txt; grep -qx кириллица straße/größe.txt",
    ),
    fixable(
        "a removed line beside a changed one",
        &[("env", Text("A=1\nOLD=2\nB=3\nC=4\n"))],
        &[("env", Text("A=1\nB=3\nC=4\n"))],
        &[("env", Text("A=1\nOLD=2\nB=30\nC=4\n"))],
        "grep -qx B=30 env; [ $(grep -c OLD env || :) = 0 ]",
    ),
    fixable(
        "a comment beside a value",
        &[("lib.sh", Text("limit=10\n"))],
        &[("lib.sh", Text("limit=10 # of requests\n"))],
        &[("lib.sh", Text("limit=25\n"))],
        ". ./lib.sh; [ $limit = 25 ]; grep -q '# of requests' lib.sh",
    ),
    fixable(
        "additions that have a part in common",
        &[("deps.txt", Text("base\n"))],
        &[("deps.txt", Text("base\ncommon\nonly-ours\n"))],
        &[("deps.txt", Text("base\ncommon\nonly-theirs\n"))],
        "[ \"$(sort deps.txt | tr '\\n' ' ')\" = 'base common only-ours only-theirs ' ]",
    ),
    fixable(
        "conflicts in two files",
        &[
            ("a.sh", Text("a() { echo a; }\n")),
            ("b.sh", Text("b() { echo b; }\n")),
        ],
        &[
            ("a.sh", Text("a() { echo a; }\na1() { echo a1; }\n")),
            ("b.sh", Text("b() { echo b; }\nb1() { echo b1; }\n")),
        ],
        &[
            ("a.sh", Text("a() { echo a; }\na2() { echo a2; }\n")),
            ("b.sh", Text("b() { echo b; }\nb2() { echo b2; }\n")),
        ],
        ". ./a.sh; . ./b.sh; [ $(a1)$(a2)$(b1)$(b2) = a1a2b1b2 ]",
    ),
    fixable(
        "arms of a case",
        &[(
            "main.sh",
            Text("case $1 in\n  start) echo started ;;\n  *) echo usage ;;\nesac\n"),
        )],
        &[(
            "main.sh",
            Text(
                "case $1 in\n  start) echo started ;;\n  stop) echo stopped ;;\n  *) echo usage ;;\nesac\n",
            ),
        )],
        &[(
            "main.sh",
            Text(
                "case $1 in\n  start) echo started ;;\n  status) echo fine ;;\n  *) echo usage ;;\nesac\n",
            ),
        )],
        "[ $(sh main.sh stop)$(sh main.sh status)$(sh main.sh x) = stoppedfineusage ]",
    ),
    fixable(
        "keys of a YAML file",
        &[("app.yaml", Text("server:\n  port: 80\n"))],
        &[("app.yaml", Text("server:\n  port: 80\n  host: local\n"))],
        &[("app.yaml", Text("server:\n  port: 80\n  timeout: 5s\n"))],
        "grep -qx '  host: local' app.yaml; grep -qx '  timeout: 5s' app.yaml",
    ),
    fixable(
        "ignored files",
        &[(".gitignore", Text("target\n"))],
        &[(".gitignore", Text("target\n*.log\n"))],
        &[(".gitignore", Text("target\n*.tmp\n"))],
        "grep -qxF '*.log' .gitignore; grep -qxF '*.tmp' .gitignore",
    ),
    fixable(
        "targets of a Makefile",
        &[("Makefile", Text("all:\n\techo all\n"))],
        &[("Makefile", Text("all:\n\techo all\n\nlint:\n\techo lint\n"))],
        &[(
            "Makefile",
            Text("all:\n\techo all\n\nclean:\n\techo clean\n"),
        )],
        "[ $(grep -c '^[a-z]*:$' Makefile) = 3 ]; [ $(grep -c \"$(printf '^\\t')echo\" Makefile) = 3 ]",
    ),
    fixable(
        "variants of an enum",
        &[("kind.rs", Text("pub enum Kind {\n    Open,\n}\n"))],
        &[(
            "kind.rs",
            Text("pub enum Kind {\n    Open,\n    Closed,\n}\n"),
        )],
        &[(
            "kind.rs",
            Text("pub enum Kind {\n    Open,\n    Merged,\n}\n"),
        )],
        "grep -qx '    Closed,' kind.rs; grep -qx '    Merged,' kind.rs; [ $(grep -c '}' kind.rs) = 1 ]",
    ),
    fixable(
        "rows of a table",
        &[("prices.csv", Text("name,price\napple,1\n"))],
        &[("prices.csv", Text("name,price\napple,1\npear,2\n"))],
        &[("prices.csv", Text("name,price\napple,1\nplum,3\n"))],
        "[ $(wc -l < prices.csv) = 4 ]; grep -qx pear,2 prices.csv; grep -qx plum,3 prices.csv",
    ),
    fixable(
        "tests that both sides add",
        &[("spec.sh", Text("t_one() { true; }\n"))],
        &[("spec.sh", Text("t_one() { true; }\nt_ours() { true; }\n"))],
        &[("spec.sh", Text("t_one() { true; }\nt_theirs() { true; }\n"))],
        ". ./spec.sh; t_one; t_ours; t_theirs",
    ),
    fixable(
        "an executable script",
        &[("tool", Executable("#!/bin/sh\necho one\n"))],
        &[("tool", Executable("#!/bin/sh\necho one\necho two\n"))],
        &[("tool", Executable("#!/bin/sh\necho one\necho three\n"))],
        "[ \"$(./tool | tr '\\n' ' ')\" = 'one two three ' ]",
    ),
    fixable(
        "clean changes beside a conflict",
        &[("lib.sh", Text("first=1\n\n\n\nmiddle=m\n\n\n\nlast=1\n"))],
        &[
            (
                "lib.sh",
                Text("first=2\n\n\n\nmiddle=m\nours=1\n\n\n\nlast=1\n"),
            ),
            ("ours.txt", Text("o\n")),
        ],
        &[
            (
                "lib.sh",
                Text("first=1\n\n\n\nmiddle=m\ntheirs=1\n\n\n\nlast=2\n"),
            ),
            ("theirs.txt", Text("t\n")),
        ],
        ". ./lib.sh; [ $first$last$ours$theirs = 2211 ]; [ -e ours.txt ]; [ -e theirs.txt ]",
    ),
    fixable(
        "two values where the words differ",
        &[(
            "README.md",
            Text("The quick fox jumps over the lazy dog every morning.\n"),
        )],
        &[(
            "README.md",
            Text("The quick red fox jumps over the lazy dog every morning.\n"),
        )],
        &[(
            "README.md",
            Text("The quick fox jumps over the lazy dog every single evening.\n"),
        )],
        "grep -qx 'The quick red fox jumps over the lazy dog every single evening.' README.md",
    ),
    // What the words do not show: only the tests tell, and no agent that merges words finds it.
    Case {
        name: "a name that one side changes and the other uses",
        base: &[("lib.sh", Text("load() { echo data; }\nmain() { load; }\n"))],
        ours: &[(
            "lib.sh",
            Text("fetch() { echo data; }\nmain() { fetch; }\n"),
        )],
        theirs: &[(
            "lib.sh",
            Text("load() { echo data; }\nmain() { load; }\nagain() { load; }\n"),
        )],
        test: ". ./lib.sh; [ $(main)$(again) = datadata ]",
        expected: Expected::Hard,
    },
    person(
        "two pictures",
        &[("logo.png", Bytes(b"\x89PNG\0\x01"))],
        &[("logo.png", Bytes(b"\x89PNG\0\x02"))],
        &[("logo.png", Bytes(b"\x89PNG\0\x03"))],
        "\"logo.png\" is no text",
    ),
    person(
        "two pictures of one name",
        &[("README", Text("x\n"))],
        &[("logo.png", Bytes(b"\x89PNG\0\x02"))],
        &[("logo.png", Bytes(b"\x89PNG\0\x03"))],
        "\"logo.png\" is no text",
    ),
    person(
        "deleted by us",
        &[("old.sh", Text("a\nb\n"))],
        &[("old.sh", Gone)],
        &[("old.sh", Text("a\nb\nc\n"))],
        "\"old.sh\" was deleted by one side and changed by the other",
    ),
    person(
        "deleted by them, beside a conflict of lines",
        &[("old.sh", Text("a\nb\n")), ("new.sh", Text("x\n"))],
        &[("old.sh", Text("a\nb\nc\n")), ("new.sh", Text("y\n"))],
        &[("old.sh", Gone), ("new.sh", Text("z\n"))],
        "\"old.sh\" was deleted by one side and changed by the other",
    ),
    person(
        "renamed to two names",
        &[("a.txt", Text("one\ntwo\nthree\n"))],
        &[("a.txt", Gone), ("b.txt", Text("one\ntwo\nthree\n"))],
        &[("a.txt", Gone), ("c.txt", Text("one\ntwo\nthree\n"))],
        "rename/rename",
    ),
    person(
        "links to two places",
        &[("current", Link("v1"))],
        &[("current", Link("v2"))],
        &[("current", Link("v3"))],
        "\"current\" is in the way by its name, mode or kind",
    ),
    person(
        "a folder against a file",
        &[("README", Text("x\n"))],
        &[("data/a", Text("1\n"))],
        &[("data", Text("2\n"))],
        "file/directory",
    ),
    person(
        "one file with two modes",
        &[("README", Text("x\n"))],
        &[("run", Executable("true\n"))],
        &[("run", Text("true\n"))],
        "\"run\" is in the way by its name, mode or kind",
    ),
    person(
        "too many places",
        &[(
            "big",
            Text(
                "1 a\n\n\n\n2 a\n\n\n\n3 a\n\n\n\n4 a\n\n\n\n5 a\n\n\n\n6 a\n\n\n\n7 a\n\n\n\n8 a\n\n\n\n9 a\n\n\n\n10 a\n\n\n\n11 a\n\n\n\n12 a\n\n\n\n13 a\n\n\n\n14 a\n\n\n\n15 a\n\n\n\n16 a\n\n\n\n17 a\n\n\n\n18 a\n\n\n\n19 a\n\n\n\n20 a\n\n\n\n21 a\n",
            ),
        )],
        &[(
            "big",
            Text(
                "1 b\n\n\n\n2 b\n\n\n\n3 b\n\n\n\n4 b\n\n\n\n5 b\n\n\n\n6 b\n\n\n\n7 b\n\n\n\n8 b\n\n\n\n9 b\n\n\n\n10 b\n\n\n\n11 b\n\n\n\n12 b\n\n\n\n13 b\n\n\n\n14 b\n\n\n\n15 b\n\n\n\n16 b\n\n\n\n17 b\n\n\n\n18 b\n\n\n\n19 b\n\n\n\n20 b\n\n\n\n21 b\n",
            ),
        )],
        &[(
            "big",
            Text(
                "1 c\n\n\n\n2 c\n\n\n\n3 c\n\n\n\n4 c\n\n\n\n5 c\n\n\n\n6 c\n\n\n\n7 c\n\n\n\n8 c\n\n\n\n9 c\n\n\n\n10 c\n\n\n\n11 c\n\n\n\n12 c\n\n\n\n13 c\n\n\n\n14 c\n\n\n\n15 c\n\n\n\n16 c\n\n\n\n17 c\n\n\n\n18 c\n\n\n\n19 c\n\n\n\n20 c\n\n\n\n21 c\n",
            ),
        )],
        "21 conflicting places in 1 file, more than 20",
    ),
];
