//! Counts by name, and how small ones are withheld.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Names kept for a day: with their counts they fit into one value.
pub const ENTRIES_MAX: usize = 60;

/// Longest name, in bytes; what is longer is cut.
pub const NAME_BYTES_MAX: usize = 64;

/// How often what happened on one day.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DayCounts {
    /// By name.
    counts: BTreeMap<String, u64>,
    /// What has no name here: too many, too rare, or gone.
    #[serde(default)]
    others: u64,
    /// Whether the day is over, and what is rare was taken out.
    #[serde(default)]
    pub(super) is_closed: bool,
}

impl DayCounts {
    /// The most frequent names; the others are counted without theirs.
    #[must_use]
    pub fn most_of(counts: impl IntoIterator<Item = (String, u64)>, others: u64) -> Self {
        let mut sorted: Vec<(String, u64)> = Vec::new();
        for (mut name, count) in counts {
            let end = name.floor_char_boundary(NAME_BYTES_MAX);
            name.truncate(end);
            sorted.push((name, count));
        }
        sorted.sort_by(|one, two| two.1.cmp(&one.1).then_with(|| one.0.cmp(&two.0)));
        let rest = sorted.split_off(sorted.len().min(ENTRIES_MAX));
        let mut most = Self {
            others: rest
                .iter()
                .fold(others, |sum, (_, count)| sum.saturating_add(*count)),
            ..Self::default()
        };
        for (name, count) in sorted {
            let known = most.counts.entry(name).or_default();
            *known = known.saturating_add(count);
        }
        most
    }

    /// The names, the most frequent first.
    #[must_use]
    pub fn sorted(&self) -> Vec<(&str, u64)> {
        let mut sorted: Vec<(&str, u64)> = self
            .counts
            .iter()
            .map(|(name, count)| (name.as_str(), *count))
            .collect();
        sorted.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        sorted
    }

    /// The names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.counts.keys().map(String::as_str)
    }

    /// How often a name; 0 when it is not told.
    #[must_use]
    pub fn of(&self, name: &str) -> u64 {
        self.counts.get(name).copied().unwrap_or(0)
    }

    /// What has no name here.
    #[must_use]
    pub fn others(&self) -> u64 {
        self.others
    }

    /// All in sum.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.counts
            .values()
            .fold(self.others, |sum, count| sum.saturating_add(*count))
    }

    /// Whether the day is over.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// Counts a name among the others from now on.
    pub fn forget(&mut self, name: &str) {
        if let Some(count) = self.counts.remove(name) {
            self.others = self.others.saturating_add(count);
        }
    }

    /// The day as it may be told for ever: no name with a count below
    /// `count_min`. What is taken out is never one name alone, and never a sum
    /// below `count_min`: from total and rest nothing can be told of it. Where
    /// that cannot be had, the sum goes too.
    #[must_use]
    pub fn withhold(mut self, count_min: u64) -> Self {
        let mut sorted: Vec<(String, u64)> = std::mem::take(&mut self.counts).into_iter().collect();
        sorted.sort_by(|one, two| two.1.cmp(&one.1).then_with(|| one.0.cmp(&two.0)));
        // What lies among the others already may be one name, too.
        let (mut rest, mut n_rest) = (self.others, usize::from(self.others > 0));
        while let Some((_, count)) = sorted.last() {
            let is_rare = *count < count_min;
            let gives_it_away = n_rest > 0 && (n_rest < 2 || rest < count_min);
            if !is_rare && !gives_it_away {
                break;
            }
            rest = rest.saturating_add(*count);
            n_rest += 1;
            sorted.pop();
        }
        self.others = if rest < count_min { 0 } else { rest };
        self.counts = sorted.into_iter().collect();
        self.is_closed = true;
        self
    }

    /// The day as it is while it lasts: every count in steps of `count_min`,
    /// so that nobody can watch one visit being added.
    #[must_use]
    pub fn so_far(mut self, count_min: u64) -> Self {
        let step = |count: u64| count - count % count_min.max(1);
        self.counts
            .values_mut()
            .for_each(|count| *count = step(*count));
        self.counts.retain(|_, count| *count > 0);
        self.others = step(self.others);
        self
    }

    /// The day closed with everything in it, if `of` was counted often enough;
    /// else with nothing.
    #[must_use]
    pub(super) fn closed_whole(mut self, of: &str, count_min: u64) -> Self {
        if self.of(of) < count_min {
            self.counts.clear();
            self.others = 0;
        }
        self.is_closed = true;
        self
    }
}
