//! AVX-512: a vector is one register of thirty-two.
#![expect(unsafe_code, reason = "intrinsics")]

use std::arch::x86_64::{
    __m128i, __m256i, __m512, __m512i, _MM_HINT_T0, _mm_prefetch, _mm_storeu_si128,
    _mm256_storeu_si256, _mm512_add_epi32, _mm512_add_ps, _mm512_cvtepi32_epi8, _mm512_cvtepi32_ps,
    _mm512_cvtps_epi32, _mm512_cvtsepi32_epi16, _mm512_fmadd_ps, _mm512_loadu_ps,
    _mm512_loadu_si512, _mm512_madd_epi16, _mm512_max_ps, _mm512_min_ps, _mm512_mul_ps,
    _mm512_set1_epi32, _mm512_set1_ps, _mm512_slli_epi32, _mm512_srai_epi32, _mm512_storeu_ps,
};

use super::tiles::PlainTiles;
use super::{DigitLanes, HalfLanes, Isa, Job, Lanes, PairLanes};

/// Proof that this CPU has AVX-512 F and BW, AVX2 and FMA.
#[derive(Clone, Copy)]
pub(crate) struct Avx512(());

impl Avx512 {
    /// `None` where the CPU or the system lacks AVX-512.
    pub(crate) fn new() -> Option<Self> {
        // A hypervisor may hide the older sets beside the newer ones.
        let is_here = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("fma");
        is_here.then_some(Self(()))
    }
}

impl Isa for Avx512 {
    // 21 sums, 3 vectors of weights and a broadcast. Rows of seven divide the
    // sides of all layers of networks that take 224 pixels.
    const TILE_ROWS: usize = 7;
    const TILE_VECTORS: usize = 3;

    type F32 = __m512;
    type I32 = __m512i;
    type Tiles = PlainTiles;

    fn run<J: Job>(self, job: J) -> J::Output {
        #[target_feature(enable = "avx512f,avx512bw,avx2,fma")]
        fn compiled<J: Job>(isa: Avx512, job: J) -> J::Output {
            job.run(isa)
        }
        // SAFETY: `self` proves AVX-512 F and BW, AVX2 and FMA.
        unsafe { compiled(self, job) }
    }

    #[inline(always)]
    fn prefetch<T>(self, values: &T) {
        // SAFETY: every x86-64 has SSE; a hint reads nothing.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(values).cast()) }
    }

    #[inline(always)]
    fn splat(self, value: f32) -> __m512 {
        // SAFETY: `self` proves AVX-512 F.
        unsafe { _mm512_set1_ps(value) }
    }

    #[inline(always)]
    fn load(self, values: &Lanes) -> __m512 {
        // SAFETY: `self` proves AVX-512 F; the array holds the 64 bytes read.
        unsafe { _mm512_loadu_ps(values.as_ptr()) }
    }

    #[inline(always)]
    fn store(self, values: __m512, out: &mut Lanes) {
        // SAFETY: `self` proves AVX-512 F; the array holds the 64 bytes written.
        unsafe { _mm512_storeu_ps(out.as_mut_ptr(), values) }
    }

    #[inline(always)]
    fn add(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: `self` proves AVX-512 F.
        unsafe { _mm512_add_ps(a, b) }
    }

    #[inline(always)]
    fn mul(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: `self` proves AVX-512 F.
        unsafe { _mm512_mul_ps(a, b) }
    }

    #[inline(always)]
    fn mul_add(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        // SAFETY: `self` proves AVX-512 F.
        unsafe { _mm512_fmadd_ps(a, b, c) }
    }

    #[inline(always)]
    fn min(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: `self` proves AVX-512 F.
        unsafe { _mm512_min_ps(a, b) }
    }

    #[inline(always)]
    fn max(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: `self` proves AVX-512 F.
        unsafe { _mm512_max_ps(a, b) }
    }

    #[inline(always)]
    fn store_halves(self, values: __m512, out: &mut HalfLanes) {
        // SAFETY: `self` proves AVX-512 F; the array holds the 32 bytes written.
        unsafe {
            let halves = _mm512_cvtsepi32_epi16(_mm512_cvtps_epi32(values));
            _mm256_storeu_si256(out.as_mut_ptr().cast::<__m256i>(), halves);
        }
    }

    #[inline(always)]
    fn store_digits(self, values: __m512, low: &mut DigitLanes, high: &mut DigitLanes) {
        // SAFETY: `self` proves AVX-512 F; each array holds the 16 bytes written.
        unsafe {
            let numbers = _mm512_cvtps_epi32(values);
            let lows = _mm512_cvtepi32_epi8(numbers);
            // Half of 256 more makes the cut digit round as a signed one must.
            let rounded = _mm512_add_epi32(numbers, _mm512_set1_epi32(128));
            let highs = _mm512_cvtepi32_epi8(_mm512_srai_epi32::<8>(rounded));
            _mm_storeu_si128(low.as_mut_ptr().cast::<__m128i>(), lows);
            _mm_storeu_si128(high.as_mut_ptr().cast::<__m128i>(), highs);
        }
    }

    #[inline(always)]
    fn splat_pair(self, word: i32) -> __m512i {
        // SAFETY: `self` proves AVX-512 F.
        unsafe { _mm512_set1_epi32(word) }
    }

    #[inline(always)]
    fn load_pairs(self, words: &PairLanes) -> __m512i {
        // SAFETY: `self` proves AVX-512 F; the array holds the 64 bytes read.
        unsafe { _mm512_loadu_si512(words.as_ptr().cast::<__m512i>()) }
    }

    #[inline(always)]
    fn add_pair_products(self, a: __m512i, b: __m512i, sum: __m512i) -> __m512i {
        // SAFETY: `self` proves AVX-512 F and BW.
        unsafe { _mm512_add_epi32(sum, _mm512_madd_epi16(a, b)) }
    }

    #[inline(always)]
    fn join_digit_sums(self, [high, high_low, low_high, low]: [__m512i; 4]) -> __m512i {
        // SAFETY: `self` proves AVX-512 F.
        unsafe {
            let middle = _mm512_add_epi32(high_low, low_high);
            let upper = _mm512_add_epi32(_mm512_slli_epi32::<8>(high), middle);
            _mm512_add_epi32(_mm512_slli_epi32::<8>(upper), low)
        }
    }

    #[inline(always)]
    fn to_floats(self, values: __m512i) -> __m512 {
        // SAFETY: `self` proves AVX-512 F.
        unsafe { _mm512_cvtepi32_ps(values) }
    }

    fn tiles(self) -> PlainTiles {
        PlainTiles
    }
}
