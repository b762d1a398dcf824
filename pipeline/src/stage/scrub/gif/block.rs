//! Data sub-blocks: up to 255 bytes behind a length, ended by a length of zero
//! (GIF89a, section 15).

use crate::error::Reject;
use crate::stage::cursor::Cursor;

/// The joined data of a chain of sub-blocks.
pub(super) fn read(cursor: &mut Cursor<'_>) -> Result<Vec<u8>, Reject> {
    let mut data = Vec::new();
    loop {
        let length = cursor.u8()?;
        if length == 0 {
            return Ok(data);
        }
        data.extend_from_slice(cursor.take(usize::from(length))?);
    }
}

/// Passes over a chain of sub-blocks.
pub(super) fn skip(cursor: &mut Cursor<'_>) -> Result<(), Reject> {
    loop {
        let length = cursor.u8()?;
        if length == 0 {
            return Ok(());
        }
        cursor.take(usize::from(length))?;
    }
}

/// Appends data as full sub-blocks with a shorter one at the end.
pub(super) fn write(data: &[u8], out: &mut Vec<u8>) {
    for block in data.chunks(255) {
        out.push(u8::try_from(block.len()).unwrap_or(u8::MAX));
        out.extend_from_slice(block);
    }
    out.push(0);
}
