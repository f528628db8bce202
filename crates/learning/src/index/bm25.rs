use std::collections::HashMap;

/// How soon more of the same word stops to matter; and how much a long text is held against it. The usual
/// values, as in Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009).
const K1: f32 = 1.2;
const B: f32 = 0.75;

/// A posting is a document's number and, in the low bits, how often the word is in it.
const COUNT_BITS: u32 = 6;
const MAX_COUNT: u32 = (1 << COUNT_BITS) - 1;

/// How many times more postings than candidates make it worth to look the candidates up.
const LOOK_UP_FACTOR: usize = 16;

/// Documents by their words. Documents are numbered 0, 1, 2 … as they are added, and never change.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Index {
    terms: HashMap<Box<str>, u32>,
    /// By term, each in the order of documents.
    postings: Vec<Vec<u32>>,
    /// Words, by document.
    lengths: Vec<u32>,
    total_length: u64,
}

/// A word of a query that is in the index.
struct Clause<'a> {
    postings: &'a [u32],
    weight: f32,
}

impl Index {
    pub(crate) fn len(&self) -> usize {
        self.lengths.len()
    }

    /// Adds the next document, which may be empty.
    pub(crate) fn add(&mut self, words: impl Iterator<Item = String>) {
        let document = self.lengths.len() as u32;
        let mut length = 0;
        for word in words {
            length += 1;
            let next = self.postings.len() as u32;
            let term = match self.terms.get(word.as_str()) {
                Some(term) => *term,
                None => {
                    self.terms.insert(word.into_boxed_str(), next);
                    self.postings.push(Vec::new());
                    next
                }
            };
            let postings = &mut self.postings[term as usize];
            match postings.last_mut() {
                Some(last) if *last >> COUNT_BITS == document => {
                    *last += u32::from(*last & MAX_COUNT < MAX_COUNT);
                }
                _ => postings.push(document << COUNT_BITS | 1),
            }
        }
        self.lengths.push(length);
        self.total_length += u64::from(length);
    }

    /// The best `top` documents with their scores, best first; equally good ones in the order of their numbers.
    /// Documents without any word of the query are none.
    pub(crate) fn search(
        &self,
        words: impl Iterator<Item = String>,
        top: usize,
    ) -> Vec<(u32, f32)> {
        let mut clauses = self.clauses(words);
        if clauses.is_empty() || top == 0 {
            return Vec::new();
        }
        // Rare words first: they tell documents apart, and few documents have them.
        clauses.sort_by_key(|clause| clause.postings.len());
        let mean = self.total_length as f32 / self.lengths.len() as f32;
        let lengths = self.lengths.as_slice();
        let norm =
            |document: u32| K1 * (1.0 - B) + K1 * B / mean * lengths[document as usize] as f32;
        let mut scores = vec![0.0_f32; lengths.len()];
        // What the clauses from here on can add at most: less than the weight times K1 + 1 each.
        let mut rest: f32 = clauses
            .iter()
            .map(|clause| clause.weight * (K1 + 1.0))
            .sum();
        let mut n_postings = 0;
        let mut candidates: Option<Vec<u32>> = None;
        for (i, clause) in clauses.iter().enumerate() {
            let is_dear = clause.postings.len() > n_postings * LOOK_UP_FACTOR;
            if candidates.is_none() && is_dear && n_postings >= top {
                let so_far = documents(&clauses[..i]);
                // A document that has none of the words so far cannot come among the best any more.
                if so_far.len() >= top && nth_score(&so_far, &scores, top) > rest {
                    candidates = Some(so_far);
                }
            }
            match &candidates {
                Some(candidates) => add_to(candidates, clause, &mut scores, norm),
                None => {
                    for &posting in clause.postings {
                        let document = posting >> COUNT_BITS;
                        scores[document as usize] += gain(clause.weight, posting, norm(document));
                    }
                    n_postings += clause.postings.len();
                }
            }
            rest -= clause.weight * (K1 + 1.0);
        }
        best(&scores, top)
    }

