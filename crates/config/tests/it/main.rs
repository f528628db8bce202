//! The public API of `config`, and the samples that the repository ships.

mod bad_input;
mod samples;

/// Every file of this folder is a module above.
#[test]
fn no_file_is_forgotten() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .expect("the folder of this test")
        .map(|entry| {
            entry
                .expect("an entry of it")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    names.sort();
    assert_eq!(names, ["bad_input.rs", "main.rs", "samples.rs"]);
}
