//! The public API.

mod compile_fail;
#[cfg(all(feature = "dashboard", feature = "testkit"))]
mod dashboard_client;
#[cfg(all(feature = "dashboard", feature = "testkit"))]
mod dashboard_guard;
#[cfg(all(feature = "dashboard", feature = "testkit"))]
mod dashboard_limits;
#[cfg(all(feature = "dashboard", feature = "testkit"))]
mod dashboard_live;
#[cfg(all(feature = "dashboard", feature = "testkit"))]
mod dashboard_pages;
mod families;
mod grafana;
mod hostile;
mod measured;

#[test]
fn no_file_is_forgotten() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it");
    let main = include_str!("main.rs");
    for entry in std::fs::read_dir(folder).expect("it works in a test") {
        let name = entry
            .expect("it works in a test")
            .file_name()
            .into_string()
            .expect("it works in a test");
        let module = name.strip_suffix(".rs").expect("it works in a test");
        assert!(
            module == "main" || main.contains(&format!("mod {module};")),
            "{name} is not compiled"
        );
    }
}
