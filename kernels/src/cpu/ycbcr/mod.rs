//! A picture as JPEG codes it, a few rows at a time: luma, and two colour
//! differences that may be at half its resolution. What reads it makes RGB of the
//! pixels that it needs, so that nobody has to keep or convert all of them.
//!
//! Chroma is interpolated as libjpeg does by default ("fancy upsampling"): a sample
//! lies between two pixels, of which each takes three quarters of the nearer one and
//! a quarter of the next. Colours are those of JFIF (ITU-T T.871, 7).

mod convert;
#[cfg(test)]
mod scalar;
#[cfg(test)]
pub(crate) mod tests;

use std::ops::Range;

pub(crate) use convert::Converter;

/// Consecutive rows of one component's samples.
#[derive(Clone, Copy)]
pub struct Rows<'a> {
    /// Row-major.
    pub samples: &'a [u8],
    /// Samples of a row, padding included.
    pub stride: usize,
    /// The row of the component that comes first.
    pub first: usize,
}

impl<'a> Rows<'a> {
    fn row(&self, row_idx: usize, width: usize) -> &'a [u8] {
        &self.samples[(row_idx - self.first) * self.stride..][..width]
    }
}

/// The colour differences.
#[derive(Clone, Copy)]
pub struct Chroma<'a> {
    /// Blue and red difference.
    pub planes: [Rows<'a>; 2],
    /// Whether they have half as many samples in a row, rounded up.
    pub half_width: bool,
    /// Whether they have half as many rows, rounded up.
    pub half_height: bool,
}

/// Some rows of a picture in YCbCr, or in grey.
#[derive(Clone, Copy)]
pub struct YcbcrRows<'a> {
    /// Width and height of the whole picture, in pixels, at least 1.
    pub size: (usize, usize),
    /// Its luma.
    pub luma: Rows<'a>,
    /// Its colours; `None` for grey.
    pub chroma: Option<Chroma<'a>>,
}

impl<'a> YcbcrRows<'a> {
    pub(crate) fn luma_row(&self, row_idx: usize) -> &'a [u8] {
        self.luma.row(row_idx, self.size.0)
    }
}

/// Takes a picture from top to bottom.
pub trait ReadRows {
    /// Takes the pixel rows `ready`, which begin where the last ones ended. `rows`
    /// holds their luma, and the chroma next to each of them.
    ///
    /// # Panics
    /// If `rows` lacks samples of those.
    fn read(&mut self, rows: &YcbcrRows<'_>, ready: Range<usize>);
}

const CHANNELS: usize = 3;

fn halved(length: usize, half: bool) -> usize {
    if half { length.div_ceil(2) } else { length }
}
