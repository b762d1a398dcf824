//! Counters in memory, of a bounded size.

use std::collections::HashMap;

use imgshare_storage::aggregates::{Daily, DayCounts, Dimension};

/// Images counted at once; every other name is one of few, or of a site.
const IMAGES_MAX: usize = 8_192;
const NAMES_MAX: usize = 1_024;

/// Days that wait to be written, when the store refuses them.
const WAITING_MAX: usize = 8;

/// What was counted today, and on days that were not written yet.
#[derive(Debug, Default)]
pub(super) struct Tally {
    day: u32,
    today: [Counter; 6],
    waiting: Vec<Daily>,
}

impl Tally {
    /// Today is this day.
    pub(super) fn begin(&mut self, day: u32) {
        if self.day == day {
            return;
        }
        let over = self.of_today();
        self.waiting.extend(over);
        let n_dropped = self
            .waiting
            .len()
            .saturating_sub(WAITING_MAX * Dimension::ALL.len());
        self.waiting.drain(..n_dropped);
        self.today = Default::default();
        self.day = day;
    }

    pub(super) fn add(&mut self, dimension: Dimension, name: &str, n: u64) {
        let names_max = match dimension {
            Dimension::Images => IMAGES_MAX,
            _ => NAMES_MAX,
        };
        self.today[place(dimension)].add(name, n, names_max);
    }

    /// Adds what an earlier process has counted today.
    pub(super) fn resume(&mut self, dimension: Dimension, counts: &DayCounts) {
        for (name, count) in counts.sorted() {
            self.add(dimension, name, count);
        }
        let counter = &mut self.today[place(dimension)];
        counter.others = counter.others.saturating_add(counts.others());
    }

    /// The names that are counted today.
    pub(super) fn names(&self, dimension: Dimension) -> Vec<String> {
        self.today[place(dimension)].names.keys().cloned().collect()
    }

    /// Counts a name among the others from now on, and on days that wait.
    pub(super) fn forget(&mut self, dimension: Dimension, name: &str) {
        let counter = &mut self.today[place(dimension)];
        if let Some(count) = counter.names.remove(name) {
            counter.others = counter.others.saturating_add(count);
        }
        for daily in &mut self.waiting {
            if daily.dimension == dimension {
                daily.counts.forget(name);
            }
        }
    }

    /// Everything that is to be written.
    pub(super) fn counted(&self) -> Vec<Daily> {
        self.waiting
            .iter()
            .cloned()
            .chain(self.of_today())
            .collect()
    }

    /// What [`Self::counted`] said is written; days that are over are forgotten.
    pub(super) fn written(&mut self) {
        self.waiting.clear();
    }

    fn of_today(&self) -> Vec<Daily> {
        let counted = Dimension::ALL.into_iter().map(|dimension| {
            let Counter { names, others } = &self.today[place(dimension)];
            let names = names.iter().map(|(name, count)| (name.clone(), *count));
            Daily {
                day: self.day,
                dimension,
                counts: DayCounts::most_of(names, *others),
            }
        });
        counted.filter(|daily| daily.counts.total() > 0).collect()
    }
}

/// Where a dimension is counted.
fn place(dimension: Dimension) -> usize {
    match dimension {
        Dimension::Pages => 0,
        Dimension::Images => 1,
        Dimension::Referrers => 2,
        Dimension::Statuses => 3,
        Dimension::Countries => 4,
        Dimension::Sessions => 5,
    }
}

/// Counts by name, of so many names at most: Misra and Gries (1982). A name is
/// told with fewer than it has by at most a share of one in `names_max` of all.
#[derive(Debug, Default)]
struct Counter {
    names: HashMap<String, u64>,
    others: u64,
}

impl Counter {
    fn add(&mut self, name: &str, n: u64, names_max: usize) {
        if let Some(count) = self.names.get_mut(name) {
            *count = count.saturating_add(n);
        } else if self.names.len() < names_max {
            self.names.insert(name.to_owned(), n);
        } else {
            // Each name gives one up, which its earlier counts have paid for.
            let n_names = u64::try_from(self.names.len()).unwrap_or(u64::MAX);
            self.names.retain(|_, count| {
                *count -= 1;
                *count > 0
            });
            self.others = self.others.saturating_add(n_names).saturating_add(n);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(tally: &Tally, dimension: Dimension) -> DayCounts {
        let found = tally.counted().into_iter().rev();
        let mut found = found.filter(|daily| daily.dimension == dimension);
        found.next().unwrap().counts
    }

    #[test]
    fn a_flood_of_names_takes_bounded_memory_and_loses_no_sum() {
        let mut tally = Tally::default();
        tally.begin(1);
        for n in 0..20_000 {
            tally.add(Dimension::Referrers, &format!("flood{n}.example"), 1);
            tally.add(Dimension::Referrers, "real.example", 1);
        }
        assert!(tally.today[place(Dimension::Referrers)].names.len() <= NAMES_MAX);
        let counts = counts(&tally, Dimension::Referrers);
        assert_eq!(counts.total(), 40_000);
        let real = counts.of("real.example");
        assert!(real > 20_000 - 40_000 / 1_024 - 1, "{real}");
        assert_eq!(counts.sorted()[0].0, "real.example");
    }

    #[test]
    fn a_day_that_ends_waits_to_be_written() {
        let mut tally = Tally::default();
        tally.begin(1);
        tally.add(Dimension::Pages, "/", 3);
        let earlier = DayCounts::most_of([("/".to_owned(), 4)], 5);
        tally.resume(Dimension::Pages, &earlier);
        tally.begin(2);
        tally.add(Dimension::Pages, "/", 1);
        let days: Vec<(u32, u64)> = tally
            .counted()
            .iter()
            .map(|daily| (daily.day, daily.counts.total()))
            .collect();
        assert_eq!(days, [(1, 12), (2, 1)]);
        tally.written();
        assert_eq!(tally.counted().len(), 1);
        for day in 3..1_000 {
            tally.add(Dimension::Pages, "/", 1);
            tally.begin(day);
        }
        assert!(tally.counted().len() <= WAITING_MAX * Dimension::ALL.len() + 1);
    }
}
