//! What an Exif block holds: a TIFF file of linked directories (Exif 3.0, 4.6).

use super::listing::Listing;

const EXIF_DIRECTORY: u16 = 0x8769;
const GPS_DIRECTORY: u16 = 0x8825;
const MAKER_NOTE: u16 = 0x927C;
const THUMBNAIL_OFFSET: u16 = 0x0201;
const THUMBNAIL_LENGTH: u16 = 0x0202;
/// Bytes of one value, by the number of its type.
const TYPE_BYTES: [usize; 13] = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8];

/// Lists the block, which begins at `offset` of the file, and inside it the
/// parts that are worst to lose control of.
pub(super) fn list(block: &[u8], offset: usize, listing: &mut Listing) {
    listing.add("Exif", offset, block.len());
    // What cannot be read further is still named as a whole.
    let _damaged = list_directories(block, offset, listing);
}

fn list_directories(block: &[u8], offset: usize, listing: &mut Listing) -> Option<()> {
    let tiff = Tiff::new(block)?;
    let main = tiff.directory(tiff.u32(4)?)?;
    if let Some(entry) = main.entry(GPS_DIRECTORY) {
        let gps = tiff.directory(entry.value)?;
        listing.add("Exif GPS position", offset + gps.at, gps.bytes);
    }
    if let Some(entry) = main.entry(EXIF_DIRECTORY) {
        let camera = tiff.directory(entry.value)?;
        if let Some(note) = camera.entry(MAKER_NOTE) {
            let (start, bytes) = tiff.within(note.value, note.bytes);
            listing.add("Exif maker note", offset + start, bytes);
        }
    }
    let second = tiff.directory(tiff.u32(main.at + main.bytes - 4)?)?;
    if let (Some(thumbnail), Some(length)) = (
        second.entry(THUMBNAIL_OFFSET),
        second.entry(THUMBNAIL_LENGTH),
    ) {
        let (start, bytes) = tiff.within(thumbnail.value, length.value);
        listing.add("Exif thumbnail", offset + start, bytes);
    }
    Some(())
}

struct Tiff<'a> {
    block: &'a [u8],
    little_endian: bool,
}

/// A directory that lies within the block.
struct Directory {
    at: usize,
    bytes: usize,
    entries: Vec<Entry>,
}

struct Entry {
    tag: u16,
    /// Bytes of all its values.
    bytes: usize,
    /// The value, or where the values are.
    value: usize,
}

impl<'a> Tiff<'a> {
    fn new(block: &'a [u8]) -> Option<Self> {
        let little_endian = match block.first_chunk()? {
            b"II*\0" => true,
            b"MM\0*" => false,
            _ => return None,
        };
        Some(Self {
            block,
            little_endian,
        })
    }

    fn u16(&self, at: usize) -> Option<u16> {
        let two = *self.block.get(at..)?.first_chunk()?;
        Some(if self.little_endian {
            u16::from_le_bytes(two)
        } else {
            u16::from_be_bytes(two)
        })
    }

    fn u32(&self, at: usize) -> Option<usize> {
        let four = *self.block.get(at..)?.first_chunk()?;
        let number = if self.little_endian {
            u32::from_le_bytes(four)
        } else {
            u32::from_be_bytes(four)
        };
        usize::try_from(number).ok()
    }

    /// Start and length of values, cut to the block they claim to lie in.
    fn within(&self, start: usize, bytes: usize) -> (usize, usize) {
        let start = start.min(self.block.len());
        (start, bytes.min(self.block.len() - start))
    }

    fn directory(&self, at: usize) -> Option<Directory> {
        let n_entries = usize::from(self.u16(at)?);
        let bytes = 2 + 12 * n_entries + 4;
        self.block.get(at..)?.get(..bytes)?;
        let entries = (0..n_entries)
            .map(|entry_idx| self.entry(at + 2 + 12 * entry_idx))
            .collect::<Option<_>>()?;
        Some(Directory { at, bytes, entries })
    }

    fn entry(&self, at: usize) -> Option<Entry> {
        let kind = usize::from(self.u16(at + 2)?);
        let width = TYPE_BYTES.get(kind).copied().unwrap_or(1);
        Some(Entry {
            tag: self.u16(at)?,
            bytes: self.u32(at + 4)?.saturating_mul(width),
            value: self.u32(at + 8)?,
        })
    }
}

impl Directory {
    fn entry(&self, tag: u16) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.tag == tag)
    }
}
