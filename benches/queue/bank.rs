//! Looking an upload up in a hash bank of a million likenesses.

use std::hint::black_box;
use std::sync::Arc;

use imgshare_storage::Store;
use imgshare_storage::audit::Actor;
use imgshare_storage::moderation::{Bank, BankEntry, BankHash, BankPolicy, Lookup, Note, Policy};

use super::figures::Figures;
use super::{hash_of, timed};

const HASHES: usize = 1_000_000;

/// Entries added together.
const BATCH: usize = 50_000;

const LOOKUPS: usize = 200;

pub(super) fn measure(figures: &mut Figures) {
    let bank = Bank::new(Arc::new(Store::memory()));
    for first in (0..HASHES).step_by(BATCH) {
        let entries: Vec<BankEntry> = (first..first + BATCH).map(entry).collect();
        let added = bank.import(&Actor::Operator, &entries, 0);
        assert_eq!(added.expect("entries are added").len(), BATCH);
    }
    bank.load().expect("the bank is read");
    for nth in 0..LOOKUPS {
        let unknown = hash_of(HASHES + nth);
        let mut known = hash_of(nth * 4_999);
        known[..3].iter_mut().for_each(|byte| *byte ^= 0xFF);
        known[31] ^= 0x7F;
        for (hash, is_known) in [(unknown, false), (known, true)] {
            let wanted = Lookup {
                sha256: hash,
                pdq: Some(super::likeness(hash)),
            };
            let mut found = None;
            let time = timed(|| found = black_box(bank.lookup(&wanted)).expect("the bank is read"));
            assert_eq!(found.is_some(), is_known);
            let what = match is_known {
                true => "hash bank: an image 31 bits from a known one",
                false => "hash bank: an unknown image",
            };
            figures.add(what, HASHES, time);
        }
    }
}

fn entry(nth: usize) -> BankEntry {
    BankEntry {
        hash: BankHash::Pdq(hash_of(nth)),
        policy: BankPolicy::Refuse,
        against: Policy::Illegal,
        reason: Note::default(),
        added_by: String::new(),
        added_at_ms: 0,
        image: None,
    }
}
