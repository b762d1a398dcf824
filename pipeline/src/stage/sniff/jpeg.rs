//! JPEG (ITU-T T.81): walks the segments to the frame header.

use super::tally::Tally;
use crate::error::Reject;
use crate::item::Header;
use crate::limits::Limits;
use crate::stage::cursor::Cursor;

const SOI_LENGTH: usize = 2;

pub(super) fn header(bytes: &[u8], limits: &Limits) -> Result<Header, Reject> {
    let mut cursor = Cursor::new(bytes);
    cursor.take(SOI_LENGTH)?;
    loop {
        let marker = next_marker(&mut cursor)?;
        match marker {
            0xC0..=0xC2 => return frame_header(Cursor::new(segment(&mut cursor)?), limits),
            // DHT, JPG and DAC share the range of the frame headers.
            0xC4 | 0xC8 | 0xCC => {
                segment(&mut cursor)?;
            }
            0xC3 | 0xC5..=0xCF => return Err(Reject::UnsupportedFormat { advice: ADVICE }),
            // The frame of JPEG-LS (ITU-T T.87, C.1.2).
            0xF7 => return Err(Reject::UnsupportedFormat { advice: JPEG_LS }),
            0xD9 | 0xDA => {
                return Err(Reject::Malformed {
                    detail: "the JPEG has no frame header",
                });
            }
            // Markers without a segment: TEM, RSTn, SOI.
            0x01 | 0xD0..=0xD8 => {}
            _ => {
                segment(&mut cursor)?;
            }
        }
    }
}

/// What to do with a JPEG of a kind that is not read.
pub(crate) const ADVICE: Option<&str> =
    Some("This kind of JPEG is rare and not read here: save it again as an ordinary JPEG.");

const JPEG_LS: Option<&str> = Some("This is JPEG-LS: save it as PNG.");

/// Skips to the next marker. Bytes that belong to no segment are tolerated,
/// as libjpeg does.
pub(crate) fn next_marker(cursor: &mut Cursor<'_>) -> Result<u8, Reject> {
    loop {
        while cursor.u8()? != 0xFF {}
        let mut code = 0xFF;
        while code == 0xFF {
            code = cursor.u8()?;
        }
        if code != 0 {
            return Ok(code);
        }
    }
}

/// The body of the segment whose marker was just read.
pub(crate) fn segment<'a>(cursor: &mut Cursor<'a>) -> Result<&'a [u8], Reject> {
    let length = cursor.u16_be()?;
    let body = length.checked_sub(2).ok_or(Reject::Malformed {
        detail: "a JPEG segment is shorter than its length",
    })?;
    cursor.take(usize::from(body))
}

fn frame_header(mut frame: Cursor<'_>, limits: &Limits) -> Result<Header, Reject> {
    let precision = frame.u8()?;
    let height = frame.u16_be()?;
    let width = frame.u16_be()?;
    let components = frame.u8()?;
    if precision != 8 || !matches!(components, 1 | 3 | 4) {
        return Err(Reject::UnsupportedFormat { advice: ADVICE });
    }
    let first = Sampling::read(&mut frame)?;
    for _ in 1..components {
        if !first.is_a_multiple_of(Sampling::read(&mut frame)?) {
            return Err(Reject::UnsupportedFormat { advice: ADVICE });
        }
    }
    Ok(Tally::new(width.into(), height.into(), limits)?.into_header())
}

/// How many samples of a component share a unit, across and down.
#[derive(Clone, Copy)]
struct Sampling {
    across: u8,
    down: u8,
}

impl Sampling {
    fn read(frame: &mut Cursor<'_>) -> Result<Self, Reject> {
        let [_id, factors, _table] = frame.array()?;
        let (across, down) = (factors >> 4, factors & 0x0F);
        if across == 0 || down == 0 {
            return Err(Reject::Malformed {
                detail: "a JPEG component has no samples",
            });
        }
        Ok(Self { across, down })
    }

    /// The only arrangement that zune-jpeg 0.5 decodes as libjpeg does: with
    /// finer colour than brightness it yields noise.
    fn is_a_multiple_of(self, other: Self) -> bool {
        let across_ratio_is_known = matches!(self.across / other.across, 1 | 2 | 4);
        across_ratio_is_known
            && self.across.is_multiple_of(other.across)
            && self.down.is_multiple_of(other.down)
    }
}
