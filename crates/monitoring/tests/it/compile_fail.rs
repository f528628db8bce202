//! What the `measure_…` attributes cannot serve, as the compiler says it: where, and in which words.

use testkit::compile_fail::check;

#[test]
fn the_attributes_say_what_they_cannot_serve() {
    check(
        env!("CARGO_MANIFEST_DIR"),
        "monitoring",
        "refused_by_the_macros.rs",
    );
}
