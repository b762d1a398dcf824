//! RIFF chunks: a name, a little-endian length, data padded to an even length
//! (RFC 9649, section 2.3).

use crate::error::Reject;
use crate::stage::cursor::Cursor;
use crate::stage::scrub::malformed;

/// One chunk as it stands in the file.
pub(in crate::stage) struct Chunk<'a> {
    pub(in crate::stage) name: [u8; 4],
    pub(in crate::stage) data: &'a [u8],
}

impl<'a> Chunk<'a> {
    /// The next chunk, or `None` at the end. The padding byte, whatever its
    /// value, is passed over; the last chunk may lack it.
    pub(in crate::stage) fn read(cursor: &mut Cursor<'a>) -> Result<Option<Self>, Reject> {
        if cursor.is_empty() {
            return Ok(None);
        }
        let name = cursor.array()?;
        let length = cursor.u32_le()?;
        let data = cursor.take_u32(length)?;
        if length % 2 == 1 && !cursor.is_empty() {
            cursor.u8()?;
        }
        Ok(Some(Self { name, data }))
    }
}

/// Appends a chunk, padded with a zero.
pub(in crate::stage) fn write(name: [u8; 4], data: &[u8], out: &mut Vec<u8>) -> Result<(), Reject> {
    let length = u32::try_from(data.len());
    let length = length.map_err(|_| malformed("a chunk is longer than chunks may be"))?;
    out.extend_from_slice(&name);
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(data);
    if length % 2 == 1 {
        out.push(0);
    }
    Ok(())
}
