//! The public API, over real git repositories and everything else in memory.

mod advanced;
mod by_repository;
mod conflict_cases;
mod conflict_corpus;
mod conflict_fixers;
mod conflict_measure;
mod conflict_resolution;
mod manual;
mod retry;
mod steps;
mod test_fix;
mod test_fix_cases;
mod test_fix_integrity;
mod world;

#[test]
fn no_file_is_forgotten() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it");
    let main = include_str!("main.rs");
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let module = name.strip_suffix(".rs").unwrap_or(&name);
        assert!(
            module == "main" || main.contains(&format!("mod {module};")),
            "{name} is not compiled"
        );
    }
}
