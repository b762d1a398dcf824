use proptest::prelude::*;

use super::scalar::inverse;
use super::*;

/// The samples of each block, on every path that this CPU has.
fn on_every_path(
    blocks: &[[i16; 64]; BLOCKS],
    table: &[u16; 64],
) -> Vec<(CpuPath, [[u8; 64]; BLOCKS])> {
    let coefficients = std::array::from_fn(|position| blocks.map(|block| block[position]));
    let steps = Steps::new(table);
    CpuPath::available()
        .map(|path| {
            let mut rows = [[[0; SIDE]; BLOCKS]; SIDE];
            let inverse = InverseDct::on(path).unwrap();
            inverse.run(&coefficients, &steps, &mut rows);
            let sample = |block: usize, at: usize| rows[at / SIDE][block][at % SIDE];
            let samples = std::array::from_fn(|block| std::array::from_fn(|at| sample(block, at)));
            (path, samples)
        })
        .collect()
}

/// The samples by the definition, kept within their range.
fn exact(block: &[i16; 64], table: &[u16; 64]) -> [f64; 64] {
    let mut coefficients = [0.0; 64];
    for (position, place) in ZIGZAG.into_iter().enumerate() {
        let value = f64::from(block[position]) * f64::from(table[position]);
        coefficients[usize::from(place)] = value;
    }
    inverse(&coefficients).map(|sample| sample.clamp(0.0, 255.0))
}

fn blocks(coefficients: &[i16]) -> [[i16; 64]; BLOCKS] {
    let (blocks, _) = coefficients.as_chunks::<64>();
    std::array::from_fn(|lane| blocks[lane])
}

fn table() -> impl Strategy<Value = [u16; 64]> {
    proptest::collection::vec(1_u16..9, 64)
        .prop_map(|steps| std::array::from_fn(|position| steps[position]))
}

proptest! {
    #[test]
    fn every_path_is_what_the_definition_says(
        coefficients in proptest::collection::vec(-40_i16..40, BLOCKS * 64),
        table in table(),
    ) {
        let blocks = blocks(&coefficients);
        for (path, found) in on_every_path(&blocks, &table) {
            for (found, block) in found.iter().zip(&blocks) {
                for (found, exact) in found.iter().zip(exact(block, &table)) {
                    let error = f64::from(*found) - exact;
                    prop_assert!(error.abs() < 0.501, "{path}: {found} {exact}");
                }
            }
        }
    }

    #[test]
    fn any_coefficients_have_samples(
        coefficients in proptest::collection::vec(any::<i16>(), BLOCKS * 64),
        step: u16,
    ) {
        let (blocks, table) = (blocks(&coefficients), [step; 64]);
        for (path, found) in on_every_path(&blocks, &table) {
            for (found, block) in found.iter().zip(&blocks) {
                for (found, exact) in found.iter().zip(exact(block, &table)) {
                    // Of sums of thousands of millions the last thousand is not known.
                    let is_plain = exact == 0.0 || exact == 255.0;
                    let error = f64::from(*found) - exact;
                    prop_assert!(!is_plain || step > 16 || error.abs() < 4.0, "{path}: {found} {exact}");
                }
            }
        }
    }

    #[test]
    fn a_mean_alone_fills_the_block(mean: i16) {
        let block = std::array::from_fn(|at| if at == 0 { mean } else { 0 });
        let exact = (128.0 + f64::from(mean) / 8.0).clamp(0.0, 255.0);
        for (path, found) in on_every_path(&[block; BLOCKS], &[1; 64]) {
            for sample in found.as_flattened() {
                prop_assert!((f64::from(*sample) - exact).abs() <= 0.5, "{path}");
                prop_assert_eq!(*sample, found[0][0]);
            }
        }
    }
}

#[test]
fn the_zigzag_is_that_of_the_standard() {
    let first = [0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5];
    let last = [
        58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
    ];
    assert_eq!((&ZIGZAG[..16], &ZIGZAG[48..]), (&first[..], &last[..]));
    let mut places = ZIGZAG;
    places.sort_unstable();
    assert!(places.into_iter().eq(0..64));
}
