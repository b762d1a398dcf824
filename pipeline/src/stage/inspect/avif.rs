//! AVIF (ISO/IEC 23008-12 and 14496-12): boxes, items and names that no picture
//! needs, and what follows the last box. What lies inside the coded data, between
//! its parts or behind a property's own fields is left to the second judge.

use super::listing::{Listing, Reader};
use super::{exif, icc};

/// Boxes are nested three deep where anything is looked for.
const BOXES_MAX: usize = 10_000;

/// A box: where it begins in the file, and what its header covers.
struct Boxed<'a> {
    name: [u8; 4],
    offset: usize,
    bytes: usize,
    body_at: usize,
    body: &'a [u8],
}

/// Lists what the file carries.
pub(super) fn list(bytes: &[u8], listing: &mut Listing) {
    for part in boxes(bytes, 0, listing) {
        let what = match &part.name {
            b"ftyp" | b"mdat" => continue,
            b"meta" => {
                list_meta(&part, bytes, listing);
                continue;
            }
            b"free" | b"skip" => "padding box",
            b"uuid" => "private box",
            b"moov" | b"moof" => "video",
            _ => "unknown box",
        };
        listing.add(what, part.offset, part.bytes);
    }
}

/// The boxes that lie side by side in `bytes`, which begin at `base` of the file.
/// What is no box ends them and is listed.
fn boxes<'a>(bytes: &'a [u8], base: usize, listing: &mut Listing) -> Vec<Boxed<'a>> {
    let mut reader = Reader::new(bytes);
    let mut found = Vec::new();
    while !reader.rest().is_empty() {
        let start = reader.at;
        match next_box(&mut reader, base).filter(|_| found.len() < BOXES_MAX) {
            Some(part) => found.push(part),
            None => {
                listing.add(
                    "bytes after the last box",
                    base + start,
                    bytes.len() - start,
                );
                break;
            }
        }
    }
    found
}

fn next_box<'a>(reader: &mut Reader<'a>, base: usize) -> Option<Boxed<'a>> {
    let start = reader.at;
    let size = u32::from_be_bytes(reader.array()?);
    let name = reader.array()?;
    let length = match size {
        // To the end of the file.
        0 => reader.rest().len(),
        1 => usize::try_from(u64::from_be_bytes(reader.array()?))
            .ok()?
            .checked_sub(16)?,
        size => usize::try_from(size).ok()?.checked_sub(8)?,
    };
    let body_at = reader.at;
    let body = reader.take(length)?;
    Some(Boxed {
        name,
        offset: base + start,
        bytes: reader.at - start,
        body_at: base + body_at,
        body,
    })
}

/// The tables; a version and flags come first.
fn list_meta(meta: &Boxed<'_>, file: &[u8], listing: &mut Listing) {
    let body = meta.body.get(4..).unwrap_or_default();
    let parts = boxes(body, meta.body_at + 4, listing);
    let has_alpha = parts
        .iter()
        .any(|part| part.name == *b"iprp" && says_alpha(part.body));
    for part in &parts {
        match &part.name {
            b"pitm" | b"idat" => {}
            b"iref" => list_references(part, has_alpha, listing),
            b"hdlr" => list_handler(part, listing),
            b"iinf" => list_items(part, &parts, file, listing),
            b"iprp" => list_properties(part, listing),
            b"iloc" => {}
            b"xml " | b"bxml" => listing.add("XML", part.offset, part.bytes),
            _ => listing.add("unknown box among the tables", part.offset, part.bytes),
        }
    }
}

/// Version, a reserved field, the kind, twelve reserved bytes, a name.
fn list_handler(part: &Boxed<'_>, listing: &mut Listing) {
    const NAME_AT: usize = 24;
    let name = part.body.get(NAME_AT..).unwrap_or_default();
    if name.iter().any(|byte| *byte != 0) {
        listing.add("name of the handler", part.body_at + NAME_AT, name.len());
    }
}

fn list_items(part: &Boxed<'_>, parts: &[Boxed<'_>], file: &[u8], listing: &mut Listing) {
    // The number of entries has 16 bits, or 32 since version 1.
    let counted = if part.body.first() == Some(&0) { 6 } else { 8 };
    let entries = part.body.get(counted..).unwrap_or_default();
    let locations = parts.iter().find(|part| part.name == *b"iloc");
    for entry in boxes(entries, part.body_at + counted, listing) {
        let Some((id, kind, name)) = item(entry.body) else {
            listing.add("item of an unknown type", entry.offset, entry.bytes);
            continue;
        };
        if name.iter().any(|byte| *byte != 0) {
            listing.add("name of an item", entry.offset, entry.bytes);
        }
        let what = match &kind {
            b"av01" | b"grid" => continue,
            b"Exif" => "Exif",
            b"mime" => "XMP",
            b"jumb" => "content credentials (C2PA)",
            _ => "item that is no picture",
        };
        listing.add(what, entry.offset, entry.bytes);
        if kind == *b"Exif"
            && let Some((at, data)) = locations.and_then(|part| located(part.body, id, file))
        {
            exif::list(data, at, listing);
        }
    }
}

