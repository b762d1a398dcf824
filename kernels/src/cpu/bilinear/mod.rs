//! Bilinear resize to a square with align-corners, as nsfwjs prepares its
//! input: `tf.image.resizeBilinear(image, [side, side], true)`.
//!
//! Two by two taps, no antialiasing, aspect squashed. The corner pixels of the
//! source land on the corner pixels of the square, so output `i` samples the
//! source at `i * (in - 1) / (side - 1)`.

mod rows;
#[cfg(test)]
mod scalar;
mod taps;
mod ycbcr;

pub use ycbcr::YcbcrResize;

/// A picture of RGB8 pixels, row-major, three bytes a pixel, no padding.
#[derive(Clone, Copy)]
pub struct RgbView<'a> {
    pixels: &'a [u8],
    pub(crate) width: usize,
    pub(crate) height: usize,
}

impl<'a> RgbView<'a> {
    /// A view over `pixels`, or `None` unless both sides are at least one pixel
    /// and `pixels` holds exactly `width * height * 3` bytes.
    pub fn new(pixels: &'a [u8], width: u32, height: u32) -> Option<Self> {
        let width = usize::try_from(width).ok()?;
        let height = usize::try_from(height).ok()?;
        let bytes = width.checked_mul(height)?.checked_mul(CHANNELS)?;
        (bytes > 0 && pixels.len() == bytes).then_some(Self {
            pixels,
            width,
            height,
        })
    }

    pub(crate) fn row(&self, row_idx: usize) -> &'a [u8] {
        let bytes = self.width * CHANNELS;
        &self.pixels[row_idx * bytes..][..bytes]
    }
}

/// Resizes `src` to a `side` x `side` square into `out`, HWC, in u16 fixed
/// point: 65535 is 1.0 and an exact byte `q` is `q * 257`.
///
/// The interpolation is done in f32 in the order tfjs uses (columns, then
/// rows); only the last rounding differs, by at most half of 1/65535.
///
/// # Panics
/// If `out` does not hold `side * side * 3` values.
pub fn resize_align_corners(src: RgbView<'_>, side: u32, out: &mut [u16]) {
    let side = checked_side(side, out);
    rows::resize(src, side, out);
}

pub(crate) const CHANNELS: usize = 3;

fn checked_side(side: u32, out: &[u16]) -> usize {
    let side = usize::try_from(side).expect("a side of 32 bits fits the address space");
    assert_eq!(
        out.len(),
        side * side * CHANNELS,
        "output does not hold a square of {side}"
    );
    side
}

/// `value` in 0.0..=255.0 as u16 fixed point, halves rounded up.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the value lies in 0.5..65535.75, and a float cast saturates"
)]
#[inline]
fn to_fixed(value: f32) -> u16 {
    (value * 257.0 + 0.5) as u16
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fast(src: RgbView<'_>, side: u32) -> Vec<u16> {
        let mut out = vec![0; (side * side * 3) as usize];
        resize_align_corners(src, side, &mut out);
        out
    }

    fn oracle(src: RgbView<'_>, side: u32) -> Vec<u16> {
        let mut out = vec![0; (side * side * 3) as usize];
        scalar::resize(src, checked_side(side, &out), &mut out);
        out
    }

    #[test]
    fn a_view_needs_exactly_its_bytes() {
        assert!(RgbView::new(&[0; 12], 2, 2).is_some());
        assert!(RgbView::new(&[0; 11], 2, 2).is_none());
        assert!(RgbView::new(&[], 0, 7).is_none());
        assert!(RgbView::new(&[0; 3], u32::MAX, u32::MAX).is_none());
    }

    #[test]
    fn a_picture_of_the_squares_size_is_copied_exactly() {
        let pixels: Vec<u8> = (0..=250).cycle().take(224 * 224 * 3).collect();
        let view = RgbView::new(&pixels, 224, 224).unwrap();
        let expected: Vec<u16> = pixels.iter().map(|&q| u16::from(q) * 257).collect();
        assert_eq!(fast(view, 224), expected);
    }

    #[test]
    fn a_midpoint_lies_between_its_neighbours() {
        // 2x1 -> 3x3: the middle column samples half-way, rows repeat.
        let view = RgbView::new(&[0, 0, 0, 255, 100, 1], 2, 1).unwrap();
        let row = [0, 0, 0, 32768, 12850, 129, 65535, 25700, 257];
        assert_eq!(fast(view, 3), row.repeat(3));
    }

    #[test]
    fn a_side_of_one_samples_the_first_pixel() {
        let view = RgbView::new(&[7, 8, 9, 200, 201, 202], 2, 1).unwrap();
        assert_eq!(fast(view, 1), [7 * 257, 8 * 257, 9 * 257]);
    }

    #[test]
    fn corners_land_on_corners_for_long_sides() {
        let (width, height) = (12_000_u32, 3_u32);
        let mut pixels = vec![10_u8; (width * height * 3) as usize];
        let last = pixels.len() - 3;
        pixels[last..].fill(255);
        let out = fast(RgbView::new(&pixels, width, height).unwrap(), 224);
        assert!(
            out[out.len() - 3..].iter().all(|&v| v > 65_000),
            "{:?}",
            &out[out.len() - 3..]
        );
    }

    #[test]
    #[should_panic(expected = "output does not hold a square of 4")]
    fn a_wrong_output_length_is_a_callers_bug() {
        resize_align_corners(RgbView::new(&[0; 3], 1, 1).unwrap(), 4, &mut [0; 47]);
    }

    fn picture() -> impl Strategy<Value = (u32, u32, Vec<u8>)> {
        (1_u32..70, 1_u32..70).prop_flat_map(|(width, height)| {
            let bytes = (width * height * 3) as usize;
            (
                Just(width),
                Just(height),
                proptest::collection::vec(any::<u8>(), bytes),
            )
        })
    }

    proptest! {
        #[test]
        fn the_fast_form_equals_the_oracle((width, height, pixels) in picture(), side in 1_u32..50) {
            let view = RgbView::new(&pixels, width, height).unwrap();
            prop_assert_eq!(fast(view, side), oracle(view, side));
        }

        #[test]
        fn no_output_leaves_the_sources_range((width, height, pixels) in picture(), side in 1_u32..50) {
            let low = u16::from(*pixels.iter().min().unwrap()) * 257;
            let high = u16::from(*pixels.iter().max().unwrap()) * 257;
            let out = fast(RgbView::new(&pixels, width, height).unwrap(), side);
            prop_assert!(out.iter().all(|v| (low..=high).contains(v)));
        }
    }
}
