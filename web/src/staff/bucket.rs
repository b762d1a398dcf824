//! A bound on how often something may happen, without knowing whose it is.

use std::sync::{Mutex, PoisonError};

/// A bucket of tokens that fills at a steady rate.
#[derive(Debug)]
pub(super) struct Bucket {
    size: u64,
    ms_per_token: u64,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    tokens: u64,
    filled_at_ms: u64,
    n_refused: u64,
}

impl Bucket {
    /// A full bucket.
    pub(super) fn new(size: u64, ms_per_token: u64) -> Self {
        Self {
            size,
            ms_per_token: ms_per_token.max(1),
            state: Mutex::new(State {
                tokens: size,
                filled_at_ms: 0,
                n_refused: 0,
            }),
        }
    }

    /// Takes a token. With it comes how many were refused since the last one;
    /// `None` when the bucket is empty.
    pub(super) fn take(&self, now_ms: u64) -> Option<u64> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        self.fill(&mut state, now_ms);
        let Some(left) = state.tokens.checked_sub(1) else {
            state.n_refused = state.n_refused.saturating_add(1);
            return None;
        };
        state.tokens = left;
        Some(std::mem::take(&mut state.n_refused))
    }

    fn fill(&self, state: &mut State, now_ms: u64) {
        let n_new = now_ms.saturating_sub(state.filled_at_ms) / self.ms_per_token;
        state.tokens = state.tokens.saturating_add(n_new).min(self.size);
        // A clock that was set back begins anew.
        let filled_at_ms = state
            .filled_at_ms
            .saturating_add(n_new.saturating_mul(self.ms_per_token));
        state.filled_at_ms = filled_at_ms.min(now_ms);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_empties_and_fills_at_its_rate() {
        let bucket = Bucket::new(2, 10);
        assert_eq!(
            [1_000, 1_000, 1_000, 1_009].map(|now| bucket.take(now)),
            [Some(0), Some(0), None, None]
        );
        assert_eq!(bucket.take(1_010), Some(2));
        assert_eq!(bucket.take(1_019), None);
        assert_eq!(bucket.take(9_000), Some(1));
        assert_eq!(bucket.take(500), Some(0), "the clock went back");
        assert_eq!(bucket.take(500), None);
        assert_eq!(bucket.take(510), Some(1));
    }
}
