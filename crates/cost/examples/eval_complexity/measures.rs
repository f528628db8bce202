//! Ranks, correlations, and how sure they are.

/// Ranks from 1, the mean where values are equal.
pub(crate) fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_unstable_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut ranks = vec![0.0; values.len()];
    let mut start = 0;
    while start < order.len() {
        let mut end = start + 1;
        while end < order.len() && values[order[end]] == values[order[start]] {
            end += 1;
        }
        for at in &order[start..end] {
            ranks[*at] = (start + end + 1) as f64 / 2.0;
        }
        start = end;
    }
    ranks
}

/// Spearman's correlation; 0 where one side does not vary.
pub(crate) fn spearman(a: &[f64], b: &[f64]) -> f64 {
    let (a, b) = (ranks(a), ranks(b));
    let n = a.len() as f64;
    let (mean_a, mean_b) = (a.iter().sum::<f64>() / n, b.iter().sum::<f64>() / n);
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (a, b) in a.iter().zip(&b) {
        ab += (a - mean_a) * (b - mean_b);
        aa += (a - mean_a).powi(2);
        bb += (b - mean_b).powi(2);
    }
    if aa * bb > 0.0 {
        ab / (aa * bb).sqrt()
    } else {
        0.0
    }
}

/// The chance that one with the property has the larger prediction.
pub(crate) fn auc(predictions: &[f64], has: &[bool]) -> f64 {
    let ranks = ranks(predictions);
    let n_has = has.iter().filter(|has| **has).count() as f64;
    let n_not = has.len() as f64 - n_has;
    let sum: f64 = ranks
        .iter()
        .zip(has)
        .filter(|(_, has)| **has)
        .map(|(rank, _)| rank)
        .sum();
    if n_has * n_not > 0.0 {
        (sum - n_has * (n_has + 1.0) / 2.0) / (n_has * n_not)
    } else {
        0.5
    }
}

/// The normal quantiles of the ranks.
pub(crate) fn normal_scores(values: &[f64]) -> Vec<f64> {
    let n = values.len() as f64;
    ranks(values)
        .into_iter()
        .map(|rank| normal_quantile((rank - 0.5) / n))
        .collect()
}

/// By bisection of the distribution function: exact enough, and nothing here is in a hurry.
fn normal_quantile(share: f64) -> f64 {
    let (mut low, mut high) = (-8.0, 8.0);
    for _ in 0..60 {
        let middle = (low + high) / 2.0;
        if normal_below(middle) < share {
            low = middle;
        } else {
            high = middle;
        }
    }
    (low + high) / 2.0
}

/// The normal distribution function, by its series.
fn normal_below(x: f64) -> f64 {
    let (mut term, mut sum, mut k) = (x, x, 1.0);
    while term.abs() > 1e-17 && k < 300.0 {
        term *= x * x / (2.0 * k + 1.0);
        sum += term;
        k += 1.0;
    }
    (0.5 + sum * (-x * x / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt()).clamp(0.0, 1.0)
}

/// A small generator of chance with a seed.
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    pub(crate) fn below(&mut self, n: usize) -> usize {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % n.max(1) as u64) as usize
    }
}

/// The middle 95 % of figures.
pub(crate) fn interval(mut figures: Vec<f64>) -> String {
    figures.sort_by(f64::total_cmp);
    let at = |share: f64| {
        let idx = (figures.len() as f64 - 1.0) * share;
        figures
            .get(idx.round() as usize)
            .copied()
            .unwrap_or(f64::NAN)
    };
    format!("[{:.3}, {:.3}]", at(0.025), at(0.975))
}
