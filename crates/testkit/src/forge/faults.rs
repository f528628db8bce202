use std::time::Duration;

/// How often and how a forge fails. Shares are from 0 to 1; the default fails never.
#[derive(Debug, Clone, Copy, Default)]
pub struct Faults {
    /// Refuses a call for load, in all ways that the forge has (429; GitHub 403, too), and asks for no wait.
    pub refused: f64,
    /// Answers 502 without having acted.
    pub down_before: f64,
    /// Acts, and answers 500.
    pub down_after: f64,
    /// Acts, and closes the connection without an answer.
    pub lost: f64,
    /// Lists that are late, the history of an issue's labels among them, show nothing of what has
    /// changed within this time.
    pub lag: Duration,
    /// How many lists are late.
    pub late: f64,
    /// At how many calls pull requests have not noticed yet where their branches are: a push is told
    /// to them a moment later.
    pub slow_heads: f64,
    /// How many merges are put off, since it still looks what they would do.
    pub busy: f64,
}

/// What becomes of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Well,
    Refused,
    DownBefore,
    DownAfter,
    Lost,
}

/// Chance that is the same for the same seed and order of calls.
#[derive(Debug)]
pub(super) struct Chance(u64);

impl Chance {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// From 0 to 1, by SplitMix64.
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub(super) fn fate(&mut self, faults: &Faults) -> Fate {
        let mut at = self.next();
        let shares = [
            (faults.refused, Fate::Refused),
            (faults.down_before, Fate::DownBefore),
            (faults.down_after, Fate::DownAfter),
            (faults.lost, Fate::Lost),
        ];
        for (share, fate) in shares {
            if at < share {
                return fate;
            }
            at -= share;
        }
        Fate::Well
    }

    pub(super) fn happens(&mut self, share: f64) -> bool {
        self.next() < share
    }
}
