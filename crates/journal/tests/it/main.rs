//! Tests of the public interface.

mod common;
mod crash;
mod damage;
mod faults;
mod files;
mod owner;
mod reader;
mod shared;

#[test]
fn every_test_file_is_compiled() {
    let source = include_str!("main.rs");
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it");
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let module = name.strip_suffix(".rs").unwrap();
        assert!(
            module == "main" || source.contains(&format!("mod {module};")),
            "{name} belongs to no test"
        );
    }
}
