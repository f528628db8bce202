//! The figures of one side over all rounds.

/// Enough for a median that one disturbance does not move.
pub(crate) const ROUNDS: usize = 7;

/// How often the sides take turns within a round, so that what disturbs the one disturbs the other.
pub(crate) const TURNS: usize = 10;

#[derive(Default)]
pub(crate) struct Rounds(Vec<f64>);

impl Rounds {
    pub(crate) fn add(&mut self, figure: f64) {
        self.0.push(figure);
    }

    pub(crate) fn median(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted[sorted.len() / 2]
    }

    /// The least and the greatest, as shares of the median.
    pub(crate) fn spread(&self) -> String {
        let share = |figure: f64| 100.0 * (figure / self.median() - 1.0);
        let least = self.0.iter().copied().fold(f64::INFINITY, f64::min);
        let greatest = self.0.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        format!("{:+.0} to {:+.0} %", share(least), share(greatest))
    }
}

/// The median of the rounds' own ratios: what disturbs a round disturbs both of its sides.
pub(crate) fn ratio(ours: &Rounds, theirs: &Rounds) -> f64 {
    let mut ratios = Rounds::default();
    for (ours, theirs) in ours.0.iter().zip(&theirs.0) {
        ratios.add(ours / theirs);
    }
    ratios.median()
}
