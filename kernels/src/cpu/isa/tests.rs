//! Every instruction set this machine has against plain Rust, over extremes.

use super::*;

/// Runs `job` on each path; says so where the CPU lacks one.
fn on_every_path<J: Job + Copy>(job: J, mut check: impl FnMut(CpuPath, J::Output)) {
    for path in CpuPath::ALL {
        match Proof::of(path) {
            Some(proof) => check(path, proof.choose(Enter(job))),
            None => eprintln!("skipped: this CPU does not have {path}"),
        }
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
    for start in 0..EXTREMES.len() {
        for shift in 0..EXTREMES.len() {
            let job = Arithmetic {
                a: extremes(start),
                b: extremes(start + shift),
                c: extremes(start + 7 * shift),
            };
            let expected = scalar::Scalar.run(job);
            on_every_path(job, |path, actual| {
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
    let mut values: Vec<f32> = EXTREMES.into_iter().filter(|v| v.abs() < 4e4).collect();
    values.extend((0..2000_u16).map(|i| f32::from(i) * 16.37 - 16_000.25));
    for values in values.chunks_exact(LANES) {
        let job = Halves(values.try_into().unwrap());
        let expected = scalar::Scalar.run(job);
        on_every_path(job, |path, actual| {
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
            on_every_path(job, |path, actual| assert_eq!(actual, expected, "{path}"));
        }
    }
}

#[test]
fn every_path_reads_back_from_its_name() {
    for path in CpuPath::ALL {
        assert_eq!(path.to_string().parse::<CpuPath>().unwrap(), path);
    }
    let error = "mmx".parse::<CpuPath>().unwrap_err().to_string();
    assert!(
        error.contains("avx512, avx2-vnni, avx2-int16, avx2 and scalar"),
        "{error}"
    );
    assert!(CpuPath::best().is_available());
}
