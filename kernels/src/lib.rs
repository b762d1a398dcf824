//! Numeric kernels of ImgShare: pixels in, numbers out. No networks, no file
//! formats, no I/O.
//!
//! A kernel's folder holds its meaning in plain scalar Rust (`scalar.rs`),
//! which is the oracle that the form that runs is compared with.

// One place where unsafe code may stand: what an instruction set is.
pub mod cpu;

pub use cpu::bilinear::{RgbView, resize_align_corners};
pub use cpu::isa::{CpuPath, UnknownPath};
pub use cpu::network;
pub use cpu::pdq::{Pdq, pdq};
