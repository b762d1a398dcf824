//! Numeric kernels of ImgShare: pixels in, numbers out. No networks, no file
//! formats, no I/O.
//!
//! A kernel's folder holds its meaning in plain scalar Rust (`scalar.rs`),
//! which is the oracle every faster form is compared with, and a door that
//! picks the form to run.

pub mod cpu;

pub use cpu::bilinear::{RgbView, resize_align_corners};
