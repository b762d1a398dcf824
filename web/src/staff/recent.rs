//! A map of bounded size that forgets what was used longest ago.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

/// What was used last, up to a number of entries.
#[derive(Debug)]
pub(super) struct Recent<K, V> {
    n_max: usize,
    values: HashMap<K, (u64, V)>,
    /// The keys by when each was used last.
    order: BTreeMap<u64, K>,
    n_uses: u64,
}

impl<K: Clone + Eq + Hash, V> Recent<K, V> {
    /// An empty map of at most `n_max` entries, one at least.
    pub(super) fn new(n_max: usize) -> Self {
        Self {
            n_max: n_max.max(1),
            values: HashMap::new(),
            order: BTreeMap::new(),
            n_uses: 0,
        }
    }

    /// The value of a key, made where there is none. It is the one used last now.
    pub(super) fn used(&mut self, key: &K, make: impl FnOnce() -> V) -> &mut V {
        if !self.values.contains_key(key)
            && self.values.len() >= self.n_max
            && let Some((_, oldest)) = self.order.pop_first()
        {
            self.values.remove(&oldest);
        }
        self.n_uses += 1;
        let n_uses = self.n_uses;
        let (used_at, value) = self
            .values
            .entry(key.clone())
            .or_insert_with(|| (n_uses, make()));
        self.order.remove(used_at);
        self.order.insert(n_uses, key.clone());
        *used_at = n_uses;
        value
    }

    /// The value of a key, if there is one. Looking is no use.
    pub(super) fn seen(&mut self, key: &K) -> Option<&mut V> {
        self.values.get_mut(key).map(|(_, value)| value)
    }

    /// Every entry, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.values.iter().map(|(key, (_, value))| (key, value))
    }

    pub(super) fn remove(&mut self, key: &K) {
        if let Some((used_at, _)) = self.values.remove(key) {
            self.order.remove(&used_at);
        }
    }

    /// Keeps the entries whose key is meant.
    pub(super) fn retain(&mut self, mut is_meant: impl FnMut(&K) -> bool) {
        self.values.retain(|key, _| is_meant(key));
        let values = &self.values;
        self.order.retain(|_, key| values.contains_key(key));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_used_longest_ago_makes_room() {
        let mut recent = Recent::new(2);
        *recent.used(&'a', || 1) += 10;
        recent.used(&'b', || 2);
        assert_eq!(*recent.used(&'a', || 0), 11);
        recent.used(&'c', || 3);
        assert_eq!(recent.seen(&'b'), None);
        assert_eq!(recent.seen(&'a'), Some(&mut 11));
        assert_eq!(recent.iter().count(), 2);
        recent.remove(&'a');
        recent.retain(|key| *key != 'c');
        assert_eq!((recent.iter().count(), recent.order.len()), (0, 0));
    }

    #[test]
    fn a_flood_of_keys_takes_no_more_room() {
        let mut recent = Recent::new(100);
        for key in 0..10_000_u32 {
            recent.used(&key, || ());
        }
        assert_eq!((recent.values.len(), recent.order.len()), (100, 100));
        assert!(recent.seen(&9_900).is_some() && recent.seen(&9_899).is_none());
    }
}
