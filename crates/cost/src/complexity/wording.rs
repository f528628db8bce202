//! The words that no factor knows: a linear model over hashed words, eight bits a weight.

use std::collections::BTreeMap;

use crate::Error;

/// Buckets for the words of the whole text, and for those of the title.
const BODY: usize = 1 << 16;
const TITLE: usize = 1 << 15;
/// Inverse document frequencies are stored in twentieths, from 1 (in every text) to 12.75; 0 is a
/// word that hardly any text has.
const IDF_STEPS: f32 = 20.0;
const MAGIC: &[u8; 8] = b"AUTOWRD1";

/// Words in buckets, with how often each stands there.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Bag {
    /// Of the whole text: bucket and count, sorted by bucket.
    pub body: Vec<(u32, u32)>,
    /// Of the title.
    pub title: Vec<(u32, u32)>,
}

impl Bag {
    pub(super) fn of(title: &[String], all: &[String]) -> Self {
        Self {
            body: counts(all, BODY),
            title: counts(title, TITLE),
        }
    }
}

fn counts(words: &[String], buckets: usize) -> Vec<(u32, u32)> {
    let mut counts: BTreeMap<u32, u32> = BTreeMap::new();
    for word in words {
        let bucket = (hash(word) % buckets as u64) as u32;
        *counts.entry(bucket).or_default() += 1;
    }
    counts.into_iter().collect()
}

/// FNV-1a: the same on every machine and in every version.
fn hash(word: &str) -> u64 {
    word.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// Frequencies and weights of one part of the text.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    idf: Vec<u8>,
    weights: Vec<i8>,
    /// What a weight of 1 is worth.
    scale: f32,
}

impl Part {
    /// A part without weights, from how many of `n_texts` texts have a word of each bucket. Words of
    /// fewer than three texts are left out.
    #[must_use]
    pub fn of_frequencies(frequencies: &[u32], n_texts: usize) -> Self {
        let idf = frequencies.iter().map(|frequency| {
            if *frequency < 3 {
                return 0;
            }
            let idf = ((1.0 + n_texts as f32) / (1.0 + *frequency as f32)).ln() + 1.0;
            (idf * IDF_STEPS).round().clamp(1.0, 255.0) as u8
        });
        Self {
            idf: idf.collect(),
            weights: vec![0; frequencies.len()],
            scale: 0.0,
        }
    }

    /// The same with weights, rounded to eight bits.
    #[must_use]
    pub fn with_weights(mut self, weights: &[f64]) -> Self {
        let largest = weights
            .iter()
            .fold(0.0_f64, |most, weight| most.max(weight.abs()));
        let scale = (largest / 127.0).max(f64::MIN_POSITIVE);
        self.scale = scale as f32;
        self.weights = weights
            .iter()
            .map(|weight| (weight / scale).round() as i8)
            .collect();
        self
    }

    /// How many buckets there are.
    #[must_use]
    pub fn buckets(&self) -> usize {
        self.idf.len()
    }

    /// The counts of a text as a vector of length one: logarithmic counts times inverse frequency.
    #[must_use]
    pub fn vector(&self, counts: &[(u32, u32)]) -> Vec<(u32, f32)> {
        let mut vector: Vec<(u32, f32)> = counts
            .iter()
            .filter_map(|(bucket, count)| {
                let idf = f32::from(*self.idf.get(*bucket as usize)?) / IDF_STEPS;
                (idf > 0.0).then(|| (*bucket, (1.0 + (*count as f32).ln()) * idf))
            })
            .collect();
        let squares: f32 = vector.iter().map(|(_, value)| value * value).sum();
        if squares > 0.0 {
            let length = squares.sqrt();
            vector.iter_mut().for_each(|(_, value)| *value /= length);
        }
        vector
    }

    fn score(&self, counts: &[(u32, u32)]) -> f64 {
        let products = self.vector(counts).into_iter().map(|(bucket, value)| {
            f64::from(value) * f64::from(self.weights[bucket as usize]) * f64::from(self.scale)
        });
        products.sum()
    }
}

/// The model of all other words.
#[derive(Debug, Clone, PartialEq)]
pub struct Wording {
    /// Of the whole text.
    pub body: Part,
    /// Of the title.
    pub title: Part,
}

impl Wording {
    /// What the words add, in the unit of the fitted factors.
    #[must_use]
    pub fn score(&self, bag: &Bag) -> f64 {
        self.body.score(&bag.body) + self.title.score(&bag.title)
    }

    /// The bytes of the file of weights.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        for part in [&self.body, &self.title] {
            bytes.extend((part.idf.len() as u32).to_le_bytes());
            bytes.extend(part.scale.to_le_bytes());
            bytes.extend(&part.idf);
            bytes.extend(part.weights.iter().map(|weight| weight.cast_unsigned()));
        }
        bytes
    }

    /// Reads what [`Wording::to_bytes`] wrote.
    ///
    /// # Errors
    ///
    /// [`Error::BadWeights`] for anything else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let bad = || Error::BadWeights {
            what: "the weights of words are not in the expected form".to_owned(),
        };
        let mut rest = bytes.strip_prefix(MAGIC).ok_or_else(bad)?;
        let mut take = |n: usize| {
            let (taken, after) = rest.split_at_checked(n)?;
            rest = after;
            Some(taken)
        };
        let mut part = |buckets: usize| {
            let n = u32::from_le_bytes(take(4)?.try_into().ok()?) as usize;
            let scale = f32::from_le_bytes(take(4)?.try_into().ok()?);
            if n != buckets || !scale.is_finite() {
                return None;
            }
            let idf = take(n)?.to_vec();
            let weights = take(n)?.iter().map(|byte| byte.cast_signed()).collect();
            Some(Part {
                idf,
                weights,
                scale,
            })
        };
        let body = part(BODY).ok_or_else(bad)?;
        let title = part(TITLE).ok_or_else(bad)?;
        if rest.is_empty() {
            Ok(Self { body, title })
        } else {
            Err(bad())
        }
    }
}
