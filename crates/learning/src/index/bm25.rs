use std::collections::HashMap;

/// How soon more of the same word stops to matter; and how much a long text is held against it. The usual
/// values, as in Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009).
const K1: f32 = 1.2;
const B: f32 = 0.75;

/// A posting is a document's number and, in the low bits, how often the word is in it.
const COUNT_BITS: u32 = 6;
const MAX_COUNT: u32 = (1 << COUNT_BITS) - 1;

/// Of a word that at least one of so many documents has, each document's count is kept too.
const FREQUENT: usize = 8;

/// No word is frequent before so many documents have it.
const LEAST_FREQUENT: usize = 64;

/// What rounding may take from a sum of scores, as a share of it; some hundred times more than it can.
const SLACK: f32 = 1e-4;

/// Documents by their words. Documents are numbered 0, 1, 2 … as they are added, and never change.
#[derive(Debug, Clone, Default)]
pub(crate) struct Index {
    terms: HashMap<Box<str>, u32>,
    /// By term, each in the order of documents.
    postings: Vec<Vec<u32>>,
    /// By frequent term: how often it is in each document, up to the last one that has it. At most twice
    /// the size of its postings; a document is looked up at once.
    counts: HashMap<u32, Vec<u8>>,
    /// Words, by document.
    lengths: Vec<u32>,
    total_length: u64,
}

/// A word of a query that is in the index.
struct Clause<'a> {
    postings: &'a [u32],
    /// Of a frequent word.
    counts: Option<&'a [u8]>,
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
            let posting = postings.last().map_or(0, |last| *last);
            if let Some(counts) = self.counts.get_mut(&term) {
                note(counts, posting);
            } else {
                self.count_if_frequent(term, document);
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
        clauses.sort_by_key(|clause| (clause.counts.is_some(), clause.postings.len()));
        let n_rare = clauses.partition_point(|clause| clause.counts.is_none());
        let (rare, frequent) = clauses.split_at(n_rare);
        let mean = self.total_length as f32 / self.lengths.len() as f32;
        let lengths = self.lengths.as_slice();
        let norm =
            |document: u32| K1 * (1.0 - B) + K1 * B / mean * lengths[document as usize] as f32;
        let mut scores = vec![0.0_f32; lengths.len()];
        for clause in rare {
            for &posting in clause.postings {
                let document = posting >> COUNT_BITS;
                let count = (posting & MAX_COUNT) as f32;
                scores[document as usize] += gain(clause.weight, count, norm(document));
            }
        }
        // What the clauses from here on can add at most: less than the weight times K1 + 1 each.
        let most = |clauses: &[Clause<'_>]| -> f32 {
            clauses.iter().map(|clause| clause.weight).sum::<f32>() * (K1 + 1.0) * (1.0 + SLACK)
        };
        for (i, clause) in frequent.iter().enumerate() {
            let rest = most(&frequent[i..]);
            let so_far = best(all(&scores), top);
            let enough = so_far.get(top - 1).map_or(0.0, |(_, score)| *score);
            // A document that has none of the words so far cannot come among the best any more.
            if enough > rest {
                let can_be_best = |(_, score): &(u32, f32)| score + rest >= enough;
                let mut candidates: Vec<(u32, f32)> = all(&scores).filter(can_be_best).collect();
                for clause in &frequent[i..] {
                    for (document, score) in &mut candidates {
                        *score += clause.gain(*document, norm(*document));
                    }
                }
                return best(candidates.into_iter(), top);
            }
            for (document, score) in (0..).zip(&mut scores) {
                *score += clause.gain(document, norm(document));
            }
        }
        best(all(&scores), top)
    }

    /// Begins to count a term that has become frequent.
    fn count_if_frequent(&mut self, term: u32, last: u32) {
        let postings = &self.postings[term as usize];
        if postings.len() >= LEAST_FREQUENT && postings.len() * FREQUENT > last as usize {
            let mut counts = Vec::new();
            postings
                .iter()
                .for_each(|posting| note(&mut counts, *posting));
            self.counts.insert(term, counts);
        }
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
                counts: self.counts.get(&term).map(Vec::as_slice),
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
            counts: HashMap::new(),
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
            index.count_if_frequent(term as u32, n_documents);
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

fn gain(weight: f32, count: f32, norm: f32) -> f32 {
    weight * (count * (K1 + 1.0)) / (count + norm)
}

impl Clause<'_> {
    /// What a frequent word adds to a document's score.
    fn gain(&self, document: u32, norm: f32) -> f32 {
        let counts = self.counts.unwrap_or_default();
        let count = counts.get(document as usize).copied().unwrap_or(0);
        gain(self.weight, f32::from(count), norm)
    }
}

/// Puts a posting among the counts of its term.
fn note(counts: &mut Vec<u8>, posting: u32) {
    let document = (posting >> COUNT_BITS) as usize;
    counts.resize(document + 1, 0);
    counts[document] = (posting & MAX_COUNT) as u8;
}

/// All documents with their scores.
fn all(scores: &[f32]) -> impl Iterator<Item = (u32, f32)> {
    (0..).zip(scores.iter().copied())
}

/// The best of these, which are in the order of their numbers. Those without a score are none.
fn best(scores: impl Iterator<Item = (u32, f32)>, top: usize) -> Vec<(u32, f32)> {
    let mut best: Vec<(u32, f32)> = Vec::with_capacity(top.saturating_add(1).min(1024));
    let mut least = 0.0;
    for (document, score) in scores {
        if score > least {
            let at = best.partition_point(|(_, other)| *other >= score);
            best.insert(at, (document, score));
            best.truncate(top);
            if best.len() == top {
                least = best[top - 1].1;
            }
        }
    }
    best
}
