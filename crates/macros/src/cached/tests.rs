use std::str::FromStr as _;

use proc_macro2::TokenStream;

use super::expand;

/// The first error: the text it points to, and what it says.
fn error(options: &str, function: &str) -> Option<(String, String)> {
    let parse = |code| TokenStream::from_str(code).expect("the case is well formed");
    let error = expand(parse(options), parse(function)).err()?;
    let first = error.into_iter().next().expect("an error has a message");
    Some((
        first.span().source_text().unwrap_or_default(),
        first.to_string(),
    ))
}

#[track_caller]
fn check(options: &str, function: &str, place: &str, message: &str) {
    let (at, says) = error(options, function).expect("it is refused");
    assert_eq!(at, place, "the error points to what is wrong: {says}");
    assert!(says.contains(message), "{says}");
}

#[test]
fn what_cannot_be_served_is_refused_at_its_place() {
    let cases = [
        ("async fn f(&self) -> u8 { 0 }", "&self", "a field"),
        (
            "async fn f(self: Arc<Self>) -> u8 { 0 }",
            "self: Arc<Self>",
            "a field",
        ),
        ("fn f() -> u8 { 0 }", "fn", "async fn"),
        ("async fn f<T>(t: T) -> u8 { 0 }", "<T>", "no generic"),
        (
            "async fn f<'a>(t: &'a str) -> u8 { 0 }",
            "<'a>",
            "lifetimes",
        ),
        (
            "async fn f<const N: usize>() -> u8 { 0 }",
            "<const N: usize>",
            "no generic",
        ),
        (
            "async fn f(a: impl Into<String>) -> u8 { 0 }",
            "impl Into<String>",
            "impl Trait",
        ),
        ("async fn f(a: &mut u8) -> u8 { 0 }", "&mut u8", "&mut"),
        (
            "async fn f(a: Option<&str>) -> u8 { 0 }",
            "&str",
            "plain `&T`",
        ),
        ("async fn f(a: &[&str]) -> u8 { 0 }", "&str", "plain `&T`"),
        (
            "async fn f(a: Cow<'_, str>) -> u8 { 0 }",
            "'_",
            "plain `&T`",
        ),
        ("async fn f(a: u8) -> &str { todo() }", "&str", "owned type"),
        (
            "async fn f(a: u8) -> impl Sized { a }",
            "impl Sized",
            "impl Trait",
        ),
        (
            "async fn f(a: u8) -> Option<Self> { a }",
            "Self",
            "free functions",
        ),
        ("async fn f(a: u8) { drop(a) }", "f", "nothing to be cached"),
    ];
    for (function, place, message) in cases {
        check("ttl_seconds = 600", function, place, message);
    }
    let (at, says) = error("", "async unsafe fn f() -> u8 { 0 }").expect("it is refused");
    assert!(at.starts_with("async unsafe fn"), "{at}");
    assert!(says.contains("safe functions"), "{says}");
}

#[test]
fn wrong_options_are_refused_at_their_place() {
    let function = "async fn f() -> u8 { 0 }";
    check("ttl_seconds = 0", function, "0", "keep nothing");
    check("max_size = 0", function, "0", "keep nothing");
    check("ttl_seconds = 1.5", function, "1.5", "whole number");
    check("ttl_seconds = \"9\"", function, "\"9\"", "whole number");
    check(
        "ttl_secs = 9",
        function,
        "ttl_secs",
        "knows no option `ttl_secs`",
    );
    check("max_size = 1, max_size = 2", function, "max_size", "twice");
    let place = "negative_ttl_seconds";
    check(
        "negative_ttl_seconds = 5",
        function,
        place,
        "return a `Result`",
    );
}

#[test]
fn what_can_be_served_is() {
    let cases = [
        "async fn f() -> u8 { 0 }",
        "pub async fn f(a: &str, (b, c): (u8, u8), mut d: Vec<String>) -> io::Result<Arc<str>> { x() }",
        "async fn f(a: &'static str, b: fn(u8) -> u8) -> Result<&'static str, Error> { x() }",
        "#[expect(unused)] pub(crate) async fn f(_: &[u8]) -> Option<Box<dyn Any + Send + Sync>> { x() }",
    ];
    for function in cases {
        let options = "ttl_seconds = 600, max_size = 10, crate = facade::perf_utils,";
        assert_eq!(error(options, function), None, "{function}");
    }
}
