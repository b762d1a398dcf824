//! Cuts a JPEG into marker segments and runs of entropy-coded data (T.81, B.1).

use crate::error::Reject;
use crate::stage::cursor::Cursor;
use crate::stage::scrub::malformed;

pub(in crate::stage) const SOI: u8 = 0xD8;
pub(in crate::stage) const EOI: u8 = 0xD9;
pub(in crate::stage) const SOS: u8 = 0xDA;
const TEM: u8 = 0x01;
const RST: std::ops::RangeInclusive<u8> = 0xD0..=0xD7;

/// A marker with what its length field covers.
pub(in crate::stage) struct Segment<'a> {
    pub(in crate::stage) marker: u8,
    pub(in crate::stage) payload: &'a [u8],
}

/// Walks a file from behind its SOI.
pub(in crate::stage) struct Segments<'a> {
    cursor: Cursor<'a>,
}

impl<'a> Segments<'a> {
    pub(in crate::stage) fn new(bytes: &'a [u8]) -> Result<Self, Reject> {
        let mut cursor = Cursor::new(bytes);
        if cursor.array()? != [0xFF, SOI] {
            return Err(malformed("a JPEG must begin with a start-of-image marker"));
        }
        Ok(Self { cursor })
    }

    /// The next segment. Bytes that belong to none, and fill bytes, are passed
    /// over as every decoder does.
    pub(in crate::stage) fn next(&mut self) -> Result<Segment<'a>, Reject> {
        loop {
            let rest = self.cursor.rest();
            let at = rest
                .iter()
                .position(|byte| *byte == 0xFF)
                .ok_or(Reject::Truncated)?;
            let fill = rest[at..].iter().take_while(|byte| **byte == 0xFF).count();
            self.cursor.take(at + fill)?;
            let marker = self.cursor.u8()?;
            match marker {
                0 | TEM => {}
                marker if RST.contains(&marker) => {}
                SOI => return Err(malformed("a second image begins inside the first")),
                EOI => {
                    return Ok(Segment {
                        marker,
                        payload: &[],
                    });
                }
                _ => {
                    let length = usize::from(self.cursor.u16_be()?);
                    let length = length
                        .checked_sub(2)
                        .ok_or(malformed("a segment has no length"))?;
                    return Ok(Segment {
                        marker,
                        payload: self.cursor.take(length)?,
                    });
                }
            }
        }
    }

    /// The entropy-coded data that follows a scan header, up to the next marker
    /// that is not a restart marker. Restart markers are legal only if the file
    /// has defined an interval for them.
    pub(in crate::stage) fn entropy(&mut self, restarts: bool) -> Result<&'a [u8], Reject> {
        let rest = self.cursor.rest();
        let mut end = 0;
        loop {
            end += find_ff(&rest[end..]).ok_or(Reject::Truncated)?;
            match rest.get(end + 1) {
                None => return Err(Reject::Truncated),
                Some(0) => end += 2,
                Some(marker) if RST.contains(marker) && restarts => end += 2,
                Some(marker) if RST.contains(marker) => {
                    return Err(malformed("a restart marker without a restart interval"));
                }
                // Fill bytes may only stand before a marker.
                Some(0xFF) if marker_after_fill(&rest[end..]) == Some(0) => {
                    return Err(malformed("fill bytes inside compressed data"));
                }
                Some(_) => return self.cursor.take(end),
            }
        }
    }
}

fn marker_after_fill(bytes: &[u8]) -> Option<u8> {
    bytes.iter().copied().find(|byte| *byte != 0xFF)
}

/// Position of the first 0xFF. Whole blocks without one, which is most of a
/// scan, are passed over with vector compares.
fn find_ff(bytes: &[u8]) -> Option<usize> {
    const BLOCK: usize = 64;
    let clear = bytes
        .chunks_exact(BLOCK)
        .take_while(|block| {
            !block
                .iter()
                .fold(false, |found, byte| found | (*byte == 0xFF))
        })
        .count()
        * BLOCK;
    Some(clear + bytes[clear..].iter().position(|byte| *byte == 0xFF)?)
}
