//! Likenesses in memory, found by distance.
//!
//! Multi-index hashing (Norouzi, Punjani, Fleet: "Fast Search in Hamming Space
//! with Multi-Index Hashing", CVPR 2012): 256 bits are 16 chunks of 16. Of two
//! hashes that differ in at most 31 bits some chunk differs in at most one, by
//! the pigeonhole principle, since 16 x 2 > 31. So each chunk has a table, and
//! the places of its value and of its 16 neighbours hold every candidate: with
//! a million hashes some 4,000, which are compared as a whole.

use std::collections::HashSet;

const CHUNKS: usize = 16;
const CHUNK_BITS: u32 = 16;
const BUCKETS: usize = 1 << CHUNK_BITS;

/// Largest distance that one differing bit a chunk finds for certain.
pub(crate) const DISTANCE_MAX: u32 = 31;

/// Additions and removals that are kept beside the tables before they are built
/// anew, or a sixteenth of all: 62,500 comparisons take 0.1 ms.
const LOOSE_MAX: usize = 4_096;
const LOOSE_SHARE: usize = 16;

/// A hash as four words.
pub(crate) type Bits = [u64; 4];

/// The hash as four words.
pub(crate) fn bits_of(hash: &[u8; 32]) -> Bits {
    let mut bits = [0; 4];
    for (word, bytes) in bits.iter_mut().zip(hash.as_chunks::<8>().0) {
        *word = u64::from_le_bytes(*bytes);
    }
    bits
}

fn bytes_of(bits: &Bits) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (place, word) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(bits) {
        *place = word.to_le_bytes();
    }
    bytes
}

fn distance(one: &Bits, other: &Bits) -> u32 {
    one.iter()
        .zip(other)
        .map(|(one, other)| (one ^ other).count_ones())
        .sum()
}

fn first_half(hashes: &[Bits], place: u32) -> [u64; 2] {
    hashes
        .get(place as usize)
        .map_or([0; 2], |&[first, second, ..]| [first, second])
}

fn half_distance(wanted: &Bits, half: &[u64; 2]) -> u32 {
    let pairs = wanted.iter().zip(half);
    pairs.map(|(one, other)| (one ^ other).count_ones()).sum()
}

/// The hashes, with what finds them.
#[derive(Debug, Default)]
pub(crate) struct PdqIndex {
    hashes: Vec<Bits>,
    tables: Vec<Table>,
    /// Added since the tables were built.
    loose: Vec<Bits>,
    /// Removed since the tables were built.
    gone: HashSet<Bits>,
}

/// Which hashes have which value in one chunk: those of value `v` are
/// `places[starts[v]..starts[v + 1]]`.
#[derive(Debug)]
struct Table {
    starts: Vec<u32>,
    places: Vec<u32>,
}

impl PdqIndex {
    /// An index of these hashes, each once.
    pub(crate) fn build(hashes: Vec<[u8; 32]>) -> Self {
        let mut bits: Vec<Bits> = hashes.iter().map(bits_of).collect();
        bits.sort_unstable();
        bits.dedup();
        // A place is a u32; 4,294 million hashes do not fit into memory.
        bits.truncate(u32::MAX as usize);
        let tables = if bits.is_empty() {
            Vec::new()
        } else {
            (0..CHUNKS)
                .map(|chunk| Table::build(&bits, chunk))
                .collect()
        };
        Self {
            hashes: bits,
            tables,
            loose: Vec::new(),
            gone: HashSet::new(),
        }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.hashes.len() - self.gone.len() + self.loose.len()
    }

    /// Adds a hash; nothing happens when it is there.
    pub(crate) fn add(&mut self, hash: [u8; 32]) {
        let bits = bits_of(&hash);
        if self.gone.remove(&bits) || self.is_built(&bits) || self.loose.contains(&bits) {
            return;
        }
        self.loose.push(bits);
        self.settle();
    }

    /// Removes a hash; nothing happens when it is not there.
    pub(crate) fn remove(&mut self, hash: [u8; 32]) {
        let bits = bits_of(&hash);
        if let Some(idx) = self.loose.iter().position(|loose| *loose == bits) {
            self.loose.swap_remove(idx);
        } else if self.is_built(&bits) {
            self.gone.insert(bits);
            self.settle();
        }
    }

    /// Up to `limit` hashes within a distance, at most 31, the nearest first.
    pub(crate) fn within(
        &self,
        wanted: &Bits,
        distance_max: u32,
        limit: usize,
    ) -> Vec<([u8; 32], u32)> {
        let mut found = Vec::new();
        self.for_each_within(wanted, distance_max.min(DISTANCE_MAX), |bits, distance| {
            found.push((distance, *bits));
        });
        found.sort_unstable();
        found.truncate(limit);
        found
            .into_iter()
            .map(|(distance, bits)| (bytes_of(&bits), distance))
            .collect()
    }

