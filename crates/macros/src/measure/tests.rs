use std::str::FromStr as _;

use proc_macro2::TokenStream;

use super::{Measure, expand};

/// The first error: the text it points to, and what it says.
fn error(measure: Measure, options: &str, function: &str) -> Option<(String, String)> {
    let parse = |code| TokenStream::from_str(code).expect("the case is well formed");
    let error = expand(measure, parse(options), parse(function)).err()?;
    let first = error.into_iter().next().expect("an error has a message");
    Some((
        first.span().source_text().unwrap_or_default(),
        first.to_string(),
    ))
}

#[track_caller]
fn check(measure: Measure, options: &str, function: &str, place: &str, message: &str) {
    let (at, says) = error(measure, options, function).expect("it is refused");
    assert_eq!(at, place, "the error points to what is wrong: {says}");
    assert!(says.contains(message), "{says}");
}

#[test]
fn what_cannot_be_served_is_refused_at_its_place() {
    for (function, message) in [
        ("fn f() -> u8 { 0 }", "write `async fn`"),
        (
            "fn f() -> impl Future<Output = u8> { g() }",
            "`Metrics::measure_task`",
        ),
        (
            "fn f<'a>() -> Pin<Box<dyn Future<Output = u8> + 'a>> { g() }",
            "`Metrics::measure_task`",
        ),
        (
            "fn f() -> BoxFuture<'static, u8> { g() }",
            "`Metrics::measure_task`",
        ),
    ] {
        check(Measure::Task, "\"feature\"", function, "fn", message);
    }
    let constant = "const fn f() -> u8 { 0 }";
    check(
        Measure::Task,
        "\"feature\"",
        constant,
        "const",
        "no `const fn`",
    );
}

#[test]
fn wrong_options_are_refused_at_their_place() {
    let cases = [
        (
            Measure::Duration,
            "",
            "",
            "a stage is missing: #[measure_duration(\"planning\")]",
        ),
        (
            Measure::Duration,
            "planning",
            "planning",
            "knows no option `planning`",
        ),
        (Measure::Duration, "5", "5", "written in quotes"),
        (Measure::Duration, "\"\"", "\"\"", "has a name"),
        (
            Measure::Duration,
            "\"a\\nb\"",
            "\"a\\nb\"",
            "control characters",
        ),
        (
            Measure::Duration,
            "\"planning\", \"x\"",
            "\"x\"",
            "takes a stage only",
        ),
        (Measure::ApiCall, "\"gitea\"", "", "a method is missing"),
        (
            Measure::ApiCall,
            "\"gitea\", \"m\", \"x\"",
            "\"x\"",
            "a provider and a method only",
        ),
        (
            Measure::Task,
            "\"feature\", name = \"x\"",
            "name",
            "knows no option `name`",
        ),
        (
            Measure::Task,
            "\"feature\", crate = a, crate = b",
            "crate",
            "twice",
        ),
    ];
    for (measure, options, place, message) in cases {
        check(measure, options, "async fn f() -> u8 { 0 }", place, message);
    }
    let long = format!("\"{}\"", "x".repeat(129));
    check(
        Measure::Task,
        &long,
        "async fn f() {}",
        &long,
        "at most 128 bytes",
    );
}

#[test]
fn what_can_be_served_is() {
    let cases = [
        "async fn f() {}",
        "pub async fn f<T: Clone>(&mut self, t: T) -> Result<T, E> where T: Send { Ok(t) }",
        "async unsafe fn f<'a>(a: &'a str) -> &'a str { a }",
        "#[expect(unused)] pub(crate) async fn f(_: impl Sized) -> impl Sized { 0 }",
    ];
    for function in cases {
        let options = "\"gitea\", \"create_issue\", crate = facade::monitoring,";
        assert_eq!(
            error(Measure::ApiCall, options, function),
            None,
            "{function}"
        );
    }
}
