//! A JPEG decoded row by row, of which only what is looked at is kept.
//!
//! All of its coded data is read and every pixel's luma and chroma is made, as a
//! decoder of the whole picture does; they are just not kept.

use imgshare_kernels::cpu::bilinear::YcbcrResize;
use imgshare_kernels::cpu::pdq::LumaPdq;
use imgshare_kernels::cpu::ycbcr::ReadRows;

use super::jpeg_stream::sequential_file;
use crate::error::Reject;
use crate::item::{Format, Header, Shrunk, Sides, Sniffed, Squares};
use crate::stage::colour::converter_of;
use crate::stage::jpeg_coefficients::read_rows;
use crate::stage::upright::is_sideways;

/// Whether the pixels of a file are only looked at: it is neither turned nor
/// converted.
pub(super) fn is_enough(sniffed: &Sniffed) -> bool {
    let Sniffed { bytes, format, .. } = sniffed;
    *format == Format::Jpeg
        && !is_sideways(bytes, *format)
        && matches!(converter_of(bytes, *format), Ok(None))
}

/// What is looked at of an upright sRGB JPEG, or `None` if it has to be decoded as a
/// whole: see [`read_rows`].
///
/// # Errors
/// As [`super::decode`].
pub(super) fn shrunk(bytes: &[u8], header: Header, sides: Sides) -> Result<Option<Shrunk>, Reject> {
    let Some(file) = sequential_file(bytes)? else {
        return Ok(None);
    };
    let side = |side: u32| usize::try_from(side).unwrap_or(usize::MAX);
    let size = (side(header.width), side(header.height));
    let mut resizes: Vec<(u32, YcbcrResize)> = Vec::new();
    for side in [Some(sides.first), sides.second, sides.shadow] {
        let Some(side) = side else { continue };
        if resizes.iter().all(|(other, _)| *other != side) {
            resizes.push((side, YcbcrResize::new(size, side)));
        }
    }
    let mut pdq = LumaPdq::new(size);
    let resizing = resizes
        .iter_mut()
        .map(|(_, resize)| resize as &mut dyn ReadRows);
    let mut readers: Vec<&mut dyn ReadRows> = resizing.collect();
    readers.push(&mut pdq);
    if !read_rows(&file, size, &mut readers)? {
        return Ok(None);
    }
    let squares: Vec<(u32, Box<[u16]>)> = resizes
        .into_iter()
        .map(|(side, resize)| (side, resize.into_square()))
        .collect();
    let square = |side: u32| {
        let made = squares.iter().find(|(other, _)| *other == side);
        made.map(|(_, square)| square.clone()).unwrap_or_default()
    };
    Ok(Some(Shrunk {
        squares: Squares::of(sides, square),
        pdq: pdq.finish(),
    }))
}