/// Number, kind and what follows of an item's entry (infe, versions 2 and 3).
fn item(body: &[u8]) -> Option<(u32, [u8; 4], &[u8])> {
    let mut reader = Reader::new(body);
    let [version, ..] = reader.array::<4>()?;
    let id = match version {
        2 => u16::from_be_bytes(reader.array()?).into(),
        3 => u32::from_be_bytes(reader.array()?),
        _ => return None,
    };
    let _protection: [u8; 2] = reader.array()?;
    let kind = reader.array()?;
    // A name, and for "mime" what it is: one of them says something there.
    Some((id, kind, if kind == *b"mime" { &[] } else { reader.rest() }))
}

/// The TIFF structure of an Exif item in one piece, as most writers place it:
/// versions 0 and 1 of the table with offsets and lengths of 32 bits.
fn located<'a>(table: &[u8], id: u32, file: &'a [u8]) -> Option<(usize, &'a [u8])> {
    let mut reader = Reader::new(table);
    let [version, _, _, _, sizes, bases] = reader.array()?;
    if version > 1 || sizes != 0x44 {
        return None;
    }
    let base_bytes = usize::from(bases >> 4);
    let n_items = u16::from_be_bytes(reader.array()?);
    for _ in 0..n_items {
        let item_id = u16::from_be_bytes(reader.array()?);
        if version == 1 {
            let _method: [u8; 2] = reader.array()?;
        }
        let _source: [u8; 2] = reader.array()?;
        let base = reader.take(base_bytes)?;
        let n_extents = u16::from_be_bytes(reader.array()?);
        let mut first = None;
        for _ in 0..n_extents {
            let extent = [reader.array()?, reader.array()?].map(u32::from_be_bytes);
            first.get_or_insert(extent);
        }
        if u32::from(item_id) == id && n_extents == 1 && base.iter().all(|byte| *byte == 0) {
            let [at, length] = first?;
            let (at, length) = (usize::try_from(at).ok()?, usize::try_from(length).ok()?);
            let item = file.get(at..at.checked_add(length)?)?;
            // Where the structure begins is told by the first four bytes.
            let skipped = u32::from_be_bytes(*item.first_chunk()?);
            let skipped = usize::try_from(skipped).ok()?.checked_add(4)?;
            return Some((at + skipped.min(length), item.get(skipped..)?));
        }
    }
    None
}

/// What items are to each other; a version and flags come first.
fn list_references(part: &Boxed<'_>, has_alpha: bool, listing: &mut Listing) {
    let references = part.body.get(4..).unwrap_or_default();
    let mut auxiliaries_left = usize::from(has_alpha);
    for reference in boxes(references, part.body_at + 4, listing) {
        let what = match &reference.name {
            b"auxl" if auxiliaries_left > 0 => {
                auxiliaries_left -= 1;
                continue;
            }
            b"auxl" => "auxiliary picture",
            b"dimg" | b"prem" => continue,
            b"thmb" => "thumbnail",
            b"cdsc" => "description of the picture",
            _ => "reference that no picture needs",
        };
        listing.add(what, reference.offset, reference.bytes);
    }
}

/// The properties and who has which; only the former say anything.
fn list_properties(part: &Boxed<'_>, listing: &mut Listing) {
    for container in boxes(part.body, part.body_at, listing) {
        if container.name != *b"ipco" {
            continue;
        }
        for property in boxes(container.body, container.body_at, listing) {
            match (&property.name, property.body) {
                (
                    b"colr",
                    [b'p', b'r', b'o', b'f', profile @ ..] | [b'r', b'I', b'C', b'C', profile @ ..],
                ) => {
                    icc::list(profile, property.body_at + 4, listing);
                }
                (b"auxC", kind) if !says_alpha(kind) => {
                    listing.add("auxiliary picture", property.offset, property.bytes);
                }
                (
                    b"ispe" | b"pixi" | b"av1C" | b"colr" | b"irot" | b"imir" | b"auxC" | b"clap"
                    | b"pasp" | b"a1op" | b"a1lx" | b"lsel" | b"clli" | b"mdcv",
                    _,
                ) => {}
                _ => listing.add("unknown property", property.offset, property.bytes),
            }
        }
    }
}

/// Whether the kind of an auxiliary picture that stands in `bytes` is alpha, by
/// its name here or by the older one of HEVC.
fn says_alpha(bytes: &[u8]) -> bool {
    let names: [&[u8]; 2] = [b"auxiliary:alpha\0", b"hevc:2015:auxid:1\0"];
    names
        .iter()
        .any(|name| bytes.windows(name.len()).any(|window| window == *name))
}
