use core_types::{Timestamp, Usd};
use maud::Render as _;
use proptest::prelude::*;

use super::*;

#[test]
fn terminal_sequences_vanish_and_hidden_characters_show() {
    let check = |text: &str, expected: &str| assert_eq!(harmless(text), expected, "{text:?}");
    check("\u{1b}[1;31mred\u{1b}[0m", "red");
    check("\u{1b}]0;title\u{7}after", "after");
    check("\u{1b}]8;;http://x\u{1b}\\link\u{1b}]8;;\u{1b}\\", "link");
    check("\u{9b}2Jgone", "gone");
    check("\u{1b}(Bcharset", "charset");
    check("\u{1b}]never ends\nnext", "\nnext");
    check("a\u{0}b\u{8}c\u{7f}", "a␀b␈c␡");
    check("progress 1\rprogress 2\r\n", "progress 1␍progress 2\n");
    check("user\u{202e}gpj.exe", "user⟨U+202E⟩gpj.exe");
    check("zero\u{200b}width\u{feff}", "zero⟨U+200B⟩width⟨U+FEFF⟩");
    check("tab\tstays, 👩‍💻 too", "tab\tstays, 👩‍💻 too");
    check("\u{e0041}", "⟨U+E0041⟩");
    let stacked = format!("z{}", "\u{301}".repeat(500));
    assert_eq!(
        harmless(&stacked).chars().count(),
        5,
        "marks on one letter are bounded"
    );
    let long = "x".repeat(5_000);
    assert!(harmless(&long).ends_with(" … 1000 more characters"));
}

#[test]
fn foreign_text_is_escaped() {
    assert_eq!(
        Foreign("<img src=x onerror=\"alert(1)\"> & 'q'").render().0,
        "&lt;img src=x onerror=&quot;alert(1)&quot;&gt; &amp; 'q'",
    );
}

/// Bits of what breaks terminals and pages, put together at random.
fn hostile_line() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("<script>alert(1)</script>".to_owned()),
        Just("\"><svg onload=alert(1)>".to_owned()),
        Just("</li></ol></main>".to_owned()),
        Just("<!--".to_owned()),
        Just("]]>".to_owned()),
        Just("javascript:alert(1)".to_owned()),
        Just("\u{1b}[31m".to_owned()),
        Just("\u{1b}[2J\u{1b}[H".to_owned()),
        Just("\u{1b}]0;".to_owned()),
        Just("\u{202e}\u{2066}".to_owned()),
        Just("\u{200f}\u{61c}".to_owned()),
        Just("a\u{300}\u{301}\u{302}\u{303}\u{304}\u{305}\u{306}".to_owned()),
        "\\PC{0,20}",
        proptest::collection::vec(any::<char>(), 0..20).prop_map(String::from_iter),
    ];
    proptest::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn ten_thousand_hostile_lines_are_only_text(line in hostile_line()) {
        let page = Foreign(&line).render().0;
        prop_assert!(!page.contains(['<', '>', '"']), "no markup: {page:?}");
        let entities = page.matches('&').count();
        let ours = ["&lt;", "&gt;", "&amp;", "&quot;"].iter().map(|entity| page.matches(entity).count()).sum::<usize>();
        prop_assert_eq!(entities, ours, "every ampersand is ours: {:?}", page);
        prop_assert!(
            page.chars().all(|character| matches!(character, '\n' | '\t') || !character.is_control()),
            "no control character: {page:?}"
        );
        prop_assert!(
            !page.contains(['\u{202a}', '\u{202b}', '\u{202c}', '\u{202d}', '\u{202e}', '\u{2066}', '\u{2067}', '\u{2068}', '\u{2069}', '\u{200f}', '\u{61c}']),
            "nothing turns the direction: {page:?}"
        );
        prop_assert_eq!(page.lines().count() <= line.lines().count().max(1), true, "no line more");
    }
}

#[test]
fn figures_are_short() {
    assert_eq!(
        [0, 840, 12_000, 185_000, 7_440_000, 273_600_000].map(duration),
        ["0 s", "840 ms", "12 s", "3 m 05 s", "2 h 04 m", "3 d 04 h"]
    );
    let usd = |text: &str| money(text.parse().unwrap());
    assert_eq!(
        ["0", "0.00001", "0.0031", "1.255", "12345.6"].map(usd),
        [
            "$0.00",
            "< $0.0001",
            "$0.0031",
            "$1.26",
            "$12\u{202f}345.60"
        ]
    );
    assert_eq!(
        money(Usd::from_pico(1)),
        "< $0.0001",
        "never shown as nothing"
    );
    assert_eq!(
        [812, 12_300, 1_240_000].map(tokens),
        ["812", "12.3 k", "1.24 M"]
    );
    assert_eq!(
        [0.0, 0.001, 0.87, 0.999, 1.0].map(percent),
        ["0 %", "< 1 %", "87 %", "99 %", "100 %"]
    );
    assert_eq!(count(1_234_567_u64), "1\u{202f}234\u{202f}567");
    let at = Timestamp::parse("2026-11-26T14:02:11Z").unwrap();
    assert_eq!(
        (clock(at).as_str(), day(at).as_str()),
        ("14:02:11", "26 Nov")
    );
    assert_eq!(ago(Timestamp(at.0 + 61_000), at), "1 m ago");
}
