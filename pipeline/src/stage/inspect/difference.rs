//! Where a file first departs from the bytes that would be stored in its place, so
//! that a byte of padding and hidden data do not read alike.
//!
//! Where both are made of known parts, the parts are compared, and what has no
//! meaning in the format is no difference. Elsewhere the bytes are, and what they
//! lie in is named.

use std::borrow::Cow;
use std::ops::Range;

use super::content;
use super::listing::Reader;
use crate::item::Format;

/// As many bytes alike are the same part.
const ALIKE_BYTES: usize = 8;

/// The first difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Difference {
    /// The part that it lies in, in words that quote nothing from the file.
    pub what: &'static str,
    /// What becomes of its bytes.
    pub how: Departure,
    /// Where it begins, in bytes from the start of the file; where the part does if
    /// that is cut into pieces.
    pub offset: usize,
    /// How many bytes of the file are not stored as they are.
    pub bytes: usize,
}

/// What becomes of bytes that are not stored as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Departure {
    /// They are left out.
    LeftOut,
    /// They stand behind what they stood before.
    Moved,
    /// As many others take their place.
    Replaced,
    /// The part is written anew, with another length.
    Rewritten,
}

impl Departure {
    /// In words, behind a number of bytes.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::LeftOut => "would be left out",
            Self::Moved => "would be moved",
            Self::Replaced => "would be replaced",
            Self::Rewritten => "would be written anew",
        }
    }
}

/// The first difference of a file to what is stored of it, which is no equal one.
pub(super) fn first(file: &[u8], stored: &[u8], format: Format, becomes: Format) -> Difference {
    if format != becomes {
        return Difference {
            what: "the picture",
            how: Departure::Rewritten,
            offset: 0,
            bytes: file.len(),
        };
    }
    of_parts(file, stored, format).unwrap_or_else(|| of_bytes(file, stored, format))
}

fn of_parts(file: &[u8], stored: &[u8], format: Format) -> Option<Difference> {
    let theirs = content::parts(file, format)?;
    let ours = content::parts(stored, format)?;
    let mut pairs = theirs.iter().zip(&ours);
    let ((name, theirs), (our_name, our)) = pairs.find(|(theirs, ours)| theirs != ours)?;
    let (how, within, bytes) = if name == our_name {
        departure(theirs, our)
    } else if ours.contains(&(*name, theirs.clone())) {
        (Departure::Moved, 0, theirs.len())
    } else {
        (Departure::LeftOut, 0, theirs.len())
    };
    let start = theirs.as_ptr().addr().checked_sub(file.as_ptr().addr());
    let offset = match theirs {
        Cow::Borrowed(_) => start? + within,
        Cow::Owned(pieces) => {
            let first = pieces.get(..pieces.len().min(16))?;
            file.windows(first.len().max(1))
                .position(|it| it == first)?
        }
    };
    Some(Difference {
        what: part(*name),
        how,
        offset,
        bytes,
    })
}

fn of_bytes(file: &[u8], stored: &[u8], format: Format) -> Difference {
    // The length at the start of a RIFF file follows from all that is behind it.
    let skipped = match format {
        Format::Webp => 12.min(file.len()).min(stored.len()),
        _ => 0,
    };
    let (how, within, bytes) = departure(&file[skipped..], &stored[skipped..]);
    let offset = skipped + within;
    let Some((what, part)) = part_at(file, offset, format) else {
        return Difference {
            what: "the container",
            how,
            offset,
            bytes,
        };
    };
    // Where what follows the part stands in its place, the part is left out.
    let next = file.get(part.end..).unwrap_or(&[]);
    let next = &next[..next.len().min(ALIKE_BYTES)];
    if !next.is_empty()
        && stored
            .get(part.start..)
            .is_some_and(|it| it.starts_with(next))
    {
        return Difference {
            what,
            how: Departure::LeftOut,
            offset: part.start,
            bytes: part.len(),
        };
    }
    Difference {
        what,
        how,
        offset,
        bytes: bytes.min(part.end - offset),
    }
}

