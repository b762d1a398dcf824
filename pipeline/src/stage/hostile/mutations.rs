//! Files of every kind, with and without carriers, cut, flipped and spliced.

use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::answer;
use crate::stage::scrub::fixtures::carriers;
use crate::stage::testing::{every_kind, png_with_checksums_mended};

fn corpus() -> Vec<(&'static str, Vec<u8>)> {
    [every_kind(), carriers()].concat()
}

#[test]
fn cut_at_many_lengths() {
    for (name, file) in corpus() {
        for length in (0..file.len()).step_by(11) {
            let _answer = answer(name, &file[..length]);
        }
    }
}

#[test]
fn flipped_bit_by_bit() {
    for (name, mut file) in corpus() {
        for at in (0..file.len()).step_by(13) {
            let mask = 1 << (at % 8);
            file[at] ^= mask;
            let _answer = answer(name, &file);
            if let Some(mended) = png_with_checksums_mended(&file) {
                let _answer = answer(name, &mended);
            }
            file[at] ^= mask;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 1_500,
        // The same damage on every run: new damage is the fuzzers' business.
        rng_seed: RngSeed::Fixed(14),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// The head of one file with the tail of another, or of itself: parts missing,
    /// twice, or out of place.
    #[test]
    fn spliced(
        files in any::<[prop::sample::Index; 2]>(),
        cuts in any::<[prop::sample::Index; 2]>(),
    ) {
        thread_local! {
            static CORPUS: Vec<(&'static str, Vec<u8>)> = corpus();
        }
        CORPUS.with(|corpus| {
            let [head, tail] = files.map(|file| file.get(corpus));
            let start = &head.1[..cuts[0].index(head.1.len())];
            let end = &tail.1[cuts[1].index(tail.1.len())..];
            let name = format!("{} with {}", head.0, tail.0);
            let _answer = answer(&name, &[start, end].concat());
        });
    }
}
