//! Pictures with a photo's statistics, drawn from a seed, so that a bench
//! needs no files and every machine measures the same ones.

use jpeg_encoder::{ColorType, Encoder, EncodingError, SamplingFactor};

/// What phones write: an 8 MP photo comes to about 2 MB.
const JPEG_QUALITY: u8 = 88;

/// Cells along the shorter side of the coarsest octave.
const COARSEST_CELLS: usize = 3;

/// Pixels a cell of the finest octave; below it sensor grain takes over.
const FINEST_CELL_PX: usize = 4;

/// Peak of the coarsest octave in levels of 255.
const AMPLITUDE: f32 = 90.0;

/// Peak of the grain in levels of 255.
const GRAIN: f32 = 6.0;

/// How much less colours vary than light does.
const TINT: f32 = 0.4;

/// RGB8 pixels, row-major, no padding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Photo {
    /// Width in pixels.
    pub width: u16,
    /// Height in pixels.
    pub height: u16,
    /// `width * height * 3` bytes.
    pub rgb: Vec<u8>,
}

impl Photo {
    /// Draws the picture of `seed`: octaves of smooth noise whose amplitude
    /// falls with their frequency, as in photos of nature, and grain.
    #[must_use]
    pub fn draw(seed: u64, width: u16, height: u16) -> Self {
        let mut random = Random(seed);
        let (columns, rows) = (usize::from(width), usize::from(height));
        let mut light = vec![0.0; columns * rows];
        let mut tint = vec![0.0; columns * rows];
        let mut cell_px = (columns.min(rows) / COARSEST_CELLS).max(1);
        let mut amplitude = AMPLITUDE;
        loop {
            Octave::draw(&mut random, cell_px, columns, rows).add_to(&mut light, amplitude);
            Octave::draw(&mut random, cell_px, columns, rows).add_to(&mut tint, amplitude * TINT);
            if cell_px <= FINEST_CELL_PX {
                break;
            }
            cell_px /= 2;
            amplitude *= 0.6;
        }
        let rgb = light
            .iter()
            .zip(&tint)
            .flat_map(|(light, tint)| {
                let light = 128.0 + light + random.next() * GRAIN;
                [level(light + tint), level(light), level(light - tint)]
            })
            .collect();
        Self { width, height, rgb }
    }

    /// The picture as a baseline JPEG with 4:2:0 colours.
    ///
    /// # Errors
    /// When a side is 0.
    pub fn jpeg(&self) -> Result<Vec<u8>, EncodingError> {
        let mut file = Vec::new();
        let mut encoder = Encoder::new(&mut file, JPEG_QUALITY);
        encoder.set_sampling_factor(SamplingFactor::F_2_2);
        encoder.encode(&self.rgb, self.width, self.height, ColorType::Rgb)?;
        Ok(file)
    }
}

/// One layer of noise: random values on a grid, bilinear in between.
struct Octave {
    grid: Vec<f32>,
    grid_columns: usize,
    cell_px: usize,
    columns: usize,
}

impl Octave {
    fn draw(random: &mut Random, cell_px: usize, columns: usize, rows: usize) -> Self {
        let grid_columns = columns / cell_px + 2;
        let grid_rows = rows / cell_px + 2;
        let grid = (0..grid_columns * grid_rows)
            .map(|_| random.next())
            .collect();
        Self {
            grid,
            grid_columns,
            cell_px,
            columns,
        }
    }

    fn add_to(&self, layer: &mut [f32], amplitude: f32) {
        // A row is blended once from the two grid rows around it, so that the
        // loop over its pixels has one interpolation left.
        let mut blended = vec![0.0; self.grid_columns];
        for (y, row) in layer.chunks_exact_mut(self.columns).enumerate() {
            let above = y / self.cell_px * self.grid_columns;
            let down = self.within_cell(y);
            for (x, value) in blended.iter_mut().enumerate() {
                let (top, bottom) = (
                    self.grid[above + x],
                    self.grid[above + self.grid_columns + x],
                );
                *value = (top + (bottom - top) * down) * amplitude;
            }
            for (cell_idx, cell) in row.chunks_mut(self.cell_px).enumerate() {
                let (left, right) = (blended[cell_idx], blended[cell_idx + 1]);
                for (x, pixel) in cell.iter_mut().enumerate() {
                    *pixel += left + (right - left) * self.within_cell(x);
                }
            }
        }
    }

    /// Position within its cell, 0 to 1.
    fn within_cell(&self, position: usize) -> f32 {
        (position % self.cell_px) as f32 / self.cell_px as f32
    }
}

/// SplitMix64 (Steele, Lea and Flood, 2014): short, and good enough for noise.
struct Random(u64);

impl Random {
    /// From -1 to 1.
    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        let [high, low, ..] = (bits ^ (bits >> 31)).to_le_bytes();
        f32::from(i16::from_le_bytes([high, low])) / 32_768.0
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to 0..=255 just before"
)]
fn level(value: f32) -> u8 {
    value.clamp(0.0, 255.0) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_always_draws_the_same_picture() {
        let photo = Photo::draw(7, 65, 33);
        assert_eq!(photo.rgb.len(), 65 * 33 * 3);
        assert_eq!(photo, Photo::draw(7, 65, 33));
        assert_ne!(photo, Photo::draw(8, 65, 33));
    }

    #[test]
    fn a_large_photo_compresses_as_a_camera_s_does() {
        let photo = Photo::draw(1, 3_264, 2_448);
        let bits_per_pixel = photo.jpeg().unwrap().len() as f64 * 8.0 / (3_264.0 * 2_448.0);
        assert!(
            (1.0..3.0).contains(&bits_per_pixel),
            "{bits_per_pixel} bits a pixel"
        );
    }
}
