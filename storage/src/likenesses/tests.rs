use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};

use proptest::prelude::*;

use super::*;
use crate::contract::{SampleBytes, sample_record};
use crate::{PerceptualHash, State};

/// What happens to a store, in the order of the list.
#[derive(Debug, Clone)]
enum Step {
    /// An image near the wanted one, by these bits, of this quality.
    Near(BTreeSet<usize>, u8),
    /// One that is not.
    Far([u8; 32]),
    /// One image is removed.
    Remove(usize),
    /// Somebody asks.
    Ask,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let bits = proptest::collection::btree_set(0..256_usize, 0..40);
    let quality = prop_oneof![Just(49_u8), Just(50), Just(100)];
    let step = prop_oneof![
        4 => (bits, quality).prop_map(|(bits, quality)| Step::Near(bits, quality)),
        2 => any::<[u8; 32]>().prop_map(Step::Far),
        1 => any::<usize>().prop_map(Step::Remove),
        1 => Just(Step::Ask),
    ];
    proptest::collection::vec(step, 0..40)
}

fn flipped(mut hash: [u8; 32], bits: &BTreeSet<usize>) -> [u8; 32] {
    for bit in bits {
        hash[bit / 8] ^= 1 << (bit % 8);
    }
    hash
}

fn apart(one: &[u8; 32], other: &[u8; 32]) -> u32 {
    one.iter()
        .zip(other)
        .map(|(one, other)| (one ^ other).count_ones())
        .sum()
}

fn store(store: &Store, hash: [u8; 32], quality: u8) -> Record {
    let record = Record {
        pdq: Some(PerceptualHash::bare(hash, quality)),
        state: State::Public,
        ..sample_record()
    };
    let bytes = SampleBytes(b"original".to_vec());
    store.commit(&record, &bytes).unwrap();
    record
}

fn found(store: &Store, wanted: &[[u8; 32]]) -> HashMap<(ImageId, [u8; 32]), u32> {
    let mut found = HashMap::new();
    let mut visit = |alike: Alike| {
        let before = found.insert((alike.id, alike.to), alike.distance);
        assert_eq!(before, None, "visited twice");
        Ok(ControlFlow::Continue(()))
    };
    store.for_each_alike(wanted, &mut visit).unwrap();
    found
}

fn compared(stored: &[Record], wanted: &[[u8; 32]]) -> HashMap<(ImageId, [u8; 32]), u32> {
    let pairs = stored.iter().flat_map(|record| {
        let pdq = record.pdq.filter(|pdq| pdq.quality >= 50);
        wanted.iter().filter_map(move |to| {
            let distance = apart(&pdq?.hash, to);
            (distance <= 31).then_some(((record.id, *to), distance))
        })
    });
    pairs.collect()
}

proptest! {
    #[test]
    fn what_comparing_with_every_image_finds_is_found(
        wanted: [u8; 32],
        other in proptest::collection::btree_set(0..256_usize, 0..20),
        steps in steps(),
        in_memory: bool,
    ) {
        let mut kept = Store::memory();
        if !in_memory {
            kept.likenesses.hashes_max = Some(3);
        }
        let wanted = [wanted, flipped(wanted, &other)];
        let mut stored: Vec<Record> = Vec::new();
        for step in steps.iter().chain([&Step::Ask]) {
            match step {
                Step::Near(bits, quality) => stored.push(store(&kept, flipped(wanted[0], bits), *quality)),
                Step::Far(hash) => stored.push(store(&kept, *hash, 100)),
                Step::Remove(_) if stored.is_empty() => {}
                Step::Remove(which) => {
                    let gone = stored.swap_remove(which % stored.len());
                    prop_assert!(kept.remove(&gone.id, 0).unwrap());
                }
                Step::Ask => prop_assert_eq!(found(&kept, &wanted), compared(&stored, &wanted)),
            }
        }
    }
}

#[test]
fn nothing_is_missed_that_is_stored_while_the_likenesses_are_read() {
    let kept = Store::memory();
    let hash = |n: u32| {
        let mut hash = [0; 32];
        hash[..4].copy_from_slice(&n.to_le_bytes());
        hash
    };
    (0..5_000).for_each(|n| drop(store(&kept, hash(n), 100)));
    let is_read = AtomicBool::new(false);
    let later = std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut later = Vec::new();
            while !is_read.load(Ordering::SeqCst) || later.len() < 100 {
                let n = 5_000 + u32::try_from(later.len()).unwrap();
                later.push(store(&kept, hash(n), 100));
            }
            later
        });
        kept.load_likenesses().unwrap();
        is_read.store(true, Ordering::SeqCst);
        writer.join().unwrap()
    });
    for record in &later {
        let hash = record.likeness().unwrap();
        assert_eq!(found(&kept, &[hash]).get(&(record.id, hash)), Some(&0));
    }
}

#[test]
fn a_visitor_can_have_enough() {
    let kept = Store::memory();
    (0..9).for_each(|_| drop(store(&kept, [7; 32], 100)));
    let mut n_visited = 0;
    let mut visit = |_| {
        n_visited += 1;
        Ok(match n_visited {
            3 => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        })
    };
    kept.for_each_alike(&[[7; 32]], &mut visit).unwrap();
    assert_eq!(n_visited, 3);
}
