//! The open bitstream units of one coded picture (AV1, section 5.3): of all
//! that may stand there, a sequence header, one frame and its tiles are taken.

use std::borrow::Cow;
use std::ops::Range;

use super::UNSUPPORTED;
use super::sequence::Sequence;
use crate::error::Reject;
use crate::stage::cursor::Cursor;

const SEQUENCE_HEADER: u8 = 1;
const FRAME_HEADER: u8 = 3;
const TILE_GROUP: u8 = 4;
const FRAME: u8 = 6;

/// A still has three; more belong to tile groups and metadata.
const UNITS_MAX: usize = 128;

/// One coded picture: an item of the file, or a tile of a grid.
#[derive(Debug, Clone)]
pub(crate) struct Coded<'a> {
    pub(crate) sequence: Sequence,
    data: Cow<'a, [u8]>,
    frame: Range<usize>,
    tile_groups: Vec<Range<usize>>,
}

impl<'a> Coded<'a> {
    /// Finds the parts in an item's bytes.
    pub(super) fn parse(data: Cow<'a, [u8]>) -> Result<Self, Reject> {
        let mut sequence: Option<Sequence> = None;
        let mut frame = None;
        let mut tile_groups = Vec::new();
        let mut cursor = Cursor::new(&data);
        let mut n_units = 0;
        while !cursor.is_empty() {
            n_units += 1;
            if n_units > UNITS_MAX {
                return Err(Reject::Malformed {
                    detail: "the AVIF has more parts than pictures have",
                });
            }
            let (kind, payload) = unit(&mut cursor)?;
            let end = data.len() - cursor.rest().len();
            let range = end - payload.len()..end;
            match (kind, &sequence) {
                (SEQUENCE_HEADER, None) => sequence = Some(Sequence::parse(payload)?),
                (FRAME, Some(sequence)) if frame.is_none() => {
                    check_frame(payload, sequence)?;
                    frame = Some(range);
                }
                (TILE_GROUP, _) if frame.is_some() => tile_groups.push(range),
                // Layers, or an animation. Nor can a frame header that stands
                // alone be told from what follows it without reading it all.
                (SEQUENCE_HEADER | FRAME_HEADER | TILE_GROUP | FRAME, _) => {
                    return Err(UNSUPPORTED);
                }
                // Delimiters, metadata, repeated headers, padding, what is
                // reserved: no picture.
                _ => {}
            }
        }
        let (Some(sequence), Some(frame)) = (sequence, frame) else {
            return Err(Reject::Malformed {
                detail: "the AVIF has no pixels",
            });
        };
        Ok(Self {
            sequence,
            data,
            frame,
            tile_groups,
        })
    }

    /// Whether the frame's unit holds all of its tiles.
    pub(crate) fn is_in_one_unit(&self) -> bool {
        self.tile_groups.is_empty()
    }

    /// The picture's units and no others, each with its length in the fewest
    /// bytes. The coded pixels are the bytes they were.
    pub(crate) fn bitstream(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.data.len());
        write_unit(SEQUENCE_HEADER, &self.sequence.payload, &mut out);
        write_unit(FRAME, &self.data[self.frame.clone()], &mut out);
        for tiles in &self.tile_groups {
            write_unit(TILE_GROUP, &self.data[tiles.clone()], &mut out);
        }
        out
    }
}

/// The next unit's type and payload (5.3.2).
fn unit<'b>(cursor: &mut Cursor<'b>) -> Result<(u8, &'b [u8]), Reject> {
    let head = cursor.u8()?;
    if head >> 7 == 1 {
        return Err(Reject::Malformed {
            detail: "its compressed data is broken",
        });
    }
    if head & 0b100 != 0 && cursor.u8()? >> 3 & 3 != 0 {
        // A spatial layer above the base.
        return Err(UNSUPPORTED);
    }
    let payload = if head & 0b10 == 0 {
        cursor.take(cursor.rest().len())?
    } else {
        let length = length(cursor)?;
        cursor.take_u32(length)?
    };
    Ok((head >> 3 & 15, payload))
}

/// 4.10.5: seven bits a byte, the lowest first.
fn length(cursor: &mut Cursor<'_>) -> Result<u32, Reject> {
    let mut value: u64 = 0;
    for byte_idx in 0..8 {
        let byte = cursor.u8()?;
        value |= u64::from(byte & 0x7F) << (7 * byte_idx);
        if byte >> 7 == 0 {
            break;
        }
    }
    u32::try_from(value).map_err(|_| Reject::Truncated)
}

/// 5.9.2: a still is one key frame, shown at once.
fn check_frame(payload: &[u8], sequence: &Sequence) -> Result<(), Reject> {
    let first = payload.first().ok_or(Reject::Truncated)?;
    // Not a frame again, key frame, shown.
    if sequence.reduced || first >> 4 == 0b0001 {
        Ok(())
    } else {
        Err(UNSUPPORTED)
    }
}

fn write_unit(kind: u8, payload: &[u8], out: &mut Vec<u8>) {
    out.push(kind << 3 | 0b10);
    let mut length = payload.len();
    loop {
        let low = u8::try_from(length & 0x7F).expect("seven bits fit");
        length >>= 7;
        if length == 0 {
            out.push(low);
            break;
        }
        out.push(low | 0x80);
    }
    out.extend_from_slice(payload);
}
