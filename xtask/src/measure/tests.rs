use super::claim::{Claim, Verdict, round};
use super::document::{replace_section, section};
use super::program::Kind;

const BENCH: &str = r#"{"claim":"wall time","ours":1.23456,"held_against":"git in sh | xargs","theirs":1,
    "ratio":1.23456,"goal":"≤ 1.5","verdict":"holds","spread":"± 3 %","unit":"s"}"#;

#[test]
fn a_claim_is_one_line() {
    let claim = Claim::parse(Kind::Bench, BENCH).expect("the example is well formed");
    assert_eq!(
        claim.line(Kind::Bench),
        "holds        wall time: ours 1.235 s, held against git in sh | xargs, theirs 1 s, ratio 1.235, \
         goal ≤ 1.5, spread ± 3 %"
    );
    let claim = Claim::parse(
        Kind::Bench,
        r#"{"claim":"saver","verdict":"not run (no pip)"}"#,
    )
    .expect("figures may lack");
    assert_eq!(claim.line(Kind::Bench), "not run (no pip)  saver");
}

#[test]
fn counts_of_a_crash_outweigh_its_verdict() {
    let verdict = |points: u32, survived: u32, duplicates: u32| {
        let line = format!(
            r#"{{"claim":"kill","points":{points},"survived":{survived},"duplicates":{duplicates},"verdict":"holds"}}"#
        );
        Claim::parse(Kind::Crash, &line)
            .map(|claim| claim.verdict)
            .map_err(|error| error.to_string())
    };
    assert_eq!(verdict(200, 200, 0), Ok(Verdict::Holds));
    assert_eq!(
        verdict(200, 199, 0),
        Ok(Verdict::FallsShort),
        "a lost run is no success"
    );
    assert_eq!(
        verdict(200, 200, 1),
        Ok(Verdict::FallsShort),
        "a duplicate is no success"
    );
    assert!(verdict(0, 0, 0).is_err(), "nothing tried proves nothing");
}

#[test]
fn malformed_claims_are_refused() {
    for line in [
        "plain text",
        "{}",
        r#"{"claim":"a"}"#,
        r#"{"claim":"a","verdict":"fine"}"#,
    ] {
        assert!(Claim::parse(Kind::Bench, line).is_err(), "accepted {line}");
    }
    let without_counts = r#"{"claim":"a","verdict":"holds"}"#;
    assert!(
        Claim::parse(Kind::Crash, without_counts).is_err(),
        "a crash claim has counts"
    );
}

#[test]
fn numbers_keep_four_digits() {
    let cases = [
        (0.0, "0"),
        (1.5, "1.5"),
        (1234.56, "1235"),
        (0.000_123_456, "0.0001235"),
        (-20.0, "-20"),
    ];
    for (number, expected) in cases {
        assert_eq!(round(number), expected);
    }
}

#[test]
fn a_section_is_a_table() {
    let claim = Claim::parse(Kind::Bench, BENCH).expect("the example is well formed");
    assert_eq!(
        section("bench workflow", "Here.", Kind::Bench, &[claim]),
        "## bench workflow\n\nHere.\n\n\
         | Claim | Ours | Held against | Theirs | Ratio | Goal | Spread | Verdict |\n\
         |---|---|---|---|---|---|---|---|\n\
         | wall time | 1.235 s | git in sh \\| xargs | 1 s | 1.235 | ≤ 1.5 | ± 3 % | holds |\n"
    );
}

#[test]
fn a_section_replaces_only_its_own() {
    let document =
        "# Benchmarks\n\nText.\n\n## bench a\n\nold\n\n### Notes\n\n## bench ab\n\nkept\n";
    let replaced = replace_section(document, "bench a", "## bench a\n\nnew\n");
    assert_eq!(
        replaced,
        "# Benchmarks\n\nText.\n\n## bench a\n\nnew\n\n## bench ab\n\nkept\n"
    );
    let added = replace_section(&replaced, "crash a", "## crash a\n\nfirst\n");
    assert_eq!(added, format!("{replaced}\n## crash a\n\nfirst\n"));
}
