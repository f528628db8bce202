use std::collections::BTreeMap;

use super::tidy::{self, File};
use super::{Finding, features, layers};
use crate::workspace::{Dependency, Package};

/// Findings as `path:line: message`, one a line.
fn shown(findings: &[Finding]) -> String {
    findings
        .iter()
        .map(|finding| format!("{finding}\n"))
        .collect()
}

/// Checks that exactly these findings come of these files, compared by their beginnings.
fn check_tidy(files: &[(&str, &str)], expected: &[&str]) {
    let files: Vec<File> = files
        .iter()
        .map(|(path, text)| File {
            path: (*path).to_owned(),
            text: (*text).to_owned(),
        })
        .collect();
    compare(&tidy::check(&files), expected);
}

fn compare(findings: &[Finding], expected: &[&str]) {
    let shown = shown(findings);
    assert_eq!(
        shown.lines().count(),
        expected.len(),
        "each finding is expected:\n{shown}"
    );
    for (line, expected) in shown.lines().zip(expected) {
        assert!(
            line.starts_with(expected),
            "expected `{expected}`, found `{line}`"
        );
    }
}

const MANIFEST: &str = "\
[package]
name = \"journal\"
description = \"One log\"
version.workspace = true
edition.workspace = true
rust-version.workspace = true
license.workspace = true
publish.workspace = true

[package.metadata.house]
layer = 1 # base

[lints]
workspace = true
";

#[test]
fn a_manifest_of_the_house_is_clean() {
    check_tidy(&[("crates/journal/Cargo.toml", MANIFEST)], &[]);
}

#[test]
fn a_manifest_lacks_what_every_crate_says() {
    let manifest = "[package]\nname = \"other\"\nversion = \"1.0.0\"\n[dependencies]\nserde_yaml.workspace = true\n";
    check_tidy(
        &[("crates/journal/Cargo.toml", manifest)],
        &[
            "crates/journal/Cargo.toml:1: the lints of the workspace",
            "crates/journal/Cargo.toml:1: no layer",
            "crates/journal/Cargo.toml:1: no description",
            "crates/journal/Cargo.toml:1: `version` is not the workspace's",
            "crates/journal/Cargo.toml:1: `edition`",
            "crates/journal/Cargo.toml:1: `rust-version`",
            "crates/journal/Cargo.toml:1: `license`",
            "crates/journal/Cargo.toml:1: `publish`",
            "crates/journal/Cargo.toml:1: package `other` stands in folder `journal`",
            "crates/journal/Cargo.toml:5: YAML is read by crate config alone",
        ],
    );
    check_tidy(&[("crates/bench-peers/Cargo.toml", manifest)], &[]);
}

#[test]
fn unfinished_and_silenced_code_is_found() {
    let source = "\
fn a() { todo!() }
// TODO: later
// TODO(#12): has its issue, LOOSE_TODO is a name
#[allow(dead_code)]
#[cfg_attr(test, allow(dead_code))]
fn b(allow: u8) { c(allow) }
unsafe fn d() {}
use serde_yaml::Value;
";
    check_tidy(
        &[("crates/journal/src/lib.rs", source)],
        &[
            "crates/journal/src/lib.rs:1: unfinished code",
            "crates/journal/src/lib.rs:2: a TODO without its issue",
            "crates/journal/src/lib.rs:4: `allow`",
            "crates/journal/src/lib.rs:5: `allow`",
            "crates/journal/src/lib.rs:7: unsafe code outside crate process",
            "crates/journal/src/lib.rs:8: YAML is read by crate config alone",
        ],
    );
    check_tidy(
        &[(
            "crates/journal/src/lib.rs",
            "// TODO(#n)\n// TODO(#1) TODO\n// FIXME\n",
        )],
        &[
            "crates/journal/src/lib.rs:1: a TODO",
            "crates/journal/src/lib.rs:2: a TODO",
            "crates/journal/src/lib.rs:3: a TODO",
        ],
    );
    check_tidy(&[("crates/process/src/lib.rs", "unsafe fn d() {}\n")], &[]);
    check_tidy(
        &[("crates/config/src/lib.rs", "use serde_yaml::Value;\n")],
        &[],
    );
}

#[test]
fn words_in_text_and_comments_are_no_code() {
    let source = r###"
/// An unsafe todo!() in serde_yaml, #[ignore]d.
/* unsafe /* nested */ unsafe */
fn a<'a>(x: &'a str) -> [char; 3] { ['"', '\'', '\u{41}'] }
const A: &str = "unsafe \" // TODO";
const B: &str = r##"unsafe "# unsafe"##;
const C: &[u8] = br"\"; const D: &str = "over two lines \
    unsafe";
"###;
    check_tidy(&[("crates/journal/src/lib.rs", source)], &[]);
    let after = format!("{source}unsafe fn e() {{}}\n");
    check_tidy(
        &[("crates/journal/src/lib.rs", &after)],
        &["crates/journal/src/lib.rs:9: unsafe"],
    );
}

