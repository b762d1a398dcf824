//! The eight orientations and the turns that undo them.

use crate::item::Pixels;

/// Pixels are moved in squares of this side, so that reading down columns and
/// writing along rows both stay in the cache.
const TILE: usize = 32;

/// How the stored picture must be changed to stand upright (Exif 2.32, tag 274).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::stage) enum Orientation {
    Upright = 1,
    MirrorAcross = 2,
    HalfTurn = 3,
    MirrorDown = 4,
    Transpose = 5,
    QuarterTurnRight = 6,
    Transverse = 7,
    QuarterTurnLeft = 8,
}

impl Orientation {
    /// The orientation of a tag's value; values that are none count as upright.
    pub(super) fn from_tag(value: u16) -> Self {
        match value {
            2 => Self::MirrorAcross,
            3 => Self::HalfTurn,
            4 => Self::MirrorDown,
            5 => Self::Transpose,
            6 => Self::QuarterTurnRight,
            7 => Self::Transverse,
            8 => Self::QuarterTurnLeft,
            _ => Self::Upright,
        }
    }

    pub(super) fn swaps_sides(self) -> bool {
        self as u8 >= 5
    }

    /// Width and height after the turn.
    pub(in crate::stage) fn turned_size<T>(self, width: T, height: T) -> (T, T) {
        if self.swaps_sides() {
            (height, width)
        } else {
            (width, height)
        }
    }

    /// The upright picture of a decoded frame.
    pub(super) fn turn_pixels(self, frame: &Pixels) -> Pixels {
        let (width, height) = self.turned_size(frame.width, frame.height);
        Pixels {
            width,
            height,
            rgb: self.turn::<3>(&frame.rgb, frame.width, frame.height),
            alpha: frame
                .alpha
                .as_ref()
                .map(|alpha| self.turn::<1>(alpha, frame.width, frame.height)),
        }
    }

    /// Turns pixels of `N` bytes each, row-major without padding.
    ///
    /// # Panics
    /// If `pixels` is not `width` x `height` pixels.
    pub(in crate::stage) fn turn<const N: usize>(
        self,
        pixels: &[u8],
        width: u32,
        height: u32,
    ) -> Vec<u8> {
        let side = |side: u32| usize::try_from(side).expect("a side fits into memory");
        let (width, height) = (side(width), side(height));
        let (source, _) = pixels.as_chunks::<N>();
        assert_eq!(
            source.len(),
            width * height,
            "the picture has the size it says"
        );

        let mut turned = vec![0; pixels.len()];
        let (target, _) = turned.as_chunks_mut::<N>();
        let (out_width, out_height) = self.turned_size(width, height);
        for top in (0..out_height).step_by(TILE) {
            for left in (0..out_width).step_by(TILE) {
                for y in top..out_height.min(top + TILE) {
                    for x in left..out_width.min(left + TILE) {
                        let (column, row) = self.source_of(x, y, width, height);
                        target[y * out_width + x] = source[row * width + column];
                    }
                }
            }
        }
        turned
    }

    /// Column and row of the stored pixel that is shown at (`x`, `y`).
    fn source_of(self, x: usize, y: usize, width: usize, height: usize) -> (usize, usize) {
        match self {
            Self::Upright => (x, y),
            Self::MirrorAcross => (width - 1 - x, y),
            Self::HalfTurn => (width - 1 - x, height - 1 - y),
            Self::MirrorDown => (x, height - 1 - y),
            Self::Transpose => (y, x),
            Self::QuarterTurnRight => (y, height - 1 - x),
            Self::Transverse => (width - 1 - y, height - 1 - x),
            Self::QuarterTurnLeft => (width - 1 - y, x),
        }
    }
}
