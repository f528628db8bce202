use super::*;

/// `name [file]: first line of the message`, a line for each failure.
fn shown(reading: &Reading) -> String {
    let line = |test: &FailedTest| {
        let file = test
            .file
            .as_deref()
            .map(|file| format!(" [{file}]"))
            .unwrap_or_default();
        let first = test
            .message
            .lines()
            .find(|line| !line.trim().is_empty())
            .unwrap_or("");
        format!("{}{file}: {}\n", test.name, first.trim())
    };
    reading.failures.iter().map(line).collect()
}

fn check(output: &str, format: Format, expected: &str) {
    let reading = read(output, None);
    assert_eq!(shown(&reading), expected);
    assert_eq!(reading.format, format);
}

#[test]
fn libtest_and_rustdoc() {
    let output = "\
   Compiling bank v0.1.0 (/home/me/bank)
    Finished `test` profile [unoptimized + debuginfo] target(s) in 0.52s
     Running unittests src/lib.rs (target/debug/deps/bank-0f3)

running 3 tests
test account::deposits ... ok
test account::withdraws ... FAILED
test account::overdraws - should panic ... FAILED

failures:

---- account::withdraws stdout ----

thread 'account::withdraws' (4711) panicked at src/account.rs:41:9:
assertion `left == right` failed
  left: 3
 right: 5
note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace

---- account::overdraws stdout ----
note: test did not panic as expected


failures:
    account::overdraws
    account::withdraws

test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s

   Doc-tests bank

running 1 test
test src/lib.rs - open (line 7) ... FAILED
test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.21s
";
    check(
        output,
        Format::CargoTest,
        "account::withdraws [src/account.rs]: thread 'account::withdraws' (4711) panicked at src/account.rs:41:9:\n\
         account::overdraws: note: test did not panic as expected\n\
         src/lib.rs - open (line 7): \n",
    );
}

#[test]
fn code_that_does_not_compile_names_no_test() {
    let output = "error[E0308]: mismatched types\n --> src/lib.rs:3:5\nerror: could not compile `bank` (lib test) due to 1 previous error\n";
    check(output, Format::ExitCode, "");
}

#[test]
fn nextest() {
    let output = "\
────────────
 Nextest run ID 7c0a with nextest profile: default
    Starting 3 tests across 2 binaries
        PASS [   0.004s] (1/3) bank account::deposits
        FAIL [   0.006s] (2/3) bank account::withdraws
  stdout ───

    running 1 test
    test account::withdraws ... FAILED

  stderr ───

    thread 'account::withdraws' panicked at src/account.rs:41:9:
    assertion `left == right` failed
      left: 3
     right: 5

     SIGSEGV [   0.011s] (3/3) bank::it deep::recursion
────────────
     Summary [   0.021s] 3 tests run: 1 passed, 2 failed, 0 skipped
        FAIL [   0.006s] (2/3) bank account::withdraws
     SIGSEGV [   0.011s] (3/3) bank::it deep::recursion
error: test run failed
";
    check(
        output,
        Format::Nextest,
        "bank account::withdraws [src/account.rs]: running 1 test\nbank::it deep::recursion: \n",
    );
}

#[test]
fn nextest_with_retries_counts_the_last_try() {
    let output = "\
 Nextest run ID 7c0b with nextest profile: default
  TRY 1 FAIL [   0.004s] bank clock::ticks
  TRY 2 PASS [   0.004s] bank clock::ticks
  TRY 1 FAIL [   0.004s] bank clock::strikes
  TRY 2 FAIL [   0.004s] bank clock::strikes
     Summary [   0.021s] 2 tests run: 1 passed (1 flaky), 1 failed, 0 skipped
  FLAKY 2/2 [   0.004s] bank clock::ticks
  TRY 2 FAIL [   0.004s] bank clock::strikes
";
    let reading = read(output, None);
    let names: Vec<_> = reading
        .failures
        .iter()
        .map(|test| test.name.as_str())
        .collect();
    assert_eq!(names, ["bank clock::strikes"]);
}