#[test]
fn tests_neither_sleep_nor_are_ignored() {
    let test = "#[ignore = \"slow\"]\n#[should_panic]\nfn a() { std::thread::sleep(b) }\n";
    check_tidy(
        &[
            ("crates/journal/src/tests.rs", test),
            ("crates/journal/src/lib.rs", "mod tests;\n"),
        ],
        &[
            "crates/journal/src/tests.rs:1: an ignored test",
            "crates/journal/src/tests.rs:2: `should_panic`",
            "crates/journal/src/tests.rs:3: a sleep in a test",
        ],
    );
    let inline =
        "fn a() { std::thread::sleep(b) }\nmod tests {\n  fn a() { std::thread::sleep(b) }\n}\n";
    check_tidy(
        &[("crates/journal/src/lib.rs", inline)],
        &["crates/journal/src/lib.rs:3: a sleep"],
    );
}

#[test]
fn a_test_file_that_nobody_declares_is_found() {
    let files = [
        ("crates/cli/src/area/tests.rs", "\n"),
        ("crates/cli/src/area/mod.rs", "// mod tests;\n"),
        ("crates/cli/src/other/tests/several.rs", "\n"),
        ("crates/cli/tests/extra.rs", "\n"),
        ("crates/cli/tests/it/main.rs", "mod a;\npub(crate) mod c;\n"),
        ("crates/cli/tests/it/a.rs", "\n"),
        ("crates/cli/tests/it/b.rs", "\n"),
        ("crates/cli/tests/it/c/mod.rs", "\n"),
        ("crates/cli/tests/it/d/mod.rs", "\n"),
    ];
    check_tidy(
        &files,
        &[
            "crates/cli/src/area/tests.rs:1: never run",
            "crates/cli/tests/extra.rs:1: a second test binary",
            "crates/cli/tests/it/b.rs:1: never run: `mod b;`",
            "crates/cli/tests/it/d/mod.rs:1: never run: `mod d;`",
        ],
    );
}

#[test]
fn looks_of_text_are_checked_and_goldens_spared() {
    let text = format!(
        "a \nb\t\n{}/x\nhttps://host{}/x\n~{}/x\nlast",
        "/work", "/work", "/root"
    );
    let expected = [
        "docs/a.md:1: white space",
        "docs/a.md:2: white space",
        "docs/a.md:3: an absolute path",
        "docs/a.md:6: no newline",
    ];
    check_tidy(&[("docs/a.md", &text)], &expected);
    check_tidy(&[("crates/cli/tests/it/fixtures/a.txt", &text)], &[]);
    check_tidy(
        &[("xtask/src/a.rs", "\tfn a() {}\n")],
        &["xtask/src/a.rs:1: a tab"],
    );
    check_tidy(
        &[("crates/cli/a.toml", "a = 1 # TODO\n")],
        &["crates/cli/a.toml:1: a TODO"],
    );
}

#[test]
fn long_files_are_found_and_tests_spared() {
    let lines = |n: usize| "fn a() {}\n".repeat(n);
    let path = "crates/journal/src/a.rs";
    check_tidy(&[(path, &lines(500))], &[]);
    check_tidy(
        &[(path, &lines(501))],
        &["crates/journal/src/a.rs:501: warning: 501 lines"],
    );
    check_tidy(
        &[(path, &lines(800))],
        &["crates/journal/src/a.rs:501: warning"],
    );
    check_tidy(
        &[(path, &lines(801))],
        &["crates/journal/src/a.rs:801: 801 lines"],
    );
    check_tidy(&[("crates/journal/tests/it/main.rs", &lines(900))], &[]);
    check_tidy(&[("docs/architecture.md", &lines(300))], &[]);
    check_tidy(
        &[("docs/architecture.md", &lines(301))],
        &["docs/architecture.md:301: 301 lines"],
    );
}

#[test]
fn the_ground_has_a_budget() {
    let files: Vec<(String, String)> = (0..13)
        .map(|i| {
            (
                format!("crates/core-types/src/a{i}.rs"),
                "fn a() {}\n".repeat(462),
            )
        })
        .collect();
    let mut files: Vec<(&str, &str)> = files
        .iter()
        .map(|(path, text)| (path.as_str(), text.as_str()))
        .collect();
    check_tidy(
        &files,
        &["crates/core-types/src/lib.rs:1: core-types has 6006 lines"],
    );
    files.pop();
    check_tidy(&files, &[]);
}

#[test]
fn each_error_code_has_one_page() {
    let source = (
        "crates/cli/src/a.rs",
        "const A: &str = \"E0001\";\nconst B: &str = \"E0002\";\n",
    );
    check_tidy(&[source], &[]);
    check_tidy(
        &[
            source,
            ("docs/errors/E0002.md", "\n"),
            ("docs/errors/E0003.md", "\n"),
            ("docs/errors/index.md", "\n"),
        ],
        &[
            "crates/cli/src/a.rs:1: no page docs/errors/E0001.md",
            "docs/errors/E0003.md:1: no error has this code",
        ],
    );
}

