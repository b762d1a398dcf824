//! A JPEG decoded row by row, of which only what is looked at is kept.
//!
//! All of its coded data is read and every pixel's luma and chroma is made, as a
//! decoder of the whole picture does; they are just not kept.

use imgshare_kernels::cpu::bilinear::YcbcrResize;
use imgshare_kernels::cpu::pdq::LumaPdq;
use imgshare_kernels::cpu::ycbcr::ReadRows;

use super::jpeg_stream::file_of_pixels;
use crate::error::Reject;
use crate::item::{Format, Header, Shrunk, Sides, Sniffed, Squares};
use crate::stage::colour::converter_of;
use crate::stage::jpeg_coefficients::{has_rows, read_rows};
use crate::stage::upright::is_sideways;

/// Whether the pixels of a file are only looked at: it is neither turned nor
/// converted, and can be read row by row.
pub(in crate::stage) fn is_enough(sniffed: &Sniffed) -> bool {
    let Sniffed { bytes, format, .. } = sniffed;
    *format == Format::Jpeg
        && matches!(has_rows(bytes), Ok(true))
        && !is_sideways(bytes, *format)
        && matches!(converter_of(bytes, *format), Ok(None))
}

/// What is looked at of a file of which that [is enough](is_enough).
///
/// # Errors
/// As [`super::decode`].
pub(super) fn shrunk(bytes: &[u8], header: Header, sides: Sides) -> Result<Shrunk, Reject> {
    let file = file_of_pixels(bytes)?;
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
    read_rows(&file, size, &mut readers)?;
    let squares: Vec<(u32, Box<[u16]>)> = resizes
        .into_iter()
        .map(|(side, resize)| (side, resize.into_square()))
        .collect();
    let square = |side: u32| {
        let made = squares.iter().find(|(other, _)| *other == side);
        let (_, square) = made.expect("every side has been resized to");
        square.clone()
    };
    Ok(Shrunk {
        squares: Squares::of(sides, square),
        pdq: pdq.finish(),
    })
}
