//! Which blocks a frame has, and which of them a scan codes (T.81, A.1 and A.2).

use super::BROKEN;
use crate::error::Reject;
use crate::stage::scrub::jpeg::frame::Frame;

/// Samples of a block's side.
const SIDE: usize = 8;

/// Blocks of a unit that T.81 B.2.3 allows in a scan of several components.
const UNIT_BLOCKS_MAX: usize = 10;

/// The blocks of one component, row-major.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Grid {
    /// Blocks of a unit, across and down.
    pub(super) across: usize,
    pub(super) down: usize,
    /// Blocks of all units, in a row and in a column.
    pub(super) columns: usize,
    pub(super) rows: usize,
    /// Those that show a sample. A scan of this component alone codes only them.
    pub(super) shown_columns: usize,
    pub(super) shown_rows: usize,
}

impl Grid {
    pub(super) fn n_blocks(&self) -> usize {
        self.columns * self.rows
    }
}

/// The blocks of a frame. Units are what T.81 calls MCUs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Geometry {
    pub(super) units_across: usize,
    pub(super) units_down: usize,
    /// Whether the picture ends where its last units do, to the right and below.
    pub(super) whole_across: bool,
    pub(super) whole_down: bool,
    pub(super) grids: Vec<Grid>,
}

impl Geometry {
    pub(super) fn of(frame: &Frame) -> Result<Self, Reject> {
        let (width, height) = frame.size();
        let (width, height) = (usize::from(width), usize::from(height));
        let factors: Vec<(usize, usize)> = match frame.components() {
            // The factors of a single component change nothing.
            [_] => vec![(1, 1)],
            components => components
                .iter()
                .map(|component| component.factors())
                .map(|(across, down)| (across.into(), down.into()))
                .collect(),
        };
        let n_unit_blocks: usize = factors.iter().map(|(across, down)| across * down).sum();
        if n_unit_blocks > UNIT_BLOCKS_MAX {
            return Err(BROKEN);
        }
        let across_max = factors.iter().map(|factors| factors.0).max();
        let down_max = factors.iter().map(|factors| factors.1).max();
        let (across_max, down_max) = across_max.zip(down_max).ok_or(BROKEN)?;
        let units_across = width.div_ceil(SIDE * across_max);
        let units_down = height.div_ceil(SIDE * down_max);
        let grids = factors.iter().map(|&(across, down)| Grid {
            across,
            down,
            columns: units_across * across,
            rows: units_down * down,
            shown_columns: (width * across).div_ceil(across_max).div_ceil(SIDE),
            shown_rows: (height * down).div_ceil(down_max).div_ceil(SIDE),
        });
        Ok(Self {
            units_across,
            units_down,
            whole_across: width.is_multiple_of(SIDE * across_max),
            whole_down: height.is_multiple_of(SIDE * down_max),
            grids: grids.collect(),
        })
    }

    pub(super) fn n_blocks(&self) -> usize {
        self.grids.iter().map(Grid::n_blocks).sum()
    }

    /// How many samples of the finest component one of this component's is as wide
    /// or as high as, whichever is more, rounded up.
    pub(super) fn stretch(&self, grid: &Grid) -> usize {
        let finest = |factor: fn(&Grid) -> usize| self.grids.iter().map(factor).max().unwrap_or(1);
        let across = finest(|grid| grid.across).div_ceil(grid.across);
        across.max(finest(|grid| grid.down).div_ceil(grid.down))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(width: u8, height: u8, samplings: &[u8]) -> Frame {
        let n_components = u8::try_from(samplings.len()).expect("few");
        let mut payload = vec![8, 0, height, 0, width, n_components];
        for (id, sampling) in (1..).zip(samplings) {
            payload.extend_from_slice(&[id, *sampling, 0]);
        }
        Frame::parse(0xC0, &payload).expect("a frame")
    }

    #[test]
    fn units_cover_the_picture_and_scans_of_one_component_do_not() {
        let geometry = Geometry::of(&frame(40, 16, &[0x22, 0x11, 0x11])).expect("legal");
        assert_eq!((geometry.units_across, geometry.units_down), (3, 1));
        assert_eq!((geometry.whole_across, geometry.whole_down), (false, true));
        let luma = geometry.grids[0];
        assert_eq!((luma.columns, luma.rows), (6, 2));
        assert_eq!((luma.shown_columns, luma.shown_rows), (5, 2));
        assert_eq!(geometry.n_blocks(), 12 + 3 + 3);
        assert!(
            geometry
                .grids
                .iter()
                .map(|grid| geometry.stretch(grid))
                .eq([1, 2, 2])
        );
    }

    #[test]
    fn one_component_has_units_of_one_block() {
        let geometry = Geometry::of(&frame(8, 24, &[0x42])).expect("legal");
        assert_eq!((geometry.units_across, geometry.units_down), (1, 3));
        assert!(geometry.whole_across && geometry.whole_down);
    }

    #[test]
    fn units_of_too_many_blocks_are_refused() {
        assert_eq!(Geometry::of(&frame(8, 8, &[0x22; 3])), Err(BROKEN));
    }
}
