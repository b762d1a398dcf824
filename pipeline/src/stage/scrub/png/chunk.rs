//! PNG chunks: read with a checked length, written with a computed CRC (PNG 3rd
//! edition, section 5.3).

use crate::error::Reject;
use crate::stage::cursor::Cursor;
use crate::stage::scrub::malformed;

pub(in crate::stage) const SIGNATURE: [u8; 8] = *b"\x89PNG\r\n\x1a\n";
/// A length is a four-byte integer that must not look negative.
const CHUNK_BYTES_MAX: u32 = (1 << 31) - 1;

/// One chunk as it stands in the file.
pub(in crate::stage) struct Chunk<'a> {
    pub(in crate::stage) name: [u8; 4],
    pub(in crate::stage) data: &'a [u8],
    crc: u32,
}

impl<'a> Chunk<'a> {
    pub(in crate::stage) fn read(cursor: &mut Cursor<'a>) -> Result<Self, Reject> {
        let length = cursor.u32_be()?;
        let name = cursor.array()?;
        if length > CHUNK_BYTES_MAX {
            return Err(malformed("a chunk is longer than chunks may be"));
        }
        Ok(Self {
            name,
            data: cursor.take_u32(length)?,
            crc: cursor.u32_be()?,
        })
    }

    /// Whether decoders may not skip it: upper-case first letter (5.4).
    pub(in crate::stage) fn is_critical(&self) -> bool {
        self.name[0].is_ascii_uppercase()
    }

    /// Whether the stored CRC is that of the name and the data.
    pub(in crate::stage) fn is_intact(&self) -> bool {
        crc(self.name, self.data) == self.crc
    }
}

/// Appends a chunk.
pub(in crate::stage) fn write(name: [u8; 4], data: &[u8], out: &mut Vec<u8>) -> Result<(), Reject> {
    let length = u32::try_from(data.len())
        .ok()
        .filter(|length| *length <= CHUNK_BYTES_MAX);
    let length = length.ok_or(malformed("a chunk is longer than chunks may be"))?;
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(&name);
    out.extend_from_slice(data);
    out.extend_from_slice(&crc(name, data).to_be_bytes());
    Ok(())
}

fn crc(name: [u8; 4], data: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&name);
    hasher.update(data);
    hasher.finalize()
}
