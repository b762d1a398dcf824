//! Which entries of a palette the pixels of an indexed image name. The others are
//! shown nowhere, and hold whatever was put there.

use std::io::Read;

use flate2::read::ZlibDecoder;

use super::pixels::ImageHeader;
use crate::error::Reject;
use crate::stage::scrub::malformed;

/// The entries that are named.
pub(super) struct Used([bool; 256]);

impl Used {
    pub(super) fn none() -> Self {
        Self([false; 256])
    }

    /// Marks what a picture of `width` x `height` names; `stream` is compressed
    /// and holds exactly that picture.
    pub(super) fn mark(
        &mut self,
        stream: &[u8],
        header: &ImageHeader,
        (width, height): (u32, u32),
    ) -> Result<(), Reject> {
        let broken = |_| malformed("the compressed picture is damaged");
        let mut rows = ZlibDecoder::new(stream);
        for (columns, n_rows) in header.passes(width, height) {
            let columns = usize::try_from(columns).map_err(|_| Reject::Truncated)?;
            let depth = usize::from(header.depth);
            let row_bytes = (columns * depth).div_ceil(8);
            let mut previous = vec![0; row_bytes];
            let mut row = vec![0; row_bytes];
            for _ in 0..n_rows {
                let mut filter = [0];
                rows.read_exact(&mut filter).map_err(broken)?;
                rows.read_exact(&mut row).map_err(broken)?;
                unfilter(filter[0], &previous, &mut row)?;
                self.mark_row(&row, columns, header.depth);
                std::mem::swap(&mut previous, &mut row);
            }
        }
        Ok(())
    }

    /// Samples are packed from the highest bit down (PNG 3rd edition, 7.2).
    fn mark_row(&mut self, row: &[u8], columns: usize, depth: u8) {
        if depth == 8 {
            row.iter()
                .for_each(|index| self.0[usize::from(*index)] = true);
            return;
        }
        let a_byte = usize::from(8 / depth);
        for column in 0..columns {
            let shift = 8 - depth * (u8::try_from(column % a_byte).unwrap_or(0) + 1);
            let index = row[column / a_byte] >> shift & (u8::MAX >> (8 - depth));
            self.0[usize::from(index)] = true;
        }
    }

    /// The palette with black in place of the colours nothing names.
    pub(super) fn palette(&self, palette: &[u8]) -> Vec<u8> {
        let (colours, _) = palette.as_chunks::<3>();
        let kept = colours.iter().zip(self.0);
        kept.flat_map(|(colour, used)| if used { *colour } else { [0; 3] })
            .collect()
    }

    /// The alpha of the palette, opaque where nothing names the colour.
    pub(super) fn alphas(&self, alphas: &[u8]) -> Vec<u8> {
        let kept = alphas.iter().zip(self.0);
        kept.map(|(alpha, used)| if used { *alpha } else { u8::MAX })
            .collect()
    }
}

/// Undoes a row's filter (9.2) where a pixel is at most a byte.
fn unfilter(filter: u8, previous: &[u8], row: &mut [u8]) -> Result<(), Reject> {
    let (mut left, mut above_left) = (0_u8, 0_u8);
    for (sample, above) in row.iter_mut().zip(previous) {
        let predicted = match filter {
            0 => 0,
            1 => left,
            2 => *above,
            3 => left.midpoint(*above),
            4 => paeth(left, *above, above_left),
            _ => return Err(malformed("a row is filtered in an unknown way")),
        };
        *sample = sample.wrapping_add(predicted);
        (left, above_left) = (*sample, *above);
    }
    Ok(())
}

/// Whichever of the three is nearest to their gradient (9.4).
fn paeth(left: u8, above: u8, above_left: u8) -> u8 {
    let [a, b, c] = [left, above, above_left].map(i16::from);
    let [to_a, to_b, to_c] = [b - c, a - c, a + b - 2 * c].map(i16::abs);
    if to_a <= to_b && to_a <= to_c {
        left
    } else if to_b <= to_c {
        above
    } else {
        above_left
    }
}
