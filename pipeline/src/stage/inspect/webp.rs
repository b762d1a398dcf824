//! WebP (RFC 9649): RIFF chunks at both levels, reserved bits, padding, and
//! what follows the container.

use super::listing::{Listing, Reader};
use super::{exif, icc, trailer};

/// Where chunks stand.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    File,
    Frame,
}

/// Lists what the file carries.
pub(super) fn list(bytes: &[u8], listing: &mut Listing) {
    let size = bytes.get(4..8).and_then(|four| four.first_chunk());
    let size = size.and_then(|four| usize::try_from(u32::from_le_bytes(*four)).ok());
    let end = size.and_then(|size| size.checked_add(8));
    let Some(container) = end.and_then(|end| bytes.get(..end)) else {
        listing.add("a part that cannot be read", 0, bytes.len());
        return;
    };
    list_chunks(container, 12, Level::File, listing);
    // An odd container is padded like every chunk.
    let mut end = container.len();
    if end % 2 == 1 && bytes.get(end) == Some(&0) {
        end += 1;
    }
    trailer::list(bytes, end, listing);
}

/// The chunks of `bytes` from `start` on; offsets are the file's.
fn list_chunks(bytes: &[u8], start: usize, level: Level, listing: &mut Listing) {
    let mut reader = Reader::new(bytes);
    reader.at = start;
    while !reader.rest().is_empty() {
        let offset = reader.at;
        let Some((name, data)) = chunk(&mut reader) else {
            listing.add("a part that cannot be read", offset, bytes.len() - offset);
            return;
        };
        match (level, &name) {
            (_, b"VP8 " | b"VP8L" | b"ALPH") => {}
            (Level::File, b"VP8X") => list_canvas(data, offset + 8, listing),
            (Level::File, b"ANIM") if data.len() == 6 => {}
            (Level::File, b"ANMF") => list_frame(bytes, data, offset + 8, listing),
            (Level::File, b"ICCP") => icc::list(data, offset + 8, listing),
            (_, b"EXIF") => {
                let block = data.strip_prefix(b"Exif\0\0").unwrap_or(data);
                exif::list(block, offset + 8 + data.len() - block.len(), listing);
            }
            (_, b"XMP ") => listing.add("XMP", offset, data.len() + 8),
            _ => listing.add("unknown chunk", offset, data.len() + 8),
        }
        if data.len() % 2 == 1 {
            let padding_at = reader.at;
            if reader.byte().is_some_and(|padding| padding != 0) {
                listing.add("padding that is not zero", padding_at, 1);
            }
        }
    }
}

/// Name and data, without the padding.
fn chunk<'a>(reader: &mut Reader<'a>) -> Option<([u8; 4], &'a [u8])> {
    let name = reader.array()?;
    let length = usize::try_from(u32::from_le_bytes(reader.array()?)).ok()?;
    Some((name, reader.take(length)?))
}

/// Flags, three reserved bytes, and two sides.
fn list_canvas(data: &[u8], data_at: usize, listing: &mut Listing) {
    match data {
        [flags, 0, 0, 0, _, _, _, _, _, _] if flags & 0b1100_0001 == 0 => {
            if flags & 0b0000_1100 != 0 {
                listing.add("flags that announce metadata", data_at, 1);
            }
        }
        _ => listing.add("reserved bits that are not zero", data_at, data.len()),
    }
}

fn list_frame(bytes: &[u8], data: &[u8], data_at: usize, listing: &mut Listing) {
    if data.get(15).is_some_and(|flags| flags & 0b1111_1100 != 0) {
        listing.add("reserved bits that are not zero", data_at + 15, 1);
    }
    let Some(frame) = bytes
        .get(..data_at + data.len())
        .filter(|_| data.len() >= 16)
    else {
        listing.add("a part that cannot be read", data_at, data.len());
        return;
    };
    list_chunks(frame, data_at + 16, Level::Frame, listing);
}