#[test]
fn pytest() {
    let output = "\
============================= test session starts ==============================
platform linux -- Python 3.11.7, pytest-8.3.2, pluggy-1.5.0
collected 4 items

tests/test_till.py .F.F                                                  [100%]

=================================== FAILURES ===================================
_________________________________ test_change __________________________________

    def test_change():
>       assert change(10, 7) == 3
E       assert 4 == 3
E        +  where 4 = change(10, 7)

tests/test_till.py:9: AssertionError
____________________________ TestBill.test_rows[a - b] _____________________________

self = <tests.test_till.TestBill object at 0x7f>
E       KeyError: 'a - b'

tests/test_till.py:22: KeyError
=========================== short test summary info ============================
FAILED tests/test_till.py::test_change - assert 4 == 3
FAILED tests/test_till.py::TestBill::test_rows[a - b] - KeyError: 'a - b'
ERROR tests/test_bad.py - ImportError: cannot import name 'x'
==================== 2 failed, 2 passed, 1 error in 0.05s ======================
";
    check(
        output,
        Format::Pytest,
        "tests/test_till.py::test_change [tests/test_till.py]: >       assert change(10, 7) == 3\n\
         tests/test_till.py::TestBill::test_rows[a - b] [tests/test_till.py]: E       KeyError: 'a - b'\n\
         tests/test_bad.py [tests/test_bad.py]: ImportError: cannot import name 'x'\n",
    );
}

#[test]
fn pytest_without_a_summary() {
    let output = "\
=================================== FAILURES ===================================
_________________________________ test_change __________________________________
E       assert 4 == 3
tests/test_till.py:9: AssertionError
1 failed, 3 passed in 0.03s
";
    check(
        output,
        Format::Pytest,
        "test_change [tests/test_till.py]: E       assert 4 == 3\n",
    );
}

#[test]
fn unittest() {
    let output = "\
F.E
======================================================================
ERROR: test_open (tests.test_till.TillTest.test_open)
----------------------------------------------------------------------
Traceback (most recent call last):
  File \"tests/test_till.py\", line 8, in test_open
    Till(None)
TypeError: no cash
======================================================================
FAIL: test_close (tests.test_till.TillTest)
----------------------------------------------------------------------
Traceback (most recent call last):
  File \"tests/test_till.py\", line 12, in test_close
    self.assertEqual(1, 2)
AssertionError: 1 != 2

----------------------------------------------------------------------
Ran 3 tests in 0.001s

FAILED (failures=1, errors=1)
";
    check(
        output,
        Format::Pytest,
        "tests.test_till.TillTest.test_open [tests/test_till.py]: Traceback (most recent call last):\n\
         tests.test_till.TillTest.test_close [tests/test_till.py]: Traceback (most recent call last):\n",
    );
}

#[test]
fn go_text() {
    let output = "\
--- FAIL: TestQueue (0.00s)
    --- FAIL: TestQueue/empty (0.00s)
        queue_test.go:14: got 1, want 0
    --- PASS: TestQueue/full (0.00s)
FAIL
FAIL\texample.com/shop/queue\t0.003s
ok  \texample.com/shop/till\t0.002s
# example.com/shop/bad
bad/bad.go:3:1: syntax error
FAIL\texample.com/shop/bad [build failed]
FAIL
";
    check(
        output,
        Format::GoTest,
        "example.com/shop/queue.TestQueue: \n\
         example.com/shop/queue.TestQueue/empty [queue_test.go]: queue_test.go:14: got 1, want 0\n\
         example.com/shop/bad (build): example.com/shop/bad [build failed]\n",
    );
}

#[test]
fn go_json() {
    let output = r#"
{"Time":"2026-01-01T00:00:00Z","Action":"run","Package":"example.com/shop","Test":"TestAdd"}
{"Time":"2026-01-01T00:00:00Z","Action":"output","Package":"example.com/shop","Test":"TestAdd","Output":"    add_test.go:9: got 4, want 5\n"}
{"Time":"2026-01-01T00:00:00Z","Action":"output","Package":"example.com/shop","Test":"TestAdd","Output":"--- FAIL: TestAdd (0.00s)\n"}
{"Time":"2026-01-01T00:00:00Z","Action":"fail","Package":"example.com/shop","Test":"TestAdd","Elapsed":0}
{"Time":"2026-01-01T00:00:00Z","Action":"pass","Package":"example.com/shop","Test":"TestSub","Elapsed":0}
{"Time":"2026-01-01T00:00:00Z","Action":"fail","Package":"example.com/shop","Elapsed":0.002}
"#;
    check(
        output,
        Format::GoJson,
        "example.com/shop.TestAdd [add_test.go]: add_test.go:9: got 4, want 5\n",
    );
}

