/// One figure, measured several times.
#[derive(Debug, Clone, Default)]
pub struct Rounds(Vec<f64>);

impl Rounds {
    /// Adds what one round came to.
    pub fn add(&mut self, figure: f64) {
        self.0.push(figure);
    }

    /// What the last round came to; not a number before the first.
    #[must_use]
    pub fn last(&self) -> f64 {
        self.0.last().copied().unwrap_or(f64::NAN)
    }

    /// The middle of all rounds; not a number before the first.
    #[must_use]
    pub fn median(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
    }

    /// The least and the greatest, as shares of the median.
    #[must_use]
    pub fn spread(&self) -> String {
        let median = self.median();
        let percent = |figure: f64| (figure / median - 1.0) * 100.0;
        let least = self.0.iter().copied().fold(f64::INFINITY, f64::min);
        let greatest = self.0.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        format!("{:+.0} % to {:+.0} %", percent(least), percent(greatest))
    }

    /// The median of the rounds' own ratios: what disturbs a round disturbs both of its sides.
    #[must_use]
    pub fn ratio(&self, theirs: &Self) -> f64 {
        let mut ratios = Self::default();
        for (ours, theirs) in self.0.iter().zip(&theirs.0) {
            ratios.add(ours / theirs);
        }
        ratios.median()
    }
}
