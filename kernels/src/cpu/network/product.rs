//! The matrix product that every convolution comes down to.
//!
//! Positions are rows of the product, output channels its columns, sixteen a
//! vector. A tile of both stays in registers while the inputs of a position are
//! walked: each step broadcasts one word of each position and multiplies it
//! with the weights of the tile's channels. A spatial kernel is a product whose
//! inputs lie in one segment a kernel row: in HWC the columns of a kernel row
//! follow each other in memory.
#![expect(
    clippy::needless_range_loop,
    reason = "a tile is indexed in two directions, and its loops must unroll"
)]

use std::ops::Range;

use super::super::isa::{Isa, Job, LANES, Lanes};
use super::matrix::Matrix;
use super::words::Words;

/// Where the inputs of each output position lie, counted in words.
#[derive(Clone, Copy, Debug)]
pub(super) struct View {
    /// Rows of output positions.
    pub(super) n_rows: usize,
    /// Output positions in a row.
    pub(super) width: usize,
    /// From a position to the next.
    pub(super) position_step: usize,
    /// From a row of positions to the next.
    pub(super) row_step: usize,
    /// Rows of the kernel.
    pub(super) n_segments: usize,
    /// From a kernel row to the next.
    pub(super) segment_step: usize,
}

/// Where results go, counted in vectors from the first one.
pub(super) struct Out<'a> {
    pub(super) lanes: &'a mut [Lanes],
    /// From a position to the next.
    pub(super) position_step: usize,
    /// From a row of positions to the next.
    pub(super) row_step: usize,
    /// From sixteen channels to the next.
    pub(super) block_step: usize,
}

/// What a sum is added to.
#[derive(Clone, Copy)]
pub(super) enum Base<'a> {
    /// The bias.
    Bias,
    /// The bias and values laid out as the results.
    BiasAnd(&'a [Lanes]),
    /// What the result's place holds.
    Kept,
}

/// What becomes of a sum.
#[derive(Clone, Copy)]
pub(super) struct Finish<'a> {
    pub(super) base: Base<'a>,
    /// For each sixteen channels of the matrix.
    pub(super) bias: &'a [Lanes],
    /// What 1 in the input stands for, where words are scaled.
    pub(super) input_scale: f32,
    /// Results are cut to this.
    pub(super) low: f32,
    /// Results are cut to this.
    pub(super) high: f32,
}

/// A matrix product over some of a matrix's channels.
pub(super) struct Product<'a, W: Words> {
    pub(super) input: &'a [W::Word],
    pub(super) view: View,
    pub(super) matrix: &'a Matrix<W>,
    /// Which sixteens of output channels.
    pub(super) blocks: Range<usize>,
    pub(super) finish: Finish<'a>,
    pub(super) out: Out<'a>,
}

impl<W: Words> Job for Product<'_, W> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        // Sums that live through a second loop, or until it is known what they
        // are added to, go through memory.
        let View { n_rows, width, .. } = self.view;
        // Two tiles' worth of positions leave a narrow one no small rest.
        let fills_rows =
            n_rows == 1 || width.is_multiple_of(I::TILE_ROWS) || (I::TILE_ROWS == 6 && width >= 12);
        let is_one = self.view.n_segments == 1;
        assert!(
            is_one || matches!(self.finish.base, Base::Bias),
            "only sums of one segment are added to more than the bias"
        );
        match self.finish.base {
            Base::Bias if is_one && fills_rows => self.all::<I, true, true>(isa, &OntoBias),
            Base::Bias if fills_rows => self.all::<I, false, true>(isa, &OntoBias),
            Base::Bias => self.all::<I, false, false>(isa, &OntoBias),
            Base::BiasAnd(values) => self.all::<I, true, true>(isa, &OntoBiasAnd(values)),
            Base::Kept => self.all::<I, true, true>(isa, &OntoKept),
        }
    }
}

/// A tile's place.
#[derive(Clone, Copy)]
struct Place {
    block: usize,
    row: usize,
    column: usize,
    /// Sixteen channels that come later, whose weights may lie far away.
    ahead: usize,
}

