//! How many tokens a piece of work takes.

use core_types::TokenUsage;

/// What drives the tokens of an agent's work: it goes on for some turns, and each turn sends again all
/// that was said before, most of it from the provider's cache.
///
/// The numbers are assumptions about a coding agent, not measurements: [`History`](super::History)
/// replaces them by what the ledger has seen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EffortModel {
    /// Tokens before the first turn: instructions, tools, the task.
    pub start_tokens: f64,
    /// Tokens that a turn adds to what is sent again: a file, the output of a command.
    pub turn_tokens: f64,
    /// Tokens that a turn writes.
    pub output_tokens: f64,
    /// Turns of a task of complexity 0.
    pub least_turns: f64,
    /// How many times as many a task of complexity 1 takes.
    pub growth: f64,
    /// Standard deviation of the logarithm of a task's cost around what is estimated.
    pub spread: f64,
    /// How much of it all tasks of a plan share, as such a deviation: an agent that is wordier than
    /// assumed is so in all of them, and more tasks do not even it out.
    pub common_spread: f64,
}

impl Default for EffortModel {
    fn default() -> Self {
        Self {
            start_tokens: 8_000.0,
            turn_tokens: 1_500.0,
            output_tokens: 400.0,
            least_turns: 10.0,
            growth: 6.0,
            spread: 0.8,
            common_spread: 0.5,
        }
    }
}

/// What one request to an agent is expected to take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effort {
    /// How often the model is called.
    pub turns: u32,
    /// The tokens of all calls together.
    pub usage: TokenUsage,
    /// The longest prompt, in tokens.
    pub longest_prompt: u64,
}

impl EffortModel {
    /// The work on a task of some complexity from 0 to 1.
    #[must_use]
    pub fn task(&self, complexity: f64) -> Effort {
        self.turns(self.least_turns * self.growth.max(1.0).powf(complexity.clamp(0.0, 1.0)))
    }

    /// Making a plan of so many tasks: it reads around, then writes them down.
    #[must_use]
    pub fn planning(&self, n_tasks: usize) -> Effort {
        self.turns(self.least_turns + n_tasks as f64)
    }

    /// Reviewing what so many tasks changed in a repository.
    #[must_use]
    pub fn review(&self, n_tasks: usize) -> Effort {
        self.turns(self.least_turns / 2.0 + n_tasks as f64)
    }

    fn turns(&self, turns: f64) -> Effort {
        let turns = turns.round().clamp(1.0, 10_000.0);
        let new = self.start_tokens + self.turn_tokens * turns;
        // Each turn after the first reads what was there before it.
        let read =
            (turns - 1.0) * self.start_tokens + self.turn_tokens * turns * (turns - 1.0) / 2.0;
        let count = |tokens: f64| tokens.round().max(0.0) as u64;
        Effort {
            turns: turns as u32,
            usage: TokenUsage {
                cache_read: count(read),
                cache_write_5m: count(new),
                output: count(self.output_tokens * turns),
                ..TokenUsage::default()
            },
            longest_prompt: count(new),
        }
    }
}
