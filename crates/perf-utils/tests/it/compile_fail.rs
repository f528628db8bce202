//! What `#[cached]` cannot serve, as the compiler says it: where, and in which words.

use testkit::compile_fail::check;

#[test]
fn the_macro_says_what_it_cannot_serve() {
    check(
        env!("CARGO_MANIFEST_DIR"),
        "perf_utils",
        "refused_by_the_macro.rs",
    );
}

#[test]
fn types_that_cannot_be_kept_are_refused_where_they_stand() {
    check(
        env!("CARGO_MANIFEST_DIR"),
        "perf_utils",
        "refused_by_their_types.rs",
    );
}
