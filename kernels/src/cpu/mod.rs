//! Kernels that run on the CPU.

pub mod bilinear;
pub mod dct;
pub mod isa;
pub mod network;
pub mod pdq;
pub mod peak;
pub mod ycbcr;
