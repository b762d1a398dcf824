//! The steps of the data path, one file or folder each.
//!
//! A step is a pure function of its input and the limits: no threads, no
//! clock, no files. It returns the next type of [`crate::item`], which proves
//! that the step was taken, or a [`crate::Reject`].

mod backdrop;
pub mod colour;
mod cursor;
pub mod decode;
pub mod inspect;
mod jpeg_again;
mod jpeg_coefficients;
pub mod look;
pub(crate) mod need;
mod png_pictures;
pub mod resize;
pub mod scrub;
pub mod sniff;
pub mod upright;
pub mod variant;

#[cfg(any(test, feature = "fixtures"))]
pub mod testing;

#[cfg(test)]
mod floods;
#[cfg(test)]
mod hostile;