/// Packages as `name layer: dependency dev:dependency`; each stands in `name/Cargo.toml`.
fn check_layers(packages: &[&str], expected: &[&str]) {
    let packages: Vec<Package> = packages
        .iter()
        .map(|package| {
            let (head, dependencies) = package
                .split_once(':')
                .expect("a colon stands after the layer");
            let (name, layer) = head.split_once(' ').unwrap_or((head, ""));
            let dependencies = dependencies.split_whitespace().map(|dependency| {
                match dependency.strip_prefix("dev:") {
                    Some(name) => Dependency {
                        name: name.to_owned(),
                        is_dev: true,
                    },
                    None => Dependency {
                        name: dependency.to_owned(),
                        is_dev: false,
                    },
                }
            });
            let dependencies: Vec<Dependency> = dependencies.collect();
            let lines = dependencies
                .iter()
                .map(|dependency| format!("{}.workspace = true\n", dependency.name));
            Package {
                name: name.to_owned(),
                manifest: format!("{name}/Cargo.toml"),
                text: format!("[dependencies]\n{}", lines.collect::<String>()),
                layer: layer.parse().ok(),
                dependencies,
                ..Package::default()
            }
        })
        .collect();
    compare(&layers(&packages), expected);
}

#[test]
fn edges_go_strictly_downward() {
    let packages = [
        "core-types 0: serde",
        "journal 1: core-types",
        "process 1: core-types",
        "testkit 4: journal",
    ];
    check_layers(&packages, &[]);
    check_layers(
        &[
            "core-types 0: journal",
            "journal 1: serde process",
            "process 1: dev:testkit",
            "testkit 4: journal",
        ],
        &[
            "core-types/Cargo.toml:2: `core-types` (layer 0) depends on `journal` (layer 1)",
            "journal/Cargo.toml:3: `journal` (layer 1) depends on `process` (layer 1)",
        ],
    );
    check_layers(&["journal: "], &["journal/Cargo.toml:1: no layer"]);
}

#[test]
fn capabilities_do_not_know_the_outside() {
    check_layers(
        &[
            "process 1:",
            "config 1:",
            "macros 1:",
            "cost 2: config process macros",
            "perf-utils 2: macros",
        ],
        &[
            "cost/Cargo.toml:3: `cost` may depend on",
            "cost/Cargo.toml:4: `cost` may",
            "cost/Cargo.toml:4: `macros` is",
        ],
    );
}

#[test]
fn some_crates_have_few_friends() {
    check_layers(
        &[
            "core-types 0:",
            "config 1:",
            "testkit 4: core-types",
            "engine-workflow 4: core-types config",
            "facade 5: engine-workflow testkit",
            "cli 6: facade core-types dev:testkit",
            "xtask 6: dev:core-types",
        ],
        &[
            "engine-workflow/Cargo.toml:3: `engine-workflow` may depend on core-types, engine-parallel only",
            "facade/Cargo.toml:3: `testkit` is a normal dependency of no crate of the workspace only",
            "cli/Cargo.toml:3: `cli` may depend on facade only, not on `core-types`",
            "xtask/Cargo.toml:2: `xtask` may depend on no crate",
        ],
    );
}

#[test]
fn foreign_crates_have_their_places() {
    check_layers(
        &[
            "core-types 0: tokio dev:tokio",
            "journal 1: tokio anyhow dev:anyhow",
            "config 1: serde_yaml",
        ],
        &[
            "core-types/Cargo.toml:2: the ground has no runtime",
            "journal/Cargo.toml:3: `anyhow` is for",
        ],
    );
}

fn feature_table() -> BTreeMap<String, Vec<String>> {
    [
        ("default", ""),
        ("full", "a b"),
        ("a", "dep:x"),
        ("b", "a y?/z"),
        ("c", ""),
    ]
    .map(|(name, enables)| {
        (
            name.to_owned(),
            enables.split_whitespace().map(str::to_owned).collect(),
        )
    })
    .into()
}

#[test]
fn combinations_are_none_each_pairs_and_full() {
    assert_eq!(
        features::combinations(&feature_table(), false),
        ["", "a", "b", "c", "full"]
    );
    assert_eq!(
        features::combinations(&feature_table(), true),
        ["", "a", "b", "c", "a,b", "a,c", "b,c", "full"]
    );
}

#[test]
fn a_feature_enables_through_others() {
    let enabled = features::enables("full", &feature_table());
    assert_eq!(
        enabled.into_iter().collect::<Vec<_>>(),
        ["a", "b", "dep:x", "y?/z"]
    );
}

#[test]
fn heavy_crates_are_found_by_whole_name() {
    let tree = "facade v0.0.0 (/x)\nhyper-util v0.1.0\naxum v0.8.0 (*)\n\n";
    assert_eq!(features::heavy_in(tree), ["axum"]);
}
