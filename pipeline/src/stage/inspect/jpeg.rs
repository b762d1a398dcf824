//! JPEG (ITU-T T.81): segments, what stands between them, unused tables, and
//! what follows the image, further JPEGs included.

use super::listing::{Listing, Reader};
use super::{exif, icc, trailer};

/// Pictures in one file that are looked into: a phone stores up to four.
const PICTURES_MAX: usize = 16;

const ICC_NAME: &[u8] = b"ICC_PROFILE\0";

/// Lists what the file carries.
pub(super) fn list(bytes: &[u8], listing: &mut Listing) {
    let mut start = 0;
    for picture_idx in 0..PICTURES_MAX {
        if picture_idx > 0 {
            // Named as a whole before its own parts are.
            trailer::list(bytes, start, listing);
            if !bytes[start..].starts_with(&[0xFF, 0xD8, 0xFF]) {
                return;
            }
        }
        let mut picture = Picture::new(bytes, start);
        let ended = picture.list(listing);
        picture.list_findings(listing);
        if ended.is_none() {
            let at = picture.reader.at.min(bytes.len());
            listing.add("a part that cannot be read", at, bytes.len() - at);
            return;
        }
        start = picture.reader.at;
        if start == bytes.len() {
            return;
        }
    }
}

/// One picture on the way through it.
struct Picture<'a> {
    reader: Reader<'a>,
    /// Where the first piece of the colour profile is, and all of its pieces.
    profile: Option<(usize, Vec<u8>)>,
    /// By quantisation table: where it is defined and how long it is, and whether
    /// it is used.
    tables: [(Option<(usize, usize)>, bool); 4],
}

impl<'a> Picture<'a> {
    fn new(bytes: &'a [u8], start: usize) -> Self {
        let mut reader = Reader::new(bytes);
        reader.at = start;
        Self {
            reader,
            profile: None,
            tables: [(None, false); 4],
        }
    }

    /// Goes through the picture up to its end.
    fn list(&mut self, listing: &mut Listing) -> Option<()> {
        self.reader.take(2)?;
        loop {
            let marker = self.next_marker(listing)?;
            let offset = self.reader.at - 2;
            match marker {
                0xD9 => return Some(()),
                // Markers that stand alone.
                0x01 | 0xD0..=0xD8 => listing.add("marker out of place", offset, 2),
                _ => {
                    let length = usize::from(u16::from_be_bytes(self.reader.array()?));
                    let payload = self.reader.take(length.checked_sub(2)?)?;
                    self.segment(marker, payload, offset, listing);
                    if marker == 0xDA {
                        self.pass_scan()?;
                    }
                }
            }
        }
    }

    /// The next marker; what stands before it belongs to nothing.
    fn next_marker(&mut self, listing: &mut Listing) -> Option<u8> {
        let start = self.reader.at;
        let mut stray = 0;
        let mut fill = 0;
        let marker = loop {
            match self.reader.byte()? {
                0xFF => fill += 1,
                0 if fill > 0 => (stray, fill) = (stray + fill + 1, 0),
                marker if fill > 0 => break marker,
                _ => stray += 1,
            }
        };
        if stray > 0 {
            listing.add("bytes between segments", start, stray);
        }
        if fill > 1 {
            listing.add("fill bytes before a marker", start + stray, fill - 1);
        }
        Some(marker)
    }

    /// Passes over entropy-coded data, up to its next marker.
    fn pass_scan(&mut self) -> Option<()> {
        loop {
            let rest = self.reader.rest();
            let at = rest.iter().position(|byte| *byte == 0xFF)?;
            match rest.get(at + 1)? {
                0 | 0xD0..=0xD7 => self.reader.at += at + 2,
                _ => {
                    self.reader.at += at;
                    return Some(());
                }
            }
        }
    }

    fn segment(&mut self, marker: u8, payload: &[u8], offset: usize, listing: &mut Listing) {
        let bytes = payload.len() + 4;
        let what = match (marker, payload) {
            (0xE0, [b'J', b'F', b'I', b'F', 0, _, _, _, _, _, _, _, 0, 0]) => return,
            (0xE0, [b'J', b'F', b'I', b'F', 0, ..]) => "JFIF thumbnail",
            (0xE0, [b'J', b'F', b'X', b'X', 0, ..]) => "JFXX thumbnail",
            (0xE1, [b'E', b'x', b'i', b'f', 0, _, block @ ..]) => {
                return exif::list(block, offset + 10, listing);
            }
            (0xE1, _) if payload.starts_with(b"http://ns.adobe.com/xap/") => "XMP",
            (0xE1, _) if payload.starts_with(b"http://ns.adobe.com/xmp/ext") => "extended XMP",
            (0xE2, _) if payload.starts_with(ICC_NAME) && payload.len() >= 14 => {
                let start = (offset + 18, Vec::new());
                let (_, profile) = self.profile.get_or_insert(start);
                return profile.extend_from_slice(&payload[14..]);
            }
            (0xE2, [b'M', b'P', b'F', 0, ..]) => "index of further pictures (MPF)",
            (0xE2, _) if payload.starts_with(b"urn:iso:std:iso:ts:21496") => "gain map",
            (0xEB, [b'J', b'P', ..]) => "content credentials (JUMBF, C2PA)",
            (0xEC, _) => "application segment 12 (Ducky, PictureInfo)",
            (0xED, _) if payload.starts_with(b"Photoshop 3.0\0") => "Photoshop resources (IPTC)",
            (0xEE, [b'A', b'd', b'o', b'b', b'e', ..]) if payload.len() == 12 => return,
            (0xEE, [b'A', b'd', b'o', b'b', b'e', ..]) => "Adobe segment with further bytes",
            (0xE0..=0xEF, _) => "application segment",
            (0xFE, _) => "comment",
            (0xC0..=0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF, _) => {
                return self.frame(payload);
            }
            (0xDB, _) => return self.quantisation(payload, offset),
            (0xC4 | 0xCC | 0xDA | 0xDD, _) => return,
            _ => "segment of a kind no picture needs",
        };
        listing.add(what, offset, bytes);
    }

    fn frame(&mut self, payload: &[u8]) {
        let components = payload.get(6..).unwrap_or(&[]);
        for component in components.as_chunks::<3>().0 {
            if let Some((_, used)) = self.tables.get_mut(usize::from(component[2])) {
                *used = true;
            }
        }
    }

    fn quantisation(&mut self, payload: &[u8], offset: usize) {
        let mut at = 0;
        while let Some(head) = payload.get(at) {
            let bytes = 1 + (64 << usize::from(head >> 4).min(1));
            if let Some((defined, _)) = self.tables.get_mut(usize::from(head & 15)) {
                *defined = Some((offset + 4 + at, bytes.min(payload.len() - at)));
            }
            at += bytes;
        }
    }

    /// What can only be said at the end of a picture.
    fn list_findings(&self, listing: &mut Listing) {
        if let Some((offset, profile)) = &self.profile {
            icc::list(profile, *offset, listing);
        }
        for (defined, used) in self.tables {
            if let (Some((offset, bytes)), false) = (defined, used) {
                listing.add("quantisation table that nothing uses", offset, bytes);
            }
        }
    }
}
