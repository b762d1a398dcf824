//! AMX: tiles of bytes multiplied by a unit of their own, beside AVX-512 with
//! VNNI, which does everything else.
//!
//! Stable Rust has no intrinsics for tiles, so this is assembly. All tiles have
//! one shape, sixteen lines of 64 bytes, which is set up when a thread begins a
//! product and given up at its end: while it holds, the system saves and loads
//! eight KiB more whenever it takes the thread off its core.
#![expect(unsafe_code, reason = "instructions that have no intrinsics")]

use std::arch::asm;
use std::arch::x86_64::{__cpuid_count, __m512, __m512i, _xgetbv};
use std::cell::Cell;
use std::marker::PhantomData;

use super::avx512_vnni::Avx512Vnni;
use super::forward::forward_to_base;
use super::tiles::{DigitLine, DigitSums, Operands, STEP_LINES, TILE_SIDE, Tiles};
use super::{Isa, Job};

/// Bytes from a line of a tile to the next, in weights and sums.
const LINE_BYTES: usize = size_of::<DigitLine>();

/// Assembly that may leave anything in any tile: options, then what `asm!` takes.
macro_rules! tile_asm {
    ([$($option:ident),*] $($part:tt)*) => {
        asm!(
            $($part)*,
            out("tmm0") _,
            out("tmm1") _,
            out("tmm2") _,
            out("tmm3") _,
            out("tmm4") _,
            out("tmm5") _,
            out("tmm6") _,
            out("tmm7") _,
            options($($option),*),
        )
    };
}

/// Proof that this CPU has AMX with bytes, AVX-512 F, BW and VNNI, AVX2 and FMA,
/// and that the system lets this process use them.
#[derive(Clone, Copy)]
pub(crate) struct Amx {
    base: Avx512Vnni,
}

impl Amx {
    /// `None` where the CPU or the system lacks AMX or what it stands beside.
    pub(crate) fn new() -> Option<Self> {
        let base = Avx512Vnni::new()?;
        (has_tiles() && is_permitted()).then_some(Self { base })
    }
}

impl Isa for Amx {
    const TILE_ROWS: usize = Avx512Vnni::TILE_ROWS;
    const TILE_VECTORS: usize = Avx512Vnni::TILE_VECTORS;

    type F32 = __m512;
    type I32 = __m512i;
    type Tiles = AmxTiles;

    fn run<J: Job>(self, job: J) -> J::Output {
        #[target_feature(enable = "avx512f,avx512bw,avx512vnni,avx2,fma")]
        fn compiled<J: Job>(isa: Amx, job: J) -> J::Output {
            job.run(isa)
        }
        // SAFETY: `self` proves AVX-512 F, BW and VNNI, AVX2 and FMA.
        unsafe { compiled(self, job) }
    }

    forward_to_base!();

    #[inline(always)]
    fn add_pair_products(self, a: __m512i, b: __m512i, sum: __m512i) -> __m512i {
        self.base.add_pair_products(a, b, sum)
    }

    fn tiles(self) -> AmxTiles {
        AmxTiles::new(self)
    }
}

/// Whether CPU and system have tiles of bytes in the size that is used here.
fn has_tiles() -> bool {
    const OSXSAVE: u32 = 1 << 27;
    // AMX-TILE and AMX-INT8 in leaf 7.
    const TILES_OF_BYTES: u32 = 1 << 24 | 1 << 25;
    // TILECFG and TILEDATA in XCR0.
    const STATE: u64 = 1 << 17 | 1 << 18;
    let leaf = |leaf, part| __cpuid_count(leaf, part);
    if leaf(0, 0).eax < 0x1d
        || leaf(1, 0).ecx & OSXSAVE == 0
        || leaf(7, 0).edx & TILES_OF_BYTES != TILES_OF_BYTES
    {
        return false;
    }
    // SAFETY: OSXSAVE says that the system has made XGETBV usable.
    let state = unsafe { xcr0() };
    // Palette 1: bytes of a row and number of tiles; rows.
    let palette = leaf(0x1d, 1);
    state & STATE == STATE
        && leaf(0x1d, 0).eax >= 1
        && palette.ebx & 0xffff >= 64
        && palette.ebx >> 16 >= 8
        && palette.ecx & 0xffff >= 16
}

/// Which registers the system saves.
///
/// # Safety
/// The CPU must have XSAVE, and the system must use it.
#[target_feature(enable = "xsave")]
unsafe fn xcr0() -> u64 {
    // SAFETY: as the caller promises; register 0 is always there.
    unsafe { _xgetbv(0) }
}

/// Asks the system to let this process use tiles, which Linux wants before it
/// gives a thread the memory to save them. Asking again changes nothing.
#[cfg(target_os = "linux")]
fn is_permitted() -> bool {
    const ARCH_REQ_XCOMP_PERM: usize = 0x1023;
    const TILE_DATA: usize = 18;
    // SAFETY: this call takes two numbers and touches none of our memory.
    let answer = unsafe { libc::syscall(libc::SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, TILE_DATA) };
    answer == 0
}