    fn clauses(&self, words: impl Iterator<Item = String>) -> Vec<Clause<'_>> {
        let mut counts: HashMap<u32, f32> = HashMap::new();
        for word in words {
            if let Some(term) = self.terms.get(word.as_str()) {
                *counts.entry(*term).or_default() += 1.0;
            }
        }
        let n_documents = self.lengths.len() as f32;
        let mut terms: Vec<(u32, f32)> = counts.into_iter().collect();
        // Sums of the same numbers in another order may differ in the last digit.
        terms.sort_unstable_by_key(|(term, _)| *term);
        let clause = |(term, count): (u32, f32)| {
            let postings = self.postings[term as usize].as_slice();
            let having = postings.len() as f32;
            let rarity = ((n_documents - having + 0.5) / (having + 0.5)).ln_1p();
            Clause {
                postings,
                weight: rarity * count,
            }
        };
        terms.into_iter().map(clause).collect()
    }

    /// All of it as bytes; [`Index::decode`] reads them back.
    pub(crate) fn encode(&self, bytes: &mut Vec<u8>) {
        let mut put = |number: usize| bytes.extend((number as u32).to_le_bytes());
        put(self.lengths.len());
        self.lengths.iter().for_each(|length| put(*length as usize));
        put(self.postings.len());
        let mut terms: Vec<(&Box<str>, &u32)> = self.terms.iter().collect();
        terms.sort_unstable_by_key(|(_, term)| **term);
        for (word, term) in terms {
            let postings = &self.postings[*term as usize];
            bytes.extend((word.len() as u32).to_le_bytes());
            bytes.extend(word.as_bytes());
            bytes.extend((postings.len() as u32).to_le_bytes());
            bytes.extend(postings.iter().flat_map(|posting| posting.to_le_bytes()));
        }
    }

    /// Nothing where the bytes are not those of an index.
    pub(crate) fn decode(bytes: &mut &[u8]) -> Option<Self> {
        let n_documents = take_number(bytes)?;
        let lengths = take_numbers(bytes, n_documents)?;
        let n_terms = take_number(bytes)? as usize;
        let mut index = Self {
            terms: HashMap::with_capacity(n_terms.min(bytes.len() / 8)),
            postings: Vec::with_capacity(n_terms.min(bytes.len() / 8)),
            total_length: lengths.iter().map(|length| u64::from(*length)).sum(),
            lengths,
        };
        for term in 0..n_terms {
            let length = take_number(bytes)?;
            let word = std::str::from_utf8(take(bytes, length as usize)?).ok()?;
            index.terms.insert(word.into(), term as u32);
            let n_postings = take_number(bytes)?;
            let postings = take_numbers(bytes, n_postings)?;
            if postings
                .last()
                .is_some_and(|last| last >> COUNT_BITS >= n_documents)
            {
                return None;
            }
            index.postings.push(postings);
        }
        Some(index)
    }
}

pub(crate) fn take<'a>(bytes: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(taken)
}

pub(crate) fn take_number(bytes: &mut &[u8]) -> Option<u32> {
    let taken = take(bytes, 4)?;
    Some(u32::from_le_bytes(taken.try_into().ok()?))
}

fn take_numbers(bytes: &mut &[u8], count: u32) -> Option<Vec<u32>> {
    let taken = take(bytes, (count as usize).checked_mul(4)?)?;
    let number = |four: &[u8]| {
        let mut array = [0; 4];
        array.copy_from_slice(four);
        u32::from_le_bytes(array)
    };
    Some(taken.chunks_exact(4).map(number).collect())
}

fn gain(weight: f32, posting: u32, norm: f32) -> f32 {
    let count = (posting & MAX_COUNT) as f32;
    weight * (count * (K1 + 1.0)) / (count + norm)
}

/// Adds a clause to documents that have a score already, each found by galloping from the one before.
fn add_to(candidates: &[u32], clause: &Clause<'_>, scores: &mut [f32], norm: impl Fn(u32) -> f32) {
    let mut rest = clause.postings;
    for &document in candidates {
        let mut step = 1;
        while step < rest.len() && rest[step] >> COUNT_BITS < document {
            step *= 2;
        }
        let window = &rest[..rest.len().min(step + 1)];
        let at = window.partition_point(|posting| posting >> COUNT_BITS < document);
        rest = &rest[at..];
        match rest.first() {
            Some(&posting) if posting >> COUNT_BITS == document => {
                scores[document as usize] += gain(clause.weight, posting, norm(document));
            }
            Some(_) => {}
            None => return,
        }
    }
}

/// The score of the `n`th best candidate.
fn nth_score(candidates: &[u32], scores: &[f32], n: usize) -> f32 {
    let mut all: Vec<f32> = candidates
        .iter()
        .map(|document| scores[*document as usize])
        .collect();
    let (_, nth, _) = all.select_nth_unstable_by(n - 1, |a, b| b.total_cmp(a));
    *nth
}

/// The documents that have any of the clauses' words, in order.
fn documents(clauses: &[Clause<'_>]) -> Vec<u32> {
    let postings = clauses.iter().flat_map(|clause| clause.postings);
    let mut documents: Vec<u32> = postings.map(|posting| posting >> COUNT_BITS).collect();
    documents.sort_unstable();
    documents.dedup();
    documents
}

fn best(scores: &[f32], top: usize) -> Vec<(u32, f32)> {
    let mut best: Vec<(u32, f32)> = Vec::with_capacity(top.min(scores.len()) + 1);
    let mut least = 0.0;
    for (document, &score) in scores.iter().enumerate() {
        if score > least {
            let at = best.partition_point(|(_, other)| *other >= score);
            best.insert(at, (document as u32, score));
            best.truncate(top);
            if best.len() == top {
                least = best[top - 1].1;
            }
        }
    }
    best
}
