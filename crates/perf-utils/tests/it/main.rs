//! The public API, against real servers on the loopback and on tokio's paused clock.

mod batch;
mod cache;
mod cached;
mod compile_fail;
mod governor;
mod lifecycle;
mod pool;
mod server;
mod tls;

#[test]
fn no_file_is_forgotten() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it");
    let main = include_str!("main.rs");
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let module = name.strip_suffix(".rs").unwrap();
        assert!(
            module == "main" || main.contains(&format!("mod {module};")),
            "{name} is not compiled"
        );
    }
}
