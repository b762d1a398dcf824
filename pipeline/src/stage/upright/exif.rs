//! Finds the Exif blocks of a file and lets little_exif read the orientation.
//!
//! little_exif is handed one entry in a block of our own making, never the
//! stranger's block: it follows links between directories without counting them,
//! and allocates what a length field says.

use little_exif::exif_tag::ExifTag;
use little_exif::filetype::FileExtension;
use little_exif::metadata::Metadata;

use super::orientation::Orientation;
use crate::error::Reject;
use crate::item::Format;
use crate::stage::cursor::Cursor;
use crate::stage::scrub::jpeg::segments::{EOI, SOS, Segments};
use crate::stage::scrub::png::chunk::{Chunk as PngChunk, SIGNATURE};
use crate::stage::scrub::webp::chunk::Chunk as WebpChunk;

const APP1: u8 = 0xE1;
const TAG: u16 = 0x0112;
/// Browsers obey the tag only as one SHORT, which is what Exif prescribes.
const SHORT: u16 = 3;

/// What the first Exif block with an orientation says; upright if there is none
/// or if the file ends before one.
pub(super) fn orientation(bytes: &[u8], format: Format) -> Orientation {
    let mut found = None;
    let mut look = |block: &[u8]| {
        if found.is_none() {
            found = reduced_block(block);
        }
    };
    // A file that breaks off is refused further on; until then it is upright.
    let _cut = match format {
        Format::Jpeg => jpeg_blocks(bytes, &mut look),
        Format::Png => png_blocks(bytes, &mut look),
        Format::Webp => webp_blocks(bytes, &mut look),
        Format::Gif | Format::Avif => Ok(()),
    };
    let value = found.as_ref().and_then(read_orientation);
    value.map_or(Orientation::Upright, Orientation::from_tag)
}

fn jpeg_blocks(bytes: &[u8], look: &mut dyn FnMut(&[u8])) -> Result<(), Reject> {
    let mut segments = Segments::new(bytes)?;
    loop {
        let segment = segments.next()?;
        match (segment.marker, segment.payload) {
            // The second zero is another byte in some files.
            (APP1, [b'E', b'x', b'i', b'f', 0, _, block @ ..]) => look(block),
            (SOS | EOI, _) => return Ok(()),
            _ => {}
        }
    }
}

fn png_blocks(bytes: &[u8], look: &mut dyn FnMut(&[u8])) -> Result<(), Reject> {
    let mut cursor = Cursor::new(bytes);
    cursor.take(SIGNATURE.len())?;
    loop {
        let chunk = PngChunk::read(&mut cursor)?;
        match &chunk.name {
            b"eXIf" if chunk.is_intact() => look(chunk.data),
            b"IEND" => return Ok(()),
            _ => {}
        }
    }
}

fn webp_blocks(bytes: &[u8], look: &mut dyn FnMut(&[u8])) -> Result<(), Reject> {
    let mut cursor = Cursor::new(bytes);
    cursor.take(b"RIFFsizeWEBP".len())?;
    while let Some(chunk) = WebpChunk::read(&mut cursor)? {
        if chunk.name == *b"EXIF" {
            look(chunk.data.strip_prefix(b"Exif\0\0").unwrap_or(chunk.data));
        }
    }
    Ok(())
}

fn read_orientation(block: &Vec<u8>) -> Option<u16> {
    let metadata = Metadata::new_from_vec(block, FileExtension::TIFF).ok()?;
    match metadata.get_tag(&ExifTag::Orientation(Vec::new())).next()? {
        ExifTag::Orientation(values) => values.first().copied(),
        _ => None,
    }
}

/// The byte order of a block.
#[derive(Clone, Copy)]
struct Order {
    little_endian: bool,
}

impl Order {
    fn u16(self, bytes: [u8; 2]) -> u16 {
        if self.little_endian {
            u16::from_le_bytes(bytes)
        } else {
            u16::from_be_bytes(bytes)
        }
    }

    fn u32(self, bytes: [u8; 4]) -> u32 {
        if self.little_endian {
            u32::from_le_bytes(bytes)
        } else {
            u32::from_be_bytes(bytes)
        }
    }
}

/// A block with the orientation entry of the given one and nothing else. `None`
/// when there is no such entry or the block is damaged before it.
fn reduced_block(block: &[u8]) -> Option<Vec<u8>> {
    let (magic, rest) = block.split_first_chunk::<4>()?;
    let order = match magic {
        b"II*\0" => Order {
            little_endian: true,
        },
        b"MM\0*" => Order {
            little_endian: false,
        },
        _ => return None,
    };
    let offset = usize::try_from(order.u32(*rest.first_chunk()?)).ok()?;
    let mut directory = Cursor::new(block.get(offset..)?);
    let n_entries = order.u16(directory.array().ok()?);
    for _ in 0..n_entries {
        let entry: [u8; 12] = directory.array().ok()?;
        let [tag, kind] = [[entry[0], entry[1]], [entry[2], entry[3]]].map(|two| order.u16(two));
        let count = order.u32([entry[4], entry[5], entry[6], entry[7]]);
        if (tag, kind, count) == (TAG, SHORT, 1) {
            let head: [&[u8]; 2] = match order.little_endian {
                true => [&[8, 0, 0, 0], &[1, 0]],
                false => [&[0, 0, 0, 8], &[0, 1]],
            };
            return Some([magic, head[0], head[1], &entry, &[0; 4]].concat());
        }
    }
    None
}
