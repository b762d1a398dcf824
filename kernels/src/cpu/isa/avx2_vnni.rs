//! AVX2 with AVX-VNNI, which multiplies and sums pairs of 16-bit integers in
//! one instruction, on CPUs that have no AVX-512. Everything else is AVX2's.
#![expect(unsafe_code, reason = "intrinsics and an instruction")]

use std::arch::asm;
use std::arch::x86_64::{__m256, __m256i};

use super::avx2::Avx2;
use super::forward::forward_to_base;
use super::tiles::PlainTiles;
use super::{Isa, Job};

/// Proof that this CPU has AVX2, FMA and AVX-VNNI.
#[derive(Clone, Copy)]
pub(crate) struct Avx2Vnni {
    base: Avx2,
}

impl Avx2Vnni {
    /// `None` where the CPU or the system lacks AVX2, FMA or AVX-VNNI.
    pub(crate) fn new() -> Option<Self> {
        let base = Avx2::new()?;
        is_x86_feature_detected!("avxvnni").then_some(Self { base })
    }
}

impl Isa for Avx2Vnni {
    const TILE_ROWS: usize = Avx2::TILE_ROWS;
    const TILE_VECTORS: usize = Avx2::TILE_VECTORS;

    type F32 = [__m256; 2];
    type I32 = [__m256i; 2];
    type Tiles = PlainTiles;

    fn run<J: Job>(self, job: J) -> J::Output {
        #[target_feature(enable = "avx2,fma,avxvnni")]
        fn compiled<J: Job>(isa: Avx2Vnni, job: J) -> J::Output {
            job.run(isa)
        }
        // SAFETY: `self` proves AVX2, FMA and AVX-VNNI.
        unsafe { compiled(self, job) }
    }

    forward_to_base!();

    #[inline(always)]
    fn add_pair_products(
        self,
        a: [__m256i; 2],
        b: [__m256i; 2],
        sum: [__m256i; 2],
    ) -> [__m256i; 2] {
        // SAFETY: `self` proves AVX2 and AVX-VNNI.
        unsafe {
            [
                add_products(sum[0], a[0], b[0]),
                add_products(sum[1], a[1], b[1]),
            ]
        }
    }

    fn tiles(self) -> PlainTiles {
        PlainTiles
    }
}

/// VPDPWSSD, written out: of the intrinsic LLVM makes VPMADDWD and VPADDD again
/// where its model of some older CPU says so, in one of two loops.
#[inline]
#[target_feature(enable = "avx2,avxvnni")]
fn add_products(mut sum: __m256i, a: __m256i, b: __m256i) -> __m256i {
    // SAFETY: the CPU has AVX-VNNI, as this function's callers prove; nothing
    // but `sum` changes.
    unsafe {
        asm!(
            "{{vex}} vpdpwssd {sum}, {a}, {b}",
            sum = inout(ymm_reg) sum,
            a = in(ymm_reg) a,
            b = in(ymm_reg) b,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    sum
}
