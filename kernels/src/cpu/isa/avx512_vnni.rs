//! AVX-512 with VNNI, which multiplies and sums pairs of 16-bit integers in
//! one instruction. Everything else is AVX-512's.
#![expect(unsafe_code, reason = "intrinsics")]

use std::arch::asm;
use std::arch::x86_64::{__m512, __m512i};

use super::avx512::Avx512;
use super::forward::forward_to_base;
use super::tiles::PlainTiles;
use super::{Isa, Job};

/// Proof that this CPU has AVX-512 F, BW and VNNI, AVX2 and FMA.
#[derive(Clone, Copy)]
pub(crate) struct Avx512Vnni {
    base: Avx512,
}

impl Avx512Vnni {
    /// `None` where the CPU or the system lacks AVX-512 or VNNI.
    pub(crate) fn new() -> Option<Self> {
        let base = Avx512::new()?;
        is_x86_feature_detected!("avx512vnni").then_some(Self { base })
    }
}

/// `_mm512_dpwssd_epi32` as one instruction in any case: for a CPU that it does
/// not know, LLVM may take the intrinsic apart into a product and a sum, which
/// cost a third of the speed.
#[target_feature(enable = "avx512f,avx512vnni")]
#[inline]
fn add_pair_products(a: __m512i, b: __m512i, mut sum: __m512i) -> __m512i {
    // SAFETY: reads and writes these registers and nothing else.
    unsafe {
        asm!(
            "vpdpwssd {sum}, {a}, {b}",
            sum = inout(zmm_reg) sum,
            a = in(zmm_reg) a,
            b = in(zmm_reg) b,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    sum
}

impl Isa for Avx512Vnni {
    const TILE_ROWS: usize = Avx512::TILE_ROWS;
    const TILE_VECTORS: usize = Avx512::TILE_VECTORS;

    type F32 = __m512;
    type I32 = __m512i;
    type Tiles = PlainTiles;

    fn run<J: Job>(self, job: J) -> J::Output {
        #[target_feature(enable = "avx512f,avx512bw,avx512vnni,avx2,fma")]
        fn compiled<J: Job>(isa: Avx512Vnni, job: J) -> J::Output {
            job.run(isa)
        }
        // SAFETY: `self` proves AVX-512 F, BW and VNNI, AVX2 and FMA.
        unsafe { compiled(self, job) }
    }

    forward_to_base!();

    #[inline(always)]
    fn add_pair_products(self, a: __m512i, b: __m512i, sum: __m512i) -> __m512i {
        // SAFETY: `self` proves AVX-512 F and VNNI.
        unsafe { add_pair_products(a, b, sum) }
    }

    fn tiles(self) -> PlainTiles {
        PlainTiles
    }
}
