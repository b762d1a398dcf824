//! GIF (GIF89a): extensions, sub-blocks nothing reads, reserved bits, and what
//! follows the trailer.

use super::listing::{Listing, Reader};
use super::trailer;

/// Lists what the file carries.
pub(super) fn list(bytes: &[u8], listing: &mut Listing) {
    let mut reader = Reader::new(bytes);
    match list_blocks(&mut reader, listing) {
        Some(()) => trailer::list(bytes, reader.at, listing),
        None => {
            let at = reader.at.min(bytes.len());
            listing.add("a part that cannot be read", at, bytes.len() - at);
        }
    }
}

fn list_blocks(reader: &mut Reader<'_>, listing: &mut Listing) -> Option<()> {
    reader.take(6)?;
    let [.., flags, _background, _aspect] = reader.array::<7>()?;
    reader.take(table_bytes(flags))?;
    let mut n_loops = 0;
    loop {
        let offset = reader.at;
        match reader.byte()? {
            b'!' => {
                let what = extension(reader, &mut n_loops)?;
                if let Some(what) = what {
                    listing.add(what, offset, reader.at - offset);
                }
            }
            b',' => {
                let [.., flags] = reader.array::<9>()?;
                reader.take(table_bytes(flags))?;
                reader.byte()?;
                sub_blocks(reader)?;
            }
            b';' => return Some(()),
            _ => {
                reader.at = offset;
                return None;
            }
        }
    }
}

/// Passes over an extension; says what it is if a picture does not need it.
fn extension(reader: &mut Reader<'_>, n_loops: &mut u32) -> Option<Option<&'static str>> {
    let label = reader.byte()?;
    let (first, bytes) = sub_blocks(reader)?;
    Some(match (label, first) {
        (0xF9, [flags, _, _, _]) if bytes == 4 && flags & 0xE0 == 0 => None,
        (0xF9, _) => Some("graphic control with further bytes"),
        (0xFE, _) => Some("comment"),
        (0x01, _) => Some("plain text"),
        (0xFF, b"NETSCAPE2.0" | b"ANIMEXTS1.0") => {
            *n_loops += 1;
            // The name, then one block of three bytes.
            (bytes != 11 + 3 || *n_loops > 1).then_some("loop count with further bytes")
        }
        (0xFF, b"XMP DataXMP") => Some("XMP"),
        (0xFF, b"ICCRGBG1012") => Some("ICC profile"),
        (0xFF, b"C2PA_GIF\x01\0\0") => Some("content credentials (C2PA)"),
        (0xFF, _) => Some("application extension"),
        _ => Some("unknown extension"),
    })
}

/// Passes over a chain of sub-blocks; answers the first and the bytes of all.
fn sub_blocks<'a>(reader: &mut Reader<'a>) -> Option<(&'a [u8], usize)> {
    let mut first: &[u8] = &[];
    let mut bytes = 0;
    loop {
        let length = usize::from(reader.byte()?);
        if length == 0 {
            return Some((first, bytes));
        }
        let block = reader.take(length)?;
        if bytes == 0 {
            first = block;
        }
        bytes += length;
    }
}

fn table_bytes(flags: u8) -> usize {
    if flags & 0x80 == 0 {
        0
    } else {
        3 * (2 << (flags & 7))
    }
}
