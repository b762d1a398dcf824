//! Where a frame lies on its canvas, before and after a turn.

use super::orientation::Orientation;

/// A rectangle on the canvas, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) left: u32,
    pub(super) top: u32,
    pub(super) width: u32,
    pub(super) height: u32,
}

impl Place {
    /// Where the rectangle lies when the canvas, of the given size before, has
    /// been turned; `None` if it does not lie on the canvas.
    pub(super) fn turned(self, orientation: Orientation, canvas: (u32, u32)) -> Option<Self> {
        let Self {
            left,
            top,
            width,
            height,
        } = self;
        let beyond = |canvas: u32, start: u32, length: u32| {
            start
                .checked_add(length)
                .and_then(|end| canvas.checked_sub(end))
        };
        let right = beyond(canvas.0, left, width)?;
        let bottom = beyond(canvas.1, top, height)?;
        let (left, top) = match orientation {
            Orientation::Upright => (left, top),
            Orientation::MirrorAcross => (right, top),
            Orientation::HalfTurn => (right, bottom),
            Orientation::MirrorDown => (left, bottom),
            Orientation::Transpose => (top, left),
            Orientation::QuarterTurnRight => (bottom, left),
            Orientation::Transverse => (bottom, right),
            Orientation::QuarterTurnLeft => (top, right),
        };
        let (width, height) = orientation.turned_size(width, height);
        Some(Self {
            left,
            top,
            width,
            height,
        })
    }
}
