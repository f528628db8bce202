use super::report::{line, summary};
use super::steps::{Outcome, libtest_count, nextest_count};

#[test]
fn tests_are_counted() {
    let nextest = "   PASS [ 0.1s] a\n------\n     Summary [   1.204s] 412 tests run: 412 passed (1 slow), 3 skipped\n";
    assert_eq!(nextest_count(nextest), Some(412));
    let libtest =
        "test result: ok. 12 passed; 0 failed; 0 ignored\n\ntest result: ok. 30 passed; 0 failed\n";
    assert_eq!(libtest_count(libtest), Some(42));
    assert_eq!(nextest_count(libtest), None);
    assert_eq!(libtest_count(nextest), None);
}

#[test]
fn a_step_is_one_line() {
    let passed = Outcome::Passed("412 tests".to_owned());
    assert_eq!(
        line("tests", 12.34, &passed),
        "ok   tests         12.3 s   412 tests"
    );
    let failed = Outcome::Failed("long\noutput".to_owned());
    assert_eq!(line("clippy", 1.0, &failed), "FAIL clippy         1.0 s");
}

#[test]
fn the_last_line_is_plain() {
    assert_eq!(summary(11, 1), "11 passed, 1 failed");
}
