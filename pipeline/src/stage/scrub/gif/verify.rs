//! The second look at a rebuilt GIF. Shares no parsing with the rebuild.

use super::super::Unclean;
use crate::item::Header;

const UNKNOWN_PART: Unclean = "a part of the GIF is not picture";
const CUT: Unclean = "the rebuilt GIF does not end properly";

/// Accepts a GIF made of nothing but a screen, one loop count, and frames with
/// or without a graphic control, that ends with its trailer.
pub(in super::super) fn verify(rebuilt: &[u8]) -> Result<Header, Unclean> {
    let mut walk = Walk { rest: rebuilt };
    let &[
        b'G',
        b'I',
        b'F',
        b'8',
        b'9',
        b'a',
        w0,
        w1,
        h0,
        h1,
        flags,
        _,
        0,
    ] = walk.take(13)?
    else {
        return Err(UNKNOWN_PART);
    };
    walk.take(table_bytes(flags))?;
    let mut frames = 0;
    let mut loop_allowed = true;
    loop {
        match walk.take(1)? {
            [b'!'] => walk.extension(loop_allowed)?,
            [b','] => {
                walk.image()?;
                frames += 1;
            }
            [b';'] => break,
            _ => return Err(UNKNOWN_PART),
        }
        loop_allowed = false;
    }
    if !walk.rest.is_empty() || frames == 0 {
        return Err(CUT);
    }
    let side = |low, high| u32::from(u16::from_le_bytes([low, high]));
    Ok(Header {
        width: side(w0, w1),
        height: side(h0, h1),
        frames,
    })
}

fn table_bytes(flags: u8) -> usize {
    if flags & 0x80 == 0 {
        0
    } else {
        3 * (2 << (flags & 7))
    }
}

struct Walk<'a> {
    rest: &'a [u8],
}

impl<'a> Walk<'a> {
    fn take(&mut self, n: usize) -> Result<&'a [u8], Unclean> {
        let (taken, rest) = self.rest.split_at_checked(n).ok_or(CUT)?;
        self.rest = rest;
        Ok(taken)
    }

    /// A loop count, where it may stand, or a graphic control before a frame.
    fn extension(&mut self, loop_allowed: bool) -> Result<(), Unclean> {
        match self.take(2)? {
            [0xFF, 11] if loop_allowed => match self.take(16)?.split_first_chunk() {
                Some((b"NETSCAPE2.0", [3, 1, _, _, 0])) => Ok(()),
                _ => Err(UNKNOWN_PART),
            },
            [0xF9, 4] => match self.take(5)? {
                [0..=0x1F, _, _, _, 0] if self.rest.first() == Some(&b',') => Ok(()),
                _ => Err(UNKNOWN_PART),
            },
            _ => Err(UNKNOWN_PART),
        }
    }

    fn image(&mut self) -> Result<(), Unclean> {
        let descriptor = self.take(9)?;
        self.take(table_bytes(descriptor[8]))?;
        self.take(1)?;
        let mut full = true;
        loop {
            let length = usize::from(self.take(1)?[0]);
            if length == 0 {
                return Ok(());
            }
            // Only the last block of a frame may be short.
            if !full {
                return Err(UNKNOWN_PART);
            }
            full = length == 255;
            self.take(length)?;
        }
    }
}
