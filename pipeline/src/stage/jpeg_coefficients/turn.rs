//! Where a turn takes a block, and what it does to the block's coefficients.
//!
//! Reversing a picture's columns negates the coefficients of odd horizontal
//! frequency in every block; swapping rows and columns transposes each block.
//! Nothing is computed, so nothing is lost.

use super::geometry::{Geometry, Grid};

/// Natural position (row * 8 + column) by position in zigzag order (T.81,
/// figure A.6).
pub(super) const ZIGZAG: [u8; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20,
    13, 6, 7, 14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59,
    52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
];

/// A turn: first the reversals, then the transposition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::stage) struct Turn {
    /// Left becomes right.
    pub(in crate::stage) columns_reversed: bool,
    /// Top becomes bottom.
    pub(in crate::stage) rows_reversed: bool,
    /// Rows become columns.
    pub(in crate::stage) transposed: bool,
}

impl Turn {
    pub(in crate::stage) const NONE: Self = Self {
        columns_reversed: false,
        rows_reversed: false,
        transposed: false,
    };

    /// Whether the turned picture still begins with a whole unit on both sides:
    /// a side that is reversed must end with one.
    pub(super) fn is_possible(self, geometry: &Geometry) -> bool {
        (geometry.whole_across || !self.columns_reversed)
            && (geometry.whole_down || !self.rows_reversed)
    }

    /// Swaps across and down where the turn does.
    pub(super) fn sides<T>(self, (across, down): (T, T)) -> (T, T) {
        if self.transposed {
            (down, across)
        } else {
            (across, down)
        }
    }

    /// The turned grid of a component.
    pub(super) fn grid(self, grid: &Grid) -> Grid {
        let (across, down) = self.sides((grid.across, grid.down));
        let (columns, rows) = self.sides((grid.columns, grid.rows));
        let (shown_columns, shown_rows) = self.sides((grid.shown_columns, grid.shown_rows));
        Grid {
            across,
            down,
            columns,
            rows,
            shown_columns,
            shown_rows,
        }
    }

    /// Index in the turned grid of the block at (`column`, `row`) of `grid`.
    #[inline(always)]
    pub(super) fn block(self, grid: &Grid, column: usize, row: usize) -> usize {
        let column = if self.columns_reversed {
            grid.columns - 1 - column
        } else {
            column
        };
        let row = if self.rows_reversed {
            grid.rows - 1 - row
        } else {
            row
        };
        if self.transposed {
            column * grid.rows + row
        } else {
            row * grid.columns + column
        }
    }

    /// By zigzag position: the position after the turn, and the sign (1 or -1).
    pub(super) fn within_blocks(self) -> [(u8, i16); 64] {
        ZIGZAG.map(|natural| {
            let (row, column) = (natural / 8, natural % 8);
            let negated =
                (self.columns_reversed && column % 2 == 1) != (self.rows_reversed && row % 2 == 1);
            let turned = if self.transposed {
                column * 8 + row
            } else {
                natural
            };
            let position = (0..).zip(ZIGZAG).find(|(_, natural)| *natural == turned);
            let position = position.map_or(0, |(position, _)| position);
            (position, if negated { -1 } else { 1 })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coefficients_move_by_frequency() {
        let left = Turn {
            columns_reversed: true,
            rows_reversed: false,
            transposed: true,
        };
        let moved = left.within_blocks();
        // Zigzag: 0 is DC, 1 the first across, 2 the first down, 4 the first of both.
        assert_eq!(moved[0], (0, 1));
        assert_eq!(moved[1], (2, -1));
        assert_eq!(moved[2], (1, 1));
        assert_eq!(moved[4], (4, -1));
        assert_eq!(moved[63], (63, -1));
    }

    #[test]
    fn every_turn_is_a_permutation_of_blocks() {
        let grid = Grid {
            across: 2,
            down: 1,
            columns: 6,
            rows: 5,
            shown_columns: 6,
            shown_rows: 5,
        };
        for bits in 0..8 {
            let turn = Turn {
                columns_reversed: bits & 1 != 0,
                rows_reversed: bits & 2 != 0,
                transposed: bits & 4 != 0,
            };
            let mut seen = [false; 30];
            for (column, row) in (0..6).flat_map(|column| (0..5).map(move |row| (column, row))) {
                seen[turn.block(&grid, column, row)] = true;
            }
            assert_eq!(seen, [true; 30], "{turn:?}");
        }
    }
}
