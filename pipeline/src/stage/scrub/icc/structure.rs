//! A profile reduced to the numbers that say what colours mean, each of them
//! checked, and written again without any text but ours.

use super::{PROFILE_BYTES_MAX, elements};
use crate::stage::cursor::Cursor;

const HEADER_BYTES: usize = 128;
/// Real profiles have 9 to 30 tags.
const TAGS_MAX: u32 = 100;

const COPYRIGHT: &[u8] = b"None";

/// The tags that say how device colours become the connection space's, in the
/// order they are written, with the types that each may have. The way back
/// (`B2A`) is never gone.
const NUMERIC_TAGS: [(&[u8; 4], &[&[u8; 4]]); 12] = [
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
];

/// D50, the only illuminant a profile connection space may have (7.2.16).
const D50: [u8; 12] = [0, 0, 0xF6, 0xD6, 0, 1, 0, 0, 0, 0, 0xD3, 0x2D];

/// What the samples of a picture, or the inputs of a profile, stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::stage) enum Channels {
    /// One value from black to white.
    Grey,
    /// Red, green, blue.
    Rgb,
    /// Cyan, magenta, yellow, black.
    Inks,
}

/// The numbers of a profile that parsed and defines colours.
#[derive(Debug)]
pub(in crate::stage) struct Profile {
    header: [u8; HEADER_BYTES],
    channels: Channels,
    tags: Vec<Tag>,
}

/// One tag, its body canonical.
#[derive(Debug)]
pub(super) struct Tag {
    pub(super) name: [u8; 4],
    pub(super) body: Vec<u8>,
}

impl Profile {
    /// Reads what is needed, or `None` when that does not parse, is larger than
    /// profiles are, or defines no colours.
    pub(super) fn read(profile: &[u8]) -> Option<Self> {
        let size = usize::try_from(Cursor::new(profile).u32_be().ok()?).ok()?;
        if size > PROFILE_BYTES_MAX {
            return None;
        }
        let profile = profile.get(..size)?;
        let (header, channels) = neutral_header(profile)?;
        let tags = read_tags(profile)?;
        let profile = Self {
            header,
            channels,
            tags,
        };
        profile.defines_colours().then_some(profile)
    }

    /// A display profile made of `tags`, for colours that something else than a
    /// profile describes, or for a profile of our own.
    pub(super) fn of(channels: Channels, tags: Vec<Tag>) -> Self {
        let mut header = [0; HEADER_BYTES];
        // Version 4 has parametric curves, and everything reads it.
        header[8] = 4;
        header[12..16].copy_from_slice(b"mntr");
        header[16..20].copy_from_slice(signature(channels));
        header[20..24].copy_from_slice(b"XYZ ");
        header[36..40].copy_from_slice(b"acsp");
        header[68..80].copy_from_slice(&D50);
        Self {
            header,
            channels,
            tags,
        }
    }

    /// What goes in.
    pub(in crate::stage) fn channels(&self) -> Channels {
        self.channels
    }

    /// Whether colours come out as L*a*b* and not as XYZ.
    pub(in crate::stage) fn connects_by_lab(&self) -> bool {
        &self.header[20..24] == b"Lab "
    }

    /// Whether tables map the colours, which then count before curves do.
    pub(in crate::stage) fn has_tables(&self) -> bool {
        self.tags.iter().any(|tag| tag.name.starts_with(b"A2B"))
    }

    /// The canonical element of a tag.
    pub(in crate::stage) fn element(&self, name: &[u8; 4]) -> Option<&[u8]> {
        let tag = self.tags.iter().find(|tag| tag.name == *name)?;
        Some(&tag.body)
    }

    /// The profile as a file: the same bytes for the same numbers. Parts of a
    /// hostile profile may overlap, and each is written out: `None` if they
    /// have grown beyond the limit.
    pub(in crate::stage) fn canonical(&self, description: &[u8]) -> Option<Vec<u8>> {
        write(self.header, &self.tags, description)
            .filter(|profile| profile.len() <= PROFILE_BYTES_MAX)
    }

    /// Whether a colour engine could compute colours from what is left (8.3 to 8.5).
    fn defines_colours(&self) -> bool {
        let has = |names: &[&[u8; 4]]| names.iter().all(|name| self.element(name).is_some());
        let by_table = has(&[b"A2B0"]);
        match self.channels {
            Channels::Rgb => {
                let matrix = [b"rXYZ", b"gXYZ", b"bXYZ", b"rTRC", b"gTRC", b"bTRC"];
                // A matrix leads to XYZ and to nothing else (8.3.3).
                by_table || (has(&matrix) && !self.connects_by_lab())
            }
            Channels::Grey => has(&[b"kTRC"]),
            Channels::Inks => by_table,
        }
    }
}

fn signature(channels: Channels) -> &'static [u8; 4] {
    match channels {
        Channels::Grey => b"GRAY",
        Channels::Rgb => b"RGB ",
        Channels::Inks => b"CMYK",
    }
}

/// The header with only version, class, colour spaces and intent taken over.
fn neutral_header(profile: &[u8]) -> Option<([u8; HEADER_BYTES], Channels)> {
    let source = profile.first_chunk::<HEADER_BYTES>()?;
    let class: &[u8; 4] = source[12..].first_chunk()?;
    let colours: &[u8; 4] = source[16..].first_chunk()?;
    let connection: &[u8; 4] = source[20..].first_chunk()?;
    let channels = [Channels::Grey, Channels::Rgb, Channels::Inks]
        .into_iter()
        .find(|channels| signature(*channels) == colours)?;
    if &source[36..40] != b"acsp"
        || !matches!(source[8], 2 | 4)
        || ![b"mntr", b"scnr", b"prtr", b"spac"].contains(&class)
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
    Some((header, channels))
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

/// Header, tag table and bodies; equal bodies are written once, as usual for
/// three equal tone curves.
fn write(header: [u8; HEADER_BYTES], tags: &[Tag], description: &[u8]) -> Option<Vec<u8>> {
    // Every profile must have both texts (8.2); readers refuse one without.
    let texts = [(*b"desc", description), (*b"cprt", COPYRIGHT)].map(|(name, text)| Tag {
        name,
        body: localised(text),
    });
    let n_tags = texts.len() + tags.len();
    let data_start = HEADER_BYTES + 4 + 12 * n_tags;
    let mut table = u32::try_from(n_tags).ok()?.to_be_bytes().to_vec();
    let mut data: Vec<u8> = Vec::new();
    let mut written: Vec<(usize, &[u8])> = Vec::new();
    for tag in texts.iter().chain(tags) {
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
