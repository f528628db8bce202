use std::time::Duration;

use config::models::Models;

use super::{prose::prose, *};

fn explain(subject: &Subject<'_>) -> Explanation {
    ComplexityModel::bundled().explain(subject, &Models::default().complexity)
}

fn titled(title: &str) -> Subject<'_> {
    Subject {
        title,
        ..Subject::default()
    }
}

fn seen(subject: &Subject<'_>, factor: Factor) -> String {
    let contributions = explain(subject).contributions.into_iter();
    contributions
        .filter(|contribution| contribution.factor == factor)
        .map(|contribution| contribution.seen)
        .collect()
}

#[test]
fn a_word_is_meant_as_a_whole() {
    for title in ["Show the author", "Authority figures", "Coauthored commits"] {
        assert_eq!(seen(&titled(title), Factor::Security), "none", "{title}");
    }
    assert_eq!(
        seen(&titled("auth: OAuth2 for the author"), Factor::Security),
        "auth, oauth2"
    );
    assert_eq!(
        seen(
            &titled("Order breakfast at the hunger race"),
            Factor::Performance
        ),
        "race"
    );
    assert_eq!(
        seen(&titled("Be fast at breakfast"), Factor::Performance),
        "fast"
    );
}

/// The description's system gave this 0.0, and the cheapest model.
#[test]
fn a_redesign_is_more_complex_than_a_typo() {
    let redesign = explain(&titled(
        "Redesign Raft consensus replication for cluster membership",
    ));
    let typo = explain(&titled("Fix typo in readme"));
    assert!(redesign.score > 0.6, "{redesign}");
    assert!(typo.score < 0.35, "{typo}");
}

/// More of a factor never makes a task simpler; the wording is held still by the same words.
#[test]
fn factors_are_monotone() {
    let plain = Subject {
        title: "Change the page",
        description: "It shows a list.",
        ..Subject::default()
    };
    let score = |subject: &Subject<'_>| explain(subject).score;
    let more = [
        Subject {
            dependencies: 3,
            ..plain
        },
        Subject { files: 12, ..plain },
        Subject {
            estimate: Some(Duration::from_secs(8 * 3600)),
            ..plain
        },
    ];
    for subject in more {
        assert!(score(&subject) > score(&plain), "{subject:?}");
    }
    let short = Subject {
        estimate: Some(Duration::from_secs(300)),
        ..plain
    };
    assert!(
        score(&short) < score(&plain),
        "a short estimate says that it is simple"
    );
    let long = "word ".repeat(400);
    let long = explain(&Subject {
        description: &long,
        ..plain
    });
    assert!(
        long.amount(Factor::DescriptionLength) > explain(&plain).amount(Factor::DescriptionLength)
    );
    for (factor, text) in [
        (Factor::Security, "encrypt the credentials"),
        (Factor::Performance, "reduce latency and memory"),
        (Factor::Keywords, "migrate the schema"),
        (
            Factor::EstimatedChanges,
            "1. add this 2. add that 3. and also support those",
        ),
    ] {
        let subject = Subject {
            description: text,
            ..plain
        };
        assert!(
            explain(&subject).amount(factor) > explain(&plain).amount(factor),
            "{factor}"
        );
    }
}

#[test]
fn a_person_may_weigh_the_factors() {
    let subject = Subject {
        title: "Encrypt passwords",
        files: 9,
        ..Subject::default()
    };
    let mut factors = Models::default().complexity;
    let model = ComplexityModel::bundled();
    let fitted = model.explain(&subject, &factors);
    factors.security = 3.0;
    factors.wording = 0.0;
    let weighed = model.explain(&subject, &factors);
    assert!(weighed.amount(Factor::Security) > 2.9 * fitted.amount(Factor::Security));
    assert_eq!(weighed.amount(Factor::Wording), 0.0);
    assert_eq!(weighed.contributions.len(), 8);
    let shown = weighed.to_string();
    assert!(shown.starts_with("complexity 0."), "{shown}");
    assert!(shown.contains("\n  security            +"), "{shown}");
    assert!(shown.contains("encrypt, passwords"), "{shown}");
}

#[test]
fn prose_is_what_people_wrote() {
    #[track_caller]
    fn check(text: &str, expected: &str) {
        let words: Vec<String> = prose(text).split_whitespace().map(str::to_owned).collect();
        assert_eq!(words.join(" "), expected, "{text:?}");
    }
    check("a ```code\nhere``` b", "a b");
    check("a {code:java}x{code} b {noformat}y{noformat} c", "a b c");
    check("a <!-- not\nthis --> b <p>c</p> {html}d", "a b c d");
    check("see https://example.org/x?y=1 there", "see there");
    check("text\n    indented\n>>> prompt\nmore", "text more");
    check("a < b and c{d", "a < b and c{d");
    check("never closed ```x", "never closed");
    check("ü{code", "ü{code");
}

#[test]
fn hostile_texts_are_answered() {
    for text in [
        "<".repeat(100_000),
        "{code".repeat(20_000),
        "`".repeat(100_000),
        "h".repeat(100_000),
        "ü<é{".repeat(20_000),
        "\0\u{FEFF}\u{202E}".to_owned(),
        String::new(),
    ] {
        let subject = Subject {
            title: &text,
            description: &text,
            dependencies: usize::MAX,
            files: usize::MAX,
            estimate: Some(Duration::MAX),
        };
        let score = explain(&subject).score;
        assert!((0.0..=1.0).contains(&score), "{score}");
    }
}

#[test]
fn weights_are_written_as_they_are_read() {
    let model = ComplexityModel::bundled();
    let (weights, wording) = model.to_files().unwrap();
    assert!(weights.len() + wording.len() <= 256 << 10, "they are small");
    assert_eq!(
        ComplexityModel::from_files(&weights, &wording).unwrap(),
        *model
    );
    for cut in [0, 7, 8, 20, wording.len() - 1] {
        assert!(ComplexityModel::from_files(&weights, &wording[..cut]).is_err());
    }
    assert!(
        ComplexityModel::from_files(&weights.replace("\"v\": 1", "\"v\": 2"), &wording).is_err()
    );
    assert!(ComplexityModel::from_files("{}", &wording).is_err());
}