impl Place {
    /// Where the position here and those after it lie, given the steps to the
    /// next position and to the next row; with `ROW` all are of one row.
    #[inline(always)]
    fn and_those_after<const ROW: bool, const R: usize>(
        self,
        width: usize,
        [position_step, row_step]: [usize; 2],
    ) -> [usize; R] {
        let mut places = [0; R];
        let mut place = self.row * row_step + self.column * position_step;
        let mut column = self.column;
        for p in 0..R {
            places[p] = place;
            place = place.wrapping_add(position_step);
            column += 1;
            if !ROW && column == width {
                column = 0;
                place = place.wrapping_add(row_step.wrapping_sub(width * position_step));
            }
        }
        places
    }
}

impl<W: Words> Product<'_, W> {
    /// The whole product. With `ONE` its inputs lie in one segment; with `ROW`
    /// tiles stay within a row of positions, else they go on in the next.
    #[inline(always)]
    fn all<I: Isa, const ONE: bool, const ROW: bool>(mut self, isa: I, onto: &impl Onto) {
        let mut block = self.blocks.start;
        while block < self.blocks.end {
            let left = self.blocks.end - block;
            // Four are twice two rather than three and a slow one.
            block += match (I::TILE_VECTORS, left) {
                (3.., 3 | 5..) => self.columns::<I, ONE, ROW, 3>(isa, block, onto),
                (2.., 2 | 4) => self.columns::<I, ONE, ROW, 2>(isa, block, onto),
                _ => self.columns::<I, ONE, ROW, 1>(isa, block, onto),
            };
        }
    }

    /// All positions for `V` vectors of channels from `block` on.
    #[inline(always)]
    fn columns<I: Isa, const ONE: bool, const ROW: bool, const V: usize>(
        &mut self,
        isa: I,
        block: usize,
        onto: &impl Onto,
    ) -> usize {
        let View { n_rows, width, .. } = self.view;
        let mut tile = 0;
        let mut place = |row, column| {
            tile += 1;
            Place {
                block,
                row,
                column,
                ahead: block + V + tile % V,
            }
        };
        if ROW {
            for row in 0..n_rows {
                let mut column = 0;
                while column < width {
                    let place = place(row, column);
                    column += self.any_tile::<I, ONE, ROW, V>(isa, place, width - column, onto);
                }
            }
        } else {
            let mut position = 0;
            while position < n_rows * width {
                let place = place(position / width, position % width);
                let left = n_rows * width - position;
                position += self.any_tile::<I, ONE, ROW, V>(isa, place, left, onto);
            }
        }
        V
    }

    /// A tile for the first of `left` positions: the largest, but two of a middle
    /// size rather than a rest of one or two, whose few sums wait for themselves.
    #[inline(always)]
    fn any_tile<I: Isa, const ONE: bool, const ROW: bool, const V: usize>(
        &mut self,
        isa: I,
        place: Place,
        left: usize,
        onto: &impl Onto,
    ) -> usize {
        match (I::TILE_ROWS, left) {
            (7.., 7..) => self.tile::<I, ONE, ROW, 7, V>(isa, place, onto),
            (6, 6 | 11..) => self.tile::<I, ONE, ROW, 6, V>(isa, place, onto),
            (6, 5 | 9..) => self.tile::<I, ONE, ROW, 5, V>(isa, place, onto),
            (6, 4 | 7..) => self.tile::<I, ONE, ROW, 4, V>(isa, place, onto),
            (6, 3..) => self.tile::<I, ONE, ROW, 3, V>(isa, place, onto),
            (_, 2..) => self.tile::<I, ONE, ROW, 2, V>(isa, place, onto),
            _ => self.tile::<I, ONE, ROW, 1, V>(isa, place, onto),
        }
    }

    /// One tile, from inputs to results.
    #[inline(always)]
    fn tile<I: Isa, const ONE: bool, const ROW: bool, const R: usize, const V: usize>(
        &mut self,
        isa: I,
        place: Place,
        onto: &impl Onto,
    ) -> usize {
        let mut sums = [[W::splat(isa, W::Word::default()); V]; R];
        if ONE {
            sums = self.walk::<I, ONE, ROW, R, V>(isa, place, (0, 1), sums);
        } else {
            let n_segments = self.view.n_segments;
            for segment in 0..n_segments {
                sums = self.walk::<I, ONE, ROW, R, V>(isa, place, (segment, n_segments), sums);
            }
        }
        self.finish::<I, ONE, ROW, R, V>(isa, place, sums, onto);
        R
    }

    /// Adds the products of one of `n_segments` segments to the sums of a tile.
    #[inline(always)]
    fn walk<I: Isa, const ONE: bool, const ROW: bool, const R: usize, const V: usize>(
        &self,
        isa: I,
        place: Place,
        (segment, n_segments): (usize, usize),
        mut sums: [[W::Vector<I>; V]; R],
    ) -> [[W::Vector<I>; V]; R] {
        let n_words = self.matrix.segment_words(n_segments);
        let view = self.view;
        let steps = [view.position_step, view.row_step];
        let places = place.and_those_after::<ROW, R>(view.width, steps);
        let input = &self.input[segment * view.segment_step..];
        // Slices of one known length each, so that no step checks bounds.
        let mut inputs: [&[W::Word]; R] = [&[]; R];
        for p in 0..R {
            inputs[p] = &input[places[p]..][..n_words];
        }
        let mut weights: [&[[W::Word; LANES]]; V] = [&[]; V];
        for v in 0..V {
            let block = self.matrix.block(place.block + v);
            weights[v] = &block[segment * n_words..][..n_words];
        }
        let ahead = &self.matrix.block_or_last(place.ahead)[segment * n_words..][..n_words];
        for word in 0..n_words {
            isa.prefetch(&ahead[word]);
            let mut vectors = [W::splat(isa, W::Word::default()); V];
            for v in 0..V {
                vectors[v] = W::load(isa, &weights[v][word]);
            }
            for p in 0..R {
                let input = W::splat(isa, inputs[p][word]);
                for v in 0..V {
                    sums[p][v] = W::mul_add(isa, input, vectors[v], sums[p][v]);
                }
            }
        }
        sums
    }

    /// From sums to results. One base a loop: with all three in one the loop is
    /// not unrolled, and the sums go through memory.
    #[inline(always)]
    fn finish<I: Isa, const ONE: bool, const ROW: bool, const R: usize, const V: usize>(
        &mut self,
        isa: I,
        place: Place,
        sums: [[W::Vector<I>; V]; R],
        onto: &impl Onto,
    ) {
        let (low, high) = (isa.splat(self.finish.low), isa.splat(self.finish.high));
        let out = &mut self.out;
        let steps = [out.position_step, out.row_step];
        let places = place.and_those_after::<ROW, R>(self.view.width, steps);
        for v in 0..V {
            let block = place.block + v;
            let bias = isa.load(&self.finish.bias[block]);
            let scale = if W::IS_SCALED {
                let input_scale = isa.splat(self.finish.input_scale);
                isa.mul(isa.load(self.matrix.scale(block)), input_scale)
            } else {
                isa.splat(1.0)
            };
            // One check a result, that of bounds: a place that wraps fails it.
            let first = (block - self.blocks.start).wrapping_mul(out.block_step);
            let mut at = places[0].wrapping_add(first);
            for p in 0..R {
                if !ROW {
                    at = places[p].wrapping_add(first);
                }
                let slot = &mut out.lanes[at];
                let base = onto.base(isa, bias, slot, at);
                let sum = W::to_floats(isa, sums[p][v]);
                let value = if W::IS_SCALED {
                    isa.mul_add(sum, scale, base)
                } else {
                    isa.add(sum, base)
                };
                isa.store(isa.min(isa.max(value, low), high), slot);
                at = at.wrapping_add(out.position_step);
            }
        }
    }
}

/// [`Base`] as a type.
pub(super) trait Onto {
    /// What the sum for `slot`, the vector number `at`, is added to.
    fn base<I: Isa>(&self, isa: I, bias: I::F32, slot: &Lanes, at: usize) -> I::F32;
}

pub(super) struct OntoBias;

impl Onto for OntoBias {
    #[inline(always)]
    fn base<I: Isa>(&self, _: I, bias: I::F32, _: &Lanes, _: usize) -> I::F32 {
        bias
    }
}

pub(super) struct OntoBiasAnd<'a>(pub(super) &'a [Lanes]);

impl Onto for OntoBiasAnd<'_> {
    #[inline(always)]
    fn base<I: Isa>(&self, isa: I, bias: I::F32, _: &Lanes, at: usize) -> I::F32 {
        isa.add(bias, isa.load(&self.0[at]))
    }
}

pub(super) struct OntoKept;

impl Onto for OntoKept {
    #[inline(always)]
    fn base<I: Isa>(&self, isa: I, _: I::F32, slot: &Lanes, _: usize) -> I::F32 {
        isa.load(slot)
    }
}
