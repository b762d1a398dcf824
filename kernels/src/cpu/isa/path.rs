//! Which instruction set computes.

use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use super::Job;
#[cfg(target_arch = "x86_64")]
use super::amx::Amx;
#[cfg(target_arch = "x86_64")]
use super::avx2::Avx2;
#[cfg(target_arch = "x86_64")]
use super::avx2_vnni::Avx2Vnni;
#[cfg(target_arch = "x86_64")]
use super::avx512::Avx512;
#[cfg(target_arch = "x86_64")]
use super::avx512_vnni::Avx512Vnni;
use super::scalar::Scalar;

/// A way of computing on the CPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CpuPath {
    /// AMX beside AVX-512 with VNNI: as [`CpuPath::Avx512Vnni`], but 1x1
    /// convolutions of up to 512 inputs in two-digit integers on tiles of bytes.
    Amx,
    /// AVX-512 with VNNI: convolutions in 16-bit integers summed in 32 bits, but
    /// those of a channel by itself and dense layers in f32.
    Avx512Vnni,
    /// AVX-512 in f32.
    Avx512,
    /// AVX2 with AVX-VNNI, in integers as [`CpuPath::Avx512Vnni`].
    Avx2Vnni,
    /// AVX2 and FMA in the same integers, multiplied and summed by two
    /// instructions, which together are still faster than FMA.
    Avx2Int16,
    /// AVX2 and FMA in f32.
    Avx2,
    /// Any CPU, in f32.
    Scalar,
}

impl CpuPath {
    /// Every path, the fastest first, as far as has been measured.
    pub const ALL: [Self; 7] = [
        Self::Amx,
        Self::Avx512Vnni,
        Self::Avx512,
        Self::Avx2Vnni,
        Self::Avx2Int16,
        Self::Avx2,
        Self::Scalar,
    ];

    /// The path as settings, logs and bench ids spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Amx => "amx",
            Self::Avx512Vnni => "avx512-vnni",
            Self::Avx512 => "avx512",
            Self::Avx2Vnni => "avx2-vnni",
            Self::Avx2Int16 => "avx2-int16",
            Self::Avx2 => "avx2",
            Self::Scalar => "scalar",
        }
    }

    /// Those that this CPU has, the fastest first, as far as has been measured.
    pub fn available() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|path| path.is_available())
    }

    /// The first that this CPU has.
    pub fn best() -> Self {
        Self::available().next().unwrap_or(Self::Scalar)
    }

    /// Whether this CPU has the instructions.
    pub fn is_available(self) -> bool {
        Proof::of(self).is_some()
    }

    /// Whether it is known to be faster than those after it on any CPU that has it.
    /// Where that is not, a start has to measure.
    pub const fn is_measured(self) -> bool {
        // AMX has run on no CPU yet, the integers of AVX2 on one kind; burn, which is
        // what there is after plain Rust, was faster than that where both were tried.
        match self {
            Self::Amx | Self::Avx2Vnni | Self::Avx2Int16 | Self::Scalar => false,
            Self::Avx512Vnni | Self::Avx512 | Self::Avx2 => true,
        }
    }

    /// Whether some layers compute in less than f32.
    pub const fn is_reduced(self) -> bool {
        !matches!(self.precision(), Precision::Floats)
    }

    /// Whether some of those are computed in tiles of digits.
    pub const fn is_tiled(self) -> bool {
        matches!(self.precision(), Precision::Digits)
    }

    /// What layers multiply that need not be computed in f32.
    pub(crate) const fn precision(self) -> Precision {
        match self {
            Self::Amx => Precision::Digits,
            Self::Avx512Vnni | Self::Avx2Vnni | Self::Avx2Int16 => Precision::Pairs,
            Self::Avx512 | Self::Avx2 | Self::Scalar => Precision::Floats,
        }
    }
}

/// What layers multiply that need not be computed in f32.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Precision {
    /// f32 all the same.
    Floats,
    /// 16-bit integers.
    Pairs,
    /// 16-bit integers, as two digits each where a layer is pointwise.
    Digits,
}

impl fmt::Display for CpuPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A word that names no [`CpuPath`].
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no path of the CPU; there are amx, avx512-vnni, avx512, avx2-vnni, avx2-int16, avx2 \
     and scalar"
)]
pub struct UnknownPath(String);

impl FromStr for CpuPath {
    type Err = UnknownPath;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|path| path.as_str() == text)
            .ok_or_else(|| UnknownPath(text.to_owned()))
    }
}

/// A path together with the proof that this CPU has it.
#[derive(Clone, Copy)]
pub(crate) enum Proof {
    #[cfg(target_arch = "x86_64")]
    Amx(Amx),
    #[cfg(target_arch = "x86_64")]
    Avx512Vnni(Avx512Vnni),
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
    #[cfg(target_arch = "x86_64")]
    Avx2Vnni(Avx2Vnni),
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    Scalar(Scalar),
}

impl Proof {
    /// Of the first path that this CPU has. It is asked once: the CPU's answers take
    /// long on a virtual machine.
    pub(crate) fn of_best() -> Self {
        static BEST: LazyLock<Proof> = LazyLock::new(|| {
            let best = Proof::of(CpuPath::best());
            best.unwrap_or(Proof::Scalar(Scalar))
        });
        *BEST
    }

    /// `None` where the CPU lacks the path.
    pub(crate) fn of(path: CpuPath) -> Option<Self> {
        match path {
            #[cfg(target_arch = "x86_64")]
            CpuPath::Amx => Amx::new().map(Self::Amx),
            #[cfg(target_arch = "x86_64")]
            CpuPath::Avx512Vnni => Avx512Vnni::new().map(Self::Avx512Vnni),
            #[cfg(target_arch = "x86_64")]
            CpuPath::Avx512 => Avx512::new().map(Self::Avx512),
            #[cfg(target_arch = "x86_64")]
            CpuPath::Avx2Vnni => Avx2Vnni::new().map(Self::Avx2Vnni),
            // The same instructions: what a plan packs for them tells these two apart.
            #[cfg(target_arch = "x86_64")]
            CpuPath::Avx2Int16 | CpuPath::Avx2 => Avx2::new().map(Self::Avx2),
            CpuPath::Scalar => Some(Self::Scalar(Scalar)),
            #[cfg(not(target_arch = "x86_64"))]
            _ => None,
        }
    }

    /// Calls `job` with the instruction set, from where it starts its own jobs.
    pub(crate) fn choose<J: Job>(self, job: J) -> J::Output {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Amx(isa) => job.run(isa),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Vnni(isa) => job.run(isa),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(isa) => job.run(isa),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2Vnni(isa) => job.run(isa),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(isa) => job.run(isa),
            Self::Scalar(isa) => job.run(isa),
        }
    }
}