/// Other systems have ways of their own to ask, which nobody has tried here.
#[cfg(not(target_os = "linux"))]
fn is_permitted() -> bool {
    false
}

thread_local! {
    /// Whether this thread's tiles are set up.
    static IS_SET_UP: Cell<bool> = const { Cell::new(false) };
}

/// What LDTILECFG reads.
#[repr(C, align(64))]
struct Configuration {
    palette: u8,
    start_row: u8,
    reserved: [u8; 14],
    row_bytes: [u16; 16],
    rows: [u8; 16],
}

/// Eight tiles of sixteen lines of 64 bytes.
static CONFIGURATION: Configuration = Configuration {
    palette: 1,
    start_row: 0,
    reserved: [0; 14],
    row_bytes: [64, 64, 64, 64, 64, 64, 64, 64, 0, 0, 0, 0, 0, 0, 0, 0],
    rows: [16, 16, 16, 16, 16, 16, 16, 16, 0, 0, 0, 0, 0, 0, 0, 0],
};

/// A thread's tiles, set up for as long as this lives.
pub(crate) struct AmxTiles {
    /// The set-up is the thread's, so this must stay on it.
    on_thread: PhantomData<*const ()>,
}

impl AmxTiles {
    /// # Panics
    /// If the thread has one already, whose end would take this one's set-up.
    fn new(_: Amx) -> Self {
        assert!(
            !IS_SET_UP.replace(true),
            "a thread's tiles are set up once at a time"
        );
        // SAFETY: `Amx` proves that CPU and system have tiles and that the
        // process may use them; the operand is a valid configuration of
        // palette 1, 64 bytes long.
        unsafe {
            tile_asm!(
                [nostack, readonly, preserves_flags]
                "ldtilecfg [{configuration}]",
                configuration = in(reg) &raw const CONFIGURATION
            );
        }
        Self {
            on_thread: PhantomData,
        }
    }
}

impl Drop for AmxTiles {
    fn drop(&mut self) {
        // SAFETY: an `Amx` was there when this was made. No tile's content is
        // used beyond the assembly that made it.
        unsafe {
            tile_asm!([nomem, nostack, preserves_flags] "tilerelease");
        }
        IS_SET_UP.set(false);
    }
}

impl Tiles for AmxTiles {
    // Tiles 0 to 3 sum up; four sums do not wait for each other. 4 and 5 are the
    // low and high digits of inputs, 6 and 7 those of weights.
    #[inline(always)]
    fn multiply(
        &mut self,
        inputs: &[DigitLine],
        pitch: usize,
        weights: &[DigitLine],
        sums: &mut DigitSums,
    ) {
        let operands = Operands::new(inputs, pitch, weights);
        // SAFETY: `self` proves that tiles are set up on this thread as sixteen
        // lines of 64 bytes. `Operands` proves that for each of `n_steps` the
        // inputs have two lines at sixteen positions `pitch` lines apart and the
        // weights `STEP_LINES`; the sums are four times sixteen lines. Tiles
        // hold nothing before or after, and nobody else uses their registers.
        unsafe {
            tile_asm!(
                [nostack]
                "tilezero tmm0",
                "tilezero tmm1",
                "tilezero tmm2",
                "tilezero tmm3",
                "2:",
                "tileloadd tmm5, [{inputs} + {input_bytes} + 64]",
                "tileloadd tmm7, [{weights} + {line_bytes} + 1024]",
                "tdpbssd tmm0, tmm5, tmm7",
                "tileloadd tmm6, [{weights} + {line_bytes}]",
                "tdpbssd tmm1, tmm5, tmm6",
                "tileloadd tmm4, [{inputs} + {input_bytes}]",
                "tdpbssd tmm2, tmm4, tmm7",
                "tdpbssd tmm3, tmm4, tmm6",
                "add {inputs}, 128",
                "add {weights}, 2048",
                "dec {n_steps}",
                "jnz 2b",
                "tilestored [{sums} + {line_bytes}], tmm0",
                "tilestored [{sums} + {line_bytes} + 1024], tmm1",
                "tilestored [{sums} + {line_bytes} + 2048], tmm2",
                "tilestored [{sums} + {line_bytes} + 3072], tmm3",
                inputs = inout(reg) operands.inputs.as_ptr() => _,
                input_bytes = in(reg) operands.pitch * LINE_BYTES,
                weights = inout(reg) operands.weights.as_ptr() => _,
                line_bytes = in(reg) LINE_BYTES,
                n_steps = inout(reg) operands.n_steps => _,
                sums = in(reg) sums.as_mut_ptr()
            );
        }
    }
}

// What the assembly above counts in bytes.
const _: () = assert!(
    LINE_BYTES == 64
        && STEP_LINES * LINE_BYTES == 2048
        && TILE_SIDE * LINE_BYTES == 1024
        && size_of::<DigitSums>() == 4096
        && size_of::<Configuration>() == LINE_BYTES
);