/// What becomes of the bytes between what both begin and end with, where those
/// begin, and how many they are.
fn departure(theirs: &[u8], ours: &[u8]) -> (Departure, usize, usize) {
    let same = |(a, b): &(&u8, &u8)| a == b;
    let before = theirs.iter().zip(ours).take_while(same).count();
    let (theirs, ours) = (&theirs[before..], &ours[before..]);
    let after = theirs.iter().rev().zip(ours.iter().rev());
    let after = after.take_while(same).count();
    let how = match (theirs.len() - after, ours.len() - after) {
        (_, 0) => Departure::LeftOut,
        (one, other) if one == other => Departure::Replaced,
        _ => Departure::Rewritten,
    };
    (how, before, theirs.len() - after)
}

/// A part of the file and where it lies.
type Place = (&'static str, Range<usize>);

/// The part that the byte at `offset` belongs to.
fn part_at(file: &[u8], offset: usize, format: Format) -> Option<Place> {
    let mut reader = Reader::new(file);
    match format {
        Format::Jpeg => return jpeg_part_at(&mut reader, offset),
        Format::Gif => return None,
        Format::Png => reader.at = 8,
        Format::Webp => reader.at = 12,
        Format::Avif => {}
    }
    while reader.at <= offset {
        let start = reader.at;
        let [first, second]: [[u8; 4]; 2] = [reader.array()?, reader.array()?];
        let (name, length) = match format {
            Format::Webp => (first, u32::from_le_bytes(second)),
            _ => (second, u32::from_be_bytes(first)),
        };
        let length = usize::try_from(length).ok()?;
        let n_behind = match format {
            Format::Avif => length.checked_sub(8)?,
            Format::Png => length.checked_add(4)?,
            _ => length,
        };
        reader.take(n_behind)?;
        if reader.at > offset {
            return Some((part(name), start..reader.at));
        }
        if format == Format::Webp && length % 2 == 1 {
            reader.byte();
            if reader.at > offset {
                return Some(("padding", offset..reader.at));
            }
        }
    }
    None
}

fn jpeg_part_at(reader: &mut Reader<'_>, offset: usize) -> Option<Place> {
    let (mut between, mut in_scan) = (0, false);
    loop {
        let start = reader.at;
        let [first, marker] = reader.array()?;
        if first == 0xFF && matches!(marker, 0xC0..=0xCF | 0xD8..=0xFE) {
            if start > offset {
                let what = if in_scan {
                    "the data of a scan"
                } else {
                    "bytes between segments"
                };
                return Some((what, between..start));
            }
            if !matches!(marker, 0xD8 | 0xD9) {
                let length = usize::from(u16::from_be_bytes(reader.array()?));
                reader.take(length.checked_sub(2)?)?;
            }
            if reader.at > offset {
                return Some((part([0, 0, 0, marker]), start..reader.at));
            }
            (between, in_scan) = (reader.at, marker == 0xDA);
        } else {
            // The second byte may begin the next marker.
            reader.at = start + 1;
        }
    }
}

/// A part by its name in the file, or in [`content`].
fn part(name: [u8; 4]) -> &'static str {
    match &name {
        b"IHDR" | b"VP8X" | b"scrn" => "the header",
        b"PLTE" | b"tRNS" => "a palette",
        b"IDAT" | b"fdAT" | b"mdat" => "the data of a picture",
        b"fcTL" | b"ctrl" => "the control of a frame",
        b"acTL" | b"ANIM" | b"loop" => "the number of frames or loops",
        b"pHYs" | b"JFIF" => "the density",
        b"iCCP" | b"ICCP" | b"APP2" | b"cICP" | b"sRGB" | b"gAMA" | b"cHRM" | b"Adob" => {
            "what is said of the colours"
        }
        b"ALPH" => "an alpha plane",
        b"VP8 " => "a lossy picture",
        b"VP8L" => "a lossless picture",
        b"ANMF" | b"fram" => "a frame",
        b"tabl" | [0, 0, 0, 0xC4 | 0xDB] => "a table",
        b"rest" | [0, 0, 0, 0xDD] => "the restart interval",
        b"scan" | [0, 0, 0, 0xDA] => "the header of a scan",
        b"data" => "the data of a scan or frame",
        [0, 0, 0, 0xC0..=0xCF] => "the frame",
        [0, 0, 0, 0xD8] => "the start",
        b"IEND" | [0, 0, 0, 0xD9] => "the end",
        [0, 0, 0, _] => "a segment of an application",
        b"ftyp" => "the type of the file",
        b"meta" => "the structure",
        _ => "a part of no known kind",
    }
}
