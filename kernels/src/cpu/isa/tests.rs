//! Every instruction set this machine has against plain Rust, over extremes.

use super::*;

/// The paths that this CPU has; says which it lacks.
fn paths() -> Vec<(CpuPath, Proof)> {
    let proof = |path| match Proof::of(path) {
        Some(proof) => Some((path, proof)),
        None => {
            eprintln!("skipped: this CPU does not have {path}");
            None
        }
    };
    CpuPath::ALL.into_iter().filter_map(proof).collect()
}

/// Runs `job` on each path.
fn on_every_path<J: Job + Copy>(
    paths: &[(CpuPath, Proof)],
    job: J,
    mut check: impl FnMut(CpuPath, J::Output),
) {
    for &(path, proof) in paths {
        check(path, proof.choose(Enter(job)));
    }
}

/// Runs a job compiled for the instruction set it is given.
struct Enter<J>(J);

impl<J: Job> Job for Enter<J> {
    type Output = J::Output;

    fn run<I: Isa>(self, isa: I) -> J::Output {
        isa.run(self.0)
    }
}

const EXTREMES: [f32; 20] = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    1.5,
    2.5,
    -0.5,
    -1.5,
    6.0,
    6.000_001,
    -6.0,
    16_383.0,
    16_382.5,
    32_767.0,
    -32_768.0,
    1e-40,
    f32::MIN_POSITIVE,
    1e30,
    -1e30,
];

#[derive(Clone, Copy)]
struct Arithmetic {
    a: Lanes,
    b: Lanes,
    c: Lanes,
}

impl Job for Arithmetic {
    type Output = [Lanes; 6];

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) -> [Lanes; 6] {
        let (a, b, c) = (isa.load(&self.a), isa.load(&self.b), isa.load(&self.c));
        let results = [
            isa.add(a, b),
            isa.mul(a, b),
            isa.min(a, b),
            isa.max(a, b),
            isa.splat(self.a[3]),
            isa.mul_add(a, b, c),
        ];
        let mut out = [[0.0; LANES]; 6];
        for (out, result) in out.iter_mut().zip(results) {
            isa.store(result, out);
        }
        out
    }
}

/// Sixteen of the extremes from `start` on, around.
fn extremes(start: usize) -> Lanes {
    std::array::from_fn(|lane| EXTREMES[(start + lane) % EXTREMES.len()])
}

#[test]
fn floats_compute_as_in_plain_rust() {
    let paths = paths();
    for start in 0..EXTREMES.len() {
        for shift in 0..EXTREMES.len() {
            let job = Arithmetic {
                a: extremes(start),
                b: extremes(start + shift),
                c: extremes(start + 7 * shift),
            };
            let expected = scalar::Scalar.run(job);
            on_every_path(&paths, job, |path, actual| {
                // Minus zero equals zero: which of them comes out is free.
                assert_eq!(actual[..5], expected[..5], "{path}");
                for lane in 0..LANES {
                    let exact = f64::from(job.a[lane]) * f64::from(job.b[lane]);
                    let difference = (actual[5][lane] - expected[5][lane]).abs();
                    let both_overflow = actual[5][lane] == expected[5][lane];
                    let rounding = exact.abs() * 2.0 * f64::from(f32::EPSILON) + 1e-38;
                    assert!(
                        both_overflow || f64::from(difference) <= rounding,
                        "{path}: {} instead of {}",
                        actual[5][lane],
                        expected[5][lane]
                    );
                }
            });
        }
    }
}

#[derive(Clone, Copy)]
struct Halves(Lanes);

impl Job for Halves {
    type Output = HalfLanes;

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) -> HalfLanes {
        let mut out = [0; LANES / 2];
        isa.store_halves(isa.load(&self.0), &mut out);
        out
    }
}

#[test]
fn halves_are_rounded_alike() {
    let paths = paths();
    let mut values: Vec<f32> = EXTREMES.into_iter().filter(|v| v.abs() < 4e4).collect();
    values.extend((0..2000_u16).map(|i| f32::from(i) * 16.37 - 16_000.25));
    for values in values.chunks_exact(LANES) {
        let job = Halves(values.try_into().unwrap());
        let expected = scalar::Scalar.run(job);
        on_every_path(&paths, job, |path, actual| {
            assert_eq!(actual, expected, "{path}: {values:?}");
        });
    }
}

#[derive(Clone, Copy)]
struct PairProducts {
    words: PairLanes,
    word: i32,
    sum: PairLanes,
}

impl Job for PairProducts {
    type Output = (Lanes, Lanes);

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) -> (Lanes, Lanes) {
        let (a, b) = (isa.load_pairs(&self.words), isa.splat_pair(self.word));
        let sum = isa.add_pair_products(a, b, isa.load_pairs(&self.sum));
        let mut floats = [0.0; LANES];
        isa.store(isa.to_floats(sum), &mut floats);
        // Integers come out as floats only, so two halves are looked at.
        let mut low = [0.0; LANES];
        let minus_high = isa.splat_pair(join(-1, 0));
        let rest = isa.add_pair_products(sum, minus_high, isa.splat_pair(0));
        isa.store(isa.to_floats(rest), &mut low);
        (low, floats)
    }
}

#[test]
fn products_of_pairs_are_exact() {
    let paths = paths();
    let halves = [0, 1, -1, 7, 16_383, -16_383, 32_767, -32_767, 12_345, -9];
    for (i, &low) in halves.iter().enumerate() {
        for (j, &high) in halves.iter().enumerate() {
            let words = |shift: usize| -> PairLanes {
                std::array::from_fn(|lane| {
                    let half = |k: usize| halves[k % halves.len()];
                    join(half(lane + i + shift), half(3 * lane + j + shift))
                })
            };
            let job = PairProducts {
                words: words(0),
                word: join(low, high),
                sum: std::array::from_fn(|lane| i32::try_from(lane).unwrap() * 1_000_003 - 9),
            };
            let expected = scalar::Scalar.run(job);
            on_every_path(&paths, job, |path, actual| {
                assert_eq!(actual, expected, "{path}")
            });
        }
    }
}

