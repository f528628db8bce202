//! The public interface, with real programs.

mod api;
mod command;
mod conformance;
mod gateway;
mod program;
mod prompt;
mod registry;
mod request;
mod scripted;
mod support;

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
        let listed = source.contains(&format!("mod {module};"));
        assert!(module == "main" || listed, "{name} is in main.rs");
    }
}
