//! Looking an image up among a million hashes that must not come back.
//!
//! Random hashes, and likenesses of some of them at every distance: what is
//! found must be what comparing with each of them finds. Each is asked for in the
//! eight ways in which a picture can lie.

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use imgshare_storage::audit::Actor;
use imgshare_storage::moderation::{
    BANK_DISTANCE_MAX, Bank, BankEntry, BankHash, BankPolicy, Lookup, Note, Policy,
};
use imgshare_storage::{PerceptualHash, Store, TurnedHashes};

const HASHES: u64 = 1_000_000;

/// Looked up, and compared with every hash of the bank.
const CHECKED: u64 = 64;

fn bench(criterion: &mut Criterion) {
    let store = Arc::new(Store::memory());
    let bank = Bank::new(store);
    let hashes: Vec<[u8; 32]> = (0..HASHES).map(hash).collect();
    for some in hashes.chunks(50_000) {
        let entries: Vec<BankEntry> = some.iter().map(entry).collect();
        let added = bank.import(&Actor::Operator, &entries, 0);
        assert_eq!(added.expect("entries are added").len(), some.len());
    }
    check(&bank, &hashes);

    let lookup = |pdq: [u8; 32]| {
        let wanted = Lookup {
            sha256: pdq,
            pdq: Some(likeness(pdq)),
        };
        bank.lookup(&wanted).expect("the bank is read")
    };
    let mut n = 0;
    let mut next = || {
        n += 1;
        n
    };
    let mut group = criterion.benchmark_group("a million hashes");
    group.bench_function("unknown image", |bencher| {
        bencher.iter(|| black_box(lookup(hash(HASHES + next()))));
    });
    group.bench_function("known image, 31 bits apart", |bencher| {
        bencher.iter(|| {
            let known = flipped(hash(next() % HASHES), 31);
            assert!(black_box(lookup(known)).is_some());
        });
    });
    group.finish();
}

/// Holds the answers against those of comparing with every hash.
fn check(bank: &Bank, hashes: &[[u8; 32]]) {
    for n in 0..CHECKED {
        let n_bits = usize::try_from(n % 40).expect("below 40");
        let wanted = flipped(hash(n * 15_013 % HASHES), n_bits);
        let mut expected: Vec<(u32, [u8; 32])> = hashes
            .iter()
            .map(|hash| (distance(hash, &wanted), *hash))
            .filter(|(distance, _)| *distance <= BANK_DISTANCE_MAX)
            .collect();
        expected.sort_unstable();
        let mut found: Vec<(u32, [u8; 32])> = bank
            .alike(&likeness(wanted))
            .expect("the bank is read")
            .into_iter()
            .map(|found| (found.distance, found.hash))
            .collect();
        found.sort_unstable();
        assert_eq!(found, expected, "{n_bits} bits apart");
        assert_eq!(found.is_empty(), n_bits > 31);
    }
}

/// What is known of a picture; turned, it is like nothing else.
fn likeness(hash: [u8; 32]) -> PerceptualHash {
    let turned = |by: u8| hash.map(|byte| byte.wrapping_mul(151) ^ by);
    PerceptualHash {
        turned: Some(TurnedHashes {
            mirrored: turned(1),
            flipped: turned(2),
            half_turned: turned(3),
        }),
        ..PerceptualHash::bare(hash, 100)
    }
}

fn distance(one: &[u8; 32], other: &[u8; 32]) -> u32 {
    one.iter()
        .zip(other)
        .map(|(one, other)| (one ^ other).count_ones())
        .sum()
}

/// A hash that looks random, the same for the same number.
fn hash(n: u64) -> [u8; 32] {
    use sha2::{Digest, Sha256};
    Sha256::digest(n.to_le_bytes()).into()
}

/// The hash with this many of its bits turned, spread over all of it.
fn flipped(mut hash: [u8; 32], n_bits: usize) -> [u8; 32] {
    for bit in (0..n_bits).map(|idx| idx * 101 % 256) {
        hash[bit / 8] ^= 1 << (bit % 8);
    }
    hash
}

fn entry(hash: &[u8; 32]) -> BankEntry {
    BankEntry {
        hash: BankHash::Pdq(*hash),
        policy: BankPolicy::Refuse,
        against: Policy::Illegal,
        reason: Note::default(),
        added_by: String::new(),
        added_at_ms: 0,
        image: None,
    }
}

criterion_group!(benches, bench);
criterion_main!(benches);