#[derive(Clone, Copy)]
struct Digits(Lanes);

impl Job for Digits {
    type Output = [DigitLanes; 2];

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) -> [DigitLanes; 2] {
        let [mut low, mut high] = [[0; LANES / 4]; 2];
        isa.store_digits(isa.load(&self.0), &mut low, &mut high);
        [low, high]
    }
}

#[test]
fn digits_are_rounded_alike() {
    let paths = paths();
    let largest = f32::from(DIGITS_MAX);
    let mut values: Vec<f32> = EXTREMES
        .into_iter()
        .filter(|v| v.abs() <= largest)
        .collect();
    values.extend((0..3980_u16).map(|i| f32::from(i) * 16.37 - largest));
    values.extend([
        largest, -largest, 127.5, 128.0, -128.0, -128.5, 127.0, 255.5,
    ]);
    for values in values.chunks_exact(LANES) {
        let job = Digits(values.try_into().unwrap());
        let expected = scalar::Scalar.run(job);
        on_every_path(&paths, job, |path, actual| {
            assert_eq!(actual, expected, "{path}: {values:?}");
        });
    }
}

/// A tile, and what each sum of it comes to.
#[derive(Clone, Copy)]
struct TileProduct<'a> {
    inputs: &'a [DigitLine],
    pitch: usize,
    weights: &'a [DigitLine],
}

impl Job for TileProduct<'_> {
    type Output = (DigitSums, [Lanes; TILE_SIDE]);

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) -> Self::Output {
        let mut sums = [[[7; LANES]; TILE_SIDE]; 4];
        let mut tiles = isa.tiles();
        tiles.multiply(self.inputs, self.pitch, self.weights, &mut sums);
        let mut joined = [[0.0; LANES]; TILE_SIDE];
        for (position, joined) in joined.iter_mut().enumerate() {
            let parts = sums.each_ref().map(|sums| isa.load_pairs(&sums[position]));
            isa.store(isa.to_floats(isa.join_digit_sums(parts)), joined);
        }
        (sums, joined)
    }
}

#[test]
fn tiles_of_digits_multiply_as_in_plain_rust() {
    let paths = paths();
    let mut state = 1_u32;
    let mut digit = |extreme: bool| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        match state >> 24 {
            any if !extreme => any.to_le_bytes()[0],
            even if even % 2 == 0 => 0x80,
            _ => 0x7f,
        }
    };
    let mut lines = |n, extreme| -> Vec<DigitLine> {
        let mut word = || i32::from_le_bytes(std::array::from_fn(|_| digit(extreme)));
        (0..n).map(|_| std::array::from_fn(|_| word())).collect()
    };
    for (n_steps, spare) in [(1, 0), (1, 1), (2, 0), (3, 5), (8, 2), (15, 0)] {
        for extreme in [false, true] {
            let pitch = 2 * n_steps + spare;
            let job = TileProduct {
                inputs: &lines((TILE_SIDE - 1) * pitch + 2 * n_steps, extreme),
                pitch,
                weights: &lines(n_steps * STEP_LINES, extreme),
            };
            let expected = scalar::Scalar.run(job);
            on_every_path(&paths, job, |path, actual| {
                assert_eq!(actual, expected, "{path}")
            });
        }
    }
}

#[test]
fn a_product_of_digits_is_that_of_the_numbers() {
    let paths = paths();
    let numbers = [
        0,
        1,
        -1,
        127,
        128,
        -128,
        -129,
        255,
        256,
        16_383,
        -16_383,
        DIGITS_MAX,
        -DIGITS_MAX,
    ];
    for (input, weight) in numbers.into_iter().flat_map(|a| numbers.map(|b| (a, b))) {
        let fill = |digits: [i8; 2]| {
            digits.map(|digit| [i32::from_ne_bytes([digit.cast_unsigned(), 0, 0, 0]); 16])
        };
        let ((low, high), (weight_low, weight_high)) = (split(input), split(weight));
        let position = fill([low, high]);
        let inputs = [position; TILE_SIDE];
        let [low, high] = fill([weight_low, weight_high]);
        // One line counts of sixteen, and one input of its four.
        let mut weights = [[0; 16]; STEP_LINES];
        (weights[3], weights[TILE_SIDE + 3]) = (low, high);
        let job = TileProduct {
            inputs: inputs.as_flattened(),
            pitch: 2,
            weights: &weights,
        };
        let expected = f32::from(input) * f32::from(weight);
        on_every_path(&paths, job, |path, (_, joined)| {
            assert_eq!(
                joined, [[expected; LANES]; TILE_SIDE],
                "{path}: {input} * {weight}"
            );
        });
    }
}

#[test]
#[should_panic(expected = "lines for sixteen positions")]
fn a_tile_needs_sixteen_positions() {
    let job = TileProduct {
        inputs: &[[0; 16]; 31],
        pitch: 2,
        weights: &[[0; 16]; STEP_LINES],
    };
    scalar::Scalar.run(job);
}

#[test]
fn every_path_reads_back_from_its_name() {
    for path in CpuPath::ALL {
        assert_eq!(path.to_string().parse::<CpuPath>().unwrap(), path);
    }
    let error = "mmx".parse::<CpuPath>().unwrap_err().to_string();
    assert!(
        error.contains("there are amx, avx512-vnni, avx512, avx2-vnni"),
        "{error}"
    );
    assert!(CpuPath::best().is_available());
}
