//! The public interface, with real processes.

mod dialog;
mod end;
mod environment;
mod failures;
mod network;
mod output;
mod parent;
mod runner;
mod sandbox;
mod support;
mod tree;

/// A file in this folder that is not a module would never run.
#[test]
fn no_file_is_forgotten() {
    let source = include_str!("main.rs");
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it");
    for item in std::fs::read_dir(folder).expect("the folder exists") {
        let name = item
            .expect("readable")
            .file_name()
            .into_string()
            .expect("UTF-8");
        let module = name.trim_end_matches(".rs");
        assert!(
            module == "main" || source.contains(&format!("mod {module};")),
            "{name} is in main.rs"
        );
    }
}
