//! The crate's public behavior, over real git repositories in temporary folders.

mod attacks;
mod capture;
mod clones;
mod conflicts;
mod cut_off;
mod finding;
mod kills;
mod landing;
mod merging;
mod overlays;
mod places;
mod prepared;
mod remotes;
mod rights;
mod support;

/// A file that is not named above would never run.
#[test]
fn no_file_is_forgotten() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it");
    let this = include_str!("main.rs");
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let module = name.trim_end_matches(".rs");
        let is_named = module == "main" || this.contains(&format!("mod {module};"));
        assert!(is_named, "{name} is not part of the test binary");
    }
}
