//! ICC profiles, rewritten: the numbers that say what colours mean are kept,
//! the texts, names, dates, serials and private tags are not.
//!
//! Layout and tag types: ICC.1:2022 (version 4.4), sections 7, 9 and 10.

mod elements;
mod verify;

#[cfg(test)]
mod tests;

use crate::stage::cursor::Cursor;
pub(super) use verify::verify;

/// Largest profile looked at, in bytes. CMYK press profiles are 0.5 to 2.8 MB;
/// display profiles a few kilobytes.
pub(super) const PROFILE_BYTES_MAX: usize = 4 << 20;
const HEADER_BYTES: usize = 128;
/// Real profiles have 9 to 30 tags.
const TAGS_MAX: u32 = 100;

/// The tags that are kept, in the order they are written, with the types that
/// each may have. `desc` and `cprt` come before them, with texts of our own.
const NUMERIC_TAGS: [(&[u8; 4], &[&[u8; 4]]); 16] = [
    (b"wtpt", &[b"XYZ "]),
    (b"chad", &[b"sf32"]),
    (b"rXYZ", &[b"XYZ "]),
    (b"gXYZ", &[b"XYZ "]),
    (b"bXYZ", &[b"XYZ "]),
    (b"rTRC", &[b"curv", b"para"]),
    (b"gTRC", &[b"curv", b"para"]),
    (b"bTRC", &[b"curv", b"para"]),
    (b"kTRC", &[b"curv", b"para"]),
    (b"A2B0", &[b"mft1", b"mft2", b"mAB "]),
    (b"A2B1", &[b"mft1", b"mft2", b"mAB "]),
    (b"A2B2", &[b"mft1", b"mft2", b"mAB "]),
    (b"B2A0", &[b"mft1", b"mft2", b"mBA "]),
    (b"B2A1", &[b"mft1", b"mft2", b"mBA "]),
    (b"B2A2", &[b"mft1", b"mft2", b"mBA "]),
    (b"cicp", &[b"cicp"]),
];

const DESCRIPTION: &[u8] = b"Embedded";
const COPYRIGHT: &[u8] = b"None";

/// D50, the only illuminant a profile connection space may have (7.2.16).
const D50: [u8; 12] = [0, 0, 0xF6, 0xD6, 0, 1, 0, 0, 0, 0, 0xD3, 0x2D];

/// The profile with nothing but its colour numbers, or `None` when it does not
/// parse or defines no colours: the picture is then shown without a profile.
pub(super) fn rewrite(profile: &[u8]) -> Option<Vec<u8>> {
    let size = usize::try_from(Cursor::new(profile).u32_be().ok()?).ok()?;
    if size > PROFILE_BYTES_MAX {
        return None;
    }
    let profile = profile.get(..size)?;
    let header = neutral_header(profile)?;
    let tags = read_tags(profile)?;
    if !defines_colours(&header, &tags) {
        return None;
    }
    // Parts of a hostile profile may overlap, and each is written out: what has
    // grown beyond the limit would not be taken a second time either.
    write(header, tags).filter(|profile| profile.len() <= PROFILE_BYTES_MAX)
}

struct Tag {
    name: [u8; 4],
    body: Vec<u8>,
}

/// The header with only version, class, colour spaces and intent taken over.
fn neutral_header(profile: &[u8]) -> Option<[u8; HEADER_BYTES]> {
    let source = profile.first_chunk::<HEADER_BYTES>()?;
    let class: &[u8; 4] = source[12..].first_chunk()?;
    let colours: &[u8; 4] = source[16..].first_chunk()?;
    let connection: &[u8; 4] = source[20..].first_chunk()?;
    if &source[36..40] != b"acsp"
        || !matches!(source[8], 2 | 4)
        || ![b"mntr", b"scnr", b"prtr", b"spac"].contains(&class)
        || ![b"RGB ", b"GRAY", b"CMYK"].contains(&colours)
        || ![b"XYZ ", b"Lab "].contains(&connection)
    {
        return None;
    }
    let mut header = [0; HEADER_BYTES];
    header[8..10].copy_from_slice(&source[8..10]);
    header[12..24].copy_from_slice(&source[12..24]);
    header[36..40].copy_from_slice(b"acsp");
    header[67] = source[67] & 3;
    header[68..80].copy_from_slice(&D50);
    Some(header)
}

