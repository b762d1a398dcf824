//! Kernels that run on the CPU.

pub mod bilinear;
pub mod pdq;
