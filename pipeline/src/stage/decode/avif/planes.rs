//! The decoded tiles of a layer as one picture, its chroma brought to full size.

use super::av1::{self, Channel, Frame};
use super::matrix::CHROMA_PARTS;
use crate::error::Reject;
use crate::stage::sniff::avif::{ColourConfig, Layer};

/// A decoded layer.
pub(super) struct Planes {
    frames: Vec<Frame>,
    pub(super) config: ColourConfig,
    columns: usize,
    width: usize,
    height: usize,
    tile_width: usize,
    tile_height: usize,
}

/// Rows of chroma at the size they are coded in.
#[derive(Default)]
struct ChromaRows {
    near: Vec<u16>,
    far: Vec<u16>,
    blended: Vec<i64>,
}

/// Buffers for one row of the picture.
pub(super) struct Row {
    pub(super) luma: Vec<u16>,
    /// Blue and red chroma in parts of [`CHROMA_PARTS`]; empty where there is none.
    pub(super) chroma: Vec<[i64; 2]>,
    coded: ChromaRows,
}

impl Planes {
    pub(super) fn decode(layer: &Layer<'_>) -> Result<Self, Reject> {
        let config = layer.tiles.first().ok_or(MISSING)?.sequence.colours;
        let (across, down) = halvings(config);
        let odd = |side: u32, halved: bool| halved && side % 2 == 1;
        if layer.grid.is_some() && (odd(layer.tile_width, across) || odd(layer.tile_height, down)) {
            // Half a sample of chroma between two tiles (MIAF, 7.3.11.4.2).
            return Err(Reject::Malformed {
                detail: "its tiles do not fit together",
            });
        }
        let length = |side: u32| usize::try_from(side).map_err(|_| MISSING);
        Ok(Self {
            frames: layer
                .tiles
                .iter()
                .map(av1::decode)
                .collect::<Result<_, _>>()?,
            config,
            columns: layer.grid.map_or(1, |grid| usize::from(grid.columns)),
            width: length(layer.width)?,
            height: length(layer.height)?,
            tile_width: length(layer.tile_width)?,
            tile_height: length(layer.tile_height)?,
        })
    }

    /// Buffers for [`Self::read`].
    pub(super) fn row(&self) -> Row {
        let n_chroma = if self.config.monochrome {
            0
        } else {
            self.width
        };
        Row {
            luma: vec![0; self.width],
            chroma: vec![[0; 2]; n_chroma],
            coded: ChromaRows::default(),
        }
    }

    /// Fills the buffers with row `y`.
    ///
    /// Halved chroma is interpolated linearly, three quarters of the near sample
    /// and one of the far one, as if it lay in the middle of the pixels it is for:
    /// what libavif does, wherever the file says that it lies.
    pub(super) fn read(&self, y: usize, row: &mut Row) -> Result<(), Reject> {
        self.read_coded(
            Channel::Luma,
            y,
            &mut row.luma,
            (self.tile_width, self.tile_height),
        )?;
        if self.config.monochrome {
            return Ok(());
        }
        let (across, down) = halvings(self.config);
        let halved = |side: usize, halved: bool| if halved { side.div_ceil(2) } else { side };
        let (coded_width, coded_height) = (halved(self.width, across), halved(self.height, down));
        let tile = (
            halved(self.tile_width, across),
            halved(self.tile_height, down),
        );
        let (near_y, far_y) = neighbours(y, coded_height, down);
        let coded = &mut row.coded;
        for (part_idx, channel) in [Channel::ChromaBlue, Channel::ChromaRed]
            .into_iter()
            .enumerate()
        {
            coded.near.resize(coded_width, 0);
            coded.far.resize(coded_width, 0);
            self.read_coded(channel, near_y, &mut coded.near, tile)?;
            self.read_coded(channel, far_y, &mut coded.far, tile)?;
            coded.blended.clear();
            let pairs = coded.near.iter().zip(&coded.far);
            coded
                .blended
                .extend(pairs.map(|(near, far)| 3 * i64::from(*near) + i64::from(*far)));
            for (x, chroma) in row.chroma.iter_mut().enumerate() {
                let (near_x, far_x) = neighbours(x, coded_width, across);
                chroma[part_idx] = 3 * coded.blended[near_x] + coded.blended[far_x];
            }
        }
        Ok(())
    }

    /// Row `y` of one channel across all tiles of that size.
    fn read_coded(
        &self,
        channel: Channel,
        y: usize,
        out: &mut [u16],
        (tile_width, tile_height): (usize, usize),
    ) -> Result<(), Reject> {
        let first = y / tile_height * self.columns;
        for (column, part) in out.chunks_mut(tile_width).enumerate() {
            let frame = self.frames.get(first + column).ok_or(MISSING)?;
            if !frame.read_row(channel, y % tile_height, part) {
                return Err(MISSING);
            }
        }
        Ok(())
    }
}

const MISSING: Reject = Reject::Malformed {
    detail: "a part of the picture is missing",
};

fn halvings(config: ColourConfig) -> (bool, bool) {
    (config.halved_across, config.halved_down)
}

/// The sample a pixel belongs to, and the next nearest one.
fn neighbours(position: usize, length: usize, halved: bool) -> (usize, usize) {
    if !halved {
        return (position, position);
    }
    let near = position / 2;
    let far = if position % 2 == 1 {
        (near + 1).min(length - 1)
    } else {
        near.saturating_sub(1)
    };
    (near, far)
}

/// Three parts and one, down and across.
const _: () = assert!(CHROMA_PARTS == 4 * 4);
