//! Cuts a JPEG into marker segments and runs of entropy-coded data (T.81, B.1).

use crate::error::Reject;
use crate::stage::cursor::Cursor;
use crate::stage::scrub::malformed;

pub(in crate::stage) const SOI: u8 = 0xD8;
pub(in crate::stage) const EOI: u8 = 0xD9;
pub(in crate::stage) const SOS: u8 = 0xDA;
const TEM: u8 = 0x01;

/// A marker with what its length field covers.
pub(in crate::stage) struct Segment<'a> {
    pub(in crate::stage) marker: u8,
    pub(in crate::stage) payload: &'a [u8],
}

/// Walks a file from behind its SOI.
pub(in crate::stage) struct Segments<'a> {
    cursor: Cursor<'a>,
    /// Whether coded data has been met.
    in_scans: bool,
}

impl<'a> Segments<'a> {
    pub(in crate::stage) fn new(bytes: &'a [u8]) -> Result<Self, Reject> {
        let mut cursor = Cursor::new(bytes);
        if cursor.array()? != [0xFF, SOI] {
            return Err(malformed("a JPEG must begin with a start-of-image marker"));
        }
        Ok(Self {
            cursor,
            in_scans: false,
        })
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
                // A decoder that reads on where this walk stopped would show
                // more of the picture than is stored.
                0 | TEM | 0xD0..=0xD7 if self.in_scans => {
                    return Err(malformed("compressed data outside a scan"));
                }
                0 | TEM | 0xD0..=0xD7 => {}
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

    /// Copies the entropy-coded data that follows a scan header, up to the next
    /// marker that is not a restart marker. Restart markers are legal only if the
    /// file has defined an interval for them; fill bytes before them (B.1.1.2)
    /// are left out.
    pub(in crate::stage) fn copy_entropy(
        &mut self,
        restarts: bool,
        out: &mut Vec<u8>,
    ) -> Result<(), Reject> {
        self.in_scans = true;
        loop {
            let rest = self.cursor.rest();
            let data = find_ff(rest).ok_or(Reject::Truncated)?;
            let n_ff = rest[data..]
                .iter()
                .take_while(|byte| **byte == 0xFF)
                .count();
            match *rest.get(data + n_ff).ok_or(Reject::Truncated)? {
                0 if n_ff > 1 => return Err(malformed("fill bytes inside compressed data")),
                marker @ (0 | 0xD0..=0xD7) => {
                    if marker != 0 && !restarts {
                        return Err(malformed("a restart marker without a restart interval"));
                    }
                    out.extend_from_slice(self.cursor.take(data)?);
                    self.cursor.take(n_ff + 1)?;
                    out.extend_from_slice(&[0xFF, marker]);
                }
                _ => {
                    out.extend_from_slice(self.cursor.take(data)?);
                    return Ok(());
                }
            }
        }
    }
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
