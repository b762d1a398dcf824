//! The size of the picture inside the compressed stream, and a stream that holds
//! exactly that picture: bytes behind it are not copied.

use std::io::{self, Read};

use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use flate2::{Compression, Decompress, FlushDecompress, Status};

use crate::error::Reject;
use crate::stage::cursor::Cursor;
use crate::stage::scrub::icc::Channels;
use crate::stage::scrub::malformed;

/// The image header (11.2.1).
#[derive(Debug, Clone, Copy)]
pub(super) struct ImageHeader {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) depth: u8,
    pub(super) colour: u8,
    pub(super) interlaced: bool,
}

impl ImageHeader {
    pub(super) const INDEXED: u8 = 3;

    pub(super) fn parse(data: &[u8]) -> Result<Self, Reject> {
        const BROKEN: Reject = malformed("the image header does not add up");
        let mut cursor = Cursor::new(data);
        let (width, height) = (cursor.u32_be()?, cursor.u32_be()?);
        let [depth, colour, compression, filter, interlace] = cursor.array()?;
        let depths: &[u8] = match colour {
            0 => &[1, 2, 4, 8, 16],
            Self::INDEXED => &[1, 2, 4, 8],
            2 | 4 | 6 => &[8, 16],
            _ => return Err(BROKEN),
        };
        let legal = depths.contains(&depth) && width > 0 && height > 0;
        if !legal || compression != 0 || filter != 0 || interlace > 1 || !cursor.is_empty() {
            return Err(BROKEN);
        }
        Ok(Self {
            width,
            height,
            depth,
            colour,
            interlaced: interlace == 1,
        })
    }

    pub(super) fn data(&self) -> Vec<u8> {
        let interlace = u8::from(self.interlaced);
        let [width, height] = [self.width.to_be_bytes(), self.height.to_be_bytes()];
        [
            &width[..],
            &height,
            &[self.depth, self.colour, 0, 0, interlace],
        ]
        .concat()
    }

    /// What a sample stands for; palettes are RGB.
    pub(super) fn channels(&self) -> Channels {
        if matches!(self.colour, 0 | 4) {
            Channels::Grey
        } else {
            Channels::Rgb
        }
    }

    /// Columns and rows of each smaller image that an image of this kind,
    /// `width` x `height`, is sent as; one alone without Adam7 (8.1).
    pub(super) fn passes(&self, width: u32, height: u32) -> impl Iterator<Item = (u32, u32)> {
        /// First column, first row, column step, row step.
        const ADAM7: [[u32; 4]; 7] = [
            [0, 0, 8, 8],
            [4, 0, 8, 8],
            [0, 4, 4, 8],
            [2, 0, 4, 4],
            [0, 2, 2, 4],
            [1, 0, 2, 2],
            [0, 1, 1, 2],
        ];
        const WHOLE: [[u32; 4]; 1] = [[0, 0, 1, 1]];
        let passes: &[[u32; 4]] = if self.interlaced { &ADAM7 } else { &WHOLE };
        passes
            .iter()
            .map(move |[column, row, across, down]| {
                let columns = width.saturating_sub(*column).div_ceil(*across);
                let rows = height.saturating_sub(*row).div_ceil(*down);
                (columns, rows)
            })
            .filter(|(columns, _)| *columns > 0)
    }

    /// Bytes of filtered rows of an image of this kind, `width` x `height`
    /// (section 7).
    pub(super) fn raw_bytes(&self, width: u32, height: u32) -> Result<u64, Reject> {
        let channels: u64 = match self.colour {
            2 => 3,
            4 => 2,
            6 => 4,
            _ => 1,
        };
        let pixel_bits = channels * u64::from(self.depth);
        let mut total: u64 = 0;
        for (columns, rows) in self.passes(width, height) {
            let row_bytes = 1 + (u64::from(columns) * pixel_bits).div_ceil(8);
            let pass_bytes = row_bytes.checked_mul(u64::from(rows));
            total = pass_bytes
                .and_then(|bytes| total.checked_add(bytes))
                .ok_or(malformed("the image is larger than a PNG can be"))?;
        }
        Ok(total)
    }
}

/// Cuts `stream` to one zlib stream of exactly `raw_bytes` decompressed bytes.
/// A stream that goes on after the picture is compressed again without its tail.
pub(super) fn exact_stream(mut stream: Vec<u8>, raw_bytes: u64) -> Result<Vec<u8>, Reject> {
    const BROKEN: Reject = malformed("the compressed picture is damaged");
    let mut inflate = Decompress::new(true);
    let mut scratch = vec![0; 1 << 16];
    loop {
        let consumed = usize::try_from(inflate.total_in()).map_err(|_| BROKEN)?;
        let before = (inflate.total_in(), inflate.total_out());
        let rest = stream.get(consumed..).unwrap_or(&[]);
        let status = inflate.decompress(rest, &mut scratch, FlushDecompress::None);
        let status = status.map_err(|_| BROKEN)?;
        if inflate.total_out() > raw_bytes {
            return recompress(&stream, raw_bytes).map_err(|_| BROKEN);
        }
        if status == Status::StreamEnd {
            break;
        }
        if before == (inflate.total_in(), inflate.total_out()) {
            return Err(Reject::Truncated);
        }
    }
    if inflate.total_out() < raw_bytes {
        return Err(Reject::Truncated);
    }
    stream.truncate(usize::try_from(inflate.total_in()).map_err(|_| BROKEN)?);
    Ok(stream)
}

/// Compresses lightly: few files need it, and a hostile one must not cost more.
fn recompress(stream: &[u8], raw_bytes: u64) -> io::Result<Vec<u8>> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    io::copy(&mut ZlibDecoder::new(stream).take(raw_bytes), &mut encoder)?;
    encoder.finish()
}
