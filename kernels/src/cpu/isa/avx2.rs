//! AVX2 and FMA: a vector is two registers of sixteen.
#![expect(unsafe_code, reason = "intrinsics")]

use std::arch::x86_64::{
    __m256, __m256i, _MM_HINT_T0, _mm_prefetch, _mm256_add_epi32, _mm256_add_ps,
    _mm256_cvtepi32_ps, _mm256_cvtps_epi32, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_loadu_si256,
    _mm256_madd_epi16, _mm256_max_ps, _mm256_min_ps, _mm256_mul_ps, _mm256_packs_epi32,
    _mm256_permute4x64_epi64, _mm256_set1_epi32, _mm256_set1_ps, _mm256_slli_epi32,
    _mm256_storeu_ps, _mm256_storeu_si256,
};

use super::tiles::{self, PlainTiles};
use super::{DigitLanes, HalfLanes, Isa, Job, LANES, Lanes, PairLanes};

/// Proof that this CPU has AVX2 and FMA.
#[derive(Clone, Copy)]
pub(crate) struct Avx2(());

impl Avx2 {
    /// `None` where the CPU or the system lacks AVX2 or FMA.
    pub(crate) fn new() -> Option<Self> {
        let is_here = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
        is_here.then_some(Self(()))
    }
}

impl Isa for Avx2 {
    // 12 sums, 2 registers of weights, a broadcast, and a product of pairs on
    // its way to its sum.
    const TILE_ROWS: usize = 6;
    const TILE_VECTORS: usize = 1;

    type F32 = [__m256; 2];
    type I32 = [__m256i; 2];
    type Tiles = PlainTiles;

    fn run<J: Job>(self, job: J) -> J::Output {
        #[target_feature(enable = "avx2,fma")]
        fn compiled<J: Job>(isa: Avx2, job: J) -> J::Output {
            job.run(isa)
        }
        // SAFETY: `self` proves AVX2 and FMA.
        unsafe { compiled(self, job) }
    }

    #[inline(always)]
    fn prefetch<T>(self, values: &T) {
        // SAFETY: every x86-64 has SSE; a hint reads nothing.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(values).cast()) }
    }

    #[inline(always)]
    fn splat(self, value: f32) -> Self::F32 {
        // SAFETY: `self` proves AVX2.
        unsafe { [_mm256_set1_ps(value); 2] }
    }

    #[inline(always)]
    fn load(self, values: &Lanes) -> Self::F32 {
        let start = values.as_ptr();
        // SAFETY: `self` proves AVX2; the array holds both halves of 32 bytes.
        unsafe { [_mm256_loadu_ps(start), _mm256_loadu_ps(start.add(8))] }
    }

    #[inline(always)]
    fn store(self, values: Self::F32, out: &mut Lanes) {
        let start = out.as_mut_ptr();
        // SAFETY: `self` proves AVX2; the array holds both halves of 32 bytes.
        unsafe {
            _mm256_storeu_ps(start, values[0]);
            _mm256_storeu_ps(start.add(8), values[1]);
        }
    }

    #[inline(always)]
    fn add(self, a: Self::F32, b: Self::F32) -> Self::F32 {
        // SAFETY: `self` proves AVX2.
        unsafe { [_mm256_add_ps(a[0], b[0]), _mm256_add_ps(a[1], b[1])] }
    }

    #[inline(always)]
    fn mul(self, a: Self::F32, b: Self::F32) -> Self::F32 {
        // SAFETY: `self` proves AVX2.
        unsafe { [_mm256_mul_ps(a[0], b[0]), _mm256_mul_ps(a[1], b[1])] }
    }

    #[inline(always)]
    fn mul_add(self, a: Self::F32, b: Self::F32, c: Self::F32) -> Self::F32 {
        // SAFETY: `self` proves FMA.
        unsafe {
            [
                _mm256_fmadd_ps(a[0], b[0], c[0]),
                _mm256_fmadd_ps(a[1], b[1], c[1]),
            ]
        }
    }

    #[inline(always)]
    fn min(self, a: Self::F32, b: Self::F32) -> Self::F32 {
        // SAFETY: `self` proves AVX2.
        unsafe { [_mm256_min_ps(a[0], b[0]), _mm256_min_ps(a[1], b[1])] }
    }

    #[inline(always)]
    fn max(self, a: Self::F32, b: Self::F32) -> Self::F32 {
        // SAFETY: `self` proves AVX2.
        unsafe { [_mm256_max_ps(a[0], b[0]), _mm256_max_ps(a[1], b[1])] }
    }

    #[inline(always)]
    fn store_halves(self, values: Self::F32, out: &mut HalfLanes) {
        // SAFETY: `self` proves AVX2; the array holds the 32 bytes written.
        unsafe {
            let (low, high) = (_mm256_cvtps_epi32(values[0]), _mm256_cvtps_epi32(values[1]));
            // Packing works within halves of a register: 0, 2, 1, 3 undoes it.
            let halves = _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_packs_epi32(low, high));
            _mm256_storeu_si256(out.as_mut_ptr().cast::<__m256i>(), halves);
        }
    }

    /// In plain Rust: no CPU multiplies digits that has no better vectors.
    #[inline(always)]
    fn store_digits(self, values: Self::F32, low: &mut DigitLanes, high: &mut DigitLanes) {
        let mut lanes = [0.0; LANES];
        self.store(values, &mut lanes);
        tiles::store_digits(&lanes, low, high);
    }

    #[inline(always)]
    fn splat_pair(self, word: i32) -> Self::I32 {
        // SAFETY: `self` proves AVX2.
        unsafe { [_mm256_set1_epi32(word); 2] }
    }

    #[inline(always)]
    fn load_pairs(self, words: &PairLanes) -> Self::I32 {
        let start = words.as_ptr().cast::<__m256i>();
        // SAFETY: `self` proves AVX2; the array holds both halves of 32 bytes.
        unsafe { [_mm256_loadu_si256(start), _mm256_loadu_si256(start.add(1))] }
    }

    #[inline(always)]
    fn add_pair_products(self, a: Self::I32, b: Self::I32, sum: Self::I32) -> Self::I32 {
        // SAFETY: `self` proves AVX2.
        unsafe {
            [
                _mm256_add_epi32(sum[0], _mm256_madd_epi16(a[0], b[0])),
                _mm256_add_epi32(sum[1], _mm256_madd_epi16(a[1], b[1])),
            ]
        }
    }

    #[inline(always)]
    fn join_digit_sums(self, [high, high_low, low_high, low]: [Self::I32; 4]) -> Self::I32 {
        let half = |i: usize| {
            // SAFETY: `self` proves AVX2.
            unsafe {
                let middle = _mm256_add_epi32(high_low[i], low_high[i]);
                let upper = _mm256_add_epi32(_mm256_slli_epi32::<8>(high[i]), middle);
                _mm256_add_epi32(_mm256_slli_epi32::<8>(upper), low[i])
            }
        };
        [half(0), half(1)]
    }

    #[inline(always)]
    fn to_floats(self, values: Self::I32) -> Self::F32 {
        // SAFETY: `self` proves AVX2.
        unsafe { [_mm256_cvtepi32_ps(values[0]), _mm256_cvtepi32_ps(values[1])] }
    }

    fn tiles(self) -> PlainTiles {
        PlainTiles
    }
}