/// The allowed tags in the order of [`NUMERIC_TAGS`]. One that is damaged or of
/// a type that can hold text makes the whole profile worthless.
fn read_tags(profile: &[u8]) -> Option<Vec<Tag>> {
    let mut cursor = Cursor::new(profile.get(HEADER_BYTES..)?);
    let n_tags = cursor.u32_be().ok().filter(|n| *n <= TAGS_MAX)?;
    let mut entries = Vec::new();
    for _ in 0..n_tags {
        let name: [u8; 4] = cursor.array().ok()?;
        entries.push((name, cursor.u32_be().ok()?, cursor.u32_be().ok()?));
    }
    let mut tags = Vec::new();
    for (name, types) in NUMERIC_TAGS {
        let Some((_, offset, size)) = entries.iter().find(|entry| entry.0 == *name) else {
            continue;
        };
        let start = usize::try_from(*offset).ok()?;
        let end = start.checked_add(usize::try_from(*size).ok()?)?;
        let element = profile.get(start..end)?;
        let kind = element.first_chunk::<4>()?;
        if !types.contains(&kind) {
            return None;
        }
        tags.push(Tag {
            name: *name,
            body: elements::canonical(element)?,
        });
    }
    Some(tags)
}

/// Whether a colour engine could compute colours from what is left (8.3 to 8.5).
fn defines_colours(header: &[u8; HEADER_BYTES], tags: &[Tag]) -> bool {
    let has = |names: &[&[u8; 4]]| {
        names
            .iter()
            .all(|name| tags.iter().any(|t| &t.name == *name))
    };
    let by_table = has(&[b"A2B0"]);
    match &header[16..20] {
        b"RGB " => by_table || has(&[b"rXYZ", b"gXYZ", b"bXYZ", b"rTRC", b"gTRC", b"bTRC"]),
        b"GRAY" => by_table || has(&[b"kTRC"]),
        _ => by_table,
    }
}

/// Header, tag table and bodies; equal bodies are written once, as usual for
/// three equal tone curves.
fn write(header: [u8; HEADER_BYTES], mut tags: Vec<Tag>) -> Option<Vec<u8>> {
    let version_4 = header[8] >= 4;
    tags.insert(
        0,
        Tag {
            name: *b"desc",
            body: description(version_4),
        },
    );
    tags.insert(
        1,
        Tag {
            name: *b"cprt",
            body: copyright(version_4),
        },
    );

    let data_start = HEADER_BYTES + 4 + 12 * tags.len();
    let mut table = u32::try_from(tags.len()).ok()?.to_be_bytes().to_vec();
    let mut data: Vec<u8> = Vec::new();
    let mut written: Vec<(usize, &[u8])> = Vec::new();
    for tag in &tags {
        let known = written.iter().find(|(_, body)| *body == tag.body);
        let offset = match known {
            Some((offset, _)) => *offset,
            None => {
                let offset = data_start + data.len();
                data.extend_from_slice(&tag.body);
                data.resize(data.len().next_multiple_of(4), 0);
                written.push((offset, &tag.body));
                offset
            }
        };
        table.extend_from_slice(&tag.name);
        table.extend_from_slice(&u32::try_from(offset).ok()?.to_be_bytes());
        table.extend_from_slice(&u32::try_from(tag.body.len()).ok()?.to_be_bytes());
    }

    let mut profile = [&header[..], &table, &data].concat();
    let size = u32::try_from(profile.len()).ok()?;
    profile[..4].copy_from_slice(&size.to_be_bytes());
    Some(profile)
}

/// Every profile must have a description (8.2); readers refuse one without.
fn description(version_4: bool) -> Vec<u8> {
    if version_4 {
        return localised(DESCRIPTION);
    }
    // textDescriptionType: ASCII with its terminator, then an empty Unicode and
    // an empty 67-byte Macintosh text.
    let length = u32::try_from(DESCRIPTION.len() + 1)
        .unwrap_or(0)
        .to_be_bytes();
    [
        b"desc\0\0\0\0",
        &length[..],
        DESCRIPTION,
        &[0; 1 + 8 + 3 + 67],
    ]
    .concat()
}

fn copyright(version_4: bool) -> Vec<u8> {
    if version_4 {
        localised(COPYRIGHT)
    } else {
        [b"text\0\0\0\0", COPYRIGHT, b"\0"].concat()
    }
}

/// multiLocalizedUnicodeType with one record.
fn localised(text: &[u8]) -> Vec<u8> {
    let bytes = u32::try_from(text.len() * 2).unwrap_or(0).to_be_bytes();
    let mut body = [
        b"mluc\0\0\0\0\0\0\0\x01\0\0\0\x0cenUS",
        &bytes[..],
        &[0, 0, 0, 28],
    ]
    .concat();
    body.extend(text.iter().flat_map(|byte| [0, *byte]));
    body
}
