//! What we are held against: TF-IDF and ridge regression, as any toolbox has them (words of two and
//! more characters in at least two texts, logarithmic counts, smooth inverse frequencies, vectors of
//! length one, α = 1, an intercept).

use std::collections::HashMap;

use crate::{
    data::Rows,
    ridge::{Sparse, ridge},
};

const ALPHA: f64 = 1.0;

/// Fits on some rows' labels and predicts those of others.
pub(crate) fn predict(
    rows: &Rows,
    training: &[usize],
    wanted: &[usize],
    labels: &[f64],
) -> Vec<f64> {
    let words = |idx: &usize| words(&rows.rows[*idx].text);
    let mut frequencies: HashMap<String, u32> = HashMap::new();
    let texts: Vec<HashMap<String, f32>> = training.iter().map(words).collect();
    for text in &texts {
        for word in text.keys() {
            *frequencies.entry(word.clone()).or_default() += 1;
        }
    }
    let n = training.len() as f32;
    let mut columns: Vec<(&String, f32)> = frequencies
        .iter()
        .filter(|(_, frequency)| **frequency >= 2)
        .map(|(word, frequency)| (word, ((1.0 + n) / (1.0 + *frequency as f32)).ln() + 1.0))
        .collect();
    columns.sort_by(|a, b| a.0.cmp(b.0));
    let known: HashMap<&String, (u32, f32)> = columns
        .iter()
        .enumerate()
        .map(|(column, (word, idf))| (*word, (column as u32, *idf)))
        .collect();
    let vector = |text: &HashMap<String, f32>| -> Sparse {
        let mut row: Sparse = text
            .iter()
            .filter_map(|(word, count)| {
                let (column, idf) = known.get(word)?;
                Some((*column, (1.0 + count.ln()) * idf))
            })
            .collect();
        row.sort_by_key(|(column, _)| *column);
        let length = row
            .iter()
            .map(|(_, value)| value * value)
            .sum::<f32>()
            .sqrt();
        row.iter_mut()
            .for_each(|(_, value)| *value /= length.max(f32::MIN_POSITIVE));
        row
    };
    let x: Vec<Sparse> = texts.iter().map(vector).collect();
    let y: Vec<f64> = training.iter().map(|idx| labels[*idx]).collect();
    let groups: Vec<usize> = training.iter().map(|idx| rows.rows[*idx].group).collect();
    let weights = ridge(&x, &y, &groups, columns.len(), ALPHA);
    wanted
        .iter()
        .map(|idx| {
            let row = vector(&words(idx));
            let products = row
                .iter()
                .map(|(column, value)| weights[*column as usize] * f64::from(*value));
            products.sum()
        })
        .collect()
}

fn words(text: &str) -> HashMap<String, f32> {
    let mut counts = HashMap::new();
    let lower = text.to_lowercase();
    let words = lower.split(|c: char| !c.is_alphanumeric() && c != '_');
    for word in words.filter(|word| word.chars().nth(1).is_some()) {
        *counts.entry(word.to_owned()).or_default() += 1.0;
    }
    counts
}
