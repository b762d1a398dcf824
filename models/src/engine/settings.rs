//! What an engine is told: the device, and how the CPU computes.

use std::fmt;
use std::num::NonZero;
use std::str::FromStr;

use imgshare_kernels::CpuPath;

use super::DeviceChoice;

/// How to classify.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EngineSettings {
    /// The device.
    pub device: DeviceChoice,
    /// How the CPU computes, as the device or in a GPU's place.
    pub cpu_path: CpuPathChoice,
    /// Threads of the CPU; `None` takes one a core.
    pub cpu_threads: Option<NonZero<usize>>,
    /// Whether each of them stays on one core.
    pub cpu_pinning: bool,
}

impl From<DeviceChoice> for EngineSettings {
    fn from(device: DeviceChoice) -> Self {
        Self {
            device,
            ..Self::default()
        }
    }
}

/// The way of computing on the CPU.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CpuPathChoice {
    /// The fastest that this CPU has and that gives the golden answers.
    #[default]
    Auto,
    /// This one.
    Path(CpuPath),
    /// burn's, the reference.
    BurnFlex,
}

/// A word that names no [`CpuPathChoice`].
#[derive(Debug, thiserror::Error)]
#[error(
    "{0:?} is no path of the CPU; use auto, amx, avx512-vnni, avx512, avx2-vnni, avx2-int16, avx2, \
     scalar or burn-flex"
)]
pub struct UnknownCpuPath(String);

impl CpuPathChoice {
    /// Every way that this CPU has, the fastest first as far as that is known.
    pub fn available() -> impl Iterator<Item = Self> {
        CpuPath::available().map(Self::Path).chain([Self::BurnFlex])
    }

    /// The choice as settings spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Path(path) => path.as_str(),
            Self::BurnFlex => "burn-flex",
        }
    }
}

impl fmt::Display for CpuPathChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for CpuPathChoice {
    type Err = UnknownCpuPath;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "auto" => Ok(Self::Auto),
            "burn-flex" => Ok(Self::BurnFlex),
            _ => match text.parse() {
                Ok(path) => Ok(Self::Path(path)),
                Err(_) => Err(UnknownCpuPath(text.to_owned())),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_choice_reads_back_from_its_name() {
        let paths = CpuPath::ALL.map(CpuPathChoice::Path);
        for choice in [CpuPathChoice::Auto, CpuPathChoice::BurnFlex]
            .into_iter()
            .chain(paths)
        {
            assert_eq!(choice.to_string().parse::<CpuPathChoice>().unwrap(), choice);
        }
        let error = "sse2".parse::<CpuPathChoice>().unwrap_err().to_string();
        assert!(error.contains("scalar or burn-flex"), "{error}");
    }
}
