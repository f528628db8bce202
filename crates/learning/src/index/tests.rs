use std::collections::HashMap;

use proptest::prelude::*;

use super::{bm25::Index, token::tokens};

fn index(texts: &[String]) -> Index {
    let mut index = Index::default();
    for text in texts {
        index.add(tokens(text));
    }
    index
}

/// BM25 as its definition says it, in double precision.
fn by_definition(texts: &[String], query: &str) -> Vec<f64> {
    let documents: Vec<Vec<String>> = texts.iter().map(|text| tokens(text).collect()).collect();
    let total: usize = documents.iter().map(Vec::len).sum();
    let mean = total as f64 / documents.len() as f64;
    let n = documents.len() as f64;
    let mut query_counts: HashMap<String, f64> = HashMap::new();
    for word in tokens(query) {
        *query_counts.entry(word).or_default() += 1.0;
    }
    let score = |document: &Vec<String>| -> f64 {
        let of_word = |(word, weight): (&String, &f64)| {
            let having = documents.iter().filter(|it| it.contains(word)).count() as f64;
            let count = document.iter().filter(|it| *it == word).count() as f64;
            let rarity = ((n - having + 0.5) / (having + 0.5)).ln_1p();
            let norm = 1.2 * (0.25 + 0.75 * document.len() as f64 / mean);
            weight * rarity * count * 2.2 / (count + norm)
        };
        query_counts.iter().map(of_word).sum()
    };
    documents.iter().map(score).collect()
}

/// An index of the texts, and one that was stored and read, answer as the definition says.
fn check(texts: &[String], query: &str, top: usize) -> Result<(), TestCaseError> {
    let index = index(texts);
    let mut bytes = Vec::new();
    index.encode(&mut bytes);
    let stored = Index::decode(&mut bytes.as_slice()).expect("an index");
    for index in [index, stored] {
        check_index(&index, texts, query, top)?;
    }
    Ok(())
}

fn check_index(
    index: &Index,
    texts: &[String],
    query: &str,
    top: usize,
) -> Result<(), TestCaseError> {
    let scores = by_definition(texts, query);
    let found = index.search(tokens(query), top);
    let n_matching = scores.iter().filter(|score| **score > 0.0).count();
    prop_assert_eq!(found.len(), n_matching.min(top));
    let mut sorted = scores.clone();
    sorted.sort_by(|a, b| b.total_cmp(a));
    for (rank, (document, score)) in found.iter().enumerate() {
        let exact = scores[*document as usize];
        prop_assert!(
            (f64::from(*score) - exact).abs() < 1e-3,
            "{} and {}",
            score,
            exact
        );
        prop_assert!(
            (exact - sorted[rank]).abs() < 1e-3,
            "rank {} of {}",
            rank,
            query
        );
    }
    Ok(())
}

proptest! {
    #[test]
    fn what_is_found_is_what_the_definition_says(
        texts in proptest::collection::vec("([a-d]{2} ){0,12}", 1..40),
        query in "([a-d]{2} ){1,6}",
        top in 1_usize..8,
    ) {
        check(&texts, &query, top)?;
    }

    #[test]
    fn an_index_survives_its_encoding(texts in proptest::collection::vec("([a-e]{2} ){0,9}", 0..20)) {
        let index = index(&texts);
        let mut bytes = Vec::new();
        index.encode(&mut bytes);
        let decoded = Index::decode(&mut bytes.as_slice());
        let mut again = Vec::new();
        decoded.expect("an index").encode(&mut again);
        prop_assert_eq!(&again, &bytes);
        prop_assert!(Index::decode(&mut &bytes[..bytes.len() - 1]).is_none(), "cut off");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Of words that many have, the counts of each document are kept, from one document on.
    #[test]
    fn frequent_words_are_found_as_the_definition_says(
        texts in proptest::collection::vec("([a-c]{1,2}[yz] ){0,8}", 100..400),
        query in "([a-c]{1,2}[yz] ){1,9}",
        top in 1_usize..8,
    ) {
        check(&texts, &query, top)?;
    }
}

/// A word that all have comes after a rare one: then only those with the rare one are looked at.
#[test]
fn frequent_words_are_only_looked_up() {
    let texts: Vec<String> = (0..2_000)
        .map(|i| match i % 100 {
            0 => format!("zebra the {}", "the ".repeat(i / 100)),
            _ => "the other one".to_owned(),
        })
        .collect();
    check(&texts, "the zebra", 10).expect("the same as by definition");
}

#[test]
fn words_are_in_lower_case_and_of_some_length() {
    let words: Vec<String> = tokens("Fix a_b, the ÄRGER in x (v2)!").collect();
    assert_eq!(words, ["fix", "a_b", "the", "ärger", "in", "v2"]);
    assert_eq!(tokens(&"x".repeat(41)).count(), 0, "data is no word");
    assert!(index(&[]).search(tokens("any"), 5).is_empty());
}