#[test]
fn junit() {
    let report = r#"<?xml version="1.0"?>
<!-- <testcase name="not this"><failure/></testcase> -->
<testsuites><testsuite name="shop" tests="3">
  <testcase classname="shop.Till" name="opens" time="0.1"/>
  <testcase classname="shop.Till" name="gives &lt;change&gt;" file="./tests/till.py">
    <failure message="4 &gt; 3" type="AssertionError"><![CDATA[at tests/till.py:9 <here>]]></failure>
  </testcase>
  <testcase name='closes'><error>gone &#x41;&unknown;</error><system-out>x</system-out></testcase>
  <testcase name="later"><skipped/></testcase>
  <testcase name="flaky"><rerunFailure message="once"/></testcase>
</testsuite></testsuites>"#;
    let reading = read("2 failed", Some(report));
    assert_eq!(reading.format, Format::Junit);
    assert_eq!(
        shown(&reading),
        "shop.Till.gives <change> [tests/till.py]: 4 > 3\ncloses: gone A&unknown;\n"
    );
    assert!(
        reading.failures[0]
            .message
            .contains("at tests/till.py:9 <here>")
    );
}

#[test]
fn tap() {
    let output = "\
TAP version 14
1..5
ok 1 - opens
not ok 2 - gives change
  ---
  message: 4 is not 3
  ...
not ok 3 - later # TODO not written
# Subtest: closing
    1..2
    ok 1 - by day
    not ok 2 - by night
    # too dark
not ok 4 - closing
not ok 5
Bail out! no electricity
";
    check(
        output,
        Format::Tap,
        "gives change: message: 4 is not 3\nclosing > by night: too dark\nclosing: \ntest 5: \nBail out!: no electricity\n",
    );
}

#[test]
fn colors_and_progress_are_taken_off() {
    let output = "running 1 test\ncompiling\rtest a ... \u{1b}[31mFAILED\u{1b}[0m\n\ntest result: FAILED. 0 passed\n";
    check(output, Format::CargoTest, "a: \n");
}

#[test]
fn a_repository_of_several_languages_names_all() {
    let output = "running 1 test\ntest a ... FAILED\ntest result: FAILED. 0 passed\n--- FAIL: TestB (0.00s)\nFAIL\tshop\t0.1s\n";
    check(output, Format::CargoTest, "a: \nshop.TestB: \n");
}

#[test]
fn huge_output_is_bounded() {
    let mut output = String::from("running 20000 tests\n");
    for n in 0..20_000 {
        output.push_str(&format!("test t{n}_{} ... FAILED\n", "x".repeat(600)));
    }
    output.push_str("test result: FAILED. 0 passed\n");
    let reading = read(&output, None);
    assert!(reading.is_cut);
    assert_eq!(reading.failures.len(), MAX_FAILURES);
    assert!(
        reading
            .failures
            .iter()
            .all(|test| test.name.len() <= MAX_NAME_BYTES)
    );

    let line = format!(
        "test {} ... FAILED\ntest result: FAILED.",
        "y".repeat(5 << 20)
    );
    assert!(read(&line, None).failures.len() <= 1);
}

proptest::proptest! {
    /// Whatever a command prints, its reading is bounded and nothing panics.
    #[test]
    fn anything_can_be_read(lines in proptest::collection::vec(hostile_line(), 0..40)) {
        let text = lines.join("\n");
        let reading = read(&text, Some(&text));
        proptest::prop_assert!(reading.failures.len() <= MAX_FAILURES);
        for test in &reading.failures {
            proptest::prop_assert!(test.message.len() <= MAX_MESSAGE_BYTES);
        }
    }
}

/// Pieces of every format in any order, cut and joined.
fn hostile_line() -> impl proptest::strategy::Strategy<Value = String> {
    use proptest::strategy::Strategy;
    let pieces = proptest::sample::select(vec![
        "test ",
        " ... FAILED",
        "test result: ",
        "---- ",
        " stdout ----",
        "panicked at ",
        "FAIL [",
        "s] ",
        "(1/2",
        ") ",
        "TRY 2 ",
        "FAILED ",
        ".py::",
        "] - ",
        "____ ",
        " ____",
        "==== FAILURES ====",
        "E ",
        "FAIL: ",
        " (",
        ")",
        "--- FAIL: ",
        "FAIL\t",
        "{\"Action\":\"fail\",\"Package\":\"",
        "\"}",
        "<testsuite",
        "<testcase name=\"",
        "\">",
        "<failure>",
        "<![CDATA[",
        "]]>",
        "<!--",
        "&#x",
        ";",
        "&",
        "not ok",
        " 1",
        "# Subtest: ",
        "1..2",
        "é",
        "\u{1b}[",
        "\r",
        "  ",
        "───",
    ]);
    proptest::collection::vec(pieces, 0..8).prop_map(|pieces| pieces.concat())
}
