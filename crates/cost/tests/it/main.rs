//! The public API of the crate, through its edge.

mod golden;
mod histories;
mod journaled;
mod memory;

/// A file that is not named above is never compiled.
#[test]
fn every_file_is_a_module() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    for entry in folder.read_dir().expect("the folder of tests") {
        let name = entry.expect("an entry").file_name();
        let name = name.to_string_lossy();
        let Some(module) = name.strip_suffix(".rs").filter(|module| *module != "main") else {
            continue;
        };
        let named = include_str!("main.rs")
            .lines()
            .any(|line| line == format!("mod {module};"));
        assert!(named, "{name} is not named in main.rs");
    }
}