    fn for_each_within(&self, wanted: &Bits, distance_max: u32, mut visit: impl FnMut(&Bits, u32)) {
        for bits in &self.loose {
            let apart = distance(wanted, bits);
            if apart <= distance_max {
                visit(bits, apart);
            }
        }
        let (mut places, mut halves) = (Vec::new(), Vec::new());
        for (chunk, table) in self.tables.iter().enumerate() {
            let value = chunk_of(wanted, chunk);
            let neighbours = (0..CHUNK_BITS).map(|bit| value ^ (1 << bit));
            places.clear();
            for value in std::iter::once(value).chain(neighbours) {
                places.extend_from_slice(table.of(value));
            }
            // They lie anywhere. Fetched before anything is done with them, many of
            // them are under way at a time.
            halves.clear();
            halves.extend(places.iter().map(|place| first_half(&self.hashes, *place)));
            for (place, half) in places.iter().zip(&halves) {
                // Of a million that have nothing to do with it none is near in half.
                if half_distance(wanted, half) > distance_max {
                    continue;
                }
                let Some(bits) = self.hashes.get(*place as usize) else {
                    continue;
                };
                let apart = distance(wanted, bits);
                // Found by several chunks, it counts for the first of them.
                if apart <= distance_max
                    && (0..chunk).all(|earlier| !is_near(wanted, bits, earlier))
                    && !self.gone.contains(bits)
                {
                    visit(bits, apart);
                }
            }
        }
    }

    fn is_built(&self, bits: &Bits) -> bool {
        self.hashes.binary_search(bits).is_ok()
    }

    /// Builds the tables anew once too much lies beside them.
    fn settle(&mut self) {
        let loose_max = LOOSE_MAX.max(self.hashes.len() / LOOSE_SHARE);
        if self.loose.len().max(self.gone.len()) <= loose_max {
            return;
        }
        let kept = self.hashes.iter().filter(|bits| !self.gone.contains(*bits));
        *self = Self::build(kept.chain(&self.loose).map(bytes_of).collect());
    }
}

impl Table {
    fn build(hashes: &[Bits], chunk: usize) -> Self {
        let mut starts = vec![0_u32; BUCKETS + 1];
        for bits in hashes {
            starts[usize::from(chunk_of(bits, chunk)) + 1] += 1;
        }
        for idx in 1..starts.len() {
            starts[idx] += starts[idx - 1];
        }
        let mut next = starts.clone();
        let mut places = vec![0_u32; hashes.len()];
        for (place, bits) in (0_u32..).zip(hashes) {
            let slot = &mut next[usize::from(chunk_of(bits, chunk))];
            places[*slot as usize] = place;
            *slot += 1;
        }
        Self { starts, places }
    }

    fn of(&self, value: u16) -> &[u32] {
        let value = usize::from(value);
        &self.places[self.starts[value] as usize..self.starts[value + 1] as usize]
    }
}

fn chunk_of(bits: &Bits, chunk: usize) -> u16 {
    let [low, high, ..] = (bits[chunk / 4] >> (chunk % 4 * 16)).to_le_bytes();
    u16::from_le_bytes([low, high])
}

fn is_near(one: &Bits, other: &Bits, chunk: usize) -> bool {
    (chunk_of(one, chunk) ^ chunk_of(other, chunk)).count_ones() <= 1
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    /// A hash with some bits flipped.
    fn flipped(hash: [u8; 32], bits: &BTreeSet<usize>) -> [u8; 32] {
        let mut flipped = hash;
        for bit in bits {
            flipped[bit / 8] ^= 1 << (bit % 8);
        }
        flipped
    }

    fn bits_to_flip() -> impl Strategy<Value = BTreeSet<usize>> {
        proptest::collection::btree_set(0..256_usize, 0..40)
    }

    proptest! {
        #[test]
        fn what_brute_force_finds_is_found_once(
            base: [u8; 32],
            near in proptest::collection::vec(bits_to_flip(), 0..60),
            far: Vec<[u8; 32]>,
            n_loose in 0..20_usize,
            n_gone in 0..20_usize,
        ) {
            let mut hashes: Vec<_> = near.iter().map(|bits| flipped(base, bits)).chain(far).collect();
            hashes.sort_unstable();
            hashes.dedup();
            let n_loose = n_loose.min(hashes.len());
            let mut index = PdqIndex::build(hashes[n_loose..].to_vec());
            hashes[..n_loose].iter().for_each(|hash| index.add(*hash));
            hashes.iter().take(1).for_each(|hash| index.add(*hash));
            let n_gone = n_gone.min(hashes.len());
            for gone in hashes.drain(..n_gone) {
                index.remove(gone);
                index.remove(gone);
            }
            prop_assert_eq!(index.len(), hashes.len());
            let mut expected: Vec<(u32, Bits)> = hashes.iter().map(bits_of)
                .map(|bits| (distance(&bits, &bits_of(&base)), bits))
                .filter(|(distance, _)| *distance <= 31)
                .collect();
            expected.sort_unstable();
            let found = index.within(&bits_of(&base), 31, 1_000);
            let expected: Vec<_> = expected.iter().map(|(apart, bits)| (bytes_of(bits), *apart)).collect();
            prop_assert_eq!(&found, &expected);
        }
    }

    #[test]
    fn many_changes_are_built_in() {
        let hash = |n: u32| {
            let mut hash = [0; 32];
            hash[..4].copy_from_slice(&n.to_le_bytes());
            hash[16..20].copy_from_slice(&n.wrapping_mul(0x9E37_79B9).to_le_bytes());
            hash
        };
        let mut index = PdqIndex::default();
        (0..10_000).for_each(|n| index.add(hash(n)));
        (0..9_000).for_each(|n| index.remove(hash(n)));
        assert_eq!(index.len(), 1_000);
        assert!(index.hashes.len() < 10_000 && index.loose.len() <= LOOSE_MAX);
        for n in 0..10_000 {
            let found = index.within(&bits_of(&hash(n)), 0, 9);
            assert_eq!(found.len(), usize::from(n >= 9_000), "{n}");
        }
    }
}
