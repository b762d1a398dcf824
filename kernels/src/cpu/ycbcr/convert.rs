//! Some columns of a row as red, green and blue: what they need of luma and chroma
//! is gathered, then converted all at once, where every step is the same for
//! neighbours.

use super::{CHANNELS, Chroma, YcbcrRows, halved};

/// What a sample of interpolated chroma is multiplied by: three quarters and a
/// quarter of two directions each.
const PARTS: u16 = 16;

/// Converts the same columns of row after row.
pub(crate) struct Converter {
    columns: Vec<usize>,
    /// By column: the nearest chroma sample and the next one. Made with the first
    /// row that has chroma.
    chroma_columns: Vec<[usize; 2]>,
    /// A row of each plane of chroma, interpolated between rows, times four.
    blended: [Vec<u16>; 2],
    /// By column, in [`PARTS`].
    gathered: [Vec<u16>; 2],
    luma: Vec<u8>,
    colours: [Vec<f32>; CHANNELS],
}

impl Converter {
    /// For these columns, each of which must be one of the picture's.
    pub(crate) fn new(columns: Vec<usize>) -> Self {
        Self {
            luma: vec![0; columns.len()],
            colours: [0; CHANNELS].map(|_| vec![0.0; columns.len()]),
            columns,
            chroma_columns: Vec::new(),
            blended: [Vec::new(), Vec::new()],
            gathered: [Vec::new(), Vec::new()],
        }
    }

    /// The columns of a row: red, green and blue, each a whole number in 0..=255.
    ///
    /// Inlined, so that it is compiled for its caller's instructions.
    #[inline(always)]
    pub(crate) fn row(&mut self, rows: &YcbcrRows<'_>, row_idx: usize) -> &[Vec<f32>; CHANNELS] {
        let luma = rows.luma_row(row_idx);
        for (to, column) in self.luma.iter_mut().zip(&self.columns) {
            *to = luma[*column];
        }
        let [red, green, blue] = &mut self.colours;
        if let Some(chroma) = &rows.chroma {
            interpolate(
                chroma,
                rows.size,
                row_idx,
                &self.columns,
                &mut self.chroma_columns,
                &mut self.blended,
                &mut self.gathered,
            );
            let [blues, reds] = &self.gathered;
            let coded = self.luma.iter().zip(blues).zip(reds);
            let colours = red.iter_mut().zip(green).zip(blue);
            for (((red, green), blue), ((luma, of_blue), of_red)) in colours.zip(coded) {
                [*red, *green, *blue] = rgb(*luma, *of_blue, *of_red);
            }
        } else {
            for colour in [red, green, blue] {
                for (colour, luma) in colour.iter_mut().zip(&self.luma) {
                    *colour = f32::from(*luma);
                }
            }
        }
        &self.colours
    }
}

/// Interpolates both planes of chroma for a row, all along it, and then for its
/// columns.
#[inline(always)]
fn interpolate(
    chroma: &Chroma<'_>,
    (width, height): (usize, usize),
    row_idx: usize,
    columns: &[usize],
    chroma_columns: &mut Vec<[usize; 2]>,
    blended: &mut [Vec<u16>; 2],
    gathered: &mut [Vec<u16>; 2],
) {
    let n_columns = halved(width, chroma.half_width);
    let n_rows = halved(height, chroma.half_height);
    if chroma_columns.is_empty() {
        let of_column = |&column: &usize| neighbours(column, chroma.half_width, n_columns);
        *chroma_columns = columns.iter().map(of_column).collect();
        *blended = [vec![0; n_columns], vec![0; n_columns]];
        *gathered = [vec![0; columns.len()], vec![0; columns.len()]];
    }
    let [near, far] = neighbours(row_idx, chroma.half_height, n_rows);
    for ((plane, blended), gathered) in chroma.planes.iter().zip(blended).zip(gathered) {
        let (near, far) = (plane.row(near, n_columns), plane.row(far, n_columns));
        for ((blended, near), far) in blended.iter_mut().zip(near).zip(far) {
            *blended = 3 * u16::from(*near) + u16::from(*far);
        }
        for (gathered, [near, far]) in gathered.iter_mut().zip(&*chroma_columns) {
            *gathered = 3 * blended[*near] + blended[*far];
        }
    }
}

/// The nearest chroma sample of a pixel and the next one, among `length`. Where
/// chroma is as fine as the pixels, both are the same.
fn neighbours(at: usize, half: bool, length: usize) -> [usize; 2] {
    if !half {
        return [at; 2];
    }
    let near = at / 2;
    let far = if at.is_multiple_of(2) {
        near.saturating_sub(1)
    } else {
        (near + 1).min(length - 1)
    };
    [near, far]
}

/// T.871, 7, of chroma in [`PARTS`], which is rounded to whole steps first. In 16
/// fractional bits.
#[inline(always)]
fn rgb(luma: u8, blue: u16, red: u16) -> [f32; CHANNELS] {
    let luma = i32::from(luma);
    let blue = i32::from((blue + PARTS / 2) / PARTS) - 128;
    let red = i32::from((red + PARTS / 2) / PARTS) - 128;
    [
        kept(luma + ((91_881 * red + (1 << 15)) >> 16)),
        kept(luma + ((-22_554 * blue - 46_802 * red + (1 << 15)) >> 16)),
        kept(luma + ((116_130 * blue + (1 << 15)) >> 16)),
    ]
}

#[expect(clippy::cast_precision_loss, reason = "the value lies in 0..=255")]
#[inline(always)]
fn kept(value: i32) -> f32 {
    value.clamp(0, 255) as f32
}
